#include "sinks/console/json_encoder.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "sinks/json_writer.h"

namespace pitot::sinks::console {
namespace {

using protocol::Kind;
using protocol::Snapshot;

void append_tags(std::span<const protocol::Tag> tags, JsonWriter& json) {
    json.key("tags");
    json.begin_array();
    for (const protocol::Tag& tag : tags) {
        if (!tag.has_value) {
            json.text(tag.key);
            continue;
        }
        json.begin_array();
        json.text(tag.key);
        json.text(tag.value);
        json.end_array();
    }
    json.end_array();
}

// The object of a series is begun, and ended in each interval.
void append_head(const protocol::Series& series, std::string& out) {
    JsonWriter json(out);
    json.begin_object();
    json.field("name", series.name());
    json.field("kind", to_string(series.kind));
    append_tags(series.tags().split(), json);
}

void append_distribution(const protocol::DistributionView& values,
                         std::span<const double> quantiles,
                         const std::vector<std::string>& quantile_names, JsonWriter& json) {
    json.field("count", values.count());
    json.field("sum", values.sum());
    json.field("min", values.minimum());
    json.field("max", values.maximum());
    json.field("mean", values.mean());
    json.field("stddev", values.standard_deviation());
    json.key("quantiles");
    json.begin_object();
    for (std::size_t i = 0; i < quantiles.size(); ++i) json.field(quantile_names[i], quantiles[i]);
    json.end_object();
}

void append_timed(const protocol::TimedPoint& point, JsonWriter& json) {
    json.begin_object();
    json.field("name", point.name);
    json.field("kind", to_string(point.kind));
    append_tags(point.tags, json);
    json.key("timestamp");
    json.integer(point.timestamp_s);
    json.field(point.kind == Kind::counter ? "delta" : "value", point.value);
    json.end_object();
}

// What events and service checks have in common.
template <class Told>
void append_origin(const Told& told, JsonWriter& json) {
    if (told.timestamp_s != 0) {
        json.key("timestamp");
        json.integer(told.timestamp_s);
    }
    json.optional_field("hostname", told.hostname);
    append_tags(told.tags, json);
    json.optional_field("container_id", told.container_id);
    json.optional_field("external_data", told.external_data);
    json.optional_field("cardinality", told.cardinality);
}

void append_event(const protocol::Event& event, JsonWriter& json) {
    json.begin_object();
    json.field("kind", "event");
    json.field("title", event.title);
    json.field("text", event.text);
    json.field("priority", to_string(event.priority));
    json.field("alert_type", to_string(event.alert_type));
    json.optional_field("aggregation_key", event.aggregation_key);
    json.optional_field("source_type", event.source_type);
    append_origin(event, json);
    json.end_object();
}

void append_check(const protocol::ServiceCheck& check, JsonWriter& json) {
    json.begin_object();
    json.field("kind", "service_check");
    json.field("name", check.name);
    json.key("status");
    json.integer(std::to_underlying(check.status));
    json.optional_field("message", check.message);
    append_origin(check, json);
    json.end_object();
}

void append_rejected(const Snapshot& snapshot, JsonWriter& json) {
    json.begin_object();
    for (std::size_t reason = 0; reason < snapshot.rejected.size(); ++reason) {
        if (snapshot.rejected[reason] == 0) continue;
        json.key(to_string(static_cast<protocol::Reject>(reason)));
        json.integer(snapshot.rejected[reason]);
    }
    json.end_object();
}

}  // namespace

JsonEncoder::JsonEncoder(std::vector<double> quantiles)
    : order_(append_head), quantiles_(std::move(quantiles)) {
    for (const double quantile : quantiles_.ranks()) {
        append_number(quantile, quantile_names_.emplace_back());
    }
}

void JsonEncoder::append(const Snapshot& snapshot, std::string& out) {
    quantiles_.begin(snapshot);
    JsonWriter json(out);
    json.begin_object();
    json.key("start");
    json.seconds(snapshot.start_unix_ns);
    json.key("end");
    json.seconds(snapshot.end_unix_ns);

    json.key("series");
    json.begin_array();
    for (const Updated& updated : order_.update(snapshot)) append_series(snapshot, updated, json);
    for (const protocol::TimedPoint& point : snapshot.timed) append_timed(point, json);
    json.end_array();

    json.key("events");
    json.begin_array();
    for (const protocol::Event& event : snapshot.events) append_event(event, json);
    json.end_array();

    json.key("service_checks");
    json.begin_array();
    for (const protocol::ServiceCheck& check : snapshot.service_checks) append_check(check, json);
    json.end_array();

    json.key("rejected");
    append_rejected(snapshot, json);
    json.end_object();
}

void JsonEncoder::append_series(const Snapshot& snapshot, const Updated& updated,
                                JsonWriter& json) {
    json.begun(updated.head);
    switch (updated.series->kind) {
        case Kind::counter: {
            const protocol::CounterPoint& point = snapshot.counters[updated.index];
            json.field("delta", point.delta);
            // An interval without length has no rate: null.
            json.field("rate", point.delta / snapshot.elapsed_s);
            json.field("total", point.total);
            break;
        }
        case Kind::gauge:
            json.field("value", snapshot.gauges[updated.index].value);
            break;
        case Kind::set:
            json.field("unique", snapshot.sets[updated.index].unique);
            break;
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution: {
            const protocol::TimerPoint& point = snapshot.timers[updated.index];
            append_distribution(point.values, quantiles_.of(point), quantile_names_, json);
            break;
        }
    }
    json.end_object();
}

}  // namespace pitot::sinks::console
