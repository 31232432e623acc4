#include "agent/service/passed_sockets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/config/listeners.h"
#include "agent/net/open_socket.h"
#include "agent/net/socket_address.h"
#include "agent/printable.h"

namespace pitot::agent {
namespace {

std::optional<long> whole_number(const std::string& text) {
    long value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
    return value;
}

std::vector<std::string> split_names(std::string_view text) {
    std::vector<std::string> names;
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        names.emplace_back(text.substr(0, colon));
        text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
    }
    return names;
}

int socket_option(int fd, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// What kind of listener the socket is made for; none for what we cannot read lines from.
std::optional<ListenerType> type_of(int fd) {
    const int family = socket_option(fd, SO_DOMAIN);
    const int type = socket_option(fd, SO_TYPE);
    const bool is_internet = family == AF_INET || family == AF_INET6;
    if (!is_internet && family != AF_UNIX) return std::nullopt;
    if (type == SOCK_DGRAM) return is_internet ? ListenerType::udp : ListenerType::unix_datagram;
    if (type == SOCK_STREAM) return is_internet ? ListenerType::tcp : ListenerType::unix_stream;
    return std::nullopt;
}

// As SocketAddress::to_string() writes what the configuration says.
std::string address_of(const ListenerConfig& listener) {
    const bool is_internet =
        listener.type == ListenerType::udp || listener.type == ListenerType::tcp;
    const auto address = is_internet ? SocketAddress::parse_internet(listener.address)
                                     : SocketAddress::parse_unix(listener.path);
    return address ? address->to_string() : std::string();
}

class Assignment {
public:
    explicit Assignment(std::vector<ListenerConfig>& listeners)
        : listeners_(listeners),
          by_default_(std::ranges::all_of(listeners, &ListenerConfig::is_default)) {}

    std::expected<std::vector<InheritedSocket>, std::vector<OpenError>> run(
        std::vector<PassedSocket> passed) {
        if (by_default_ && !passed.empty()) listeners_.clear();
        for (PassedSocket& socket : passed) assign(socket);
        if (!errors_.empty()) return std::unexpected(std::move(errors_));
        return std::move(assigned_);
    }

private:
    void assign(PassedSocket& socket) {
        const int fd = socket.descriptor.get();
        const std::string where = SocketAddress::of_socket(fd).to_string();
        const std::optional<ListenerType> type = type_of(fd);
        if (!type) {
            fail(fmt::format("descriptor {} (\"{}\") must be a socket for datagrams or streams", fd,
                             printable(socket.name)));
            return;
        }
        const auto by_name = std::ranges::find(listeners_, socket.name, &ListenerConfig::name);
        if (by_name != listeners_.end() && !by_default_) {
            assigned_.push_back({by_name->name, std::move(socket.descriptor)});
            return;
        }
        const auto by_place = std::ranges::find_if(listeners_, [&](const ListenerConfig& other) {
            return other.type == *type && address_of(other) == where;
        });
        if (by_place != listeners_.end()) {
            assigned_.push_back({by_place->name, std::move(socket.descriptor)});
        } else if (by_default_) {
            add_listener(socket, *type, where);
        } else {
            fail(
                fmt::format("the socket {} (\"{}\") belongs to no listener: one must have its "
                            "name (FileDescriptorName= in the socket unit), or its type and "
                            "address",
                            where, printable(socket.name)));
        }
    }

    void add_listener(PassedSocket& socket, ListenerType type, const std::string& where) {
        std::string name = socket.name;
        for (int number = 2; has_listener(name); ++number) {
            name = fmt::format("{}-{}", socket.name, number);
        }
        ListenerConfig listener = default_listener(name, type);
        // Its neighbours are the default ones, which all have the same.
        if (!listeners_.empty()) listener.additions = listeners_.front().additions;
        listener.is_default = false;  // it is open already: no failure can be overlooked
        const bool is_internet = type == ListenerType::udp || type == ListenerType::tcp;
        (is_internet ? listener.address : listener.path) = where;
        listeners_.push_back(std::move(listener));
        assigned_.push_back({std::move(name), std::move(socket.descriptor)});
    }

    bool has_listener(const std::string& name) const {
        return std::ranges::find(listeners_, name, &ListenerConfig::name) != listeners_.end();
    }

    void fail(std::string what) { errors_.push_back({"", std::move(what)}); }

    std::vector<ListenerConfig>& listeners_;
    const bool by_default_;  // the operator named no listeners
    std::vector<InheritedSocket> assigned_;
    std::vector<OpenError> errors_;
};

}  // namespace

std::expected<std::vector<PassedSocket>, std::string> take_passed_sockets(
    const Environment& environment, pid_t pid) {
    const std::optional<std::string> for_pid = environment.variable("LISTEN_PID");
    const std::optional<std::string> count_text = environment.variable("LISTEN_FDS");
    if (!for_pid || !count_text) return {};
    if (whole_number(*for_pid) != pid) return {};
    const std::optional<long> count = whole_number(*count_text);
    if (!count || *count < 0 || *count > passed_descriptors_max) {
        return std::unexpected(
            fmt::format("LISTEN_FDS must be a number of sockets up to {}, got "
                        "\"{}\"",
                        passed_descriptors_max, printable(*count_text)));
    }
    const std::vector<std::string> names =
        split_names(environment.variable("LISTEN_FDNAMES").value_or(""));
    std::vector<PassedSocket> passed;
    for (int i = 0; i < *count; ++i) {
        const int fd = passed_descriptors_first + i;
        if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
            return std::unexpected(
                fmt::format("LISTEN_FDS says {}, but descriptor {} is not open", *count, fd));
        }
        const auto index = static_cast<std::size_t>(i);
        passed.push_back({index < names.size() && !names[index].empty() ? names[index] : "unknown",
                          FileDescriptor{fd}});
    }
    return passed;
}

std::expected<std::vector<InheritedSocket>, std::vector<OpenError>> assign_passed_sockets(
    std::vector<PassedSocket> passed, std::vector<ListenerConfig>& listeners) {
    return Assignment(listeners).run(std::move(passed));
}

}  // namespace pitot::agent
