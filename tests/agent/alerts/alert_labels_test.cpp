// Labels as others get them: none hides another, none moves a cursor, no two become one.
#include "agent/alerts/alert_labels.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace pitot::agent::alerts;
using Texts = AlertLabels::Texts;

TEST_CASE("a tag with the name of one of our own has another, whatever its value is") {
    AlertLabels labels;
    labels.add_own("alertname", "load");
    labels.add_own("severity", "warning");
    labels.add_own("alertstate", "");
    for (const char* const name : {"alertname", "severity", "alertstate", "host"}) {
        labels.add(name, "warning");
    }
    CHECK(labels.texts() == Texts{{"alertname", "load"},
                                  {"severity", "warning"},
                                  {"tag_alertname", "warning"},
                                  {"tag_severity", "warning"},
                                  {"tag_alertstate", "warning"},
                                  {"host", "warning"}});
    CHECK(labels.originals() ==
          Texts{{"alertname", "warning"}, {"alertstate", "warning"}, {"severity", "warning"}});
}

TEST_CASE("other labels that say the same are one") {
    AlertLabels labels;
    labels.add("host", "web-1");
    labels.add("host", "web-1");
    labels.add("host", "web-2");
    labels.add("host", "web-3");
    labels.add("none", "");
    CHECK(labels.texts() ==
          Texts{{"host", "web-1"}, {"tag_host", "web-2"}, {"tag_host_2", "web-3"}});
}

TEST_CASE("names as Prometheus has them, or as they were sent") {
    AlertLabels sent;
    sent.add("service.name", "pay");
    CHECK(sent.texts() == Texts{{"service.name", "pay"}});
    AlertLabels prometheus(AlertLabels::Names::prometheus);
    prometheus.add("service.name", "pay");
    CHECK(prometheus.texts() == Texts{{"service_name", "pay"}});
    CHECK(prometheus.originals() == Texts{{"service.name", "pay"}});
}

TEST_CASE("what moves a cursor or turns the direction is written out, in names as in values") {
    AlertLabels labels;
    labels.add("a\a", "\x1b[31m\r\xE2\x80\xAE\xE2\x80\xA8\xC2\x85\xFF");
    CHECK(labels.texts() == Texts{{"a\\x07", "\\x1b[31m\\x0d\\u{202e}\\u{2028}\\u{0085}\\xff"}});
    CHECK(label_text(R"(C:\new\xampp müller "quoted")") == R"(C:\new\xampp müller "quoted")");
}

TEST_CASE("no two texts become one") {
    const std::vector<std::string> texts{"\x1b",         R"(\x1b)",     R"(\x5cx1b)",
                                         "\xE2\x80\xAE", R"(\u{202e})", R"(\x5cu{202e})",
                                         "\\\x1b",       R"(\\x1b)",    "\xC2\x85"};
    std::set<std::string> shown;
    for (const std::string& text : texts) shown.insert(label_text(text));
    CHECK(shown.size() == texts.size());
}
