#include "agent/alerts/channels/log/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "agent/alerts/channels/outbox.h"
#include "agent/alerts/channels/severity.h"
#include "agent/printable.h"

namespace pitot::agent::alerts::channels::log {
namespace {

// The log cuts messages at 4096 characters.
constexpr std::size_t summary_characters_max = 1'500;
constexpr std::size_t labels_characters_max = 400;

spdlog::level::level_enum level_of(const Message& message) {
    if (message.is_over() || message.severity == "info") return spdlog::level::info;
    return rank_of(message.severity) >= rank_of("error") ? spdlog::level::err : spdlog::level::warn;
}

// Those that the summary does not say.
std::string labels_of(const Message& message) {
    const bool has_all = std::ranges::all_of(message.labels, [&](const Label& label) {
        return message.summary.contains(printable(label.value, labels_characters_max));
    });
    if (has_all) return {};
    std::string out;
    for (const Label& label : message.labels) {
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", label.name, label.value);
    }
    return fmt::format(" [{}]", printable(out, labels_characters_max));
}

class LogCarrier final : public Carrier {
public:
    explicit LogCarrier(const ChannelContext& context) : context_(context) {}

    void carry(const Message& message, std::int64_t /*deadline_steady_ns*/, Done done) override {
        context_.io.log.log(level_of(message), "{}", line_of(message));
        context_.io.time.post([done = std::move(done)] { done(Answer{}); });
    }
    void cancel() override {}
    std::string destination() const override { return "the log"; }

private:
    const ChannelContext& context_;
};

MakeChannel maker(OutboxSettings settings) {
    return [settings = std::move(settings)](const ChannelContext& context) {
        return make_outbox(settings, std::make_unique<LogCarrier>(context), context);
    };
}

}  // namespace

std::string line_of(const Message& message) {
    const std::string summary = printable(message.summary, summary_characters_max);
    if (message.type == MessageType::overflow) return fmt::format("alerts: {}", summary);
    const std::string_view again = message.is_repeat ? "still " : "";
    return fmt::format("alerts.{}: {}{}, {}: {}{} #{}", printable(message.alert), again,
                       to_string(message.type), printable(message.severity), summary,
                       labels_of(message), message.fingerprint());
}

MakeChannel read(sinks::Options& options) {
    // The log takes all there is, and keeps it: nobody is woken twice.
    return maker(read_outbox_options(
        options, "log", {.rate_limit = "none", .repeat = std::chrono::nanoseconds(0)}));
}

MakeChannel make_default(std::string name) {
    return maker({.name = std::move(name), .type = "log"});
}

}  // namespace pitot::agent::alerts::channels::log
