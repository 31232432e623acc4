// What it costs to find the row of a line that was read: 32 lines at a time, as the shard looks
// them up, in tables of 1,000 to 1,000,000 series, drawn evenly or with a few hot ones, with and
// without tags, short and long.
//
// Every run first looks up every line of the table once and every line that is to be timed, and
// compares the rows with those that a map of the standard library has. What it includes: walking
// through the lines that were read, which lie in memory one behind the other. What it leaves out:
// reading them (parse_bench) and adding their values (hot_path_bench).
//
//   cmake --preset release && cmake --build --preset release --target series_table_bench
//   build/release/tests/bench/series_table_bench
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/aggregate/series_table.h"
#include "protocol/quick_line.h"
#include "tests/bench/bench_main.h"
#include "tests/bench/intake_path.h"
#include "tests/bench/workload.h"

using namespace pitot;

namespace {

constexpr auto spelling = agent::Spelling::plain;
// Timed. The rows of the most are more than caches hold.
constexpr std::size_t lines_min = 20'000;
constexpr std::size_t lines_max = 300'000;
constexpr std::size_t batch = agent::SeriesTable::keys_per_find_max;

// Lines as they are after reading; views are into the load.
std::vector<protocol::QuickLine> read_all(const bench::Workload& load) {
    std::vector<protocol::QuickLine> lines;
    const protocol::QuickReader reader;
    std::array<protocol::QuickLine, batch> some;
    for (std::string_view rest : load.datagrams()) {
        while (!rest.empty()) {
            const std::size_t count = reader.read(rest, bench::IntakePath::reading, some);
            std::ranges::copy_if(std::span(some).first(count), std::back_inserter(lines),
                                 &protocol::QuickLine::is_usual);
        }
    }
    return lines;
}

template <typename See>
void find_all(agent::SeriesTable& table, std::span<const protocol::QuickLine> lines, See see) {
    std::array<agent::RowId, batch> rows{};
    for (std::size_t at = 0; at < lines.size(); at += batch) {
        const auto some = lines.subspan(at, std::min(batch, lines.size() - at));
        table.find(some, spelling, rows);
        for (std::size_t i = 0; i < some.size(); ++i) see(some[i], rows[i]);
    }
}

// A shard's table that has met each series of a load, and what a plain map knows of it.
class Table {
public:
    explicit Table(bench::WorkloadShape shape) : load_(in_turn(shape)) {
        path_.take(load_);
        lines_ = read_all(load_);
        rows_.reserve(lines_.size());
        find_all(table(), lines_, [&](const protocol::QuickLine& line, agent::RowId row) {
            rows_.emplace(line.name(), row);
        });
    }

    agent::SeriesTable& table() { return path_.table(); }

    // Every series has a row of its own.
    bool is_whole() const {
        if (lines_.size() != load_.totals().lines || rows_.size() != lines_.size()) return false;
        std::unordered_set<agent::RowId> seen;
        return std::ranges::all_of(rows_, [&](const auto& entry) {
            return entry.second != agent::SeriesTable::no_row && seen.insert(entry.second).second;
        });
    }
    bool is_right(std::span<const protocol::QuickLine> lines) {
        bool right = true;
        find_all(table(), lines, [&](const protocol::QuickLine& line, agent::RowId row) {
            const auto known = rows_.find(line.name());
            right = right && known != rows_.end() && known->second == row;
        });
        return right;
    }

private:
    static bench::WorkloadShape in_turn(bench::WorkloadShape shape) {
        shape.draw = bench::Draw::in_turn;
        shape.lines = shape.series;
        return shape;
    }

    bench::Workload load_;
    bench::IntakePath path_;
    std::vector<protocol::QuickLine> lines_;
    std::unordered_map<std::string_view, agent::RowId> rows_;  // each name is one series
};

// The table of the last shape asked for: filling a large one takes longer than the benchmark.
Table& table_of(const bench::WorkloadShape& shape) {
    static std::unique_ptr<Table> last;
    static bench::WorkloadShape made_of;
    if (!last || made_of.series != shape.series || made_of.tags != shape.tags ||
        made_of.short_names != shape.short_names) {
        last.reset();
        last = std::make_unique<Table>(shape);
        made_of = shape;
    }
    return *last;
}

void look_up(benchmark::State& state, const bench::WorkloadShape& shape) {
    Table& known = table_of(shape);
    const bench::Workload load(shape);
    const std::vector<protocol::QuickLine> lines = read_all(load);
    if (!known.is_whole() || lines.size() != load.totals().lines || !known.is_right(lines)) {
        state.SkipWithError("the rows are wrong");
        return;
    }
    for (auto _ : state) {
        find_all(known.table(), lines, [](const protocol::QuickLine&, agent::RowId row) {
            benchmark::DoNotOptimize(row);
        });
    }
    state.counters["ns/line"] = benchmark::Counter(
        static_cast<double>(lines.size()) * 1e-9,
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.SetLabel(load.description());
}

struct Form {
    const char* name;
    unsigned tags;
    bool short_names;
};

void register_all() {
    constexpr std::array<Form, 3> forms{
        {{"short_without_tags", 0, true}, {"tags", 3, false}, {"long", bench::tags_max, false}}};
    constexpr std::array<std::pair<const char*, bench::Draw>, 2> draws{
        {{"uniform", bench::Draw::uniform}, {"zipf", bench::Draw::zipf}}};
    for (const std::size_t series : {1'000UL, 10'000UL, 100'000UL, 1'000'000UL}) {
        for (const Form& form : forms) {
            for (const auto& [draw_name, draw] : draws) {
                const bench::WorkloadShape shape{.series = series,
                                                 .tags = form.tags,
                                                 .draw = draw,
                                                 .short_names = form.short_names,
                                                 .lines = std::clamp(series, lines_min, lines_max)};
                const std::string name = std::string("look_up/") + form.name + "/" + draw_name +
                                         "/" + std::to_string(series);
                benchmark::RegisterBenchmark(name.c_str(), look_up, shape)
                    ->Unit(benchmark::kMicrosecond);
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    register_all();
    return pitot::bench::run_registered(argc, argv);
}
