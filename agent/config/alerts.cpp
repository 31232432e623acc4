#include "agent/config/alerts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <variant>

#include "agent/alerts/built_in_rules.h"
#include "agent/alerts/glob.h"
#include "agent/config/alert_rule.h"
#include "agent/config/sources.h"
#include "agent/config/suggest.h"
#include "agent/config/units.h"
#include "agent/printable.h"
#include "agent/self_metrics/catalogue.h"
#include "protocol/limits.h"

namespace pitot::agent {

namespace {

constexpr std::array<std::string_view, 4> options{"enabled", "max_state", "channels", "built_in"};

// Room for one window of sketches; what a host can spare.
constexpr std::uint64_t state_bytes_min = std::uint64_t{1} << 20U;
constexpr std::uint64_t state_bytes_max = std::uint64_t{64} << 30U;
// A metric's name in a map from names to units; globs cover the rest.
constexpr std::size_t units_max = 1'000;

// The agent's log, which is a channel without being written.
constexpr std::string_view log_channel = "log";
// More are not read through.
constexpr std::size_t listed_channels_max = 12;

constexpr std::string_view built_in_name = "the built-in rules";

std::vector<alerts::MetricUnit> read_units(SectionReader& root) {
    std::vector<alerts::MetricUnit> units;
    for (auto& [metric, name] : root.text_table("units")) {
        const auto unit = alerts::find_metric_unit(name);
        if (unit) {
            units.push_back({std::move(metric), *unit});
            continue;
        }
        std::vector<std::string_view> names;
        for (const alerts::Unit& known : alerts::metric_units()) names.push_back(known.name);
        root.problem("units",
                     fmt::format(R"(must hold units ({}), got "{}" = "{}")", fmt::join(names, ", "),
                                 printable(metric), printable(name)));
    }
    if (units.size() > units_max) {
        root.problem("units",
                     fmt::format("must be at most {} metrics, got {}", units_max, units.size()));
        units.resize(units_max);
    }
    return units;
}

void check_channel_names(SectionReader& section, const std::vector<std::string>& channels,
                         const std::vector<std::string>& known) {
    std::vector<std::string_view> names(known.begin(), known.end());
    if (std::ranges::find(names, log_channel) == names.end()) names.push_back(log_channel);
    for (const std::string& channel : channels) {
        if (std::ranges::find(names, channel) != names.end()) continue;
        std::string hint = did_you_mean(channel, names, '"');
        if (hint.empty() && names.size() <= listed_channels_max) {
            std::vector<std::string> listed;
            listed.reserve(names.size());
            for (const std::string_view name : names) listed.push_back(printable(name, 80));
            hint = fmt::format("; there are: {}", fmt::join(listed, ", "));
        }
        section.problem("channels", fmt::format("must name channels that there are, got \"{}\"{}",
                                                printable(channel, 80), hint));
    }
}

// --- rules

class RulesReader {
public:
    RulesReader(SectionReader& section, const RuleContext& rules, const AlertsContext& context,
                bool has_built_in)
        : section_(section), rules_(rules), context_(context), has_built_in_(has_built_in) {}

    // Those that are not switched off, the operator's own ones first.
    std::vector<alerts::RuleDefinition> read() {
        auto sections = section_.named_sections(options);
        if (sections.size() > alert_rules_max) {
            section_.problem("", fmt::format("must be at most {} rules, got {}", alert_rules_max,
                                             sections.size()));
            sections.resize(alert_rules_max);
        }
        load_built_in();
        for (auto& section : sections) read_one(std::move(section));
        check_references();
        std::vector<alerts::RuleDefinition> found;
        for (Found& rule : found_) {
            if (rule.is_enabled) found.push_back(std::move(rule.definition));
        }
        for (alerts::RuleDefinition& rule : built_in_) found.push_back(std::move(rule));
        return found;
    }

private:
    struct Found {
        std::unique_ptr<SectionReader> section;
        alerts::RuleDefinition definition;
        bool is_enabled = true;
    };

