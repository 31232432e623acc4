// Durations, sizes, suggestions and printable text: the small rules that messages and
// values of the configuration rest on.
#include "agent/config/units.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "agent/config/address.h"
#include "agent/config/suggest.h"
#include "agent/net/socket_address.h"
#include "agent/printable.h"

using namespace pitot::agent;
using namespace std::chrono_literals;

TEST_CASE("durations") {
    struct Row {
        std::string_view text;
        std::optional<std::chrono::nanoseconds> value;
    };
    const std::array rows{
        Row{"10s", 10s},
        Row{"250ms", 250ms},
        Row{"1us", 1us},
        Row{"7ns", 7ns},
        Row{"1m", 1min},
        Row{"1h30m", 90min},
        Row{"2d", 48h},
        Row{"1.5s", 1500ms},
        Row{"0.000000001s", 1ns},
        Row{"1.250h", 75min},
        Row{"0s", 0s},
        Row{"0", 0s},
        Row{"9223372036854775807ns", std::chrono::nanoseconds::max()},
        Row{"9223372036854775808ns", std::nullopt},
        Row{"9223372036s9223372036s", std::nullopt},
        Row{"106752d", std::nullopt},
        Row{"0.0000000001s", std::nullopt},
        Row{"0.5ns", std::nullopt},
        Row{"", std::nullopt},
        Row{"10", std::nullopt},
        Row{"s", std::nullopt},
        Row{"-1s", std::nullopt},
        Row{"+1s", std::nullopt},
        Row{"1 s", std::nullopt},
        Row{" 1s", std::nullopt},
        Row{"1s ", std::nullopt},
        Row{"1S", std::nullopt},
        Row{"1sec", std::nullopt},
        Row{"1.s", std::nullopt},
        Row{".5s", std::nullopt},
        Row{"1e3s", std::nullopt},
        Row{"1s5", std::nullopt},
        Row{"99999999999999999999999999s", std::nullopt},
        Row{"1.0000000000000000000000000001s", std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_duration(row.text) == row.value);
    }
}

