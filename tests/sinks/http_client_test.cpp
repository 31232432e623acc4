// The HTTP client against a real socket whose other end does what servers, proxies and
// networks do: keeps and closes connections, answers early, late, partly, wrongly or not at
// all. Time is moved by hand, so deadlines are exact and nothing waits.
#include "sinks/http/client.h"

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/http_double.h"
#include "tests/support/sink_rig.h"

using namespace pitot::sinks;
using namespace pitot::sinks::http;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;

namespace {

struct Bench {
    SinkRig rig;
    HttpDouble server;
    std::optional<Client> client;
    std::optional<Result> result;

    Bench() { connect_to(server.url()); }

    void connect_to(const std::string& url, Secret authorization = {}) {
        client.emplace(ClientSettings{.url = *parse_url(url), .authorization = authorization},
                       rig.context);
    }
    void begin(Request request, std::chrono::nanoseconds timeout = 10s) {
        result.reset();
        client->send(std::move(request), rig.time.steady_ns() + timeout.count(),
                     [this](Result got) { result = std::move(got); });
        CHECK_FALSE(result);  // never from inside send()
    }
    Result exchange(Request request) {
        begin(std::move(request));
        rig.run_until([&] { return result.has_value(); });
        CHECK(rig.time.next_ns() == -1);  // no timer is left behind
        return *result;
    }
    Request put(std::string_view body) const {
        return {.method = Method::put, .target = "/x", .body = body};
    }
};

}  // namespace

TEST_CASE("a request is what it should be, and the connection is kept") {
    Bench bench;
    bench.connect_to(bench.server.url(), Secret("Bearer t0ken"));
    Request request = bench.put("hello");
    request.headers.emplace_back("Content-Type", "text/plain");
    bench.server.next(reply(200, "fine", {"X-Thing: a"}));
    const Result first = bench.exchange(request);
    REQUIRE(first.has_value());
    CHECK(first->status == 200);
    CHECK(first->body == "fine");
    CHECK(first->header("x-thing") == "a");
    CHECK(first->is_complete);

    CHECK(bench.exchange({.method = Method::get, .target = "/y"}).has_value());
    CHECK(bench.exchange({.method = Method::remove, .target = "/z"}).has_value());
    const auto requests = bench.server.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].method == "PUT");
    CHECK(requests[0].target == "/x");
    CHECK(requests[0].body == "hello");
    CHECK(requests[0].headers.at("content-length") == "5");
    CHECK(requests[0].headers.at("content-type") == "text/plain");
    CHECK(requests[0].headers.at("authorization") == "Bearer t0ken");
    CHECK(requests[0].headers.at("user-agent") == "pitot/test");
    CHECK(requests[0].headers.at("host") == "127.0.0.1:" + std::to_string(bench.server.port()));
    CHECK(requests[2].method == "DELETE");
    CHECK(requests[2].connection == 1);
    CHECK(bench.server.complaints() == "");
}

TEST_CASE("whoever throws while it is told gets a failure, and the client goes on") {
    Bench bench;
    std::vector<std::optional<FailureKind>> told;
    bench.client->send(bench.put("x"), bench.rig.time.steady_ns() + 1'000'000'000,
                       [&](const Result& got) {
                           told.push_back(got ? std::nullopt : std::optional(got.error().kind));
                           if (got) throw std::runtime_error("out of luck");
                       });
    bench.rig.run_until([&] { return told.size() == 2; });
    CHECK(told == std::vector<std::optional<FailureKind>>{{}, FailureKind::internal});
    CHECK(bench.rig.has_said("out of luck"));
    CHECK(bench.rig.time.next_ns() == -1);
    CHECK(bench.exchange(bench.put("y")).has_value());
}

