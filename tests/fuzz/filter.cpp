// Whatever bytes come in: no crash, errors that can be shown, and what is accepted prints and parses to the same tree.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "filters/parse.h"
#include "filters/print.h"
#include "filters/text.h"
#include "tests/unit/filters_equal.h"

namespace {

constexpr filters::Position kOffset = 9;

void require(bool is_true) {
    if (!is_true) {
        std::abort();
    }
}

void require_positions(const filters::Query& query, std::size_t size) {
    const auto require_inside = [&](filters::Position position) { require(position >= kOffset && position <= kOffset + size); };
    for (const auto& condition : query.where) {
        require_inside(condition.position);
        for (const auto& value : condition.values) {
            require_inside(value.position);
            require(filters::is_utf8(value.text) && value.text.find('\0') == std::string::npos);
        }
        require(!condition.column.empty() && filters::is_utf8(condition.column));
    }
    for (const auto& term : query.select) {
        require_inside(term.position);
    }
    for (const auto& term : query.order) {
        require_inside(term.position);
    }
    if (query.ids) {
        require_inside(query.ids->position);
        require(!query.ids->items.empty() && query.ids->items.size() <= filters::Limits{}.keys_max);
        for (const auto& item : query.ids->items) {
            require_inside(item.position);
            require(filters::is_utf8(item.text) && item.text.find('\0') == std::string::npos);
        }
    }
    for (const auto& undelivered : query.undelivered) {
        require_inside(undelivered.position);
    }
}

void require_counts(const filters::Query& query) {
    for (const auto& condition : query.where) {
        using filters::Operator;
        switch (condition.op) {
            case Operator::bw:
                require(condition.values.size() == 2);
                break;
            case Operator::in:
            case Operator::nin:
                require(!condition.values.empty() && condition.values.size() <= filters::Limits{}.list_items_max);
                break;
            case Operator::is:
                require(condition.values.empty());
                break;
            case Operator::li:
            case Operator::rli:
            case Operator::lli:
                require(condition.values.size() == 1 && !condition.values[0].text.empty());
                break;
            case Operator::eq:
            case Operator::ne:
            case Operator::lt:
            case Operator::gt:
            case Operator::le:
            case Operator::ge:
                require(condition.values.size() == 1);
                break;
        }
    }
}

void require_tree(const std::string& text, const filters::Limits& limits) {
    const auto query = filters::parse(text, kOffset, limits);
    if (!query) {
        const filters::ParseError& error = query.error();
        require(error.position >= kOffset && error.position <= kOffset + text.size());
        require(!error.detail.empty() && error.detail.size() < 1000 && error.hint.size() < 4000);
        require(filters::is_utf8(error.detail) && filters::is_utf8(error.hint) && filters::is_utf8(error.parameter));
        return;
    }
    require(query->where.size() <= limits.conditions_max);
    require_positions(*query, text.size());
    require_counts(*query);
    const std::string printed = filters::print(*query);
    const auto again = filters::parse(printed, 0, limits);
    require(again.has_value());
    require(filters::same(*query, *again));
    require(filters::print(*again) == printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    filters::Limits limits;
    require_tree(text, limits);
    limits.reads_asks = true;
    require_tree(text, limits);
    return 0;
}
