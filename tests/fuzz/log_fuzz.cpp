// Any bytes → a message → a line in each form of the log: one line of UTF-8 without what a
// terminal would obey, which a strict reader of the form reads back; and through the limit
// on repeats, whose lines add up to the messages.
//
// The first byte chooses level and count, the rest is the message; its lines, one after the
// other, are what the limit is given.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/log/repeat_limit.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/log_invariants.h"

namespace {

using namespace pitot;

void require_valid_lines(const agent::Record& record) {
    for (const agent::LogFormat format : tests::log_formats) {
        const std::string flaw = tests::flaw_of_line({format, false}, record);
        tests::require(flaw.empty(), flaw);
    }
}

void require_every_message(std::string_view text) {
    agent::RepeatLimit limit;
    std::vector<agent::RepeatLimit::Told> told;
    std::uint64_t offered = 0;
    std::int64_t now_ns = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        limit.offer(agent::LogLevel::warn, text.substr(0, end), now_ns, told);
        ++offered;
        // The text moves the clock, too: from nothing to twice the interval.
        now_ns += static_cast<unsigned char>(text[0]) * (agent::repeat_interval.count() / 128);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    limit.tell_all(now_ns, told);
    std::uint64_t counted = 0;
    for (const agent::RepeatLimit::Told& each : told) {
        counted += std::max<std::uint64_t>(1, each.repeats.count);
        require_valid_lines({.unix_ns = now_ns,
                             .utc_offset_s = 0,
                             .level = each.level,
                             .text = each.text,
                             .repeats = each.repeats});
    }
    tests::require(counted == offered, "lines do not add up to the messages");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    agent::Record record;
    record.level = static_cast<agent::LogLevel>(data[0] % agent::log_level_names.size());
    record.repeats.count = data[0] / agent::log_level_names.size();
    record.text = text;
    require_valid_lines(record);
    require_every_message(text);
    return 0;
}
