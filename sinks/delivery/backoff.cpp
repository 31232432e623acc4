#include "sinks/delivery/backoff.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace pitot::sinks {
namespace {

// All digits of `text` as one number; empty for anything else.
template <class Integer>
std::optional<Integer> whole(std::string_view text) {
    Integer value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size() || text.empty() || text.front() == '-') return {};
    if (error == std::errc::result_out_of_range) return std::numeric_limits<Integer>::max();
    if (error != std::errc{}) return {};
    return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT": every field has its place.
std::optional<std::int64_t> parse_http_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || !text.ends_with(" GMT") || text.substr(3, 2) != ", ") return {};
    const auto* const month = std::ranges::find(months, text.substr(8, 3));
    const auto day = whole<unsigned>(text.substr(5, 2));
    const auto year = whole<int>(text.substr(12, 4));
    const auto hour = whole<int>(text.substr(17, 2));
    const auto minute = whole<int>(text.substr(20, 2));
    const auto second = whole<int>(text.substr(23, 2));
    if (month == months.end() || !day || !year || !hour || !minute || !second) return {};
    const auto month_number = static_cast<unsigned>(month - months.begin()) + 1;
    const std::chrono::year_month_day date{
        std::chrono::year(*year), std::chrono::month(month_number), std::chrono::day(*day)};
    if (!date.ok()) return {};
    const std::chrono::seconds since = std::chrono::sys_days(date).time_since_epoch() +
                                       std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                                       std::chrono::seconds(*second);
    return since.count();
}

}  // namespace

std::chrono::nanoseconds backoff_delay(const Backoff& backoff, std::uint32_t failures,
                                       double random) {
    // 2^40 times any base is above any cap, and far from overflowing a double.
    const auto doublings = static_cast<int>(std::min<std::uint32_t>(failures, 41)) - 1;
    const double ceiling =
        std::min(std::ldexp(static_cast<double>(backoff.base.count()), std::max(doublings, 0)),
                 static_cast<double>(backoff.cap.count()));
    return std::chrono::nanoseconds(static_cast<std::int64_t>(ceiling * random));
}

std::optional<std::chrono::nanoseconds> parse_retry_after(std::string_view value,
                                                          std::int64_t now_unix_ns) {
    constexpr std::int64_t longest_s =
        std::chrono::duration_cast<std::chrono::seconds>(retry_after_max).count();
    if (const auto seconds = whole<std::int64_t>(value)) {
        return std::chrono::seconds(std::min(*seconds, longest_s));
    }
    const auto date_s = parse_http_date(value);
    if (!date_s) return {};
    const std::int64_t now_s = now_unix_ns / 1'000'000'000;
    return std::chrono::seconds(std::clamp<std::int64_t>(*date_s - now_s, 0, longest_s));
}

}  // namespace pitot::sinks
