#include "agent/config/listeners.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/config/address.h"
#include "agent/config/advice.h"
#include "agent/printable.h"
#include "protocol/limits.h"

namespace pitot::agent {

namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 4> types{"udp", "tcp", "unix", "unix-stream"};
constexpr std::array<std::string_view, 2> dialects{"dogstatsd", "statsd"};
constexpr std::array<std::string_view, 4> tag_dialects{"none", "influx", "librato", "signalfx"};
constexpr std::array<std::string_view, 2> gauge_signs{"absolute", "delta"};
constexpr std::array<std::string_view, 2> timer_rates{"weight", "count"};

// Longest path of a Unix socket: the kernel's field has room for a NUL behind it. In the
// abstract namespace the NUL is in front, where we write '@'.
constexpr std::size_t socket_path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

constexpr std::uint64_t receive_buffer_bytes = 8ULL << 20U;
constexpr std::uint64_t receive_buffer_bytes_min = 4ULL << 10U;  // the kernel's own minimum
constexpr std::uint64_t receive_buffer_bytes_max = 1ULL << 30U;  // SO_RCVBUF is an int, doubled
constexpr auto read_delay = 1ms;
constexpr auto read_delay_max = 100ms;
constexpr std::int64_t connections = 1'024;
constexpr std::int64_t connections_max = 65'536;
constexpr auto idle_timeout = 5min;
constexpr auto idle_timeout_max = 24h;
constexpr std::uint32_t mode_max = 0777;

// A quarter each of what name and tags may have together (protocol/limits.h): lines keep
// the other half.
constexpr std::size_t prefix_bytes_max = protocol::identity_bytes_max / 4;
constexpr std::size_t constant_tags_bytes_max = protocol::identity_bytes_max / 4;
constexpr std::size_t constant_tags_max = 64;

using TagText = std::pair<std::string, std::string>;

// Nothing that would be read as the end of it, were it in a line.
bool is_plain(std::string_view text, std::string_view special) {
    return std::ranges::none_of(text, [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F || special.contains(c);
    });
}

bool is_unix(ListenerType type) {
    return type == ListenerType::unix_datagram || type == ListenerType::unix_stream;
}
bool is_stream(ListenerType type) {
    return type == ListenerType::tcp || type == ListenerType::unix_stream;
}

void read_address(SectionReader& section, ListenerConfig& listener) {
    const auto address = section.optional_text("address");
    if (is_unix(listener.type)) {
        if (address) section.problem("address", "must be left out: a Unix socket has a `path`");
        return;
    }
    if (!address) {
        if (!section.has("address")) {
            section.problem("address", "must be given, such as \"127.0.0.1:8125\", got nothing");
        }
        return;
    }
    if (const auto parsed = parse_listen_address(*address); !parsed) {
        section.problem("address", parsed.error());
    }
    listener.address = *address;
}

void read_path(SectionReader& section, ListenerConfig& listener) {
    const auto path = section.optional_text("path");
    if (!is_unix(listener.type)) {
        if (path) section.problem("path", "must be left out: a network socket has an `address`");
        return;
    }
    if (!path) {
        if (!section.has("path")) {
            section.problem("path", "must be given, such as \"/run/pitot/dsd.sock\", got nothing");
        }
        return;
    }
    const bool is_path = path->starts_with('/') && !path->ends_with('/');
    const bool is_abstract = path->starts_with('@') && path->size() > 1;
    if (!is_path && !is_abstract) {
        section.problem("path",
                        fmt::format("must be an absolute path, or \"@name\" for an abstract "
                                    "socket, got the text \"{}\"",
                                    printable(*path)));
    } else if (path->size() > socket_path_bytes_max + (is_abstract ? 1 : 0)) {
        section.problem("path",
                        fmt::format("must be at most {} bytes, got {}",
                                    socket_path_bytes_max + (is_abstract ? 1 : 0), path->size()));
    }
    listener.path = *path;
}

// Mode, owner and group are those of the socket's file.
void read_file_rights(SectionReader& section, ListenerConfig& listener,
                      const Environment& environment) {
    const std::string mode = section.text("mode", "0666");
    const char* const end = mode.data() + mode.size();
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(mode.data(), end, value, 8);
    if (mode.empty() || error != std::errc() || stop != end || value > mode_max) {
        section.problem("mode", fmt::format("must be octal digits between \"0\" and \"0777\", got "
                                            "the text \"{}\"",
                                            printable(mode)));
    } else {
        listener.mode = value;
    }
    listener.owner = section.optional_text("owner").value_or("");
    listener.group = section.optional_text("group").value_or("");

    const bool has_file = is_unix(listener.type) && !listener.path.starts_with('@');
    for (const std::string_view key : {"mode", "owner", "group"}) {
        if (!has_file && section.has(key)) {
            section.problem(key, "must be left out: only a Unix socket with a path has a file");
        }
    }
    if (!has_file) return;
    if (!listener.owner.empty() && environment.has_user && !environment.has_user(listener.owner)) {
        section.problem("owner", fmt::format("must be a user of this machine or a number, got "
                                             "\"{}\"",
                                             printable(listener.owner)));
    }
    if (!listener.group.empty() && environment.has_group &&
        !environment.has_group(listener.group)) {
        section.problem("group", fmt::format("must be a group of this machine or a number, got "
                                             "\"{}\"",
                                             printable(listener.group)));
    }
}

void read_stream_limits(SectionReader& section, ListenerConfig& listener) {
    listener.connections_max =
        static_cast<std::uint32_t>(section.integer("connections", connections, 1, connections_max));
    listener.idle_timeout = section.duration("idle_timeout", idle_timeout, 0s, idle_timeout_max);
    for (const std::string_view key : {"connections", "idle_timeout"}) {
        if (!is_stream(listener.type) && section.has(key)) {
            section.problem(key,
                            R"(must be left out: only "tcp" and "unix-stream" have connections)");
        }
    }
}

ListenerConfig read_listener(SectionReader& section, const Additions& additions,
                             const Environment& environment) {
    ListenerConfig listener;
    listener.name = section.name();
    const auto type = section.required_choice("type", types);
    listener.type = static_cast<ListenerType>(type.value_or(0));
    listener.reading.dialect =
        static_cast<protocol::Dialect>(section.choice("dialect", 0, dialects));
    listener.reading.tags =
        static_cast<protocol::TagDialect>(section.choice("tags", 0, tag_dialects));
    const auto sign = default_gauge_sign(listener.type, listener.reading.dialect);
    listener.reading.gauge_sign = static_cast<protocol::GaugeSign>(
        section.choice("gauge_sign", static_cast<std::size_t>(sign), gauge_signs));
    const auto rate = default_timer_rate(listener.reading.dialect);
    listener.reading.timer_rate = static_cast<protocol::TimerRate>(
        section.choice("timer_sample_rate", static_cast<std::size_t>(rate), timer_rates));
    listener.receive_buffer_bytes = section.bytes(
        "receive_buffer", receive_buffer_bytes, receive_buffer_bytes_min, receive_buffer_bytes_max);
    listener.read_delay = section.duration("read_delay", read_delay, 0s, read_delay_max);
    listener.additions = read_additions(section, additions);
    if (!type) {
        // What goes with which type cannot be told, only that these are options of some.
        for (const std::string_view key : {"address", "path", "owner", "group"}) {
            section.optional_text(key);
        }
        section.text("mode", "0666");
        listener.type = ListenerType::tcp;
        read_stream_limits(section, listener);
        return listener;
    }
    read_address(section, listener);
    read_path(section, listener);
    read_file_rights(section, listener, environment);
    read_stream_limits(section, listener);
    return listener;
}

ListenAddress address_of(const sinks::http::ListenAddress& address) {
    return {address.host, address.port};
}

// Whether a listener and a server of pitot's own are in each other's way.
bool excludes(const ListenerConfig& listener, const sinks::http::ListenAddress& server) {
    if (listener.type != ListenerType::tcp) return false;
    const auto address = parse_listen_address(listener.address);
    return address && excludes(*address, address_of(server));
}

bool same_place(const ListenerConfig& a, const ListenerConfig& b) {
    if (is_unix(a.type) != is_unix(b.type)) return false;
    // A path is one file, whatever the type of the socket.
    if (is_unix(a.type)) return !a.path.empty() && a.path == b.path;
    if (a.type != b.type) return false;
    const auto first = parse_listen_address(a.address);
    const auto second = parse_listen_address(b.address);
    return first && second && overlap(*first, *second);
}

}  // namespace

