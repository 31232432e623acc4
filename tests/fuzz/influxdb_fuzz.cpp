// Any bytes as names, tags and values → the InfluxDB encoder → a strict reader: every line is
// well formed, each point is itself and no other, and the account closes.
//
// An input is cut at 0xff into texts; they become, in turn, names, tag keys and tag values of
// series of all kinds, own-time samples and events. Texts that are not UTF-8 are as good as
// others here: the encoder does not look.
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/influxdb/line_protocol.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/line_protocol_reader.h"
#include "tests/support/sink_snapshot.h"

namespace {

using pitot::protocol::Kind;
using pitot::protocol::Snapshot;
using pitot::sinks::Encoded;
using pitot::tests::require;
using pitot::tests::SnapshotMaker;

std::vector<std::string> texts_of(std::string_view bytes) {
    std::vector<std::string> texts;
    while (true) {
        const std::size_t end = bytes.find('\xff');
        texts.emplace_back(bytes.substr(0, end));
        if (end == std::string_view::npos) return texts;
        bytes.remove_prefix(end + 1);
    }
}

// The bits of the text, whatever number they are.
double number_of(std::string_view text) {
    std::array<char, sizeof(double)> bytes{};
    std::memcpy(bytes.data(), text.data(), std::min(text.size(), bytes.size()));
    return std::bit_cast<double>(bytes);
}

void fill(SnapshotMaker& maker, const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i + 2 < texts.size(); i += 3) {
        const std::string& name = texts[i];
        const std::string tag = texts[i + 1] + ":" + texts[i + 2];
        const double value = number_of(texts[i + 2]);
        maker.count(name, tag, value);
        maker.gauge(name, texts[i + 1], value);
        maker.set(name, tag + "," + texts[i + 1], 3);
        maker.values(Kind::timer, name, tag, {1, 2});
        maker.timed(Kind::counter, name, static_cast<std::int64_t>(i) + 1, value);
        pitot::protocol::Event event;
        event.title = name;
        event.text = texts[i + 1];
        event.hostname = texts[i + 2];
        maker.event(event);
    }
}

void check(const Snapshot& snapshot, const Encoded& encoded) {
    std::uint64_t points = encoded.lost.sum() + encoded.skipped.sum();
    std::set<std::pair<std::string, std::int64_t>> identities;
    for (const pitot::sinks::Batch& batch : encoded.batches) {
        points += batch.points;
        const auto read = pitot::tests::read_points(batch.body);  // throws: a finding
        require(read.size() == batch.items.size(), "an item is a line");
        for (const auto& point : read) {
            require(identities.emplace(point.key, point.stamp).second, "a point is only itself");
        }
    }
    require(points == snapshot.points(), "every point is accounted for");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<std::string> texts = texts_of({reinterpret_cast<const char*>(data), size});
    pitot::sinks::influxdb::LineSettings settings;
    settings.keys.host_name = "web-1";
    settings.keys.slash_for_backslash = size % 2 == 1;
    settings.quantiles = {0.5, 0.99};
    const auto encoder =
        pitot::sinks::influxdb::make_encoder(std::move(settings), [](const std::string&) {});
    SnapshotMaker maker;
    for (int interval = 0; interval < 2; ++interval) {
        fill(maker, texts);
        const Snapshot snapshot = maker.end_interval();
        Encoded encoded;
        encoder->encode(snapshot, encoded);
        check(snapshot, encoded);
    }
    return 0;
}
