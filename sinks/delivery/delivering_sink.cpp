#include "sinks/delivery/delivering_sink.h"

#include <mutex>
#include <string>
#include <utility>

namespace pitot::sinks {
namespace {

class DeliveringSink final : public Sink {
public:
    DeliveringSink(std::string_view type, const DeliverySettings& settings,
                   std::unique_ptr<Encoder> encoder, std::unique_ptr<Transport> transport,
                   const Context& context)
        : type_(type),
          name_(settings.name),
          time_(context.time),
          encoder_(std::move(encoder)),
          transport_(std::move(transport)),
          deliverer_(settings, std::make_unique<MemoryQueue>(settings.policy, settings.bounds),
                     *transport_, context) {}

    std::string_view name() const override { return name_; }
    std::string_view type() const override { return type_; }
    Encoder& encoder() override { return *encoder_; }

    void send(const protocol::Snapshot& snapshot) override {
        const std::int64_t started_ns = time_.steady_ns();
        Encoded encoded;
        encoder_->encode(snapshot, encoded);
        {
            const std::lock_guard lock(mutex_);
            encodings_.add(time_.steady_ns() - started_ns);
        }
        deliverer_.offer(snapshot.points(), std::move(encoded));
    }

    void stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) override {
        deliverer_.stop(deadline_steady_ns, std::move(on_drained));
    }

    SinkStatus status() const override {
        SinkStatus out = deliverer_.status();
        const std::lock_guard lock(mutex_);
        out.encodings = encodings_;
        return out;
    }

private:
    std::string_view type_;
    std::string name_;
    const Scheduler& time_;
    mutable std::mutex mutex_;
    RecentTimes encodings_;  // guarded by mutex_
    std::unique_ptr<Encoder> encoder_;
    std::unique_ptr<Transport> transport_;
    Deliverer deliverer_;  // last: it uses the transport
};

}  // namespace

std::unique_ptr<Sink> make_delivering_sink(std::string_view type, const DeliverySettings& settings,
                                           std::unique_ptr<Encoder> encoder,
                                           std::unique_ptr<Transport> transport,
                                           const Context& context) {
    return std::make_unique<DeliveringSink>(type, settings, std::move(encoder),
                                            std::move(transport), context);
}

}  // namespace pitot::sinks
