#include "agent/config/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "agent/config/override.h"
#include "agent/config/suggest.h"
#include "agent/config/toml_text.h"
#include "agent/config/units.h"
#include "agent/printable.h"
#include "agent/web/pages.h"

namespace pitot::agent {

namespace {

// Known names are listed in full when none is near, if they are few enough to be read.
constexpr std::size_t listed_names_max = 24;

// Types whose values are texts: words without quotes are taken as they are.
bool is_textual(std::string_view type) {
    return type == "text" || type == "word" || type == "secret";
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

// Whether a secret, or one of a table of them, is the text itself, and not where to find it.
bool stands_in_the_open(const Node& node) {
    if (const std::string* const text = node.text()) return !text->empty();
    const Table* const table = node.table();
    return table == nullptr || std::ranges::any_of(table->entries, [](const Entry& entry) {
               const bool says_where =
                   entry.key == "file" || entry.key == "env" || entry.key == "credential";
               return !says_where && stands_in_the_open(entry.node);
           });
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
    return path_.empty() ? shown_key(key) : path_ + "." + shown_key(key);
}

bool SectionReader::has(std::string_view key) const {
    return table_ != nullptr && table_->find(key) != nullptr;
}

const std::string* SectionReader::text_there(std::string_view key) const {
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    return entry == nullptr ? nullptr : entry->node.text();
}

bool SectionReader::is_known(std::string_view key) const {
    return std::ranges::find(known_, key) != known_.end();
}

// An argument, a variable or a reference without quotes is of the type that its option
// takes, if its words can be read so at all.
const Entry* SectionReader::reread(const Entry* entry, std::string_view type) {
    // Of tables with names of their own, each option has words of its own.
    const bool is_section = type == "table" || type == "table of tables";
    if (entry == nullptr || !entry->node.words || is_section) return entry;
    const Node& node = entry->node;
    std::optional<Node> read;
    if (is_textual(type)) {
        if (node.text() != nullptr) return entry;
        read = Node{*node.words, node.position};
    } else if (node.text() != nullptr) {
        read = value_of_words(*node.words, node.position);
    }
    if (!read) return entry;
    read->words = node.words;
    context_.reread.push_back({entry->key, entry->key_position, *std::move(read)});
    return &context_.reread.back();
}

const Entry* SectionReader::ask(std::string_view key, std::string_view type, std::string fallback,
                                std::string accepted) {
    const Entry* const entry = reread(table_ == nullptr ? nullptr : table_->find(key), type);
    if (is_known(key)) return entry;
    known_.emplace_back(key);
    Asked asked{.key = path_of(key),
                .section = path_,
                .type = type,
                .fallback = std::move(fallback),
                .accepted = std::move(accepted),
                .is_set = entry != nullptr};
    if (entry != nullptr) {
        asked.origin = entry->node.position;
        asked.is_hidden =
            (type == "secret" || type == "table of secrets") && stands_in_the_open(entry->node);
        if (!asked.is_hidden && type != "table" && type != "table of tables") {
            asked.value = toml_value(entry->node);
        }
    }
    context_.asked.push_back(std::move(asked));
    return entry;
}

void SectionReader::refuse(const Entry& entry, std::string_view must) {
    if (entry.node.is_unresolved) return;
    context_.problems.add(entry.node.position, path_of(entry.key),
                          fmt::format("{}, got {}", must, describe(entry.node)));
}

void SectionReader::missing(std::string_view key, std::string_view must) {
    if (context_.is_incomplete) return;
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
    const Entry* const entry = ask(key, "text", toml_text(fallback));
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
    if (entry.node.is_unresolved) return std::nullopt;
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

std::optional<std::size_t> SectionReader::choice_meant(
    std::string_view key, std::span<const std::string_view> allowed) const {
    if (table_ == nullptr) return std::nullopt;
    const std::string* word = text_there(key);
    const std::array<std::string_view, 1> keys{key};
    for (const Entry& entry : table_->entries) {
        if (word != nullptr || has(key)) break;
        if (nearest(entry.key, keys)) word = entry.node.text();
    }
    const auto found = word == nullptr ? std::nullopt : nearest(*word, allowed);
    if (!found) return std::nullopt;
    return static_cast<std::size_t>(std::ranges::find(allowed, *found) - allowed.begin());
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
    for (const std::string& text : fallback) shown.push_back(toml_text(text));
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
    for (const Node& element : *array) {
        const Entry written{entry->key, entry->key_position, element};
        const Node& node = reread(&written, "number")->node;
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

void SectionReader::problem(std::string_view key, std::string what) {
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    // It may be about several values, and some of them in the source that could not be read.
    if (context_.is_incomplete || (entry != nullptr && is_beyond_us(*entry))) return;
    const Position position = entry == nullptr ? position_ : entry->node.position;
    std::string path = key.empty() ? path_ : path_of(key);
    if (std::ranges::find(secrets_, key) == secrets_.end()) {
        context_.problems.add(position, std::move(path), std::move(what));
    } else {
        context_.problems.add_secret(position, std::move(path), std::move(what));
    }
}

bool SectionReader::is_wrong(std::string_view key) const {
    const std::vector<Problem> all = context_.problems.problems();
    return std::ranges::find(all, path_of(key), &Problem::key) != all.end();
}

void SectionReader::warning(std::string_view key, std::string what) {
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    context_.problems.warn(entry == nullptr ? position_ : entry->node.position,
                           key.empty() ? path_ : path_of(key), std::move(what));
}

void SectionReader::claim_page(const std::string& path) {
    if (!context_.has_server) {
        problem("address",
                "must be set, because the agent has no server of its own to show the page "
                "(http.address is \"\")");
        return;
    }
    const auto taken =
        std::ranges::find(context_.pages, path, &std::pair<std::string, std::string>::first);
    if (is_agent_page(path)) {
        problem("path", fmt::format("must not be a page of the agent's own, got \"{}\"", path));
    } else if (taken != context_.pages.end()) {
        problem("path", fmt::format("must be a path of its own, got \"{}\", which {} has too", path,
                                    taken->second));
    } else {
        context_.pages.emplace_back(path, path_);
    }
}

SectionReader SectionReader::section(std::string_view key, std::string_view must) {
    const Entry* const entry = ask(key, "table", "");
    const Table* const table = entry == nullptr ? nullptr : entry->node.table();
    if (entry != nullptr && table == nullptr) {
        refuse(*entry, must.empty() ? fmt::format("must be a table: [{}]", path_of(key))
                                    : std::string(must));
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
        if (auto section = outer.named_section(inner)) found.push_back(std::move(section));
    }
    return found;
}

std::unique_ptr<SectionReader> SectionReader::named_section(const Entry& entry) const {
    const Table* const table = entry.node.table();
    if (!is_bare_key(entry.key) || entry.key.size() > section_name_bytes_max) {
        context_.problems.add(
            entry.key_position, path_of(entry.key),
            fmt::format("must be a name of at most {} letters, digits, '_' and '-'",
                        section_name_bytes_max));
    } else if (table == nullptr) {
        context_.problems.add(
            entry.node.position, path_of(entry.key),
            fmt::format("must be a table: [{}.NAME], got {}", path_, describe(entry.node)));
    } else {
        return std::make_unique<SectionReader>(context_, path_of(entry.key), table,
                                               entry.node.position);
    }
    return nullptr;
}

void SectionReader::each_table(std::string_view key,
                               const std::function<void(sinks::Options&)>& visit) {
    for (const auto& reader : sections(key)) {
        visit(*reader);
        reader->report_unknown();
    }
}

// PITOT_LIMITS_SERIES means PITOT_LIMITS__SERIES.
std::string SectionReader::separator_hint(const Entry& entry) const {
    if (context_.problems.type_of(entry.key_position.source) != SourceType::environment) return {};
    for (const std::string& key : known_) {
        if (!entry.key.starts_with(key + "_")) continue;
        return fmt::format("; the parts of a key have two underscores between them: {}__{}", key,
                           entry.key.substr(key.size() + 1));
    }
    return {};
}

std::string SectionReader::unknown_text(const Entry& entry,
                                        std::span<const std::string> root_keys) const {
    const std::string_view kind = entry.node.table() == nullptr ? "option" : "table";
    const std::vector<std::string_view> known(known_.begin(), known_.end());
    const std::string hint = separator_hint(entry);
    if (!hint.empty()) return fmt::format("unknown {}{}", kind, hint);
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
        if (is_known(entry.key) || std::ranges::find(named_, entry.key) != named_.end()) continue;
        if (context_.problems.full()) return;
        context_.problems.add(entry.key_position, path_of(entry.key),
                              unknown_text(entry, root_keys));
    }
}

}  // namespace pitot::agent
