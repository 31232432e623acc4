#include "sinks/prometheus/page_records.h"

#include <cassert>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "sinks/prometheus/common_ends.h"
#include "sinks/prometheus/value_text.h"
#include "sinks/text_writer.h"

namespace pitot::sinks::prometheus {
namespace {

using protocol::Kind;

constexpr std::size_t length_bytes_max = 10;
constexpr std::string_view nan_text = "NaN";
constexpr std::string_view created_part = "_created";

// The byte that begins a family.
constexpr unsigned kind_shift = 2;
constexpr unsigned kind_mask = 7;
constexpr unsigned type_mask = 3;
constexpr unsigned open_metrics_counter_bit = 1U << 5;

char* write_length(std::size_t length, char* at) {
    constexpr std::size_t more = 0x80;
    for (; length >= more; length >>= 7) *at++ = static_cast<char>(length | more);
    *at++ = static_cast<char>(length);
    return at;
}

// What `text` has that the one before it has not. The first length is told with `more` added.
char* write_difference(std::string_view text, std::string_view before, std::size_t more, char* at) {
    const std::size_t prefix = common_prefix(text, before);
    const std::size_t suffix = common_suffix(text.substr(prefix), before.substr(prefix));
    const std::string_view middle = text.substr(prefix, text.size() - prefix - suffix);
    at = write_length(suffix, write_length(prefix + more, at));
    return write_bytes(middle, write_length(middle.size(), at));
}

// What a series begins with: none of these is the end of the family.
constexpr std::size_t no_labels = 1;
constexpr std::size_t labels_begin = 2;

}  // namespace

void PageRecords::begin_family(const FamilyHeader& header) {
    text_bytes_ += header_bytes(header);
    type_ = header.type;
    name_bytes_ = header.name.size();
    const unsigned head = std::to_underlying(header.type) |
                          (unsigned{std::to_underlying(header.kind)} << kind_shift) |
                          (header.is_open_metrics_counter ? open_metrics_counter_bit : 0U);
    char* at = records_.room(1 + 3 * length_bytes_max + header.founder.size());
    *at++ = static_cast<char>(head);
    records_.wrote(write_difference(header.founder, last_founder_, 0, at));
    last_founder_ = header.founder;
}

void PageRecords::add_series(const Series& series) {
    const Lines& lines = layout_->lines.of(type_, series.rule);
    assert(lines.size() == series.values.size());
    text_bytes_ += lines.bytes(name_bytes_, series.labels.size());

    char* at =
        records_.room(2 * length_bytes_max + series.labels.size() + sizeof series.born_unix_ns +
                      series.values.size() * (number_bytes_max + 1));
    if (series.labels.empty()) {
        at = write_length(no_labels, at);
    } else {
        at = write_difference(series.labels, last_labels_, labels_begin, at);
        last_labels_ = series.labels;
    }
    if (type_ == FamilyType::histogram) at = write_length(series.rule, at);
    if (births_) {
        constexpr std::int64_t ns_per_ms = 1'000'000;
        const std::int64_t born_unix_ms = series.born_unix_ns / ns_per_ms;
        std::memcpy(at, &born_unix_ms, sizeof born_unix_ms);
        at += sizeof born_unix_ms;
    }
    for (const double value : series.values) {
        if (std::isnan(value)) {
            text_bytes_ += nan_text.size();
        } else {
            const char* const begin = at;
            at = write_value(value, at);
            text_bytes_ += static_cast<std::size_t>(at - begin);
        }
        *at++ = '\n';
    }
    records_.wrote(at);
}

void PageRecords::end_family(std::uint32_t /*points*/) {
    char* const at = records_.room(1);
    *at = 0;
    records_.wrote(at + 1);
}

// Steps through the records, piece by piece.
class PageRecords::Reader {
public:
    explicit Reader(const ByteChunks& records) : pieces_(records.pieces()) {}

