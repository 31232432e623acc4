// The log as App uses it: levels, forms, the limit on repeats by a clock that is moved by
// hand, files that are moved away, and what cannot be written where it should.
#include "agent/log/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "agent/net/file_descriptor.h"
#include "tests/support/config_rig.h"
#include "tests/support/config_sample.h"

namespace pitot::agent {
namespace {

using namespace std::chrono_literals;

// A log whose standard error is a file.
struct Rig {
    tests::ConfigDirectory directory;
    std::filesystem::path error_path = directory.write("stderr", "");
    FileDescriptor standard_error{::open(error_path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
    std::filesystem::path file = error_path.parent_path() / "pitot.log";
    ManualClock clock;
    std::optional<Log> log;

    explicit Rig(LogConfig config, bool has_file = false) {
        if (config.format == LogFormat::automatic) config.format = LogFormat::journal;
        if (has_file) config.file = file;
        log.emplace(std::move(config), tests::config_environment(), clock, standard_error.get());
    }
    std::string on_standard_error() const { return tests::content_of(error_path); }
    std::string in_file() const { return tests::content_of(file); }
    void advance(std::chrono::nanoseconds by) { clock.advance_ns(by.count()); }
};

TEST_CASE("what is below the level is not told") {
    for (std::size_t level = 0; level < log_level_names.size(); ++level) {
        Rig rig({.level = static_cast<LogLevel>(level)});
        spdlog::logger& logger = rig.log->logger();
        logger.trace("t");
        logger.debug("d");
        logger.info("i");
        logger.warn("w");
        logger.error("e");
        const std::string all = "<7>t\n<7>d\n<6>i\n<4>w\n<3>e\n";
        CHECK(rig.on_standard_error() == all.substr(5 * level));
    }
}

TEST_CASE("a form that is left to us: a file that is not a terminal has logfmt") {
    const tests::ConfigDirectory directory;
    const std::filesystem::path path = directory.write("stderr", "");
    const FileDescriptor standard_error{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
    const ManualClock clock(1'500'000'000);
    Log log({}, tests::config_environment(), clock, standard_error.get());
    log.logger().info("sinks.push: works");
    CHECK(tests::content_of(path) ==
          "time=1970-01-01T00:00:01.500Z level=info part=sinks.push message=\"works\"\n");
}

TEST_CASE("a repeated message is held back, and told when it is due and at the end") {
    Rig rig({});
    for (int i = 0; i < 100; ++i) rig.log->logger().warn("late");
    CHECK(rig.on_standard_error() == "<4>late\n");
    rig.advance(29s);
    rig.log->tell_due();
    CHECK(rig.on_standard_error() == "<4>late\n");
    rig.advance(1s);
    rig.log->tell_due();
    const std::string summary = "<4>late\n<4>late (99 times in the last 30 s, the last 30 s ago)\n";
    CHECK(rig.on_standard_error() == summary);
    rig.log->logger().warn("late");
    rig.advance(2s);
    rig.log.reset();
    CHECK(rig.on_standard_error() == summary + "<4>late (once in the last 2 s, 2 s ago)\n");
}

TEST_CASE("until the agent has started, errors are on standard error, too") {
    Rig rig({}, true);
    rig.log->logger().warn("before the file");
    CHECK(rig.log->open() == std::nullopt);
    rig.log->logger().error("cannot bind");
    rig.log->logger().info("listens");
    rig.log->started();
    rig.log->logger().error("down");
    CHECK(rig.on_standard_error() == "<4>before the file\n<3>cannot bind\n");
    CHECK(rig.in_file() == "<3>cannot bind\n<6>listens\n<3>down\n");
}

TEST_CASE("a file that cannot be opened is told with a remedy") {
    Rig rig({.level = {}, .format = {}, .file = "/nowhere\x1b/pitot.log"});
    CHECK(rig.log->open() ==
          "cannot open /nowhere\\x1b/pitot.log: no such file or directory; the directory "
          "/nowhere\\x1b must exist: create it, or let systemd do so with LogsDirectory=");
    Rig folder({.level = {}, .format = {}, .file = "/"});
    CHECK(folder.log->open() == "cannot open /: is a directory; log.file must name a file");
}

TEST_CASE("a file that was moved is left, and a new one made; each line is in one of them") {
    Rig rig({}, true);
    REQUIRE(rig.log->open() == std::nullopt);
    rig.log->started();
    rig.log->logger().info("first");
    const std::filesystem::path moved = rig.file.string() + ".1";
    std::filesystem::rename(rig.file, moved);
    rig.log->logger().info("second");
    rig.log->reopen();
    rig.log->logger().info("third");
    CHECK(tests::content_of(moved) == "<6>first\n<6>second\n");
    CHECK(rig.in_file() == "<6>log: reopened " + rig.file.string() +
                               " on SIGHUP; to have the configuration read again, restart the "
                               "agent\n<6>third\n");
    CHECK(rig.on_standard_error() == "");
}

TEST_CASE("where no new file can be made, the old one goes on, and both places say so") {
    Rig rig({}, true);
    REQUIRE(rig.log->open() == std::nullopt);
    rig.log->started();
    const std::filesystem::path moved = rig.file.string() + ".1";
    std::filesystem::rename(rig.file, moved);
    std::filesystem::create_directory(rig.file);
    rig.log->reopen();
    rig.log->logger().info("goes on");
    const std::string complaint = "<3>log: cannot open " + rig.file.string() +
                                  ": is a directory; log.file must name a file. Lines go on into "
                                  "the file that was open before, wherever it is now; put that "
                                  "right and send SIGHUP again\n";
    CHECK(rig.on_standard_error() == complaint);
    CHECK(tests::content_of(moved) == complaint + "<6>goes on\n");
    // Put right.
    std::filesystem::remove(rig.file);
    rig.log->reopen();
    CHECK(rig.in_file().starts_with("<6>log: reopened "));
}

TEST_CASE("without a file there is nothing to reopen, which is said") {
    Rig rig({});
    rig.log->started();
    rig.log->reopen();
    CHECK(rig.on_standard_error() ==
          "<6>log: nothing to reopen on SIGHUP, log.file is not set; to have the configuration "
          "read again, restart the agent\n");
}

TEST_CASE("what a full disk does not take goes to standard error, and both are told") {
    Rig rig({}, true);
    // The file is a link, so that the disk can get room.
    std::filesystem::create_symlink("/dev/full", rig.file);
    REQUIRE(rig.log->open() == std::nullopt);
    rig.log->started();
    rig.log->logger().info("a");
    rig.log->logger().warn("b");
    CHECK(rig.on_standard_error() ==
          "<3>log: cannot write to " + rig.file.string() +
              ": no space left on device; messages go to standard error until it can be written "
              "to again\n<6>a\n<4>b\n");
    std::filesystem::remove(rig.file);
    rig.log->reopen();
    rig.log->logger().info("c");
    CHECK(rig.in_file().starts_with(
        "<4>log: 2 line(s) are missing here and went to standard error instead: no space left on "
        "device\n<6>log: reopened "));
    CHECK(rig.in_file().ends_with("\n<6>c\n"));
}

TEST_CASE("one part that logs a great deal does not hide another") {
    Rig rig({});
    for (int i = 0; i < 1000; ++i) {
        rig.log->logger().warn("sinks.a: attempt {} failed", i);
        if (i == 500) rig.log->logger().warn("sinks.b: attempt {} failed", i);
    }
    CHECK(rig.on_standard_error() ==
          "<4>sinks.a: attempt 0 failed\n<4>sinks.b: attempt 500 failed\n");
}

}  // namespace
}  // namespace pitot::agent
