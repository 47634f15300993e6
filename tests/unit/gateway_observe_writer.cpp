#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "gateway/observe/log.h"
#include "gateway/observe/log_writer.h"
#include "tests/unit/scratch_folder.h"

namespace fs = std::filesystem;
using namespace gateway::observe;
using namespace std::chrono_literals;

namespace {

class Folder : public ScratchFolder {
public:
    [[nodiscard]] std::string file(const std::string& name = "log") const { return ScratchFolder::file(name); }
};

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

bool becomes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

std::unique_ptr<LogWriter> writer_to(const std::string& path, std::chrono::milliseconds after = 20ms) {
    return std::make_unique<LogWriter>(path, after, [](const std::string&) {});
}

// Runs `work` in a process of its own and returns how it ended, as waitpid says.
int in_child(const std::function<void()>& work) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        work();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

TEST_CASE("a line is in the file by itself, no later than it may wait, and not at once") {
    const Folder folder;
    const auto writer = writer_to(folder.file(), 300ms);
    writer->append("one\n");
    std::this_thread::sleep_for(50ms);
    CHECK(text_of(folder.file()).empty());
    CHECK(becomes_true([&] { return text_of(folder.file()) == "one\n"; }));
    writer->append("two\n");
    CHECK(becomes_true([&] { return text_of(folder.file()) == "one\ntwo\n"; }));
}

TEST_CASE("many bytes do not wait") {
    const Folder folder;
    const auto writer = writer_to(folder.file(), 60s);
    const std::string line = std::string(999, 'x') + "\n";
    for (int i = 0; i < 100; ++i) {
        writer->append(line);
    }
    CHECK(becomes_true([&] { return text_of(folder.file()).size() >= 64u << 10; }));
}

TEST_CASE("with no time to wait a line is written at once") {
    const Folder folder;
    const auto writer = writer_to(folder.file(), 0ms);
    writer->append("one\n");
    CHECK(becomes_true([&] { return text_of(folder.file()) == "one\n"; }));
}

TEST_CASE("the end writes what waits") {
    const Folder folder;
    writer_to(folder.file(), 60s)->append("last\n");
    CHECK(text_of(folder.file()) == "last\n");
}

TEST_CASE("opened anew, a log goes on in the file that has its name, and loses nothing") {
    const Folder folder;
    auto writer = writer_to(folder.file(), 5ms);
    writer->append("a\n");
    REQUIRE(becomes_true([&] { return text_of(folder.file()) == "a\n"; }));
    fs::rename(folder.file(), folder.file("old"));
    writer->append("b\n");
    REQUIRE(becomes_true([&] { return text_of(folder.file("old")) == "a\nb\n"; }));
    writer->reopen();
    REQUIRE(becomes_true([&] { return fs::exists(folder.file()); }));
    writer->append("c\n");
    CHECK(becomes_true([&] { return text_of(folder.file()) == "c\n"; }));
    CHECK(text_of(folder.file("old")) == "a\nb\n");
    CHECK(writer->stats().lines_lost == 0);
}

TEST_CASE("a log that cannot be opened anew goes on in the old file, and says so there") {
    const Folder folder;
    const std::string path = folder.file("log");
    auto log = std::make_unique<Log>(path, 5ms);
    fs::rename(path, folder.file("old"));
    fs::create_directory(path);
    log->reopen();
    CHECK(becomes_true([&] { return text_of(folder.file("old")).find(R"("event":"failed","what":"cannot open the log)") != std::string::npos; }));
    CHECK(log->stats().write_failures == 1);
    CHECK(log->stats().lines_lost == 0);
}

TEST_CASE("a full device loses no time and counts what it loses") {
    auto writer = writer_to("/dev/full", 1ms);
    const std::string line = std::string(1023, 'x') + "\n";
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 20'000; ++i) {
        writer->append(line);
    }
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    CHECK(becomes_true([&] { return writer->stats().write_failures > 0; }));
    const std::uint64_t lost = writer->stats().lines_lost;
    CHECK(lost >= 20'000 - 2 * LogWriter::kWaitingMax / 1024 - 1);
    CHECK(lost < 20'000);
}

TEST_CASE("what a full disk did not take is written when there is room, each line once and whole") {
    const Folder folder;
    const int status = in_child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = 1010;  // in the middle of the eleventh line
        ::setrlimit(RLIMIT_FSIZE, &limit);
        auto writer = writer_to(folder.file(), 1ms);
        const std::string line = std::string(99, 'x') + "\n";
        for (int i = 0; i < 50; ++i) {
            writer->append(line);
        }
        if (!becomes_true([&] { return writer->stats().write_failures > 0; })) {
            ::_exit(1);
        }
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_FSIZE, &limit);
        if (!becomes_true([&] { return fs::file_size(folder.file()) == 5000; })) {
            ::_exit(2);
        }
        ::_exit(writer->stats().lines_lost == 0 ? 0 : 3);
    });
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    const std::string text = text_of(folder.file());
    CHECK(text.size() == 5000);
    for (std::size_t i = 0; i < text.size(); ++i) {
        REQUIRE((text[i] == '\n') == (i % 100 == 99));
    }
}

TEST_CASE("a line of which the old file took a part goes whole into the new one") {
    const Folder folder;
    const int status = in_child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = 250;
        ::setrlimit(RLIMIT_FSIZE, &limit);
        auto writer = writer_to(folder.file(), 1ms);
        for (const char c : std::string("abcd")) {
            writer->append(std::string(99, c) + "\n");
        }
        if (!becomes_true([&] { return writer->stats().write_failures > 0; })) {
            ::_exit(1);
        }
        fs::rename(folder.file(), folder.file("old"));
        writer->reopen();
        ::_exit(becomes_true([&] { return fs::exists(folder.file()) && fs::file_size(folder.file()) == 200; }) ? 0 : 2);
    });
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(text_of(folder.file()) == std::string(99, 'c') + "\n" + std::string(99, 'd') + "\n");
}

