#include "gateway/http/server.h"

#include <utility>

#include "gateway/http/front.h"

namespace gateway::http {

Server::Server(ServerOptions options, Handler handler, RefusalHandler refuse)
    : front_(std::make_unique<Front>(std::move(options), std::move(handler), std::move(refuse))) {}

Server::~Server() = default;

std::uint16_t Server::bind() {
    return front_->bind();
}

void Server::run() {
    front_->run();
}

void Server::stop() {
    front_->raise_stop();
}

ServerStats Server::stats() const {
    return front_->stats();
}

}  // namespace gateway::http
