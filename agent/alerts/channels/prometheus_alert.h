// An alert in the words of Prometheus' world: labels with its kind of names, annotations with
// everything that may change while it fires.
//
// Used for Alertmanager's API and for payloads as Alertmanager sends them. Labels are
// alertname, severity, host, those of the rule and those of the group (agent/alerts/
// alert_labels.h); the annotation `original_labels` has those that had to be renamed, by the
// names that they had, as JSON.
#pragma once

#include <map>
#include <string>

#include "agent/alerts/channels/message.h"
#include "sinks/json_writer.h"

namespace pitot::agent::alerts::channels {

struct PrometheusAlert {
    std::map<std::string, std::string> labels;       // none is empty
    std::map<std::string, std::string> annotations;  //
};

PrometheusAlert prometheus_alert(const Message& message);

// An object of texts.
void write_texts(sinks::JsonWriter& json, const std::map<std::string, std::string>& texts);

// Of an overflow, which is no rule's.
inline constexpr std::string_view overflow_alert_name = "pitot_messages_held_back";

}  // namespace pitot::agent::alerts::channels
