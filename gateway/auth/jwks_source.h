// Where the keys come from: a file, a URL, a secret's file. Keeps the last good ones when the issuer is down or a file is bad;
// fetches by a thread of its own, one fetch at a time, and never sooner than the cool-down after the last. Verifies nothing.
// Owned by JwtMode; every function is thread safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/jwks.h"
#include "gateway/auth/settings.h"

namespace gateway::auth {

class JwksSource {
public:
    using Note = std::function<void(const std::string&)>;
    using Keys = std::shared_ptr<const KeySet>;

    // Reads the files. The errors name the setting.
    [[nodiscard]] static tl::expected<std::unique_ptr<JwksSource>, std::vector<std::string>> make(const Settings& settings);
    ~JwksSource() { stop(); }
    JwksSource(const JwksSource&) = delete;
    JwksSource& operator=(const JwksSource&) = delete;

    // Starts the thread: the first fetch at once, files looked at every half second. `note` is told what could not be had, once
    // for each reason, and when it can be had again.
    void start(Note note);
    // Ends the thread, and every wait for a fetch.
    void stop();

    [[nodiscard]] Keys keys() const;
    // That of `keys()`, for less.
    [[nodiscard]] std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
    // Other keys than `seen`, if a fetch that is under way or may begin now brings them: waits for it, a second at most, and only
    // if it is no older. Else, as with more than 32 threads waiting, what there is, at once.
    [[nodiscard]] Keys keys_after(const Keys& seen);

private:
    using Clock = std::chrono::steady_clock;

    // A file of keys: what it was like when it was last read, and what there was to complain about.
    struct File {
        std::string path;
        std::string setting;
        std::string stamp;
        std::string complaint;
    };

    explicit JwksSource(const Settings& settings);
    [[nodiscard]] std::string read_keys(const std::string& text);
    [[nodiscard]] std::string read_secret(const std::string& text);
    void look_at(File& file, std::string (JwksSource::*read)(const std::string&));
    void note_left_out() const;
    void complain(std::string& before, std::string now, const std::string& what);
    void publish();
    void run();
    void fetch_once(std::unique_lock<std::mutex>& lock);

    const Settings settings_;
    const Algorithms allowed_;
    Note note_;
    // Of the thread alone, once it runs.
    File jwks_file_;
    File secret_file_;
    std::string document_;  // of the keys in use
    std::string fetch_complaint_;
    std::optional<KeySet> public_keys_;
    std::optional<VerifyKey> secret_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;  // of the thread
    std::condition_variable done_;  // of those who wait for a fetch
    Keys keys_;
    std::atomic<std::uint64_t> generation_{0};
    bool is_wanted_ = false;
    bool is_fetching_ = false;
    std::uint64_t fetches_done_ = 0;
    std::size_t waiting_ = 0;
    Clock::time_point fetch_began_;
    Clock::time_point next_allowed_;
    Clock::time_point next_refresh_;
    bool is_started_ = false;
    std::atomic<bool> is_stopping_{false};
    std::thread thread_;
};

}  // namespace gateway::auth
