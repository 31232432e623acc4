// A directory of its own for a test, removed with all that is in it.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace pitot::tests {

class NetTemporaryDirectory {
public:
    NetTemporaryDirectory() {
        // Short, since the name of a Unix socket has 107 bytes.
        std::string pattern = (std::filesystem::temp_directory_path() / "pitot-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    NetTemporaryDirectory(const NetTemporaryDirectory&) = delete;
    NetTemporaryDirectory& operator=(const NetTemporaryDirectory&) = delete;
    ~NetTemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace pitot::tests
