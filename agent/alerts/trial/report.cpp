#include "agent/alerts/trial/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// A longer text pushes the column beside it no further.
constexpr std::size_t column_characters_max = 48;

std::size_t width_of(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        text.remove_prefix(first_character(text).bytes);
        ++width;
    }
    return width;
}

std::string padded(std::string_view text, std::size_t width) {
    std::string out(text);
    out.append(width - std::min(width, width_of(text)), ' ');
    return out;
}

std::string without_blanks_behind(std::string text) {
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

std::string labels_text(const std::map<std::string, std::string>& labels) {
    GroupLabels sorted;
    for (const auto& [name, value] : labels) sorted.push_back({name, value});
    return shown(sorted);
}

std::string table_text(const Comparison& comparison) {
    std::size_t names = 0;
    std::size_t expectations = std::string_view("expected").size();
    std::size_t gots = 0;
    for (const ComparedFact& fact : comparison.facts) {
        names = std::max(names, width_of(fact.name));
        expectations = std::max(expectations, width_of(fact.expected));
        gots = std::max(gots, width_of(fact.got));
    }
    expectations = std::min(expectations, column_characters_max);
    gots = std::min(gots, column_characters_max);
    const auto row = [&](std::string_view name, std::string_view expected, std::string_view got,
                         std::string_view mark) {
        return without_blanks_behind(fmt::format("  {}  {}  {}  {}", padded(name, names),
                                                 padded(expected, expectations), padded(got, gots),
                                                 mark)) +
               "\n";
    };
    std::string text = row("", "expected", "got", "");
    for (const ComparedFact& fact : comparison.facts) {
        text += row(fact.name, fact.expected, fact.got, fact.is_equal ? "" : "<--");
    }
    return text;
}

// XML 1.0 knows few control characters; printable() has made the others visible.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string failures_text(const TrialResult& result) {
    std::string text;
    for (const TrialFailure& failure : result.outcome.failures) {
        text += (text.empty() ? "" : "\n") + failure_text(failure);
    }
    return text;
}

std::string indented(std::string_view text, std::string_view by) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        const std::string_view line = text.substr(0, end);
        if (line != "\n") out += by;
        out += line;
        text.remove_prefix(end);
    }
    return out;
}

std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

std::string failure_text(const TrialFailure& failure) {
    const Expectation& expectation = *failure.expectation;
    const std::string time = time_text(failure.at_ns);
    std::string at = "at " + expectation.at;
    if (!expectation.at_ns) {
        at = fmt::format("at \"*\", first at {}", time);
    } else if (*expectation.at_ns != failure.at_ns) {
        at += fmt::format(", as of the flush at {}", time);
    }
    std::string text = fmt::format("{}: {}: {}{}\n", expectation.where, at, expectation.alert,
                                   labels_text(expectation.labels));
    text += table_text(failure.comparison);
    text += "\n";
    for (const std::string& line : failure.explanation) text += "  " + line + "\n";
    return text;
}

std::string result_text(const TrialResult& result, bool verbose) {
    std::string text = fmt::format("{}  {}: {}\n", result.is_passed() ? "ok    " : "FAILED",
                                   result.file->name, result.trial->name);
    if (verbose) {
        for (const std::string& line : result.outcome.told) text += "    " + line + "\n";
    }
    if (!result.is_passed()) text += indented(failures_text(result), "  ") + "\n";
    return text;
}

std::string summary_text(const std::vector<TrialResult>& results, std::size_t files) {
    const auto passed =
        static_cast<std::size_t>(std::ranges::count_if(results, &TrialResult::is_passed));
    const std::size_t failed = results.size() - passed;
    const std::string text =
        fmt::format("{} in {}: ", counted(results.size(), "test"), counted(files, "file"));
    if (failed == 0) return text + "all passed.\n";
    return text + fmt::format("{} passed, {} failed.\n", passed, failed);
}

std::vector<std::string> uncovered(const std::map<std::string, RuleCoverage>& coverage) {
    std::vector<std::string> lines;
    for (const auto& [rule, entry] : coverage) {
        if (entry.fires && entry.rests) continue;
        std::string_view what = "no test expects it to fire, and none expects it not to";
        if (entry.fires) what = "no test expects it not to fire";
        if (entry.rests) what = "no test expects it to fire";
        lines.push_back(fmt::format("{}: {}", rule, what));
    }
    return lines;
}

std::string junit_xml(const std::vector<TrialResult>& results) {
    std::string text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pitot test\">\n";
    const auto count_failed = [](auto begin, auto end) {
        return std::count_if(begin, end,
                             [](const TrialResult& result) { return !result.is_passed(); });
    };
    for (auto begin = results.begin(); begin != results.end();) {
        const auto end = std::find_if(begin, results.end(), [&](const TrialResult& result) {
            return result.file != begin->file;
        });
        const std::string file = escaped(begin->file->name);
        text += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n",
                            file, end - begin, count_failed(begin, end));
        for (; begin != end; ++begin) {
            text += fmt::format(R"(    <testcase classname="{}" name="{}")", file,
                                escaped(begin->trial->name));
            if (begin->is_passed()) {
                text += "/>\n";
                continue;
            }
            const TrialFailure& first = begin->outcome.failures.front();
            text += fmt::format(
                ">\n      <failure message=\"{}: {} is not as expected\">{}</failure>\n"
                "    </testcase>\n",
                escaped(first.expectation->where), escaped(first.expectation->alert),
                escaped(failures_text(*begin)));
        }
        text += "  </testsuite>\n";
    }
    return text + "</testsuites>\n";
}

}  // namespace pitot::agent::alerts
