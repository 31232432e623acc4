// Random rules on a random stream, given to the evaluator and to the slow model, and
// compared after each flush: what the differential test and its fuzz target share.
//
// Where choices come from is passed in: a generator with a seed, or the bytes of a fuzzer.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/evaluator.h"
#include "agent/alerts/parser.h"
#include "agent/alerts/program.h"
#include "tests/support/sink_snapshot.h"
#include "tests/support/slow_alerts.h"

namespace pitot::tests {

// A number below its argument.
using Choose = std::function<std::uint32_t(std::uint32_t)>;

// Expressions that compile more often than not.
class RandomRule {
public:
    explicit RandomRule(const Choose& choose) : choose_(choose) {}

    std::string condition(int depth = 2) {
        if (depth > 0 && choose_(4) == 0) {
            const char* const operation = choose_(2) == 0 ? " and " : " or ";
            return "(" + condition(depth - 1) + operation + condition(depth - 1) + ")";
        }
        if (depth > 0 && choose_(8) == 0) return "not (" + condition(depth - 1) + ")";
        if (choose_(8) == 0) return "absent(" + selector(false) + ")" + grouping();
        // Not compared with a metric, which would have to be a time then.
        if (choose_(12) == 0) return "age(" + selector_of_now() + ")" + grouping() + " > 25";
        if (choose_(8) == 0) return number(1) + " between " + literal() + " and " + literal();
        return number(1) + pick({" > ", " >= ", " < ", " <= ", " == ", " != "}) +
               (choose_(4) == 0 ? number(1) : literal());
    }

private:
    std::string pick(const std::vector<std::string>& texts) {
        return texts[choose_(static_cast<std::uint32_t>(texts.size()))];
    }
    std::string literal() { return pick({"0", "1", "2.37", "3", "5.61", "17", "40"}); }
    std::string window() { return pick({"[1f]", "[3f]", "[50s]", "[25s]", "[7f]"}); }
    std::string grouping() {
        return pick({"", "", " by (service)", " by (service)", " by (service, zone)", " by (*)",
                     " without (zone)"});
    }
    std::string selector_of_now() { return pick({"a", "b", "\"c.*\"", "a{zone!=\"z1\"}"}); }
    std::string selector(bool may_look_back) {
        std::string text = pick({"a", "a", "b", "c.x", "\"c.*\"", "missing"});
        text += pick({"", "", "", "{service=\"s1\"}", "{zone!=\"z1\"}", "{service=~\"s1|s2\"}",
                      "{zone!~\"z.\"}", R"({service="s*", zone="z2"})"});
        if (!may_look_back) return text + pick({"", "[2f]", "[40s]"});
        if (choose_(2) == 0) text += window();
        if (choose_(8) == 0) text += pick({" offset 20s", " offset 5f"});
        return text;
    }
    std::string number(int depth) {
        switch (choose_(depth > 0 ? 14 : 9)) {
            case 0:
                return "ratio(" + pick({"a", "a{zone=\"z1\"}", "b{service=\"s1\"}"}) + ", " +
                       pick({"a", "b"}) + window() + pick({"", ", min = 4"}) + ")" + grouping();
            case 1:
                return selector(false);
            case 2:
                return pick({"delta(", "deriv("}) + pick({"a", "b", "c.y"}) + window() +
                       pick({"", " offset 3f"}) + ")" + grouping();
            case 3:
                return "series(" + pick({"a", "b", "\"c.*\""}) + ")" + grouping();
            case 4:
                return "count_over(" + selector(true) + ", 3)" + grouping();
            case 9:
                return number(0) + pick({" + ", " - ", " * ", " / "}) + number(0);
            case 10:
                return pick({"abs(", "floor(", "ceil(", "log10("}) + number(0) + ")";
            case 11:
                return "clamp(" + number(0) + ", 1, 8)";
            case 12:
                return "ewma(" + number(0) + ", 0.5)";
            case 13:
                return "-(" + number(0) + ")";
            default:
                return pick({"rate", "count", "sum", "increase", "avg", "min", "max", "stddev",
                             "p50", "p95", "last", "unique"}) +
                       "(" + selector(true) + ")" + grouping();
        }
    }

