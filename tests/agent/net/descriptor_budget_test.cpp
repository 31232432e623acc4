// What connections may take of the open files of the process.
#include "agent/net/descriptor_budget.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

namespace pitot::agent {
namespace {

std::vector<ListenerConfig> listeners(const std::vector<std::uint32_t>& caps) {
    std::vector<ListenerConfig> all(1);  // UDP, which has no connections
    for (const std::uint32_t cap : caps) {
        all.emplace_back();
        all.back().type = ListenerType::tcp;
        all.back().connections_max = cap;
    }
    return all;
}

TEST_CASE("caps of connections that fit stay, others are lowered by the same share") {
    struct Row {
        const char* says;
        std::vector<std::uint32_t> caps;
        std::uint64_t descriptors_max;
        std::vector<std::uint32_t> fitted;
        bool is_told;
    };
    const Row rows[] = {
        {"far below", {1024, 1024}, 65536, {1024, 1024}, false},
        {"just below", {1000, 1048}, 2048 + 512, {1000, 1048}, false},
        {"one too many", {1000, 1048}, 2048 + 511, {999, 1047}, true},
        {"a usual limit", {1024, 1024}, 1024, {256, 256}, true},
        {"a tiny limit", {1024, 1024}, 20, {5, 5}, true},
        {"none at all", {1024, 1}, 0, {1, 1}, true},
        {"no streams", {}, 0, {}, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        std::vector<ListenerConfig> all = listeners(row.caps);
        CHECK(fit_connections(all, row.descriptors_max).has_value() == row.is_told);
        for (std::size_t i = 0; i < row.fitted.size(); ++i) {
            CHECK(all[i + 1].connections_max == row.fitted[i]);
        }
    }
}

TEST_CASE("the limit of open files is raised to what the system allows") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit lowered = before;
    lowered.rlim_cur = 256;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
    CHECK(raise_descriptor_limit() == before.rlim_max);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

}  // namespace
}  // namespace pitot::agent
