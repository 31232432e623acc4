// [[outputs.NAME]] of a telegraf.conf: those that pitot has a sink for. What their settings
// mean: plugins/outputs/*/README.md in https://github.com/influxdata/telegraf.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/config/toml_text.h"
#include "agent/migrate/migration.h"
#include "agent/migrate/telegraf.h"
#include "agent/printable.h"
#include "sinks/elasticsearch/target_index.h"
#include "sinks/http/listen_address.h"
#include "sinks/http/url.h"

namespace pitot::agent {

namespace {

// What a sink's option `timeout` may be, in seconds.
constexpr double timeout_least_s = 0.1;
constexpr double timeout_most_s = 300;

constexpr std::string_view own_batches = "each interval is sent when it ends, in batches";

constexpr std::array influxdb_reasons{
    Reason{"user_agent", "pitot says its own name"},
    Reason{"http_proxy", "pitot asks no proxy"},
    Reason{"http_headers", "values of headers may be secrets: see `headers` of the sink"},
    Reason{"database_tag", "a sink has one database"},
    Reason{"bucket_tag", "a sink has one bucket"},
    Reason{"exclude_database_tag", "a sink has one database"},
    Reason{"exclude_bucket_tag", "a sink has one bucket"},
    Reason{"retention_policy_tag", "a sink has one retention policy"},
    Reason{"exclude_retention_policy_tag", "a sink has one retention policy"},
    Reason{"influx_uint_support", "all numbers are floating-point"},
    Reason{"metric_batch_size", own_batches},
    Reason{"metric_buffer_limit", "see `queue_bytes` of the sink"},
};

constexpr std::string_view own_template = "pitot's template is of its own fields";
constexpr std::array elasticsearch_reasons{
    Reason{"template_name", own_template},
    Reason{"overwrite_template", own_template},
    Reason{"template_index", own_template},
    Reason{"health_check_interval", "pitot learns of it by sending"},
    Reason{"health_check_timeout", "pitot learns of it by sending"},
    Reason{"enable_sniffer", "a sink has one address"},
    Reason{"float_handling", "what is no number is left out of a document"},
    Reason{"force_document_id", "documents always have an id made of what they hold"},
    Reason{"metric_batch_size", own_batches},
    Reason{"metric_buffer_limit", "see `queue_bytes` of the sink"},
};

constexpr std::array prometheus_reasons{
    Reason{"metric_version", "there is one form of names and labels"},
    Reason{"expiration_interval", "see [expiry], which holds for all sinks"},
    Reason{"collectors_exclude", "there are no metrics of Go's runtime"},
    Reason{"string_as_label", "there are no fields that are texts"},
    Reason{"export_timestamp", "the scraper's time counts"},
    Reason{"ip_range", "see bearer_token of the sink"},
    Reason{"basic_username", "see bearer_token of the sink"},
    Reason{"tls_cert", "the page is not served by TLS"},
    Reason{"tls_key", "the page is not served by TLS"},
    Reason{"tls_allowed_cacerts", "the page is not served by TLS"},
    Reason{"read_timeout", "it is fixed"},
    Reason{"write_timeout", "it is fixed"},
};

// An address that pitot takes, of one that may hold a user's name, a password and a query.
// Those are told of, without what they say.
class Address {
public:
    Address(Telegraf& telegraf, const std::string& section, std::string text)
        : text_(std::move(text)) {
        const std::size_t scheme = text_.find("://");
        const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
        if (const std::size_t query = text_.find_first_of("?#", begin);
            query != std::string::npos) {
            text_.erase(query);
            telegraf.migration.note(fmt::format(
                "{}.url: what stood behind \"?\" may be a secret and was not copied: pitot has "
                "options for a user, a password and the like",
                section));
        }
        // A password may hold an '@' itself.
        if (const std::size_t at = text_.rfind('@'); at != std::string::npos && at >= begin) {
            const std::string user = text_.substr(begin, at - begin);
            const std::size_t colon = user.find(':');
            // Alone it may be a token.
            if (colon != std::string::npos) user_ = user.substr(0, colon);
            text_.erase(begin, at + 1 - begin);
            telegraf.migration.note(fmt::format(
                "{}.url: what stood before \"@\" is a secret and was not copied: write password = "
                "{{ credential = \"…\" }} or {{ file = \"…\" }} beside username",
                section));
        }
    }

