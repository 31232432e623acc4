// The Prometheus text of Snapshots: golden text for every kind, totals and idle intervals,
// counters that are decremented, clashes and who wins them, series that die and make room,
// and a strict reading of the format over hostile names.
#include "sinks/prometheus/exposition.h"
#include "sinks/prometheus/value_text.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "sinks/number_text.h"
#include "tests/support/golden.h"
#include "tests/support/hostile_snapshot.h"
#include "tests/support/sink_snapshot.h"
#include "tests/support/strict_exposition.h"

using namespace pitot::sinks;
using namespace pitot::sinks::prometheus;
using namespace pitot::tests;
using pitot::protocol::Kind;

namespace {

struct Bench {
    SnapshotMaker maker;
    std::string reports;
    Exposition exposition;
    Encoded last;

    explicit Bench(ExpositionSettings settings = default_settings())
        : exposition(std::move(settings),
                     [this](const std::string& what) { reports += what + "\n"; }) {}

    static ExpositionSettings default_settings() {
        ExpositionSettings settings;
        settings.quantiles = {0.5, 0.9};
        settings.rules = {{.match = "slow.*", .form = Form::histogram, .buckets = {0.25, 1, 2.5}}};
        settings.reserved_names = {"push_time_seconds"};
        return settings;
    }

    // The text of the interval; its points must add up.
    std::string text(const std::unordered_set<std::string>& withheld = {}) {
        last = {};
        const pitot::protocol::Snapshot snapshot = maker.end_interval();
        exposition.encode(snapshot, withheld, last);
        REQUIRE(last.batches.size() == 1);
        const Batch& batch = last.batches.front();
        CHECK(batch.points + last.lost.sum() + last.skipped.sum() == snapshot.points());
        std::uint64_t points = 0;
        for (const Item& item : batch.items) points += item.points;
        CHECK(points == batch.points);
        CHECK((batch.items.empty() ? 0 : batch.items.back().end) == batch.body.size());
        return batch.body;
    }
    // Without HELP and TYPE lines.
    std::string samples() {
        std::istringstream in(text());
        std::string out;
        for (std::string line; std::getline(in, line);) {
            if (!line.starts_with('#')) out += line + "\n";
        }
        return out;
    }
};

// The value of the one sample of that name and these labels.
double value_in(const std::string& body, const std::string& sample) {
    const std::size_t at = ("\n" + body).find("\n" + sample + " ");
    REQUIRE_MESSAGE(at != std::string::npos, "must have " << sample << ": " << body);
    return std::stod(body.substr(at + sample.size() + 1));
}

void check_strictly(std::string_view body) {
    const StrictExposition page(body, StrictExposition::Format::text);
    CHECK(page.complaints() == "");
}

}  // namespace

