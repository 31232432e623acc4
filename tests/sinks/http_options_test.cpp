// What is said of the settings of HTTP sinks: TLS and its files, tokens, further headers.
#include "sinks/http/options.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/sink_options.h"

using namespace pitot::sinks;
using namespace pitot::sinks::http;
using namespace pitot::tests;

namespace {

struct Case {
    SinkOptions options{"push"};
    Case() { options.set("url", "https://gateway"); }
    Case& set(const std::string& key, const std::string& value) {
        options.set(key, value);
        return *this;
    }
    std::string problems() {
        read_http_options(options);
        return options.problems();
    }
    std::string warnings() {
        read_http_options(options);
        CHECK(options.problems() == "");
        return options.warnings();
    }
};

}  // namespace

TEST_CASE("settings of TLS that are fine") {
    TestAuthority authority;
    const auto ours = authority.issue({.key_password = "hunter2"});
    Case all;
    all.set("tls_ca_file", authority.ca_file()).set("tls_key_file", ours.key_file);
    all.set("tls_certificate_file", ours.certificate_file).set("tls_key_password", "hunter2");
    all.set("tls_server_name", "other.example");
    CHECK(all.warnings() == "");
    const TlsSettings read = read_http_options(all.options).client.tls;
    CHECK(read.verify);
    CHECK(read.ca_file == authority.ca_file());
    CHECK(read.server_name == "other.example");
    CHECK(Case().set("tls_server_name", "::1").problems() == "");
    CHECK(Case().warnings() == "");
}

TEST_CASE("settings of TLS that are refused, with what would be right") {
    TestAuthority authority;
    const auto ours = authority.issue({});
    const auto another = authority.issue({});
    const auto locked = authority.issue({.key_password = "hunter2"});
    const std::string missing = authority.path("missing.pem");
    const std::string binary = authority.write("ca.der", "\x30\x82\x01");
    const std::string nothing = authority.write("empty.pem", "");
    const auto with = [&](const std::string& key) {
        Case one;
        one.set("tls_certificate_file", ours.certificate_file).set("tls_key_file", key);
        return one;
    };
    CHECK(Case().set("tls_ca_file", missing).problems() ==
          "tls_ca_file: must be readable, got \"No such file or directory\"\n");
    CHECK(Case().set("tls_ca_file", "ca.pem").problems() ==
          "tls_ca_file: must be an absolute path, got \"ca.pem\"\n");
    CHECK(Case().set("tls_ca_file", nothing).problems() ==
          "tls_ca_file: must hold certificates in PEM form (\"-----BEGIN CERTIFICATE-----\"), got "
          "none\n");
    CHECK(Case().set("tls_ca_file", binary).problems() ==
          "tls_ca_file: must hold certificates in PEM form (\"-----BEGIN CERTIFICATE-----\"), got "
          "their binary form (DER); `openssl x509` converts it\n");
    CHECK(Case().set("tls_ca_file", "/tmp").problems() ==
          "tls_ca_file: must be readable, got \"Is a directory\"\n");
    CHECK(Case().set("tls_key_file", ours.key_file).problems() ==
          "tls_key_file: must come with tls_certificate_file, got it alone\n");
    CHECK(Case().set("tls_certificate_file", ours.certificate_file).problems() ==
          "tls_certificate_file: must hold the key too, or tls_key_file must be set\n");
    CHECK(with(another.key_file).problems() ==
          "tls_key_file: must be the key of tls_certificate_file, got that of another\n");
    CHECK(
        with(ours.certificate_file).problems() ==
        "tls_key_file: must hold a key in PEM form (\"-----BEGIN PRIVATE KEY-----\"), got none\n");
    CHECK(with(locked.key_file).problems() ==
          "tls_key_file: is encrypted; tls_key_password must be set\n");
    CHECK(with(locked.key_file).set("tls_key_password", "wrong").problems() ==
          "tls_key_password: must be the password of the key, and is not\n");
    CHECK(Case().set("tls_server_name", "https://x").problems() ==
          "tls_server_name: must be a host name or an address, got \"https://x\"\n");

    Case plain;
    plain.set("url", "http://gateway").set("tls_ca_file", missing);
    plain.options.set("tls_verify", false);
    CHECK(plain.problems() ==
          "tls_ca_file: must come with a url of https://, got one of http://\n"
          "tls_verify: must come with a url of https://, got one of http://\n");
    Case wrong;
    wrong.set("url", "gateway").set("tls_ca_file", authority.ca_file());
    CHECK(wrong.problems() ==
          "url: must begin with \"http://\" or \"https://\", got \"gateway\"\n");
}

