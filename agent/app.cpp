#include "agent/app.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/alert_service.h"
#include "agent/cli/exit_codes.h"
#include "agent/clock.h"
#include "agent/config/load.h"
#include "agent/flush/flusher.h"
#include "agent/ledger.h"
#include "agent/log/log.h"
#include "agent/net/descriptor_budget.h"
#include "agent/net/error_text.h"
#include "agent/net/open_listeners.h"
#include "agent/printable.h"
#include "agent/service/liveness.h"
#include "agent/service/notify.h"
#include "agent/service/passed_sockets.h"
#include "agent/service/watchdog.h"
#include "agent/settings.h"
#include "agent/shard_set.h"
#include "agent/sink_set.h"
#include "agent/version.h"
#include "agent/web/web.h"
#include "sinks/json_writer.h"

namespace pitot::agent {
namespace {

// After the deadline of the stop: for threads to end and files to be written.
constexpr std::chrono::seconds stop_reserve{2};

std::uint64_t random_number() {
    std::random_device device;
    return std::uint64_t{device()} << 32U | device();
}

// Signals that ask for something are waited for by the main thread; no other ever sees one,
// because threads inherit the mask.
class Signals {
public:
    Signals() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGTERM);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        // A closed pipe or socket is an outcome of a write.
        static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    }

    // SIGTERM, SIGINT or SIGHUP; 0 when none came in this time.
    int wait(std::chrono::nanoseconds time) const {
        const timespec limit{
            .tv_sec = static_cast<time_t>(time / std::chrono::seconds(1)),
            .tv_nsec = static_cast<long>((time % std::chrono::seconds(1)).count())};
        for (;;) {
            const int signal = sigtimedwait(&signals_, nullptr, &limit);
            if (signal > 0) return signal;
            if (signal < 0 && errno == EAGAIN) return 0;
        }
    }

    // From now on SIGTERM and SIGINT end the process. A terminal that is closed meanwhile
    // (SIGHUP) must not: the data is on its way.
    void let_through() const {
        sigset_t ends = signals_;
        sigdelset(&ends, SIGHUP);
        pthread_sigmask(SIG_UNBLOCK, &ends, nullptr);
    }

private:
    sigset_t signals_{};
};

// Written whole or not at all: whoever waits for the file never sees half of it. Returns an
// empty text, or why it is not there.
std::string write_file(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::path unfinished = path;
    unfinished += ".tmp";
    errno = 0;
    {
        std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
        file << text;
        if (!file.flush()) return error_text(errno);
    }
    if (std::rename(unfinished.c_str(), path.c_str()) != 0) return error_text(errno);
    return {};
}

// Where the sink can be asked, "" if it only sends: its page may be on the agent's server.
std::string where_of(const sinks::Sink& sink, const std::string& http_address) {
    std::string where = sink.where();
    return where.starts_with('/') ? fmt::format("http://{}{}", http_address, where) : where;
}

std::string ready_text(const std::vector<ListenerReport>& reports,
                       const std::vector<sinks::Sink*>& all_sinks,
                       const std::string& http_address) {
    std::string text;
    sinks::JsonWriter json(text);
    json.begin_object();
    json.key("pid");
    json.integer(getpid());
    json.key("listeners");
    json.begin_object();
    for (const ListenerReport& report : reports) json.optional_field(report.name, report.where);
    json.end_object();
    json.key("sinks");
    json.begin_object();
    for (const sinks::Sink* sink : all_sinks) {
        json.optional_field(sink->name(), where_of(*sink, http_address));
    }
    json.end_object();
    json.optional_field("http", http_address);
    json.end_object();
    text += '\n';
    return text;
}

void log_listeners(spdlog::logger& log, const OpenListeners& opened) {
    for (const ListenerReport& report : opened.reports) {
        if (report.where.empty()) continue;
        std::string buffer;
        if (report.receive_buffer_granted_bytes != 0) {
            buffer =
                fmt::format(", receive buffer {} of {} bytes asked for",
                            report.receive_buffer_granted_bytes, report.receive_buffer_asked_bytes);
        }
        log.info("listeners.{}: {} on {} socket(s){}", report.name, report.where, report.sockets,
                 buffer);
    }
    for (const std::string& warning : opened.warnings) log.warn("{}", warning);
    for (const std::string& advice : opened.advice) log.warn("{}", advice);
}

