#include "protocol/quick_line.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "protocol/limits.h"
#include "protocol/line_blocks.h"
#include "protocol/number.h"
#include "protocol/short_number.h"

namespace pitot::protocol {
namespace {

using blocks::Block;
using blocks::block_bytes;
using blocks::Chunk;
using blocks::Tail;

// Name and tags of so short a line are within their bound, which need not be looked at here. The
// number of tags is, when their spelling is first met (Parser::identity).
constexpr std::size_t line_bytes_quick_max = identity_bytes_max;
static_assert(line_bytes_quick_max <= line_bytes_max);

// Lines are read faster than memory brings them. The begin of a datagram is waited for all the
// same; most of a full one is farther off than this, and there when it is read.
constexpr std::size_t prefetched_bytes_ahead = 512;

// --- bits -------------------------------------------------------------------------------

std::size_t place_of_first(std::uint64_t bits) {
    return static_cast<std::size_t>(std::countr_zero(bits));
}

std::uint64_t without_first(std::uint64_t bits) {
    return bits & (bits - 1);
}

// The lowest of `bits` and all below it; all 64 where there is none.
std::uint64_t up_to_first(std::uint64_t bits) {
    return bits ^ (bits - 1);
}

// --- where things are -------------------------------------------------------------------

// Of a line that may be usual.
struct Marks {
    const char* end = nullptr;  // of the line, with CR; null if it is not usual
    std::size_t size = 0;       // without CR
    std::size_t colon = 0;      // the first, behind a name
    std::size_t bar = 0;        // the first, behind the colon
    std::size_t type_end = 0;   // the second bar; `size` if there is none
    bool has_third_bar = false;
};

// The end of a line that ends behind `at`; null if something odd comes before.
template <class Set>
[[gnu::always_inline]] inline const char* end_of_tail(const Set& set, Chunk chunk, const char* at) {
    for (;; at += Set::tail_bytes) {
        const Tail tail = blocks::read_tail(set, chunk, at);
        if ((tail.odd & up_to_first(tail.line_feed)) != 0) [[unlikely]]
            return nullptr;
        if (tail.line_feed != 0) return at + place_of_first(tail.line_feed);
    }
}

// The marks of a line whose colon, bars and type are in `block`, which begins at `from`.
template <class Set>
[[gnu::always_inline]] inline Marks marks_in(const Block& block, std::size_t from, const Set& set,
                                             Chunk chunk, const char* line) {
    const std::uint64_t inside = up_to_first(block.line_feed);
    const std::uint64_t bars = block.bar & inside;
    const std::uint64_t further = without_first(bars);
    Marks marks{.colon = from + place_of_first(block.colon), .bar = from + place_of_first(bars)};
    // A line without a name is none, too: of a colon at 0, 0 - 1 is the largest number there is.
    if (bars == 0 || marks.colon - 1 >= marks.bar || (block.high & inside) != 0) [[unlikely]] {
        return {};
    }
    if (block.line_feed != 0) {
        marks.end = line + from + place_of_first(block.line_feed);
    } else {
        marks.end = end_of_tail(set, chunk, line + from + block_bytes);
        if (marks.end == nullptr) [[unlikely]]
            return {};
    }
    marks.size = static_cast<std::size_t>(marks.end - line) - (marks.end[-1] == '\r' ? 1 : 0);
    marks.type_end = further != 0 ? from + place_of_first(further) : marks.size;
    marks.has_third_bar = without_first(further) != 0;
    return marks;
}

// --- what they say ----------------------------------------------------------------------

// The types that name a kind whose value is a number, by their first letter. With that, length
// and last letter are all of a type.
struct Type {
    std::uint16_t spelled = 0;  // by spelled_as()
    Kind kind{};
};
constexpr std::size_t spelled_as(std::size_t size, char last) {
    return size << 8U | static_cast<unsigned char>(last);
}
constexpr std::array<Type, 256> types_by_letter = [] {
    std::array<Type, 256> types{};
    types['c'] = {.spelled = spelled_as(1, 'c'), .kind = Kind::counter};
    types['g'] = {.spelled = spelled_as(1, 'g'), .kind = Kind::gauge};
    types['h'] = {.spelled = spelled_as(1, 'h'), .kind = Kind::histogram};
    types['d'] = {.spelled = spelled_as(1, 'd'), .kind = Kind::distribution};
    types['m'] = {.spelled = spelled_as(2, 's'), .kind = Kind::timer};
    return types;
}();

// checkout.time:320|ms|@0.1|#region:eu
//                   ^^
bool read_type(std::string_view type, Kind& kind) noexcept {
    if (type.empty()) return false;
    const Type& found = types_by_letter[static_cast<unsigned char>(type.front())];
    kind = found.kind;
    return spelled_as(type.size(), type.back()) == found.spelled;
}

// checkout.time:320|ms|@0.1|#region:eu
//               ^^^
// Those that parse_short_number() does not take. What few lines need is not inlined, here and
// below: it would take registers and room from what each line goes through.
[[gnu::noinline]] bool read_long_value(std::string_view text, GaugeSign sign,
                                       QuickLine& line) noexcept {
    if (!parse_number(text, line.value)) return false;
    line.gauge_is_delta = line.kind == Kind::gauge && sign == GaugeSign::delta &&
                          (text.front() == '+' || text.front() == '-');
    return true;
}

// checkout.time:320|ms|@0.1|#region:eu
//                      ^^^^^^^^^^^^^^^
[[gnu::noinline]] bool read_rate(std::size_t at, QuickLine& line) noexcept {
    const std::string_view text = line.text();
    const std::size_t bar = std::min(text.find('|', at), text.size());
    if (!parse_sample_rate(text.substr(at + 1, bar - at - 1), line.sample_rate) ||
        !is_finite_weighted(line.kind, line.value, line.sample_rate)) {
        return false;
    }
    if (bar == text.size()) return true;
    const std::string_view tags = text.substr(bar + 1);
    line.tags_at = static_cast<std::uint16_t>(bar + 2);
    return tags.starts_with('#') && tags.find('|') == std::string_view::npos;
}

// False if the line is not usual; then `line` is of no meaning.
[[gnu::always_inline]] inline bool read_marked(const char* begin, const Marks& marks,
                                               const Reading& reading, QuickLine& line) {
    // A '_' may begin an event or a service check.
    if (marks.end == nullptr || *begin == '_' || marks.size > line_bytes_quick_max) [[unlikely]]
        return false;
    Kind kind{};
    if (!read_type({begin + marks.bar + 1, marks.type_end - marks.bar - 1}, kind)) [[unlikely]]
        return false;
    line = {.begin = begin,
            .size = static_cast<std::uint32_t>(marks.size),
            .name_bytes = static_cast<std::uint16_t>(marks.colon),
            .tags_at = static_cast<std::uint16_t>(marks.size),
            .kind = kind,
            .is_usual = true};
    const std::size_t value_bytes = marks.bar - marks.colon - 1;
    if (marks.bar < short_number_bytes_max ||
        !parse_short_number({begin, marks.bar}, value_bytes, line.value)) [[unlikely]] {
        const std::string_view value(begin + marks.colon + 1, value_bytes);
        if (!read_long_value(value, reading.gauge_sign, line)) return false;
    }
    if (marks.type_end == marks.size) return true;
    const std::size_t section = marks.type_end + 1;
    if (section == marks.size) return false;
    if (begin[section] == '#') [[likely]] {
        line.tags_at = static_cast<std::uint16_t>(section + 1);
        return !marks.has_third_bar;
    }
    return begin[section] == '@' && read_rate(section, line);
}

// For a line that goes on behind its first block, whose second bar is not in that, or whose rate
// does not end there: looks for the colon, and reads a block that begins with it. What does not
// fit that is not usual. Returns as read_usual() does.
template <class Set>
[[gnu::always_inline]] inline const char* read_from_colon(const Set& set, Chunk chunk,
                                                          const char* begin, const Reading& reading,
                                                          QuickLine& line) {
    for (const char* at = begin;; at += block_bytes) {
        const Block block = blocks::read_block(set, chunk, at);
        const std::uint64_t name = up_to_first(block.colon);
        if (((block.line_feed | block.bar | block.high) & name) != 0) return nullptr;
        if (block.colon == 0) continue;
        const char* colon = at + place_of_first(block.colon);
        const Marks marks = marks_in(blocks::read_block(set, chunk, colon),
                                     static_cast<std::size_t>(colon - begin), set, chunk, begin);
        return read_marked(begin, marks, reading, line) ? marks.end : nullptr;
    }
}

// read_from_colon() of one set of vectors, out of line: few lines need it, and with it in line the
// others would have fewer registers.
using FarReader = const char* (*)(Chunk, const char*, const Reading&, QuickLine&);

// The end of the line at `begin`, with CR; null if it is not usual, and then `line` is of no
// meaning.
template <FarReader ReadFar, class Set>
[[gnu::always_inline]] inline const char* read_usual(const Set& set, Chunk chunk, const char* begin,
                                                     const Reading& reading, QuickLine& line) {
    if (chunk.bytes_from(begin) > prefetched_bytes_ahead) {
        __builtin_prefetch(begin + prefetched_bytes_ahead);
    }
    const Block first = blocks::read_block(set, chunk, begin);
    const std::uint64_t second_bar = without_first(first.bar);
    const bool goes_on = first.line_feed == 0;
    if (goes_on && second_bar == 0) [[unlikely]] {
        return ReadFar(chunk, begin, reading, line);
    }
    const Marks marks = marks_in(first, 0, set, chunk, begin);
    if (read_marked(begin, marks, reading, line)) [[likely]]
        return marks.end;
    if (!goes_on) return nullptr;
    // A rate's end may be behind the block.
    const char* section = begin + place_of_first(second_bar) + 1;
    const bool may_have_far_bar = section != chunk.end && *section == '@';
    return may_have_far_bar ? ReadFar(chunk, begin, reading, line) : nullptr;
}

// The line by its end alone. Returns that, with CR.
[[gnu::noinline]] const char* cut_out(Chunk chunk, const char* begin, QuickLine& line) {
    const void* line_feed = std::memchr(begin, '\n', chunk.bytes_from(begin));
    const char* end = line_feed == nullptr ? chunk.end : static_cast<const char*>(line_feed);
    const bool has_return = end != begin && end[-1] == '\r';
    line = {.begin = begin, .size = static_cast<std::uint32_t>(end - begin) - (has_return ? 1 : 0)};
    return end;
}

template <class Set, FarReader ReadFar>
[[gnu::always_inline]] inline std::size_t read_lines(std::string_view& rest, const Reading& reading,
                                                     std::span<QuickLine> out) {
    const Set set;
    const Chunk chunk{.begin = rest.data(), .end = rest.data() + rest.size()};
    const char* at = chunk.begin;
    QuickLine* line = out.data();
    QuickLine* const no_room = line + out.size();
    while (at != chunk.end && line != no_room) {
        if (const char* end = read_usual<ReadFar>(set, chunk, at, reading, *line); end != nullptr)
            [[likely]] {
            at = end;
            ++line;
        } else {
            at = cut_out(chunk, at, *line);
            if (line->size != 0) ++line;
        }
        if (at != chunk.end) ++at;
    }
    rest = {at, chunk.bytes_from(at)};
    return static_cast<std::size_t>(line - out.data());
}

// --- the doors --------------------------------------------------------------------------
//
// Flattened, so that all that a door calls is compiled for the instructions that it may use.

[[gnu::noinline, gnu::flatten]] const char* read_far_portable(Chunk chunk, const char* begin,
                                                              const Reading& reading,
                                                              QuickLine& line) {
    return read_from_colon(blocks::Portable(), chunk, begin, reading, line);
}
[[gnu::flatten]] std::size_t read_portable(std::string_view& rest, const Reading& reading,
                                           std::span<QuickLine> out) noexcept {
    return read_lines<blocks::Portable, read_far_portable>(rest, reading, out);
}

#if defined(__x86_64__)
[[gnu::noinline, gnu::flatten]] const char* read_far_sse2(Chunk chunk, const char* begin,
                                                          const Reading& reading, QuickLine& line) {
    return read_from_colon(blocks::Sse2(), chunk, begin, reading, line);
}
[[gnu::flatten]] std::size_t read_sse2(std::string_view& rest, const Reading& reading,
                                       std::span<QuickLine> out) noexcept {
    return read_lines<blocks::Sse2, read_far_sse2>(rest, reading, out);
}
[[gnu::noinline, gnu::flatten]] PITOT_AVX2 const char* read_far_avx2(Chunk chunk, const char* begin,
                                                                     const Reading& reading,
                                                                     QuickLine& line) {
    return read_from_colon(blocks::Avx2(), chunk, begin, reading, line);
}
[[gnu::flatten]] PITOT_AVX2 std::size_t read_avx2(std::string_view& rest, const Reading& reading,
                                                  std::span<QuickLine> out) noexcept {
    return read_lines<blocks::Avx2, read_far_avx2>(rest, reading, out);
}
[[gnu::noinline, gnu::flatten]] PITOT_AVX512 const char* read_far_avx512(Chunk chunk,
                                                                         const char* begin,
                                                                         const Reading& reading,
                                                                         QuickLine& line) {
    return read_from_colon(blocks::Avx512(), chunk, begin, reading, line);
}
[[gnu::flatten]] PITOT_AVX512 std::size_t read_avx512(std::string_view& rest,
                                                      const Reading& reading,
                                                      std::span<QuickLine> out) noexcept {
    return read_lines<blocks::Avx512, read_far_avx512>(rest, reading, out);
}
#endif

}  // namespace

std::string_view to_string(VectorSet set) noexcept {
    switch (set) {
        case VectorSet::portable:
            return "portable";
        case VectorSet::sse2:
            return "sse2";
        case VectorSet::avx2:
            return "avx2";
        case VectorSet::avx512:
            return "avx512";
    }
    return "portable";
}

std::vector<VectorSet> available_vector_sets() {
    std::vector<VectorSet> sets{VectorSet::portable};
#if defined(__x86_64__)
    sets.push_back(VectorSet::sse2);
    const bool counts_bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                             __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("popcnt");
    if (counts_bits && __builtin_cpu_supports("avx2")) {
        sets.push_back(VectorSet::avx2);
        if (__builtin_cpu_supports("avx512bw")) sets.push_back(VectorSet::avx512);
    }
#endif
    return sets;
}

QuickReader::QuickReader(VectorSet set) noexcept : read_(read_portable) {
#if defined(__x86_64__)
    switch (set) {
        case VectorSet::portable:
            break;
        case VectorSet::sse2:
            read_ = read_sse2;
            break;
        case VectorSet::avx2:
            read_ = read_avx2;
            break;
        case VectorSet::avx512:
            read_ = read_avx512;
            break;
    }
#else
    static_cast<void>(set);
#endif
}

}  // namespace pitot::protocol
