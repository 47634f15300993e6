#include "gateway/request/asks.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/ascii.h"

namespace gateway::request {
namespace {

using filters::Position;
using sql::plan::Asks;
using sql::plan::Return;
using sql::plan::Verb;

using Outcome = tl::expected<void, AskError>;

// Past any token of ours; bounds what a hostile one can cost.
constexpr std::size_t kTokenBytesMax = 4096;

tl::unexpected<AskError> refuse_preference(const Preference& preference, std::string detail, std::string hint) {
    return tl::unexpected(AskError{AskFault::preference, std::move(detail), std::move(hint), preference.name, std::nullopt});
}

tl::unexpected<AskError> refuse_header(std::string_view name, std::string detail, std::string hint) {
    return tl::unexpected(AskError{AskFault::header, std::move(detail), std::move(hint), std::string(name), std::nullopt});
}

tl::unexpected<AskError> refuse_query(std::string_view control, Position position, std::string detail, std::string hint) {
    return tl::unexpected(AskError{AskFault::query, std::move(detail), std::move(hint), std::string(control), position});
}

// Nothing for what is no whole number. One past the greatest is as good as that: no more rows than it can be affected.
std::optional<std::uint64_t> whole_number(std::string_view text) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    if (text.empty() || !std::all_of(text.begin(), text.end(), http::is_digit) || (text.size() > 1 && text.front() == '0')) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    for (const char digit : text) {
        const auto value = static_cast<std::uint64_t>(digit - '0');
        if (number > (kMax - value) / 10) {
            return kMax;
        }
        number = number * 10 + value;
    }
    return number;
}

// Reads the preferences of writes into asks.
class PreferenceReader {
public:
    explicit PreferenceReader(Asks& asks) : asks_(asks) {}

    // What is honoured, as sent. A preview is answered as such, whatever the write would be answered with.
    [[nodiscard]] std::string applied(bool is_preview) const {
        std::string list;
        for (const std::string& preference : honoured_) {
            if (!is_preview || !(preference.starts_with("return=") || preference == "tx=commit")) {
                list += (list.empty() ? "" : ", ") + preference;
            }
        }
        return list;
    }

    Outcome read(const Preference& preference) {
        const bool is_ours = preference.name == "max-affected" || preference.name == "return" || preference.name == "tx";
        if (!is_ours) {
            return {};
        }
        if (preference.is_contradicted) {
            return refuse_preference(preference, fmt::format("the preference {} is given twice with different values", preference.name),
                                     "send it once");
        }
        if (preference.name == "max-affected") {
            return read_max_affected(preference);
        }
        return preference.name == "return" ? read_return(preference) : read_tx(preference);
    }

private:
    Outcome read_max_affected(const Preference& preference) {
        asks_.affected_max = whole_number(preference.value);
        if (!asks_.affected_max) {
            return refuse_preference(preference, "max-affected takes a whole number in digits alone", "write max-affected=10");
        }
        note(preference);
        return {};
    }

    Outcome read_return(const Preference& preference) {
        if (preference.value == "minimal") {
            asks_.answer = Return::minimal;
        } else if (preference.value == "representation") {
            asks_.answer = Return::representation;
        } else if (preference.value == "headers-only") {
            asks_.answer = Return::headers_only;
        } else {
            return refuse_preference(preference, "return takes minimal, representation or headers-only", "leave it out for the number of rows");
        }
        note(preference);
        return {};
    }

    // Who misspells rollback must not have the write carried out.
    Outcome read_tx(const Preference& preference) {
        if (preference.value != "rollback" && preference.value != "commit") {
            return refuse_preference(preference, "tx takes rollback or commit", "write tx=rollback for a preview");
        }
        asks_.is_preview = preference.value == "rollback";
        note(preference);
        return {};
    }

    void note(const Preference& preference) {
        honoured_.push_back(fmt::format("{}={}", preference.name, preference.value));
    }

