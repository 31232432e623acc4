// From a file to a Config: every default, every option, what sinks read, and files that
// cannot be read at all. What is said about wrong values is in golden_test.cpp.
#include "agent/config/load.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

Config config_of(std::string_view toml, Environment environment = config_environment()) {
    const ConfigDirectory directory;
    LoadArguments arguments = config_arguments(directory.write("a.toml", toml));
    arguments.environment = std::move(environment);
    auto loaded = load(arguments);
    REQUIRE(loaded);
    std::ranges::for_each(loaded->sink_sections, read_section);
    const auto problems = loaded->finish();
    CHECK_MESSAGE(problems.empty(), render(problems, {}));
    return loaded->config;
}

SampleSettings sample_of(std::string_view toml) {
    const ConfigDirectory directory;
    auto loaded = load(config_arguments(directory.write("a.toml", toml)));
    REQUIRE(loaded);
    REQUIRE(loaded->sink_sections.size() == 1);
    SampleSettings settings = read_sample(loaded->sink_sections[0].options);
    const auto problems = loaded->finish();
    CHECK_MESSAGE(problems.empty(), render(problems, {}));
    return settings;
}

Lines unreadable(const std::filesystem::path& file) {
    const auto loaded = load(config_arguments(file));
    REQUIRE_FALSE(loaded);
    Lines lines;
    for (const Problem& problem : loaded.error()) lines.push_back(to_line(problem));
    return lines;
}

}  // namespace

TEST_CASE("defaults") {
    auto loaded = load(config_arguments(std::nullopt));
    REQUIRE(loaded);
    const Config& config = loaded->config;
    CHECK(config.interval == 10s);
    CHECK(config.flush_offset == 0s);
    CHECK(config.shutdown_deadline == 5s);
    CHECK(config.shards == 2);
    CHECK(config.quantiles == std::vector<double>{0.5, 0.9, 0.95, 0.99});
    CHECK(config.histogram == protocol::HistogramShape{.schema = 5, .buckets_max = 1024});
    CHECK(config.limits.series_max == 1'000'000);
    CHECK(config.limits.series_per_metric_max == 100'000);
    CHECK(config.limits.table_bytes_max == 512ULL << 20U);
    CHECK(config.limits.value_bytes_max == 512ULL << 20U);
    CHECK(config.expiry.counters == 1h);
    CHECK(config.expiry.gauges == 1h);
    CHECK(config.expiry.timers == 1h);
    CHECK(config.expiry.sets == 1h);
    REQUIRE(config.http.address.has_value());
    CHECK(config.http.address->text() == "127.0.0.1:9125");
    CHECK(config.http.token.empty());

    REQUIRE(config.sinks.size() == 1);
    CHECK(config.sinks[0].name == "console");
    CHECK(config.sinks[0].type == "console");
    REQUIRE(loaded->sink_sections.size() == 1);
    CHECK(config.sinks_are_default);
    constexpr std::array<std::string_view, 2> formats{"json", "text"};
    CHECK(loaded->sink_sections[0].options.choice("format", 0, formats) == 1);
    CHECK(loaded->finish().empty());
    CHECK(loaded->warnings().empty());
}

TEST_CASE("own metrics: on, for every sink but the console; a prefix that all destinations keep") {
    const Config defaults = config_of("");
    CHECK(defaults.self_metrics.enabled);
    CHECK(defaults.self_metrics.prefix == "pitot");
    const Config config = config_of(R"(
        [self_metrics]
        enabled = false
        prefix = "agents.pitot-2"
        [sinks.a]
        type = "console"
        [sinks.b]
        type = "console"
        self_metrics = true
    )");
    CHECK_FALSE(config.self_metrics.enabled);
    CHECK(config.self_metrics.prefix == "agents.pitot-2");
    CHECK_FALSE(config.sinks[0].self_metrics);
    CHECK(config.sinks[1].self_metrics);
    for (const std::string bad : {"", "a b", "a:b", "ä", "a|b"}) {
        CAPTURE(bad);
        const auto wrong = lines_wrong_in("[self_metrics]\nprefix = \"" + bad + "\"\n");
        REQUIRE(wrong.size() == 1);
        CHECK(wrong[0].contains("self_metrics.prefix: must be 1 to 64 letters, digits"));
    }
}

TEST_CASE("default listeners") {
    const Config config = config_of("");
    REQUIRE(config.listeners.size() == 4);
    const std::array<std::pair<ListenerType, std::string_view>, 4> expected{
        {{ListenerType::udp, "127.0.0.1:8125"},
         {ListenerType::udp, "[::1]:8125"},
         {ListenerType::tcp, "127.0.0.1:8125"},
         {ListenerType::tcp, "[::1]:8125"}}};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const ListenerConfig& listener = config.listeners[i];
        CHECK(listener.type == expected[i].first);
        CHECK(listener.address == expected[i].second);
        CHECK(listener.is_default);
        CHECK(listener.reading == protocol::Reading{});
        CHECK(listener.receive_buffer_bytes == 8U << 20U);
        CHECK(listener.connections_max == 1024);
        CHECK(listener.idle_timeout == 5min);
    }
}