TEST_CASE("answers of every shape are read to their end") {
    Bench bench;
    struct Row {
        const char* bytes;
        unsigned status;
        const char* body;
    };
    for (const Row& row : std::vector<Row>{
             {"HTTP/1.1 204 None\r\n\r\n", 204, ""},
             {"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", 304, ""},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: v\r\n\r\n",
              200, "abcd"},
             {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
              200, "hi"},
             {"HTTP/1.1 500 \r\nContent-Length: 1\r\n\r\n!", 500, "!"},
             {"HTTP/1.1 302 Moved\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", 302, ""},
         }) {
        CAPTURE(row.bytes);
        bench.server.next(std::string(row.bytes));
        const Result result = bench.exchange(bench.put("x"));
        REQUIRE(result.has_value());
        CHECK(result->status == row.status);
        CHECK(result->body == row.body);
        CHECK(result->is_complete);
    }
    CHECK(bench.server.connections() == 1);

    bench.server.next(std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
    const Result head = bench.exchange({.method = Method::head, .target = "/"});
    REQUIRE(head.has_value());
    CHECK(head->is_complete);
    CHECK(head->body.empty());

    // Until the connection ends.
    bench.server.next(HttpDouble::Step{.reply = "HTTP/1.0 200 OK\r\n\r\nall of it", .close = true});
    const Result old = bench.exchange(bench.put("x"));
    REQUIRE(old.has_value());
    CHECK(old->body == "all of it");
}

TEST_CASE("a kept connection that the server closed is replaced, once and without an error") {
    Bench bench;
    bench.server.next(HttpDouble::Step{.close = true});
    REQUIRE(bench.exchange(bench.put("1")).has_value());
    const Result second = bench.exchange(bench.put("2"));
    REQUIRE(second.has_value());
    CHECK(bench.server.requests().size() == 2);
    CHECK(bench.server.connections() == 2);

    // A request that must not be repeated fails instead.
    REQUIRE(bench.exchange(bench.put("3")).has_value());
    bench.server.next(HttpDouble::Step{.cut_request_at = 1});
    Request once = bench.put("4");
    once.repeatable = false;
    const Result fourth = bench.exchange(once);
    REQUIRE_FALSE(fourth.has_value());
    CHECK(fourth.error().kind == FailureKind::closed);

    // And one that fails on a new connection is not repeated.
    bench.server.next(HttpDouble::Step{.cut_reply_at = 0});
    CHECK_FALSE(bench.exchange(bench.put("5")).has_value());
}

TEST_CASE("a connection cut anywhere in an answer") {
    const std::string whole = reply(200, "body", {"X: y"});
    const std::size_t header = whole.find("\r\n\r\n") + 4;
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        for (const bool reset : {false, true}) {
            CAPTURE(cut);
            CAPTURE(reset);
            Bench bench;
            bench.server.next(
                HttpDouble::Step{.reply = whole, .cut_reply_at = cut, .reset = reset});
            const Result result = bench.exchange(bench.put("x"));
            if (cut < header) {
                REQUIRE_FALSE(result.has_value());
                CHECK(result.error().kind == FailureKind::closed);
            } else if (result) {
                // The status is the server's word, whatever became of the body.
                CHECK(result->status == 200);
                CHECK_FALSE(result->is_complete);
            } else {
                // A reset may overtake what was sent before it.
                CHECK(reset);
            }
        }
    }
}

