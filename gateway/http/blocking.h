// Says that the calling thread is about to wait for something other than the processor, so that another thread of the server
// takes its place meanwhile. Reads like few statements in flight and durable commits many: what waits for a commit does not count
// among the few workers. Called by the pipeline around writes; on a thread that is none of a server's it does nothing.
#pragma once

namespace gateway::http {

class Blocking {
public:
    Blocking();
    ~Blocking();
    Blocking(const Blocking&) = delete;
    Blocking& operator=(const Blocking&) = delete;
};

}  // namespace gateway::http
