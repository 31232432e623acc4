// Where batches wait: bounded, in order, and exact about what it had to let go.
//
// BatchStore is what the deliverer needs of a place to wait; MemoryQueue keeps batches in
// memory. A store on disk implements the same, so that nothing else has to know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "sinks/batch.h"

namespace pitot::sinks {

enum class QueuePolicy : std::uint8_t {
    keep_order,   // every batch counts; when full, the oldest goes
    latest_only,  // a batch is the whole state: a newer one replaces what still waits
};

// What taking a batch cost, in points.
struct Displaced {
    std::uint64_t evicted = 0;     // pushed out by a bound: lost
    std::uint64_t superseded = 0;  // replaced by newer state: not a loss
};

// Called under the deliverer's lock, by the flush thread (push) and the io thread (take):
// it must not wait for anything.
class BatchStore {
public:
    virtual ~BatchStore() = default;

    virtual Displaced push(Batch batch) = 0;
    // The oldest; empty when there is none.
    virtual std::optional<Batch> take() = 0;
    virtual bool empty() const = 0;
    virtual std::size_t batches() const = 0;
    virtual std::size_t bytes() const = 0;
    virtual std::uint64_t points() const = 0;
    // The share of its room that is taken, 0 to 1; at 1 batches are lost. 0 where none can be.
    virtual double used() const = 0;
};

struct QueueBounds {
    std::size_t batches_max = 1;
    std::size_t bytes_max = 1;
};

class MemoryQueue final : public BatchStore {
public:
    // A batch above bytes_max alone is evicted at once: the bound is a promise about memory.
    MemoryQueue(QueuePolicy policy, QueueBounds bounds) : policy_(policy), bounds_(bounds) {}

    Displaced push(Batch batch) override;
    std::optional<Batch> take() override;
    bool empty() const override { return waiting_.empty(); }
    std::size_t batches() const override { return waiting_.size(); }
    std::size_t bytes() const override { return bytes_; }
    std::uint64_t points() const override { return points_; }
    double used() const override;

private:
    QueuePolicy policy_;
    QueueBounds bounds_;
    std::deque<Batch> waiting_;
    std::size_t bytes_ = 0;
    std::uint64_t points_ = 0;
};

}  // namespace pitot::sinks
