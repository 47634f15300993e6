#include "gateway/auth/key_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <memory>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "gateway/config/section.h"
#include "gateway/config/source.h"
#include "gateway/grants/load_grant.h"
#include "gateway/grants/standing.h"

namespace gateway::auth {
namespace {

constexpr std::size_t kFileBytesMax = 256u << 10;
constexpr std::string_view kEnding = ".toml";
constexpr std::string_view kOfGrants = "is no key of the file; a [[grant]] has affected_max and cascaded_max";

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

std::optional<Instant> instant(config::Section& section, std::string_view key) {
    const auto text = section.text(key);
    const auto value = text ? parse_instant(*text) : std::nullopt;
    if (text && !value) section.complain(key, "must be a string such as \"2027-01-01T00:00:00Z\"");
    return value;
}

std::shared_ptr<const std::vector<grants::Grant>> load_grants(config::Section& section, config::Complaints& complaints) {
    if (!section.has("grant")) return nullptr;
    const std::size_t faults_before = complaints.messages.size();
    const auto tables = section.tables("grant");
    // None at all would be as much as the roles may: the opposite of what the file seems to say.
    if (tables.empty() && complaints.messages.size() == faults_before) section.complain("grant", "has no grant; leave the key out");
    auto loaded = std::make_shared<std::vector<grants::Grant>>();
    for (const toml::table* const table : tables) {
        config::Section inner(*table, "[[grant]]", complaints);
        grants::Grant& grant = loaded->emplace_back();
        grant.line = static_cast<std::uint32_t>(table->source().begin.line);
        grants::load_grant(inner, grant);
    }
    return loaded;
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

struct TomlValue {
    std::string operator()(std::uint64_t number) const { return std::to_string(number); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::string_view text) const { return toml_text(text); }
};

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
    config::Complaints complaints{file, faults};
    config::Section section(table, "", complaints);
    ApiKey key;
    key.id = section.identifier("id");
    if (!key.id.empty() && !is_key_id(key.id)) section.complain("id", "must be eight letters a to z or digits 2 to 7");
    key.name = section.text("name").value_or("");
    if (const auto hash = parse_hash(section.identifier("sha256"))) {
        key.hash = *hash;
    } else {
        section.complain("sha256", "must be 64 hexadecimal digits");
    }
    key.subject.org_id = section.identifier("org_id");
    key.subject.project_id = section.identifier("project_id");
    key.subject.space_id = section.identifier("space_id");
    key.subject.user_id = section.identifier("user_id");
    key.subject.roles = section.texts("roles");
    for (const std::string& role : key.subject.roles) {
        if (role.find(',') != std::string::npos) section.complain("roles", "a role must not hold a comma");
    }
    key.subject.key_id = key.id;
    if (!section.has("created")) section.complain("created", "is missing");
    key.created = instant(section, "created").value_or(Instant{});
    key.expires = instant(section, "expires");
    key.revoked = instant(section, "revoked");
    key.subject.key_grants = load_grants(section, complaints);
    section.refuse_the_rest({{"caps", kOfGrants}, {"affected_max", kOfGrants}, {"cascaded_max", kOfGrants}, {"max_affected", kOfGrants}});
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
        for (const grants::Grant& grant : *key.subject.key_grants) out += print_grant(words_of(grant));
    }
    return out;
}

GrantWords words_of(const grants::Grant& grant) {
    GrantWords words;
    words.tables = grant.tables;
    for (const grants::Verb verb : grant.verbs) words.verbs.emplace_back(grants::name_of(verb));
    if (grant.standing != nullptr) words.standing = *grant.standing;
    if (grant.restriction == nullptr) return words;
    words.read = grant.restriction->read;
    words.write = grant.restriction->write;
    words.filter = grant.restriction->filter;
    words.row_filter = grant.restriction->row_filter_text;
    words.values = grants::values_as_written(*grant.restriction);
    return words;
}

std::string print_grant(const GrantWords& words) {
    std::string out = "\n[[grant]]\n";
    const auto line = [&out](std::string_view name, const std::string& value) { out += fmt::format("{} = {}\n", name, value); };
    line("tables", toml_list(words.tables));
    line("verbs", toml_list(words.verbs));
    if (words.read) line("read", toml_list(*words.read));
    if (words.write) line("write", toml_list(*words.write));
    if (words.filter) line("filter", toml_list(*words.filter));
    if (!words.row_filter.empty()) line("row_filter", toml_text(words.row_filter));
    std::string values;
    for (const auto& [column, value] : words.values) {
        values += fmt::format("{} {} = {}", values.empty() ? "" : ",", toml_text(column), toml_text(value));
    }
    if (!values.empty()) line("values", "{" + values + " }");
    for (const grants::StandingMember& member : grants::members_of(words.standing)) line(member.name, std::visit(TomlValue{}, member.value));
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
