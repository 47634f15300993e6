#include "gateway/tenants/folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "gateway/config/source.h"
#include "gateway/tenants/load.h"

namespace gateway::tenants {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 16u << 20;
// The clock of a file system ticks in steps: two writes within one leave the same time.
constexpr std::time_t kSettleSeconds = 2;

tl::expected<std::vector<std::string>, std::string> list_files(const std::string& folder) {
    std::error_code failed;
    std::vector<std::string> files;
    fs::directory_iterator entry(folder, failed);
    for (const fs::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
        const std::string name = entry->path().filename().string();
        if (name.ends_with(".toml") && name.front() != '.') {
            files.push_back(entry->path().string());
        }
    }
    if (failed) {
        return tl::unexpected(fmt::format("{}: the folder of tenants cannot be read: {}", folder, failed.message()));
    }
    // The order of the folder is the file system's: which of two twins is refused must not depend on it.
    std::sort(files.begin(), files.end());
    return files;
}

// Passwords and authorities lie outside the text: the same text may mean something else by now.
bool reads_other_files(std::string_view text) {
    return text.find("password_") != std::string_view::npos || text.find("tls_ca") != std::string_view::npos;
}

// The same database as it was before, when its connections may go on.
const RegisteredDatabase* twin_of(const Space& before, const RegisteredDatabase& database) {
    const RegisteredDatabase* twin = before.find(database.type, database.name);
    return twin != nullptr && twin->settings == database.settings ? twin : nullptr;
}

}  // namespace

bool Folder::is_same(const Stamp& one, const Stamp& other) {
    const auto key = [](const Stamp& stamp) {
        return std::tuple(stamp.device, stamp.inode, stamp.size, stamp.modified.tv_sec, stamp.modified.tv_nsec, stamp.changed.tv_sec,
                          stamp.changed.tv_nsec);
    };
    return key(one) == key(other);
}