    // Their own options are not the operator's, and so are in no list of what he could set.
    void load_built_in() {
        ReadContext own;
        SectionReader root(own, "", nullptr, {});
        text_ = alerts::built_in_rules(context_.own_prefix.value_or("pitot"));
        const Table document = root.built_in_table(std::string(built_in_name), text_);
        SectionReader tables(own, "", &document, {});
        for (const auto& section : tables.sections("alerts")) {
            built_in_names_.emplace_back(section->name());
            if (!has_built_in_ || !context_.own_prefix) continue;
            if (section_.is_table(section->name())) continue;
            auto rule = read_alert_rule(*section, rules_);
            if (!rule) continue;
            rule->definition.is_built_in = true;
            rule->definition.where = "built in";
            tell_log_too(rule->definition);
            built_in_.push_back(std::move(rule->definition));
        }
    }

    bool is_built_in(std::string_view name) const {
        return std::ranges::find(built_in_names_, name) != built_in_names_.end();
    }

    void read_one(std::unique_ptr<SectionReader> section) {
        const std::string name(section->name());
        const bool has_expression = std::ranges::any_of(
            expression_keys(), [&](std::string_view key) { return section->has(key); });
        const bool overrides = is_built_in(name) && !has_expression;
        if (overrides) {
            section = std::make_unique<SectionReader>(section->over(built_in_table(name)));
        }
        if (overrides && !context_.own_prefix) {
            section->warning("",
                             "is a rule about the agent's own metrics, of which there are none: "
                             "self_metrics.enabled is false");
        }
        auto rule = read_alert_rule(*section, rules_);
        if (!rule) {
            wrong_.push_back(name);
            return;
        }
        rule->definition.is_built_in = overrides;
        if (overrides && !section->has("channels")) tell_log_too(rule->definition);
        const bool has_metrics = !overrides || context_.own_prefix.has_value();
        found_.push_back(
            {std::move(section), std::move(rule->definition), rule->is_enabled && has_metrics});
    }

    // Without any channel, a rule is told to the log alone.
    static void tell_log_too(alerts::RuleDefinition& rule) {
        if (rule.rule.name != alerts::channel_failing_rule || rule.channels.empty()) return;
        if (std::ranges::find(rule.channels, log_channel) != rule.channels.end()) return;
        rule.channels.emplace_back(log_channel);
    }

    // In the context of the operator's rules, since he overrides it.
    Table built_in_table(std::string_view name) {
        if (!document_) document_ = section_.built_in_table(std::string(built_in_name), text_);
        return *document_->find("alerts")->node.table()->find(name)->node.table();
    }

    void check_references() {
        std::vector<std::string_view> names(wrong_.begin(), wrong_.end());
        names.insert(names.end(), built_in_names_.begin(), built_in_names_.end());
        for (const Found& rule : found_) names.push_back(rule.definition.rule.name);
        for (Found& rule : found_) {
            for (const std::string& name : rule.definition.rule.inhibited_by) {
                check_inhibitor(*rule.section, name, names);
            }
            // Without its own, they are those of [alerts].
            if (context_.channels && rule.section->has("channels")) {
                check_channel_names(*rule.section, rule.definition.channels, *context_.channels);
            }
        }
        check_inhibition();
    }

    // Rules that keep each other quiet would never tell of anything again. Told of where the
    // first rule of a circle is.
    void check_inhibition() {
        std::vector<std::vector<std::size_t>> inhibitors(found_.size());
        for (std::size_t i = 0; i < found_.size(); ++i) {
            if (!found_[i].is_enabled) continue;
            for (const std::string& name : found_[i].definition.rule.inhibited_by) {
                const auto other = std::ranges::find(
                    found_, name, [](const Found& each) { return each.definition.rule.name; });
                if (other == found_.end() || !other->is_enabled) continue;
                inhibitors[i].push_back(static_cast<std::size_t>(other - found_.begin()));
            }
        }
        for (std::size_t first = 0; first < found_.size(); ++first) {
            const std::vector<std::size_t> circle = circle_from(inhibitors, first);
            if (circle.empty()) continue;
            std::string names;
            for (const std::size_t each : circle) {
                names += fmt::format("\"{}\" by ", printable(found_[each].section->name(), 80));
            }
            SectionReader& section = *found_[first].section;
            section.problem("inhibited_by",
                            fmt::format("must not lead back to this rule, got a circle in which "
                                        "each rule is kept quiet by the next one, for ever: "
                                        "{}\"{}\"",
                                        names, printable(section.name(), 80)));
        }
    }

