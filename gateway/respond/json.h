// Rows to JSON text, one row at a time, straight from the database's cells. Called by the pipeline through RowSink.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/catalog.h"
#include "schemas/value.h"
#include "sql/exec/row.h"

namespace gateway::respond {

enum class Numbers { native, string };  // string: BIGINT and DECIMAL as JSON strings (`Prefer: numbers=string`)

// An array of row objects. Integers and decimals with their exact digits, doubles shortest, dates with `T`, TIMESTAMP with `Z`,
// binary as "b64:…", JSON columns as JSON (as a string when the cell is not valid JSON), NULL as null; on SQLite a cell of
// another storage class goes out as it is.
class JsonRows final : public sql::exec::RowSink {
public:
    JsonRows(std::vector<const schemas::Column*> columns, Numbers numbers, std::uint64_t rows_max,
             std::size_t bytes_max = std::numeric_limits<std::size_t>::max());

    void row(std::span<const sql::exec::Cell> cells) override;
    void restart() override;

    [[nodiscard]] const std::vector<const schemas::Column*>& columns() const { return columns_; }
    // `[…]`. Rows past rows_max were counted, not kept.
    [[nodiscard]] std::string take() &&;
    // The object of the only row. Call it with one row kept.
    [[nodiscard]] std::string take_row() &&;
    [[nodiscard]] std::uint64_t rows() const { return rows_; }   // kept
    [[nodiscard]] bool has_more() const { return has_more_; }
    // With its last bracket it would have more than bytes_max: no further row is wanted, and those that are there are not all.
    [[nodiscard]] bool is_too_large() const { return text_.size() >= bytes_max_; }

private:
    // `{"id":` or `,"name":`, where it stands in the first row: escaped once.
    struct Key {
        std::size_t begin = 0;
        std::size_t size = 0;
    };
    void append_key(std::size_t column);

    std::vector<const schemas::Column*> columns_;
    std::vector<Key> keys_;  // by column
    Numbers numbers_;
    std::uint64_t rows_max_;
    std::size_t bytes_max_;
    std::uint64_t rows_ = 0;
    bool has_more_ = false;
    std::string text_ = "[";
};

// One cell as JSON, appended.
void append_cell(std::string& out, const sql::exec::Cell& cell, const schemas::Type& type, Numbers numbers);
// A JSON string with its quotes, appended; `text` that is not UTF-8 has each bad byte replaced by U+FFFD.
void append_json_string(std::string& out, std::string_view text);
// The literal that `column=eq.` would take for this value, for Location.
[[nodiscard]] std::string literal_of(const schemas::Value& value, const schemas::Type& type);

}  // namespace gateway::respond
