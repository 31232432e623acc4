// Canonical tags, taken apart.
#include "protocol/tag_list.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <ranges>
#include <string>
#include <vector>

#include "protocol/series.h"

namespace pitot::protocol {
namespace {

static_assert(std::ranges::forward_range<TagList>);

struct Row {
    const char* text;
    std::vector<Tag> tags;
};

TEST_CASE("tags come in their order, bare ones without a value") {
    const std::vector<Row> rows{
        {"", {}},
        {"a", {{"a", "", false}}},
        {"a:", {{"a", "", true}}},
        {"a:b", {{"a", "b", true}}},
        {"a:b:c", {{"a", "b:c", true}}},
        {":b", {{"", "b", true}}},
        {"a,b:1,c", {{"a", "", false}, {"b", "1", true}, {"c", "", false}}},
        {"env:prod,env:test", {{"env", "prod", true}, {"env", "test", true}}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const TagList tags{std::string_view(row.text)};
        CHECK(tags.split() == row.tags);
        CHECK(std::ranges::equal(tags, row.tags));
        CHECK(tags.empty() == row.tags.empty());
        CHECK(tags.text() == row.text);
    }
}

TEST_CASE("a walk can be begun again where it was") {
    const TagList tags{"a:1,b:2,c:3"};
    auto at = tags.begin();
    const auto first = at++;
    CHECK((*first).key == "a");
    CHECK((*at).key == "b");
    CHECK(first != at);
    CHECK(++TagList::Iterator(first) == at);
    CHECK(std::ranges::next(at, 2) == tags.end());
}

TEST_CASE("a series has its name and tags in one text") {
    const std::string text = "hitsenv:prod,shell";
    const Series series{.text = text.data(), .name_bytes = 4, .tags_bytes = 14};
    CHECK(series.name() == "hits");
    CHECK(series.tags().text() == "env:prod,shell");
    CHECK(Series().name().empty());
    CHECK(Series().tags().empty());
}

}  // namespace
}  // namespace pitot::protocol
