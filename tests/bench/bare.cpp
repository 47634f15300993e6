// The least that could answer a row by its key: the gateway's own front, one fixed route, one prepared statement a thread, no log,
// no identity, no proof of anything. What the gateway must come near to. Started by tests/bench/run; not for anybody else.
// `bare SOCKET SCHEMA` prints its port on stderr and serves GET …?id=eq.N until SIGTERM.
#include <signal.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <fmt/format.h>
#include <mysql_connection.h>
#include <mysql_driver.h>

#include "gateway/http/server.h"

namespace {

using gateway::http::Request;
using gateway::http::Response;

Response plain(int status) {
    Response response;
    response.status = status;
    return response;
}

class Reader {
public:
    Reader(const std::string& socket, const std::string& schema)
        : connection_(sql::mysql::get_driver_instance()->connect("unix://" + socket, "root", "")) {
        connection_->setSchema(schema);
        statement_.reset(connection_->prepareStatement("SELECT id, name, email, is_active, created_at FROM users WHERE id = ?"));
    }

    Response read(int id) {
        statement_->setInt(1, id);
        const std::unique_ptr<sql::ResultSet> rows(statement_->executeQuery());
        Response response = plain(200);
        response.headers.push_back({"Content-Type", "application/json"});
        response.body = '[';
        if (rows->next()) {
            fmt::format_to(std::back_inserter(response.body), R"({{"id":{},"name":"{}","email":"{}","is_active":{},"created_at":"{}"}})",
                           rows->getInt(1), rows->getString(2).asStdString(), rows->getString(3).asStdString(), rows->getInt(4),
                           rows->getString(5).asStdString());
        }
        response.body += ']';
        return response;
    }

private:
    std::unique_ptr<sql::Connection> connection_;
    std::unique_ptr<sql::PreparedStatement> statement_;
};

std::optional<int> key_of(const std::string& target) {
    const std::size_t at = target.find("?id=eq.");
    int id = 0;
    if (at == std::string::npos) return std::nullopt;
    const char* const end = target.data() + target.size();
    const auto [stop, error] = std::from_chars(target.data() + at + 7, end, id);
    return error == std::errc() && stop == end ? std::optional(id) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    sql::mysql::get_driver_instance();
    const std::string socket = argv[1];
    const std::string schema = argv[2];
    gateway::http::ServerOptions options;
    options.port = 0;
    options.threads = 32;  // as many statements at once as the gateway beside it has connections
    gateway::http::Server server(
        options,
        [&](Request&& request) {
            static thread_local Reader reader(socket, schema);
            const std::optional<int> id = key_of(request.target);
            return id ? reader.read(*id) : plain(404);
        },
        [](const gateway::http::Refusal& refusal) { return plain(refusal.status); });
    fmt::print(stderr, "{}\n", server.bind());
    std::thread waiter([&] {
        int number = 0;
        sigwait(&signals, &number);
        server.stop();
    });
    server.run();
    waiter.join();
    return 0;
}
