// What an exposition says, in less space than its text: what a page of metrics keeps between
// two flushes, and makes its text of when somebody asks.
//
// In the text of a counter without tags its name stands four times, in that of a summary name
// and labels on every line. Here they stand once, and only as far as they differ from those
// before them: families are in the order of their names and series in that of their labels, so
// that neighbours have most in common. What a line has besides them is known from the type of
// its family (lines.h). Values are kept as the text that they become, so that numbers are worked
// out once, however often they are read. A counter takes a tenth to a fifth of its text so, with
// and without tags; a summary with three tags less than a tenth.
//
//     family   type, kind of the founder, whether OpenMetrics has it as a counter (one byte)
//              the founder's name: as long as the family before has it, from begin and from end
//              (two lengths), the length of what is between, and that
//              series …, a zero byte
//     series   the labels likewise, the first length plus two; or a one, where there are none
//              of a histogram: the rule
//              where births are kept: milliseconds since 1970 (eight bytes)
//              values, each with a line feed after it; NaN is none
//
// Lengths and rules are in seven bits a byte, the low ones first, all but the last with the
// eighth bit set. The family's name is made of the founder's. A series is in one chunk of
// memory, as is what is before the first one.
//
// Written on the flush thread; read on any afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "protocol/snapshot.h"
#include "sinks/prometheus/byte_chunks.h"
#include "sinks/prometheus/family.h"
#include "sinks/prometheus/family_header.h"
#include "sinks/prometheus/lines.h"

namespace pitot::sinks::prometheus {

class PageRecords {
public:
    // With `births`, OpenMetrics says of every series when it was born ("x_created").
    explicit PageRecords(std::shared_ptr<const Layout> layout, bool births = false)
        : layout_(std::move(layout)), births_(births) {}
    PageRecords(const PageRecords&) = delete;
    PageRecords& operator=(const PageRecords&) = delete;

    // A family, then its series, then its end. Founders' names and labels are valid until the
    // last of all was written.
    void begin_family(const FamilyHeader& header);
    struct Series {
        std::uint32_t rule = no_rule;
        std::string_view labels;
        std::span<const double> values;  // of its lines
        std::int64_t born_unix_ns = 0;   // where births are kept
    };
    void add_series(const Series& series);
    void end_family(std::uint32_t points);

    bool has_births() const { return births_; }
    // Of the text, so far.
    std::size_t text_bytes() const { return text_bytes_; }

    // Of the records themselves.
    std::size_t bytes() const { return records_.size(); }

    // Appends the whole to `out`, in either format.
    void write_text(ByteChunks& out) const;
    void write_open_metrics(ByteChunks& out) const;

private:
    enum class Format : std::uint8_t { text, open_metrics };
    class Reader;
    class Writer;

    const std::shared_ptr<const Layout> layout_;
    const bool births_;
    ByteChunks records_;
    std::size_t text_bytes_ = 0;
    FamilyType type_ = FamilyType::gauge;  // of the family that is being written
    std::size_t name_bytes_ = 0;           // of its name
    std::string_view last_founder_;
    std::string_view last_labels_;  // those before that were not empty
};

}  // namespace pitot::sinks::prometheus
