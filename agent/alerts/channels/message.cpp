#include "agent/alerts/channels/message.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace pitot::agent::alerts::channels {

std::string_view to_string(MessageType type) {
    switch (type) {
        case MessageType::firing:
            return "firing";
        case MessageType::resolved:
            return "resolved";
        case MessageType::flapping:
            return "flapping";
        case MessageType::settled:
            return "settled";
        case MessageType::overflow:
            return "overflow";
    }
    return "";
}

bool Message::is_over() const {
    return type == MessageType::resolved || (type == MessageType::settled && level == 0);
}

std::string Message::key() const {
    std::string out = alert;
    out += '\0';
    return out + key_of(labels);
}

std::string Message::fingerprint() const {
    const std::string text = host + '\0' + key();
    return fmt::format("{:016x}", XXH64(text.data(), text.size(), 0));
}

std::size_t bytes_of(const Message& message) {
    std::size_t bytes = sizeof message + message.alert.size() + message.severity.size() +
                        message.unit.size() + message.condition.size() + message.host.size() +
                        message.summary.size() + message.description.size() +
                        message.runbook_url.size();
    for (const Label& label : message.labels) {
        bytes += sizeof label + label.name.size() + label.value.size();
    }
    for (const auto& [name, value] : message.fixed_labels) {
        bytes += 2 * sizeof(std::string) + name.size() + value.size();
    }
    return bytes;
}

}  // namespace pitot::agent::alerts::channels
