#include "gateway/http/head.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "gateway/http/ascii.h"

namespace gateway::http {
namespace {

constexpr std::size_t kMethodBytesMax = 32;
constexpr std::size_t kVersionBytes = 8;  // "HTTP/1.1"
constexpr std::size_t kHeadersUsual = 16;

[[gnu::cold]] tl::unexpected<Refusal> refuse(int status, std::string_view detail, std::size_t position) {
    return tl::unexpected(Refusal{status, std::string(detail), position});
}

// A view and where it begins in the head.
struct Part {
    std::string_view text;
    std::size_t position = 0;
};

// What the framing headers said; they are judged together at the end.
struct Framing {
    std::size_t hosts = 0;
    std::size_t lengths = 0;
    std::size_t encodings = 0;
    std::size_t length = 0;
    bool says_close = false;
    bool says_keep_alive = false;
    bool expects_continue = false;
    std::size_t position = 0;  // of the last framing header
};

constexpr std::string_view kTargetTooLong = "the request target is longer than this server's limit";

tl::expected<void, Refusal> check_target(Part target, const ServerOptions& options) {
    if (target.text.size() > options.target_bytes_max) {
        return refuse(414, kTargetTooLong, target.position);
    }
    if (target.text.empty() || target.text.front() != '/') {
        return refuse(400, "the request target must be a path that begins with a slash", target.position);
    }
    for (std::size_t index = 0; index < target.text.size(); ++index) {
        const char byte = target.text[index];
        if (is_control(byte) || byte == '\t') {
            return refuse(400, "the request target holds a control character", target.position + index);
        }
        if (byte == '#') {
            return refuse(400, "the request target holds a raw #; write %23", target.position + index);
        }
    }
    return {};
}

tl::expected<void, Refusal> check_version(Part version, Head& head) {
    const std::string_view text = version.text;
    if (text.size() != kVersionBytes || text.substr(0, 5) != "HTTP/" || !is_digit(text[5]) || text[6] != '.' ||
        !is_digit(text[7])) {
        return refuse(400, "the request line must be a method, a target and HTTP/1.1, with one space between", version.position);
    }
    if (text[5] != '1' || text[7] > '1') {
        return refuse(505, "this server speaks HTTP/1.1 and HTTP/1.0", version.position);
    }
    head.is_http_1_0 = text[7] == '0';
    return {};
}

tl::expected<void, Refusal> parse_request_line(std::string_view line, const ServerOptions& options, Head& head) {
    const std::size_t first = line.find(' ');
    const std::size_t method_end = first == std::string_view::npos ? line.size() : first;
    const std::string_view method = line.substr(0, method_end);
    if (!is_token(method) || method.size() > kMethodBytesMax) {
        return refuse(400, "the request line does not begin with a method", 0);
    }
    const std::size_t target_begin = std::min(line.size(), method_end + 1);
    const std::size_t second = line.find(' ', target_begin);
    const std::size_t target_end = second == std::string_view::npos ? line.size() : second;
    const Part target{line.substr(target_begin, target_end - target_begin), target_begin};
    const std::size_t version_begin = std::min(line.size(), target_end + 1);
    const Part version{line.substr(version_begin), version_begin};
    if (auto checked = check_target(target, options); !checked) {
        return checked;
    }
    if (auto checked = check_version(version, head); !checked) {
        return checked;
    }
    head.method = method;
    head.target = target.text;
    return {};
}

// RFC 3986 `host [":" port]`, loosely: nothing that could be read as a path, a list or user information.
bool is_host(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char byte) {
        return is_digit(byte) || is_letter(byte) || std::string_view("-._~%!$&'()*+;=:[]").find(byte) != std::string_view::npos;
    });
}

tl::expected<std::size_t, Refusal> parse_length(Part value) {
    if (value.text.empty() || !std::all_of(value.text.begin(), value.text.end(), is_digit)) {
        return refuse(400, "Content-Length must be digits", value.position);
    }
    constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
    std::size_t length = 0;
    for (const char byte : value.text) {
        const std::size_t digit = static_cast<std::size_t>(byte - '0');
        if (length > (kMax - digit) / 10) {
            return kMax;
        }
        length = length * 10 + digit;
    }
    return length;
}

