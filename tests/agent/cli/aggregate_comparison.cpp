#include "tests/agent/cli/aggregate_comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <utility>

namespace pitot::tests {
namespace {

namespace json = boost::json;
using protocol::Kind;
using protocol::Snapshot;

sinks::prometheus::ExpositionSettings without_suffix() {
    sinks::prometheus::ExpositionSettings settings;
    settings.counter_suffix = "";
    return settings;
}

// {"explicit_buckets": {"foo.*": [0.1, 0.5, 1]}}; rows have one pattern.
std::vector<double> bounds_of(const json::object& config) {
    const json::value* buckets = config.if_contains("explicit_buckets");
    if (buckets == nullptr) return {};
    return json::value_to<std::vector<double>>(buckets->as_object().begin()->value());
}

std::vector<OwnSeries> series_of(const Snapshot& snapshot) {
    std::vector<OwnSeries> all;
    const auto add = [&](const auto& point, double number, DistributionView values = {}) {
        all.push_back({.series = &snapshot.series[point.id],
                       .has_news = point.updated,
                       .number = number,
                       .values = values});
    };
    for (const auto& point : snapshot.counters) add(point, point.delta);
    for (const auto& point : snapshot.gauges) add(point, point.value);
    for (const auto& point : snapshot.sets) add(point, point.unique);
    for (const auto& point : snapshot.timers) add(point, 0, point.values);
    return all;
}

}  // namespace

std::string_view OwnSeries::type() const {
    switch (series->kind) {
        case Kind::counter:
            return "counters";
        case Kind::gauge:
            return "gauges";
        case Kind::set:
            return "sets";
        default:
            return "timers";
    }
}

Comparison::Comparison(const json::object& row, std::vector<std::string> otherwise)
    : peer_(row.at("peer").as_string()),
      bounds_(bounds_of(row.at("config").as_object())),
      listed_(std::move(otherwise)),
      exposition_(without_suffix(), [](const std::string&) {}) {}

void Comparison::number(const std::string& field, const json::value& wanted,
                        std::optional<Got> got) {
    const bool same =
        wanted.is_null() ? !got.has_value() : got && agrees(*got, wanted.to_number<double>());
    const bool is_listed = std::ranges::find(listed_, field) != listed_.end();
    if (is_listed) {
        ++otherwise_;
        if (same) differs(field + " agrees by now; take it off the list");
        return;
    }
    ++compared_;
    if (same) return;
    differs(field + ": wanted " + json::serialize(wanted) + ", got " +
            (got ? std::to_string(got->number) : "nothing"));
}

OwnSeries* Comparison::find(std::string_view type, std::string_view written) {
    const WrittenName wanted(written);
    OwnSeries* only = nullptr;
    std::size_t of_that_name = 0;
    for (OwnSeries& own : own_) {
        if ((type != "series" && own.type() != type) || own.series->name() != wanted.name) continue;
        if (!repeats_idle() && !own.has_news) continue;
        if (tags_of(*own.series, peer_ == "telegraf") == wanted.tags) {
            own.is_named = true;
            return &own;
        }
        only = &own;
        ++of_that_name;
    }
    if (of_that_name != 1 || !wanted.tags.empty()) return nullptr;
    only->is_named = true;
    return only;
}

void Comparison::plain(const std::string& path, std::string_view type, std::string_view name,
                       const json::value& wanted) {
    bool by_the_second = type == "rates";
    if (by_the_second) type = "counters";
    OwnSeries* own = find(type, name);
    // statsite's extended counters have their word in the name.
    if (own == nullptr && name.ends_with(".count"))
        own = find(type, name.substr(0, name.size() - 6));
    if (own == nullptr && name.ends_with(".rate")) {
        own = find(type, name.substr(0, name.size() - 5));
        by_the_second = true;
    }
    if (own == nullptr) return number(path, wanted, std::nullopt);
    number(path, wanted, Got{by_the_second ? own->number / elapsed_s_ : own->number});
}

void Comparison::timer(const std::string& path, OwnSeries* own, const json::object& wanted) {
    for (const auto& [word, value] : wanted) {
        const std::string field = path + "/" + std::string(word);
        if (has_no_counterpart(word)) {
            ++without_counterpart_;
        } else if (own == nullptr) {
            number(field, value, std::nullopt);
        } else if (word == "histogram" && value.is_object()) {
            cumulative(field, own->values, value.get_object());
        } else {
            number(field, value, statistic(own->values, word, elapsed_s_));
        }
    }
}

void Comparison::cumulative(const std::string& path, const DistributionView& values,
                            const json::object& wanted) {
    for (const auto& [bound, count] : wanted) {
        const std::string field = path + "/" + std::string(bound);
        if (bound == "+Inf") {
            number(field, count, Got{values.count()});
        } else if (bound.find_first_not_of("-.0123456789") != std::string_view::npos) {
            number(field, count, std::nullopt);
        } else {
            number(field, count, Got{values.count_at_most(std::stod(std::string(bound)))});
        }
    }
}

// "a.max" of datadog-agent and veneur; "a" for what has one number.
void Comparison::suffixed(const std::string& path, std::string_view name,
                          const json::value& wanted) {
    if (has_no_counterpart(name)) {
        ++without_counterpart_;
        return;
    }
    const bool count_is_rate = peer_ == "datadog-agent";
    if (const OwnSeries* own = find("series", name); own != nullptr && own->type() != "timers") {
        const bool is_rate = count_is_rate && own->type() == "counters";
        return number(path, wanted, Got{is_rate ? own->number / elapsed_s_ : own->number});
    }
    const std::size_t dot = name.rfind('.');
    const OwnSeries* own = find("timers", name.substr(0, dot));
    if (own == nullptr) return number(path, wanted, std::nullopt);
    const std::string_view word = name.substr(dot + 1);
    number(
        path, wanted,
        statistic(own->values, word == "count" && count_is_rate ? "count_ps" : word, elapsed_s_));
}

void Comparison::group(const std::string& type, const json::object& wanted) {
    for (const auto& [name, value] : wanted) {
        const std::string path = type + "/" + std::string(name);
        if (type == "series") {
            suffixed(path, name, value);
        } else if (type == "timers") {
            timer(path, find(type, name), value.as_object());
        } else {
            plain(path, type, name, value);
        }
    }
}

// otel: whole distributions.
void Comparison::otel(const std::string& type, const json::object& wanted) {
    for (const auto& [name, value] : wanted) {
        const std::string path = type + "/" + std::string(name);
        const OwnSeries* own = find("timers", name);
        if (own == nullptr) {
            differs(path + " is missing");
        } else if (type == "exp_histogram") {
            exponential(path, own->values, value.as_object());
        } else if (type == "histogram") {
            bucketed(path, own->values, value.as_object());
        } else {
            weighted(path, own->values, value.as_object());
        }
    }
}

// "buckets": how many lie between one bound and the next, and above the last.
void Comparison::bucketed(const std::string& path, const DistributionView& values,
                          const json::object& wanted) {
    number(path + "/count", wanted.at("count"), Got{values.count()});
    number(path + "/sum", wanted.at("sum"), Got{values.sum()});
    double below = 0;
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
        const double reached =
            i < bounds_.size() ? values.count_at_most(bounds_[i]) : values.count();
        number(path + "/buckets", wanted.at("buckets").as_array().at(i), Got{reached - below});
        below = reached;
    }
}

