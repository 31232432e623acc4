#include "sinks/influxdb/udp_transport.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/udp.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/influxdb/refusals.h"
#include "sinks/net/look_up.h"

namespace pitot::sinks::influxdb {
namespace {

using boost::asio::ip::udp;
using boost::system::error_code;

// A connected socket that never blocks; closed with its owner.
class Socket {
public:
    // Errno, or 0.
    int connect(const udp::endpoint& endpoint) {
        close();
        descriptor_ =
            ::socket(endpoint.protocol().family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (descriptor_ < 0) return errno;
        if (::connect(descriptor_, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0) {
            return 0;
        }
        const int error = errno;
        close();
        return error;
    }
    int send(std::string_view bytes) const {
        return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 ? errno : 0;
    }
    // What came back since the last call: ECONNREFUSED, where nobody listens.
    int pending_error() const {
        int error = 0;
        socklen_t length = sizeof error;
        ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length);
        return error;
    }
    bool is_open() const { return descriptor_ >= 0; }
    void close() {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
    }

    Socket() = default;
    ~Socket() { close(); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

private:
    int descriptor_ = -1;
};

class UdpTransport final : public Transport {
public:
    UdpTransport(UdpSettings settings, const Context& context)
        : settings_(std::move(settings)),
          context_(context),
          host_(settings_.host, context.look_up, context.time),
          refusals_(settings_.name, context.log) {}

    ~UdpTransport() override {
        if (timer_ != 0) context_.time.cancel(timer_);
    }

    void send(const Batch& batch, Purpose /*purpose*/, std::int64_t deadline_steady_ns,
              Done done) override {
        batch_ = &batch;
        next_ = 0;
        deadline_ns_ = deadline_steady_ns;
        done_ = std::move(done);
        ++attempt_;
        const bool is_old = now() - opened_ns_ > socket_age_max.count();
        if (socket_.is_open() && !is_old) {
            come_back(now());
        } else {
            connect();
        }
    }

    void cancel() override {
        if (!done_) return;
        // From a turn of its own: the caller is not ready for the answer yet.
        context_.time.post([this, alive = std::weak_ptr(alive_)] {
            if (!alive.expired() && done_) end_with("stopped while sending");
        });
    }

    void refused(std::string_view item, std::string_view reason) override {
        refusals_.add(item, reason, now());
    }

private:
    std::int64_t now() const { return context_.time.steady_ns(); }

    // A look-up cannot be ended; what it says later is of no interest.
    void connect() {
        arm(deadline_ns_, [this] {
            end_with(fmt::format("cannot look up the address of {} in time", settings_.host));
        });
        host_.find(
            [this, alive = std::weak_ptr(alive_), attempt = attempt_](const net::Addresses& found) {
                if (alive.expired() || attempt != attempt_ || !done_) return;
                if (!found) {
                    end_with(fmt::format("cannot look up the address of {}: {}", settings_.host,
                                         found.error()));
                    return;
                }
                untried_ = *found;
                // The one that worked last, if it still is one, else the first.
                const auto good = std::ranges::find(untried_, address_);
                if (good != untried_.end()) std::rotate(untried_.begin(), good, good + 1);
                connect_to_next(EADDRNOTAVAIL);
            });
    }

    // The next address there is a way to, for the whole batch; where there is none, `error` is
    // what was wrong with the last. Goes on from a turn of its own.
    void connect_to_next(int error) {
        socket_.close();
        while (!untried_.empty() && !socket_.is_open()) {
            address_ = untried_.front();
            untried_.erase(untried_.begin());
            error_code not_an_address;
            const auto address = boost::asio::ip::make_address(address_, not_an_address);
            if (!not_an_address) error = socket_.connect({address, settings_.port});
        }
        if (!socket_.is_open()) {
            arm(now(), [this, error] { end_with(trouble(error)); });
            return;
        }
        next_ = 0;
        opened_ns_ = now();
        come_back(now());
    }

    void arm(std::int64_t due_ns, std::function<void()> task) {
        if (timer_ != 0) context_.time.cancel(timer_);
        timer_ = context_.time.at(due_ns, [this, task = std::move(task)] {
            timer_ = 0;
            task();
        });
    }

    void come_back(std::int64_t due_ns) {
        arm(due_ns, [this] { send_some(); });
    }

    void send_some() {
        for (std::size_t sent = 0; next_ < batch_->items.size(); ++sent) {
            if (sent == burst_datagrams_max) {
                wait_for_room("not all could be sent in time");
                return;
            }
            const auto [bytes, after] = next_datagram();
            const int error = socket_.send(bytes);
            if (error == EAGAIN || error == ENOBUFS) {
                wait_for_room("the kernel has no room for more datagrams");
                return;
            }
            if (error != 0) {
                fail(error);
                return;
            }
            next_ = after;
        }
        if (const int error = socket_.pending_error(); error != 0) {
            fail(error);
            return;
        }
        end({.verdict = Verdict::delivered});
    }

    // As many whole lines as fit, and where the next datagram begins.
    std::pair<std::string_view, std::size_t> next_datagram() const {
        const std::vector<Item>& items = batch_->items;
        const std::size_t begin = next_ == 0 ? 0 : items[next_ - 1].end;
        std::size_t after = next_ + 1;
        while (after < items.size() && items[after].end - begin <= settings_.datagram_bytes_max) {
            ++after;
        }
        const std::size_t bytes = items[after - 1].end - begin;
        return {std::string_view(batch_->body).substr(begin, bytes), after};
    }

    void wait_for_room(std::string_view why) {
        if (now() >= deadline_ns_) {
            end_with(std::string(why));
            return;
        }
        come_back(std::min(now() + burst_pause.count(), deadline_ns_));
    }

    void fail(int error) {
        if (error == EMSGSIZE) {
            socket_.close();
            end({.verdict = Verdict::split,
                 .reason = trouble(error) + "; a smaller datagram_bytes may help"});
        } else {
            connect_to_next(error);
        }
    }

    std::string trouble(int error) const {
        return fmt::format("cannot send to {} port {}: {}", settings_.host, settings_.port,
                           error == ECONNREFUSED ? "nobody listens there" : std::strerror(error));
    }

    void end_with(std::string reason) {
        end({.verdict = Verdict::retry, .reason = std::move(reason)});
    }

    void end(Outcome outcome) {
        host_.cancel();
        if (timer_ != 0) context_.time.cancel(timer_);
        timer_ = 0;
        batch_ = nullptr;
        std::exchange(done_, nullptr)(std::move(outcome));
    }

    const UdpSettings settings_;
    const Context& context_;
    // Expires with this: a look-up, or a turn of the io thread, may come back later.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
    net::HostLookUp host_;
    Refusals refusals_;
    Socket socket_;
    std::string address_;               // the socket's, or that of the one before
    std::vector<std::string> untried_;  // of the host's, behind it
    std::int64_t opened_ns_ = 0;
    const Batch* batch_ = nullptr;
    std::size_t next_ = 0;  // item
    std::int64_t deadline_ns_ = 0;
    Done done_;
    std::uint64_t attempt_ = 0;
    Scheduler::TimerId timer_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_udp_transport(UdpSettings settings, const Context& context) {
    return std::make_unique<UdpTransport>(std::move(settings), context);
}

}  // namespace pitot::sinks::influxdb
