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

class Page {
public:
    explicit Page(bool created) : open_metrics(created) {}
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;

    // Written until finish(), and not afterwards.
    std::string text;
    prometheus::OpenMetricsText open_metrics;
    void finish() { text_pieces_ = {text}; }

    // Afterwards, on any thread. The other form is made when it is asked for first, on the
    // thread that asks, and costs no memory where nobody does.
    const http::Pieces& text_pieces() const { return text_pieces_; }
    const http::Pieces& open_metrics_pieces() const {
        std::call_once(made_, [this] { open_metrics.make(text, form_); });
        return form_.pieces();
    }

private:
    http::Pieces text_pieces_;
    mutable std::once_flag made_;
    mutable prometheus::OpenMetricsForm form_;
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
