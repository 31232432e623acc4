#include "agent/cli/alerts_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/json_view.h"
#include "agent/human.h"

namespace pitot::agent {
namespace {

namespace json = boost::json;

// A page never needs more than a document may have.
constexpr std::size_t all = static_cast<std::size_t>(-1);
constexpr std::size_t expression_characters_max = 4'096;

std::optional<json::value> parsed(std::string_view document) {
    json::error_code error;
    json::value value = json::parse({document.data(), document.size()}, error);
    if (error || !value.is_object()) return std::nullopt;
    return value;
}

// A document of success, by its `data`.
JsonView data_of(const std::optional<json::value>& value) {
    if (!value) return {};
    const JsonView document(&*value);
    return document["status"].text() == "success" ? document["data"] : JsonView();
}

std::string painted(std::string_view text, std::string_view colour, bool has_colours) {
    if (!has_colours || colour.empty()) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", colour, text);
}

std::string_view colour_of(std::string_view state) {
    if (state == "firing" || state == "recovering") return "31";
    return state == "pending" ? "33" : "32";
}

std::string upper(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
}

std::string with_unit(double number, const std::string& unit) {
    if (unit == "%" || unit == "percent") return fmt::format("{:.6g} %", number);
    return unit.empty() ? fmt::format("{:.6g}", number) : fmt::format("{:.6g} {}", number, unit);
}

// "slow{service="pay"}"
std::string named(const std::string& rule, JsonView labels) {
    std::string inside;
    std::size_t count = 0;
    labels.each_member([&](const std::string& key, JsonView value) {
        inside += fmt::format("{}{}=\"{}\"", count++ == 0 ? "" : ", ", key, value.text());
    });
    return inside.empty() ? rule : fmt::format("{}{{{}}}", rule, inside);
}

std::string ago(JsonView moment, double now_s) {
    const auto then_s = moment_of(moment.text());
    return then_s ? human_duration(now_s - *then_s) : std::string("?");
}

// What is special about an alert: " (not told: inhibited)".
std::string remarks(JsonView alert) {
    std::vector<std::string> words;
    if (alert["inhibited"].is_true()) words.emplace_back("inhibited");
    if (alert["suppressed"].is_true()) words.emplace_back("beyond max_instances, not told");
    if (alert["flapping"].is_true()) words.emplace_back("flapping");
    if (alert["stale"].is_true()) words.emplace_back("stale: no data now");
    if (alert["reason"].text() != "condition") words.push_back(alert["reason"].text());
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "  (" : "; ") + word;
    return text.empty() ? text : text + ")";
}

void add_alert(std::string& text, JsonView alert, double now_s, bool has_colours) {
    const JsonView own = alert["pitot"];
    const std::string state = own["state"].text();
    const std::string unit = own["unit"].text();
    std::string peak;
    if (state != "pending") peak = fmt::format(", peak {}", with_unit(own["peak"].number(), unit));
    text += fmt::format(
        "{}{}  {:<8}  {}  {}{}, for {}{}\n", painted(upper(state), colour_of(state), has_colours),
        std::string(state.size() < 10 ? 10 - state.size() : 0, ' '), own["severity"].text(),
        named(own["rule"].text(), own["labels"]), with_unit(own["value"].number(), unit), peak,
        ago(alert["activeAt"], now_s), remarks(own));
    const std::string summary = alert["annotations"]["summary"].text(400);
    if (!summary.empty()) text += fmt::format("            {}\n", summary);
}

// "`requests[5m]` matches no series; closest names are `request`, `http.requests`", or
// "`requests` matches no series: `requests` is a gauge, where counters are read"
void add_unmatched(std::string& text, JsonView rule, std::string_view indent,
                   const std::string& prefix) {
    rule["unmatched"].each_element(all, [&](JsonView leaf) {
        std::string nearest;
        std::size_t count = 0;
        leaf["nearest"].each_element(all, [&](JsonView name) {
            nearest += fmt::format("{}`{}`", count++ == 0 ? "" : ", ", name.text(200));
        });
        const std::string reason = leaf["reason"].text(expression_characters_max);
        text +=
            fmt::format("{}{}`{}` matches no series{}\n", indent, prefix, leaf["metric"].text(200),
                        !reason.empty() ? ": " + reason
                        : count == 0    ? "; no name of a metric is near it"
                        : count == 1    ? "; the closest name is " + nearest
                                        : "; closest names are " + nearest);
    });
}

std::string value_text(JsonView value, const std::string& unit) {
    const std::string is = value["is"].text();
    if (is == "filling") return "filling";
    if (!value["number"].is_there()) return "no data";
    std::string number = with_unit(value["number"].number(), unit);
    if (is == "exact") return number;
    if (is == "between") return fmt::format("{} to {:.6g}", number, value["to"].number());
    return fmt::format("{} {}", is, number);
}

std::string time_of_day(const std::string& moment) {
    return moment.size() >= 19 ? moment.substr(11, 8) : moment;
}

// Of an instance that the agent knows, and of which it keeps no evaluations but the last.
void add_not_kept(std::string& text, JsonView data, JsonView instance) {
    if (!instance["kept"].is_there() || instance["kept"].is_true()) return;
    text += fmt::format(
        "  its evaluations are not kept, this is the last one: of groups that are fine at most {} "
        "of this rule are, and fewer while much fires\n",
        data["histories_per_rule"].number());
}

// " of 2 m": what comes after how long it has been pending.
std::string hold_text(JsonView rule) {
    if (rule["for_of"].is_there()) {
        return fmt::format(", needs {} of {} evaluations", rule["for_needed"].number(),
                           rule["for_of"].number());
    }
    return " of " + human_duration(rule["for_s"].number());
}

std::string joined(JsonView list) {
    std::string text;
    list.each_element(all, [&](JsonView one) { text += (text.empty() ? "" : ", ") + one.text(); });
    return text;
}

// One instance of an explanation.
void add_instance(std::string& text, JsonView data, JsonView instance, double now_s,
                  bool has_colours) {
    const JsonView rule = data["rule"];
    const std::string unit = rule["unit"].text();
    JsonView last;
    instance["evaluations"].each_element(all, [&](JsonView evaluation) { last = evaluation; });
    const std::string state = last["state"].text();
    std::string standing = painted(upper(state), colour_of(state), has_colours);
    const JsonView alert = instance["alert"];
    if (alert.is_there()) {
        standing += fmt::format(" for {}", ago(alert["pitot"]["since"], now_s));
        if (state == "pending") standing += hold_text(rule);
    }
    text += fmt::format("{}  {}    evaluated at {} UTC\n",
                        named(rule["name"].text(), instance["labels"]), standing,
                        time_of_day(last["time"].text()));
    if (!last["there"].is_true()) {
        text += "  no series of it is left\n";
    }
    std::vector<std::pair<std::string, std::string>> truths;
    last["levels"].each_element(all, [&](JsonView level) {
        truths.emplace_back(level["raised"].text(), level["cleared"].text());
    });
    std::size_t number = 0;
    rule["levels"].each_element(all, [&](JsonView level) {
        if (number >= truths.size()) return;
        text += fmt::format("  {}: {}  = {}  {}\n", level["severity"].text(),
                            level["condition"].text(expression_characters_max),
                            value_text(last["value"], unit), upper(truths[number].first));
        if (level["clear"].is_there()) {
            text +=
                fmt::format("    clear: {}  {}\n", level["clear"].text(expression_characters_max),
                            upper(truths[number].second));
        }
        ++number;
    });
    std::vector<std::string> leaves;
    std::size_t width = 0;
    data["leaves"].each_element(all, [&](JsonView leaf) {
        leaves.push_back(leaf.text(expression_characters_max));
        width = std::max(width, leaves.back().size());
    });
    number = 0;
    last["leaves"].each_element(all, [&](JsonView leaf) {
        if (number >= leaves.size()) return;
        text += fmt::format("    {:<{}}  {}  from {} series\n", leaves[number], width,
                            value_text(leaf["value"], ""), leaf["series"].number());
        ++number;
    });
    add_not_kept(text, data, instance);
    if (alert.is_there()) {
        const JsonView own = alert["pitot"];
        text += fmt::format("  told: {}   inhibited: {}   peak: {}{}\n",
                            own["told"].is_true() ? "yes" : "no",
                            own["inhibited"].is_true() ? "yes" : "no",
                            with_unit(own["peak"].number(), unit), remarks(own));
    }
}

void add_rule(std::string& text, JsonView data, double now_s) {
    const JsonView rule = data["rule"];
    const std::string channels = joined(rule["channels"]);
    // What fires may have lost its series.
    text += fmt::format("{}  ({})   {} firing, {} pending; series of {} instance(s) are there\n",
                        rule["name"].text(), rule["where"].text(400), rule["firing"].number(),
                        rule["pending"].number(), rule["instances"].number());
    text += fmt::format("  notifies: {}\n", channels.empty() ? "log" : channels);
    if (data["evaluated"].is_there()) {
        text += fmt::format("  last evaluation {} ago, all rules in {}\n",
                            ago(data["evaluated"], now_s),
                            human_duration(data["evaluation_s"].number()));
    } else {
        text += "  not evaluated yet: the first interval has not ended\n";
    }
    const std::string hint = data["hint"].text(expression_characters_max);
    if (!hint.empty()) text += fmt::format("  hint: {}\n", hint);
    add_unmatched(text, rule, "  ", "");
}

}  // namespace

