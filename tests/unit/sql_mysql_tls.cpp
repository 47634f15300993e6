#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sql/mysql/connection.h"

using namespace std::chrono_literals;
using sql::exec::DbFault;
using sql::exec::Deadline;

namespace {

// A server that greets as MariaDB does, with no TLS on offer: what a man in the middle makes of one that has it.
class PlainGreeter {
public:
    PlainGreeter() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
        REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        REQUIRE(listen(listener_, 10) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { greet(); });
    }
    PlainGreeter(const PlainGreeter&) = delete;
    PlainGreeter& operator=(const PlainGreeter&) = delete;
    ~PlainGreeter() {
        shutdown(listener_, SHUT_RDWR);
        thread_.join();
        close(listener_);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    // What the client said, its answer to the greeting above all.
    [[nodiscard]] std::size_t bytes_heard() const { return bytes_heard_; }
    [[nodiscard]] int greeted() const { return greeted_; }

private:
    void greet() {
        for (int client = accept(listener_, nullptr, nullptr); client >= 0; client = accept(listener_, nullptr, nullptr)) {
            std::string greeting("\x0a" "10.11.6-MariaDB\0" "\x07\0\0\0" "abcdefgh\0", 1 + 16 + 4 + 9);
            const std::uint16_t capabilities = 0xFFFF & ~0x0800;
            greeting += static_cast<char>(capabilities & 0xFF);
            greeting += static_cast<char>(capabilities >> 8);
            greeting += std::string("\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0" "abcdefghijkl\0" "mysql_native_password\0", 51);
            const std::string head{static_cast<char>(greeting.size()), 0, 0, 0};
            const std::string packet = head + greeting;
            send(client, packet.data(), packet.size(), MSG_NOSIGNAL);
            ++greeted_;
            char bytes[4096];
            pollfd wanted{client, POLLIN, 0};
            if (poll(&wanted, 1, 1000) > 0) {
                const ssize_t size = recv(client, bytes, sizeof(bytes), 0);
                bytes_heard_ += size > 0 ? static_cast<std::size_t>(size) : 0;
            }
            close(client);
        }
    }

    const int listener_;
    std::uint16_t port_ = 0;
    std::atomic<std::size_t> bytes_heard_{0};
    std::atomic<int> greeted_{0};
    std::thread thread_;
};

auto connect(const PlainGreeter& greeter, const std::string& ca) {
    sql::mysql::start();
    sql::MysqlSettings settings;
    settings.host = "127.0.0.1";
    settings.port = greeter.port();
    settings.user = "user";
    settings.password = "secret";
    settings.schema = "s";
    settings.tls_ca = ca;
    const auto database = sql::mysql::open(settings, {});
    return database->check(Deadline::after(3s));
}

}  // namespace

TEST_CASE("a server whose offer of TLS was taken away hears nothing of our account") {
    // The file's contents do not matter: it never comes to a certificate.
    const auto file = std::filesystem::temp_directory_path() / ("rowgate_tls_" + std::to_string(getpid()) + ".pem");
    std::ofstream(file) << "";
    {
        const PlainGreeter greeter;
        const auto done = connect(greeter, file);
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::unavailable);
        CAPTURE(done.error().internal);
        CHECK(done.error().internal.find("server does not support it") != std::string::npos);
        CHECK(greeter.greeted() == 1);
        CHECK(greeter.bytes_heard() == 0);
    }
    std::filesystem::remove(file);
}

TEST_CASE("without TLS in the settings the same server hears our account, so the test above can fail") {
    const PlainGreeter greeter;
    CHECK(!connect(greeter, ""));
    CHECK(greeter.greeted() >= 1);
    CHECK(greeter.bytes_heard() > 0);
}
