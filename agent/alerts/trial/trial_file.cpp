#include "agent/alerts/trial/trial_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
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

    // "from" to "to" each "every", or once "at".
    TrialInput read_input(SectionReader& section) {
        TrialInput input;
        const nanoseconds interval(result_.file.interval_ns);
        const bool is_once = section.has("at");
        const auto from = section.duration(is_once ? "at" : "from", 0s, 0s, time_max);
        input.from_ns = from.count();
        read_lines(section, input);
        input.every_ns = interval.count();
        std::int64_t to_ns = 0;
        if (!is_once) {
            input.every_ns =
                section.duration("every", interval, nanoseconds(1ms), time_max).count();
            to_ns = section.duration("to", from, 0s, time_max).count();
            if (section.has("to") && to_ns <= input.from_ns && !section.is_wrong("to")) {
                section.problem(
                    "to", fmt::format("must be after `from` ({}), got {}", format_duration(from),
                                      format_duration(nanoseconds(to_ns))));
            }
        } else {
            for (const std::string_view key : {"from", "to", "every"}) {
                if (!section.has(key)) continue;
                section.duration(key, interval, 0s, time_max);
                section.problem(key, "must not stand beside `at`, which is a single time");
            }
        }
        if (!input.series.empty()) {
            const auto steps = static_cast<std::int64_t>(input.series.size());
            const std::int64_t length = steps > trial_time_max_ns / input.every_ns
                                            ? trial_time_max_ns
                                            : steps * input.every_ns;
            input.steps = input.series.size();
            input.end_ns = input.from_ns + length;
            if (section.has("to") && to_ns > input.from_ns && to_ns != input.end_ns) {
                section.problem("to", fmt::format("must be left out, or {}: {} values, one each {}",
                                                  format_duration(nanoseconds(input.end_ns)), steps,
                                                  format_duration(nanoseconds(input.every_ns))));
            }
            return input;
        }
        input.end_ns = std::max(to_ns, input.from_ns + 1);
        input.steps = static_cast<std::uint64_t>(
            (input.end_ns - input.from_ns + input.every_ns - 1) / input.every_ns);
        lines_ += input.steps * input.lines.size();
        return input;
    }

    void read_lines(SectionReader& section, TrialInput& input) {
        input.lines = section.texts("lines", {});
        LineCheck refused(result_.file.reading);
        if (const Node* const node = section.value("lines", "list of texts"); node != nullptr) {
            const auto* const array = std::get_if<Array>(&node->value);
            for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
                const std::string* const line = (*array)[i].text();
                if (line == nullptr) continue;
                if (std::string what = refused(*line); !what.empty()) {
                    context_.problems.add((*array)[i].position, section.path_of("lines"),
                                          std::move(what));
                }
            }
        }
        const auto text = section.optional_text("series");
        if (text) {
            auto series = read_series(*text);
            if (!series) {
                section.problem("series", std::move(series.error()));
            } else {
                input.series = std::move(*series);
                lines_ += input.series.size();
                const auto first = std::ranges::find_if(
                    input.series, [](const std::string& line) { return !line.empty(); });
                std::string what = first == input.series.end() ? "" : refused(*first);
                if (!what.empty()) section.problem("series", std::move(what));
            }
            if (section.has("lines")) {
                section.problem("series",
                                "must not stand beside `lines`: give each an entry of "
                                "its own");
            }
        }
        const bool is_gap = !section.has("lines") && !text;
        if (is_gap && !section.has("to")) {
            section.problem("", "must have `lines` or `series`; or `to`, for a time without any");
        }
        section.report_unknown();
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