    // The shortest way from a rule by its inhibitors back to it, without rules before it; empty
    // where there is none. A rule that names itself is told of as that.
    static std::vector<std::size_t> circle_from(
        const std::vector<std::vector<std::size_t>>& inhibitors, std::size_t first) {
        std::vector<std::optional<std::size_t>> from(inhibitors.size());
        std::vector<std::size_t> open{first};
        for (std::size_t i = 0; i < open.size(); ++i) {
            const std::size_t at = open[i];
            for (const std::size_t next : inhibitors[at]) {
                if (next == first && at != first) {
                    std::vector<std::size_t> circle{at};
                    while (circle.back() != first) circle.push_back(*from[circle.back()]);
                    std::ranges::reverse(circle);
                    return circle;
                }
                if (next <= first || from[next]) continue;
                from[next] = at;
                open.push_back(next);
            }
        }
        return {};
    }

    static void check_inhibitor(SectionReader& section, const std::string& name,
                                std::span<const std::string_view> names) {
        if (name == section.name()) {
            section.problem("inhibited_by", "must name other rules, got this one itself");
        } else if (std::ranges::find(names, name) == names.end()) {
            section.problem("inhibited_by",
                            fmt::format("must name rules that there are, got \"{}\"{}",
                                        printable(name, 80), did_you_mean(name, names, '"')));
        }
    }

