// A unix socket between the gateway's side and the server that stalls or cuts at a chosen command. Used by the unit tests of sql/mysql.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/unit/scratch_folder.h"

namespace proxy {

inline sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return address;
}

// What is done to the connection whose client bytes are `when`.
enum class Harm { cut_before, cut_after, stall_before, stall_after };

class Proxy {
public:
    explicit Proxy(std::string server) : server_(std::move(server)) {
        path_ = folder_.file("s");
        listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
        const sockaddr_un address = address_of(path_);
        REQUIRE(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
        REQUIRE(listen(listener_, 100) == 0);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;
    ~Proxy() {
        is_ending_ = true;
        acceptor_.join();
        for (std::thread& link : links_) {
            link.join();
        }
        close(listener_);
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    // Once: the next client bytes for which `when` is true.
    void harm(Harm harm, std::function<bool(std::string_view)> when) {
        const std::lock_guard lock(mutex_);
        harm_ = harm;
        when_ = std::move(when);
    }
    // All connections, new ones too.
    void stall(bool is_stalled) { is_stalled_ = is_stalled; }
    [[nodiscard]] int links() const { return link_count_; }

private:
    void accept_all() {
        while (!is_ending_) {
            pollfd wanted{listener_, POLLIN, 0};
            if (poll(&wanted, 1, 10) > 0) {
                const int client = accept(listener_, nullptr, nullptr);
                ++link_count_;
                links_.emplace_back([this, client] { link(client); });
            }
        }
    }

    void link(int client) {
        const int server = socket(AF_UNIX, SOCK_STREAM, 0);
        const sockaddr_un address = address_of(server_);
        bool is_open = connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
        bool is_stuck = false;
        while (is_open && !is_ending_) {
            if (is_stalled_ || is_stuck) {
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
                pollfd hung{client, POLLRDHUP, 0};
                is_open = poll(&hung, 1, 0) == 0;
                continue;
            }
            std::array<pollfd, 2> wanted{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
            poll(wanted.data(), wanted.size(), 10);
            if (wanted[1].revents != 0) {
                is_open = copy(server, client);
            }
            if (is_open && wanted[0].revents != 0) {
                is_open = from_client(client, server, is_stuck);
            }
        }
        close(client);
        close(server);
    }

    bool from_client(int client, int server, bool& is_stuck) {
        std::array<char, 65536> bytes;
        const ssize_t size = recv(client, bytes.data(), bytes.size(), 0);
        if (size <= 0) {
            return false;
        }
        const std::string_view view(bytes.data(), static_cast<std::size_t>(size));
        std::function<bool(std::string_view)> when;
        Harm harm{};
        {
            const std::lock_guard lock(mutex_);
            if (when_ && when_(view)) {
                when = std::exchange(when_, nullptr);
                harm = harm_;
            }
        }
        const bool is_sent = !when || harm == Harm::cut_after || harm == Harm::stall_after;
        if (is_sent && send(server, view.data(), view.size(), MSG_NOSIGNAL) != size) {
            return false;
        }
        if (!when) {
            return true;
        }
        // Time for the server to do it; its answer is never passed on.
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        is_stuck = harm == Harm::stall_before || harm == Harm::stall_after;
        return is_stuck;
    }

    static bool copy(int from, int to) {
        std::array<char, 65536> bytes;
        const ssize_t size = recv(from, bytes.data(), bytes.size(), 0);
        return size > 0 && send(to, bytes.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
    }

    const std::string server_;
    ScratchFolder folder_;
    std::string path_;
    int listener_ = -1;
    std::atomic<bool> is_ending_{false};
    std::atomic<bool> is_stalled_{false};
    std::atomic<int> link_count_{0};
    std::mutex mutex_;
    Harm harm_{};
    std::function<bool(std::string_view)> when_;
    std::list<std::thread> links_;
    std::thread acceptor_;
};

}  // namespace proxy
