#include "sinks/prometheus/byte_chunks.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace pitot::sinks::prometheus {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

}  // namespace

void ByteChunks::Unmap::operator()(char* memory) const noexcept {
    ::munmap(memory, bytes);
}

void ByteChunks::add_chunk(std::size_t bytes) {
    const std::size_t size = std::max(chunk_bytes, bytes);
    void* const memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    std::unique_ptr<char, Unmap> owned(static_cast<char*>(memory), Unmap{.bytes = size});
    if (!chunks_.empty()) {
        chunks_.back().size = static_cast<std::size_t>(end_ - chunks_.back().memory.get());
    }
    chunks_.push_back({.memory = std::move(owned)});
    end_ = chunks_.back().memory.get();
    limit_ = end_ + size;
}

std::size_t ByteChunks::size() const {
    std::size_t size = 0;
    for (const std::string_view piece : pieces()) size += piece.size();
    return size;
}

std::vector<std::string_view> ByteChunks::pieces() const {
    std::vector<std::string_view> out;
    for (const Chunk& chunk : chunks_) {
        const char* const begin = chunk.memory.get();
        const bool is_last = &chunk == &chunks_.back();
        const std::size_t size = is_last ? static_cast<std::size_t>(end_ - begin) : chunk.size;
        if (size > 0) out.emplace_back(begin, size);
    }
    return out;
}

}  // namespace pitot::sinks::prometheus
