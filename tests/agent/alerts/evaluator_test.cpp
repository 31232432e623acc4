// The evaluator on small streams that one can follow by hand: the rules about windows that
// fill, silence, joins, units and memory, and arithmetic on what is only partly known.
#include "agent/alerts/evaluator.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/parser.h"
#include "tests/support/lines.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::agent::alerts;
using pitot::protocol::Kind;
using pitot::tests::SnapshotMaker;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

std::optional<Unit> declared(std::string_view name) {
    if (name == "cpu") return find_metric_unit("percent");
    if (name == "db.seconds") return find_metric_unit("s");
    return std::nullopt;
}

// One rule, and a stream for it.
class Rig {
public:
    explicit Rig(const std::string& text, bool zero_for_no_data = false,
                 EvaluatorSettings settings = {.unit_of = declared},
                 std::int64_t forget_after_ns = CompileSettings{}.forget_after_ns,
                 std::vector<GroupLabels> expected = {})
        : evaluator_(std::move(settings)) {
        auto expression = parse_expression(SourceText(text));
        REQUIRE(expression.has_value());
        auto program = compile(std::move(*expression), Result::condition,
                               {.unit_of = declared,
                                .forget_after_ns = forget_after_ns,
                                .expected = std::move(expected)});
        REQUIRE_MESSAGE(program.has_value(), program.error().what);
        rule_ = evaluator_.add(std::move(*program), zero_for_no_data);
    }

    SnapshotMaker in;

    // "label=value yes 12; …": what each instance is after one more flush.
    std::string flush() { return flush(in.end_interval()); }
    std::string flush(const pitot::protocol::Snapshot& snapshot) {
        evaluator_.take(snapshot);
        std::string out;
        evaluator_.each_instance(rule_, [&](const Instance& instance) {
            static constexpr const char* truths[]{"no", "yes", "no data", "filling"};
            if (!out.empty()) out += "; ";
            for (const Label& label : instance.group.labels) {
                out += label.name + "=" + label.value + " ";
            }
            out += truths[static_cast<int>(instance.truth)];
            if (instance.value.known == Known::value) {
                std::string number = std::to_string(instance.value.shown());
                number.erase(number.find_last_not_of('0') + 1);
                if (number.ends_with('.')) number.pop_back();
                out += " " + number;
            }
        });
        return out;
    }
    EvaluatorUsage usage() const { return evaluator_.usage(); }
    EvaluatorMemory memory() const { return evaluator_.memory(); }
    void restore(const EvaluatorMemory& memory) { evaluator_.restore(memory); }

private:
    Evaluator evaluator_;
    ProgramId rule_ = 0;
};

}  // namespace

TEST_CASE("the first error ever counts") {
    Rig rig("increase(errors[5m]) > 0");
    CHECK(rig.flush() == "filling 0");
    rig.in.count("errors", "", 1);
    CHECK(rig.flush() == "yes 1");
}

TEST_CASE("values that were left out count as those that came") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"count(load) > 0", "yes 44"},
        {"sum(load) > 0", "yes 480"},
        {"avg(load[30s]) > 0", "yes 10.909091"},
        {"count_over(load, 15) > 0", "yes 24"},
        {"max(load) > 0", "yes 20"},
        {"sum(load) / count(load) - avg(load) > 0", "no 0"},
    };
    for (const auto& [rule, expected] : rows) {
        CAPTURE(rule);
        Rig rig(rule);
        pitot::tests::ShardRig shard(1, {}, {},
                                     {{.timer_rate = pitot::protocol::TimerRate::count}});
        rig.flush(shard.flush());
        rig.flush(shard.flush());
        // One merged series is sampled otherwise than the other.
        shard.say(0, "load:0:20|h|@0.05|#a:1\nload:20|h|@0.25|#a:2");
        CHECK(rig.flush(shard.flush()) == expected);
    }
}

TEST_CASE("a window that fills decides only what the rest of it cannot change") {
    Rig none("increase(runs[40s]) == 0");
    CHECK(none.flush() == "filling 0");
    CHECK(none.flush() == "filling 0");
    CHECK(none.flush() == "filling 0");
    CHECK(none.flush() == "yes 0");

    Rig some("increase(runs[40s]) == 0");
    some.in.count("runs", "", 1);
    CHECK(some.flush() == "no 1");

    Rig many("increase(errors[5m]) > 10");
    many.in.count("errors", "", 11);
    CHECK(many.flush() == "yes 11");
}

