#include "sinks/prometheus/open_metrics.h"

#include "sinks/number_text.h"

namespace pitot::sinks::prometheus {

void OpenMetricsText::begin_family(const Family& family, std::size_t text_begin) {
    own_ += family.open_metrics_header;
    cuts_.push_back({.own_end = own_.size(), .text_begin = text_begin, .text_end = text_begin});
}

void OpenMetricsText::add_created(const Family& family, std::string_view labels,
                                  std::string_view lines, std::int64_t born_unix_ns) {
    own_ += lines;
    if (family.created_name.empty()) return;
    constexpr std::int64_t ns_per_ms = 1'000'000;
    constexpr double ms_per_s = 1000;
    own_ += family.created_name;
    if (!labels.empty()) {
        own_ += '{';
        own_ += labels;
        own_ += '}';
    }
    own_ += ' ';
    const std::int64_t born_unix_ms = born_unix_ns / ns_per_ms;
    append_number(static_cast<double>(born_unix_ms) / ms_per_s, own_);
    own_ += '\n';
}

void OpenMetricsText::end_family(std::size_t text_end) {
    if (!created_) cuts_.back().text_end = text_end;
}

void OpenMetricsText::finish() {
    own_ += "# EOF\n";
}

void OpenMetricsText::append_pieces(std::string_view text,
                                    std::vector<std::string_view>& pieces) const {
    const std::string_view own(own_);
    if (created_) {
        pieces.push_back(own);
        return;
    }
    std::size_t own_begin = 0;
    for (const Cut& cut : cuts_) {
        pieces.push_back(own.substr(own_begin, cut.own_end - own_begin));
        pieces.push_back(text.substr(cut.text_begin, cut.text_end - cut.text_begin));
        own_begin = cut.own_end;
    }
    pieces.push_back(own.substr(own_begin));
}

}  // namespace pitot::sinks::prometheus
