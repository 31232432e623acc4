#include "agent/alerts/trial/trial_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// The lines of one test, interval by interval.
class Timeline {
public:
    explicit Timeline(const Trial& trial) : trial_(trial), next_(trial.input.size(), 0) {}

    // Those before `end_ns` that were not given yet: by time, and at one time in the order of
    // the inputs. Valid as long as the test.
    const std::vector<std::string_view>& until(std::int64_t end_ns) {
        due_.clear();
        for (std::size_t i = 0; i < trial_.input.size(); ++i) {
            const TrialInput& input = trial_.input[i];
            for (; next_[i] < input.steps; ++next_[i]) {
                const std::int64_t at_ns =
                    input.from_ns + static_cast<std::int64_t>(next_[i]) * input.every_ns;
                if (at_ns >= end_ns) break;
                for (const std::string& line : input.lines) due_.push_back({at_ns, line});
                if (input.series.empty()) continue;
                const std::string& line = input.series[next_[i]];
                if (!line.empty()) due_.push_back({at_ns, line});
            }
        }
        std::ranges::stable_sort(due_, {}, &Due::at_ns);
        lines_.clear();
        for (const Due& due : due_) lines_.push_back(due.line);
        return lines_;
    }

private:
    struct Due {
        std::int64_t at_ns = 0;
        std::string_view line;
    };

    const Trial& trial_;
    std::vector<std::uint64_t> next_;  // by input: the next step
    std::vector<Due> due_;
    std::vector<std::string_view> lines_;
};

// Whether it is to be compared after the flush at `now_ns`, which is followed by another one
// at `next_ns`.
bool is_due(const Expectation& expectation, std::int64_t now_ns, std::int64_t next_ns) {
    if (!expectation.at_ns) return true;
    return now_ns <= *expectation.at_ns && *expectation.at_ns < next_ns;
}

std::vector<std::string> told_lines(const Stage& stage) {
    struct Line {
        std::int64_t at_ns = 0;
        std::string text;
    };
    std::vector<Line> lines;
    for (std::size_t rule = 0; rule < stage.rules().alerts.rules.size(); ++rule) {
        for (const ToldMessage& told : stage.told(rule)) {
            const std::string time = time_text(told.at_ns);
            const std::string severity =
                told.message.severity.empty() ? "" : " " + told.message.severity;
            lines.push_back({told.at_ns, fmt::format("{:>8}  {}{} {}{}: {}", time,
                                                     stage.rules().alerts.rules[rule].rule.name,
                                                     shown(told.labels), to_string(told.type),
                                                     severity, told.message.summary)});
        }
    }
    std::ranges::stable_sort(lines, {}, &Line::at_ns);
    std::vector<std::string> texts;
    texts.reserve(lines.size());
    for (Line& line : lines) texts.push_back(std::move(line.text));
    return texts;
}

}  // namespace

TrialOutcome run_trial(const TrialFile& file, const TrialRules& rules, const Trial& trial) {
    Stage stage(file, rules);
    Timeline timeline(trial);
    TrialOutcome outcome;
    std::vector<bool> has_failed(trial.expect.size(), false);
    while (stage.elapsed_ns() < trial.end_ns) {
        stage.flush(timeline.until(stage.elapsed_ns() + file.interval_ns));
        const std::int64_t now_ns = stage.elapsed_ns();
        const bool is_last = now_ns >= trial.end_ns;
        for (std::size_t i = 0; i < trial.expect.size(); ++i) {
            const Expectation& expectation = trial.expect[i];
            if (has_failed[i] || !is_due(expectation, now_ns, now_ns + file.interval_ns)) continue;
            // What was told in all is known at the end.
            const bool with_notified = expectation.at_ns.has_value() || is_last;
            Comparison comparison = compare(expectation, stage, with_notified);
            if (comparison.is_equal()) continue;
            has_failed[i] = true;
            outcome.failures.push_back({.expectation = &expectation,
                                        .at_ns = now_ns,
                                        .comparison = std::move(comparison),
                                        .explanation = explain(expectation, stage)});
        }
    }
    std::ranges::stable_sort(outcome.failures, {}, &TrialFailure::expectation);
    outcome.told = told_lines(stage);
    return outcome;
}

void add_coverage(const TrialFile& file, const TrialRules& rules,
                  std::map<std::string, RuleCoverage>& coverage) {
    for (const RuleDefinition& rule : rules.alerts.rules) coverage[rule.rule.name];
    const auto begins_firing = [](const std::vector<std::string>& notices) {
        return std::ranges::any_of(
            notices, [](const std::string& notice) { return notice.starts_with("firing"); });
    };
    for (const Trial& trial : file.trials) {
        for (const Expectation& expectation : trial.expect) {
            RuleCoverage& entry = coverage[expectation.alert];
            for (const Phase phase : expectation.states) {
                const bool is_active = phase == Phase::firing || phase == Phase::recovering;
                (is_active ? entry.fires : entry.rests) = true;
            }
            if (expectation.severity) entry.fires = true;
            if (expectation.notices) {
                (begins_firing(*expectation.notices) ? entry.fires : entry.rests) = true;
            }
            for (const auto& [channel, notices] : expectation.notified) {
                (begins_firing(notices) ? entry.fires : entry.rests) = true;
            }
        }
    }
}

}  // namespace pitot::agent::alerts
