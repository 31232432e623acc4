// The real prometheus-alertmanager of Debian, on a port of the kernel's choice, in a folder.
//
//     AlertmanagerProcess manager;
//     options.set("urls", {manager.url()});
//     …
//     CHECK(manager.alerts().contains("\"alertname\":\"slow\""));
//
// Started and waited for by the constructor, ended by its pid in the destructor.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/config_rig.h"
#include "tests/support/http_get.h"

namespace pitot::tests {

class AlertmanagerProcess {
public:
    AlertmanagerProcess() {
        const std::string config =
            "--config.file=" +
            folder_
                .write("alertmanager.yml", "route:\n  receiver: none\nreceivers:\n- name: none\n")
                .string();
        const std::string data = "--storage.path=" + (folder_.path() / "data").string();
        std::array<int, 2> log{-1, -1};
        REQUIRE(::pipe2(log.data(), O_CLOEXEC) == 0);
        // Never read again once it listens: room for all it may say.
        ::fcntl(log[1], F_SETPIPE_SZ, 1024 * 1024);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(log[1], STDOUT_FILENO);
            ::dup2(log[1], STDERR_FILENO);
            ::execlp("prometheus-alertmanager", "prometheus-alertmanager", config.c_str(),
                     data.c_str(), "--cluster.listen-address=", "--web.listen-address=127.0.0.1:0",
                     nullptr);
            ::_exit(127);
        }
        ::close(log[1]);
        log_ = log[0];
        wait_for_port();
        while (http_send(port_, "GET", "/-/ready").status != 200) ::poll(nullptr, 0, 5);
    }
    ~AlertmanagerProcess() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(log_);
    }
    AlertmanagerProcess(const AlertmanagerProcess&) = delete;
    AlertmanagerProcess& operator=(const AlertmanagerProcess&) = delete;

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    // Those that fire, as JSON.
    std::string alerts() const { return http_send(port_, "GET", "/api/v2/alerts").body; }

private:
    // From its log: … msg="Listening on" address=127.0.0.1:PORT
    void wait_for_port() {
        constexpr std::string_view before = "Listening on\" address=127.0.0.1:";
        std::string text;
        std::array<char, 4096> bytes{};
        while (true) {
            const std::size_t at = text.find(before);
            if (at != std::string::npos && text.find('\n', at) != std::string::npos) {
                port_ = static_cast<std::uint16_t>(std::stoi(text.substr(at + before.size(), 5)));
                return;
            }
            const ssize_t count = ::read(log_, bytes.data(), bytes.size());
            REQUIRE_MESSAGE(count > 0,
                            "prometheus-alertmanager did not start; it is in Debian's package "
                            "prometheus-alertmanager. It said: "
                                << text);
            text.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }

    ConfigDirectory folder_;
    pid_t pid_ = -1;
    int log_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace pitot::tests