// The default Unix socket needs a directory that somebody made for us.
void log_missing_socket(spdlog::logger& log, const std::vector<ListenerConfig>& listeners) {
    const bool is_default = std::ranges::all_of(listeners, &ListenerConfig::is_default);
    const bool has_unix = std::ranges::any_of(listeners, [](const ListenerConfig& listener) {
        return listener.type == ListenerType::unix_datagram;
    });
    if (!is_default || has_unix) return;
    log.info(
        "no Unix socket: there is no runtime directory; make /run/pitot, set RUNTIME_DIRECTORY, "
        "or configure [listeners.NAME] with type = \"unix\" and a path");
}

// One line for `systemctl status`.
std::string status_text(const Ledger& ledger) {
    std::string text =
        fmt::format("{} lines, {} refused, {} series", ledger.intake.lines,
                    ledger.intake.lines - ledger.intake.accepted, ledger.series_rows);
    for (const Ledger::Sink& sink : ledger.sinks) {
        text += fmt::format("; {}: {}", sink.name, to_string(sink.status.state));
    }
    return text;
}

// "queue_full 12, shutdown 3"
std::string text_of(const sinks::Losses& losses) {
    std::string text;
    for (std::size_t i = 0; i < sinks::loss_reason_count; ++i) {
        if (losses.points[i] == 0) continue;
        if (!text.empty()) text += ", ";
        text +=
            fmt::format("{} {}", to_string(static_cast<sinks::LossReason>(i)), losses.points[i]);
    }
    return text;
}

class App {
public:
    App(const RunArguments& arguments, LoadedConfig loaded, Log& log)
        : arguments_(arguments),
          loaded_(std::move(loaded)),
          log_output_(log),
          log_(log.logger()),
          sinks_(loaded_, clock_, log_, random_number()) {}

    int run(const Signals& signals) {
        if (!configuration_is_good()) return exit_configuration;
        if (const std::optional<std::string> error = log_output_.open()) {
            log_.error("log: {}", *error);
            return exit_failure;
        }

        const std::uint64_t descriptors_max = raise_descriptor_limit();
        if (const auto advice = fit_connections(loaded_.config.listeners, descriptors_max)) {
            log_.warn("{}", *advice);
        }

        // Bind first: an address in use should stop us before anything else exists.
        std::expected<OpenListeners, std::vector<OpenError>> opened = open_sockets();
        if (!opened) {
            for (const OpenError& error : opened.error()) log_.error("{}", error.to_string());
            return exit_failure;
        }
        log_listeners(log_, *opened);
        log_missing_socket(log_, loaded_.config.listeners);
        if (!open_sinks()) return exit_failure;

        const Config& config = loaded_.config;
        const Seeds seeds{.keys = random_number(), .members = random_number()};
        ShardSet shards(table_settings(config, seeds), readings(), clock_,
                        std::move(opened->shards));
        alerts_.emplace(config, random_number(), clock_, log_);
        alerts_->open();
        Flusher flusher(flusher_settings(seeds), shards, sinks_.all(), clock_, log_);
        std::vector<WatchedLoop> loops = shards.watched();
        loops.push_back(flusher.watched());
        loops.push_back(sinks_.watched());
        std::ranges::copy(alerts_->watched(), std::back_inserter(loops));
        Web web(config.http, process_facts(*opened), flusher, Liveness(loops), sinks_.all(), clock_,
                alerts_->alerting());
        if (!open_web(web)) return exit_failure;

        // From here on lines are counted, flushed and delivered.
        sinks_.start();
        alerts_->start();
        shards.start();
        flusher.start();
        web.ready();
        log_.info("pitot {} runs: {} shard(s), {} sink(s), a flush every {} s", version(),
                  config.shards, config.sinks.size(),
                  std::chrono::duration<double>(config.interval).count());
        write_asked_file("--ready-file", arguments_.ready_file,
                         ready_text(opened->reports, sinks_.all(), web.address()));

        Watchdog watchdog(manager_, Liveness(std::move(loops)), clock_, log_);
        tell_manager(manager_.ready(status_text(flusher.ledger())));
        log_output_.started();
        const int signal = wait_for_stop(signals, watchdog, web, flusher);
        web.stopping();
        tell_manager(manager_.stopping(loaded_.config.shutdown_deadline + stop_reserve));
        log_.info(
            "stopping on {}: reading what the sockets hold, then flushing and delivering; "
            "a second signal ends at once",
            signal == SIGINT ? "SIGINT" : "SIGTERM");
        signals.let_through();
        stop(shards, flusher);
        web.close();
        return exit_success;
    }

private:
    // What the main thread looks after while it waits to be stopped.
    struct Chore {
        std::int64_t period_ns = 0;  // 0: never
        std::function<void()> look;
        std::int64_t due_ns = 0;
    };

