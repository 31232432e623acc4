// Environment variables within the texts of a configuration file.
//
//     "${NAME}"             the variable; one that is not set is a problem
//     "${NAME:-text}"       the text where the variable is not set, or empty
//     "${NAME:?message}"    the message as the problem, where it is not set, or empty
//     "$$"                  a dollar sign
//
// A '$' before anything else stands for itself: "US$5" needs no care, and neither does most
// that was written before there were references.
//
// Replaced after the file has been parsed, in values that are texts and nowhere else: no
// variable can add an option, end a quote or change the type of a value, whatever it holds.
// A text that is one reference and nothing more may be read as a number, a boolean or a
// list by an option of such a type: `series = "${SERIES}"`. What a variable holds is not
// looked at for references again. Values of PITOT_ variables and of --set are left as they
// are: a shell had its say there already, and a password must arrive as it is.
#pragma once

#include <cstddef>

#include "agent/config/document.h"
#include "agent/config/options.h"

namespace pitot::agent {

// All that references may put into the texts of one configuration. A few bytes of a file
// name a variable of many kilobytes, so that the bound on the file is none on this.
inline constexpr std::size_t referenced_bytes_max = 4U << 20U;

// Replaces every reference below `table`, which is the root of a file. Problems go where
// `context` has them, with the position of the text.
void replace_references(ReadContext& context, Table& table);

}  // namespace pitot::agent
