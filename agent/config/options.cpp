#include "agent/config/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "agent/config/secret_source.h"
#include "agent/config/suggest.h"
#include "agent/config/units.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

// Known names are listed in full when none is near, if they are few enough to be read.
constexpr std::size_t listed_names_max = 24;

bool is_bare(std::string_view key) {
    return !key.empty() && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

// A key as TOML writes it.
std::string written(std::string_view key) {
    return is_bare(key) ? printable(key) : fmt::format("\"{}\"", printable(key));
}

std::string in_quotes(std::string_view text) {
    return fmt::format("\"{}\"", text);
}

std::string listed(std::span<const std::string_view> words) {
    std::vector<std::string> texts;
    texts.reserve(words.size());
    for (const std::string_view word : words) texts.push_back(in_quotes(word));
    return fmt::format("{}", fmt::join(texts, ", "));
}

std::string range_of(std::string_view least, std::string_view most) {
    return fmt::format("{} … {}", least, most);
}

bool is_public(const ReadContext& context, Position position) {
    return std::ranges::find(context.public_sources, position.source) !=
           context.public_sources.end();
}

}  // namespace

SectionReader::SectionReader(ReadContext& context, std::string path, const Table* table,
                             Position position)
    : context_(context),
      path_(std::move(path)),
      name_(path_.substr(path_.rfind('.') + 1)),
      table_(table),
      position_(position) {}

std::string SectionReader::path_of(std::string_view key) const {
    return path_.empty() ? written(key) : path_ + "." + written(key);
}

bool SectionReader::has(std::string_view key) const {
    return table_ != nullptr && table_->find(key) != nullptr;
}

bool SectionReader::is_known(std::string_view key) const {
    return std::ranges::find(known_, key) != known_.end();
}

const Entry* SectionReader::ask(std::string_view key, std::string_view type, std::string fallback,
                                std::string accepted) {
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    if (!is_known(key)) {
        known_.emplace_back(key);
        context_.asked.push_back(
            {path_of(key), type, std::move(fallback), std::move(accepted), entry != nullptr});
    }
    return entry;
}

void SectionReader::refuse(const Entry& entry, std::string_view must) {
    context_.problems.add(entry.node.position, path_of(entry.key),
                          fmt::format("{}, got {}", must, describe(entry.node)));
}

void SectionReader::missing(std::string_view key, std::string_view must) {
    context_.problems.add(position_, path_of(key), fmt::format("{}, got nothing", must));
}

std::optional<std::string> SectionReader::text_of(const Entry& entry, std::string_view must) {
    const std::string* const text = entry.node.text();
    if (text == nullptr) {
        refuse(entry, must);
        return std::nullopt;
    }
    if (text->contains('\0')) {
        refuse(entry, "must not contain a NUL character");
        return std::nullopt;
    }
    return *text;
}

std::string SectionReader::text(std::string_view key, std::string_view fallback) {
    const Entry* const entry = ask(key, "text", in_quotes(fallback));
    if (entry == nullptr) return std::string(fallback);
    return text_of(*entry, "must be a text").value_or(std::string(fallback));
}

std::string SectionReader::required_text(std::string_view key) {
    const Entry* const entry = ask(key, "text", "");
    if (entry == nullptr) {
        missing(key, "must be given, as a text");
        return {};
    }
    auto text = text_of(*entry, "must be a text");
    if (text && text->empty()) {
        refuse(*entry, "must not be empty");
    }
    return std::move(text).value_or(std::string());
}

std::optional<std::string> SectionReader::optional_text(std::string_view key) {
    const Entry* const entry = ask(key, "text", "");
    if (entry == nullptr) return std::nullopt;
    return text_of(*entry, "must be a text");
}

bool SectionReader::boolean(std::string_view key, bool fallback) {
    const Entry* const entry = ask(key, "boolean", fallback ? "true" : "false");
    if (entry == nullptr) return fallback;
    if (const bool* const value = std::get_if<bool>(&entry->node.value)) return *value;
    refuse(*entry, "must be true or false");
    return fallback;
}

std::int64_t SectionReader::integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                                    std::int64_t most) {
    const Entry* const entry = ask(key, "count", std::to_string(fallback),
                                   range_of(std::to_string(least), std::to_string(most)));
    if (entry == nullptr) return fallback;
    const auto* const value = std::get_if<std::int64_t>(&entry->node.value);
    if (value != nullptr && *value >= least && *value <= most) return *value;
    refuse(*entry, fmt::format("must be a whole number between {} and {}", least, most));
    return fallback;
}

