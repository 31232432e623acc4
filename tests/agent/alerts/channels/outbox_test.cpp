// The Outbox with a Carrier that does what the test says: what is wanted, in what order it
// goes, what supersedes what, rates, repeats, bounds, ages, stops, and what a restart keeps.
// After every step each message is accounted for.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/channels/outbox.h"
#include "tests/support/channel_rig.h"

using namespace pitot;
using namespace pitot::agent::alerts::channels;
using namespace pitot::tests;
using namespace std::chrono_literals;

namespace {

// Remembers what it is given; answers when the test says how.
class ScriptedCarrier final : public Carrier {
public:
    struct Log {
        std::vector<std::string> carried;  // "slow firing"
        Done done;
        bool answers_at_once = true;
        Answer answer;
        Message last;
    };

    ScriptedCarrier(Log& log, sinks::Scheduler& time) : log_(log), time_(time) {}

    void carry(const Message& message, std::int64_t /*deadline*/, Done done) override {
        std::string text = message.alert + " " + std::string(to_string(message.type));
        if (message.is_repeat) text += " again";
        log_.carried.push_back(std::move(text));
        log_.last = message;
        log_.done = std::move(done);
        if (log_.answers_at_once) answer(log_.answer);
    }
    void cancel() override {
        answer({.verdict = AnswerVerdict::retry, .reason = "stopped", .may_be_known = true});
    }
    std::string destination() const override { return "there"; }

    void answer(Answer answer) {
        time_.post([done = std::exchange(log_.done, nullptr), answer = std::move(answer)] {
            if (done) done(answer);
        });
    }

private:
    Log& log_;
    sinks::Scheduler& time_;
};

struct OutboxRig : ChannelRig {
    ScriptedCarrier::Log log_of_carrier;
    OutboxSettings settings{.name = "hook", .type = "webhook"};
    ScriptedCarrier* carrier = nullptr;
    std::unique_ptr<Channel> channel;

