#include "agent/alerts/channels/alertmanager/encoder.h"

#include <algorithm>

#include "agent/alerts/channels/prometheus_alert.h"
#include "agent/status/time_text.h"
#include "sinks/json_writer.h"

namespace pitot::agent::alerts::channels::alertmanager {

std::string encode(std::span<const MessagePointer> messages, const EncoderSettings& settings) {
    std::string out;
    sinks::JsonWriter json(out);
    json.begin_array();
    for (const MessagePointer& message : messages) {
        const PrometheusAlert alert = prometheus_alert(*message);
        const std::int64_t ends_ns =
            message->is_over() ? message->told_unix_ns : settings.firing_ends_unix_ns;
        json.begin_object();
        json.key("labels");
        write_texts(json, alert.labels);
        json.key("annotations");
        write_texts(json, alert.annotations);
        json.field("startsAt", rfc3339(message->started_unix_ns));
        // The clock may have been set back; an end before the beginning is refused.
        json.field("endsAt", rfc3339(std::max(ends_ns, message->started_unix_ns)));
        json.optional_field("generatorURL", settings.link);
        json.end_object();
    }
    json.end_array();
    return out;
}

}  // namespace pitot::agent::alerts::channels::alertmanager
