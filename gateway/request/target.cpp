#include "gateway/request/target.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "filters/text.h"

namespace gateway::request {
namespace {

using filters::Position;

constexpr std::size_t kSegmentsUsual = 6;  // behind the base path: org, project, type, database, table, key

[[gnu::cold]] tl::unexpected<TargetError> refuse(std::string detail, Position position) {
    return tl::unexpected(TargetError{std::move(detail), position});
}

bool is_segment(std::string_view raw, std::string_view wanted) {
    if (raw.find('%') == std::string_view::npos) {
        return raw == wanted;
    }
    const auto decoded = filters::percent_decode(raw, 0, filters::Plus::is_plus);
    return decoded && decoded->text == wanted;
}

// Where `path` goes on behind `base_path`, or nothing when its first segments are others. "/v1/" is read as "/v1".
std::optional<Position> end_of_base(std::string_view path, std::string_view base_path) {
    Position at = 0;
    while (!base_path.empty()) {
        const std::size_t end = base_path.find('/');
        const std::string_view part = base_path.substr(0, end);
        base_path = end == std::string_view::npos ? std::string_view{} : base_path.substr(end + 1);
        if (part.empty()) {
            continue;
        }
        if (at == path.size()) {
            return std::nullopt;
        }
        const std::size_t next = std::min(path.find('/', at + 1), path.size());
        if (!is_segment(path.substr(at + 1, next - at - 1), part)) {
            return std::nullopt;
        }
        at = next;
    }
    return at;
}

enum class Escapes { none, possible };

tl::expected<void, TargetError> add_segment(std::string_view raw, Position position, Escapes escapes, Target& target) {
    if (raw.empty()) {
        return refuse("the path has an empty segment", position);
    }
    if (escapes == Escapes::none) {
        target.segments.emplace_back(raw);
    } else {
        auto decoded = filters::percent_decode(raw, position, filters::Plus::is_plus);
        if (!decoded) {
            return refuse(std::move(decoded.error().detail), decoded.error().position);
        }
        target.segments.push_back(std::move(decoded->text));
    }
    const std::string_view segment = target.segments.back();
    if (segment == "." || segment == "..") {
        return refuse("the path has a segment that is '.' or '..'", position);
    }
    return {};
}

}  // namespace

tl::expected<Target, TargetError> parse_target(std::string_view target, const std::vector<std::string>& base_paths) {
    if (target.empty() || target.front() != '/') {
        return refuse("the request target must be a path that begins with a slash", 0);
    }
    Target parsed;
    const std::size_t mark = target.find('?');
    parsed.path = target.substr(0, mark);
    parsed.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
    parsed.query_position = mark == std::string_view::npos ? target.size() : mark + 1;
    if (parsed.path.size() > 1 && parsed.path.back() == '/') {
        parsed.path.remove_suffix(1);
        if (parsed.path == "/") {  // it was "//"
            return refuse("the path has an empty segment", 1);
        }
    }
    std::size_t slash = 0;
    for (const std::string& base_path : base_paths) {
        const std::optional<Position> end = end_of_base(parsed.path, base_path);
        parsed.has_base = parsed.has_base || end;
        slash = std::max(slash, end.value_or(0));
    }
    parsed.base = parsed.path.substr(0, slash);
    const Escapes escapes = filters::is_plain(parsed.path) ? Escapes::none : Escapes::possible;
    parsed.segments.reserve(kSegmentsUsual);
    // Each slash begins a segment, but that of "/" alone.
    while (slash < parsed.path.size() && parsed.path != "/") {
        const std::size_t begin = slash + 1;
        slash = std::min(parsed.path.find('/', begin), parsed.path.size());
        if (auto added = add_segment(parsed.path.substr(begin, slash - begin), begin, escapes, parsed); !added) {
            return tl::unexpected(std::move(added.error()));
        }
    }
    return parsed;
}

}  // namespace gateway::request