Folder::Digest Folder::digest(std::string_view text) {
    std::uint64_t fnv = 0xCBF29CE484222325u;
    for (const char c : text) {
        fnv = (fnv ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    }
    return {text.size(), std::hash<std::string_view>{}(text), fnv};
}

void Folder::look_at(const std::string& path, Scope scope, bool is_named, Candidates& candidates, Reading& reading) {
    File& file = files_[path];
    struct stat status {};
    Stamp stamp;
    if (::stat(path.c_str(), &status) == 0) {
        stamp = {status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
    }
    const bool was_faulty = !file.messages.empty();
    if (scope == Scope::changed && !is_named && !was_faulty && file.is_settled && is_same(stamp, file.stamp)) {
        return;
    }
    file.stamp = stamp;
    file.is_settled = std::time(nullptr) - std::max(stamp.modified.tv_sec, stamp.changed.tv_sec) > kSettleSeconds;
    auto text = config::read_file(path, kFileBytesMax);
    if (!text) {
        take(path, file, LoadedOrg{.org = nullptr, .name = {}, .id = {}, .name_line = 0, .id_line = 0, .messages = {fmt::format("{}: {}", path, text.error())}}, candidates);
        return;
    }
    const bool may_differ = was_faulty || (scope == Scope::everything && reads_other_files(*text));
    const Digest content = digest(*text);
    if (content == file.text && file.org != nullptr && !may_differ) {
        return;
    }
    ++reading.parsed;
    LoadedOrg loaded = load_org(path, *text, config_);
    file.text = content;
    take(path, file, std::move(loaded), candidates);
}

void Folder::take(const std::string& path, File& file, LoadedOrg loaded, Candidates& candidates) {
    file.messages = std::move(loaded.messages);
    file.named = {std::move(loaded.name), std::move(loaded.id)};
    if (loaded.org != nullptr) {
        candidates[path] = {&file, std::move(loaded.org), loaded.name_line, loaded.id_line, {}, false};
    }
}

bool Folder::claim(Candidates& candidates) const {
    struct Claim {
        const std::string* path;
        const Org* org;
        Candidate* candidate;  // null: an entry that is in force already
        int rank;              // who had it comes first
    };
    std::vector<Claim> claims;
    claims.reserve(files_.size());
    for (const auto& [path, file] : files_) {
        const auto found = candidates.find(path);
        const Org* before = file.org.get();
        if (found == candidates.end() || found->second.is_refused) {
            if (before != nullptr) claims.push_back({&path, before, nullptr, 0});
            continue;
        }
        const Org& next = *found->second.org;
        const int kept = before == nullptr ? 0 : (before->name == next.name ? 1 : 0) + (before->id == next.id ? 1 : 0);
        claims.push_back({&path, &next, &found->second, 2 - kept});
    }
    std::ranges::stable_sort(claims, {}, &Claim::rank);
    std::unordered_map<std::string_view, const std::string*> names;
    std::unordered_map<std::string_view, const std::string*> ids;
    bool is_settled = true;
    for (const Claim& claim : claims) {
        const auto name = names.find(claim.org->name);
        const auto id = ids.find(claim.org->id);
        if (name == names.end() && id == ids.end()) {
            names.emplace(claim.org->name, claim.path);
            ids.emplace(claim.org->id, claim.path);
            continue;
        }
        Candidate& loser = *claim.candidate;  // those in force never meet: they were there together before
        loser.is_refused = true;
        loser.conflicts.clear();
        if (name != names.end()) {
            loser.conflicts.push_back(
                fmt::format("{}:{}: name: \"{}\" is taken by {}", *claim.path, loser.name_line, claim.org->name, *name->second));
        }
        if (id != ids.end()) {
            loser.conflicts.push_back(fmt::format("{}:{}: id: \"{}\" is taken by {}", *claim.path, loser.id_line, claim.org->id, *id->second));
        }
        is_settled = is_settled && loser.file->org == nullptr;
    }
    return is_settled;
}

void Folder::settle_claims(Candidates& candidates) const {
    // Each further turn refuses at least one more.
    while (!claim(candidates)) {
    }
}

void Folder::adopt(Org& next) const {
    const std::shared_ptr<const Org> before = current_.org(next.name);
    const bool is_known = before != nullptr && before->id == next.id;
    for (Project& project : next.projects) {
        const Project* old_project = is_known ? current_.find_project(next.name, project.name) : nullptr;
        const bool is_known_project = old_project != nullptr && old_project->id == project.id;
        for (Space& space : project.spaces) {
            auth::Subject whose;
            whose.org_id = next.id;
            whose.project_id = project.id;
            whose.space_id = space.id;
            const Space* old_space = is_known_project ? current_.find(next.name, project.name, whose) : nullptr;
            if (old_space != nullptr) {
                space.share.adopt(old_space->share);
            }
            for (RegisteredDatabase& database : space.databases) {
                const RegisteredDatabase* twin = old_space == nullptr ? nullptr : twin_of(*old_space, database);
                if (twin != nullptr) {
                    database.database = twin->database;
                } else if (budget_ != nullptr) {
                    database.database->share(budget_);
                }
            }
        }
    }
}

Registry Folder::build() const {
    std::vector<std::shared_ptr<const Org>> orgs;
    std::vector<Registry::Unavailable> unavailable;
    std::vector<FaultyFile> faulty;
    orgs.reserve(files_.size());
    for (const auto& [path, file] : files_) {
        if (file.org != nullptr) {
            orgs.push_back(file.org);
        } else if (!file.named.name.empty() && !file.named.id.empty()) {
            unavailable.push_back(file.named);
        }
        if (!file.messages.empty()) {
            faulty.push_back({path, file.messages, file.org != nullptr});
        }
    }
    return Registry(std::move(orgs), std::move(unavailable), std::move(faulty));
}

tl::expected<Folder::Reading, std::string> Folder::read(Scope scope, const std::set<std::string>& named) {
    auto paths = list_files(config_.tenants_folder);
    if (!paths) {
        return tl::unexpected(std::move(paths.error()));
    }
    Reading reading;
    std::map<std::string, std::vector<std::string>> told;
    for (const auto& [path, file] : files_) {
        if (!file.messages.empty()) told.emplace(path, file.messages);
    }
    const std::size_t gone = std::erase_if(files_, [&](const auto& one) { return !std::ranges::binary_search(*paths, one.first); });
    Candidates candidates;
    for (const std::string& path : *paths) {
        look_at(path, scope, named.contains(fs::path(path).filename().string()), candidates, reading);
    }
    settle_claims(candidates);
    for (auto& [path, candidate] : candidates) {
        if (candidate.is_refused) {
            candidate.file->messages = std::move(candidate.conflicts);
        } else {
            adopt(*candidate.org);
            candidate.file->org = std::move(candidate.org);
        }
    }
    reading.is_changed = gone != 0 || std::ranges::any_of(candidates, [](const auto& one) { return !one.second.is_refused; });
    bool are_faults_the_same = true;
    std::size_t faulty_count = 0;
    for (const auto& [path, file] : files_) {
        if (file.messages.empty()) continue;
        ++faulty_count;
        const auto before = told.find(path);
        const bool is_new = before == told.end() || before->second != file.messages;
        are_faults_the_same = are_faults_the_same && !is_new;
        if (is_new || scope == Scope::everything) reading.faults.push_back({path, file.messages, file.org != nullptr});
    }
    reading.is_changed = reading.is_changed || !are_faults_the_same || faulty_count != told.size();
    if (reading.is_changed) {
        current_ = build();
    }
    reading.registry = current_;
    return reading;
}

}  // namespace gateway::tenants
