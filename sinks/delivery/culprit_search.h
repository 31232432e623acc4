// Finds the item that makes a destination refuse a batch, by asking about parts of it.
//
// For destinations that answer for a whole batch and hold state (Pushgateway). The search
// is for the shortest prefix that is refused: its last item is the culprit. Prefixes, not
// halves, because two items may be refused only together; without the culprit, what comes
// before it is known to be fine. ⌈log2 n⌉ questions for n items.
#pragma once

#include <cassert>
#include <cstddef>

namespace pitot::sinks {

class CulpritSearch {
public:
    // All `items`, at least one, were refused together.
    explicit CulpritSearch(std::size_t items) : refused_(items) { assert(items > 0); }

    // The search is over: nothing is left to ask.
    bool found() const { return refused_ - accepted_ == 1; }
    // Valid once found().
    std::size_t culprit() const { return refused_ - 1; }

    // How many items, from the first, to ask about next. Valid until found().
    std::size_t prefix() const { return accepted_ + (refused_ - accepted_) / 2; }
    void answer(bool accepted) {
        const std::size_t asked = prefix();
        (accepted ? accepted_ : refused_) = asked;
    }

private:
    std::size_t accepted_ = 0;  // a prefix of this length is taken (the empty one is)
    std::size_t refused_;       // a prefix of this length is not
};

}  // namespace pitot::sinks
