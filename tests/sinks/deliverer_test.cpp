// What the deliverer does about each outcome, with a transport that says what the test wants
// and time that the test moves: order, back-off, throttle, split, isolation of culprits, hold,
// age, newer state, stopping. After every step the ledger is closed.
#include "sinks/delivery/deliverer.h"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/sink_rig.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""h;
using std::literals::chrono_literals::operator""min;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;

namespace {

// Answers when the test says so, or at once where the test gave it a rule.
class ScriptedTransport final : public Transport {
public:
    explicit ScriptedTransport(Scheduler& time) : time_(time) {}

    void send(const Batch& batch, Purpose purpose, std::int64_t deadline_steady_ns,
              Done done) override {
        REQUIRE_FALSE(done_);
        sent.push_back((purpose == Purpose::probe ? "?" : "") + batch.body);
        last_deadline_ns = deadline_steady_ns;
        done_ = std::move(done);
        if (rule) time_.post([this, outcome = rule(batch)] { answer(outcome); });
    }
    void cancel() override {
        ++cancelled;
        time_.post([this] { answer({.verdict = Verdict::retry, .reason = "cancelled"}); });
    }
    void refused(std::string_view item, std::string_view reason) override {
        refusals.push_back(std::string(item) + " " + std::string(reason));
    }
    void finish(std::int64_t /*deadline*/, const std::function<void()>& done) override {
        ++finished;
        done();
    }

    void answer(Outcome outcome) { std::exchange(done_, nullptr)(std::move(outcome)); }
    bool is_under_way() const { return done_ != nullptr; }

    std::function<Outcome(const Batch&)> rule;
    std::vector<std::string> sent;  // bodies; probes with a '?' before them
    std::vector<std::string> refusals;
    std::int64_t last_deadline_ns = 0;
    int cancelled = 0;
    int finished = 0;

private:
    Scheduler& time_;
    Done done_;
};

struct Bench {
    SinkRig rig;
    ScriptedTransport transport{rig.time};
    std::optional<Deliverer> deliverer;
    bool drained = false;

    explicit Bench(DeliverySettings settings = {}) {
        settings.name = "out";
        settings.bounds = {.batches_max = 4, .bytes_max = 1000};
        auto queue = std::make_unique<MemoryQueue>(settings.policy, settings.bounds);
        deliverer.emplace(settings, std::move(queue), transport, rig.context);
    }

    // One item of one point for each letter.
    void offer(const std::string& letters) {
        Encoded encoded;
        Batch& batch = encoded.batches.emplace_back();
        for (const char letter : letters) {
            batch.body += letter;
            batch.items.push_back(
                {.end = static_cast<std::uint32_t>(batch.body.size()), .points = 1});
        }
        batch.points = letters.size();
        deliverer->offer(letters.size(), std::move(encoded));
        rig.settle();
        CHECK(ledger().closed());
    }
    void answer(Outcome outcome) {
        transport.answer(std::move(outcome));
        rig.settle();
        CHECK(ledger().closed());
    }
    void stop(std::chrono::nanoseconds within) {
        deliverer->stop(rig.time.steady_ns() + within.count(), [this] { drained = true; });
        rig.settle();
        CHECK(ledger().closed());
    }
    Ledger ledger() const { return deliverer->status().ledger; }
    std::uint64_t lost(LossReason reason) const { return ledger().lost[reason]; }
};

const Outcome ok{.verdict = Verdict::delivered};
const Outcome down{.verdict = Verdict::retry, .reason = "no connection"};
const Outcome bad{.verdict = Verdict::rejected, .reason = "bad item"};

using Sent = std::vector<std::string>;

}  // namespace

TEST_CASE("each attempt's time is told, whatever came of it") {
    Bench bench;
    std::array<std::int64_t, RecentTimes::kept> room{};
    const auto newest = [&](std::uint64_t seen) {
        const auto times = bench.deliverer->status().attempts_taken.since(seen, room);
        return std::vector<std::int64_t>(times.begin(), times.end());
    };
    bench.offer("a");
    bench.rig.advance(30ms);
    CHECK(newest(0).empty());
    bench.answer(down);
    CHECK(newest(0) == std::vector<std::int64_t>{30'000'000});
    // Half of the first back-off's ceiling; it belongs to no attempt.
    bench.rig.advance(250ms);
    REQUIRE(bench.transport.is_under_way());
    bench.rig.advance(5ms);
    bench.answer(ok);
    CHECK(bench.deliverer->status().attempts_taken.count() == 2);
    CHECK(newest(1) == std::vector<std::int64_t>{5'000'000});
}

