// The log of the process: one spdlog logger, as the table [log] wants it.
//
// App makes one Log, lends its logger to every part, and tells it when to open, reopen and
// end; nobody else includes this header. What a part logs goes through RepeatLimit, becomes
// a line (layout.h), and goes to standard error, or to the file that [log] names:
//
//   * Until started(), errors go to standard error besides: whoever starts the agent looks
//     there.
//   * What the file does not take (a full disk) goes to standard error, and either place is
//     told how many lines are in the other. Where standard error takes nothing either, lines
//     are counted, and the number is told when it does again.
//   * reopen(), for SIGHUP, writes to whatever file is at the path then, and goes on with the
//     old one if there can be none: logrotate moves the file, then sends the signal. A line
//     is in the one or in the other.
//
// What is refused here: to log from a signal handler, and to wait for a reader.
#pragma once

#include <spdlog/logger.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "agent/clock.h"
#include "agent/config/environment.h"
#include "agent/log/log_config.h"

namespace pitot::agent {

// How often tell_due() should be called: what was held back is told that much late at the most.
inline constexpr std::chrono::nanoseconds log_period = std::chrono::seconds(5);

class LogSink;

class Log {
public:
    // Writes to `standard_error`, a descriptor that stays the caller's, until open(). The
    // clock outlives the log.
    Log(LogConfig config, const Environment& environment, const Clock& clock,
        int standard_error = STDERR_FILENO);
    // Tells what is held back.
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    // For every thread, for as long as the Log lives.
    spdlog::logger& logger() noexcept { return logger_; }

    // Opens the file that [log] names, if any. The error is a sentence for the operator.
    std::optional<std::string> open();
    // From now on somebody looks into the log for errors.
    void started();
    // Any thread. Opens the file anew, and says in the log what became of that.
    void reopen();
    // Any thread. Tells what was held back and is due.
    void tell_due();
    // Any thread. Tells what is held back, due or not: before the last line.
    void tell_held_back();

private:
    const LogConfig config_;
    const Environment environment_;
    std::shared_ptr<LogSink> sink_;
    spdlog::logger logger_;
};

}  // namespace pitot::agent
