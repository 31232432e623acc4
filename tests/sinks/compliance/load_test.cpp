// The contract of sinks/sink.h, for every sink of the registry: a million series in one
// interval go through the encoder and to a destination that reads as fast as it can. No batch
// is larger than its sink promises, the memory per series is bounded, and nothing is missing.
//
// Time is not asserted: ctest's limit is the bound.
#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>

#include "tests/sinks/compliance/bench.h"
#include "tests/support/many_series.h"
#include "tests/support/sanitized.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""s;

namespace {

// Under a sanitizer, each byte that is written costs several checks, and a thousandth of the
// amount runs through the same code.
constexpr std::size_t series_wanted = is_sanitized ? 20'000 : 1'000'000;

// Text and bookkeeping of a series, and once again for the batches that wait: what a sink may
// hold of each. Three times the largest sink measured.
constexpr std::size_t bytes_per_series_max = 2048;

std::size_t allocated_bytes() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

}  // namespace

TEST_CASE("a million series in one interval") {
    for_every_sink([](const Subject& subject) {
        ComplianceBench bench(subject);
        bench.destination->forget_what_comes();
        const std::size_t count = std::min(series_wanted, bench.destination->series_max());
        ManySeries many({.counters = count / 2,
                         .gauges = count - count / 2 - 2 * (count / 20),
                         .sets = count / 20,
                         .timers = count / 20});
        CHECK(many.series() == count);
        const std::size_t before = allocated_bytes();
        const pitot::protocol::Snapshot snapshot = many.next_interval();

        Encoded encoded;
        bench.sink->encoder().encode(snapshot, encoded);
        for (const Batch& batch : encoded.batches) {
            CHECK(batch.body.size() <= bench.destination->batch_bytes_max());
        }
        encoded = {};

        bench.send(snapshot);
        // Waiting, or there already for whoever asks.
        CHECK(bench.sink->status().queued_bytes + bench.ledger().delivered > 0);
        bench.deliver();
        CHECK(bench.ledger().delivered == count);
        if (!is_sanitized) CHECK(allocated_bytes() - before <= count * bytes_per_series_max);
        bench.stop(5s);
        bench.expect_stopped();
    });
}
