// Numbers for people.
#include "agent/human.h"

#include <doctest/doctest.h>

#include <limits>

using namespace pitot::agent;

TEST_CASE("numbers") {
    CHECK(human_number(0) == "0");
    CHECK(human_number(7) == "7");
    CHECK(human_number(0.25) == "0.25");
    CHECK(human_number(12.345) == "12.3");
    CHECK(human_number(9999) == "9999");
    CHECK(human_number(9999.5) == "10.0 k");
    CHECK(human_number(12'345) == "12.3 k");
    CHECK(human_number(999'499) == "999 k");
    CHECK(human_number(999'500) == "1.00 M");
    CHECK(human_number(12'345'678) == "12.3 M");
    CHECK(human_number(-4.56e9) == "-4.56 G");
    CHECK(human_number(1.8e19) == "18000 P");
    CHECK(human_number(std::numeric_limits<double>::infinity()) == "?");
}

TEST_CASE("bytes") {
    CHECK(human_bytes(0) == "0 B");
    CHECK(human_bytes(1023) == "1023 B");
    CHECK(human_bytes(1024) == "1.00 KiB");
    CHECK(human_bytes(4.2 * 1024 * 1024) == "4.20 MiB");
    CHECK(human_bytes(1023.9 * 1024) == "1.00 MiB");
    CHECK(human_bytes(1024.0 * 1024 * 1024) == "1.00 GiB");
}

TEST_CASE("durations") {
    CHECK(human_duration(-5) == "0 s");
    CHECK(human_duration(0.00025) == "0.25 ms");
    CHECK(human_duration(0.25) == "250 ms");
    CHECK(human_duration(4.2) == "4.2 s");
    CHECK(human_duration(59) == "59 s");
    CHECK(human_duration(60) == "1 m");
    CHECK(human_duration(192) == "3 m 12 s");
    CHECK(human_duration(7'512) == "2 h 5 m");
    CHECK(human_duration(273'600) == "3 d 4 h");
    CHECK(human_duration(86'400) == "1 d");
}
