// main() of a fuzz target outside of the fuzzer: puts every file below the given folders
// through it once, so that the seed corpus is a test in every build.
//
// Used by pitot_fuzz() in packaging/cmake/targets.cmake. It looks for no new inputs.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

// Defined by the fuzz target; the name and the signature are libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    in.exceptions(std::ios::badbit);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

int replay(int argument_count, char** arguments) {
    int files = 0;
    for (int i = 1; i < argument_count; ++i) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(arguments[i])) {
            if (!entry.is_regular_file()) continue;
            std::printf("%s\n", entry.path().c_str());
            std::fflush(stdout);  // names the culprit when the next call does not return
            const std::vector<std::uint8_t> input = read_file(entry.path());
            LLVMFuzzerTestOneInput(input.data(), input.size());
            ++files;
        }
    }
    std::printf("%d inputs\n", files);
    return files == 0 ? 1 : 0;  // an empty corpus tests nothing
}

}  // namespace

int main(int argument_count, char** arguments) try {
    return replay(argument_count, arguments);
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