    const std::string& text() const { return text_; }
    const std::string& user() const { return user_; }
    bool is_udp() const { return text_.starts_with("udp://"); }
    // Whether the options of TLS have a meaning; behind a reference they may have.
    bool may_be_https() const { return text_.starts_with("https") || text_.starts_with('$'); }
    // What references come to is not known here.
    bool is_good() const {
        return is_udp() || has_references(text_) || sinks::http::parse_url(text_).has_value();
    }

private:
    std::string text_;
    std::string user_;
};

Address take_address(Telegraf& telegraf, PluginTable& plugin, const std::string& section,
                     const std::string& fallback) {
    auto urls = plugin.first_text("urls");
    if (const auto url = plugin.first_text("url"); url && !urls) urls = url;
    Address address(telegraf, section, urls.value_or(fallback));
    if (address.is_good()) return address;
    telegraf.migration.note(fmt::format(
        "{}.url: the address there is none that pitot can send to; give another", section));
    return {telegraf, section, fallback};
}

// The options that every sink with a url of HTTP has.
void migrate_http(Telegraf& telegraf, PluginTable& plugin, const std::string& section,
                  const Address& address) {
    Migration& migration = telegraf.migration;
    plugin.copy_duration("timeout", section, "timeout", timeout_least_s, timeout_most_s);
    const auto encoding = plugin.text("content_encoding");
    if (encoding) migration.set(section, "gzip", *encoding == "gzip" ? "true" : "false");
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> texts{
        {{"tls_ca", "tls_ca_file"},
         {"tls_cert", "tls_certificate_file"},
         {"tls_key", "tls_key_file"},
         {"tls_server_name", "tls_server_name"}}};
    if (address.may_be_https()) {
        for (const auto& [theirs, ours] : texts) {
            plugin.copy_text(theirs, section, std::string(ours));
        }
        plugin.ask_for_secret("tls_key_pwd", section, "tls_key_password");
        if (plugin.boolean("insecure_skip_verify") == true) {
            migration.set(section, "tls_verify", "false");
        }
        return;
    }
    for (const std::string_view key : {"tls_ca", "tls_cert", "tls_key", "tls_key_pwd",
                                       "tls_server_name", "insecure_skip_verify"}) {
        if (plugin.take(key)) plugin.no_counterpart(key, "the address is not one of https://");
    }
}

void migrate_user(Telegraf& telegraf, PluginTable& plugin, const std::string& section,
                  const Address& address) {
    plugin.copy_text("username", section, "username");
    if (!address.user().empty()) {
        telegraf.migration.set(section, "username", with_references(address.user()));
    }
    plugin.ask_for_secret("password", section, "password");
}

// What version 2 cannot do without; Telegraf asks for it as late as when it sends.
void migrate_required(Telegraf& telegraf, PluginTable& plugin, const std::string& section,
                      const std::string& theirs, const std::string& ours) {
    const std::string text = plugin.text(theirs).value_or("");
    telegraf.migration.set(section, ours, with_references(text),
                           text.empty() ? "fill this in" : "");
    if (!text.empty()) return;
    telegraf.migration.note(fmt::format(
        "{}.{}: there is no `{}`: fill it in; `pitot check` refuses the file until then", section,
        ours, theirs));
}

void migrate_version_1(Telegraf& telegraf, PluginTable& plugin, const std::string& section,
                       const Address& address) {
    Migration& migration = telegraf.migration;
    migration.set(section, "database",
                  with_references(plugin.text("database").value_or("telegraf")));
    plugin.copy_text("retention_policy", section, "retention_policy");
    constexpr std::array<std::string_view, 5> consistencies{"", "any", "one", "quorum", "all"};
    if (const auto wanted = plugin.text("write_consistency")) {
        if (std::ranges::find(consistencies, *wanted) != consistencies.end()) {
            migration.set(section, "consistency", toml_text(*wanted));
        } else {
            plugin.no_counterpart("write_consistency", "it is any, one, quorum or all");
        }
    }
    if (const auto skips = plugin.boolean("skip_database_creation")) {
        migration.set(section, "create_database", *skips ? "false" : "true");
    }
    migrate_user(telegraf, plugin, section, address);
}

void migrate_influxdb(Telegraf& telegraf, const std::string& name, const Table& table) {
    Migration& migration = telegraf.migration;
    PluginTable plugin(migration, "outputs." + name, table);
    if (!migration.has_sink("influxdb")) {
        return migration.no_counterpart("outputs." + name, "this pitot has no influxdb sink");
    }
    const std::string section = telegraf.next_sink("influxdb");
    migration.set(section, "type", "\"influxdb\"");
    const Address address = take_address(telegraf, plugin, section, "http://127.0.0.1:8086");
    migration.set(section, "url", with_references(address.text()));
    if (address.is_udp()) {
        for (const std::string_view key : {"database", "retention_policy"}) {
            if (plugin.take(key)) {
                plugin.no_counterpart(key,
                                      "by UDP the server's own configuration names the database");
            }
        }
        return plugin.explain_rest(influxdb_reasons);
    }
    if (name == "influxdb_v2") {
        migrate_required(telegraf, plugin, section, "organization", "org");
        migrate_required(telegraf, plugin, section, "bucket", "bucket");
        plugin.ask_for_secret("token", section, "token");
    } else {
        migrate_version_1(telegraf, plugin, section, address);
    }
    migrate_http(telegraf, plugin, section, address);
    plugin.explain_rest(influxdb_reasons);
}

void migrate_prometheus(Telegraf& telegraf, const Table& table) {
    Migration& migration = telegraf.migration;
    PluginTable plugin(migration, "outputs.prometheus_client", table);
    if (!migration.has_sink("prometheus")) {
        return migration.no_counterpart("outputs.prometheus_client",
                                        "this pitot has no prometheus sink");
    }
    const std::string section = telegraf.next_sink("prometheus");
    migration.set(section, "type", "\"prometheus\"");
    const std::string listen = plugin.text("listen").value_or(":9273");
    auto address =
        sinks::http::parse_listen_address(listen.starts_with(':') ? "*" + listen : listen);
    if (!address) {
        plugin.no_counterpart("listen",
                              fmt::format("\"{}\" is no address to listen at: names are not "
                                          "looked up",
                                          printable(listen)));
        address = sinks::http::ListenAddress{.host = "127.0.0.1", .port = 9273};
    } else if (!address->is_loopback()) {
        migration.note(
            fmt::format("{}.address: \"{}\" would be open to other machines, for "
                        "which a bearer_token is needed: set both, or scrape from this machine",
                        section, address->text()));
        address->host = "127.0.0.1";
    }
    migration.set(section, "address", toml_text(address->text()));
    plugin.copy_text("path", section, "path");
    if (plugin.take("basic_password")) {
        plugin.no_counterpart("basic_password", "it is a secret; see bearer_token of the sink");
    }
    plugin.explain_rest(prometheus_reasons);
}

void migrate_elasticsearch(Telegraf& telegraf, const std::string& name, const Table& table) {
    constexpr std::string_view index_default = "metrics-%Y.%m.%d";
    Migration& migration = telegraf.migration;
    PluginTable plugin(migration, "outputs." + name, table);
    if (!migration.has_sink("elasticsearch")) {
        return migration.no_counterpart("outputs." + name, "this pitot has no elasticsearch sink");
    }
    const std::string section = telegraf.next_sink("elasticsearch");
    migration.set(section, "type", "\"elasticsearch\"");
    const Address address = take_address(telegraf, plugin, section, "http://127.0.0.1:9200");
    migration.set(section, "url", with_references(address.text()));
    std::string index(index_default);
    if (const auto theirs = plugin.text("index_name")) {
        if (has_references(*theirs) || sinks::elasticsearch::TargetIndex::daily(*theirs)) {
            index = *theirs;
        } else {
            plugin.no_counterpart("index_name",
                                  "it is no name with %Y, %m, %d and %H; pitot's own was taken");
        }
    }
    migration.set(section, "index", with_references(index));
    if (const auto is_zipped = plugin.boolean("enable_gzip")) {
        migration.set(section, "gzip", *is_zipped ? "true" : "false");
    }
    if (const auto is_managed = plugin.boolean("manage_template")) {
        migration.set(section, "manage_template", *is_managed ? "true" : "false");
    }
    migrate_user(telegraf, plugin, section, address);
    plugin.ask_for_secret("auth_bearer_token", section, "bearer_token");
    migrate_http(telegraf, plugin, section, address);
    plugin.explain_rest(elasticsearch_reasons);
}

void migrate_file(Telegraf& telegraf, const Table& table) {
    PluginTable plugin(telegraf.migration, "outputs.file", table);
    const auto file = plugin.first_text("files");
    if (file && *file != "stdout") {
        plugin.no_counterpart("files", "pitot writes to no files");
        return plugin.explain_rest({});
    }
    telegraf.migration.set("sinks.console", "type", "\"console\"");
    telegraf.migration.set("sinks.console", "format", "\"json\"");
    constexpr std::array reasons{
        Reason{"data_format", "the console sink prints JSON of its own, or text"}};
    plugin.explain_rest(reasons);
}

}  // namespace

void migrate_telegraf_output(Telegraf& telegraf, const std::string& name, const Table& table) {
    if (name == "influxdb" || name == "influxdb_v2") return migrate_influxdb(telegraf, name, table);
    if (name == "prometheus_client") return migrate_prometheus(telegraf, table);
    if (name == "elasticsearch" || name == "opensearch") {
        return migrate_elasticsearch(telegraf, name, table);
    }
    if (name == "file") return migrate_file(telegraf, table);
    telegraf.migration.no_counterpart(
        "outputs." + name, "pitot has no destination like it; conf/pitot.toml shows those it has");
}

}  // namespace pitot::agent
