// Where lines of the log end up: standard error, or a file.
//
// Whole lines, and never a long wait: a reader that has stopped reading (a hung collector, a
// terminal on Ctrl-S) holds up the thread that logs for `reader_patience`, once, and costs
// lines from then on instead of time. Used by LogSink under its lock, which counts what is
// not written and tells it later.
#pragma once

#include <chrono>
#include <climits>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <string_view>

#include "agent/net/file_descriptor.h"

namespace pitot::agent {

inline constexpr std::chrono::milliseconds reader_patience{100};

class LineFile {
public:
    // Lines are appended to the file, which is made if need be (mode 0640, less the umask). A
    // named pipe must have a reader. The error is an errno.
    static std::expected<LineFile, int> open(const std::filesystem::path& path);
    // Of a descriptor that stays the caller's, such as standard error; keeps a duplicate.
    static LineFile duplicate(int descriptor);

    // `line` ends with a line feed. 0, or the errno of what went wrong, EAGAIN where nobody
    // reads. A line that was left in the middle is ended before the next one.
    int write(std::string_view line);

    // For questions about what it leads to.
    int descriptor() const noexcept { return descriptor_.get(); }

private:
    explicit LineFile(FileDescriptor descriptor);
    int write_piece(std::string_view& rest);

    FileDescriptor descriptor_;
    // Of one write. A pipe that polls as writable takes this much without waiting.
    std::size_t piece_bytes_max_ = PIPE_BUF;
    bool is_cut_off_ = false;  // in the middle of a line
    bool is_patient_ = true;
};

}  // namespace pitot::agent
