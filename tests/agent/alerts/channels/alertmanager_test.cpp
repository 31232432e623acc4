// The Alertmanager channel against strict servers: what changed at once, all of it again and
// again, each instance for itself, one bad alert among good ones, restarts and stops. The real
// Alertmanager is in channel_set_test.cpp.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "agent/alerts/channels/alertmanager/board.h"
#include "agent/alerts/channels/alertmanager/peer.h"
#include "tests/support/channel_rig.h"
#include "tests/support/http_double.h"

using namespace pitot;
using namespace pitot::agent::alerts::channels;
using namespace pitot::tests;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;

std::size_t count_of(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++count;
    }
    return count;
}

struct ManagerRig : ChannelRig {
    HttpDouble server;
    HttpDouble other;
    SinkOptions options{"oncall"};
    std::unique_ptr<Channel> channel;

    void begin(bool has_other = false) {
        Texts urls{server.url() + "/prefix"};
        if (has_other) urls.push_back(other.url());
        options.set("urls", urls);
        channel = make("alertmanager", options);
        channel->start();
    }
    void tell(const MessagePointer& message) {
        channel->tell(message, true);
        settle();
        CHECK(counts().closed());
    }
    ChannelCounts counts() const { return channel->status().counts; }
    DestinationStatus there(std::size_t number = 0) const {
        return channel->status().destinations.at(number);
    }
    void run_until_delivered(std::uint64_t delivered) {
        run_until([&] { return counts().delivered == delivered; });
    }
};

MessagePointer of_severity(MessageType type, const std::string& severity) {
    Message message = channel_message("a", type);
    message.severity = severity;
    return ChannelRig::pointer(message);
}

}  // namespace

