// Metrics: parse_metric() and identity(). Events and service checks are in
// parser_event.cpp.
//
// This is the plain reading of the grammar in protocol/README.md, one step after the
// other, and the reference for any faster one. It costs four memchr() and a number for
// the usual line.
#include "protocol/parser.h"

#include <algorithm>
#include <cstring>

#include "protocol/parser_scratch.h"
#include "protocol/utf8.h"

namespace pitot::protocol {

namespace {

bool parse_kind(std::string_view type, Kind& out) noexcept {
    if (type == "ms") {
        out = Kind::timer;
        return true;
    }
    if (type.size() != 1) return false;
    switch (type[0]) {
        case 'c':
            out = Kind::counter;
            return true;
        case 'g':
            out = Kind::gauge;
            return true;
        case 'h':
            out = Kind::histogram;
            return true;
        case 'd':
            out = Kind::distribution;
            return true;
        case 's':
            out = Kind::set;
            return true;
        default:
            return false;
    }
}

// The samples of a line, gathered into as few parts as they allow.
class PartList {
public:
    PartList(Parser::Scratch& scratch, const Reading& reading) noexcept
        : scratch_(scratch), sign_(reading.gauge_sign), timer_rate_(reading.timer_rate) {}

    // All values of one type: "320", or "1:2:3" packed.
    Reject add(Kind kind, double sample_rate, std::string_view values) noexcept {
        if (kind == Kind::set) {
            // The member is text, and so are colons in it.
            if (values.empty()) return scratch_.refuse(Reject::no_value, values);
            return add_part(
                values, {.kind = kind, .sample_rate = sample_rate, .values = {}, .member = values});
        }
        const std::size_t values_before = value_count_;
        std::string_view rest = values;
        for (bool last = false; !last;) {
            // 1::2
            // ^  ^     an empty entry says nothing
            const std::size_t colon = rest.find(':');
            const std::string_view text = rest.substr(0, colon);
            last = colon == std::string_view::npos;
            if (!last) rest.remove_prefix(colon + 1);
            if (text.empty()) continue;
            if (const Reject reject = add_value(kind, sample_rate, text); reject != Reject::none) {
                return reject;
            }
        }
        if (value_count_ == values_before) return scratch_.refuse(Reject::no_value, values);
        return Reject::none;
    }

    // Of all the samples there are, which `values` holds.
    Reject set_sample_rate(double sample_rate, std::string_view values) noexcept {
        for (Part& part : std::span(scratch_.parts).first(part_count_)) {
            part.sample_rate = sample_rate;
            for (const double value : part.values) {
                if (!is_finite_weighted(part.kind, value, sample_rate)) {
                    return scratch_.refuse(Reject::bad_number, values);
                }
            }
        }
        return Reject::none;
    }

    std::span<const Part> parts() const noexcept { return {scratch_.parts.data(), part_count_}; }

private:
    Reject add_value(Kind kind, double sample_rate, std::string_view text) noexcept {
        double& value = scratch_.values[value_count_];
        if (!parse_number(text, value) || !is_finite_weighted(kind, value, sample_rate)) {
            return scratch_.refuse(Reject::bad_number, text);
        }
        ++value_count_;

        const bool is_delta =
            kind == Kind::gauge && sign_ == GaugeSign::delta && (text[0] == '+' || text[0] == '-');
        if (part_count_ > 0) {
            Part& last = scratch_.parts[part_count_ - 1];
            if (last.kind == kind && last.sample_rate == sample_rate &&
                last.gauge_is_delta == is_delta) {
                last.values = {last.values.data(), last.values.size() + 1};
                return Reject::none;
            }
        }
        return add_part(text, {.kind = kind,
                               .gauge_is_delta = is_delta,
                               .timer_rate = timer_rate_,
                               .sample_rate = sample_rate,
                               .values = {&value, 1},
                               .member = {}});
    }

    Reject add_part(std::string_view text, const Part& part) noexcept {
        if (part_count_ == scratch_.parts.size()) {
            return scratch_.refuse(Reject::too_many_values, text);
        }
        scratch_.parts[part_count_++] = part;
        return Reject::none;
    }