TEST_CASE("the default Unix socket is in the runtime directory") {
    const auto socket_of = [](const Environment& environment) -> std::string {
        const Config config = config_of("", environment);
        if (config.listeners.size() == 4) return "";
        REQUIRE(config.listeners.size() == 5);
        CHECK(config.listeners[4].type == ListenerType::unix_datagram);
        CHECK(config.listeners[4].mode == 0666);
        CHECK(config.listeners[4].is_default);
        return config.listeners[4].path;
    };
    const ConfigDirectory directory;
    Environment environment = config_environment(
        {{"RUNTIME_DIRECTORY", "/run/a:/run/b"}, {"XDG_RUNTIME_DIR", "/run/user/5"}});
    environment.system_runtime_directory = directory.path();
    CHECK(socket_of(environment) == "/run/a/dsd.sock");

    environment.variable = config_environment({{"XDG_RUNTIME_DIR", "/run/user/5"}}).variable;
    CHECK(socket_of(environment) == directory.path() / "dsd.sock");

    environment.system_runtime_directory = "/nowhere/pitot";
    CHECK(socket_of(environment) == "/run/user/5/pitot/dsd.sock");

    CHECK(socket_of(config_environment()).empty());
    // A path that no socket can have is no default.
    CHECK(socket_of(config_environment({{"RUNTIME_DIRECTORY", "/" + std::string(200, 'x')}}))
              .empty());
}

TEST_CASE("shards follow the processors, within bounds") {
    Environment environment = config_environment();
    for (const auto& [cpus, shards] : {std::pair{1U, 1U}, {3U, 3U}, {4U, 4U}, {96U, 4U}}) {
        environment.usable_cpus = cpus;
        CHECK(config_of("shards = \"auto\"", environment).shards == shards);
    }
    CHECK(config_of("shards = 64", environment).shards == 64);
}

TEST_CASE("options of the file as a whole") {
    const Config config = config_of(R"(
        interval = "1m"
        flush_offset = "1.5s"
        shutdown_deadline = "1m30s"
        shards = 7
        percentiles = [99.9, 50, 100, 50.0, 0.1]
        [histogram]
        schema = -4
        buckets_max = 160
        [limits]
        series = 10
        series_per_metric = 5
        table_bytes = "1GiB"
        value_bytes = "64MiB"
        [expiry]
        counters = "1h"
        gauges = 0
        timers = "0s"
        sets = "1m"
    )");
    CHECK(config.interval == 1min);
    CHECK(config.flush_offset == 1500ms);
    CHECK(config.shutdown_deadline == 90s);
    CHECK(config.shards == 7);
    CHECK(config.quantiles == std::vector<double>{0.001, 0.5, 0.999, 1});
    CHECK(config.histogram == protocol::HistogramShape{.schema = -4, .buckets_max = 160});
    CHECK(config.limits.series_max == 10);
    CHECK(config.limits.series_per_metric_max == 5);
    CHECK(config.limits.table_bytes_max == 1ULL << 30U);
    CHECK(config.limits.value_bytes_max == 64ULL << 20U);
    CHECK(config.expiry.counters == 1h);
    CHECK(config.expiry.gauges == 0s);
    CHECK(config.expiry.timers == 0s);
    CHECK(config.expiry.sets == 1min);
    CHECK(config_of("percentiles = []").quantiles.empty());
}