    // The signal that asked to stop.
    int wait_for_stop(const Signals& signals, Watchdog& watchdog, Web& web,
                      const Flusher& flusher) {
        std::array chores{
            Chore{watchdog.period().count(), [&] { watchdog.look(status_text(flusher.ledger())); }},
            Chore{web.look_ns(), [&] { web.look(); }},
            Chore{log_period.count(), [&] { log_output_.tell_due(); }}};
        for (Chore& chore : chores) chore.due_ns = clock_.steady_ns() + chore.period_ns;
        for (;;) {
            std::int64_t due_ns = INT64_MAX;
            for (const Chore& chore : chores) {
                if (chore.period_ns > 0) due_ns = std::min(due_ns, chore.due_ns);
            }
            // 0 would wait for ever.
            const std::int64_t left_ns = std::max<std::int64_t>(1, due_ns - clock_.steady_ns());
            const int signal = signals.wait(std::chrono::nanoseconds(left_ns));
            if (signal == SIGTERM || signal == SIGINT) return signal;
            if (signal == SIGHUP) log_output_.reopen();
            // After a SIGHUP, too: they may come faster than anything has to be looked after.
            const std::int64_t now_ns = clock_.steady_ns();
            for (Chore& chore : chores) {
                if (chore.period_ns == 0 || now_ns < chore.due_ns) continue;
                chore.look();
                chore.due_ns = now_ns + chore.period_ns;
            }
        }
    }

    ProcessFacts process_facts(const OpenListeners& opened) const {
        const Config& config = loaded_.config;
        return {.version = std::string(version()),
                .pid = getpid(),
                .started_unix_ns = clock_.wall_ns(),
                .started_steady_ns = clock_.steady_ns(),
                .interval_ns = config.interval.count(),
                .shards = config.shards,
                .limits = config.limits,
                .listeners = opened.reports,
                .advice = opened.advice};
    }

    bool open_web(Web& web) {
        if (const std::optional<std::string> error = web.open()) {
            log_.error("http.address: {}; set another, or \"\" for no server: --set '{}'", *error,
                       R"(http.address="127.0.0.1:9126")");
            return false;
        }
        if (!web.address().empty()) log_.info("http: http://{}/health", web.address());
        for (const sinks::Sink* sink : sinks_.all()) {
            const std::string where = where_of(*sink, web.address());
            log_.info("sinks.{}: {}", sink->name(), where.empty() ? place_of(sink->name()) : where);
        }
        return true;
    }

    // Where a sink sends to: its type, and its url if it has one.
    std::string place_of(std::string_view name) const {
        for (const SinkSection& section : loaded_.sink_sections) {
            if (section.name != name) continue;
            const std::string* const url = section.options.text_there("url");
            return url == nullptr ? section.type
                                  : fmt::format("{}: {}", section.type, printable(*url, 200));
        }
        return {};
    }

    // Those that the service manager passes, and all others that the configuration names.
    std::expected<OpenListeners, std::vector<OpenError>> open_sockets() {
        Config& config = loaded_.config;
        std::expected<std::vector<PassedSocket>, std::string> passed =
            take_passed_sockets(environment_, getpid());
        if (!passed) return std::unexpected(std::vector<OpenError>{{"", passed.error()}});
        auto inherited = assign_passed_sockets(*std::move(passed), config.listeners);
        if (!inherited) return std::unexpected(std::move(inherited.error()));
        return open_listeners(config.listeners, config.shards, *std::move(inherited));
    }

    void tell_manager(const std::string& failure) {
        if (failure.empty()) return;
        log_.warn(
            "service: the service manager could not be told how the agent is, and may end it: {}; "
            "look at NOTIFY_SOCKET, and at NotifyAccess= of the unit",
            failure);
    }

    // A file that the command line asks for; without it the agent does its work all the same.
    void write_asked_file(std::string_view option, const std::optional<std::filesystem::path>& path,
                          const std::string& text) {
        if (!path) return;
        const std::string failure = write_file(*path, text);
        if (failure.empty()) return;
        log_.error("{}: cannot write {}: {}; whoever waits for it waits in vain", option,
                   printable(path->string(), 200), failure);
    }

