// The closed list of what happens here that somebody outside may want to know. The log reads it now, metrics will.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gateway::observe {

// One a request, when its answer is complete.
struct RequestServed {
    std::string request_id;
    std::string peer;
    std::string method;
    std::string target;         // as sent; the log escapes it
    int status = 0;
    std::string code;           // the problem's, or empty
    std::string org, project, user;
    std::uint64_t bytes = 0;    // of the body
    std::chrono::microseconds duration{0};
    std::string internal;       // an error's inner text; empty otherwise
};

struct Started { std::string address; std::uint16_t port = 0; };
struct Stopping { std::string reason; };
struct Failed { std::string what; };

// JSON lines. Thread safe; a line is written whole. `path` "-" is standard output, "" is nowhere.
class Log {
public:
    explicit Log(const std::string& path);
    ~Log();
    void write(const RequestServed& event);
    void write(const Started& event);
    void write(const Stopping& event);
    void write(const Failed& event);

private:
    struct Sink;
    std::unique_ptr<Sink> sink_;
};

}  // namespace gateway::observe
