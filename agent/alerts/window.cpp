#include "agent/alerts/window.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/alerts/limits.h"

namespace pitot::agent::alerts {

namespace {

bool takes_samples_only(const Feed& feed) {
    return !feed.holds_gauges;
}

}  // namespace

protocol::HistogramShape Window::sketch_shape() {
    return {.schema = protocol::HistogramShape{}.schema, .buckets_max = limits::sketch_buckets_max};
}

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

std::uint64_t Window::silent_flushes(const GroupState& state) const {
    return state.sample_at != 0 ? flush_ - state.sample_at : flush_ + state.silent_before;
}

// Of absent(): nobody waits for it any more.
bool Window::is_given_up(const GroupState& state) const {
    return feed_.known_flushes > 0 && !state.is_permanent &&
           silent_flushes(state) >= std::uint64_t{feed_.window_flushes} + feed_.known_flushes;
}

bool Window::is_forgotten(GroupId group) const {
    if (feed_.known_flushes == 0) return false;
    // One that found no room is not known, and not forgotten either.
    if (group == no_group) return refused_groups_ == 0;
    return is_given_up(states_[group]);
}

std::vector<KnownGroup> Window::known_groups() const {
    std::vector<KnownGroup> known;
    if (feed_.fold != Fold::presence) return known;
    for (GroupId group = 0; group < states_.size(); ++group) {
        const GroupState& state = states_[group];
        if (!groups_[group].is_alive || state.is_permanent || is_given_up(state)) continue;
        known.push_back({.labels = groups_[group].labels,
                         .silent_flushes = silent_flushes(state),
                         .silent_s = state.has_sampled ? clock_s_ - state.sample_s : -1});
    }
    return known;
}

void Window::restore(const KnownGroup& known) {
    assert(flush_ == 0 && feed_.fold == Fold::presence);
    const GroupId group = add_group(known.labels);
    if (group == no_group) return;
    GroupState& state = states_[group];
    state.silent_before = known.silent_flushes;
    state.has_sampled = known.silent_s >= 0;
    state.sample_s = -known.silent_s;
}

// A group without series stays for as long as something of it may be in a window, or it is
// missed.
void Window::forget_groups() {
    const std::uint64_t stays = std::uint64_t{plan_.slots()} * plan_.flushes_per_slot;
    for (GroupId group = 0; group < states_.size(); ++group) {
        const GroupState& state = states_[group];
        if (!groups_[group].is_alive || state.is_permanent || state.series > 0) continue;
        const bool is_over =
            feed_.known_flushes > 0 ? is_given_up(state) : flush_ - state.gone_at >= stays;
        if (!is_over) continue;
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
            numbers_[newest(group)] += values.total_sum() * factor;
            break;
        case Fold::above:
            numbers_[newest(group)] += values.count() - values.count_at_most(feed_.bound / factor);
            break;
        case Fold::moments: {
            const double spread = values.standard_deviation() * factor;
            moments_[newest(group)].add({.count = values.count(),
                                         .sum = values.total_sum() * factor,
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

}  // namespace pitot::agent::alerts
