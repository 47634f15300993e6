#include "gateway/auth/key_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "gateway/config/source.h"

namespace gateway::auth {
namespace {

constexpr std::size_t kFileBytesMax = 256u << 10;
constexpr std::size_t kIdentifierBytesMax = 256;
constexpr std::string_view kEnding = ".toml";
constexpr std::array<std::string_view, 5> kVerbs{"GET", "POST", "PUT", "PATCH", "DELETE"};
constexpr std::array<std::string_view, 7> kUndelivered{"read", "write", "filter", "row_filter", "values", "caps", "max_affected"};

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

FileSign sign_of(const struct stat& state) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::int64_t kSettledAfter = kSecond / 10;  // some ticks of the clock that file systems stamp with
    const auto nanoseconds = [](const timespec& time) { return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec; };
    FileSign sign;
    sign.inode = state.st_ino;
    sign.size = state.st_size;
    sign.changed_ns = nanoseconds(state.st_ctim);
    sign.modified_ns = nanoseconds(state.st_mtim);
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    sign.is_settled = nanoseconds(now) - sign.changed_ns > kSettledAfter;
    return sign;
}

std::string reason() {
    return std::strerror(errno);
}

std::string identifier_problem(std::string_view text) {
    if (text.empty()) return "must not be empty";
    if (text.size() > kIdentifierBytesMax) return fmt::format("is longer than {} bytes", kIdentifierBytesMax);
    if (!config::is_plain_text(text)) return "must be UTF-8 without control characters";
    if (text.front() == ' ' || text.back() == ' ') return "must not begin or end with a blank";
    return {};
}

// One table of the file, read key by key.
class Reader {
public:
    Reader(const toml::table& table, std::string label, const std::string& file, std::vector<std::string>& faults)
        : table_(table), label_(std::move(label)), file_(file), faults_(faults) {}

    [[nodiscard]] std::string text(std::string_view key) {
        const toml::node* node = find(key);
        const auto* text = node == nullptr ? nullptr : node->as_string();
        if (node != nullptr && (text == nullptr || !config::is_plain_text(text->get()))) {
            complain(key, "must be a string without control characters");
            return {};
        }
        return text == nullptr ? std::string() : text->get();
    }
    [[nodiscard]] std::string identifier(std::string_view key) {
        std::string value = text(key);
        if (!table_.contains(key)) {
            complain(key, "is missing");
        } else if (const std::string problem = identifier_problem(value); !problem.empty()) {
            complain(key, problem);
        }
        return value;
    }
    [[nodiscard]] std::vector<std::string> texts(std::string_view key) {
        const toml::node* node = find(key);
        const toml::array* array = node == nullptr ? nullptr : node->as_array();
        if (array == nullptr || array->empty()) {
            complain(key, node == nullptr ? "is missing" : "must be an array of strings, and not empty");
            return {};
        }
        std::vector<std::string> values;
        for (const toml::node& item : *array) {
            const auto* value = item.as_string();
            const std::string problem = value == nullptr ? "is no string" : identifier_problem(value->get());
            if (!problem.empty()) {
                complain(key, "an item " + problem);
                return {};
            }
            values.push_back(value->get());
        }
        return values;
    }
    [[nodiscard]] std::optional<Instant> instant(std::string_view key) {
        if (find(key) == nullptr) return std::nullopt;
        const auto value = parse_instant(text(key));
        if (!value) complain(key, "must be a string such as \"2027-01-01T00:00:00Z\"");
        return value;
    }
    [[nodiscard]] const toml::node* find(std::string_view key) {
        asked_.emplace_back(key);
        return table_.get(key);
    }
    void complain(std::string_view key, std::string_view what) {
        const toml::node* node = table_.get(key);
        const auto line = node != nullptr ? node->source().begin.line : table_.source().begin.line;
        faults_.push_back(fmt::format("{}:{}: {}{}: {}", file_, std::max<toml::source_index>(line, 1), label_, key, what));
    }
    void refuse_the_rest() {
        for (const auto& [key, node] : table_) {
            const std::string name(key.str());
            if (std::ranges::find(asked_, name) != asked_.end()) continue;
            const bool is_undelivered = std::ranges::find(kUndelivered, name) != kUndelivered.end();
            complain(name, is_undelivered ? "not delivered yet; leave it out" : "unknown key" + config::did_you_mean(name, asked_));
        }
    }

private:
    const toml::table& table_;
    std::string label_;
    const std::string& file_;
    std::vector<std::string>& faults_;
    std::vector<std::string> asked_;
};

std::vector<KeyGrant> read_grants(Reader& reader, const std::string& file, std::vector<std::string>& faults) {
    std::vector<KeyGrant> grants;
    const toml::node* node = reader.find("grant");
    if (node == nullptr) return grants;
    const toml::array* array = node->as_array();
    if (array == nullptr || array->empty() || !std::ranges::all_of(*array, [](const toml::node& item) { return item.is_table(); })) {
        reader.complain("grant", "must be an array of tables, [[grant]]");
        return grants;
    }
    for (const toml::node& item : *array) {
        Reader inner(*item.as_table(), "[[grant]] ", file, faults);
        KeyGrant grant;
        grant.tables = inner.texts("tables");
        grant.verbs = inner.texts("verbs");
        for (const std::string& verb : grant.verbs) {
            if (std::ranges::find(kVerbs, verb) == kVerbs.end()) {
                inner.complain("verbs", fmt::format("\"{}\" is none of {}", verb, fmt::join(kVerbs, ", ")));
            }
        }
        inner.refuse_the_rest();
        grants.push_back(std::move(grant));
    }
    return grants;
}

std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string toml_list(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + toml_text(text);
    return out + "]";
}

tl::expected<void, std::string> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return tl::unexpected(reason());
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

// Made by root for a gateway that runs as somebody else: whoever owns the folder has to read the key.
bool give_to_owner(int file, int folder) {
    struct stat state{};
    return ::geteuid() != 0 || (::fstat(folder, &state) == 0 && ::fchown(file, state.st_uid, state.st_gid) == 0);
}

// In the folder under a name that no reader takes for a key.
tl::expected<void, std::string> write_aside(int folder, const std::string& name, std::string_view text) {
    const Descriptor file(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) return tl::unexpected(reason());
    if (auto written = write_all(file.get(), text); !written) return written;
    if (::fchmod(file.get(), 0600) != 0 || !give_to_owner(file.get(), folder) || ::fsync(file.get()) != 0) return tl::unexpected(reason());
    return {};
}

}  // namespace

