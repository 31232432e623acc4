// `pitot alerts` against a server: what it asks for, its exit codes, and what it says where
// there is no such rule, no rules at all, or nobody.
#include "agent/cli/alerts_command.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <utility>

#include "agent/cli/exit_codes.h"
#include "agent/web/pages.h"
#include "sinks/http/server.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;
using sinks::http::Server;
using sinks::http::ServerRequest;
using Verb = AlertsArguments::Verb;

namespace {

// An agent with one page, as far as the command sees it.
class Stand {
public:
    Stand(std::string_view page, unsigned status, std::string document)
        : server_({.address = *sinks::http::parse_listen_address("127.0.0.1:0"),
                   .wall_ns = [] { return std::int64_t{0}; }},
                  {{.path = std::string(page),
                    .answer = [this, status,
                               document = std::move(document)](const ServerRequest& request) {
                        query_ = request.query;
                        return sinks::http::text_answer(status, document);
                    }}}) {
        const auto error = server_.start();
        REQUIRE_MESSAGE(!error, *error);
    }
    std::string url() const { return "http://" + server_.address(); }
    // Once it has answered.
    const std::string& query() const { return query_; }
    void stop() { server_.stop(); }

private:
    std::string query_;
    Server server_;
};

struct Said {
    int exit_code;
    std::string out;
    std::string err;
};

Said asked(const AlertsArguments& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code =
        alerts_command(arguments, config_environment({}), SystemClock(), {out, err});
    return {exit_code, out.str(), err.str()};
}

std::string list(int firing) {
    return R"({"status":"success","data":{"groups":[{"rules":[)"
           R"({"type":"alerting","pitot":{"firing":)" +
           std::to_string(firing) + "}}]}]}}\n";
}

}  // namespace

TEST_CASE("the exit code says whether something fires") {
    for (const auto& [firing, code] : {std::pair{0, exit_success}, {3, exit_alerts_firing}}) {
        const Stand stand(page_rules, 200, list(firing));
        const Said said = asked({.target = {.url = stand.url()}});
        CHECK(said.exit_code == code);
        CHECK(said.out == std::to_string(firing) + " firing, 0 pending, of 1 rule(s)\n");
        const Said json = asked({.target = {.url = stand.url()}, .json = true});
        CHECK(json.exit_code == code);
        CHECK(json.out == list(firing));
    }
}

TEST_CASE("a rule and labels are asked for as they were written") {
    Stand stand(page_alerts_explain, 200,
                R"({"status":"success","data":{"rule":{"name":"slow"},"instances":[]}})");
    const Said said = asked({.verb = Verb::explain,
                             .rule = "slow",
                             .labels = {"service=a b&c", "zone=eu"},
                             .target = {.url = stand.url()}});
    CHECK(said.exit_code == exit_success);
    CHECK(said.out.contains("no instance is known that has these labels"));
    stand.stop();
    CHECK(stand.query() == "alert=slow&label=service%3Da%20b%26c&label=zone%3Deu");
}

TEST_CASE("no such rule, no rules, and nobody") {
    {
        const Stand stand(page_alerts_history, 404,
                          R"({"status":"error","error":"there is no rule \"slw\""})");
        const Said said =
            asked({.verb = Verb::history, .rule = "slw", .target = {.url = stand.url()}});
        CHECK(said.exit_code == exit_alerts_unknown_rule);
        CHECK(said.err == "pitot alerts: there is no rule \"slw\"\n");
    }
    {
        const Stand foreign("/other", 200, "");
        const Said other = asked({.target = {.url = foreign.url()}});
        CHECK(other.exit_code == exit_status_unknown);
        CHECK(other.err == "pitot alerts: what answers at " + foreign.url() +
                               " is no pitot of this kind (status 404)\n");
    }
    Stand stand(page_status, 200, R"({"version":"1.2.3","health":{"state":"ok"}})");
    const Said none = asked({.target = {.url = stand.url()}});
    CHECK(none.exit_code == exit_status_unknown);
    CHECK(none.err.contains("has no alerts: no rule is configured"));
    stand.stop();
    const Said nobody = asked({.target = {.url = stand.url()}});
    CHECK(nobody.exit_code == exit_status_unknown);
    CHECK(nobody.err.contains("Does pitot run here?"));
}
