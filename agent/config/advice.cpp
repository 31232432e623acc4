#include "agent/config/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "agent/config/address.h"
#include "agent/config/units.h"
#include "agent/net/descriptor_budget.h"

namespace pitot::agent {

namespace {

// What people expect of a percentile; DogStatsD's clients are promised 1 %.
constexpr double relative_error_max = 0.05;
// From a millisecond to a second: what the requests of one endpoint span on a bad day.
constexpr double span_wanted = 1'000;
// A quantile q differs from the maximum only among more than 1 / (1 - q) samples. More than
// this in one series and interval is rare.
constexpr double samples_rare = 100'000;

bool is_stream(ListenerType type) {
    return type == ListenerType::tcp || type == ListenerType::unix_stream;
}

void advise_on_buffer(SectionReader& section, const ListenerConfig& listener,
                      const Environment& environment) {
    const auto most = environment.receive_buffer_bytes_max;
    if (!section.has("receive_buffer") || section.is_wrong("receive_buffer")) return;
    if (!most || listener.receive_buffer_bytes <= *most) return;
    section.warning("receive_buffer",
                    fmt::format("is more than an unprivileged process gets here ({}); "
                                "`sysctl -w net.core.rmem_max={}` allows it, and so does systemd's "
                                "ReceiveBuffer= for a socket that it passes",
                                format_size(*most), listener.receive_buffer_bytes));
}

}  // namespace

void advise_on_listener(SectionReader& section, const ListenerConfig& listener,
                        const Environment& environment) {
    advise_on_buffer(section, listener, environment);
    if (listener.address.empty()) return;
    const auto address = parse_listen_address(listener.address);
    if (!address || is_loopback(*address)) return;
    section.warning("address",
                    "can be reached from other machines, and StatsD knows no passwords: whoever "
                    "reaches it can write any metric; let a firewall say who may, or use "
                    "\"127.0.0.1\", \"[::1]\" or a Unix socket");
}

void advise_on_connections(SectionReader& root, std::span<const ListenerConfig> listeners,
                           const Environment& environment) {
    if (!environment.open_files_max) return;
    std::uint64_t wanted = descriptors_reserved;
    for (const ListenerConfig& listener : listeners) {
        if (is_stream(listener.type)) wanted += listener.connections_max;
    }
    if (wanted <= *environment.open_files_max) return;
    root.warning("listeners",
                 fmt::format("take up to {} connections, and pitot needs {} files for itself, but "
                             "a process may have {} open here: fewer connections will be taken; "
                             "raise the limit (LimitNOFILE= of the service, ulimit -Hn), or lower "
                             "`connections`",
                             wanted - descriptors_reserved, descriptors_reserved,
                             *environment.open_files_max));
}

void advise_on_histogram(SectionReader& section, const protocol::HistogramShape& shape) {
    // Buckets grow by this factor (protocol/histogram.h).
    const double base = std::exp2(std::exp2(-shape.schema));
    const double error = (base - 1) / (base + 1);
    if (error > relative_error_max) {
        section.warning("schema", fmt::format("makes percentiles uncertain by up to {:.0f} %; 3 "
                                              "and more keep them within 5 %",
                                              100 * error));
        return;
    }
    const double span = std::pow(base, static_cast<double>(shape.buckets_max));
    if (span >= span_wanted) return;
    const double needed = std::ceil(std::log2(span_wanted) * std::exp2(shape.schema));
    section.warning(
        section.has("buckets_max") ? "buckets_max" : "schema",
        fmt::format("keeps the resolution of schema {} only while the values of a series are "
                    "within a factor of {:.0f} of each other, and halves it beyond; a factor of "
                    "{:.0f} takes {:.0f} buckets",
                    shape.schema, std::round(span), span_wanted, needed));
}

void advise_on_percentiles(SectionReader& root, std::span<const double> quantiles) {
    for (const double quantile : quantiles) {
        // 1 - q of a decimal q is a little off; a percentile of 100 says openly what it is.
        const double samples = std::round(1 / (1 - quantile));
        if (quantile >= 1 || samples < samples_rare) continue;
        root.warning(
            "percentiles",
            fmt::format("has {:.10g}, which is the maximum of every series with fewer than "
                        "{:.0f} samples in an interval",
                        quantile * 100, samples));
    }
}

}  // namespace pitot::agent
