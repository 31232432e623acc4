#include "agent/cli/becomes.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <optional>
#include <string>
#include <utility>

#include "agent/clock.h"
#include "agent/config/load.h"
#include "agent/flush/rehearsal.h"
#include "agent/sink_set.h"

namespace pitot::agent {
namespace {

// What the grammar takes and a configuration does not: a name that is reserved, or too long
// with its prefix.
std::optional<std::string> refusal(const protocol::Snapshot& snapshot) {
    for (std::size_t i = 0; i < snapshot.rejected.size(); ++i) {
        if (snapshot.rejected[i] == 0) continue;
        const auto reason = static_cast<protocol::Reject>(i);
        return "refused, " + std::string(to_string(reason)) + ": " + std::string(describe(reason));
    }
    return {};
}

}  // namespace

struct Becomes::Parts {
    explicit Parts(LoadedConfig loaded_config)
        : loaded(std::move(loaded_config)),
          silent("pitot", std::make_shared<spdlog::sinks::null_sink_mt>()),
          sinks(loaded, clock, silent, 0) {}

    LoadedConfig loaded;
    SystemClock clock;
    spdlog::logger silent;
    SinkSet sinks;  // made for their encoders; their thread never starts
};

Becomes::Becomes(ExplainArguments arguments) : arguments_(std::move(arguments)) {}

std::expected<Becomes, std::vector<Problem>> Becomes::make(const ExplainArguments& arguments) {
    Becomes becomes(arguments);
    std::expected<std::unique_ptr<Parts>, std::vector<Problem>> parts = becomes.fresh_parts();
    if (!parts) return std::unexpected(std::move(parts.error()));
    return becomes;
}

bool Becomes::is_example() const {
    return !arguments_.config_file && arguments_.sets.empty();
}

// Sinks remember series by their birth, and each rehearsal begins to count births anew: so
// every line gets sinks that know nothing yet.
std::expected<std::unique_ptr<Becomes::Parts>, std::vector<Problem>> Becomes::fresh_parts() const {
    LoadArguments what{.file = arguments_.config_file,
                       .sets = arguments_.sets,
                       .sink_types = sink_type_names(),
                       .is_offline = true};
    if (is_example()) {
        what.sets = {R"(sinks.push.type="pushgateway")",
                     R"(sinks.push.url="http://localhost:9091")"};
    }
    std::expected<LoadedConfig, std::vector<Problem>> loaded = load(what);
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    auto parts = std::make_unique<Parts>(*std::move(loaded));
    if (std::vector<Problem> problems = parts->loaded.finish(); !problems.empty()) {
        return std::unexpected(std::move(problems));
    }
    return parts;
}

std::vector<Becoming> Becomes::operator()(std::string_view line) const {
    const std::expected<std::unique_ptr<Parts>, std::vector<Problem>> parts = fresh_parts();
    // A file that was right a moment ago may have been edited since.
    if (!parts) return {};
    std::vector<Becoming> all;
    for (sinks::Sink* sink : (*parts)->sinks.all()) {
        Rehearsal rehearsal((*parts)->loaded.config, arguments_.reading,
                            [sink](const protocol::Series& series) {
                                return sink->encoder().wants_total_distribution(series);
                            },
                            (*parts)->clock.wall_ns());
        rehearsal.take(line);
        const protocol::Snapshot& snapshot = rehearsal.end_interval();
        sinks::Encoded encoded;
        sink->encoder().encode(snapshot, encoded);
        Becoming becoming{.sink = std::string(sink->name()), .text = {}};
        becoming.sink.append(" (").append(sink->type()).append(")");
        if (is_example()) becoming.sink += ", as an example; --config FILE shows your sinks";
        for (const sinks::Batch& batch : encoded.batches) becoming.text += batch.body;
        if (const auto refused = refusal(snapshot)) {
            becoming.text = *refused;
            becoming.is_refused = true;
        }
        all.push_back(std::move(becoming));
    }
    return all;
}

}  // namespace pitot::agent
