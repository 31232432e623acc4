// A scraper: a destination that asks instead of being fed. Nothing waits for it, so that each
// way to fail is a way to ask badly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/sinks/compliance/destination.h"
#include "tests/support/raw_http_client.h"

namespace pitot::tests {

class ScrapeDestination final : public Destination {
public:
    void configure(SinkOptions& options) override;
    void meet(const std::string& where) override;
    // A whole scrape, with each delivery.
    void drain() override;
    std::vector<std::string> ways_to_fail() const override;
    void be(const std::string& manner) override { way_ = manner; }
    void behave() override;
    std::vector<std::string> received() override { return pages_; }
    void forget_what_comes() override { keeps_ = false; }
    // The state is one page.
    std::size_t batch_bytes_max() const override { return std::numeric_limits<std::size_t>::max(); }
    std::string complaints() const override { return complaints_; }

private:
    void ask_badly();

    std::uint16_t port_ = 0;
    std::string way_;
    bool keeps_ = true;
    std::vector<std::unique_ptr<RawHttpClient>> held_;
    std::vector<std::string> pages_;
    std::string complaints_;
};

}  // namespace pitot::tests
