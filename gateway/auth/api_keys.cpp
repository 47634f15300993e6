#include "gateway/auth/api_keys.h"

#include <openssl/crypto.h>

#include <exception>
#include <utility>

#include <fmt/format.h>

namespace gateway::auth {

tl::expected<Subject, std::string> ApiKeys::find(std::string_view key, std::chrono::system_clock::time_point now) const {
    switch (judge_key(key)) {
        case KeyText::malformed: return tl::unexpected<std::string>("the API key is malformed");
        case KeyText::mistyped: return tl::unexpected<std::string>("the API key is mistyped: its checksum does not fit");
        case KeyText::good: break;
    }
    static const ApiKey kNobody;
    const KeyHash hash = hash_of(key);
    const std::shared_ptr<const Table> keys = table();
    const auto found = keys->find(key_id_of(key));
    const bool is_known = found != keys->end();
    const ApiKey& known = is_known ? *found->second : kNobody;
    // Also for an unknown id, so that its answer takes as long; never by an operator that stops at the first difference.
    const bool is_same = CRYPTO_memcmp(hash.data(), known.hash.data(), hash.size()) == 0;
    const auto refuse = [&key](std::string_view why) {
        return tl::unexpected(fmt::format("the API key {}{} {}", kKeyPrefix, key_id_of(key), why));
    };
    if (!is_known) {
        return refuse("is unknown");
    }
    if (!is_same) {
        return refuse("has another secret");
    }
    if (known.revoked) {
        return refuse("is revoked");
    }
    if (known.expires && now >= *known.expires) {
        return refuse("has expired");
    }
    return known.subject;
}

std::shared_ptr<const ApiKeys::Table> ApiKeys::table() const {
    const std::lock_guard lock(mutex_);
    return table_;
}

std::size_t ApiKeys::size() const {
    return table()->size();
}

void ApiKeys::read_changed(std::unordered_map<std::string, FileSign>& there, std::vector<std::string>& faults) {
    bool has_changed = false;
    for (auto file = files_.begin(); file != files_.end();) {
        if (there.contains(file->first)) {
            ++file;
        } else {
            has_changed = true;
            file = files_.erase(file);
        }
    }
    for (const auto& [name, sign] : there) {
        const auto known = files_.find(name);
        if (known != files_.end() && known->second.sign == sign && sign.is_settled) {
            continue;
        }
        auto key = read_key_file(folder_, name);
        const bool is_news = known == files_.end() || !known->second.sign.is_same_file(sign);
        File& file = files_[name];
        file.sign = sign;
        if (key) {
            file.key = std::make_shared<const ApiKey>(*std::move(key));
            has_changed = true;
        } else if (is_news) {
            for (std::string& fault : key.error()) {
                faults.push_back(fault + (file.key ? "; the key stays as it was" : ""));
            }
        }
    }
    if (!has_changed) {
        return;
    }
    auto fresh = std::make_shared<Table>();
    fresh->reserve(files_.size());
    for (const auto& [name, file] : files_) {
        if (file.key) {
            fresh->emplace(file.key->id, file.key);
        }
    }
    const std::lock_guard lock(mutex_);
    table_ = std::move(fresh);
}

std::vector<std::string> ApiKeys::refresh() {
    std::vector<std::string> faults;
    const FileSign before = sign_of_folder(folder_);
    auto there = list_key_files(folder_);
    if (!there) {
        // Not a reason to lock everybody out: the keys stay until the folder can be read, or is gone.
        if (there.error() != folder_fault_) {
            faults.push_back(folder_fault_ = there.error());
        }
        is_folder_settled_ = false;
        return faults;
    }
    folder_fault_.clear();
    read_changed(*there, faults);
    folder_sign_ = before;
    is_folder_settled_ = before.is_settled;
    return faults;
}

std::vector<std::string> ApiKeys::refresh_if_folder_changed() {
    if (is_folder_settled_ && sign_of_folder(folder_).is_same_file(folder_sign_)) {
        return {};
    }
    return refresh();
}

KeyWatch::KeyWatch(std::shared_ptr<ApiKeys> keys, Note note)
    : keys_(std::move(keys)), note_(std::move(note)), thread_([this] { run(); }) {}

KeyWatch::~KeyWatch() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void KeyWatch::run() {
    using Clock = std::chrono::steady_clock;
    Clock::time_point looked_at_all = Clock::now();
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kLook, [this] { return is_stopping_; })) {
        lock.unlock();
        const bool is_all_due = Clock::now() - looked_at_all >= kLookAtAll;
        try {
            for (const std::string& fault : is_all_due ? keys_->refresh() : keys_->refresh_if_folder_changed()) {
                note_(fault);
            }
        } catch (const std::exception& exception) {
            note_(std::string("the API keys cannot be looked at: ") + exception.what());
        }
        if (is_all_due) {
            looked_at_all = Clock::now();
        }
        lock.lock();
    }
}

}  // namespace gateway::auth