    SectionReader& section_;
    const RuleContext& rules_;
    const AlertsContext& context_;
    bool has_built_in_;
    std::string text_;
    std::optional<Table> document_;  // the built-in rules, once one of them is overridden
    std::vector<std::string> built_in_names_;
    std::vector<alerts::RuleDefinition> built_in_;
    std::vector<Found> found_;
    std::vector<std::string> wrong_;  // rules that are there, and have a problem
};

// --- derived series

// Nothing that a line could not have said (protocol/parser.h).
bool is_metric_name(std::string_view name) {
    return !name.empty() && name.size() <= protocol::identity_bytes_max / 4 &&
           std::ranges::none_of(name, [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte <= 0x20 || byte == 0x7F || std::string_view(":|@#*").contains(c);
           });
}

// Where one derived series reads another: the place in its expression.
const alerts::ExpressionNode* place_of_reading(const alerts::DerivedSeries& reader,
                                               const std::string& name) {
    const alerts::Program& program = reader.expression;
    const auto takes = [&](const alerts::Selector& selector) {
        if (selector.metric == name) return true;
        // Under conditions on tags nobody can say, and others are not told to take gauges.
        std::vector<std::string_view> captures;
        return alerts::is_glob(selector.metric) && selector.matches.empty() &&
               alerts::matches_name_glob(selector.metric, name, captures) &&
               std::ranges::any_of(program.feeds, [&](const alerts::Feed& feed) {
                   return feed.metric == selector.metric &&
                          feed.accepts.contains(protocol::Kind::gauge);
               });
    };
    for (const alerts::ExpressionNode& node : program.expression.nodes) {
        const auto* const selector = std::get_if<alerts::Selector>(&node.what);
        if (selector != nullptr && takes(*selector)) return &node;
    }
    return nullptr;
}

// The shortest way from a series over what it reads to itself; nothing where there is none.
std::vector<std::size_t> circle_through(std::size_t start,
                                        const std::vector<alerts::DerivedSeries>& derived) {
    std::vector<std::size_t> from(derived.size(), derived.size());
    std::vector<std::size_t> reached{start};
    for (std::size_t next = 0; next < reached.size(); ++next) {
        const std::size_t reader = reached[next];
        for (std::size_t read = 0; read < derived.size(); ++read) {
            if (from[read] != derived.size()) continue;
            if (place_of_reading(derived[reader], derived[read].name) == nullptr) continue;
            from[read] = reader;
            reached.push_back(read);
            if (read != start) continue;
            std::vector<std::size_t> circle{start};
            for (std::size_t at = from[start]; at != start; at = from[at]) circle.push_back(at);
            std::ranges::reverse(circle.begin() + 1, circle.end());
            return circle;
        }
    }
    return {};
}

// A value that is made of itself has no beginning; and no client may send a derived series, so
// that one that reads its own name hides the metric that was meant.
void check_circles(const std::vector<alerts::DerivedSeries>& derived,
                   const std::vector<SectionReader*>& sections) {
    std::vector<bool> is_told(derived.size(), false);
    for (std::size_t i = 0; i < derived.size(); ++i) {
        if (is_told[i]) continue;
        const std::vector<std::size_t> circle = circle_through(i, derived);
        if (circle.empty()) continue;
        for (const std::size_t member : circle) is_told[member] = true;
        const std::string name = printable(derived[i].name);
        const std::size_t next = circle.size() > 1 ? circle[1] : i;
        const auto& node = *place_of_reading(derived[i], derived[next].name);
        std::string what = fmt::format(
            "must read other metrics than the one it makes, got `{}`, which no client may send "
            "once it is derived; `metric` gives the derived one another name",
            name);
        if (circle.size() > 1) {
            what = fmt::format("must not read itself, got a circle: `{}`", name);
            for (std::size_t at = 1; at < circle.size(); ++at) {
                what += fmt::format(" reads `{}`, which", printable(derived[circle[at]].name));
            }
            what += fmt::format(" reads `{}`", name);
        }
        sections[i]->problem_at(node.position, "expr", std::move(what));
    }
}

std::vector<alerts::DerivedSeries> read_derived(SectionReader& root, const RuleContext& rules,
                                                const AlertsContext& context) {
    std::vector<std::string> own;
    if (context.own_prefix) own = own_names(*context.own_prefix);
    std::vector<alerts::DerivedSeries> derived;
    std::vector<SectionReader*> readers;
    auto sections = root.sections("derive");
    if (sections.size() > derived_series_max) {
        root.problem("derive", fmt::format("must be at most {} tables, got {}", derived_series_max,
                                           sections.size()));
        sections.resize(derived_series_max);
    }
    for (const auto& section : sections) {
        std::string name = section->text("metric", section->name());
        if (!section->has("expr")) {
            section->problem("expr",
                             "must be given, such as \"ratio(errors, requests[5m])\", got "
                             "nothing");
        }
        auto program = read_expression(*section, "expr", alerts::Result::number, rules.compile);
        const auto twin = std::ranges::find(derived, name, &alerts::DerivedSeries::name);
        if (!is_metric_name(name)) {
            section->problem("metric",
                             fmt::format("must be the name of a metric, without blanks, ':', '|', "
                                         "'@', '#' and '*', got the text \"{}\"",
                                         printable(name)));
        } else if (twin != derived.end() || std::ranges::binary_search(own, name) ||
                   name == alerts::alerts_metric_name) {
            section->problem("metric", fmt::format("must be a name of its own, got \"{}\", which "
                                                   "{} has already",
                                                   printable(name),
                                                   twin != derived.end() ? "another [derive.NAME]"
                                                                         : "the agent itself"));
        }
        section->report_unknown(root.known());
        if (!program) continue;
        derived.push_back({std::move(name), *std::move(program)});
        readers.push_back(section.get());
    }
    check_circles(derived, readers);
    return derived;
}

// --- what it all takes

std::string in_mebibytes(std::size_t bytes) {
    constexpr std::size_t mebibyte = std::size_t{1} << 20U;
    return fmt::format("{}MiB", (bytes + mebibyte - 1) / mebibyte);
}

void check_state(SectionReader& section, const alerts::AlertsConfig& config) {
    const std::size_t needed = state_bytes(config);
    if (needed <= config.state_bytes_max) return;
    const alerts::RuleDefinition* largest = nullptr;
    std::size_t most = 0;
    for (const alerts::RuleDefinition& definition : config.rules) {
        const std::size_t bytes = state_bytes(definition.rule);
        if (bytes <= most) continue;
        most = bytes;
        largest = &definition;
    }
    std::string blame;
    if (largest != nullptr) {
        blame = fmt::format(
            "; `{}` ({}) alone can take {}: less with a shorter window, or with a lower "
            "max_instances than {}",
            largest->rule.name, largest->where, in_mebibytes(most), largest->rule.instances_max);
    }
    section.problem("max_state",
                    fmt::format("must be at least {}, which the windows of all rules "
                                "can take, got {}{}",
                                in_mebibytes(needed), format_size(config.state_bytes_max), blame));
}

// In a file that is the whole configuration of an agent there is more than rules, which is not
// read here. What is almost called as one of these tables was meant to be one.
void report_misspelt(SectionReader& root, const Table& document) {
    const std::vector<std::string_view> known(root.known().begin(), root.known().end());
    for (const Entry& entry : document.entries) {
        if (std::ranges::find(known, entry.key) != known.end()) continue;
        const std::string meant = did_you_mean(entry.key, known);
        if (meant.empty()) continue;
        root.problem_at(entry.key_position, entry.key, "unknown table" + meant);
    }
}

}  // namespace

alerts::AlertsConfig read_alerts(SectionReader& root, const AlertsContext& context) {
    alerts::AlertsConfig config;
    config.units = read_units(root);
    SectionReader section =
        root.section("alerts", "must be a table, [alerts], with one for each rule: [alerts.NAME]");
    // Where a rule has the name of an option, that is told below.
    const auto may_ask = [&](std::string_view key) { return !section.is_table(key); };
    RuleContext rules;
    rules.compile.interval_ns = context.interval.count();
    rules.compile.unit_of = alerts::unit_lookup(config.units);
    bool has_built_in = true;
    if (may_ask("enabled")) config.enabled = section.boolean("enabled", true);
    if (may_ask("max_state")) {
        config.state_bytes_max = static_cast<std::size_t>(
            section.bytes("max_state", config.state_bytes_max, state_bytes_min, state_bytes_max));
    }
    if (may_ask("channels")) rules.channels = section.texts("channels", {});
    if (may_ask("built_in")) has_built_in = section.boolean("built_in", true);
    if (context.channels) check_channel_names(section, rules.channels, *context.channels);

    config.rules = RulesReader(section, rules, context, has_built_in).read();
    section.report_unknown(root.known());
    config.derived = read_derived(root, rules, context);
    if (!section.is_wrong("max_state")) check_state(section, config);
    return config;
}

std::expected<alerts::AlertsConfig, std::vector<Problem>> load_rules_files(
    std::span<const std::filesystem::path> files, const RulesFileArguments& arguments) {
    ReadContext context;
    context.environment = arguments.environment;
    const Table document = read_files(context, files);
    if (context.is_incomplete) return std::unexpected(context.problems.problems());
    Position start;
    if (files.empty()) {
        start.source = context.problems.add_source("no file", "", SourceType::built_in);
    }
    SectionReader root(context, "", &document, start);
    alerts::AlertsConfig config =
        read_alerts(root, {.interval = arguments.interval, .own_prefix = arguments.own_prefix});
    root.sections("channels");
    report_misspelt(root, document);
    if (!context.problems.empty()) return std::unexpected(context.problems.problems());
    return config;
}

}  // namespace pitot::agent
