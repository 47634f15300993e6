// The folder of tenants' files, one an org, and what each of them said last. A reading checks each changed file whole and swaps its
// org alone: a faulty file keeps that org's last good entry, an unchanged one its very objects, and an unchanged database of a changed
// file its connections. It watches nothing and publishes nothing. For one thread at a time; owned by app's Reloader.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/config/config.h"
#include "gateway/tenants/registry.h"
#include "sql/exec/budget.h"

namespace gateway::tenants {

struct LoadedOrg;

class Folder {
public:
    enum class Scope {
        changed,     // the files whose status says that they changed, those that are named, and the faulty ones
        everything,  // each file's bytes, and what lies outside it: passwords, authorities
    };
    struct Reading {
        Registry registry;
        std::size_t parsed = 0;          // files
        bool is_changed = false;         // otherwise the registry says what the last one said
        std::vector<FaultyFile> faults;  // those to tell: new since the last reading, or all of them when everything was read
    };

    // `config` must outlive it. `budget`, when there is one, is shared by the connections of all databases.
    Folder(const config::Config& config, std::shared_ptr<sql::exec::Budget> budget) : config_(config), budget_(std::move(budget)) {}

    // Reads every *.toml file of config.tenants_folder (files in it, not below it; names that begin with a dot are skipped). Relative
    // paths in a file start at config.folder. Opens no connection. Two files that claim one name or id: the one that had it keeps it,
    // else the first by file name; the other is faulty. The error is a folder that cannot be read: all stays as it was.
    [[nodiscard]] tl::expected<Reading, std::string> read(Scope scope, const std::set<std::string>& named = {});

private:
    // What tells, without reading it, that a file is another one.
    struct Stamp {
        dev_t device = 0;
        ino_t inode = 0;
        off_t size = 0;
        timespec modified{};
        timespec changed{};
    };
    // Stands for a text: ten thousand of them would be a good part of what many tenants cost.
    struct Digest {
        std::size_t size = 0;
        std::uint64_t murmur = 0;
        std::uint64_t fnv = 0;
        friend bool operator==(const Digest&, const Digest&) = default;
    };
    struct File {
        Stamp stamp;
        bool is_settled = false;         // old enough that another change would show in the stamp
        Digest text;
        std::shared_ptr<const Org> org;  // in force; may be older than `text`. Null: nothing of it is
        std::vector<std::string> messages;
        Registry::Unavailable named;     // by a faulty text, where known
    };
    // What a changed file asks for, until it is clear who gets which name.
    struct Candidate {
        File* file = nullptr;
        std::shared_ptr<Org> org;
        std::size_t name_line = 0;
        std::size_t id_line = 0;
        std::vector<std::string> conflicts;
        bool is_refused = false;
    };
    using Candidates = std::map<std::string, Candidate>;  // by file

    [[nodiscard]] static bool is_same(const Stamp& one, const Stamp& other);
    [[nodiscard]] static Digest digest(std::string_view text);
    void look_at(const std::string& path, Scope scope, bool is_named, Candidates& candidates, Reading& reading);
    void take(const std::string& path, File& file, LoadedOrg loaded, Candidates& candidates);
    void settle_claims(Candidates& candidates) const;
    // False when some candidate was refused that falls back to its last good entry, whose claims count then.
    [[nodiscard]] bool claim(Candidates& candidates) const;
    void adopt(Org& next) const;
    [[nodiscard]] Registry build() const;

    const config::Config& config_;
    const std::shared_ptr<sql::exec::Budget> budget_;
    std::map<std::string, File> files_;  // by path: in the order of their names
    Registry current_;
};

}  // namespace gateway::tenants
