// Equality of two query trees but for positions, for the round-trip tests and the fuzz target.
// Not part of the product: nothing there compares trees.
#pragma once

#include <algorithm>

#include "filters/ast.h"

namespace filters {

template <typename Item, typename Same>
bool same_items(const std::vector<Item>& left, const std::vector<Item>& right, Same same) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), same);
}

inline bool same(const Condition& left, const Condition& right) {
    return left.column == right.column && left.op == right.op && left.is_negated == right.is_negated &&
           same_items(left.values, right.values, [](const Literal& a, const Literal& b) { return a.text == b.text; });
}

inline bool same(const std::optional<Count>& left, const std::optional<Count>& right) {
    return left.has_value() == right.has_value() && (!left || left->value == right->value);
}

inline bool same(const std::optional<Ids>& left, const std::optional<Ids>& right) {
    return left.has_value() == right.has_value() &&
           (!left || same_items(left->items, right->items, [](const Literal& a, const Literal& b) { return a.text == b.text; }));
}

inline bool same(const Query& left, const Query& right) {
    return same_items(left.where, right.where, [](const Condition& a, const Condition& b) { return same(a, b); }) &&
           same_items(left.select, right.select, [](const SelectTerm& a, const SelectTerm& b) { return a.column == b.column; }) &&
           left.select_position.has_value() == right.select_position.has_value() &&
           same_items(
               left.order, right.order,
               [](const OrderTerm& a, const OrderTerm& b) { return a.column == b.column && a.direction == b.direction; }) &&
           left.order_position.has_value() == right.order_position.has_value() && same(left.limit, right.limit) &&
           same(left.offset, right.offset) && same(left.ids, right.ids) &&
           left.confirm.has_value() == right.confirm.has_value() && left.preview.has_value() == right.preview.has_value() &&
           left.no_content.has_value() == right.no_content.has_value() &&
           same_items(left.undelivered, right.undelivered, [](const Undelivered& a, const Undelivered& b) {
               return a.name == b.name && a.is_condition == b.is_condition;
           });
}

}  // namespace filters
