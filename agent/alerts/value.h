// What is known of a number or a condition at one flush.
//
// A window that is still filling knows only a part of the truth: ten errors so far are at
// least ten errors. So a Value is a range that the truth lies in, and a comparison that the
// rest of the window could still change has no result. An exact value is a range of one
// number. There may be none at all: because there is no data (a timer that nobody called, a
// division by zero), or because nothing can be said before the window has filled.
//
// Conditions have three-valued logic on top: no data is neither true nor false, and passes
// through `and` and `or` unless the other side decides alone.
#pragma once

#include <cstdint>
#include <limits>

#include "agent/alerts/expression.h"

namespace pitot::agent::alerts {

enum class Known : std::uint8_t { value, no_data, filling };

struct Value {
    double low = 0;
    double high = 0;
    Known known = Known::no_data;

    // No data if it is not finite.
    static Value exact(double number);
    static Value at_least(double number) {
        return {number, std::numeric_limits<double>::infinity(), Known::value};
    }
    static Value no_data() { return {0, 0, Known::no_data}; }
    static Value filling() { return {0, 0, Known::filling}; }

    bool is_exact() const { return known == Known::value && low == high; }
    // What a message shows; the bound of a range that has only one.
    double shown() const { return low == -std::numeric_limits<double>::infinity() ? high : low; }

    bool operator==(const Value&) const = default;
};

enum class Truth : std::uint8_t { no, yes, no_data, filling };

Value negated(const Value& value);
Value absolute(const Value& value);
Value rounded_down(const Value& value);
Value rounded_up(const Value& value);
Value logarithm(const Value& value);
Value least(const Value& a, const Value& b);
Value largest(const Value& a, const Value& b);
// add, subtract, multiply, divide.
Value calculated(BinaryOperator operation, const Value& a, const Value& b);

// > >= < <= == !=
Truth compared(BinaryOperator operation, const Value& a, const Value& b);
Truth both(Truth a, Truth b);
Truth either(Truth a, Truth b);
Truth inverted(Truth truth);

}  // namespace pitot::agent::alerts
