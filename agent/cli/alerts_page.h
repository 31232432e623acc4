// The documents about alerts (agent/web/alerts_documents.h) as pages for a terminal.
//
//     FIRING   critical  slow_checkout{service="pay"}   312 ms, peak 800 ms, for 3 m 12 s
//
// Pure functions from text to text; nothing for a text that is no such document.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pitot::agent {

struct AlertsPage {
    std::string text;
    std::size_t firing = 0;  // instances
};

// Of /api/v1/rules. `now_s`: since 1970, by the clock of whoever reads the page.
std::optional<AlertsPage> render_alerts(std::string_view document, double now_s, bool has_colours);
// Of /api/v1/alerts/explain.
std::optional<AlertsPage> render_explanation(std::string_view document, double now_s,
                                             bool has_colours);
// Of /api/v1/alerts/history.
std::optional<AlertsPage> render_history(std::string_view document, bool has_colours);

// What an error document says; "" for another one.
std::string refusal_of(std::string_view document);

}  // namespace pitot::agent
