#include "sql/render/insert.h"

#include <algorithm>
#include <utility>


namespace sql::render {
namespace {

// Each fits the next whole number of times: any row count takes few statements of few shapes.
constexpr std::size_t kRowCounts[] = {256, 64, 16, 4, 1};

constexpr std::size_t kHeadBytes = 512;
constexpr std::size_t kCellBytes = 4;  // "?, " and a share of "(), "

class InsertRenderer {
public:
    InsertRenderer(const plan::InsertPlan& plan, const Dialect& dialect)
        : plan_(plan), dialect_(dialect), returned_(returned_columns(plan)) {}

    std::vector<Statement> render() && {
        const std::size_t last = plan_.row_count - 1;
        std::size_t row = 0;
        while (row < last) {
            const std::size_t run_end = dialect_.has_default_keyword() ? last : end_of_same_columns(row, last);
            render_run(row, run_end);
            row = run_end;
        }
        write(last, 1);
        return std::move(statements_);
    }

private:
    [[nodiscard]] bool is_given(std::size_t row, std::size_t slot) const { return plan_.cell(row, slot) != nullptr; }

    [[nodiscard]] bool has_same_columns(std::size_t a, std::size_t b) const {
        for (std::size_t slot = 0; slot < plan_.columns.size(); ++slot) {
            if (is_given(a, slot) != is_given(b, slot)) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] std::size_t end_of_same_columns(std::size_t begin, std::size_t limit) const {
        std::size_t end = begin + 1;
        while (end < limit && has_same_columns(begin, end)) {
            ++end;
        }
        return end;
    }

    void render_run(std::size_t begin, std::size_t end) {
        const std::size_t by_placeholders = dialect_.placeholders_max() / plan_.columns.size();
        const std::size_t rows_max = std::max<std::size_t>(1, std::min(dialect_.insert_rows_max(), by_placeholders));
        for (const std::size_t count : kRowCounts) {
            while (count <= rows_max && end - begin >= count) {
                write(begin, count);
                begin += count;
            }
        }
    }

    // Columns that none of these rows has are left out; where there is no DEFAULT the rows have the same ones.
    void write(std::size_t begin, std::size_t count) {
        std::vector<std::size_t> slots;
        for (std::size_t slot = 0; slot < plan_.columns.size(); ++slot) {
            for (std::size_t row = begin; row < begin + count; ++row) {
                if (is_given(row, slot)) {
                    slots.push_back(slot);
                    break;
                }
            }
        }
        Writer writer(dialect_.quote());
        if (count > 1) {
            writer.reserve(kHeadBytes + count * slots.size() * kCellBytes, count * slots.size());
        }
        writer.keyword("INSERT INTO ").ident(plan_.table->name).keyword(" (");
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (i != 0) {
                writer.keyword(", ");
            }
            writer.ident(column(slots[i]).name);
        }
        writer.keyword(") VALUES ");
        for (std::size_t row = begin; row < begin + count; ++row) {
            if (row != begin) {
                writer.keyword(", ");
            }
            write_row(writer, row, slots);
        }
        bool is_first = true;
        for (const std::size_t returned : returned_) {
            if (is_first) {
                writer.keyword(" RETURNING ");
            } else {
                writer.keyword(", ");
            }
            is_first = false;
            dialect_.selected(writer, plan_.table->columns[returned]);
        }
        statements_.push_back(std::move(writer).finish());
    }

    void write_row(Writer& writer, std::size_t row, const std::vector<std::size_t>& slots) const {
        writer.keyword("(");
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (i != 0) {
                writer.keyword(", ");
            }
            if (const schemas::Value* const value = plan_.cell(row, slots[i]); value != nullptr) {
                dialect_.stored(writer, column(slots[i]), *value);
            } else {
                writer.keyword("DEFAULT");
            }
        }
        writer.keyword(")");
    }

    [[nodiscard]] const schemas::Column& column(std::size_t slot) const { return plan_.table->columns[plan_.columns[slot]]; }

    const plan::InsertPlan& plan_;
    const Dialect& dialect_;
    const std::vector<std::size_t> returned_;
    std::vector<Statement> statements_;
};

}  // namespace

std::vector<std::size_t> returned_columns(const plan::InsertPlan& plan) {
    if (plan.one_of.empty() && !plan.representation) {
        return {};
    }
    return plan.table->primary_key ? plan.table->primary_key->columns : plan.representation->columns;
}

std::vector<Statement> render_insert(const plan::InsertPlan& plan, const Dialect& dialect) {
    return InsertRenderer(plan, dialect).render();
}

}  // namespace sql::render
