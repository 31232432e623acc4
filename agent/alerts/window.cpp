#include "agent/alerts/window.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

#include "agent/alerts/limits.h"

namespace pitot::agent::alerts {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

protocol::HistogramShape sketch_shape() {
    return {.schema = protocol::HistogramShape{}.schema, .buckets_max = limits::sketch_buckets_max};
}

bool takes_samples_only(const Feed& feed) {
    return !feed.holds_gauges;
}

}  // namespace

void* WindowMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
    void* const pointer = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    used_ += bytes;
    return pointer;
}

void WindowMemory::do_deallocate(void* pointer, std::size_t bytes, std::size_t alignment) {
    std::pmr::new_delete_resource()->deallocate(pointer, bytes, alignment);
    used_ -= bytes;
}

void Window::Moments::add(const Moments& other) {
    if (other.count <= 0) return;
    if (count <= 0) {
        *this = other;
        return;
    }
    // Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
    // sample variances", 1979.
    const double distance = other.sum / other.count - sum / count;
    squares += other.squares + distance * distance * (count * other.count / (count + other.count));
    count += other.count;
    sum += other.sum;
    minimum = std::min(minimum, other.minimum);
    maximum = std::max(maximum, other.maximum);
}

Window::Window(Feed feed, WindowMemory& memory)
    : feed_(std::move(feed)),
      plan_(slot_plan(feed_)),
      memory_(&memory),
      slot_seconds_(plan_.slots()),
      slot_ends_(plan_.slots()) {
    // Merged series are one group, whether there are any or not: nothing counted is 0.
    if (feed_.labels.is_empty()) {
        if (const GroupId group = add_group({}); group != no_group) {
            states_[group].is_permanent = true;
        }
    }
    for (const GroupLabels& labels : feed_.expected) {
        const GroupId group = add_group(projected(labels, feed_.labels));
        if (group != no_group) states_[group].is_permanent = true;
    }
}

// --- groups

std::size_t Window::fixed_bytes() const {
    constexpr std::size_t pointer_bytes = sizeof(void*);
    const bool has_pointers = feed_.fold == Fold::sketch || feed_.fold == Fold::members;
    if (has_pointers) {
        constexpr std::size_t group_bytes = 512;
        return group_bytes + plan_.slots() * pointer_bytes;
    }
    return group_bytes_max(feed_);
}

GroupId Window::add_group(GroupLabels labels) {
    const GroupId known = groups_.find(key_of(labels));
    if (known != no_group) return known;
    if (!memory_->has_room_for(fixed_bytes())) {
        ++refused_groups_;
        return no_group;
    }
    memory_->count(fixed_bytes());
    const GroupId group = groups_.add(std::move(labels));
    if (states_.size() <= group) {
        states_.resize(group + 1);
        const std::size_t cells = std::size_t{group + 1} * plan_.slots();
        switch (feed_.fold) {
            case Fold::total:
                levels_.resize(cells, 0);
                [[fallthrough]];
            case Fold::amount:
            case Fold::above:
                numbers_.resize(cells, 0);
                break;
            case Fold::moments:
                moments_.resize(cells);
                break;
            case Fold::sketch:
                sketches_.resize(cells);
                break;
            case Fold::members:
                members_.resize(cells);
                break;
            case Fold::level:
                levels_.resize(cells, nothing);
                break;
            case Fold::presence:
                break;
        }
    }
    states_[group] = {};
    clear_slots(group);
    return group;
}

GroupId Window::add_series(GroupLabels labels) {
    const GroupId group = add_group(std::move(labels));
    if (group == no_group) return group;
    ++states_[group].series;
    states_[group].gone_before = 0;
    ++series_;
    return group;
}

void Window::remove_series(GroupId group) {
    GroupState& state = states_[group];
    assert(state.series > 0);
    --series_;
    if (--state.series == 0) state.gone_at = flush_;
}

void Window::clear_slots(GroupId group) {
    for (std::uint32_t slot = 0; slot < plan_.slots(); ++slot) clear_slot(cell(group, slot));
}

void Window::clear_slot(std::size_t at) {
    switch (feed_.fold) {
        case Fold::total:
            levels_[at] = 0;
            [[fallthrough]];
        case Fold::amount:
        case Fold::above:
            numbers_[at] = 0;
            break;
        case Fold::moments:
            moments_[at] = {};
            break;
        case Fold::sketch:
            sketches_[at].reset();
            break;
        case Fold::members:
            members_[at].reset();
            break;
        case Fold::level:
            levels_[at] = nothing;
            break;
        case Fold::presence:
            break;
    }
}

