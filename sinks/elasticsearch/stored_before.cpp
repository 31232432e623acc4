#include "sinks/elasticsearch/stored_before.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <utility>

#include "sinks/elasticsearch/bulk_answer.h"
#include "sinks/http/classify.h"

namespace pitot::sinks::elasticsearch {
namespace {

namespace json = boost::json;

const json::value* member(const json::value* value, std::string_view key) {
    const json::object* const object = value == nullptr ? nullptr : value->if_object();
    return object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
}

const json::array* list(const json::value* value) {
    return value == nullptr ? nullptr : value->if_array();
}

std::optional<json::value> parsed(std::string_view body) {
    boost::system::error_code error;
    json::value value = json::parse({body.data(), body.size()}, error);
    if (error) return {};
    return value;
}

// {"ids":["…","…"]}; ids have no character that JSON escapes.
std::string ids_body(const Batch& batch) {
    std::string body = R"({"ids":[)";
    for (std::size_t i = 0; i < batch.items.size(); ++i) {
        if (i > 0) body += ',';
        body += fmt::format("\"{}\"", document_id_of(item_bytes(batch, i)));
    }
    body += "]}";
    return body;
}

}  // namespace

std::string_view document_id_of(std::string_view item) {
    constexpr std::string_view before = R"("_id":")";
    const std::string_view action = item.substr(0, item.find('\n'));
    const std::size_t at = action.find(before);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = action.substr(at + before.size());
    return rest.substr(0, rest.find('"'));
}

std::optional<std::vector<std::string>> earlier_indices(std::string_view body) {
    const std::optional<json::value> answer = parsed(body);
    const json::array* const streams = list(member(answer ? &*answer : nullptr, "data_streams"));
    if (streams == nullptr || streams->empty()) return {};
    const json::array* const indices = list(member(&streams->front(), "indices"));
    if (indices == nullptr) return {};
    std::vector<std::string> names;
    for (const json::value& index : *indices) {
        const json::value* const name = member(&index, "index_name");
        if (name == nullptr || !name->is_string()) return {};
        names.emplace_back(name->get_string());
    }
    // The last one is that which is written to.
    if (!names.empty()) names.pop_back();
    if (names.size() > earlier_indices_max) {
        names.erase(names.begin(), names.end() - earlier_indices_max);
    }
    return names;
}

std::optional<std::vector<std::string>> ids_found(std::string_view body) {
    const std::optional<json::value> answer = parsed(body);
    const json::array* const documents = list(member(answer ? &*answer : nullptr, "docs"));
    if (documents == nullptr) return {};
    std::vector<std::string> ids;
    for (const json::value& document : *documents) {
        const json::value* const id = member(&document, "_id");
        const json::value* const found = member(&document, "found");
        // Of one that could not be looked at, an error is there instead.
        if (id == nullptr || !id->is_string() || found == nullptr || !found->is_bool()) return {};
        if (found->get_bool()) ids.emplace_back(id->get_string());
    }
    return ids;
}

StoredBefore::StoredBefore(std::string sink, std::string path, std::string data_stream,
                           http::Client& client, const Context& context)
    : sink_(std::move(sink)),
      path_(std::move(path)),
      data_stream_(std::move(data_stream)),
      client_(client),
      context_(context) {}

void StoredBefore::look(const Batch& batch, std::int64_t deadline_steady_ns, Done done) {
    batch_ = &batch;
    deadline_ns_ = deadline_steady_ns;
    done_ = std::move(done);
    found_.clear();
    ask({.target = path_ + "/_data_stream/" + data_stream_ +
                   "?filter_path=data_streams.indices.index_name"},
        [this](const http::Response& answer) { on_data_stream(answer); });
}

// No answer, and answers that only mean "not now", are what the attempt came to.
void StoredBefore::ask(http::Request request, std::function<void(const http::Response&)> then) {
    request.headers.emplace_back("Accept-Encoding", "identity");
    request.body_bytes_max = bulk_answer_bytes_max;
    client_.send(std::move(request), deadline_ns_,
                 [this, then = std::move(then)](const http::Result& result) {
                     Outcome outcome = http::classify(result, context_.time.wall_ns());
                     if (!result || outcome.verdict == Verdict::retry ||
                         outcome.verdict == Verdict::throttle || result->status == 401) {
                         end(std::move(outcome));
                     } else {
                         then(*result);
                     }
                 });
}

void StoredBefore::on_data_stream(const http::Response& answer) {
    if (answer.status == 404) {
        // Nor is there anything in it.
        decide();
        return;
    }
    auto indices = answer.status == 200 ? earlier_indices(answer.body) : std::nullopt;
    if (!indices) {
        go_unseen(answer);
        return;
    }
    to_ask_ = *std::move(indices);
    if (!to_ask_.empty()) ids_ = ids_body(*batch_);
    ask_next_index();
}

void StoredBefore::ask_next_index() {
    if (to_ask_.empty()) {
        decide();
        return;
    }
    const std::string index = std::move(to_ask_.back());
    to_ask_.pop_back();
    ask({.method = http::Method::post,
         .target = path_ + "/" + index + "/_mget?_source=false&filter_path=docs._id,docs.found",
         .headers = {{"Content-Type", "application/json"}},
         .body = ids_},
        [this](const http::Response& answer) { on_documents(answer); });
}

void StoredBefore::on_documents(const http::Response& answer) {
    // 404: the index was deleted meanwhile, and what was in it.
    auto ids = answer.status == 200   ? ids_found(answer.body)
               : answer.status == 404 ? std::optional(std::vector<std::string>())
                                      : std::nullopt;
    if (!ids) {
        go_unseen(answer);
        return;
    }
    for (std::string& id : *ids) found_.insert(std::move(id));
    ask_next_index();
}

void StoredBefore::decide() {
    is_wanted_ = false;
    if (found_.empty()) {
        end(std::nullopt);
        return;
    }
    Outcome outcome{.verdict = Verdict::partial};
    std::size_t stored = 0;
    for (std::size_t i = 0; i < batch_->items.size(); ++i) {
        const bool is_there = found_.contains(std::string(document_id_of(item_bytes(*batch_, i))));
        stored += is_there ? 1 : 0;
        outcome.items.push_back(is_there ? ItemVerdict::delivered : ItemVerdict::retry);
    }
    outcome.reason = fmt::format(
        "{} of {} documents were stored by an attempt whose answer was lost, in an index of the "
        "data stream before the present one",
        stored, batch_->items.size());
    end(std::move(outcome));
}

void StoredBefore::go_unseen(const http::Response& answer) {
    if (!is_told_) {
        context_.log.warn(
            "sinks.{}: after a lost answer it cannot be seen which documents the data stream {} "
            "has: {} ({}). They are sent again; were it to roll over meanwhile, it would have some "
            "twice. Grant read and view_index_metadata on it",
            sink_, data_stream_, answer.status, error_text(answer.body, answer.redaction.get()));
    }
    is_told_ = true;
    is_wanted_ = false;
    end(std::nullopt);
}

// A copy is called: it may begin anew, or throw and be told of that by way of the client.
void StoredBefore::end(std::optional<Outcome> outcome) {
    to_ask_.clear();
    const Done done = done_;
    done(std::move(outcome));
}

}  // namespace pitot::sinks::elasticsearch
