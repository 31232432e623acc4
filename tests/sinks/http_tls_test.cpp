// The HTTP client over TLS, against an OpenSSL server on a real socket: what is checked, what is
// said when it does not hold, certificates of ours, files that change, and the ends that a TLS
// connection can have. Time is moved by hand; certificates are made for the test.
#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sinks/http/classify.h"
#include "sinks/http/client.h"
#include "tests/support/certificates.h"
#include "tests/support/http_double.h"
#include "tests/support/sink_rig.h"

using namespace pitot::sinks;
using namespace pitot::sinks::http;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;
using std::literals::string_literals::operator""s;

namespace {

TlsSide side(const IssuedCertificate& issued) {
    return {.certificate_file = issued.certificate_file, .key_file = issued.key_file};
}

struct Bench {
    SinkRig rig;
    TestAuthority authority;
    std::optional<HttpDouble> server;
    std::optional<Client> client;
    std::optional<Result> result;

    // With a good certificate, and a client that trusts it.
    Bench() {
        serve(side(authority.issue_server()));
        connect({.ca_file = authority.ca_file()});
    }
    void serve(const std::optional<TlsSide>& tls) {
        client.reset();
        server.emplace(tls);
    }
    void connect(TlsSettings tls, const std::string& host = "127.0.0.1",
                 const std::string& scheme = "https") {
        client.reset();
        Url url = *parse_url(scheme + "://" + host + ":" + std::to_string(server->port()));
        client.emplace(ClientSettings{.url = std::move(url),
                                      .authorization = Secret("Bearer hunter2"),
                                      .tls = std::move(tls)},
                       rig.context);
    }
    void begin(Request request, std::chrono::nanoseconds timeout = 10s) {
        result.reset();
        client->send(std::move(request), rig.time.steady_ns() + timeout.count(),
                     [this](Result got) { result = std::move(got); });
        CHECK_FALSE(result);
    }
    Result exchange(Request request) {
        begin(std::move(request));
        rig.run_until([&] { return result.has_value(); });
        CHECK(rig.time.next_ns() == -1);
        CHECK_FALSE(rig.has_said("hunter2"));
        return *result;
    }
    Result get() { return exchange({.method = Method::get, .target = "/"}); }
    // The failure's sentence, with PORT for the server's port; "" when there is none.
    std::string failure(FailureKind kind = FailureKind::tls) {
        const Result got = get();
        if (got) return "";
        CHECK(got.error().kind == kind);
        const Verdict expected = kind == FailureKind::tls ? Verdict::hold : Verdict::retry;
        CHECK(classify(got, 0).verdict == expected);
        std::string what = got.error().what;
        const std::string port = ":" + std::to_string(server->port());
        for (std::size_t at = 0; (at = what.find(port)) != std::string::npos;) {
            what.replace(at, port.size(), ":PORT");
        }
        return what;
    }
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a request over TLS is what it should be, and the connection is kept") {
    Bench bench;
    bench.server->next(reply(200, "fine"));
    const Result first = bench.exchange({.method = Method::put, .target = "/x", .body = "hello"});
    REQUIRE(first.has_value());
    CHECK(first->body == "fine");
    CHECK(first->is_complete);
    CHECK(bench.get().has_value());
    const auto requests = bench.server->requests();
    REQUIRE(requests.size() == 2);
    CHECK(requests[0].body == "hello");
    CHECK(requests[0].headers.at("authorization") == "Bearer hunter2");
    CHECK(requests[1].connection == 1);
    CHECK(requests[0].version == "TLSv1.3");
    CHECK(requests[0].server_name == "");  // an address is not sent by name
    CHECK(bench.server->complaints() == "");
}

TEST_CASE("large bodies both ways, plain and compressed") {
    Bench bench;
    std::string body;
    for (int i = 0; i < 1'000'000; ++i) body += std::to_string(i);
    for (const bool gzip : {false, true}) {
        bench.server->next(reply(200, std::string(response_body_bytes_max, 'y')));
        const Result result =
            bench.exchange({.method = Method::post, .target = "/", .body = body, .gzip = gzip});
        REQUIRE(result.has_value());
        CHECK(result->body.size() == response_body_bytes_max);
        CHECK(bench.server->requests().back().headers.contains("content-encoding") == gzip);
        if (!gzip) CHECK((bench.server->requests().back().body == body));
    }
    CHECK(bench.server->connections() == 1);
}

TEST_CASE("the name is sent, checked, and may be another than the url's") {
    Bench bench;
    bench.serve(side(bench.authority.issue({.names = {"localhost"}})));
    bench.connect({.ca_file = bench.authority.ca_file()}, "localhost");
    REQUIRE(bench.get().has_value());
    CHECK(bench.server->requests().back().server_name == "localhost");

    bench.connect({.ca_file = bench.authority.ca_file()}, "127.0.0.1");
    CHECK(bench.failure() ==
          "the certificate of 127.0.0.1:PORT is not valid for \"127.0.0.1\" (it is for "
          "\"localhost\"); mend the url, or set tls_server_name");
    bench.connect({.ca_file = bench.authority.ca_file(), .server_name = "localhost"}, "127.0.0.1");
    REQUIRE(bench.get().has_value());
    CHECK(bench.server->requests().back().server_name == "localhost");

    bench.serve(
        side(bench.authority.issue({.names = {"*.shop.example", "b.example", "10.0.0.1"}})));
    bench.connect({.ca_file = bench.authority.ca_file(), .server_name = "a.shop.example"});
    CHECK(bench.get().has_value());
    bench.connect({.ca_file = bench.authority.ca_file(), .server_name = "x.a.shop.example"});
    CHECK(contains(bench.failure(),
                   "is not valid for \"x.a.shop.example\" (it is for \"*.shop.example\", "
                   "\"b.example\", \"10.0.0.1\")"));
}

TEST_CASE("certificates that are not trusted, each with what to do") {
    Bench bench;
    const TestAuthority other("Other Authority");

    bench.connect({.ca_file = other.ca_file()});
    CHECK(bench.failure() ==
          "the certificate of 127.0.0.1:PORT is signed by \"Test Authority\", which is none of "
          "tls_ca_file \"" +
              other.ca_file() + "\"");
    bench.connect({});  // the system's authorities
    CHECK(bench.failure() ==
          "the certificate of 127.0.0.1:PORT is signed by \"Test Authority\", which is no "
          "authority of this system; set tls_ca_file to the certificate of the authority that did");

    const auto self = bench.authority.issue({.names = {"127.0.0.1"}, .is_self_signed = true});
    bench.serve(side(self));
    bench.connect({});
    CHECK(bench.failure() ==
          "the certificate of 127.0.0.1:PORT is self-signed; set tls_ca_file to a copy of it to "
          "trust it");
    bench.connect({.ca_file = self.certificate_file});
    CHECK(bench.get().has_value());

    bench.serve(side(
        bench.authority.issue({.names = {"127.0.0.1"}, .begins_in_days = -9, .ends_in_days = -1})));
    bench.connect({.ca_file = bench.authority.ca_file()});
    CHECK(contains(bench.failure(), "the certificate of 127.0.0.1:PORT has expired on 20"));

    bench.serve(side(bench.authority.issue({.names = {"127.0.0.1"}, .begins_in_days = 1})));
    bench.connect({.ca_file = bench.authority.ca_file()});
    CHECK(contains(bench.failure(), "the certificate of 127.0.0.1:PORT is valid from 20"));

    // A name that would spoil a log line.
    bench.serve(side(bench.authority.issue({.common_name = "a\nb\x1b[31m\"", .names = {}})));
    bench.connect({.ca_file = bench.authority.ca_file()});
    CHECK(contains(bench.failure(), "(it is for \"a?b?[31m\"\")"));

    // And none of this with verify = false.
    bench.connect({.verify = false});
    CHECK(bench.get().has_value());
    CHECK(bench.server->requests().size() == 1);
}

TEST_CASE("no request is sent to whom is not trusted") {
    Bench bench;
    bench.connect({});
    CHECK(bench.failure() != "");
    CHECK(bench.server->begun() == 0);
}

TEST_CASE("TLS 1.2 is the least") {
    Bench bench;
    TlsSide tls = side(bench.authority.issue_server());
    tls.version_min = TLS1_2_VERSION;
    tls.version_max = TLS1_2_VERSION;
    bench.serve(tls);
    bench.connect({.ca_file = bench.authority.ca_file()});
    REQUIRE(bench.get().has_value());
    CHECK(bench.server->requests().back().version == "TLSv1.2");
    CHECK(bench.get().has_value());
    CHECK(bench.server->connections() == 1);

    tls.version_min = TLS1_VERSION;
    tls.version_max = TLS1_1_VERSION;
    bench.serve(tls);
    bench.connect({.ca_file = bench.authority.ca_file()});
    CHECK(bench.failure() == "127.0.0.1:PORT speaks no TLS from version 1.2 on");
}

TEST_CASE("a certificate of ours is shown where it is wanted") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        Bench bench;
        TestAuthority other("Other Authority");
        TlsSide tls = side(bench.authority.issue_server());
        tls.client_ca_file = bench.authority.ca_file();
        tls.version_max = version;
        bench.serve(tls);
        const auto ours = bench.authority.issue({.common_name = "agent-7"});
        const TlsSettings good{.ca_file = bench.authority.ca_file(),
                               .certificate_file = ours.certificate_file,
                               .key_file = ours.key_file};
        bench.connect(good);
        REQUIRE(bench.get().has_value());
        CHECK(bench.server->requests().back().client_name == "agent-7");

