// The watchdog is fed while every loop answers, and by nothing else.
#include "agent/service/watchdog.h"

#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/manager_double.h"

namespace pitot::agent {
namespace {

using std::chrono_literals::operator""s;

// Loops that answer when they are told to.
struct Loops {
    std::array<Pulse, 3> pulses;
    std::array<int, 3> questions{};

    Liveness liveness() {
        std::vector<WatchedLoop> loops;
        for (std::size_t i = 0; i < pulses.size(); ++i) {
            loops.push_back({"loop " + std::to_string(i), &pulses[i], [this, i](std::int64_t now) {
                                 if (pulses[i].ask(now)) ++questions[i];
                             }});
        }
        return Liveness(std::move(loops));
    }
    void answer_all() {
        for (Pulse& pulse : pulses) pulse.answer();
    }
};

struct Rig {
    tests::ManagerDouble heard;
    ServiceManager manager{heard.environment({{"WATCHDOG_USEC", "8000000"}}), 7};
    Loops loops;
    ManualClock clock{0};
    std::ostringstream said;
    spdlog::logger log{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said)};
    Watchdog watchdog{manager, loops.liveness(), clock, log};

    Rig() { log.set_pattern("%l: %v"); }

    // One period later; whether the manager heard of us.
    bool look() {
        clock.advance_ns(watchdog.period().count());
        watchdog.look("status");
        return !heard.messages().empty();
    }
};

TEST_CASE("it is fed while every loop answers, and looks four times in the interval") {
    Rig rig;
    CHECK(rig.watchdog.period() == 2s);
    for (int i = 1; i <= 5; ++i) {
        CHECK(rig.look());
        CHECK(rig.loops.questions == std::array{i, i, i});
        rig.loops.answer_all();
    }
    CHECK(rig.said.str() == "");
}

TEST_CASE("one loop that is stuck starves it, is named once, and is forgiven") {
    for (const std::size_t stuck : {0U, 1U, 2U}) {
        CAPTURE(stuck);
        Rig rig;
        const auto look_and_answer_but_one = [&] {
            const bool heard = rig.look();
            for (std::size_t i = 0; i < 3; ++i) {
                if (i != stuck) rig.loops.pulses[i].answer();
            }
            return heard;
        };
        CHECK(look_and_answer_but_one());  // asked now
        CHECK(look_and_answer_but_one());  // silent for 2 s
        CHECK(look_and_answer_but_one());  // for 4 s: the half of the interval
        CHECK_FALSE(look_and_answer_but_one());
        CHECK_FALSE(look_and_answer_but_one());
        const std::string name = "loop " + std::to_string(stuck);
        CHECK(rig.said.str() ==
              "error: watchdog: '" + name +
                  "' has not answered for 6.0 s; the service manager is no longer "
                  "told that all is well, and will end the process if that lasts "
                  "(WatchdogSec=)\n");
        CHECK(rig.loops.questions[stuck] == 1);  // no heap of questions

        rig.loops.answer_all();
        CHECK(rig.look());
        CHECK(rig.said.str().ends_with("info: watchdog: '" + name + "' answers again\n"));
    }
}

TEST_CASE("the one silent for longest is named") {
    Rig rig;
    CHECK(rig.look());
    rig.loops.pulses[0].answer();
    CHECK(rig.look());  // asks loop 0 again, two seconds after the others
    CHECK(rig.look());
    CHECK_FALSE(rig.look());
    CHECK(rig.said.str().starts_with("error: watchdog: 'loop 1' has not answered for 6.0 s"));
}

TEST_CASE("nobody to feed") {
    Rig rig;
    const ServiceManager nobody(tests::environment_of({}), 7);
    const Watchdog watchdog(nobody, rig.loops.liveness(), rig.clock, rig.log);
    CHECK(watchdog.period() == 0s);
}

}  // namespace
}  // namespace pitot::agent