TEST_CASE("every tenth of a percentile becomes the nearest quantile") {
    for (int tenths = 1; tenths <= 1000; ++tenths) {
        const std::string text = std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
        const std::vector<double> quantiles = config_of("percentiles = [" + text + "]").quantiles;
        REQUIRE(quantiles.size() == 1);
        CHECK(quantiles[0] == tenths / 1000.0);
    }
}

TEST_CASE("options of listeners") {
    const Config config = config_of(R"(
        [listeners.zulu]
        type = "tcp"
        address = "[::]:0"
        dialect = "statsd"
        tags = "librato"
        receive_buffer = 65536
        connections = 5
        idle_timeout = 0
        [listeners.alpha]
        type = "unix"
        path = "/run/pitot/a.sock"
        mode = "0600"
        owner = "pitot"
        group = "adm"
        dialect = "statsd"
        timer_sample_rate = "weight"
        [listeners.bravo]
        type = "unix-stream"
        path = "@pitot"
        dialect = "dogstatsd"
        gauge_sign = "delta"
    )");
    REQUIRE(config.listeners.size() == 3);
    const ListenerConfig& tcp = config.listeners[0];
    CHECK(tcp.name == "zulu");
    CHECK(tcp.type == ListenerType::tcp);
    CHECK(tcp.address == "[::]:0");
    CHECK(tcp.reading == protocol::Reading{protocol::Dialect::statsd, protocol::TagDialect::librato,
                                           protocol::GaugeSign::delta, protocol::TimerRate::count});
    CHECK(tcp.receive_buffer_bytes == 65'536);
    CHECK(tcp.connections_max == 5);
    CHECK(tcp.idle_timeout == 0s);
    CHECK_FALSE(tcp.is_default);
    const ListenerConfig& datagram = config.listeners[1];
    CHECK(datagram.path == "/run/pitot/a.sock");
    CHECK(datagram.mode == 0600);
    CHECK(datagram.owner == "pitot");
    CHECK(datagram.group == "adm");
    CHECK(datagram.reading.gauge_sign == protocol::GaugeSign::absolute);
    CHECK(datagram.reading.timer_rate == protocol::TimerRate::weight);
    const ListenerConfig& stream = config.listeners[2];
    CHECK(stream.type == ListenerType::unix_stream);
    CHECK(stream.path == "@pitot");
    CHECK(stream.reading.gauge_sign == protocol::GaugeSign::delta);
    CHECK(stream.reading.timer_rate == protocol::TimerRate::weight);
}

TEST_CASE("what listeners add is the whole's, as far as they say nothing else") {
    using Tags = std::vector<std::pair<std::string, std::string>>;
    const std::string whole =
        "prefix = \"app.\"\nconstant_tags = { region = \"eu\", zone = \"a\" }\n";
    const Config config = config_of(whole +
                                    "[listeners.a]\ntype = \"udp\"\naddress = \"127.0.0.1:1\"\n"
                                    "[listeners.b]\ntype = \"udp\"\naddress = \"127.0.0.1:2\"\n"
                                    "prefix = \"\"\nconstant_tags = { zone = \"b\", c = \"\" }\n");
    CHECK(config.additions == Additions{"app.", Tags{{"region", "eu"}, {"zone", "a"}}});
    REQUIRE(config.listeners.size() == 2);
    CHECK(config.listeners[0].additions == config.additions);
    CHECK(config.listeners[1].additions ==
          Additions{"", Tags{{"region", "eu"}, {"zone", "b"}, {"c", ""}}});
    for (const ListenerConfig& listener : config_of(whole).listeners) {
        CHECK(listener.is_default);
        CHECK(listener.additions == config.additions);
    }
    CHECK(config_of("").additions.empty());
}

TEST_CASE("paths of sockets have the length the kernel has room for") {
    const auto problems_with = [](const std::string& path) {
        return lines_wrong_in("[listeners.a]\ntype = \"unix\"\npath = \"" + path + "\"\n").size();
    };
    CHECK(problems_with("/" + std::string(106, 'x')) == 0);
    CHECK(problems_with("/" + std::string(107, 'x')) == 1);
    CHECK(problems_with("@" + std::string(107, 'x')) == 0);
    CHECK(problems_with("@" + std::string(108, 'x')) == 1);
}

TEST_CASE("a sink reads its section") {
    const SampleSettings defaults = sample_of("[sinks.a]\ntype = \"sample\"\nurl = \"u\"\n");
    CHECK(defaults.url == "u");
    CHECK(defaults.job == "pitot");
    CHECK_FALSE(defaults.user.has_value());
    CHECK(defaults.compress);
    CHECK(defaults.queue == 10);
    CHECK(defaults.ratio == 0.5);
    CHECK(defaults.timeout == 5s);
    CHECK(defaults.batch_bytes == 1U << 20U);
    CHECK(defaults.format == 1);
    CHECK(defaults.hosts == Lines{"localhost"});
    CHECK(defaults.buckets == std::vector<double>{0.1, 1, 10});
    CHECK(defaults.labels.empty());
    CHECK(defaults.password.empty());
    CHECK(defaults.rules.empty());

    const SampleSettings set = sample_of(R"(
        [sinks.a]
        type = "sample"
        url = "http://x"
        job = ""
        user = "me"
        compress = false
        queue = 1
        ratio = 1
        timeout = "10ms"
        batch_bytes = 2048
        format = "json"
        hosts = []
        buckets = [1, 0.5]
        labels = { zone = "a", rack = "b", "a key" = "c" }
        password = "swordfish"
        [sinks.a.rules.late]
        match = "b*"
        [sinks.a.rules.early]
        match = "a*"
    )");
    CHECK(set.job.empty());
    CHECK(set.user == "me");
    CHECK_FALSE(set.compress);
    CHECK(set.queue == 1);
    CHECK(set.ratio == 1.0);
    CHECK(set.timeout == 10ms);
    CHECK(set.batch_bytes == 2048);
    CHECK(set.format == 0);
    CHECK(set.hosts.empty());
    CHECK(set.buckets == std::vector<double>{1, 0.5});
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    CHECK(set.labels == Pairs{{"zone", "a"}, {"rack", "b"}, {"a key", "c"}});
    CHECK(set.password == "swordfish");
    CHECK(set.rules == Pairs{{"late", "b*"}, {"early", "a*"}});
}

TEST_CASE("secrets from files, variables and credentials") {
    const ConfigDirectory directory;
    const auto file = directory.write("secret", "from a file\r\n");
    directory.write("credentials/push", "from a credential\n\n");
    directory.write("empty", "\n");
    directory.write("large", std::string(secret_bytes_max + 1, 'x'));
    const auto password_of = [&](const std::string& value, Lines& wrong) {
        LoadArguments arguments = config_arguments(
            std::nullopt, {R"(sinks.a={type="sample", url="u", password=)" + value + "}"});
        arguments.environment = config_environment(
            {{"SECRET", "from a variable"},
             {"CREDENTIALS_DIRECTORY", (directory.path() / "credentials").native()}});
        auto loaded = load(arguments);
        REQUIRE(loaded);
        const std::string password = read_sample(loaded->sink_sections.at(0).options).password;
        for (const Problem& problem : loaded->finish()) wrong.push_back(problem.what);
        return password;
    };
    Lines wrong;
    CHECK(password_of("{ file = '" + file.native() + "' }", wrong) == "from a file");
    CHECK(password_of("{ env = 'SECRET' }", wrong) == "from a variable");
    CHECK(password_of("{ credential = 'push' }", wrong) == "from a credential");
    CHECK(wrong.empty());

    const std::string path = directory.path().native();
    CHECK(password_of("{ file = '" + path + "/empty' }", wrong).empty());
    CHECK(password_of("{ file = '" + path + "/large' }", wrong).empty());
    CHECK(password_of("{ file = '" + path + "' }", wrong).empty());
    CHECK(password_of("{ credential = 'other' }", wrong).empty());
    CHECK(wrong == Lines{"must not be empty, as the file \"" + path + "/empty\" is",
                         "must not be larger than 64KiB, and is: the file \"" + path + "/large\"",
                         "must be a file, got a directory: the file \"" + path + "\"",
                         "must be readable, got \"No such file or directory\": the file \"" + path +
                             "/credentials/other\""});
}

TEST_CASE("a secret in the open is warned about, and not shown") {
    const ConfigDirectory directory;
    const auto file = directory.write(
        "a.toml", "[sinks.a]\ntype = \"sample\"\nurl = \"u\"\npassword = \"swordfish\"\n");
    const auto warnings_with = [&](std::filesystem::perms rights, std::vector<std::string> sets) {
        std::filesystem::permissions(file, rights);
        auto loaded = load(config_arguments(file, std::move(sets)));
        REQUIRE(loaded);
        read_section(loaded->sink_sections.at(0));
        CHECK(loaded->finish().empty());
        return render(loaded->warnings(), {.excerpts = true});
    };
    CHECK(warnings_with(std::filesystem::perms(0600), {}).empty());
    const std::string told = warnings_with(std::filesystem::perms(0644), {});
    CHECK(told.contains("a.toml:4:12: sinks.a.password: is a secret that every user"));
    const std::string argued =
        warnings_with(std::filesystem::perms(0600), {"sinks.a.password=swordfish"});
    CHECK(argued.starts_with("--set 1: sinks.a.password: is a secret that every user"));
    CHECK_FALSE((told + argued).contains("swordfish"));
    // An empty one is none.
    CHECK(warnings_with(std::filesystem::perms(0600), {"sinks.a.password=''"}).empty());
}

TEST_CASE("unwise limits are a warning") {
    const ConfigDirectory directory;
    auto loaded = load(config_arguments(
        directory.write("a.toml", "[limits]\nseries = 5\nseries_per_metric = 6\n")));
    REQUIRE(loaded);
    std::ranges::for_each(loaded->sink_sections, read_section);
    CHECK(loaded->finish().empty());
    REQUIRE(loaded->warnings().size() == 1);
    CHECK(loaded->warnings()[0].what == "is above `series` (5), which comes first");
    // Not when only the default is above.
    CHECK(load(config_arguments(std::nullopt, {"limits.series=5"}))->warnings().empty());
}

TEST_CASE("files that cannot be read") {
    const ConfigDirectory directory;
    const std::string path = directory.path().native();
    CHECK(unreadable(path + "/none.toml") ==
          Lines{path + "/none.toml: must be readable, got \"No such file or directory\""});
    CHECK(unreadable(path) == Lines{path + ": must be a file, got a directory"});
    CHECK(unreadable(directory.write("elf", std::string("\x7f"
                                                        "ELF\0\1",
                                                        6))) ==
          Lines{path + "/elf: must be a TOML text, got a binary file (a NUL character at byte 5)"});
    CHECK(unreadable(directory.write("huge", std::string(config_file_bytes_max + 1, '#'))) ==
          Lines{path + "/huge: must not be larger than 1MiB, and is"});
    CHECK(unreadable("/dev/zero") == Lines{"/dev/zero: must not be larger than 1MiB, and is"});
    CHECK(config_of(std::string(config_file_bytes_max, '#')).interval == 10s);
}

TEST_CASE("hostile files end in problems, soon") {
    // Dotted keys, nested arrays and keys by the hundred thousand.
    std::string dotted = "a";
    while (dotted.size() < 900'000) dotted += ".a";
    CHECK(lines_wrong_in(dotted + " = 1").size() == 1);
    CHECK(lines_wrong_in("a = " + std::string(500'000, '[')).size() == 1);
    std::string inner = "1";
    for (int i = 0; i < 15; ++i) inner = "{ a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = " + inner + " }";
    CHECK(lines_wrong_in("a = " + inner).size() == 1);
    std::string many;
    for (int i = 0; many.size() < 900'000; ++i) many += "k" + std::to_string(i) + "=1\n";
    CHECK(lines_wrong_in(many).size() == ProblemList::problems_max);
}

TEST_CASE("a loaded configuration can be moved, and finished twice") {
    auto loaded = load(config_arguments(std::nullopt, {"sinks.a.type=console", "sinks.a.x=1"}));
    REQUIRE(loaded);
    LoadedConfig moved = std::move(*loaded);
    std::ranges::for_each(moved.sink_sections, read_section);
    CHECK(moved.finish().size() == 1);
    CHECK(moved.finish().size() == 1);
}

TEST_CASE("too many listeners and sinks") {
    std::string toml;
    for (int i = 0; i <= 64; ++i) {
        const std::string name = "n" + std::to_string(i);
        toml += "[listeners." + name + "]\ntype=\"udp\"\naddress=\"127.0.0.1:0\"\n";
        toml += "[sinks." + name + "]\ntype=\"console\"\n";
    }
    CHECK(lines_wrong_in(toml) == Lines{"c:1:1: listeners: must be at most 64 tables, got 65",
                                        "c:4:1: sinks: must be at most 64 tables, got 65"});
}

TEST_CASE("servers of sinks keep out of each other's way, and of everybody else's") {
    const auto wrong = [](std::string_view toml) {
        const ConfigDirectory directory;
        LoadArguments arguments = config_arguments(directory.write("c", toml));
        arguments.sink_types = {"prometheus"};
        auto loaded = load(arguments);
        REQUIRE(loaded);
        std::string all;
        for (const SinkSection& section : loaded->sink_sections) {
            section.options.optional_text("address");
        }
        for (const Problem& problem : loaded->finish()) {
            all += problem.key + ": " + problem.what + "\n";
        }
        return all;
    };
    const std::string one = "[sinks.a]\ntype = \"prometheus\"\naddress = \"127.0.0.1:9125\"\n";
    CHECK(wrong(one) ==
          "sinks.a.address: must be of its own, got \"127.0.0.1:9125\", which http.address has "
          "already\n");
    CHECK(wrong(one + "[http]\naddress = \"\"\n") == "");
    CHECK(wrong(one + "[http]\naddress = \"*:9125\"\ntoken = \"t\"\n")
              .contains("which http.address has already"));
    CHECK(wrong(one + "[http]\naddress = \"\"\n[listeners.x]\ntype = \"tcp\"\naddress = "
                      "\"0.0.0.0:9125\"\n")
              .contains("which listeners.x.address has already"));
    CHECK(wrong(one + "[http]\naddress = \"\"\n[sinks.b]\ntype = \"prometheus\"\naddress = "
                      "\"127.0.0.1:9125\"\n")
              .contains("which sinks.a.address has already"));
    CHECK(wrong("[sinks.a]\ntype = \"prometheus\"\naddress = \"127.0.0.1:9126\"\n") == "");
    CHECK(wrong("[sinks.a]\ntype = \"prometheus\"\naddress = \"[::1]:9125\"\n") == "");
}

TEST_CASE("the owner of a socket is a user of this machine") {
    const ConfigDirectory directory;
    const auto file = directory.write("c",
                                      "[listeners.a]\ntype = \"unix\"\npath = \"/run/x\"\n"
                                      "owner = \"nosuchuser\"\ngroup = \"nosuchgroup\"\n");
    LoadArguments arguments = config_arguments(file);
    CHECK(problems_of(arguments).empty());
    arguments.environment.has_user = [](const std::string& name) { return name == "pitot"; };
    arguments.environment.has_group = arguments.environment.has_user;
    const auto problems = problems_of(arguments);
    REQUIRE(problems.size() == 2);
    CHECK(to_line(problems[0]) == file.native() +
                                      ":4:9: listeners.a.owner: must be a user of this machine or "
                                      "a number, got \"nosuchuser\"");
    CHECK(problems[1].line == 5);
    const Environment system = system_environment();
    CHECK(system.has_user("root"));
    CHECK(system.has_user("12345"));
    CHECK_FALSE(system.has_user("no such user"));
    CHECK(system.has_group("root"));
    CHECK_FALSE(system.has_group("no such group"));
}
