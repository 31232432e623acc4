#include "agent/log/log.h"

#include <fmt/format.h>

#include <cerrno>
#include <expected>
#include <filesystem>
#include <utility>

#include "agent/log/layout.h"
#include "agent/log/line_file.h"
#include "agent/log/log_sink.h"
#include "agent/net/error_text.h"
#include "agent/printable.h"

namespace pitot::agent {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::trace:
            return spdlog::level::trace;
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            break;
    }
    return spdlog::level::err;
}

std::string advice_on(int error, const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path().string();
    const std::string directory = printable(parent.empty() ? "." : parent, 200);
    switch (error) {
        case ENOENT:
            return fmt::format(
                "; the directory {} must exist: create it, or let systemd do so with "
                "LogsDirectory=",
                directory);
        case EACCES:
        case EPERM:
        case EROFS:
            return fmt::format("; the agent must be allowed to write to it, and to {}", directory);
        case EISDIR:
            return "; log.file must name a file";
        case ENXIO:
            return "; a pipe must have a reader";
        default:
            return "";
    }
}

}  // namespace

Log::Log(LogConfig config, const Environment& environment, const Clock& clock, int standard_error)
    : config_(std::move(config)),
      environment_(environment),
      sink_(std::make_shared<LogSink>(LineFile::duplicate(standard_error),
                                      layout_for(config_.format, standard_error, environment),
                                      clock)),
      logger_("pitot", sink_) {
    logger_.set_level(spdlog_level(config_.level));
}

Log::~Log() {
    tell_held_back();
}

std::optional<std::string> Log::open() {
    if (config_.file.empty()) return std::nullopt;
    std::expected<LineFile, int> file = LineFile::open(config_.file);
    std::string name = printable(config_.file, 200);
    if (!file) {
        return fmt::format("cannot open {}: {}{}", name, error_text(file.error()),
                           advice_on(file.error(), config_.file));
    }
    const Layout layout = layout_for(config_.format, file->descriptor(), environment_);
    sink_->set_file(*std::move(file), std::move(name), layout);
    return std::nullopt;
}

void Log::started() {
    sink_->started();
}

void Log::reopen() {
    constexpr std::string_view no_reload =
        "to have the configuration read again, restart the agent";
    if (config_.file.empty()) {
        logger_.info("log: nothing to reopen on SIGHUP, log.file is not set; {}", no_reload);
    } else if (const std::optional<std::string> error = open()) {
        // Who looks for the new file finds none: standard error has to tell, too.
        sink_->say_everywhere(
            LogLevel::error,
            fmt::format("log: {}. Lines go on into the file that was open before, wherever it "
                        "is now; put that right and send SIGHUP again",
                        *error));
    } else {
        logger_.info("log: reopened {} on SIGHUP; {}", printable(config_.file, 200), no_reload);
    }
}

void Log::tell_due() {
    sink_->tell_due();
}

void Log::tell_held_back() {
    sink_->tell_held_back();
}

}  // namespace pitot::agent