        bench.connect({.ca_file = bench.authority.ca_file()});
        CHECK(bench.failure() ==
              "127.0.0.1:PORT wants a client certificate: set "
              "tls_certificate_file and tls_key_file");

        const auto strange = other.issue({});
        bench.connect({.ca_file = bench.authority.ca_file(),
                       .certificate_file = strange.certificate_file,
                       .key_file = strange.key_file});
        CHECK(bench.failure() ==
              "127.0.0.1:PORT does not accept the client certificate of "
              "tls_certificate_file \"" +
                  strange.certificate_file + "\": unknown CA");

        // Key and certificate in one file, the key encrypted.
        const auto locked = bench.authority.issue({.key_password = "open sesame"});
        const std::string both = bench.authority.write(
            "both.pem", read_text(locked.certificate_file) + read_text(locked.key_file));
        bench.connect({.ca_file = bench.authority.ca_file(),
                       .certificate_file = both,
                       .key_password = Secret("open sesame")});
        CHECK(bench.get().has_value());
    }
}

TEST_CASE("one side speaks TLS and the other does not") {
    Bench bench;
    // The other way round: what servers of TLS say to plain HTTP.
    bench.connect({}, "127.0.0.1", "http");
    CHECK(bench.failure(FailureKind::closed) ==
          "127.0.0.1:PORT closed the connection without an answer");
    bench.serve(std::nullopt);
    bench.server->next(HttpDouble::Step{.reply = "\x15\x03\x01\0\x02\x02\x46"s, .close = true});
    bench.connect({}, "127.0.0.1", "http");
    CHECK(bench.failure() == "127.0.0.1:PORT speaks TLS: use https:// in the url");
    for (const std::string says :
         {"Client sent an HTTP request to an HTTPS server.\n",
          "<html>400 The plain HTTP request was sent to HTTPS port</html>",
          "You're speaking plain HTTP to an SSL-enabled server port.<br />"}) {
        const Outcome outcome = classify(Response{.status = 400, .body = says}, 0);
        CHECK(outcome.verdict == Verdict::hold);
        CHECK(contains(outcome.reason, "use https:// in the url of this sink"));
    }

    for (const char* greeting :
         {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "220 mail ESMTP\r\n"}) {
        CAPTURE(greeting);
        bench.serve(std::nullopt);
        bench.server->greet_with(greeting);
        bench.connect({});
        CHECK(bench.failure() == "127.0.0.1:PORT does not speak TLS; is it http:// there?");
    }
}

