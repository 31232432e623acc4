#include "agent/alerts/channels/rate_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "agent/printable.h"

namespace pitot::agent::alerts::channels {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// More is no limit for anything that people read.
constexpr std::uint32_t messages_max = 100'000;
constexpr std::uint32_t count_max = 10'000;  // "5/10000s"

std::int64_t unit_ns(std::string_view unit) {
    if (unit == "s") return second_ns;
    if (unit == "m") return 60 * second_ns;
    if (unit == "h") return 3'600 * second_ns;
    if (unit == "d") return 86'400 * second_ns;
    return 0;
}

// A number at the beginning of `text`, which it is taken off; 0: none.
std::uint32_t leading_number(std::string_view& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) number = std::numeric_limits<std::uint32_t>::max();
    if (error == std::errc::invalid_argument) return 0;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

}  // namespace

std::expected<Rate, std::string> parse_rate(std::string_view text) {
    if (text == "none") return Rate{};
    const auto wrong = [&] {
        return std::unexpected(
            fmt::format("must be messages in a time, such as \"20/m\" or \"5/10s\" (s, m, h, d; 1 "
                        "to {}), or \"none\", got \"{}\"",
                        messages_max, printable(text, 40)));
    };
    std::string_view rest = text;
    const std::uint32_t messages = leading_number(rest);
    if (messages == 0 || messages > messages_max || !rest.starts_with('/')) return wrong();
    rest.remove_prefix(1);
    const bool has_count = !rest.empty() && rest.front() >= '0' && rest.front() <= '9';
    const std::uint32_t count = has_count ? leading_number(rest) : 1;
    const std::int64_t unit = unit_ns(rest);
    if (count == 0 || count > count_max || unit == 0) return wrong();
    return Rate{messages, count * unit};
}

void RateLimit::fill(std::int64_t now_steady_ns) {
    if (has_begun_) {
        const auto passed = static_cast<double>(now_steady_ns - filled_ns_);
        tokens_ =
            std::min(static_cast<double>(rate_.messages),
                     tokens_ + passed * rate_.messages / static_cast<double>(rate_.within_ns));
    }
    has_begun_ = true;
    filled_ns_ = now_steady_ns;
}

bool RateLimit::take(std::int64_t now_steady_ns) {
    if (!is_limited()) return true;
    fill(now_steady_ns);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

std::int64_t RateLimit::wait_ns(std::int64_t now_steady_ns) {
    if (!is_limited()) return 0;
    fill(now_steady_ns);
    if (tokens_ >= 1) return 0;
    // Rounded up, so that who waits for so long finds one.
    const double one_ns = static_cast<double>(rate_.within_ns) / rate_.messages;
    return static_cast<std::int64_t>(std::ceil((1 - tokens_) * one_ns)) + 1;
}

}  // namespace pitot::agent::alerts::channels