// A group without series stays for as long as something of it may be in a window.
std::uint64_t Window::stays_flushes() const {
    return std::max<std::uint64_t>(std::uint64_t{plan_.slots()} * plan_.flushes_per_slot,
                                   feed_.known_flushes);
}

std::vector<KnownGroup> Window::known_groups() const {
    std::vector<KnownGroup> known;
    if (feed_.fold != Fold::presence) return known;
    for (GroupId group = 0; group < states_.size(); ++group) {
        const GroupState& state = states_[group];
        if (!groups_[group].is_alive) continue;
        known.push_back(
            {.labels = groups_[group].labels,
             .gone_flushes = state.series > 0 ? 0 : flush_ - state.gone_at + state.gone_before,
             .silent_s = state.has_sampled ? clock_s_ - state.sample_s : -1});
    }
    return known;
}

void Window::restore(const KnownGroup& known) {
    assert(flush_ == 0 && feed_.fold == Fold::presence);
    if (known.gone_flushes >= stays_flushes()) return;
    const GroupId group = add_group(known.labels);
    if (group == no_group) return;
    GroupState& state = states_[group];
    state.gone_before = known.gone_flushes;
    state.has_sampled = known.silent_s >= 0;
    state.sample_s = -known.silent_s;
}

void Window::forget_groups() {
    const std::uint64_t stays = stays_flushes();
    for (GroupId group = 0; group < states_.size(); ++group) {
        const GroupState& state = states_[group];
        if (!groups_[group].is_alive || state.is_permanent || state.series > 0) continue;
        if (flush_ - state.gone_at + state.gone_before < stays) continue;
        clear_slots(group);
        groups_.remove(group);
        memory_->give_back(fixed_bytes());
    }
}

// --- taking a flush

void Window::begin_flush(double elapsed_s) {
    ++flush_;
    clock_s_ += elapsed_s;
    const bool opens = (flush_ - 1) % plan_.flushes_per_slot == 0;
    slot_ = (flush_ - 1) / plan_.flushes_per_slot;
    const std::uint64_t place = slot_ % plan_.slots();
    if (opens) {
        slot_seconds_[place] = 0;
        if (feed_.fold != Fold::presence) {
            for (GroupId group = 0; group < states_.size(); ++group) clear_slot(newest(group));
        }
    }
    slot_seconds_[place] += elapsed_s;
    slot_ends_[place] = clock_s_;
    const bool has_interval_state = feed_.fold == Fold::level || feed_.fold == Fold::total;
    if (!has_interval_state) return;
    for (GroupState& state : states_) {
        state.level = 0;
        state.has_level = false;
        state.counted = 0;
        state.has_counter = false;
    }
}

void Window::note_sample(GroupState& state) {
    state.sample_at = flush_;
    state.sample_s = clock_s_;
    state.has_sampled = true;
}

void Window::take_counter(GroupId group, const protocol::CounterPoint& point, double factor) {
    GroupState& state = states_[group];
    switch (feed_.fold) {
        case Fold::amount:
            numbers_[newest(group)] += point.delta;
            break;
        case Fold::total:
            numbers_[newest(group)] += point.delta * factor;
            break;
        case Fold::level:
            state.has_counter = true;
            state.counted += point.delta * factor;
            break;
        case Fold::presence:
            if (point.updated) note_sample(state);
            break;
        default:
            break;
    }
}

void Window::take_gauge(GroupId group, const protocol::GaugePoint& point, double factor,
                        std::uint64_t set_at) {
    GroupState& state = states_[group];
    const double value = point.value * factor;
    switch (feed_.fold) {
        case Fold::total:
            state.level += value;
            break;
        case Fold::moments:
            if (takes_samples_only(feed_) && !point.updated) break;
            moments_[newest(group)].add(
                {.count = 1, .sum = value, .squares = 0, .minimum = value, .maximum = value});
            break;
        case Fold::level: {
            // A window on a value says how old it may be, except where change is measured.
            const bool is_old = takes_samples_only(feed_) && feed_.ages_levels &&
                                flush_ - set_at >= feed_.window_flushes;
            if (is_old) break;
            // Of several the one that was set last, of those the largest.
            const bool is_newer = !state.has_level || set_at > state.level_set_at ||
                                  (set_at == state.level_set_at && value > state.level);
            if (is_newer) {
                state.level = value;
                state.level_set_at = set_at;
                state.has_level = true;
            }
            break;
        }
        case Fold::presence:
            if (point.updated) note_sample(state);
            break;
        default:
            break;
    }
}

