// The composable index template that tells the server what the fields of our documents are.
//
// Without it the first document would decide: a counter that begins with 3 makes a field of
// whole numbers, and 0.5 later counts as 0. It is put under a name of its own with a version
// and a mark of ours; what is there already is looked at first, and a stranger's template is
// never touched. Pure: template_keeper.h does the talking.
//
// Sources: Elasticsearch's reference, "Create or update index template" (7.8 and later);
// OpenSearch has the same request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sinks/elasticsearch/target_index.h"

namespace pitot::sinks::elasticsearch {

// Of the mapping. An agent replaces an older one, and leaves a newer one alone.
inline constexpr std::int64_t template_version = 1;

// Keyword fields longer than this are kept in the document and not indexed; in UTF-16 units.
// Names and tags of samples are never longer (protocol/limits.h); texts of events may be,
// and beyond 32,766 bytes the server would refuse the document.
inline constexpr int keyword_length_max = 4096;

struct TemplateSettings {
    std::string name;
    std::int64_t priority = 500;
    std::int64_t shards = 1;
    std::optional<std::int64_t> replicas;  // none: the server's own default
};

// The body of PUT /_index_template/NAME.
std::string template_text(const TargetIndex& target, const TemplateSettings& settings);

enum class FoundTemplate : std::uint8_t {
    none,
    older,       // ours, from before: to be replaced
    other,       // ours, of this version, for other settings: likewise
    current,     // as we would put it, or newer
    foreign,     // somebody else's: not to be touched
    unreadable,  // the answer is not one that we know
};

struct TemplateFinding {
    FoundTemplate found = FoundTemplate::unreadable;
    bool makes_data_streams = false;
};

// Reads a 200 answer of GET /_index_template/NAME; `text` is what we would put.
TemplateFinding find_template(std::string_view answer, std::string_view name,
                              std::string_view text);

}  // namespace pitot::sinks::elasticsearch
