// `pitot migrate`: what becomes of a realistic configuration of each server, as golden files
// that `pitot check` takes; and that no setting is passed over, and no secret copied.
#include "agent/migrate/migrate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
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

const std::filesystem::path directory =
    std::filesystem::path(PITOT_SOURCE_DIR) / "tests" / "data" / "migrate";

struct Sample {
    OtherServer server;
    std::string_view file;
};

constexpr std::array samples{
    Sample{OtherServer::etsy, "etsy.js"}, Sample{OtherServer::statsite, "statsite.ini"},
    Sample{OtherServer::telegraf, "telegraf.conf"}, Sample{OtherServer::datadog, "datadog.yaml"}};

std::string migrated(OtherServer server, std::string_view text,
                     std::span<const std::string_view> types) {
    const auto result = migrate(server, "other", std::string(text), types);
    REQUIRE_MESSAGE(result, render(result.error(), {}));
    return *result;
}

std::string migrated_sample(const Sample& sample, std::span<const std::string_view> types) {
    return migrated(sample.server, content_of(directory / sample.file), types);
}

// What `pitot check` says of a text, "" where it is right.
std::string wrong_with(const std::string& text) {
    const ConfigDirectory scratch;
    std::ostringstream out;
    std::ostringstream err;
    const int exit_code = check({.config_file = scratch.write("pitot.toml", text)}, sink_trial(),
                                config_environment(), {out, err});
    return exit_code == exit_success ? "" : err.str();
}

bool has_line(const std::string& text, std::string_view line) {
    return ("\n" + text).contains("\n" + std::string(line) + "\n");
}

constexpr std::array<std::string_view, 1> console_only{"console"};
constexpr std::array<std::string_view, 4> all_types{"console", "influxdb", "prometheus",
                                                    "elasticsearch"};

// What becomes of a few settings: the line of the result that tells.
struct Row {
    OtherServer server;
    std::string_view text;
    std::string_view line;
};

void check_rows(std::span<const Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const std::string text = migrated(row.server, row.text, all_types);
        CAPTURE(text);
        CHECK(has_line(text, row.line));
        CHECK_FALSE(text.contains("swordfish"));
    }
}

}  // namespace

TEST_CASE("a realistic configuration of each server") {
    for (const Sample& sample : samples) {
        CAPTURE(sample.file);
        const std::string text = migrated_sample(sample, console_only);
        CHECK(text == content_of((directory / sample.file).replace_extension(".expected")));
        CHECK(wrong_with(text) == "");
        CHECK_FALSE(text.contains("swordfish"));
        // With the sinks there are.
        CHECK(wrong_with(migrated_sample(sample, sink_type_names())) == "");
        CHECK_FALSE(migrated_sample(sample, all_types).contains("swordfish"));
    }
}

TEST_CASE("an empty configuration of each server has its server's defaults") {
    constexpr std::array<std::string_view, 4> empty{"{}", "", "", ""};
    for (std::size_t i = 0; i < empty.size(); ++i) {
        const std::string text = migrated(static_cast<OtherServer>(i), empty.at(i), console_only);
        CAPTURE(text);
        CHECK(wrong_with(text) == "");
        CHECK(text.contains("interval = \"10s\""));
    }
    CHECK(has_line(migrated(OtherServer::etsy, "{}", console_only), "address = \"0.0.0.0:8125\""));
    CHECK(
        has_line(migrated(OtherServer::datadog, "", console_only), "address = \"127.0.0.1:8125\""));
    CHECK(has_line(migrated(OtherServer::telegraf, "[[inputs.statsd]]", console_only),
                   "address = \"*:8125\""));
}

