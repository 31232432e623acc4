#include "agent/migrate/migrate.h"

#include <array>
#include <utility>

#include "agent/config/document.h"
#include "agent/migrate/ini.h"
#include "agent/migrate/javascript.h"
#include "agent/migrate/migration.h"
#include "agent/migrate/yaml.h"

namespace pitot::agent {

namespace {

constexpr std::array<std::string_view, 4> names{"etsy", "statsite", "telegraf", "datadog"};

// `computed` gets the settings whose values cannot be known.
std::expected<Table, SyntaxFault> parse(OtherServer server, std::string_view text,
                                        std::vector<std::string>& computed) {
    switch (server) {
        case OtherServer::etsy:
            return parse_plain_javascript(text, 0, computed);
        case OtherServer::statsite:
            return parse_ini(text, 0);
        case OtherServer::telegraf:
            return parse_document(text, 0);
        case OtherServer::datadog:
            return parse_yaml(text, 0);
    }
    std::unreachable();
}

void fill(OtherServer server, Migration& migration) {
    switch (server) {
        case OtherServer::etsy:
            return migrate_etsy(migration);
        case OtherServer::statsite:
            return migrate_statsite(migration);
        case OtherServer::telegraf:
            return migrate_telegraf(migration);
        case OtherServer::datadog:
            return migrate_datadog(migration);
    }
}

}  // namespace

std::span<const std::string_view> other_servers() {
    return names;
}

std::expected<std::string, std::vector<Problem>> migrate(
    OtherServer server, const std::string& name, const std::string& text,
    std::span<const std::string_view> sink_types) {
    std::vector<std::string> computed;
    auto parsed = parse(server, text, computed);
    if (!parsed) {
        ProblemList problems;
        problems.add_source(name, text, SourceType::file);
        // The line may hold a secret, and its syntax is not one that excerpts know.
        problems.add_secret(parsed.error().position, "", std::move(parsed.error().what));
        return std::unexpected(problems.problems());
    }
    Migration migration(names.at(std::to_underlying(server)), *parsed, sink_types);
    for (const std::string& path : computed) {
        migration.no_counterpart(path,
                                 "only JavaScript can work out its value: write out what it comes "
                                 "to; an environment variable is \"${NAME}\"");
    }
    fill(server, migration);
    return migration.text();
}

}  // namespace pitot::agent
