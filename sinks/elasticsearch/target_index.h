// Where a document goes: an index named after the document's day, or a data stream.
//
//   index = "metrics-%Y.%m.%d"              one index a day, by the document's own UTC time
//   data_stream = "metrics-pitot-default"   one name; the server rolls indices over behind it
//
// A name that the server would refuse is refused here, at start, with what is wrong with it.
// Pure: no clock, no configuration. Used by the encoder (names in action lines) and by
// index_template.h (patterns).
//
// Sources: Elasticsearch's reference, "Create index" (path parameters) and "Data streams"
// (naming); OpenSearch has the same rules.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::sinks::elasticsearch {

// In bytes, of an index or a data stream.
inline constexpr std::size_t index_name_bytes_max = 255;

class TargetIndex {
public:
    // Both: the error reads on after "key: ".
    static std::expected<TargetIndex, std::string> daily(std::string_view pattern);
    static std::expected<TargetIndex, std::string> data_stream(std::string_view name);

    bool is_data_stream() const { return is_data_stream_; }
    // The name at that time, UTC, in seconds since 1970, not negative.
    void append_name(std::int64_t unix_s, std::string& out) const;
    // What all names match, for an index template: "metrics-*.*.*". Tight, so that it does not
    // overlap with what other templates are for.
    std::string wildcard() const;
    // One name for all of them: "metrics-yyyy.mm.dd".
    std::string label() const;
    // Elasticsearch makes data streams of such names by itself, for "metrics-*-*" and its
    // like, unless a template with a higher priority says otherwise.
    bool looks_like_builtin_data_stream() const;

private:
    // A literal text, or a part of the date where `date` is 'Y', 'm', 'd' or 'H'.
    struct Part {
        std::string text;
        char date = 0;
    };

    std::vector<Part> parts_;
    bool is_data_stream_ = false;
};

}  // namespace pitot::sinks::elasticsearch
