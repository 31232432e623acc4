// The common numbers of the wire have few digits, and for them one multiplication or
// division is exact: up to 2^53 the digits are a double without rounding, and so are the
// powers of ten up to 10^22; IEEE 754 rounds the one operation between them correctly.
// (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990.)
// All other numbers go to std::from_chars.
#include "protocol/number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "protocol/limits.h"

namespace pitot::protocol {

namespace {

static_assert(std::numeric_limits<double>::is_iec559);

constexpr std::uint64_t exact_digits_max = 1ULL << 53U;
constexpr std::array<double, 23> powers_of_ten{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr std::int64_t exact_exponent_max = powers_of_ten.size() - 1;
// So many digits always fit 64 bits.
constexpr std::size_t safe_digits_max = 19;
// Beyond it every number is zero or too large, whatever its digits: a line cannot hold
// enough of them to make up for it.
constexpr std::int64_t exponent_cap = 1'000'000;

constexpr bool is_digit(char byte) noexcept {
    return byte >= '0' && byte <= '9';
}

// A number taken apart: digits * 10^exponent. `digits` has wrapped around if there are
// more than safe_digits_max of them.
struct Decimal {
    std::uint64_t digits = 0;
    std::size_t digit_count = 0;  // leading zeros included
    std::int64_t exponent = 0;
};

const char* read_digits(const char* at, const char* end, Decimal& out) noexcept {
    const char* const begin = at;
    for (; at != end && is_digit(*at); ++at) {
        out.digits = out.digits * 10 + static_cast<std::uint64_t>(*at - '0');
    }
    out.digit_count += static_cast<std::size_t>(at - begin);
    return at;
}

// -12.5e3
//  ^^^^^^     False if [at, end) is not of this form.
bool take_apart(const char* at, const char* end, Decimal& out) noexcept {
    at = read_digits(at, end, out);
    if (at != end && *at == '.') {
        const char* const point = ++at;
        at = read_digits(at, end, out);
        out.exponent = point - at;
    }
    if (out.digit_count == 0) return false;
    if (at == end) return true;
    if (*at != 'e' && *at != 'E') return false;
    ++at;

    // -12.5e-3
    //       ^^
    const bool negative = at != end && *at == '-';
    if (at != end && (*at == '-' || *at == '+')) ++at;
    if (at == end) return false;
    std::int64_t exponent = 0;
    for (; at != end; ++at) {
        if (!is_digit(*at)) return false;
        exponent = std::min(exponent * 10 + (*at - '0'), exponent_cap);
    }
    out.exponent += negative ? -exponent : exponent;
    return true;
}

// The slow way, for [begin, end) without a sign that take_apart() made `number` of.
bool read_with_library(const char* begin, const char* end, const Decimal& number,
                       double& out) noexcept {
    const auto [stop, error] = std::from_chars(begin, end, out);
    if (error == std::errc{}) return stop == end && std::isfinite(out);
    if (error != std::errc::result_out_of_range) return false;

    // Too large or too small, and a library may leave open which. The digits without the
    // leading zeros are one factor, the exponent the other:
    //     0.00012e-400   is 12 * 10^-405
    std::int64_t leading_zeros = 0;
    for (const char* at = begin; at != end && (*at == '0' || *at == '.'); ++at) {
        if (*at == '0') ++leading_zeros;
    }
    const auto significant = static_cast<std::int64_t>(number.digit_count) - leading_zeros;
    if (significant + number.exponent > 0) return false;
    out = 0;
    return true;
}

}  // namespace

bool parse_number(std::string_view text, double& out) noexcept {
    const char* begin = text.data();
    const char* const end = begin + text.size();
    if (begin == end) return false;
    const bool negative = *begin == '-';
    if (negative || *begin == '+') ++begin;

    Decimal number;
    if (!take_apart(begin, end, number)) return false;

    double value = 0;
    if (number.digit_count <= safe_digits_max && number.digits <= exact_digits_max &&
        number.exponent >= -exact_exponent_max && number.exponent <= exact_exponent_max) {
        value = static_cast<double>(number.digits);
        if (number.exponent < 0) {
            value /= powers_of_ten[static_cast<std::size_t>(-number.exponent)];
        } else {
            value *= powers_of_ten[static_cast<std::size_t>(number.exponent)];
        }
    } else if (!read_with_library(begin, end, number, value)) {
        return false;
    }
    out = negative ? -value : value;
    return true;
}

bool parse_sample_rate(std::string_view text, double& out) noexcept {
    double rate = 0;
    if (!parse_number(text, rate)) return false;
    if (rate == 0) rate = 1;
    if (rate < sample_rate_min || rate > 1) return false;
    out = rate;
    return true;
}

bool is_finite_weighted(Kind kind, double value, double sample_rate) noexcept {
    return kind == Kind::gauge || std::isfinite(value / sample_rate);
}

bool parse_whole(std::string_view text, std::uint64_t& out) noexcept {
    if (text.empty()) return false;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error != std::errc{} || stop != end) return false;
    out = value;
    return true;
}

}  // namespace pitot::protocol
