#include "protocol/quick_line.h"

#include <array>
#include <cassert>

#include "protocol/limits.h"
#include "protocol/number.h"
#include "protocol/short_number.h"

namespace pitot::protocol {
namespace {

// Every bound of the grammar is above it, so that none has to be looked at here.
constexpr std::size_t line_bytes_quick_max = identity_bytes_max;
static_assert(line_bytes_quick_max <= line_bytes_max);

// Marks are in order and within their line, so that substr()'s checks would be for nothing.
std::string_view between(std::string_view line, std::size_t from, std::size_t to) noexcept {
    assert(from <= to && to <= line.size());
    return {line.data() + from, to - from};
}

// The kinds that one letter names, by that letter; all others are `no_kind`.
constexpr Kind no_kind{0xFF};
constexpr std::array<Kind, 256> kinds_by_letter = [] {
    std::array<Kind, 256> kinds{};
    kinds.fill(no_kind);
    kinds['c'] = Kind::counter;
    kinds['g'] = Kind::gauge;
    kinds['h'] = Kind::histogram;
    kinds['d'] = Kind::distribution;
    return kinds;
}();

// checkout.time:320|ms|@0.1|#region:eu
//                   ^^
// no_kind also for a set, whose value is no number.
Kind kind_of(std::string_view type) noexcept {
    if (type.size() == 1) return kinds_by_letter[static_cast<unsigned char>(type[0])];
    return type.size() == 2 && type[0] == 'm' && type[1] == 's' ? Kind::timer : no_kind;
}

// checkout.time:320|ms|@0.1|#region:eu
//               ^^^
// `line` up to the value's end; it begins at `colon` + 1.
bool read_value(std::string_view line, std::size_t colon, double& out) noexcept {
    const std::string_view text = between(line, colon + 1, line.size());
    if (line.size() >= short_number_bytes_max && text.size() <= short_number_bytes_max &&
        parse_short_number(line, text.size(), out)) [[likely]] {
        return true;
    }
    return parse_number(text, out);
}

// Where a section ends: at the next bar, if there is one, or with the line.
std::size_t end_of_section(std::size_t bar, std::string_view line) noexcept {
    return bar == LineMark::absent ? line.size() : bar;
}

// checkout.time:320|ms|@0.1|#region:eu
//                      ^^^^^^^^^^^^^^^
// All sections behind the type, which begin at `at`: a rate, then tags.
bool read_sections(const LineMark& mark, std::size_t at, QuickLine& out) noexcept {
    const std::string_view line = mark.text();
    std::size_t end = end_of_section(mark.bar[2], line);
    if (at < end && line[at] == '@') {
        if (!parse_sample_rate(between(line, at + 1, end), out.sample_rate) ||
            !is_finite_weighted(out.kind, out.value, out.sample_rate)) {
            return false;
        }
        if (end == line.size()) return true;
        at = end + 1;
        // A window shows three bars: whether there is a fourth is Parser's to see.
        end = line.size();
        if (line.find('|', at) != std::string_view::npos) return false;
    }
    if (at >= end || end != line.size() || line[at] != '#') return false;
    out.tags = between(line, at + 1, end);
    return true;
}

}  // namespace

bool read_quickly(const LineMark& mark, const Reading& reading, QuickLine& out) noexcept {
    const std::string_view line = mark.text();
    const std::size_t colon = mark.colon;
    const std::size_t bar = mark.bar[0];
    // A '_' may begin an event or a service check.
    if (!mark.is_ascii || mark.has_far_bars || line.size() > line_bytes_quick_max || colon == 0 ||
        colon >= bar || bar == LineMark::absent || line[0] == '_') [[unlikely]] {
        return false;
    }
    const std::size_t type_end = end_of_section(mark.bar[1], line);
    out.kind = kind_of(between(line, bar + 1, type_end));
    if (out.kind == no_kind || !read_value(between(line, 0, bar), colon, out.value)) return false;
    const char sign = line[colon + 1];
    out.name = between(line, 0, colon);
    out.tags = {};
    out.sample_rate = 1;
    out.gauge_is_delta = out.kind == Kind::gauge && reading.gauge_sign == GaugeSign::delta &&
                         (sign == '+' || sign == '-');
    return type_end == line.size() || read_sections(mark, type_end + 1, out);
}

}  // namespace pitot::protocol
