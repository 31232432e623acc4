// Series of every kind with names and tags that are made of what formats stumble over: quotes,
// backslashes, line feeds, braces, reserved labels, the suffixes of parts, other alphabets.
//
//     HostileSnapshots hostile(7);        // a seed
//     hostile.add_to(maker, 200);         // series of this interval
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/sink_snapshot.h"

namespace pitot::tests {

class HostileSnapshots {
public:
    explicit HostileSnapshots(std::uint32_t seed) : dice_(seed) {}

    void add_to(SnapshotMaker& maker, int series) {
        using protocol::Kind;
        for (int i = 0; i < series; ++i) {
            const std::string name = word(3);
            const std::string tags = word(2) + ":" + word(2) + "," + word(2) + "," + word(1) + ":";
            switch (dice_() % 6) {
                case 0:
                    maker.count(name, tags, 1);
                    break;
                case 1:
                    maker.gauge(name, tags, 1);
                    break;
                case 2:
                    maker.set(name, tags, 1);
                    break;
                case 3:
                    maker.values(Kind::timer, name, tags, {1, 2});
                    break;
                case 4:
                    maker.values(Kind::histogram, name, tags, {1, 2});
                    break;
                default:
                    maker.values(Kind::distribution, name, tags, {1, 2});
                    break;
            }
        }
    }

    // Up to `most` pieces.
    std::string word(std::size_t most) {
        static const std::vector<std::string> pieces{
            "a",     ".",  "-",      "_",        ":",     "9",        "\"",   "\\",
            "\n",    "{",  "}",      " ",        "#",     "\x01",     "ä",    "_sum",
            "\t",    "le", "=",      "_count",   "__",    "_bucket",  "x",    "job",
            "slow.", "\r", "_total", "_created", "_info", "quantile", "\x7f", "😀"};
        std::string out;
        const std::size_t count = 1 + dice_() % most;
        for (std::size_t i = 0; i < count; ++i) out += pieces[dice_() % pieces.size()];
        return out;
    }

private:
    std::mt19937 dice_;
};

}  // namespace pitot::tests
