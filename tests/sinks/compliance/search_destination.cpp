#include "tests/sinks/compliance/search_destination.h"

#include <cstddef>
#include <string>
#include <utility>

#include "tests/support/search_double.h"

namespace pitot::tests {
namespace {

// Of batch_bytes, and a document that begins below it.
constexpr std::size_t default_batch_bytes = 5 * std::size_t{1024} * 1024;
constexpr std::size_t document_bytes_max = 128 * std::size_t{1024};

// Before the server in SearchDestination, so that it is there as long as somebody answers.
struct SearchMemory {
    SearchDouble search;
};

class SearchDestination final : private SearchMemory, public HttpDestination {
public:
    explicit SearchDestination(Wire wire) : HttpDestination(wire, manners()) {}

    // It reads every document as JSON and remembers it.
    std::size_t series_max() const override { return 100'000; }
    std::string complaints() const override {
        return HttpDestination::complaints() + search.complaints();
    }

private:
    HttpManners manners() {
        return {.answer =
                    [this](const HttpDouble::Received& request) { return search.answer(request); },
                .settings =
                    [](SinkOptions& options) {
                        options.set("index", "metrics-%Y.%m.%d");
                        options.set("username", "me").set("password", std::string(credential_text));
                    },
                .batch_bytes_max = default_batch_bytes + document_bytes_max};
    }
};

}  // namespace

std::unique_ptr<Destination> search_destination(Wire wire) {
    return std::make_unique<SearchDestination>(wire);
}

}  // namespace pitot::tests