std::optional<AlertsPage> render_alerts(std::string_view document, double now_s, bool has_colours) {
    const auto value = parsed(document);
    const JsonView data = data_of(value);
    if (!data["groups"].is_there()) return std::nullopt;
    AlertsPage page;
    std::size_t pending = 0;
    std::size_t rules = 0;
    std::string firing_text;
    std::string pending_text;
    std::string unmatched;
    data["groups"].each_element(all, [&](JsonView group) {
        group["rules"].each_element(all, [&](JsonView rule) {
            if (rule["type"].text() != "alerting") return;
            ++rules;
            const JsonView own = rule["pitot"];
            page.firing += static_cast<std::size_t>(own["firing"].number());
            pending += static_cast<std::size_t>(own["pending"].number());
            rule["alerts"].each_element(all, [&](JsonView alert) {
                const bool is_pending = alert["state"].text() == "pending";
                add_alert(is_pending ? pending_text : firing_text, alert, now_s, has_colours);
            });
            if (own["built_in"].is_true()) return;
            add_unmatched(unmatched, own, "", rule["name"].text() + ": ");
        });
    });
    page.text = fmt::format("{} firing, {} pending, of {} rule(s)\n", page.firing, pending, rules);
    page.text += firing_text + pending_text;
    const double unlisted = data["pitot"]["unlisted"].number();
    if (unlisted > 0) page.text += fmt::format("and {} more, not listed\n", unlisted);
    page.text += unmatched;
    return page;
}

