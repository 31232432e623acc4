// Standard output, which is a pipe here for as long as this lives.
#pragma once

#include <string>
#include <vector>

#include "tests/sinks/compliance/destination.h"

namespace pitot::tests {

class StdoutDestination final : public Destination {
public:
    StdoutDestination();
    ~StdoutDestination() override;

    void configure(SinkOptions& options) override { options.set("format", "json"); }
    void drain() override;
    std::vector<std::string> ways_to_fail() const override { return {"slow", "gone"}; }
    std::vector<std::string> passing_ways() const override { return {"slow"}; }
    std::vector<std::string> odd_manners() const override { return {"bytewise"}; }
    void be(const std::string& manner) override;
    void behave() override;
    std::vector<std::string> received() override;
    void forget_what_comes() override { keeps_ = false; }
    std::size_t batch_bytes_max() const override;
    std::size_t series_max() const override { return 100'000; }

private:
    void open_pipe();

    int saved_;
    int reader_ = -1;
    bool is_slow_ = false;
    bool is_bytewise_ = false;
    bool keeps_ = true;
    std::string text_;
};

}  // namespace pitot::tests
