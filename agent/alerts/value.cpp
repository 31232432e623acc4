#include "agent/alerts/value.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pitot::agent::alerts {

namespace {

Known missing_of(const Value& a, const Value& b) {
    if (a.known == Known::filling || b.known == Known::filling) return Known::filling;
    if (a.known == Known::no_data || b.known == Known::no_data) return Known::no_data;
    return Known::value;
}

Value range(double low, double high) {
    if (low == high) return Value::exact(low);
    const double infinity = std::numeric_limits<double>::infinity();
    if (std::isnan(low) || std::isnan(high) || (low == -infinity && high == infinity)) {
        return Value::filling();
    }
    return {low, high, Known::value};
}

// The range of the results at the corners, which for these operations holds all others.
template <typename Operation>
Value from_corners(const Value& a, const Value& b, Operation operation) {
    const std::array corners{operation(a.low, b.low), operation(a.low, b.high),
                             operation(a.high, b.low), operation(a.high, b.high)};
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const double corner : corners) {
        if (std::isnan(corner)) continue;  // of two infinities, whose neighbours are corners too
        low = std::min(low, corner);
        high = std::max(high, corner);
    }
    return range(low, high);
}

double calculated(BinaryOperator operation, double a, double b) {
    switch (operation) {
        case BinaryOperator::add:
            return a + b;
        case BinaryOperator::subtract:
            return a - b;
        // Of a bound that is nothing and one that is unknown the product is nothing.
        case BinaryOperator::multiply:
            return a == 0 || b == 0 ? 0 : a * b;
        default:
            return a / b;
    }
}

}  // namespace

Value Value::exact(double number) {
    if (!std::isfinite(number)) return no_data();
    return {number, number, Known::value};
}

Value negated(const Value& value) {
    if (value.known != Known::value) return value;
    return {-value.high, -value.low, Known::value};
}

Value absolute(const Value& value) {
    if (value.known != Known::value || value.low >= 0) return value;
    if (value.high <= 0) return negated(value);
    return range(0, std::max(-value.low, value.high));
}

Value rounded_down(const Value& value) {
    if (value.known != Known::value) return value;
    return {std::floor(value.low), std::floor(value.high), Known::value};
}

Value rounded_up(const Value& value) {
    if (value.known != Known::value) return value;
    return {std::ceil(value.low), std::ceil(value.high), Known::value};
}

Value logarithm(const Value& value) {
    if (value.known != Known::value) return value;
    if (value.low <= 0) return value.is_exact() ? Value::no_data() : Value::filling();
    return range(std::log10(value.low), std::log10(value.high));
}

Value least(const Value& a, const Value& b) {
    const Known known = missing_of(a, b);
    if (known != Known::value) return {0, 0, known};
    return range(std::min(a.low, b.low), std::min(a.high, b.high));
}

Value largest(const Value& a, const Value& b) {
    const Known known = missing_of(a, b);
    if (known != Known::value) return {0, 0, known};
    return range(std::max(a.low, b.low), std::max(a.high, b.high));
}

Value calculated(BinaryOperator operation, const Value& a, const Value& b) {
    const Known known = missing_of(a, b);
    if (known != Known::value) return {0, 0, known};
    const bool divides_by_zero = operation == BinaryOperator::divide && b.low <= 0 && b.high >= 0;
    if (divides_by_zero) return b.is_exact() ? Value::no_data() : Value::filling();
    if (a.is_exact() && b.is_exact()) return Value::exact(calculated(operation, a.low, b.low));
    return from_corners(a, b, [&](double x, double y) { return calculated(operation, x, y); });
}

Truth compared(BinaryOperator operation, const Value& a, const Value& b) {
    const Known known = missing_of(a, b);
    if (known == Known::filling) return Truth::filling;
    if (known == Known::no_data) return Truth::no_data;
    const auto decided = [](bool yes, bool no) {
        return yes ? Truth::yes : no ? Truth::no : Truth::filling;
    };
    const bool disjoint = a.high < b.low || b.high < a.low;
    const bool equal = a.is_exact() && b.is_exact() && a.low == b.low;
    switch (operation) {
        case BinaryOperator::greater:
            return decided(a.low > b.high, a.high <= b.low);
        case BinaryOperator::greater_equal:
            return decided(a.low >= b.high, a.high < b.low);
        case BinaryOperator::less:
            return decided(a.high < b.low, a.low >= b.high);
        case BinaryOperator::less_equal:
            return decided(a.high <= b.low, a.low > b.high);
        case BinaryOperator::equal:
            return decided(equal, disjoint);
        default:
            return decided(disjoint, equal);
    }
}

Truth both(Truth a, Truth b) {
    if (a == Truth::no || b == Truth::no) return Truth::no;
    if (a == Truth::filling || b == Truth::filling) return Truth::filling;
    if (a == Truth::no_data || b == Truth::no_data) return Truth::no_data;
    return Truth::yes;
}

Truth either(Truth a, Truth b) {
    return inverted(both(inverted(a), inverted(b)));
}

Truth inverted(Truth truth) {
    if (truth == Truth::yes) return Truth::no;
    return truth == Truth::no ? Truth::yes : truth;
}

}  // namespace pitot::agent::alerts