TEST_CASE("estimates wait for three flushes, change for the whole window") {
    Rig rate("rate(x[5m]) > 1");
    rate.in.count("x", "", 60);
    CHECK(rate.flush() == "filling");
    CHECK(rate.flush() == "filling");
    CHECK(rate.flush() == "yes 2");

    Rig slope("deriv(depth[40s]) > 0");
    for (int i = 0; i < 3; ++i) {
        slope.in.gauge("depth", "", i * 10);
        CHECK(slope.flush() == "filling");
    }
    slope.in.gauge("depth", "", 30);
    CHECK(slope.flush() == "yes 1");

    Rig leak("last(heap) / last(heap offset 30s) - 1 > 10%");
    leak.in.gauge("heap", "", 100);
    CHECK(leak.flush() == "filling");
    leak.flush();
    leak.flush();
    leak.in.gauge("heap", "", 109);
    CHECK(leak.flush() == "no 0.09");
    leak.in.gauge("heap", "", 111);
    CHECK(leak.flush() == "yes 0.11");
}

TEST_CASE("silence is zero for what counts, nothing for what measures, and the same for gauges") {
    Rig count("rate(x) < 1");
    count.in.count("x", "", 50);
    CHECK(count.flush() == "no 5");
    CHECK(count.flush() == "yes 0");

    Rig timer("p95(t) > 100ms");
    timer.in.values(Kind::timer, "t", "", {250});
    CHECK(timer.flush() == "yes 250");
    CHECK(timer.flush() == "no data");

    Rig gauge("g > 5");
    gauge.in.gauge("g", "", 6);
    CHECK(gauge.flush() == "yes 6");
    CHECK(gauge.flush() == "yes 6");
    gauge.in.forget(Kind::gauge, "g", "");
    CHECK(gauge.flush() == "no data");
    CHECK(gauge.flush() == "");

    Rig zero("p95(t) > 100ms", true);
    zero.in.values(Kind::timer, "t", "", {250});
    CHECK(zero.flush() == "yes 250");
    CHECK(zero.flush() == "no 0");

    Rig aged("last(g[20s]) > 5");
    aged.in.gauge("g", "", 6);
    CHECK(aged.flush() == "yes 6");
    CHECK(aged.flush() == "yes 6");
    CHECK(aged.flush() == "no data");
}

TEST_CASE("a ratio sums away what only its numerator asks for") {
    Rig merged("ratio(jobs{status=\"failed\"}, jobs) > 9%");
    Rig split("ratio(jobs{status=\"failed\"}, jobs) by (*) > 9%");
    for (Rig* const rig : {&merged, &split}) {
        rig->in.count("jobs", "node:a,status:failed", 10);
        rig->in.count("jobs", "node:a,status:completed", 90);
        rig->in.count("jobs", "node:b,status:completed", 50);
    }
    CHECK(merged.flush() == "no 0.066667");
    // No numerator is a numerator of nothing.
    CHECK(split.flush() == "node=a yes 0.1; node=b no 0");
    CHECK(merged.flush() == "no data");

    Rig floor("ratio(a, b, min = 20) > 5%");
    floor.in.count("a", "", 10);
    floor.in.count("b", "", 19);
    CHECK(floor.flush() == "no data");
    floor.in.count("a", "", 10);
    floor.in.count("b", "", 20);
    CHECK(floor.flush() == "yes 0.5");

    // In a window that fills, a floor that is reached is enough; without one it is not.
    Rig filling("ratio(a, b[1m], min = 20) > 5%");
    filling.in.count("a", "", 10);
    filling.in.count("b", "", 19);
    CHECK(filling.flush() == "filling");
    filling.in.count("b", "", 1);
    CHECK(filling.flush() == "yes 0.5");
    Rig without("ratio(a, b[1m]) > 5%");
    without.in.count("a", "", 10);
    without.in.count("b", "", 20);
    CHECK(without.flush() == "filling");
}

TEST_CASE("sides are joined by their labels") {
    Rig pool("connections >= pool_size");
    pool.in.gauge("connections", "db:a", 10);
    pool.in.gauge("connections", "db:b", 10);
    pool.in.gauge("connections", "db:c", 10);
    pool.in.gauge("pool_size", "db:a", 10);
    pool.in.gauge("pool_size", "db:b", 20);
    // One of the two is missing: no data, and never 10 >= 0.
    CHECK(pool.flush() == "db=a yes 10; db=b no 10; db=c no data 10");

    Rig broadcast("sum(x) by (zone) > sum(limit)");
    broadcast.in.count("x", "zone:a", 5);
    broadcast.in.count("x", "zone:b", 3);
    broadcast.in.gauge("limit", "", 4);
    CHECK(broadcast.flush() == "zone=a yes 5; zone=b no 3");

    Rig either("rate(a) by (s) > 0 or rate(b) by (s) > 0");
    either.in.count("a", "s:1", 1);
    either.in.count("b", "s:2", 1);
    CHECK(either.flush() == "s=1 yes 0.1; s=2 yes");
}

