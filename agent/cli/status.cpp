#include "agent/cli/status.h"

#include <fmt/format.h>

#include <expected>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/exit_codes.h"
#include "agent/cli/http_get.h"
#include "agent/cli/status_page.h"
#include "agent/config/load.h"
#include "agent/printable.h"
#include "agent/web/pages.h"

namespace pitot::agent {
namespace {

struct Target {
    sinks::http::Url url;
    sinks::Secret token;
    std::string origin;  // "--url", "the default of http.address"
};

struct Refusal {
    int exit_code = 0;
    std::string text;
};

// Any address of this machine is as good as another; the loopback is always there.
std::string reachable(const std::string& host) {
    if (host == "::") return "localhost";
    return host == "0.0.0.0" ? "127.0.0.1" : host;
}

std::expected<Target, Refusal> find_target(const StatusArguments& arguments,
                                           const Environment& environment) {
    const auto loaded =
        load({.file = arguments.config_file, .sets = arguments.sets, .environment = environment});
    const std::vector<Problem> problems = loaded ? loaded->problems_of("http") : loaded.error();
    if (!problems.empty()) {
        return std::unexpected(
            Refusal{exit_configuration, render(problems, {.closing = "; nobody was asked."})});
    }
    const HttpConfig& http = loaded->config.http;
    Target target{.url = {}, .token = http.token, .origin = "--url"};
    if (arguments.url) {
        auto url = sinks::http::parse_url(*arguments.url);
        std::string wrong = url ? "" : url.error();
        if (url && url->is_https) wrong = "must begin with http://: the agent speaks no TLS itself";
        if (!wrong.empty()) {
            return std::unexpected(Refusal{
                exit_usage, fmt::format("pitot status: --url: {}\n", printable(wrong, 400))});
        }
        target.url = *std::move(url);
        return target;
    }
    const std::string origin =
        loaded->files().empty() ? "http.address as it is by default"
                                : "http.address of " + printable(loaded->files()[0].native(), 200);
    if (!http.address || http.address->port == 0) {
        return std::unexpected(Refusal{
            exit_status_unknown,
            fmt::format("pitot status: {} is {}\n", origin,
                        http.address ? "on a port that the kernel chose: its log says which; give "
                                       "it by --url http://ADDRESS:PORT"
                                     : "\"\": that agent cannot be asked")});
    }
    target.url.host = reachable(http.address->host);
    target.url.port = http.address->port;
    target.origin = origin;
    return target;
}

// Why there is no document, and what to do.
std::string unanswered(const Target& target, const std::expected<HttpReply, std::string>& reply) {
    const std::string where = fmt::format("http://{}", target.url.authority());
    if (!reply) {
        return fmt::format(
            "cannot ask {} ({}): {}\nDoes pitot run here? If it listens elsewhere, say so: --url "
            "http://ADDRESS:PORT, or --config FILE, as the agent has it.",
            where, target.origin, reply.error());
    }
    constexpr unsigned unauthorized = 401;
    constexpr unsigned forbidden = 403;
    if (reply->status == unauthorized) {
        return fmt::format(
            "{} wants {} token: give the agent's own configuration by --config FILE, or its "
            "http.token by the variable PITOT_HTTP__TOKEN",
            where, target.token.empty() ? "a" : "another");
    }
    if (reply->status == forbidden) {
        return fmt::format("{} is to be asked by its address, or as localhost", where);
    }
    return fmt::format("what answers at {} is no pitot of this kind (status {})", where,
                       reply->status);
}

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
    const auto target = find_target(arguments, environment);
    if (!target) {
        output.err << target.error().text;
        return target.error().exit_code;
    }
    const auto reply = http_get(target->url, page_status, target->token, clock);
    std::optional<StatusPage> page;
    if (reply && reply->status == 200) page = render_status(reply->body, output.has_colours);
    if (!page) {
        output.err << "pitot status: " << unanswered(*target, reply) << '\n';
        return exit_status_unknown;
    }
    output.out << (arguments.json ? reply->body : page->text);
    return output.out.flush() ? exit_code_of(page->state) : exit_status_unknown;
}

}  // namespace pitot::agent