TEST_CASE("single settings of statsd and statsite") {
    using enum OtherServer;
    const std::array rows{
        Row{etsy, "{flushInterval: 1000}", "interval = \"1s\""},
        Row{etsy, "{flushInterval: 10}",
            "interval = \"100ms\"  # etsy has 0.01 s, which is out of our range"},
        Row{etsy, "{percentThreshold: 90}", "percentiles = [90]"},
        Row{etsy, "{deleteIdleStats: true, deleteSets: false}", "sets = 0"},
        Row{etsy, "{deleteIdleStats: true, flushInterval: 5000}", "counters = \"5s\""},
        Row{etsy, "{server: './servers/tcp', port: 9}", "[listeners.tcp]"},
        Row{etsy, "{address_ipv6: true}", "address = \"*:8125\""},
        Row{etsy, "{socket: '/run/statsd.sock', socket_mod: '0660'}", "mode = \"0660\""},
        Row{etsy, "{address: 'statsd.internal'}",
            "# etsy: \"statsd.internal\" with port 8125 is no address to listen at: names are not "
            "looked up"},
        Row{etsy, "{port: 70000}",
            "# etsy: \"0.0.0.0\" with port 70000 is no address to listen at: names are not looked "
            "up"},
        Row{etsy, "{flushInterval: 'often'}",
            "# etsy: `flushInterval` has no counterpart: it is no number"},
        Row{etsy, "{colour: 'red'}",
            "# etsy: `colour` has no counterpart: pitot does not know this setting"},
        Row{etsy, "{graphite: {globalSuffix: process.env.HOST + 'x'}, port: 9}",
            "# etsy: `graphite.globalSuffix` has no counterpart: only JavaScript can work out its "
            "value: write out what it comes to; an environment variable is \"${NAME}\""},
        Row{etsy, "{port: parseInt(process.env.PORT, 10), address: '127.0.0.1'}",
            "address = \"127.0.0.1:8125\""},
        Row{etsy, "{flushInterval: 60 * 1000, backends: [x ? 'a' : \"b, c\"], port: 9}",
            "address = \"0.0.0.0:9\""},
        Row{etsy, "{prefixStats: 'x'}",
            "# etsy: `prefixStats` has no counterpart: see self_metrics.prefix"},
        Row{etsy, "{log: {level: 'x'}}", "# etsy: `log.level` has no counterpart: see [log]"},
        Row{statsite, "[statsite]\nlog_level = DEBUG",
            "# statsite: `statsite.log_level` has no counterpart: see [log]"},
        Row{statsite, "[statsite]\ntcp_port = 0", "[listeners.udp]"},
        Row{statsite, "[statsite]\nflush_interval = 60", "interval = \"1m\""},
        Row{statsite, "[statsite]\nbind_address = ::", "address = \"*:8125\""},
    };
    check_rows(rows);
}

TEST_CASE("single settings of Telegraf and Datadog") {
    using enum OtherServer;
    const std::array rows{
        Row{telegraf, "[[inputs.statsd]]\nprotocol = \"udp4\"", "address = \"0.0.0.0:8125\""},
        Row{telegraf, "[[inputs.statsd]]\nservice_address = \"[::1]:9\"", "address = \"[::1]:9\""},
        Row{telegraf, "[inputs.statsd]\nservice_address = \"[::1]:9\"", "address = \"[::1]:9\""},
        Row{telegraf,
            "[[inputs.statsd]]\n[[inputs.statsd]]\nprotocol=\"tcp\"\n"
            "[[inputs.statsd]]\nservice_address=\":9\"",
            "[listeners.udp2]"},
        Row{telegraf, "[[inputs.statsd]]\n[[inputs.statsd]]\npercentiles = [1]",
            "# telegraf: `inputs.statsd.percentiles` has no counterpart: it holds for all "
            "listeners "
            "here, and is that of the first"},
        Row{statsite, "[histogram_a]\nmin = 0",
            "# statsite: `histogram_a.min` has no counterpart: buckets are chosen at the "
            "destination: see [sinks.NAME.rules.RULE]"},
        Row{telegraf, "[[outputs.influxdb]]\nurls = [\"http://a:1\"]", "url = \"http://a:1\""},
        Row{telegraf, "[[outputs.opensearch]]\nurls = [\"http://a:1\"]",
            "type = \"elasticsearch\""},
        Row{telegraf, "[[outputs.influxdb_v2]]\ntoken = \"swordfish\"",
            "# telegraf: sinks.influxdb.token is a secret and was not copied: write token = { "
            "credential = \"…\" } or { file = \"…\" }"},
        Row{telegraf, "[[outputs.influxdb_v2]]\nbucket = \"b\"",
            "# telegraf: sinks.influxdb.org: there is no `organization`: fill it in; `pitot check` "
            "refuses the file until then"},
        Row{telegraf, "[[outputs.influxdb_v2]]\nbucket = \"b\"", "org = \"\"  # fill this in"},
        Row{telegraf, "[[outputs.influxdb_v2]]\norganization = \"o\"",
            "bucket = \"\"  # fill this in"},
        Row{telegraf, "[[outputs.influxdb_v2]]\nbucket = \"b\"", "bucket = \"b\""},
        Row{telegraf, "[[outputs.prometheus_client]]", "address = \"127.0.0.1:9273\""},
        Row{telegraf, "[[outputs.prometheus_client]]\nlisten = \":9126\"",
            "# telegraf: sinks.prometheus.address: \"[::]:9126\" would be open to other machines, "
            "for which a bearer_token is needed: set both, or scrape from this machine"},
        Row{telegraf, "[[outputs.prometheus_client]]\nlisten = \"127.0.0.1:9126\"",
            "address = \"127.0.0.1:9126\""},
        Row{telegraf, "[[outputs.prometheus_client]]\nlisten = \"example.org:9126\"",
            "address = \"127.0.0.1:9273\""},
        Row{datadog, "dogstatsd_port: 0\ndogstatsd_socket: /run/dsd", "path = \"/run/dsd\""},
        Row{datadog, "histogram_percentiles: [\"0.5\", 0.999]", "percentiles = [50, 99.9]"},
        Row{datadog, "dogstatsd_non_local_traffic: yes", "address = \"*:8125\""},
        Row{datadog, "tags: [a:b:c, d]\ndogstatsd_tags:\n- a:e\nenv: prod",
            R"(constant_tags = { env = "prod", a = "e" })"},
        Row{datadog, "tags: [\"env:staging\"]\nenv: prod",
            "# datadog: the tag env has two values, \"prod\" and \"staging\": a constant tag has "
            "one, the last"},
        Row{datadog, "log_level: info", "# datadog: `log_level` has no counterpart: see [log]"},
        Row{datadog, "tags: [d]",
            "# datadog: `tags` has no counterpart: \"d\" has no value; constant tags have"},
        Row{datadog, "statsd_metric_namespace: shop", "prefix = \"shop.\""},
        Row{statsite, "[statsite]\nglobal_prefix = prod.", "prefix = \"prod.\""},
        Row{telegraf, "[global_tags]\ndc = \"eu\"", "constant_tags = { dc = \"eu\" }"},
        Row{datadog, "api_key: swordfish",
            "# datadog: `api_key` has no counterpart: pitot does not send to Datadog; "
            "conf/pitot.toml shows the destinations it has"},
    };
    check_rows(rows);
}

