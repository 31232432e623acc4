#include "sinks/elasticsearch/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sinks/elasticsearch/document_id.h"
#include "sinks/elasticsearch/labels.h"
#include "sinks/elasticsearch/utc_time.h"
#include "sinks/json_writer.h"
#include "sinks/number_text.h"
#include "sinks/quantiles.h"

namespace pitot::sinks::elasticsearch {
namespace {

using protocol::Kind;
using protocol::Series;
using protocol::SeriesId;
using protocol::Snapshot;

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t ms_per_s = 1'000;

// `,"p50":`, one for each quantile. Empty: the one before has this name already.
std::vector<std::string> percentile_fields(const std::vector<double>& quantiles) {
    std::vector<std::string> out;
    for (const double quantile : quantiles) {
        const std::string field = ",\"" + quantile_field(quantile) + "\":";
        out.push_back(std::ranges::find(out, field) == out.end() ? field : "");
    }
    return out;
}

// `field` with comma, quotes and colon. JSON has no infinity, which sums can reach: the
// largest double stands for it. What is no number at all is left out.
void append_field(std::string_view field, double value, std::string& out) {
    if (std::isnan(value)) return;
    out += field;
    constexpr double largest = std::numeric_limits<double>::max();
    append_number(std::clamp(value, -largest, largest), out);
}

void append_metric(std::string_view name, std::string_view type, std::string& out) {
    out += ",\"metric\":";
    JsonWriter json(out);
    json.begin_object();
    json.optional_field("name", name);
    json.field("type", type);
    json.end_object();
}

std::string host_text(std::string_view host) {
    std::string out = ",\"host\":";
    JsonWriter json(out);
    json.begin_object();
    json.field("name", host);
    json.end_object();
    return out;
}

// Who sent an event or a service check, as far as the line says.
template <class Told>
void append_origin(const Told& told, std::string& out) {
    const bool has_some = !told.container_id.empty() || told.cgroup_inode != 0 ||
                          !told.external_data.empty() || !told.cardinality.empty();
    if (!has_some) return;
    out += ",\"origin\":";
    JsonWriter json(out);
    json.begin_object();
    json.optional_field("container_id", told.container_id);
    if (told.cgroup_inode != 0) {
        json.key("cgroup_inode");
        json.text(std::to_string(told.cgroup_inode));
    }
    json.optional_field("external_data", told.external_data);
    json.optional_field("cardinality", told.cardinality);
    json.end_object();
}

// What all documents of one moment begin with; written once per moment.
class Heads {
public:
    Heads(const TargetIndex& target, std::string_view host)
        : target_(target), host_(host_text(host)) {}

    // Interval's end: bounds how far an own time may choose the index.
    void begin(std::int64_t end_unix_ns) {
        end_ms_ = end_unix_ns / ns_per_ms;
        write(end_ms_);
    }
    void at(std::int64_t unix_ms) {
        if (unix_ms != unix_ms_) write(unix_ms);
    }
    std::int64_t end_ms() const { return end_ms_; }

    const std::string& before_id() const { return before_id_; }
    const std::string& after_id() const { return after_id_; }
    const std::string& after_id_and_host() const { return after_id_and_host_; }

private:
    void write(std::int64_t unix_ms) {
        unix_ms_ = unix_ms;
        before_id_ = R"({"create":{"_index":")";
        target_.append_name(index_ms() / ms_per_s, before_id_);
        before_id_ += R"(","_id":")";
        after_id_ = "\"}}\n{\"@timestamp\":\"";
        append_iso_time(unix_ms, after_id_);
        after_id_ += '"';
        after_id_and_host_ = after_id_ + host_;
    }
    std::int64_t index_ms() const {
        const std::int64_t ahead_s = (unix_ms_ - end_ms_) / ms_per_s;
        const bool is_near = ahead_s >= -own_index_past_s_max && ahead_s <= own_index_future_s_max;
        return is_near ? unix_ms_ : end_ms_;
    }

    const TargetIndex& target_;
    std::string host_;
    std::int64_t end_ms_ = 0;
    std::int64_t unix_ms_ = 0;
    std::string before_id_;
    std::string after_id_;
    std::string after_id_and_host_;
};

class DocumentEncoder final : public Encoder {
public:
    DocumentEncoder(EncoderSettings settings, std::function<void(const std::string&)> report)
        : settings_(std::move(settings)),
          report_(std::move(report)),
          ids_(settings_.run, settings_.host, settings_.sink),
          quantiles_(settings_.quantiles),
          percentile_fields_(percentile_fields(settings_.quantiles)),
          heads_(settings_.target, settings_.host),
          batches_(settings_.limits) {}

