#include "gateway/keys.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "gateway/auth/key_file.h"
#include "gateway/config/config.h"
#include "gateway/config/source.h"
#include "gateway/grants/standing.h"
#include "gateway/observe/json_text.h"

namespace gateway {
namespace {

template <typename T>
using Result = tl::expected<T, std::vector<std::string>>;

int fail(const std::vector<std::string>& messages) {
    for (const std::string& message : messages) fmt::print(stderr, "rowgate: {}\n", message);
    return kExitFailure;
}

tl::unexpected<std::vector<std::string>> refuse(std::string message) {
    return tl::unexpected(std::vector{std::move(message)});
}

auth::Instant now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> items;
    for (bool has_more = !list.empty(); has_more;) {
        const std::size_t comma = list.find(',');
        std::string_view item = list.substr(0, comma);
        item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
        items.emplace_back(item.substr(0, item.find_last_not_of(' ') + 1));
        has_more = comma != std::string_view::npos;
        list.remove_prefix(has_more ? comma + 1 : list.size());
    }
    return items;
}

// The key that is wished for, all but its id and hash.
Result<auth::ApiKey> key_of(const NewKeyWish& wish) {
    auth::ApiKey key;
    key.name = wish.name;
    key.subject.org_id = wish.org_id;
    key.subject.project_id = wish.project_id;
    key.subject.space_id = wish.space_id;
    key.subject.user_id = wish.user_id;
    key.subject.roles = split(wish.roles);
    key.created = now();
    if (!wish.expires.empty()) {
        key.expires = auth::parse_instant(wish.expires);
        if (!key.expires) return refuse("--expires must be a time such as 2027-01-01T00:00:00Z");
        if (*key.expires <= key.created) return refuse(fmt::format("--expires: {} has passed", wish.expires));
    }
    return key;
}

std::optional<std::vector<std::string>> columns_of(const std::string& list) {
    return list.empty() ? std::nullopt : std::optional(split(list));
}

// Digits alone: what a shell or a spreadsheet made of a number is not guessed at.
Result<std::optional<std::uint64_t>> cap_of(std::string_view option, const std::string& text) {
    std::optional<std::uint64_t> cap;
    if (text.empty()) return cap;
    const auto [at, fault] = std::from_chars(text.data(), text.data() + text.size(), cap.emplace());
    const bool is_number = fault == std::errc{} && at == text.data() + text.size() && (text.size() == 1 || text.front() != '0');
    if (!is_number || *cap > grants::kRowCapMax) return refuse(fmt::format("{} takes a whole number from 0 to {}", option, grants::kRowCapMax));
    return cap;
}

Result<bool> word_of(std::string_view option, const std::string& text, std::string_view word) {
    if (!text.empty() && text != word) return refuse(fmt::format("{} takes {} alone", option, word));
    return !text.empty();
}

Result<grants::Standing> standing_of(const NewKeyWish& wish) {
    const auto affected_max = cap_of("--affected-max", wish.affected_max);
    if (!affected_max) return tl::unexpected(affected_max.error());
    const auto cascaded_max = cap_of("--cascaded-max", wish.cascaded_max);
    if (!cascaded_max) return tl::unexpected(cascaded_max.error());
    const auto deletes_one = word_of("--conditional-delete", wish.conditional_delete, "one");
    if (!deletes_one) return tl::unexpected(deletes_one.error());
    const auto missing_is_ok = word_of("--missing", wish.missing, "ok");
    if (!missing_is_ok) return tl::unexpected(missing_is_ok.error());
    return grants::Standing{*affected_max, *cascaded_max, *deletes_one, wish.needs_confirmation, *missing_is_ok};
}

// The [[grant]] that is wished for, as a file has it; empty when there is none.
Result<std::string> grant_of(const NewKeyWish& wish) {
    const bool is_narrow = !wish.read.empty() || !wish.write.empty() || !wish.filter.empty() || !wish.row_filter.empty() || !wish.values.empty();
    if (wish.verbs.empty() != wish.tables.empty()) return refuse("--verbs and --tables go together");
    if (wish.verbs.empty() && is_narrow) return refuse("--read, --write, --filter, --row-filter and --value need --verbs and --tables");
    const auto standing = standing_of(wish);
    if (!standing) return tl::unexpected(standing.error());
    if (wish.verbs.empty() && !grants::members_of(*standing).empty()) {
        return refuse("--affected-max, --cascaded-max, --conditional-delete, --confirm and --missing need --verbs and --tables");
    }
    if (wish.verbs.empty()) return std::string();
    auth::GrantWords words;
    words.tables = split(wish.tables);
    words.verbs = split(wish.verbs);
    words.read = columns_of(wish.read);
    words.write = columns_of(wish.write);
    words.filter = columns_of(wish.filter);
    words.row_filter = wish.row_filter;
    words.standing = *standing;
    for (const std::string& value : wish.values) {
        const std::size_t equals = value.find('=');
        if (equals == 0 || equals == std::string::npos) return refuse(fmt::format("--value {}: it is COLUMN=VALUE", value));
        std::string column = value.substr(0, equals);
        for (const auto& [other, text] : words.values) {
            if (other == column) return refuse(fmt::format("--value: the column {} is given twice", column));
        }
        words.values.emplace_back(std::move(column), value.substr(equals + 1));
    }
    return auth::print_grant(words);
}

Result<void> check_texts(const NewKeyWish& wish) {
    std::vector<std::string> texts = wish.values;
    for (const std::string* text : {&wish.org_id, &wish.project_id, &wish.space_id, &wish.user_id, &wish.roles, &wish.name, &wish.verbs, &wish.tables,
                                    &wish.read, &wish.write, &wish.filter, &wish.row_filter, &wish.affected_max, &wish.cascaded_max,
                                    &wish.conditional_delete, &wish.missing}) {
        texts.push_back(*text);
    }
    if (!std::ranges::all_of(texts, config::is_plain_text)) return refuse("texts must be UTF-8 without control characters");
    return {};
}

// The key as a gateway will read it from its file.
Result<auth::ApiKey> read_back(const auth::ApiKey& key, const std::string& grant) {
    return auth::parse_key_file(auth::print_key_file(key) + grant, "the new key");
}

std::string_view state_of(const auth::ApiKey& key) {
    if (key.revoked) return "revoked";
    return key.expires && *key.expires <= now() ? "expired" : "active";
}

std::vector<std::string> joined(const std::vector<std::pair<std::string, std::string>>& values) {
    std::vector<std::string> texts;
    for (const auto& [column, value] : values) texts.push_back(column + "=" + value);
    return texts;
}

struct PlainText {
    std::string operator()(std::uint64_t number) const { return std::to_string(number); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::string_view text) const { return std::string(text); }
};

std::string text_of(const auth::GrantWords& words) {
    std::string out = fmt::format(" only {} on {}", fmt::join(words.verbs, ","), fmt::join(words.tables, ","));
    if (words.read) out += fmt::format(" read {}", fmt::join(*words.read, ","));
    if (words.write) out += fmt::format(" write {}", fmt::join(*words.write, ","));
    if (words.filter) out += fmt::format(" filter {}", fmt::join(*words.filter, ","));
    if (!words.row_filter.empty()) out += " where " + words.row_filter;
    if (!words.values.empty()) out += fmt::format(" values {}", fmt::join(joined(words.values), ","));
    for (const grants::StandingMember& one : grants::members_of(words.standing)) out += fmt::format(" {} {}", one.name, std::visit(PlainText{}, one.value));
    return out;
}

std::string json_line(const auth::ApiKey& key) {
    std::string out = "{\"id\":\"" + key.id + '"';
    const auto member = [&out](std::string_view name, std::string_view value) {
        out += fmt::format(",\"{}\":", name);
        observe::append_json_string(out, value);
    };
    const auto list = [&out](std::string_view name, const std::vector<std::string>& values) {
        out += fmt::format("{}\"{}\":[", out.ends_with('{') ? "" : ",", name);
        for (std::size_t i = 0; i < values.size(); ++i) {
            out += i == 0 ? "" : ",";
            observe::append_json_string(out, values[i]);
        }
        out += ']';
    };
    member("name", key.name);
    member("org_id", key.subject.org_id);
    member("project_id", key.subject.project_id);
    member("space_id", key.subject.space_id);
    member("user_id", key.subject.user_id);
    list("roles", key.subject.roles);
    if (key.subject.key_grants) {
        out += ",\"grants\":[";
        for (const grants::Grant& grant : *key.subject.key_grants) {
            const auth::GrantWords words = auth::words_of(grant);
            out += out.ends_with('[') ? "{" : ",{";
            list("tables", words.tables);
            list("verbs", words.verbs);
            if (words.read) list("read", *words.read);
            if (words.write) list("write", *words.write);
            if (words.filter) list("filter", *words.filter);
            if (!words.row_filter.empty()) member("row_filter", words.row_filter);
            if (!words.values.empty()) list("values", joined(words.values));
            for (const grants::StandingMember& one : grants::members_of(words.standing)) {
                const std::string_view quote = std::holds_alternative<std::string_view>(one.value) ? "\"" : "";
                out += fmt::format(",\"{}\":{}{}{}", one.name, quote, std::visit(PlainText{}, one.value), quote);
            }
            out += '}';
        }
        out += ']';
    }
    member("created", auth::print_instant(key.created));
    if (key.expires) member("expires", auth::print_instant(*key.expires));
    if (key.revoked) member("revoked", auth::print_instant(*key.revoked));
    member("state", state_of(key));
    return out + '}';
}

std::string text_line(const auth::ApiKey& key) {
    const auth::Subject& subject = key.subject;
    std::string out = fmt::format("{} {:<7} {}/{}/{} {} {} created {}", key.id, state_of(key), subject.org_id, subject.project_id,
                                  subject.space_id, subject.user_id, fmt::join(subject.roles, ","), auth::print_instant(key.created));
    if (key.expires) out += " expires " + auth::print_instant(*key.expires);
    if (key.revoked) out += " revoked " + auth::print_instant(*key.revoked);
    if (subject.key_grants) {
        for (const grants::Grant& grant : *subject.key_grants) out += text_of(auth::words_of(grant));
    }
    return key.name.empty() ? out : fmt::format("{} ({})", out, key.name);
}

}  // namespace

