#include "sinks/prometheus/family_header.h"

#include <string>

#include "sinks/prometheus/names.h"

namespace pitot::sinks::prometheus {
namespace {

constexpr std::string_view help = "# HELP ";
constexpr std::string_view statsd = " StatsD ";
constexpr std::string_view type_line = "\n# TYPE ";

// What stands before `end`, which is taken too. Empty, as is `text` then, if it is not there.
std::string_view take_until(std::string_view end, std::string_view& text) {
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) {
        text = {};
        return {};
    }
    const std::string_view taken = text.substr(0, at);
    text.remove_prefix(at + end.size());
    return taken;
}

}  // namespace

void write_family_header(const Family& family, const protocol::Series& founder, TextWriter& out) {
    const std::string_view kind = to_string(founder.kind);
    const std::string_view type = to_string(family.type);
    std::string_view name = founder.name();
    std::string escaped;
    if (name.find_first_of("\\\n") != std::string_view::npos) {
        append_help(name, escaped);
        name = escaped;
    }
    char* at = out.room(help.size() + 2 * family.name.size() + statsd.size() + kind.size() +
                        name.size() + type_line.size() + type.size() + 3);
    at = write_bytes(family.name, write_bytes(help, at));
    at = write_bytes(kind, write_bytes(statsd, at));
    *at++ = ' ';
    at = write_bytes(name, at);
    at = write_bytes(family.name, write_bytes(type_line, at));
    *at++ = ' ';
    at = write_bytes(type, at);
    *at++ = '\n';
    out.wrote(at);
}

FamilyHeader read_family_header(std::string_view text) {
    if (!text.starts_with(help)) return {};
    const std::size_t size = text.size();
    text.remove_prefix(help.size());
    FamilyHeader header;
    header.name = take_until(statsd, text);
    header.kind = take_until(" ", text);
    header.escaped_founder = take_until(type_line, text);
    take_until(" ", text);
    header.type = take_until("\n", text);
    header.bytes = size - text.size();
    return header;
}

}  // namespace pitot::sinks::prometheus
