#include "sinks/elasticsearch/elasticsearch.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "sinks/delivery/delivering_sink.h"
#include "sinks/elasticsearch/encoder.h"
#include "sinks/elasticsearch/target_index.h"
#include "sinks/elasticsearch/transport.h"
#include "sinks/http/options.h"

namespace pitot::sinks::elasticsearch {
namespace {

using std::literals::chrono_literals::operator""s;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;

// The queue is bounded by its bytes; this is for batches that are all tiny.
constexpr std::size_t queued_batches_max = 65'536;

constexpr std::string_view api_key_scheme = "ApiKey";

TargetIndex read_target(Options& options) {
    const std::string index = options.optional_text("index").value_or("");
    const std::string data_stream = options.text("data_stream", "");
    if (index.empty() == data_stream.empty()) {
        options.problem(index.empty() ? "" : "data_stream",
                        index.empty() ? "must have one of index and data_stream, such as index = "
                                        "\"metrics-%Y.%m.%d\", got neither"
                                      : "must not be set together with index, got both");
        return {};
    }
    auto target = index.empty() ? TargetIndex::data_stream(data_stream) : TargetIndex::daily(index);
    if (!target) {
        options.problem(index.empty() ? "data_stream" : "index", target.error());
        return {};
    }
    if (!target->is_data_stream() && target->looks_like_builtin_data_stream()) {
        options.warning("index",
                        fmt::format("\"{}\" is a name that Elasticsearch takes for a data stream "
                                    "unless pitot's template is there; better use data_stream, or "
                                    "a name with one '-'",
                                    index));
    }
    return *std::move(target);
}

// What the server gives with a new API key is base64 of its id and secret.
void check_api_key(Options& options, const http::HttpOptions& http) {
    const std::string& authorization = http.client.authorization.reveal();
    if (!authorization.starts_with(api_key_scheme)) return;
    const std::string_view key = std::string_view(authorization).substr(api_key_scheme.size() + 1);
    const bool is_encoded = std::ranges::all_of(key, [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
               (character >= '0' && character <= '9') ||
               std::string_view("+/-_=").find(character) != std::string_view::npos;
    });
    if (!is_encoded) {
        options.problem("api_key",
                        "must be the key's \"encoded\" form, which is base64 of id:secret");
    }
}

bool is_template_name(std::string_view name) {
    return !name.empty() && name.front() != '_' && std::ranges::all_of(name, [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
               std::string_view("-_.").find(character) != std::string_view::npos;
    });
}

std::optional<TemplateSettings> read_template(Options& options, const TargetIndex& target) {
    const bool is_managed = options.boolean("manage_template", true);
    TemplateSettings settings;
    settings.name = "pitot-" + target.label();
    if (const auto name = options.optional_text("template_name")) {
        settings.name = *name;
        if (!is_template_name(*name)) {
            options.problem("template_name",
                            fmt::format("must be small letters, digits, '-', '.' and '_', not "
                                        "beginning with '_', got \"{}\"",
                                        *name));
        }
    }
    settings.priority = options.integer("template_priority", 500, 0, 1'000'000'000);
    settings.shards = options.integer("shards", 1, 1, 1024);
    const std::int64_t replicas = options.integer("replicas", -1, -1, 100);
    if (replicas >= 0) settings.replicas = replicas;
    if (!is_managed) return {};
    return settings;
}

std::string read_host(Options& options, const Context& context) {
    std::string host = options.optional_text("host").value_or(context.host_name);
    if (host.empty()) options.problem("host", "must not be empty");
    return host;
}

}  // namespace

std::unique_ptr<Sink> make(Options& options, const Context& context) {
    TransportSettings transport;
    transport.name = options.name();
    transport.http = http::read_http_options(
        options, {.timeout = 30s,
                  .gzip = true,
                  .tokens = {{}, {.key = "api_key", .scheme = api_key_scheme}}});
    check_api_key(options, transport.http);
    transport.target = read_target(options);
    transport.index_template = read_template(options, transport.target);

    EncoderSettings encoder;
    encoder.sink = options.name();
    encoder.target = transport.target;
    encoder.host = read_host(options, context);
    encoder.run = context.run;
    encoder.quantiles = context.quantiles;
    encoder.limits.bytes = options.bytes("batch_bytes", 5 * mib, 64 * kib, 64 * mib);

    const std::uint64_t queue_bytes = options.bytes("queue_bytes", 512 * mib, mib, 1024 * gib);
    if (queue_bytes < encoder.limits.bytes) {
        options.problem("queue_bytes", fmt::format("must be at least batch_bytes, which is {}, "
                                                   "got {}",
                                                   encoder.limits.bytes, queue_bytes));
    }

    DeliverySettings delivery;
    delivery.name = options.name();
    delivery.policy = QueuePolicy::keep_order;
    delivery.isolation = Isolation::halves;
    delivery.bounds = {.batches_max = queued_batches_max, .bytes_max = queue_bytes};
    delivery.attempt_timeout = transport.http.timeout;

    auto report = [sink = std::string(options.name()), &log = context.log](
                      const std::string& what) { log.warn("sinks.{}: {}", sink, what); };
    return make_delivering_sink("elasticsearch", delivery,
                                make_encoder(std::move(encoder), std::move(report)),
                                make_transport(std::move(transport), context), context);
}

}  // namespace pitot::sinks::elasticsearch