TEST_CASE("batches go out one at a time and in order; a retry is not overtaken") {
    Bench bench;
    bench.offer("aa");
    bench.offer("b");
    CHECK(bench.transport.sent == Sent{"aa"});
    CHECK(bench.ledger().in_flight == 2);
    CHECK(bench.ledger().queued == 1);

    bench.answer(down);
    CHECK(bench.ledger().in_flight == 0);
    CHECK(bench.ledger().queued == 3);
    CHECK(bench.deliverer->status().next_attempt_unix_ns == bench.rig.time.wall_ns() + 250'000'000);
    bench.rig.advance(249ms);  // chance is 0.5: half of the first ceiling of 500 ms
    CHECK(bench.transport.sent.size() == 1);
    bench.rig.advance(1ms);
    CHECK(bench.deliverer->status().next_attempt_unix_ns == 0);
    CHECK(bench.transport.sent == Sent{"aa", "aa"});
    bench.answer(ok);
    CHECK(bench.transport.sent == Sent{"aa", "aa", "b"});
    bench.answer(ok);
    CHECK(bench.ledger().delivered == 3);
    CHECK(bench.deliverer->status().attempts == 3);
    CHECK(bench.deliverer->status().state == SinkState::working);
    CHECK(bench.deliverer->status().delivered_bytes == 3);
}

TEST_CASE("a full queue lets the oldest go, counted") {
    Bench bench;
    bench.offer("x");  // under way
    for (const char* letters : {"1", "22", "3", "4", "5", "6"}) bench.offer(letters);
    CHECK(bench.lost(LossReason::queue_full) == 3);
    CHECK(bench.rig.has_said("the queue is full"));
    bench.transport.rule = [](const Batch&) { return ok; };
    bench.answer(ok);
    CHECK(bench.transport.sent == Sent{"x", "3", "4", "5", "6"});
    CHECK(bench.ledger().delivered == 5);
}

TEST_CASE("a destination that asks for time gets it, and no more than a quarter of an hour") {
    Bench bench;
    bench.offer("a");
    Outcome throttle{.verdict = Verdict::throttle, .reason = "slow down", .retry_after = 7s};
    bench.answer(throttle);
    CHECK(bench.deliverer->status().state == SinkState::throttled);
    bench.rig.advance(6999ms);
    CHECK(bench.transport.sent.size() == 1);
    bench.rig.advance(1ms);
    CHECK(bench.transport.sent.size() == 2);
    throttle.retry_after = 24h;
    bench.answer(throttle);
    bench.rig.advance(15min);
    CHECK(bench.transport.sent.size() == 3);
}

TEST_CASE("of a partial answer only the items that may succeed are sent again") {
    Bench bench;
    bench.offer("abcd");
    Outcome partial{.verdict = Verdict::partial, .reason = "see items"};
    partial.items = {ItemVerdict::delivered, ItemVerdict::retry, ItemVerdict::rejected,
                     ItemVerdict::retry};
    bench.answer(partial);
    CHECK(bench.ledger().delivered == 1);
    CHECK(bench.lost(LossReason::rejected) == 1);
    CHECK(bench.transport.refusals == Sent{"c see items"});
    bench.rig.advance(1s);
    CHECK(bench.transport.sent.back() == "bd");
    partial.items = {ItemVerdict::delivered, ItemVerdict::delivered};
    bench.answer(partial);
    CHECK(bench.ledger().delivered == 3);
    CHECK(bench.ledger().queued == 0);
}

TEST_CASE("too large: halves at once, a single item is lost") {
    Bench bench;
    bench.transport.rule = [](const Batch& batch) {
        const bool fits = batch.items.size() <= 2 && batch.body != "e";
        return fits ? ok : Outcome{.verdict = Verdict::split, .reason = "too large"};
    };
    bench.offer("abcde");
    CHECK(bench.transport.sent == Sent{"abcde", "ab", "cde", "c", "de"});
    CHECK(bench.ledger().delivered == 5);
    bench.offer("e");
    CHECK(bench.lost(LossReason::too_large) == 1);
}

TEST_CASE("a poisoned batch loses its poison only") {
    Bench bench;
    bench.transport.rule = [](const Batch& batch) {
        return batch.body.find_first_of("xy") == std::string::npos ? ok : bad;
    };
    bench.offer("abxcdyef");
    CHECK(bench.ledger().delivered == 6);
    CHECK(bench.lost(LossReason::rejected) == 2);
    CHECK(bench.transport.refusals == Sent{"x bad item", "y bad item"});
    CHECK(bench.deliverer->status().last_error == "bad item");
    CHECK(bench.deliverer->status().state == SinkState::working);
}

