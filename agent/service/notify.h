// Tells the service manager how we are: systemd's notification protocol, which others
// (s6, podman, supervisors in containers) speak too.
//
// One datagram of NAME=VALUE lines per message, to the socket in $NOTIFY_SOCKET; no library
// is needed for that. Without the variable every call does nothing. App calls this, on the
// main thread; what keeps the watchdog quiet is decided in liveness.h.
//
// Source: sd_notify(3), sd_watchdog_enabled(3), "Implementation of the readiness protocol".
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "agent/config/environment.h"

namespace pitot::agent {

class ServiceManager {
public:
    // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID (which must be `pid` if set).
    ServiceManager(const Environment& environment, pid_t pid);

    // Somebody listens: messages are sent.
    bool is_there() const noexcept { return !socket_path_.empty(); }
    // How often it wants to hear watchdog(), at the least; 0: never.
    std::chrono::nanoseconds watchdog_interval() const noexcept { return watchdog_interval_; }

    // Each tells `text`, for `systemctl status`, and returns nothing, or why it did not leave.
    std::string ready(std::string_view text) const;
    std::string status(std::string_view text) const;
    std::string watchdog(std::string_view text) const;
    // The stop takes `time` at the most: the manager should wait that long.
    std::string stopping(std::chrono::nanoseconds time) const;

private:
    std::string send(const std::string& message) const;

    std::string socket_path_;  // with '@' in front: an abstract name
    std::chrono::nanoseconds watchdog_interval_{};
};

}  // namespace pitot::agent