TEST_CASE("names with stars are their own labels") {
    Rig rig("increase(\"api.*.errors\") by ($1) > 1");
    rig.in.count("api.users.errors", "host:a", 1);
    rig.in.count("api.users.errors", "host:b", 1);
    rig.in.count("api.carts.errors", "host:a", 1);
    rig.in.count("api.v1.users.errors", "", 9);
    CHECK(rig.flush() == "$1=users yes 2; $1=carts no 1");
}

TEST_CASE("absence is of groups that were there") {
    Rig rig("absent(beat[20s]) by (worker)");
    rig.in.gauge("beat", "worker:a", 1);
    CHECK(rig.flush() == "worker=a no 0");
    rig.in.gauge("beat", "worker:b", 1);
    CHECK(rig.flush() == "worker=a no 0; worker=b no 0");
    CHECK(rig.flush() == "worker=a yes 1; worker=b no 0");
    rig.in.forget(Kind::gauge, "beat", "worker:a");
    CHECK(rig.flush() == "worker=a yes 1; worker=b yes 1");

    Rig never("absent(beat[20s])");
    CHECK(never.flush() == "filling");
    CHECK(never.flush() == "yes 1");
}

TEST_CASE("who is missed for too long is forgotten, unless expected") {
    Rig rig("absent(beat[20s]) by (worker)", false, {}, 30 * second_ns, {{{"worker", "x"}}});
    rig.in.gauge("beat", "worker:a", 1);
    CHECK(rig.flush() == "worker=x filling; worker=a no 0");
    CHECK(rig.flush() == "worker=x yes 1; worker=a no 0");
    for (int i = 0; i < 3; ++i) CHECK(rig.flush() == "worker=x yes 1; worker=a yes 1");
    // Its series is still known, for reasons of its own.
    CHECK(rig.flush() == "worker=x yes 1; worker=a no data");
    CHECK(rig.memory().known.empty());
    rig.in.gauge("beat", "worker:a", 1);
    CHECK(rig.flush() == "worker=x yes 1; worker=a no 0");
    CHECK(rig.memory().known.size() == 1);
    rig.in.forget(Kind::gauge, "beat", "worker:a");
    for (int i = 0; i < 5; ++i) rig.flush();
    CHECK(rig.flush() == "worker=x yes 1");
}

TEST_CASE("silence goes on over a restart") {
    Rig before("absent(beat[20s]) by (worker)", false, {}, 30 * second_ns);
    before.in.gauge("beat", "worker:a", 1);
    for (int i = 0; i < 3; ++i) before.flush();
    EvaluatorMemory memory = before.memory();
    REQUIRE(memory.known.size() == 1);
    CHECK(memory.known[0].feed == "beat by worker");
    CHECK(memory.known[0].group.silent_flushes == 2);

    Rig after("absent(beat[20s]) by (worker)", false, {}, 30 * second_ns);
    memory.known.push_back({"something else", {.labels = {{"worker", "b"}}, .silent_flushes = 1}});
    after.restore(memory);
    CHECK(after.flush() == "worker=a filling");
    CHECK(after.flush() == "worker=a yes 1");
    CHECK(after.flush() == "");  // five flushes in all
}

