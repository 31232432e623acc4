#include "agent/app.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/exit_codes.h"
#include "agent/clock.h"
#include "agent/config/load.h"
#include "agent/flush/flusher.h"
#include "agent/ledger.h"
#include "agent/net/descriptor_budget.h"
#include "agent/net/open_listeners.h"
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

// Standard output belongs to the console sink.
std::unique_ptr<spdlog::logger> make_log() {
    auto log = std::make_unique<spdlog::logger>(
        "pitot", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
    log->flush_on(spdlog::level::info);
    return log;
}

// Signals that ask us to stop are waited for by the main thread; no other ever sees one,
// because threads inherit the mask.
class StopSignals {
public:
    StopSignals() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGTERM);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        // A closed pipe or socket is an outcome of a write.
        static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    }

    // Which one it was; 0 when none came in this time. A time of 0 waits for ever.
    int wait(std::chrono::nanoseconds time) const {
        const timespec limit{
            .tv_sec = static_cast<time_t>(time / std::chrono::seconds(1)),
            .tv_nsec = static_cast<long>((time % std::chrono::seconds(1)).count())};
        for (;;) {
            const int signal = time.count() > 0 ? sigtimedwait(&signals_, nullptr, &limit)
                                                : sigwaitinfo(&signals_, nullptr);
            if (signal > 0 && signal != SIGHUP) return signal;
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

// Written whole or not at all: whoever waits for the file never sees half of it.
bool write_file(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::path unfinished = path;
    unfinished += ".tmp";
    {
        std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
        file << text;
        if (!file.flush()) return false;
    }
    std::error_code error;
    std::filesystem::rename(unfinished, path, error);
    return !error;
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

class App {
public:
    App(const RunArguments& arguments, LoadedConfig loaded, spdlog::logger& log)
        : arguments_(arguments),
          loaded_(std::move(loaded)),
          log_(log),
          sinks_(loaded_, clock_, log, random_number()) {}

    int run(const StopSignals& signals) {
        if (!configuration_is_good()) return exit_configuration;

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
        Flusher flusher(flusher_settings(seeds), shards, sinks_.all(), clock_, log_);
        std::vector<WatchedLoop> loops = shards.watched();
        loops.push_back(flusher.watched());
        loops.push_back(sinks_.watched());
        Web web(config.http, process_facts(*opened), flusher, Liveness(loops), sinks_.all(),
                clock_);
        if (!open_web(web)) return exit_failure;

        // From here on lines are counted, flushed and delivered.
        sinks_.start();
        shards.start();
        flusher.start();
        web.ready();
        log_.info("pitot {} runs: {} shard(s), {} sink(s), a flush every {} s", version(),
                  config.shards, config.sinks.size(),
                  std::chrono::duration<double>(config.interval).count());
        if (arguments_.ready_file &&
            !write_file(*arguments_.ready_file,
                        ready_text(opened->reports, sinks_.all(), web.address()))) {
            log_.error("--ready-file: cannot write {}", arguments_.ready_file->string());
        }

        Watchdog watchdog(manager_, Liveness(std::move(loops)), clock_, log_);
        tell_manager(manager_.ready(status_text(flusher.ledger())));
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
    // Looks after the watchdog and the health of the parts meanwhile. The signal that came.
    int wait_for_stop(const StopSignals& signals, Watchdog& watchdog, Web& web,
                      const Flusher& flusher) const {
        const std::int64_t watchdog_ns = watchdog.period().count();
        const std::int64_t web_ns = web.look_ns();
        // None of them wants to be looked after: the signals' wait has no end then.
        if (watchdog_ns == 0 && web_ns == 0) return signals.wait({});
        constexpr std::int64_t never = INT64_MAX;
        std::int64_t watchdog_due_ns = watchdog_ns == 0 ? never : clock_.steady_ns() + watchdog_ns;
        std::int64_t web_due_ns = web_ns == 0 ? never : clock_.steady_ns() + web_ns;
        for (;;) {
            const std::int64_t left_ns = std::min(watchdog_due_ns, web_due_ns) - clock_.steady_ns();
            // 0 would wait for ever.
            const int signal =
                signals.wait(std::chrono::nanoseconds(std::max<std::int64_t>(1, left_ns)));
            if (signal != 0) return signal;
            const std::int64_t now_ns = clock_.steady_ns();
            if (now_ns >= watchdog_due_ns) {
                watchdog.look(status_text(flusher.ledger()));
                watchdog_due_ns = now_ns + watchdog_ns;
            }
            if (now_ns >= web_due_ns) {
                web.look();
                web_due_ns = now_ns + web_ns;
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
            if (!where.empty()) log_.info("sinks.{}: {}", sink->name(), where);
        }
        return true;
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
        if (!failure.empty()) log_.warn("the service manager could not be told: {}", failure);
    }

    // What we accepted, we deliver: the parts are taken down in the direction of the data.
    void stop(ShardSet& shards, Flusher& flusher) {
        const std::int64_t started_ns = clock_.steady_ns();
        const std::int64_t time_ns = loaded_.config.shutdown_deadline.count();
        flusher.stop();
        if (!shards.drain(started_ns + time_ns / 4)) {
            log_.error("a shard did not finish reading in time; what it had not read is lost");
        }
        flusher.flush_rest(started_ns + time_ns / 2);
        if (!sinks_.stop(started_ns + time_ns)) {
            log_.error("a sink did not stop in time");
        }
        shards.stop();

        const Ledger ledger = flusher.ledger();
        log_ledger(ledger);
        if (arguments_.ledger_file && !write_file(*arguments_.ledger_file, to_json(ledger))) {
            log_.error("--ledger-file: cannot write {}", arguments_.ledger_file->string());
        }
    }

    void log_ledger(const Ledger& ledger) {
        log_.info(
            "stopped: {} line(s) read, {} accepted, {} sample(s) in {} flush(es); the "
            "account is {}",
            ledger.intake.lines, ledger.intake.accepted, ledger.intake.samples,
            ledger.flush.flushes, ledger.closed() ? "closed" : "NOT closed (a bug)");
        for (const Ledger::Sink& sink : ledger.sinks) {
            const sinks::Ledger& points = sink.status.ledger;
            if (points.lost.sum() == 0) continue;
            log_.warn("sinks.{}: {} of {} point(s) were lost{}{}", sink.name, points.lost.sum(),
                      points.offered, sink.status.last_error.empty() ? "" : "; last error: ",
                      sink.status.last_error);
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

    FlusherSettings flusher_settings(const Seeds& seeds) const {
        const Config& config = loaded_.config;
        FlusherSettings settings{.interval_ns = config.interval.count(),
                                 .offset_ns = config.flush_offset.count(),
                                 .merger = merger_settings(config, seeds, config.shards),
                                 .listener_names = {}};
        for (const ListenerConfig& listener : config.listeners) {
            settings.listener_names.push_back(listener.name);
        }
        return settings;
    }

    const RunArguments& arguments_;
    LoadedConfig loaded_;
    spdlog::logger& log_;
    const Environment environment_ = system_environment();
    const ServiceManager manager_{environment_, getpid()};
    SystemClock clock_;
    SinkSet sinks_;
};

}  // namespace

int run(const RunArguments& arguments) {
    const StopSignals signals;
    const std::unique_ptr<spdlog::logger> log = make_log();
    std::expected<LoadedConfig, std::vector<Problem>> loaded = load(
        {.file = arguments.config_file, .sets = arguments.sets, .sink_types = sink_type_names()});
    if (!loaded) {
        fmt::print(stderr, "{}",
                   render(loaded.error(), {.excerpts = isatty(STDERR_FILENO) != 0,
                                           .prefix = "",
                                           .closing = "; pitot did not start."}));
        return exit_configuration;
    }
    return App(arguments, *std::move(loaded), *log).run(signals);
}

}  // namespace pitot::agent
