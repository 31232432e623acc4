// "20/m": a bucket that holds so many tokens and fills evenly; each message takes one.
//
// Time is passed in. Text is checked once, where the configuration is read.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace pitot::agent::alerts::channels {

struct Rate {
    std::uint32_t messages = 0;  // 0: no limit
    std::int64_t within_ns = 0;

    bool operator==(const Rate&) const = default;
};

// "20/m", "5/10s", "100/h", "none". The error is "must …, got …".
std::expected<Rate, std::string> parse_rate(std::string_view text);

class RateLimit {
public:
    explicit RateLimit(Rate rate) : rate_(rate), tokens_(rate.messages) {}

    bool is_limited() const { return rate_.messages != 0; }
    // False: not now.
    bool take(std::int64_t now_steady_ns);
    // How long until take() would succeed; 0: now.
    std::int64_t wait_ns(std::int64_t now_steady_ns);

private:
    void fill(std::int64_t now_steady_ns);

    Rate rate_;
    double tokens_;
    std::int64_t filled_ns_ = 0;
    bool has_begun_ = false;
};

}  // namespace pitot::agent::alerts::channels
