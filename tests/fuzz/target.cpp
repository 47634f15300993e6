// Whatever bytes come in: no crash, positions inside the target, and segments that are clean and decode from where they say.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "filters/text.h"
#include "gateway/request/prefer.h"
#include "gateway/request/target.h"

namespace {

void require(bool is_true) {
    if (!is_true) {
        std::abort();
    }
}

bool lies_in(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void require_segments(const gateway::request::Target& target) {
    std::size_t at = target.base.size();
    for (const std::string& segment : target.segments) {
        require(!segment.empty() && segment != "." && segment != ".." && filters::is_utf8(segment));
        require(segment.find('\0') == std::string::npos);
        require(at < target.path.size() && target.path[at] == '/');
        const std::string_view rest = target.path.substr(at + 1);
        const std::string_view raw = rest.substr(0, rest.find('/'));
        const auto decoded = filters::percent_decode(raw, 0, filters::Plus::is_plus);
        require(decoded && decoded->text == segment);
        at += 1 + raw.size();
    }
    require(at == target.path.size() || target.path == "/");
}

// The other readers of client text that live beside it: they share this target for they are as small.
void read_as_headers(std::string_view text) {
    const std::vector<std::string_view> values{text};
    if (const auto preferences = gateway::request::parse_prefer(values)) {
        for (const auto& preference : *preferences) {
            require(!preference.name.empty() && filters::is_utf8(preference.value));
        }
    }
    if (gateway::request::is_json_content_type(text)) {
        require(gateway::request::accepts_json(values));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    read_as_headers(text);
    const std::vector<std::string> bases{"/v1", "/minimal/api/rest/auto/v1"};
    const auto target = gateway::request::parse_target(text, bases);
    if (!target) {
        require(target.error().position <= size);
        require(!target.error().detail.empty() && filters::is_utf8(target.error().detail));
        return 0;
    }
    require(lies_in(target->path, text) && lies_in(target->query, text) && target->query_position <= size);
    require(target->has_base || target->base.empty());
    require(target->path.substr(0, target->base.size()) == target->base);
    require(target->query == std::string_view(text).substr(target->query_position));
    require_segments(*target);
    return 0;
}
