// What /metrics shows: one flush, whole, in both formats.
//
// The flush thread makes a Page and publishes it; the server's thread answers from the one
// that is published then. A Page never changes, so a scrape sees one flush and never half of
// one, however long it takes.
//
// It keeps records (page_records.h), and a text of them only while somebody is sent it: the
// thread that asks makes it, all who ask for the same format meanwhile share it, and its memory
// goes with the last scrape that reads it. The page's own goes when its successor is published.
//
// A ScrapePage is a route of any http::Server: that of the sink, or one that shows more.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <utility>

#include "sinks/http/route.h"
#include "sinks/prometheus/page_records.h"
#include "sinks/prometheus_scrape/format.h"

namespace pitot::sinks::prometheus_scrape {

class Page {
public:
    Page(std::shared_ptr<const prometheus::Layout> layout, bool births)
        : records(std::move(layout), births) {}

    // Written before it is published, and not afterwards.
    prometheus::PageRecords records;

    // Afterwards, on any thread. The views are valid for as long as the pointer lives.
    std::shared_ptr<const http::Pieces> pieces(Format format) const;

private:
    struct Form;

    mutable std::mutex mutex_;
    mutable std::array<std::weak_ptr<const Form>, 2> forms_;  // by format, while it is read
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