TEST_CASE("a connection cut anywhere in a request") {
    const std::string body(100'000, 'x');
    for (const std::size_t cut : {1U, 10U, 60U, 200U, 5000U, 99'000U}) {
        CAPTURE(cut);
        Bench bench;
        bench.server.next(HttpDouble::Step{.cut_request_at = cut, .reset = cut % 2 == 0});
        const Result result = bench.exchange(bench.put(body));
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == FailureKind::closed);
        CHECK(bench.exchange(bench.put(body)).has_value());
    }
}

TEST_CASE("an early answer is heard while the request is still being sent") {
    const std::string body(16 * 1024 * 1024, 'x');
    Bench bench;
    bench.server.next(HttpDouble::Step{.reply = reply(413, "too large"), .early = true});
    const Result result = bench.exchange(bench.put(body));
    REQUIRE(result.has_value());
    CHECK(result->status == 413);
    CHECK(result->body == "too large");
    // The rest of the body must not be taken for the next request.
    CHECK(bench.exchange(bench.put("next")).has_value());
    CHECK((bench.server.requests().back().body == "next"));
    CHECK(bench.server.requests().back().connection == 2);
}

TEST_CASE("silence ends at the deadline, and the next request works") {
    const std::string body(deaf_request_bytes, 'x');
    for (const bool deaf : {false, true}) {
        Bench bench;
        bench.server.next(HttpDouble::Step{.silent = !deaf, .deaf = deaf});
        bench.begin(bench.put(body), 3s);
        bench.rig.run_until([&] { return bench.server.begun() == 1; });
        bench.rig.advance(2999ms);
        CHECK_FALSE(bench.result);
        bench.rig.advance(1ms);
        REQUIRE(bench.result);
        REQUIRE_FALSE(bench.result->has_value());
        CHECK(bench.result->error().kind == FailureKind::timeout);
        CHECK(bench.exchange(bench.put("again")).has_value());
    }
}

TEST_CASE("an answer that trickles does not outlive the deadline") {
    Bench bench;
    bench.server.next(HttpDouble::Step{.reply = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
                                       .cut_reply_at = HttpDouble::never});
    bench.begin(bench.put("x"), 3s);
    bench.rig.run_until([&] { return bench.server.requests().size() == 1; });
    bench.rig.advance(3s);
    REQUIRE(bench.result);
    CHECK_FALSE(bench.result->has_value());
}

TEST_CASE("too much answer costs the connection, not the status") {
    Bench bench;
    const std::string large(response_body_bytes_max + 1, 'y');
    bench.server.next(reply(400, large));
    const Result result = bench.exchange(bench.put("x"));
    REQUIRE(result.has_value());
    CHECK(result->status == 400);
    CHECK(result->body.size() == response_body_bytes_max);
    CHECK_FALSE(result->is_complete);

    bench.server.next(reply(200, large.substr(1)));
    const Result fits = bench.exchange(bench.put("x"));
    REQUIRE(fits.has_value());
    CHECK(fits->is_complete);

    bench.server.next(reply(200, "", {"X: " + std::string(response_header_bytes_max, 'z')}));
    const Result headers = bench.exchange(bench.put("x"));
    REQUIRE(headers.has_value());
    CHECK(headers->status == 200);
    CHECK_FALSE(headers->is_complete);
    CHECK(bench.exchange(bench.put("x")).has_value());

    bench.server.next(HttpDouble::Step{
        .reply = "HTTP/1.1 " + std::string(response_header_bytes_max, '2') + "\r\n\r\n",
        .close = true});
    const Result line = bench.exchange(bench.put("x"));
    CHECK_FALSE((line.has_value() && line->is_complete));
    CHECK(bench.exchange(bench.put("x")).has_value());
}

TEST_CASE("what comes behind an answer, or unasked, answers nothing") {
    for (const bool in_one_piece : {true, false}) {
        CAPTURE(in_one_piece);
        Bench bench;
        const std::string twice = reply(200, "first") + reply(200, "surplus");
        bench.server.next(HttpDouble::Step{.reply = twice, .bytewise = !in_one_piece});
        const Result first = bench.exchange(bench.put("1"));
        REQUIRE(first.has_value());
        CHECK(first->body == "first");
        // Behind the next request it would be the answer to that.
        while (bench.server.answered() == 0) std::this_thread::yield();
        bench.server.next(reply(503, "busy"));
        const Result second = bench.exchange(bench.put("2"));
        REQUIRE(second.has_value());
        CHECK(second->status == 503);
        CHECK(bench.server.requests().back().connection == 2);
    }
}

TEST_CASE("what is not HTTP is said to be so") {
    for (const char* bytes :
         {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
          "\r\n\r\n\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
        CAPTURE(bytes);
        Bench bench;
        bench.server.next(HttpDouble::Step{.reply = bytes, .close = true});
        const Result result = bench.exchange(bench.put("x"));
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == FailureKind::protocol);
    }
}

TEST_CASE("nobody listens, or the name does not exist") {
    Bench bench;
    std::uint16_t port = 0;
    {
        const HttpDouble gone;
        port = gone.port();
    }
    bench.connect_to("http://127.0.0.1:" + std::to_string(port), Secret("Bearer hunter2"));
    const Result refused = bench.exchange(bench.put("x"));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().kind == FailureKind::connect);
    CHECK(refused.error().what ==
          "cannot connect to 127.0.0.1:" + std::to_string(port) +
              ": Connection refused (nobody listens there: is the server running?)");

    // Two dots in a row are no name, so no server is asked.
    bench.connect_to("http://no..name:80");
    const Result unknown = bench.exchange(bench.put("x"));
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().kind == FailureKind::resolve);

    bench.connect_to("http://localhost:" + std::to_string(bench.server.port()));
    CHECK(bench.exchange(bench.put("x")).has_value());
}

