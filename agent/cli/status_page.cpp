#include "agent/cli/status_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "agent/cli/json_view.h"
#include "agent/human.h"
#include "agent/printable.h"

namespace pitot::agent {
namespace {

using View = JsonView;

// Of a reason or an error: two lines of a terminal.
constexpr std::size_t reason_characters_max = 160;
// Of refused lines: the rest is in the document.
constexpr std::size_t refused_rows_max = 10;

std::size_t width_of(std::string_view text) {
    // Characters, that is bytes that are not the continuation of one.
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }));
}

enum class Colour : std::uint8_t { none, good, bad, worse, quiet, strong };

std::string_view code_of(Colour colour) {
    constexpr std::array<std::string_view, 6> codes{"",         "\x1b[32m", "\x1b[33m",
                                                    "\x1b[31m", "\x1b[2m",  "\x1b[1m"};
    return codes[std::to_underlying(colour)];
}

Colour colour_of(std::string_view state) {
    constexpr std::array<std::pair<std::string_view, Colour>, 8> colours{
        {{"ok", Colour::good},
         {"working", Colour::good},
         {"idle", Colour::quiet},
         {"degraded", Colour::bad},
         {"retrying", Colour::bad},
         {"throttled", Colour::bad},
         {"failing", Colour::worse},
         {"held", Colour::worse}}};
    const auto* const found =
        std::ranges::find(colours, state, &std::pair<std::string_view, Colour>::first);
    return found == colours.end() ? Colour::none : found->second;
}

struct Cell {
    std::string text = {};
    Colour colour = Colour::none;
};
using TableRows = std::vector<std::vector<Cell>>;

class Sheet {
public:
    Sheet(View document, bool has_colours)
        : document_(document),
          now_s_(moment_of(document["time"].text())),
          has_colours_(has_colours) {}

    std::string render() && {
        write_head();
        write_rates();
        write_parts();
        write_sinks();
        write_listeners();
        write_series();
        write_busiest();
        write_refused();
        write_advice();
        return std::move(text_);
    }

private:
    std::string coloured(std::string_view text, Colour colour) const {
        if (!has_colours_ || colour == Colour::none) return std::string(text);
        return fmt::format("{}{}\x1b[0m", code_of(colour), text);
    }
    void line(const std::string& text) {
        text_ += text;
        text_ += '\n';
    }
    void heading(std::string_view text) {
        text_ += '\n';
        line(coloured(text, Colour::strong));
    }
    void table(const TableRows& rows) {
        std::vector<std::size_t> widths;
        for (const std::vector<Cell>& row : rows) {
            widths.resize(std::max(widths.size(), row.size()));
            for (std::size_t i = 0; i < row.size(); ++i) {
                widths[i] = std::max(widths[i], width_of(row[i].text));
            }
        }
        for (const std::vector<Cell>& row : rows) {
            std::string out;
            std::size_t blanks = 2;
            for (std::size_t i = 0; i < row.size(); ++i) {
                const std::size_t padding = widths[i] - width_of(row[i].text) + 2;
                if (!row[i].text.empty()) {
                    out.append(blanks, ' ');
                    out += coloured(row[i].text, row[i].colour);
                    blanks = padding;
                } else {
                    blanks += padding;
                }
            }
            line(out);
        }
    }
    // For how long; "" where it is not known.
    std::string age(View moment) const {
        const auto then_s = moment_of(moment.text());
        return then_s && now_s_ ? human_duration(*now_s_ - *then_s) : std::string();
    }
    std::string ago(View moment) const {
        const std::string text = age(moment);
        return text.empty() ? text : text + " ago";
    }

    void write_head();
    void write_rates();
    void write_parts();
    void write_sinks();
    void write_listeners();
    void write_series();
    void write_busiest();
    void write_refused();
    void write_advice();

    View document_;
    std::optional<double> now_s_;
    bool has_colours_;
    std::string text_;
};

