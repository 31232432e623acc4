// What a window says of a group: the functions of the language, each one over its slots.
#include <algorithm>
#include <cmath>

#include "agent/alerts/limits.h"
#include "agent/alerts/window.h"

namespace pitot::agent::alerts {

template <typename Visit>
void Window::each_slot(GroupId group, Visit visit) const {
    for (std::uint32_t back = plan_.slots(); back > plan_.offset_slots; --back) {
        if (back - 1 > slot_) continue;
        visit(cell(group, slot_ - (back - 1)), (slot_ - (back - 1)) % plan_.slots());
    }
}

bool Window::is_full() const {
    return flush_ >= std::uint64_t{feed_.window_flushes} + feed_.offset_flushes;
}

bool Window::is_usable() const {
    if (feed_.offset_flushes > 0) return is_full();
    return flush_ >= std::min(feed_.window_flushes, limits::estimate_flushes_min);
}

// With an offset nothing is known of what lies before the first flush.
bool Window::has_begun() const {
    return feed_.offset_flushes == 0 || is_full();
}

Value Window::growing(double number) const {
    if (!has_begun()) return Value::filling();
    return is_full() ? Value::exact(number) : Value::at_least(number);
}

double Window::window_seconds() const {
    double elapsed_s = 0;
    each_slot(0, [&](std::size_t, std::uint64_t place) { elapsed_s += slot_seconds_[place]; });
    return elapsed_s;
}

Value Window::amount(GroupId group) const {
    double sum = 0;
    if (group != no_group) {
        each_slot(group, [&](std::size_t at, std::uint64_t) { sum += numbers_[at]; });
    }
    return growing(sum);
}

Value Window::total(GroupId group) const {
    double flow = 0;
    double level = 0;
    each_slot(group, [&](std::size_t at, std::uint64_t) {
        flow += numbers_[at];
        level = levels_[at];
    });
    return growing(flow + level);
}

// A group that found no room may have anything.
Value Window::of_nothing(Function function) const {
    if (feed_.fold == Fold::presence) return Value::no_data();
    const bool is_counted = feed_.fold == Fold::amount || feed_.fold == Fold::total ||
                            feed_.fold == Fold::above || feed_.fold == Fold::members;
    if (!is_counted || refused_groups_ > 0) {
        return is_full() ? Value::no_data() : Value::filling();
    }
    if (function != Function::rate) return growing(0);
    return is_usable() ? Value::exact(0) : Value::filling();
}

Value Window::measure(Function function, GroupId group, double rank) const {
    if (group == no_group) return of_nothing(function);
    if (states_[group].damaged_until >= flush_) return Value::filling();
    switch (feed_.fold) {
        case Fold::amount:
            if (function != Function::rate) return amount(group);
            if (!is_usable()) return Value::filling();
            return calculated(BinaryOperator::divide, Value::exact(amount(group).low),
                              Value::exact(window_seconds()));
        case Fold::above:
            return amount(group);
        case Fold::total:
            return total(group);
        case Fold::moments:
            return of_moments(function, group);
        case Fold::sketch:
            return percentile(group, rank);
        case Fold::members:
            return unique(group);
        case Fold::level:
            return function == Function::last ? level(group) : change(function, group);
        case Fold::presence:
            return presence(function, group);
    }
    return Value::no_data();
}

Value Window::of_moments(Function function, GroupId group) const {
    Moments all;
    each_slot(group, [&](std::size_t at, std::uint64_t) { all.add(moments_[at]); });
    const bool is_maximum = function == Function::max;
    if (is_maximum ? !has_begun() : !is_usable()) return Value::filling();
    if (all.count <= 0) return is_full() ? Value::no_data() : Value::filling();
    switch (function) {
        case Function::avg:
            return Value::exact(all.sum / all.count);
        case Function::min:
            return Value::exact(all.minimum);
        case Function::max:
            return growing(all.maximum);
        default:
            return Value::exact(std::sqrt(all.squares / all.count));
    }
}

Value Window::percentile(GroupId group, double rank) const {
    if (!is_usable()) return Value::filling();
    const protocol::Distribution* only = nullptr;
    std::size_t slots = 0;
    each_slot(group, [&](std::size_t at, std::uint64_t) {
        if (!sketches_[at]) return;
        only = sketches_[at].get();
        ++slots;
    });
    if (slots == 0) return is_full() ? Value::no_data() : Value::filling();
    if (slots == 1) {
        return Value::exact(protocol::DistributionView::sketched(*only).quantile(rank));
    }
    protocol::Distribution all(sketch_shape());
    each_slot(group, [&](std::size_t at, std::uint64_t) {
        if (sketches_[at]) all.merge(*sketches_[at]);
    });
    return Value::exact(protocol::DistributionView::sketched(all).quantile(rank));
}

Value Window::unique(GroupId group) const {
    protocol::UniqueCount all;
    each_slot(group, [&](std::size_t at, std::uint64_t) {
        if (members_[at]) all.merge(*members_[at]);
    });
    return growing(all.estimate());
}

Value Window::level(GroupId group) const {
    // The window of a value is its age, and not a number of slots.
    if (flush_ <= feed_.offset_flushes) return Value::filling();
    const std::uint64_t slot = slot_ - std::min<std::uint64_t>(slot_, plan_.offset_slots);
    const double value = levels_[cell(group, slot)];
    if (!std::isnan(value)) return Value::exact(value);
    return is_full() ? Value::no_data() : Value::filling();
}

// delta and deriv: of a group that has been there for the whole window.
Value Window::change(Function function, GroupId group) const {
    const GroupState& state = states_[group];
    const std::uint64_t needed = std::uint64_t{feed_.window_flushes} + feed_.offset_flushes;
    const bool is_known = state.first_at != 0 && flush_ - state.first_at + 1 >= needed;
    if (!is_full()) return Value::filling();
    if (!is_known) return state.series == 0 ? Value::no_data() : Value::filling();
    if (function == Function::deriv) return slope(group);
    double first = nothing;
    double last = nothing;
    each_slot(group, [&](std::size_t at, std::uint64_t) {
        if (std::isnan(levels_[at])) return;
        if (std::isnan(first)) first = levels_[at];
        last = levels_[at];
    });
    return Value::exact(last - first);
}

// Least squares, around the means so that large times and values cancel.
Value Window::slope(GroupId group) const {
    double count = 0;
    double time_sum = 0;
    double value_sum = 0;
    each_slot(group, [&](std::size_t at, std::uint64_t place) {
        if (std::isnan(levels_[at])) return;
        count += 1;
        time_sum += slot_ends_[place];
        value_sum += levels_[at];
    });
    if (count < 2) return Value::no_data();
    double products = 0;
    double squares = 0;
    each_slot(group, [&](std::size_t at, std::uint64_t place) {
        if (std::isnan(levels_[at])) return;
        const double time = slot_ends_[place] - time_sum / count;
        products += time * (levels_[at] - value_sum / count);
        squares += time * time;
    });
    return Value::exact(products / squares);
}

Value Window::presence(Function function, GroupId group) const {
    const GroupState& state = states_[group];
    if (function == Function::series) return Value::exact(state.series);
    if (function == Function::age) {
        return state.has_sampled ? Value::exact(clock_s_ - state.sample_s) : Value::no_data();
    }
    const bool is_here = state.sample_at != 0 && flush_ - state.sample_at < feed_.window_flushes;
    if (is_here) return Value::exact(0);
    if (is_given_up(state)) return Value::no_data();
    return is_full() ? Value::exact(1) : Value::filling();
}

}  // namespace pitot::agent::alerts
