#include "sinks/delivery/queue.h"

#include <algorithm>
#include <utility>

namespace pitot::sinks {

Displaced MemoryQueue::push(Batch batch) {
    Displaced displaced;
    if (policy_ == QueuePolicy::latest_only) {
        while (std::optional<Batch> old = take()) displaced.superseded += old->points;
    }
    bytes_ += batch.body.size();
    points_ += batch.points;
    waiting_.push_back(std::move(batch));
    while (waiting_.size() > bounds_.batches_max || bytes_ > bounds_.bytes_max) {
        displaced.evicted += take()->points;
    }
    return displaced;
}

std::optional<Batch> MemoryQueue::take() {
    if (waiting_.empty()) return std::nullopt;
    Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= batch.body.size();
    points_ -= batch.points;
    return batch;
}

double MemoryQueue::used() const {
    if (policy_ == QueuePolicy::latest_only) return 0;
    const double of_batches =
        static_cast<double>(waiting_.size()) / static_cast<double>(bounds_.batches_max);
    const double of_bytes = static_cast<double>(bytes_) / static_cast<double>(bounds_.bytes_max);
    return std::max(of_batches, of_bytes);
}

}  // namespace pitot::sinks
