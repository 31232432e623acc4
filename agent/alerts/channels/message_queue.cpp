#include "agent/alerts/channels/message_queue.h"

#include <algorithm>
#include <utility>

#include "agent/alerts/channels/channel.h"

namespace pitot::agent::alerts::channels {

std::size_t MessageQueue::push(QueuedMessage message) {
    bytes_ += bytes_of(*message.message);
    waiting_.push_back(std::move(message));
    std::size_t gone = 0;
    // One message is far below the bound: templates and labels are bounded.
    while (waiting_.size() > queued_messages_max ||
           (bytes_ > queued_bytes_max && waiting_.size() > 1)) {
        static_cast<void>(take());
        ++gone;
    }
    return gone;
}

void MessageQueue::push_front(QueuedMessage message) {
    bytes_ += bytes_of(*message.message);
    waiting_.push_front(std::move(message));
}

std::optional<QueuedMessage> MessageQueue::take() {
    if (waiting_.empty()) return {};
    QueuedMessage out = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= bytes_of(*out.message);
    return out;
}

std::size_t MessageQueue::drop_unknown(const std::string& key) {
    return std::erase_if(waiting_, [&](const QueuedMessage& queued) {
        const bool goes = queued.key == key && !queued.may_be_known && !queued.message->is_over();
        if (goes) bytes_ -= bytes_of(*queued.message);
        return goes;
    });
}

bool MessageQueue::has(const std::string& key) const {
    return std::ranges::find(waiting_, key, &QueuedMessage::key) != waiting_.end();
}

bool MessageQueue::has_beginning(const std::string& key) const {
    return std::ranges::any_of(waiting_, [&](const QueuedMessage& queued) {
        return queued.key == key && !queued.message->is_over();
    });
}

QueuedMessage* MessageQueue::next_end(const std::string& key) {
    const auto found = std::ranges::find(waiting_, key, &QueuedMessage::key);
    return found != waiting_.end() && found->message->is_over() ? &*found : nullptr;
}

void MessageQueue::drop_end(const std::string& key) {
    const auto found = std::ranges::find(waiting_, key, &QueuedMessage::key);
    if (found == waiting_.end()) return;
    bytes_ -= bytes_of(*found->message);
    waiting_.erase(found);
}

}  // namespace pitot::agent::alerts::channels
