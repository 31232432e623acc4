// What a SectionReader does for the rules of alerts alone: texts with places inside, tables
// beside options, tables over built-in ones.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "agent/config/options.h"
#include "agent/printable.h"

namespace pitot::agent {

std::optional<PlacedText> SectionReader::placed_text(std::string_view key, std::string fallback,
                                                     std::string_view must) {
    const Entry* const entry = ask(key, "text", std::move(fallback));
    if (entry == nullptr) return std::nullopt;
    auto text = text_of(*entry, must);
    // What a reference was to put there is a problem already.
    if (!text || entry->node.is_unresolved) return std::nullopt;
    const Position position = entry->node.position;
    return PlacedText{*std::move(text), position, context_.problems.text_of(position.source)};
}

std::vector<std::unique_ptr<SectionReader>> SectionReader::named_sections(
    std::span<const std::string_view> options) {
    std::vector<std::unique_ptr<SectionReader>> found;
    if (table_ == nullptr) return found;
    for (const Entry& entry : table_->entries) {
        const bool is_option = std::ranges::find(options, entry.key) != options.end();
        if (entry.node.table() == nullptr) continue;
        named_.push_back(entry.key);
        if (is_option) {
            context_.problems.add(
                entry.node.position, path_of(entry.key),
                fmt::format("must have another name: `{}` is an option of [{}]", entry.key, path_));
        } else if (auto section = named_section(entry)) {
            found.push_back(std::move(section));
        }
    }
    return found;
}

std::optional<SectionReader> SectionReader::section_unless_false(std::string_view key) {
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    const Entry* const read = reread(entry, "boolean");
    const bool* const is_on = read == nullptr ? nullptr : std::get_if<bool>(&read->node.value);
    if (is_on == nullptr) return section(key);
    ask(key, "boolean", "true");
    if (!*is_on) return std::nullopt;
    return SectionReader(context_, path_of(key), nullptr, read->node.position);
}

std::vector<std::vector<std::pair<std::string, std::string>>> SectionReader::text_tables(
    std::string_view key) {
    const Entry* const entry = ask(key, "list of tables", "[]");
    if (entry == nullptr) return {};
    constexpr std::string_view must =
        "must be a list of tables of texts, such as [{ worker = \"a\" }]";
    const auto* const array = std::get_if<Array>(&entry->node.value);
    if (array == nullptr) {
        refuse(*entry, must);
        return {};
    }
    std::vector<std::vector<std::pair<std::string, std::string>>> tables;
    for (const Node& node : *array) {
        const Table* const table = node.table();
        if (table == nullptr) {
            refuse({entry->key, entry->key_position, node}, must);
            continue;
        }
        const auto wrong = std::ranges::find_if(table->entries, [](const Entry& pair) {
            const auto* const text = pair.node.text();
            return text == nullptr || text->contains('\0');
        });
        if (wrong != table->entries.end()) {
            refuse({entry->key, entry->key_position, wrong->node},
                   fmt::format("must have texts in its tables, such as {{ {} = \"a\" }}",
                               printable(wrong->key)));
            continue;
        }
        auto& pairs = tables.emplace_back();
        for (const Entry& pair : table->entries) pairs.emplace_back(pair.key, *pair.node.text());
    }
    return tables;
}

SectionReader SectionReader::over(Table weaker) const {
    Table& merged = context_.overlaid.emplace_back(std::move(weaker));
    if (table_ != nullptr) merge(merged, *table_);
    return {context_, path_, &merged, position_};
}

Table SectionReader::built_in_table(std::string name, std::string text) {
    const auto source =
        context_.problems.add_source(std::move(name), std::move(text), SourceType::built_in);
    auto table = parse_document(context_.problems.text_of(source), source);
    assert(table.has_value());
    return *std::move(table);
}

bool SectionReader::is_table(std::string_view key) const {
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    return entry != nullptr && entry->node.table() != nullptr;
}

std::vector<std::string> SectionReader::names_in(std::string_view key) const {
    std::vector<std::string> names;
    const Entry* const entry = table_ == nullptr ? nullptr : table_->find(key);
    const Table* const table = entry == nullptr ? nullptr : entry->node.table();
    if (table == nullptr) return names;
    for (const Entry& inner : table->entries) names.push_back(inner.key);
    return names;
}

std::string SectionReader::place() const {
    std::string place = context_.problems.name_of(position_);
    const bool has_column =
        context_.problems.type_of(position_.source) == SourceType::file && position_.line != 0;
    if (has_column) place.erase(place.rfind(':'));
    return place;
}

void SectionReader::problem_at(Position position, std::string_view key, std::string what) {
    if (context_.is_incomplete) return;
    context_.problems.add(position, path_of(key), std::move(what));
}

void SectionReader::warning_at(Position position, std::string_view key, std::string what) {
    context_.problems.warn(position, path_of(key), std::move(what));
}

}  // namespace pitot::agent
