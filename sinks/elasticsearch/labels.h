// Tags as the labels of a document.
//
//   env:prod, shell, env:dev, a.b:1   →   "labels":{"a_b":"1","env":["dev","prod"],"shell":"true"}
//
// Values are what was sent, byte for byte. Keys are field names for the server, which reads
// a dot as an object inside an object (`a` and `a.b` then exclude each other in an index for
// ever) and knows no empty or blank ones: dots become '_', a key of blanks alone becomes "_".
// Keys that are the same then share one field with several values, as a key does that was
// sent several times; a search for either value finds the document.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "protocol/sample.h"

namespace pitot::sinks::elasticsearch {

struct LabelText {
    std::string json;          // `,"labels":{…}`, or "" without tags
    std::uint32_t merged = 0;  // tags that share a field with a tag of another key
};

LabelText label_text(std::span<const protocol::Tag> tags);

}  // namespace pitot::sinks::elasticsearch
