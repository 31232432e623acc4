#include "agent/cli/alerts_command.h"

#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "agent/cli/agent_target.h"
#include "agent/cli/alerts_page.h"
#include "agent/cli/exit_codes.h"
#include "agent/cli/http_get.h"
#include "agent/cli/status_page.h"
#include "agent/web/pages.h"
#include "agent/web/query.h"

namespace pitot::agent {
namespace {

constexpr unsigned ok = 200;
constexpr unsigned not_found = 404;

std::string address_of(const AlertsArguments& arguments) {
    if (arguments.verb == AlertsArguments::Verb::list) return std::string(page_rules);
    std::string address(arguments.verb == AlertsArguments::Verb::explain ? page_alerts_explain
                                                                         : page_alerts_history);
    address += "?alert=" + query_escaped(arguments.rule);
    for (const std::string& label : arguments.labels) address += "&label=" + query_escaped(label);
    return address;
}

std::optional<AlertsPage> page_of(const AlertsArguments& arguments, const std::string& body,
                                  double now_s, bool has_colours) {
    switch (arguments.verb) {
        case AlertsArguments::Verb::list:
            return render_alerts(body, now_s, has_colours);
        case AlertsArguments::Verb::explain:
            return render_explanation(body, now_s, has_colours);
        case AlertsArguments::Verb::history:
            return render_history(body, has_colours);
    }
    return std::nullopt;
}

// Whether a pitot answers there: any server has pages that are not found.
bool is_agent(const AgentTarget& target, const Clock& clock) {
    const auto reply = http_get(target.url, page_status, target.token, clock);
    return reply && reply->status == ok && render_status(reply->body, false).has_value();
}

}  // namespace

int alerts_command(const AlertsArguments& arguments, const Environment& environment,
                   const Clock& clock, const AlertsOutput& output) {
    constexpr std::string_view command = "pitot alerts";
    const auto target = find_agent(command, arguments.target, environment);
    if (!target) {
        output.err << target.error().text;
        return target.error().exit_code;
    }
    const auto reply = http_get(target->url, address_of(arguments), target->token, clock);
    if (reply && reply->status == not_found) {
        const bool is_list = arguments.verb == AlertsArguments::Verb::list;
        const std::string why = is_list ? "" : refusal_of(reply->body);
        if (!why.empty()) {
            output.err << command << ": " << why << '\n';
            return exit_alerts_unknown_rule;
        }
        if (is_list && is_agent(*target, clock)) {
            output.err << command << ": the agent at http://" << target->url.authority()
                       << " has no alerts: no rule is configured, or alerts.enabled is false\n";
            return exit_status_unknown;
        }
    }
    std::optional<AlertsPage> page;
    if (reply && reply->status == ok) {
        const double now_s = static_cast<double>(clock.wall_ns()) / 1e9;
        page = page_of(arguments, reply->body, now_s, output.has_colours);
    }
    if (!page) {
        output.err << command << ": " << unanswered(*target, reply) << '\n';
        return exit_status_unknown;
    }
    output.out << (arguments.json ? reply->body : page->text);
    if (!output.out.flush()) return exit_status_unknown;
    const bool fires = arguments.verb == AlertsArguments::Verb::list && page->firing > 0;
    return fires ? exit_alerts_firing : exit_success;
}

}  // namespace pitot::agent
