// What a DogStatsD event (`_e{`) or service check (`_sc|`) says.
//
// As in sample.h, views live until the Parser that made them reads its next line.
// Source: DogStatsD datagram format, protocol 1.0 to 1.6.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/sample.h"

namespace pitot::protocol {

enum class Priority : std::uint8_t { normal, low };
enum class AlertType : std::uint8_t { info, success, warning, error };
enum class CheckStatus : std::uint8_t { ok, warning, critical, unknown };

std::string_view to_string(Priority priority) noexcept;
std::string_view to_string(AlertType type) noexcept;
std::string_view to_string(CheckStatus status) noexcept;

// Optional fields are empty views, and 0 for the timestamp, when absent.
struct Event {
    std::string_view title;  // never empty; "\\n" of the wire is a line feed here
    std::string_view text;   // may be empty; likewise
    std::int64_t timestamp_s = 0;
    std::string_view hostname;
    std::string_view aggregation_key;
    std::string_view source_type;
    Priority priority = Priority::normal;
    AlertType alert_type = AlertType::info;
    std::span<const Tag> tags;
    std::string_view container_id;
    std::uint64_t cgroup_inode = 0;
    std::string_view external_data;
    std::string_view cardinality;
    std::uint32_t unknown_fields = 0;  // sections that are not known here, or not as they must be
};

struct ServiceCheck {
    std::string_view name;  // never empty
    CheckStatus status = CheckStatus::ok;
    std::int64_t timestamp_s = 0;
    std::string_view hostname;
    std::string_view message;  // "\\n" and "m\\:" of the wire are unescaped
    std::span<const Tag> tags;
    std::string_view container_id;
    std::uint64_t cgroup_inode = 0;
    std::string_view external_data;
    std::string_view cardinality;
    std::uint32_t unknown_fields = 0;  // sections that are not known here, or not as they must be
};

}  // namespace pitot::protocol
