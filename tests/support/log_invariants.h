// What holds for every line of the log, whatever bytes are in the message: for the table of
// hostile messages and for the fuzzer.
#pragma once

#include <array>
#include <boost/json.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "agent/log/layout.h"
#include "agent/printable.h"
#include "protocol/utf8.h"
#include "tests/support/logfmt_reader.h"

namespace pitot::tests {

inline constexpr std::array<agent::LogFormat, 4> log_formats{
    agent::LogFormat::text, agent::LogFormat::logfmt, agent::LogFormat::json,
    agent::LogFormat::journal};

// What a reader of the machine formats gets.
struct ReadRecord {
    std::string time;
    std::string level;
    std::string part;
    std::string message;
    std::string count;  // "" where the line stands for itself alone
    std::size_t fields = 0;
};

// Strictly: UTF-8, no key twice. Nothing where it is not JSON, or no object of texts and
// whole numbers.
inline std::optional<ReadRecord> read_json_record(std::string_view line) {
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse({line.data(), line.size()}, error);
    if (error || !value.is_object()) return std::nullopt;
    const boost::json::object& object = value.get_object();
    const auto text = [&](std::string_view key) {
        const boost::json::value* const found = object.if_contains(key);
        return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
    };
    ReadRecord record{text("time"), text("level"), text("part"), text("message"),
                      "",           object.size()};
    if (const auto* const count = object.if_contains("count")) {
        record.count = boost::json::serialize(*count);
    }
    return record;
}

inline std::optional<ReadRecord> read_logfmt_record(std::string_view line) {
    const std::optional<LogfmtFields> fields = LogfmtReader::read(line);
    if (!fields) return std::nullopt;
    const auto text = [&](const std::string& key) {
        const auto found = fields->find(key);
        return found == fields->end() ? std::string() : found->second;
    };
    return ReadRecord{text("time"),    text("level"), text("part"),
                      text("message"), text("count"), fields->size()};
}

// "", or what is wrong with the line that the record became.
inline std::string flaw_of_line(const agent::Layout& layout, const agent::Record& record) {
    using agent::LogFormat;
    std::string line;
    agent::append_line(layout, record, line);
    if (!line.ends_with('\n')) return "no line feed at its end";
    line.pop_back();
    if (!protocol::is_utf8(line)) return "no UTF-8";
    for (const char c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) return "a control character, or a second line";
    }
    if (agent::printable(line, line.size()) != line) return "what no terminal should obey";
    // A '\' before each quote and backslash, and ten characters for each of the message's.
    if (line.size() > 20 * agent::message_characters_max + 512) return "too long";

    const auto [part, message] = agent::split_part(record.text);
    const std::string shown = agent::printable(message, agent::message_characters_max);
    if (layout.format == LogFormat::text || layout.format == LogFormat::journal) {
        const std::string whole = agent::printable(record.text, agent::message_characters_max);
        return line.find(whole) == std::string::npos ? "does not show the message" : "";
    }
    const std::optional<ReadRecord> read =
        layout.format == LogFormat::json ? read_json_record(line) : read_logfmt_record(line);
    if (!read) return "not readable";
    if (read->message != shown) return "another message";
    if (read->part != part) return "another part";
    if (read->level != agent::log_level_names.at(static_cast<std::size_t>(record.level))) {
        return "another level";
    }
    const bool is_repeated = record.repeats.count > 0;
    if (read->count != (is_repeated ? std::to_string(record.repeats.count) : "")) {
        return "another count";
    }
    const std::size_t fields = 3U + (part.empty() ? 0U : 1U) + (is_repeated ? 3U : 0U);
    return read->fields == fields ? "" : "more or fewer fields than there should be";
}

}  // namespace pitot::tests
