#include "gateway/config/source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "filters/distance.h"
#include "filters/text.h"

namespace gateway::config {
namespace {

struct Descriptor {
    int fd = -1;
    explicit Descriptor(int opened) : fd(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd >= 0) {
            ::close(fd);
        }
    }
};

}  // namespace

tl::expected<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0) {
        return tl::unexpected(fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    std::string text;
    std::vector<char> chunk(16384);
    for (;;) {
        const ssize_t got = ::read(file.fd, chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return tl::unexpected(fmt::format("cannot be read: {}", std::strerror(errno)));
        }
        if (got == 0) {
            return text;
        }
        text.append(chunk.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max) {
            return tl::unexpected(fmt::format("is larger than {} bytes", bytes_max));
        }
    }
}

std::string nearest(std::string_view name, std::span<const std::string> candidates) {
    // A hint for a hostile name is not worth a quadratic comparison.
    if (name.empty() || name.size() > 128) {
        return {};
    }
    const std::string* best = nullptr;
    std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
    const std::string* ending = nullptr;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = filters::edit_distance(name, candidate);
        if (distance < best_distance) {
            best = &candidate;
            best_distance = distance;
        }
        const std::string_view text = candidate;
        if (ending == nullptr && text.size() > name.size() + 1 && text.ends_with(name) &&
            std::string_view("._ ").find(text[text.size() - name.size() - 1]) != std::string_view::npos) {
            ending = &candidate;
        }
    }
    if (best != nullptr) {
        return *best;
    }
    return ending != nullptr ? *ending : std::string{};
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
    const std::string near = nearest(name, candidates);
    return near.empty() ? std::string{} : fmt::format("; did you mean {}?", near);
}

bool is_plain_text(std::string_view text) {
    const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
    });
    return !has_control && filters::is_utf8(text);
}

std::string below(const std::string& folder, const std::string& path) {
    return (std::filesystem::path(folder) / path).lexically_normal().string();
}

}  // namespace gateway::config
