// Tells that something in the folder of tenants' files changed, and the names of what did, by inotify. It reads no file and knows
// no tenant; what it misses (a folder that was put in another's place, a lost watch) is for its user's second look. For one thread;
// called by Reloader.
#pragma once

#include <set>
#include <string>

namespace gateway::tenants {

class FolderWatch {
public:
    // Never fails: without inotify nothing is ever seen.
    explicit FolderWatch(std::string folder);
    ~FolderWatch();
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;

    struct Seen {
        bool is_any = false;
        bool is_all = false;  // events were lost, or the folder is another one: every file may have changed
        std::set<std::string> names;

        void add(Seen&& more);
    };
    // What happened since the last call; does not wait.
    [[nodiscard]] Seen read();
    // Readable when there is something; negative: never.
    [[nodiscard]] int descriptor() const { return descriptor_; }
    // False while the folder is not there, or cannot be watched: call watch() now and then.
    [[nodiscard]] bool is_watching() const { return watch_ >= 0; }
    bool watch();

private:
    const std::string folder_;
    int descriptor_ = -1;
    int watch_ = -1;
};

}  // namespace gateway::tenants
