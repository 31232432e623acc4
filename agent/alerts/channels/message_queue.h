// Where messages wait: first in, first out, bounded, and without what nobody needs any more.
//
// An alert that ends while its beginning still waits is not told at all, unless the
// destination may know something of it (it has an earlier message, or an attempt failed in a
// way that leaves open how far it came). Used by the Outbox under its lock; no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "agent/alerts/channels/message.h"

namespace pitot::agent::alerts::channels {

struct QueuedMessage {
    MessagePointer message;
    std::string key;
    std::int64_t told_ns = 0;   // steady
    bool may_be_known = false;  // an attempt failed, and may have arrived
    // Of one that says that it is over: the destination knows what it is the end of.
    bool is_owed = true;
};

class MessageQueue {
public:
    // Returns how many of the oldest had to go.
    std::size_t push(QueuedMessage message);
    // Back to its place.
    void push_front(QueuedMessage message);
    std::optional<QueuedMessage> take();
    const QueuedMessage* front() const { return waiting_.empty() ? nullptr : &waiting_.front(); }

    // Takes out what waits of this alert and cannot be known. Returns how many.
    std::size_t drop_unknown(const std::string& key);
    bool has(const std::string& key) const;
    // Something that is not an end.
    bool has_beginning(const std::string& key) const;
    // The next message of this alert, if that is its end.
    QueuedMessage* next_end(const std::string& key);
    void drop_end(const std::string& key);

    std::size_t size() const { return waiting_.size(); }
    std::size_t bytes() const { return bytes_; }
    const std::deque<QueuedMessage>& all() const { return waiting_; }

private:
    std::deque<QueuedMessage> waiting_;
    std::size_t bytes_ = 0;
};

}  // namespace pitot::agent::alerts::channels