TEST_CASE("a comma that is missing is no expression") {
    for (const std::string text :
         {"{port: 1 address: 'x'}", "{a: {b: 1 c: 2}, d: 3}", "{a: (1, b: 2}", "{a: 'x}"}) {
        CAPTURE(text);
        CHECK_FALSE(migrate(OtherServer::etsy, "other", text, console_only));
    }
}

TEST_CASE("what pitot has an option for is taken over from Telegraf") {
    using enum OtherServer;
    const std::string v1 = "[[outputs.influxdb]]\nurls = [\"https://a:1\"]\n";
    const std::string search = "[[outputs.elasticsearch]]\nurls = [\"https://a:1\"]\n";
    const std::array<std::pair<std::string, std::string_view>, 18> taken{{
        {v1 + "timeout = \"5s\"", "timeout = \"5s\""},
        {v1 + "content_encoding = \"identity\"", "gzip = false"},
        {v1 + "insecure_skip_verify = true", "tls_verify = false"},
        {v1 + "skip_database_creation = false", "create_database = true"},
        {v1 + "write_consistency = \"all\"", "consistency = \"all\""},
        {v1 + "tls_key_pwd = \"swordfish\"",
         "# telegraf: sinks.influxdb.tls_key_password is a secret and was not copied: write "
         "tls_key_password = { credential = \"…\" } or { file = \"…\" }"},
        {"[[outputs.influxdb]]\ntls_ca = \"/x\"",
         "# telegraf: `outputs.influxdb.tls_ca` has no counterpart: the address is not one of "
         "https://"},
        {"[[outputs.influxdb]]\nurls = [\"udp://a:8089\"]\ndatabase = \"x\"",
         "url = \"udp://a:8089\""},
        {search + "index_name = \"telegraf-%Y.%m.%d\"", "index = \"telegraf-%Y.%m.%d\""},
        {search + "index_name = \"{{host}}-%y\"", "index = \"metrics-%Y.%m.%d\""},
        {search, "index = \"metrics-%Y.%m.%d\""},
        {search + "manage_template = false", "manage_template = false"},
        {search + "enable_gzip = true\ntimeout = 7", "timeout = \"7s\""},
        {"[[outputs.prometheus_client]]\nlisten = \"127.0.0.1:1\"\n"
         "[[outputs.prometheus_client]]\nlisten = \"127.0.0.1:2\"",
         "[sinks.prometheus2]"},
        {"[[inputs.statsd]]\nname_prefix = \"shop_\"", "prefix = \"shop_\""},
        {"[[inputs.statsd]]\n[inputs.statsd.tags]\nrack = 7", "constant_tags = { rack = \"7\" }"},
        {"[global_tags]\nrack = 7\nx = true", R"(constant_tags = { rack = "7", x = "true" })"},
        {"[[outputs.influxdb]]\nurls = \"http://a:1\"", "url = \"http://a:1\""},
    }};
    for (const auto& [text, line] : taken) {
        const std::string result = migrated(telegraf, text, all_types);
        CAPTURE(result);
        CHECK(has_line(result, line));
        CHECK_FALSE(result.contains("swordfish"));
        CHECK(wrong_with(result) == "");
    }
    // The files of TLS are not there.
    CHECK(has_line(migrated(telegraf, v1 + "tls_ca = \"/x\"", all_types), "tls_ca_file = \"/x\""));
}

