// Turns one line into what it says, or into the reason why it is refused.
//
//     page.load:320|ms|@0.1|#region:eu,cached
//     ^^^^^^^^^ ^^^ ^^  ^^^  ^^^^^^^^^^^^^^^^
//     name   values kind rate tags
//
// The grammar, and every decision where peers disagree, is one table in
// protocol/README.md.
//
// A Parser never allocates after construction, never throws, and never reads past the
// line. Its cost is linear in the length of the line, whatever the line says: a sample
// rate is a weight, never a loop.
//
// A line is taken whole or refused whole. Lines hold no line feed; framing.h cuts them.
//
// A Parser owns the scratch space its results point into: one per thread, and be done
// with a result before reading the next line. It does not split tags: a known series is
// found by the bytes of its name and tags (agent/aggregate), and only a new one is worth
// identity().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocol/event.h"
#include "protocol/limits.h"
#include "protocol/reject.h"
#include "protocol/sample.h"

namespace pitot::protocol {

enum class LineType : std::uint8_t { metric, event, service_check };

// Events start with "_e{", service checks with "_sc|"; all else is a metric.
[[nodiscard]] LineType classify(std::string_view line) noexcept;

// A series by its parts: the name without dialect tags, and the tags in the order as
// written, empty ones left out.
struct Identity {
    std::string_view name;
    std::span<const Tag> tags;
};

class Parser {
public:
    explicit Parser(Reading reading);
    ~Parser();
    Parser(Parser&&) noexcept;
    Parser& operator=(Parser&&) noexcept;

    // Each returns Reject::none and fills `out`, which is valid until the next call of any
    // of the three; on any other result `out` is unspecified.
    [[nodiscard]] Reject parse_metric(std::string_view line, MetricLine& out) noexcept;
    [[nodiscard]] Reject parse_event(std::string_view line, Event& out) noexcept;
    [[nodiscard]] Reject parse_service_check(std::string_view line, ServiceCheck& out) noexcept;

    // Splits name and tags of a line that parse_metric() accepted. Valid until the next
    // call of any member. Refuses too_many_tags, and empty_name where the dialect's tags
    // are all there is.
    [[nodiscard]] Reject identity(const MetricLine& line, Identity& out) noexcept;

    // The part of the line that made the last refusal: "x12" of "a:x12|c". It points into
    // that line, may be empty where something is missing, and is the whole line where no
    // smaller part is to blame. For people (`pitot explain`); no decision depends on it.
    [[nodiscard]] std::string_view refused_part() const noexcept;

    const Reading& reading() const noexcept { return reading_; }

    struct Scratch;  // private to the implementation (parser_scratch.h)

private:
    Reject check_line(std::string_view line) noexcept;
    Reject read_sections(std::string_view values, std::string_view behind,
                         MetricLine& out) noexcept;
    Reject read_packed(std::string_view values, std::string_view behind, MetricLine& out) noexcept;
    Reject take_tags(std::string_view text, std::span<const Tag>& out) noexcept;
    std::string_view cut_name_tags(std::string_view name, std::string_view& tags) noexcept;

    Reading reading_;
    std::unique_ptr<Scratch> scratch_;
};

}  // namespace pitot::protocol