TEST_CASE("every kind, in the first interval and in an idle one") {
    Bench bench;
    bench.maker.count("page.views", "env:prod,shell", 3);
    bench.maker.count("page.views", "env:dev", 0.5);
    bench.maker.gauge("queue.length", "", -2.25);
    bench.maker.set("users", "site:a b", 17);
    bench.maker.values(Kind::timer, "load", "env:prod", {250, 100, 1000, 750});
    bench.maker.values(Kind::histogram, "size", "", {1, 2, 3});
    bench.maker.values(Kind::distribution, "amount", "", {1e21, 5e-7});
    bench.maker.values(Kind::timer, "slow.query", R"(db:"x"\y)", {200, 900, 3000});
    bench.maker.timed(Kind::gauge, "late", 1'700'000'000, 1);
    pitot::protocol::Event deploy;
    deploy.title = "deploy";
    bench.maker.event(deploy);
    pitot::protocol::ServiceCheck up;
    up.name = "up";
    bench.maker.check(up);
    const std::string first = bench.text();
    check_golden("prometheus/all_kinds.txt", first);
    check_strictly(first);
    CHECK(bench.last.skipped[SkipReason::own_time] == 1);
    CHECK(bench.last.skipped[SkipReason::event] == 1);
    CHECK(bench.last.skipped[SkipReason::service_check] == 1);

    // A total is repeated whether its counter is told of or not.
    bench.maker.stand_still("page.views", "env:dev");
    const std::string idle = bench.text();
    check_golden("prometheus/all_kinds_idle.txt", idle);
    check_strictly(idle);
    CHECK(bench.reports == "");
}

TEST_CASE("values are the shortest text that reads back") {
    struct Row {
        double value;
        const char* text;
    };
    for (const Row& row : std::vector<Row>{{0, "0"},
                                           {-0.0, "0"},
                                           {1, "1"},
                                           {100000, "100000"},
                                           {-1234567, "-1234567"},
                                           {999999999999999, "999999999999999"},
                                           {1e15, "1e+15"},
                                           {0.1, "0.1"},
                                           {0.1 + 0.2, "0.30000000000000004"},
                                           {1e-7, "1e-07"},
                                           {5e-324, "5e-324"},
                                           {std::numeric_limits<double>::quiet_NaN(), "NaN"},
                                           {std::numeric_limits<double>::infinity(), "+Inf"},
                                           {-std::numeric_limits<double>::infinity(), "-Inf"}}) {
        std::string text;
        append_value(row.value, text);
        CHECK(text == row.text);
    }
}

TEST_CASE("totals go on, counts are whole") {
    Bench bench;
    for (int i = 0; i < 3; ++i) bench.maker.values(Kind::histogram, "h", "", {2}, 1 / 0.3);
    bench.maker.count("c", "", 5);
    CHECK(bench.samples().find("h_count 10\n") != std::string::npos);
    bench.maker.values(Kind::histogram, "h", "", {2}, 1 / 0.3);
    bench.maker.count("c", "", 7);
    const std::string second = bench.samples();
    CHECK(second.find("c_total 12\n") != std::string::npos);
    CHECK(second.find("h_count 13\n") != std::string::npos);
}

TEST_CASE("buckets are cumulative, in the family's unit, and end in _count") {
    Bench bench;
    bench.maker.values(Kind::timer, "slow.t", "", {200, 300, 900, 9000});
    bench.maker.values(Kind::histogram, "slow.h", "", {0.25, 2, 2.4, 3});
    CHECK(bench.samples() ==
          "slow_h_bucket{le=\"0.25\"} 1\nslow_h_bucket{le=\"1.0\"} 1\n"
          "slow_h_bucket{le=\"2.5\"} 3\nslow_h_bucket{le=\"+Inf\"} 4\n"
          "slow_h_sum 7.65\nslow_h_count 4\n"
          "slow_t_seconds_bucket{le=\"0.25\"} 1\nslow_t_seconds_bucket{le=\"1.0\"} 3\n"
          "slow_t_seconds_bucket{le=\"2.5\"} 3\nslow_t_seconds_bucket{le=\"+Inf\"} 4\n"
          "slow_t_seconds_sum 10.4\nslow_t_seconds_count 4\n");
}

TEST_CASE("what equals a bound is under it, in intervals of few values and of many") {
    for (const int copies : {1, 100}) {
        CAPTURE(copies);
        Bench bench;
        std::vector<double> values;
        for (int i = 0; i < copies; ++i) values.insert(values.end(), {250, 1000, 1500, 3000});
        bench.maker.values(Kind::timer, "slow.t", "", values);
        const std::string body = bench.text();
        CHECK(value_in(body, "slow_t_seconds_bucket{le=\"0.25\"}") == copies);
        CHECK(value_in(body, "slow_t_seconds_bucket{le=\"1.0\"}") == 2 * copies);
        CHECK(value_in(body, "slow_t_seconds_bucket{le=\"2.5\"}") == 3 * copies);
        CHECK(value_in(body, "slow_t_seconds_bucket{le=\"+Inf\"}") == 4 * copies);
    }
}

TEST_CASE("buckets never fall, whatever an interval brings, and end in _count") {
    std::mt19937 dice(5);
    Bench bench;
    std::vector<double> before(4, 0.0);
    double values_sent = 0;
    for (int interval = 0; interval < 200; ++interval) {
        CAPTURE(interval);
        std::vector<double> values;
        // None, few or many; around the bounds, far below, far above, negative.
        const std::size_t count = std::vector<std::size_t>{0, 1, 20, 500}[dice() % 4];
        for (std::size_t i = 0; i < count; ++i) {
            const double scale = std::pow(10.0, static_cast<int>(dice() % 9) - 2);
            values.push_back(scale * (static_cast<double>(dice() % 2001) - 1000) / 1000);
        }
        if (!values.empty()) bench.maker.values(Kind::timer, "slow.t", "", values);
        values_sent += static_cast<double>(count);
        if (values_sent == 0) continue;
        const std::string body = bench.text();
        std::vector<double> now;
        for (const std::string bound : {"0.25", "1.0", "2.5", "+Inf"}) {
            now.push_back(value_in(body, "slow_t_seconds_bucket{le=\"" + bound + "\"}"));
        }
        for (std::size_t i = 0; i < now.size(); ++i) {
            CHECK(now[i] >= before[i]);
            if (i > 0) CHECK(now[i] >= now[i - 1]);
        }
        CHECK(now.back() == values_sent);
        CHECK(value_in(body, "slow_t_seconds_count") == values_sent);
        before = now;
    }
}

TEST_CASE("what is withheld for a while comes back neither lower nor with gaps") {
    Bench bench;
    bench.maker.count("c", "", 10);
    bench.maker.values(Kind::timer, "slow.t", "", {200});
    CHECK(value_in(bench.text(), "c_total") == 10);
    bench.maker.count("c", "", -5);
    bench.maker.values(Kind::timer, "slow.t", "", {200, 2000});
    CHECK(bench.text({"c_total", "slow_t_seconds"}) == "");
    CHECK(bench.last.lost[LossReason::quarantined] == 2);
    bench.maker.count("c", "", 1);
    const std::string body = bench.text();
    CHECK(value_in(body, "c_total") == 11);
    CHECK(value_in(body, "slow_t_seconds_bucket{le=\"0.25\"}") == 2);
    CHECK(value_in(body, "slow_t_seconds_bucket{le=\"2.5\"}") == 3);
    CHECK(value_in(body, "slow_t_seconds_count") == 3);
}

TEST_CASE("a text has a bound, and what is beyond it is counted") {
    ExpositionSettings settings = Bench::default_settings();
    settings.bytes_max = 200;
    Bench bench(settings);
    for (int i = 0; i < 20; ++i) bench.maker.count("a", "i:" + std::to_string(i), 1);
    bench.maker.count("b", "", 1);
    const std::string text = bench.text();
    CHECK(text.size() >= 200);
    CHECK(text.size() < 220);
    check_strictly(text);
    CHECK(text.find("b_total") == std::string::npos);
    CHECK(bench.last.lost[LossReason::too_large] ==
          21 - static_cast<std::uint64_t>(bench.last.batches.front().points));
}

TEST_CASE("a counter never falls by rounding, whatever fractions are taken from it and added") {
    {
        Bench bench;
        bench.maker.count("c", "", 0.4);
        CHECK(bench.samples() == "c_total 0.4\n");
        bench.maker.count("c", "", -2.5);
        CHECK(bench.samples() == "c_total 0.4\n");
        CHECK(bench.samples() == "c_total 0.4\n");  // idle
    }
    std::mt19937 dice(20);
    for (int run = 0; run < 200; ++run) {
        Bench bench;
        double before = 0;
        double added = 0;
        for (int interval = 0; interval < 20; ++interval) {
            const double delta = static_cast<double>(static_cast<int>(dice() % 801) - 300) /
                                 std::vector<double>{1, 10, 100}[dice() % 3];
            added += std::max(delta, 0.0);
            bench.maker.count("c", "", delta);
            const double now = value_in(bench.samples(), "c_total");
            CHECK(now >= before);
            CHECK(now == doctest::Approx(added));
            before = now;
        }
    }
}

TEST_CASE("a counter that is decremented never goes down, and the point is counted") {
    Bench bench;
    bench.maker.count("c", "", 10);
    CHECK(bench.samples() == "c_total 10\n");
    bench.maker.count("c", "", -3);
    CHECK(bench.samples() == "c_total 10\n");
    CHECK(bench.last.lost[LossReason::negative_delta] == 1);
    bench.maker.count("c", "", 5);
    CHECK(bench.samples() == "c_total 15\n");
    CHECK(bench.last.lost.sum() == 0);

    bench.maker.count("born.negative", "", -4);
    CHECK(bench.samples() == "born_negative_total 0\nc_total 15\n");
    bench.maker.count("born.negative", "", 1);
    CHECK(bench.samples() == "born_negative_total 1\nc_total 15\n");
    // Up and down within one interval is the interval's sum.
    bench.maker.count("c", "", 5);
    bench.maker.count("c", "", -4);
    CHECK(bench.samples() == "born_negative_total 1\nc_total 16\n");
}

TEST_CASE("of two series with one name the first-born stays, in whatever order they come") {
    Bench bench;
    bench.maker.gauge("a-b", "", 1);  // born first
    bench.maker.gauge("a.b", "", 2);
    CHECK(bench.samples() == "a_b 1\n");
    CHECK(bench.last.lost[LossReason::name_clash] == 1);
    CHECK(bench.reports ==
          "gauge \"a-b\" and gauge \"a.b\" would both be a_b{}; gauge \"a.b\" came later and is "
          "not sent. Rename one of them\n");

    // Reported once, counted each time, and a third joins.
    bench.maker.gauge("a_b", "", 3);
    CHECK(bench.samples() == "a_b 1\n");
    CHECK(bench.last.lost[LossReason::name_clash] == 2);
    CHECK(bench.samples() == "a_b 1\n");

    // The next in line takes the place of the first when it expires.
    bench.maker.forget(Kind::gauge, "a-b", "");
    CHECK(bench.samples() == "a_b 2\n");
    CHECK(bench.last.lost[LossReason::name_clash] == 1);
    bench.maker.forget(Kind::gauge, "a_b", "");
    CHECK(bench.samples() == "a_b 2\n");
    CHECK(bench.last.lost.sum() == 0);

    // Other labels are no clash.
    bench.maker.gauge("a-b", "x:1", 4);
    CHECK(bench.samples() == "a_b 2\na_b{x=\"1\"} 4\n");
    CHECK(bench.last.lost.sum() == 0);
}

TEST_CASE("however many names clash, each is told of, a few in each interval") {
    Bench bench;
    constexpr int clashes = 12;
    for (int i = 0; i < clashes; ++i) {
        bench.maker.gauge("n" + std::to_string(i), "", 1);
        bench.maker.values(Kind::histogram, "n" + std::to_string(i), "", {1});
    }
    for (int interval = 0; interval < 3; ++interval) {
        bench.text();
        CHECK(bench.last.lost[LossReason::name_clash] == clashes);
    }
    for (int i = 0; i < clashes; ++i) {
        const std::string name = "histogram \"n" + std::to_string(i) + "\" would use the name";
        CAPTURE(name);
        const std::size_t at = bench.reports.find(name);
        REQUIRE(at != std::string::npos);
        CHECK(bench.reports.find(name, at + 1) == std::string::npos);
    }
    CHECK(bench.reports.find("7 more such clashes are not told yet: 5 are in each interval\n") !=
          std::string::npos);
    CHECK(bench.reports.find("2 more such clashes are not told yet") != std::string::npos);
    const std::string all = bench.reports;
    bench.text();
    CHECK(bench.reports == all);
}

TEST_CASE("a timer that lies on a bound is in its bucket, whatever a product would be") {
    ExpositionSettings settings;
    FormRule rule{.match = "*", .form = Form::histogram, .buckets = {}};
    std::vector<double> milliseconds;
    for (int ms = 1; ms <= 6'000; ++ms) {
        rule.buckets.push_back(ms / 1000.0);
        milliseconds.push_back(ms);
    }
    settings.rules = {rule};
    Bench bench(settings);
    for (std::size_t first = 0; first < milliseconds.size(); first += 30) {
        // Up to 32 values of an interval are kept as they are.
        bench.maker.values(Kind::timer, "t", "",
                           {milliseconds.begin() + static_cast<std::ptrdiff_t>(first),
                            milliseconds.begin() + static_cast<std::ptrdiff_t>(first) + 30});
        const std::string body = bench.text();
        for (std::size_t i = first; i < first + 30; ++i) {
            const std::string bucket =
                "t_seconds_bucket{le=\"" + canonical_label_value(rule.buckets[i]) + "\"}";
            CHECK(value_in(body, bucket) == static_cast<double>(i + 1));
        }
    }
}

TEST_CASE("a name with two types, and a name that is part of another's") {
    Bench bench;
    bench.maker.values(Kind::histogram, "x", "", {1});
    bench.maker.gauge("x", "", 5);
    bench.maker.gauge("x_count", "k:v", 6);
    bench.maker.gauge("x_bucket", "", 7);  // a summary has no buckets: fine
    bench.maker.gauge("push_time_seconds", "", 8);
    bench.maker.gauge("slow_h_bucket", "", 9);
    bench.maker.values(Kind::histogram, "slow.h", "", {1});
    const std::string body = bench.text();
    check_strictly(body);
    CHECK(body.find("x_count{") == std::string::npos);
    CHECK(body.find("x_bucket 7\n") != std::string::npos);
    CHECK(body.find("slow_h_bucket 9\n") != std::string::npos);
    CHECK(body.find("slow_h_sum") == std::string::npos);
    CHECK(bench.last.lost[LossReason::name_clash] == 4);
    CHECK(bench.reports ==
          "gauge \"x\" would use the name x, which histogram \"x\" uses already in another form; "
          "it came later and is not sent. Rename one of them\n"
          "gauge \"x_count\" would use the name x_count, which histogram \"x\" uses already in "
          "another form; it came later and is not sent. Rename one of them\n"
          "gauge \"push_time_seconds\" would use the name push_time_seconds, which the "
          "destination itself uses already in another form; it came later and is not sent. Rename "
          "one of them\n"
          "histogram \"slow.h\" would use the name slow_h_bucket, which gauge \"slow_h_bucket\" "
          "uses already in another form; it came later and is not sent. Rename one of them\n");

    // The names are free again when their owner is gone.
    bench.maker.forget(Kind::histogram, "x", "");
    CHECK(bench.samples() == "slow_h_bucket 9\nx 5\nx_bucket 7\nx_count{k=\"v\"} 6\n");
}

TEST_CASE("a death and a birth under the same id do not mix up") {
    Bench bench;
    bench.maker.gauge("a", "n:1", 1);
    bench.maker.gauge("a", "n:2", 2);
    CHECK(bench.samples() == "a{n=\"1\"} 1\na{n=\"2\"} 2\n");
    bench.maker.forget(Kind::gauge, "a", "n:1");
    bench.maker.count("b", "", 3);  // takes the id
    CHECK(bench.samples() == "a{n=\"2\"} 2\nb_total 3\n");
    bench.maker.forget(Kind::counter, "b", "");
    bench.maker.gauge("a", "n:0", 4);  // takes it again
    CHECK(bench.samples() == "a{n=\"0\"} 4\na{n=\"2\"} 2\n");
    bench.maker.forget(Kind::gauge, "a", "n:0");
    bench.maker.forget(Kind::gauge, "a", "n:2");
    CHECK(bench.text() == "");
}

TEST_CASE("withheld families are left out and counted") {
    Bench bench;
    bench.maker.gauge("a", "n:1", 1);
    bench.maker.gauge("a", "n:2", 1);
    bench.maker.gauge("b", "", 1);
    const std::string body = bench.text({"a"});
    CHECK(body == "# HELP b StatsD gauge b\n# TYPE b gauge\nb 1\n");
    CHECK(bench.last.lost[LossReason::quarantined] == 2);
    CHECK(family_name(item_bytes(bench.last.batches[0], 0)) == "b");
}

TEST_CASE("merged labels are reported and counted") {
    Bench bench;
    bench.maker.gauge("a", "x.y:1,x-y:2", 1);
    CHECK(bench.samples() == "a{x_y=\"2,1\"} 1\n");
    CHECK(bench.exposition.merged_labels() == 1);
    CHECK(bench.reports.find("tags of gauge \"a\" share one label") != std::string::npos);
}

TEST_CASE("hostile names and tags still make a strictly correct text") {
    HostileSnapshots hostile(7);
    Bench bench;
    for (int interval = 0; interval < 20; ++interval) {
        hostile.add_to(bench.maker, 200);
        check_strictly(bench.text());
    }
    CHECK(bench.last.lost[LossReason::name_clash] > 0);
}

TEST_CASE("bounds and ranks are written as OpenMetrics and Go write them") {
    struct Row {
        double value;
        const char* text;
    };
    for (const Row& row : std::vector<Row>{{0, "0.0"},
                                           {1, "1.0"},
                                           {-1, "-1.0"},
                                           {0.5, "0.5"},
                                           {0.999, "0.999"},
                                           {2.5, "2.5"},
                                           {10, "10.0"},
                                           {100000, "100000.0"},
                                           {999999, "999999.0"},
                                           {1e6, "1e+06"},
                                           {1234567, "1.234567e+06"},
                                           {1e21, "1e+21"},
                                           {0.0001, "0.0001"},
                                           {0.00001, "1e-05"},
                                           {0.000012, "1.2e-05"},
                                           {5e-324, "5e-324"}}) {
        CHECK(canonical_label_value(row.value) == row.text);
    }
}

TEST_CASE("the quick way to write a number gives the shortest text that reads back") {
    std::mt19937_64 dice(3);
    const auto check = [](double value) {
        std::string text;
        append_number(value, text);
        std::array<char, 64> general{};
        const auto end = std::to_chars(general.data(), general.data() + general.size(), value).ptr;
        const std::string_view shortest(general.data(), end);
        const bool is_whole = std::abs(value) < 1e15 && std::trunc(value) == value;
        if (!is_whole) CHECK(text == shortest);
        double again = 0;
        std::from_chars(text.data(), text.data() + text.size(), again);
        CHECK(again == value);
    };
    for (int i = 0; i < 300'000; ++i) {
        // Decimals of up to nine places, and of any size; their neighbours; any bits at all.
        const auto whole = static_cast<double>(static_cast<std::int64_t>(dice() >> (dice() % 64U)));
        const double decimal = whole / std::pow(10.0, static_cast<double>(dice() % 10));
        check(decimal);
        check(-decimal);
        check(std::nextafter(decimal, 0));
        check(std::nextafter(decimal, 1e300));
        const auto any = std::bit_cast<double>(dice());
        if (std::isfinite(any)) check(any);
    }
    for (const double edge : {0.001, 0.0010000001, 0.000999999, 999999999.999999, 1e9, 1e9 + 0.5,
                              999999999.9999999, 0.1 + 0.2, 1e15 + 0.5, 1e15 - 0.5}) {
        check(edge);
        check(-edge);
    }
}

TEST_CASE("the same Snapshots give the same bytes") {
    const auto run = [] {
        Bench bench;
        std::string all;
        for (int interval = 0; interval < 3; ++interval) {
            for (int i = 0; i < 100; ++i) {
                bench.maker.count("c" + std::to_string(i % 7), "n:" + std::to_string(i), i);
            }
            all += bench.text();
        }
        return all;
    };
    CHECK(run() == run());
}
