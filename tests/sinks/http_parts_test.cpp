// The parts of the HTTP client that need no socket: URLs, base64, gzip, what answers mean.
#include <doctest/doctest.h>
#include <zlib.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinks/http/base64.h"
#include "sinks/http/classify.h"
#include "sinks/http/gunzip.h"
#include "sinks/http/gzip.h"
#include "sinks/http/options.h"
#include "sinks/http/redaction.h"
#include "sinks/http/url.h"
#include "tests/support/sink_options.h"

using namespace pitot::sinks;
using namespace pitot::sinks::http;
using pitot::tests::SinkOptions;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""s;

TEST_CASE("URLs that are understood") {
    struct Row {
        const char* text;
        const char* authority;
        const char* path;
        bool is_https = false;
        bool is_loopback = false;
    };
    for (const Row& row : std::vector<Row>{
             {"http://127.0.0.1:9091", "127.0.0.1:9091", "", false, true},
             {"https://gateway", "gateway:443", "", true},
             {"HTTPS://localhost:1/", "localhost:1", "", true, true},
             {"http://127.gateway", "127.gateway:80", ""},
             {"http://gateway", "gateway:80", ""},
             {"HTTP://gateway/", "gateway:80", ""},
             {"http://gateway.example:65535/a/b//", "gateway.example:65535", "/a/b"},
             {"http://[::1]:9091/push", "[::1]:9091", "/push", false, true},
             {"http://[fe80::1]", "[fe80::1]:80", ""},
             {"http://my_host-2:1", "my_host-2:1", ""},
         }) {
        CAPTURE(row.text);
        const auto url = parse_url(row.text);
        REQUIRE(url.has_value());
        CHECK(url->authority() == row.authority);
        CHECK(url->path == row.path);
        CHECK(url->is_https == row.is_https);
        CHECK(url->is_loopback() == row.is_loopback);
    }
}

