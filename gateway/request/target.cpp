#include "gateway/request/target.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "filters/text.h"

namespace gateway::request {
namespace {

using filters::Position;

tl::unexpected<TargetError> refuse(std::string detail, Position position) {
    return tl::unexpected(TargetError{std::move(detail), position});
}

// How many segments `base_path` has when it is a prefix of `segments`, plus one; 0 when it is not. "/v1/" is read as "/v1".
std::size_t match(const std::vector<std::string>& segments, std::string_view base_path) {
    std::size_t count = 0;
    while (!base_path.empty()) {
        const std::size_t end = base_path.find('/');
        const std::string_view part = base_path.substr(0, end);
        base_path = end == std::string_view::npos ? std::string_view{} : base_path.substr(end + 1);
        if (part.empty()) {
            continue;
        }
        if (count == segments.size() || segments[count] != part) {
            return 0;
        }
        ++count;
    }
    return count + 1;
}

enum class Escapes { none, possible };

tl::expected<void, TargetError> add_segment(std::string_view raw, Position position, Escapes escapes, Target& target) {
    if (raw.empty()) {
        return refuse("the path has an empty segment", position);
    }
    target.positions.push_back(position);
    if (escapes == Escapes::none) {
        target.segments.emplace_back(raw);
    } else {
        auto decoded = filters::percent_decode(raw, position, filters::Plus::is_plus);
        if (!decoded) {
            return refuse(std::move(decoded.error().detail), decoded.error().position);
        }
        target.segments.push_back(std::move(decoded->text));
    }
    if (target.segments.back() == "." || target.segments.back() == "..") {
        return refuse("the path has a segment that is '.' or '..'", position);
    }
    return {};
}

// Cuts the base path off, by whole decoded segments.
void settle_base(const std::vector<std::string>& base_paths, Target& target) {
    std::size_t longest = 0;
    for (const std::string& base_path : base_paths) {
        longest = std::max(longest, match(target.segments, base_path));
    }
    target.has_base = longest != 0;
    if (longest <= 1) {
        return;
    }
    const std::size_t count = longest - 1;
    const Position end = count == target.positions.size() ? target.path.size() : target.positions[count] - 1;
    target.base = target.path.substr(0, end);
    target.segments.erase(target.segments.begin(), target.segments.begin() + static_cast<std::ptrdiff_t>(count));
    target.positions.erase(target.positions.begin(), target.positions.begin() + static_cast<std::ptrdiff_t>(count));
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
    const auto slashes = static_cast<std::size_t>(std::count(parsed.path.begin(), parsed.path.end(), '/'));
    parsed.segments.reserve(slashes);
    parsed.positions.reserve(slashes);
    const Escapes escapes = filters::is_plain(parsed.path) ? Escapes::none : Escapes::possible;
    // "/" alone has no segment; in any other path each slash begins one.
    std::size_t slash = parsed.path == "/" ? std::string_view::npos : 0;
    while (slash != std::string_view::npos) {
        const std::size_t begin = slash + 1;
        slash = parsed.path.find('/', begin);
        const std::size_t end = std::min(slash, parsed.path.size());
        if (auto added = add_segment(parsed.path.substr(begin, end - begin), begin, escapes, parsed); !added) {
            return tl::unexpected(std::move(added.error()));
        }
    }
    settle_base(base_paths, parsed);
    return parsed;
}

}  // namespace gateway::request
