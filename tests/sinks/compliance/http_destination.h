// Any destination over HTTP, played by the HTTP double (tests/support/http_double.h).
//
//     if (type == "pushgateway") return std::make_unique<HttpDestination>(wire);
//     if (type == "search") {
//         return std::make_unique<HttpDestination>(
//             wire, HttpManners{.answer = [](const HttpDouble::Received& request) {
//                                   return reply(200, answer_to(request.body));
//                               },
//                               .settings = [](SinkOptions& options) {
//                                   options.set("api_key", std::string(credential_text));
//                               },
//                               .batch_bytes_max = search::body_bytes_max});
//     }
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/sinks/compliance/destination.h"
#include "tests/support/certificates.h"
#include "tests/support/http_double.h"

namespace pitot::tests {

struct HttpManners {
    // How it answers when all is well; none: 200 without a body.
    HttpDouble::Answer answer = {};
    // Beside url and TLS, with credential_text as the secret. None: user name and password.
    std::function<void(SinkOptions&)> settings = {};
    std::size_t batch_bytes_max = std::numeric_limits<std::size_t>::max();
};

class HttpDestination : public Destination {
public:
    explicit HttpDestination(Wire wire, HttpManners manners = {});

    void configure(SinkOptions& options) override;
    std::vector<std::string> ways_to_fail() const override;
    std::vector<std::string> passing_ways() const override;
    std::vector<std::string> odd_manners() const override;
    void be(const std::string& manner) override;
    void behave() override;
    std::size_t cuts() const override;
    void cut_next(std::size_t place) override;
    bool can_hold() const override { return true; }
    void hold() override { server_.hold(); }
    void release() override { server_.release(); }
    std::size_t attempts() const override { return server_.begun(); }
    std::vector<std::string> received() override;
    void forget_what_comes() override { server_.forget_bodies(); }
    std::size_t batch_bytes_max() const override { return manners_.batch_bytes_max; }
    std::string complaints() const override { return server_.complaints(); }

private:
    Wire wire_;
    HttpManners manners_;
    HttpDouble server_;
};

}  // namespace pitot::tests