TEST_CASE("credentials within an address are not copied") {
    for (const std::string_view output : {"influxdb", "elasticsearch"}) {
        const std::string text = migrated(
            OtherServer::telegraf,
            "[[outputs." + std::string(output) +
                "]]\nurls = [\"http://bob:sw0rd@fish@10.0.0.1:8086/x?u=root&p=swordfish\"]\n",
            all_types);
        CAPTURE(text);
        CHECK(has_line(text, "url = \"http://10.0.0.1:8086/x\""));
        CHECK(has_line(text, "username = \"bob\""));
        CHECK(text.contains("url: what stood before \"@\" is a secret and was not copied"));
        CHECK(text.contains("url: what stood behind \"?\" may be a secret and was not copied"));
        CHECK_FALSE(text.contains("fish"));
        CHECK(wrong_with(text) == "");
    }
    CHECK_FALSE(migrated(OtherServer::telegraf,
                         "[[outputs.influxdb]]\nurls = [\"http://swordfish@10.0.0.1\"]", all_types)
                    .contains("swordfish"));
}

TEST_CASE("references of Telegraf to the environment stay references") {
    const std::string text = migrated(OtherServer::telegraf,
                                      "[global_tags]\nrack = '${RACK}'\nprice = \"$5, ${a b}\"\n"
                                      "[[inputs.statsd]]\nservice_address = \":${PORT}\"\n"
                                      "[[outputs.influxdb]]\nusername = \"$USER\"\n"
                                      "urls = [\"https://${INFLUX_HOST:-db}:8086\"]\n"
                                      "password = \"$SECRET\"\n",
                                      all_types);
    CAPTURE(text);
    CHECK(has_line(text, R"(constant_tags = { rack = "${RACK}", price = "$5, $${a b}" })"));
    CHECK(has_line(text, R"(address = "*:${PORT}")"));
    CHECK(has_line(text, R"(username = "${USER}")"));
    CHECK(has_line(text, R"(url = "https://${INFLUX_HOST:-db}:8086")"));
    CHECK_FALSE(text.contains("SECRET"));
}

TEST_CASE("no setting is passed over in silence") {
    // Each key of the sample is in the result: as the name of an option, or in a comment.
    const std::string text = migrated_sample(samples[0], all_types);
    for (const std::string_view key :
         {"graphiteHost", "mgmt_port", "prefixStats", "keyNameSanitize", "dumpMessages",
          "graphite.legacyNamespace", "graphite.globalPrefix", "console.prettyprint", "histogram",
          "log.level", "repeater", "influxdb.password"}) {
        CAPTURE(key);
        CHECK(text.contains("`" + std::string(key) + "` has no counterpart: "));
    }
}

TEST_CASE("a hostile name breaks out of no comment and of no text") {
    const std::string text =
        migrated(OtherServer::etsy, R"({"a\nb = 1\u001b": 1, socket: "/a\"\n[x]"})", console_only);
    CHECK(text.contains("# etsy: `a\\nb = 1"));
    CHECK_FALSE(text.contains("\n[x]"));
    CHECK_FALSE(text.contains("\x1b"));
}
