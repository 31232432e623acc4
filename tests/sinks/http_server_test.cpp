// The HTTP server against clients of every kind, over real sockets: the methods, versions and
// codings it speaks, what it refuses and how, and hostile ones: a byte at a time, half requests,
// endless headers, readers that do not read, more connections than it takes, hard resets.
//
// Times are shortened by ServerLimits; what is waited for is the server's hanging up.
#include "sinks/http/server.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/gunzip.h"
#include "tests/support/raw_http_client.h"

using namespace pitot::sinks::http;
using namespace pitot::tests;
using pitot::sinks::Secret;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;
using std::literals::string_literals::operator""s;
using Answer = RawHttpClient::Answer;

namespace {

constexpr std::int64_t wall_ns = 784'111'777'000'000'000;  // Sun, 06 Nov 1994 08:49:37 GMT

// A page of many pieces of many sizes.
struct LargePage {
    std::string text;
    Pieces pieces;

    explicit LargePage(std::size_t bytes) {
        std::uint64_t dice = 1;
        while (text.size() < bytes) {
            dice = dice * 6364136223846793005U + 1442695040888963407U;
            text += "name{tag=\"" + std::to_string(dice >> 40U) + "\"} 1\n";
        }
        std::string_view rest(text);
        for (std::size_t size = 0; !rest.empty(); size = (size * 7 + 13) % 100'003) {
            pieces.push_back(rest.substr(0, size));
            rest.remove_prefix(std::min(size, rest.size()));
        }
    }
};

struct Bench {
    ServerLimits limits;
    std::string token;
    bool local_names_only = false;
    std::shared_ptr<const LargePage> page = std::make_shared<const LargePage>(1 << 20);
    std::atomic<int> asked = 0;
    std::string last_query;  // read after an answer came
    std::string last_accept;
    std::unique_ptr<Server> server;

    Bench() {
        // Generous, so that only what a test shortens ever passes.
        limits = {.connections = 64, .header = 1h, .idle = 1h, .answer = 1h, .tick = 5ms};
    }
    ~Bench() {
        if (server) server->stop();
    }

    std::uint16_t start() {
        const auto large = [this](const ServerRequest&) {
            ServerAnswer answer;
            answer.body = std::shared_ptr<const Pieces>(page, &page->pieces);
            return answer;
        };
        const auto small = [this](const ServerRequest& request) {
            ++asked;
            last_query = request.query;
            last_accept = request.accept;
            return text_answer(200, "small\n");
        };
        const auto rude = [](const ServerRequest&) {
            ServerAnswer answer = text_answer(200, "");
            answer.headers.emplace_back("X-Rude", "a\r\nX-Injected: b");
            return answer;
        };
        const auto broken = [](const ServerRequest&) -> ServerAnswer { throw std::bad_alloc(); };
        server = std::make_unique<Server>(
            ServerSettings{.address = {.host = "127.0.0.1", .port = 0},
                           .bearer_token = Secret(token),
                           .wall_ns = [] { return wall_ns; },
                           .local_names_only = local_names_only,
                           .limits = limits},
            std::vector<Route>{{"/large", large},
                               {"/small", small},
                               {"/rude", rude},
                               {"/broken", broken},
                               {.path = "/open", .answer = small, .is_public = true}});
        const auto error = server->start();
        REQUIRE_MESSAGE(!error, *error);
        return server->port();
    }
};

std::string get(std::string_view path, std::string_view headers = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) +
           "\r\n";
}

Answer ask(std::uint16_t port, std::string_view request, bool is_head = false) {
    RawHttpClient client(port);
    CHECK(client.send(request));
    Answer answer = client.read_answer(is_head);
    CHECK(answer.complaint == "");
    return answer;
}

}  // namespace

