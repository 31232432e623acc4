#include "agent/alerts/channels/webhook/encoder.h"

#include <algorithm>

#include "agent/alerts/alert_labels.h"
#include "agent/alerts/channels/prometheus_alert.h"
#include "agent/status/time_text.h"
#include "sinks/json_writer.h"

namespace pitot::agent::alerts::channels::webhook {
namespace {

// Of an alert that has not ended, as Go writes a time that was never set.
constexpr std::string_view no_time = "0001-01-01T00:00:00Z";

void write_numbers(sinks::JsonWriter& json, const Message& message) {
    if (message.has_value) json.field("value", message.value);
    if (message.has_peak) json.field("peak", message.peak);
    if (message.threshold) json.field("threshold", *message.threshold);
    json.optional_field("unit", message.unit);
}

}  // namespace

std::string encode_pitot(const Message& message, const EncoderSettings& settings) {
    std::string out;
    sinks::JsonWriter json(out);
    json.begin_object();
    json.field("version", "1");
    json.field("type", to_string(message.type));
    json.field("channel", settings.receiver);
    json.field("host", message.host);
    json.field("time", rfc3339(message.told_unix_ns));
    json.field("severity", message.severity);
    json.field("summary", message.summary);
    json.optional_field("description", message.description);
    if (message.type == MessageType::overflow) {
        json.key("held_back");
        json.integer(message.held_back);
    } else {
        json.field("alert", message.alert);
        json.field("fingerprint", message.fingerprint());
        json.key("repeat");
        json.boolean(message.is_repeat);
        json.key("over");
        json.boolean(message.is_over());
        json.key("labels");
        json.begin_object();
        for (const Label& label : message.labels) {
            json.field(label_text(label.name), label_text(label.value));
        }
        json.end_object();
        json.key("rule_labels");
        write_texts(json, message.fixed_labels);
        json.optional_field("condition", message.condition);
        json.field("reason", to_string(message.reason));
        write_numbers(json, message);
        json.field("started", rfc3339(message.started_unix_ns));
        json.key("duration_s");
        json.seconds(message.duration_ns);
        json.optional_field("runbook_url", message.runbook_url);
        if (message.untold > 0) {
            json.key("untold");
            json.integer(message.untold);
        }
    }
    json.optional_field("link", settings.link);
    json.end_object();
    return out;
}

std::string encode_alertmanager(const Message& message, const EncoderSettings& settings) {
    const PrometheusAlert alert = prometheus_alert(message);
    const std::string_view status = message.is_over() ? "resolved" : "firing";
    std::string out;
    sinks::JsonWriter json(out);
    json.begin_object();
    json.field("version", "4");
    json.field("groupKey", "pitot:" + message.fingerprint());
    json.key("truncatedAlerts");
    json.integer(0);
    json.field("status", status);
    json.field("receiver", settings.receiver);
    json.key("groupLabels");
    write_texts(json, {{"alertname", alert.labels.at("alertname")}});
    json.key("commonLabels");
    write_texts(json, alert.labels);
    json.key("commonAnnotations");
    write_texts(json, alert.annotations);
    json.field("externalURL", settings.link);
    json.key("alerts");
    json.begin_array();
    json.begin_object();
    json.field("status", status);
    json.key("labels");
    write_texts(json, alert.labels);
    json.key("annotations");
    write_texts(json, alert.annotations);
    json.field("startsAt", rfc3339(message.started_unix_ns));
    json.field("endsAt", message.is_over()
                             ? rfc3339(std::max(message.told_unix_ns, message.started_unix_ns))
                             : std::string(no_time));
    json.field("generatorURL", settings.link);
    json.field("fingerprint", message.fingerprint());
    json.end_object();
    json.end_array();
    json.end_object();
    return out;
}

}  // namespace pitot::agent::alerts::channels::webhook
