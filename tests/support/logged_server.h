// A real server of the Prometheus family, which says in its log which port the kernel chose.
//
//     LoggedServer server("prometheus-pushgateway", {"--web.listen-address=127.0.0.1:0"});
//     server.port();
//
// What pushgateway_process.h and alertmanager_process.h start. Waited for by the constructor
// until it listens, ended by its pid in the destructor.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::tests {

class LoggedServer {
public:
    // `program` is the name of Debian's package, too.
    LoggedServer(std::string program, std::vector<std::string> arguments) {
        std::array<int, 2> log{-1, -1};
        REQUIRE(::pipe2(log.data(), O_CLOEXEC) == 0);
        // Never read again once it listens: room for all it may say.
        constexpr int log_bytes = 1024 * 1024;
        ::fcntl(log[1], F_SETPIPE_SZ, log_bytes);
        std::vector<char*> words{program.data()};
        for (std::string& argument : arguments) words.push_back(argument.data());
        words.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(log[1], STDOUT_FILENO);
            ::dup2(log[1], STDERR_FILENO);
            ::execvp(words[0], words.data());
            constexpr int not_found = 127;
            ::_exit(not_found);
        }
        ::close(log[1]);
        log_ = log[0];
        wait_for_port(program);
    }
    ~LoggedServer() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        ::close(log_);
    }
    LoggedServer(const LoggedServer&) = delete;
    LoggedServer& operator=(const LoggedServer&) = delete;

    std::uint16_t port() const { return port_; }

private:
    // From its log: … msg="Listening on" address=127.0.0.1:PORT
    void wait_for_port(std::string_view program) {
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
            REQUIRE_MESSAGE(count > 0, program << " did not start; it is in Debian's package of "
                                                  "this name. It said: "
                                               << text);
            text.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }

    pid_t pid_ = -1;
    int log_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace pitot::tests