    void encode(const Snapshot& snapshot, Encoded& out) override {
        begin(snapshot, out);
        quantiles_.begin(snapshot);
        encode_series(snapshot, snapshot.counters, [&](const auto& point, std::string& body) {
            append_field(",\"delta\":", point.delta, body);
            if (snapshot.elapsed_s > 0) {
                append_field(",\"rate\":", point.delta / snapshot.elapsed_s, body);
            }
            append_field(",\"total\":", point.total, body);
        });
        encode_series(snapshot, snapshot.gauges, [](const auto& point, std::string& body) {
            append_field(",\"value\":", point.value, body);
        });
        encode_series(snapshot, snapshot.timers, [this](const auto& point, std::string& body) {
            append_distribution(point, body);
        });
        encode_series(snapshot, snapshot.sets, [](const auto& point, std::string& body) {
            append_field(",\"unique\":", point.unique, body);
        });
        encode_timed(snapshot);
        encode_events(snapshot);
        encode_checks(snapshot);
        batches_.end();
        out.skipped[SkipReason::idle] += idle_;
        report_merged();
        forget_dead(snapshot);
    }

private:
    // What is known of a series from its birth on.
    struct Known {
        std::uint64_t birth = 0;  // 0: nobody
        Hash128 identity;
        std::string text;  // metric and labels
    };

    void begin(const Snapshot& snapshot, Encoded& out) {
        sequence_ = snapshot.sequence;
        idle_ = 0;
        merged_ = 0;
        merged_example_.clear();
        heads_.begin(snapshot.end_unix_ns);
        known_.resize(std::max(known_.size(), snapshot.series.size()));
        batches_.begin(snapshot.sequence, snapshot.points(), out.batches);
    }

    const Known& know(const Snapshot& snapshot, SeriesId id) {
        const Series& series = snapshot.series[id];
        Known& known = known_[id];
        if (known.birth == series.birth) return known;
        if (known.birth == 0) ++known_count_;
        known.birth = series.birth;
        known.identity = identity_of(series);
        known.text.clear();
        append_metric(series.name(), to_string(series.kind), known.text);
        append_labels(series.name(), series.tags().split(), known.text);
        known.text.shrink_to_fit();
        return known;
    }

    void append_labels(std::string_view name, std::span<const protocol::Tag> tags,
                       std::string& out) {
        const LabelText labels = label_text(tags);
        out += labels.json;
        if (labels.merged > 0 && merged_ == 0) merged_example_ = name;
        merged_ += labels.merged;
    }

    template <class Points, class AppendValues>
    void encode_series(const Snapshot& snapshot, const Points& points,
                       const AppendValues& append_values) {
        for (const auto& point : points) {
            if (!point.told()) {
                ++idle_;
                continue;
            }
            const Known& known = know(snapshot, point.id);
            std::string& body = batches_.body();
            body += heads_.before_id();
            ids_.append_of_series(sequence_, known.identity, body);
            body += heads_.after_id_and_host();
            body += known.text;
            append_values(point, body);
            end_document(body);
        }
    }

    void append_distribution(const protocol::TimerPoint& point, std::string& body) {
        const protocol::DistributionView& values = point.values;
        append_field(",\"count\":", values.count(), body);
        append_field(",\"sum\":", values.sum(), body);
        append_field(",\"min\":", values.minimum(), body);
        append_field(",\"max\":", values.maximum(), body);
        append_field(",\"mean\":", values.mean(), body);
        append_field(",\"stddev\":", values.standard_deviation(), body);
        const std::span<const double> quantiles = quantiles_.of(point);
        for (std::size_t i = 0; i < quantiles.size(); ++i) {
            if (!percentile_fields_[i].empty()) {
                append_field(percentile_fields_[i], quantiles[i], body);
            }
        }
    }

    void encode_timed(const Snapshot& snapshot) {
        std::uint64_t ordinal = 0;
        for (const protocol::TimedPoint& point : snapshot.timed) {
            std::string& body = batches_.body();
            begin_told(DocumentKind::timed, ordinal++, point.timestamp_s, "", body);
            append_metric(point.name, to_string(point.kind), body);
            append_labels(point.name, point.tags, body);
            append_field(point.kind == Kind::counter ? ",\"delta\":" : ",\"value\":", point.value,
                         body);
            end_document(body);
        }
    }

