#include "agent/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "agent/alerts/channels/load.h"
#include "agent/config/advice.h"
#include "agent/config/alerts.h"
#include "agent/config/document.h"
#include "agent/config/http.h"
#include "agent/config/listeners.h"
#include "agent/config/units.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

using namespace std::chrono_literals;

constexpr auto interval_min = 100ms;
constexpr auto interval_max = std::chrono::nanoseconds(1h);
constexpr auto shutdown_deadline_max = std::chrono::nanoseconds(10min);
constexpr auto expiry_max = std::chrono::nanoseconds(30 * 24h);
constexpr auto counter_zeros_max = std::chrono::nanoseconds(24h);

// The type of the sinks that may have a server of their own, at their option `address`.
constexpr std::string_view type_with_server = "prometheus";

// A sidecar must not spread over a large machine by itself; who wants more says so.
constexpr std::uint32_t shards_auto_max = 4;
constexpr std::uint32_t shards_max = 64;

// Each one is a series more per timer at every destination.
constexpr std::size_t percentiles_max = 32;
// Below, the smallest of a million samples would decide, and the minimum is there anyway.
constexpr double percentile_min = 0.0001;

// Fewer than 160 buckets lose more precision than any schema promises (the minimum that
// OpenTelemetry recommends); 65536 are one histogram of half a megabyte.
constexpr std::int64_t buckets_min = 160;
constexpr std::int64_t buckets_max = 65'536;
static_assert(buckets_min >= protocol::buckets_max_min);

constexpr std::int64_t series_max = 100'000'000;
constexpr std::uint64_t table_bytes_min = 1ULL << 20U;
// Blocks of values and text are taken by the 128 KiB, of each kind.
constexpr std::uint64_t value_bytes_min = 8ULL << 20U;
// Rows and values are named by 32 bits: keys by units of 16 bytes (key_arena.h), values by numbers
// of 8 (value_arena.h), of which a page has three quarters of what is given.
constexpr std::uint64_t memory_bytes_max = 1ULL << 35U;

// p / 100, rounded once: 99.9 becomes 0.999, which division by 100 misses.
double quantile_of(double percentile) {
    std::array<char, 40> text{};
    char* const end = text.data() + text.size();
    const auto written = std::to_chars(text.data(), end - 4, percentile, std::chars_format::fixed);
    if (written.ec != std::errc()) return percentile / 100;
    char* stop = written.ptr;
    for (const char c : std::string_view("e-2")) *stop++ = c;
    double quantile = 0;
    std::from_chars(text.data(), stop, quantile);
    return quantile;
}

std::vector<double> read_quantiles(SectionReader& root) {
    const std::vector<double> percentiles =
        root.numbers("percentiles", {50, 90, 95, 99}, percentile_min, 100);
    if (percentiles.size() > percentiles_max) {
        root.problem("percentiles", fmt::format("must be at most {} numbers, got {}",
                                                percentiles_max, percentiles.size()));
    }
    std::vector<double> quantiles;
    quantiles.reserve(percentiles.size());
    for (const double percentile : percentiles) quantiles.push_back(quantile_of(percentile));
    std::ranges::sort(quantiles);
    const auto repeated = std::ranges::unique(quantiles);
    quantiles.erase(repeated.begin(), repeated.end());
    return quantiles;
}

std::uint32_t read_shards(SectionReader& root, const Environment& environment) {
    const auto shards = root.integer_or_auto("shards", 1, shards_max);
    if (shards) return static_cast<std::uint32_t>(*shards);
    return std::clamp(environment.usable_cpus, 1U, shards_auto_max);
}

protocol::HistogramShape read_histogram(SectionReader&& section,
                                        std::span<const std::string> root_keys) {
    protocol::HistogramShape shape;
    shape.schema = static_cast<int>(
        section.integer("schema", shape.schema, protocol::schema_min, protocol::schema_max));
    shape.buckets_max = static_cast<std::size_t>(section.integer(
        "buckets_max", static_cast<std::int64_t>(shape.buckets_max), buckets_min, buckets_max));
    advise_on_histogram(section, shape);
    section.report_unknown(root_keys);
    return shape;
}