TEST_CASE("who hangs up within the handshake is asked again later") {
    Bench bench;
    for (const bool reset : {false, true}) {
        bench.serve(std::nullopt);
        bench.server->next(HttpDouble::Step{.cut_request_at = 5, .reset = reset});
        bench.connect({});
        CHECK(bench.failure(FailureKind::closed) ==
              "127.0.0.1:PORT closed the connection within the TLS handshake");
    }
}

TEST_CASE("a handshake that is not answered ends in time") {
    Bench bench;
    bench.serve(std::nullopt);  // waits for the end of a header that never comes
    bench.connect({});
    bench.begin({}, 10s);
    bench.rig.run_until([&] { return bench.server->connections() == 1; });
    bench.rig.advance(4999ms);
    CHECK_FALSE(bench.result);
    bench.rig.advance(1ms);
    REQUIRE(bench.result);
    REQUIRE_FALSE(bench.result->has_value());
    CHECK(bench.result->error().kind == FailureKind::timeout);
    CHECK(contains(bench.result->error().what, "did not answer the TLS handshake in time"));

    // The deadline of the attempt comes first where it is nearer; so does a client that goes.
    bench.connect({});
    bench.begin({}, 2s);
    bench.rig.run_until([&] { return bench.server->connections() == 2; });
    bench.rig.advance(2s);
    REQUIRE(bench.result);
    CHECK(bench.result->error().kind == FailureKind::timeout);
    bench.connect({});
    bench.begin({});
    bench.rig.run_until([&] { return bench.server->connections() == 3; });
    bench.client.reset();
    bench.rig.settle();
    CHECK_FALSE(bench.result);
    CHECK(bench.rig.time.next_ns() == -1);
}

TEST_CASE("silence after the handshake ends at the deadline, and the next request works") {
    const std::string body(deaf_request_bytes, 'x');
    for (const bool deaf : {false, true}) {
        Bench bench;
        bench.server->next(HttpDouble::Step{.silent = !deaf, .deaf = deaf});
        bench.begin({.method = Method::put, .target = "/", .body = body}, 3s);
        bench.rig.run_until([&] { return bench.server->begun() == 1; });
        bench.rig.advance(3s);
        REQUIRE(bench.result);
        CHECK(bench.result->error().kind == FailureKind::timeout);
        CHECK(bench.get().has_value());
    }
}