TEST_CASE("a file that ends within a line is given its end before anything is added") {
    const Folder folder;
    std::ofstream(folder.file()) << "{\"cut";
    writer_to(folder.file())->append("whole\n");
    CHECK(text_of(folder.file()) == "{\"cut\nwhole\n");
}

TEST_CASE("a pipe that nobody empties does not hold up the end, and whole lines go into it") {
    const Folder folder;
    REQUIRE(::mkfifo(folder.file().c_str(), 0600) == 0);
    const int reader = ::open(folder.file().c_str(), O_RDONLY | O_NONBLOCK);
    REQUIRE(reader >= 0);
    auto writer = writer_to(folder.file(), 1ms);
    const std::string line = std::string(999, 'x') + "\n";
    for (int i = 0; i < 500; ++i) {
        writer->append(line);
    }
    std::this_thread::sleep_for(50ms);
    const auto began = std::chrono::steady_clock::now();
    writer.reset();
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(took >= 1s);
    CHECK(took < 4s);
    std::string taken(1 << 20, '\0');
    const ssize_t count = ::read(reader, taken.data(), taken.size());
    REQUIRE(count > 0);
    CHECK(count % 1000 == 0);
    ::close(reader);
}

TEST_CASE("a named pipe that nobody reads is refused at once") {
    const Folder folder;
    REQUIRE(::mkfifo(folder.file().c_str(), 0600) == 0);
    CHECK_THROWS_WITH_AS(writer_to(folder.file()), doctest::Contains("cannot open the log"), std::runtime_error);
}

TEST_CASE("a pipe whose reader has gone ends nothing") {
    const Folder folder;
    const int status = in_child([&] {
        ::signal(SIGPIPE, SIG_DFL);
        const std::string path = folder.file("pipe");
        ::mkfifo(path.c_str(), 0600);
        const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
        auto writer = writer_to(path, 1ms);
        ::close(reader);
        writer->append("lost\n");
        ::_exit(becomes_true([&] { return writer->stats().write_failures > 0; }) ? 0 : 1);
    });
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a program that aborts writes the lines that wait") {
    const Folder folder;
    const int status = in_child([&] {
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        Log log(folder.file(), 60s);
        log.write_on_abort();
        log.write(Failed{"the last words"});
        std::abort();
    });
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
    CHECK(text_of(folder.file()).ends_with("\"what\":\"the last words\"}\n"));
}
