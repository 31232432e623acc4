// Moments as RFC 3339.
#include "agent/status/time_text.h"

#include <doctest/doctest.h>

using namespace pitot::agent;

TEST_CASE("moments") {
    CHECK(rfc3339(0) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339(-1) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339(1'785'542'410'250'999'999) == "2026-08-01T00:00:10.250Z");
    CHECK(rfc3339(951'827'696'789'000'000) == "2000-02-29T12:34:56.789Z");
    CHECK(rfc3339(9'223'372'036'854'775'807) == "2262-04-11T23:47:16.854Z");
}
