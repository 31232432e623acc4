#include "agent/alerts/built_in_rules.h"

namespace pitot::agent::alerts {

namespace {

// "@" stands for the prefix of the agent's own metrics, which need quotes if it has a '-'.
constexpr std::string_view rules = R"toml(
[alerts.pitot_sink_failing]
condition = "last('@.sink.working') by (sink) == 0"
for = "5m"
severity = "critical"
annotations.summary = "sink {{ labels.sink }} has not worked for 5 minutes"
annotations.description = "Its queue fills meanwhile; `pitot status` has the last error."

[alerts.pitot_queue_filling]
condition = "last('@.sink.queue_used') by (sink) > 80%"
clear = "last('@.sink.queue_used') by (sink) < 50%"
annotations.summary = "the queue of sink {{ labels.sink }} is {{ value | percent }} full"
annotations.description = "When it is full, the oldest points are lost, and counted."

[alerts.pitot_limit_hit]
condition = "increase('@.limited'[5m]) by (reason) > 0"
annotations.summary = "a limit keeps samples from series of their own: {{ labels.reason }}"
annotations.description = "`pitot status` lists the names with the most series."

[alerts.pitot_parse_errors]
condition = "ratio('@.rejected', '@.lines'[5m], min = 100) > 1%"
annotations.summary = "{{ value | percent }} of the lines are refused"
annotations.description = "`pitot status` shows refused lines, and who sent them."

[alerts.pitot_kernel_drops]
condition = "increase('@.listener.kernel_drops'[1m]) by (listener) > 0"
annotations.summary = "the kernel drops datagrams of listener {{ labels.listener }}"
annotations.description = "Its receive buffer is full: raise receive_buffer, or use more shards."

[alerts.pitot_late_flush]
condition = "ratio('@.flushes_late', '@.flushes'[5m]) > 10%"
annotations.summary = "{{ value | percent }} of the flushes begin late"
annotations.description = "The machine is short of processor time, or there are too many series."

[alerts.pitot_channel_failing]
condition = "last('@.channel.failures_in_a_row') by (channel) >= 3"
severity = "error"
annotations.summary = "channel {{ labels.channel }} does not deliver"
annotations.description = "Whoever should be told is not; `pitot status` has the last error."
)toml";

}  // namespace

std::string built_in_rules(std::string_view prefix) {
    std::string text;
    for (const char c : rules) {
        if (c == '@') {
            text += prefix;
        } else {
            text += c;
        }
    }
    return text;
}

}  // namespace pitot::agent::alerts