TEST_CASE("URLs that are refused, with what would be right") {
    struct Row {
        const char* text;
        const char* says;
    };
    for (const Row& row : std::vector<Row>{
             {"gateway:9091", R"(must begin with "http://" or "https://", got "gateway:9091")"},
             {"", R"(must begin with "http://" or "https://", got "")"},
             {"ftp://gateway", R"(must begin with "http://" or "https://", got "ftp://gateway")"},
             {"http://", R"(must name a host after "http://", got "")"},
             {"https://", R"(must name a host after "https://", got "")"},
             {"http://:9091", R"(must name a host after "http://", got ":9091")"},
             {"http://a:", "must have a port between 1 and 65535, got \"\""},
             {"http://a:0", "must have a port between 1 and 65535, got \"0\""},
             {"http://a:65536", "must have a port between 1 and 65535, got \"65536\""},
             {"http://a:9091x", "must have a port between 1 and 65535, got \"9091x\""},
             {"http://::1:80", "must name a host after"},
             {"http://[::1", R"(must close the "[" of its address, got "[::1")"},
             {"http://[::1]x", "must name a host after"},
             {"http://[host]", "must name a host after"},
             {"http://a b", "must not contain blanks or control characters"},
             {"http://a\n", "must not contain blanks or control characters"},
             {"http://a/x?u=root&p=hunter2",
              R"(must end with its path, without "?" or "#", got "/x?…")"},
             {"http://a#hunter2", R"(must end with its path, without "?" or "#", got "#…")"},
             {"a/x?p=hunter2", R"(must begin with "http://" or "https://", got "another text")"},
             {"http://ho%73t", "must name a host after"},
         }) {
        CAPTURE(row.text);
        const auto url = parse_url(row.text);
        REQUIRE_FALSE(url.has_value());
        CHECK(url.error().find(row.says) != std::string::npos);
    }
}

TEST_CASE("a password in a URL is refused and not repeated") {
    for (const char* text : {"http://user:hunter2@gateway", "user:hunter2@gateway"}) {
        const auto url = parse_url(text);
        REQUIRE_FALSE(url.has_value());
        CHECK(url.error().find("hunter2") == std::string::npos);
    }
}

TEST_CASE("base64, with the vectors of RFC 4648") {
    CHECK(base64("", Base64::standard).empty());
    CHECK(base64("f", Base64::standard) == "Zg==");
    CHECK(base64("fo", Base64::standard) == "Zm8=");
    CHECK(base64("foo", Base64::standard) == "Zm9v");
    CHECK(base64("foobar", Base64::standard) == "Zm9vYmFy");
    CHECK(base64("\xfb\xff\xfe", Base64::standard) == "+//+");
    CHECK(base64("\xfb\xff\xfe", Base64::url_safe) == "-__-");
}

TEST_CASE("gzip gives the same bytes each time, and zlib reads them back") {
    std::string body;
    for (int i = 0; i < 20000; ++i) body += "metric_" + std::to_string(i) + " 1\n";
    for (const std::string& text : {std::string(), std::string("x"), body}) {
        const auto packed = gzip(text);
        REQUIRE(packed.has_value());
        CHECK(*packed == *gzip(text));
        std::string back(text.size() + 1, '\0');
        z_stream stream{};
        REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
        std::string input = *packed;
        stream.next_in = reinterpret_cast<Bytef*>(input.data());
        stream.avail_in = static_cast<uInt>(input.size());
        stream.next_out = reinterpret_cast<Bytef*>(back.data());
        stream.avail_out = static_cast<uInt>(back.size());
        CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
        back.resize(back.size() - stream.avail_out);
        inflateEnd(&stream);
        CHECK(back == text);
    }
    CHECK(gzip(body)->size() < body.size() / 3);
}

TEST_CASE("gunzip reads one whole member, up to a bound") {
    std::string body;
    for (int i = 0; i < 20000; ++i) body += "metric_" + std::to_string(i) + " 1\n";
    for (const std::string& text : {std::string(), std::string("x"), body}) {
        CHECK(gunzip(*gzip(text), text.size()) == text);
    }
    CHECK_FALSE(gunzip(*gzip(body), body.size() - 1).has_value());
    const std::string packed = *gzip("some text that is not too short");
    for (std::size_t length = 0; length < packed.size(); ++length) {
        CHECK_FALSE(gunzip(packed.substr(0, length), 1000).has_value());
    }
    CHECK_FALSE(gunzip(packed + "x", 1000).has_value());
    CHECK_FALSE(gunzip("{\"errors\":false}", 1000).has_value());
}

TEST_CASE("every status means one of the seven verdicts") {
    const auto verdict = [](unsigned status) {
        return classify(Response{.status = status}, 0).verdict;
    };
    for (unsigned status = 100; status < 1000; ++status) {
        CAPTURE(status);
        Verdict expected = Verdict::hold;
        if (status >= 200 && status < 300) expected = Verdict::delivered;
        if (status >= 500 && status < 600) expected = Verdict::retry;
        if (status == 408) expected = Verdict::retry;
        if (status == 429 || status == 503) expected = Verdict::throttle;
        if (status == 413) expected = Verdict::split;
        if (status == 400 || status == 422) expected = Verdict::rejected;
        CHECK(verdict(status) == expected);
    }
    CHECK(classify(std::unexpected(Failure{FailureKind::timeout, "late"}), 0).verdict ==
          Verdict::retry);
}

TEST_CASE("what the operator reads of an answer") {
    Response response{.status = 503,
                      .headers = {{"retry-AFTER", "12"}},
                      .body = "over\x1b[31mload\r\nsecond line"};
    Outcome outcome = classify(response, 0);
    CHECK(outcome.reason == "the destination answers 503 (over [31mload)");
    CHECK(*outcome.retry_after == 12s);

    response = {.status = 307, .headers = {{"Location", "http://x/?token=hunter2"}}};
    CHECK(classify(response, 0).reason ==
          "the destination answers 307: redirects are not followed; mend the url of this sink");
    response = {.status = 400, .body = std::string(299, 'x') + "\xc3\xa4" + std::string(99, 'y')};
    CHECK(response.excerpt() == std::string(299, 'x') + " …");
}

TEST_CASE("a web page is read for what it says, and is no refusal of the data") {
    Response page;
    page.status = 400;
    for (const auto& [body, says, advice] : std::vector<std::array<const char*, 3>>{
             {"<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n"
              "<body>\r\n<center><h1>400 Bad Request</h1></center></body></html>",
              "400 No required SSL certificate was sent", "set tls_certificate_file"},
             {"<html>\r\n<head><title>400 The SSL certificate error</title></head></html>",
              "400 The SSL certificate error", "renew tls_certificate_file"},
             {"\n<!DOCTYPE HTML>\n<body><h1>Bad   request</h1>\nNo such\nthing</body>",
              "Bad request No such thing", "check the url"}}) {
        page.body = body;
        CHECK(page.is_html());
        CHECK(page.excerpt() == says);
        const Outcome outcome = classify(page, 0);
        CHECK(outcome.verdict == Verdict::hold);
        CHECK(outcome.reason.find(says) != std::string::npos);
        CHECK(outcome.reason.find(advice) != std::string::npos);
    }
    page.body = "sorry";
    page.headers.emplace_back("content-type", "Text/HTML; charset=utf-8");
    CHECK(classify(page, 0).verdict == Verdict::hold);
    for (const char* plain : {"text format parsing error", R"({"error":"<html>"})", "", "<"}) {
        CHECK(classify(Response{.status = 400, .body = plain}, 0).verdict == Verdict::rejected);
    }
}

TEST_CASE("credentials are taken out of what a destination says, in every form") {
    const Secret basic = basic_authorization("me", Secret(R"(p/a"s<s&)"));
    const std::vector<std::pair<std::string, Secret>> headers{
        {"X-Api-Key", Secret("t0p secret")}, {"X-Tenant", Secret("7")}, {"X-Empty", Secret("")}};
    const Redaction redaction(basic, headers);
    CHECK(redaction.clean("Authorization: " + basic.reveal() + "; next") ==
          "Authorization: [secret]; next");
    const std::string payload = basic.reveal().substr(6);
    CHECK(redaction.clean("got " + payload) == "got [secret]");
    CHECK(redaction.clean(R"(plain p/a"s<s& json p/a\"s<s& p\/a\"s<s& html p/a&quot;s&lt;s&amp; )"
                          "url p%2Fa%22s%3Cs%26") ==
          "plain [secret] json [secret] [secret] html [secret] url [secret]");
    CHECK(redaction.clean("key=t0p secret, key=t0p%20secret") == "key=[secret], key=[secret]");
    // A short one is no part of other words.
    CHECK(redaction.clean("17 of 70, tenant 7") == "17 of 70, tenant [secret]");

    CHECK(Redaction(token_authorization("Bearer", Secret("abcdef")), {}).clean("xabcdefx") ==
          "x[secret]x");
    CHECK(Redaction(token_authorization("ApiKey", Secret("aWQ6c2VjcmV0S2V5")), {})
              .clean("secretKey of aWQ6c2VjcmV0S2V5") == "[secret] of [secret]");
    CHECK(Redaction({}, {}).clean("nothing") == "nothing");

    // Before the text is cut: no half of a credential is left over.
    Response response{.status = 400, .body = std::string(295, 'x') + "t0p secret"};
    response.redaction = std::make_shared<const Redaction>(redaction);
    CHECK(response.excerpt().find("t0p") == std::string::npos);
}

TEST_CASE("the settings all HTTP sinks have") {
    SinkOptions options("push");
    options.set("url", "http://gateway:1").set("username", "me").set("password", "pass:word");
    HttpOptions read = read_http_options(options);
    CHECK(options.problems().empty());
    CHECK(read.timeout == 10s);
    CHECK(read.client.authorization.reveal() == "Basic bWU6cGFzczp3b3Jk");

    SinkOptions token("push");
    token.set("url", "http://gateway:1").set("bearer_token", "t");
    CHECK(read_http_options(token).client.authorization.reveal() == "Bearer t");
    CHECK(token.problems().empty());

    SinkOptions wrong("push");
    wrong.set("url", "gateway").set("username", "a:b").set("bearer_token", "x\ny");
    read_http_options(wrong);
    CHECK(wrong.problems() ==
          "url: must begin with \"http://\" or \"https://\", got \"gateway\"\n"
          "username: must not contain ':' or control characters\n"
          "bearer_token: must not contain control characters, such as a line feed\n"
          "bearer_token: must not be set together with username, got both\n");

    SinkOptions nothing("push");
    read_http_options(nothing);
    CHECK(nothing.problems() == "url: must be set\n");
}