TEST_CASE("an end without TLS's word for it is no end") {
    const std::string until_end = "HTTP/1.1 200 OK\r\n\r\nhalf of it";
    for (const bool rude : {false, true}) {
        CAPTURE(rude);
        Bench bench;
        bench.server->next(HttpDouble::Step{.reply = until_end, .close = true, .rude = rude});
        const Result result = bench.get();
        REQUIRE(result.has_value());
        CHECK(result->body == "half of it");
        CHECK(result->is_complete == !rude);

        // Between two requests either is a connection that was kept long enough.
        bench.server->next(HttpDouble::Step{.close = true, .rude = rude});
        REQUIRE(bench.get().has_value());
        CHECK(bench.get().has_value());
        CHECK(bench.server->connections() == 3);
    }
}

TEST_CASE("a connection cut anywhere in an answer over TLS") {
    const std::string whole = reply(200, "body");
    const std::size_t header = whole.find("\r\n\r\n") + 4;
    for (std::size_t cut = 0; cut < whole.size(); cut += 7) {
        CAPTURE(cut);
        Bench bench;
        bench.server->next(
            HttpDouble::Step{.reply = whole, .cut_reply_at = cut, .rude = cut % 2 == 0});
        const Result result = bench.get();
        CHECK(result.has_value() == (cut >= header));
        if (result) CHECK_FALSE(result->is_complete);
        if (!result) CHECK(result.error().kind == FailureKind::closed);
    }
}

TEST_CASE("files that change are read again, and a kept connection is given up for them") {
    Bench bench;
    TestAuthority next("Next Authority");
    TlsSide tls = side(bench.authority.issue_server());
    tls.client_ca_file = bench.authority.ca_file();
    bench.serve(tls);
    const auto first = bench.authority.issue({.common_name = "first"});
    const auto second = bench.authority.issue({.common_name = "second"});
    const std::string ca = bench.authority.write("trusted.pem", read_text(next.ca_file()));
    const std::string certificate =
        bench.authority.write("c.pem", read_text(first.certificate_file));
    const std::string key = bench.authority.write("k.pem", read_text(first.key_file));
    bench.connect({.ca_file = ca, .certificate_file = certificate, .key_file = key});
    CHECK(contains(bench.failure(), "which is none of tls_ca_file"));

    // Mended.
    const auto replace = [&](const std::string& path, const std::string& content) {
        const std::string fresh = bench.authority.write("fresh.pem", content);
        std::filesystem::rename(fresh, path);
    };
    replace(ca, read_text(bench.authority.ca_file()));
    REQUIRE(bench.get().has_value());
    REQUIRE(bench.get().has_value());
    CHECK(bench.server->requests().back().client_name == "first");
    const std::size_t connections = bench.server->connections();

    // In the middle of a rotation the two do not fit: what was read before goes on, said once.
    replace(certificate, read_text(second.certificate_file));
    REQUIRE(bench.get().has_value());
    REQUIRE(bench.get().has_value());
    CHECK(bench.server->requests().back().client_name == "first");
    CHECK(bench.server->connections() == connections);
    const std::string said = bench.rig.said.str();
    CHECK(contains(said,
                   "tls_key_file must be the key of tls_certificate_file, got that of "
                   "another; going on with what was read before"));
    CHECK(said.find("going on") == said.rfind("going on"));

    replace(key, read_text(second.key_file));
    REQUIRE(bench.get().has_value());
    CHECK(bench.server->requests().back().client_name == "second");
    CHECK(bench.server->connections() == connections + 1);

    // A file that goes away costs nothing; one that was never there, the connection.
    std::filesystem::remove(key);
    CHECK(bench.get().has_value());
    bench.connect({.ca_file = ca, .certificate_file = certificate, .key_file = key});
    CHECK(bench.failure() == "tls_key_file: must be readable, got \"No such file or directory\"");
}

TEST_CASE("further headers go with each request") {
    Bench bench;
    bench.serve(std::nullopt);
    bench.client.emplace(ClientSettings{.url = *parse_url(bench.server->url()),
                                        .authorization = token_authorization("ApiKey", Secret("k")),
                                        .headers = {{"X-Scope-OrgID", Secret("shop")}}},
                         bench.rig.context);
    REQUIRE(bench.get().has_value());
    CHECK(bench.server->requests().back().headers.at("x-scope-orgid") == "shop");
    CHECK(bench.server->requests().back().headers.at("authorization") == "ApiKey k");
}
