// How rows leave the database: a sink is shown each row as views that live for the call only. Nothing is buffered by us.
// Written to by the backends, implemented by gateway/respond and by tests.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sql::exec {

// A cell as the backend read it. By type class (Storage::typed):
//   integer boolean bit year: integer or unsigned_integer; decimal: text, exact digits as stored;
//   float32 float64: real; date: text YYYY-MM-DD; time: text [-]HH:MM:SS[.f…]; datetime, timestamp: text
//   `YYYY-MM-DD HH:MM:SS[.f…]` with as many fraction digits as the column has; uuid inet enumeration set text json: text;
//   binary, geometry: bytes.
// On SQLite the kind is the cell's storage class, whatever the column declares.
struct Cell {
    enum class Kind { null, integer, unsigned_integer, real, text, bytes };
    Kind kind = Kind::null;
    std::int64_t integer = 0;
    std::uint64_t unsigned_integer = 0;
    double real = 0;
    std::string_view text;  // text and bytes
};

class RowSink {
public:
    virtual ~RowSink() = default;
    // Cells in the order of ReadPlan::columns. Called once a row, from the thread that called execute.
    virtual void row(std::span<const Cell> cells) = 0;
    // Forget the rows so far: the statement is run again (lost connection, stale catalog).
    virtual void restart() = 0;

    // Looked at after each row: when it is false the statement is given up, and that is no error.
    [[nodiscard]] bool wants_more() const { return wants_more_; }

protected:
    bool wants_more_ = true;
};

}  // namespace sql::exec