TEST_CASE("values keep the unit that they were sent in") {
    Rig timer("p95(t) > 2s");
    timer.in.values(Kind::timer, "t", "", {2'001});
    CHECK(timer.flush() == "yes 2001");

    Rig seconds_declared("max(db.seconds) > 250ms");
    seconds_declared.in.gauge("db.seconds", "", 0.3);
    CHECK(seconds_declared.flush() == "yes 0.3");

    Rig percent("cpu > 80%");
    percent.in.gauge("cpu", "", 80);
    CHECK(percent.flush() == "no 80");
    percent.in.gauge("cpu", "", 80.5);
    CHECK(percent.flush() == "yes 80.5");

    Rig unfit("max(h) > 2s");
    unfit.in.values(Kind::histogram, "h", "", {3'000});
    CHECK(unfit.flush() == "no data");
    CHECK(unfit.usage().unfit_series == 1);
    CHECK(unfit.usage().unfit_example == "`h` is a histogram without a unit");

    Rig over("count_over(t, 1s) > 1");
    over.in.values(Kind::timer, "t", "", {999, 1'000, 1'001, 5'000});
    CHECK(over.flush() == "yes 2");
}

TEST_CASE("percentiles are of the pooled samples") {
    Rig rig("p95(t) > 100ms");
    std::vector<double> fast(95, 1);
    rig.in.values(Kind::timer, "t", "host:a", fast);
    rig.in.values(Kind::timer, "t", "host:b", {500, 500, 500, 500, 500});
    // The mean of two percentiles would be 250.
    CHECK(rig.flush().starts_with("no 1"));
}

TEST_CASE("without room no group is added, and none is worked out from a part") {
    Rig rig("rate(x) by (user) > 1", false, {.state_bytes_max = 2 * 520, .unit_of = nullptr});
    rig.in.count("x", "user:a", 20);
    rig.in.count("x", "user:b", 20);
    rig.in.count("x", "user:c", 20);
    CHECK(rig.flush() == "user=a yes 2; user=b yes 2");
    CHECK(rig.usage().refused_groups == 1);
    CHECK(rig.usage().state_bytes <= 2 * 520);

    Rig sketches("p95(x) > 1ms", false, {.state_bytes_max = 1'000, .unit_of = nullptr});
    sketches.in.values(Kind::timer, "x", "", {20});
    CHECK(sketches.flush() == "filling");
}

TEST_CASE("what a series has is forgotten with it") {
    Rig rig("increase(x[30s]) by (user) > 1");
    rig.in.count("x", "user:a", 2);
    CHECK(rig.flush() == "user=a yes 2");
    rig.in.forget(Kind::counter, "x", "user:a");
    CHECK(rig.flush() == "user=a yes 2");
    CHECK(rig.flush() == "user=a yes 2");
    CHECK(rig.flush() == "user=a no 0");
    CHECK(rig.flush() == "");
    rig.in.count("x", "user:b", 5);
    CHECK(rig.flush() == "user=b yes 5");
    CHECK(rig.usage().bound_series == 1);
}

TEST_CASE("arithmetic on what is only partly known") {
    const Value ten = Value::exact(10);
    const Value some = Value::at_least(4);
    const auto add = [](const Value& a, const Value& b) {
        return calculated(BinaryOperator::add, a, b);
    };
    CHECK(add(some, ten) == Value::at_least(14));
    CHECK(calculated(BinaryOperator::subtract, ten, some).high == 6);
    CHECK(calculated(BinaryOperator::multiply, some, Value::exact(-1)).high == -4);
    CHECK(calculated(BinaryOperator::divide, ten, some).high == 2.5);
    CHECK(calculated(BinaryOperator::divide, ten, Value::exact(0)) == Value::no_data());
    CHECK(calculated(BinaryOperator::subtract, some, some) == Value::filling());
    CHECK(add(Value::no_data(), Value::filling()) == Value::filling());
    CHECK(Value::exact(std::numeric_limits<double>::infinity()) == Value::no_data());

    struct Row {
        BinaryOperator operation;
        double limit;
        Truth truth;  // of "at least 4"
    };
    for (const Row& row :
         {Row{BinaryOperator::greater, 3, Truth::yes},
          Row{BinaryOperator::greater, 4, Truth::filling},
          Row{BinaryOperator::greater_equal, 4, Truth::yes},
          Row{BinaryOperator::less, 4, Truth::no}, Row{BinaryOperator::less, 5, Truth::filling},
          Row{BinaryOperator::less_equal, 3, Truth::no}, Row{BinaryOperator::equal, 3, Truth::no},
          Row{BinaryOperator::equal, 4, Truth::filling},
          Row{BinaryOperator::not_equal, 3, Truth::yes}}) {
        CAPTURE(to_string(row.operation));
        CAPTURE(row.limit);
        CHECK(compared(row.operation, some, Value::exact(row.limit)) == row.truth);
    }
}

TEST_CASE("three-valued logic") {
    using enum Truth;
    CHECK(both(yes, yes) == yes);
    CHECK(both(no, no_data) == no);
    CHECK(both(yes, no_data) == no_data);
    CHECK(both(filling, no_data) == filling);
    CHECK(either(no_data, yes) == yes);
    CHECK(either(no_data, no) == no_data);
    CHECK(either(no, no) == no);
    CHECK(inverted(no_data) == no_data);
}
