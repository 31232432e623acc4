// What a scraper is given by what it says it accepts: Accept and Accept-Encoding headers as
// clients send them, in rows; and the texts of listen addresses, dates and compressed pieces,
// the small parts of the server.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "sinks/http/date.h"
#include "sinks/http/gzip.h"
#include "sinks/http/gzip_stream.h"
#include "sinks/http/listen_address.h"
#include "sinks/http/negotiation.h"
#include "sinks/prometheus_scrape/format.h"
#include "tests/support/gunzip.h"

using namespace pitot::sinks;
using namespace pitot::sinks::prometheus_scrape;
using namespace pitot::tests;

TEST_CASE("formats by Accept") {
    constexpr std::string_view text = "text/plain; version=0.0.4; charset=utf-8";
    constexpr std::string_view open_metrics =
        "application/openmetrics-text; version=1.0.0; charset=utf-8";
    constexpr std::string_view escaped = "; escaping=underscores";
    struct Row {
        std::string_view who;
        std::string_view accept;
        std::string_view type;
        bool says_escaping = false;
    };
    for (const Row& row : std::vector<Row>{
             {"nobody in particular", "", text},
             {"curl", "*/*", text},
             {"a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", text},
             {"Prometheus 2.42",
              "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version="
              "0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
              open_metrics},
             {"Prometheus 2.42 with native histograms",
              "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding="
              "delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/"
              "openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
              open_metrics},
             {"Prometheus 3",
              "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/"
              "openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;"
              "q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
              open_metrics, true},
             {"Prometheus 3 told to take text",
              "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;"
              "escaping=underscores;q=0.5,*/*;q=0.1",
              text, true},
             {"text only", "text/plain;version=0.0.4", text},
             {"text of any version", "text/plain", text},
             {"text of a version we do not write", "text/plain;version=1.0.0", text},
             {"OpenMetrics of any version", "application/openmetrics-text", open_metrics},
             {"OpenMetrics of the draft only", "application/openmetrics-text;version=0.0.1", text},
             {"both alike", "text/plain, application/openmetrics-text", open_metrics},
             {"text is liked better", "application/openmetrics-text;q=0.4,text/plain;q=0.5", text},
             {"OpenMetrics refused", "application/openmetrics-text;q=0, */*", text},
             {"text refused", "text/*;q=0, */*", open_metrics},
             {"the closest range counts",
              "application/*;q=1, application/openmetrics-text;q=0.1, "
              "text/plain;q=0.5",
              text},
             {"what we have is not accepted", "application/json", text},
             {"odd spacing and capitals", " Application/OpenMetrics-Text ; Version=1.0.0 ; q=0.9 ",
              open_metrics},
             {"a quoted version", R"(application/openmetrics-text; version="1.0.0")", open_metrics},
             {"a comma in quotes", R"(text/plain;x="a,application/openmetrics-text")", text},
             {"a quality that is none", "application/openmetrics-text;q=high", text},
             {"a quality above one", "application/openmetrics-text;q=7", text},
             {"nonsense", ";;;,,,/,q=1,\"", text},
         }) {
        CAPTURE(row.who);
        const std::string expected =
            std::string(row.type) + std::string(row.says_escaping ? escaped : "");
        CHECK(content_type_of(choose_format(row.accept)) == expected);
    }
}

TEST_CASE("an Accept header of any length costs a bounded look") {
    std::string accept;
    for (int i = 0; i < 5000; ++i) accept += "a/b;q=0.1,";
    CHECK(http::parse_accept(accept).size() == http::accept_ranges_max);
    CHECK(choose_format(accept + "application/openmetrics-text").format == Format::text);
}

