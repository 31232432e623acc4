// The Pushgateway sink against the real prometheus-pushgateway over TLS with user and password
// and client certificates: what is pushed lands to the unit; what is wrong with a certificate or
// a password holds the data back with a sentence, and costs none of it once it is mended.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "sinks/pushgateway/pushgateway.h"
#include "tests/support/https_send.h"
#include "tests/support/pushgateway_process.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_rig.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""s;
using pitot::protocol::Kind;

namespace {

// "open sesame", as bcrypt.
constexpr std::string_view password_hash =
    "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy";

struct Bench {
    SinkRig rig;
    TestAuthority authority;
    IssuedCertificate server = authority.issue_server();
    IssuedCertificate ours = authority.issue({.common_name = "agent"});
    PushgatewayProcess gateway{web_config(), [this](std::uint16_t port, std::string_view target) {
                                   return https_send(port, ours,
                                                     "Basic bWU6b3BlbiBzZXNhbWU=", "GET", target);
                               }};
    SnapshotMaker maker;
    SinkOptions options{"push"};
    std::unique_ptr<Sink> sink;
    double sum = 0;

    Bench() {
        options.set("url", "https://localhost:" + std::to_string(gateway.port()));
        options.set("username", "me").set("password", "open sesame");
        options.set("tls_ca_file", authority.ca_file());
        options.set("tls_certificate_file", ours.certificate_file);
        options.set("tls_key_file", ours.key_file);
    }
    ~Bench() {
        CHECK_FALSE(rig.has_said("open sesame"));
        CHECK_FALSE(rig.has_said("bWU6b3BlbiBzZXNhbWU="));
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    std::string web_config() const {
        return authority.write(
            "web.yml", "tls_server_config:\n  cert_file: " + server.certificate_file +
                           "\n  key_file: " + server.key_file +
                           "\n  client_auth_type: RequireAndVerifyClientCert\n"
                           "  client_ca_file: " +
                           authority.ca_file() +
                           "\nbasic_auth_users:\n  me: " + std::string(password_hash) + "\n");
    }
    void make() {
        sink = pushgateway::make(options, rig.context);
        REQUIRE(options.problems() == "");
        CHECK(options.warnings() == "");
    }
    void send() {
        sum += 3;
        maker.count("requests", "zone:a", 3);
        maker.values(Kind::timer, "load", "", {250});
        sink->send(maker.end_interval());
        CHECK(sink->status().ledger.closed());
    }
    void wait_until_sent() {
        rig.run_until([&] { return sink->status().ledger.queued + in_flight() == 0; });
    }
    void wait_until_held() {
        rig.run_until([&] { return sink->status().state == SinkState::held; });
        CHECK(in_flight() == 0);
    }
    std::uint64_t in_flight() const { return sink->status().ledger.in_flight; }
    // What is pushed is the state since the start: nothing of it may be missing.
    void expect_everything() {
        CHECK(std::stod(gateway.sample("requests_total", {"zone=\"a\""})) == sum);
        CHECK(std::stod(gateway.sample("load_seconds_count")) == sum / 3);
        CHECK(sink->status().ledger.lost.sum() == 0);
    }
};

}  // namespace

TEST_CASE("pushes over TLS, with a certificate and a password, land to the unit") {
    Bench bench;
    bench.make();
    for (int interval = 0; interval < 5; ++interval) {
        bench.send();
        bench.wait_until_sent();
    }
    bench.expect_everything();
    CHECK(bench.sink->status().attempts == 5);
    CHECK(bench.sink->status().ledger.superseded == 0);
}

TEST_CASE("an authority that is not the gateway's holds, until its file is mended") {
    Bench bench;
    const TestAuthority other("Other Authority");
    const std::string trusted = bench.authority.write("trusted.pem", read_text(other.ca_file()));
    bench.options.set("tls_ca_file", trusted);
    bench.make();
    bench.send();
    bench.wait_until_held();
    CHECK(bench.sink->status().last_error ==
          "the certificate of localhost:" + std::to_string(bench.gateway.port()) +
              " is signed by \"Test Authority\", which is none of tls_ca_file \"" + trusted + "\"");
    CHECK(bench.sink->status().ledger.queued == 2);
    CHECK(bench.gateway.sample("requests_total") == "none");

    const std::string fresh =
        bench.authority.write("fresh.pem", read_text(bench.authority.ca_file()));
    std::filesystem::rename(fresh, trusted);
    bench.rig.advance(29s);
    CHECK(bench.sink->status().attempts == 1);
    bench.send();
    bench.rig.advance(1s);
    bench.wait_until_sent();
    bench.expect_everything();
    CHECK(bench.sink->status().state == SinkState::working);
    CHECK(bench.rig.has_said("works again after 1 failed attempts"));
}

TEST_CASE("the other certificates and passwords that the gateway does not take") {
    struct Row {
        const char* what;
        const char* says;
    };
    for (const Row& row : std::vector<Row>{
             {"no certificate",
              " wants a client certificate: set tls_certificate_file and tls_key_file"},
             {"another's certificate", " does not accept the client certificate of "},
             {"wrong password", "the destination answers 401"},
             {"plain", "use https:// in the url of this sink"},
             {"wrong name",
              " is not valid for \"other.example\" (it is for \"localhost\", "
              "\"127.0.0.1\")"}}) {
        const std::string what = row.what;
        CAPTURE(what);
        Bench bench;
        TestAuthority others("Strange Authority");
        const IssuedCertificate strange = others.issue({});
        if (what == "no certificate" || what == "plain") {
            bench.options.set("tls_certificate_file", "").set("tls_key_file", "");
        }
        if (what == "another's certificate") {
            bench.options.set("tls_certificate_file", strange.certificate_file);
            bench.options.set("tls_key_file", strange.key_file);
        }
        if (what == "wrong password") bench.options.set("password", "open barley");
        if (what == "plain") {
            bench.options.set("url", "http://127.0.0.1:" + std::to_string(bench.gateway.port()));
            bench.options.set("tls_ca_file", "");
        }
        if (what == "wrong name") bench.options.set("tls_server_name", "other.example");
        bench.make();
        bench.send();
        bench.wait_until_held();
        CHECK(bench.sink->status().last_error.find(row.says) != std::string::npos);
        CHECK(bench.sink->status().last_error.find("barley") == std::string::npos);
        CHECK(bench.sink->status().ledger.queued == 2);
        CHECK(bench.sink->status().ledger.lost.sum() == 0);
    }
}
