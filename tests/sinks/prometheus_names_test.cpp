// Names and labels within Prometheus' character sets, and which family a series becomes.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sinks/glob.h"
#include "sinks/prometheus/family.h"
#include "sinks/prometheus/names.h"
#include "sinks/prometheus/options.h"
#include "tests/support/sink_options.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::sinks::prometheus;
using namespace pitot::tests;
using pitot::protocol::Kind;
using pitot::protocol::Tag;

TEST_CASE("metric and label names") {
    struct Row {
        const char* from;
        const char* metric;
        const char* label;
    };
    for (const Row& row : std::vector<Row>{
             {"a", "a", "a"},
             {"page.views", "page_views", "page_views"},
             {"a-b c/d", "a_b_c_d", "a_b_c_d"},
             {"ns:x", "ns:x", "ns_x"},
             {"2xx", "_2xx", "_2xx"},
             {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "___", "___"},
             {"a\nb\"c\\", "a_b_c_", "a_b_c_"},
             {"_", "_", "_"},
             {"", "_", "_"},
         }) {
        CAPTURE(row.from);
        CHECK(metric_name(row.from) == row.metric);
        CHECK(label_name(row.from) == row.label);
        CHECK(is_metric_name(row.metric));
        CHECK(is_label_name(row.label));
    }
    CHECK_FALSE(is_metric_name(""));
    CHECK_FALSE(is_metric_name("1a"));
    CHECK_FALSE(is_label_name("a:b"));
}

TEST_CASE("tags become labels") {
    const std::vector<std::string> reserved{"zone"};
    struct Row {
        std::vector<Tag> tags;
        const char* text;
        std::uint32_t merged;
    };
    for (const Row& row : std::vector<Row>{
             {{}, "", 0},
             {{{"env", "prod", true}}, "env=\"prod\"", 0},
             {{{"shell", "", false}}, "shell=\"true\"", 0},
             {{{"env", "", true}}, "", 0},
             {{{"a", "1", true}, {"role", "x", true}, {"role", "y", true}},
              R"(a="1",role="x,y")",
              1},
             {{{"x.y", "1", true}, {"x-y", "2", true}, {"x_y", "", false}}, "x_y=\"1,2,true\"", 2},
             {{{"job", "j", true}, {"le", "1", true}, {"quantile", "q", true}},
              R"(exported_job="j",exported_le="1",exported_quantile="q")",
              0},
             {{{"__name__", "n", true}}, "exported___name__=\"n\"", 0},
             {{{"instance", "i", true}, {"zone", "z", true}},
              R"(exported_instance="i",exported_zone="z")",
              0},
             {{{"exported_job", "a", true}, {"job", "b", true}}, "exported_job=\"a,b\"", 1},
             {{{"v", "a\"b\\c\nd\te", true}}, "v=\"a\\\"b\\\\c\\nd\te\"", 0},
             {{{"b", "2", true}, {"a.", "1", true}}, R"(a_="1",b="2")", 0},
         }) {
        CAPTURE(row.text);
        const Labels labels = label_text(row.tags, reserved);
        CHECK(labels.text == row.text);
        CHECK(labels.merged == row.merged);
    }
}

TEST_CASE("globs match the whole of a name") {
    struct Row {
        const char* pattern;
        const char* text;
        bool matches;
    };
    for (const Row& row : std::vector<Row>{{"*", "", true},
                                           {"*", "anything", true},
                                           {"", "", true},
                                           {"", "a", false},
                                           {"a*", "abc", true},
                                           {"a*c", "abc", true},
                                           {"a*c", "abcd", false},
                                           {"*.time", "a.b.time", true},
                                           {"*.time", "time", false},
                                           {"a?c", "abc", true},
                                           {"a?c", "ac", false},
                                           {"*a*b*", "xxaxxbxx", true},
                                           {"*a*b*", "xxbxxaxx", false},
                                           {"**", "a", true},
                                           {"abc", "ab", false}}) {
        CAPTURE(row.pattern);
        CAPTURE(row.text);
        CHECK(glob_matches(row.pattern, row.text) == row.matches);
    }
    // Quadratic at worst, not exponential.
    const std::string text(2000, 'a');
    CHECK_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

TEST_CASE("what a series becomes") {
    ExpositionSettings settings;
    settings.rules = {{.match = "slow.*", .form = Form::histogram, .buckets = {1}},
                      {.match = "*", .form = Form::summary}};
    const auto said = [&](Kind kind, const char* name) {
        const Classified out = classify(series_of(kind, name), settings);
        return std::string(to_string(out.type)) + " " + out.name;
    };
    CHECK(said(Kind::counter, "page.views") == "counter page_views_total");
    CHECK(said(Kind::counter, "views_total") == "counter views_total");
    CHECK(said(Kind::gauge, "q.len") == "gauge q_len");
    CHECK(said(Kind::set, "users") == "gauge users");
    CHECK(said(Kind::timer, "load") == "summary load_seconds");
    CHECK(said(Kind::timer, "load_seconds") == "summary load_seconds");
    CHECK(said(Kind::timer, "slow.load") == "histogram slow_load_seconds");
    CHECK(said(Kind::histogram, "size") == "summary size");
    CHECK(said(Kind::distribution, "slow.size") == "histogram slow_size");
    settings.prefix = "app_";
    settings.counter_suffix = "";
    CHECK(said(Kind::counter, "2xx") == "counter app_2xx");
}

TEST_CASE("settings that are refused, with what would be right") {
    SinkOptions options("push");
    options.set("prefix", "a-b").set("counter_suffix", "_count");
    options.table("rules", "one").set("buckets", std::vector<double>{1, 5, 5});
    options.table("rules", "two").set("match", "*").set("form", "native");
    read_exposition_options(options);
    CHECK(options.problems() ==
          "prefix: must begin with a letter or '_' and go on with letters, digits, '_' and ':', "
          "got \"a-b\"\n"
          "counter_suffix: must be one of those allowed, got \"_count\"\n"
          "match: must be set\n"
          "buckets: must ascend, got 5 before 5\n"
          "form: must be one of those allowed, got \"native\"\n");

    SinkOptions good("push");
    good.table("rules", "one").set("match", "a.*");
    const ExpositionSettings settings = read_exposition_options(good);
    CHECK(good.problems() == "");
    CHECK(settings.rules.at(0).form == Form::histogram);
    CHECK(settings.rules.at(0).buckets == default_buckets());
}
