#include "agent/flush/rehearsal.h"

#include <array>
#include <chrono>
#include <utility>

#include "agent/settings.h"

namespace pitot::agent {
namespace {

// Rows forgotten at a time; any number does.
constexpr std::size_t rows_per_step = 1'024;

// Its lines are of no listener.
TableSettings intake_settings(const Config& config) {
    TableSettings settings = table_settings(config, Seeds{});
    settings.additions = {config.additions};
    return settings;
}

MergerSettings settings_of(const Config& config,
                           std::function<bool(const protocol::Series&)> wants_total) {
    MergerSettings settings = merger_settings(config, Seeds{}, 1);
    settings.wants_total = std::move(wants_total);
    return settings;
}

}  // namespace

Rehearsal::Rehearsal(const Config& config, const protocol::Reading& reading,
                     std::function<bool(const protocol::Series&)> wants_total,
                     std::int64_t start_unix_ns)
    : config_(config),
      intake_(intake_settings(config), std::array{reading}),
      merger_(settings_of(config, std::move(wants_total))),
      start_unix_ns_(start_unix_ns) {}

void Rehearsal::take(std::string_view datagram) {
    intake_.take(0, datagram, Peer("standard input"), ++moment_);
    intake_.settle();
    pending_ = true;
}

const protocol::Snapshot& Rehearsal::end_interval() {
    if (sequence_ > 0) merger_.finish();
    SeriesTable& table = intake_.table();
    const Retirements silent = merger_.take_retirements(0);
    table.request_retirement(silent.rows, silent.turn);
    while (table.retire_some(rows_per_step)) {
    }
    const ShardPage page{.rows = &table.rows(), .closed = table.turn()};
    const std::int64_t end_unix_ns = start_unix_ns_ + config_.interval.count();
    pending_ = false;
    return merger_.merge({&page, 1},
                         {.sequence = ++sequence_,
                          .start_unix_ns = std::exchange(start_unix_ns_, end_unix_ns),
                          .end_unix_ns = end_unix_ns,
                          .elapsed_s = std::chrono::duration<double>(config_.interval).count()});
}

}  // namespace pitot::agent