    const Choose& choose_;
};

class Differential {
public:
    Differential(const Choose& choose, std::size_t rules) : choose_(choose) {
        RandomRule random(choose);
        for (std::size_t tries = 0; tries < 8 * rules && rules_.size() < rules; ++tries) {
            const std::string text = random.condition();
            auto expression = agent::alerts::parse_expression(agent::alerts::SourceText(text));
            if (!expression) fault_ = text + ": " + expression.error().what;
            if (!expression) return;
            agent::alerts::Expression tree = *expression;
            auto program = agent::alerts::compile(std::move(*expression),
                                                  agent::alerts::Result::condition, {});
            if (!program) continue;  // sides that cannot be joined
            rules_.push_back({text, std::move(tree), evaluator_.add(std::move(*program))});
        }
    }

    std::size_t rules() const { return rules_.size(); }
    std::size_t compared() const { return compared_; }

    // One flush of both. What differs, or nothing.
    std::optional<std::string> flush() {
        if (fault_) return fault_;
        change_series();
        protocol::Snapshot snapshot = maker_.end_interval();
        snapshot.elapsed_s = 9 + choose_(3);
        SlowFlush slow{.elapsed_s = snapshot.elapsed_s, .points = {}};
        std::vector<protocol::SetPoint> sets(snapshot.sets.begin(), snapshot.sets.end());
        std::vector<protocol::UniqueCount> members(sets.size());
        for (std::size_t i = 0; i < sets.size(); ++i) {
            const protocol::Series& series = snapshot.series[sets[i].id];
            const SlowPoint& point = alive_.at(key_of(series));
            for (const std::uint64_t member : point.members) members[i].add(member);
            if (sets[i].updated) sets[i].members = &members[i];
        }
        snapshot.sets = sets;
        for (const auto& [key, point] : alive_) slow.points.push_back(point);
        evaluator_.take(snapshot);
        model_.take(std::move(slow));
        for (const Rule& rule : rules_) {
            if (auto difference = compare(rule)) return difference;
        }
        return std::nullopt;
    }

private:
    struct Rule {
        std::string text;
        agent::alerts::Expression expression;
        agent::alerts::ProgramId program;
    };
    using Key = std::tuple<protocol::Kind, std::string, std::string>;

    static Key key_of(const protocol::Series& series) {
        std::string tags;
        for (const protocol::Tag tag : series.tags()) {
            tags += (tags.empty() ? "" : ",") + std::string(tag.key) + ":" + std::string(tag.value);
        }
        return {series.kind, std::string(series.name()), tags};
    }

    // Some series are born, some are silent, some have values, some die.
    void change_series() {
        using protocol::Kind;
        for (auto entry = alive_.begin(); entry != alive_.end();) {
            entry->second.updated = false;
            entry->second.values.clear();
            entry->second.members.clear();
            if (entry->second.kind != Kind::gauge) entry->second.number = 0;
            const auto& [kind, name, tags] = entry->first;
            if (choose_(24) == 0) {
                maker_.forget(kind, name, tags);
                entry = alive_.erase(entry);
            } else {
                ++entry;
            }
        }
        static const std::vector<std::string> names{"a", "b", "c.x", "c.y", "d"};
        static const std::vector<std::string> tag_texts{"",
                                                        "service:s1",
                                                        "service:s1,zone:z1",
                                                        "service:s1,zone:z2",
                                                        "service:s2,zone:z1",
                                                        "service:s2,zone:z2",
                                                        "zone:z1"};
        constexpr std::uint32_t updates = 6;
        for (std::uint32_t i = choose_(updates); i > 0; --i) {
            const std::string& name = names[choose_(static_cast<std::uint32_t>(names.size()))];
            const std::string& tags =
                tag_texts[choose_(static_cast<std::uint32_t>(tag_texts.size()))];
            constexpr Kind kinds[]{Kind::counter, Kind::gauge, Kind::timer, Kind::set};
            update(kinds[choose_(4)], name, tags);
        }
    }

    void update(protocol::Kind kind, const std::string& name, const std::string& tags) {
        using protocol::Kind;
        SlowPoint& point = alive_[Key(kind, name, tags)];
        point.kind = kind;
        point.name = name;
        point.tags = split(tags);
        point.updated = true;
        const double number = choose_(7);
        switch (kind) {
            case Kind::counter:
                maker_.count(name, tags, number);
                point.number += number;
                break;
            case Kind::gauge:
                maker_.gauge(name, tags, number);
                point.number = number;
                break;
            case Kind::set:
                maker_.set(name, tags, 1);
                point.members.push_back(1 + choose_(5));
                break;
            default:
                maker_.values(kind, name, tags, {number, number + 1});
                point.values.push_back(number);
                point.values.push_back(number + 1);
                break;
        }
    }