std::optional<AlertsPage> render_explanation(std::string_view document, double now_s,
                                             bool has_colours) {
    const auto value = parsed(document);
    const JsonView data = data_of(value);
    if (!data["rule"].is_there()) return std::nullopt;
    AlertsPage page;
    add_rule(page.text, data, now_s);
    if (data["instances"].elements() == 0) {
        page.text += "  no instance is known that has these labels\n";
    }
    data["instances"].each_element(all, [&](JsonView instance) {
        page.text += '\n';
        add_instance(page.text, data, instance, now_s, has_colours);
    });
    return page;
}

std::optional<AlertsPage> render_history(std::string_view document, bool has_colours) {
    const auto value = parsed(document);
    const JsonView data = data_of(value);
    if (!data["rule"].is_there()) return std::nullopt;
    const JsonView rule = data["rule"];
    const std::string unit = rule["unit"].text();
    AlertsPage page;
    if (data["instances"].elements() == 0) {
        page.text = "no instance is known that has these labels\n";
        add_unmatched(page.text, rule, "", "");
    }
    data["instances"].each_element(all, [&](JsonView instance) {
        page.text += fmt::format("{}\n", named(rule["name"].text(), instance["labels"]));
        page.text += fmt::format("  {:<8}  {:<14}  {:<9}  {:<10}  {}\n", "time", "value",
                                 "condition", "state", "read (series)");
        instance["evaluations"].each_element(all, [&](JsonView evaluation) {
            const std::string state = evaluation["state"].text();
            std::string leaves;
            evaluation["leaves"].each_element(all, [&](JsonView leaf) {
                leaves += fmt::format("  {} ({})", value_text(leaf["value"], ""),
                                      leaf["series"].number());
            });
            std::string truths;
            evaluation["levels"].each_element(all, [&](JsonView level) {
                truths += (truths.empty() ? "" : "/") + level["raised"].text();
            });
            page.text += fmt::format(
                "  {}  {:<14}  {:<9}  {}{}{}\n", time_of_day(evaluation["time"].text()),
                evaluation["there"].is_true() ? value_text(evaluation["value"], unit) : "gone",
                truths, painted(state, colour_of(state), has_colours),
                std::string(state.size() < 10 ? 10 - state.size() : 0, ' '), leaves);
        });
        add_not_kept(page.text, data, instance);
    });
    return page;
}

std::string refusal_of(std::string_view document) {
    const auto value = parsed(document);
    if (!value) return {};
    return JsonView(&*value)["error"].text(400);
}

}  // namespace pitot::agent
