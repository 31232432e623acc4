#include "agent/log/line_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace pitot::agent {

std::expected<LineFile, int> LineFile::open(const std::filesystem::path& path) {
    // O_NONBLOCK is for pipes: opening one must not wait for its reader.
    FileDescriptor descriptor{
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
               S_IRUSR | S_IWUSR | S_IRGRP)};
    if (!descriptor.is_open()) return std::unexpected(errno);
    return LineFile(std::move(descriptor));
}

LineFile LineFile::duplicate(int descriptor) {
    return LineFile(FileDescriptor{::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)});
}

LineFile::LineFile(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {
    struct stat status{};
    const bool is_plain_file = ::fstat(descriptor_.get(), &status) == 0 && S_ISREG(status.st_mode);
    if (is_plain_file) piece_bytes_max_ = SSIZE_MAX;
}

int LineFile::write(std::string_view line) {
    if (is_cut_off_) {
        std::string_view line_feed = "\n";
        if (const int error = write_piece(line_feed); error != 0) return error;
        is_cut_off_ = false;
    }
    const std::size_t line_bytes = line.size();
    while (!line.empty()) {
        if (const int error = write_piece(line); error != 0) {
            is_cut_off_ = line.size() < line_bytes;
            return error;
        }
    }
    return 0;
}

// Takes off `rest` what was written of it.
int LineFile::write_piece(std::string_view& rest) {
    if (!descriptor_.is_open()) return EBADF;
    pollfd ready{.fd = descriptor_.get(), .events = POLLOUT, .revents = 0};
    const int wait_ms = is_patient_ ? static_cast<int>(reader_patience.count()) : 0;
    const int polled = ::poll(&ready, 1, wait_ms);
    if (polled < 0 && errno == EINTR) return 0;
    is_patient_ = polled != 0;
    if (polled == 0) return EAGAIN;
    const ssize_t count =
        ::write(descriptor_.get(), rest.data(), std::min(rest.size(), piece_bytes_max_));
    if (count < 0) return errno == EINTR ? 0 : errno;
    rest.remove_prefix(static_cast<std::size_t>(count));
    return 0;
}

}  // namespace pitot::agent