TEST_CASE("a request is cancelled from a turn of its own") {
    Bench bench;
    bench.server.next(HttpDouble::Step{.silent = true});
    bench.client->cancel();  // nothing to cancel
    bench.begin(bench.put("x"));
    bench.rig.run_until([&] { return bench.server.begun() == 1; });
    bench.client->cancel();
    CHECK_FALSE(bench.result);
    bench.rig.settle();
    REQUIRE(bench.result);
    CHECK(bench.result->error().kind == FailureKind::cancelled);
}

TEST_CASE("a client may go in the middle of anything") {
    const std::string body(1024 * 1024, 'x');
    for (const bool has_begun : {false, true}) {
        Bench bench;
        bench.server.next(HttpDouble::Step{.deaf = true});
        bench.begin(bench.put(body));
        if (has_begun) bench.rig.run_until([&] { return bench.server.begun() == 1; });
        bench.client.reset();
        bench.rig.settle();
        CHECK_FALSE(bench.result);
        CHECK(bench.rig.time.next_ns() == -1);
    }
}

TEST_CASE("a body is sent compressed when asked for") {
    Bench bench;
    const std::string body(100'000, 'x');
    Request request = bench.put(body);
    request.gzip = true;
    REQUIRE(bench.exchange(request).has_value());
    const auto sent = bench.server.requests().at(0);
    CHECK(sent.headers.at("content-encoding") == "gzip");
    CHECK(sent.body.size() < 1000);
    CHECK(sent.body.starts_with("\x1f\x8b"));
    CHECK(bench.server.complaints() == "");
}

TEST_CASE("while a large body is compressed others have their turn, and it may be given up") {
    Bench bench;
    std::optional<std::string> body;
    body.emplace(8 * 1024 * 1024, 'x');
    Request request = bench.put(*body);
    request.gzip = true;
    bench.begin(request);
    int turns = 0;
    const std::function<void()> take_turn = [&] {
        ++turns;
        if (bench.server.begun() == 0 && turns < 1000) bench.rig.time.post(take_turn);
    };
    bench.rig.time.post(take_turn);
    bench.rig.run_until([&] { return bench.result.has_value(); });
    CHECK(bench.result->has_value());
    // A step of 256 KiB in each turn.
    CHECK(turns >= 30);

    // The deadline, or the client's end, in the middle of it: the body is not touched again.
    for (const bool is_deadline : {true, false}) {
        bench.begin(request, 1s);
        bench.rig.io.restart();
        bench.rig.io.poll_one();
        CHECK(bench.server.begun() == 1);
        if (is_deadline) {
            while (bench.rig.time.fire_next(bench.rig.time.steady_ns() + 1'000'000'000)) {
            }
            REQUIRE(bench.result);
            CHECK(bench.result->error().kind == FailureKind::timeout);
        } else {
            bench.client.reset();
            body.reset();
        }
        bench.rig.settle();
    }
    CHECK(bench.rig.time.next_ns() == -1);
}
