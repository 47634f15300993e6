#include "gateway/observe/audit.h"

#include <chrono>
#include <utility>

#include "gateway/observe/log_line.h"

namespace gateway::observe {

Audit::Audit(const std::string& path, OnReopenFailed on_reopen_failed)
    : writer_(path.empty() ? nullptr
                           : std::make_unique<LogWriter>(path, std::chrono::milliseconds(0), std::move(on_reopen_failed))) {}

Audit::~Audit() = default;

void Audit::write(const RequestServed& event) {
    if (!writer_ || !event.write) {
        return;
    }
    const WriteAsked& write = *event.write;
    Line line("write", event.request_id.size() + event.org.size() + event.project.size() + write.space.size() + event.user.size() +
                           write.key_id.size() + write.method.size() + write.database.size() + write.table.size() +
                           write.row.size() + write.filter.size() + event.code.size());
    line.text(R"(,"request_id":)", event.request_id);
    line.text(R"(,"org":)", event.org).text(R"(,"project":)", event.project).text(R"(,"space":)", write.space);
    line.text(R"(,"user":)", event.user).text_if_any(R"(,"key":)", write.key_id);
    line.text(R"(,"method":)", write.method).text(R"(,"database":)", write.database).text_if_any(R"(,"table":)", write.table);
    line.text_if_any(R"(,"row":)", write.row).text_if_any(R"(,"filter":)", write.filter);
    if (write.ids) {
        line.number(R"(,"ids":)", static_cast<std::int64_t>(*write.ids));
    }
    if (write.rows) {
        line.number(R"(,"rows":)", static_cast<std::int64_t>(*write.rows));
    }
    line.number(R"(,"status":)", event.status).text_if_any(R"(,"code":)", event.code);
    line.write_to(*writer_);
}

void Audit::reopen() {
    if (writer_) {
        writer_->reopen();
    }
}

LogStats Audit::stats() const {
    return writer_ ? writer_->stats() : LogStats{};
}

}  // namespace gateway::observe
