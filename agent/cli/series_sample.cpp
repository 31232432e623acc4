#include "agent/cli/series_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_set>

#include "agent/alerts/expression.h"
#include "agent/cli/http_get.h"
#include "agent/config/text_file.h"
#include "agent/flush/rehearsal.h"
#include "agent/printable.h"
#include "agent/web/pages.h"
#include "agent/web/query.h"

namespace pitot::agent {
namespace {

namespace json = boost::json;

std::set<std::string> metrics_of(const alerts::AlertsConfig& config) {
    std::set<std::string> metrics;
    const auto add = [&](const alerts::Program& program) {
        for (const alerts::Feed& feed : program.feeds) metrics.insert(feed.metric);
    };
    for (const alerts::RuleDefinition& definition : config.rules) {
        if (definition.is_built_in) continue;  // alerts::Reach leaves them out
        for (const alerts::Level& level : definition.rule.levels) {
            add(level.condition);
            if (level.clear) add(*level.clear);
        }
    }
    for (const alerts::DerivedSeries& derived : config.derived) add(derived.expression);
    return metrics;
}

std::string_view text_of(const json::value& value) {
    const json::string* const text = value.if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::optional<protocol::Kind> kind_of(std::string_view name) {
    for (std::size_t number = 0; number < protocol::kind_count; ++number) {
        const auto kind = static_cast<protocol::Kind>(number);
        if (to_string(kind) == name) return kind;
    }
    return std::nullopt;
}

// One agent, asked several times.
class Inquiry {
public:
    Inquiry(const AgentTarget& target, const Clock& clock) : target_(target), clock_(clock) {}

    // The member `data` of an answer.
    std::expected<json::array, std::string> ask(const std::string& path, std::string_view what) {
        constexpr unsigned ok = 200;
        constexpr unsigned not_found = 404;
        auto reply = http_get(target_.url, path, target_.token, clock_);
        if (reply && reply->status == not_found) {
            return std::unexpected(fmt::format(
                "what answers at http://{} tells of no series: is it a pitot of this version?",
                target_.url.authority()));
        }
        if (!reply || reply->status != ok) return std::unexpected(unanswered(target_, reply));
        json::error_code error;
        json::value document = json::parse(reply->body, error);
        json::object* const object = document.if_object();
        json::value* const data = object == nullptr ? nullptr : object->if_contains("data");
        if (error || data == nullptr || !data->is_array()) {
            return std::unexpected(
                fmt::format("what answers at http://{} is no pitot", target_.url.authority()));
        }
        if (const json::value* const warnings = object->if_contains("warnings")) {
            const json::array* const all = warnings->if_array();
            if (all != nullptr && !all->empty()) {
                remarks.push_back(fmt::format("of {} {}", what, printable(text_of(all->front()))));
            }
        }
        return std::move(data->get_array());
    }

    std::vector<std::string> remarks = {};

private:
    const AgentTarget& target_;
    const Clock& clock_;
};

// Nothing for what has no name or kind that is known.
void add_series(const json::value& labels, SeriesSample& sample) {
    const json::object* const object = labels.if_object();
    if (object == nullptr) return;
    std::string name;
    std::optional<protocol::Kind> kind;
    SeriesSample::Tags tags;
    for (const auto& [key, value] : *object) {
        if (key == "__name__") {
            name = text_of(value);
        } else if (key == "__type__") {
            kind = kind_of(text_of(value));
        } else {
            tags.emplace_back(key, text_of(value));
        }
    }
    if (!name.empty() && kind) sample.add(name, *kind, std::move(tags));
}

}  // namespace

void SeriesSample::add(std::string_view name, protocol::Kind kind, Tags tags) {
    std::ranges::sort(tags);
    std::string text(name);
    for (const auto& [key, value] : tags) {
        if (text.size() > name.size()) text += ',';
        text.append(key).append(":").append(value);
    }
    if (text.size() > series_text_bytes_max) return;
    texts_.push_back(std::move(text));
    series_.push_back({.text = texts_.back().data(),
                       .name_bytes = static_cast<std::uint16_t>(name.size()),
                       .tags_bytes = static_cast<std::uint16_t>(texts_.back().size() - name.size()),
                       .kind = kind,
                       .name_hash = protocol::name_hash_of(name, kind),
                       .birth = series_.size() + 1});
}

std::expected<SeriesSample, std::string> series_of_lines(const std::filesystem::path& file,
                                                         const Config& config) {
    const auto read = read_file(file, sample_file_bytes_max);
    if (!read) {
        return std::unexpected(fmt::format("{}: {}", printable(file.native(), 200), read.error()));
    }
    const protocol::Reading reading =
        config.listeners.empty() ? protocol::Reading() : config.listeners.front().reading;
    Rehearsal rehearsal(config, reading, {}, 0);
    for (std::string_view rest = read->text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (!line.empty() && line != "\r") rehearsal.take(line);
    }
    const protocol::Snapshot& snapshot = rehearsal.end_interval();
    SeriesSample sample;
    for (const protocol::Series& series : snapshot.series) {
        if (series.birth == 0) continue;
        SeriesSample::Tags tags;
        for (const protocol::Tag tag : series.tags()) tags.emplace_back(tag.key, tag.value);
        sample.add(series.name(), series.kind, std::move(tags));
    }
    const auto refused =
        std::accumulate(snapshot.rejected.begin(), snapshot.rejected.end(), std::uint64_t{0});
    if (refused > 0) {
        sample.remarks.push_back(
            fmt::format("{}: {} line(s) are refused; `pitot explain --stdin` says why",
                        printable(file.native(), 200), refused));
    }
    return sample;
}

std::expected<SeriesSample, std::string> series_of_agent(const AgentTarget& target,
                                                         const alerts::AlertsConfig& config,
                                                         const Clock& clock) {
    Inquiry inquiry(target, clock);
    SeriesSample sample;
    std::unordered_set<std::string> known;  // a glob and a name may mean the same ones
    std::unordered_set<std::string> names;
    for (const std::string& metric : metrics_of(config)) {
        const std::string selector = to_text(alerts::Selector{.metric = metric, .matches = {}});
        const auto data = inquiry.ask(
            fmt::format("{}?{}={}", page_series, query_escaped("match[]"), query_escaped(selector)),
            fmt::format("the series of {}", printable(selector, 200)));
        if (!data) return std::unexpected(data.error());
        for (const json::value& labels : *data) {
            if (known.insert(json::serialize(labels)).second) add_series(labels, sample);
        }
    }
    for (const protocol::Series& series : sample.series()) names.emplace(series.name());
    const auto all = inquiry.ask(std::string(page_series_names), "the names of all series");
    if (!all) return std::unexpected(all.error());
    for (const json::value& name : *all) {
        // Of no rule's name, so that nothing but its name matters.
        std::string text(text_of(name));
        if (!text.empty() && !names.contains(text)) {
            sample.add(text, protocol::Kind::counter, {});
        }
    }
    sample.remarks = std::move(inquiry.remarks);
    return sample;
}

}  // namespace pitot::agent
