// The account as people are told it.
#include "agent/ledger.h"

#include <doctest/doctest.h>

using namespace pitot;
using namespace pitot::agent;

TEST_CASE("what was to be delivered is without what nobody misses") {
    sinks::Ledger points;
    points.offered = 534;
    points.delivered = 20;
    points.superseded = 200;
    points.lost[sinks::LossReason::rejected] = 312;
    points.skipped[sinks::SkipReason::event] = 2;
    REQUIRE(points.closed());
    CHECK(to_be_delivered(points) == 332);
    CHECK(to_be_delivered({}) == 0);
}
