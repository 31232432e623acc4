// The real prometheus-pushgateway of Debian, on a port of the kernel's choice, without a disk.
//
//     PushgatewayProcess gateway;
//     options.set("url", gateway.url());
//     …
//     CHECK(gateway.sample("page_views_total", {"job=\"pitot\""}) == 3);
//
// With a web configuration (TLS, users) it is asked through the function given with it.
//
// Started and waited for by the constructor, ended in the destructor (logged_server.h).
#pragma once

#include <poll.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/http_get.h"
#include "tests/support/logged_server.h"

namespace pitot::tests {

class PushgatewayProcess {
public:
    // How a page of it is got.
    using Getter = std::function<HttpAnswer(std::uint16_t port, std::string_view target)>;

    explicit PushgatewayProcess(
        const std::string& web_config_file = "",
        Getter get = [](std::uint16_t port,
                        std::string_view target) { return http_send(port, "GET", target); })
        : get_(std::move(get)),
          server_("prometheus-pushgateway",
                  {"--persistence.file=", "--web.listen-address=127.0.0.1:0",
                   "--web.config.file=" + web_config_file}) {
        while (get_(port(), "/-/ready").status != 200) ::poll(nullptr, 0, 5);
    }

    std::uint16_t port() const { return server_.port(); }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }
    std::string metrics() const { return get_(port(), "/metrics").body; }

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
    Getter get_;
    LoggedServer server_;
};

}  // namespace pitot::tests
