#include "sinks/prometheus/open_metrics.h"

#include "sinks/number_text.h"
#include "sinks/prometheus/family_header.h"

namespace pitot::sinks::prometheus {
namespace {

void append_header(const FamilyHeader& header, bool is_counter, std::string& out) {
    std::string_view name = header.name;
    std::string_view type = header.type;
    if (type == to_string(FamilyType::counter)) {
        constexpr std::string_view suffix = "_total";
        if (is_counter) {
            name.remove_suffix(suffix.size());
        } else {
            type = "unknown";
        }
    }
    for (const std::string_view piece :
         {std::string_view("# TYPE "), name, std::string_view(" "), type, std::string_view("\n")}) {
        out += piece;
    }
    if (header.kind == to_string(protocol::Kind::timer)) {
        out += "# UNIT ";
        out += name;
        out += " seconds\n";
    }
    for (const std::string_view piece :
         {std::string_view("# HELP "), name, std::string_view(" StatsD "), header.kind,
          std::string_view(" ")}) {
        out += piece;
    }
    // Escaped as the other form has it, which leaves the quotes.
    for (const char character : header.escaped_founder) {
        if (character == '"') out += '\\';
        out += character;
    }
    out += '\n';
}

}  // namespace

void OpenMetricsText::begin_family(const Family& family, std::string_view header) {
    is_counter_ = family.is_open_metrics_counter;
    if (created_) append_header(read_family_header(header), is_counter_, own_);
}

void OpenMetricsText::add_created(const Family& family, std::string_view labels,
                                  std::string_view lines, std::int64_t born_unix_ns) {
    own_ += lines;
    std::string_view name = family.name;
    if (family.type == FamilyType::gauge) return;
    if (family.type == FamilyType::counter) {
        if (!is_counter_) return;
        name.remove_suffix(std::string_view("_total").size());
    }
    own_ += name;
    own_ += "_created";
    if (!labels.empty()) {
        own_ += '{';
        own_ += labels;
        own_ += '}';
    }
    own_ += ' ';
    constexpr std::int64_t ns_per_ms = 1'000'000;
    constexpr double ms_per_s = 1000;
    const std::int64_t born_unix_ms = born_unix_ns / ns_per_ms;
    append_number(static_cast<double>(born_unix_ms) / ms_per_s, own_);
    own_ += '\n';
}

void OpenMetricsText::end_family(std::size_t text_end) {
    if (created_) return;
    ends_.push_back(static_cast<std::uint32_t>(text_end));
    are_counters_.push_back(is_counter_);
}

void OpenMetricsText::finish() {
    if (created_) own_ += "# EOF\n";
}

void OpenMetricsText::make(std::string_view text, OpenMetricsForm& out) const {
    out.own_.clear();
    out.pieces_.clear();
    if (created_) {
        out.pieces_.push_back(own_);
        return;
    }
    // Pieces are views: all that they view is written first.
    std::vector<std::size_t> own_ends;
    own_ends.reserve(ends_.size());
    std::size_t begin = 0;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        append_header(read_family_header(text.substr(begin, ends_[i] - begin)), are_counters_[i],
                      out.own_);
        own_ends.push_back(out.own_.size());
        begin = ends_[i];
    }
    out.own_ += "# EOF\n";

    out.pieces_.reserve(2 * ends_.size() + 1);
    const std::string_view own(out.own_);
    std::size_t own_begin = 0;
    begin = 0;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        const std::string_view family = text.substr(begin, ends_[i] - begin);
        out.pieces_.push_back(own.substr(own_begin, own_ends[i] - own_begin));
        out.pieces_.push_back(family.substr(read_family_header(family).bytes));
        own_begin = own_ends[i];
        begin = ends_[i];
    }
    out.pieces_.push_back(own.substr(own_begin));
}

}  // namespace pitot::sinks::prometheus
