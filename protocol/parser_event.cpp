// Events and service checks: parse_event() and parse_service_check(). They are rare, so
// this half is written for the eye alone.
#include "protocol/parser.h"
#include "protocol/parser_scratch.h"
#include "protocol/utf8.h"

namespace pitot::protocol {

namespace {

// Copies `text` to `to` with "\n" read as a line feed, and "m\:" as "m:" if asked for.
// Returns the copy, or `text` itself when there is nothing to do.
//
//     disk full\non m\: the big one
//              ^^   ^^^
std::string_view unescape(std::string_view text, bool is_message, char* to) noexcept {
    if (text.find('\\') == std::string_view::npos) return text;
    char* end = to;
    while (!text.empty()) {
        if (text.starts_with("\\n")) {
            *end++ = '\n';
            text.remove_prefix(2);
        } else if (is_message && text.starts_with("m\\:")) {
            *end++ = 'm';
            *end++ = ':';
            text.remove_prefix(3);
        } else {
            *end++ = text.front();
            text.remove_prefix(1);
        }
    }
    return {to, end};
}

// Takes a whole number and the mark behind it off the front.
bool take_length(std::string_view& text, std::string_view mark, std::uint64_t& out) noexcept {
    const std::size_t end = text.find(mark);
    if (end == std::string_view::npos || !parse_whole(text.substr(0, end), out)) return false;
    text.remove_prefix(end + mark.size());
    return true;
}

// Where title and text of an event are, before unescaping, and what follows.
struct EventBody {
    std::string_view title;
    std::string_view text;
    std::string_view sections;  // without the '|' in front
};

// Cuts at two lengths in bytes, if a '|' stands behind the title, and another one or the
// end behind the text.
//
//     title|text|p:low
//     ^^^^^ ^^^^ ^^^^^
bool cut_body(std::string_view body, std::size_t title_bytes, std::size_t text_bytes,
              EventBody& out) noexcept {
    if (title_bytes >= body.size() || body[title_bytes] != '|') return false;
    const std::string_view behind = body.substr(title_bytes + 1);
    if (text_bytes > behind.size()) return false;
    if (text_bytes < behind.size() && behind[text_bytes] != '|') return false;
    out.title = body.substr(0, title_bytes);
    out.text = behind.substr(0, text_bytes);
    out.sections = behind.substr(text_bytes);
    if (!out.sections.empty()) out.sections.remove_prefix(1);
    return true;
}

// The same with lengths in UTF-16 code units, as clients written in JavaScript count.
bool cut_body_utf16(std::string_view body, std::size_t title_units, std::size_t text_units,
                    EventBody& out) noexcept {
    const std::size_t title_bytes = utf16_prefix(body, title_units);
    if (title_bytes >= body.size()) return false;
    const std::size_t text_bytes = utf16_prefix(body.substr(title_bytes + 1), text_units);
    if (text_bytes == std::string_view::npos) return false;
    return cut_body(body, title_bytes, text_bytes, out);
}

bool read_priority(std::string_view value, Priority& out) noexcept {
    if (value == "low") {
        out = Priority::low;
    } else if (value == "normal") {
        out = Priority::normal;
    } else {
        return false;
    }
    return true;
}

bool read_alert_type(std::string_view value, AlertType& out) noexcept {
    for (const AlertType type :
         {AlertType::info, AlertType::success, AlertType::warning, AlertType::error}) {
        if (value == to_string(type)) {
            out = type;
            return true;
        }
    }
    return false;
}

// The sections events and service checks share. False if `section` is none of them, or
// has a value that cannot be read.
template <class Record>
bool read_common(std::string_view section, std::string_view& tags, Record& out) noexcept {
    if (take_mark(section, "#")) {
        tags = section;
    } else if (take_mark(section, "d:")) {
        return parse_timestamp(section, out.timestamp_s);
    } else if (take_mark(section, "h:")) {
        out.hostname = section;
    } else {
        return read_origin(section, out);
    }
    return true;
}

bool read_event_section(std::string_view section, std::string_view& tags, Event& out) noexcept {
    if (take_mark(section, "k:")) {
        out.aggregation_key = section;
    } else if (take_mark(section, "s:")) {
        out.source_type = section;
    } else if (take_mark(section, "p:")) {
        return read_priority(section, out.priority);
    } else if (take_mark(section, "t:")) {
        return read_alert_type(section, out.alert_type);
    } else {
        return read_common(section, tags, out);
    }
    return true;
}

}  // namespace

Reject Parser::take_tags(std::string_view text, std::span<const Tag>& out) noexcept {
    std::size_t count = 0;
    if (!split_tags(text, ':', scratch_->tags, count)) {
        return scratch_->refuse(Reject::too_many_tags, text);
    }
    out = {scratch_->tags.data(), count};
    return Reject::none;
}

Reject Parser::parse_event(std::string_view line, Event& out) noexcept {
    out = Event{};
    if (const Reject reject = check_line(line); reject != Reject::none) return reject;

    // _e{5,4}:title|text|p:low
    //    ^ ^
    std::string_view body = line;
    std::uint64_t title_length = 0;
    std::uint64_t text_length = 0;
    if (!take_mark(body, "_e{") || !take_length(body, ",", title_length) ||
        !take_length(body, "}:", text_length)) {
        return scratch_->refuse(Reject::bad_event, line.substr(0, line.find(':')));
    }

    // _e{5,4}:title|text|p:low
    //         ^^^^^ ^^^^
    // Title and text may hold a '|': the lengths decide, and must land on one.
    EventBody cut;
    if (!cut_body(body, title_length, text_length, cut) &&
        !cut_body_utf16(body, title_length, text_length, cut)) {
        return scratch_->refuse(Reject::bad_event, body);
    }
    if (cut.title.empty()) return scratch_->refuse(Reject::bad_event, cut.title);
    char* const text_room = &scratch_->text[cut.title.size()];
    out.title = unescape(cut.title, false, scratch_->text.data());
    out.text = unescape(cut.text, false, text_room);

    // _e{5,4}:title|text|p:low
    //                    ^^^^^
    std::string_view tags;
    Sections sections(cut.sections);
    for (std::string_view section; sections.next(section);) {
        if (!section.empty() && !read_event_section(section, tags, out)) ++out.unknown_fields;
    }
    return take_tags(tags, out.tags);
}

Reject Parser::parse_service_check(std::string_view line, ServiceCheck& out) noexcept {
    out = ServiceCheck{};
    if (const Reject reject = check_line(line); reject != Reject::none) return reject;

    // _sc|disk.full|2|h:web-1|m:no room left
    //     ^^^^^^^^^ ^
    Sections sections(line);
    std::string_view section;
    if (!sections.next(section) || section != "_sc" || !sections.next(out.name)) {
        return scratch_->refuse(Reject::bad_service_check, line);
    }
    if (out.name.empty()) return scratch_->refuse(Reject::bad_service_check, out.name);
    if (!sections.next(section)) {
        return scratch_->refuse(Reject::bad_service_check, line.substr(line.size()));
    }
    if (section.size() != 1 || section[0] < '0' || section[0] > '3') {
        return scratch_->refuse(Reject::bad_service_check, section);
    }
    out.status = static_cast<CheckStatus>(section[0] - '0');

    // _sc|disk.full|2|h:web-1|m:no room left
    //                 ^^^^^^^ ^^^^^^^^^^^^^^
    std::string_view tags;
    while (sections.next(section)) {
        if (section.empty()) continue;
        if (take_mark(section, "m:")) {
            out.message = section;
        } else if (!read_common(section, tags, out)) {
            ++out.unknown_fields;
        }
    }
    out.message = unescape(out.message, true, scratch_->text.data());
    return take_tags(tags, out.tags);
}

}  // namespace pitot::protocol
