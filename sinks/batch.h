// A batch: bytes on their way to a destination, fixed when they were encoded.
//
// An encoder (sink.h) makes batches on the flush thread; delivery keeps them until the
// destination has answered for each. Timestamps and ids are inside the bytes already, so
// that an attempt repeated is byte for byte the attempt before.
//
// A batch knows where its items begin and end: an item is the smallest piece that the
// destination can take or refuse alone (a line, a document, a metric family). Delivery
// cuts along items when a batch is too large or holds something the destination refuses;
// it never looks inside one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::sinks {

// Bytes of the body from the end of the item before to `end`.
struct Item {
    std::uint32_t end = 0;
    std::uint32_t points = 0;  // of the Snapshot; what the ledger counts
};

struct Batch {
    std::string body;
    // Ascending by `end`, the last one ending with the body. A batch without items cannot
    // be cut: it is taken or refused whole.
    std::vector<Item> items;
    std::uint64_t points = 0;            // the sum over the items where there are any
    std::uint64_t sequence = 0;          // of the Snapshot it comes from
    std::int64_t encoded_steady_ns = 0;  // set by delivery when it takes the batch
};

// The bytes of one item; `index` below batch.items.size().
std::string_view item_bytes(const Batch& batch, std::size_t index);

// A batch of some of the items, in their order. `indices` ascending.
Batch subset(const Batch& batch, std::span<const std::uint32_t> indices);

// A batch of the items from `first` to before `last`.
Batch slice(const Batch& batch, std::size_t first, std::size_t last);

}  // namespace pitot::sinks