    void begin(bool starts = true) {
        auto made = std::make_unique<ScriptedCarrier>(log_of_carrier, time);
        carrier = made.get();
        channel = make_outbox(settings, std::move(made), channels);
        if (starts) channel->start();
        settle();
    }
    void tell(const MessagePointer& message, bool is_addressed = true) {
        channel->tell(message, is_addressed);
        settle();
        CHECK(counts().closed());
    }
    void fails(AnswerVerdict verdict = AnswerVerdict::retry, bool may_be_known = false) {
        log_of_carrier.answer = {.verdict = verdict, .reason = "no", .may_be_known = may_be_known};
    }
    void works() { log_of_carrier.answer = {}; }
    ChannelCounts counts() const { return channel->status().counts; }
    DestinationStatus there() const { return channel->status().destinations.at(0); }
    std::vector<std::string> carried() { return std::exchange(log_of_carrier.carried, {}); }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(OutboxRig, "messages go one by one, in their order") {
    begin();
    tell(firing("a"));
    tell(firing("b"));
    tell(resolved("a"));
    CHECK(carried() == Texts{"a firing", "b firing", "a resolved"});
    CHECK(counts().delivered == 3);
    CHECK(channel->status().alerts == 1);
    CHECK(channel->status().destinations[0].state == ChannelState::working);
}

TEST_CASE_FIXTURE(OutboxRig, "nothing is sent before the start") {
    begin(false);
    tell(firing("a"));
    CHECK(carried().empty());
    channel->start();
    settle();
    CHECK(carried() == Texts{"a firing"});
}

TEST_CASE_FIXTURE(OutboxRig, "what failed is tried again after a back-off, before all else") {
    begin();
    fails();
    tell(firing("a"));
    tell(firing("b"));
    CHECK(carried() == Texts{"a firing"});
    CHECK(channel->status().is_failing());
    advance(499ms);  // half of a second, by the rig's chance
    CHECK(carried().empty());
    works();
    advance(1ms);
    CHECK(carried() == Texts{"a firing", "b firing"});
    CHECK(counts().delivered == 2);
    CHECK(!channel->status().is_failing());
    CHECK(has_said("channels.hook: there does not take messages: no; 1 wait(s)"));
    CHECK(has_said("channels.hook: there takes messages again"));
}

TEST_CASE_FIXTURE(OutboxRig, "what the destination asks for is waited") {
    begin();
    log_of_carrier.answer = {
        .verdict = AnswerVerdict::throttled, .reason = "busy", .retry_after = 70s};
    tell(firing("a"));
    CHECK(channel->status().destinations[0].state == ChannelState::throttled);
    works();
    advance(69s);
    CHECK(carried() == Texts{"a firing"});
    advance(1s);
    CHECK(carried() == Texts{"a firing"});
    CHECK(counts().delivered == 1);
}

TEST_CASE_FIXTURE(OutboxRig, "a refused message is dropped, counted and shown") {
    begin();
    fails(AnswerVerdict::refused);
    tell(firing("a"));
    CHECK(counts()[MessageLoss::refused] == 1);
    CHECK(channel->status().is_failing());
    CHECK(channel->status().destinations[0].last_error == "no");
    CHECK(has_said("error: channels.hook: the message that a is firing is refused"));
    works();
    tell(firing("b"));
    CHECK(counts().delivered == 1);
    CHECK(!channel->status().is_failing());
}

TEST_CASE_FIXTURE(OutboxRig,
                  "a destination that refuses everything fails, and is not tried again") {
    begin();
    fails(AnswerVerdict::refused);
    for (const std::string name : {"a", "b", "c"}) tell(firing(name));
    advance(1h);
    CHECK(carried() == Texts{"a firing", "b firing", "c firing"});
    CHECK(there().failures_in_a_row == 3);
    CHECK(there().next_attempt_unix_ns == 0);
    // It answers: what fails next waits as after a first failure.
    fails();
    tell(firing("d"));
    CHECK(there().failures_in_a_row == 4);
    works();
    advance(500ms);
    CHECK(carried() == Texts{"d firing", "d firing"});
    CHECK(there().failures_in_a_row == 0);
}

TEST_CASE_FIXTURE(OutboxRig, "where nothing is left of what failed, nothing fails") {
    begin();
    fails();
    tell(firing("a"));
    advance(10s);
    CHECK(there().state == ChannelState::retrying);
    CHECK(there().failures_in_a_row >= 3);

    SUBCASE("it ended while it waited") {
        tell(firing("b"));
        tell(resolved("a"));
        CHECK(there().state == ChannelState::retrying);
        tell(resolved("b"));
    }
    SUBCASE("it ended during an attempt") {
        log_of_carrier.answers_at_once = false;
        advance(1min);
        tell(resolved("a"));
        CHECK(there().state == ChannelState::retrying);
        carrier->answer({.verdict = AnswerVerdict::retry, .reason = "no"});
        settle();
    }
    CHECK(counts().waiting == 0);
    CHECK(there().state == ChannelState::idle);
    CHECK(there().failures_in_a_row == 0);
    CHECK(there().last_error == "no");
    CHECK(!channel->status().is_failing());
}

TEST_CASE_FIXTURE(OutboxRig, "what ends before it is delivered is not told") {
    begin();
    fails();
    tell(firing("x"));  // holds the line
    tell(firing("a"));
    tell(resolved("a"));
    CHECK(counts().superseded == 2);
    CHECK(counts().waiting == 1);
    works();
    advance(1s);
    CHECK(carried() == Texts{"x firing", "x firing"});

    SUBCASE("also what an attempt was made for that did not arrive") {
        fails();
        tell(firing("b"));
        tell(resolved("b"));
        works();
        advance(10s);
        CHECK(carried() == Texts{"b firing"});
        CHECK(counts().superseded == 4);
    }
}

TEST_CASE_FIXTURE(OutboxRig, "what ends during its attempt is told only if that arrived") {
    log_of_carrier.answers_at_once = false;
    begin();
    tell(firing("a"));
    tell(resolved("a"));
    CHECK(counts().waiting == 2);

    SUBCASE("it arrived") {
        carrier->answer({});
        settle();
        CHECK(carried() == Texts{"a firing", "a resolved"});
    }
    SUBCASE("it did not") {
        carrier->answer({.verdict = AnswerVerdict::retry, .reason = "no"});
        settle();
        advance(1min);
        CHECK(carried() == Texts{"a firing"});
        CHECK(counts().superseded == 2);
        CHECK(counts().waiting == 0);
    }
    SUBCASE("nobody knows") {
        carrier->answer({.verdict = AnswerVerdict::retry, .reason = "?", .may_be_known = true});
        settle();
        advance(1s);
        carrier->answer({});
        settle();
        CHECK(carried() == Texts{"a firing", "a firing", "a resolved"});
    }
    CHECK(counts().closed());
}

TEST_CASE_FIXTURE(OutboxRig, "the end of what was delivered is told, whatever came in between") {
    begin();
    tell(firing("a"));
    fails();
    tell(firing("x"));
    tell(firing("a"));  // another level of it
    tell(resolved("a"));
    works();
    advance(1s);
    CHECK(carried() == Texts{"a firing", "x firing", "x firing", "a resolved"});
    CHECK(counts().superseded == 1);
}

TEST_CASE_FIXTURE(OutboxRig,
                  "an alert that comes and goes behind its own end is told to be over once") {
    begin();
    tell(firing("a"));
    fails();
    tell(resolved("a"));
    tell(firing("a"));
    tell(resolved("a"));
    works();
    advance(1s);
    CHECK(carried() == Texts{"a firing", "a resolved", "a resolved"});  // it was tried twice
    CHECK(counts().delivered == 2);
    CHECK(counts().superseded == 2);
}

TEST_CASE_FIXTURE(OutboxRig, "deliver_stale tells all of it") {
    settings.deliver_stale = true;
    begin();
    fails();
    tell(firing("x"));
    tell(firing("a"));
    tell(resolved("a"));
    works();
    advance(1s);
    CHECK(carried() == Texts{"x firing", "x firing", "a firing", "a resolved"});
}

TEST_CASE_FIXTURE(OutboxRig, "severities below the least are unwanted, but for what was told") {
    settings.wanted.severity_min = 3;
    begin();
    Message mild = channel_message("a", MessageType::firing);
    mild.severity = "warning";
    tell(pointer(mild));
    CHECK(counts().unwanted == 1);
    tell(firing("a"));
    tell(pointer(mild));  // it has become milder, who was woken by it is to know
    mild.type = MessageType::resolved;
    tell(pointer(mild));
    tell(pointer(mild));  // nothing is known of it any more
    CHECK(carried() == Texts{"a firing", "a firing", "a resolved"});
    CHECK(counts().unwanted == 2);
}

TEST_CASE_FIXTURE(OutboxRig, "without send_resolved no end is told") {
    settings.wanted.resolved = false;
    begin();
    tell(firing("a"));
    tell(resolved("a"));
    CHECK(carried() == Texts{"a firing"});
    CHECK(counts().unwanted == 1);
    CHECK(channel->status().alerts == 0);
}

TEST_CASE_FIXTURE(OutboxRig, "a channel that is not addressed takes the end of what it was told") {
    begin();
    tell(firing("a"));
    tell(resolved("a"), false);
    tell(resolved("b"), false);
    CHECK(carried() == Texts{"a firing", "a resolved"});
    CHECK(counts().told == 2);
}

TEST_CASE_FIXTURE(OutboxRig, "above its rate a channel tells how many more there are") {
    settings.rate = {.messages = 2, .within_ns = 60'000'000'000};
    begin();
    for (const std::string name : {"a", "b", "c", "c2", "d"}) tell(firing(name));
    CHECK(carried() == Texts{"a firing", "b firing"});
    CHECK(counts()[MessageLoss::rate_limited] == 3);
    tell(resolved("a"));  // ends are told at once,
    tell(resolved("c"));  // but not of what was not told
    CHECK(carried() == Texts{"a resolved"});
    CHECK(counts()[MessageLoss::rate_limited] == 4);
    advance(35s);
    CHECK(carried() == Texts{" overflow"});
    CHECK(log_of_carrier.last.held_back == 4);
    CHECK(log_of_carrier.last.summary ==
          "4 more message(s) of web-1 were held back by rate_limit: c (2), c2 (1), d (1); "
          "`pitot alerts` lists what fires");
    advance(10min);
    CHECK(carried().empty());
    CHECK(counts().closed());
}

TEST_CASE_FIXTURE(OutboxRig, "what fires is told again, with its time") {
    settings.repeat = 1h;
    begin();
    tell(firing("a"));
    Message own = channel_message("b", MessageType::firing);
    own.repeat_ns = 600'000'000'000;
    tell(pointer(own));
    carried();
    advance(10min);
    CHECK(carried().empty());
    advance(1min);  // ten minutes, up to a tenth more, and up to five seconds
    CHECK(carried() == Texts{"b firing again"});
    tell(resolved("b"));
    carried();
    advance(56min);
    CHECK(carried() == Texts{"a firing again"});
    CHECK(log_of_carrier.last.duration_ns > 3'600'000'000'000);
    CHECK(log_of_carrier.last.is_repeat);
}

TEST_CASE_FIXTURE(OutboxRig, "repeats do not pile up before a destination that is away") {
    settings.repeat = 1min;
    begin();
    fails();
    tell(firing("a"));
    advance(30min);
    CHECK(counts().waiting == 1);
    CHECK(counts().closed());
}

TEST_CASE_FIXTURE(OutboxRig, "recalled alerts are repeated and ended, and not told anew") {
    settings.repeat = 1h;
    begin();
    channel->recall(firing("a"));
    settle();
    CHECK(carried().empty());
    advance(70min);
    CHECK(carried() == Texts{"a firing again"});
    tell(resolved("a"), false);
    CHECK(carried() == Texts{"a resolved"});
}

TEST_CASE_FIXTURE(OutboxRig, "a full queue loses the oldest") {
    begin();
    fails();
    for (std::size_t i = 0; i < queued_messages_max + 11; ++i) {
        channel->tell(firing("a" + std::to_string(i)), true);
    }
    settle();
    // One of them was on its way.
    CHECK(counts().waiting >= queued_messages_max);
    CHECK(counts().waiting + counts()[MessageLoss::queue_full] == queued_messages_max + 11);
    CHECK(counts()[MessageLoss::queue_full] >= 10);
    CHECK(counts().closed());
    CHECK(has_said("the queue is full"));

    Message large = channel_message("large", MessageType::firing);
    large.description = std::string(100'000, 'x');
    for (int i = 0; i < 100; ++i) channel->tell(pointer(large), true);
    settle();
    CHECK(channel->status().queued_bytes <= queued_bytes_max + 2'000);
    CHECK(counts().closed());
}

TEST_CASE_FIXTURE(OutboxRig, "what has waited for too long is not told any more") {
    settings.age_max = 10min;
    begin();
    fails();
    tell(firing("a"));
    advance(9min);
    tell(firing("b"));
    advance(2min);
    works();
    advance(5min);
    CHECK(counts()[MessageLoss::too_old] == 1);
    CHECK(counts().delivered == 1);
    CHECK(counts().closed());
}

TEST_CASE_FIXTURE(OutboxRig, "a stop delivers what waits, as long as that succeeds") {
    begin();
    fails();
    tell(firing("a"));
    tell(firing("b"));
    carried();
    works();
    stop(*channel, 5s);
    CHECK(carried() == Texts{"a firing", "b firing"});
    CHECK(counts().waiting == 0);
    CHECK(channel->status().destinations[0].state == ChannelState::stopped);
}

TEST_CASE_FIXTURE(OutboxRig, "what a stop leaves is lost, or kept where there is a file") {
    SUBCASE("lost") {
        begin();
        fails();
        tell(firing("a"));
        tell(firing("b"));
        carried();
        stop(*channel, 5s);
        CHECK(carried() == Texts{"a firing"});
        CHECK(counts()[MessageLoss::shutdown] == 2);
        CHECK(counts().closed());
        CHECK(has_said("2 message(s) were not delivered before the stop and are lost"));
    }
    SUBCASE("kept") {
        channels.is_kept = true;
        begin();
        fails();
        tell(firing("a"));
        tell(firing("b"));
        stop(*channel, 5s);
        CHECK(counts().waiting == 2);
        const SavedChannel saved = channel->saved();
        CHECK(saved.queue.size() == 2);
        CHECK(counts().closed());
    }
    SUBCASE("in an attempt that hangs, at the deadline") {
        log_of_carrier.answers_at_once = false;
        begin();
        tell(firing("a"));
        bool is_drained = false;
        channel->stop(time.steady_ns() + 5'000'000'000, [&] { is_drained = true; });
        advance(4s);
        CHECK(!is_drained);
        advance(1s);
        CHECK(is_drained);
        CHECK(counts()[MessageLoss::shutdown] == 1);
    }
}

TEST_CASE_FIXTURE(OutboxRig, "a restart goes on where it stopped") {
    settings.repeat = 1h;
    channels.is_kept = true;
    begin();
    tell(firing("known"));
    fails();
    tell(firing("a"));
    tell(firing("b"));
    advance(20min);
    SavedChannel saved = channel->saved();
    REQUIRE(saved.queue.size() == 2);
    CHECK(saved.queue[0].message->alert == "a");
    CHECK(saved.queue[0].age_ns == 1'200'000'000'000);
    CHECK(saved.alerts.size() == 3);

    carried();
    works();
    const std::int64_t away_ns = 600'000'000'000;
    OutboxRig next;
    next.settings = settings;
    next.begin(false);
    next.channel->restore(std::move(saved), away_ns);
    next.channel->start();
    next.settle();
    CHECK(next.carried() == Texts{"a firing", "b firing"});
    next.tell(resolved("known"));
    CHECK(next.carried() == Texts{"known resolved"});
    // Told half an hour ago, all in all.
    next.advance(25min);
    CHECK(next.carried().empty());
    next.advance(15min);
    CHECK(next.counts().closed());
}

TEST_CASE_FIXTURE(OutboxRig, "whatever changes what would be saved is a change") {
    begin();
    std::uint64_t before = channel->changes();
    tell(firing("a"));
    CHECK(channel->changes() > before);
    before = channel->changes();
    advance(1min);
    CHECK(channel->changes() == before);
    tell(resolved("a"));
    CHECK(channel->changes() > before);
}
