// Answers as bytes: takes each request through cpp-httplib to the handler, writes what it says, and decides whether the connection
// goes on. httplib is given a head that can be read in one way only and a stream in memory; it never sees a byte of a client, nor a
// socket.
// Called by server.cpp. Thread safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "gateway/http/message.h"
#include "gateway/http/receiver.h"
#include "gateway/http/server.h"

namespace gateway::http {

struct Answered {
    std::string body;                // a long body, which follows the bytes; a short one is among them
    bool closes = false;             // the answer says so
    BodySource source;               // what follows the bytes, or null
    bool source_is_chunked = false;  // else the close ends it (HTTP/1.0)
};

class Answerer {
public:
    Answerer(Handler handler, RefusalHandler refuse);
    ~Answerer();
    Answerer(const Answerer&) = delete;
    Answerer& operator=(const Answerer&) = delete;

    // Appends the answer's head, and its body unless that is long, to `out`. Takes the request out of `incoming`. `is_stopping` is read after the handler
    // has run: a stop that came meanwhile is still told to the client.
    [[nodiscard]] Answered answer(Incoming& incoming, const std::atomic<bool>& is_stopping, std::string& out);

private:
    class Front;
    std::unique_ptr<Front> front_;
};

}  // namespace gateway::http
