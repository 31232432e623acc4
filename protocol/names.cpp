// The names of the protocol's enumerations, as they stand in JSON, metrics and logs.
#include <array>
#include <utility>

#include "protocol/event.h"
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
        "none",          "no_value",        "empty_name",    "no_type",          "unknown_type",
        "bad_number",    "bad_sample_rate", "bad_timestamp", "bad_utf8",         "too_long",
        "too_many_tags", "too_many_values", "bad_event",     "bad_service_check"};
    return names[std::to_underlying(reason)];
}

}  // namespace pitot::protocol
