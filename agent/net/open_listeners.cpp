#include "agent/net/open_listeners.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/net/bind_internet.h"
#include "agent/net/error_text.h"
#include "agent/net/open_socket.h"
#include "agent/net/read_pace.h"
#include "agent/net/socket_address.h"
#include "agent/net/socket_options.h"

namespace pitot::agent {
namespace {

using Failure = std::unexpected<OpenFailure>;

constexpr const char* unix_queue_file = "/proc/sys/net/unix/max_dgram_qlen";

bool is_internet(ListenerType type) {
    return type == ListenerType::udp || type == ListenerType::tcp;
}

// As [listeners.NAME] type = "…" has it.
std::string_view type_name(ListenerType type) {
    return type == ListenerType::unix_stream ? "unix-stream" : transport_name(type);
}

std::uint32_t unix_queue_datagrams_max() {
    std::uint32_t datagrams = 0;
    std::ifstream(unix_queue_file) >> datagrams;
    return datagrams;
}

template <class Value>
std::optional<Value> socket_option(int fd, int option) {
    Value value{};
    socklen_t size = sizeof value;
    if (::getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) return std::nullopt;
    return value;
}

// The sockets of one listener, whatever they came from.
struct Opened {
    std::vector<FileDescriptor> descriptors;
    SocketFile file;
    bool inherited = false;
    std::string address;
    std::uint16_t port = 0;
    std::uint64_t receive_buffer_granted_bytes = 0;
};

std::expected<Opened, OpenFailure> open_internet(const ListenerConfig& config,
                                                 std::uint32_t shards) {
    std::expected<InternetSockets, OpenFailure> sockets = bind_internet_sockets(config, shards);
    if (!sockets) return std::unexpected(sockets.error());
    Opened opened;
    opened.descriptors = std::move(sockets->descriptors);
    opened.address = sockets->address.to_string();
    opened.port = sockets->address.port();
    opened.receive_buffer_granted_bytes = sockets->receive_buffer_granted_bytes;
    return opened;
}

std::expected<Opened, OpenFailure> open_unix(const ListenerConfig& config) {
    const std::expected<SocketAddress, std::string> address =
        SocketAddress::parse_unix(config.path);
    if (!address) return std::unexpected(OpenFailure{"path " + address.error()});

    const int kind = is_stream(config.type) ? SOCK_STREAM : SOCK_DGRAM;
    FileDescriptor descriptor{::socket(AF_UNIX, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!descriptor.is_open()) {
        return std::unexpected(
            OpenFailure{fmt::format("cannot open a Unix socket: {}", error_text(errno))});
    }
    std::expected<SocketFile, OpenFailure> file =
        bind_unix_socket(descriptor.get(), *address, config);
    if (!file) return std::unexpected(file.error());
    if (is_stream(config.type) && ::listen(descriptor.get(), SOMAXCONN) != 0) {
        return std::unexpected(
            OpenFailure{fmt::format("cannot listen on {}: {}", config.path, error_text(errno))});
    }
    Opened opened;
    opened.descriptors.push_back(std::move(descriptor));
    opened.file = std::move(*file);
    opened.address = config.path;
    return opened;
}

// Checks that a socket somebody else opened is what the configuration says it is.
std::expected<void, OpenFailure> check_inherited(int fd, ListenerType type) {
    const bool is_stream_socket = socket_option<int>(fd, SO_TYPE) == SOCK_STREAM;
    const bool is_datagram_socket = socket_option<int>(fd, SO_TYPE) == SOCK_DGRAM;
    const int family = socket_option<int>(fd, SO_DOMAIN).value_or(AF_UNSPEC);
    const bool family_fits =
        is_internet(type) ? family == AF_INET || family == AF_INET6 : family == AF_UNIX;
    if (!family_fits || !(is_stream(type) ? is_stream_socket : is_datagram_socket)) {
        return std::unexpected(OpenFailure{fmt::format(
            "the inherited descriptor {} must be a socket of type {}", fd, type_name(type))});
    }
    if (is_stream(type) && socket_option<int>(fd, SO_ACCEPTCONN) != 1) {
        return std::unexpected(
            OpenFailure{fmt::format("the inherited socket {} must be listening", fd)});
    }
    return {};
}

std::expected<Opened, OpenFailure> take_inherited(const ListenerConfig& config,
                                                  std::vector<FileDescriptor> descriptors) {
    Opened opened;
    opened.inherited = true;
    for (FileDescriptor& descriptor : descriptors) {
        const int fd = descriptor.get();
        const std::expected<void, OpenFailure> fits = check_inherited(fd, config.type);
        if (!fits) return std::unexpected(fits.error());
        const int status_flags = ::fcntl(fd, F_GETFL);
        if (::fcntl(fd, F_SETFL, status_flags | O_NONBLOCK) != 0 ||
            ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
            return std::unexpected(OpenFailure{
                fmt::format("cannot use the inherited socket {}: {}", fd, error_text(errno))});
        }
        if (config.type == ListenerType::udp) {
            const int on = 1;
            ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
            opened.receive_buffer_granted_bytes =
                ask_receive_buffer(fd, config.receive_buffer_bytes);
        }
        const SocketAddress address = SocketAddress::of_socket(fd);
        opened.address = address.to_string();
        opened.port = address.port();
        opened.descriptors.push_back(std::move(descriptor));
    }
    return opened;
}

class Opener {
public:
    Opener(std::span<const ListenerConfig> listeners, std::uint32_t shards,
           std::vector<InheritedSocket> inherited)
        : listeners_(listeners), inherited_(std::move(inherited)), sockets_(shards) {}

    std::expected<OpenListeners, std::vector<OpenError>> run() {
        for (std::size_t i = 0; i < listeners_.size(); ++i) open(i);
        for (const InheritedSocket& left : inherited_) {
            if (!left.descriptor.is_open()) continue;  // taken
            errors_.push_back({left.listener,
                               "a socket was passed to the agent for it, but there "
                               "is no listener of that name"});
        }
        if (errors_.empty() && !any_open_) {
            errors_.push_back({"", "no listener could be opened"});
            for (const std::string& warning : result_.warnings) errors_.push_back({"", warning});
        }
        if (!errors_.empty()) return std::unexpected(std::move(errors_));
        for (std::vector<OpenSocket>& sockets : sockets_) {
            result_.shards.emplace_back(std::move(sockets), listeners_.size());
        }
        return std::move(result_);
    }

private:
    void open(std::size_t index) {
        const ListenerConfig& config = listeners_[index];
        ListenerReport& report = result_.reports.emplace_back();
        report.name = config.name;
        report.type = config.type;
        std::expected<Opened, OpenFailure> opened = open_sockets(config);
        if (!opened) {
            fail(config, opened.error());
            return;
        }
        any_open_ = true;
        report.where = fmt::format("{} {}", type_name(config.type), opened->address);
        report.port = opened->port;
        report.sockets = static_cast<std::uint32_t>(opened->descriptors.size());
        if (config.type == ListenerType::udp) {
            report.receive_buffer_asked_bytes = config.receive_buffer_bytes;
            report.receive_buffer_granted_bytes = opened->receive_buffer_granted_bytes;
        } else if (config.type == ListenerType::unix_datagram) {
            report.queue_datagrams_max = unix_queue_datagrams_max();
        }
        advise(report);
        deal_out(index, std::move(*opened));
    }

    std::expected<Opened, OpenFailure> open_sockets(const ListenerConfig& config) {
        std::vector<FileDescriptor> passed;
        for (InheritedSocket& socket : inherited_) {
            if (socket.listener == config.name) passed.push_back(std::move(socket.descriptor));
        }
        if (!passed.empty()) return take_inherited(config, std::move(passed));
        if (!is_internet(config.type)) return open_unix(config);
        return open_internet(config, static_cast<std::uint32_t>(sockets_.size()));
    }

    void fail(const ListenerConfig& config, const OpenFailure& failure) {
        OpenError error{config.name, failure.what};
        if (config.is_default && !failure.in_use) {
            result_.warnings.push_back(error.to_string() + "; going on without it");
        } else {
            errors_.push_back(std::move(error));
        }
    }

    void advise(const ListenerReport& report) {
        const std::uint64_t asked = report.receive_buffer_asked_bytes;
        if (report.receive_buffer_granted_bytes < asked) {
            result_.advice.push_back(fmt::format(
                "listeners.{}: asked for a receive buffer of {} bytes, the kernel granted {}, so "
                "bursts are dropped sooner; to raise its limit: sysctl -w net.core.rmem_max={}",
                report.name, asked, report.receive_buffer_granted_bytes, asked));
        }
        const std::uint32_t queue = report.queue_datagrams_max;
        if (queue > 0 && queue < unix_queue_datagrams_wanted) {
            result_.advice.push_back(fmt::format(
                "listeners.{}: the kernel queues {} datagrams of a Unix socket, then senders wait "
                "or drop; to raise that before the agent starts: "
                "sysctl -w net.unix.max_dgram_qlen={}",
                report.name, queue, unix_queue_datagrams_wanted));
        }
    }

    // One socket of UDP and TCP for each shard; what there is only one of goes to the
    // shards in turn.
    void deal_out(std::size_t index, Opened opened) {
        const ListenerConfig& config = listeners_[index];
        const std::size_t count = opened.descriptors.size();
        const bool in_turn = count < sockets_.size();
        // The cap is shared out evenly and rounded up: shards keep no common count.
        const std::size_t sharers = std::min(count, sockets_.size());
        const std::size_t connections =
            (config.connections_max + sharers - 1) / std::max<std::size_t>(sharers, 1);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t shard = (in_turn ? next_shard_++ : i) % sockets_.size();
            OpenSocket& socket = sockets_[shard].emplace_back();
            socket.descriptor = std::move(opened.descriptors[i]);
            socket.listener = static_cast<std::uint16_t>(index);
            socket.type = config.type;
            if (i == 0) socket.file = std::move(opened.file);
            socket.inherited = opened.inherited;
            if (opened.inherited && config.type == ListenerType::udp) {
                socket.kernel_drops_before = read_kernel_drops(socket.descriptor.get()).value_or(0);
            }
            if (config.type == ListenerType::udp) {
                // The kernel counts twice what it was asked for.
                socket.buffer_bytes = 2 * opened.receive_buffer_granted_bytes;
                socket.read_pause = pause_that_fits(socket.buffer_bytes, config.read_delay);
            }
            socket.connections_max = static_cast<std::uint32_t>(connections);
            socket.idle_timeout = config.idle_timeout;
        }
    }

    std::span<const ListenerConfig> listeners_;
    std::vector<InheritedSocket> inherited_;
    std::vector<std::vector<OpenSocket>> sockets_;  // by shard
    std::size_t next_shard_ = 0;
    bool any_open_ = false;
    OpenListeners result_;
    std::vector<OpenError> errors_;
};

}  // namespace

std::string OpenError::to_string() const {
    return listener.empty() ? what : fmt::format("listeners.{}: {}", listener, what);
}

std::expected<OpenListeners, std::vector<OpenError>> open_listeners(
    std::span<const ListenerConfig> listeners, std::uint32_t shards,
    std::vector<InheritedSocket> inherited) {
    assert(shards > 0 && listeners.size() <= UINT16_MAX);
    return Opener(listeners, shards, std::move(inherited)).run();
}

}  // namespace pitot::agent
