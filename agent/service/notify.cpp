#include "agent/service/notify.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <expected>
#include <optional>

#include "agent/net/error_text.h"
#include "agent/net/file_descriptor.h"
#include "agent/net/socket_address.h"

namespace pitot::agent {
namespace {

template <class Integer>
std::optional<Integer> whole_number(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    Integer value{};
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
    return value;
}

// A message is lines: a text from outside must not begin another.
std::string status_line(std::string_view status) {
    std::string line = "STATUS=";
    line += status;
    std::ranges::replace(line, '\n', ' ');
    return line;
}

}  // namespace

ServiceManager::ServiceManager(const Environment& environment, pid_t pid)
    : socket_path_(environment.variable("NOTIFY_SOCKET").value_or("")) {
    const auto interval_us = whole_number<std::int64_t>(environment.variable("WATCHDOG_USEC"));
    // Meant for another process of the service where it names one.
    const auto for_pid = whole_number<pid_t>(environment.variable("WATCHDOG_PID"));
    const bool is_for_us = !for_pid || *for_pid == pid;
    constexpr std::int64_t interval_us_max = INT64_MAX / 1000;
    if (interval_us && *interval_us > 0 && *interval_us < interval_us_max && is_for_us) {
        watchdog_interval_ = std::chrono::microseconds(*interval_us);
    }
}

std::string ServiceManager::ready(std::string_view text) const {
    return send("READY=1\n" + status_line(text));
}

std::string ServiceManager::status(std::string_view text) const {
    return send(status_line(text));
}

std::string ServiceManager::watchdog(std::string_view text) const {
    return send("WATCHDOG=1\n" + status_line(text));
}

std::string ServiceManager::stopping(std::chrono::nanoseconds time) const {
    const auto time_us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    return send(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", time_us));
}

std::string ServiceManager::send(const std::string& message) const {
    if (socket_path_.empty()) return {};
    const std::expected<SocketAddress, std::string> address =
        SocketAddress::parse_unix(socket_path_);
    if (!address) return "NOTIFY_SOCKET " + address.error();
    const FileDescriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket.is_open()) return fmt::format("cannot open a socket: {}", error_text(errno));
    // The manager reads; should it not, a full queue must not hold us.
    const ssize_t sent = ::sendto(socket.get(), message.data(), message.size(),
                                  MSG_NOSIGNAL | MSG_DONTWAIT, address->data(), address->size());
    if (sent >= 0) return {};
    return fmt::format("cannot send to {}: {}", socket_path_, error_text(errno));
}

}  // namespace pitot::agent
