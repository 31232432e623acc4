// Evaluates compiled expressions at each flush.
//
//     Evaluator evaluator(settings);
//     const ProgramId errors = evaluator.add(std::move(program));
//     evaluator.take(snapshot);                      // once for each flush, in order
//     evaluator.each_instance(errors, [](const Instance& instance) { … });
//
// take() looks for series that were born or have died since the last flush, reads the points
// that some expression refers to into the windows, and evaluates every expression. A point
// that nothing refers to costs one look at a number.
//
// An instance is one group of an expression: a set of labels with a truth and a value. What
// becomes of truths (pending, firing) is not decided here.
//
// For one thread: the flush's. Snapshots are not kept.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/alerts/groups.h"
#include "agent/alerts/matcher.h"
#include "agent/alerts/program.h"
#include "agent/alerts/value.h"
#include "agent/alerts/window.h"
#include "protocol/snapshot.h"

namespace pitot::agent::alerts {

using ProgramId = std::uint32_t;

struct EvaluatorSettings {
    // Of all windows together.
    std::size_t state_bytes_max = std::size_t{64} << 20;
    std::function<std::optional<Unit>(std::string_view)> unit_of = {};
};

// Lives until the next take().
struct Instance {
    const Group& group;
    Truth truth{};  // of a condition
    Value value;    // of what the expression shows; of a number, the number
};

// What an expression comes to for labels, whether there is a group that has them or not.
struct Outcome {
    Truth truth = Truth::no_data;  // of a condition
    Value value = {};              // of what it shows
};

// A place in an expression at which series are read: what an explanation shows of it. A
// ratio has two.
struct Leaf {
    StepId step = 0;
    std::uint32_t feed = 0;  // index into Program::feeds
    bool is_amount = false;  // one side of a ratio
    std::string text;        // "p95(checkout.time[5m])"; "errors", of a ratio
};
std::vector<Leaf> leaves_of(const Program& program);

struct LeafReading {
    Value value;
    std::uint32_t series = 0;  // that belong to its group at present
};

struct EvaluatorUsage {
    std::size_t state_bytes = 0;
    std::uint64_t bound_series = 0;    // pairs of series and feeds
    std::uint64_t refused_groups = 0;  // series whose group found no room; ever
    std::uint64_t unfit_series = 0;    // series that have not the unit they are compared in
    std::string unfit_example;         // "`x` is a gauge without a unit"; the first one's
};

// What an evaluator knows that does not come again with the lines: which groups absent() has
// seen, and what ewma() has smoothed. Windows fill again.
struct EvaluatorMemory {
    struct Known {
        std::string feed;  // which series, as text
        KnownGroup group = {};
    };
    struct Smoothed {
        std::string expression;  // as text
        StepId step = 0;
        std::string key;  // of the group
        double value = 0;
    };
    std::vector<Known> known = {};
    std::vector<Smoothed> smoothed = {};
};

class Evaluator {
public:
    explicit Evaluator(EvaluatorSettings settings);
    ~Evaluator();
    Evaluator(const Evaluator&) = delete;
    Evaluator& operator=(const Evaluator&) = delete;

    // Before the first take(). With `zero_for_no_data` what has no data is 0.
    ProgramId add(Program program, bool zero_for_no_data = false);

    void take(const protocol::Snapshot& snapshot);

    void each_instance(ProgramId program, const std::function<void(const Instance&)>& visit) const;
    // The instance of a key (Group::key), if it is there.
    std::optional<Instance> find(ProgramId program, std::string_view key) const;
    std::size_t instances(ProgramId program) const;
    // For labels of which no group is known, or not in every place: what was counted of them
    // is 0, and of all else there is no data. Neither is said before the window is full.
    Outcome outcome(ProgramId program, const GroupLabels& labels) const;
    // Whether absent() has forgotten this group in some place of the expression.
    bool is_forgotten(ProgramId program, const GroupLabels& labels) const;
    const Program& program(ProgramId program) const;
    // The value of one step for one instance's labels: for explanations.
    Value value_of(ProgramId program, StepId step, const GroupLabels& labels) const;
    LeafReading read(ProgramId program, const Leaf& leaf, const GroupLabels& labels) const;
    // Series that a leaf reads at present, of all groups.
    std::uint64_t series_of(ProgramId program, const Leaf& leaf) const;

    EvaluatorMemory memory() const;
    // After the last add() and before the first take(). What is of no program is left out.
    void restore(const EvaluatorMemory& memory);
    // Differs whenever other groups are known; how long they have been silent changes all the
    // time.
    std::uint64_t known_generation() const;

    std::uint64_t flushes() const { return flush_; }
    EvaluatorUsage usage() const;

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    // One series in one feed. Those of a series are a chain.
    struct Binding {
        std::uint32_t window = 0;
        GroupId group = no_group;
        double factor = 1;
        std::uint64_t set_at = 0;  // of a gauge: the flush in which it was set last
        std::uint32_t next = none;
    };
    // There is one for each series, whether a rule reads it or not.
    struct SeriesState {
        std::uint64_t birth = 0;
        std::uint32_t first = none;
    };
    struct Column {
        const GroupTable* groups = nullptr;  // null: one value for all
        // A window that it reads is not full: a group may be missing for that alone.
        bool is_filling = false;
        std::vector<Value> values;  // by group
        std::vector<Truth> truths;  // of conditions
    };
    struct Smoothed {
        double value = 0;
        std::uint64_t at = 0;  // the flush that last had it; 0: one before the restart
    };
    // How many flushes what was smoothed before a restart waits for its group.
    static constexpr std::uint64_t smoothed_flushes_max = 360;
    struct Running;

    std::uint32_t window_for(const Feed& feed);
    void bind(protocol::SeriesId id, const protocol::Series& series);
    void unbind(protocol::SeriesId id);
    std::optional<double> factor_of(const Feed& feed, const protocol::Series& series);
    void take_points(const protocol::Snapshot& snapshot);
    static Value value_at(const Column& column, GroupId group);
    static Truth truth_at(const Column& column, GroupId group);
    static Instance instance_of(const Running& running, GroupId group);
    void evaluate(Running& running);
    void evaluate(Running& running, StepId id);
    Value measured(const Running& running, const Step& step, GroupId group) const;
    void measure(Running& running, const Step& step, Column& out) const;
    Value share(const Running& running, const Step& step, GroupId above, GroupId below) const;
    void ratio(Running& running, StepId id, Column& out) const;
    void smooth(Running& running, StepId id, Column& out) const;
    void binary(Running& running, StepId id, Column& out) const;
    static void unary(const Step& step, const Column& in, Column& out);
    Outcome outcome(const Running& running, StepId id, const GroupLabels& labels,
                    const std::vector<Outcome>& before) const;

    EvaluatorSettings settings_;
    WindowMemory memory_;
    Matcher matcher_;
    std::vector<Window> windows_;
    std::vector<std::unique_ptr<Running>> programs_;
    std::vector<SeriesState> series_;  // by SeriesId
    std::vector<Binding> bindings_;
    std::uint32_t free_binding_ = none;
    std::uint64_t flush_ = 0;
    EvaluatorUsage usage_;
};

}  // namespace pitot::agent::alerts
