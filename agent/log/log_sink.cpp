#include "agent/log/log_sink.h"

#include <fmt/format.h>
#include <spdlog/details/log_msg.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "agent/net/error_text.h"

namespace pitot::agent {
namespace {

LogLevel level_of(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::trace:
            return LogLevel::trace;
        case spdlog::level::debug:
            return LogLevel::debug;
        case spdlog::level::info:
            return LogLevel::info;
        case spdlog::level::warn:
            return LogLevel::warn;
        default:
            return LogLevel::error;
    }
}

std::int64_t utc_offset_s(std::int64_t unix_ns) {
    const std::time_t now = unix_ns / 1'000'000'000;
    std::tm local{};
    return ::localtime_r(&now, &local) == nullptr ? 0 : local.tm_gmtoff;
}

std::string why(int error) {
    return error == EAGAIN ? "nobody reads it" : error_text(error);
}

}  // namespace

LogSink::LogSink(LineFile standard_error, Layout layout, const Clock& clock)
    : clock_(clock), standard_error_{std::move(standard_error), layout, "standard error"} {}

void LogSink::log(const spdlog::details::log_msg& message) {
    const std::scoped_lock lock(mutex_);
    std::vector<RepeatLimit::Told> told;
    repeats_.offer(level_of(message.level), {message.payload.data(), message.payload.size()},
                   clock_.steady_ns(), told);
    write(told);
}

void LogSink::set_file(LineFile file, std::string path, Layout layout) {
    const std::scoped_lock lock(mutex_);
    // What the file before did not take is still to be told.
    const std::uint64_t missing = file_ ? file_->missing : 0;
    const int error = file_ ? file_->error : 0;
    file_.emplace(std::move(file), layout, std::move(path), missing, error);
}

void LogSink::started() {
    const std::scoped_lock lock(mutex_);
    is_starting_ = false;
}

void LogSink::tell_due() {
    const std::scoped_lock lock(mutex_);
    std::vector<RepeatLimit::Told> told;
    repeats_.tell_due(clock_.steady_ns(), told);
    write(told);
}

void LogSink::tell_held_back() {
    const std::scoped_lock lock(mutex_);
    std::vector<RepeatLimit::Told> told;
    repeats_.tell_all(clock_.steady_ns(), told);
    write(told);
}

void LogSink::say_everywhere(LogLevel level, std::string_view text) {
    const std::scoped_lock lock(mutex_);
    if (file_) write_to(*file_, record(level, text));
    write_to(standard_error_, record(level, text));
}

void LogSink::write(const std::vector<RepeatLimit::Told>& told) {
    for (const RepeatLimit::Told& each : told) {
        Record line = record(each.level, each.text);
        line.repeats = each.repeats;
        write(line);
    }
}

void LogSink::write(const Record& record) {
    if (!file_) {
        write_to(standard_error_, record);
        return;
    }
    const bool had_trouble = file_->missing > 0;
    const bool is_written = write_to(*file_, record);
    if (!is_written && !had_trouble) {
        const std::string text = fmt::format(
            "log: cannot write to {}: {}; messages go to standard error until it can "
            "be written to again",
            file_->name, why(file_->error));
        write_to(standard_error_, this->record(LogLevel::error, text));
    }
    if (!is_written || (is_starting_ && record.level == LogLevel::error)) {
        write_to(standard_error_, record);
    }
}

// False where it is not written, which is counted then.
bool LogSink::write_to(Output& output, const Record& record) {
    line_.clear();
    if (output.missing > 0) {
        const std::string_view where =
            &output == &standard_error_ ? "lost" : "went to standard error instead";
        append_line(
            output.layout,
            this->record(LogLevel::warn, fmt::format("log: {} line(s) are missing here and {}: {}",
                                                     output.missing, where, why(output.error))),
            line_);
    }
    append_line(output.layout, record, line_);
    const int error = output.lines.write(line_);
    if (error == 0) {
        output.missing = 0;
        return true;
    }
    ++output.missing;
    output.error = error;
    return false;
}

Record LogSink::record(LogLevel level, std::string_view text) const {
    const std::int64_t now_ns = clock_.wall_ns();
    return {.unix_ns = now_ns,
            .utc_offset_s = utc_offset_s(now_ns),
            .level = level,
            .text = text,
            .repeats = {}};
}

}  // namespace pitot::agent
