// Documents, one after the other, cut into batches by bytes and by number.
//
// The encoder appends a document to body() and says so; each document is an item of its
// batch, which delivery may send alone. A document that is larger than a batch may be goes
// into one of its own: whether the destination takes it is the destination's word.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sinks/batch.h"

namespace pitot::sinks::elasticsearch {

struct BatchLimits {
    std::size_t bytes = 1;  // below 2^31
    std::size_t documents = 1;
};

class DocumentBatches {
public:
    explicit DocumentBatches(BatchLimits limits) : limits_(limits) {}

    // `documents_max`: an upper bound for what follows, for memory to be got at once.
    void begin(std::uint64_t sequence, std::size_t documents_max, std::vector<Batch>& out) {
        out_ = &out;
        sequence_ = sequence;
        left_ = documents_max;
        open();
    }

    std::string& body() { return batch_.body; }

    // What was appended to body() since the last call is one document, and one point.
    void end_document() {
        if (batch_.body.size() > limits_.bytes && !batch_.items.empty()) move_last_to_next();
        batch_.items.push_back(
            {.end = static_cast<std::uint32_t>(batch_.body.size()), .points = 1});
        ++batch_.points;
        if (left_ > 0) --left_;
        if (batch_.items.size() == limits_.documents) {
            close();
            open();
        }
    }

    void end() {
        if (!batch_.items.empty()) close();
        batch_ = Batch();
    }

private:
    void open() {
        batch_ = Batch();
        batch_.sequence = sequence_;
        const std::size_t documents = std::min(left_, limits_.documents);
        batch_.items.reserve(documents);
        batch_.body.reserve(std::min(documents * (bytes_per_document_ + slack_bytes),
                                     limits_.bytes + bytes_per_document_));
    }
    void close() {
        bytes_per_document_ = batch_.body.size() / batch_.items.size();
        out_->push_back(std::move(batch_));
    }
    void move_last_to_next() {
        const std::size_t begin = batch_.items.back().end;
        std::string last = batch_.body.substr(begin);
        batch_.body.resize(begin);
        close();
        open();
        batch_.body += last;
    }

    // Documents differ; so much more than the mean of the last batch is got for each.
    static constexpr std::size_t slack_bytes = 16;

    BatchLimits limits_;
    std::vector<Batch>* out_ = nullptr;
    Batch batch_;
    std::uint64_t sequence_ = 0;
    std::size_t left_ = 0;
    std::size_t bytes_per_document_ = 256;
};

}  // namespace pitot::sinks::elasticsearch