TEST_CASE("gzip by Accept-Encoding") {
    struct Row {
        std::string_view accept;
        bool gzip;
    };
    for (const Row& row : std::vector<Row>{{"", false},
                                           {"gzip", true},
                                           {"GZip", true},
                                           {"x-gzip", true},
                                           {"gzip, deflate, br", true},
                                           {"deflate, br", false},
                                           {"*", true},
                                           {"*;q=0", false},
                                           {"gzip;q=0", false},
                                           {"gzip; q=0.000", false},
                                           {"gzip;q=0, *", false},
                                           {"*;q=0, gzip", true},
                                           {"gzip;q=0.5", true},
                                           {"identity", false},
                                           {"gzip;q=0.5, identity", false},
                                           {"gzip, identity;q=0.5", true},
                                           {"gzip;q=nonsense", false},
                                           {"gzippy", false}}) {
        CAPTURE(row.accept);
        CHECK(http::prefers_gzip(row.accept) == row.gzip);
    }
}

TEST_CASE("addresses to listen on") {
    struct Row {
        std::string_view text;
        std::string_view canonical;  // or the error
        bool is_loopback = false;
    };
    for (const Row& row : std::vector<Row>{
             {"127.0.0.1:9125", "127.0.0.1:9125", true},
             {"127.9.9.9:0", "127.9.9.9:0", true},
             {"0.0.0.0:80", "0.0.0.0:80"},
             {"[::1]:9125", "[::1]:9125", true},
             {"[0:0::1]:9125", "[::1]:9125", true},
             {"*:9125", "[::]:9125"},
             {"10.0.0.1:65535", "10.0.0.1:65535"},
         }) {
        CAPTURE(row.text);
        const auto address = http::parse_listen_address(row.text);
        REQUIRE(address);
        CHECK(address->text() == row.canonical);
        CHECK(address->is_loopback() == row.is_loopback);
    }
    constexpr std::string_view must_be =
        R"(must be ADDRESS:PORT, such as "127.0.0.1:9125" or "[::1]:9125", got )";
    for (const Row& row : std::vector<Row>{
             {"", R"("")"},
             {"9125", R"("9125")"},
             {"[::1]", R"("[::1]")"},
             {":9125", R"(":9125"; every address is "*:9125")"},
             {"localhost:9125", R"("localhost:9125"; did you mean "127.0.0.1:9125"?)"},
             {"example.org:9125", R"("example.org:9125"; names are not looked up)"},
             {"1.2.3:9125", R"("1.2.3:9125"; names are not looked up)"},
             {"a\x1b[31m:1", R"("a?[31m:1"; names are not looked up)"},
         }) {
        CAPTURE(row.text);
        const auto address = http::parse_listen_address(row.text);
        REQUIRE_FALSE(address);
        CHECK(address.error() == std::string(must_be) + std::string(row.canonical));
    }
    CHECK(http::parse_listen_address("::1:9125").error() ==
          R"(must have an IPv6 address in brackets, such as "[::1]:9125", got "::1:9125")");
    for (const std::string_view port : {"", "65536", "-1", "+1", "1 ", "0x10"}) {
        CAPTURE(port);
        const auto address = http::parse_listen_address("127.0.0.1:" + std::string(port));
        REQUIRE_FALSE(address);
        CHECK(address.error().starts_with("must end in a port between 0 and 65535, got "));
    }
}

TEST_CASE("dates are those of RFC 9110") {
    CHECK(http::http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http::http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(http::http_date(951782399) == "Mon, 28 Feb 2000 23:59:59 GMT");
    CHECK(http::http_date(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST_CASE("pieces compressed one after the other are one text") {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "name{tag=\"" + std::to_string(i * 7919) + "\"} 1\n";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, text.size()}) {
        const std::string_view part = std::string_view(text).substr(0, piece == 1 ? 3000 : 1 << 20);
        http::GzipStream gzip;
        REQUIRE(gzip.is_open());
        std::string compressed;
        for (std::size_t at = 0; at < part.size(); at += piece) {
            gzip.feed(part.substr(at, piece), at + piece >= part.size());
            std::vector<char> room(777);
            for (std::size_t count = room.size(); count == room.size();) {
                count = gzip.fill(room);
                compressed.append(room.data(), count);
            }
        }
        CHECK(gunzip(compressed) == part);
    }
}