TEST_CASE("where a part would replace the whole, the culprit is probed for and the rest sent") {
    Bench bench({.policy = QueuePolicy::latest_only, .isolation = Isolation::prefixes});
    bench.transport.rule = [](const Batch& batch) {
        return batch.body.find_first_of("xy") == std::string::npos ? ok : bad;
    };
    bench.offer("abxcdyef");
    CHECK(bench.transport.sent.front() == "abxcdyef");
    CHECK(bench.transport.sent.back() == "abcdef");
    CHECK(bench.ledger().delivered == 6);
    CHECK(bench.lost(LossReason::rejected) == 2);
    CHECK(bench.transport.refusals == Sent{"x bad item", "y bad item"});
    // One whole, three probes, the rest; twice over, less the second whole.
    CHECK(bench.transport.sent.size() <= 9);
}

TEST_CASE("a named suspect saves the search") {
    Bench bench({.policy = QueuePolicy::latest_only, .isolation = Isolation::prefixes});
    bench.offer("abxc");
    bench.answer({.verdict = Verdict::rejected, .reason = "x is bad", .suspect = 2});
    bench.answer(ok);
    CHECK(bench.transport.sent == Sent{"abxc", "abc"});
    CHECK(bench.transport.refusals == Sent{"x x is bad"});
}

TEST_CASE("a destination that refuses everything is not asked for ever") {
    Bench bench({.policy = QueuePolicy::latest_only, .isolation = Isolation::prefixes});
    bench.transport.rule = [](const Batch&) { return bad; };
    bench.offer(std::string(200, 'x'));
    CHECK(bench.lost(LossReason::rejected) == 200);
    CHECK(bench.transport.refusals.size() == culprits_per_batch_max);
    CHECK(bench.transport.sent.size() <= culprits_per_batch_max * 9);
    CHECK(
        bench.rig.has_said("after 8 refusals what is left of this delivery is given up, and lost"));
}

TEST_CASE(
    "many items that the destination names cost one attempt each, and the good ones nothing") {
    const auto names_the_first_bad = [](const Batch& batch) {
        const std::size_t at = batch.body.find('x');
        if (at == std::string::npos) return ok;
        return Outcome{.verdict = Verdict::rejected, .reason = "x is bad", .suspect = at};
    };
    Bench bench({.policy = QueuePolicy::latest_only, .isolation = Isolation::prefixes});
    bench.transport.rule = names_the_first_bad;
    bench.offer(std::string(50, 'x') + std::string(100, 'a') + std::string(49, 'x'));
    CHECK(bench.ledger().delivered == 100);
    CHECK(bench.lost(LossReason::rejected) == 99);
    CHECK(bench.transport.sent.size() == 100);
    bench.offer(std::string(named_culprits_per_batch_max, 'x') + "a");
    CHECK(bench.transport.sent.size() == 100 + named_culprits_per_batch_max);
    CHECK(bench.lost(LossReason::rejected) == 99 + named_culprits_per_batch_max + 1);
    CHECK(bench.rig.has_said("is given up, and lost"));
}

TEST_CASE("nor where parts are deliveries of their own, and good parts have their chance") {
    for (const Outcome& refusal :
         {bad, Outcome{.verdict = Verdict::split, .reason = "too large"}}) {
        Bench bench;
        bench.transport.rule = [&](const Batch&) { return refusal; };
        bench.offer(std::string(900, 'x'));
        CHECK(bench.ledger().lost.sum() == 900);
        CHECK(bench.transport.sent.size() < 60);
    }
    // Many in a row are bad, one far behind them too, and all others are fine.
    Bench bench;
    bench.transport.rule = [](const Batch& batch) { return batch.body.contains('x') ? bad : ok; };
    bench.offer(std::string(7, 'x') + std::string(600, 'a') + "x" + std::string(292, 'b'));
    CHECK(bench.lost(LossReason::rejected) == 8);
    CHECK(bench.ledger().delivered == 892);
    bench.offer(std::string(12, 'x') + std::string(600, 'a') + "x" + std::string(287, 'b'));
    CHECK(bench.ledger().delivered + bench.lost(LossReason::rejected) == 1800);
    CHECK(bench.lost(LossReason::rejected) < 40);
}

