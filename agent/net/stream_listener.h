// Serves one listening TCP or Unix stream socket, and its connections, on the thread of
// their shard.
//
// Connections are counted against a cap; one above it is accepted and closed at once, so
// that its client learns of it. Each has one buffer of fixed size (protocol/framing.h),
// lent to it with its first byte. A connection that brings no complete line for the idle
// time is closed: a client that is gone without saying so, or one that holds us up with a
// byte now and then. What it had sent of a line is refused as truncated; at an orderly end
// of the stream a last line counts without its line feed.
//
// When accepting fails for want of descriptors or memory, it pauses; clients wait in the
// backlog meanwhile, and those that are connected are served.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "agent/clock.h"
#include "agent/net/descriptor.h"
#include "agent/net/framer_pool.h"
#include "agent/net/intake.h"
#include "agent/net/listener_counters.h"
#include "agent/net/open_socket.h"
#include "agent/net/socket_address.h"

namespace pitot::agent {

// Connections accepted before others get their turn.
inline constexpr int accepts_per_wake_up_max = 64;

// How often idle connections are looked for: a quarter of the idle time within these
// bounds. So a connection may live a quarter longer than it was promised.
inline constexpr std::chrono::milliseconds idle_check_min{50};
inline constexpr std::chrono::milliseconds idle_check_max{10'000};

// What a drain reads of one connection beyond what is queued when it begins. A client
// whose window was full has more on its side, which its send() has taken already: up to
// 4 MiB as Linux is set (net.ipv4.tcp_wmem).
inline constexpr std::uint64_t drain_bytes_extra = 8ULL * 1024 * 1024;
// And of all connections of a listener together, so that clients who never stop cannot
// hold the stop of the agent: a fraction of a second.
inline constexpr std::uint64_t drain_bytes_extra_all = 256ULL * 1024 * 1024;

class StreamListener {
public:
    // `intake`, `clock` and `counters` must outlive the listener; `counters` may be shared
    // by listeners of one thread, and so is the cap then.
    StreamListener(boost::asio::io_context& io, OpenSocket socket, Intake& intake,
                   const Clock& clock, ListenerCounters& counters);

    void start() { wait_for_connections(); }

    // Takes the connections that are queued and lets in no more, reads what is queued on
    // each connection, takes last lines as they are, and closes everything.
    void drain();

private:
    struct Connection {
        Connection(boost::asio::io_context& io, const SocketAddress& from, pid_t process)
            : descriptor(io), address(from), pid(process) {}

        Descriptor descriptor;
        SocketAddress address;
        pid_t pid;  // Unix; 0 for TCP
        std::unique_ptr<protocol::StreamFramer> framer;
        std::int64_t last_line_ns = 0;  // steady; when it was accepted, at first
        bool waiting = false;           // the event loop has a handler that refers to it
    };
    using Connections = std::list<Connection>;

    // How a connection ends, which decides about an incomplete last line.
    enum class End : std::uint8_t { orderly, broken };

    void wait_for_connections();
    void pause_accepting();
    void accept_some();
    // False when there is none to accept, or accepting has to pause.
    bool accept_one();
    void accept_backlog();
    void serve(FileDescriptor descriptor, const SocketAddress& address);

    void wait_for_bytes(Connections::iterator connection);
    void read(Connections::iterator connection);
    // One recv(). Returns the bytes read, 0 when there is nothing or the stream ended.
    std::size_t read_once(Connection& connection);
    void deliver(Connection& connection, End end);
    void close(Connection& connection, End end);
    // Takes from `extra` what it reads beyond what is queued.
    void drain_connection(Connection& connection, std::uint64_t& extra);

    void watch_for_idle();
    void close_idle();

    boost::asio::io_context& io_;
    Descriptor acceptor_;
    Timer pause_;
    Timer idle_timer_;
    OpenSocket socket_;  // without its descriptor, which acceptor_ owns
    Intake& intake_;
    const Clock& clock_;
    ListenerCounters& counters_;
    FramerPool framers_;
    Connections connections_;
    bool accept_failed_ = false;
    bool watching_for_idle_ = false;
};

}  // namespace pitot::agent
