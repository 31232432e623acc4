#include "sinks/elasticsearch/index_template.h"

#include <boost/json/parse.hpp>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>

#include "sinks/json_writer.h"

namespace pitot::sinks::elasticsearch {
namespace {

namespace json = boost::json;

constexpr std::string_view mark = "pitot";  // _meta.managed_by

// Beside them percentiles (p50, p99_9, …), which dynamic templates make doubles.
constexpr std::array<std::string_view, 11> number_fields{
    "delta", "rate", "total", "value", "unique", "count", "sum", "min", "max", "mean", "stddev"};

void field_of_type(std::string_view name, std::string_view type, JsonWriter& out) {
    out.key(name);
    out.begin_object();
    out.field("type", type);
    out.end_object();
}

void keyword_type(JsonWriter& out) {
    out.begin_object();
    out.field("type", "keyword");
    out.key("ignore_above");
    out.integer(keyword_length_max);
    out.end_object();
}

void keyword_field(std::string_view name, JsonWriter& out) {
    out.key(name);
    keyword_type(out);
}

void begin_object_field(std::string_view name, JsonWriter& out) {
    out.key(name);
    out.begin_object();
    out.key("properties");
    out.begin_object();
}

void end_object_field(JsonWriter& out) {
    out.end_object();
    out.end_object();
}

// Fields that are not in the list below: labels, percentiles.
void dynamic_templates(JsonWriter& out) {
    out.key("dynamic_templates");
    out.begin_array();
    for (const std::string_view type : {"string", "long", "double"}) {
        out.begin_object();
        out.key(type);
        out.begin_object();
        out.field("match_mapping_type", type);
        out.key("mapping");
        if (type == "string") {
            keyword_type(out);
        } else {
            out.begin_object();
            out.field("type", "double");
            out.end_object();
        }
        out.end_object();
        out.end_object();
    }
    out.end_array();
}

void properties(JsonWriter& out) {
    out.key("properties");
    out.begin_object();
    field_of_type("@timestamp", "date", out);
    begin_object_field("host", out);
    keyword_field("name", out);
    end_object_field(out);
    begin_object_field("metric", out);
    keyword_field("name", out);
    keyword_field("type", out);
    end_object_field(out);
    field_of_type("labels", "object", out);
    for (const std::string_view name : number_fields) field_of_type(name, "double", out);

    begin_object_field("event", out);
    field_of_type("title", "text", out);
    field_of_type("text", "text", out);
    for (const std::string_view name :
         {"priority", "alert_type", "aggregation_key", "source_type"}) {
        keyword_field(name, out);
    }
    end_object_field(out);
    begin_object_field("check", out);
    keyword_field("status", out);
    field_of_type("code", "integer", out);
    field_of_type("message", "text", out);
    end_object_field(out);
    begin_object_field("origin", out);
    for (const std::string_view name :
         {"container_id", "cgroup_inode", "external_data", "cardinality"}) {
        keyword_field(name, out);
    }
    end_object_field(out);
    out.end_object();
}

// Of the template without its mark; tells two configurations of one version apart.
std::string fingerprint_of(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (XXH64_hash_t hash = XXH3_64bits(text.data(), text.size()); out.size() < 16; hash <<= 4U) {
        out += digits[hash >> 60U];
    }
    return out;
}

std::string body_of(const TargetIndex& target, const TemplateSettings& settings,
                    std::string_view fingerprint) {
    std::string text;
    JsonWriter out(text);
    out.begin_object();
    out.key("index_patterns");
    out.begin_array();
    out.text(target.wildcard());
    out.end_array();
    if (target.is_data_stream()) {
        out.key("data_stream");
        out.begin_object();
        out.end_object();
    }
    out.key("priority");
    out.integer(settings.priority);
    out.key("version");
    out.integer(template_version);
    out.key("_meta");
    out.begin_object();
    out.field("managed_by", mark);
    out.field("fingerprint", fingerprint);
    out.end_object();
    out.key("template");
    out.begin_object();
    out.key("settings");
    out.begin_object();
    out.key("number_of_shards");
    out.integer(settings.shards);
    if (settings.replicas) {
        out.key("number_of_replicas");
        out.integer(*settings.replicas);
    }
    out.end_object();
    out.key("mappings");
    out.begin_object();
    out.key("date_detection");
    out.boolean(false);
    out.key("numeric_detection");
    out.boolean(false);
    dynamic_templates(out);
    properties(out);
    out.end_object();
    out.end_object();
    out.end_object();
    return text;
}

const json::object* object_at(const json::object* object, std::string_view key) {
    if (object == nullptr) return nullptr;
    const json::value* const found = object->if_contains({key.data(), key.size()});
    return found == nullptr ? nullptr : found->if_object();
}

std::string_view text_at(const json::object* object, std::string_view key) {
    if (object == nullptr) return {};
    const json::value* const found = object->if_contains({key.data(), key.size()});
    if (found == nullptr || !found->is_string()) return {};
    return {found->get_string().data(), found->get_string().size()};
}

// {"index_templates":[{"name":"…","index_template":{…}}]}
const json::object* template_named(const json::value& answer, std::string_view name) {
    const json::object* const object = answer.if_object();
    const json::value* const list =
        object == nullptr ? nullptr : object->if_contains("index_templates");
    if (list == nullptr || !list->is_array()) return nullptr;
    for (const json::value& entry : list->get_array()) {
        const json::object* const one = entry.if_object();
        if (text_at(one, "name") == name) return object_at(one, "index_template");
    }
    return nullptr;
}

}  // namespace

std::string template_text(const TargetIndex& target, const TemplateSettings& settings) {
    return body_of(target, settings, fingerprint_of(body_of(target, settings, "")));
}

TemplateFinding find_template(std::string_view answer, std::string_view name,
                              std::string_view text) {
    boost::system::error_code error;
    const json::value parsed = json::parse({answer.data(), answer.size()}, error);
    if (error) return {};
    const json::object* const there = template_named(parsed, name);
    if (there == nullptr) return {};
    TemplateFinding finding;
    finding.makes_data_streams = there->contains("data_stream");
    const json::object* const meta = object_at(there, "_meta");
    if (text_at(meta, "managed_by") != mark) {
        finding.found = FoundTemplate::foreign;
        return finding;
    }
    const json::value* const version = there->if_contains("version");
    const std::int64_t their_version =
        version != nullptr && version->is_int64() ? version->get_int64() : 0;
    const std::string mine =
        R"("fingerprint":")" + std::string(text_at(meta, "fingerprint")) + "\"";
    if (their_version < template_version) {
        finding.found = FoundTemplate::older;
    } else if (their_version == template_version && text.find(mine) == std::string_view::npos) {
        finding.found = FoundTemplate::other;
    } else {
        finding.found = FoundTemplate::current;
    }
    return finding;
}

}  // namespace pitot::sinks::elasticsearch
