#include "agent/status/interval_recorder.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace pitot::agent {

void IntervalRecorder::begin(std::int64_t now_steady_ns) {
    const std::scoped_lock lock(mutex_);
    begun_steady_ns_ = now_steady_ns;
}

void IntervalRecorder::collect(const ShardSet::Turn& turn, const protocol::Snapshot& snapshot) {
    keep_refused(turn, snapshot.end_unix_ns);
    keep_overflowing(turn, snapshot.end_unix_ns);
    made_ = std::make_unique<IntervalStatus>();
    made_->busiest = names_.of(snapshot);
    for (const ShardPage& page : turn.pages) {
        made_->shard_answered.push_back(page.closed.page != nullptr);
        if (page.closed.page != nullptr) made_->counts.add(page.closed.page->counts);
    }
}

void IntervalRecorder::publish(Ledger total, const Ended& ended) {
    assert(made_ != nullptr);
    IntervalStatus& made = *made_;
    made.sequence = ended.interval.sequence;
    made.start_unix_ns = ended.interval.start_unix_ns;
    made.end_unix_ns = ended.interval.end_unix_ns;
    made.elapsed_s = ended.interval.elapsed_s;
    made.late_ns = ended.late_ns;
    made.took_ns = ended.took_ns;
    made.total = std::move(total);
    made.refused = refused_;
    made.overflowing = overflowing_;
    made.overflow_unix_ns = overflow_unix_ns_;
    made.listeners_before.resize(made.total.listeners.size());
    made.sinks_before.resize(made.total.sinks.size());
    // Only this thread writes last_.
    if (last_ != nullptr) {
        for (std::size_t i = 0; i < made.listeners_before.size(); ++i) {
            made.listeners_before[i] = last_->total.listeners[i].counters;
        }
        for (std::size_t i = 0; i < made.sinks_before.size(); ++i) {
            made.sinks_before[i] = last_->total.sinks[i].status;
        }
    }
    std::shared_ptr<const IntervalStatus> last = std::move(made_);
    const std::scoped_lock lock(mutex_);
    last_.swap(last);
    due_steady_ns_ = ended.next_due_steady_ns;
    begun_steady_ns_ = 0;
}

FlushProgress IntervalRecorder::progress() const {
    const std::scoped_lock lock(mutex_);
    return {.last = last_, .due_steady_ns = due_steady_ns_, .begun_steady_ns = begun_steady_ns_};
}

void IntervalRecorder::keep_refused(const ShardSet::Turn& turn, std::int64_t now_unix_ns) {
    std::vector<RefusedLine> kept;
    std::array<std::size_t, protocol::reject_count> of_reason{};
    const auto keep = [&](const RefusedLine& line) {
        const bool is_known = std::ranges::any_of(kept, [&](const RefusedLine& other) {
            return other.reason == line.reason && other.line == line.line &&
                   other.sender == line.sender;
        });
        std::size_t& count = of_reason[std::to_underlying(line.reason)];
        if (is_known || count == refused_lines_per_reason) return;
        ++count;
        kept.push_back(line);
    };
    for (const ShardPage& page : turn.pages) {
        if (page.closed.page == nullptr) continue;
        for (const RejectedSample& sample : page.closed.page->rejected_samples) {
            keep({.reason = sample.reason,
                  .line = sample.line,
                  .sender = sample.sender,
                  .seen_unix_ns = now_unix_ns});
        }
    }
    if (kept.empty()) return;
    std::ranges::for_each(refused_, keep);
    refused_ = std::move(kept);
}

void IntervalRecorder::keep_overflowing(const ShardSet::Turn& turn, std::int64_t now_unix_ns) {
    std::vector<Culprit> found;
    for (const ShardPage& page : turn.pages) {
        if (page.closed.page == nullptr) continue;
        for (const Culprit& culprit : page.closed.page->culprits) {
            const auto same = std::ranges::find(found, culprit.name, &Culprit::name);
            if (same == found.end()) {
                found.push_back(culprit);
            } else {
                same->lines += culprit.lines;
            }
        }
    }
    if (found.empty()) return;
    std::ranges::sort(found, std::ranges::greater(), &Culprit::lines);
    overflowing_ = std::move(found);
    overflow_unix_ns_ = now_unix_ns;
}

}  // namespace pitot::agent
