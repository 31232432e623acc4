#include "agent/alerts/channels/alertmanager/board.h"

#include <algorithm>
#include <memory>

#include "agent/alerts/channels/prometheus_alert.h"
#include "sinks/json_writer.h"

namespace pitot::agent::alerts::channels::alertmanager {
namespace {

std::string labels_text(const Message& message) {
    std::string out;
    sinks::JsonWriter json(out);
    write_texts(json, prometheus_alert(message).labels);
    return out;
}

// Of one key, so rule and group are the same.
bool have_same_labels(const Message& left, const Message& right) {
    const bool is_plain = left.severity == right.severity && left.host == right.host &&
                          left.fixed_labels == right.fixed_labels;
    return is_plain || labels_text(left) == labels_text(right);
}

// `over`, of what was posted.
MessagePointer end_of(const Message& posted, const MessagePointer& over) {
    if (have_same_labels(posted, *over)) return over;
    // A rule that was removed has neither severity nor labels any more.
    Message end = *over;
    end.severity = posted.severity;
    end.fixed_labels = posted.fixed_labels;
    end.host = posted.host;
    return std::make_shared<const Message>(std::move(end));
}

// The instance fires on, under other labels.
MessagePointer end_before(const Message& posted, const Message& next) {
    Message end = posted;
    end.type = MessageType::resolved;
    end.duration_ns += std::max<std::int64_t>(0, next.told_unix_ns - end.told_unix_ns);
    end.told_unix_ns = next.told_unix_ns;
    return std::make_shared<const Message>(std::move(end));
}

}  // namespace

Board::Put Board::put(const MessagePointer& message, const std::string& key, std::int64_t now_ns) {
    RememberedAlert* alert = firing_.find(key);
    if (message->is_over()) {
        const MessagePointer end = alert == nullptr ? message : end_of(*alert->message, message);
        const Put done = alert == nullptr ? Put::made : Put::replaced;
        firing_.forget(key);
        keep_end(end, key, now_ns);
        return done;
    }
    Put done = Put::replaced;
    if (alert == nullptr) {
        alert = firing_.find_or_make(key);
        if (alert == nullptr) return Put::no_room;
        done = Put::made;
    } else if (!have_same_labels(*alert->message, *message)) {
        keep_end(end_before(*alert->message, *message), key, now_ns);
        done = Put::relabelled;
    }
    // What fires again under labels that had ended has not ended.
    if (has_ended(key)) ended_.erase({key, labels_text(*message)});
    alert->message = message;
    alert->told_ns = now_ns;
    return done;
}

bool Board::restore(const MessagePointer& message, const std::string& key, std::int64_t since_ns) {
    if (message->is_over()) {
        keep_end(message, key, since_ns);
        return true;
    }
    RememberedAlert* const alert = firing_.find_or_make(key);
    if (alert == nullptr) return false;
    alert->message = message;
    alert->told_ns = since_ns;
    return true;
}

void Board::keep_end(MessagePointer message, const std::string& key, std::int64_t now_ns) {
    auto place = std::pair(key, labels_text(*message));
    // The oldest end has been sent the longest.
    if (ended_.size() >= alerts_remembered_max && !ended_.contains(place)) {
        ended_.erase(std::ranges::min_element(
            ended_, {}, [](const auto& entry) { return entry.second.ended_ns; }));
    }
    ended_.insert_or_assign(std::move(place), Ended{std::move(message), now_ns});
}

bool Board::has_ended(const std::string& key) const {
    const auto first = ended_.lower_bound({key, ""});
    return first != ended_.end() && first->first.first == key;
}

std::vector<MessagePointer> Board::find(const std::string& key) {
    std::vector<MessagePointer> out;
    for (auto ended = ended_.lower_bound({key, ""});
         ended != ended_.end() && ended->first.first == key; ++ended) {
        out.push_back(ended->second.message);
    }
    if (const RememberedAlert* const alert = firing_.find(key)) out.push_back(alert->message);
    return out;
}

void Board::prune(std::int64_t now_ns) {
    std::erase_if(ended_, [&](const auto& entry) {
        return now_ns - entry.second.ended_ns > resolved_kept_ns;
    });
}

std::vector<std::string> Board::keys() const {
    std::vector<std::string> out;
    firing_.each([&](const RememberedAlert& alert) { out.push_back(alert.message->key()); });
    for (const auto& [place, ended] : ended_) out.push_back(place.first);
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
}

std::vector<SavedAlert> Board::saved(std::int64_t now_ns) const {
    std::vector<SavedAlert> out;
    firing_.each([&](const RememberedAlert& alert) {
        out.push_back({.message = alert.message, .age_ns = now_ns - alert.told_ns});
    });
    for (const auto& [place, ended] : ended_) {
        out.push_back({.message = ended.message, .age_ns = now_ns - ended.ended_ns});
    }
    return out;
}

}  // namespace pitot::agent::alerts::channels::alertmanager
