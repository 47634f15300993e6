// The API keys of a folder, by id, as the files are now: each file is read again when it changes, and one that became faulty keeps
// what it last said. It makes and revokes nothing (key_file does) and knows no HTTP. Made by app where auth.modes has api_key,
// asked by Identity for each request with a key.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gateway/auth/api_key.h"
#include "gateway/auth/identity.h"
#include "gateway/auth/key_file.h"

namespace gateway::auth {

// `find` is thread safe; `refresh` is for one thread at a time.
class ApiKeys final : public ApiKeySource {
public:
    // Reads nothing yet.
    explicit ApiKeys(std::string folder) : folder_(std::move(folder)) {}

    // Every refusal costs the same hash and comparison but those of a text that cannot be a key.
    [[nodiscard]] tl::expected<Subject, std::string> find(std::string_view key,
                                                          std::chrono::system_clock::time_point now) const override;

    // Looks at every file and reads those that changed. What is new and wrong comes back, each with file and line.
    std::vector<std::string> refresh();
    // The same, but looks at the folder alone where that shows that no file came, went or was replaced.
    std::vector<std::string> refresh_if_folder_changed();
    [[nodiscard]] std::size_t size() const;

private:
    using Table = std::unordered_map<std::string_view, std::shared_ptr<const ApiKey>>;  // keyed by the key's own id
    struct File {
        FileSign sign;
        std::shared_ptr<const ApiKey> key;  // null: never was good
    };

    [[nodiscard]] std::shared_ptr<const Table> table() const;
    void read_changed(std::unordered_map<std::string, FileSign>& there, std::vector<std::string>& faults);

    const std::string folder_;
    std::unordered_map<std::string, File> files_;  // by name
    FileSign folder_sign_;
    bool is_folder_settled_ = false;
    std::string folder_fault_;

    mutable std::mutex mutex_;
    std::shared_ptr<const Table> table_ = std::make_shared<const Table>();
};

// Keeps keys as their folder is, from a thread of its own, until it is destroyed. A revocation acts kLook later at the latest; a
// file that was written in place, kLookAtAll later.
class KeyWatch {
public:
    using Note = std::function<void(const std::string&)>;
    static constexpr std::chrono::milliseconds kLook{250};
    static constexpr std::chrono::milliseconds kLookAtAll{1500};

    KeyWatch(std::shared_ptr<ApiKeys> keys, Note note);
    ~KeyWatch();
    KeyWatch(const KeyWatch&) = delete;
    KeyWatch& operator=(const KeyWatch&) = delete;

private:
    void run();

    std::shared_ptr<ApiKeys> keys_;
    Note note_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_stopping_ = false;
    std::thread thread_;
};

}  // namespace gateway::auth
