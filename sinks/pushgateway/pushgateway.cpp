#include "sinks/pushgateway/pushgateway.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sinks/delivery/delivering_sink.h"
#include "sinks/http/options.h"
#include "sinks/prometheus/exposition.h"
#include "sinks/prometheus/names.h"
#include "sinks/prometheus/options.h"
#include "sinks/pushgateway/grouping.h"
#include "sinks/pushgateway/quarantine.h"
#include "sinks/pushgateway/transport.h"

namespace pitot::sinks::pushgateway {
namespace {

// One state waits while one is under way. The bound is for a state nobody meant to have: a
// million series are about 200 MB of text.
constexpr QueueBounds queue_bounds{.batches_max = 1, .bytes_max = 512 * std::size_t{1024} * 1024};

class PushEncoder final : public Encoder {
public:
    PushEncoder(std::string sink, prometheus::ExpositionSettings settings, spdlog::logger& log)
        : exposition_(std::move(settings), [sink = std::move(sink), &log](const std::string& what) {
              log.warn("sinks.{}: {}", sink, what);
          }) {}

    void encode(const protocol::Snapshot& snapshot, Encoded& out) override {
        exposition_.encode(snapshot, quarantine_.next_interval(), out);
    }

    // The transport fills it. It goes before the encoder does (delivering_sink.h).
    Quarantine& quarantine() { return quarantine_; }

private:
    Quarantine quarantine_;
    prometheus::Exposition exposition_;
};

using GroupingLabels = std::vector<std::pair<std::string, std::string>>;

void check_grouping(const GroupingLabels& further, Options& options) {
    std::vector<std::string_view> seen;
    for (const auto& [name, value] : further) {
        if (name == "job" || name == "instance") {
            options.problem("grouping", fmt::format("must not contain \"{}\"; it is an option of "
                                                    "its own",
                                                    name));
        } else if (!prometheus::is_label_name(name) || name.starts_with("__")) {
            options.problem("grouping",
                            fmt::format("must have label names of letters, digits and '_' that do "
                                        "not begin with a digit or \"__\", got \"{}\"",
                                        name));
        } else if (std::ranges::find(seen, name) != seen.end()) {
            options.problem("grouping", fmt::format("must name \"{}\" once, got it twice", name));
        }
        seen.push_back(name);
    }
}

GroupingLabels read_grouping(Options& options, const Context& context) {
    GroupingLabels labels;
    labels.emplace_back("job", options.text("job", "pitot"));
    labels.emplace_back("instance", options.text("instance", context.host_name));
    if (labels.front().second.empty()) {
        options.problem("job", "must not be empty: a Pushgateway has no group without a job");
    }
    const GroupingLabels further = options.text_table("grouping");
    check_grouping(further, options);
    labels.insert(labels.end(), further.begin(), further.end());
    return labels;
}

}  // namespace

std::unique_ptr<Sink> make(Options& options, const Context& context) {
    TransportSettings transport;
    transport.name = options.name();
    transport.http = http::read_http_options(options);
    transport.delete_on_stop = options.boolean("delete_on_stop", false);
    const GroupingLabels grouping = read_grouping(options, context);
    transport.target = group_target(transport.http.client.url.path, grouping);

    prometheus::ExpositionSettings exposition = prometheus::read_exposition_options(options);
    exposition.quantiles = context.quantiles;
    // A push's label is overwritten by the group's of the same name.
    for (const auto& [name, value] : grouping) exposition.reserved_labels.push_back(name);
    // Written by the gateway into every group.
    exposition.reserved_names = {"push_time_seconds", "push_failure_time_seconds"};

    DeliverySettings delivery;
    delivery.name = options.name();
    delivery.policy = QueuePolicy::latest_only;
    delivery.isolation = Isolation::prefixes;
    delivery.bounds = queue_bounds;
    delivery.attempt_timeout = transport.http.timeout;

    auto encoder = std::make_unique<PushEncoder>(std::string(options.name()), std::move(exposition),
                                                 context.log);
    auto push = make_transport(std::move(transport), encoder->quarantine(), context);
    return make_delivering_sink("pushgateway", delivery, std::move(encoder), std::move(push),
                                context);
}

}  // namespace pitot::sinks::pushgateway
