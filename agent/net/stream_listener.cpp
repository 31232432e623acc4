#include "agent/net/stream_listener.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/net/socket_options.h"

namespace pitot::agent {
namespace {

// On TCP a length prefix is nothing any client sends.
protocol::StreamFraming framing_of(ListenerType type) {
    return type == ListenerType::tcp ? protocol::StreamFraming::newline
                                     : protocol::StreamFraming::newline_or_length;
}

// Trouble of one connection that ended before we took it; accept(2) asks to try again.
bool concerns_one_connection(int error) {
    switch (error) {
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case EPERM:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case ENETUNREACH:
            return true;
        default:
            return false;
    }
}

pid_t process_behind(int fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return 0;
    return credentials.pid;
}

std::uint64_t bytes_queued(int fd) {
    int bytes = 0;
    if (::ioctl(fd, FIONREAD, &bytes) != 0 || bytes < 0) return 0;
    return static_cast<std::uint64_t>(bytes);
}

}  // namespace

StreamListener::StreamListener(boost::asio::io_context& io, OpenSocket socket, Intake& intake,
                               const Clock& clock, ListenerCounters& counters)
    : io_(io),
      acceptor_(io, socket.descriptor.release()),
      pause_(io),
      idle_timer_(io),
      socket_(std::move(socket)),
      intake_(intake),
      clock_(clock),
      counters_(counters),
      framers_(framing_of(socket_.type)) {}

// --- accepting ------------------------------------------------------------------------

void StreamListener::wait_for_connections() {
    acceptor_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (!error && acceptor_.is_open()) accept_some();
    });
}

void StreamListener::pause_accepting() {
    pause_.expires_after(pause_after_error);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (!error && acceptor_.is_open()) wait_for_connections();
    });
}

void StreamListener::accept_some() {
    for (int i = 0; i < accepts_per_wake_up_max && accept_one(); ++i) {
    }
    if (accept_failed_) {
        pause_accepting();
    } else {
        wait_for_connections();
    }
}

