#include "sinks/console/console.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "sinks/console/json_encoder.h"
#include "sinks/console/text_encoder.h"
#include "sinks/delivery/delivering_sink.h"

namespace pitot::sinks::console {
namespace {

using protocol::Snapshot;

// Some minutes of intervals, for a reader that pauses; then the oldest go. An interval is
// one batch: the bytes are those of a million series.
constexpr QueueBounds queue_bounds{.batches_max = 64, .bytes_max = 512 * std::size_t{1024} * 1024};

class ConsoleEncoder final : public Encoder {
public:
    ConsoleEncoder(Format format, std::vector<double> quantiles)
        : format_(format), json_(quantiles), text_(std::move(quantiles)) {}

    void encode(const Snapshot& snapshot, Encoded& out) override {
        Batch batch;
        if (format_ == Format::json) {
            json_.append(snapshot, batch.body);
            batch.body += '\n';
        } else {
            text_.append(snapshot, batch.body);
        }
        const std::uint64_t idle = count_idle(snapshot.counters) + count_idle(snapshot.gauges) +
                                   count_idle(snapshot.timers) + count_idle(snapshot.sets);
        batch.sequence = snapshot.sequence;
        batch.points = snapshot.points() - idle;
        out.skipped[SkipReason::idle] += idle;
        out.batches.push_back(std::move(batch));
    }

private:
    template <class Point>
    static std::uint64_t count_idle(std::span<const Point> points) {
        std::uint64_t idle = 0;
        for (const Point& point : points) idle += point.told() ? 0U : 1U;
        return idle;
    }

    Format format_;
    JsonEncoder json_;
    TextEncoder text_;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(Format format, std::vector<double> quantiles) {
    return std::make_unique<ConsoleEncoder>(format, std::move(quantiles));
}

std::unique_ptr<Sink> make(Options& options, const Context& context) {
    return make_on(STDOUT_FILENO, options, context);
}

std::unique_ptr<Sink> make_on(int descriptor, Options& options, const Context& context) {
    constexpr std::array<std::string_view, 2> formats{"json", "text"};
    const auto format = static_cast<Format>(options.choice("format", 0, formats));

    DeliverySettings settings;
    settings.name = options.name();
    settings.bounds = queue_bounds;
    return make_delivering_sink("console", settings, make_encoder(format, context.quantiles),
                                make_transport(descriptor, context), context);
}

}  // namespace pitot::sinks::console
