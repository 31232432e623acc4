// The `_id` of a document: 22 characters that the same document always has, and no other.
//
// With them a repeated `create` finds the document that the first one stored, and answers
// 409: nothing is ever there twice, and 409 counts as delivered. That makes an id shared by
// accident a silent loss, so everything that tells two documents apart goes in: which start
// of which agent on which host, by which sink, in which interval, of which series.
//
// 128 bits of XXH3, as base64url without padding (RFC 4648, section 5): the form that the
// server stores in 16 bytes instead of 22.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/snapshot.h"

namespace pitot::sinks::elasticsearch {

inline constexpr std::size_t document_id_bytes = 22;

struct Hash128 {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

// Of a series: kind, name and tags, whatever bytes they have.
Hash128 identity_of(const protocol::Series& series);

// What else a snapshot holds: these have no identity, and are told apart by their position.
enum class DocumentKind : std::uint32_t { series, timed, event, service_check };

class DocumentIds {
public:
    // `run` is drawn anew at each start of the agent (Context::run).
    DocumentIds(std::uint64_t run, std::string_view host, std::string_view sink);

    void append_of_series(std::uint64_t sequence, const Hash128& identity, std::string& out) const;
    // `ordinal` in the column of the snapshot.
    void append_of_ordinal(std::uint64_t sequence, DocumentKind kind, std::uint64_t ordinal,
                           std::string& out) const;

private:
    void append(std::uint64_t sequence, DocumentKind kind, const Hash128& which,
                std::string& out) const;

    Hash128 origin_;
};

}  // namespace pitot::sinks::elasticsearch
