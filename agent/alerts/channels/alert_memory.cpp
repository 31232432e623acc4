#include "agent/alerts/channels/alert_memory.h"

#include "agent/alerts/channels/channel.h"
#include "agent/alerts/channels/severity.h"

namespace pitot::agent::alerts::channels {

bool AlertMemory::wants(const Message& message, const std::string& key, bool is_addressed) const {
    const bool is_told = alerts_.contains(key);
    if (message.is_over()) {
        if (!wanted_.resolved) return false;
        return is_told || (is_addressed && rank_of(message.severity) >= wanted_.severity_min);
    }
    return is_addressed && (is_told || rank_of(message.severity) >= wanted_.severity_min);
}

RememberedAlert* AlertMemory::find(const std::string& key) {
    const auto found = alerts_.find(key);
    return found == alerts_.end() ? nullptr : &found->second;
}

RememberedAlert* AlertMemory::find_or_make(const std::string& key) {
    if (RememberedAlert* const found = find(key); found != nullptr) return found;
    if (alerts_.size() >= alerts_remembered_max) return nullptr;
    return &alerts_[key];
}

void AlertMemory::each(const std::function<void(const std::string&, RememberedAlert&)>& visit) {
    for (auto& [key, alert] : alerts_) visit(key, alert);
}

void AlertMemory::each(const std::function<void(const RememberedAlert&)>& visit) const {
    for (const auto& [key, alert] : alerts_) visit(alert);
}

}  // namespace pitot::agent::alerts::channels
