// Warnings: what is legal and unwise, and what is neither.
#include "agent/config/advice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;

namespace {

using Lines = std::vector<std::string>;

Lines warnings_of(std::string_view toml, std::uint64_t rmem_max = 212'992,
                  std::optional<std::uint64_t> open_files_max = 1'024) {
    const ConfigDirectory directory;
    LoadArguments arguments = config_arguments(directory.write("c", toml));
    arguments.environment.receive_buffer_bytes_max = rmem_max;
    arguments.environment.open_files_max = open_files_max;
    auto loaded = load(arguments);
    REQUIRE(loaded);
    std::ranges::for_each(loaded->sink_sections, read_section);
    const auto problems = loaded->finish();
    CHECK_MESSAGE(problems.empty(), render(problems, {}));
    Lines lines;
    for (Problem& warning : loaded->warnings()) {
        warning.where = "c";
        lines.push_back(to_line(warning));
    }
    return lines;
}

std::string listener(std::string_view options) {
    return "[listeners.a]\n" + std::string(options);
}

}  // namespace

TEST_CASE("a receive buffer above what the system grants") {
    const std::string network = "type = \"udp\"\naddress = \"127.0.0.1:0\"\n";
    CHECK(warnings_of(listener(network + "receive_buffer = \"4MiB\"")) ==
          Lines{"c:4:18: listeners.a.receive_buffer: is more than an unprivileged process gets "
                "here (208KiB); `sysctl -w net.core.rmem_max=4194304` allows it, and so does "
                "systemd's ReceiveBuffer= for a socket that it passes"});
    CHECK(warnings_of(listener(network + "receive_buffer = \"208KiB\"")).empty());
    CHECK(warnings_of(listener(network + "receive_buffer = \"4MiB\""), 8U << 20U).empty());
    // The default is asked for as a wish; `pitot run` says what became of it.
    CHECK(warnings_of(listener(network)).empty());
    CHECK(warnings_of("").empty());
    // Of a value that is wrong nothing more is said.
    LoadArguments arguments =
        config_arguments(std::nullopt, {R"(listeners.a={type="udp",receive_buffer="8M"})"});
    arguments.environment.receive_buffer_bytes_max = 4'096;
    auto wrong = load(arguments);
    REQUIRE(wrong);
    CHECK_FALSE(wrong->finish().empty());
    CHECK(wrong->warnings().empty());
}

TEST_CASE("an address that other machines reach") {
    const auto warned = [](const std::string& address) {
        const Lines lines =
            warnings_of(listener("type = \"udp\"\naddress = \"" + address + "\"\n"));
        if (lines.empty()) return false;
        CHECK(lines ==
              Lines{"c:3:11: listeners.a.address: can be reached from other machines, and "
                    "StatsD knows no passwords: whoever reaches it can write any metric; "
                    "let a firewall say who may, or use \"127.0.0.1\", \"[::1]\" or a Unix "
                    "socket"});
        return true;
    };
    CHECK(warned("*:8125"));
    CHECK(warned("[::]:8125"));
    CHECK(warned("0.0.0.0:8125"));
    CHECK(warned("10.1.2.3:8125"));
    CHECK(warned("[fe80::1%eth0]:8125"));
    CHECK_FALSE(warned("127.0.0.1:8125"));
    CHECK_FALSE(warned("127.9.9.9:0"));
    CHECK_FALSE(warned("[::1]:8125"));
    CHECK_FALSE(warned("[0:0:0:0:0:0:0:1]:8125"));
    CHECK(warnings_of(listener("type = \"unix\"\npath = \"/run/a\"\n")).empty());
}

TEST_CASE("more connections than open files") {
    const std::string network = "type = \"tcp\"\naddress = \"127.0.0.1:0\"\n";
    CHECK(warnings_of(listener(network + "connections = 513")) ==
          Lines{"c:1:1: listeners: take up to 513 connections, and pitot needs 512 files for "
                "itself, but a process may have 1024 open here: fewer connections will be taken; "
                "raise the limit (LimitNOFILE= of the service, ulimit -Hn), or lower "
                "`connections`"});
    CHECK(warnings_of(listener(network + "connections = 512")).empty());
    CHECK(warnings_of(listener(network + "connections = 65536"), 212'992, std::nullopt).empty());
}

TEST_CASE("histograms that keep too little") {
    CHECK(warnings_of("[histogram]\nschema = 2") ==
          Lines{"c:2:10: histogram.schema: makes percentiles uncertain by up to 9 %; 3 and more "
                "keep them within 5 %"});
    CHECK(warnings_of("[histogram]\nschema = -4").size() == 1);
    CHECK(warnings_of("[histogram]\nschema = 3").empty());
    CHECK(warnings_of("[histogram]\nschema = 6").empty());
    CHECK(warnings_of("[histogram]\nschema = 8") ==
          Lines{"c:2:10: histogram.schema: keeps the resolution of schema 8 only while the values "
                "of a series are within a factor of 16 of each other, and halves it beyond; a "
                "factor of 1000 takes 2552 buckets"});
    CHECK(warnings_of("[histogram]\nschema = 8\nbuckets_max = 2552").empty());
    CHECK(warnings_of("[histogram]\nbuckets_max = 160") ==
          Lines{"c:2:15: histogram.buckets_max: keeps the resolution of schema 5 only while the "
                "values of a series are within a factor of 32 of each other, and halves it "
                "beyond; a factor of 1000 takes 319 buckets"});
}

TEST_CASE("percentiles that are the maximum") {
    CHECK(warnings_of("percentiles = [50, 99.9, 99.99, 100]").empty());
    CHECK(warnings_of("percentiles = [50, 99.999]") ==
          Lines{"c:1:15: percentiles: has 99.999, which is the maximum of every series with fewer "
                "than 100000 samples in an interval"});
}
