// Which format of a page a scraper gets, by its Accept header.
//
// Source: RFC 9110 section 12.5.1, and Prometheus' content negotiation.
//
//   text 0.0.4       to whoever does not ask: the default
//   OpenMetrics 1.0  to whoever names it and likes it at least as much
//
// A range matches a format when its version is the format's or is not given; "charset" and
// "escaping" do not take part. Nobody is answered by 406: a scraper that accepts neither is
// better off with the text than with nothing.
//
// A Prometheus 3 says which escaping of names it understands. Names here are always plain
// ones ("a.b" is a_b, whoever asks), which is the escaping called "underscores", and an answer
// to a range with that parameter says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pitot::sinks::prometheus_scrape {

enum class Format : std::uint8_t { text, open_metrics };

struct Choice {
    Format format = Format::text;
    bool says_escaping = false;  // the range that decided has the parameter
};

Choice choose_format(std::string_view accept);

// The value of Content-Type.
std::string content_type_of(const Choice& choice);

}  // namespace pitot::sinks::prometheus_scrape
