// Elasticsearch, as far as the sink sees it: strict about bulk requests, with a memory, and with
// the faults that a healthy server cannot be made to have.
//
//     SearchDouble search;
//     HttpDouble server;
//     server.answer_with([&](const auto& request) { return search.answer(request); });
//     search.fault({.times = 3, .status = 429, .type = "es_rejected_execution_exception"});
//     …
//     CHECK(search.documents("metrics-2026.08.01").size() == 4);
//     CHECK(search.complaints() == "");
//
// It answers GET / and PUT of /_index_template/NAME, GET /_data_stream/NAME, POST /INDEX/_mget
// for the indices before a data stream's present one, and POST /_bulk, as OpenSearch 2.19 and
// Elasticsearch 7.10 do: 201 and 409 by `_id`, 400 for a field whose type is another than before
// and for a document of a data stream without @timestamp, 404 in a data stream that nobody made.
// What no client may do (chunks, a missing last line feed, keys that the action line does not know,
// `_type`) is a complaint, and a 400 for the whole.
//
// Used by the tests of the sink and by the compliance test, from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_double.h"

namespace pitot::tests {

class SearchDouble {
public:
    // What becomes of documents instead of being stored.
    struct Fault {
        std::size_t times = 1;     // documents
        std::string holding = {};  // those that have this text in them
        unsigned status = 400;
        std::string type = "mapper_parsing_exception";
        std::string reason = "failed to parse";
    };
    enum class Style : std::uint8_t { plain, pretty, gzip };

    // The whole reply.
    std::string answer(const HttpDouble::Received& request);

    void fault(Fault fault);
    // More in a request, uncompressed, is answered with 413.
    void take_at_most(std::size_t body_bytes);
    void write(Style style);
    // No template is taken: 403 where the status says so, else 400.
    void refuse_templates(unsigned status);
    void put_template(const std::string& name, const std::string& text);
    // What comes for this data stream from now on goes into its next index.
    void roll_over(const std::string& name);
    // From now on 403 for whoever asks what is stored.
    void refuse_readers();
    // As where somebody deletes everything.
    void forget_everything();

    // By id, the source as it came.
    std::map<std::string, std::string> documents(const std::string& index) const;
    std::size_t document_count() const;
    // "" when there is none.
    std::string index_template(const std::string& name) const;
    std::size_t templates_put() const;
    // Documents that were there already.
    std::size_t conflicts() const;
    std::string complaints() const;

private:
    struct Item {
        unsigned status = 201;
        std::string type = {};
        std::string reason = {};
    };

    std::string answer_bulk(const HttpDouble::Received& request);
    std::string answer_template(const HttpDouble::Received& request, const std::string& name);
    std::string answer_data_stream(const std::string& name) const;
    std::string answer_documents(const HttpDouble::Received& request,
                                 const std::string& index) const;
    std::optional<Item> store(std::string_view action, std::string_view source);
    std::optional<Item> take_fault(std::string_view source);
    bool is_made_by_template(const std::string& index, bool& makes_data_stream) const;
    std::string bad(const std::string& what);
    std::string styled(const std::string& body) const;

    mutable std::mutex mutex_;
    std::deque<Fault> faults_;
    std::size_t body_bytes_max_ = static_cast<std::size_t>(-1);
    Style style_ = Style::plain;
    unsigned template_refusal_ = 0;
    std::map<std::string, std::string> templates_;
    std::size_t templates_put_ = 0;
    std::size_t conflicts_ = 0;
    std::map<std::string, std::map<std::string, std::string>> indices_;
    // Of data streams, before the present one; by name.
    std::map<std::string, std::map<std::string, std::string>> earlier_;
    std::map<std::string, std::vector<std::string>> generations_;  // stream → their names
    bool refuses_readers_ = false;
    std::map<std::string, std::map<std::string, std::string>> fields_;  // index → path → type
    std::string complaints_;
};

}  // namespace pitot::tests
