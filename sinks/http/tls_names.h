// What a certificate says about itself, as text.
#pragma once

#include "sinks/http/tls.h"

struct x509_st;

namespace pitot::sinks::http {

// Fills in subject, issuer, begins, ends and names.
void describe_certificate(const x509_st* certificate, TlsReport& report);

}  // namespace pitot::sinks::http