    // At a family or at a series: whether there is more.
    bool has_more() {
        if (at_ == end_ && next_ < pieces_.size()) {
            at_ = pieces_[next_].data();
            end_ = at_ + pieces_[next_].size();
            ++next_;
        }
        return at_ != end_;
    }
    unsigned char byte() { return static_cast<unsigned char>(*at_++); }
    std::size_t length() {
        std::size_t length = 0;
        for (unsigned shift = 0;; shift += 7) {
            const std::size_t bits = byte();
            length |= (bits & 0x7f) << shift;
            if (bits < 0x80) return length;
        }
    }
    std::string_view bytes(std::size_t count) { return {std::exchange(at_, at_ + count), count}; }
    // After its first length: what write_difference() wrote, in place of the one before it.
    void replace_by_difference(std::size_t prefix, std::string& text) {
        const std::size_t suffix = length();
        const std::string_view middle = bytes(length());
        text.replace(prefix, text.size() - prefix - suffix, middle);
    }
    // Up to the line feed, which is taken too.
    std::string_view line() {
        const auto* const found =
            static_cast<const char*>(std::memchr(at_, '\n', static_cast<std::size_t>(end_ - at_)));
        const std::string_view line(at_, found);
        at_ = found + 1;
        return line;
    }

private:
    const std::vector<std::string_view> pieces_;
    std::size_t next_ = 0;
    const char* at_ = nullptr;
    const char* end_ = nullptr;
};

class PageRecords::Writer {
public:
    Writer(const PageRecords& page, Format format, ByteChunks& out)
        : page_(page), format_(format), out_(out), reader_(page.records_) {}

    void write_all() {
        while (reader_.has_more()) {
            write_header_of_next();
            while (reader_.has_more()) {
                const std::size_t first = reader_.length();
                if (first == 0) break;
                if (first != no_labels)
                    reader_.replace_by_difference(first - labels_begin, labels_);
                write_series(first == no_labels ? std::string_view() : labels_);
            }
        }
        if (format_ == Format::open_metrics) append("# EOF\n");
    }

private:
    void write_header_of_next() {
        const unsigned head = reader_.byte();
        header_.type = FamilyType{static_cast<std::uint8_t>(head & type_mask)};
        header_.kind = Kind{static_cast<std::uint8_t>((head >> kind_shift) & kind_mask)};
        header_.is_open_metrics_counter = (head & open_metrics_counter_bit) != 0;
        reader_.replace_by_difference(reader_.length(), founder_);
        header_.founder = founder_;
        write_family_name(header_.founder, header_.kind, page_.layout_->settings, name_);
        header_.name = name_;
        if (format_ == Format::text) {
            out_.wrote(write_header(header_, out_.room(header_bytes(header_))));
        } else {
            out_.wrote(write_open_metrics_header(
                header_, out_.room(open_metrics_header_bytes_max(header_))));
        }
    }

    void write_series(std::string_view labels) {
        const bool is_histogram = header_.type == FamilyType::histogram;
        const auto rule = is_histogram ? static_cast<std::uint32_t>(reader_.length()) : no_rule;
        std::int64_t born_unix_ms = 0;
        if (page_.births_) {
            std::memcpy(&born_unix_ms, reader_.bytes(sizeof born_unix_ms).data(),
                        sizeof born_unix_ms);
        }
        const Lines& lines = page_.layout_->lines.of(header_.type, rule);
        char* const room =
            out_.room(lines.bytes(name_.size(), labels.size()) + lines.size() * number_bytes_max);
        out_.wrote(lines.write(name_, labels, room, [this](std::size_t, char* at) {
            const std::string_view value = reader_.line();
            return write_bytes(value.empty() ? nan_text : value, at);
        }));
        if (page_.births_ && format_ == Format::open_metrics) {
            write_birth(labels, born_unix_ms);
        }
    }

    void write_birth(std::string_view labels, std::int64_t born_unix_ms) {
        std::string_view name = name_;
        if (header_.type == FamilyType::gauge) return;
        if (header_.type == FamilyType::counter) {
            if (!header_.is_open_metrics_counter) return;
            name.remove_suffix(std::string_view("_total").size());
        }
        constexpr double ms_per_s = 1000;
        line_ = name;
        line_ += created_part;
        if (!labels.empty()) {
            line_ += '{';
            line_ += labels;
            line_ += '}';
        }
        line_ += ' ';
        append_value(static_cast<double>(born_unix_ms) / ms_per_s, line_);
        line_ += '\n';
        append(line_);
    }

    void append(std::string_view bytes) { out_.wrote(write_bytes(bytes, out_.room(bytes.size()))); }

    const PageRecords& page_;
    const Format format_;
    ByteChunks& out_;
    Reader reader_;
    FamilyHeader header_;
    std::string founder_;  // of the family: its name as it is sent
    std::string name_;     // of the family
    std::string labels_;   // the last that were not empty
    std::string line_;
};

void PageRecords::write_text(ByteChunks& out) const {
    Writer(*this, Format::text, out).write_all();
}

void PageRecords::write_open_metrics(ByteChunks& out) const {
    Writer(*this, Format::open_metrics, out).write_all();
}

}  // namespace pitot::sinks::prometheus
