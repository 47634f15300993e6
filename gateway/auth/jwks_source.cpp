#include "gateway/auth/jwks_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/jwks_fetch.h"
#include "gateway/http/blocking.h"

namespace gateway::auth {
namespace {

constexpr std::chrono::milliseconds kWaitMax{1000};
constexpr std::chrono::milliseconds kLookInterval{500};
constexpr std::size_t kWaitingMax = 32;  // half of the threads that there are by default
constexpr std::size_t kFileBytesMax = 512u << 10;

Algorithms algorithms_of(const std::vector<std::string>& names) {
    Algorithms algorithms;
    for (const std::string& name : names) {
        if (const auto algorithm = parse_algorithm(name)) {
            algorithms.add(*algorithm);
        }
    }
    return algorithms;
}

// Changes when the file does, or is another, or is gone.
std::string stamp_of(const std::string& path) {
    struct stat now {};
    if (::stat(path.c_str(), &now) != 0) {
        return std::strerror(errno);
    }
    return fmt::format("{} {} {} {}.{}", now.st_dev, now.st_ino, now.st_size, now.st_mtim.tv_sec, now.st_mtim.tv_nsec);
}

tl::expected<std::string, std::string> text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return tl::unexpected(fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    std::string text;
    std::string chunk(64u << 10, '\0');
    while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || file.gcount() > 0) {
        text.append(chunk, 0, static_cast<std::size_t>(file.gcount()));
        if (text.size() > kFileBytesMax) {
            return tl::unexpected(fmt::format("has more than {} bytes", kFileBytesMax));
        }
    }
    return file.bad() ? tl::unexpected<std::string>("cannot be read") : tl::expected<std::string, std::string>(std::move(text));
}

}  // namespace

JwksSource::JwksSource(const Settings& settings)
    : settings_(settings),
      allowed_(algorithms_of(settings.jwt_algorithms)),
      jwks_file_{settings.jwks_file, "auth.jwks_file", {}, {}},
      secret_file_{settings.jwt_secret_file, "auth.jwt_secret_file", {}, {}} {}

tl::expected<std::unique_ptr<JwksSource>, std::vector<std::string>> JwksSource::make(const Settings& settings) {
    std::unique_ptr<JwksSource> source(new JwksSource(settings));
    std::vector<std::string> errors;
    const auto note = [&errors](const std::string& what) { errors.push_back(what); };
    source->note_ = note;
    source->look_at(source->jwks_file_, &JwksSource::read_keys);
    source->look_at(source->secret_file_, &JwksSource::read_secret);
    source->note_ = nullptr;
    if (!errors.empty()) {
        return tl::unexpected(std::move(errors));
    }
    source->publish();
    return source;
}

void JwksSource::stop() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    wake_.notify_all();
    done_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void JwksSource::start(Note note) {
    note_ = std::move(note);
    is_started_ = true;
    note_left_out();
    thread_ = std::thread([this] { run(); });
}

JwksSource::Keys JwksSource::keys() const {
    const std::lock_guard lock(mutex_);
    return keys_;
}

JwksSource::Keys JwksSource::keys_after(const Keys& seen) {
    // The thread's place is another's while it waits; before the lock, for that takes one of its own.
    const http::Blocking blocking;
    std::unique_lock lock(mutex_);
    if (keys_ != seen || settings_.jwks_url.empty() || !is_started_ || is_stopping_ || waiting_ >= kWaitingMax) {
        return keys_;
    }
    const Clock::time_point now = Clock::now();
    const Clock::time_point begins = is_fetching_ ? fetch_began_ : std::max(now, next_allowed_);
    const Clock::time_point end = std::min(now, begins) + kWaitMax;
    if (end <= now || begins > end) {
        return keys_;
    }
    if (!is_fetching_) {
        is_wanted_ = true;
        wake_.notify_one();
    }
    const std::uint64_t awaited = fetches_done_ + 1;
    ++waiting_;
    done_.wait_until(lock, end, [&] { return keys_ != seen || fetches_done_ >= awaited || is_stopping_; });
    --waiting_;
    return keys_;
}

