#include "tests/support/search_double.h"

#include <boost/json.hpp>
#include <utility>
#include <vector>

#include "sinks/glob.h"
#include "sinks/http/gunzip.h"
#include "sinks/http/gzip.h"

namespace pitot::tests {
namespace {

namespace json = boost::json;

constexpr std::string_view json_type = "Content-Type: application/json; charset=UTF-8";
constexpr std::size_t anything = static_cast<std::size_t>(-1) / 2;

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* const found = object.if_contains(key);
    return found != nullptr && found->is_string() ? json::value_to<std::string>(*found) : "";
}

std::string error_body(unsigned status, std::string_view type, std::string_view reason) {
    return json::serialize(
        json::object{{"error", {{"type", type}, {"reason", reason}, {"root_cause", json::array()}}},
                     {"status", status}});
}

// "number", "string" or "object" of each field, by its path. A list counts as its members.
void collect_types(const json::value& value, const std::string& path,
                   std::map<std::string, std::string>& out) {
    if (const json::object* const object = value.if_object()) {
        if (!path.empty()) out[path] = "object";
        for (const auto& [key, member] : *object) {
            collect_types(member, path.empty() ? std::string(key) : path + "." + std::string(key),
                          out);
        }
    } else if (const json::array* const list = value.if_array()) {
        for (const json::value& member : *list) collect_types(member, path, out);
    } else {
        out[path] = value.is_string() ? "string" : value.is_bool() ? "boolean" : "number";
    }
}

// Two lines for each item; the last one ends, too.
std::vector<std::string_view> lines_of(std::string_view body) {
    std::vector<std::string_view> lines;
    while (!body.empty()) {
        const std::size_t end = body.find('\n');
        lines.push_back(body.substr(0, end));
        body.remove_prefix(end + 1);
    }
    return lines;
}

}  // namespace

std::string SearchDouble::answer(const HttpDouble::Received& request) {
    const std::lock_guard lock(mutex_);
    constexpr std::string_view templates = "/_index_template/";
    constexpr std::string_view streams = "/_data_stream/";
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (path == "/_bulk" && request.method == "POST") return answer_bulk(request);
    if (path.starts_with(templates)) {
        return answer_template(request, path.substr(templates.size()));
    }
    if (path.starts_with(streams)) return answer_data_stream(path.substr(streams.size()));
    constexpr std::string_view documents = "/_mget";
    if (path.ends_with(documents) && request.method == "POST") {
        return answer_documents(request, path.substr(1, path.size() - 1 - documents.size()));
    }
    return bad("no handler found for uri [" + request.target + "]");
}

std::string SearchDouble::answer_template(const HttpDouble::Received& request,
                                          const std::string& name) {
    if (template_refusal_ != 0) {
        return reply(template_refusal_,
                     error_body(template_refusal_, "security_exception", "action is unauthorized"));
    }
    if (request.method == "GET") {
        const auto found = templates_.find(name);
        if (found == templates_.end()) {
            return reply(404, error_body(404, "resource_not_found_exception", "no such template"));
        }
        return reply(200, json::serialize(json::object{
                              {"index_templates",
                               {{{"name", name}, {"index_template", json::parse(found->second)}}}},
                          }));
    }
    const auto type = request.headers.find("content-type");
    if (request.method != "PUT" || type == request.headers.end() ||
        type->second != "application/json") {
        return bad("a template comes by PUT, as application/json");
    }
    boost::system::error_code error;
    if (!json::parse(request.body, error).is_object() || error) return bad("template");
    templates_[name] = request.body;
    ++templates_put_;
    return reply(200, R"({"acknowledged":true})");
}

std::string SearchDouble::answer_data_stream(const std::string& name) const {
    if (refuses_readers_) {
        return reply(403, error_body(403, "security_exception", "action is unauthorized"));
    }
    if (!indices_.contains(name)) {
        return reply(404, error_body(404, "index_not_found_exception", "no such index"));
    }
    json::array indices;
    if (const auto found = generations_.find(name); found != generations_.end()) {
        for (const std::string& earlier : found->second) {
            indices.push_back(json::object{{"index_name", earlier}});
        }
    }
    indices.push_back(json::object{{"index_name", ".ds-" + name + "-present"}});
    json::array streams;
    streams.push_back(json::object{{"name", name}, {"indices", indices}});
    return reply(200, json::serialize(json::object{{"data_streams", streams}}));
}

std::string SearchDouble::answer_documents(const HttpDouble::Received& request,
                                           const std::string& index) const {
    const auto there = earlier_.find(index);
    if (there == earlier_.end()) {
        return reply(404, error_body(404, "index_not_found_exception", "no such index"));
    }
    json::array documents;
    const json::value asked = json::parse(request.body);
    for (const json::value& id : asked.at("ids").as_array()) {
        const bool is_there = there->second.contains(json::value_to<std::string>(id));
        documents.push_back(json::object{{"_id", id}, {"found", is_there}});
    }
    return reply(200, json::serialize(json::object{{"docs", documents}}));
}

std::string SearchDouble::answer_bulk(const HttpDouble::Received& request) {
    const auto header = [&request](const std::string& name) {
        const auto found = request.headers.find(name);
        return found == request.headers.end() ? std::string() : found->second;
    };
    if (header("content-type") != "application/x-ndjson") return bad("Content-Type");
    std::string body = request.body;
    if (header("content-encoding") == "gzip") {
        auto plain = sinks::http::gunzip(body, anything);
        if (!plain) return bad("a body that is not gzip");
        body = *std::move(plain);
    }
    if (body.size() > body_bytes_max_) return reply(413, "");
    if (!body.ends_with('\n')) return bad("must be terminated by a newline [\\n]");
    const std::vector<std::string_view> lines = lines_of(body);
    if (lines.size() % 2 != 0) return bad("an action without a source");

    json::array items;
    bool has_errors = false;
    for (std::size_t i = 0; i < lines.size(); i += 2) {
        const std::optional<Item> item = store(lines[i], lines[i + 1]);
        if (!item) return bad("Malformed action/metadata line: " + std::string(lines[i]));
        json::object said{{"status", item->status}};
        if (item->status >= 300) {
            has_errors = true;
            said["error"] = {{"type", item->type}, {"reason", item->reason}};
        }
        items.push_back(json::object{{"create", std::move(said)}});
    }
    return styled(json::serialize(json::object{{"errors", has_errors}, {"items", items}}));
}