// "points" and "weights" in the order sent: how much lies at or below each point.
void Comparison::weighted(const std::string& path, const DistributionView& values,
                          const json::object& wanted) {
    const auto points = json::value_to<std::vector<double>>(wanted.at("points"));
    const auto weights = json::value_to<std::vector<double>>(wanted.at("weights"));
    for (const double point : points) {
        double at_most = 0;
        for (std::size_t i = 0; i < points.size(); ++i) {
            if (points[i] <= point) at_most += weights.at(i);
        }
        number(path + "/points", at_most, Got{values.count_at_most(point)});
    }
}

void Comparison::exponential(const std::string& path, const DistributionView& values,
                             const json::object& wanted) {
    const json::value* scale = wanted.if_contains("scale");
    const int schema = scale == nullptr ? 0 : scale->to_number<int>();
    protocol::Distribution sketch(protocol::HistogramShape{.schema = schema});
    values.add_to(sketch);
    const protocol::Histogram& histogram = sketch.histogram();
    for (const auto& [word, value] : wanted) {
        const std::string field = path + "/" + std::string(word);
        if (word == "scale") {
            number(field, value, Got{static_cast<double>(histogram.schema())});
        } else if (word == "offset") {
            number(field, value, Got{histogram.positive().first_index - 1.0});
        } else if (word == "zero_count") {
            number(field, value, Got{histogram.zero_count()});
        } else if (value.is_array()) {
            const auto side = word == "negative" ? histogram.negative() : histogram.positive();
            const json::array& counts = value.get_array();
            if (counts.size() != side.counts.size()) differs(field + " has another length");
            for (std::size_t i = 0; i < std::min(counts.size(), side.counts.size()); ++i)
                number(field, counts[i], Got{side.counts[i]});
        } else {
            number(field, value, statistic(DistributionView::sketched(sketch), word, elapsed_s_));
        }
    }
}

// Samples with a time of their own, as rates: {"name": [[timestamp, rate], …]}.
void Comparison::timed(const Snapshot& snapshot, const json::object& wanted) {
    std::size_t named = 0;
    for (const auto& [name, points] : wanted) {
        for (const json::value& point : points.as_array()) {
            std::optional<Got> got;
            for (const protocol::TimedPoint& sample : snapshot.timed) {
                if (sample.name == std::string_view(name) &&
                    sample.timestamp_s == point.at(0).as_int64())
                    got = Got{sample.value / elapsed_s_};
            }
            number("points/" + std::string(name), point.at(1), got);
            ++named;
        }
    }
    if (snapshot.timed.size() != named) differs("other samples with a time of their own");
}

