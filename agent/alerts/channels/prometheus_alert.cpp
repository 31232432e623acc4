#include "agent/alerts/channels/prometheus_alert.h"

#include "agent/alerts/alert_labels.h"
#include "agent/alerts/channels/template_filters.h"

namespace pitot::agent::alerts::channels {
PrometheusAlert prometheus_alert(const Message& message) {
    PrometheusAlert out;
    AlertLabels labels(AlertLabels::Names::prometheus);
    const bool is_overflow = message.type == MessageType::overflow;
    labels.add_own("alertname", is_overflow ? overflow_alert_name : message.alert);
    labels.add_own("severity", message.severity);
    labels.add("host", message.host);
    for (const auto& [name, value] : message.fixed_labels) labels.add(name, value);
    for (const Label& label : message.labels) labels.add(label.name, label.value);
    out.labels = labels.texts();
    if (!labels.originals().empty()) {
        std::string text;
        sinks::JsonWriter json(text);
        write_texts(json, labels.originals());
        out.annotations.emplace("original_labels", std::move(text));
    }

    const auto annotate = [&](std::string_view name, const std::string& text) {
        if (!text.empty()) out.annotations.emplace(name, text);
    };
    annotate("summary", message.summary);
    annotate("description", message.description);
    annotate("runbook_url", message.runbook_url);
    annotate("condition", message.condition);
    if (is_overflow) return out;
    annotate("reason", std::string(to_string(message.reason)));
    annotate("unit", message.unit);
    if (message.type == MessageType::flapping) annotate("flapping", "true");
    if (message.has_value) annotate("value", plain_number(message.value));
    if (message.has_peak) annotate("peak", plain_number(message.peak));
    if (message.threshold) annotate("threshold", plain_number(*message.threshold));
    return out;
}

void write_texts(sinks::JsonWriter& json, const std::map<std::string, std::string>& texts) {
    json.begin_object();
    for (const auto& [name, value] : texts) json.field(name, value);
    json.end_object();
}

}  // namespace pitot::agent::alerts::channels