    Asks& asks_;
    std::vector<std::string> honoured_;
};

Outcome read_headers(const AskHeaders& headers, Verb verb, Asks& asks) {
    if (!headers.delete_token.empty()) {
        constexpr std::string_view kName = "X-Delete-Token";
        if (verb != Verb::update && verb != Verb::erase) {
            return refuse_header(kName, "X-Delete-Token goes with DELETE, PUT and PATCH", "send the request without it");
        }
        const std::string_view token = http::trim_blanks(headers.delete_token.front());
        if (headers.delete_token.size() != 1 || token.empty() || token.size() > kTokenBytesMax) {
            return refuse_header(kName, "X-Delete-Token takes one token, as a preview gave it", "ask for a preview with _preview=true");
        }
        asks.token = token;
    }
    if (!headers.conditional_delete.empty()) {
        constexpr std::string_view kName = "X-Conditional-Delete";
        if (verb != Verb::erase) {
            return refuse_header(kName, "X-Conditional-Delete goes with DELETE", "send the request without it");
        }
        if (headers.conditional_delete.size() != 1 || http::trim_blanks(headers.conditional_delete.front()) != "remove-all") {
            return refuse_header(kName, "X-Conditional-Delete takes remove-all alone", "leave it out instead");
        }
        asks.removes_all = true;
    }
    return {};
}

// A control that only some verbs know.
Outcome check_verb(std::string_view control, const std::optional<Position>& sent, bool is_possible, std::string_view verbs) {
    if (sent && !is_possible) {
        return refuse_query(control, *sent, fmt::format("{} goes with {}", control, verbs), "leave it out");
    }
    return {};
}

Outcome read_controls(const filters::Query& query, Verb verb, Asks& asks) {
    const bool changes_rows = verb == Verb::update || verb == Verb::erase;
    constexpr std::string_view kChanges = "DELETE, PUT and PATCH";
    if (auto checked = check_verb("_preview", query.preview, changes_rows, kChanges); !checked) {
        return checked;
    }
    if (auto checked = check_verb("confirm", query.confirm, changes_rows, kChanges); !checked) {
        return checked;
    }
    if (auto checked = check_verb("_no-content", query.no_content, verb != Verb::read, "a write"); !checked) {
        return checked;
    }
    asks.is_preview = asks.is_preview || query.preview;
    asks.is_confirmed = query.confirm.has_value();
    if (query.no_content) {
        if (asks.answer != Return::unsaid && asks.answer != Return::minimal) {
            return refuse_query("_no-content", *query.no_content, "_no-content=true contradicts the preference return",
                                "send one of the two");
        }
        asks.answer = Return::minimal;
    }
    return {};
}

// A write of some rows in an order, and what comes back of them.
Outcome check_shape(const filters::Query& query, const Asks& asks) {
    const bool gives_rows = asks.answer == Return::representation;
    if (query.limit && !query.order_position) {
        return refuse_query("limit", query.limit->position, "limit on a write needs an order that tells which rows come first",
                            "add order=, by a unique key");
    }
    if (query.order_position && !query.limit && !gives_rows) {
        return refuse_query("order", *query.order_position, "order on a write goes with limit or with Prefer: return=representation",
                            "leave it out");
    }
    if (query.select_position && !gives_rows) {
        return refuse_query("select", *query.select_position, "select on a write goes with Prefer: return=representation",
                            "send the preference, or leave select out");
    }
    return {};
}

}  // namespace

tl::expected<Asks, AskError> parse_asks(Verb verb, const std::vector<Preference>& preferences, const AskHeaders& headers,
                                        const filters::Query& query) {
    Asks asks;
    PreferenceReader reader(asks);
    if (verb != Verb::read) {
        for (const Preference& preference : preferences) {
            if (auto read = reader.read(preference); !read) {
                return tl::unexpected(std::move(read).error());
            }
            if (verb == Verb::insert && asks.is_preview) {
                return refuse_preference(preference, "tx=rollback goes with DELETE, PUT and PATCH", "leave it out");
            }
        }
    }
    if (auto read = read_headers(headers, verb, asks); !read) {
        return tl::unexpected(std::move(read).error());
    }
    if (auto read = read_controls(query, verb, asks); !read) {
        return tl::unexpected(std::move(read).error());
    }
    if (verb == Verb::read) {
        return asks;
    }
    asks.preferences = reader.applied(asks.is_preview);
    if (asks.is_preview && !asks.token.empty()) {
        return refuse_header("X-Delete-Token", "a preview takes no token: it gives one", "send the token without _preview=true and tx=rollback");
    }
    if (auto checked = check_shape(query, asks); !checked) {
        return tl::unexpected(std::move(checked).error());
    }
    return asks;
}

sql::plan::PathKey path_key(const Target& target) {
    const Position begin = target.path.rfind('/') + 1;
    return {std::string(target.path.substr(begin)), begin};
}

}  // namespace gateway::request