double SectionReader::number(std::string_view key, double fallback, double least, double most) {
    const Entry* const entry = ask(key, "number", fmt::format("{}", fallback),
                                   range_of(fmt::format("{}", least), fmt::format("{}", most)));
    if (entry == nullptr) return fallback;
    const auto* const whole = std::get_if<std::int64_t>(&entry->node.value);
    const auto* const real = std::get_if<double>(&entry->node.value);
    if (whole != nullptr || real != nullptr) {
        const double value = whole != nullptr ? static_cast<double>(*whole) : *real;
        if (value >= least && value <= most) return value;
    }
    refuse(*entry, fmt::format("must be a number between {} and {}", least, most));
    return fallback;
}

std::chrono::nanoseconds SectionReader::duration(std::string_view key,
                                                 std::chrono::nanoseconds fallback,
                                                 std::chrono::nanoseconds least,
                                                 std::chrono::nanoseconds most) {
    const std::string from = format_duration(least);
    const std::string to = format_duration(most);
    const Entry* const entry =
        ask(key, "duration", in_quotes(format_duration(fallback)), range_of(from, to));
    if (entry == nullptr) return fallback;

    if (const std::string* const text = entry->node.text()) {
        if (const auto value = parse_duration(*text)) {
            if (*value >= least && *value <= most) return *value;
            refuse(*entry, fmt::format("must be between {} and {}", from, to));
        } else if (is_bare_number(*text)) {
            refuse(*entry, fmt::format(R"(must have a unit, such as "{}s" or "{}ms")",
                                       printable(*text, 20), printable(*text, 20)));
        } else {
            refuse(*entry, fmt::format("must be a duration such as \"{}\" (units: {})",
                                       format_duration(fallback), duration_units));
        }
        return fallback;
    }
    if (const auto* const number = std::get_if<std::int64_t>(&entry->node.value)) {
        if (*number == 0 && least.count() == 0) return least;
        refuse(*entry,
               fmt::format(R"(must have a unit, such as "{}s" or "{}ms")", *number, *number));
        return fallback;
    }
    refuse(*entry, fmt::format("must be a duration such as \"{}\"", format_duration(fallback)));
    return fallback;
}

std::uint64_t SectionReader::bytes(std::string_view key, std::uint64_t fallback,
                                   std::uint64_t least, std::uint64_t most) {
    const std::string from = format_size(least);
    const std::string to = format_size(most);
    const Entry* const entry =
        ask(key, "size", in_quotes(format_size(fallback)), range_of(from, to));
    if (entry == nullptr) return fallback;

    std::optional<std::uint64_t> value;
    if (const std::string* const text = entry->node.text()) {
        value = parse_size(*text);
        if (!value) {
            refuse(*entry, fmt::format("must be a size such as \"{}\" (units: {})",
                                       format_size(fallback), size_units));
            return fallback;
        }
    } else if (const auto* const number = std::get_if<std::int64_t>(&entry->node.value)) {
        if (*number >= 0) value = static_cast<std::uint64_t>(*number);
    } else {
        refuse(*entry, fmt::format("must be a size such as \"{}\" or a number of bytes",
                                   format_size(fallback)));
        return fallback;
    }
    if (value && *value >= least && *value <= most) return *value;
    refuse(*entry, fmt::format("must be between {} and {}", from, to));
    return fallback;
}

std::optional<std::size_t> SectionReader::choice_of(const Entry& entry,
                                                    std::span<const std::string_view> allowed) {
    const std::string must = fmt::format("must be one of {}", listed(allowed));
    const std::string* const text = entry.node.text();
    if (text == nullptr) {
        refuse(entry, must);
        return std::nullopt;
    }
    const auto found = std::ranges::find(allowed, *text);
    if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
    context_.problems.add(
        entry.node.position, path_of(entry.key),
        fmt::format("{}, got {}{}", must, describe(entry.node), did_you_mean(*text, allowed, '"')));
    return std::nullopt;
}

std::size_t SectionReader::choice(std::string_view key, std::size_t fallback,
                                  std::span<const std::string_view> allowed) {
    const Entry* const entry = ask(key, "word", in_quotes(allowed[fallback]), listed(allowed));
    if (entry == nullptr) return fallback;
    return choice_of(*entry, allowed).value_or(fallback);
}

std::optional<std::size_t> SectionReader::required_choice(
    std::string_view key, std::span<const std::string_view> allowed) {
    const Entry* const entry = ask(key, "word", "", listed(allowed));
    if (entry != nullptr) return choice_of(*entry, allowed);
    missing(key, fmt::format("must be one of {}", listed(allowed)));
    return std::nullopt;
}

