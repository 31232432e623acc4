// `pitot once --sink` prints the same bytes that the InfluxDB encoder's golden file has.
// (tests/sinks/influxdb_lines_test.cpp makes them from a Snapshot.)
#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "agent/cli/exit_codes.h"
#include "agent/cli/once.h"
#include "tests/support/golden.h"

using namespace pitot::agent;

TEST_CASE("lines of clients become the lines of the golden file") {
    OnceArguments arguments;
    // The host's name is that of a machine: as a further tag it is the same everywhere.
    arguments.sets = {"percentiles=[50, 90, 99.9]",
                      R"(sinks.history.type="influxdb")",
                      R"(sinks.history.url="http://127.0.0.1:9")",
                      R"(sinks.history.database="metrics")",
                      R"(sinks.history.host_tag="")",
                      R"(sinks.history.tags={host="web-1", zone="a"})"};
    arguments.sink = "history";
    arguments.start_s = 1'785'542'400;
    std::istringstream in(
        "page.views:3|c|#shell,env:prod\n"
        R"({"datagram": "page views,all:0.1|c|#path:/a b=c,d"})"
        "\n"
        "load:-1.5|g\n"
        "db.time:12:18:12.5:120|ms|#env:prod\n"
        "size:1:2:3|h|@0.25\n"
        "age:0.25|d\n"
        "users:ann|s\n"
        "users:bob|s\n");
    std::ostringstream out;
    std::ostringstream err;
    CHECK(once(arguments, in, out, err) == exit_success);
    CHECK(err.str() == "");
    pitot::tests::check_golden("influxdb/interval.influx", out.str());
}
