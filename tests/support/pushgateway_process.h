// The real prometheus-pushgateway of Debian, on a port of the kernel's choice, without a disk.
//
//     PushgatewayProcess gateway;
//     options.set("url", gateway.url());
//     …
//     CHECK(gateway.sample("page_views_total", {"job=\"pitot\""}) == 3);
//
// With a web configuration (TLS, users) it is asked through the function given with it.
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
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_get.h"

namespace pitot::tests {

class PushgatewayProcess {
public:
    // How a page of it is got.
    using Getter = std::function<HttpAnswer(std::uint16_t port, std::string_view target)>;

    explicit PushgatewayProcess(
        const std::string& web_config_file = "",
        Getter get = [](std::uint16_t port,
                        std::string_view target) { return http_send(port, "GET", target); })
        : get_(std::move(get)) {
        const std::string web_config = "--web.config.file=" + web_config_file;
        std::array<int, 2> log{-1, -1};
        REQUIRE(::pipe2(log.data(), O_CLOEXEC) == 0);
        // Never read again once it listens: room for all it may say.
        ::fcntl(log[1], F_SETPIPE_SZ, 1024 * 1024);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(log[1], STDOUT_FILENO);
            ::dup2(log[1], STDERR_FILENO);
            ::execlp("prometheus-pushgateway", "prometheus-pushgateway",
                     "--persistence.file=", "--web.listen-address=127.0.0.1:0", web_config.c_str(),
                     nullptr);
            ::_exit(127);
        }
        ::close(log[1]);
        log_ = log[0];
        wait_for_port();
        while (get_(port_, "/-/ready").status != 200) ::poll(nullptr, 0, 5);
    }
    ~PushgatewayProcess() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(log_);
    }
    PushgatewayProcess(const PushgatewayProcess&) = delete;
    PushgatewayProcess& operator=(const PushgatewayProcess&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    std::string metrics() const { return get_(port_, "/metrics").body; }

    // The value of the one sample of that name that has all these labels; text, as shown.
    std::string sample(std::string_view name, const std::vector<std::string>& labels = {}) const {
        const std::string page = metrics();
        std::string found;
        for (std::size_t at = 0; at < page.size();) {
            const std::size_t end = page.find('\n', at);
            const std::string line = page.substr(at, end - at);
            at = end + 1;
            if (!line.starts_with(std::string(name) + "{")) continue;
            bool has_all = true;
            for (const std::string& label : labels) {
                has_all = has_all && line.find(label) != std::string::npos;
            }
            if (!has_all) continue;
            if (!found.empty()) return "several";
            found = line.substr(line.rfind(' ') + 1);
        }
        return found.empty() ? "none" : found;
    }

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
                            "prometheus-pushgateway did not start; it is in Debian's "
                            "package prometheus-pushgateway. It said: "
                                << text);
            text.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }

    Getter get_;
    pid_t pid_ = -1;
    int log_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace pitot::tests
