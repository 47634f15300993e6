// The primary keys of the rows that a write is about, kept from the database's cells while its transaction runs.
// It only collects; what the keys are for is execute's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "schemas/value.h"
#include "sql/exec/row.h"

namespace sql::exec {

// As plan and render hold it; owns what the cell only views.
[[nodiscard]] schemas::Value value_of(const Cell& cell);
// As the row it was read from showed it; a view of the value.
[[nodiscard]] Cell cell_of(const schemas::Value& value);

class KeyRows final : public RowSink {
public:
    // Past this number rows are counted, not kept.
    static constexpr std::size_t kRowsMax = 100'000;

    void row(std::span<const Cell> cells) override;
    // Never called: rows of a transaction are not read twice.
    void restart() override;

    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    [[nodiscard]] bool is_overfull() const { return rows_ > kRowsMax; }
    // The values of one key after another.
    [[nodiscard]] const std::vector<schemas::Value>& values() const { return values_; }
    void replace(std::vector<schemas::Value> values, std::uint64_t rows) {
        values_ = std::move(values);
        rows_ = rows;
    }
    [[nodiscard]] std::vector<schemas::Value> take() && { return std::move(values_); }

private:
    std::uint64_t rows_ = 0;
    std::vector<schemas::Value> values_;
};

// Counts rows.
class RowCount final : public RowSink {
public:
    void row(std::span<const Cell>) override { ++rows_; }
    void restart() override { rows_ = 0; }
    [[nodiscard]] std::uint64_t rows() const { return rows_; }

private:
    std::uint64_t rows_ = 0;
};

// Passes rows on and counts them.
class PassedRows final : public RowSink {
public:
    explicit PassedRows(RowSink& sink) : sink_(sink) {}
    void row(std::span<const Cell> cells) override {
        ++rows_;
        sink_.row(cells);
        wants_more_ = sink_.wants_more();
    }
    void restart() override { rows_ = 0; }
    [[nodiscard]] std::uint64_t rows() const { return rows_; }

private:
    RowSink& sink_;
    std::uint64_t rows_ = 0;
};

}  // namespace sql::exec