int create_key(const std::string& config_file, const Environment& environment, const NewKeyWish& wish) {
    const auto config = config::load(config_file, environment);
    if (!config) return fail(config.error());
    if (const auto good = check_texts(wish); !good) return fail(good.error());
    auto key = key_of(wish);
    if (!key) return fail(key.error());
    const auto grant = grant_of(wish);
    if (!grant) return fail(grant.error());
    try {
        constexpr int kAttempts = 8;
        for (int attempt = 1; attempt <= kAttempts; ++attempt) {
            const auth::NewKey fresh = auth::make_key();
            key->id = fresh.id;
            key->hash = fresh.hash;
            const auto whole = read_back(*key, *grant);
            if (!whole) return fail(whole.error());
            const auto written = auth::write_key_file(config->auth.keys_folder, *whole, auth::Placing::fresh);
            if (!written && !written.error().empty()) return fail({written.error()});
            if (!written) continue;  // an id that is taken: another one
            fmt::print(stderr, "rowgate: the key {} is made; this is the only time that it is shown:\n", key->id);
            fmt::print("{}\n", fresh.text);
            return kExitOk;
        }
    } catch (const std::exception& exception) {
        return fail({exception.what()});
    }
    return fail({"no free id was found for the key"});
}

int list_keys(const std::string& config_file, const Environment& environment, ListForm form) {
    const auto config = config::load(config_file, environment);
    if (!config) return fail(config.error());
    const auto files = auth::list_key_files(config->auth.keys_folder);
    if (!files) return fail({files.error()});
    std::vector<std::string> faults;
    std::vector<auth::ApiKey> keys;
    for (const auto& [name, sign] : *files) {
        auto key = auth::read_key_file(config->auth.keys_folder, name);
        if (key) {
            keys.push_back(*std::move(key));
        } else {
            faults.insert(faults.end(), key.error().begin(), key.error().end());
        }
    }
    std::ranges::sort(keys, [](const auth::ApiKey& left, const auth::ApiKey& right) {
        return std::pair(left.created, left.id) < std::pair(right.created, right.id);
    });
    if (form == ListForm::json) {
        fmt::print("[");
        for (std::size_t i = 0; i < keys.size(); ++i) fmt::print("{}{}", i == 0 ? "\n" : ",\n", json_line(keys[i]));
        fmt::print("\n]\n");
    } else {
        for (const auth::ApiKey& key : keys) fmt::print("{}\n", text_line(key));
    }
    std::ranges::sort(faults);
    return faults.empty() ? kExitOk : fail(faults);
}

int revoke_key(const std::string& config_file, const Environment& environment, const std::string& id) {
    const auto config = config::load(config_file, environment);
    if (!config) return fail(config.error());
    const std::string plain = key_id_in(id);
    if (plain.empty()) return fail({"a key's id is the eight characters after rg_"});
    const std::string name = plain + ".toml";
    const auto files = auth::list_key_files(config->auth.keys_folder);
    if (!files) return fail({files.error()});
    if (!files->contains(name)) return fail({fmt::format("there is no key {}", plain)});
    auto key = auth::read_key_file(config->auth.keys_folder, name);
    if (!key) return fail(key.error());
    if (!key->revoked) {
        key->revoked = now();
        if (const auto written = auth::write_key_file(config->auth.keys_folder, *key, auth::Placing::replacing); !written) {
            return fail({written.error()});
        }
    }
    fmt::print("{} is revoked\n", plain);
    return kExitOk;
}

std::string key_id_in(const std::string& text) {
    // The whole key is what people have at hand, and what must not stay in a shell's history for nothing.
    const std::string plain = auth::judge_key(text) == auth::KeyText::good ? std::string(auth::key_id_of(text)) : text;
    return auth::is_key_id(plain) ? plain : "";
}

}  // namespace gateway
