// Feeds the service manager's watchdog for as long as every loop of the process turns.
//
// App calls look() about every period(), on the main thread. When a loop does not answer,
// the manager hears nothing more and will end the process; the log says which loop it was.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/clock.h"
#include "agent/service/liveness.h"
#include "agent/service/notify.h"

namespace spdlog {
class logger;
}

namespace pitot::agent {

class Watchdog {
public:
    // All references outlive this.
    Watchdog(const ServiceManager& manager, Liveness liveness, const Clock& clock,
             spdlog::logger& log);

    // How often to look; 0: never, because nobody wants to hear.
    std::chrono::nanoseconds period() const noexcept;

    // Asks every loop, and speaks to the manager if all have answered what they were asked
    // before. `status` is for people.
    void look(std::string_view status);

private:
    const ServiceManager& manager_;
    const Liveness liveness_;
    const Clock& clock_;
    spdlog::logger& log_;
    std::string said_stuck_;  // the loop the log has been told of
};

}  // namespace pitot::agent
