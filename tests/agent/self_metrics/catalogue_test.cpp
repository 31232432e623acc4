// The catalogue of the agent's own metrics: against the page in agent/README.md that the
// operator reads, and against what destinations make of its names.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "agent/self_metrics/catalogue.h"
#include "sinks/prometheus/family.h"
#include "tests/support/series_texts.h"

namespace pitot::tests {
namespace {

using agent::OwnMetric;

// A row of the table, as the README is to have it.
std::string row_of(const OwnMetric& metric) {
    const std::string keys(agent::tag_keys(metric));
    std::string row = "| `pitot.";
    row.append(metric.name).append("` | ").append(to_string(metric.kind)).append(" | ");
    row.append(metric.unit).append(" | ").append(keys.empty() ? "" : keys + " ");
    return row.append("| ").append(metric.meaning).append(" |");
}

std::vector<std::string> rows_of_readme() {
    std::ifstream file(std::string(PITOT_SOURCE_DIR) + "/agent/README.md");
    std::vector<std::string> rows;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| `pitot.")) rows.push_back(line);
    }
    return rows;
}

TEST_CASE("agent/README.md lists every own metric in the words of the catalogue, and no other") {
    const std::vector<std::string> rows = rows_of_readme();
    const auto metrics = agent::own_metrics();
    std::string wanted;
    for (const OwnMetric& metric : metrics) wanted += row_of(metric) + "\n";
    CAPTURE(wanted);
    REQUIRE(rows.size() == metrics.size());
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK(rows[i] == row_of(metrics[i]));
}

TEST_CASE("names are unique, sorted for the search, and of the characters that all sinks keep") {
    const std::vector<std::string> names = agent::own_names("pitot");
    CHECK(names.size() == agent::own_metrics().size());
    CHECK(std::ranges::is_sorted(names));
    CHECK(std::ranges::adjacent_find(names) == names.end());
    for (const std::string& name : names) {
        CAPTURE(name);
        CHECK(name.starts_with("pitot."));
        CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string_view::npos);
    }
}

TEST_CASE("a metric is a counter, a gauge or a timer, and a timer is in milliseconds") {
    for (const OwnMetric& metric : agent::own_metrics()) {
        CAPTURE(metric.name);
        const bool is_timer = metric.kind == protocol::Kind::timer;
        CHECK((is_timer || metric.kind == protocol::Kind::counter ||
               metric.kind == protocol::Kind::gauge));
        CHECK(is_timer == (metric.unit == "ms"));
        CHECK(is_timer == (std::holds_alternative<agent::TimeOfFlush>(metric.reader) ||
                           std::holds_alternative<agent::TimesOfSink>(metric.reader)));
        CHECK_FALSE(metric.meaning.ends_with('.'));
    }
}

TEST_CASE("no two of them want the same name in Prometheus, in text or in OpenMetrics") {
    std::set<std::string> claimed;
    for (const OwnMetric& metric : agent::own_metrics()) {
        const std::string name = "pitot." + std::string(metric.name);
        const auto family = sinks::prometheus::classify(series_of(metric.kind, name), {});
        CAPTURE(family.name);
        std::vector<std::string> names;
        for (const auto part : sinks::prometheus::parts_of(family.type, true)) {
            names.push_back(family.name + std::string(sinks::prometheus::suffix_of(part)));
        }
        if (family.type == sinks::prometheus::FamilyType::counter) {
            CHECK(family.name.ends_with("_total"));
            const auto more = sinks::prometheus::open_metrics_counter_names(family.name);
            REQUIRE(more);
            names.push_back(more->family);
            names.push_back(more->created);
        }
        for (const std::string& each : names) CHECK(claimed.insert(each).second);
    }
}

}  // namespace
}  // namespace pitot::tests
