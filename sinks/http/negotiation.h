// What a client says it accepts, and how much it likes it (RFC 9110 sections 12.4 and 12.5).
//
// Used by the server for codings and by routes that have more than one format. It reads the
// headers; which format is served is the route's decision.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pitot::sinks::http {

// More are not looked at: the longest Accept header of a scraper has five.
inline constexpr std::size_t accept_ranges_max = 32;

// One entry of an Accept header: "application/openmetrics-text;version=1.0.0;q=0.5".
struct MediaRange {
    std::string type;     // in small letters, as is the following; "*" for any
    std::string subtype;  // "*" for any
    std::vector<std::pair<std::string, std::string>> parameters = {};  // names in small letters
    double quality = 1;                                                // 0 … 1; 0: not acceptable

    // The first parameter of that name; "" when absent.
    std::string_view parameter(std::string_view name) const;
};

// In the order of the header. What is malformed is left out; a malformed quality is 0, so that
// a client never gets what it may have refused.
std::vector<MediaRange> parse_accept(std::string_view header);

// How acceptable a coding ("gzip", "identity") is by an Accept-Encoding header: its own
// quality, else that of "*", else 0; "identity" is acceptable unless it is refused.
double coding_quality(std::string_view header, std::string_view coding);

// Whether to compress: gzip is acceptable, and not less than sending the bytes as they are.
bool prefers_gzip(std::string_view accept_encoding);

}  // namespace pitot::sinks::http
