#include "sinks/io_scheduler.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <unordered_map>
#include <utility>

namespace pitot::sinks {
namespace {

// One system timer for the earliest of ours: a wake-up at a time nobody waits for any more
// finds nothing due and arms the next.
class IoScheduler final : public Scheduler {
public:
    IoScheduler(boost::asio::io_context& io, std::function<std::int64_t()> wall_ns,
                std::function<std::int64_t()> steady_ns)
        : io_(io), timer_(io), wall_ns_(std::move(wall_ns)), steady_ns_(std::move(steady_ns)) {}

    std::int64_t wall_ns() const override { return wall_ns_(); }
    std::int64_t steady_ns() const override { return steady_ns_(); }

    void post(std::function<void()> task) override { boost::asio::post(io_, std::move(task)); }

    TimerId at(std::int64_t due_steady_ns, std::function<void()> task) override {
        const TimerId id = next_id_++;
        const Key key{due_steady_ns, id};
        due_.emplace(key, std::move(task));
        keys_.emplace(id, key);
        arm();
        return id;
    }

    void cancel(TimerId timer) override {
        const auto found = keys_.find(timer);
        if (found == keys_.end()) return;
        due_.erase(found->second);
        keys_.erase(found);
        arm();
    }

private:
    using Key = std::pair<std::int64_t, TimerId>;

    void arm() {
        if (due_.empty()) {
            // A pending wait would keep io_context::run() from returning.
            armed_ns_ = 0;
            timer_.cancel();
            return;
        }
        const std::int64_t earliest = due_.begin()->first.first;
        if (armed_ns_ == earliest) return;
        armed_ns_ = earliest;
        timer_.expires_after(std::chrono::nanoseconds(earliest - steady_ns_()));
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) run_due();
        });
    }

    void run_due() {
        armed_ns_ = 0;
        // Taken one by one: a task may add timers, and cancel those that are due too.
        while (!due_.empty() && due_.begin()->first.first <= steady_ns_()) {
            auto node = due_.extract(due_.begin());
            keys_.erase(node.key().second);
            node.mapped()();
        }
        arm();
    }

    boost::asio::io_context& io_;
    boost::asio::steady_timer timer_;
    std::function<std::int64_t()> wall_ns_;
    std::function<std::int64_t()> steady_ns_;
    std::map<Key, std::function<void()>> due_;
    std::unordered_map<TimerId, Key> keys_;
    TimerId next_id_ = 1;
    std::int64_t armed_ns_ = 0;  // what the system timer waits for; 0: nothing
};

}  // namespace

std::unique_ptr<Scheduler> make_io_scheduler(boost::asio::io_context& io,
                                             std::function<std::int64_t()> wall_ns,
                                             std::function<std::int64_t()> steady_ns) {
    return std::make_unique<IoScheduler>(io, std::move(wall_ns), std::move(steady_ns));
}

}  // namespace pitot::sinks
