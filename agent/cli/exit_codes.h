// What pitot's exit code says, to a shell and to systemd (RestartPreventExitStatus=78).
// 64 and 78 are those of sysexits.h; those of `pitot status` are in the order that monitoring
// plugins have them (0 ok, 1 warning, 2 critical, 3 unknown), so that it is one.
#pragma once

namespace pitot::agent {

inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1;              // it could not do, or go on doing, its work
inline constexpr int exit_warnings = 3;             // check --strict: legal, and unwise
inline constexpr int exit_status_degraded = 1;      // status: it works, and something is wrong
inline constexpr int exit_status_failing = 2;       // status: it loses data, or a part has failed
inline constexpr int exit_status_unknown = 3;       // status: nobody answered
inline constexpr int exit_alerts_firing = 2;        // alerts: something fires
inline constexpr int exit_alerts_unknown_rule = 1;  // alerts: of that name there is no rule
inline constexpr int exit_usage = 64;               // the command line is not one of ours
inline constexpr int exit_configuration = 78;       // a restart will not help: correct the file

}  // namespace pitot::agent