    // What we accepted, we deliver: the parts are taken down in the direction of the data.
    void stop(ShardSet& shards, Flusher& flusher) {
        const std::int64_t started_ns = clock_.steady_ns();
        const std::int64_t time_ns = loaded_.config.shutdown_deadline.count();
        flusher.stop();
        if (!shards.drain(started_ns + time_ns / 4)) {
            log_.error(
                "a shard did not finish reading in time, and what it had not read is lost; raise "
                "shutdown_deadline, or stop the senders first");
        }
        flusher.flush_rest(started_ns + time_ns / 2);
        // Sinks deliver meanwhile.
        if (!alerts_->stop(started_ns + time_ns / 4 * 3)) {
            log_.error(
                "a channel of alerts did not stop in time; what it had not delivered waits in its "
                "queue file if there is a state_directory, and is lost otherwise");
        }
        if (!sinks_.stop(started_ns + time_ns)) {
            log_.error(
                "a sink did not stop in time; what it had not delivered is lost, and counted "
                "below as far as it is known");
        }
        shards.stop();

        const Ledger ledger = flusher.ledger();
        log_ledger(ledger);
        write_asked_file("--ledger-file", arguments_.ledger_file, to_json(ledger));
    }

    void log_ledger(const Ledger& ledger) {
        log_output_.tell_held_back();
        log_.info("stopped after {} line(s), {} of them accepted, {} sample(s) and {} flush(es)",
                  ledger.intake.lines, ledger.intake.accepted, ledger.intake.samples,
                  ledger.flush.flushes);
        if (!ledger.closed()) {
            log_.error(
                "the account does not add up, which is a bug of pitot: report it, with what "
                "--ledger-file writes");
        }
        for (const Ledger::Sink& sink : ledger.sinks) {
            const sinks::Ledger& points = sink.status.ledger;
            if (points.lost.sum() == 0) continue;
            log_.error(
                "sinks.{}: {} of {} point(s) were lost ({}){}{}", sink.name, points.lost.sum(),
                to_be_delivered(points), text_of(points.lost),
                sink.status.last_error.empty() ? "" : "; last error: ", sink.status.last_error);
        }
    }

    bool open_sinks() {
        const std::vector<std::string> errors = sinks_.open();
        for (const std::string& error : errors) log_.error("{}", error);
        return errors.empty();
    }

    bool configuration_is_good() {
        const std::vector<Problem> problems = loaded_.finish();
        const bool to_people = isatty(STDERR_FILENO) != 0;
        fmt::print(stderr, "{}",
                   render(loaded_.warnings(),
                          {.excerpts = to_people, .prefix = "warning: ", .closing = ""}));
        if (problems.empty()) return true;
        fmt::print(
            stderr, "{}",
            render(problems,
                   {.excerpts = to_people, .prefix = "", .closing = "; pitot did not start."}));
        return false;
    }

    std::vector<protocol::Reading> readings() const {
        std::vector<protocol::Reading> all;
        all.reserve(loaded_.config.listeners.size());
        for (const ListenerConfig& listener : loaded_.config.listeners) {
            all.push_back(listener.reading);
        }
        return all;
    }

    FlusherSettings flusher_settings(const Seeds& seeds) {
        const Config& config = loaded_.config;
        FlusherSettings settings{.interval_ns = config.interval.count(),
                                 .offset_ns = config.flush_offset.count(),
                                 .merger = merger_settings(config, seeds, config.shards),
                                 .listener_names = {},
                                 .alerting = alerts_->alerting(),
                                 .channels = [this] { return alerts_->channels(); }};
        for (const ListenerConfig& listener : config.listeners) {
            settings.listener_names.push_back(listener.name);
        }
        if (!config.self_metrics.enabled) return settings;
        settings.self_metrics = {.prefix = config.self_metrics.prefix,
                                 .tags = config.additions.tags};
        for (const SinkConfig& sink : config.sinks) {
            if (!sink.self_metrics) settings.sinks_without_self_metrics.push_back(sink.name);
        }
        return settings;
    }

    const RunArguments& arguments_;
    LoadedConfig loaded_;
    Log& log_output_;
    spdlog::logger& log_;
    const Environment environment_ = system_environment();
    const ServiceManager manager_{environment_, getpid()};
    SystemClock clock_;
    SinkSet sinks_;
    std::optional<AlertService> alerts_;  // once the configuration is known to be good
};

}  // namespace

int run(const RunArguments& arguments) {
    const Signals signals;
    std::expected<LoadedConfig, std::vector<Problem>> loaded = load(
        {.file = arguments.config_file, .sets = arguments.sets, .sink_types = sink_type_names()});
    if (!loaded) {
        fmt::print(stderr, "{}",
                   render(loaded.error(), {.excerpts = isatty(STDERR_FILENO) != 0,
                                           .prefix = "",
                                           .closing = "; pitot did not start."}));
        return exit_configuration;
    }
    const SystemClock clock;
    Log log(loaded->config.log, system_environment(), clock);
    return App(arguments, *std::move(loaded), log).run(signals);
}

}  // namespace pitot::agent
