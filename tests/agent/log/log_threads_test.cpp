// The log under several threads, as shards, flush, delivery and main use it, while its file
// is moved away and reopened: lines are whole, and none is lost or there twice.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <barrier>
#include <cstdint>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/log/log.h"
#include "agent/net/file_descriptor.h"
#include "tests/support/config_rig.h"
#include "tests/support/config_sample.h"
#include "tests/support/log_invariants.h"

namespace pitot::agent {
namespace {

constexpr int threads = 4;
constexpr int rounds = 40;
constexpr int messages = 25;  // of each thread and round

TEST_CASE("threads log while the file is moved: every message is in exactly one line") {
    const tests::ConfigDirectory directory;
    const std::filesystem::path path = directory.write("stderr", "");
    const std::filesystem::path file = path.parent_path() / "pitot.log";
    const FileDescriptor standard_error{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
    const SystemClock clock;
    {
        Log log({.level = LogLevel::info, .format = LogFormat::json, .file = file},
                tests::config_environment(), clock, standard_error.get());
        REQUIRE(log.open() == std::nullopt);
        log.started();
        std::barrier in_step(threads + 1);
        std::vector<std::jthread> all;
        for (int thread = 0; thread < threads; ++thread) {
            all.emplace_back([&, thread] {
                for (int round = 0; round < rounds; ++round) {
                    in_step.arrive_and_wait();
                    for (int i = 0; i < messages; ++i) {
                        // Some of its own, and one that all of them repeat.
                        log.logger().info("own: t{}r{}i{}\n\xff", thread, round, i);
                        log.logger().warn("shared: {} of {}", i, messages);
                    }
                }
            });
        }
        for (int round = 0; round < rounds; ++round) {
            in_step.arrive_and_wait();
            std::filesystem::rename(file, file.string() + "." + std::to_string(round));
            log.reopen();
            log.tell_due();
        }
    }
    CHECK(tests::content_of(path) == "");

    std::map<std::string, std::uint64_t> own;
    std::uint64_t shared = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) {
        if (entry.path().stem() != "pitot" && entry.path().stem() != "pitot.log") continue;
        std::istringstream lines(tests::content_of(entry.path()));
        for (std::string line; std::getline(lines, line);) {
            const auto record = tests::read_json_record(line);
            REQUIRE_MESSAGE(record, line);
            const std::uint64_t count = record->count.empty() ? 1 : std::stoull(record->count);
            if (record->part == "own") own[record->message] += count;
            if (record->part == "shared") shared += count;
        }
    }
    CHECK(shared == std::uint64_t{threads} * rounds * messages);
    CHECK(own.size() == std::size_t{threads} * rounds * messages);
    for (const auto& [message, count] : own) {
        CAPTURE(message);
        CHECK(count == 1);
    }
}

}  // namespace
}  // namespace pitot::agent
