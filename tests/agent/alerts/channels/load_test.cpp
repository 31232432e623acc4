// [channels.NAME]: what is read, what is there without being written, and what is said of
// tables that are wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/alerts/channels/load.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::agent::alerts::channels;
using namespace pitot::tests;

namespace {

// "name type", and "*" behind those that nobody wrote.
std::vector<std::string> channels_of(std::string_view toml) {
    const ConfigDirectory directory;
    std::vector<std::string> out;
    for (const ChannelDefinition& channel :
         loaded_of(config_arguments(directory.write("c", toml))).config.channels) {
        out.push_back(channel.name + " " + channel.type + (channel.is_default ? " *" : ""));
        CHECK(channel.make != nullptr);
    }
    return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("there always is a log") {
    CHECK(channels_of("") == Texts{"log log *"});
    CHECK(channels_of("[channels.log]\ntype = \"log\"\nmin_severity = \"critical\"\n") ==
          Texts{"log log"});
}

TEST_CASE("channels are read in the order of the file") {
    CHECK(channels_of(R"(
[channels.oncall]
type = "alertmanager"
urls = ["http://127.0.0.1:9093"]
[channels.hook]
type = "webhook"
url = "http://127.0.0.1:1/hook?key=1"
headers = { "X-Key" = "v" }
rate_limit = "5/10s"
)") == Texts{"oncall alertmanager", "hook webhook", "log log *"});
}

TEST_CASE("a secret url comes from a file") {
    const ConfigDirectory directory;
    const auto secret = directory.write("hook-url", "http://127.0.0.1:1/hook\n");
    CHECK(channels_of("[channels.hook]\ntype = \"webhook\"\nurl = { file = \"" + secret.string() +
                      "\" }\n") == Texts{"hook webhook", "log log *"});
}

TEST_CASE("everything that is wrong is said at once, with its place") {
    CHECK(lines_wrong_in(R"(
[channels.hook]
type = "webhok"
[channels.log]
type = "webhook"
url = "http://127.0.0.1/"
[channels.oncall]
type = "alertmanager"
urls = ["ftp://a"]
resend = "2h"
min_severity = "warnign"
repeat = "1h"
[channels.none]
)") == Texts{
           "c:3:8: channels.hook.type: must be one of \"log\", \"webhook\", \"alertmanager\", got "
           "the text \"webhok\"; did you mean \"webhook\"?",
           "c:5:8: channels.log.type: must be \"log\" in channels.log, which rules without "
           "channels are told to",
           "c:9:8: channels.oncall.urls: must begin with \"http://\" or \"https://\", got "
           "\"ftp://a\"",
           "c:10:10: channels.oncall.resend: must be between 1s and 1h, got the text \"2h\"",
           "c:11:16: channels.oncall.min_severity: must be one of \"info\", \"warning\", "
           "\"error\", \"critical\", got the text \"warnign\"; did you mean \"warning\"?",
           "c:12:1: channels.oncall.repeat: unknown option; known here: type, urls, timeout, gzip, "
           "username, password, bearer_token, headers, tls_ca_file, tls_certificate_file, "
           "tls_key_file, tls_key_password, tls_server_name, tls_verify, min_severity, resend, "
           "external_url",
           "c:13:1: channels.none.type: must be one of \"log\", \"webhook\", \"alertmanager\", "
           "got nothing"});
}
