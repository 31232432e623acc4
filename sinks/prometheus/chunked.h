// Elements by number, from 0, that never move.
//
// They lie in chunks of a fixed number: what grows to a million of them is never copied, and no
// more than one chunk of it is unused. (A std::deque would do; its chunks are of 512 bytes, and
// one needs a division by the size of an element at each access.)
//
// Used by one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace pitot::sinks::prometheus {

template <class Element>
class Chunked {
public:
    std::size_t size() const { return size_; }
    // `index` below size().
    Element& operator[](std::size_t index) { return chunks_[index / per_chunk][index % per_chunk]; }
    const Element& operator[](std::size_t index) const {
        return chunks_[index / per_chunk][index % per_chunk];
    }

    // New ones are as they are made without arguments. Does not shrink.
    void grow_to(std::size_t size) {
        while (chunks_.size() * per_chunk < size) {
            chunks_.push_back(std::make_unique<Element[]>(per_chunk));
        }
        if (size > size_) size_ = size;
    }

private:
    static constexpr std::size_t per_chunk = 1024;

    std::vector<std::unique_ptr<Element[]>> chunks_;
    std::size_t size_ = 0;
};

// Of what lies in a vector, which grows by doubling: gives back what is unused, if it is more
// than an eighth.
template <class Element>
void trim(std::vector<Element>& elements) {
    if (elements.capacity() > elements.size() + elements.size() / 8) elements.shrink_to_fit();
}

}  // namespace pitot::sinks::prometheus