std::optional<std::int64_t> SectionReader::integer_or_auto(std::string_view key, std::int64_t least,
                                                           std::int64_t most) {
    const Entry* const entry = ask(key, "count or \"auto\"", "\"auto\"",
                                   range_of(std::to_string(least), std::to_string(most)));
    if (entry == nullptr) return std::nullopt;
    if (const std::string* const text = entry->node.text(); text != nullptr && *text == "auto") {
        return std::nullopt;
    }
    const auto* const value = std::get_if<std::int64_t>(&entry->node.value);
    if (value != nullptr && *value >= least && *value <= most) return *value;
    refuse(*entry, fmt::format("must be \"auto\" or between {} and {}", least, most));
    return std::nullopt;
}

std::vector<std::string> SectionReader::texts(std::string_view key,
                                              std::vector<std::string> fallback) {
    std::vector<std::string> shown;
    shown.reserve(fallback.size());
    for (const std::string& text : fallback) shown.push_back(in_quotes(text));
    const Entry* const entry =
        ask(key, "list of texts", fmt::format("[{}]", fmt::join(shown, ", ")));
    if (entry == nullptr) return fallback;
    const auto* const array = std::get_if<Array>(&entry->node.value);
    if (array == nullptr) {
        refuse(*entry, R"(must be a list of texts, such as ["a", "b"])");
        return fallback;
    }
    std::vector<std::string> values;
    for (const Node& node : *array) {
        const Entry element{entry->key, entry->key_position, node};
        if (auto text = text_of(element, "must hold texts only")) values.push_back(*text);
    }
    return values.size() == array->size() ? values : fallback;
}

std::vector<double> SectionReader::numbers(std::string_view key, std::vector<double> fallback,
                                           double least, double most) {
    const Entry* const entry =
        ask(key, "list of numbers", fmt::format("[{}]", fmt::join(fallback, ", ")),
            range_of(fmt::format("{}", least), fmt::format("{}", most)));
    if (entry == nullptr) return fallback;
    const auto* const array = std::get_if<Array>(&entry->node.value);
    if (array == nullptr) {
        refuse(*entry, "must be a list of numbers, such as [1, 2.5]");
        return fallback;
    }
    std::vector<double> values;
    for (const Node& node : *array) {
        const auto* const whole = std::get_if<std::int64_t>(&node.value);
        const auto* const real = std::get_if<double>(&node.value);
        if (whole != nullptr || real != nullptr) {
            const double value = whole != nullptr ? static_cast<double>(*whole) : *real;
            if (value >= least && value <= most) {
                values.push_back(value);
                continue;
            }
        }
        refuse({entry->key, entry->key_position, node},
               fmt::format("must hold numbers between {} and {} only", least, most));
    }
    return values.size() == array->size() ? values : fallback;
}

std::vector<std::pair<std::string, std::string>> SectionReader::text_table(std::string_view key) {
    const Entry* const entry = ask(key, "table of texts", "{}");
    if (entry == nullptr) return {};
    const Table* const table = entry->node.table();
    if (table == nullptr) {
        refuse(*entry, "must be a table of texts, such as { zone = \"a\" }");
        return {};
    }
    const SectionReader inner(context_, path_of(key), table, entry->node.position);
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const Entry& pair : table->entries) {
        const std::string* const text = pair.node.text();
        if (text != nullptr && !text->contains('\0')) {
            pairs.emplace_back(pair.key, *text);
        } else {
            context_.problems.add(pair.node.position, inner.path_of(pair.key),
                                  fmt::format("must be a text{}, got {}",
                                              text == nullptr ? "" : " without a NUL character",
                                              describe(pair.node)));
        }
    }
    return pairs;
}

sinks::Secret SectionReader::secret(std::string_view key) {
    const Entry* const entry = ask(key, "secret", "");
    secrets_.emplace_back(key);
    if (entry == nullptr) return {};
    const std::string* const text = entry->node.text();
    if (text != nullptr && !text->empty() && is_public(context_, entry->node.position)) {
        warning(key,
                "is a secret that every user of this machine can read here; better is "
                "{ file = \"…\" } or { credential = \"…\" }");
    }
    return secret_of(*entry, path_of(key));
}

std::vector<std::pair<std::string, sinks::Secret>> SectionReader::secret_table(
    std::string_view key) {
    const Entry* const entry = ask(key, "table of secrets", "{}");
    secrets_.emplace_back(key);
    if (entry == nullptr) return {};
    const Table* const table = entry->node.table();
    if (table == nullptr) {
        context_.problems.add_secret(entry->node.position, path_of(key),
                                     "must be a table of texts, such as { \"X-Key\" = \"…\" }");
        return {};
    }
    const SectionReader inner(context_, path_of(key), table, entry->node.position);
    std::vector<std::pair<std::string, sinks::Secret>> pairs;
    for (const Entry& pair : table->entries) {
        pairs.emplace_back(pair.key, secret_of(pair, inner.path_of(pair.key)));
    }
    return pairs;
}

