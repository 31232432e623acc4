// `pitot status` against a server: whom it asks, what it shows, its exit codes, and what it says
// where nobody, or somebody else, answers.
#include "agent/cli/status.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
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

namespace {

// An agent as far as the command sees it.
class Stand {
public:
    explicit Stand(std::string document, std::string token = "")
        : server_({.address = *sinks::http::parse_listen_address("127.0.0.1:0"),
                   .bearer_token = sinks::Secret(std::move(token)),
                   .wall_ns = [] { return std::int64_t{0}; }},
                  {{.path = std::string(page_status),
                    .answer = [document = std::move(document)](const ServerRequest&) {
                        return sinks::http::text_answer(200, document);
                    }}}) {
        const auto error = server_.start();
        REQUIRE_MESSAGE(!error, *error);
    }
    std::string address() const { return server_.address(); }
    std::string url() const { return "http://" + server_.address(); }
    void stop() { server_.stop(); }

private:
    Server server_;
};

struct Said {
    int exit_code;
    std::string out;
    std::string err;
};

Said asked(const StatusArguments& arguments, std::map<std::string, std::string> variables = {}) {
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code =
        status(arguments, config_environment(std::move(variables)), SystemClock(), {out, err});
    return {exit_code, out.str(), err.str()};
}

std::string document(const std::string& state) {
    return R"({"version":"1.2.3","health":{"state":")" + state + "\"}}\n";
}

}  // namespace

TEST_CASE("the exit code is the state") {
    const std::map<std::string, int> codes{{"ok", 0}, {"degraded", 1}, {"failing", 2}};
    for (const auto& [state, code] : codes) {
        const Stand stand(document(state));
        const Said page = asked({.target = {.url = stand.url()}});
        CHECK(page.exit_code == code);
        CHECK(page.out.starts_with("pitot 1.2.3: " + state));
        CHECK(page.err == "");
        const Said json = asked({.target = {.url = stand.url()}, .json = true});
        CHECK(json.exit_code == code);
        CHECK(json.out == document(state));
    }
}

TEST_CASE("where the agent is, its configuration says") {
    const Stand stand(document("ok"), "swordfish");
    const ConfigDirectory directory;
    const auto file = directory.write(
        "pitot.toml", "[http]\naddress = \"" + stand.address() +
                          "\"\ntoken = \"swordfish\"\n[sinks.a]\ntype = \"of another build\"\n");
    CHECK(asked({.target = {.config_file = file}}).exit_code == exit_success);
    CHECK(asked({}, {{"PITOT_CONFIG", file.native()}}).exit_code == exit_success);
    CHECK(asked({.target = {.sets = {"http.address=\"" + stand.address() + "\""}}},
                {{"PITOT_HTTP__TOKEN", "swordfish"}})
              .exit_code == exit_success);
    CHECK(asked({.target = {.url = stand.url()}}, {{"PITOT_HTTP__TOKEN", "swordfish"}}).exit_code ==
          exit_success);

    const Said none = asked({.target = {.url = stand.url()}});
    CHECK(none.exit_code == exit_status_unknown);
    CHECK(none.err == "pitot status: " + stand.url() +
                          " wants a token: give the agent's own configuration by --config FILE, "
                          "or its http.token by the variable PITOT_HTTP__TOKEN\n");
    CHECK(asked({.target = {.url = stand.url()}}, {{"PITOT_HTTP__TOKEN", "hunter2"}})
              .err.contains("wants another token"));
}

TEST_CASE("an address without its scheme is told how to be written") {
    const Said said = asked({.target = {.url = "127.0.0.1:9125"}});
    CHECK(said.exit_code == exit_usage);
    CHECK(said.err ==
          "pitot status: --url: must begin with http://, as http://127.0.0.1:9125 does\n");
}

TEST_CASE("a token that only the service has is not guessed") {
    const Stand stand(document("ok"), "swordfish");
    const ConfigDirectory directory;
    const auto file = directory.write("pitot.toml", "[http]\naddress = \"" + stand.address() +
                                                        "\"\ntoken = { credential = \"t\" }\n");
    directory.write("credentials/t", "swordfish\n");
    const Said none = asked({.target = {.config_file = file}});
    CHECK(none.exit_code == exit_status_unknown);
    CHECK(none.err == "pitot status: " + stand.url() +
                          " wants the token that http.token names, and only the service manager "
                          "passes that: give it by the variable PITOT_HTTP__TOKEN, or as root say "
                          "where it is by CREDENTIALS_DIRECTORY=/run/credentials/pitot.service\n");
    CHECK(
        asked({.target = {.config_file = file}}, {{"PITOT_HTTP__TOKEN", "swordfish"}}).exit_code ==
        exit_success);
    CHECK(asked({.target = {.config_file = file}},
                {{"CREDENTIALS_DIRECTORY", (directory.path() / "credentials").native()}})
              .exit_code == exit_success);
}

TEST_CASE("every address is asked at the loopback") {
    const Stand stand(document("ok"));
    const std::string port = stand.address().substr(stand.address().find(':'));
    for (const std::string host : {"*", "0.0.0.0", "[::]"}) {
        CAPTURE(host);
        const Said said =
            asked({.target = {.sets = {"http.address=\"" + host + port + "\"", "http.token=x"}}});
        CHECK(said.exit_code == exit_success);
    }
}

TEST_CASE("nobody answers, or somebody else") {
    Stand gone(document("ok"));
    const std::string url = gone.url();
    gone.stop();
    const Said nobody = asked({.target = {.url = url}});
    CHECK(nobody.exit_code == exit_status_unknown);
    CHECK(nobody.out == "");
    CHECK(nobody.err ==
          "pitot status: cannot ask " + url +
              " (--url): connection refused\nDoes pitot run here? If it listens elsewhere, say so: "
              "--url http://ADDRESS:PORT, or --config FILE, as the agent has it.\n");

    const Stand other("<html>hello</html>");
    const Said stranger = asked({.target = {.url = other.url()}});
    CHECK(stranger.exit_code == exit_status_unknown);
    CHECK(stranger.err == "pitot status: what answers at " + other.url() +
                              " is no pitot of this kind (status 200)\n");
    CHECK(asked({.target = {.url = other.url() + "/elsewhere"}}).err.contains("(status 404)"));
    CHECK(asked({.target = {.url = "http://no-such-host.invalid:1"}}).exit_code ==
          exit_status_unknown);
}

TEST_CASE("words that mean no agent") {
    const Said ftp = asked({.target = {.url = "ftp://127.0.0.1"}});
    CHECK(ftp.exit_code == exit_usage);
    CHECK(ftp.err.starts_with("pitot status: --url: must "));
    CHECK(asked({.target = {.url = "https://127.0.0.1"}}).exit_code == exit_usage);
    const Said off = asked({.target = {.sets = {"http.address=\"\""}}});
    CHECK(off.exit_code == exit_status_unknown);
    CHECK(off.err.contains("that agent cannot be asked"));
    CHECK(asked({.target = {.sets = {"http.address=\"127.0.0.1:0\""}}})
              .err.contains("its log says which"));
    const Said wrong = asked({.target = {.sets = {"http.address=\"*:1\""}}});
    CHECK(wrong.exit_code == exit_configuration);
    CHECK(wrong.err.starts_with("--set 1: http.address: must be of this machine only"));
    CHECK(asked({.target = {.config_file = "/nonexistent/pitot.toml"}}).exit_code ==
          exit_configuration);
}