void Comparison::discarded(const Snapshot& snapshot, const json::array& wanted) {
    std::uint64_t rejected = 0;
    for (const std::uint64_t count : snapshot.rejected) rejected += count;
    number("discarded", wanted.size(), Got{static_cast<double>(rejected)});
    for (const json::value& name : wanted) {
        if (find("series", name.as_string()) != nullptr) differs("discarded: it is there");
    }
}

// statsd_exporter: {"counters": {"name{label:value}": number}} as Prometheus sees them, and
// nothing else. "observers" are summaries, told by their sum.
void Comparison::exposed(const Snapshot& snapshot, const json::object& wanted) {
    sinks::Encoded encoded;
    exposition_.encode(snapshot, {}, encoded);
    std::map<std::string, std::string> types{
        {"counter", "counters"}, {"gauge", "gauges"}, {"summary", "observers"}};
    std::map<std::string, double> samples;  // "counters/name{label:value}"
    std::string type;
    std::istringstream text(encoded.batches.empty() ? "" : encoded.batches.front().body);
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("# TYPE ")) type = types.at(line.substr(line.rfind(' ') + 1));
        if (line.starts_with("#")) continue;
        std::string name = line.substr(0, line.rfind(' '));
        if (type == "observers" && !name.ends_with("_sum")) continue;
        if (type == "observers") name.erase(name.size() - std::string_view("_sum").size());
        std::erase(name, '"');
        std::ranges::replace(name, '=', ':');
        samples[type + "/" + name] = std::stod(line.substr(line.rfind(' ') + 1));
    }
    for (const auto& [of_type, named] : wanted) {
        for (const auto& [name, value] : named.as_object()) {
            const std::string path = std::string(of_type) + "/" + std::string(name);
            if (path == "errors/illegal_negative_counter") {
                const auto lost = encoded.lost[sinks::LossReason::negative_delta];
                number(path, value, Got{static_cast<double>(lost)});
                // What is left is a counter that never went up.
                std::erase_if(samples, [](const auto& sample) { return sample.second == 0; });
                continue;
            }
            const auto found = samples.find(path);
            number(path, value,
                   found == samples.end() ? std::nullopt : std::optional(Got{found->second}));
            if (found != samples.end()) samples.erase(found);
        }
    }
    for (const auto& [name, value] : samples) differs(name + " is there besides");
}

void Comparison::none_besides(const json::object& wanted) {
    for (const OwnSeries& own : own_) {
        const bool is_asked_for = wanted.contains(own.type()) || wanted.contains("series");
        if (!is_asked_for || own.is_named) continue;
        if (repeats_idle() || own.has_news)
            differs(std::string(own.type()) + "/" + std::string(own.series->name()) +
                    " is there besides");
    }
    for (const auto& [type, named] : wanted) {
        // A type that is named and empty: that there is none was just looked at.
        if (named.is_object() && named.get_object().empty()) ++compared_;
    }
}

void Comparison::flush(const Snapshot& snapshot, const json::object& wanted) {
    own_ = series_of(snapshot);
    elapsed_s_ = snapshot.elapsed_s;
    if (peer_ == "statsd_exporter") return exposed(snapshot, wanted);
    for (const auto& [key, value] : wanted) {
        const std::string word(key);
        const bool is_group = word == "counters" || word == "rates" || word == "gauges" ||
                              word == "sets" || word == "timers" || word == "series";
        if (is_group && value.is_object()) {
            group(word, value.get_object());
        } else if (word == "summary" || word == "histogram" || word == "exp_histogram") {
            otel(word, value.as_object());
        } else if (word == "points") {
            timed(snapshot, value.as_object());
        } else if (word == "discarded") {
            discarded(snapshot, value.as_array());
        } else {
            differs(word + ": there is no such thing");
        }
    }
    none_besides(wanted);
}

void Comparison::equivalent(const Snapshot& snapshot, const Snapshot& other) {
    const std::vector<OwnSeries> left = series_of(snapshot);
    const std::vector<OwnSeries> right = series_of(other);
    if (left.size() != right.size()) return differs("other series");
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (left[i].series->name() != right[i].series->name()) differs("other names");
        for (const std::string_view word :
             {"count", "sum", "min", "max", "mean", "std", "median", "95percentile"}) {
            const auto got = statistic(left[i].values, word, snapshot.elapsed_s);
            const auto wanted = statistic(right[i].values, word, other.elapsed_s);
            number(std::string(word), wanted->number, got);
        }
        number("number", right[i].number, Got{left[i].number});
    }
}

}  // namespace pitot::tests
