// Says which lines a destination refused, without filling the log: a sentence a minute.
#pragma once

#include <spdlog/logger.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "sinks/influxdb/line_key.h"

namespace pitot::sinks::influxdb {

class Refusals {
public:
    // Keeps a reference to `log`.
    Refusals(std::string sink, spdlog::logger& log) : sink_(std::move(sink)), log_(log) {}

    void add(std::string_view line, std::string_view reason, std::int64_t now_steady_ns) {
        ++unsaid_;
        if (has_spoken_ && now_steady_ns - spoken_ns_ < pause_ns) return;
        has_spoken_ = true;
        spoken_ns_ = now_steady_ns;
        if (line.ends_with('\n')) line.remove_suffix(1);
        log_.warn("sinks.{}: the destination refuses {} line(s), such as \"{}\": {}", sink_,
                  unsaid_, excerpt(line), reason);
        unsaid_ = 0;
    }

private:
    static constexpr std::int64_t pause_ns = 60'000'000'000;

    std::string sink_;
    spdlog::logger& log_;
    std::uint64_t unsaid_ = 0;
    std::int64_t spoken_ns_ = 0;
    bool has_spoken_ = false;
};

}  // namespace pitot::sinks::influxdb
