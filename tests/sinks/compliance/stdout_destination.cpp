#include "tests/sinks/compliance/stdout_destination.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace pitot::tests {

StdoutDestination::StdoutDestination() : saved_(::dup(STDOUT_FILENO)) {
    std::signal(SIGPIPE, SIG_IGN);
    open_pipe();
}

StdoutDestination::~StdoutDestination() {
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
    if (reader_ >= 0) ::close(reader_);
}

void StdoutDestination::drain() {
    if (is_slow_ || reader_ < 0) return;
    std::array<char, 65536> bytes{};
    const std::size_t piece = is_bytewise_ ? 1 : bytes.size();
    for (ssize_t count = 0; (count = ::read(reader_, bytes.data(), piece)) > 0;) {
        if (keeps_) text_.append(bytes.data(), static_cast<std::size_t>(count));
    }
}

void StdoutDestination::be(const std::string& manner) {
    if (manner == "slow") is_slow_ = true;
    if (manner == "bytewise") is_bytewise_ = true;
    if (manner == "gone") {
        ::close(reader_);
        reader_ = -1;
    }
}

void StdoutDestination::behave() {
    is_slow_ = false;
    is_bytewise_ = false;
    if (reader_ < 0) open_pipe();
}

std::vector<std::string> StdoutDestination::received() {
    drain();
    return {text_};
}

// An interval is one batch, and what its queue does not hold is lost: sinks/console/console.cpp.
std::size_t StdoutDestination::batch_bytes_max() const {
    return 32 * std::size_t{1024} * 1024;
}

void StdoutDestination::open_pipe() {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[1]);
    reader_ = ends[0];
    ::fcntl(reader_, F_SETFL, O_NONBLOCK);
}

}  // namespace pitot::tests
