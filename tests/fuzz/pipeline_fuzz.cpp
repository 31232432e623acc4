// Any bytes → stream framing → parser → table → merger, against the reference model: what
// clients write must count the same on the fast path and on the plain one, every number of
// a Snapshot is finite, the counts close, and nothing may crash on the way.
//
// The first byte chooses the reading, the framing and how much memory there is for values,
// the second how the stream is cut; the byte 0x1E ends an interval (it is rare in text, and
// common in what the fuzzer tries). With little memory values fold into overflow series, so
// only what holds for totals is compared.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/framing.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/lines.h"
#include "tests/support/reference_aggregate.h"
#include "tests/support/snapshot_invariants.h"

namespace {

using namespace pitot;

constexpr char interval_end = '\x1e';
constexpr unsigned choice_lengths = 16;
constexpr unsigned choice_little_memory = 32;

std::vector<protocol::Reading> readings_of(std::uint8_t choice) {
    return {
        {.dialect = (choice & 1U) != 0 ? protocol::Dialect::statsd : protocol::Dialect::dogstatsd,
         .tags = static_cast<protocol::TagDialect>((choice >> 1U) % 4),
         .gauge_sign =
             (choice & 8U) != 0 ? protocol::GaugeSign::delta : protocol::GaugeSign::absolute,
         .timer_rate =
             (choice & 64U) != 0 ? protocol::TimerRate::count : protocol::TimerRate::weight}};
}

// Gives `bytes` to a framer in pieces, and what it says to both.
void feed(std::string_view bytes, protocol::StreamFraming framing, std::size_t piece,
          tests::ShardRig& rig, tests::ReferenceAggregate& model) {
    protocol::StreamFramer framer(framing);
    std::size_t chunks = 0;
    const auto drain = [&] {
        for (protocol::StreamChunk chunk; framer.next(chunk);) {
            if (chunk.refused != protocol::Reject::none) continue;
            rig.say(chunks++ % rig.shards(), chunk.bytes);
            model.take(0, chunk.bytes);
        }
    };
    while (!bytes.empty()) {
        const std::span<char> room = framer.writable();
        const std::size_t count = std::min({bytes.size(), room.size(), piece});
        std::memcpy(room.data(), bytes.data(), count);
        framer.commit(count);
        bytes.remove_prefix(count);
        drain();
    }
    framer.finish();
    drain();
}

bool closes(const agent::IntakeCounts& counts) {
    std::uint64_t lines = counts.accepted;
    for (const std::uint64_t refused : counts.rejected) lines += refused;
    std::uint64_t samples = counts.aggregated;
    for (std::size_t i = 0; i < agent::limited_count; ++i) {
        if (agent::is_loss(static_cast<agent::Limited>(i))) samples += counts.limited[i];
    }
    return counts.lines == lines && counts.samples == samples;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::vector<protocol::Reading> readings = readings_of(data[0]);
    const std::size_t piece = 1 + std::size_t{data[1]} * 7;
    std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);

    const bool little_memory = (data[0] & choice_little_memory) != 0;
    const auto framing = (data[0] & choice_lengths) != 0
                             ? protocol::StreamFraming::newline_or_length
                             : protocol::StreamFraming::newline;

    agent::TableSettings table;
    table.series_max = 10'000;
    if (little_memory) table.value_bytes_max = 16'384;
    agent::MergerSettings merger;
    merger.wants_total = [](const protocol::Series& series) { return series.name().size() == 1; };
    // With little memory two shards, by turns, so that the merge has to save, too.
    tests::ShardRig rig(little_memory ? 2 : 1, table, merger, readings);
    tests::ReferenceAggregate model(readings);
    while (!rest.empty()) {
        const std::string_view interval = rest.substr(0, rest.find(interval_end));
        rest.remove_prefix(std::min(rest.size(), interval.size() + 1));
        feed(interval, framing, piece, rig, model);
        const protocol::Snapshot& seen = rig.flush();
        if (!little_memory) {
            const std::string difference = model.difference(seen, rig.counts());
            tests::require(difference.empty(), difference);
        }
        const std::string infinite = tests::not_finite_in(seen);
        tests::require(infinite.empty(), "not finite: " + infinite);
        tests::require(closes(rig.counts()), "the counts do not close");
        model.end_interval();
    }
    return 0;
}
