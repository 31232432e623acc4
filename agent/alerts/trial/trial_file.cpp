#include "agent/alerts/trial/trial_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/alerts/trial/expectation_reader.h"
#include "agent/alerts/trial/series_shorthand.h"
#include "agent/config/listeners.h"
#include "agent/config/options.h"
#include "agent/config/sources.h"
#include "agent/config/text_file.h"
#include "agent/config/units.h"
#include "agent/printable.h"
#include "protocol/framing.h"
#include "protocol/parser.h"

namespace pitot::agent::alerts {

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr auto interval_min = nanoseconds(100ms);
constexpr auto interval_max = nanoseconds(1h);
constexpr auto time_max = nanoseconds(trial_time_max_ns);
constexpr std::size_t name_characters_max = 200;

// Why pitot would refuse a line of a datagram; "" if it would not.
class LineCheck {
public:
    explicit LineCheck(const protocol::Reading& reading) : parser_(reading) {}

    std::string operator()(std::string_view datagram) {
        protocol::LineSplitter lines(datagram);
        bool is_empty = true;
        for (std::string_view line; lines.next(line);) {
            is_empty = false;
            const protocol::Reject reject = read(line);
            if (reject == protocol::Reject::none) continue;
            const std::string_view part = parser_.refused_part();
            return fmt::format("must be a line that is accepted: {}{}, got \"{}\"",
                               protocol::describe(reject),
                               part.empty() || part.size() == line.size()
                                   ? ""
                                   : fmt::format(" (not \"{}\")", printable(part, 40)),
                               printable(line));
        }
        return is_empty ? "must be a line, got nothing" : "";
    }

private:
    protocol::Reject read(std::string_view line) {
        protocol::Event event;
        protocol::ServiceCheck check;
        protocol::MetricLine metric;
        protocol::Identity identity;
        switch (protocol::classify(line)) {
            case protocol::LineType::event:
                return parser_.parse_event(line, event);
            case protocol::LineType::service_check:
                return parser_.parse_service_check(line, check);
            case protocol::LineType::metric:
                break;
        }
        const protocol::Reject reject = parser_.parse_metric(line, metric);
        return reject == protocol::Reject::none ? parser_.identity(metric, identity) : reject;
    }

    protocol::Parser parser_;
};

class TrialFileReader {
public:
    TrialFileReader(ReadContext& context, TrialFileResult& result)
        : context_(context), result_(result) {}

    void read(const Table& document, Position start, const std::filesystem::path& path) {
        SectionReader root(context_, "", &document, start);
        TrialFile& file = result_.file;
        read_rules(root, path.parent_path());
        file.interval_ns =
            root.duration("flush", nanoseconds(10s), interval_min, interval_max).count();
        static constexpr std::array<std::string_view, 2> dialects{"dogstatsd", "statsd"};
        file.reading.dialect = static_cast<protocol::Dialect>(root.choice("dialect", 0, dialects));
        file.reading.gauge_sign = default_gauge_sign(ListenerType::udp, file.reading.dialect);
        file.reading.timer_rate = default_timer_rate(file.reading.dialect);
        if (!root.is_wrong("rules") && !root.is_wrong("flush") && !file.rules.empty()) {
            result_.rules = load_trial_rules(file.rules, file.interval_ns, context_.environment,
                                             rule_problems_);
        }
        const auto tests = root.elements("test");
        if (tests.empty() && !root.is_wrong("test")) {
            root.problem("test", "must be given, as [[test]] tables: there is nothing to test");
        }
        for (const auto& test : tests) read_test(*test);
        root.report_unknown();
        root_keys_ = root.known();
    }

    std::vector<Problem>& rule_problems() { return rule_problems_; }

private:
    void read_rules(SectionReader& root, const std::filesystem::path& folder) {
        const std::vector<std::string> names = root.texts("rules", {});
        if (names.empty() && !root.is_wrong("rules")) {
            root.problem("rules", R"(must name files of rules, such as ["../db.toml"])");
        }
        for (const std::string& name : names) {
            const std::filesystem::path path(name);
            result_.file.rules.push_back(path.is_absolute() ? path
                                                            : (folder / path).lexically_normal());
        }
    }

