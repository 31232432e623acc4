// What pitot's exit code says, to a shell and to systemd (RestartPreventExitStatus=78).
// 64 and 78 are those of sysexits.h.
#pragma once

namespace pitot::agent {

inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1;         // it could not do, or go on doing, its work
inline constexpr int exit_warnings = 3;        // check --strict: legal, and unwise
inline constexpr int exit_usage = 64;          // the command line is not one of ours
inline constexpr int exit_configuration = 78;  // a restart will not help: correct the file

}  // namespace pitot::agent
