#include "sinks/elasticsearch/document_id.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <utility>

namespace pitot::sinks::elasticsearch {
namespace {

Hash128 hash_of(const void* bytes, std::size_t count) {
    const XXH128_hash_t hash = XXH3_128bits(bytes, count);
    return {.low = hash.low64, .high = hash.high64};
}

// With its length before it: two texts side by side read in one way only.
void append_text(std::string_view text, std::string& out) {
    const std::uint64_t length = text.size();
    out.append(reinterpret_cast<const char*>(&length), sizeof length);
    out += text;
}

// 128 bits, 6 at a time from the highest; the last character holds the 2 that are left.
void append_base64url(const Hash128& hash, std::string& out) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::array<char, document_id_bytes> text{};
    std::uint64_t high = hash.high;
    std::uint64_t low = hash.low;
    for (char& character : text) {
        character = alphabet[high >> 58U];
        high = (high << 6U) | (low >> 58U);
        low <<= 6U;
    }
    out.append(text.data(), text.size());
}

}  // namespace

Hash128 identity_of(const protocol::Series& series) {
    std::string text(1, static_cast<char>(std::to_underlying(series.kind)));
    append_text(series.name(), text);
    for (const protocol::Tag tag : series.tags()) {
        append_text(tag.key, text);
        text += tag.has_value ? '=' : '-';
        append_text(tag.value, text);
    }
    return hash_of(text.data(), text.size());
}

DocumentIds::DocumentIds(std::uint64_t run, std::string_view host, std::string_view sink) {
    std::string text(reinterpret_cast<const char*>(&run), sizeof run);
    append_text(host, text);
    append_text(sink, text);
    origin_ = hash_of(text.data(), text.size());
}

void DocumentIds::append_of_series(std::uint64_t sequence, const Hash128& identity,
                                   std::string& out) const {
    append(sequence, DocumentKind::series, identity, out);
}

void DocumentIds::append_of_ordinal(std::uint64_t sequence, DocumentKind kind,
                                    std::uint64_t ordinal, std::string& out) const {
    append(sequence, kind, {.low = ordinal, .high = 0}, out);
}

void DocumentIds::append(std::uint64_t sequence, DocumentKind kind, const Hash128& which,
                         std::string& out) const {
    const std::array<std::uint64_t, 6> parts{
        origin_.low, origin_.high, sequence, std::to_underlying(kind), which.low, which.high};
    append_base64url(hash_of(parts.data(), sizeof parts), out);
}

}  // namespace pitot::sinks::elasticsearch
