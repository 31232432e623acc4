// What the two halves of Parser share: parser.cpp reads metrics, parser_event.cpp events
// and service checks. Private to them: nobody else includes this header.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/limits.h"
#include "protocol/number.h"
#include "protocol/parser.h"

namespace pitot::protocol {

// The memory results point into. Made once per Parser without being written to, so that
// pages no line has needed are never touched.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): see above
struct Parser::Scratch {
    std::array<double, values_per_line_max> values;
    std::array<Part, parts_per_line_max> parts;
    std::array<Tag, tags_per_line_max> tags;
    // Unescaped texts of an event or a service check; a name without its dialect tags.
    std::array<char, line_bytes_max> text;
    std::string_view refused_part;

    Reject refuse(Reject reason, std::string_view part) noexcept {
        refused_part = part;
        return reason;
    }
};

// The sections of a line, which '|' separates:
//
//     page.load:320|ms|@0.1|#region:eu,cached
//     ^^^^^^^^^^^^^ ^^ ^^^^ ^^^^^^^^^^^^^^^^^
class Sections {
public:
    explicit Sections(std::string_view text) noexcept : rest_(text) {}

    // False when the last section was handed out. An empty text is one empty section.
    bool next(std::string_view& section) noexcept {
        if (at_end_) return false;
        const std::size_t bar = rest_.find('|');
        at_end_ = bar == std::string_view::npos;
        section = rest_.substr(0, bar);
        if (!at_end_) rest_.remove_prefix(bar + 1);
        return true;
    }

    bool at_end() const noexcept { return at_end_; }

private:
    std::string_view rest_;
    bool at_end_ = false;
};

// True, with `section` shortened, if it starts with `mark`.
inline bool take_mark(std::string_view& section, std::string_view mark) noexcept {
    if (!section.starts_with(mark)) return false;
    section.remove_prefix(mark.size());
    return true;
}

// Digits for a second from 1 to timestamp_s_max.
inline bool parse_timestamp(std::string_view text, std::int64_t& out) noexcept {
    std::uint64_t seconds = 0;
    if (!parse_whole(text, seconds)) return false;
    if (seconds == 0 || seconds > static_cast<std::uint64_t>(timestamp_s_max)) return false;
    out = static_cast<std::int64_t>(seconds);
    return true;
}

// `c:`, in any of the forms there are. Sets what it knows and leaves the rest out:
//
//     c:1234567890abcdef         a container id, as protocol 1.2 has it
//     c:ci-1234567890abcdef      the same, since 1.4 (some clients: cid-)
//     c:in-4026531835            the inode of the cgroup
//     c:ci-1234,in-4026531835    a list
template <class Record>
void read_container(std::string_view value, Record& out) noexcept {
    const bool is_list = value.find(',') != std::string_view::npos;
    out.container_id = {};
    out.cgroup_inode = 0;
    while (!value.empty()) {
        const std::size_t comma = value.find(',');
        std::string_view item = value.substr(0, comma);
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
        if (take_mark(item, "in-")) {
            std::uint64_t inode = 0;
            if (parse_whole(item, inode)) out.cgroup_inode = inode;
        } else if (take_mark(item, "ci-") || take_mark(item, "cid-") || !is_list) {
            out.container_id = item;
        }
    }
}

// The sections every kind of line may have from protocol 1.2 on. False if `section` is
// none of them.
template <class Record>
bool read_origin(std::string_view section, Record& out) noexcept {
    if (take_mark(section, "c:")) {
        read_container(section, out);
    } else if (take_mark(section, "e:")) {
        out.external_data = section;
    } else if (take_mark(section, "card:")) {
        out.cardinality = section;
    } else {
        return false;
    }
    return true;
}

// Splits the text of a tag section, or of the tags in a name, into `tags` from `count` on.
// Empty tags are left out. False when there are too many.
//
//     region:eu,cached,,env:prod        separator ':'
//     ^^^^^^^^^ ^^^^^^  ^^^^^^^^
[[nodiscard]] inline bool split_tags(std::string_view text, char separator,
                                     std::array<Tag, tags_per_line_max>& tags,
                                     std::size_t& count) noexcept {
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        const std::string_view tag = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        if (tag.empty()) continue;
        if (count == tags.size()) return false;
        const std::size_t cut = tag.find(separator);
        const bool has_value = cut != std::string_view::npos;
        tags[count++] = {.key = tag.substr(0, cut),
                         .value = has_value ? tag.substr(cut + 1) : std::string_view{},
                         .has_value = has_value};
    }
    return true;
}

}  // namespace pitot::protocol
