#include "agent/alerts/state_file.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "agent/alerts/saved_file.h"

namespace pitot::agent::alerts {

namespace {

constexpr FileFormat format{.magic = "pitot-alerts", .version = 2};

// Bounds of what is read, so that a damaged length allocates nothing. They are wider than
// what is ever written.
constexpr std::size_t labels_per_instance_max = 1'024;
constexpr std::size_t changes_max = 1'024;
constexpr std::uint64_t silent_flushes_max = std::uint64_t{1} << 40U;

constexpr const char* damaged = "must hold what its header says, is damaged";

void write_labels(BinaryWriter& out, const GroupLabels& labels) {
    out.number(labels.size(), 4);
    for (const Label& label : labels) {
        out.text(label.name);
        out.text(label.value);
    }
}

GroupLabels read_labels(BinaryReader& in) {
    GroupLabels labels;
    const std::uint64_t count = in.up_to(labels_per_instance_max, 4);
    for (std::uint64_t i = 0; i < count && in.is_good(); ++i) {
        std::string name = in.text();
        labels.push_back({std::move(name), in.text()});
    }
    return labels;
}

void write_instance(BinaryWriter& out, const SavedInstance& instance) {
    out.text(instance.rule);
    write_labels(out, instance.labels);
    const InstanceState& state = instance.state;
    out.number(static_cast<std::uint64_t>(state.phase), 1);
    out.number(static_cast<std::uint64_t>(state.reason), 1);
    out.number(state.level, 1);
    out.number(state.told_level, 1);
    out.number(state.is_flapping ? 1 : 0, 1);
    // Of a stale one it matters only that it is: nobody knows what was in between.
    out.number(state.stale_since_ns != 0 ? 1 : 0, 1);
    out.span(state.phase_since_ns);
    out.unix_time(state.started_wall_ns);
    out.span(state.started_ns);
    out.span(state.kept_ns);
    out.real(state.value);
    out.real(state.peak);
    for (const std::int64_t held : state.held_ns) out.span(held);
    for (const std::uint64_t bits : state.evaluations) out.number(bits);
    out.number(state.changes.size(), 4);
    for (const std::int64_t change : state.changes) out.span(change);
}

// Nothing for one that cannot be: what fires does so at a level.
std::optional<SavedInstance> read_instance(BinaryReader& in) {
    SavedInstance instance;
    instance.rule = in.text();
    instance.labels = read_labels(in);
    InstanceState& state = instance.state;
    state.phase = static_cast<Phase>(in.up_to(3, 1));
    state.reason = static_cast<Reason>(in.up_to(3, 1));
    state.level = static_cast<std::uint8_t>(in.up_to(levels_max, 1));
    state.told_level = static_cast<std::uint8_t>(in.up_to(levels_max, 1));
    state.is_flapping = in.up_to(1, 1) != 0;
    state.stale_since_ns = static_cast<std::int64_t>(in.up_to(1, 1));
    state.phase_since_ns = in.span();
    state.started_wall_ns = in.unix_time();
    state.started_ns = in.span();
    state.kept_ns = in.span();
    state.value = in.real();
    state.peak = in.real();
    for (std::int64_t& held : state.held_ns) held = in.span();
    for (std::uint64_t& bits : state.evaluations) bits = in.number();
    const std::uint64_t changes = in.up_to(changes_max, 4);
    for (std::uint64_t i = 0; i < changes && in.is_good(); ++i) state.changes.push_back(in.span());
    if (!in.is_good() || state.is_active() != (state.level > 0)) return std::nullopt;
    return instance;
}

void write_memory(BinaryWriter& out, const EvaluatorMemory& memory) {
    out.number(memory.known.size(), 4);
    for (const EvaluatorMemory::Known& known : memory.known) {
        out.text(known.feed);
        write_labels(out, known.group.labels);
        out.number(known.group.silent_flushes);
        out.real(known.group.silent_s);
    }
    out.number(memory.smoothed.size(), 4);
    for (const EvaluatorMemory::Smoothed& smoothed : memory.smoothed) {
        out.text(smoothed.expression);
        out.number(smoothed.step, 4);
        out.text(smoothed.key);
        out.real(smoothed.value);
    }
}

EvaluatorMemory read_memory(BinaryReader& in) {
    EvaluatorMemory memory;
    const std::uint64_t known = in.number(4);
    for (std::uint64_t i = 0; i < known && in.is_good(); ++i) {
        EvaluatorMemory::Known& one = memory.known.emplace_back();
        one.feed = in.text();
        one.group.labels = read_labels(in);
        one.group.silent_flushes = in.up_to(silent_flushes_max, 8);
        one.group.silent_s = in.real();
    }
    const std::uint64_t smoothed = in.number(4);
    for (std::uint64_t i = 0; i < smoothed && in.is_good(); ++i) {
        EvaluatorMemory::Smoothed& one = memory.smoothed.emplace_back();
        one.expression = in.text();
        one.step = static_cast<StepId>(in.number(4));
        one.key = in.text();
        one.value = in.real();
    }
    return memory;
}

}  // namespace

std::string encode(const SavedState& state) {
    BinaryWriter payload;
    payload.unix_time(state.saved_wall_ns);
    payload.number(state.instances.size(), 4);
    for (const SavedInstance& instance : state.instances) write_instance(payload, instance);
    write_memory(payload, state.memory);
    return framed(format, payload.take());
}

std::expected<SavedState, std::string> decode(std::string_view bytes) {
    const auto payload = unframed(format, bytes);
    if (!payload) return std::unexpected(payload.error());
    BinaryReader in(*payload);
    SavedState state;
    state.saved_wall_ns = in.unix_time();
    const std::uint64_t instances = in.number(4);
    for (std::uint64_t i = 0; i < instances; ++i) {
        auto instance = read_instance(in);
        if (!instance) return std::unexpected(damaged);
        state.instances.push_back(std::move(*instance));
    }
    state.memory = read_memory(in);
    if (!in.is_good() || !in.is_at_end()) return std::unexpected(damaged);
    return state;
}

std::expected<void, std::string> write_state(const std::filesystem::path& path,
                                             const SavedState& state) {
    const auto written = write_whole(path, encode(state));
    if (written) return {};
    return std::unexpected(fmt::format("the state of alerts is not saved: {}", written.error()));
}

ReadState read_state(const std::filesystem::path& path) {
    ReadState result;
    const auto read = read_or_set_aside(
        path, "alerts begin anew", [&](std::string_view bytes) -> std::expected<void, std::string> {
            auto state = decode(bytes);
            if (!state) return std::unexpected(std::move(state.error()));
            result.state = std::move(*state);
            return {};
        });
    if (!read) result.problem = read.error();
    return result;
}

}  // namespace pitot::agent::alerts
