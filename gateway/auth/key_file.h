// The file of one API key, `<id>.toml` in the folder of keys: reading, writing, revoking. A file is written beside its place,
// flushed and put there whole, so that whoever reads sees the old one or the new one, and any number of writers cannot undo each
// other: each key is a file of its own. Called by api_keys and by `rowgate keys`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/api_key.h"
#include "gateway/grants/grant.h"

namespace gateway::auth {

// What shows without reading it that a file is another than before.
struct FileSign {
    std::uint64_t inode = 0;
    std::int64_t size = -1;
    std::int64_t changed_ns = 0;   // ctime: nobody can set it back
    std::int64_t modified_ns = 0;
    bool is_settled = false;  // its last change is so long ago that another one must show in the times

    // But for is_settled.
    [[nodiscard]] bool is_same_file(const FileSign& other) const {
        return inode == other.inode && size == other.size && changed_ns == other.changed_ns && modified_ns == other.modified_ns;
    }
    bool operator==(const FileSign&) const = default;
};

// Of a folder that is not there: an empty sign.
[[nodiscard]] FileSign sign_of_folder(const std::string& folder);
// The names of its *.toml files; names that begin with a dot are left out. A folder that is not there has none. The error is one
// sentence.
[[nodiscard]] tl::expected<std::unordered_map<std::string, FileSign>, std::string> list_key_files(const std::string& folder);

// The errors bear file and line: "keys/abcd2345.toml:4: roles: must not be empty".
[[nodiscard]] tl::expected<ApiKey, std::vector<std::string>> parse_key_file(std::string_view text, const std::string& file);
// The same, and the file must not be writable for others, and its name must be the key's id.
[[nodiscard]] tl::expected<ApiKey, std::vector<std::string>> read_key_file(const std::string& folder, const std::string& name);
// `parse_key_file` reads it back to the same.
[[nodiscard]] std::string print_key_file(const ApiKey& key);

// A [[grant]] in the words of a file, right or wrong; `values` are column and value.
struct GrantWords {
    std::vector<std::string> tables;
    std::vector<std::string> verbs;
    std::optional<std::vector<std::string>> read;
    std::optional<std::vector<std::string>> write;
    std::optional<std::vector<std::string>> filter;
    std::string row_filter;  // empty: none
    std::vector<std::pair<std::string, std::string>> values;
    grants::Standing standing = {};
};
[[nodiscard]] GrantWords words_of(const grants::Grant& grant);
// To be put behind a key's file that is printed.
[[nodiscard]] std::string print_grant(const GrantWords& words);

enum class Placing { fresh, replacing };
// The error is a sentence; with `fresh` it is empty when there is a key of this id. The folder is made when it is not there. What
// it answers well is on the disk.
[[nodiscard]] tl::expected<void, std::string> write_key_file(const std::string& folder, const ApiKey& key, Placing placing);

}  // namespace gateway::auth