    void read_test(SectionReader& section) {
        Trial trial;
        trial.where = context_.problems.name_of(section.position());
        trial.name = printable(section.required_text("name"), name_characters_max);
        const auto& trials = result_.file.trials;
        const auto twin = std::ranges::find(trials, trial.name, &Trial::name);
        if (twin != trials.end() && !trial.name.empty()) {
            section.problem(
                "name", fmt::format("must be a name of its own, and {} has it too", twin->where));
        }
        lines_ = 0;
        for (const auto& input : section.elements("input")) {
            trial.input.push_back(read_input(*input));
            trial.end_ns = std::max(trial.end_ns, trial.input.back().end_ns);
        }
        const auto expectations = section.elements("expect");
        if (expectations.empty() && !section.is_wrong("expect")) {
            section.problem("expect", R"(must say what is expected, such as )"
                                      R"([{ at = "1m", alert = "NAME", state = "firing" }])");
        }
        ExpectationReader reader(context_, result_.rules.get(), result_.file.interval_ns);
        for (const auto& expectation : expectations) {
            trial.expect.push_back(reader.read(*expectation));
            trial.end_ns = std::max(trial.end_ns, trial.expect.back().at_ns.value_or(0));
        }
        check_length(section, trial);
        section.report_unknown(root_keys_);
        result_.file.trials.push_back(std::move(trial));
    }

    void check_length(SectionReader& section, Trial& trial) {
        const std::int64_t interval_ns = result_.file.interval_ns;
        // What comes last has its flush, too.
        const std::int64_t flushes = (trial.end_ns + interval_ns - 1) / interval_ns;
        trial.end_ns = flushes * interval_ns;
        if (flushes == 0 && !section.is_wrong("expect") && !section.is_wrong("input")) {
            section.problem("input",
                            "must be given, or an expectation at a time: the test has "
                            "no length");
        }
        if (static_cast<std::uint64_t>(flushes) > trial_flushes_max) {
            section.problem("", fmt::format("must be at most {} flushes long, got {}",
                                            trial_flushes_max, flushes));
        }
        if (lines_ > trial_lines_max) {
            section.problem("input", fmt::format("must be at most {} lines in all, got {}",
                                                 trial_lines_max, lines_));
        }
    }

    TrialInput read_input(SectionReader& section) {
        TrialInput input;
        const std::optional<std::int64_t> to_ns = read_times(section, input);
        read_lines(section, input);
        read_series_of(section, input);
        if (!section.has("lines") && !section.has("series") && !section.has("to")) {
            section.problem("", "must have `lines` or `series`; or `to`, for a time without any");
        }
        section.report_unknown();
        if (!input.series.empty()) {
            end_with_series(section, input, to_ns);
            return input;
        }
        input.end_ns = std::max(to_ns.value_or(0), input.from_ns + 1);
        input.steps = static_cast<std::uint64_t>(
            (input.end_ns - input.from_ns + input.every_ns - 1) / input.every_ns);
        lines_ += input.steps * input.lines.size();
        return input;
    }

    // "from" to "to" each "every", or once "at". Returns where it ends, if it says so.
    std::optional<std::int64_t> read_times(SectionReader& section, TrialInput& input) {
        const nanoseconds interval(result_.file.interval_ns);
        const bool is_once = section.has("at");
        const auto at = section.duration("at", 0s, 0s, time_max);
        const auto from = section.duration("from", 0s, 0s, time_max);
        const auto to = section.duration("to", from, 0s, time_max);
        const auto every = section.duration("every", interval, nanoseconds(1ms), time_max);
        input.every_ns = every.count();
        input.from_ns = is_once ? at.count() : from.count();
        for (const std::string_view key : {"from", "to", "every"}) {
            if (!is_once || !section.has(key)) continue;
            section.problem(key, "must not stand beside `at`, which is a single time");
        }
        if (is_once || !section.has("to")) return std::nullopt;
        if (to <= from && !section.is_wrong("to") && !section.is_wrong("from")) {
            section.problem("to", fmt::format("must be after `from` ({}), got {}",
                                              format_duration(from), format_duration(to)));
        }
        return to.count();
    }

