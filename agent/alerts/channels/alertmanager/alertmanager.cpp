#include "agent/alerts/channels/alertmanager/alertmanager.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/channels/alertmanager/board.h"
#include "agent/alerts/channels/alertmanager/peer.h"
#include "agent/alerts/channels/outbox.h"
#include "agent/printable.h"
#include "sinks/http/options.h"

namespace pitot::agent::alerts::channels::alertmanager {
namespace {

namespace http = sinks::http;
using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""min;
using std::literals::chrono_literals::operator""h;

// A cluster of Alertmanagers has three.
constexpr std::size_t urls_max = 16;
// What fires outlives so many resends, so that one that is lost is not noticed.
constexpr std::int64_t resends_outlived = 4;

struct Settings {
    std::string name;
    std::vector<http::Url> urls;
    http::HttpOptions http;
    Wanted wanted;
    std::chrono::nanoseconds resend{};
    std::string external_url;
};

class AlertmanagerChannel final : public Channel {
public:
    AlertmanagerChannel(std::shared_ptr<const Settings> settings, const ChannelContext& context)
        : settings_(std::move(settings)), time_(context.io.time), board_(settings_->wanted) {
        for (const http::Url& url : settings_->urls) {
            PeerSettings peer{
                .channel = settings_->name,
                .client = settings_->http.client,
                .target = url.path + "/api/v2/alerts",
                .gzip = settings_->http.gzip,
                .timeout = settings_->http.timeout,
                .link = settings_->external_url.empty() ? context.link : settings_->external_url,
                .firing_lasts_ns =
                    resends_outlived * std::max(settings_->resend.count(), context.interval_ns)};
            peer.client.url = url;
            peers_.push_back(std::make_unique<Peer>(
                std::move(peer),
                [this](const std::vector<std::string>& keys) { return look_up(keys); },
                [this] { ++changes_; }, context));
        }
    }
    ~AlertmanagerChannel() override {
        if (resend_timer_ != 0) time_.cancel(resend_timer_);
    }

    std::string_view name() const override { return settings_->name; }
    std::string_view type() const override { return "alertmanager"; }

    void tell(const MessagePointer& message, bool is_addressed) override {
        const std::string key = message->key();
        {
            const std::lock_guard lock(mutex_);
            if (!board_.wants(*message, key, is_addressed)) {
                for (const auto& peer : peers_) {
                    if (is_addressed) peer->count_unwanted();
                }
                return;
            }
            ++changes_;
            if (board_.put(message, key, time_.steady_ns()) == Board::Put::no_room) {
                for (const auto& peer : peers_) peer->count_unkept(MessageLoss::queue_full);
                return;
            }
        }
        for (const auto& peer : peers_) peer->lacks({key}, true);
        pump_soon();
    }

    void recall(const MessagePointer& message) override {
        const std::string key = message->key();
        auto done = Board::Put::no_room;
        {
            const std::lock_guard lock(mutex_);
            if (!board_.has(key) && !board_.wants(*message, key, true)) return;
            done = board_.put(message, key, time_.steady_ns());
        }
        if (done != Board::Put::made && done != Board::Put::relabelled) return;
        ++changes_;
        for (const auto& peer : peers_) peer->lacks({key}, false);
        pump_soon();
    }

    void restore(SavedChannel saved, std::int64_t away_ns) override {
        const std::int64_t now_ns = time_.steady_ns();
        for (const SavedAlert& alert : saved.alerts) {
            const std::string key = alert.message->key();
            {
                const std::lock_guard lock(mutex_);
                if (!board_.restore(alert.message, key, now_ns - away_ns - alert.age_ns)) continue;
            }
            for (const auto& peer : peers_) peer->lacks({key}, !alert.is_known);
        }
        // What waited in the queue of another type of channel is told like all else.
        for (const SavedMessage& queued : saved.queue) {
            if (queued.message->type == MessageType::overflow) continue;
            const std::string key = queued.message->key();
            {
                const std::lock_guard lock(mutex_);
                const std::int64_t told_ns = now_ns - away_ns - queued.age_ns;
                if (board_.put(queued.message, key, told_ns) == Board::Put::no_room) continue;
            }
            for (const auto& peer : peers_) peer->lacks({key}, true);
        }
    }

    std::uint64_t changes() const override { return changes_.load(); }

    SavedChannel saved() const override {
        SavedChannel out;
        {
            const std::lock_guard lock(mutex_);
            out.alerts = board_.saved(time_.steady_ns());
        }
        std::set<std::string> keys;
        for (SavedAlert& alert : out.alerts) {
            const std::string key = alert.message->key();
            // One message is owed, whatever it ends besides.
            alert.is_known = !keys.insert(key).second ||
                             std::ranges::none_of(peers_, [&](const std::unique_ptr<Peer>& peer) {
                                 return peer->is_owed(key);
                             });
        }
        return out;
    }

