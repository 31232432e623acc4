// Who may have which page and which address: [http] and sinks that show a page, as `pitot check`
// answers for them.
#include "agent/web/pages.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/check.h"
#include "agent/cli/exit_codes.h"
#include "agent/sink_set.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;

namespace {

// What is said of a file, without its name; "" when it is right.
std::string said_of(std::string_view toml) {
    const ConfigDirectory directory;
    const std::filesystem::path file = directory.write("c", toml);
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code =
        check({.config_file = file}, sink_trial(), config_environment(), {out, err});
    std::string said = err.str();
    CHECK(exit_code == (said.empty() ? exit_success : exit_configuration));
    for (std::size_t at = 0; (at = said.find(file.native())) != std::string::npos;) {
        said.replace(at, file.native().size(), "c");
    }
    return said;
}

}  // namespace

TEST_CASE("addresses and tokens of the agent's server") {
    struct Row {
        std::string_view toml;
        std::string_view said;
    };
    const std::vector<Row> rows{
        {"[http]\naddress = \"127.0.0.1:0\"\n", ""},
        {"[http]\naddress = \"[::1]:9125\"\n", ""},
        {"[http]\naddress = \"\"\n", ""},
        {"[http]\naddress = \"*:9125\"\ntoken = \"swordfish\"\n", ""},
        {"[http]\naddress = \"*:9125\"\n",
         "c:2:11: http.address: must be of this machine only, such as \"127.0.0.1:9125\", as long "
         "as there is no token, got \"*:9125\"; whoever reaches it would read every metric\n"},
        {"[http]\naddress = \"192.0.2.1:80\"\n",
         "c:2:11: http.address: must be of this machine only, such as \"127.0.0.1:80\", as long "
         "as there is no token, got \"192.0.2.1:80\"; whoever reaches it would read every "
         "metric\n"},
        {"[http]\naddress = \"0.0.0.0:9125\"\ntoken = \"\"\n",
         "c:3:9: http.token: must not be empty, since other machines can reach 0.0.0.0:9125\n"},
        {"[http]\ntoken = \"a b\"\n",
         "c:2:9: http.token: must have no blanks, control characters and line feeds\n"},
        {"[http]\nadress = \"\"\n",
         "c:2:1: http.adress: unknown option; did you mean `address`?\n"},
        // The same rule for a server of a sink's own.
        {"[sinks.m]\ntype = \"prometheus\"\naddress = \"*:9126\"\n",
         "c:3:11: sinks.m.address: must be of this machine only, such as \"127.0.0.1:9126\", as "
         "long as there is no bearer_token, got \"*:9126\"; whoever reaches it would read every "
         "metric\n"},
        {"[sinks.m]\ntype = \"prometheus\"\naddress = \"*:9126\"\nbearer_token = \"x\"\n", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.toml);
        std::string said = said_of(row.toml);
        CHECK(said.substr(0, said.find("1 problem found")) == row.said);
    }
}

TEST_CASE("pages that two would have, and pages that nobody would show") {
    const std::string sink = "type = \"prometheus\"\n";
    CHECK(said_of("[sinks.m]\n" + sink) == "");
    CHECK(said_of("[sinks.m]\n" + sink + "[sinks.n]\n" + sink + "path = \"/other\"\n") == "");
    CHECK(said_of("[sinks.m]\n" + sink + "[sinks.n]\n" + sink)
              .starts_with("c:3:1: sinks.n.path: must be a path of its own, got \"/metrics\", "
                           "which sinks.m has too\n"));
    // On servers of their own they may.
    CHECK(said_of("[sinks.m]\n" + sink + "[sinks.n]\n" + sink + "address = \"127.0.0.1:1\"\n") ==
          "");
    for (const std::string path : {"/health", "/health/live", "/health/x", "/api/v1/status", "/"}) {
        CAPTURE(path);
        CHECK(is_agent_page(path));
        CHECK(
            said_of("[sinks.m]\n" + sink + "path = \"" + path + "\"\n")
                .starts_with("c:3:8: sinks.m.path: must not be a page of the agent's own, got \"" +
                             path + "\"\n"));
    }
    CHECK_FALSE(is_agent_page("/metrics"));
    CHECK_FALSE(is_agent_page("/healthy"));
    CHECK(said_of("[http]\naddress = \"\"\n[sinks.m]\n" + sink)
              .starts_with("c:3:1: sinks.m.address: must be set, because the agent has no server "
                           "of its own to show the page (http.address is \"\")\n"));
    CHECK(said_of("[sinks.m]\n" + sink + "bearer_token = \"x\"\n")
              .starts_with("c:3:16: sinks.m.bearer_token: must go with an address: without one, "
                           "the page is on the agent's own server, whose token is http.token\n"));
    CHECK(said_of("[sinks.m]\n" + sink + "address = \"\"\n")
              .starts_with("c:3:11: sinks.m.address: must be ADDRESS:PORT, or not set"));
}