    void encode_events(const Snapshot& snapshot) {
        std::uint64_t ordinal = 0;
        for (const protocol::Event& event : snapshot.events) {
            std::string& body = batches_.body();
            begin_told(DocumentKind::event, ordinal++, event.timestamp_s, event.hostname, body);
            append_metric("", "event", body);
            append_labels(event.title, event.tags, body);
            append_origin(event, body);
            body += ",\"event\":";
            JsonWriter json(body);
            json.begin_object();
            json.field("title", event.title);
            json.field("text", event.text);
            json.field("priority", to_string(event.priority));
            json.field("alert_type", to_string(event.alert_type));
            json.optional_field("aggregation_key", event.aggregation_key);
            json.optional_field("source_type", event.source_type);
            json.end_object();
            end_document(body);
        }
    }

    void encode_checks(const Snapshot& snapshot) {
        std::uint64_t ordinal = 0;
        for (const protocol::ServiceCheck& check : snapshot.service_checks) {
            std::string& body = batches_.body();
            begin_told(DocumentKind::service_check, ordinal++, check.timestamp_s, check.hostname,
                       body);
            append_metric(check.name, "service_check", body);
            append_labels(check.name, check.tags, body);
            append_origin(check, body);
            body += ",\"check\":";
            JsonWriter json(body);
            json.begin_object();
            json.field("status", to_string(check.status));
            json.key("code");
            json.integer(static_cast<unsigned>(std::to_underlying(check.status)));
            json.optional_field("message", check.message);
            json.end_object();
            end_document(body);
        }
    }

    // Of what may say itself when (0: it does not) and where ("": likewise) it was.
    void begin_told(DocumentKind kind, std::uint64_t ordinal, std::int64_t timestamp_s,
                    std::string_view host, std::string& body) {
        heads_.at(timestamp_s == 0 ? heads_.end_ms() : timestamp_s * ms_per_s);
        body += heads_.before_id();
        ids_.append_of_ordinal(sequence_, kind, ordinal, body);
        if (host.empty()) {
            body += heads_.after_id_and_host();
        } else {
            body += heads_.after_id();
            body += host_text(host);
        }
    }

    void end_document(std::string& body) {
        body += "}\n";
        batches_.end_document();
    }

    void report_merged() const {
        if (merged_ == 0) return;
        report_(
            fmt::format("{} tags of new series share a label with a tag of another key, for "
                        "example in \"{}\": dots in keys become '_', and the label has all "
                        "their values. Rename one of them",
                        merged_, merged_example_));
    }

    // Series that have expired give back what was kept of them.
    void forget_dead(const Snapshot& snapshot) {
        const std::size_t alive = snapshot.counters.size() + snapshot.gauges.size() +
                                  snapshot.timers.size() + snapshot.sets.size();
        if (known_count_ <= alive) return;
        for (std::size_t id = 0; id < known_.size(); ++id) {
            const bool is_alive =
                id < snapshot.series.size() && snapshot.series[id].birth == known_[id].birth;
            if (known_[id].birth == 0 || is_alive) continue;
            known_[id] = Known();
            --known_count_;
        }
    }

    const EncoderSettings settings_;
    const std::function<void(const std::string&)> report_;
    const DocumentIds ids_;
    Quantiles quantiles_;
    const std::vector<std::string> percentile_fields_;
    Heads heads_;
    DocumentBatches batches_;
    std::vector<Known> known_;  // by SeriesId
    std::size_t known_count_ = 0;

    // Of the snapshot at hand.
    std::uint64_t sequence_ = 0;
    std::uint64_t idle_ = 0;
    std::uint64_t merged_ = 0;
    std::string merged_example_;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(EncoderSettings settings,
                                      std::function<void(const std::string&)> report) {
    return std::make_unique<DocumentEncoder>(std::move(settings), std::move(report));
}

std::string_view subject_of(std::string_view item) {
    for (const std::string_view before : {R"("metric":{"name":")", R"("event":{"title":")"}) {
        const std::size_t at = item.find(before);
        if (at == std::string_view::npos) continue;
        std::string_view rest = item.substr(at + before.size());
        std::size_t end = 0;
        while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2U : 1U;
        return rest.substr(0, end);
    }
    return "?";
}

}  // namespace pitot::sinks::elasticsearch