    void start() override {
        for (const auto& peer : peers_) peer->start();
        arm_resend();
        pump();
    }

    void stop(std::int64_t deadline_steady_ns, std::function<void()> on_drained) override {
        time_.post([this, deadline_steady_ns, on_drained = std::move(on_drained)]() mutable {
            if (resend_timer_ != 0) time_.cancel(std::exchange(resend_timer_, 0));
            left_ = peers_.size();
            on_drained_ = std::move(on_drained);
            for (const auto& peer : peers_) {
                peer->stop(deadline_steady_ns, [this] {
                    ++changes_;
                    // Not called from here: it may destroy the peer, whose callback this is.
                    if (--left_ == 0) time_.post(std::move(on_drained_));
                });
            }
        });
    }

    ChannelStatus status() const override {
        ChannelStatus out;
        for (const auto& peer : peers_) {
            out.counts.add(peer->counts());
            out.destinations.push_back(peer->status());
        }
        const std::lock_guard lock(mutex_);
        out.alerts = board_.firing();
        return out;
    }

private:
    std::vector<std::vector<MessagePointer>> look_up(const std::vector<std::string>& keys) {
        const std::lock_guard lock(mutex_);
        std::vector<std::vector<MessagePointer>> out;
        out.reserve(keys.size());
        for (const std::string& key : keys) out.push_back(board_.find(key));
        return out;
    }

    void pump_soon() {
        time_.post([this] { pump(); });
    }
    void pump() {
        for (const auto& peer : peers_) peer->pump();
    }

    void arm_resend() {
        resend_timer_ = time_.at(time_.steady_ns() + settings_->resend.count(), [this] {
            std::vector<std::string> keys;
            {
                const std::lock_guard lock(mutex_);
                board_.prune(time_.steady_ns());
                keys = board_.keys();
            }
            for (const auto& peer : peers_) peer->lacks(keys, false);
            arm_resend();
            pump();
        });
    }

    const std::shared_ptr<const Settings> settings_;
    sinks::Scheduler& time_;
    std::atomic<std::uint64_t> changes_ = 0;

    mutable std::mutex mutex_;  // of the board; taken before a peer's
    Board board_;

    // Loop thread only, but for what a peer lets other threads do.
    std::vector<std::unique_ptr<Peer>> peers_;
    sinks::Scheduler::TimerId resend_timer_ = 0;
    std::size_t left_ = 0;  // peers that have not stopped
    std::function<void()> on_drained_;
};

std::vector<http::Url> read_urls(sinks::Options& options) {
    std::vector<http::Url> urls;
    const std::vector<std::string> texts = options.texts("urls", {});
    if (texts.empty() && !options.is_wrong("urls")) {
        options.problem("urls", R"(must be set, such as ["http://127.0.0.1:9093"])");
    }
    if (texts.size() > urls_max) {
        options.problem("urls", fmt::format("must be at most {}, got {}", urls_max, texts.size()));
        return urls;
    }
    std::vector<std::string> seen;
    for (const std::string& text : texts) {
        auto url = http::parse_url(text);
        if (!url) {
            options.problem("urls", url.error());
            continue;
        }
        std::string address = url->authority() + url->path;
        if (url->path.ends_with("/api/v2/alerts")) {
            options.problem("urls", fmt::format("must be without /api/v2/alerts, which pitot adds, "
                                                "got \"{}\"",
                                                printable(text)));
        } else if (std::ranges::find(seen, address) != seen.end()) {
            options.problem("urls",
                            fmt::format("must name {} once, got it twice", printable(address)));
        }
        seen.push_back(std::move(address));
        urls.push_back(std::move(*url));
    }
    return urls;
}

}  // namespace

MakeChannel read(sinks::Options& options) {
    auto settings = std::make_shared<Settings>();
    settings->name = options.name();
    settings->urls = read_urls(options);
    settings->http = http::read_http_options_for(options, "urls", settings->urls);
    const bool is_mixed = std::ranges::any_of(settings->urls, &http::Url::is_https) &&
                          !std::ranges::all_of(settings->urls, &http::Url::is_https);
    if (is_mixed) {
        options.problem("urls",
                        "must be all https:// or all http://: they share the options of TLS");
    }
    settings->wanted = {.severity_min = read_min_severity(options), .resolved = true};
    settings->resend = options.duration("resend", 1min, 1s, 1h);
    settings->external_url = options.text("external_url", "");
    return [settings = std::shared_ptr<const Settings>(std::move(settings))](
               const ChannelContext& context) {
        return std::make_unique<AlertmanagerChannel>(settings, context);
    };
}

}  // namespace pitot::agent::alerts::channels::alertmanager
