#include "filters/print.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "filters/control.h"
#include "filters/lexer.h"
#include "filters/parse.h"

namespace filters {
namespace {

constexpr std::string_view kOrderSuffixPrefix = "order ";

bool is_unreserved(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
           byte == '.' || byte == '_' || byte == '~';
}

void append_encoded(std::string& out, std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (const char byte : text) {
        if (is_unreserved(byte)) {
            out += byte;
            continue;
        }
        const auto value = static_cast<unsigned char>(byte);
        out += '%';
        out += kDigits[value >> 4U];
        out += kDigits[value & 0x0FU];
    }
}

void append_name(std::string& out, std::string_view name) {
    append_encoded(out, is_bare_name(name) ? std::string(name) : quote(name));
}

void append_term(std::string& out, std::string_view name) {
    append_encoded(out, is_bare_term(name) ? std::string(name) : quote(name));
}

bool is_bare_item(std::string_view item) {
    return !item.empty() && item.front() != '(' && item.find_first_of(",\"") == std::string_view::npos;
}

// Bounds are always separated by a comma, so a dot in one never needs quotes.
void append_items(std::string& out, const std::vector<Literal>& items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_encoded(out, is_bare_item(items[i].text) ? items[i].text : quote(items[i].text));
    }
}

void append_condition(std::string& out, const Condition& condition) {
    append_name(out, condition.column);
    out += '=';
    out += condition.is_negated ? "not." : "";
    out += name_of(condition.op);
    out += '.';
    switch (condition.op) {
        case Operator::bw:
        case Operator::in:
        case Operator::nin:
            append_items(out, condition.values);
            break;
        case Operator::is:
            out += "null";
            break;
        case Operator::eq:
        case Operator::ne:
        case Operator::lt:
        case Operator::gt:
        case Operator::le:
        case Operator::ge:
        case Operator::li:
        case Operator::rli:
        case Operator::lli:
            append_encoded(out, condition.values.front().text);
            break;
    }
}

void append_select(std::string& out, const std::vector<SelectTerm>& terms) {
    out += "select=";
    if (terms.empty()) {
        out += '*';
    }
    for (std::size_t i = 0; i < terms.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_term(out, terms[i].column);
    }
}

bool is_order_suffix(const Undelivered& undelivered) {
    return std::string_view(undelivered.name).substr(0, kOrderSuffixPrefix.size()) == kOrderSuffixPrefix;
}

// Which term had `nullslast` is not kept, for such a query is refused; the first terms get the suffixes back.
void append_order(std::string& out, const Query& query) {
    out += "order=";
    std::size_t suffix = 0;
    for (std::size_t i = 0; i < query.order.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_term(out, query.order[i].column);
        out += query.order[i].direction == Direction::descending ? ".desc" : "";
        while (suffix < query.undelivered.size() && !is_order_suffix(query.undelivered[suffix])) {
            ++suffix;
        }
        if (suffix < query.undelivered.size()) {
            out += '.';
            out += std::string_view(query.undelivered[suffix].name).substr(kOrderSuffixPrefix.size());
            ++suffix;
        }
    }
}

}  // namespace

std::string print(const Query& query) {
    std::string out;
    const auto begin_parameter = [&out] { out += out.empty() ? "" : "&"; };
    for (const Condition& condition : query.where) {
        begin_parameter();
        append_condition(out, condition);
    }
    if (query.select_position || !query.select.empty()) {
        begin_parameter();
        append_select(out, query.select);
    }
    if (query.ids) {
        begin_parameter();
        out += "ids=";
        append_items(out, query.ids->items);
    }
    bool is_order_due = !query.order.empty();
    const auto print_order = [&] {
        if (is_order_due) {
            begin_parameter();
            append_order(out, query);
            is_order_due = false;
        }
    };
    // An order with an undelivered suffix stands where that suffix stands among the undelivered.
    if (std::none_of(query.undelivered.begin(), query.undelivered.end(), is_order_suffix)) {
        print_order();
    }
    if (query.limit) {
        begin_parameter();
        out += "limit=" + std::to_string(query.limit->value);
    }
    if (query.offset) {
        begin_parameter();
        out += "offset=" + std::to_string(query.offset->value);
    }
    const auto print_true = [&](std::string_view name, const std::optional<Position>& sent) {
        if (sent) {
            begin_parameter();
            out.append(name).append("=true");
        }
    };
    print_true("confirm", query.confirm);
    print_true("_preview", query.preview);
    print_true("_no-content", query.no_content);
    for (const Undelivered& undelivered : query.undelivered) {
        if (is_order_suffix(undelivered)) {
            print_order();
        } else {
            begin_parameter();
            out += undelivered.name + "=";
        }
    }
    return out;
}

std::string print(const Condition& condition) {
    std::string out;
    append_condition(out, condition);
    return out;
}

std::string percent_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    append_encoded(out, text);
    return out;
}

}  // namespace filters