TEST_CASE("what is legal and unwise") {
    TestAuthority authority;
    Case unverified;
    unverified.options.set("tls_verify", false);
    CHECK(unverified.warnings() ==
          "tls_verify: is false: whoever can redirect the connection can read and change what is "
          "sent, credentials included; better is tls_ca_file\n");

    const auto old = authority.issue({.begins_in_days = -9, .ends_in_days = -1});
    ::chmod(old.key_file.c_str(), 0644);
    Case expired;
    expired.set("tls_certificate_file", old.certificate_file).set("tls_key_file", old.key_file);
    const std::string warnings = expired.warnings();
    CHECK(warnings.find("tls_certificate_file: has expired on 20") == 0);
    CHECK(warnings.ends_with(
        "tls_key_file: can be read by every user of this machine, and is a secret\n"));

    Case clear;
    clear.set("url", "http://gateway").set("bearer_token", "hunter2");
    CHECK(clear.warnings() ==
          "url: sends credentials in the clear to gateway; better is https://\n");
    Case header;
    header.set("url", "http://gateway");
    header.options.set("headers", SinkOptions::TextTable{{"X-Api-Key", "hunter2"}});
    CHECK(header.warnings() ==
          "url: sends the values of headers in the clear to gateway; better is https://\n");
    for (const char* quiet :
         {"http://127.0.0.1:1", "http://localhost", "http://[::1]", "https://x"}) {
        Case fine;
        fine.set("url", quiet).set("bearer_token", "hunter2");
        CHECK(fine.warnings() == "");
    }
}

TEST_CASE("tokens of other schemes, one at a time") {
    const HttpDefaults defaults{.gzip = true,
                                .tokens = {{}, {.key = "api_key", .scheme = "ApiKey"}}};
    SinkOptions one("out");
    one.set("url", "https://x").set("api_key", "abc");
    const HttpOptions read = read_http_options(one, defaults);
    CHECK(one.problems() == "");
    CHECK(read.client.authorization.reveal() == "ApiKey abc");
    CHECK(read.gzip);
    CHECK(one.warnings() == "");
    one.set("url", "http://x");
    read_http_options(one, defaults);
    CHECK(one.warnings() == "url: sends credentials in the clear to x; better is https://\n");

    SinkOptions two("out");
    two.set("url", "https://x").set("api_key", "abc\n").set("bearer_token", "t");
    read_http_options(two, defaults);
    CHECK(two.problems() ==
          "api_key: must not contain control characters, such as a line feed\n"
          "api_key: must not be set together with bearer_token, got both\n");
}

TEST_CASE("further headers are checked, and their values never shown") {
    SinkOptions good("out");
    good.set("url", "https://x");
    good.set("headers", SinkOptions::TextTable{{"X-Scope-OrgID", "shop"}, {"a", ""}});
    const auto headers = read_http_options(good).client.headers;
    CHECK(good.problems() == "");
    REQUIRE(headers.size() == 2);
    CHECK(headers[0].first == "X-Scope-OrgID");
    CHECK(headers[0].second.reveal() == "shop");

    SinkOptions bad("out");
    bad.set("url", "https://x");
    bad.set("headers", SinkOptions::TextTable{{"", "hunter2"},
                                              {"a b", "hunter2"},
                                              {"Host", "hunter2"},
                                              {"AUTHORIZATION", "hunter2"},
                                              {"x", "hunter2\r\ny: z"},
                                              {"X", "hunter2"},
                                              {"Content-Type", "hunter2"}});
    read_http_options(bad);
    CHECK(bad.problems() ==
          "headers: must have names of letters, digits and \"-\", as headers do, got another one\n"
          "headers: must have names of letters, digits and \"-\", as headers do, got another one\n"
          "headers: must not contain Host, which pitot writes itself\n"
          "headers: must not contain Authorization; there are options for credentials\n"
          "headers: must not contain control characters, such as a line feed, in x\n"
          "headers: must name X once, got it twice\n"
          "headers: must not contain Content-Type, which pitot writes itself\n");
}
