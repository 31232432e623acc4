// The second form of an exposition: OpenMetrics 1.0, made of the same sample lines.
//
// Source: the OpenMetrics specification, version 1.0.0. Sample lines are the same bytes in
// both formats; what differs is around them:
//
//                        text 0.0.4                   OpenMetrics 1.0
//   a counter's family   # TYPE x_total counter       # TYPE x counter
//   unit                 -                            # UNIT x_seconds seconds
//   HELP                 escapes \ and LF             escapes \ and LF and "
//   birth                -                            x_created, where asked for
//   end                  -                            # EOF
//
// A family that is no counter there, because its sample name has no "_total" or because the
// name without it belongs to another family, is of type unknown: nothing is lost by it.
//
// Filled by Exposition::encode(); what it holds refers to that call's text by position.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/prometheus/families.h"

namespace pitot::sinks::prometheus {

inline constexpr std::string_view open_metrics_content_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

class OpenMetricsText {
public:
    // With `created` every series is followed by its birth, for which the whole text has to be
    // kept a second time.
    explicit OpenMetricsText(bool created = false) : created_(created) {}

    bool has_created() const { return created_; }

    // The steps of encode(), in their order.
    void begin_family(const Family& family, std::size_t text_begin);
    // `lines` of the series that was just written.
    void add_created(const Family& family, std::string_view labels, std::string_view lines,
                     std::int64_t born_unix_ns);
    void end_family(std::size_t text_end);
    void finish();

    // All of it, in pieces of itself and of `text`.
    void append_pieces(std::string_view text, std::vector<std::string_view>& pieces) const;

private:
    struct Cut {
        std::size_t own_end = 0;  // bytes of own_ from the cut before
        std::size_t text_begin = 0;
        std::size_t text_end = 0;
    };

    bool created_;
    std::string own_;
    std::vector<Cut> cuts_;
};

}  // namespace pitot::sinks::prometheus
