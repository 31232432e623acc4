#include "agent/log/layout.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "agent/printable.h"
#include "sinks/json_writer.h"

namespace pitot::agent {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

std::size_t index(LogLevel level) {
    return static_cast<std::size_t>(std::to_underlying(level));
}

std::string_view name_of(LogLevel level) {
    return log_level_names.at(index(level));
}

// The syslog priority that sd-daemon(3) reads at the beginning of a line.
int priority_of(LogLevel level) {
    constexpr std::array<int, 5> priorities{7, 7, 6, 4, 3};
    return priorities.at(index(level));
}

// ECMA-48, "select graphic rendition".
std::string_view colour_of(LogLevel level) {
    constexpr std::array<std::string_view, 5> colours{"\x1b[2m", "\x1b[36m", "\x1b[32m",
                                                      "\x1b[33;1m", "\x1b[31;1m"};
    return colours.at(index(level));
}

// RFC 3339, with milliseconds; "Z" where `zone` is empty. A clock before 1970 or in the far
// future stays a date: 64 bits of nanoseconds end in 2262.
void append_time(std::int64_t unix_ns, std::string_view zone, std::string& out) {
    using std::chrono::days;
    using std::chrono::milliseconds;
    const std::chrono::sys_time<milliseconds> moment{
        std::chrono::floor<milliseconds>(std::chrono::nanoseconds(unix_ns))};
    const auto midnight = std::chrono::floor<days>(moment);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss time(moment - midnight);
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}",
                   static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                   static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(),
                   time.seconds().count(), time.subseconds().count(), zone.empty() ? "Z" : zone);
}

void append_local_time(const Record& record, std::string& out) {
    const std::int64_t offset_min = record.utc_offset_s / 60;
    const std::int64_t size_min = offset_min < 0 ? -offset_min : offset_min;
    const std::string zone =
        fmt::format("{}{:02}:{:02}", offset_min < 0 ? '-' : '+', size_min / 60, size_min % 60);
    append_time(record.unix_ns + offset_min * 60 * second_ns, zone, out);
}

std::int64_t whole_seconds(std::int64_t ns) {
    return (ns + second_ns / 2) / second_ns;
}

// " (31 times in the last 30 s, the last 4 s ago)"
void append_repeats(const Repeats& repeats, std::string& out) {
    if (repeats.count == 0) return;
    const std::string times = repeats.count == 1 ? "once" : fmt::format("{} times", repeats.count);
    fmt::format_to(std::back_inserter(out), " ({} in the last {} s", times,
                   whole_seconds(repeats.within_ns));
    if (const std::int64_t ago_s = whole_seconds(repeats.last_ago_ns); ago_s > 0) {
        fmt::format_to(std::back_inserter(out), ", {}{} s ago",
                       repeats.count == 1 ? "" : "the last ", ago_s);
    }
    out += ')';
}

void append_text(const Layout& layout, const Record& record, std::string& out) {
    append_local_time(record, out);
    const std::string_view level = name_of(record.level);
    out += ' ';
    if (layout.is_colourful) out += colour_of(record.level);
    out += level;
    if (layout.is_colourful) out += "\x1b[0m";
    // The longest name has five letters.
    out.append(6 - level.size(), ' ');
    out += printable(record.text, message_characters_max);
    append_repeats(record.repeats, out);
}

void append_journal(const Record& record, std::string& out) {
    fmt::format_to(std::back_inserter(out), "<{}>", priority_of(record.level));
    out += printable(record.text, message_characters_max);
    append_repeats(record.repeats, out);
}

void append_quoted(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

void append_logfmt(const Record& record, std::string& out) {
    const auto [part, message] = split_part(record.text);
    out += "time=";
    append_time(record.unix_ns, "", out);
    fmt::format_to(std::back_inserter(out), " level={}", name_of(record.level));
    if (!part.empty()) fmt::format_to(std::back_inserter(out), " part={}", part);
    out += " message=";
    append_quoted(printable(message, message_characters_max), out);
    if (record.repeats.count == 0) return;
    fmt::format_to(std::back_inserter(out), " count={} within_s={} last_s={}", record.repeats.count,
                   whole_seconds(record.repeats.within_ns),
                   whole_seconds(record.repeats.last_ago_ns));
}

void append_json(const Record& record, std::string& out) {
    const auto [part, message] = split_part(record.text);
    std::string time;
    append_time(record.unix_ns, "", time);
    sinks::JsonWriter json(out);
    json.begin_object();
    json.field("time", time);
    json.field("level", name_of(record.level));
    json.optional_field("part", part);
    json.field("message", printable(message, message_characters_max));
    if (record.repeats.count > 0) {
        json.key("count");
        json.integer(record.repeats.count);
        json.key("within_s");
        json.integer(whole_seconds(record.repeats.within_ns));
        json.key("last_s");
        json.integer(whole_seconds(record.repeats.last_ago_ns));
    }
    json.end_object();
}

// JOURNAL_STREAM is "device:inode" of the stream that systemd made for us. Who has redirected
// the descriptor since then has another one.
bool leads_to_journal(int descriptor, const Environment& environment) {
    const std::optional<std::string> stream = environment.variable("JOURNAL_STREAM");
    struct stat status{};
    if (!stream || ::fstat(descriptor, &status) != 0) return false;
    return *stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

bool wants_colours(const Environment& environment) {
    const std::string no_colour = environment.variable("NO_COLOR").value_or("");
    return no_colour.empty() && environment.variable("TERM").value_or("") != "dumb";
}

}  // namespace

Layout layout_for(LogFormat wanted, int descriptor, const Environment& environment) {
    const bool is_terminal = ::isatty(descriptor) != 0;
    if (wanted == LogFormat::automatic) {
        wanted = is_terminal                                 ? LogFormat::text
                 : leads_to_journal(descriptor, environment) ? LogFormat::journal
                                                             : LogFormat::logfmt;
    }
    const bool is_colourful =
        wanted == LogFormat::text && is_terminal && wants_colours(environment);
    return {wanted, is_colourful};
}

void append_line(const Layout& layout, const Record& record, std::string& out) {
    switch (layout.format) {
        case LogFormat::text:
            append_text(layout, record, out);
            break;
        case LogFormat::json:
            append_json(record, out);
            break;
        case LogFormat::journal:
            append_journal(record, out);
            break;
        case LogFormat::automatic:
        case LogFormat::logfmt:
            append_logfmt(record, out);
            break;
    }
    out += '\n';
}

}  // namespace pitot::agent