protocol::GaugeSign default_gauge_sign(ListenerType type, protocol::Dialect dialect) {
    return dialect == protocol::Dialect::statsd && type != ListenerType::unix_datagram
               ? protocol::GaugeSign::delta
               : protocol::GaugeSign::absolute;
}

protocol::TimerRate default_timer_rate(protocol::Dialect dialect) {
    return dialect == protocol::Dialect::statsd ? protocol::TimerRate::count
                                                : protocol::TimerRate::weight;
}

ListenerConfig default_listener(std::string name, ListenerType type) {
    ListenerConfig listener;
    listener.name = std::move(name);
    listener.type = type;
    listener.reading.gauge_sign = default_gauge_sign(type, listener.reading.dialect);
    listener.receive_buffer_bytes = receive_buffer_bytes;
    listener.read_delay = read_delay;
    listener.connections_max = connections;
    listener.idle_timeout = idle_timeout;
    listener.is_default = true;
    return listener;
}

Additions read_additions(SectionReader& section, const Additions& outer) {
    Additions additions{.prefix = section.text("prefix", outer.prefix), .tags = outer.tags};
    if (additions.prefix.size() > prefix_bytes_max || !is_plain(additions.prefix, ":|@#,[]")) {
        section.problem("prefix",
                        fmt::format("must be at most {} bytes without ':', '|', '@', '#', ',', "
                                    "'[', ']' and control characters, got the text \"{}\"",
                                    prefix_bytes_max, printable(additions.prefix)));
        additions.prefix.clear();
    }
    std::size_t bytes = 0;
    for (auto& [key, value] : section.text_table("constant_tags")) {
        if (key.empty() || !is_plain(key, ":|,") || !is_plain(value, "|,")) {
            section.problem("constant_tags",
                            fmt::format("must hold keys without ':' and values, both without ',', "
                                        "'|' and control characters, got {} = \"{}\"",
                                        printable(key.empty() ? "\"\"" : key), printable(value)));
            continue;
        }
        bytes += key.size() + value.size();
        const auto known = std::ranges::find(additions.tags, key, &TagText::first);
        if (known == additions.tags.end()) {
            additions.tags.emplace_back(key, value);
        } else {
            known->second = value;
        }
    }
    if (additions.tags.size() > constant_tags_max || bytes > constant_tags_bytes_max) {
        section.problem(
            "constant_tags",
            fmt::format("must be at most {} tags of {} bytes in all, got {} of {}",
                        constant_tags_max, constant_tags_bytes_max, additions.tags.size(), bytes));
    }
    return additions;
}

