// What /metrics shows: one flush, whole, in both formats.
//
// The flush thread makes a Page and publishes it; the server's thread answers from the one
// that is published then. A Page never changes, so a scrape sees one flush and never half of
// one, however long it takes; its memory goes with the last scrape that reads it.
//
// A ScrapePage is a route of any http::Server: that of the sink, or one that shows more.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "sinks/http/server.h"
#include "sinks/prometheus/open_metrics.h"

namespace pitot::sinks::prometheus_scrape {

struct Page {
    explicit Page(bool created) : open_metrics(created) {}
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;

    // Once `text` and `open_metrics` are complete.
    void finish() {
        text_pieces = {text};
        open_metrics.append_pieces(text, open_metrics_pieces);
    }

    std::string text;
    prometheus::OpenMetricsText open_metrics;
    http::Pieces text_pieces;
    http::Pieces open_metrics_pieces;
};

class ScrapePage {
public:
    // An empty page, which is valid in both formats.
    ScrapePage();

    // Any thread.
    void publish(std::shared_ptr<const Page> page) {
        // What was published before is destroyed outside the lock.
        const std::lock_guard lock(mutex_);
        page_.swap(page);
    }
    std::shared_ptr<const Page> page() const {
        const std::lock_guard lock(mutex_);
        return page_;
    }

    // The page in the format that the request asks for. Any thread.
    http::ServerAnswer answer(const http::ServerRequest& request) const;

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Page> page_;
};

}  // namespace pitot::sinks::prometheus_scrape
