#include "agent/alert_service.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include "agent/alerts/channels/message_maker.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

using alerts::channels::MessageMaker;

// Where a message can point to; nowhere if the kernel chooses the port.
std::string link_of(const HttpConfig& http) {
    if (!http.address || http.address->port == 0) return {};
    const std::string& host = http.address->host;
    const std::string in_brackets = host.contains(':') ? fmt::format("[{}]", host) : host;
    return fmt::format("http://{}:{}", in_brackets, http.address->port);
}

alerts::AlertingSettings settings_of(const Config& config) {
    alerts::AlertingSettings settings{.interval_ns = config.interval.count()};
    if (!config.state_directory.empty()) {
        settings.state_file = config.state_directory / alerts::state_file_name;
    }
    const auto maker = std::make_shared<const MessageMaker>(config.alerts.rules, std::string());
    settings.describe = [maker](const alerts::Notice& notice, std::int64_t now_unix_ns,
                                alerts::AlertFacts& alert) {
        alerts::channels::Message message = maker->make(notice, now_unix_ns);
        alert.summary = std::move(message.summary);
        alert.description = std::move(message.description);
    };
    return settings;
}

}  // namespace

AlertService::AlertService(const Config& config, std::uint64_t seed, const Clock& clock,
                           spdlog::logger& log)
    : log_(log), state_directory_(config.state_directory) {
    const alerts::AlertsConfig& of = config.alerts;
    if (!of.enabled || (of.rules.empty() && of.derived.empty())) return;
    forgets_ = config.state_directory.empty() &&
               !std::ranges::all_of(of.rules, &alerts::RuleDefinition::is_built_in);
    channels_.emplace(
        config.channels, of.rules,
        alerts::channels::ChannelSetSettings{.state_directory = config.state_directory,
                                             .host = {},
                                             .link = link_of(config.http),
                                             .interval_ns = config.interval.count(),
                                             .seed = seed},
        clock, log);
    taker_.emplace(*channels_);
    alerting_.emplace(of, settings_of(config), *taker_, clock, log);
}

void AlertService::open() {
    if (!alerting_) return;
    if (forgets_) {
        log_.warn(
            "alerts: what fires does not outlive the process, and may be told again after a "
            "restart: set state_directory");
    }
    std::error_code ignored;
    const bool was_there =
        state_directory_.empty() || std::filesystem::exists(state_directory_, ignored);
    channels_->open();
    if (!was_there && std::filesystem::exists(state_directory_, ignored)) {
        log_.info("state_directory: {} was not there, and has been made",
                  printable(state_directory_.native(), 200));
    }
    if (const std::string problem = state_problem(); !problem.empty()) {
        log_.error("{}; what fires and what waits does not outlive the process", problem);
    }
}

// Before anything has to be saved: that may be the first alert, in a month.
std::string AlertService::state_problem() const {
    if (state_directory_.empty() || ::access(state_directory_.c_str(), W_OK | X_OK) == 0) return {};
    return fmt::format("state_directory: cannot write to {}: {}",
                       printable(state_directory_.native(), 200),
                       std::generic_category().message(errno));
}

void AlertService::start() {
    if (!alerting_) return;
    channels_->start();
    alerting_->start();
}

bool AlertService::stop(std::int64_t deadline_steady_ns) {
    if (!alerting_) return true;
    const bool is_drained = channels_->stop(deadline_steady_ns);
    alerting_->stop();
    return is_drained;
}

std::vector<Ledger::Channel> AlertService::channels() const {
    std::vector<Ledger::Channel> all;
    if (!channels_) return all;
    const std::string problem = state_problem();
    for (alerts::channels::ChannelReport& report : channels_->report()) {
        if (report.file_problem.empty()) report.file_problem = problem;
        all.push_back({.name = std::move(report.name),
                       .type = std::move(report.type),
                       .status = std::move(report.status),
                       .file_problem = std::move(report.file_problem)});
    }
    return all;
}

std::vector<WatchedLoop> AlertService::watched() {
    if (!channels_) return {};
    return {channels_->watched()};
}

}  // namespace pitot::agent
