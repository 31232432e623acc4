#include "agent/alerts/channels/queue_file.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "agent/alerts/saved_file.h"

namespace pitot::agent::alerts::channels {
namespace {

constexpr FileFormat format{.magic = "pitot-channel", .version = 2};

// Bounds of what is read, so that a damaged length allocates nothing. They are wider than what
// is ever written.
constexpr std::size_t labels_max = 1'024;

void write_message(BinaryWriter& out, const Message& message) {
    out.number(std::to_underlying(message.type), 1);
    out.number(message.is_repeat ? 1 : 0, 1);
    out.number(message.level, 1);
    out.number(std::to_underlying(message.reason), 1);
    out.number(message.has_value ? 1 : 0, 1);
    out.number(message.has_peak ? 1 : 0, 1);
    out.number(message.threshold ? 1 : 0, 1);
    out.real(message.value);
    out.real(message.peak);
    out.real(message.threshold.value_or(0));
    out.text(message.alert);
    out.number(message.labels.size(), 4);
    for (const Label& label : message.labels) {
        out.text(label.name);
        out.text(label.value);
    }
    out.number(message.fixed_labels.size(), 4);
    for (const auto& [name, value] : message.fixed_labels) {
        out.text(name);
        out.text(value);
    }
    for (const std::string* text :
         {&message.severity, &message.unit, &message.condition, &message.host, &message.summary,
          &message.description, &message.runbook_url}) {
        out.text(*text);
    }
    out.unix_time(message.started_unix_ns);
    out.unix_time(message.told_unix_ns);
    out.span(message.duration_ns);
    out.span(message.repeat_ns);
    out.number(message.untold);
    out.number(message.held_back);
}

MessagePointer read_message(BinaryReader& in) {
    Message message;
    message.type = static_cast<MessageType>(in.up_to(std::to_underlying(MessageType::overflow), 1));
    message.is_repeat = in.up_to(1, 1) != 0;
    message.level = static_cast<std::uint8_t>(in.up_to(levels_max, 1));
    message.reason = static_cast<Reason>(in.up_to(std::to_underlying(Reason::rule_removed), 1));
    message.has_value = in.up_to(1, 1) != 0;
    message.has_peak = in.up_to(1, 1) != 0;
    const bool has_threshold = in.up_to(1, 1) != 0;
    message.value = in.real();
    message.peak = in.real();
    const double threshold = in.real();
    if (has_threshold) message.threshold = threshold;
    message.alert = in.text();
    const std::uint64_t labels = in.up_to(labels_max, 4);
    for (std::uint64_t i = 0; i < labels && in.is_good(); ++i) {
        std::string name = in.text();
        message.labels.push_back({std::move(name), in.text()});
    }
    const std::uint64_t fixed = in.up_to(labels_max, 4);
    for (std::uint64_t i = 0; i < fixed && in.is_good(); ++i) {
        std::string name = in.text();
        message.fixed_labels.insert_or_assign(std::move(name), in.text());
    }
    for (std::string* text : {&message.severity, &message.unit, &message.condition, &message.host,
                              &message.summary, &message.description, &message.runbook_url}) {
        *text = in.text();
    }
    message.started_unix_ns = in.unix_time();
    message.told_unix_ns = in.unix_time();
    message.duration_ns = in.span();
    message.repeat_ns = in.span();
    message.untold = in.number();
    message.held_back = in.number();
    return std::make_shared<const Message>(std::move(message));
}

}  // namespace

std::string encode_queue(const QueueFile& file) {
    BinaryWriter out;
    out.unix_time(file.saved_unix_ns);
    out.number(file.channel.queue.size(), 4);
    for (const SavedMessage& saved : file.channel.queue) {
        out.span(saved.age_ns);
        out.number(saved.may_be_known ? 1 : 0, 1);
        write_message(out, *saved.message);
    }
    out.number(file.channel.alerts.size(), 4);
    for (const SavedAlert& saved : file.channel.alerts) {
        out.span(saved.age_ns);
        out.number(saved.is_known ? 1 : 0, 1);
        write_message(out, *saved.message);
    }
    return framed(format, out.take());
}

std::expected<QueueFile, std::string> decode_queue(std::string_view bytes) {
    const auto payload = unframed(format, bytes);
    if (!payload) return std::unexpected(payload.error());
    BinaryReader in(*payload);
    QueueFile file;
    file.saved_unix_ns = in.unix_time();
    const std::uint64_t queue = in.up_to(queued_messages_max, 4);
    for (std::uint64_t i = 0; i < queue && in.is_good(); ++i) {
        SavedMessage saved;
        saved.age_ns = in.span();
        saved.may_be_known = in.up_to(1, 1) != 0;
        saved.message = read_message(in);
        file.channel.queue.push_back(std::move(saved));
    }
    // Those that have ended beside those that fire.
    const std::uint64_t alerts = in.up_to(2 * alerts_remembered_max, 4);
    for (std::uint64_t i = 0; i < alerts && in.is_good(); ++i) {
        SavedAlert saved;
        saved.age_ns = in.span();
        saved.is_known = in.up_to(1, 1) != 0;
        saved.message = read_message(in);
        file.channel.alerts.push_back(std::move(saved));
    }
    if (!in.is_good() || !in.is_at_end()) {
        return std::unexpected("must hold what its header says, is damaged");
    }
    return file;
}

std::expected<void, std::string> write_queue(const std::filesystem::path& path,
                                             const QueueFile& file) {
    const auto written = write_whole(path, encode_queue(file));
    if (written) return {};
    return std::unexpected(fmt::format("the queue is not saved: {}", written.error()));
}

std::expected<std::optional<QueueFile>, std::string> read_queue(const std::filesystem::path& path) {
    std::optional<QueueFile> result;
    const auto read =
        read_or_set_aside(path, "the channel begins anew",
                          [&](std::string_view bytes) -> std::expected<void, std::string> {
                              auto file = decode_queue(bytes);
                              if (!file) return std::unexpected(std::move(file.error()));
                              result = std::move(*file);
                              return {};
                          });
    if (!read) return std::unexpected(read.error());
    return result;
}

}  // namespace pitot::agent::alerts::channels
