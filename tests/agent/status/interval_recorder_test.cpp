// What the flush publishes of an interval: counts of all shards, the past beside the present,
// refused lines and culprits that stay in sight; and where a flush is while it runs.
#include "agent/status/interval_recorder.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

using namespace pitot;
using namespace pitot::agent;
using protocol::Reject;

namespace {

struct Rig {
    static constexpr std::uint64_t page_bytes = 1U << 20U;

    std::array<Page, 2> pages{Page({}, page_bytes), Page({}, page_bytes)};
    IntervalRecorder recorder{100};
    protocol::Snapshot snapshot;
    std::uint64_t sequence = 0;
    Ledger total;

    ShardSet::Turn turn(bool second_answers = true) {
        ShardSet::Turn turn;
        turn.pages = {{.rows = nullptr, .closed = {.page = pages.data()}},
                      {.rows = nullptr, .closed = {.page = second_answers ? &pages[1] : nullptr}}};
        return turn;
    }
    std::shared_ptr<const IntervalStatus> flush(bool second_answers = true) {
        ++sequence;
        snapshot.end_unix_ns = static_cast<std::int64_t>(sequence) * 1'000;
        recorder.begin(static_cast<std::int64_t>(sequence));
        CHECK(recorder.progress().begun_steady_ns == static_cast<std::int64_t>(sequence));
        recorder.collect(turn(second_answers), snapshot);
        recorder.publish(total, {.interval = {.sequence = sequence},
                                 .late_ns = 1,
                                 .took_ns = 2,
                                 .next_due_steady_ns = 200});
        for (Page& page : pages) page.reset();
        return recorder.progress().last;
    }
    void refuse(std::size_t shard, Reject reason, const std::string& line) {
        pages[shard].rejected_samples.push_back(
            {.reason = reason, .line = line, .sender = "udp 127.0.0.1:1"});
    }
};

std::string lines_of(const IntervalStatus& status) {
    std::string lines;
    for (const RefusedLine& refused : status.refused) {
        lines += refused.line + "@" + std::to_string(refused.seen_unix_ns) + " ";
    }
    return lines;
}

}  // namespace

TEST_CASE("where the flush is") {
    Rig rig;
    CHECK(rig.recorder.progress().last == nullptr);
    CHECK(rig.recorder.progress().due_steady_ns == 100);
    CHECK(rig.recorder.progress().begun_steady_ns == 0);
    const auto status = rig.flush();
    CHECK(status->sequence == 1);
    CHECK(status->late_ns == 1);
    CHECK(status->took_ns == 2);
    CHECK(rig.recorder.progress().due_steady_ns == 200);
    CHECK(rig.recorder.progress().begun_steady_ns == 0);
}

TEST_CASE("counts of all shards that answered") {
    Rig rig;
    rig.pages[0].counts.lines = 3;
    rig.pages[1].counts.lines = 4;
    auto status = rig.flush();
    CHECK(status->counts.lines == 7);
    CHECK(status->shard_answered == std::vector<bool>{true, true});
    rig.pages[0].counts.lines = 5;
    status = rig.flush(false);
    CHECK(status->counts.lines == 5);
    CHECK(status->shard_answered == std::vector<bool>{true, false});
}

TEST_CASE("the past beside the present") {
    Rig rig;
    rig.total.listeners = {{.name = "apps", .counters = {}}};
    rig.total.sinks = {{.name = "push", .type = "pushgateway", .status = {}}};
    rig.total.listeners[0].counters.kernel_drops = 3;
    rig.total.sinks[0].status.ledger.delivered = 10;
    auto status = rig.flush();
    CHECK(status->listeners_before[0].kernel_drops == 0);
    CHECK(status->sinks_before[0].ledger.delivered == 0);
    rig.total.listeners[0].counters.kernel_drops = 8;
    rig.total.sinks[0].status.ledger.delivered = 30;
    const auto earlier = status;
    status = rig.flush();
    CHECK(status->listeners_before[0].kernel_drops == 3);
    CHECK(status->total.listeners[0].counters.kernel_drops == 8);
    CHECK(status->sinks_before[0].ledger.delivered == 10);
    // What was published does not change.
    CHECK(earlier->total.listeners[0].counters.kernel_drops == 3);
}

TEST_CASE("refused lines stay in sight: each once, the newest first, a few of each reason") {
    Rig rig;
    rig.refuse(0, Reject::no_value, "a");
    rig.refuse(1, Reject::no_type, "b");
    CHECK(lines_of(*rig.flush()) == "a@1000 b@1000 ");
    CHECK(lines_of(*rig.flush()) == "a@1000 b@1000 ");
    rig.refuse(1, Reject::no_type, "b");
    CHECK(lines_of(*rig.flush()) == "b@3000 a@1000 ");
    for (const std::string line : {"c", "d", "e", "f"}) {
        rig.refuse(0, Reject::no_type, line);
        rig.flush();
    }
    // One kind of trouble does not hide another.
    CHECK(lines_of(*rig.flush()) == "f@7000 e@6000 d@5000 a@1000 ");
}

TEST_CASE("who passed a limit: over all shards, the worst first, until somebody else does") {
    Rig rig;
    CHECK(rig.flush()->overflow_unix_ns == 0);
    rig.pages[0].culprits = {{.name = "small", .lines = 2}, {.name = "shared", .lines = 3}};
    rig.pages[1].culprits = {{.name = "shared", .lines = 4}};
    rig.flush();
    const auto status = rig.flush();
    CHECK(status->overflow_unix_ns == 2'000);
    REQUIRE(status->overflowing.size() == 2);
    CHECK(status->overflowing[0].name == "shared");
    CHECK(status->overflowing[0].lines == 7);
    CHECK(status->overflowing[1].name == "small");
}
