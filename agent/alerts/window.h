// What is remembered of the series of one feed: for each group a ring of slots.
//
// A flush is taken in three steps: begin_flush() moves all rings on, take_…() add the points
// of the interval to the newest slot, end_flush() closes it and forgets groups that nothing
// is left of. After that measure() answers for any group until the next flush begins.
//
// Memory is counted, and bounded from outside (Memory): without room no group is added, and
// a group that could not take what it should have has no data until that has left its
// window. Nothing is ever worked out from a part of the samples.
//
// For one thread.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <memory_resource>
#include <vector>

#include "agent/alerts/groups.h"
#include "agent/alerts/program.h"
#include "agent/alerts/value.h"
#include "protocol/distribution.h"
#include "protocol/snapshot.h"
#include "protocol/unique_count.h"

namespace pitot::agent::alerts {

// Counts what all windows of an engine take, against one bound.
class WindowMemory final : public std::pmr::memory_resource {
public:
    explicit WindowMemory(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    std::size_t used() const { return used_; }
    std::size_t bytes_max() const { return bytes_max_; }
    bool has_room_for(std::size_t bytes) const { return used_ + bytes <= bytes_max_; }
    // What is not allocated through here, but counts.
    void count(std::size_t bytes) { used_ += bytes; }
    void give_back(std::size_t bytes) { used_ -= bytes; }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void* pointer, std::size_t bytes, std::size_t alignment) override;
    bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }

    std::size_t bytes_max_;
    std::size_t used_ = 0;
};

// A group that absent() and age() know of, over a restart: how long it has been silent.
struct KnownGroup {
    GroupLabels labels = {};
    std::uint64_t silent_flushes = 0;  // since its last sample
    double silent_s = -1;              // likewise; negative: there was none

    bool operator==(const KnownGroup&) const = default;
};

class Window {
public:
    // `memory` outlives the window.
    Window(Feed feed, WindowMemory& memory);
    Window(Window&&) = default;

    const Feed& feed() const { return feed_; }
    const GroupTable& groups() const { return groups_; }

    // The group that a new series belongs to; no_group if there is no room for one more.
    GroupId add_series(GroupLabels labels);
    void remove_series(GroupId group);

    // `elapsed_s`: how long the interval was, by the steady clock.
    void begin_flush(double elapsed_s);
    void take_counter(GroupId group, const protocol::CounterPoint& point, double factor);
    // `set_at`: the flush that the gauge was last set in, by the count of flushes().
    void take_gauge(GroupId group, const protocol::GaugePoint& point, double factor,
                    std::uint64_t set_at);
    void take_timer(GroupId group, const protocol::TimerPoint& point, double factor);
    void take_set(GroupId group, const protocol::SetPoint& point);
    void end_flush();

    // Of Fold::presence, but for those that are expected anyway; others fill again.
    std::vector<KnownGroup> known_groups() const;
    // Before the first flush. One that there is no room for is left out.
    void restore(const KnownGroup& known);

    std::uint64_t flushes() const { return flush_; }
    // A function of this feed's fold. `rank` in [0, 1] is a percentile's. Of no_group: what it
    // comes to where nothing ever came, which is 0 for what is counted.
    Value measure(Function function, GroupId group, double rank) const;
    // increase(), with nothing for a group that is not there.
    Value amount(GroupId group) const;
    // Whether a window that is still filling says enough for an estimate.
    bool is_usable() const;
    // Whether it reaches back no further than to the start. Until then that something is not
    // there may be because nobody has listened for it yet.
    bool is_full() const;
    // Of absent(): nobody waits for this group any more.
    bool is_forgotten(GroupId group) const;

    // Groups that a series belongs to which there was no room for.
    std::uint64_t refused_groups() const { return refused_groups_; }
    // How many belong to it at present: in all, and to one group.
    std::uint64_t series() const { return series_; }
    std::uint32_t series(GroupId group) const { return states_[group].series; }
    // Bytes of its own, and of what its groups hold.
    std::size_t bytes() const;

private:
    struct GroupState {
        std::uint32_t series = 0;
        bool is_permanent = false;
        std::uint64_t gone_at = 0;        // the flush in which its last series was gone
        bool has_sampled = false;         // ever, also before the restart
        std::uint64_t first_at = 0;       // the flush in which it first had a level
        std::uint64_t sample_at = 0;      // of the last sample; 0: none yet
        std::uint64_t silent_before = 0;  // flushes without a sample before the first one
        double sample_s = 0;              // by clock_s_
        std::uint64_t damaged_until = 0;  // no data up to this flush
        // Of the present interval.
        std::uint64_t level_set_at = 0;
        double level = 0;
        bool has_level = false;
        double counted = 0;
        bool has_counter = false;
    };
    struct Moments {
        double count = 0;
        double sum = 0;
        double squares = 0;  // of the distances to the mean
        double minimum = 0;
        double maximum = 0;

        void add(const Moments& other);
    };

    // A level of which there is none.
    static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

    static protocol::HistogramShape sketch_shape();
    GroupId add_group(GroupLabels labels);
    std::size_t fixed_bytes() const;
    void forget_groups();
    std::uint64_t silent_flushes(const GroupState& state) const;
    bool is_given_up(const GroupState& state) const;
    void clear_slots(GroupId group);
    void clear_slot(std::size_t at);
    std::size_t cell(GroupId group, std::uint64_t slot) const {
        return std::size_t{group} * plan_.slots() + slot % plan_.slots();
    }
    std::size_t newest(GroupId group) const { return cell(group, slot_); }
    void note_sample(GroupState& state);
    protocol::Distribution* sketch_for(GroupId group);
    // Calls visit(cell) for the slots of the window, the oldest first.
    template <typename Visit>
    void each_slot(GroupId group, Visit visit) const;
    double window_seconds() const;

    Value total(GroupId group) const;
    Value of_moments(Function function, GroupId group) const;
    Value percentile(GroupId group, double rank) const;
    Value unique(GroupId group) const;
    Value level(GroupId group) const;
    Value change(Function function, GroupId group) const;
    Value slope(GroupId group) const;
    Value presence(Function function, GroupId group) const;
    Value of_nothing(Function function) const;
    bool has_begun() const;
    // A sum of what can only grow: a lower bound until the window is full.
    Value growing(double number) const;

    Feed feed_;
    SlotPlan plan_;
    WindowMemory* memory_;
    GroupTable groups_;
    std::vector<GroupState> states_;  // by group
    std::uint64_t flush_ = 0;         // of the present or last one, from 1
    std::uint64_t slot_ = 0;          // the newest one, from 0
    double clock_s_ = 0;              // elapsed since the first flush began
    std::uint64_t refused_groups_ = 0;
    std::uint64_t series_ = 0;
    std::vector<double> slot_seconds_;  // by slot: how long it is
    std::vector<double> slot_ends_;     // by slot: clock_s_ at its end

    // By cell; those that the fold uses.
    std::vector<double> numbers_;
    std::vector<double> levels_;
    std::vector<Moments> moments_;
    std::vector<std::unique_ptr<protocol::Distribution>> sketches_;
    std::vector<std::unique_ptr<protocol::UniqueCount>> members_;
};

}  // namespace pitot::agent::alerts
