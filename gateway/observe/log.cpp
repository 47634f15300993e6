#include "gateway/observe/log.h"

#include <cstdint>

#include "gateway/observe/log_line.h"

namespace gateway::observe {

Log::Log(const std::string& path, std::chrono::milliseconds flush_after)
    : writer_(path.empty() ? nullptr : std::make_unique<LogWriter>(path, flush_after, [this](const std::string& reason) {
          write(Failed{reason});
      })) {}

Log::~Log() = default;

void Log::write(const RequestServed& event) {
    if (!writer_) {
        return;
    }
    Line line("request_served", event.request_id.size() + event.peer.size() + event.method.size() + event.target.size() + event.code.size() +
                                    event.org.size() + event.project.size() + event.user.size() + event.internal.size());
    line.text(R"(,"request_id":)", event.request_id).text(R"(,"peer":)", event.peer);
    line.text(R"(,"method":)", event.method).text(R"(,"target":)", event.target);
    line.number(R"(,"status":)", event.status).text_if_any(R"(,"code":)", event.code);
    line.text_if_any(R"(,"org":)", event.org).text_if_any(R"(,"project":)", event.project).text_if_any(R"(,"user":)", event.user);
    line.number(R"(,"bytes":)", static_cast<std::int64_t>(event.bytes)).number(R"(,"duration_us":)", event.duration.count());
    line.text_if_any(R"(,"internal":)", event.internal);
    line.write_to(*writer_);
}

void Log::write(const Started& event) {
    if (writer_) {
        Line("started", event.address.size()).text(R"(,"address":)", event.address).number(R"(,"port":)", event.port).write_to(*writer_);
    }
}

void Log::write(const AdminStarted& event) {
    if (writer_) {
        Line("admin_started", event.address.size()).text(R"(,"address":)", event.address).number(R"(,"port":)", event.port).write_to(*writer_);
    }
}

void Log::write(const Stopping& event) {
    if (writer_) {
        Line("stopping", event.reason.size()).text(R"(,"reason":)", event.reason).write_to(*writer_);
    }
}

void Log::write(const Failed& event) {
    if (writer_) {
        Line("failed", event.what.size()).text(R"(,"what":)", event.what).write_to(*writer_);
    }
}

void Log::write(const TenantsRead& event) {
    if (writer_) {
        const auto number = [](std::size_t count) { return static_cast<std::int64_t>(count); };
        Line line("tenants_read", 0);
        line.number(R"(,"orgs":)", number(event.orgs)).number(R"(,"databases":)", number(event.databases));
        line.number(R"(,"files_parsed":)", number(event.files_parsed)).number(R"(,"files_faulty":)", number(event.files_faulty));
        line.number(R"(,"duration_us":)", event.duration.count()).write_to(*writer_);
    }
}

void Log::write(const TenantFileRefused& event) {
    if (writer_) {
        Line line("tenant_file_refused", event.file.size() + event.what.size());
        line.text(R"(,"file":)", event.file).text(R"(,"what":)", event.what);
        line.text(R"(,"in_force":)", event.has_last_good ? "last_good" : "nothing").write_to(*writer_);
    }
}

void Log::write(const GrantUnfit& event) {
    if (writer_) {
        Line("grant_unfit", event.file.size() + event.what.size()).text(R"(,"file":)", event.file).text(R"(,"what":)", event.what).write_to(*writer_);
    }
}

void Log::write(const GrantsUnchecked& event) {
    if (writer_) {
        Line("grants_unchecked", event.file.size() + event.what.size()).text(R"(,"file":)", event.file).text(R"(,"what":)", event.what).write_to(*writer_);
    }
}

void Log::write(const GrantsChecked& event) {
    if (writer_) {
        Line line("grants_checked", 0);
        line.number(R"(,"databases":)", static_cast<std::int64_t>(event.databases)).number(R"(,"unfit":)", static_cast<std::int64_t>(event.unfit));
        line.number(R"(,"unreached":)", static_cast<std::int64_t>(event.unreached)).write_to(*writer_);
    }
}

void Log::reopen() {
    if (writer_) {
        writer_->reopen();
    }
}

void Log::write_on_abort() {
    if (writer_) {
        writer_->write_on_abort();
    }
}

LogStats Log::stats() const {
    return writer_ ? writer_->stats() : LogStats{};
}

}  // namespace gateway::observe
