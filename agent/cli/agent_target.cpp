#include "agent/cli/agent_target.h"

#include <fmt/format.h>

#include <utility>

#include "agent/cli/exit_codes.h"
#include "agent/config/load.h"
#include "agent/config/secret_source.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

// Any address of this machine is as good as another; the loopback is always there.
std::string reachable(const std::string& host) {
    if (host == "::") return "localhost";
    return host == "0.0.0.0" ? "127.0.0.1" : host;
}

}  // namespace

std::expected<AgentTarget, TargetRefusal> find_agent(std::string_view command,
                                                     const TargetArguments& arguments,
                                                     const Environment& environment) {
    const auto loaded = load({.file = arguments.config_file,
                              .sets = arguments.sets,
                              .environment = environment,
                              .is_offline = true});
    const std::vector<Problem> problems = loaded ? loaded->problems_of("http") : loaded.error();
    if (!problems.empty()) {
        return std::unexpected(TargetRefusal{exit_configuration,
                                             render(problems, {.closing = "; nobody was asked."})});
    }
    const HttpConfig& http = loaded->config.http;
    const bool has_token = !loaded->is_passed_later("http.token");
    AgentTarget target{.url = {},
                       .token = has_token ? http.token : sinks::Secret(),
                       .origin = "--url",
                       .is_token_elsewhere = !has_token};
    if (arguments.url) {
        auto url = sinks::http::parse_url(*arguments.url);
        std::string wrong = url ? "" : url.error();
        if (!url && sinks::http::parse_url("http://" + *arguments.url)) {
            wrong = fmt::format("must begin with http://, as http://{} does", *arguments.url);
        }
        if (url && url->is_https) wrong = "must begin with http://: the agent speaks no TLS itself";
        if (!wrong.empty()) {
            return std::unexpected(TargetRefusal{
                exit_usage, fmt::format("{}: --url: {}\n", command, printable(wrong, 400))});
        }
        target.url = *std::move(url);
        return target;
    }
    const std::string origin =
        loaded->files().empty() ? "http.address as it is by default"
                                : "http.address of " + printable(loaded->files()[0].native(), 200);
    if (!http.address || http.address->port == 0) {
        return std::unexpected(TargetRefusal{
            exit_status_unknown,
            fmt::format("{}: {} is {}\n", command, origin,
                        http.address ? "on a port that the kernel chose: its log says which; give "
                                       "it by --url http://ADDRESS:PORT"
                                     : "\"\": that agent cannot be asked")});
    }
    target.url.host = reachable(http.address->host);
    target.url.port = http.address->port;
    target.origin = origin;
    return target;
}

std::string unanswered(const AgentTarget& target,
                       const std::expected<HttpReply, std::string>& reply) {
    const std::string where = fmt::format("http://{}", target.url.authority());
    if (!reply) {
        return fmt::format(
            "cannot ask {} ({}): {}\nDoes pitot run here? If it listens elsewhere, say so: --url "
            "http://ADDRESS:PORT, or --config FILE, as the agent has it.",
            where, target.origin, reply.error());
    }
    constexpr unsigned unauthorized = 401;
    constexpr unsigned forbidden = 403;
    if (reply->status == unauthorized && target.is_token_elsewhere) {
        return fmt::format(
            "{} wants the token that http.token names, and only the service manager passes that: "
            "give it by the variable PITOT_HTTP__TOKEN, or as root say where it is by "
            "{}={}",
            where, credentials_variable, credentials_directory_of_unit);
    }
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

}  // namespace pitot::agent
