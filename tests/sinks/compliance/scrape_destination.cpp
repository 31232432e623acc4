#include "tests/sinks/compliance/scrape_destination.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#include "tests/support/strict_exposition.h"

namespace pitot::tests {
namespace {

constexpr std::string_view request =
    "GET /metrics HTTP/1.1\r\nHost: t\r\nAccept: application/openmetrics-text\r\n\r\n";

// Several times what the server admits.
constexpr std::size_t held_max = 200;

}  // namespace

void ScrapeDestination::configure(SinkOptions& options) {
    options.set("address", "127.0.0.1:0");
}

void ScrapeDestination::meet(const std::string& where) {
    const std::size_t colon = where.rfind(':');
    REQUIRE(colon != std::string::npos);
    port_ = static_cast<std::uint16_t>(std::stoi(where.substr(colon + 1)));
}

void ScrapeDestination::drain() {
    if (way_ == "nobody comes") return;
    if (!way_.empty()) return ask_badly();
    RawHttpClient client(port_);
    if (!client.is_open()) return;  // the sink has stopped
    client.send(request);
    const RawHttpClient::Answer answer = client.read_answer();
    if (answer.status != 0 && answer.status != 200) {
        complaints_ += "status " + std::to_string(answer.status) + "\n";
    }
    complaints_ += answer.complaint;
    if (answer.status != 200 || !keeps_) return;
    const StrictExposition page(answer.body, StrictExposition::Format::open_metrics);
    complaints_ += page.complaints();
    if (std::ranges::find(pages_, answer.body) == pages_.end()) pages_.push_back(answer.body);
}

std::vector<std::string> ScrapeDestination::ways_to_fail() const {
    return {"nobody comes", "slow reader", "half request", "too many", "hang up", "no HTTP"};
}

void ScrapeDestination::behave() {
    way_.clear();
    held_.clear();
}

void ScrapeDestination::ask_badly() {
    if (held_.size() >= held_max) return;
    do {
        held_.push_back(std::make_unique<RawHttpClient>(port_, 2048));
        if (way_ == "slow reader") held_.back()->send(request);
        if (way_ == "half request") held_.back()->send(request.substr(0, 30));
        if (way_ == "no HTTP") held_.back()->send("\x16\x03\x01 what?\r\n\r\n");
        if (way_ == "hang up") {
            held_.back()->send(request);
            held_.back()->reset();
        }
    } while (way_ == "too many" && held_.size() < held_max);
}

}  // namespace pitot::tests