sinks::Secret SectionReader::secret_of(const Entry& entry, const std::string& path) {
    const Node& node = entry.node;
    if (const std::string* const text = node.text()) {
        if (!text->contains('\0')) return sinks::Secret(*text);
        context_.problems.add_secret(node.position, path, "must not contain a NUL character");
        return {};
    }
    if (const Table* const table = node.table()) {
        auto secret = resolve_secret(*table, context_.environment);
        if (secret) return std::move(*secret);
        context_.problems.add_secret(node.position, path, std::move(secret.error()));
        return {};
    }
    // What stands there may be the secret itself, without its quotes.
    context_.problems.add_secret(node.position, path,
                                 "must be a text in quotes, or { file = \"…\" }, "
                                 "{ env = \"…\" } or { credential = \"…\" }");
    return {};
}

void SectionReader::problem(std::string_view key, std::string what) {
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    const Position position = entry == nullptr ? position_ : entry->node.position;
    std::string path = key.empty() ? path_ : path_of(key);
    if (std::ranges::find(secrets_, key) == secrets_.end()) {
        context_.problems.add(position, std::move(path), std::move(what));
    } else {
        context_.problems.add_secret(position, std::move(path), std::move(what));
    }
}

void SectionReader::warning(std::string_view key, std::string what) {
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    context_.problems.warn(entry == nullptr ? position_ : entry->node.position,
                           key.empty() ? path_ : path_of(key), std::move(what));
}

SectionReader SectionReader::section(std::string_view key) {
    const Entry* const entry = ask(key, "table", "");
    const Table* const table = entry == nullptr ? nullptr : entry->node.table();
    if (entry != nullptr && table == nullptr) {
        refuse(*entry, fmt::format("must be a table: [{}]", path_of(key)));
    }
    return {context_, path_of(key), table, entry == nullptr ? position_ : entry->node.position};
}

std::vector<std::unique_ptr<SectionReader>> SectionReader::sections(std::string_view key) {
    const Entry* const entry = ask(key, "table of tables", "");
    if (entry == nullptr) return {};
    const std::string path = path_of(key);
    const Table* const table = entry->node.table();
    if (table == nullptr) {
        refuse(*entry, fmt::format("must be tables with a name each: [{}.NAME]", path));
        return {};
    }
    const SectionReader outer(context_, path, table, entry->node.position);
    std::vector<std::unique_ptr<SectionReader>> found;
    for (const Entry& inner : table->entries) {
        const Table* const inner_table = inner.node.table();
        if (!is_bare(inner.key) || inner.key.size() > section_name_bytes_max) {
            context_.problems.add(
                inner.key_position, outer.path_of(inner.key),
                fmt::format("must be a name of at most {} letters, digits, '_' and '-'",
                            section_name_bytes_max));
        } else if (inner_table == nullptr) {
            context_.problems.add(
                inner.node.position, outer.path_of(inner.key),
                fmt::format("must be a table: [{}.NAME], got {}", path, describe(inner.node)));
        } else {
            found.push_back(std::make_unique<SectionReader>(context_, outer.path_of(inner.key),
                                                            inner_table, inner.node.position));
        }
    }
    return found;
}

void SectionReader::each_table(std::string_view key,
                               const std::function<void(sinks::Options&)>& visit) {
    for (const auto& reader : sections(key)) {
        visit(*reader);
        reader->report_unknown();
    }
}

std::string SectionReader::unknown_text(const Entry& entry,
                                        std::span<const std::string> root_keys) const {
    const std::string_view kind = entry.node.table() == nullptr ? "option" : "table";
    const std::vector<std::string_view> known(known_.begin(), known_.end());
    if (const auto near = nearest(entry.key, known)) {
        return fmt::format("unknown {}; did you mean `{}`?", kind, *near);
    }
    if (std::ranges::find(root_keys, entry.key) != root_keys.end()) {
        return fmt::format("unknown {} here; `{}` belongs above the first [table] of the file",
                           kind, entry.key);
    }
    if (known.empty() || known.size() > listed_names_max) return fmt::format("unknown {}", kind);
    return fmt::format("unknown {}; known here: {}", kind, fmt::join(known, ", "));
}

void SectionReader::report_unknown(std::span<const std::string> root_keys) {
    if (table_ == nullptr) return;
    for (const Entry& entry : table_->entries) {
        if (is_known(entry.key)) continue;
        if (context_.problems.full()) return;
        context_.problems.add(entry.key_position, path_of(entry.key),
                              unknown_text(entry, root_keys));
    }
}

}  // namespace pitot::agent
