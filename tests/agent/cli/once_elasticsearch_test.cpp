// `pitot once --sink NAME` prints what the Elasticsearch sink would send: the golden file that the
// sink's own tests compare with, from lines to bytes.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "agent/cli/exit_codes.h"
#include "agent/cli/once.h"
#include "tests/support/golden.h"

using namespace pitot::agent;
using namespace pitot::tests;

namespace {

std::string printed(const std::vector<std::string>& sets, const std::string& lines) {
    OnceArguments arguments;
    arguments.sets = sets;
    arguments.sink = "search";
    arguments.start_s = 1'785'542'400;  // 2026-08-01
    std::istringstream in(lines);
    std::ostringstream out;
    std::ostringstream err;
    CHECK(once(arguments, in, out, err) == exit_success);
    CHECK(err.str() == "");
    return out.str();
}

}  // namespace

TEST_CASE("lines become the documents of the golden file") {
    const std::vector<std::string> sets{
        "percentiles=[50, 90, 99]",
        R"(sinks.search.type="elasticsearch")",
        R"(sinks.search.url="http://localhost:9200")",
        R"(sinks.search.index="metrics-%Y.%m.%d")",
        R"(sinks.search.host="web-1")",
    };
    std::string members;
    for (int i = 0; i < 17; ++i) members += "users:" + std::to_string(i) + "|s\n";
    check_golden("elasticsearch/every_kind.ndjson", printed(sets, R"(page.views:3|c|#env:prod,shell
page.views:0.5|c|#env:dev
queue:-2.5|g
load.time:1:2:2:4:5:10|ms|#a.b:1,env:dev,env:prod
late:4|c|T1785500000
older:1e21|g|T1700000000
_e{7,18}:de"ploy|line one\nline two|d:1785542405|h:db-7|k:k|s:src|t:warning|#env:prod,shell
_sc|up|2|c:c0ffee|m:gone
)" + members));
}
