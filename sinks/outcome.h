// How one attempt to deliver a batch ended, in the words that delivery acts on.
//
// A transport (sink.h) reads its destination's answer and says one of these; it decides
// nothing else. What delivery does about each is in delivery/deliverer.h, and as a table
// in sinks/README.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pitot::sinks {

enum class Verdict : std::uint8_t {
    delivered,  // the destination has all of it
    partial,    // `items` says which items it has
    retry,      // not now: no connection, timeout, 5xx
    throttle,   // not now, and it says so: 429, 503 with Retry-After
    split,      // too large in one piece: 413
    rejected,   // something in it is wrong: 400. Other items may be fine
    hold,       // nothing will be taken until the operator acts: 401, 403, a wrong URL
};

// Of one item, where the verdict is partial.
enum class ItemVerdict : std::uint8_t { delivered, retry, rejected };

struct Outcome {
    Verdict verdict = Verdict::delivered;
    // For the operator, without credentials; empty where nothing went wrong. With `hold`
    // it says what to change.
    std::string reason = {};
    // What the destination asked for (Retry-After); delivery clamps it.
    std::optional<std::chrono::nanoseconds> retry_after = {};
    // With `partial`: one for each item of the batch, in its order.
    std::vector<ItemVerdict> items = {};
    // With `rejected`: the item the destination named, if it named one. Saves the search.
    std::optional<std::size_t> suspect = {};
};

}  // namespace pitot::sinks
