// SectionReader on lists of tables, which the agent's own configuration has none of.
#include <fmt/format.h>

#include "agent/config/options.h"

namespace pitot::agent {

std::vector<std::unique_ptr<SectionReader>> SectionReader::elements(std::string_view key) {
    std::vector<std::unique_ptr<SectionReader>> readers;
    const Entry* const entry = ask(key, "list of tables", "");
    if (entry == nullptr) return readers;
    const auto* const array = std::get_if<Array>(&entry->node.value);
    if (array == nullptr) {
        refuse(*entry, "must be a list of tables");
        return readers;
    }
    std::size_t number = 0;
    for (const Node& node : *array) {
        ++number;
        if (node.table() == nullptr) {
            context_.problems.add(node.position, path_of(key),
                                  fmt::format("must hold tables only, got {}", describe(node)));
            continue;
        }
        readers.push_back(std::make_unique<SectionReader>(
            context_, fmt::format("{}[{}]", path_of(key), number), node.table(), node.position));
    }
    return readers;
}

const Node* SectionReader::value(std::string_view key, std::string_view type) {
    const Entry* const entry = ask(key, type, "");
    return entry == nullptr ? nullptr : &entry->node;
}

}  // namespace pitot::agent
