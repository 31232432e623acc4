// What a Histogram must hold, by its definition and without its machinery: all values are
// kept, and buckets are counted when somebody asks, at the highest schema that fits.
//
// It trusts Histogram::index_of(), which histogram_test.cpp checks by itself first.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <vector>

#include "protocol/histogram.h"

namespace pitot::tests {

struct WeightedValue {
    double value = 0;
    double weight = 1;
};

struct HistogramContent {
    int schema = 0;
    double zero_count = 0;
    std::map<int, double> positive;
    std::map<int, double> negative;

    bool operator==(const HistogramContent&) const = default;
};

inline std::map<int, double> content_of(const protocol::Histogram::Side& side) {
    std::map<int, double> counts;
    int index = side.first_index;
    for (const double count : side.counts) {
        if (count != 0) counts[index] = count;
        ++index;
    }
    return counts;
}

inline HistogramContent content_of(const protocol::Histogram& histogram) {
    return {histogram.schema(), histogram.zero_count(), content_of(histogram.positive()),
            content_of(histogram.negative())};
}

inline bool fits(const std::map<int, double>& side, std::size_t buckets_max) {
    if (side.empty()) return true;
    return static_cast<std::size_t>(side.rbegin()->first - side.begin()->first) < buckets_max;
}

inline HistogramContent reference_histogram(const std::vector<WeightedValue>& values,
                                            protocol::HistogramShape shape) {
    for (int schema = shape.schema;; --schema) {
        HistogramContent content;
        content.schema = schema;
        for (const auto& [value, weight] : values) {
            const double counted = protocol::weight_on_grid(weight);
            if (value == 0) {
                content.zero_count += counted;
            } else if (value > 0) {
                content.positive[protocol::Histogram::index_of(value, schema)] += counted;
            } else {
                content.negative[protocol::Histogram::index_of(value, schema)] += counted;
            }
        }
        if (fits(content.positive, shape.buckets_max) && fits(content.negative, shape.buckets_max))
            return content;
    }
}

}  // namespace pitot::tests