void read_connection(std::string_view value, Framing& framing) {
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        const std::string_view option = trim_blanks(value.substr(0, comma));
        framing.says_close = framing.says_close || is_equal_ignoring_case(option, "close");
        framing.says_keep_alive = framing.says_keep_alive || is_equal_ignoring_case(option, "keep-alive");
        value = comma == std::string_view::npos ? std::string_view{} : value.substr(comma + 1);
    }
}

tl::expected<void, Refusal> read_framing(std::string_view name, Part value, Framing& framing) {
    if (is_equal_ignoring_case(name, "Host")) {
        ++framing.hosts;
        framing.position = value.position;
        if (framing.hosts > 1) {
            return refuse(400, "more than one Host header", value.position);
        }
        if (!is_host(value.text)) {
            return refuse(400, "the Host header is not a host and port", value.position);
        }
    } else if (is_equal_ignoring_case(name, "Content-Length")) {
        ++framing.lengths;
        framing.position = value.position;
        if (framing.lengths > 1) {
            return refuse(400, "more than one Content-Length header", value.position);
        }
        const auto length = parse_length(value);
        if (!length) {
            return tl::unexpected(length.error());
        }
        framing.length = *length;
    } else if (is_equal_ignoring_case(name, "Transfer-Encoding")) {
        ++framing.encodings;
        framing.position = value.position;
        if (framing.encodings > 1) {
            return refuse(400, "more than one Transfer-Encoding header", value.position);
        }
        if (!is_equal_ignoring_case(value.text, "chunked")) {
            return refuse(501, "of the transfer encodings, this server knows chunked alone", value.position);
        }
    } else if (is_equal_ignoring_case(name, "Connection")) {
        read_connection(value.text, framing);
    } else if (is_equal_ignoring_case(name, "Expect")) {
        if (!is_equal_ignoring_case(value.text, "100-continue")) {
            return refuse(400, "of the expectations, this server knows 100-continue alone", value.position);
        }
        framing.expects_continue = true;
    }
    return {};
}

tl::expected<void, Refusal> parse_field(std::string_view line, std::size_t position, Head& head, Framing& framing) {
    if (is_blank(line.front())) {
        return refuse(400, "a header line begins with a blank (folded lines are not read)", position);
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        return refuse(400, "a header line has no colon", position);
    }
    const std::string_view name = line.substr(0, colon);
    if (!is_token(name)) {
        return refuse(400, "a header's name is not a token, or a blank stands before its colon", position);
    }
    const std::string_view raw = line.substr(colon + 1);
    const std::string_view value = trim_blanks(raw);
    const std::size_t value_position =
        position + colon + 1 + (value.empty() ? 0 : static_cast<std::size_t>(value.data() - raw.data()));
    if (auto read = read_framing(name, {value, value_position}, framing); !read) {
        return read;
    }
    head.headers.push_back({std::string(name), std::string(value)});
    return {};
}

tl::expected<void, Refusal> settle_framing(const Framing& framing, Head& head) {
    if (framing.hosts == 0 && !head.is_http_1_0) {
        return refuse(400, "the Host header is missing", 0);
    }
    if (framing.encodings != 0 && framing.lengths != 0) {
        return refuse(400, "both Content-Length and Transfer-Encoding", framing.position);
    }
    if (framing.encodings != 0 && head.is_http_1_0) {
        return refuse(400, "HTTP/1.0 has no Transfer-Encoding", framing.position);
    }
    if (framing.encodings != 0) {
        head.framing = BodyFraming::chunked;
    } else if (framing.lengths != 0) {
        head.framing = BodyFraming::length;
        head.content_length = framing.length;
    }
    head.keeps_alive = !framing.says_close && (!head.is_http_1_0 || framing.says_keep_alive);
    // RFC 9110 section 10.1.1: an expectation in HTTP/1.0, or without a body, is ignored.
    head.expects_continue = framing.expects_continue && !head.is_http_1_0 && head.framing != BodyFraming::none;
    return {};
}

// The first byte that puts a request line past mending, and why.
struct LineFault {
    std::size_t index = std::string_view::npos;
    Refusal refusal;
};

