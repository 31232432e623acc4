// Takes a destination's credentials out of what it says.
//
// Servers and proxies repeat requests in their error pages, headers included. What they say is
// shown in logs and statuses, so each text of an answer goes through this first: see
// Response::excerpt() and fit_for_log(), the only ways in which answers are shown.
//
// A credential is found as it is, as base64 in Authorization, and as JSON, HTML and URLs write
// it. One of a few characters is found where it stands alone, else it would take apart words
// that have nothing to do with it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/options.h"

namespace pitot::sinks::http {

class Redaction {
public:
    // `authorization` as in ClientSettings; "Basic …" hides the password in it too.
    Redaction(const Secret& authorization,
              const std::vector<std::pair<std::string, Secret>>& headers);

    // The text with "[secret]" in place of each credential.
    std::string clean(std::string text) const;

private:
    void hide(std::string_view secret);

    std::vector<std::string> secrets_;  // in every form; the longest first
};

}  // namespace pitot::sinks::http
