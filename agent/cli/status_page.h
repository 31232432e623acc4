// The status document (web/documents.h) as a page for people.
//
// Pure. What is not there, or is of another type, is left out: the agent may be older or
// younger than this command, and what answers need not be an agent at all. Every text goes
// through printable(), whoever wrote it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/status/health.h"

namespace pitot::agent {

struct StatusPage {
    Health state = Health::ok;
    std::string text;
};

// Nothing if the text is no document of ours. Ages are as of the document's own time.
std::optional<StatusPage> render_status(std::string_view document, bool has_colours);

}  // namespace pitot::agent
