// What the service manager is told, as bytes on its socket.
#include "agent/service/notify.h"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "tests/support/manager_double.h"

namespace pitot::agent {
namespace {

using tests::environment_of;
using tests::ManagerDouble;
using Messages = std::vector<std::string>;

TEST_CASE("messages are those of the protocol, by path and by abstract name") {
    for (const bool is_abstract : {false, true}) {
        ManagerDouble manager(is_abstract);
        const ServiceManager service(manager.environment(), 7);
        CHECK(service.is_there());
        CHECK(service.ready("2 sinks") == "");
        CHECK(service.status("3 lines") == "");
        CHECK(service.watchdog("4 lines") == "");
        CHECK(service.stopping(std::chrono::milliseconds(7500)) == "");
        CHECK(manager.messages() == Messages{"READY=1\nSTATUS=2 sinks", "STATUS=3 lines",
                                             "WATCHDOG=1\nSTATUS=4 lines",
                                             "STOPPING=1\nEXTEND_TIMEOUT_USEC=7500000"});
    }
}

TEST_CASE("a status cannot smuggle another message in") {
    ManagerDouble manager;
    CHECK(ServiceManager(manager.environment(), 7).status("a\nWATCHDOG=trigger") == "");
    CHECK(manager.messages() == Messages{"STATUS=a WATCHDOG=trigger"});
}

TEST_CASE("without a manager nothing is sent and nothing is wrong") {
    const ServiceManager nobody(environment_of({}), 7);
    CHECK_FALSE(nobody.is_there());
    CHECK(nobody.ready("x") == "");
    CHECK(nobody.watchdog_interval().count() == 0);
}

TEST_CASE("a manager that is gone is told of in words") {
    const ServiceManager gone(environment_of({{"NOTIFY_SOCKET", "/nonexistent/notify"}}), 7);
    CHECK(gone.ready("x") == "cannot send to /nonexistent/notify: no such file or directory");
    const ServiceManager wrong(environment_of({{"NOTIFY_SOCKET", std::string(200, 'x')}}), 7);
    CHECK(wrong.ready("x").find("must be at most 107 bytes") != std::string::npos);
}

TEST_CASE("the watchdog's interval is for the process that it names") {
    struct Row {
        const char* says;
        std::map<std::string, std::string> variables;
        std::int64_t interval_us;
    };
    const Row rows[] = {
        {"for everybody", {{"WATCHDOG_USEC", "30000000"}}, 30'000'000},
        {"for us", {{"WATCHDOG_USEC", "5"}, {"WATCHDOG_PID", "7"}}, 5},
        {"for another", {{"WATCHDOG_USEC", "5"}, {"WATCHDOG_PID", "8"}}, 0},
        {"none", {{"WATCHDOG_PID", "7"}}, 0},
        {"no number", {{"WATCHDOG_USEC", "5s"}}, 0},
        {"nothing", {{"WATCHDOG_USEC", "0"}}, 0},
        {"negative", {{"WATCHDOG_USEC", "-5"}}, 0},
        {"beyond all time", {{"WATCHDOG_USEC", "9223372036854775807"}}, 0},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const ServiceManager service(environment_of(row.variables), 7);
        CHECK(service.watchdog_interval() == std::chrono::microseconds(row.interval_us));
    }
}

}  // namespace
}  // namespace pitot::agent
