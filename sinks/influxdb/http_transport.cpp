#include "sinks/influxdb/http_transport.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <string_view>
#include <utility>

#include "sinks/http/client.h"
#include "sinks/influxdb/refusals.h"

namespace pitot::sinks::influxdb {
namespace {

// RFC 3986 section 2.3: everything but the unreserved characters.
void append_encoded(std::string_view text, std::string& out) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        const bool is_plain = (character >= 'a' && character <= 'z') ||
                              (character >= 'A' && character <= 'Z') ||
                              (character >= '0' && character <= '9') || character == '-' ||
                              character == '.' || character == '_' || character == '~';
        if (is_plain) {
            out += character;
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 0xfU];
        }
    }
}

void append_parameter(std::string_view name, std::string_view value, std::string& target) {
    if (value.empty()) return;
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += name;
    target += '=';
    append_encoded(value, target);
}

std::string_view precision_word(Precision precision) {
    switch (precision) {
        case Precision::nanoseconds:
            return "ns";
        case Precision::milliseconds:
            return "ms";
        case Precision::seconds:
            break;
    }
    return "s";
}

// An identifier of InfluxQL.
std::string quoted(std::string_view name) {
    std::string out = "\"";
    for (const char character : name) {
        if (character == '"' || character == '\\') out += '\\';
        out += character;
    }
    out += '"';
    return out;
}

class HttpTransport final : public Transport {
public:
    HttpTransport(HttpSettings settings, const Context& context)
        : settings_(std::move(settings)),
          context_(context),
          target_(write_target(settings_)),
          refusals_(settings_.name, context.log),
          client_(settings_.http.client, context) {}

    void send(const Batch& batch, Purpose /*purpose*/, std::int64_t deadline_steady_ns,
              Done done) override {
        write(batch, deadline_steady_ns, settings_.create_database, std::move(done));
    }

    void cancel() override { client_.cancel(); }

    void refused(std::string_view item, std::string_view reason) override {
        refusals_.add(item, reason, context_.time.steady_ns());
    }

private:
    void write(const Batch& batch, std::int64_t deadline_ns, bool may_create, Done done) {
        http::Request request;
        request.method = http::Method::post;
        request.target = target_;
        request.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
        request.body = batch.body;
        request.gzip = settings_.http.gzip;
        client_.send(std::move(request), deadline_ns,
                     [this, &batch, deadline_ns, may_create,
                      done = std::move(done)](const http::Result& result) {
                         if (may_create && lacks_database(result)) {
                             create_database(batch, deadline_ns, done);
                             return;
                         }
                         done(outcome_of(result, settings_.target, batch.items.size(),
                                         context_.time.wall_ns()));
                     });
    }

    // Then writes again, once.
    void create_database(const Batch& batch, std::int64_t deadline_ns, const Done& done) {
        http::Request request;
        request.method = http::Method::post;
        request.target = settings_.http.client.url.path + "/query";
        append_parameter("q", "CREATE DATABASE " + quoted(settings_.target.database),
                         request.target);
        client_.send(std::move(request), deadline_ns,
                     [this, &batch, deadline_ns, done](const http::Result& result) {
                         const std::string error = query_error(result);
                         if (!error.empty()) {
                             done({.verdict = result ? Verdict::hold : Verdict::retry,
                                   .reason = fmt::format("cannot create the database {}: {}",
                                                         settings_.target.database, error)});
                             return;
                         }
                         context_.log.info("sinks.{}: created the database {}", settings_.name,
                                           settings_.target.database);
                         write(batch, deadline_ns, false, done);
                     });
    }

    const HttpSettings settings_;
    const Context& context_;
    const std::string target_;
    Refusals refusals_;
    http::Client client_;
};

}  // namespace

std::string write_target(const HttpSettings& settings) {
    const Target& to = settings.target;
    std::string target = settings.http.client.url.path;
    if (to.version == Version::v1) {
        target += "/write";
        append_parameter("db", to.database, target);
        append_parameter("rp", to.retention_policy, target);
        append_parameter("consistency", settings.consistency, target);
    } else {
        target += "/api/v2/write";
        append_parameter("org", to.organisation, target);
        append_parameter("bucket", to.bucket, target);
    }
    append_parameter("precision", precision_word(settings.precision), target);
    return target;
}

std::unique_ptr<Transport> make_http_transport(HttpSettings settings, const Context& context) {
    return std::make_unique<HttpTransport>(std::move(settings), context);
}

}  // namespace pitot::sinks::influxdb