void Window::take_timer(GroupId group, const protocol::TimerPoint& point, double factor) {
    if (!point.updated) return;
    const protocol::DistributionView& values = point.values;
    switch (feed_.fold) {
        case Fold::amount:
            numbers_[newest(group)] += values.count();
            break;
        case Fold::total:
            numbers_[newest(group)] += values.sum() * factor;
            break;
        case Fold::above:
            numbers_[newest(group)] += values.count() - values.count_at_most(feed_.bound / factor);
            break;
        case Fold::moments: {
            const double spread = values.standard_deviation() * factor;
            moments_[newest(group)].add({.count = values.count(),
                                         .sum = values.sum() * factor,
                                         .squares = spread * spread * values.count(),
                                         .minimum = values.minimum() * factor,
                                         .maximum = values.maximum() * factor});
            break;
        }
        case Fold::sketch:
            if (protocol::Distribution* const sketch = sketch_for(group)) values.add_to(*sketch);
            break;
        case Fold::presence:
            note_sample(states_[group]);
            break;
        default:
            break;
    }
}

// Null where there is no room.
protocol::Distribution* Window::sketch_for(GroupId group) {
    auto& sketch = sketches_[newest(group)];
    // From here on sketches grow no further than any values need.
    constexpr std::size_t short_share = 4;
    const bool is_short = memory_->used() > memory_->bytes_max() / short_share * (short_share - 1);
    if (!sketch) {
        const std::size_t bytes =
            sizeof(protocol::Distribution) + 2 * protocol::buckets_max_min * sizeof(double);
        if (!memory_->has_room_for(bytes)) {
            states_[group].damaged_until =
                flush_ + std::uint64_t{plan_.slots()} * plan_.flushes_per_slot;
            return nullptr;
        }
        sketch = std::make_unique<protocol::Distribution>(sketch_shape(), memory_);
    }
    if (is_short) sketch->limit_growth(protocol::buckets_max_min);
    return sketch.get();
}

void Window::take_set(GroupId group, const protocol::SetPoint& point) {
    if (!point.updated) return;
    if (feed_.fold == Fold::presence) note_sample(states_[group]);
    if (feed_.fold != Fold::members || point.members == nullptr) return;
    auto& members = members_[newest(group)];
    // Registers come at once, when there are many members.
    constexpr std::size_t registers_bytes = std::size_t{1} << protocol::UniqueCount::precision_bits;
    if (!memory_->has_room_for(sizeof(protocol::UniqueCount) + registers_bytes)) {
        states_[group].damaged_until =
            flush_ + std::uint64_t{plan_.slots()} * plan_.flushes_per_slot;
        return;
    }
    if (!members) members = std::make_unique<protocol::UniqueCount>(memory_);
    members->merge(*point.members);
}

void Window::end_flush() {
    if (feed_.fold == Fold::total || feed_.fold == Fold::level) {
        for (GroupId group = 0; group < states_.size(); ++group) {
            if (!groups_[group].is_alive) continue;
            GroupState& state = states_[group];
            double& slot = levels_[newest(group)];
            if (feed_.fold == Fold::total) {
                slot = state.level;
                continue;
            }
            if (state.has_level || state.has_counter) {
                slot = state.has_level ? state.level : state.counted;
                if (state.first_at == 0) state.first_at = flush_;
            } else {
                slot = nothing;
            }
        }
    }
    forget_groups();
}

std::size_t Window::bytes() const {
    std::size_t bytes = groups_.size() * fixed_bytes();
    for (const auto& sketch : sketches_) {
        if (sketch) bytes += sizeof(protocol::Distribution);
    }
    return bytes;
}

// --- answers

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

Value Window::measure(Function function, GroupId group, double rank) const {
    if (group == no_group) return Value::no_data();
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
    return std::isnan(value) ? Value::no_data() : Value::exact(value);
}

// delta and deriv: of a group that has been there for the whole window.
Value Window::change(Function function, GroupId group) const {
    const GroupState& state = states_[group];
    const std::uint64_t needed = std::uint64_t{feed_.window_flushes} + feed_.offset_flushes;
    const bool is_known = state.first_at != 0 && flush_ - state.first_at + 1 >= needed;
    if (!is_full() || !is_known) return state.series == 0 ? Value::no_data() : Value::filling();
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
    // Missed for too long, while its series may still be known for reasons of their own.
    const bool is_given_up =
        !state.is_permanent &&
        flush_ - state.sample_at >= std::uint64_t{feed_.window_flushes} + feed_.known_flushes;
    if (is_given_up) return Value::no_data();
    return is_full() ? Value::exact(1) : Value::filling();
}

}  // namespace pitot::agent::alerts
