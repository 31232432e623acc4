// Lines into batches: begins a batch where one is full, counts each line's points, and takes
// back what is too long or has no field.
//
//     lines.begin(key);
//     lines.number("delta=", 3);
//     lines.end(stamp, 1, lost);
//
// Used by the encoder only; a flush spends most of its time here.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "sinks/batch.h"
#include "sinks/influxdb/line_key.h"
#include "sinks/influxdb/line_protocol.h"
#include "sinks/ledger.h"
#include "sinks/number_text.h"

namespace pitot::sinks::influxdb {

class LineWriter {
public:
    // Both outlive the writer.
    LineWriter(const LineSettings& settings, std::vector<Batch>& batches, std::uint64_t sequence)
        : settings_(settings), batches_(batches), sequence_(sequence) {}

    void begin(std::string_view key) {
        if (batches_.empty() || batches_.back().items.size() >= settings_.batch_lines_max ||
            batches_.back().body.size() >= batch_bytes_max) {
            open_batch();
        }
        Batch& batch = batches_.back();
        begin_ = batch.body.size();
        has_fields_ = false;
        batch.body += key;
    }

    // `name` with its '='. Nothing, for what the format has no number for.
    void number(std::string_view name, double value) {
        if (!std::isfinite(value)) return;
        append_number(value, field(name));
    }
    void text(std::string_view name, std::string_view value) {
        append_string_field(value, field(name));
    }

    // The line stands for so many points of the Snapshot.
    void end(std::int64_t stamp, std::uint32_t points, Losses& lost) {
        if (stamp != stamp_) {
            stamp_ = stamp;
            stamp_text_ = " ";
            append_integer(stamp, stamp_text_);
            stamp_text_ += '\n';
        }
        Batch& batch = batches_.back();
        batch.body += stamp_text_;
        const bool is_too_long = batch.body.size() - begin_ > settings_.line_bytes_max;
        if (!has_fields_ || is_too_long) {
            batch.body.resize(begin_);
            lost[is_too_long ? LossReason::too_large : LossReason::rejected] += points;
            return;
        }
        batch.items.push_back(
            {.end = static_cast<std::uint32_t>(batch.body.size()), .points = points});
        batch.points += points;
    }

    // Drops the last batch where no line was left in it.
    void finish() {
        if (!batches_.empty() && batches_.back().items.empty()) batches_.pop_back();
    }

private:
    void open_batch() {
        finish();
        // As much as the one before: it is likely to have the same kind of lines.
        const std::size_t bytes = batches_.empty() ? 0 : batches_.back().body.size();
        Batch& batch = batches_.emplace_back();
        batch.body.reserve(bytes + bytes / 16);
        batch.items.reserve(batches_.size() == 1 ? 0 : settings_.batch_lines_max);
        batch.sequence = sequence_;
    }

    std::string& field(std::string_view name) {
        std::string& body = batches_.back().body;
        body += has_fields_ ? ',' : ' ';
        has_fields_ = true;
        body += name;
        return body;
    }

    const LineSettings& settings_;
    std::vector<Batch>& batches_;
    std::uint64_t sequence_;
    std::size_t begin_ = 0;  // of the present line
    bool has_fields_ = false;
    std::int64_t stamp_ = std::numeric_limits<std::int64_t>::min();
    std::string stamp_text_;
};

}  // namespace pitot::sinks::influxdb