LimitsConfig read_limits(SectionReader&& section, std::span<const std::string> root_keys) {
    LimitsConfig limits;
    limits.series_max =
        static_cast<std::uint32_t>(section.integer("series", 1'000'000, 1, series_max));
    limits.series_per_metric_max =
        static_cast<std::uint32_t>(section.integer("series_per_metric", 100'000, 1, series_max));
    limits.table_bytes_max =
        section.bytes("table_bytes", 512ULL << 20U, table_bytes_min, memory_bytes_max);
    limits.value_bytes_max =
        section.bytes("value_bytes", 512ULL << 20U, value_bytes_min, memory_bytes_max);
    if (section.has("series_per_metric") && limits.series_per_metric_max > limits.series_max) {
        section.warning(
            "series_per_metric",
            fmt::format("is above `series` ({}), which comes first", limits.series_max));
    }
    section.report_unknown(root_keys);
    return limits;
}

ExpiryConfig read_expiry(SectionReader&& section, std::chrono::nanoseconds interval,
                         std::span<const std::string> root_keys) {
    const auto read = [&](std::string_view key) {
        const auto value = section.duration(key, 1h, 0s, expiry_max);
        if (value.count() != 0 && value < interval && section.has(key)) {
            section.problem(key, fmt::format("must be 0 (never) or at least the interval of {}, "
                                             "got {}",
                                             format_duration(interval), format_duration(value)));
        }
        return value;
    };
    ExpiryConfig expiry;
    expiry.counters = read("counters");
    expiry.gauges = read("gauges");
    expiry.timers = read("timers");
    expiry.sets = read("sets");
    section.report_unknown(root_keys);
    return expiry;
}

LogConfig read_log(SectionReader&& section, std::span<const std::string> root_keys) {
    LogConfig log;
    log.level = static_cast<LogLevel>(
        section.choice("level", std::to_underlying(log.level), log_level_names));
    log.format = static_cast<LogFormat>(
        section.choice("format", std::to_underlying(log.format), log_format_names));
    log.file = section.text("file", "");
    section.report_unknown(root_keys);
    return log;
}

SelfMetricsConfig read_self_metrics(SectionReader&& section,
                                    std::span<const std::string> root_keys) {
    SelfMetricsConfig self_metrics;
    self_metrics.enabled = section.boolean("enabled", true);
    self_metrics.prefix = section.text("prefix", "pitot");
    const bool is_plain = std::ranges::all_of(self_metrics.prefix, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
    if (!is_plain || self_metrics.prefix.empty() ||
        self_metrics.prefix.size() > section_name_bytes_max) {
        section.problem("prefix",
                        fmt::format("must be 1 to {} letters, digits, '_', '-' and '.', "
                                    "got the text \"{}\"",
                                    section_name_bytes_max, printable(self_metrics.prefix)));
        self_metrics.prefix = "pitot";
    }
    section.report_unknown(root_keys);
    return self_metrics;
}

// As systemd has it: of several directories in $STATE_DIRECTORY the first is the unit's own.
std::filesystem::path read_state_directory(SectionReader& root, const Environment& environment) {
    const std::string given = environment.variable("STATE_DIRECTORY").value_or("");
    const std::string path = root.text("state_directory", given.substr(0, given.find(':')));
    if (!path.empty() && !path.starts_with('/')) {
        root.problem("state_directory", fmt::format("must be an absolute path, such as "
                                                    "\"/var/lib/pitot\", got \"{}\"",
                                                    printable(path)));
    }
    return path;
}

// Options of the file as a whole; [listeners] and [sinks] are read by their own functions.
void read_agent(SectionReader& root, const Environment& environment, Config& config) {
    // Read already, where the sources were put together.
    root.texts("include", {std::string(include_default)});
    config.interval = root.duration("interval", 10s, interval_min, interval_max);
    config.flush_offset = root.duration("flush_offset", 0s, 0s, interval_max);
    if (config.flush_offset >= config.interval) {
        root.problem("flush_offset", fmt::format("must be less than the interval of {}, got {}",
                                                 format_duration(config.interval),
                                                 format_duration(config.flush_offset)));
    }
    config.shutdown_deadline =
        root.duration("shutdown_deadline", 5s, interval_min, shutdown_deadline_max);
    config.state_directory = read_state_directory(root, environment);
    config.shards = read_shards(root, environment);
    config.quantiles = read_quantiles(root);
    config.counter_zeros = root.duration("counter_zeros", 5min, 0s, counter_zeros_max);

    config.additions = read_additions(root, {});

    // All tables are opened before one is read: a root option in one of them is known then.
    SectionReader histogram = root.section("histogram");
    SectionReader limits = root.section("limits");
    SectionReader expiry = root.section("expiry");
    SectionReader log = root.section("log");
    SectionReader self_metrics = root.section("self_metrics");
    SectionReader http = root.section("http");
    config.histogram = read_histogram(std::move(histogram), root.known());
    config.limits = read_limits(std::move(limits), root.known());
    config.expiry = read_expiry(std::move(expiry), config.interval, root.known());
    config.log = read_log(std::move(log), root.known());
    config.self_metrics = read_self_metrics(std::move(self_metrics), root.known());
    config.http = read_http(std::move(http), root.known());

    // There always is the agent's log.
    std::vector<std::string> channels = root.names_in("channels");
    channels.emplace_back(alerts::channels::default_channel);
    AlertsContext alerts{.interval = config.interval, .channels = std::move(channels)};
    if (config.self_metrics.enabled) alerts.own_prefix = config.self_metrics.prefix;
    config.alerts = read_alerts(root, alerts);

    advise_on_percentiles(root, config.quantiles);
    config.listeners = read_listeners(root, config.additions, config.http, environment);
    if (config.listeners.empty()) {
        config.listeners = default_listeners(environment);
        for (ListenerConfig& listener : config.listeners) listener.additions = config.additions;
        if (config.http.address) check_against_default_listeners(root.section("http"), config);
    }
}

// Where the file names nothing: the state at /metrics of the agent's server, if there is one,
// and each interval on standard output, as far as this binary has these types.
//
//     [sinks.metrics]
//     type = "prometheus"
//     [sinks.console]
//     type = "console"
//     format = "text"
void add_default_sinks(ReadContext& context, std::span<const std::string_view> types,
                       bool has_server, Table& document) {
    const auto source =
        context.problems.add_source("the built-in configuration", "", SourceType::built_in);
    const Position position{.source = source};
    const auto entry = [&](std::string key, auto value) {
        return Entry{std::move(key), position, Node{std::move(value), position}};
    };
    Table metrics;
    metrics.entries.push_back(entry("type", std::string("prometheus")));
    Table console;
    console.entries.push_back(entry("type", std::string("console")));
    console.entries.push_back(entry("format", std::string("text")));
    Table sinks;
    const auto add = [&](std::string name, std::string_view type, Table table) {
        if (std::ranges::find(types, type) == types.end()) return;
        sinks.entries.push_back(entry(std::move(name), std::move(table)));
    };
    if (has_server) add("metrics", "prometheus", std::move(metrics));
    add("console", "console", std::move(console));
    Table root;
    root.entries.push_back(entry("sinks", std::move(sinks)));
    merge(document, std::move(root));
}

bool names_no_sinks(const Table& document) {
    const Entry* const entry = document.find("sinks");
    if (entry == nullptr) return true;
    const Table* const table = entry->node.table();
    return table != nullptr && table->entries.empty();
}

}  // namespace

LoadedConfig::LoadedConfig()
    : context_(std::make_unique<ReadContext>()), document_(std::make_unique<Table>()) {}

std::vector<Problem> LoadedConfig::finish() {
    for (const auto& sink : sinks_) sink->report_unknown(root_keys_);
    return context_->problems.problems();
}

std::vector<Problem> LoadedConfig::warnings() const {
    return context_->problems.warnings();
}

std::vector<Problem> LoadedConfig::problems_of(std::string_view table) const {
    std::vector<Problem> found = context_->problems.problems();
    std::erase_if(found, [&](const Problem& problem) {
        return problem.key != table && !problem.key.starts_with(fmt::format("{}.", table));
    });
    return found;
}

bool LoadedConfig::is_passed_later(std::string_view key) const {
    return std::ranges::find(context_->passed_later, key) != context_->passed_later.end();
}

std::string LoadedConfig::origin_of(const Asked& asked) const {
    const ProblemList& problems = context_->problems;
    const std::uint32_t source = asked.origin.source;
    if (!asked.is_set || problems.type_of(source) == SourceType::built_in) return "default";
    std::string name = problems.name_of({.source = source});
    if (problems.type_of(source) != SourceType::file) return name;
    const std::string directory = printable((files_.front().parent_path() / "").native(), 200);
    if (files_.front().has_parent_path() && name.starts_with(directory)) {
        name.erase(0, directory.size());
    }
    return fmt::format("{}:{}", name, asked.origin.line);
}

std::expected<LoadedConfig, std::vector<Problem>> load(const LoadArguments& arguments) {
    LoadedConfig loaded;
    ReadContext& context = *loaded.context_;
    Table& document = *loaded.document_;
    context.environment = arguments.environment;
    context.is_offline = arguments.is_offline;

    Sources sources = read_sources(context, arguments.file, arguments.sets);
    document = std::move(sources.document);
    loaded.files_ = std::move(sources.files);
    Position start;
    if (loaded.files_.empty()) {
        start.source =
            context.problems.add_source("the built-in configuration", "", SourceType::built_in);
    }
    SectionReader root(context, "", &document, start);
    read_agent(root, context.environment, loaded.config);
    // A server whose address is wrong is one all the same.
    context.has_server =
        loaded.config.http.address.has_value() || !loaded.problems_of("http").empty();
    if (names_no_sinks(document)) {
        loaded.config.sinks_are_default = true;
        add_default_sinks(context, arguments.sink_types, context.has_server, document);
    }

    auto sections = root.sections("sinks");
    if (sections.size() > sinks_max) {
        root.problem("sinks",
                     fmt::format("must be at most {} tables, got {}", sinks_max, sections.size()));
        sections.resize(sinks_max);
    }
    std::vector<TakenAddress> taken;
    for (auto& section : sections) {
        auto type = section->required_choice("type", arguments.sink_types);
        // What else is wrong is said too, as long as it is clear which type was meant.
        if (!type) type = section->choice_meant("type", arguments.sink_types);
        const std::string name(section->name());
        const std::string type_name(type ? arguments.sink_types[*type] : "");
        // The console is for people to see what comes in.
        const bool self_metrics = section->boolean("self_metrics", type_name != "console");
        // Without its type nobody can say what its other options mean.
        if (!type) continue;
        if (type_name == type_with_server) claim_address(*section, loaded.config, taken);
        loaded.config.sinks.push_back({name, type_name, self_metrics});
        loaded.sink_sections.push_back({name, type_name, *section});
        loaded.sinks_.push_back(std::move(section));
    }
    // What is wrong in the other sources by itself is said all the same; sinks cannot be made.
    if (context.is_incomplete) return std::unexpected(context.problems.problems());
    alerts::channels::LoadedChannels channels = alerts::channels::read_channels(root);
    loaded.config.channels = std::move(channels.definitions);
    root.report_unknown();
    loaded.root_keys_ = root.known();
    for (const auto& channel : channels.sections) channel->report_unknown(loaded.root_keys_);
    return loaded;
}

}  // namespace pitot::agent