TEST_CASE("sizes") {
    struct Row {
        std::string_view text;
        std::optional<std::uint64_t> value;
    };
    const std::array rows{
        Row{"4MiB", 4ULL << 20U},
        Row{"64KiB", 64ULL << 10U},
        Row{"1GiB", 1ULL << 30U},
        Row{"2TiB", 2ULL << 40U},
        Row{"1.25GiB", (5ULL << 30U) / 4},
        Row{"10kB", 10'000},
        Row{"10MB", 10'000'000},
        Row{"512B", 512},
        Row{"512", 512},
        Row{"0", 0},
        Row{"9223372036854775807", 9'223'372'036'854'775'807ULL},
        Row{"9223372036854775808", std::nullopt},
        Row{"8388608TiB", std::nullopt},
        Row{"0.3KiB", std::nullopt},
        Row{"4M", std::nullopt},
        Row{"4mb", std::nullopt},
        Row{"4 MiB", std::nullopt},
        Row{"4MiB4MiB", std::nullopt},
        Row{"-4", std::nullopt},
        Row{"", std::nullopt},
        Row{"MiB", std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_size(row.text) == row.value);
    }
}

TEST_CASE("what is written can be read back") {
    for (const std::chrono::nanoseconds duration : std::initializer_list<std::chrono::nanoseconds>{
             0ns, 1ns, 1500ns, 250ms, 10s, 90s, 1h, 36h, 720h}) {
        CHECK(parse_duration(format_duration(duration)) == duration);
    }
    CHECK(format_duration(90s) == "90s");
    CHECK(format_duration(2min) == "2m");
    CHECK(format_duration(720h) == "720h");
    CHECK(format_duration(0s) == "0s");
    for (const std::uint64_t size : {0ULL, 1ULL, 1000ULL, 1024ULL, 8ULL << 20U, 3ULL << 40U}) {
        CHECK(parse_size(format_size(size)) == size);
    }
    CHECK(format_size(8U << 20U) == "8MiB");
    CHECK(format_size(1000) == "1000B");
}

TEST_CASE("numbers that lack a unit are told from other texts") {
    for (const std::string_view text : {"10", "2.5", "-3", "0"}) CHECK(is_bare_number(text));
    for (const std::string_view text : {"", "10s", "ten", ".5", "1 ", "1.2.3"}) {
        CHECK_FALSE(is_bare_number(text));
    }
}

TEST_CASE("the nearest known name") {
    constexpr std::array<std::string_view, 6> known{"interval", "flush_offset", "shards",
                                                    "tcp",      "udp",          "unix-stream"};
    struct Row {
        std::string_view name;
        std::optional<std::string_view> nearest;
    };
    const std::array rows{
        Row{"intervall", "interval"},
        Row{"interva", "interval"},
        Row{"itnerval", "interval"},
        Row{"INTERVAL", "interval"},
        Row{"flush-offset", "flush_offset"},
        Row{"flush_interval", "interval"},
        Row{"shard", "shards"},
        Row{"tpc", "tcp"},
        Row{"unix_stream", "unix-stream"},
        Row{"stream", "unix-stream"},
        Row{"xyz", std::nullopt},
        Row{"x", std::nullopt},
        Row{"", std::nullopt},
        Row{"colour", std::nullopt},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        CHECK(nearest(row.name, known) == row.nearest);
    }
    CHECK(nearest(std::string(100'000, 'i'), known) == std::nullopt);
    CHECK(did_you_mean("upd", known, '"') == "; did you mean \"udp\"?");
    CHECK(did_you_mean("xyz", known).empty());
}

TEST_CASE("text from outside is harmless when shown") {
    struct Row {
        std::string_view text;
        std::string_view shown;
    };
    using namespace std::string_view_literals;
    const std::array rows{
        Row{"plain"sv, "plain"sv},
        Row{"käse \U0001F9C0"sv, "käse \U0001F9C0"sv},
        Row{"\x1b[31m"sv, R"(\x1b[31m)"},
        Row{"a\0b\x7f\n"sv, R"(a\x00b\x7f\n)"},
        Row{"\xc2\x9b"sv, R"(\u{009b})"},
        Row{"\u202e\u2066\u200b\ufeff"sv, R"(\u{202e}\u{2066}\u{200b}\u{feff})"},
        Row{"\U000E0041"sv, R"(\u{e0041})"},
        Row{"caf\xe9"sv, R"(caf\xe9)"},
        Row{"\xc0\xaf"sv, R"(\xc0\xaf)"},
        Row{"\xe0\x80\xaf"sv, R"(\xe0\x80\xaf)"},
        Row{"\xed\xa0\x80"sv, R"(\xed\xa0\x80)"},
        Row{"\xf4\x90\x80\x80"sv, R"(\xf4\x90\x80\x80)"},
        Row{"\xe2\x82"sv, R"(\xe2\x82)"},
    };
    for (const Row& row : rows) CHECK(printable(row.text) == row.shown);
    CHECK(printable("äöüß", 3) == "äöü…");
    CHECK(printable("äöü", 3) == "äöü");
}

TEST_CASE("addresses that listeners have") {
    CHECK(parse_listen_address("127.0.0.1:8125") == ListenAddress{"127.0.0.1", 8125});
    CHECK(parse_listen_address("[::1]:0") == ListenAddress{"::1", 0});
    CHECK(parse_listen_address("[0:0:0:0:0:0:0:1]:65535") == ListenAddress{"::1", 65535});
    CHECK(parse_listen_address("[fe80::1%eth0]:1") == ListenAddress{"fe80::1%eth0", 1});
    CHECK(parse_listen_address("*:8125") == parse_listen_address("[::]:8125"));
    for (const std::string_view text :
         {"", ":", "a", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:1x", "1.2.3:1",
          "[::1]", "::1:1", "[::1:1", "[::1%]:1", "[]:1", "*", "[*]:1", "127.0.0.1:8125 ",
          "127.0.0.1:0x10", "localhost:1"}) {
        CAPTURE(text);
        const auto address = parse_listen_address(text);
        REQUIRE_FALSE(address);
        CHECK(address.error().starts_with("must "));
        CHECK(address.error().contains("got the text "));
        CHECK_FALSE(SocketAddress::parse_internet(text));
    }
}

TEST_CASE("what the configuration takes as an address can be bound") {
    for (const std::string_view text : {"127.0.0.1:8125", "0.0.0.0:0", "[::1]:65535", "*:8125",
                                        "[::]:0", "[::ffff:127.0.0.1]:1", "[fe80::1%lo]:1"}) {
        CAPTURE(text);
        CHECK(parse_listen_address(text));
        CHECK(SocketAddress::parse_internet(text));
    }
}
