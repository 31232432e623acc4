// The agent's own pages, by path: what no sink may take for one of its own.
//
//   /health/live     is every loop turning? for a liveness probe
//   /health/ready    is what is sent counted? for a readiness probe
//   /health          each part, and how it is
//   /api/v1/status   all that `pitot status` prints
//   /api/v1/rules    alert rules and derived series, in the shape that Prometheus has
//   /api/v1/alerts   alerts that are pending or fire, likewise
//   /api/v1/alerts/explain, /api/v1/alerts/history   what `pitot alerts` prints
//   /api/v1/series, /api/v1/label/__name__/values   series that are alive, likewise
//
// The first two tell so little that they need no token.
#pragma once

#include <string_view>

namespace pitot::agent {

inline constexpr std::string_view page_health = "/health";
inline constexpr std::string_view page_live = "/health/live";
inline constexpr std::string_view page_ready = "/health/ready";
inline constexpr std::string_view page_status = "/api/v1/status";
inline constexpr std::string_view page_rules = "/api/v1/rules";
inline constexpr std::string_view page_alerts = "/api/v1/alerts";
inline constexpr std::string_view page_alerts_explain = "/api/v1/alerts/explain";
inline constexpr std::string_view page_alerts_history = "/api/v1/alerts/history";
inline constexpr std::string_view page_series = "/api/v1/series";
inline constexpr std::string_view page_series_names = "/api/v1/label/__name__/values";

// These, and what is to come beside them.
constexpr bool is_agent_page(std::string_view path) {
    return path == "/" || path == "/api" || path.starts_with("/api/") || path == page_health ||
           path.starts_with("/health/");
}

}  // namespace pitot::agent
