#include "sinks/prometheus_scrape/format.h"

#include <vector>

#include "sinks/http/negotiation.h"
#include "sinks/prometheus/exposition.h"

namespace pitot::sinks::prometheus_scrape {
namespace {

struct Offer {
    std::string_view type;
    std::string_view subtype;
    std::string_view version;
};

constexpr Offer text_offer{.type = "text", .subtype = "plain", .version = "0.0.4"};
constexpr Offer open_metrics_offer{
    .type = "application", .subtype = "openmetrics-text", .version = "1.0.0"};

// What the header says of an offer: by the range that describes it most closely.
struct Liking {
    double quality = 0;
    int closeness = 0;  // 0: no range matches; 3 and above: it is named
    bool has_escaping = false;
};

int closeness_of(const http::MediaRange& range, const Offer& offer) {
    if (range.type == "*") return range.subtype == "*" ? 1 : 0;
    if (range.type != offer.type) return 0;
    if (range.subtype == "*") return 2;
    if (range.subtype != offer.subtype) return 0;
    const std::string_view version = range.parameter("version");
    if (version.empty()) return 3;
    return version == offer.version ? 4 : 0;
}

Liking liking_of(const std::vector<http::MediaRange>& ranges, const Offer& offer) {
    Liking liking;
    for (const http::MediaRange& range : ranges) {
        const int closeness = closeness_of(range, offer);
        const bool is_better = closeness > liking.closeness ||
                               (closeness == liking.closeness && range.quality > liking.quality);
        if (closeness == 0 || !is_better) continue;
        liking = {.quality = range.quality,
                  .closeness = closeness,
                  .has_escaping = !range.parameter("escaping").empty()};
    }
    return liking;
}

}  // namespace

Choice choose_format(std::string_view accept) {
    constexpr int named = 3;
    const std::vector<http::MediaRange> ranges = http::parse_accept(accept);
    const Liking text = liking_of(ranges, text_offer);
    const Liking open_metrics = liking_of(ranges, open_metrics_offer);
    // By name, or where the text is refused and this is not.
    const bool is_asked = open_metrics.closeness >= named || text.quality <= 0;
    if (is_asked && open_metrics.quality > 0 && open_metrics.quality >= text.quality) {
        return {.format = Format::open_metrics, .says_escaping = open_metrics.has_escaping};
    }
    return {.format = Format::text, .says_escaping = text.has_escaping};
}

std::string content_type_of(const Choice& choice) {
    std::string type(choice.format == Format::text ? prometheus::content_type
                                                   : prometheus::open_metrics_content_type);
    if (choice.says_escaping) type += "; escaping=underscores";
    return type;
}

}  // namespace pitot::sinks::prometheus_scrape
