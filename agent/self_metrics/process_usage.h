// What the process takes of the host, as the kernel counts it.
//
// Read once per flush, by the flush thread, through a function that tests replace.
#pragma once

#include <cstdint>

namespace pitot::agent {

struct ProcessUsage {
    std::int64_t cpu_ns = 0;           // user and system, of all threads, since the start
    std::uint64_t resident_bytes = 0;  // 0 where /proc does not say
};

ProcessUsage read_process_usage();

}  // namespace pitot::agent
