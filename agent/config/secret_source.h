// Where a secret comes from: { file = … }, { env = … } or { credential = … }.
//
// Used by SectionReader::secret(). Nothing here puts a byte of a secret into a message.
//
// A credential is there for the service alone: systemd hands it over at the start, and to no
// shell. A command that only looks at a configuration takes it as given (is_passed_later()),
// or nobody could check the file of a service before restarting it.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "agent/config/document.h"
#include "agent/config/environment.h"
#include "sinks/options.h"

namespace pitot::agent {

// Where systemd keeps the credentials of the unit while it runs: root can look there.
inline constexpr std::string_view credentials_directory_of_unit = "/run/credentials/pitot.service";

// What is told of a value that only the service has.
std::string passed_later_text();

// Whether `table` names a credential, and there is no directory of credentials to read it in.
bool is_passed_later(const Table& table, const Environment& environment);

// Reads the secret that `table` points at. The error is "must …", ready to be shown.
// `file` is an absolute path; `env` a variable; `credential` a file of that name in
// $CREDENTIALS_DIRECTORY, as systemd's LoadCredential= sets it. Line ends behind the
// secret are not part of it; an empty one is refused.
std::expected<sinks::Secret, std::string> resolve_secret(const Table& table,
                                                         const Environment& environment);

}  // namespace pitot::agent