FileSign sign_of_folder(const std::string& folder) {
    struct stat state{};
    return ::stat(folder.c_str(), &state) == 0 ? sign_of(state) : FileSign{};
}

tl::expected<std::unordered_map<std::string, FileSign>, std::string> list_key_files(const std::string& folder) {
    struct Closer {
        void operator()(DIR* opened) const { ::closedir(opened); }
    };
    std::unordered_map<std::string, FileSign> files;
    const std::unique_ptr<DIR, Closer> opened(::opendir(folder.c_str()));
    if (!opened) {
        if (errno == ENOENT) return files;
        return tl::unexpected(fmt::format("{}: cannot be read: {}", folder, reason()));
    }
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(opened.get());
        if (entry == nullptr) {
            if (errno == 0) return files;
            return tl::unexpected(fmt::format("{}: cannot be read: {}", folder, reason()));
        }
        const std::string_view name(entry->d_name);
        if (name.starts_with('.') || !name.ends_with(kEnding)) continue;
        struct stat state{};
        if (::fstatat(::dirfd(opened.get()), entry->d_name, &state, 0) == 0) {
            files.emplace(name, sign_of(state));
        } else if (errno != ENOENT) {
            files.emplace(name, FileSign{});  // reading it will say why
        }
    }
}

tl::expected<ApiKey, std::vector<std::string>> parse_key_file(std::string_view text, const std::string& file) {
    std::vector<std::string> faults;
    toml::table table;
    try {
        table = toml::parse(text, std::string_view(file));
    } catch (const toml::parse_error& error) {
        return tl::unexpected(std::vector{fmt::format("{}:{}: {}", file, error.source().begin.line, error.description())});
    }
    Reader reader(table, "", file, faults);
    ApiKey key;
    key.id = reader.identifier("id");
    if (!key.id.empty() && !is_key_id(key.id)) reader.complain("id", "must be eight letters a to z or digits 2 to 7");
    key.name = reader.text("name");
    if (const auto hash = parse_hash(reader.identifier("sha256"))) {
        key.hash = *hash;
    } else {
        reader.complain("sha256", "must be 64 hexadecimal digits");
    }
    key.subject.org_id = reader.identifier("org_id");
    key.subject.project_id = reader.identifier("project_id");
    key.subject.space_id = reader.identifier("space_id");
    key.subject.user_id = reader.identifier("user_id");
    key.subject.roles = reader.texts("roles");
    for (const std::string& role : key.subject.roles) {
        if (role.find(',') != std::string::npos) reader.complain("roles", "a role must not hold a comma");
    }
    key.subject.key_id = key.id;
    if (!table.contains("created")) reader.complain("created", "is missing");
    key.created = reader.instant("created").value_or(Instant{});
    key.expires = reader.instant("expires");
    key.revoked = reader.instant("revoked");
    if (auto grants = read_grants(reader, file, faults); !grants.empty()) {
        key.subject.key_grants = std::make_shared<const std::vector<KeyGrant>>(std::move(grants));
    }
    reader.refuse_the_rest();
    if (!faults.empty()) return tl::unexpected(std::move(faults));
    return key;
}