std::optional<SearchDouble::Item> SearchDouble::store(std::string_view action,
                                                      std::string_view source) {
    boost::system::error_code error;
    const json::value parsed = json::parse(action, error);
    if (error || !parsed.is_object() || parsed.as_object().size() != 1) return {};
    const json::value* const create = parsed.as_object().if_contains("create");
    if (create == nullptr || !create->is_object() || create->as_object().size() != 2) return {};
    const std::string index = text_of(create->as_object(), "_index");
    const std::string id = text_of(create->as_object(), "_id");
    if (index.empty() || id.empty() || id.size() > 512) return {};

    if (auto fault = take_fault(source)) return fault;
    const json::value document = json::parse(source, error);
    if (error || !document.is_object()) return Item{400, "mapper_parsing_exception", "JSON"};
    bool makes_data_stream = false;
    if (is_made_by_template(index, makes_data_stream) && makes_data_stream &&
        !document.as_object().contains("@timestamp")) {
        return Item{400, "mapper_parsing_exception", "data stream timestamp field is missing"};
    }
    if (indices_[index].contains(id)) {
        ++conflicts_;
        return Item{409, "version_conflict_engine_exception", "document already exists"};
    }
    std::map<std::string, std::string> types;
    collect_types(document, "", types);
    for (const auto& [path, type] : types) {
        const auto [known, is_new] = fields_[index].try_emplace(path, type);
        if (known->second != type) {
            return Item{400, "mapper_parsing_exception", "failed to parse field [" + path + "]"};
        }
    }
    indices_[index].emplace(id, source);
    return Item{};
}

std::optional<SearchDouble::Item> SearchDouble::take_fault(std::string_view source) {
    for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
        if (source.find(fault->holding) == std::string_view::npos) continue;
        const Item item{fault->status, fault->type, fault->reason};
        if (--fault->times == 0) faults_.erase(fault);
        return item;
    }
    return {};
}

bool SearchDouble::is_made_by_template(const std::string& index, bool& makes_data_stream) const {
    for (const auto& [name, text] : templates_) {
        const json::object one = json::parse(text).as_object();
        for (const json::value& pattern : one.at("index_patterns").as_array()) {
            if (!sinks::glob_matches(json::value_to<std::string>(pattern), index)) continue;
            makes_data_stream = one.contains("data_stream");
            return true;
        }
    }
    return false;
}

std::string SearchDouble::bad(const std::string& what) {
    complaints_ += what + "\n";
    return reply(400, error_body(400, "illegal_argument_exception", what));
}

std::string SearchDouble::styled(const std::string& body) const {
    std::string text = body;
    std::vector<std::string> headers{std::string(json_type)};
    if (style_ == Style::pretty) {
        text.clear();
        for (const char character : body) {
            text += character;
            if (character == ',' || character == '{' || character == ':') text += "\n  ";
        }
    } else if (style_ == Style::gzip) {
        text = sinks::http::gzip(body).value_or("");
        headers.emplace_back("Content-Encoding: gzip");
    }
    return reply(200, text, headers);
}

void SearchDouble::fault(Fault fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(std::move(fault));
}
void SearchDouble::take_at_most(std::size_t body_bytes) {
    const std::lock_guard lock(mutex_);
    body_bytes_max_ = body_bytes;
}
void SearchDouble::write(Style style) {
    const std::lock_guard lock(mutex_);
    style_ = style;
}
void SearchDouble::refuse_templates(unsigned status) {
    const std::lock_guard lock(mutex_);
    template_refusal_ = status;
}
void SearchDouble::put_template(const std::string& name, const std::string& text) {
    const std::lock_guard lock(mutex_);
    templates_[name] = text;
}
void SearchDouble::roll_over(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string>& generations = generations_[name];
    generations.push_back(".ds-" + name + "-" + std::to_string(generations.size() + 1));
    earlier_[generations.back()] = std::exchange(indices_[name], {});
}
void SearchDouble::refuse_readers() {
    const std::lock_guard lock(mutex_);
    refuses_readers_ = true;
}
void SearchDouble::forget_everything() {
    const std::lock_guard lock(mutex_);
    templates_.clear();
    indices_.clear();
    fields_.clear();
}

std::map<std::string, std::string> SearchDouble::documents(const std::string& index) const {
    const std::lock_guard lock(mutex_);
    const auto found = indices_.find(index);
    return found == indices_.end() ? std::map<std::string, std::string>() : found->second;
}
std::size_t SearchDouble::document_count() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& [name, documents] : indices_) count += documents.size();
    for (const auto& [name, documents] : earlier_) count += documents.size();
    return count;
}
std::string SearchDouble::index_template(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = templates_.find(name);
    return found == templates_.end() ? "" : found->second;
}
std::size_t SearchDouble::templates_put() const {
    const std::lock_guard lock(mutex_);
    return templates_put_;
}
std::size_t SearchDouble::conflicts() const {
    const std::lock_guard lock(mutex_);
    return conflicts_;
}
std::string SearchDouble::complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_;
}

}  // namespace pitot::tests
