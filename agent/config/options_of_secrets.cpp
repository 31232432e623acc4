// What a SectionReader knows of secrets: where they are read from, and that nothing of them is
// shown.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/options.h"
#include "agent/config/secret_source.h"

namespace pitot::agent {

namespace {

// For a credential that only the service has: some text, for one that is set is asked for.
constexpr std::string_view stand_in = "credential";

bool is_public(const ReadContext& context, Position position) {
    return std::ranges::find(context.public_sources, position.source) !=
           context.public_sources.end();
}

}  // namespace

sinks::Secret SectionReader::secret(std::string_view key) {
    const Entry* const entry = ask(key, "secret", "");
    secrets_.emplace_back(key);
    if (entry == nullptr) return {};
    const Position position = entry->node.position;
    const std::string* const text = entry->node.text();
    // What a reference put there is not in the file.
    const bool is_elsewhere =
        entry->node.words && context_.problems.type_of(position.source) == SourceType::file;
    if (text != nullptr && !text->empty() && !is_elsewhere && is_public(context_, position)) {
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
    pairs.reserve(table->entries.size());
    for (const Entry& pair : table->entries) {
        pairs.emplace_back(pair.key, secret_of(pair, inner.path_of(pair.key)));
    }
    return pairs;
}

bool SectionReader::is_beyond_us(const Entry& entry) const {
    return entry.node.is_unresolved ||
           std::ranges::find(context_.passed_later, path_of(entry.key)) !=
               context_.passed_later.end();
}

sinks::Secret SectionReader::secret_of(const Entry& entry, const std::string& path) {
    const Node& node = entry.node;
    if (const std::string* const text = node.text()) {
        if (!text->contains('\0')) return sinks::Secret(*text);
        context_.problems.add_secret(node.position, path, "must not contain a NUL character");
        return {};
    }
    if (const Table* const table = node.table()) {
        const bool is_unresolved =
            table->entries.size() == 1 && table->entries.front().node.is_unresolved;
        if (context_.is_offline &&
            (is_unresolved || is_passed_later(*table, context_.environment))) {
            // A reference has been warned of where it was replaced.
            if (!is_unresolved) context_.problems.warn(node.position, path, passed_later_text());
            context_.passed_later.push_back(path);
            return sinks::Secret(std::string(stand_in));
        }
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

}  // namespace pitot::agent
