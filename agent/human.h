// Numbers for people: three digits and a unit.
#pragma once

#include <cstdint>
#include <string>

namespace pitot::agent {

// "0", "9999", "12.3 k", "4.56 M", "-1.20 G"; "0.25" below ten where there is a fraction.
std::string human_number(double value);
// "0 B", "512 B", "4.20 MiB"
std::string human_bytes(double bytes);
// "250 ms", "4.2 s", "59 s", "3 m 12 s", "2 h 5 m", "3 d 4 h"; nothing is before now.
std::string human_duration(double seconds);

}  // namespace pitot::agent
