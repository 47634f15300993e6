#include "gateway/observe/own_use.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
#include <string_view>

namespace gateway::observe {
namespace {

std::atomic<std::int64_t> started_ms{0};

std::uint64_t resident_bytes() {
    const int descriptor = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return 0;
    }
    std::array<char, 128> text{};
    const ssize_t size = ::read(descriptor, text.data(), text.size());
    ::close(descriptor);
    const std::string_view line(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::size_t blank = line.find(' ');
    std::uint64_t pages = 0;
    if (blank != std::string_view::npos) {
        std::from_chars(line.data() + blank + 1, line.data() + line.size(), pages);
    }
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_files() {
    DIR* const folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) {
        return 0;
    }
    std::uint64_t count = 0;
    while (const dirent* entry = ::readdir(folder)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    ::closedir(folder);
    return count > 0 ? count - 1 : 0;  // without the folder's own
}

std::chrono::microseconds time_of(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

void note_start() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    started_ms.store(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

OwnUse read_own_use() {
    OwnUse use;
    use.resident_bytes = resident_bytes();
    use.open_files = open_files();
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
        use.processor_time = time_of(usage.ru_utime) + time_of(usage.ru_stime);
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        use.open_files_max = limit.rlim_cur;
    }
    use.started = std::chrono::milliseconds(started_ms.load());
    return use;
}

}  // namespace gateway::observe
