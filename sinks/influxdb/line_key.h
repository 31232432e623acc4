// Who a point is in line protocol: measurement and tags, escaped once, when a series is born.
//
//     page.views,env=prod,host=web-1,metric_type=counter
//
// Used by the encoder and its parts. What the format cannot say is changed here, always in the
// same way, so that two series which become one are found by comparing texts (line_keys.h):
//
//   control bytes                   '_'
//   '#' that begins a measurement   '_': the line would be a comment
//   '\' at the end                  dropped: it would escape what follows
//   '\' in a measurement before     dropped: servers take it away, and a query by the name
//     ',' '=' '"' or a blank          then finds nothing
//   a name that is empty now        '_'
//   tag without a value             key=true
//   tag with an empty value         left out: the format has none
//   tags of one key                 one tag, values joined with ',' in their order
//   tags of the sender named as     '_' behind the name
//     what servers keep for
//     themselves, or as type_tag
//
// Any other '\' is written as it is: InfluxDB 1 and 2 read it literally, and doubling it would
// store two.
//
// Source: the line protocol reference of InfluxDB, and what InfluxDB 1.6.7 does.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/sample.h"

namespace pitot::sinks::influxdb {

// What the servers' index takes; a longer key is refused, and echoed whole in the error.
inline constexpr std::size_t line_key_bytes_max = 65'535;

// How names become text, as the operator wants it.
struct KeySettings {
    std::string type_tag = "metric_type";  // "" for none
    std::string host_tag = "host";         // "" for none
    std::string host_name = {};
    std::vector<std::pair<std::string, std::string>> tags = {};  // on every point
    bool slash_for_backslash = false;
};

// A tag that is not the sender's; none if its name or value is empty. Where the sender has one
// of the same name, that one wins, or has to take another name.
struct AddedTag {
    std::string_view key;
    std::string_view value;
    bool wins = false;
};

// Tags come out sorted by their names' bytes. Where `added` and `settings.tags` have a name in
// common, `added` wins.
std::string line_key(std::string_view measurement, std::span<const protocol::Tag> tags,
                     std::span<const AddedTag> added, const KeySettings& settings);

// The key of a series: its kind and this host are added.
std::string series_key(std::string_view name, std::span<const protocol::Tag> tags,
                       protocol::Kind kind, const KeySettings& settings);

// The value of a string field, in its quotes. A line feed becomes the two characters "\n", as
// it is on DogStatsD's wire; other control bytes become blanks.
void append_string_field(std::string_view text, std::string& out);

// What others wrote, for a log line: without control bytes, of bounded length, and not cut in
// the middle of a character.
std::string excerpt(std::string_view text);

}  // namespace pitot::sinks::influxdb
