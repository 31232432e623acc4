// Any bytes → stream framing → parser → table → merger, against the reference model: what
// clients write must count the same on the fast path and on the plain one, and nothing may
// crash on the way.
//
// The first byte chooses the reading and how the stream is cut; the byte 0x1E ends an
// interval (it is rare in text, and common in what the fuzzer tries).
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

namespace {

using namespace pitot;

constexpr char interval_end = '\x1e';

std::vector<protocol::Reading> readings_of(std::uint8_t choice) {
    return {
        {.dialect = (choice & 1U) != 0 ? protocol::Dialect::statsd : protocol::Dialect::dogstatsd,
         .tags = static_cast<protocol::TagDialect>((choice >> 1U) % 4),
         .gauge_sign =
             (choice & 8U) != 0 ? protocol::GaugeSign::delta : protocol::GaugeSign::absolute}};
}

// Gives `bytes` to a framer in pieces, and what it says to both.
void feed(std::string_view bytes, std::size_t piece, tests::ShardRig& rig,
          tests::ReferenceAggregate& model) {
    protocol::StreamFramer framer(protocol::StreamFraming::newline);
    const auto drain = [&] {
        for (protocol::StreamChunk chunk; framer.next(chunk);) {
            if (chunk.refused != protocol::Reject::none) continue;
            rig.say(0, chunk.bytes);
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::vector<protocol::Reading> readings = readings_of(data[0]);
    const std::size_t piece = 1 + std::size_t{data[1]} * 7;
    std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);

    agent::TableSettings table;
    table.series_max = 10'000;
    tests::ShardRig rig(1, table, {}, readings);
    tests::ReferenceAggregate model(readings);
    while (!rest.empty()) {
        const std::string_view interval = rest.substr(0, rest.find(interval_end));
        rest.remove_prefix(std::min(rest.size(), interval.size() + 1));
        feed(interval, piece, rig, model);
        const protocol::Snapshot& seen = rig.flush();
        const std::string difference = model.difference(seen, rig.counts());
        tests::require(difference.empty(), difference);
        model.end_interval();
    }
    return 0;
}
