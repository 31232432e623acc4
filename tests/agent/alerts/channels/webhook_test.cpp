// The webhook against a strict server that does what the test says: each class of status,
// silence, cut answers, Retry-After; what it sends, how it signs, and what it never shows.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "sinks/http/signature.h"
#include "tests/support/channel_rig.h"
#include "tests/support/http_double.h"

using namespace pitot;
using namespace pitot::agent::alerts::channels;
using namespace pitot::tests;
using namespace std::chrono_literals;

namespace {

struct HookRig : ChannelRig {
    HttpDouble server;
    SinkOptions options{"hook"};
    std::unique_ptr<Channel> channel;

    void begin(const std::string& path = "/alerts") {
        options.set("url", server.url() + path);
        channel = make("webhook", options);
        channel->start();
    }
    ChannelCounts counts() const { return channel->status().counts; }
    DestinationStatus there() const { return channel->status().destinations.at(0); }
};

}  // namespace

TEST_CASE_FIXTURE(HookRig, "a message is one request") {
    begin();
    channel->tell(firing("slow"), true);
    run_until([&] { return counts().delivered == 1; });
    const HttpDouble::Received request = server.requests().at(0);
    CHECK(request.method == "POST");
    CHECK(request.target == "/alerts");
    CHECK(request.headers.at("content-type") == "application/json");
    CHECK(request.body.starts_with(R"({"version":"1","type":"firing","channel":"hook")"));
    CHECK(!request.headers.contains("x-pitot-signature"));
    CHECK(there().name == "127.0.0.1:" + std::to_string(server.port()));
    CHECK(server.complaints() == "");
}

