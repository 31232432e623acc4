#include "agent/alerts/evaluator.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

namespace pitot::agent::alerts {

// A program, and what it has worked out.
struct Evaluator::Running {
    Program program;
    bool zero_for_no_data = false;
    std::vector<std::uint32_t> windows;                               // by feed of the program
    std::vector<std::optional<Join>> joins;                           // by step
    std::vector<Column> columns;                                      // by step
    std::vector<std::unordered_map<std::string, Smoothed>> smoothed;  // by step
    std::optional<Join> shown;  // of the root and what is shown of it
};

namespace {

// Calls visit(group) for each one that is alive; once with 0 for a constant.
template <typename Visit>
void each_group(const GroupTable* groups, Visit visit) {
    if (groups == nullptr) {
        visit(GroupId{0});
        return;
    }
    for (GroupId group = 0; group < groups->all().size(); ++group) {
        if ((*groups)[group].is_alive) visit(group);
    }
}

std::size_t width(const GroupTable* groups) {
    return groups == nullptr ? 1 : groups->all().size();
}

Value changed(const Step& step, const Value& value) {
    if (step.type == Step::Type::negate) return negated(value);
    switch (step.function) {
        case Function::abs:
            return absolute(value);
        case Function::floor:
            return rounded_down(value);
        case Function::ceil:
            return rounded_up(value);
        default:
            return logarithm(value);
    }
}

bool is_logic(const Step& step) {
    return step.type == Step::Type::binary && is_logical(step.operation);
}

Outcome combined(const Step& step, const Outcome& a, const Outcome& b) {
    if (is_logic(step)) {
        const bool wants_both = step.operation == BinaryOperator::logical_and;
        return {.truth = wants_both ? both(a.truth, b.truth) : either(a.truth, b.truth)};
    }
    if (step.is_condition) return {.truth = compared(step.operation, a.value, b.value)};
    if (step.type == Step::Type::binary) {
        return {.value = calculated(step.operation, a.value, b.value)};
    }
    const bool wants_least = step.type == Step::Type::least;
    return {.value = wants_least ? least(a.value, b.value) : largest(a.value, b.value)};
}

}  // namespace

Evaluator::Evaluator(EvaluatorSettings settings)
    : settings_(std::move(settings)), memory_(settings_.state_bytes_max) {}

Evaluator::~Evaluator() = default;

ProgramId Evaluator::add(Program program, bool zero_for_no_data) {
    assert(flush_ == 0);
    auto running = std::make_unique<Running>();
    running->program = std::move(program);
    running->zero_for_no_data = zero_for_no_data;
    const Program& its = running->program;
    for (const Feed& feed : its.feeds) running->windows.push_back(window_for(feed));
    running->columns.resize(its.steps.size());
    running->smoothed.resize(its.steps.size());
    running->joins.resize(its.steps.size());
    for (StepId id = 0; id < its.steps.size(); ++id) {
        const Step& step = its.steps[id];
        if (step.type == Step::Type::ratio) {
            running->joins[id].emplace(its.feeds[step.feed].labels, its.feeds[step.divisor].labels);
        } else if (step.operands.size() == 2) {
            running->joins[id].emplace(its.steps[step.operands[0]].labels,
                                       its.steps[step.operands[1]].labels);
        }
    }
    running->shown.emplace(its.steps[its.root].labels, its.steps[its.value].labels);
    programs_.push_back(std::move(running));
    return static_cast<ProgramId>(programs_.size() - 1);
}

std::uint32_t Evaluator::window_for(const Feed& feed) {
    const auto found = std::ranges::find(windows_, feed, &Window::feed);
    const auto number = static_cast<std::uint32_t>(found - windows_.begin());
    if (found == windows_.end()) {
        matcher_.add(feed);
        windows_.emplace_back(feed, memory_);
    }
    return number;
}

// --- series

std::optional<double> Evaluator::factor_of(const Feed& feed, const protocol::Series& series) {
    const auto unit = settings_.unit_of ? settings_.unit_of(series.name()) : std::nullopt;
    const auto factor = alerts::factor_of(feed, series.kind, unit);
    if (!factor && usage_.unfit_series++ == 0) usage_.unfit_example = unfit_text(series, unit);
    return factor;
}

void Evaluator::bind(protocol::SeriesId id, const protocol::Series& series) {
    SeriesState& state = series_[id];
    state = {.birth = series.birth, .first = none};
    matcher_.match(series, [&](std::uint32_t number, GroupLabels labels) {
        Window& window = windows_[number];
        const auto factor = factor_of(window.feed(), series);
        if (!factor) return;
        const GroupId group = window.add_series(std::move(labels));
        if (group == no_group) return;
        std::uint32_t place = free_binding_;
        if (place == none) {
            place = static_cast<std::uint32_t>(bindings_.size());
            bindings_.emplace_back();
        } else {
            free_binding_ = bindings_[place].next;
        }
        bindings_[place] = {.window = number,
                            .group = group,
                            .factor = *factor,
                            .set_at = flush_,
                            .next = state.first};
        state.first = place;
        ++usage_.bound_series;
    });
}

void Evaluator::unbind(protocol::SeriesId id) {
    SeriesState& state = series_[id];
    while (state.first != none) {
        const std::uint32_t place = state.first;
        Binding& binding = bindings_[place];
        windows_[binding.window].remove_series(binding.group);
        state.first = binding.next;
        binding.next = free_binding_;
        free_binding_ = place;
        --usage_.bound_series;
    }
    state.birth = 0;
}

void Evaluator::take(const protocol::Snapshot& snapshot) {
    ++flush_;
    for (Window& window : windows_) window.begin_flush(snapshot.elapsed_s);
    if (series_.size() < snapshot.series.size()) series_.resize(snapshot.series.size());
    for (protocol::SeriesId id = 0; id < snapshot.series.size(); ++id) {
        const protocol::Series& series = snapshot.series[id];
        if (series_[id].birth == series.birth) continue;
        if (series_[id].birth != 0) unbind(id);
        if (series.birth != 0) bind(id, series);
    }
    take_points(snapshot);
    for (Window& window : windows_) window.end_flush();
    for (const auto& running : programs_) evaluate(*running);
}

void Evaluator::take_points(const protocol::Snapshot& snapshot) {
    const auto each = [&](protocol::SeriesId id, auto take) {
        for (std::uint32_t at = series_[id].first; at != none; at = bindings_[at].next) {
            Binding& binding = bindings_[at];
            take(windows_[binding.window], binding);
        }
    };
    for (const protocol::CounterPoint& point : snapshot.counters) {
        each(point.id, [&](Window& window, const Binding& binding) {
            window.take_counter(binding.group, point, binding.factor);
        });
    }
    for (const protocol::GaugePoint& point : snapshot.gauges) {
        each(point.id, [&](Window& window, Binding& binding) {
            if (point.updated) binding.set_at = flush_;
            window.take_gauge(binding.group, point, binding.factor, binding.set_at);
        });
    }
    for (const protocol::TimerPoint& point : snapshot.timers) {
        each(point.id, [&](Window& window, const Binding& binding) {
            window.take_timer(binding.group, point, binding.factor);
        });
    }
    for (const protocol::SetPoint& point : snapshot.sets) {
        each(point.id, [&](Window& window, const Binding& binding) {
            window.take_set(binding.group, point);
        });
    }
}

// --- evaluation

void Evaluator::evaluate(Running& running) {
    for (StepId id = 0; id < running.program.steps.size(); ++id) evaluate(running, id);
    const Program& its = running.program;
    running.shown->update(running.columns[its.root].groups, running.columns[its.value].groups);
}

Value Evaluator::value_at(const Column& column, GroupId group) {
    if (column.groups == nullptr) return column.values[0];
    if (group != no_group) return column.values[group];
    return column.is_filling ? Value::filling() : Value::no_data();
}

Truth Evaluator::truth_at(const Column& column, GroupId group) {
    if (column.groups == nullptr) return column.truths[0];
    if (group != no_group) return column.truths[group];
    return column.is_filling ? Truth::filling : Truth::no_data;
}

void Evaluator::evaluate(Running& running, StepId id) {
    const Step& step = running.program.steps[id];
    Column& out = running.columns[id];
    out.is_filling = std::ranges::any_of(
        step.operands, [&](StepId operand) { return running.columns[operand].is_filling; });
    switch (step.type) {
        case Step::Type::constant:
            out.values.assign(1, Value::exact(step.number));
            break;
        case Step::Type::measure:
            measure(running, step, out);
            break;
        case Step::Type::ratio:
            ratio(running, id, out);
            break;
        case Step::Type::ewma:
            smooth(running, id, out);
            break;
        case Step::Type::negate:
        case Step::Type::logical_not:
        case Step::Type::arithmetic:
            unary(step, running.columns[step.operands[0]], out);
            break;
        case Step::Type::binary:
        case Step::Type::least:
        case Step::Type::largest:
            binary(running, id, out);
            break;
    }
}

Value Evaluator::measured(const Running& running, const Step& step, GroupId group) const {
    const Window& window = windows_[running.windows[step.feed]];
    const Value value = window.measure(step.function, group, step.number);
    if (step.function == Function::age && value.known == Known::value) {
        return Value::exact(value.low * step.scale);
    }
    const bool replaces = running.zero_for_no_data && value.known == Known::no_data;
    return replaces ? Value::exact(0) : value;
}

void Evaluator::measure(Running& running, const Step& step, Column& out) const {
    const Window& window = windows_[running.windows[step.feed]];
    out.groups = &window.groups();
    out.is_filling = !window.is_full();
    out.values.resize(width(out.groups));
    each_group(out.groups,
               [&](GroupId group) { out.values[group] = measured(running, step, group); });
}

Value Evaluator::share(const Running& running, const Step& step, GroupId above,
                       GroupId below) const {
    const Window& numerators = windows_[running.windows[step.feed]];
    const Window& denominators = windows_[running.windows[step.divisor]];
    const double numerator = numerators.amount(above).low;
    const double denominator = denominators.amount(below).low;
    const bool is_usable = numerators.is_usable() && denominators.is_usable();
    // Whoever says how many are enough for a share needs not wait for a number of flushes.
    const bool has_floor = step.number > 0 && numerators.feed().offset_flushes == 0;
    const bool is_enough = has_floor && denominator >= step.number;
    if (!is_usable && !is_enough) return Value::filling();
    if (denominator > 0 && denominator >= step.number) {
        return Value::exact(numerator / denominator);
    }
    if (!numerators.is_full() || !denominators.is_full()) return Value::filling();
    return running.zero_for_no_data ? Value::exact(0) : Value::no_data();
}

void Evaluator::ratio(Running& running, StepId id, Column& out) const {
    const Step& step = running.program.steps[id];
    const Window& above = windows_[running.windows[step.feed]];
    const Window& below = windows_[running.windows[step.divisor]];
    Join& join = *running.joins[id];
    join.update(&above.groups(), &below.groups());
    out.groups = join.groups();
    out.is_filling = !above.is_full() || !below.is_full();
    out.values.resize(width(out.groups));
    each_group(out.groups, [&](GroupId group) {
        out.values[group] = share(running, step, join.left(group), join.right(group));
    });
}

void Evaluator::smooth(Running& running, StepId id, Column& out) const {
    const Step& step = running.program.steps[id];
    const Column& in = running.columns[step.operands[0]];
    auto& smoothed = running.smoothed[id];
    out.groups = in.groups;
    out.values.resize(width(out.groups));
    each_group(out.groups, [&](GroupId group) {
        const Value& value = in.values[group];
        const std::string key = in.groups == nullptr ? std::string{} : (*in.groups)[group].key;
        const auto known = smoothed.find(key);
        if (!value.is_exact()) {
            // Without a new one the last one stands.
            const bool stands = known != smoothed.end() && value.known == Known::no_data;
            if (known != smoothed.end()) known->second.at = flush_;
            out.values[group] = stands                        ? Value::exact(known->second.value)
                                : value.known == Known::value ? Value::filling()
                                                              : value;
            return;
        }
        double next = value.low;
        if (known != smoothed.end()) {
            next = step.number * value.low + (1 - step.number) * known->second.value;
        }
        smoothed[key] = {next, flush_};
        out.values[group] = Value::exact(next);
    });
    std::erase_if(smoothed, [&](const auto& entry) {
        const bool may_come = entry.second.at == 0 && flush_ <= smoothed_flushes_max;
        return entry.second.at != flush_ && !may_come;
    });
}

void Evaluator::unary(const Step& step, const Column& in, Column& out) {
    out.groups = in.groups;
    if (step.type == Step::Type::logical_not) {
        out.truths.resize(width(out.groups));
        each_group(out.groups,
                   [&](GroupId group) { out.truths[group] = inverted(in.truths[group]); });
        return;
    }
    out.values.resize(width(out.groups));
    each_group(out.groups,
               [&](GroupId group) { out.values[group] = changed(step, in.values[group]); });
}

void Evaluator::binary(Running& running, StepId id, Column& out) const {
    const Step& step = running.program.steps[id];
    const Column& left = running.columns[step.operands[0]];
    const Column& right = running.columns[step.operands[1]];
    Join& join = *running.joins[id];
    join.update(left.groups, right.groups);
    out.groups = join.groups();
    if (step.is_condition) {
        out.truths.resize(width(out.groups));
    } else {
        out.values.resize(width(out.groups));
    }
    const auto operand = [&](const Column& column, GroupId group) -> Outcome {
        if (is_logic(step)) return {.truth = truth_at(column, group)};
        return {.value = value_at(column, group)};
    };
    each_group(out.groups, [&](GroupId group) {
        const Outcome result =
            combined(step, operand(left, join.left(group)), operand(right, join.right(group)));
        if (step.is_condition) {
            out.truths[group] = result.truth;
        } else {
            out.values[group] = result.value;
        }
    });
}

// --- answers

const Program& Evaluator::program(ProgramId program) const {
    return programs_[program]->program;
}

Instance Evaluator::instance_of(const Running& running, GroupId group) {
    const Column& root = running.columns[running.program.root];
    const Column& shown = running.columns[running.program.value];
    const bool is_condition = running.program.steps[running.program.root].is_condition;
    return {.group = (*root.groups)[group],
            .truth = is_condition ? root.truths[group] : Truth::no_data,
            .value = value_at(shown, running.shown->right(group))};
}

void Evaluator::each_instance(ProgramId program,
                              const std::function<void(const Instance&)>& visit) const {
    const Running& running = *programs_[program];
    const GroupTable* const groups = running.columns[running.program.root].groups;
    if (groups == nullptr) return;  // before the first flush
    each_group(groups, [&](GroupId group) { visit(instance_of(running, group)); });
}

std::size_t Evaluator::instances(ProgramId program) const {
    const Running& running = *programs_[program];
    const GroupTable* const groups = running.columns[running.program.root].groups;
    return groups == nullptr ? 0 : groups->size();
}

std::optional<Instance> Evaluator::find(ProgramId program, std::string_view key) const {
    const Running& running = *programs_[program];
    const GroupTable* const groups = running.columns[running.program.root].groups;
    if (groups == nullptr) return std::nullopt;
    const GroupId group = groups->find(key);
    if (group == no_group) return std::nullopt;
    return instance_of(running, group);
}

Value Evaluator::value_of(ProgramId program, StepId step, const GroupLabels& labels) const {
    const Running& running = *programs_[program];
    const Column& column = running.columns[step];
    if (column.values.empty()) return Value::no_data();
    if (column.groups == nullptr) return column.values[0];
    const Labels& its = running.program.steps[step].labels;
    return value_at(column, column.groups->find(key_of(projected(labels, its))));
}

Outcome Evaluator::outcome(ProgramId program, const GroupLabels& labels) const {
    const Running& running = *programs_[program];
    std::vector<Outcome> outcomes;
    outcomes.reserve(running.program.steps.size());
    for (StepId id = 0; id < running.program.steps.size(); ++id) {
        outcomes.push_back(outcome(running, id, labels, outcomes));
    }
    return {.truth = outcomes[running.program.root].truth,
            .value = outcomes[running.program.value].value};
}

Outcome Evaluator::outcome(const Running& running, StepId id, const GroupLabels& labels,
                           const std::vector<Outcome>& before) const {
    const Step& step = running.program.steps[id];
    const auto group_in = [&](const Window& window) {
        return window.groups().find(key_of(projected(labels, window.feed().labels)));
    };
    switch (step.type) {
        case Step::Type::constant:
            return {.value = Value::exact(step.number)};
        case Step::Type::measure:
            return {.value =
                        measured(running, step, group_in(windows_[running.windows[step.feed]]))};
        case Step::Type::ratio:
            return {.value = share(running, step, group_in(windows_[running.windows[step.feed]]),
                                   group_in(windows_[running.windows[step.divisor]]))};
        case Step::Type::ewma: {
            const Column& column = running.columns[id];
            const GroupTable* const groups = column.groups;
            const GroupId group =
                groups == nullptr ? 0 : groups->find(key_of(projected(labels, step.labels)));
            if (group != no_group) return {.value = value_at(column, group)};
            // Nothing is remembered of it: it begins with what there is.
            const Value& value = before[step.operands[0]].value;
            const bool is_open = value.known == Known::value && !value.is_exact();
            return {.value = is_open ? Value::filling() : value};
        }
        case Step::Type::logical_not:
            return {.truth = inverted(before[step.operands[0]].truth)};
        case Step::Type::negate:
        case Step::Type::arithmetic:
            return {.value = changed(step, before[step.operands[0]].value)};
        case Step::Type::binary:
        case Step::Type::least:
        case Step::Type::largest:
            break;
    }
    return combined(step, before[step.operands[0]], before[step.operands[1]]);
}

bool Evaluator::is_forgotten(ProgramId program, const GroupLabels& labels) const {
    return std::ranges::any_of(programs_[program]->windows, [&](std::uint32_t number) {
        const Window& window = windows_[number];
        if (window.feed().known_flushes == 0) return false;
        return window.is_forgotten(
            window.groups().find(key_of(projected(labels, window.feed().labels))));
    });
}

// --- over a restart

namespace {

// Which series a feed is of, and by what they are grouped: what makes a group the same one.
std::string identity_of(const Feed& feed) {
    return to_text(Selector{.metric = feed.metric, .matches = feed.matches}) + " by " +
           to_text(feed.labels);
}

}  // namespace

EvaluatorMemory Evaluator::memory() const {
    EvaluatorMemory memory;
    for (const Window& window : windows_) {
        for (KnownGroup& group : window.known_groups()) {
            memory.known.push_back({identity_of(window.feed()), std::move(group)});
        }
    }
    for (const auto& running : programs_) {
        for (StepId step = 0; step < running->smoothed.size(); ++step) {
            for (const auto& [key, smoothed] : running->smoothed[step]) {
                memory.smoothed.push_back(
                    {to_text(running->program.expression), step, key, smoothed.value});
            }
        }
    }
    return memory;
}

void Evaluator::restore(const EvaluatorMemory& memory) {
    assert(flush_ == 0);
    for (Window& window : windows_) {
        if (window.feed().fold != Fold::presence) continue;
        const std::string identity = identity_of(window.feed());
        for (const EvaluatorMemory::Known& known : memory.known) {
            if (known.feed == identity) window.restore(known.group);
        }
    }
    if (memory.smoothed.empty()) return;
    for (const auto& running : programs_) {
        const std::string expression = to_text(running->program.expression);
        for (const EvaluatorMemory::Smoothed& smoothed : memory.smoothed) {
            const bool is_its = smoothed.expression == expression &&
                                smoothed.step < running->smoothed.size() &&
                                running->program.steps[smoothed.step].type == Step::Type::ewma;
            if (is_its) running->smoothed[smoothed.step][smoothed.key] = {smoothed.value, 0};
        }
    }
}

std::uint64_t Evaluator::known_generation() const {
    std::uint64_t sum = 0;
    for (const Window& window : windows_) {
        if (window.feed().fold == Fold::presence) sum += window.groups().generation();
    }
    return sum;
}

LeafReading Evaluator::read(ProgramId program, const Leaf& leaf, const GroupLabels& labels) const {
    const Running& running = *programs_[program];
    const Window& window = windows_[running.windows[leaf.feed]];
    const GroupId group = window.groups().find(key_of(projected(labels, window.feed().labels)));
    const std::uint32_t series = group == no_group ? 0 : window.series(group);
    if (leaf.is_amount) return {.value = window.amount(group), .series = series};
    return {.value = value_of(program, leaf.step, labels), .series = series};
}

std::uint64_t Evaluator::series_of(ProgramId program, const Leaf& leaf) const {
    return windows_[programs_[program]->windows[leaf.feed]].series();
}

std::vector<Leaf> leaves_of(const Program& program) {
    std::vector<Leaf> leaves;
    const Expression& expression = program.expression;
    for (StepId id = 0; id < program.steps.size(); ++id) {
        const Step& step = program.steps[id];
        if (step.type == Step::Type::measure) {
            leaves.push_back(
                {.step = id, .feed = step.feed, .text = to_text(expression, step.source)});
        }
        if (step.type != Step::Type::ratio) continue;
        const Call& call = std::get<Call>(expression[step.source].what);
        leaves.push_back({.step = id,
                          .feed = step.feed,
                          .is_amount = true,
                          .text = to_text(expression, call.arguments[0])});
        leaves.push_back({.step = id,
                          .feed = step.divisor,
                          .is_amount = true,
                          .text = to_text(expression, call.arguments[1])});
    }
    return leaves;
}

EvaluatorUsage Evaluator::usage() const {
    EvaluatorUsage usage = usage_;
    usage.state_bytes = memory_.used();
    for (const Window& window : windows_) usage.refused_groups += window.refused_groups();
    return usage;
}

}  // namespace pitot::agent::alerts
