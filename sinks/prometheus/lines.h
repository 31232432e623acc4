// The lines of a series, by what its family is: which part of the name each has, and which
// label of its own.
//
//     counter, gauge   x{labels} v
//     summary          x{labels,quantile="0.5"} v …, x_sum{labels} v, x_count{labels} v
//     histogram        x_bucket{labels,le="0.1"} v …, x_bucket{labels,le="+Inf"} v, and the last
//                      two likewise
//
// Made once of the settings; an encoder has the values of a series in this order, and its lines
// are written from there. Bounds and ranks have one form, that of OpenMetrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/prometheus/family.h"
#include "sinks/text_writer.h"

namespace pitot::sinks::prometheus {

// The value of an le or quantile label as OpenMetrics writes it, and Go before it: "0.25",
// "1.0", "1e-05", "1e+06". `value` finite.
std::string canonical_label_value(double value);

// Of one kind of series. Its lines have a value each, in their order.
class Lines {
public:
    std::size_t size() const { return lines_.size(); }

    void add(NamePart part, std::string last_label = {});

    // Exact, but for the values.
    std::size_t bytes(std::size_t name_bytes, std::size_t labels_bytes) const {
        // Between name and value: {labels} and a blank; or {labels, the last one, and a blank.
        const std::size_t plain = lines_.size() - labelled_;
        const std::size_t around =
            labels_bytes == 0 ? lines_.size()
                              : plain * (labels_bytes + 3) + labelled_ * (labels_bytes + 2);
        return lines_.size() * (name_bytes + 1) + around + own_bytes_;
    }
    // Writes them to where there is room for bytes() and the values. `write_value(i, at)` writes
    // the value of the line `i` to `at`, and returns its end; so does this.
    template <class WriteValue>
    char* write(std::string_view name, std::string_view labels, char* at,
                const WriteValue& write_value) const {
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const Line& line = lines_[i];
            at = write_bytes(line.part, write_bytes(name, at));
            if (!line.last_label.empty()) {
                *at++ = '{';
                if (!labels.empty()) {
                    at = write_bytes(labels, at);
                    *at++ = ',';
                }
                at = write_bytes(line.last_label, at);
            } else {
                if (!labels.empty()) {
                    *at++ = '{';
                    at = write_bytes(labels, at);
                    *at++ = '}';
                }
                *at++ = ' ';
            }
            at = write_value(i, at);
            *at++ = '\n';
        }
        return at;
    }

private:
    struct Line {
        std::string_view part;
        std::string last_label;  // le="0.5"} and a blank; or none
    };

    std::vector<Line> lines_;
    std::size_t labelled_ = 0;   // lines with a label of their own
    std::size_t own_bytes_ = 0;  // of all parts and last labels
};

class LinesByType {
public:
    explicit LinesByType(const ExpositionSettings& settings);

    // `rule`: of a histogram.
    const Lines& of(FamilyType type, std::uint32_t rule) const {
        if (type == FamilyType::histogram) return of_rules_[rule];
        return type == FamilyType::summary ? summary_ : single_;
    }

private:
    Lines single_;
    Lines summary_;
    std::vector<Lines> of_rules_;
};

// What is needed to write an exposition, and to write it from its records later.
struct Layout {
    explicit Layout(ExpositionSettings from) : settings(std::move(from)), lines(settings) {}

    const ExpositionSettings settings;
    const LinesByType lines;
};

}  // namespace pitot::sinks::prometheus
