// A body as a gzip member (RFC 1952), the same bytes each time for the same body.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pitot::sinks::http {

// What one step takes of the body: two or three milliseconds, so that a large body does not
// keep the io thread from the other sinks.
inline constexpr std::size_t gzip_step_bytes = 256 * std::size_t{1024};

// Compresses a body step by step, at zlib's fastest level: metric text shrinks to a tenth at 1
// and little more at 9. Keeps a view of the body between steps.
class Gzip {
public:
    explicit Gzip(std::string_view body);
    ~Gzip();
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    // False once all is done.
    bool step();
    // After the last step. Empty when zlib has no memory.
    std::optional<std::string> take();

private:
    struct Deflater;
    std::unique_ptr<Deflater> deflater_;
    std::string_view rest_;
    std::string out_;
    bool is_done_ = false;
};

// All at once.
std::optional<std::string> gzip(std::string_view body);

}  // namespace pitot::sinks::http
