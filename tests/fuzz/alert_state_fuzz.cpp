// Any bytes → the files that alerts survive a restart in: the state of the engine, and the queue
// of a channel. What is refused says why; what is read is written back as the same; and an
// engine that begins with it evaluates, tells and is saved again.
//
// The first byte says which file it is, and whether the rest is the whole file or what its frame
// holds: no fuzzer guesses a checksum. The seeds are payloads.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alerts/channels/queue_file.h"
#include "agent/alerts/engine.h"
#include "agent/alerts/parser.h"
#include "agent/alerts/program.h"
#include "agent/alerts/saved_file.h"
#include "agent/alerts/state_file.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/sink_snapshot.h"

namespace {

using namespace pitot;
using namespace pitot::agent::alerts;
using pitot::tests::require;

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t interval_ns = 10 * second_ns;
constexpr std::int64_t wall_ns = 1'785'542'400 * second_ns;

// The frame that `whole` has, so that a new version needs no change here.
FileFormat format_of(std::string_view magic, std::string_view whole) {
    constexpr std::uint32_t version_max = 100;
    for (std::uint32_t version = 1; version < version_max; ++version) {
        const FileFormat format{.magic = magic, .version = version};
        if (unframed(format, whole)) return format;
    }
    require(false, "a file that is written cannot be read");
    return {};
}

Program compiled(const std::string& text) {
    auto expression = parse_expression(SourceText(text));
    require(expression.has_value(), "an expression of this file is wrong");
    auto program = compile(std::move(*expression), Result::condition, {});
    require(program.has_value(), "an expression of this file does not compile");
    return std::move(*program);
}

// The names that the seeds have in their instances.
std::vector<Rule> rules() {
    std::vector<Rule> rules;
    Rule load{.name = "load", .levels = {}};
    load.levels.push_back({"warning", compiled("max(a) by (host) > 5")});
    load.levels.push_back({"critical", compiled("max(a) by (host) > 9")});
    rules.push_back(std::move(load));
    Rule gone{.name = "gone", .levels = {}};
    gone.levels.push_back({"critical", compiled("absent(a) by (host)")});
    rules.push_back(std::move(gone));
    Rule smooth{.name = "smooth", .levels = {}};
    smooth.levels.push_back({"critical", compiled("ewma(a, 0.5) > 1")});
    rules.push_back(std::move(smooth));
    return rules;
}

void use(const SavedState& state) {
    AlertEngine engine(rules(), {});
    Moment now{.steady_ns = 77 * second_ns, .wall_ns = wall_ns};
    engine.restore(state, now);
    tests::SnapshotMaker stream;
    constexpr std::array<double, 6> values{6, 10, 1, 0, 7, 12};
    for (const double value : values) {
        now.steady_ns += interval_ns;
        now.wall_ns += interval_ns;
        stream.gauge("a", "host:a", value);
        for (const Notice& notice : engine.flush(stream.end_interval(), now)) {
            require(!notice.rule.empty() || !state.instances.empty(), "a notice of no rule");
        }
    }
    require(decode(encode(engine.saved(now))).has_value(), "what the engine saves is refused");
}

void read_state_of(std::string_view bytes) {
    const auto state = decode(bytes);
    if (!state) {
        require(state.error().starts_with("must "), state.error());
        return;
    }
    const std::string again = encode(*state);
    const auto second = decode(again);
    require(second.has_value() && encode(*second) == again, "a state is not what was written");
    use(*state);
}

void read_queue_of(std::string_view bytes) {
    using namespace pitot::agent::alerts::channels;
    const auto file = decode_queue(bytes);
    if (!file) {
        require(file.error().starts_with("must "), file.error());
        return;
    }
    const std::string again = encode_queue(*file);
    const auto second = decode_queue(again);
    require(second.has_value() && encode_queue(*second) == again,
            "a queue is not what was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static const FileFormat state_format = format_of("pitot-alerts", encode({}));
    static const FileFormat queue_format = format_of("pitot-channel", channels::encode_queue({}));
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const bool is_queue = (data[0] & 1U) != 0;
    const bool is_payload = (data[0] & 2U) != 0;
    if (is_queue) {
        read_queue_of(is_payload ? framed(queue_format, rest) : std::string(rest));
    } else {
        read_state_of(is_payload ? framed(state_format, rest) : std::string(rest));
    }
    return 0;
}