bool StreamListener::accept_one() {
    accept_failed_ = false;
    sockaddr_storage from{};
    socklen_t from_bytes = sizeof from;
    auto* const name = reinterpret_cast<sockaddr*>(&from);
    FileDescriptor descriptor{
        ::accept4(acceptor_.native_handle(), name, &from_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (descriptor.is_open()) {
        if (counters_.connections_open < socket_.connections_max) {
            serve(std::move(descriptor), SocketAddress::copy_of(name, from_bytes));
        } else {
            ++counters_.connections_refused_over_cap;
        }
        return true;
    }
    const int error = errno;
    // EINVAL is what a listening Unix socket says when its input was stopped.
    if (error == EAGAIN || error == EINVAL) return false;
    if (concerns_one_connection(error)) return true;
    ++counters_.accept_errors;
    counters_.last_error = error;
    accept_failed_ = true;
    return false;
}

void StreamListener::serve(FileDescriptor descriptor, const SocketAddress& address) {
    const int fd = descriptor.get();
    if (socket_.type == ListenerType::tcp) {
        // Finds out about clients whose host is gone, where no idle time is set.
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    const pid_t pid = socket_.type == ListenerType::unix_stream ? process_behind(fd) : 0;
    connections_.emplace_front(io_, address, pid);
    Connection& connection = connections_.front();
    boost::system::error_code error;
    if (connection.descriptor.assign(fd, error)) {  // the user's limit of watched descriptors
        connections_.pop_front();
        ++counters_.accept_errors;
        counters_.last_error = error.value();
        return;
    }
    static_cast<void>(descriptor.release());
    connection.last_line_ns = clock_.steady_ns();
    ++counters_.connections_accepted;
    ++counters_.connections_open;
    wait_for_bytes(connections_.begin());
    watch_for_idle();
}

// --- reading --------------------------------------------------------------------------

// A connection is taken off the list here and nowhere else: the event loop refers to it
// while it waits, so whoever closes it leaves the rest to this handler.
void StreamListener::wait_for_bytes(Connections::iterator connection) {
    connection->waiting = true;
    connection->descriptor.async_wait(Descriptor::wait_read,
                                      [this, connection](const boost::system::error_code& error) {
                                          connection->waiting = false;
                                          if (!error && connection->descriptor.is_open())
                                              read(connection);
                                          if (!connection->waiting) connections_.erase(connection);
                                      });
}

void StreamListener::read(Connections::iterator connection) {
    if (!connection->framer) connection->framer = framers_.lend();
    for (int i = 0; i < reads_per_wake_up_max; ++i) {
        const std::size_t room = connection->framer->writable().size();
        if (read_once(*connection) < room) break;
    }
    if (connection->descriptor.is_open()) wait_for_bytes(connection);
}

std::size_t StreamListener::read_once(Connection& connection) {
    protocol::StreamFramer& framer = *connection.framer;
    const std::span<char> room = framer.writable();
    const ssize_t received =
        ::recv(connection.descriptor.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (received < 0) {
        if (errno == EAGAIN || errno == EINTR) return 0;
        // A reset is how many clients hang up: it is the client's affair, not an error here.
        if (errno != ECONNRESET) {
            ++counters_.receive_errors;
            counters_.last_error = errno;
        }
        close(connection, End::broken);
        return 0;
    }
    if (received == 0) {
        close(connection, End::orderly);
        return 0;
    }
    const auto bytes = static_cast<std::size_t>(received);
    ++counters_.reads;
    counters_.bytes += bytes;
    framer.commit(bytes);
    deliver(connection, End::orderly);
    return bytes;
}

void StreamListener::deliver(Connection& connection, End end) {
    const Peer peer(transport_name(socket_.type), connection.address.data(),
                    connection.address.size(), connection.pid);
    bool batch_begun = false;
    for (protocol::StreamChunk chunk; connection.framer->next(chunk);) {
        if (!std::exchange(batch_begun, true)) intake_.begin_batch();
        if (chunk.refused == protocol::Reject::none && end == End::broken &&
            !chunk.bytes.ends_with('\n')) {
            chunk.refused = protocol::Reject::truncated;
        }
        if (chunk.refused == protocol::Reject::none) {
            intake_.take(socket_.listener, chunk.bytes, peer);
            connection.last_line_ns = clock_.steady_ns();
        } else {
            ++counters_.lines_refused;
            intake_.refuse(socket_.listener, chunk.refused, chunk.bytes, peer);
        }
    }
    if (batch_begun) intake_.end_batch();
}

void StreamListener::close(Connection& connection, End end) {
    if (connection.framer) {
        connection.framer->finish();
        deliver(connection, end);
        framers_.give_back(std::move(connection.framer));
    }
    FileDescriptor{connection.descriptor.release()}.reset();
    --counters_.connections_open;
}

// --- idle connections -----------------------------------------------------------------

// One timer for all, running only while there are connections: an idle agent sleeps.
void StreamListener::watch_for_idle() {
    if (watching_for_idle_ || socket_.idle_timeout.count() <= 0) return;
    watching_for_idle_ = true;
    const auto quarter =
        std::chrono::duration_cast<std::chrono::milliseconds>(socket_.idle_timeout / 4);
    idle_timer_.expires_after(std::clamp(quarter, idle_check_min, idle_check_max));
    idle_timer_.async_wait([this](const boost::system::error_code& error) {
        watching_for_idle_ = false;
        if (error || !acceptor_.is_open()) return;
        close_idle();
        if (!connections_.empty()) watch_for_idle();
    });
}

void StreamListener::close_idle() {
    const std::int64_t oldest_ns = clock_.steady_ns() - socket_.idle_timeout.count();
    for (Connection& connection : connections_) {
        if (!connection.descriptor.is_open() || connection.last_line_ns > oldest_ns) continue;
        close(connection, End::broken);
        ++counters_.connections_closed_idle;
    }
}

// --- the end --------------------------------------------------------------------------

void StreamListener::drain() {
    if (!acceptor_.is_open()) return;
    if (!socket_.inherited) {
        socket_.file.remove();
        if (socket_.type == ListenerType::tcp) {
            stop_internet_input(acceptor_.native_handle());
        } else {
            stop_unix_input(acceptor_.native_handle());
        }
    }
    pause_.cancel();
    idle_timer_.cancel();
    std::uint64_t extra = drain_bytes_extra_all;
    bool served_some = true;
    while (served_some) {
        accept_backlog();
        served_some = false;
        for (Connection& connection : connections_) {
            if (!connection.descriptor.is_open()) continue;
            drain_connection(connection, extra);
            served_some = true;
        }
        // Out of descriptors: those just closed are for clients that still wait.
        served_some = served_some && accept_failed_;
    }
    FileDescriptor{acceptor_.release()}.reset();
}

// What others have connected to is taken along; a backlog has an end. One that is handed
// on to another process is left to it.
void StreamListener::accept_backlog() {
    accept_failed_ = false;
    if (socket_.inherited) return;
    for (int i = 0; i < SOMAXCONN && accept_one(); ++i) {
    }
}

void StreamListener::drain_connection(Connection& connection, std::uint64_t& extra) {
    const std::uint64_t queued = bytes_queued(connection.descriptor.native_handle());
    const std::uint64_t bytes_max = queued + std::min(drain_bytes_extra, extra);
    if (!connection.framer) connection.framer = framers_.lend();
    std::uint64_t bytes = 0;
    while (bytes < bytes_max) {
        const std::size_t received = read_once(connection);
        if (received == 0) break;
        bytes += received;
    }
    extra -= std::min(extra, bytes > queued ? bytes - queued : 0);
    // The client has not ended its last line: what is there of it may be half a number.
    if (connection.descriptor.is_open()) close(connection, End::broken);
}

}  // namespace pitot::agent
