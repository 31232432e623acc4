// The data path against the reference that is written for clarity: random traffic of all
// kinds, over several intervals, through one shard, which is exact in the order of gauges.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tests/support/lines.h"
#include "tests/support/reference_aggregate.h"

namespace pitot::tests {
namespace {

class Traffic {
public:
    explicit Traffic(unsigned seed) : random_(seed) {}

    std::string datagram() {
        std::string text;
        for (unsigned i = 0; i < 1 + random_() % 8; ++i) text += line() + "\n";
        return text;
    }

private:
    unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

    std::string number() {
        switch (below(4)) {
            case 0:
                return std::to_string(below(1'000));
            case 1:
                return "-" + std::to_string(below(100));
            case 2:
                return std::to_string(static_cast<double>(below(100'000)) / 13);
            default:
                return "+" + std::to_string(below(9)) + "e-" + std::to_string(below(3));
        }
    }

    std::string line() {
        if (below(40) == 0) return "_e{2,2}:ab|cd|#x:" + std::to_string(below(3));
        if (below(40) == 0) return "_sc|check|" + std::to_string(below(5));
        if (below(30) == 0) return "broken" + std::to_string(below(9));
        constexpr std::array<std::string_view, 6> types{"c", "g", "ms", "h", "d", "s"};
        const std::string_view type = types[below(6)];
        std::string text = "name" + std::to_string(below(4)) + ":" + number();
        if (type != "s") {
            for (unsigned i = below(12) == 0 ? below(60) : 0; i > 0; --i) text += ":" + number();
        }
        text.append("|").append(type);
        if (below(3) == 0) text += "|@0." + std::to_string(1 + below(9));
        if (below(20) == 0) text += "|T17000000" + std::to_string(10 + below(90));
        constexpr std::array<std::string_view, 9> tags{"",
                                                       "|#a:1",
                                                       "|#a:1,b:2",
                                                       "|#b:2,a:1",
                                                       "|#b:2,a:1,a:1,",
                                                       "|#bare,a:",
                                                       "|#host:x,a:1,host:y",
                                                       "|#a:1,host:y,dd.internal.entity_id:7",
                                                       "|#host:x,host:"};
        text += tags[below(9)];
        if (below(9) == 0) text += "|c:ci-0123";
        return text;
    }

    std::mt19937 random_;
};

TEST_CASE("the fast path and the reference agree, interval after interval") {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        const std::vector<protocol::Reading> readings{{},
                                                      {.dialect = protocol::Dialect::statsd,
                                                       .gauge_sign = protocol::GaugeSign::delta,
                                                       .timer_rate = protocol::TimerRate::count}};
        ShardRig rig(1, {}, {}, readings);
        ReferenceAggregate model(readings);
        Traffic traffic(seed);
        for (int interval = 0; interval < 6; ++interval) {
            for (int i = 0; i < 150; ++i) {
                const std::string datagram = traffic.datagram();
                const auto listener = static_cast<std::uint16_t>(i % 2);
                rig.say(0, datagram, listener);
                model.take(listener, datagram);
            }
            const protocol::Snapshot& seen = rig.flush();
            CHECK(model.difference(seen, rig.counts()) == "");
            model.end_interval();
        }
    }
}

TEST_CASE("the comparison finds what is wrong") {
    ShardRig rig;
    ReferenceAggregate model({protocol::Reading{}});
    rig.say(0, "hits:1|c\nload:5|ms\nusers:a|s\nlevel:1|g");
    model.take(0, "hits:2|c\nload:6|ms\nusers:a|s\nusers:b|s\nlevel:2|g");
    const std::string difference = model.difference(rig.flush(), rig.counts());
    for (const char* what :
         {"hits: delta", "load: sum", "users: members", "level: level", "lines"}) {
        CAPTURE(what);
        CHECK(difference.find(what) != std::string::npos);
    }
}

}  // namespace
}  // namespace pitot::tests
