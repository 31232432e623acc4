// Reads a small file whole, or says why not.
//
// For configuration and secrets: files that a person wrote, of a bounded size. Pipes and
// standard input work too.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>

namespace pitot::agent {

struct TextFile {
    std::string text;
    bool is_public = false;  // every user of the machine may read it
};

// The error is "must …": "must be readable, got \"permission denied\"".
std::expected<TextFile, std::string> read_file(const std::filesystem::path& path,
                                               std::size_t bytes_max);

}  // namespace pitot::agent