// `line` may not have ended yet.
LineFault find_line_fault(std::string_view line, const ServerOptions& options) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view method = line.substr(0, std::min(space, kMethodBytesMax + 1));
    const auto wrong = std::find_if_not(method.begin(), method.end(), is_token_character);
    const std::size_t wrong_index = std::min(static_cast<std::size_t>(wrong - method.begin()), kMethodBytesMax);
    if (wrong_index < method.size() || (method.empty() && !line.empty())) {
        return {wrong_index, {400, "the request line does not begin with a method", 0}};
    }
    const std::size_t target_begin = std::min(space + 1, line.size());
    const std::string_view target = line.substr(target_begin, options.target_bytes_max + 1);
    if (target.size() > options.target_bytes_max && target.find(' ') == std::string_view::npos) {
        return {target_begin + options.target_bytes_max, {414, std::string(kTargetTooLong), target_begin}};
    }
    return {};
}

}  // namespace

tl::expected<std::size_t, Refusal> find_head_end(std::string_view bytes, std::size_t scanned, const ServerOptions& options) {
    // What is refused must not depend on how the bytes came in pieces: the fault that stands first wins.
    LineFault line_fault;
    if (bytes.substr(0, scanned).find('\n') == std::string_view::npos) {
        line_fault = find_line_fault(bytes.substr(0, bytes.find_first_of("\r\n")), options);
    }
    const std::string_view looked_at = bytes.substr(0, std::min({bytes.size(), options.head_bytes_max, line_fault.index}));
    // One byte is looked at again, for a CR may have been the last one.
    for (std::size_t index = scanned == 0 ? 0 : scanned - 1; index < bytes.size(); ++index) {
        if (index < looked_at.size()) {
            index = find_control_or_tab(looked_at, index);
            if (index == bytes.size()) {
                break;
            }
        }
        if (index >= options.head_bytes_max) {
            return refuse(431, "the request's head is larger than this server's limit", index);
        }
        if (index == line_fault.index) {
            return tl::unexpected(std::move(line_fault.refusal));
        }
        const char byte = bytes[index];
        if (!is_control(byte)) {
            continue;
        }
        const bool is_end_of_line = byte == '\n' && index != 0 && bytes[index - 1] == '\r';
        if (is_end_of_line) {
            if (index >= 3 && bytes[index - 2] == '\n') {
                return index + 1;
            }
            continue;
        }
        const bool may_begin_end_of_line = byte == '\r' && (index + 1 == bytes.size() || bytes[index + 1] == '\n');
        if (!may_begin_end_of_line) {
            return refuse(400, byte == '\n' ? "a line ends with LF alone" : "the request's head holds a control character",
                          index);
        }
    }
    return std::size_t{0};
}

tl::expected<Head, Refusal> parse_head(std::string_view bytes, const ServerOptions& options) {
    const auto head_end = find_head_end(bytes, 0, options);
    if (!head_end) {
        return tl::unexpected(head_end.error());
    }
    if (*head_end == 0 || *head_end != bytes.size()) {
        return refuse(400, "the request's head does not end with an empty line", bytes.size());
    }
    return parse_found_head(bytes, options);
}

tl::expected<Head, Refusal> parse_found_head(std::string_view bytes, const ServerOptions& options) {
    Head head;
    head.headers.reserve(kHeadersUsual);
    Framing framing;
    // find_head_end has refused every control character but the CRLF of a line's end: lines can be cut at CRLF safely.
    std::size_t position = bytes.find("\r\n");
    if (auto parsed = parse_request_line(bytes.substr(0, position), options, head); !parsed) {
        return tl::unexpected(parsed.error());
    }
    position += 2;
    for (;;) {
        const std::size_t end = bytes.find("\r\n", position);
        if (end == position) {
            break;
        }
        if (head.headers.size() == options.headers_max) {
            return refuse(431, "more headers than this server's limit", position);
        }
        if (auto parsed = parse_field(bytes.substr(position, end - position), position, head, framing); !parsed) {
            return tl::unexpected(parsed.error());
        }
        position = end + 2;
    }
    if (auto settled = settle_framing(framing, head); !settled) {
        return tl::unexpected(settled.error());
    }
    return head;
}

}  // namespace gateway::http