TEST_CASE("thousands of items of which every other must be sent again") {
    Bench bench;
    int attempts = 0;
    bench.transport.rule = [&](const Batch& batch) {
        ++attempts;
        Outcome outcome{.verdict = Verdict::partial, .reason = "some are late"};
        for (std::size_t i = 0; i < batch.items.size(); ++i) {
            outcome.items.push_back(i % 2 == 0 ? ItemVerdict::delivered : ItemVerdict::retry);
        }
        return outcome;
    };
    // Ten batches of five thousand items each, in one flush.
    Encoded encoded;
    for (int i = 0; i < 10; ++i) {
        Batch& batch = encoded.batches.emplace_back();
        for (std::uint32_t item = 1; item <= 5000; ++item) {
            batch.items.push_back({.end = item, .points = 1});
        }
        batch.body.assign(5000, static_cast<char>('a' + i));
        batch.points = 5000;
    }
    Deliverer deliverer(
        {.name = "out"},
        std::make_unique<MemoryQueue>(QueuePolicy::keep_order,
                                      QueueBounds{.batches_max = 10, .bytes_max = 1'000'000}),
        bench.transport, bench.rig.context);
    deliverer.offer(50'000, std::move(encoded));
    bench.rig.advance(50min);
    const Ledger ledger = deliverer.status().ledger;
    CHECK(ledger.closed());
    CHECK(ledger.delivered == 50'000);
    CHECK(attempts == 10 * 13);  // 5000, 2500, … 1
}

TEST_CASE("a search that is interrupted begins again with the whole batch") {
    Bench bench({.policy = QueuePolicy::latest_only, .isolation = Isolation::prefixes});
    bench.offer("abcx");
    bench.answer(bad);
    CHECK(bench.transport.sent.back() == "?ab");
    bench.answer(down);
    bench.rig.advance(1s);
    CHECK(bench.transport.sent.back() == "abcx");
}

TEST_CASE("credentials or URL are wrong: held, tried now and then, nothing is dropped") {
    Bench bench;
    bench.offer("a");
    bench.answer({.verdict = Verdict::hold, .reason = "answers 401: check the credentials"});
    CHECK(bench.deliverer->status().state == SinkState::held);
    bench.offer("b");
    bench.rig.advance(29s);
    CHECK(bench.transport.sent.size() == 1);
    bench.rig.advance(1s);
    CHECK(bench.transport.sent.size() == 2);
    bench.answer(ok);
    bench.answer(ok);
    CHECK(bench.ledger().delivered == 2);
    CHECK(bench.rig.has_said("warning: sinks.out: answers 401: check the credentials"));
    CHECK(bench.rig.has_said("works again"));
}

TEST_CASE("identical trouble is logged once") {
    Bench bench;
    bench.transport.rule = [](const Batch&) { return down; };
    bench.offer("a");
    bench.rig.advance(10min);
    CHECK(bench.transport.sent.size() > 20);
    CHECK(bench.rig.said.str() ==
          "warning: sinks.out: no connection; it is tried again, and what "
          "comes waits in the queue\n");
    CHECK(bench.deliverer->status().failures_in_a_row == bench.transport.sent.size());
}

TEST_CASE("what waited too long is lost rather than sent") {
    Bench bench({.age_max = 1min});
    bench.offer("a");
    bench.rig.advance(30s);
    bench.offer("b");
    bench.rig.advance(31s);
    bench.answer(down);
    bench.transport.rule = [](const Batch&) { return ok; };
    bench.rig.advance(1s);
    CHECK(bench.transport.sent == Sent{"a", "b"});
    CHECK(bench.lost(LossReason::too_old) == 1);
    CHECK(bench.ledger().delivered == 1);
}

TEST_CASE("newer state takes the place of state that waits for its next attempt") {
    Bench bench({.policy = QueuePolicy::latest_only, .isolation = Isolation::prefixes});
    bench.offer("a");
    bench.answer(down);
    bench.offer("b");
    bench.offer("cc");
    bench.rig.advance(1s);
    CHECK(bench.transport.sent == Sent{"a", "cc"});
    CHECK(bench.ledger().superseded == 2);
    bench.answer(ok);
    CHECK(bench.ledger().delivered == 2);
    CHECK(bench.ledger().lost.sum() == 0);
}

TEST_CASE("stopping: tried at once, and what fails again soon, in order") {
    Bench bench;
    bench.offer("a");
    bench.answer(down);
    bench.offer("b");
    bench.offer("c");
    bench.stop(5s);
    CHECK(bench.transport.sent == Sent{"a", "a"});  // without waiting for the back-off
    bench.answer(ok);
    for (int failure = 0; failure < 3; ++failure) {
        bench.answer(down);  // b
        CHECK_FALSE(bench.drained);
        CHECK_FALSE(bench.transport.is_under_way());
        bench.rig.advance(backoff_while_stopping.cap);
        REQUIRE(bench.transport.is_under_way());
    }
    CHECK(bench.rig.has_said("it is tried again until the time to stop is over"));
    bench.answer(ok);
    bench.answer(ok);  // c
    CHECK(bench.transport.sent == Sent{"a", "a", "b", "b", "b", "b", "c"});
    CHECK(bench.drained);
    CHECK(bench.transport.finished == 1);
    CHECK(bench.ledger().delivered == 3);
    CHECK(bench.deliverer->status().state == SinkState::stopped);
    CHECK(bench.rig.time.next_ns() == -1);
}

TEST_CASE("stopping: what fails until the deadline is lost under shutdown") {
    Bench bench;
    bench.transport.rule = [](const Batch&) { return down; };
    bench.offer("a");
    bench.offer("bb");
    bench.stop(5s);
    bench.rig.advance(4999ms);
    CHECK_FALSE(bench.drained);
    CHECK(bench.transport.sent.size() >= 5);   // at most a second between two
    CHECK(bench.transport.sent.size() < 100);  // and not without a pause
    bench.rig.advance(1ms);
    CHECK(bench.drained);
    CHECK(bench.lost(LossReason::shutdown) == 3);
    CHECK(bench.rig.time.next_ns() == -1);
}

TEST_CASE("stopping: what nobody mends meanwhile gets one last attempt each") {
    Bench bench;
    bench.transport.rule = [](const Batch&) {
        return Outcome{.verdict = Verdict::hold, .reason = "401"};
    };
    bench.offer("a");
    bench.offer("b");
    bench.stop(5s);
    CHECK(bench.drained);
    CHECK(bench.transport.sent == Sent{"a", "a", "b"});
    CHECK(bench.lost(LossReason::shutdown) == 2);
}

TEST_CASE("stopping: a destination that asks for more time than there is gets none") {
    Bench bench;
    bench.stop(5s);
    CHECK(bench.drained);
    Bench busy;
    busy.offer("a");
    busy.offer("b");
    busy.stop(5s);
    busy.answer(down);
    busy.answer({.verdict = Verdict::throttle, .reason = "429", .retry_after = 5s});
    CHECK(busy.drained);
    CHECK(busy.transport.sent == Sent{"a", "a"});
    CHECK(busy.lost(LossReason::shutdown) == 2);
    CHECK(busy.rig.has_said("asks for more time than there is"));
}

TEST_CASE("stopping: an attempt that was under way is not the last one") {
    Bench bench;
    bench.offer("a");
    bench.stop(5s);
    bench.answer(down);
    CHECK(bench.transport.sent == Sent{"a", "a"});
    CHECK(bench.transport.last_deadline_ns <= bench.rig.time.steady_ns() + 5'000'000'000);
    bench.answer(ok);
    CHECK(bench.drained);
    CHECK(bench.ledger().delivered == 1);
}

TEST_CASE("stopping: at the deadline the attempt is cancelled and what is left is lost") {
    Bench bench;
    bench.offer("aaa");
    bench.offer("bb");
    bench.stop(5s);
    bench.rig.advance(4999ms);
    CHECK_FALSE(bench.drained);
    bench.rig.advance(1ms);
    CHECK(bench.transport.cancelled == 1);
    CHECK(bench.drained);
    CHECK(bench.lost(LossReason::shutdown) == 5);
    CHECK_FALSE(bench.deliverer->status().last_error.empty());
    CHECK(bench.ledger().closed());
    CHECK(bench.rig.time.next_ns() == -1);  // no timer is left behind
}

TEST_CASE("stopping: in the middle of a search") {
    Bench bench({.policy = QueuePolicy::latest_only, .isolation = Isolation::prefixes});
    bench.offer("abcdefgx");
    bench.answer(bad);
    bench.stop(5s);
    bench.rig.advance(5s);
    CHECK(bench.drained);
    CHECK(bench.lost(LossReason::shutdown) == 8);
}

TEST_CASE("losses and skips of the encoder are in the ledger") {
    Bench bench;
    Encoded encoded;
    encoded.lost[LossReason::name_clash] = 2;
    encoded.skipped[SkipReason::event] = 3;
    bench.deliverer->offer(5, std::move(encoded));
    CHECK(bench.ledger().closed());
    CHECK(bench.ledger().skipped[SkipReason::event] == 3);
}
