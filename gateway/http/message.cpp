#include "gateway/http/message.h"

#include <algorithm>

#include "gateway/http/ascii.h"

namespace gateway::http {

std::vector<std::string_view> Request::values(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const Header& header : headers) {
        if (is_equal_ignoring_case(header.name, name)) {
            found.emplace_back(header.value);
        }
    }
    return found;
}

Request::Found Request::find(std::string_view name) const {
    Found found;
    for (const Header& header : headers) {
        if (is_equal_ignoring_case(header.name, name) && ++found.count == 1) {
            found.value = header.value;
        }
    }
    return found;
}

std::string_view reason(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 428:
            return "Precondition Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Unknown";
    }
}

}  // namespace gateway::http
