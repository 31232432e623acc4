// What a sink needs to live, for tests: an io_context, time moved by hand, a log kept in memory.
//
//     SinkRig rig;
//     auto sink = pushgateway::make(options, rig.context);
//     sink->send(maker.end_interval());
//     rig.run_until([&] { return server.requests().size() == 1; });
//     rig.advance(500ms);                  // a back-off passes
//
// The network is real, time is not: timers fire when advance() reaches them and never by
// themselves. Everything runs on the calling thread.
#pragma once

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "sinks/context.h"
#include "sinks/scheduler.h"

namespace pitot::tests {

class ManualScheduler final : public sinks::Scheduler {
public:
    explicit ManualScheduler(boost::asio::io_context& io) : io_(io) {}

    std::int64_t wall_ns() const override { return 1'785'542'400'000'000'000 + now_ns_; }
    std::int64_t steady_ns() const override { return now_ns_; }
    void post(std::function<void()> task) override { boost::asio::post(io_, std::move(task)); }
    TimerId at(std::int64_t due_steady_ns, std::function<void()> task) override {
        timers_.emplace(std::pair(std::max(due_steady_ns, now_ns_), ++last_id_), std::move(task));
        return last_id_;
    }
    void cancel(TimerId timer) override {
        std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
    }

    // Runs the earliest timer that is due at `until_ns`, at its time. False: there is none.
    bool fire_next(std::int64_t until_ns) {
        if (timers_.empty() || timers_.begin()->first.first > until_ns) {
            now_ns_ = std::max(now_ns_, until_ns);
            return false;
        }
        auto node = timers_.extract(timers_.begin());
        now_ns_ = std::max(now_ns_, node.key().first);
        node.mapped()();
        return true;
    }
    // Time until the earliest timer; -1 when there is none.
    std::int64_t next_ns() const {
        return timers_.empty() ? -1 : timers_.begin()->first.first - now_ns_;
    }

private:
    boost::asio::io_context& io_;
    std::map<std::pair<std::int64_t, TimerId>, std::function<void()>> timers_;
    TimerId last_id_ = 0;
    std::int64_t now_ns_ = 1'000'000'000;
};

struct SinkRig {
    // Real time a condition may take; a test that reaches it has failed.
    static constexpr std::chrono::seconds patience{60};

    boost::asio::io_context io{1};
    ManualScheduler time{io};
    std::ostringstream said;
    spdlog::logger log{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said)};
    sinks::Context context{.io = io,
                           .time = time,
                           .log = log,
                           .random = [] { return 0.5; },
                           .user_agent = "pitot/test",
                           .host_name = "web-1",
                           .quantiles = {0.5, 0.9, 0.99}};

    SinkRig() { log.set_pattern("%l: %v"); }

    // Runs what is ready, and timers that are due now, until nothing is.
    void settle() {
        do {
            io.restart();
            while (io.poll() > 0) {
            }
        } while (time.fire_next(time.steady_ns()));
    }

    // Runs the network until `condition` holds.
    void run_until(const std::function<bool()>& condition) {
        const auto give_up = std::chrono::steady_clock::now() + patience;
        while (true) {
            settle();
            if (condition()) return;
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < give_up,
                            "the condition never came true");
            io.restart();
            io.run_one_for(std::chrono::milliseconds(5));
        }
    }

    // Moves time; each timer runs at its own moment.
    void advance(std::chrono::nanoseconds by) {
        const std::int64_t until_ns = time.steady_ns() + by.count();
        settle();
        while (time.fire_next(until_ns)) settle();
        settle();
    }

    bool has_said(std::string_view text) const {
        return said.str().find(text) != std::string::npos;
    }
};

}  // namespace pitot::tests
