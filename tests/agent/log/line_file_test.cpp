// Where lines end up: files and pipes that take them, that are full, and that nobody reads.
#include "agent/log/line_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <filesystem>
#include <string>

#include "tests/support/config_rig.h"

namespace pitot::agent {
namespace {

struct Pipe {
    FileDescriptor reader;
    FileDescriptor writer;
    Pipe() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
        reader = FileDescriptor{ends[0]};
        writer = FileDescriptor{ends[1]};
    }
    std::string read(std::size_t bytes) const {
        std::string text(bytes, '\0');
        const ssize_t count = ::read(reader.get(), text.data(), text.size());
        text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return text;
    }
};

TEST_CASE("a file is made, appended to, and not for everybody to read") {
    const tests::ConfigDirectory directory;
    const std::filesystem::path path = directory.write("log", "before\n");
    auto file = LineFile::open(path);
    REQUIRE(file);
    CHECK(file->write("one\n") == 0);
    CHECK(file->write(std::string(100'000, 'x') + "\n") == 0);
    CHECK(tests::content_of(path) == "before\none\n" + std::string(100'000, 'x') + "\n");

    const std::filesystem::path made = path.string() + ".new";
    REQUIRE(LineFile::open(made));
    const auto rights = std::filesystem::status(made).permissions();
    CHECK((rights & std::filesystem::perms::others_all) == std::filesystem::perms::none);
}

TEST_CASE("what cannot be opened") {
    const tests::ConfigDirectory directory;
    const std::filesystem::path path = directory.write("log", "");
    CHECK(LineFile::open(path.parent_path()).error() == EISDIR);
    CHECK(LineFile::open(path / "below").error() == ENOTDIR);
    CHECK(LineFile::open(path.parent_path() / "none" / "log").error() == ENOENT);
    // Without a reader; it must not be waited for.
    const std::filesystem::path fifo = path.parent_path() / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(LineFile::open(fifo).error() == ENXIO);
}

TEST_CASE("a device that is full says so") {
    auto full = LineFile::open("/dev/full");
    REQUIRE(full);
    CHECK(full->write("line\n") == ENOSPC);
    CHECK(full->write("line\n") == ENOSPC);
}

TEST_CASE("a closed descriptor says so") {
    CHECK(LineFile::duplicate(-1).write("line\n") == EBADF);
}

TEST_CASE("a reader that is gone says so") {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    Pipe pipe;
    LineFile lines = LineFile::duplicate(pipe.writer.get());
    pipe.reader.reset();
    CHECK(lines.write("line\n") == EPIPE);
}

TEST_CASE("a pipe that nobody reads costs lines; what was cut off is ended before the next") {
    const Pipe pipe;
    // Room for two pieces of a write.
    REQUIRE(::fcntl(pipe.writer.get(), F_SETPIPE_SZ, 2 * PIPE_BUF) == 2 * PIPE_BUF);
    LineFile lines = LineFile::duplicate(pipe.writer.get());
    CHECK(lines.write(std::string(2 * PIPE_BUF, 'x') + "cut off\n") == EAGAIN);
    CHECK(lines.write("lost\n") == EAGAIN);
    CHECK(pipe.read(2 * PIPE_BUF) == std::string(2 * PIPE_BUF, 'x'));
    CHECK(lines.write("next\n") == 0);
    CHECK(pipe.read(100) == "\nnext\n");
}

}  // namespace
}  // namespace pitot::agent