// Both give what is wrong, or nothing and the keys to publish.
std::string JwksSource::read_keys(const std::string& text) {
    if (text == document_) {
        return {};
    }
    auto set = KeySet::parse(text, allowed_);
    if (!set) {
        return std::move(set).error();
    }
    public_keys_ = std::move(*set);
    document_ = text;
    note_left_out();
    publish();
    return {};
}

std::string JwksSource::read_secret(const std::string& text) {
    std::string_view secret = text;
    // One line's end, as an editor leaves it.
    if (secret.ends_with('\n')) {
        secret.remove_suffix(1);
    }
    if (secret.ends_with('\r')) {
        secret.remove_suffix(1);
    }
    auto key = VerifyKey::from_secret(std::string(secret));
    if (!key) {
        return std::move(key).error();
    }
    secret_ = std::move(*key);
    publish();
    return {};
}

void JwksSource::look_at(File& file, std::string (JwksSource::*read)(const std::string&)) {
    if (file.path.empty()) {
        return;
    }
    std::string stamp = stamp_of(file.path);
    if (stamp == file.stamp) {
        return;
    }
    file.stamp = std::move(stamp);
    const auto text = text_of(file.path);
    complain(file.complaint, text ? (this->*read)(*text) : text.error(), fmt::format("{}: {}", file.setting, file.path));
}

void JwksSource::note_left_out() const {
    if (!is_started_ || !public_keys_) {
        return;
    }
    for (const std::string& reason : public_keys_->left_out) {
        note_("a key of the key set is not used: " + reason);
    }
}

void JwksSource::complain(std::string& before, std::string now, const std::string& what) {
    if (now != before && note_) {
        note_(now.empty() ? fmt::format("{}: good again", what) : fmt::format("{}: {}", what, now));
    }
    before = std::move(now);
}

void JwksSource::publish() {
    auto set = std::make_shared<KeySet>();
    if (public_keys_) {
        set->keys = public_keys_->keys;
    }
    if (secret_) {
        set->keys.push_back(*secret_);
    }
    set->is_complete = settings_.jwks_url.empty() || public_keys_.has_value();
    const std::lock_guard lock(mutex_);
    set->generation = generation_.load() + 1;
    const std::uint64_t generation = set->generation;
    keys_ = std::move(set);
    generation_.store(generation, std::memory_order_release);
}

void JwksSource::fetch_once(std::unique_lock<std::mutex>& lock) {
    is_wanted_ = false;
    is_fetching_ = true;
    fetch_began_ = Clock::now();
    next_allowed_ = fetch_began_ + settings_.jwks_cooldown;
    lock.unlock();
    const auto text = fetch(settings_.jwks_url, settings_.jwks_timeout, is_stopping_);
    std::string problem = text ? read_keys(*text) : text.error();
    const bool is_good = problem.empty();
    if (!is_stopping_) {
        complain(fetch_complaint_, std::move(problem), fmt::format("auth.jwks_url: {}", settings_.jwks_url));
    }
    lock.lock();
    next_refresh_ = is_good ? fetch_began_ + std::max(settings_.jwks_refresh, settings_.jwks_cooldown) : next_allowed_;
    is_fetching_ = false;
    ++fetches_done_;
    done_.notify_all();
}

void JwksSource::run() {
    Clock::time_point next_look = Clock::now() + kLookInterval;
    std::unique_lock lock(mutex_);
    while (!is_stopping_) {
        const Clock::time_point now = Clock::now();
        if (now >= next_look) {
            lock.unlock();
            look_at(jwks_file_, &JwksSource::read_keys);
            look_at(secret_file_, &JwksSource::read_secret);
            lock.lock();
            next_look = now + kLookInterval;
        }
        const bool has_url = !settings_.jwks_url.empty();
        const Clock::time_point due = is_wanted_ ? next_allowed_ : std::max(next_refresh_, next_allowed_);
        if (has_url && now >= due) {
            fetch_once(lock);
            continue;
        }
        wake_.wait_until(lock, has_url ? std::min(next_look, due) : next_look);
    }
}

}  // namespace gateway::auth
