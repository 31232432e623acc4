#include "agent/cli/once.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

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

#include "agent/cli/exit_codes.h"
#include "agent/cli/hex.h"
#include "agent/clock.h"
#include "agent/config/load.h"
#include "agent/flush/rehearsal.h"
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
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos || line[begin] != '{') return std::string(line);
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse({line.data(), line.size()}, error);
    if (error || !parsed.is_object()) return std::string(line);
    const boost::json::object& object = parsed.get_object();
    const std::size_t keys =
        object.count("flush") + object.count("datagram") + object.count("datagram_hex");
    if (keys > 1) return Mistake{"must have only one of the keys datagram, datagram_hex and flush"};

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

// What the end of an interval prints.
class Printer {
public:
    Printer(const std::vector<double>& quantiles, sinks::Sink* sink)
        : json_(quantiles), sink_(sink) {}

    std::string operator()(const protocol::Snapshot& snapshot) {
        std::string text;
        if (sink_ == nullptr) {
            json_.append(snapshot, text);
            text += '\n';
            return text;
        }
        sinks::Encoded encoded;
        sink_->encoder().encode(snapshot, encoded);
        for (const sinks::Batch& batch : encoded.batches) text += batch.body;
        return text;
    }

private:
    sinks::console::JsonEncoder json_;
    sinks::Sink* sink_;
};

int rehearse(Rehearsal& rehearsal, Printer& print, std::istream& in, std::ostream& out,
             std::ostream& err) {
    int exit_code = exit_success;
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.empty() || line == "\r") continue;  // holds nothing that could be flushed
        Request request = read_request(line);
        if (const auto* datagram = std::get_if<std::string>(&request)) {
            rehearsal.take(*datagram);
        } else if (const auto* mistake = std::get_if<Mistake>(&request)) {
            err << "standard input:" << number << ": " << mistake->what << "; line left out\n";
            exit_code = exit_failure;
        } else {
            out << print(rehearsal.end_interval());
        }
    }
    if (rehearsal.has_something_left()) out << print(rehearsal.end_interval());
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
              .sink_types = sink_type_names(),
              .is_offline = true});
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
    const auto wants_total = [sink](const protocol::Series& series) {
        return sink != nullptr && sink->encoder().wants_total_distribution(series);
    };
    Rehearsal rehearsal(loaded->config, arguments.reading, wants_total,
                        arguments.start_s * 1'000'000'000);
    Printer print(loaded->config.quantiles, sink);
    return rehearse(rehearsal, print, in, out, err);
}

}  // namespace pitot::agent
