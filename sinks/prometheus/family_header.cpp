#include "sinks/prometheus/family_header.h"

#include <algorithm>
#include <initializer_list>

#include "sinks/text_writer.h"

namespace pitot::sinks::prometheus {
namespace {

constexpr std::string_view help = "# HELP ";
constexpr std::string_view type_line = "# TYPE ";
constexpr std::string_view unit_line = "# UNIT ";
constexpr std::string_view unit_end = " seconds\n";
constexpr std::string_view statsd = " StatsD ";
constexpr std::string_view unknown = "unknown";

bool has(std::string_view text, char character) {
    return text.find(character) != std::string_view::npos;
}

bool needs_escapes(std::string_view text) {
    return has(text, '\\') || has(text, '\n');
}

char* write_all(std::initializer_list<std::string_view> pieces, char* at) {
    for (const std::string_view piece : pieces) at = write_bytes(piece, at);
    return at;
}

// Twice as long at most.
char* write_escaped(std::string_view text, bool escape_quote, char* at) {
    if (!needs_escapes(text) && !(escape_quote && has(text, '"'))) return write_bytes(text, at);
    for (const char character : text) {
        const bool is_line_feed = character == '\n';
        if (is_line_feed || character == '\\' || (escape_quote && character == '"')) *at++ = '\\';
        *at++ = is_line_feed ? 'n' : character;
    }
    return at;
}

}  // namespace

std::size_t header_bytes(const FamilyHeader& header) {
    std::size_t founder_bytes = header.founder.size();
    if (needs_escapes(header.founder)) {
        founder_bytes += static_cast<std::size_t>(std::ranges::count_if(
            header.founder, [](char character) { return character == '\\' || character == '\n'; }));
    }
    constexpr std::size_t blanks_and_line_feeds = 4;
    return help.size() + statsd.size() + type_line.size() + 2 * header.name.size() +
           to_string(header.kind).size() + founder_bytes + to_string(header.type).size() +
           blanks_and_line_feeds;
}

char* write_header(const FamilyHeader& header, char* at) {
    at = write_all({help, header.name, statsd, to_string(header.kind), " "}, at);
    at = write_escaped(header.founder, false, at);
    return write_all({"\n", type_line, header.name, " ", to_string(header.type), "\n"}, at);
}

std::size_t open_metrics_header_bytes_max(const FamilyHeader& header) {
    return header_bytes(header) + header.founder.size() + unit_line.size() + header.name.size() +
           unit_end.size() + unknown.size();
}

char* write_open_metrics_header(const FamilyHeader& header, char* at) {
    std::string_view name = header.name;
    std::string_view type = to_string(header.type);
    if (header.type == FamilyType::counter) {
        if (header.is_open_metrics_counter) {
            name.remove_suffix(std::string_view("_total").size());
        } else {
            type = unknown;
        }
    }
    at = write_all({type_line, name, " ", type, "\n"}, at);
    if (header.kind == protocol::Kind::timer) at = write_all({unit_line, name, unit_end}, at);
    at = write_all({help, name, statsd, to_string(header.kind), " "}, at);
    at = write_escaped(header.founder, true, at);
    *at++ = '\n';
    return at;
}

}  // namespace pitot::sinks::prometheus
