// What the operator says about the log: the table [log], checked.
//
// agent/config/load.h reads it, Log (log.h) follows it. Part of the Config.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pitot::agent {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };

// As the option `level` and every line of the log write them.
inline constexpr std::array<std::string_view, 5> log_level_names{"trace", "debug", "info", "warn",
                                                                 "error"};

enum class LogFormat : std::uint8_t {
    automatic,  // by where the lines go: see layout_for() in layout.h
    text,
    logfmt,
    json,
    journal,
};

// As the option `format` writes them.
inline constexpr std::array<std::string_view, 5> log_format_names{"auto", "text", "logfmt", "json",
                                                                  "journal"};

struct LogConfig {
    LogLevel level = LogLevel::info;  // and what is graver
    LogFormat format = LogFormat::automatic;
    std::string file = {};  // "": standard error
};

}  // namespace pitot::agent