TEST_CASE_FIXTURE(ManagerRig, "what changed is sent at once") {
    begin();
    tell(firing("a"));
    run_until_delivered(1);
    const HttpDouble::Received request = server.requests().at(0);
    CHECK(request.method == "POST");
    CHECK(request.target == "/prefix/api/v2/alerts");
    CHECK(request.headers.at("content-type") == "application/json");
    CHECK(request.body.starts_with(R"([{"labels":{"alertname":"a")"));
    // It is 00:00:01; four resends from now.
    CHECK(request.body.contains(R"("endsAt":"2026-08-01T00:04:01.000Z")"));
    CHECK(request.body.contains(R"("generatorURL":"http://web-1:9125")"));
    CHECK(server.complaints() == "");
    CHECK(channel->status().alerts == 1);
}

TEST_CASE_FIXTURE(ManagerRig, "what fires is sent again, what is over for another 15 minutes") {
    begin();
    tell(firing("a"));
    run_until_delivered(1);
    tell(firing("b"));
    run_until_delivered(2);
    advance(1min);
    run_until([&] { return server.requests().size() == 3; });
    CHECK(server.requests().back().body.contains(R"("endsAt":"2026-08-01T00:05:01.000Z")"));
    CHECK(count_of(server.requests().back().body, "alertname") == 2);

    tell(resolved("a"));
    run_until_delivered(3);
    CHECK(server.requests().back().body.contains(R"("endsAt":"2026-08-01T00:01:00.000Z")"));
    CHECK(channel->status().alerts == 1);
    std::size_t with_end = 0;
    for (int minute = 0; minute < 20; ++minute) {
        const std::size_t before = server.requests().size();
        advance(1min);
        run_until([&] { return server.requests().size() > before; });
        with_end += server.requests().back().body.contains(R"("alertname":"a")") ? 1U : 0U;
    }
    CHECK(with_end >= 14);
    CHECK(with_end <= 15);
    CHECK(counts().told == 3);  // sending again is no message
    CHECK(server.complaints() == "");
}

TEST_CASE_FIXTURE(ManagerRig, "each instance has what it lacks, whatever becomes of another") {
    server.otherwise({.silent = true});
    begin(true);
    tell(firing("a"));
    run_until([&] { return other.requests().size() == 1; });
    tell(firing("b"));
    tell(resolved("b"));
    run_until([&] { return other.requests().size() >= 2 && counts().delivered >= 2; });
    CHECK(there(0).attempts == 1);
    CHECK(there(1).state == ChannelState::working);
    advance(10s);
    run_until([&] { return there(0).failures_in_a_row == 1; });
    CHECK(channel->status().is_failing());
    server.otherwise({});
    advance(1s);
    run_until([&] { return there(0).state == ChannelState::working; });
    // The newest state, once.
    const std::string body = server.requests().back().body;
    CHECK(count_of(body, R"("alertname":"b")") == 1);
    // What the other was about to answer when time moved on is tried again.
    run_until([&] {
        advance(10ms);
        return counts().waiting == 0 && !channel->status().is_failing();
    });
    CHECK(counts().superseded >= 1);
    CHECK(counts().closed());
}

TEST_CASE_FIXTURE(ManagerRig, "one alert that is refused does not take the others with it") {
    server.answer_with([](const HttpDouble::Received& request) {
        return request.body.contains(R"("alertname":"bad")") ? reply(400, "bad label") : reply(200);
    });
    server.hold();
    begin();
    tell(firing("first"));
    for (const std::string name : {"a", "bad", "c"}) tell(firing(name));
    server.release();
    run_until([&] { return counts().waiting == 0; });
    CHECK(counts().delivered == 3);
    CHECK(counts()[MessageLoss::refused] == 1);
    CHECK(has_said("the message that bad is firing is refused"));
    CHECK(counts().closed());
    // Again with the next resend, which is no message.
    advance(1min);
    run_until([&] { return server.requests().size() >= 8; });
    CHECK(counts()[MessageLoss::refused] == 1);
}

TEST_CASE_FIXTURE(ManagerRig, "one that refuses everything is not asked for each") {
    server.otherwise({.reply = reply(400, "no")});
    server.hold();
    begin();
    tell(firing("first"));
    for (int i = 0; i < 100; ++i) tell(firing("a" + std::to_string(i)));
    server.release();
    run_until([&] { return counts().waiting == 0; });
    CHECK(counts()[MessageLoss::refused] == 101);
    CHECK(server.requests().size() <= alertmanager::refused_in_a_row_max + 4);
}

TEST_CASE_FIXTURE(ManagerRig, "a wrong path is refused, and said") {
    server.otherwise({.reply = reply(404, "404 page not found")});
    begin();
    tell(firing("a"));
    run_until([&] { return counts()[MessageLoss::refused] == 1; });
    CHECK(there().last_error ==
          "it answers 404 (404 page not found); check the url of this channel");
    tell(firing("b"));
    run_until([&] { return counts()[MessageLoss::refused] == 2; });
    CHECK(there().failures_in_a_row == 2);
    CHECK(there().next_attempt_unix_ns == 0);
}

TEST_CASE_FIXTURE(ManagerRig, "news goes before what is sent again") {
    begin();
    for (std::size_t i = 0; i < 2 * alertmanager::alerts_per_request_max; ++i) {
        channel->tell(firing("a" + std::to_string(i)), true);
    }
    run_until_delivered(2 * alertmanager::alerts_per_request_max);
    const std::size_t before = server.requests().size();
    server.hold();
    advance(1min);
    run_until([&] { return server.begun() > before; });
    tell(firing("z_news"));
    server.release();
    run_until_delivered(2 * alertmanager::alerts_per_request_max + 1);
    CHECK(server.requests().at(before + 1).body.contains("z_news"));
}

TEST_CASE_FIXTURE(ManagerRig, "a flapping alert fires on, a settled one may be over") {
    begin();
    tell(firing("a"));
    run_until_delivered(1);
    Message message = channel_message("a", MessageType::flapping);
    tell(pointer(message));
    run_until_delivered(2);
    CHECK(server.requests().back().body.contains(R"("flapping":"true")"));
    CHECK(channel->status().alerts == 1);
    message.type = MessageType::settled;
    message.level = 0;
    tell(pointer(message));
    run_until_delivered(3);
    CHECK(channel->status().alerts == 0);
}

TEST_CASE_FIXTURE(ManagerRig, "a restart goes on, and counts what was not delivered") {
    server.otherwise({.reply = reply(503)});
    begin();
    tell(firing("a"));
    run_until([&] { return there().failures_in_a_row == 1; });
    tell(firing("b"));
    tell(resolved("b"));
    SavedChannel saved = channel->saved();
    CHECK(saved.alerts.size() == 2);

    ManagerRig next;
    next.options.set("urls", Texts{next.server.url()});
    next.channel = next.make("alertmanager", next.options);
    next.channel->restore(std::move(saved), 60'000'000'000);
    next.channel->start();
    next.run_until_delivered(2);
    CHECK(count_of(next.server.requests().at(0).body, "alertname") == 2);
    CHECK(next.channel->status().alerts == 1);
    // The end has 14 minutes left.
    next.advance(16min);
    CHECK(next.channel->saved().alerts.size() == 1);
}

TEST_CASE_FIXTURE(ManagerRig, "another level ends the one before, in the same request") {
    begin();
    tell(of_severity(MessageType::firing, "warning"));
    run_until_delivered(1);
    tell(of_severity(MessageType::firing, "critical"));
    run_until_delivered(2);
    const std::string body = server.requests().at(1).body;
    const std::size_t end = body.find(R"("severity":"warning")");
    const std::size_t now = body.find(R"("severity":"critical")");
    REQUIRE(now != std::string::npos);
    CHECK(end < now);
    // Ended when the next level was told; that one fires for four resends.
    CHECK(body.substr(end, now - end).contains(R"("endsAt":"2026-08-01T00:01:00.000Z")"));
    CHECK(body.substr(now).contains(R"("endsAt":"2026-08-01T00:04:01.000Z")"));
    // The end is no message of its own, and is sent again like others.
    CHECK(counts().told == 2);
    CHECK(counts().closed());
    advance(1min);
    run_until([&] { return server.requests().size() == 3; });
    CHECK(count_of(server.requests().at(2).body, "alertname") == 2);
    tell(of_severity(MessageType::resolved, "critical"));
    run_until_delivered(3);
    CHECK(count_of(server.requests().back().body, R"("endsAt":"2026-08-01T00:01:00.000Z")") == 2);
    CHECK(channel->status().alerts == 0);
    CHECK(server.complaints() == "");
}

TEST_CASE_FIXTURE(ManagerRig, "a severity that was edited while the agent was away ends the old") {
    begin();
    tell(of_severity(MessageType::firing, "warning"));
    run_until_delivered(1);
    SavedChannel saved = channel->saved();

    ManagerRig next;
    next.options.set("urls", Texts{next.server.url()});
    next.channel = next.make("alertmanager", next.options);
    next.channel->restore(std::move(saved), 60'000'000'000);
    next.channel->recall(of_severity(MessageType::firing, "error"));
    next.channel->start();
    next.run_until([&] { return next.server.requests().size() == 1; });
    const std::string body = next.server.requests().at(0).body;
    CHECK(body.contains(R"("severity":"warning")"));
    CHECK(body.contains(R"("severity":"error")"));
    CHECK(count_of(body, R"("endsAt":"2026-08-01T00:01:00.000Z")") == 1);
    CHECK(next.counts().told == 0);
    // Saved and restored once more, one message that is owed is owed once.
    next.server.otherwise({.reply = reply(503)});
    next.tell(of_severity(MessageType::firing, "warning"));
    saved = next.channel->saved();
    REQUIRE(saved.alerts.size() == 2);
    CHECK(!saved.alerts[0].is_known);
    CHECK(saved.alerts[0].message->severity == "warning");
    CHECK(saved.alerts[1].is_known);
    CHECK(saved.alerts[1].message->is_over());
}

TEST_CASE_FIXTURE(ManagerRig, "recalled alerts are sent, and are no messages") {
    begin();
    channel->recall(firing("a"));
    run_until([&] { return server.requests().size() == 1; });
    CHECK(counts().told == 0);
    channel->recall(firing("a"));
    settle();
    CHECK(server.requests().size() == 1);
}

TEST_CASE_FIXTURE(ManagerRig, "a stop sends what is new, and nothing else") {
    begin();
    tell(firing("a"));
    run_until_delivered(1);
    server.next(reply(503));
    tell(firing("b"));
    run_until([&] { return there().failures_in_a_row == 1; });
    stop(*channel, 5s);
    CHECK(counts().delivered == 2);
    CHECK(count_of(server.requests().back().body, "alertname") == 1);
    CHECK(there().state == ChannelState::stopped);
}

TEST_CASE_FIXTURE(ManagerRig, "a stop ends at its deadline, and what is left is lost") {
    server.otherwise({.silent = true});
    begin();
    tell(firing("a"));
    run_until([&] { return server.begun() == 1; });
    bool is_drained = false;
    channel->stop(time.steady_ns() + 2'000'000'000, [&] { is_drained = true; });
    settle();
    advance(2s);
    run_until([&] { return is_drained; });
    CHECK(counts()[MessageLoss::shutdown] == 1);
    CHECK(counts().closed());
}

TEST_CASE("what is wrong with an Alertmanager's options") {
    const auto problems = [](const Texts& urls) {
        SinkOptions options{"oncall"};
        if (!urls.empty()) options.set("urls", urls);
        find_channel_type("alertmanager")->read(options);
        return options.problems();
    };
    CHECK(problems({}).starts_with("urls: must be set, such as"));
    CHECK(problems({"http://a:9093", "http://a:9093/"}).contains("must name a:9093 once"));
    CHECK(problems({"http://a/api/v2/alerts"}).contains("must be without /api/v2/alerts"));
    CHECK(problems({"http://a", "https://b"}).contains("must be all https:// or all http://"));
    CHECK(problems({"a:9093"}).starts_with("urls: must"));
    CHECK(problems({"http://a", "http://b"}) == "");
}

TEST_CASE("a board keeps the newest state, and forgets what ended long ago") {
    alertmanager::Board board({});
    const auto fire = ChannelRig::firing("a");
    const auto over = ChannelRig::resolved("a");
    CHECK(board.put(fire, fire->key(), 1) == alertmanager::Board::Put::made);
    CHECK(board.put(over, over->key(), 2) == alertmanager::Board::Put::replaced);
    CHECK(board.find(fire->key()) == std::vector{over});
    CHECK(board.firing() == 0);
    board.prune(2 + alertmanager::resolved_kept_ns);
    CHECK(board.find(fire->key()) == std::vector{over});
    board.prune(3 + alertmanager::resolved_kept_ns);
    CHECK(board.find(fire->key()).empty());
    CHECK(board.keys().empty());
}

TEST_CASE("a board ends the labels that an instance had before") {
    using alertmanager::Board;
    Board board({});
    const MessagePointer warning = of_severity(MessageType::firing, "warning");
    const MessagePointer critical = of_severity(MessageType::firing, "critical");
    const std::string key = warning->key();
    CHECK(board.put(warning, key, 1) == Board::Put::made);
    CHECK(board.put(warning, key, 2) == Board::Put::replaced);
    CHECK(board.find(key) == std::vector{warning});
    CHECK(board.put(critical, key, 3) == Board::Put::relabelled);
    REQUIRE(board.find(key).size() == 2);
    CHECK(board.find(key)[0]->severity == "warning");
    CHECK(board.find(key)[0]->is_over());
    CHECK(board.find(key)[1] == critical);
    CHECK(board.keys() == Texts{key});
    CHECK(board.firing() == 1);

    // Back again: what fires has not ended.
    CHECK(board.put(warning, key, 4) == Board::Put::relabelled);
    REQUIRE(board.find(key).size() == 2);
    CHECK(board.find(key)[0]->severity == "critical");
    CHECK(board.find(key)[1] == warning);

    // All of it outlives a restart.
    Board next({});
    for (const SavedAlert& alert : board.saved(5)) {
        CHECK(next.restore(alert.message, key, 5 - alert.age_ns));
    }
    CHECK(next.find(key) == board.find(key));
    next.prune(5 + alertmanager::resolved_kept_ns);
    CHECK(next.find(key) == std::vector{warning});
}

TEST_CASE("a board ends what was posted, also of a rule that is no more") {
    alertmanager::Board board({});
    Message message = channel_message("a", MessageType::firing);
    message.fixed_labels = {{"team", "shop"}};
    const std::string key = message.key();
    board.put(ChannelRig::pointer(message), key, 1);
    Message removed = channel_message("a", MessageType::resolved);
    removed.severity = "";
    removed.reason = agent::alerts::Reason::rule_removed;
    board.put(ChannelRig::pointer(removed), key, 2);
    REQUIRE(board.find(key).size() == 1);
    const MessagePointer end = board.find(key)[0];
    CHECK(end->severity == "critical");
    CHECK(end->fixed_labels == message.fixed_labels);
    CHECK(end->reason == agent::alerts::Reason::rule_removed);
    CHECK(end->is_over());
}
