// What Log puts behind its spdlog logger: from a message to a line where it belongs.
//
// spdlog's own outputs format first and filter afterwards, by whole messages. Here the count
// of a repeated message is a field of the machine formats, so that limit, form and output
// are one sink. Every function may be called on any thread.
#pragma once

#include <spdlog/sinks/sink.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/clock.h"
#include "agent/log/layout.h"
#include "agent/log/line_file.h"
#include "agent/log/repeat_limit.h"

namespace pitot::agent {

class LogSink final : public spdlog::sinks::sink {
public:
    LogSink(LineFile standard_error, Layout layout, const Clock& clock);

    void log(const spdlog::details::log_msg& message) override;
    // A line is written when it is logged.
    void flush() override {}
    // The form is chosen by `layout`, and not by spdlog's patterns.
    void set_pattern(const std::string& /*pattern*/) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter> /*formatter*/) override {}

    // Lines go there from now on, `path` being its name. Replaces the file before.
    void set_file(LineFile file, std::string path, Layout layout);
    // Errors no longer go to standard error besides the file.
    void started();
    void tell_due();
    void tell_held_back();
    // At once, to the file and to standard error.
    void say_everywhere(LogLevel level, std::string_view text);

private:
    struct Output {
        LineFile lines;
        Layout layout;
        std::string name;
        std::uint64_t missing = 0;  // lines since it took the last one
        int error = 0;              // why
    };

    // All of these under mutex_.
    void write(const std::vector<RepeatLimit::Told>& told);
    void write(const Record& record);
    bool write_to(Output& output, const Record& record);
    Record record(LogLevel level, std::string_view text) const;

    const Clock& clock_;
    std::mutex mutex_;
    RepeatLimit repeats_;
    Output standard_error_;
    std::optional<Output> file_;
    bool is_starting_ = true;
    std::string line_;  // its memory is used again
};

}  // namespace pitot::agent