TEST_CASE("requests and their answers, in rows") {
    Bench bench;
    const std::uint16_t port = bench.start();
    CHECK(bench.server->address() == "127.0.0.1:" + std::to_string(port));
    struct Row {
        std::string_view what;
        std::string request;
        int status;
        std::string body = {};
    };
    const std::string header_of_9k = "X: " + std::string(9 * 1024, 'x') + "\r\n";
    for (
        const Row& row : std::vector<Row>{
            {"a page", get("/small"), 200, "small\n"},
            {"with a query", get("/small?a=1&b=2"), 200, "small\n"},
            {"in absolute form", get("http://elsewhere:80/small"), 200, "small\n"},
            {"an absolute form without a path", get("http://elsewhere"), 404},
            {"HTTP/1.0 without Host", "GET /small HTTP/1.0\r\n\r\n", 200, "small\n"},
            {"HTTP/1.1 without Host", "GET /small HTTP/1.1\r\n\r\n", 400, "must have one Host\n"},
            {"two Hosts", get("/small", "Host: other\r\n"), 400, "must have one Host\n"},
            {"another path", get("/nothing"), 404,
             "no such page; there are:\n/large\n/small\n/rude\n/broken\n/open\n"},
            {"a path that goes on", get("/small/"), 404},
            {"another method", "POST /small HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", 405,
             "must be GET or HEAD\n"},
            {"an unknown method", "BREW /small HTTP/1.1\r\nHost: t\r\n\r\n", 405},
            {"a small body", "GET /small HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc", 200,
             "small\n"},
            {"a chunked body",
             "GET /small HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
             "\r\n",
             200, "small\n"},
            {"a large body", "PUT /small HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999\r\n\r\nab",
             413},
            {"a question before a body",
             "POST /small HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
             405},
            {"a header beyond the bound", get("/small", header_of_9k), 431},
            {"a target beyond the bound", get("/" + std::string(20'000, 'x')), 431},
            {"no HTTP", "hello\r\n\r\n", 400},
            {"TLS", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n"s, 400},
            {"a later version", "GET /small HTTP/2.0\r\n\r\n", 505},
            {"a blank before a colon", get("/small", "X : y\r\n"), 400},
            {"two lengths", get("/small", "Content-Length: 1\r\nContent-Length: 2\r\n"), 400},
            {"a negative length", get("/small", "Content-Length: -1\r\n"), 400},
            {"a NUL", "GET /sm\0all HTTP/1.1\r\nHost: t\r\n\r\n"s, 400},
        }) {
        CAPTURE(row.what);
        const Answer answer = ask(port, row.request);
        CHECK(answer.status == row.status);
        if (!row.body.empty()) CHECK(answer.body == row.body);
        CHECK(answer.headers.at("date") == "Sun, 06 Nov 1994 08:49:37 GMT");
        CHECK(answer.headers.contains("content-type"));
        CHECK(answer.headers.contains("connection"));
        if (row.status == 405) CHECK(answer.headers.at("allow") == "GET, HEAD");
    }
    CHECK(bench.server->counters().cut_off == 0);
}

TEST_CASE("HEAD is GET without the body") {
    Bench bench;
    const std::uint16_t port = bench.start();
    for (const std::string_view path : {"/small", "/large", "/nothing"}) {
        for (const std::string_view coding : {"", "Accept-Encoding: gzip\r\n"}) {
            CAPTURE(path);
            CAPTURE(coding);
            RawHttpClient client(port);
            CHECK(client.send("HEAD" + get(path, coding).substr(3)));
            const Answer head = client.read_answer(true);
            CHECK(client.send(get(path, coding)));  // nothing of a body came before this answer
            const Answer whole = client.read_answer();
            CHECK(head.status == whole.status);
            CHECK(head.headers == whole.headers);
            CHECK(whole.body.size() > 1);
        }
    }
}

TEST_CASE("queries and joined headers reach the route") {
    Bench bench;
    const std::uint16_t port = bench.start();
    static_cast<void>(ask(port, get("/small?x=%20&y", "Accept: a/b\r\nAccept: c/d;q=0.5\r\n")));
    CHECK(bench.last_query == "x=%20&y");
    CHECK(bench.last_accept == "a/b,c/d;q=0.5");
}

TEST_CASE("a large page arrives whole: as it is, compressed, and to HTTP/1.0") {
    Bench bench;
    const std::uint16_t port = bench.start();
    RawHttpClient client(port);  // all on one connection
    for (int round = 0; round < 3; ++round) {
        CHECK(client.send(get("/large")));
        const Answer plain = client.read_answer();
        CHECK(plain.complaint == "");
        CHECK(plain.headers.at("vary") == "Accept-Encoding");
        CHECK((plain.body == bench.page->text));
        CHECK(client.send(get("/large", "Accept-Encoding: gzip\r\n")));
        const Answer packed = client.read_answer();
        CHECK(packed.complaint == "");
        CHECK(packed.headers.at("content-encoding") == "gzip");
        CHECK(packed.headers.at("transfer-encoding") == "chunked");
        CHECK(packed.body.size() < bench.page->text.size() / 2);
        CHECK((gunzip(packed.body) == bench.page->text));
    }
    const Answer refused = ask(port, get("/large", "Accept-Encoding: gzip;q=0\r\n"));
    CHECK_FALSE(refused.headers.contains("content-encoding"));
    CHECK((refused.body == bench.page->text));

    const Answer old = ask(port, "GET /large HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
    CHECK_FALSE(old.headers.contains("transfer-encoding"));
    CHECK_FALSE(old.headers.contains("content-length"));
    CHECK(old.headers.at("connection") == "close");
    CHECK((gunzip(old.body) == bench.page->text));
    const Answer old_plain = ask(port, "GET /large HTTP/1.0\r\n\r\n");
    CHECK((old_plain.body == bench.page->text));
    CHECK(old_plain.headers.at("content-length") == std::to_string(bench.page->text.size()));
    // Too small to be worth it.
    CHECK_FALSE(
        ask(port, get("/small", "Accept-Encoding: gzip\r\n")).headers.contains("content-encoding"));
}

TEST_CASE("connections are kept, or closed when asked") {
    Bench bench;
    const std::uint16_t port = bench.start();
    {
        RawHttpClient client(port);
        for (int i = 0; i < 100; ++i) {
            CHECK(client.send(get("/small")));
            CHECK(client.read_answer().status == 200);
        }
        CHECK(client.send(get("/small", "Connection: close\r\n")));
        CHECK(client.read_answer().headers.at("connection") == "close");
        CHECK(client.is_ended());
    }
    {
        RawHttpClient client(port);
        CHECK(client.send("GET /small HTTP/1.0\r\n\r\n"));
        CHECK(client.read_answer().status == 200);
        CHECK(client.is_ended());
    }
    {
        RawHttpClient client(port);
        for (int i = 0; i < 2; ++i) {
            CHECK(client.send("GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
            CHECK(client.read_answer().headers.at("connection") == "keep-alive");
        }
    }
    CHECK(bench.server->counters().connections == 3);
}

TEST_CASE("pipelined requests are answered in their order") {
    Bench bench;
    const std::uint16_t port = bench.start();
    RawHttpClient client(port);
    std::string all;
    for (int i = 0; i < 200; ++i) all += get(i % 2 == 0 ? "/small" : "/nothing");
    all += get("/large", "Connection: close\r\n");
    CHECK(client.send(all));
    for (int i = 0; i < 200; ++i) CHECK(client.read_answer().status == (i % 2 == 0 ? 200 : 404));
    CHECK((client.read_answer().body == bench.page->text));
    CHECK(client.is_ended());
}

TEST_CASE("a request that comes byte by byte") {
    Bench bench;
    const std::uint16_t port = bench.start();
    RawHttpClient client(port);
    for (const char byte : get("/small")) CHECK(client.send({&byte, 1}));
    CHECK(client.read_answer().body == "small\n");
}

TEST_CASE("half requests, silence and slow readers are cut off") {
    Bench bench;
    SUBCASE("nothing is said") {
        bench.limits.header = 20ms;
        RawHttpClient client(bench.start());
        CHECK(client.is_ended());
    }
    SUBCASE("half a header") {
        bench.limits.header = 20ms;
        RawHttpClient client(bench.start());
        CHECK(client.send(get("/small").substr(0, 25)));
        CHECK(client.is_ended());
    }
    SUBCASE("half a body") {
        bench.limits.header = 20ms;
        RawHttpClient client(bench.start());
        CHECK(client.send("GET /small HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc"));
        CHECK(client.is_ended());
    }
    SUBCASE("nothing after an answer") {
        bench.limits.idle = 20ms;
        RawHttpClient client(bench.start());
        CHECK(client.send(get("/small")));
        CHECK(client.read_answer().status == 200);
        CHECK(client.is_ended());
    }
    SUBCASE("a reader that does not read") {
        bench.limits.answer = 50ms;
        bench.page = std::make_shared<const LargePage>(32 << 20);
        const std::uint16_t port = bench.start();
        RawHttpClient client(port, 4096);
        CHECK(client.send(get("/large")));
        while (bench.server->counters().cut_off == 0) std::this_thread::yield();
        CHECK(client.read_rest().size() < bench.page->text.size());
        // The page's memory is not held by the one that did not read it.
        while (bench.page.use_count() > 1) std::this_thread::yield();
    }
    SUBCASE("one that does not read what is compressed") {
        bench.limits.answer = 50ms;
        bench.page = std::make_shared<const LargePage>(64 << 20);
        RawHttpClient client(bench.start(), 4096);
        CHECK(client.send(get("/large", "Accept-Encoding: gzip\r\n")));
        while (bench.server->counters().cut_off == 0) std::this_thread::yield();
    }
    CHECK(bench.server->counters().cut_off == 1);
    while (bench.server->counters().open > 0) std::this_thread::yield();
    CHECK(ask(bench.server->port(), get("/small")).status == 200);
}

TEST_CASE("clients that hang up at every moment harm nobody") {
    Bench bench;
    const std::uint16_t port = bench.start();
    const std::string request = get("/large", "Accept-Encoding: gzip\r\n");
    for (std::size_t cut = 0; cut <= request.size(); cut += 3) {
        RawHttpClient soft(port);
        CHECK(soft.send(std::string_view(request).substr(0, cut)));
        soft.half_close();
        RawHttpClient hard(port);
        CHECK(hard.send(std::string_view(request).substr(0, cut)));
        hard.reset();
    }
    CHECK(ask(port, get("/small")).status == 200);
    while (bench.server->counters().open > 1) std::this_thread::yield();
}

TEST_CASE("a client that stops sending still gets its answer") {
    Bench bench;
    RawHttpClient client(bench.start());
    CHECK(client.send(get("/large")));
    client.half_close();
    CHECK((client.read_answer().body == bench.page->text));
    CHECK(client.is_ended());
}

TEST_CASE("more connections than it takes are turned away, and there is room again") {
    Bench bench;
    bench.limits.connections = 8;
    const std::uint16_t port = bench.start();
    std::vector<std::unique_ptr<RawHttpClient>> held;
    for (int i = 0; i < 8; ++i) {
        held.push_back(std::make_unique<RawHttpClient>(port));
        CHECK(held.back()->send(get("/small")));
        CHECK(held.back()->read_answer().status == 200);
    }
    for (int i = 0; i < 2000; ++i) {
        RawHttpClient late(port);
        const Answer answer = late.read_answer();
        CHECK((answer.status == 503 || answer.status == 0));  // 0: the answer was taken back
        if (answer.status == 503) CHECK(answer.headers.at("retry-after") == "1");
    }
    CHECK(bench.server->counters().refused == 2000);
    CHECK(bench.server->counters().open == 8);
    // Those who were first notice nothing.
    for (const auto& client : held) {
        CHECK(client->send(get("/small")));
        CHECK(client->read_answer().status == 200);
    }
    held.pop_back();
    while (bench.server->counters().open > 7) std::this_thread::yield();
    CHECK(ask(port, get("/small")).status == 200);
}

TEST_CASE("with a token only its bearer is answered") {
    Bench bench;
    bench.token = "swordfish";
    const std::uint16_t port = bench.start();
    struct Row {
        std::string_view header;
        int status;
    };
    for (const Row& row : std::vector<Row>{{"", 401},
                                           {"Authorization: Bearer swordfish\r\n", 200},
                                           {"Authorization: bearer swordfish\r\n", 200},
                                           {"Authorization: Bearer swordfisH\r\n", 401},
                                           {"Authorization: Bearer swordfis\r\n", 401},
                                           {"Authorization: Bearer swordfishs\r\n", 401},
                                           {"Authorization: Bearer swordfishswordfish\r\n", 401},
                                           {"Authorization: Bearer \r\n", 401},
                                           {"Authorization: Basic swordfish\r\n", 401},
                                           {"Authorization: swordfish\r\n", 401}}) {
        CAPTURE(row.header);
        const Answer answer = ask(port, get("/small", row.header));
        CHECK(answer.status == row.status);
        if (row.status != 401) continue;
        CHECK(answer.headers.at("www-authenticate") == "Bearer realm=\"pitot\"");
        CHECK_FALSE(answer.body.contains("swordfish"));
    }
    CHECK(bench.asked == 2);
    CHECK(ask(port, get("/nothing")).status == 401);  // not even which pages there are
}

TEST_CASE("with a token a public route is answered all the same") {
    Bench bench;
    bench.token = "swordfish";
    const std::uint16_t port = bench.start();
    CHECK(ask(port, get("/open")).status == 200);
    CHECK(ask(port, get("/open", "Authorization: Bearer wrong\r\n")).status == 200);
    CHECK(ask(port, get("/small")).status == 401);
    CHECK(ask(port, get("/nothing")).status == 401);
}

TEST_CASE("where only local names are taken, another site's name is refused") {
    Bench bench;
    bench.local_names_only = true;
    const std::uint16_t port = bench.start();
    const auto asked_as = [port](const std::string& host) {
        return ask(port, "GET /small HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
    };
    for (const std::string host :
         {"127.0.0.1", "127.0.0.1:9125", "[::1]:9125", "localhost", "LocalHost:1", "192.0.2.7"}) {
        CAPTURE(host);
        CHECK(asked_as(host) == 200);
    }
    for (const std::string host :
         {"evil.example", "localhost.evil.example:9125", "127.0.0.1.evil", "", "x"}) {
        CAPTURE(host);
        CHECK(asked_as(host) == 403);
    }
    // Browsers say who they ask.
    CHECK(ask(port, "GET /small HTTP/1.0\r\n\r\n").status == 200);
}

TEST_CASE("a route cannot write headers of its own making, and its failure is its connection's") {
    Bench bench;
    const std::uint16_t port = bench.start();
    const Answer rude = ask(port, get("/rude"));
    CHECK(rude.headers.at("x-rude") == "a");
    CHECK_FALSE(rude.headers.contains("x-injected"));
    RawHttpClient client(port);
    CHECK(client.send(get("/broken")));
    CHECK(client.is_ended());
    CHECK(ask(port, get("/small")).status == 200);
}

TEST_CASE("an address that is taken is a sentence") {
    Bench first;
    const std::uint16_t port = first.start();
    Server second(
        {.address = {.host = "127.0.0.1", .port = port}, .wall_ns = [] { return wall_ns; }}, {});
    CHECK(second.start().value_or("") ==
          "cannot listen on 127.0.0.1:" + std::to_string(port) + ": Address already in use");
    CHECK(second.address() == "");
    first.server->stop();
    CHECK_FALSE(second.start());
    CHECK(second.port() == port);
}

TEST_CASE("a stop ends what is under way, at once") {
    Bench bench;
    bench.page = std::make_shared<const LargePage>(32 << 20);
    const std::uint16_t port = bench.start();
    RawHttpClient idle(port);
    RawHttpClient half(port);
    CHECK(half.send("GET /sm"));
    RawHttpClient slow(port, 4096);
    CHECK(slow.send(get("/large")));
    while (bench.server->counters().requests == 0) std::this_thread::yield();
    bench.server->stop();
    bench.server->stop();
    CHECK(bench.server->counters().open == 0);
    CHECK(bench.page.use_count() == 1);
    CHECK(slow.read_rest().size() < bench.page->text.size());
}

TEST_CASE("many clients at once") {
    Bench bench;
    const std::uint16_t port = bench.start();
    std::vector<std::thread> clients;
    std::atomic<int> good = 0;
    for (int i = 0; i < 8; ++i) {
        clients.emplace_back([&, i] {
            RawHttpClient client(port);
            for (int round = 0; round < 5; ++round) {
                const bool packed = (i + round) % 2 == 0;
                if (!client.send(get("/large", packed ? "Accept-Encoding: gzip\r\n" : ""))) return;
                const Answer answer = client.read_answer();
                const bool is_whole =
                    packed ? answer.body.size() > 1000 : answer.body == bench.page->text;
                if (answer.complaint.empty() && is_whole) ++good;
            }
        });
    }
    for (std::thread& client : clients) client.join();
    CHECK(good == 40);
}