std::vector<ListenerConfig> read_listeners(SectionReader& root, const Additions& additions,
                                           const HttpConfig& http, const Environment& environment) {
    std::vector<ListenerConfig> listeners;
    auto sections = root.sections("listeners");
    if (sections.size() > listeners_max) {
        root.problem("listeners", fmt::format("must be at most {} tables, got {}", listeners_max,
                                              sections.size()));
        sections.resize(listeners_max);
    }
    for (const auto& section : sections) {
        ListenerConfig listener = read_listener(*section, additions, environment);
        const auto twin = std::ranges::find_if(
            listeners, [&](const ListenerConfig& other) { return same_place(other, listener); });
        if (twin != listeners.end()) {
            const bool by_path = is_unix(listener.type);
            section->problem(
                by_path ? "path" : "address",
                fmt::format("must be of its own, got \"{}\", which listeners.{} has already",
                            printable(by_path ? listener.path : listener.address), twin->name));
        }
        if (http.address && excludes(listener, *http.address)) {
            section->problem("address", fmt::format("must be of its own, got \"{}\", which "
                                                    "http.address has already",
                                                    printable(listener.address)));
        }
        advise_on_listener(*section, listener, environment);
        section->report_unknown(root.known());
        listeners.push_back(std::move(listener));
    }
    advise_on_connections(root, listeners, environment);
    return listeners;
}

void claim_address(SectionReader& sink, const Config& config, std::vector<TakenAddress>& taken) {
    const std::string* const text = sink.text_there("address");
    if (text == nullptr) return;
    const auto address = sinks::http::parse_listen_address(*text);
    if (!address) return;
    if (taken.empty() && config.http.address) {
        taken.push_back({"http.address", *config.http.address});
    }
    std::string by;
    for (const TakenAddress& other : taken) {
        if (excludes(address_of(other.address), address_of(*address))) by = other.option;
    }
    for (const ListenerConfig& listener : config.listeners) {
        // Where a listener nobody asked for cannot be opened, the agent starts without it.
        if (!listener.is_default && excludes(listener, *address)) {
            by = fmt::format("listeners.{}.address", listener.name);
        }
    }
    if (!by.empty()) {
        sink.problem("address", fmt::format("must be of its own, got \"{}\", which {} has already",
                                            printable(*text), by));
    }
    taken.push_back({sink.path_of("address"), *address});
}

std::vector<ListenerConfig> default_listeners(const Environment& environment) {
    std::vector<ListenerConfig> listeners;
    const std::array<std::pair<std::string_view, ListenerType>, 2> protocols{
        {{"udp", ListenerType::udp}, {"tcp", ListenerType::tcp}}};
    for (const auto& [name, type] : protocols) {
        listeners.push_back(default_listener(std::string(name), type));
        listeners.back().address = "127.0.0.1:8125";
        listeners.push_back(default_listener(std::string(name) + "6", type));
        listeners.back().address = "[::1]:8125";
    }
    if (const auto directory = runtime_directory(environment)) {
        const std::string path = (*directory / "dsd.sock").native();
        if (path.size() <= socket_path_bytes_max) {
            listeners.push_back(default_listener("unix", ListenerType::unix_datagram));
            listeners.back().path = path;
        }
    }
    return listeners;
}

}  // namespace pitot::agent