    Parser::Scratch& scratch_;
    GaugeSign sign_;
    TimerRate timer_rate_;
    std::size_t part_count_ = 0;
    std::size_t value_count_ = 0;
};

// In StatsD packing a type or a rate may be followed by the next sample's value:
//
//     foo:1|c:200|ms|@0.1:3|g
//           ^ ^^^     ^^^ ^
// Cuts that value off. False if there is none.
bool cut_next_value(std::string_view& section, std::string_view& value) noexcept {
    const std::size_t colon = section.find(':');
    if (colon == std::string_view::npos) return false;
    value = section.substr(colon + 1);
    section = section.substr(0, colon);
    return true;
}

// A section behind the type that can end in the next sample's value: a rate, or nothing.
bool may_hold_next_value(std::string_view section) noexcept {
    return section.starts_with('@') || section.starts_with(':');
}

// A section only DogStatsD has.
bool is_dogstatsd_field(std::string_view section) noexcept {
    return section.starts_with('#') || section.starts_with('T') || section.starts_with("c:") ||
           section.starts_with("e:") || section.starts_with("card:");
}

// Whether the text behind the first '|' packs further samples (StatsD packing). Places
// decide, not looks ("c:200" is a type with a value behind it, or a container id): behind
// a value stands a type, and behind a type a rate, nothing, or a field of DogStatsD. A line
// with one of those is no packing of StatsD's.
bool packs_samples(std::string_view behind_value) noexcept {
    Sections sections(behind_value);
    bool packs = false;
    bool is_type = true;
    for (std::string_view section; sections.next(section);) {
        std::string_view value;
        if (is_type || may_hold_next_value(section)) {
            is_type = cut_next_value(section, value);
            packs = packs || is_type;
        } else if (is_dogstatsd_field(section)) {
            return false;
        }
    }
    // A value is owed its type.
    return packs && !is_type;
}

}  // namespace

Parser::Parser(Reading reading)
    : reading_(reading), scratch_(std::make_unique_for_overwrite<Scratch>()) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

std::string_view Parser::refused_part() const noexcept {
    return scratch_->refused_part;
}

LineType classify(std::string_view line) noexcept {
    if (!line.starts_with('_')) return LineType::metric;
    if (line.starts_with("_e{")) return LineType::event;
    if (line.starts_with("_sc|")) return LineType::service_check;
    return LineType::metric;
}

// What holds for every line, whatever it is.
Reject Parser::check_line(std::string_view line) noexcept {
    if (line.size() > line_bytes_max) return scratch_->refuse(Reject::too_long, line);
    if (!is_utf8(line)) {
        return scratch_->refuse(Reject::bad_utf8, line.substr(utf8_prefix(line), 1));
    }
    return Reject::none;
}

// Reads the sections of a line with one type.
Reject Parser::read_sections(std::string_view values, std::string_view behind,
                             MetricLine& out) noexcept {
    Sections sections(behind);
    std::string_view section;

    // page.load:320|ms|@0.1|#region:eu,cached
    //               ^^
    sections.next(section);
    Kind kind{};
    if (section.empty()) return scratch_->refuse(Reject::no_type, section);
    if (!parse_kind(section, kind)) return scratch_->refuse(Reject::unknown_type, section);

    // page.load:320|ms|@0.1|#region:eu,cached
    //           ^^^
    PartList list(*scratch_, reading_);
    if (const Reject reject = list.add(kind, 1, values); reject != Reject::none) return reject;
    out.parts = list.parts();

    // page.load:320|ms|@0.1|#region:eu,cached
    //                  ^^^^ ^^^^^^^^^^^^^^^^^
    // In any order; of a section that comes twice the last one counts. Unknown ones are
    // passed over, so that newer clients keep working.
    double sample_rate = 1;
    const bool is_movement = std::ranges::any_of(out.parts, &Part::gauge_is_delta);
    while (sections.next(section)) {
        if (section.empty()) continue;
        if (section[0] == '#') {
            out.tags = section.substr(1);
        } else if (section[0] == '@') {
            if (!parse_sample_rate(section.substr(1), sample_rate)) {
                return scratch_->refuse(Reject::bad_sample_rate, section);
            }
        } else if (section[0] == 'T') {
            // Nobody knows the level that a gauge was moved from in the past.
            const bool takes_timestamp =
                kind == Kind::counter || (kind == Kind::gauge && !is_movement);
            if (!takes_timestamp || !parse_timestamp(section.substr(1), out.timestamp_s)) {
                return scratch_->refuse(Reject::bad_timestamp, section);
            }
        } else if (!read_origin(section, out)) {
            ++out.unknown_fields;
        }
    }
    return sample_rate == 1 ? Reject::none : list.set_sample_rate(sample_rate, values);
}

// Reads the samples of a line that packs_samples().
Reject Parser::read_packed(std::string_view values, std::string_view behind,
                           MetricLine& out) noexcept {
    PartList list(*scratch_, reading_);
    Sections sections(behind);
    std::string_view section;
    while (sections.next(section)) {
        // foo:1|c:200|ms|@0.1:3|g
        //       ^     ^^        ^
        std::string_view next_values;
        bool ended = cut_next_value(section, next_values);
        Kind kind{};
        if (section.empty()) return scratch_->refuse(Reject::no_type, section);
        if (!parse_kind(section, kind)) return scratch_->refuse(Reject::unknown_type, section);

        // foo:1|c:200|ms|@0.1:3|g
        //                ^^^^
        double sample_rate = 1;
        while (!ended && sections.next(section)) {
            if (may_hold_next_value(section)) ended = cut_next_value(section, next_values);
            if (section.empty()) continue;
            if (section[0] != '@') {
                ++out.unknown_fields;
            } else if (!parse_sample_rate(section.substr(1), sample_rate)) {
                return scratch_->refuse(Reject::bad_sample_rate, section);
            }
        }
        const Reject reject = list.add(kind, sample_rate, values);
        if (reject != Reject::none) return reject;
        values = next_values;
    }
    out.parts = list.parts();
    return Reject::none;
}

Reject Parser::parse_metric(std::string_view line, MetricLine& out) noexcept {
    out = MetricLine{};
    if (const Reject reject = check_line(line); reject != Reject::none) return reject;

    // page.load:320|ms|@0.1|#region:eu,cached
    // ^^^^^^^^^ ^^^
    const std::size_t bar = line.find('|');
    const std::string_view head = line.substr(0, bar);
    const std::size_t colon = head.find(':');
    if (colon == std::string_view::npos) return scratch_->refuse(Reject::no_value, head);
    out.name = head.substr(0, colon);
    const std::string_view values = head.substr(colon + 1);
    if (out.name.empty()) return scratch_->refuse(Reject::empty_name, out.name);
    if (values.empty()) return scratch_->refuse(Reject::no_value, values);
    if (bar == std::string_view::npos) {
        return scratch_->refuse(Reject::no_type, line.substr(line.size()));
    }

    const std::string_view behind = line.substr(bar + 1);
    const bool packed = reading_.dialect == Dialect::statsd && packs_samples(behind);
    const Reject reject =
        packed ? read_packed(values, behind, out) : read_sections(values, behind, out);
    if (reject != Reject::none) return reject;
    if (out.name.size() + out.tags.size() > identity_bytes_max) {
        return scratch_->refuse(Reject::too_long, line);
    }
    return Reject::none;
}

// Separates the tags that a tag dialect keeps in the name. Returns the name; where it is
// not a piece of the line, it is put together in `text`.
std::string_view Parser::cut_name_tags(std::string_view name, std::string_view& tags) noexcept {
    switch (reading_.tags) {
        case TagDialect::none:
            return name;

        // page.load,region=eu,env=prod
        //           ^^^^^^^^^^^^^^^^^^     Librato: page.load#region=eu,env=prod
        case TagDialect::influx:
        case TagDialect::librato: {
            const std::size_t mark = name.find(reading_.tags == TagDialect::influx ? ',' : '#');
            if (mark == std::string_view::npos) return name;
            tags = name.substr(mark + 1);
            return name.substr(0, mark);
        }

        // page.[region=eu,env=prod]load
        //       ^^^^^^^^^^^^^^^^^^
        case TagDialect::signalfx: {
            const std::size_t open = name.find('[');
            const std::size_t close = name.find(']', open == std::string_view::npos ? 0 : open);
            if (open == std::string_view::npos || close == std::string_view::npos) return name;
            tags = name.substr(open + 1, close - open - 1);
            const std::string_view before = name.substr(0, open);
            const std::string_view after = name.substr(close + 1);
            before.copy(scratch_->text.data(), before.size());
            after.copy(&scratch_->text[before.size()], after.size());
            return {scratch_->text.data(), before.size() + after.size()};
        }
    }
    return name;
}

Reject Parser::identity(const MetricLine& line, Identity& out) noexcept {
    std::string_view name_tags;
    std::size_t count = 0;
    out.name = cut_name_tags(line.name, name_tags);
    if (out.name.empty()) return scratch_->refuse(Reject::empty_name, line.name.substr(0, 0));
    if (!split_tags(name_tags, '=', scratch_->tags, count) ||
        !split_tags(line.tags, ':', scratch_->tags, count)) {
        return scratch_->refuse(Reject::too_many_tags, line.tags);
    }
    out.tags = {scratch_->tags.data(), count};
    return Reject::none;
}

}  // namespace pitot::protocol