TEST_CASE_FIXTURE(HookRig, "the url may have a query, and options say the rest") {
    options.set("method", "PUT")
        .set("format", "alertmanager")
        .set("bearer_token", "t0ken")
        .set("external_url", "https://pages");
    begin("/a/b?token=abc&x=1");
    channel->tell(firing("slow"), true);
    run_until([&] { return counts().delivered == 1; });
    const HttpDouble::Received request = server.requests().at(0);
    CHECK(request.method == "PUT");
    CHECK(request.target == "/a/b?token=abc&x=1");
    CHECK(request.headers.at("authorization") == "Bearer t0ken");
    CHECK(request.body.starts_with(R"({"version":"4",)"));
    CHECK(request.body.contains(R"("externalURL":"https://pages")"));
}

TEST_CASE_FIXTURE(HookRig, "signed requests can be checked by whoever has the key") {
    options.set("signature_key", "s3cret");
    begin();
    channel->tell(firing("slow"), true);
    run_until([&] { return counts().delivered == 1; });
    const HttpDouble::Received request = server.requests().at(0);
    const std::string time_s = request.headers.at("x-pitot-timestamp");
    CHECK(time_s == std::to_string(time.wall_ns() / 1'000'000'000));
    CHECK(request.headers.at("x-pitot-signature") ==
          "sha256=" +
              sinks::http::hmac_sha256(sinks::Secret("s3cret"), time_s + "." + request.body));
}

TEST_CASE_FIXTURE(HookRig, "every status has its meaning") {
    options.set("rate_limit", "none");
    begin();
    const std::vector<unsigned> taken{200, 201, 202, 204, 299};
    const std::vector<unsigned> refused{301, 307, 400, 401, 403, 404, 405,
                                        409, 410, 413, 418, 422, 451};
    const std::vector<unsigned> later{408, 425, 429, 500, 502, 503, 504, 507, 599};
    std::uint64_t delivered = 0;
    std::uint64_t lost = 0;
    for (const unsigned status : taken) {
        CAPTURE(status);
        server.next(reply(status));
        channel->tell(firing("a" + std::to_string(status)), true);
        run_until([&] { return counts().delivered > delivered; });
        ++delivered;
    }
    for (const unsigned status : refused) {
        CAPTURE(status);
        server.next(reply(status, "no such thing"));
        channel->tell(firing("a" + std::to_string(status)), true);
        run_until([&] { return counts()[MessageLoss::refused] > lost; });
        ++lost;
        CHECK(there().state == ChannelState::refused);
        CHECK(there().last_error.starts_with("it answers " + std::to_string(status) +
                                             " (no such thing)"));
    }
    // All those that were refused, in a row.
    CHECK(there().failures_in_a_row == refused.size());
    for (const unsigned status : later) {
        CAPTURE(status);
        server.next(reply(status, "busy"));
        const std::uint32_t failures = there().failures_in_a_row;
        channel->tell(firing("a" + std::to_string(status)), true);
        run_until([&] { return there().failures_in_a_row == failures + 1; });
        CHECK(there().state ==
              (status == 429 || status == 503 ? ChannelState::throttled : ChannelState::retrying));
        advance(1s);
        run_until([&] { return counts().delivered > delivered; });
        ++delivered;
    }
    CHECK(counts().closed());
    CHECK(server.complaints() == "");
}

TEST_CASE_FIXTURE(HookRig, "Retry-After is kept to") {
    begin();
    server.next(reply(429, "", {"Retry-After: 90"}));
    channel->tell(firing("slow"), true);
    run_until([&] { return there().state == ChannelState::throttled; });
    advance(89s);
    CHECK(server.requests().size() == 1);
    advance(1s);
    run_until([&] { return counts().delivered == 1; });
}

TEST_CASE_FIXTURE(HookRig, "silence ends at the timeout, a cut answer at once; both may be known") {
    options.set("timeout", std::chrono::nanoseconds(5s));
    begin();
    SUBCASE("silence") {
        server.next(HttpDouble::Step{.silent = true});
        channel->tell(firing("slow"), true);
        run_until([&] { return server.begun() == 1; });
        advance(5s);
    }
    SUBCASE("cut in the header") {
        server.next(HttpDouble::Step{.cut_reply_at = 7});
        channel->tell(firing("slow"), true);
    }
    SUBCASE("no word") {
        server.next(HttpDouble::Step{.cut_reply_at = 0});
        channel->tell(firing("slow"), true);
    }
    run_until([&] { return there().failures_in_a_row == 1; });
    // It may have arrived, so its end is told as well.
    channel->tell(resolved("slow"), true);
    settle();
    CHECK(counts().superseded + counts().waiting == 2);
    advance(2s);
    run_until([&] { return counts().waiting == 0; });
    CHECK(server.requests().back().body.contains(R"("type":"resolved")"));
    CHECK(counts().closed());
}

TEST_CASE_FIXTURE(HookRig, "a destination that is not there is tried again") {
    {
        const HttpDouble gone;
        options.set("url", gone.url());
    }
    channel = make("webhook", options);
    channel->start();
    channel->tell(firing("slow"), true);
    run_until([&] { return there().failures_in_a_row == 1; });
    CHECK(has_said("channels.hook: 127.0.0.1:"));
    CHECK(counts().waiting == 1);
}

TEST_CASE_FIXTURE(HookRig, "no credential is shown, however it comes back") {
    options.set("bearer_token", "t0ken-of-ours").set("signature_key", "key-of-ours");
    begin("/hooks/path-of-ours?token=query-of-ours");
    server.next(
        reply(404, "/hooks/path-of-ours?token=query-of-ours t0ken-of-ours key-of-ours\x1b[31m"));
    channel->tell(firing("slow"), true);
    run_until([&] { return counts().lost_sum() == 1; });
    const std::string shown = said.str() + there().last_error + there().name;
    for (const std::string secret :
         {"t0ken-of-ours", "key-of-ours", "path-of-ours", "query-of-ours", "\x1b"}) {
        CAPTURE(secret);
        CHECK(!shown.contains(secret));
    }
    CHECK(shown.contains("it answers 404 ("));
    CHECK(shown.contains("check the url of this channel"));
}

TEST_CASE("what is wrong with a webhook's options") {
    const auto* const type = find_channel_type("webhook");
    REQUIRE(type != nullptr);
    const auto problems = [&](SinkOptions& options) {
        type->read(options);
        return options.problems();
    };
    SinkOptions none{"hook"};
    CHECK(problems(none) == "url: must be set\n");
    for (const std::string url :
         {"example.com", "ftp://a", "http://user:secret@a/", "http://a/#x", "http://a/?b c"}) {
        CAPTURE(url);
        SinkOptions options{"hook"};
        options.set("url", url);
        const std::string what = problems(options);
        CHECK(what.starts_with("url: must be http:// or https://, a host"));
        CHECK(!what.contains("secret"));
    }
    SinkOptions slack{"hook"};
    slack.set("url", "https://hooks.slack.com/services/T/B/X");
    CHECK(problems(slack).contains("Slack takes another form"));
    SinkOptions rates{"hook"};
    rates.set("url", "http://127.0.0.1/")
        .set("rate_limit", "20 a minute")
        .set("min_severity", "mild")
        .set("repeat", std::chrono::nanoseconds(1s));
    const std::string what = problems(rates);
    CHECK(what.contains("rate_limit: must be messages in a time, such as \"20/m\""));
    CHECK(what.contains("min_severity: must be one of those allowed"));
    CHECK(what.contains("repeat: must be 0 (never) or at least 1m"));
}
