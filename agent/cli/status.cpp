#include "agent/cli/status.h"

#include <optional>
#include <ostream>
#include <string_view>
#include <utility>

#include "agent/cli/agent_target.h"
#include "agent/cli/exit_codes.h"
#include "agent/cli/http_get.h"
#include "agent/cli/status_page.h"
#include "agent/web/pages.h"

namespace pitot::agent {
namespace {

int exit_code_of(Health state) {
    switch (state) {
        case Health::ok:
            return exit_success;
        case Health::degraded:
            return exit_status_degraded;
        case Health::failing:
            return exit_status_failing;
    }
    std::unreachable();
}

}  // namespace

int status(const StatusArguments& arguments, const Environment& environment, const Clock& clock,
           const StatusOutput& output) {
    constexpr std::string_view command = "pitot status";
    const auto target = find_agent(command, arguments.target, environment);
    if (!target) {
        output.err << target.error().text;
        return target.error().exit_code;
    }
    const auto reply = http_get(target->url, page_status, target->token, clock);
    std::optional<StatusPage> page;
    if (reply && reply->status == 200) page = render_status(reply->body, output.has_colours);
    if (!page) {
        output.err << command << ": " << unanswered(*target, reply) << '\n';
        return exit_status_unknown;
    }
    output.out << (arguments.json ? reply->body : page->text);
    return output.out.flush() ? exit_code_of(page->state) : exit_status_unknown;
}

}  // namespace pitot::agent