    void read_lines(SectionReader& section, TrialInput& input) {
        input.lines = section.texts("lines", {});
        const Node* const node = section.value("lines", "list of texts");
        const auto* const array = node == nullptr ? nullptr : std::get_if<Array>(&node->value);
        if (array == nullptr) return;
        LineCheck refused(result_.file.reading);
        for (const Node& element : *array) {
            const std::string* const line = element.text();
            std::string what = line == nullptr ? "" : refused(*line);
            if (what.empty()) continue;
            context_.problems.add(element.position, section.path_of("lines"), std::move(what));
        }
    }

    void read_series_of(SectionReader& section, TrialInput& input) {
        const auto text = section.optional_text("series");
        if (!text) return;
        if (section.has("lines")) {
            section.problem("series",
                            "must not stand beside `lines`: give each an entry of its own");
        }
        auto series = read_series(*text);
        if (!series) {
            section.problem("series", std::move(series.error()));
            return;
        }
        input.series = std::move(*series);
        lines_ += input.series.size();
        LineCheck refused(result_.file.reading);
        for (const std::string& line : input.series) {
            std::string what = line.empty() ? "" : refused(line);
            if (what.empty()) continue;
            section.problem("series", std::move(what));
            return;
        }
    }

    static void end_with_series(SectionReader& section, TrialInput& input,
                                std::optional<std::int64_t> to_ns) {
        const auto steps = static_cast<std::int64_t>(input.series.size());
        input.steps = input.series.size();
        // A sum that would not fit is too long in any case.
        input.end_ns = steps > trial_time_max_ns / input.every_ns
                           ? 2 * trial_time_max_ns
                           : input.from_ns + steps * input.every_ns;
        if (!to_ns || *to_ns == input.end_ns || section.is_wrong("to")) return;
        section.problem("to", fmt::format("must be left out, or {}: {} values, one each {}",
                                          format_duration(nanoseconds(input.end_ns)), steps,
                                          format_duration(nanoseconds(input.every_ns))));
    }

    ReadContext& context_;
    TrialFileResult& result_;
    std::vector<Problem> rule_problems_;
    std::vector<std::string> root_keys_;
    std::uint64_t lines_ = 0;  // of the present test
};

}  // namespace

TrialFileResult read_trial_file(const std::filesystem::path& path, const Environment& environment) {
    TrialFileResult result;
    result.file.name = printable(path.native(), name_characters_max);
    ReadContext context;
    context.environment = environment;
    auto content = read_file(path, config_file_bytes_max);
    if (content && content->text.contains('\0')) {
        content = std::unexpected("must be a TOML text, got a binary file");
    }
    const auto source = context.problems.add_source(
        result.file.name, content ? std::move(content->text) : "", SourceType::file);
    if (!content) {
        context.problems.add({.source = source}, "", std::move(content.error()));
        result.problems = context.problems.problems();
        return result;
    }
    const auto document = parse_document(context.problems.text_of(source), source);
    if (!document) {
        context.problems.add(document.error().position, "", document.error().what);
        result.problems = context.problems.problems();
        return result;
    }
    TrialFileReader reader(context, result);
    reader.read(*document, {.source = source}, path);
    result.problems = context.problems.problems();
    result.problems.insert(result.problems.end(), reader.rule_problems().begin(),
                           reader.rule_problems().end());
    return result;
}

}  // namespace pitot::agent::alerts