void Sheet::write_head() {
    const View health = document_["health"];
    const std::string state = health["state"].text();
    const std::string reason = health["reason"].text(reason_characters_max);
    line(fmt::format("pitot {}: {} for {}{}{}", document_["version"].text(),
                     coloured(state, colour_of(state)), age(health["since"]),
                     reason.empty() ? "" : ": ", reason));
    const View flush = document_["flush"];
    std::string second =
        fmt::format("{} for {}, process {:.0f}; a flush every {}", document_["phase"].text(),
                    human_duration(document_["uptime_s"].number()), document_["pid"].number(),
                    human_duration(flush["interval_s"].number()));
    if (flush["flushes"].is_there()) {
        second += fmt::format(", the last one took {}",
                              human_duration(flush["duration_s_last"].number()));
    }
    if (const double late = flush["late"].number(); late > 0) {
        second +=
            fmt::format(", {} of {} began late (up to {})", human_number(late),
                        flush["flushes"].human(), human_duration(flush["late_s_max"].number()));
    }
    line(second);
}

void Sheet::write_rates() {
    const View interval = document_["interval"];
    if (!interval.is_there()) {
        return heading("No interval has ended yet");
    }
    heading("Intake");
    const View ledger = document_["ledger"];
    const View lines = ledger["lines"];
    const View samples = ledger["samples"];
    const double refused = lines["rejected"].sum();
    TableRows rows;
    rows.push_back({{"last interval", Colour::quiet},
                    {interval["lines_per_s"].human() + " lines/s"},
                    {interval["samples_per_s"].human() + " samples/s"},
                    {interval["datagrams_per_s"].human() + " datagrams/s"},
                    {interval["bytes_per_s"].bytes() + "/s"},
                    {interval["refused"].human() + " refused",
                     interval["refused"].number() > 0 ? Colour::bad : Colour::none}});
    rows.push_back(
        {{"since the start", Colour::quiet},
         {lines["total"].human() + " lines"},
         {samples["total"].human() + " samples"},
         {},
         {},
         {human_number(refused) + " refused", refused > 0 ? Colour::bad : Colour::none}});
    table(rows);
    const auto reasons = [this](std::string_view what, View counts) {
        const std::string all = counts.reasons();
        if (!all.empty()) line(fmt::format("  {}: {}", what, all));
    };
    reasons("refused", lines["rejected"]);
    reasons("limited", samples["limited"]);
    if (!ledger["closed"].is_true()) {
        line("  " + coloured("the account is NOT closed: please report this", Colour::worse));
    }
}

void Sheet::write_parts() {
    heading("Parts");
    TableRows rows;
    document_["health"]["parts"].each_member([&](const std::string& name, View part) {
        const std::string state = part["state"].text();
        std::string told = part["reason"].text(reason_characters_max);
        if (told.empty() && part["last_error"].is_there()) {
            told = fmt::format("{}: {}", ago(part["last_error_at"]),
                               part["last_error"].text(reason_characters_max));
        }
        rows.push_back({{name}, {state, colour_of(state)}, {age(part["since"])}, {told}});
    });
    table(rows);
}

void Sheet::write_sinks() {
    heading("Sinks");
    TableRows rows{{{"", {}},
                    {"delivery", Colour::quiet},
                    {"delivered", Colour::quiet},
                    {"waiting", Colour::quiet},
                    {"", {}},
                    {"lost", Colour::quiet},
                    {"next attempt", Colour::quiet}}};
    std::vector<std::string> losses;
    document_["sinks"].each_member([&](const std::string& name, View sink) {
        const View points = sink["points"];
        const View queue = sink["queue"];
        const double lost = points["lost"].sum();
        // An attempt that ends with the points refused succeeds, as attempts go.
        std::string state = sink["delivery"].text();
        const std::string health = document_["health"]["parts"]["sinks." + name]["state"].text();
        if (state == "working" && lost > 0 && !health.empty() && health != "ok") state = "losing";
        const auto next_s = moment_of(sink["next_attempt"].text());
        rows.push_back(
            {{name},
             {state, colour_of(state)},
             {points["delivered"].human() + " points"},
             {queue["points"].human() + " points"},
             {queue["batches"].number() > 0
                  ? fmt::format("{} in {} batch(es)", queue["bytes"].bytes(),
                                queue["batches"].human())
                  : ""},
             {human_number(lost) + " points", lost > 0 ? Colour::worse : Colour::none},
             {next_s && now_s_ ? fmt::format("in {}", human_duration(*next_s - *now_s_)) : ""}});
        if (lost > 0)
            losses.push_back(fmt::format("  {} lost: {}", name, points["lost"].reasons()));
    });
    table(rows);
    for (const std::string& told : losses) line(told);
}

