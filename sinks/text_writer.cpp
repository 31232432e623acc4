#include "sinks/text_writer.h"

#include <sys/mman.h>

#include <cstdint>

namespace pitot::sinks {

void prefer_large_pages(char* begin, std::size_t bytes) {
    // The kernel wants whole small pages, and takes the large ones that fit in between.
    constexpr std::uintptr_t page_bytes = 4096;
    const auto first =
        (reinterpret_cast<std::uintptr_t>(begin) + page_bytes - 1) & ~(page_bytes - 1);
    const auto last = (reinterpret_cast<std::uintptr_t>(begin) + bytes) & ~(page_bytes - 1);
    if (first >= last) return;
    const std::size_t skipped = first - reinterpret_cast<std::uintptr_t>(begin);
    static_cast<void>(::madvise(begin + skipped, last - first, MADV_HUGEPAGE));
}

}  // namespace pitot::sinks
