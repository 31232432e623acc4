#include "sinks/prometheus_scrape/page.h"

#include "sinks/prometheus/byte_chunks.h"
#include "sinks/prometheus/family.h"

namespace pitot::sinks::prometheus_scrape {

struct Page::Form {
    prometheus::ByteChunks text;
    http::Pieces pieces;
};

std::shared_ptr<const http::Pieces> Page::pieces(Format format) const {
    const std::lock_guard lock(mutex_);
    std::weak_ptr<const Form>& known = forms_[std::to_underlying(format)];
    std::shared_ptr<const Form> form = known.lock();
    if (!form) {
        auto made = std::make_shared<Form>();
        if (format == Format::text) {
            records.write_text(made->text);
        } else {
            records.write_open_metrics(made->text);
        }
        made->pieces = made->text.pieces();
        form = std::move(made);
        known = form;
    }
    const http::Pieces* const pieces = &form->pieces;
    return {std::move(form), pieces};
}

ScrapePage::ScrapePage() {
    publish(std::make_shared<const Page>(
        std::make_shared<const prometheus::Layout>(prometheus::ExpositionSettings{}), false));
}

http::ServerAnswer ScrapePage::answer(const http::ServerRequest& request) const {
    const Choice choice = choose_format(request.accept);
    http::ServerAnswer answer;
    answer.content_type = content_type_of(choice);
    answer.varies_by_accept = true;
    answer.body = page()->pieces(choice.format);
    return answer;
}

}  // namespace pitot::sinks::prometheus_scrape