    static std::vector<std::pair<std::string, std::string>> split(std::string_view text) {
        std::vector<std::pair<std::string, std::string>> tags;
        while (!text.empty()) {
            const std::string_view one = text.substr(0, text.find(','));
            text.remove_prefix(std::min(text.size(), one.size() + 1));
            tags.emplace_back(one.substr(0, one.find(':')), one.substr(one.find(':') + 1));
        }
        return tags;
    }

    std::optional<std::string> compare(const Rule& rule) {
        const SlowAlerts::Side expected = model_.condition(rule.expression);
        const auto shown_step = evaluator_.program(rule.program).value;
        const auto shown_node = evaluator_.program(rule.program).steps[shown_step].source;
        agent::alerts::Expression shown = rule.expression;
        shown.root = shown_node;
        const SlowAlerts::Side values = model_.evaluate(shown);
        const bool has_values = values.truths.empty();
        std::optional<std::string> difference;
        std::size_t instances = 0;
        evaluator_.each_instance(rule.program, [&](const agent::alerts::Instance& instance) {
            ++instances;
            ++compared_;
            const auto truth = expected.truths.find(instance.group.labels);
            if (truth == expected.truths.end()) {
                difference = describe(rule, instance) + ": the model has no such instance";
            } else if (truth->second != instance.truth) {
                difference = describe(rule, instance) + ": the model says " +
                             std::to_string(static_cast<int>(truth->second)) + " of " +
                             text_of(value_in(values, instance.group.labels));
            } else if (has_values) {
                const auto value = value_in(values, instance.group.labels);
                if (!is_near(value, instance.value)) {
                    difference = describe(rule, instance) + ": the model has " + text_of(value);
                }
            }
        });
        if (!difference && instances != expected.truths.size()) {
            difference = rule.text + " at flush " + std::to_string(model_.flushes()) +
                         ": the model has more instances:";
            for (const auto& [labels, truth] : expected.truths) {
                *difference += " {" + agent::alerts::key_of(labels) + "}";
            }
            *difference += " instead of";
            evaluator_.each_instance(rule.program, [&](const agent::alerts::Instance& instance) {
                *difference += " {" + instance.group.key + "}";
            });
        }
        return difference;
    }

    static agent::alerts::Value value_in(const SlowAlerts::Side& side,
                                         const agent::alerts::GroupLabels& labels) {
        return side.value_of(agent::alerts::projected(labels, side.labels));
    }
    static bool is_near(double a, double b) {
        constexpr double share = 1e-9;
        return a == b || std::abs(a - b) <= share * std::max({1.0, std::abs(a), std::abs(b)});
    }
    static bool is_near(const agent::alerts::Value& a, const agent::alerts::Value& b) {
        if (a.known != b.known) return false;
        if (a.known != agent::alerts::Known::value) return true;
        return is_near(a.low, b.low) && is_near(a.high, b.high);
    }
    static std::string text_of(const agent::alerts::Value& value) {
        if (value.known == agent::alerts::Known::no_data) return "no data";
        if (value.known == agent::alerts::Known::filling) return "filling";
        return "[" + std::to_string(value.low) + ", " + std::to_string(value.high) + "]";
    }
    std::string describe(const Rule& rule, const agent::alerts::Instance& instance) const {
        std::string text = rule.text + " at flush " + std::to_string(model_.flushes()) + " {";
        for (const auto& label : instance.group.labels)
            text += label.name + "=" + label.value + " ";
        return text + "} is " + std::to_string(static_cast<int>(instance.truth)) + " of " +
               text_of(instance.value);
    }

    const Choose& choose_;
    std::optional<std::string> fault_;
    agent::alerts::Evaluator evaluator_{{}};
    SlowAlerts model_;
    SnapshotMaker maker_;
    std::map<Key, SlowPoint> alive_;
    std::vector<Rule> rules_;
    std::size_t compared_ = 0;
};

}  // namespace pitot::tests
