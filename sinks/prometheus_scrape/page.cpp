#include "sinks/prometheus_scrape/page.h"

#include "sinks/prometheus_scrape/format.h"

namespace pitot::sinks::prometheus_scrape {

ScrapePage::ScrapePage() {
    auto empty = std::make_shared<Page>(false);
    empty->open_metrics.finish();
    empty->finish();
    page_ = std::move(empty);
}

http::ServerAnswer ScrapePage::answer(const http::ServerRequest& request) const {
    const Choice choice = choose_format(request.accept);
    std::shared_ptr<const Page> page = this->page();
    const http::Pieces& pieces =
        choice.format == Format::text ? page->text_pieces() : page->open_metrics_pieces();
    http::ServerAnswer answer;
    answer.content_type = content_type_of(choice);
    answer.varies_by_accept = true;
    answer.body = std::shared_ptr<const http::Pieces>(std::move(page), &pieces);
    return answer;
}

}  // namespace pitot::sinks::prometheus_scrape
