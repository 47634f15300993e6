#include "gateway/tenants/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

namespace gateway::tenants {
namespace {

// IN_MODIFY says that somebody is still writing: it puts off the reading.
constexpr std::uint32_t kEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |
                                  IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kFolderGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

}  // namespace

FolderWatch::FolderWatch(std::string folder) : folder_(std::move(folder)), descriptor_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    watch();
}

FolderWatch::~FolderWatch() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

bool FolderWatch::watch() {
    if (descriptor_ >= 0 && watch_ < 0) {
        watch_ = ::inotify_add_watch(descriptor_, folder_.c_str(), kEvents);
    }
    return watch_ >= 0;
}

void FolderWatch::Seen::add(Seen&& more) {
    is_any = is_any || more.is_any;
    is_all = is_all || more.is_all;
    names.merge(more.names);
}

FolderWatch::Seen FolderWatch::read() {
    Seen seen;
    std::array<char, 16384> buffer;
    for (;;) {
        const ssize_t got = descriptor_ < 0 ? -1 : ::read(descriptor_, buffer.data(), buffer.size());
        if (got <= 0) {
            return seen;
        }
        for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof event);
            seen.is_any = true;
            if (event.len != 0) {
                seen.names.emplace(buffer.data() + at + sizeof event);
            }
            if ((event.mask & IN_Q_OVERFLOW) != 0) {
                seen.is_all = true;
            }
            if ((event.mask & kFolderGone) != 0 && event.wd == watch_) {
                // The watch follows the folder that was moved away, not its name.
                if ((event.mask & IN_IGNORED) == 0) {
                    ::inotify_rm_watch(descriptor_, watch_);
                }
                watch_ = -1;
                seen.is_all = true;
            }
            at += sizeof event + event.len;
        }
    }
}

}  // namespace gateway::tenants
