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
// Exposition::encode() notes where its families end and which of them are counters here; the
// text is made of that and of the other form, when somebody asks for it. Only births, which the
// other form does not have, are written at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/prometheus/family_store.h"

namespace pitot::sinks::prometheus {

inline constexpr std::string_view open_metrics_content_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// One encoding in this form: pieces of the text in the other form, and what stands between them.
class OpenMetricsForm {
public:
    OpenMetricsForm() = default;
    OpenMetricsForm(const OpenMetricsForm&) = delete;
    OpenMetricsForm& operator=(const OpenMetricsForm&) = delete;

    // In order. Views into this and into the text.
    const std::vector<std::string_view>& pieces() const { return pieces_; }

private:
    friend class OpenMetricsText;

    std::string own_;
    std::vector<std::string_view> pieces_;
};

class OpenMetricsText {
public:
    // With `created` every series is followed by its birth, for which the whole text has to be
    // kept a second time.
    explicit OpenMetricsText(bool created = false) : created_(created) {}

    bool has_created() const { return created_; }

    // The steps of encode(), in their order. `header`: of the family, in the other form.
    void begin_family(const Family& family, std::string_view header);
    // `lines` of the series that was just written.
    void add_created(const Family& family, std::string_view labels, std::string_view lines,
                     std::int64_t born_unix_ns);
    void end_family(std::size_t text_end);
    void finish();

    // `text`: what encode() wrote beside this. Both outlive the result.
    void make(std::string_view text, OpenMetricsForm& out) const;

private:
    bool created_;
    std::string own_;                  // with `created_`: all of it
    std::vector<std::uint32_t> ends_;  // of the families, in the text
    std::vector<bool> are_counters_;   // beside ends_
    bool is_counter_ = false;          // the family that is being written
};

}  // namespace pitot::sinks::prometheus
