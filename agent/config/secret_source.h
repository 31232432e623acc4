// Where a secret comes from: { file = … }, { env = … } or { credential = … }.
//
// Used by SectionReader::secret(). Nothing here puts a byte of a secret into a message.
#pragma once

#include <expected>
#include <string>

#include "agent/config/document.h"
#include "agent/config/environment.h"
#include "sinks/options.h"

namespace pitot::agent {

// Reads the secret that `table` points at. The error is "must …", ready to be shown.
// `file` is an absolute path; `env` a variable; `credential` a file of that name in
// $CREDENTIALS_DIRECTORY, as systemd's LoadCredential= sets it. Line ends behind the
// secret are not part of it; an empty one is refused.
std::expected<sinks::Secret, std::string> resolve_secret(const Table& table,
                                                         const Environment& environment);

}  // namespace pitot::agent
