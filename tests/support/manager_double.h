// The receiving end of systemd's notification protocol: a Unix datagram socket and what was
// sent to it.
//
//     ManagerDouble manager;
//     ServiceManager(manager.environment({{"WATCHDOG_USEC", "1000000"}}), 7).ready("fine");
//     CHECK(manager.messages() == std::vector<std::string>{"READY=1\nSTATUS=fine"});
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/environment.h"
#include "agent/net/file_descriptor.h"
#include "agent/net/socket_address.h"
#include "tests/support/net_temporary_directory.h"

namespace pitot::tests {

// An environment of these variables and no others.
inline agent::Environment environment_of(std::map<std::string, std::string> variables) {
    agent::Environment environment;
    environment.variable =
        [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
    return environment;
}

class ManagerDouble {
public:
    // With a path, or in the abstract namespace.
    explicit ManagerDouble(bool is_abstract = false) {
        path_ = directory_.file("notify");
        if (is_abstract) path_ = "@" + path_;
        socket_ = agent::FileDescriptor{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
        const auto address = agent::SocketAddress::parse_unix(path_).value();
        REQUIRE(::bind(socket_.get(), address.data(), address.size()) == 0);
    }

    const std::string& path() const { return path_; }
    agent::Environment environment(std::map<std::string, std::string> variables = {}) const {
        variables["NOTIFY_SOCKET"] = path_;
        return environment_of(std::move(variables));
    }

    // Since the last call.
    std::vector<std::string> messages() {
        std::vector<std::string> all;
        std::array<char, 4096> bytes{};
        for (;;) {
            const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
            if (count < 0) return all;
            all.emplace_back(bytes.data(), static_cast<std::size_t>(count));
        }
    }

private:
    NetTemporaryDirectory directory_;
    std::string path_;
    agent::FileDescriptor socket_;
};

}  // namespace pitot::tests
