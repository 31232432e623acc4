#include "agent/alerts/channels/prometheus_alert.h"

#include <fmt/format.h>

#include "agent/alerts/channels/template_filters.h"

namespace pitot::agent::alerts::channels {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// As Prometheus' data model has label names; those that begin with "__" are its own.
std::string label_name(const std::string& name) {
    std::string out;
    if (name.empty() || is_digit(name.front())) out += '_';
    for (const char c : name) out += is_letter(c) || is_digit(c) ? c : '_';
    while (out.starts_with("__")) out.erase(0, 1);
    return out;
}

class Labels {
public:
    explicit Labels(PrometheusAlert& alert) : alert_(alert) {}

    void add(const std::string& name, const std::string& value) {
        // Without a value a label is none.
        if (value.empty()) return;
        std::string wanted = label_name(name);
        const auto taken = alert_.labels.find(wanted);
        // The client tells the same as we do.
        if (taken != alert_.labels.end() && taken->second == value && wanted == name) return;
        if (taken != alert_.labels.end()) wanted = free_name(wanted);
        if (wanted != name) originals_[name] = value;
        alert_.labels.emplace(std::move(wanted), value);
    }

    void tell_originals() const {
        if (originals_.empty()) return;
        std::string text;
        sinks::JsonWriter json(text);
        write_texts(json, originals_);
        alert_.annotations.emplace("original_labels", std::move(text));
    }

private:
    std::string free_name(const std::string& name) const {
        std::string out = "tag_" + name;
        for (int number = 2; alert_.labels.contains(out); ++number) {
            out = fmt::format("tag_{}_{}", name, number);
        }
        return out;
    }

    PrometheusAlert& alert_;
    std::map<std::string, std::string> originals_;
};

}  // namespace

PrometheusAlert prometheus_alert(const Message& message) {
    PrometheusAlert out;
    Labels labels(out);
    const bool is_overflow = message.type == MessageType::overflow;
    labels.add("alertname", is_overflow ? std::string(overflow_alert_name) : message.alert);
    labels.add("severity", message.severity);
    labels.add("host", message.host);
    for (const auto& [name, value] : message.fixed_labels) labels.add(name, value);
    for (const Label& label : message.labels) labels.add(label.name, label.value);
    labels.tell_originals();

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
