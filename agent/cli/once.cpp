#include "agent/cli/once.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <array>
#include <boost/json.hpp>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/aggregate/line_intake.h"
#include "agent/cli/exit_codes.h"
#include "agent/cli/hex.h"
#include "agent/clock.h"
#include "agent/config/load.h"
#include "agent/flush/merger.h"
#include "agent/settings.h"
#include "agent/sink_set.h"
#include "sinks/console/json_encoder.h"

namespace pitot::agent {
namespace {

struct Flush {};
struct Mistake {
    std::string what;
};
using Request = std::variant<std::string, Flush, Mistake>;  // the string is a datagram

Request read_request(std::string_view line) {
    if (!line.starts_with('{')) return std::string(line);
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse({line.data(), line.size()}, error);
    if (error || !parsed.is_object()) return std::string(line);
    const boost::json::object& object = parsed.get_object();

    if (const boost::json::value* flush = object.if_contains("flush")) {
        if (flush->is_bool() && flush->get_bool()) return Flush{};
        return Mistake{"flush: must be true"};
    }
    if (const boost::json::value* text = object.if_contains("datagram")) {
        if (const boost::json::string* datagram = text->if_string()) {
            return std::string(datagram->data(), datagram->size());
        }
        return Mistake{"datagram: must be a string"};
    }
    if (const boost::json::value* text = object.if_contains("datagram_hex")) {
        const boost::json::string* digits = text->if_string();
        std::optional<std::string> bytes;
        if (digits != nullptr) bytes = bytes_of_hex({digits->data(), digits->size()});
        if (bytes) return *std::move(bytes);
        return Mistake{"datagram_hex: must be a string of pairs of hexadecimal digits"};
    }
    return Mistake{"must have one of the keys datagram, datagram_hex and flush"};
}

// The agent without threads: one shard, one merger, time by hand.
class Rehearsal {
public:
    Rehearsal(const OnceArguments& arguments, const Config& config, sinks::Sink* sink)
        : config_(config),
          sink_(sink),
          intake_(table_settings(config, Seeds{}), std::array{arguments.reading}),
          merger_(settings(config, sink)),
          start_unix_ns_(arguments.start_s * 1'000'000'000) {}

    void take(std::string_view datagram) {
        intake_.take(0, datagram, Peer("standard input"), ++moment_);
        pending_ = true;
    }

    // What the end of an interval prints.
    std::string flush() {
        SeriesTable& table = intake_.table();
        const Merger::Retirements silent = merger_.take_retirements(0);
        table.request_retirement(silent.rows, silent.turn);
        while (table.retire_some(1'024)) {
        }
        const ShardPage page{.table = &table, .closed = table.turn()};
        const std::int64_t end_unix_ns = start_unix_ns_ + config_.interval.count();
        const protocol::Snapshot& snapshot = merger_.merge(
            {&page, 1}, {.sequence = ++sequence_,
                         .start_unix_ns = start_unix_ns_,
                         .end_unix_ns = end_unix_ns,
                         .elapsed_s = std::chrono::duration<double>(config_.interval).count()});
        std::string text = encode(snapshot);
        merger_.finish();
        start_unix_ns_ = end_unix_ns;
        pending_ = false;
        return text;
    }

    // Whether the end of the input ends an interval.
    bool has_something_left() const { return pending_ || sequence_ == 0; }

private:
    static MergerSettings settings(const Config& config, sinks::Sink* sink) {
        MergerSettings settings = merger_settings(config, Seeds{}, 1);
        if (sink != nullptr) {
            settings.wants_total = [sink](const protocol::Series& series) {
                return sink->encoder().wants_total_distribution(series);
            };
        }
        return settings;
    }

    std::string encode(const protocol::Snapshot& snapshot) {
        std::string text;
        if (sink_ == nullptr) {
            sinks::console::append_json(snapshot, config_.quantiles, text);
            text += '\n';
            return text;
        }
        sinks::Encoded encoded;
        sink_->encoder().encode(snapshot, encoded);
        for (const sinks::Batch& batch : encoded.batches) text += batch.body;
        return text;
    }

    const Config& config_;
    sinks::Sink* sink_;
    LineIntake intake_;
    Merger merger_;
    std::int64_t start_unix_ns_;
    std::int64_t moment_ = 0;
    std::uint64_t sequence_ = 0;
    bool pending_ = false;
};

int rehearse(Rehearsal& rehearsal, std::istream& in, std::ostream& out, std::ostream& err) {
    int exit_code = exit_success;
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        Request request = read_request(line);
        if (const auto* datagram = std::get_if<std::string>(&request)) {
            rehearsal.take(*datagram);
        } else if (const auto* mistake = std::get_if<Mistake>(&request)) {
            err << "standard input:" << number << ": " << mistake->what << "; line left out\n";
            exit_code = exit_failure;
        } else {
            out << rehearsal.flush();
        }
    }
    if (rehearsal.has_something_left()) out << rehearsal.flush();
    return out.flush() ? exit_code : exit_failure;
}

std::string known_sinks(const std::vector<sinks::Sink*>& sinks) {
    std::string names;
    for (const sinks::Sink* sink : sinks) {
        names.append(names.empty() ? "" : ", ").append(sink->name());
    }
    return names.empty() ? "none" : names;
}

}  // namespace

int once(const OnceArguments& arguments, std::istream& in, std::ostream& out, std::ostream& err) {
    std::expected<LoadedConfig, std::vector<Problem>> loaded =
        load({.file = arguments.config_file,
              .sets = arguments.sets,
              .sink_types = sink_type_names()});
    const auto refuse = [&err](const std::vector<Problem>& problems) {
        err << render(problems, {.excerpts = false, .prefix = "", .closing = "."});
        return exit_configuration;
    };
    if (!loaded) return refuse(loaded.error());

    // Sinks are made for their encoders; their thread never starts.
    SystemClock clock;
    spdlog::logger silent("pitot", std::make_shared<spdlog::sinks::null_sink_mt>());
    const SinkSet sinks(*loaded, clock, silent, 0);
    if (const std::vector<Problem> problems = loaded->finish(); !problems.empty()) {
        return refuse(problems);
    }
    sinks::Sink* sink = nullptr;
    if (arguments.sink) {
        sink = sinks.find(*arguments.sink);
        if (sink == nullptr) {
            err << "--sink: must be the name of a sink of the configuration ("
                << known_sinks(sinks.all()) << "), got " << *arguments.sink << '\n';
            return exit_configuration;
        }
    }
    Rehearsal rehearsal(arguments, loaded->config, sink);
    return rehearse(rehearsal, in, out, err);
}

}  // namespace pitot::agent
