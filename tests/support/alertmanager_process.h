// The real prometheus-alertmanager of Debian, on a port of the kernel's choice, in a folder.
//
//     AlertmanagerProcess manager;
//     options.set("urls", {manager.url()});
//     …
//     CHECK(manager.alerts().contains("\"alertname\":\"slow\""));
//
// Started and waited for by the constructor, ended in the destructor (logged_server.h).
#pragma once

#include <poll.h>

#include <string>

#include "tests/support/config_rig.h"
#include "tests/support/http_get.h"
#include "tests/support/logged_server.h"

namespace pitot::tests {

class AlertmanagerProcess {
public:
    AlertmanagerProcess()
        : server_("prometheus-alertmanager",
                  {"--config.file=" + folder_
                                          .write("alertmanager.yml",
                                                 "route:\n  receiver: none\n"
                                                 "receivers:\n- name: none\n")
                                          .string(),
                   "--storage.path=" + (folder_.path() / "data").string(),
                   "--cluster.listen-address=", "--web.listen-address=127.0.0.1:0"}) {
        while (http_send(server_.port(), "GET", "/-/ready").status != 200) ::poll(nullptr, 0, 5);
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
    // Those that fire, as JSON.
    std::string alerts() const { return http_send(server_.port(), "GET", "/api/v2/alerts").body; }

private:
    ConfigDirectory folder_;
    LoggedServer server_;
};

}  // namespace pitot::tests