void Sheet::write_listeners() {
    heading("Listeners");
    TableRows rows;
    document_["listeners"].each_member([&](const std::string& name, View listener) {
        if (!listener["where"].is_there()) {
            rows.push_back({{name}, {"not open here", Colour::quiet}});
            return;
        }
        const std::string where = listener["where"].text();
        const bool is_stream = where.starts_with("tcp") || where.starts_with("unix-stream");
        const std::string lost = listener["lost"].reasons();
        std::string buffer;
        if (listener["receive_buffer_granted_bytes"].is_there()) {
            buffer = fmt::format("buffer {} of {} asked",
                                 listener["receive_buffer_granted_bytes"].bytes(),
                                 listener["receive_buffer_asked_bytes"].bytes());
        }
        rows.push_back({{name},
                        {where},
                        {is_stream ? fmt::format("{} connections open of {} so far",
                                                 listener["connections_open"].human(),
                                                 listener["connections_accepted"].human())
                                   : listener["datagrams"].human() + " datagrams"},
                        {listener["bytes"].bytes()},
                        {buffer},
                        {lost.empty() ? "" : "lost: " + lost, Colour::worse}});
    });
    table(rows);
}

void Sheet::write_series() {
    const View series = document_["series"];
    if (!series.is_there()) return;
    heading("Series");
    const auto share = [](View used, View most) {
        const double percent = most.number() > 0 ? 100 * used.number() / most.number() : 0;
        return Cell{fmt::format("{:.1f} %", percent), percent >= 90 ? Colour::bad : Colour::none};
    };
    TableRows rows;
    rows.push_back({{"alive", Colour::quiet},
                    {series["alive"].human()},
                    {"of " + series["alive_max"].human()},
                    share(series["alive"], series["alive_max"])});
    rows.push_back({{"names and tags", Colour::quiet},
                    {series["table_bytes"].bytes()},
                    {"of " + series["table_bytes_max"].bytes()},
                    share(series["table_bytes"], series["table_bytes_max"])});
    rows.push_back({{"last values", Colour::quiet},
                    {series["value_bytes"].bytes()},
                    {"of " + series["value_bytes_max"].bytes()},
                    share(series["value_bytes"], series["value_bytes_max"])});
    table(rows);
    if (!series["overflow_at"].is_there()) return;
    std::string culprits;
    series["overflowing"].each_element(5, [&](View culprit) {
        culprits += fmt::format("{}{} ({} lines)", culprits.empty() ? "" : ", ",
                                culprit["name"].text(), culprit["lines"].human());
    });
    line(fmt::format("  a limit was passed {}, by {}", ago(series["overflow_at"]), culprits));
}

void Sheet::write_busiest() {
    TableRows rows;
    document_["busiest"].each_element(refused_rows_max, [&](View busy) {
        rows.push_back({{busy["name"].text()},
                        {busy["kind"].text()},
                        {busy["count_per_s"].human() + "/s"},
                        {busy["series"].human() + " series"}});
    });
    if (rows.empty()) return;
    heading("Busiest names of the last interval");
    table(rows);
}

void Sheet::write_refused() {
    TableRows rows;
    document_["refused"].each_element(refused_rows_max, [&](View refused) {
        rows.push_back({{refused["reason"].text()},
                        {ago(refused["seen"])},
                        {refused["sender"].text()},
                        {refused["line"].text()}});
    });
    if (rows.empty()) return;
    heading("Refused lines, the newest first");
    table(rows);
}

void Sheet::write_advice() {
    TableRows rows;
    document_["advice"].each_element(refused_rows_max,
                                     [&](View advice) { rows.push_back({{advice.text(400)}}); });
    if (rows.empty()) return;
    heading("To set");
    table(rows);
}

}  // namespace

std::optional<StatusPage> render_status(std::string_view document, bool has_colours) {
    namespace json = boost::json;
    json::error_code error;
    const json::value parsed = json::parse({document.data(), document.size()}, error);
    if (error) return {};
    const View view(&parsed);
    const std::string state = view["health"]["state"].text();
    StatusPage page;
    for (const Health health : {Health::ok, Health::degraded, Health::failing}) {
        if (state != to_string(health)) continue;
        page.state = health;
        page.text = Sheet(view, has_colours).render();
        return page;
    }
    return {};
}

}  // namespace pitot::agent
