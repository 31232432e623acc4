// A moment as date and time of day, UTC, and as ISO 8601 text. No zones, no leap seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace pitot::sinks::elasticsearch {

struct UtcTime {
    unsigned year = 1970;
    unsigned month = 1;  // 1 … 12
    unsigned day = 1;    // 1 … 31
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
};

// `unix_s` from 1970 to the end of the year 9999; others are moved to that range.
inline UtcTime utc_time(std::int64_t unix_s) {
    constexpr std::int64_t last_s = 253'402'300'799;
    const std::chrono::sys_seconds moment{
        std::chrono::seconds(unix_s < 0 ? 0 : (unix_s > last_s ? last_s : unix_s))};
    const auto midnight = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(midnight);
    const auto of_day = static_cast<unsigned>((moment - midnight).count());
    return {.year = static_cast<unsigned>(static_cast<int>(date.year())),
            .month = static_cast<unsigned>(date.month()),
            .day = static_cast<unsigned>(date.day()),
            .hour = of_day / 3600,
            .minute = of_day / 60 % 60,
            .second = of_day % 60};
}

// "2026-08-01T00:00:10.000Z": always with milliseconds, as the field type `date` reads it.
inline void append_iso_time(std::int64_t unix_ms, std::string& out) {
    const UtcTime time = utc_time(unix_ms / 1000);
    char text[] = "0000-00-00T00:00:00.000Z";
    const auto put = [&text](std::size_t at, std::size_t digits, unsigned value) {
        for (std::size_t i = digits; i-- > 0; value /= 10) {
            text[at + i] = static_cast<char>('0' + value % 10);
        }
    };
    put(0, 4, time.year);
    put(5, 2, time.month);
    put(8, 2, time.day);
    put(11, 2, time.hour);
    put(14, 2, time.minute);
    put(17, 2, time.second);
    put(20, 3, static_cast<unsigned>(unix_ms < 0 ? 0 : unix_ms % 1000));
    out.append(text, sizeof text - 1);
}

}  // namespace pitot::sinks::elasticsearch
