#include "sinks/influxdb/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "sinks/http/client.h"
#include "sinks/http/url.h"

namespace pitot::sinks::influxdb {
namespace {

constexpr std::string_view udp_scheme = "udp://";
constexpr std::uint64_t mebibyte = 1024 * 1024;

bool has_control_byte(std::string_view text) {
    return std::ranges::any_of(text, [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte < 0x20 || byte == 0x7f;
    });
}

void check_no_control_byte(std::string_view key, std::string_view text, Options& options) {
    if (has_control_byte(text)) {
        options.problem(key, "must not contain control characters, such as a line feed");
    }
}

// A tag that the operator names. `what` is the option.
void check_tag_name(std::string_view what, std::string_view name, Options& options) {
    constexpr std::array<std::string_view, 4> reserved{"time", "_field", "_measurement", "_time"};
    check_no_control_byte(what, name, options);
    if (std::ranges::find(reserved, name) != reserved.end()) {
        options.problem(what,
                        fmt::format("must not be \"{}\", which the server keeps for itself", name));
    }
    if (name.ends_with('\\')) {
        options.problem(what, "must not end with a backslash: the format cannot say it");
    }
}

KeySettings read_keys(Options& options, const Context& context) {
    constexpr std::array<std::string_view, 2> backslashes{"keep", "slash"};
    KeySettings keys;
    keys.host_name = context.host_name;
    keys.type_tag = options.text("type_tag", "metric_type");
    keys.host_tag = options.text("host_tag", "host");
    check_tag_name("type_tag", keys.type_tag, options);
    check_tag_name("host_tag", keys.host_tag, options);
    if (!keys.type_tag.empty() && keys.type_tag == keys.host_tag) {
        options.problem("host_tag", fmt::format("must not be type_tag too, got \"{}\" for both",
                                                keys.host_tag));
    }
    keys.tags = options.text_table("tags");
    for (const auto& [name, value] : keys.tags) {
        check_tag_name("tags", name, options);
        if (name.empty() || value.empty()) {
            options.problem("tags", "must have names and values that are not empty");
        }
        if (!name.empty() && (name == keys.type_tag || name == keys.host_tag)) {
            options.problem("tags", fmt::format("must not contain \"{}\", which type_tag or "
                                                "host_tag adds already",
                                                name));
        }
        check_no_control_byte("tags", value, options);
    }
    keys.slash_for_backslash = options.choice("backslash", 0, backslashes) == 1;
    return keys;
}

LineSettings read_lines(Options& options, const Context& context) {
    constexpr std::array<std::string_view, 3> precisions{"ns", "ms", "s"};
    LineSettings lines;
    lines.keys = read_keys(options, context);
    lines.precision = static_cast<Precision>(options.choice("precision", 0, precisions));
    lines.batch_lines_max =
        static_cast<std::size_t>(options.integer("batch_lines", 5'000, 1, 100'000));
    lines.has_events = options.boolean("events", true);
    lines.quantiles = context.quantiles;
    return lines;
}

// What only HTTP has, and "url" that says which.
void read_target(Options& options, Settings& settings) {
    Target& target = settings.http.target;
    const bool is_v1 = !target.database.empty();
    const bool is_v2 = !target.organisation.empty() || !target.bucket.empty();
    target.version = is_v2 ? Version::v2 : Version::v1;
    if (settings.is_udp) {
        if (is_v1 || is_v2) {
            options.problem(is_v1 ? "database" : "bucket",
                            "must not be set with a udp:// url: there the server's own "
                            "configuration names the database");
        }
        return;
    }
    if (is_v1 && is_v2) {
        options.problem("database",
                        "must not be set together with org and bucket: database is for version 1 "
                        "of InfluxDB, org and bucket are for version 2");
    } else if (!is_v1 && !is_v2) {
        options.problem("database",
                        "must be set for version 1 of InfluxDB and for VictoriaMetrics, or org and "
                        "bucket for version 2, got neither");
    } else if (is_v2 && (target.organisation.empty() || target.bucket.empty())) {
        options.problem(target.bucket.empty() ? "bucket" : "org",
                        "must be set too: version 2 of InfluxDB wants both org and bucket");
    }
    const bool is_only_v2 = is_v2 && !is_v1;
    if (is_only_v2 && !target.retention_policy.empty()) {
        options.problem("retention_policy", "must not be set with a bucket, which has its own");
    }
    if (is_only_v2 && !settings.http.consistency.empty()) {
        options.problem("consistency", "must not be set with a bucket: it is of version 1");
    }
    if (is_only_v2 && settings.http.create_database) {
        options.problem("create_database", "must not be set with a bucket: create it beforehand");
    }
    const bool has_token = settings.http.http.client.authorization.reveal().starts_with("Token ");
    if (is_v1 && !is_v2 && has_token) {
        options.problem("token",
                        "must come with org and bucket; version 1 of InfluxDB has username and "
                        "password");
    }
}

void read_udp(std::string_view url, std::size_t datagram_bytes, Options& options,
              Settings& settings) {
    settings.udp.datagram_bytes_max = datagram_bytes;
    settings.lines.line_bytes_max = datagram_bytes;
    if (auto address = parse_udp_url(url)) {
        settings.udp.host = std::move(address->host);
        settings.udp.port = address->port;
    } else {
        options.problem("url", address.error());
    }
}

}  // namespace

std::expected<UdpAddress, std::string> parse_udp_url(std::string_view text) {
    const auto bad = [&] {
        // What stands before an '@', or behind a "?", may be a password.
        const bool has_secret = text.find_first_of("@?#") != std::string_view::npos;
        return std::unexpected(fmt::format(
            R"(must be "udp://", a host, ':' and a port, such as "udp://127.0.0.1:8089", got "{}")",
            has_secret ? "another text" : text));
    };
    if (!text.starts_with(udp_scheme)) return bad();
    const std::string_view authority = text.substr(udp_scheme.size());
    const std::size_t bracket = authority.find(']');
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    // Hosts and ports are those of any URL.
    const auto url = http::parse_url("http://" + std::string(authority));
    if (!url || !url->path.empty() || colon == std::string_view::npos) return bad();
    return UdpAddress{.host = url->host, .port = url->port};
}

Settings read_options(Options& options, const Context& context) {
    constexpr std::array<std::string_view, 5> consistencies{"", "any", "one", "quorum", "all"};
    Settings settings;
    const std::string url = options.optional_text("url").value_or("");
    settings.is_udp = url.starts_with(udp_scheme);
    settings.lines = read_lines(options, context);
    settings.http.name = options.name();
    settings.udp.name = options.name();
    settings.http.precision = settings.lines.precision;
    settings.http.target.database = options.optional_text("database").value_or("");
    settings.http.target.retention_policy = options.text("retention_policy", "");
    settings.http.consistency = consistencies[options.choice("consistency", 0, consistencies)];
    settings.http.create_database = options.boolean("create_database", false);
    settings.http.target.organisation = options.text("org", "");
    settings.http.target.bucket = options.text("bucket", "");
    const auto datagram_bytes = static_cast<std::size_t>(
        options.integer("datagram_bytes", 1'400, datagram_bytes_least, datagram_bytes_most));
    settings.queue_bytes_max = static_cast<std::size_t>(
        options.bytes("queue_bytes", 128 * mebibyte, mebibyte, 64 * 1024 * mebibyte));
    if (settings.is_udp) {
        read_udp(url, datagram_bytes, options, settings);
    } else {
        settings.http.http = http::read_http_options(
            options, {.gzip = true, .tokens = {{}, {.key = "token", .scheme = "Token"}}});
    }
    read_target(options, settings);
    return settings;
}

}  // namespace pitot::sinks::influxdb
