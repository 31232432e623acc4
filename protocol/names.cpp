// The names of the protocol's enumerations, as they stand in JSON, metrics and logs.
#include <array>
#include <utility>

#include "protocol/event.h"
#include "protocol/limits.h"
#include "protocol/reject.h"
#include "protocol/sample.h"

namespace pitot::protocol {

std::string_view to_string(Kind kind) noexcept {
    constexpr std::array<std::string_view, kind_count> names{"counter",   "gauge",        "timer",
                                                             "histogram", "distribution", "set"};
    return names[std::to_underlying(kind)];
}

std::string_view to_string(Priority priority) noexcept {
    return priority == Priority::low ? "low" : "normal";
}

std::string_view to_string(AlertType type) noexcept {
    constexpr std::array<std::string_view, 4> names{"info", "success", "warning", "error"};
    return names[std::to_underlying(type)];
}

std::string_view to_string(CheckStatus status) noexcept {
    constexpr std::array<std::string_view, 4> names{"ok", "warning", "critical", "unknown"};
    return names[std::to_underlying(status)];
}

std::string_view to_string(Reject reason) noexcept {
    constexpr std::array<std::string_view, reject_count> names{
        "none",         "no_value",          "empty_name",      "no_type",
        "unknown_type", "bad_number",        "bad_sample_rate", "bad_timestamp",
        "bad_utf8",     "too_long",          "too_many_tags",   "too_many_values",
        "bad_event",    "bad_service_check", "truncated",       "reserved_name"};
    return names[std::to_underlying(reason)];
}

// describe() says these bounds in words.
static_assert(line_bytes_max == 65'535 && identity_bytes_max == 4'096);
static_assert(tags_per_line_max == 256 && parts_per_line_max == 256);
static_assert(sample_rate_min == 1e-9);

std::string_view describe(Reject reason) noexcept {
    switch (reason) {
        case Reject::none:
            return "the line is accepted";
        case Reject::no_value:
            return "a value must stand between the ':' behind the name and the first '|'";
        case Reject::empty_name:
            return "a name must stand before the ':'";
        case Reject::no_type:
            return "a type must follow the value, as in \"|c\"";
        case Reject::unknown_type:
            return "the type must be one of c, g, ms, h, d and s";
        case Reject::bad_number:
            return "the value must be a finite decimal number";
        case Reject::bad_sample_rate:
            return "the sample rate must be 0 or a number from 1e-9 to 1";
        case Reject::bad_timestamp:
            return "the timestamp must be a positive whole number of seconds, on a counter or "
                   "gauge";
        case Reject::bad_utf8:
            return "the line must be UTF-8";
        case Reject::too_long:
            return "the line must have at most 65535 bytes, its name and tags at most 4096";
        case Reject::too_many_tags:
            return "a line must have at most 256 tags";
        case Reject::too_many_values:
            return "a line must have at most 256 runs of values of different kinds";
        case Reject::bad_event:
            return "an event must read _e{TITLE_BYTES,TEXT_BYTES}:TITLE|TEXT, with those lengths";
        case Reject::bad_service_check:
            return "a service check must read _sc|NAME|STATUS, with a status from 0 to 3";
        case Reject::truncated:
            return "the line must arrive whole";
        case Reject::reserved_name:
            return "the name must not be one of the agent's own metrics";
    }
    return "";
}

}  // namespace pitot::protocol
