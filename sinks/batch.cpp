#include "sinks/batch.h"

#include <cassert>

namespace pitot::sinks {
namespace {

Batch like(const Batch& batch) {
    Batch out;
    out.sequence = batch.sequence;
    out.encoded_steady_ns = batch.encoded_steady_ns;
    return out;
}

void append_item(const Batch& from, std::size_t index, Batch& to) {
    to.body += item_bytes(from, index);
    const std::uint32_t points = from.items[index].points;
    to.items.push_back({.end = static_cast<std::uint32_t>(to.body.size()), .points = points});
    to.points += points;
}

}  // namespace

std::string_view item_bytes(const Batch& batch, std::size_t index) {
    assert(index < batch.items.size());
    const std::size_t begin = index == 0 ? 0 : batch.items[index - 1].end;
    return std::string_view(batch.body).substr(begin, batch.items[index].end - begin);
}

Batch subset(const Batch& batch, std::span<const std::uint32_t> indices) {
    Batch out = like(batch);
    out.items.reserve(indices.size());
    for (const std::uint32_t index : indices) append_item(batch, index, out);
    return out;
}

Batch slice(const Batch& batch, std::size_t first, std::size_t last) {
    assert(first <= last && last <= batch.items.size());
    Batch out = like(batch);
    out.items.reserve(last - first);
    for (std::size_t index = first; index < last; ++index) append_item(batch, index, out);
    return out;
}

}  // namespace pitot::sinks
