// Which documents does a data stream have already, where the answer of an attempt was lost?
//
// Ids make a repeated `create` harmless within one index. A data stream that rolled over between
// the two attempts takes the second into its next index, beside the first: there, both count.
// So after an attempt whose end is unknown, and before the documents are sent again, the
// indices before the present one are asked for their ids; documents that are there are
// delivered. Asked are the last earlier_indices_max of them: a batch waits an hour at most,
// and that is room for several rollovers.
//
// GET by id (_mget) sees what was stored a moment ago; a search would not. It needs the
// privileges `read` and `view_index_metadata` on the data stream; without them a warning says
// so, and documents are sent unseen. A server that stores an attempt only after it was asked
// escapes this.
//
// Verified with OpenSearch 2.19.1. Used by transport.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "sinks/batch.h"
#include "sinks/context.h"
#include "sinks/http/client.h"
#include "sinks/outcome.h"

namespace pitot::sinks::elasticsearch {

inline constexpr std::size_t earlier_indices_max = 3;

// Io thread only.
class StoredBefore {
public:
    // Nothing: all documents may be sent. Else what the attempt came to; `partial` where some
    // are stored.
    using Done = std::function<void(std::optional<Outcome>)>;

    // `sink`: its name, for the log. `path`: of the url. All that is referred to outlives this.
    // Nothing else is under way on `client` between look() and its `done`.
    StoredBefore(std::string sink, std::string path, std::string data_stream, http::Client& client,
                 const Context& context);

    bool is_wanted() const { return is_wanted_; }
    // The end of an attempt to send documents is unknown.
    void want() { is_wanted_ = true; }
    // `batch` stays where it is; its items are documents. `done` is not called from inside
    // this call.
    void look(const Batch& batch, std::int64_t deadline_steady_ns, Done done);

private:
    void ask(http::Request request, std::function<void(const http::Response&)> then);
    void on_data_stream(const http::Response& answer);
    void ask_next_index();
    void on_documents(const http::Response& answer);
    void decide();
    void go_unseen(const http::Response& answer);
    void end(std::optional<Outcome> outcome);

    const std::string sink_;
    const std::string path_;
    const std::string data_stream_;
    http::Client& client_;
    const Context& context_;
    bool is_wanted_ = false;
    bool is_told_ = false;  // that it may not look
    const Batch* batch_ = nullptr;
    std::int64_t deadline_ns_ = 0;
    std::string ids_;                        // the request's body
    std::vector<std::string> to_ask_;        // indices; the last one is the next
    std::unordered_set<std::string> found_;  // ids
    Done done_;
};

// The parts of it that are pure.

// Of a document as the encoder writes it; "" where it is none.
std::string_view document_id_of(std::string_view item);
// Of an answer to GET /_data_stream/NAME: the indices before the present one, oldest first, no
// more than earlier_indices_max. Nothing when it is no such answer.
std::optional<std::vector<std::string>> earlier_indices(std::string_view body);
// Of an answer to _mget: the ids of documents that are there. Nothing when it is no such answer.
std::optional<std::vector<std::string>> ids_found(std::string_view body);

}  // namespace pitot::sinks::elasticsearch