tl::expected<ApiKey, std::vector<std::string>> read_key_file(const std::string& folder, const std::string& name) {
    const std::string path = folder + '/' + name;
    const auto refuse = [&path](std::string_view why) { return tl::unexpected(std::vector{fmt::format("{}: {}", path, why)}); };
    struct stat state{};
    if (::stat(path.c_str(), &state) != 0) return refuse("cannot be read: " + reason());
    if (!S_ISREG(state.st_mode)) return refuse("is not a file");
    if ((state.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return refuse(fmt::format("others may write it (mode {:04o}); chmod 600 it", state.st_mode & 07777u));
    }
    const auto text = config::read_file(path, kFileBytesMax);
    if (!text) return refuse(text.error());
    auto key = parse_key_file(*text, path);
    if (key && key->id + std::string(kEnding) != name) return refuse(fmt::format("holds the key {}; its name must be that", key->id));
    return key;
}

std::string print_key_file(const ApiKey& key) {
    std::string out = "# An API key. The key itself is not here, only its SHA-256.\n";
    const auto line = [&out](std::string_view name, const std::string& value) { out += fmt::format("{} = {}\n", name, value); };
    line("id", toml_text(key.id));
    if (!key.name.empty()) line("name", toml_text(key.name));
    line("sha256", toml_text(to_hex(key.hash)));
    line("org_id", toml_text(key.subject.org_id));
    line("project_id", toml_text(key.subject.project_id));
    line("space_id", toml_text(key.subject.space_id));
    line("user_id", toml_text(key.subject.user_id));
    line("roles", toml_list(key.subject.roles));
    line("created", toml_text(print_instant(key.created)));
    if (key.expires) line("expires", toml_text(print_instant(*key.expires)));
    if (key.revoked) line("revoked", toml_text(print_instant(*key.revoked)));
    if (key.subject.key_grants) {
        for (const KeyGrant& grant : *key.subject.key_grants) {
            out += "\n[[grant]]\n";
            line("tables", toml_list(grant.tables));
            line("verbs", toml_list(grant.verbs));
        }
    }
    return out;
}

tl::expected<void, std::string> write_key_file(const std::string& folder, const ApiKey& key, Placing placing) {
    const std::string name = key.id + std::string(kEnding);
    const std::string aside = fmt::format(".{}.{}", name, ::getpid());
    const auto refuse = [&](std::string_view why) { return tl::unexpected(fmt::format("{}/{}: cannot be written: {}", folder, name, why)); };
    std::error_code failed;
    if (std::filesystem::create_directories(folder, failed)) {
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
    }
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() < 0) return refuse(reason());
    if (auto written = write_aside(opened.get(), aside, print_key_file(key)); !written) {
        ::unlinkat(opened.get(), aside.c_str(), 0);
        return refuse(written.error());
    }
    // linkat does not replace: of two keys with the same id one is told.
    const bool is_fresh = placing == Placing::fresh;
    const int placed = is_fresh ? ::linkat(opened.get(), aside.c_str(), opened.get(), name.c_str(), 0)
                                : ::renameat(opened.get(), aside.c_str(), opened.get(), name.c_str());
    const int fault = errno;
    if (is_fresh || placed != 0) ::unlinkat(opened.get(), aside.c_str(), 0);
    if (placed != 0) {
        return is_fresh && fault == EEXIST ? tl::unexpected(std::string()) : refuse(std::strerror(fault));
    }
    if (::fsync(opened.get()) != 0) return refuse(reason());
    return {};
}

}  // namespace gateway::auth
