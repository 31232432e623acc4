// Writes to a descriptor without ever waiting for its reader.
//
// Standard output is shared with other processes, so it cannot be made non-blocking. But a
// pipe that polls as writable takes at least PIPE_BUF bytes at once; so that much is written
// at a time, and between two times the reader is waited for with a timer.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "sinks/console/console.h"

namespace pitot::sinks::console {
namespace {

// How often a full pipe is looked at.
constexpr std::int64_t look_again_ns = 20'000'000;
// What is written in one turn of the io thread, so that other sinks get theirs.
constexpr std::size_t turn_bytes_max = 1024 * 1024;

class ConsoleTransport final : public Transport {
public:
    ConsoleTransport(int descriptor, const Context& context)
        : descriptor_(descriptor), time_(context.time) {}

    ~ConsoleTransport() override {
        if (timer_ != 0) time_.cancel(timer_);
    }

    void send(const Batch& batch, Purpose /*purpose*/, std::int64_t deadline_steady_ns,
              Done done) override {
        // A line that was left unfinished is resumed if this is its batch, else ended.
        const bool resumes = written_ > 0 && batch.sequence == sequence_;
        if (!resumes) {
            owes_line_feed_ = owes_line_feed_ || written_ > 0;
            written_ = 0;
        }
        sequence_ = batch.sequence;
        batch_ = &batch;
        deadline_ns_ = deadline_steady_ns;
        done_ = std::move(done);
        come_back(time_.steady_ns());
    }

    void cancel() override {
        if (!done_) return;
        time_.cancel(timer_);
        timer_ = 0;
        // From a turn of its own: the caller is not ready for the answer yet.
        time_.post([this] {
            if (done_) end({.verdict = Verdict::retry, .reason = "stopped while writing"});
        });
    }

    void refused(std::string_view /*item*/, std::string_view /*reason*/) override {}

private:
    void come_back(std::int64_t due_ns) {
        timer_ = time_.at(due_ns, [this] {
            timer_ = 0;
            write_some();
        });
    }

    void write_some() {
        std::size_t turn_bytes = 0;
        while (written_ < batch_->body.size()) {
            if (turn_bytes >= turn_bytes_max) {
                come_back(time_.steady_ns());
                return;
            }
            const int error = write_piece(turn_bytes);
            if (error == EAGAIN) {
                wait_for_reader();
                return;
            }
            if (error != 0) {
                end({.verdict = Verdict::rejected,
                     .reason = fmt::format("cannot write to standard output: {}; give the agent "
                                           "one that is read, or leave out this sink",
                                           std::strerror(error))});
                return;
            }
        }
        written_ = 0;
        end({.verdict = Verdict::delivered});
    }

    // 0, EAGAIN where the reader is behind, or what went wrong.
    int write_piece(std::size_t& turn_bytes) {
        pollfd ready{.fd = descriptor_, .events = POLLOUT, .revents = 0};
        if (::poll(&ready, 1, 0) == 0) return EAGAIN;
        std::string_view piece = std::string_view(batch_->body).substr(written_, PIPE_BUF);
        if (owes_line_feed_) piece = "\n";
        const ssize_t count = ::write(descriptor_, piece.data(), piece.size());
        if (count < 0) return errno == EINTR ? 0 : errno;
        turn_bytes += static_cast<std::size_t>(count);
        if (owes_line_feed_) {
            owes_line_feed_ = false;
        } else {
            written_ += static_cast<std::size_t>(count);
        }
        return 0;
    }

    void wait_for_reader() {
        const std::int64_t now = time_.steady_ns();
        if (now >= deadline_ns_) {
            end({.verdict = Verdict::retry, .reason = "nobody reads standard output"});
            return;
        }
        come_back(std::min(now + look_again_ns, deadline_ns_));
    }

    void end(Outcome outcome) {
        batch_ = nullptr;
        std::exchange(done_, nullptr)(std::move(outcome));
    }

    int descriptor_;
    Scheduler& time_;
    const Batch* batch_ = nullptr;
    Done done_;
    std::int64_t deadline_ns_ = 0;
    Scheduler::TimerId timer_ = 0;
    std::size_t written_ = 0;      // of the batch with this sequence
    std::uint64_t sequence_ = 0;   //
    bool owes_line_feed_ = false;  // the batch before was left in the middle of a line
};

}  // namespace

std::unique_ptr<Transport> make_transport(int descriptor, const Context& context) {
    return std::make_unique<ConsoleTransport>(descriptor, context);
}

}  // namespace pitot::sinks::console
