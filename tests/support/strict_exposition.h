// Reads Prometheus text 0.0.4 and OpenMetrics 1.0 as strictly as they are written, and stricter
// than servers are: what a server forgives is a fault of ours all the same.
//
//     const StrictExposition page(body, StrictExposition::Format::open_metrics);
//     CHECK(page.complaints() == "");
//     CHECK(page.value("page_views_total{env=\"prod\"}") == "3");
//
// It shares no code with the encoder. Beyond the grammar it checks what makes a page whole:
// families once and in one place, the samples of a series together, no two names that a reader
// could confuse, buckets that ascend, a +Inf bucket that is the count.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/utf8.h"

namespace pitot::tests {

class StrictExposition {
public:
    enum class Format { text, open_metrics };

    StrictExposition(std::string_view body, Format format) : format_(format) {
        if (!protocol::is_utf8(body)) complain("is not UTF-8");
        while (!body.empty()) {
            const std::size_t end = body.find('\n');
            line_ = body.substr(0, end);
            ++number_;
            if (end == std::string_view::npos) complain("the last line has no end");
            body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
            read_line();
        }
        end_family();
        if (is_open_metrics() && !is_over_) complain("has no # EOF");
    }

    const std::string& complaints() const { return complaints_; }
    std::size_t samples() const { return samples_.size(); }
    std::size_t families() const { return families_.size(); }
    // By "name{labels}" as it stands there; "" when there is none.
    std::string value(const std::string& sample) const {
        const auto found = samples_.find(sample);
        return found == samples_.end() ? "" : found->second;
    }

private:
    using Labels = std::vector<std::pair<std::string, std::string>>;

    bool is_open_metrics() const { return format_ == Format::open_metrics; }

    void complain(const std::string& what) {
        if (complaints_.size() > 4000) return;
        complaints_ += std::to_string(number_) + ": " + what + ": " + std::string(line_) + "\n";
    }

    void read_line() {
        if (is_over_) complain("follows # EOF");
        if (line_ == "# EOF" && is_open_metrics()) {
            is_over_ = true;
        } else if (line_.starts_with("# ")) {
            read_descriptor();
        } else {
            read_sample();
        }
    }

    // "# TYPE name rest"
    void read_descriptor() {
        std::string_view rest = line_.substr(2);
        const std::string keyword = word(rest);
        const std::string name = word(rest);
        const bool is_known =
            keyword == "TYPE" || keyword == "HELP" || (keyword == "UNIT" && is_open_metrics());
        if (!is_known || !is_name(name, true)) return complain("is no descriptor");
        if (name != family_) begin_family(name);
        if (!descriptors_.insert(keyword).second) complain("is there twice");
        if (!lines_of_family_.empty()) complain("comes after its samples");
        if (keyword == "TYPE") {
            type_ = rest;
            const std::set<std::string> types{"counter", "gauge", "summary", "histogram",
                                              is_open_metrics() ? "unknown" : "untyped"};
            if (!types.contains(type_)) complain("is no type");
        }
        if (keyword == "UNIT" && !name.ends_with("_" + std::string(rest))) {
            complain("the name does not end in its unit");
        }
        if (keyword == "HELP") check_escapes(rest, is_open_metrics());
    }

    void begin_family(const std::string& name) {
        end_family();
        if (!families_.insert(name).second) complain("a family twice");
        family_ = name;
        type_.clear();
        descriptors_.clear();
        lines_of_family_.clear();
        series_seen_.clear();
        series_ = {};
    }

    void end_family() {
        if (family_.empty()) return;
        end_series();
        if (descriptors_.size() < 2 || type_.empty()) complain("a family without TYPE and HELP");
        if (lines_of_family_.empty()) complain("a family without samples");
        // What a reader could take for a part of this family must not be another's.
        for (const std::string& suffix : suffixes(true)) {
            if (!names_.insert(family_ + suffix).second) {
                complain("the name is another family's too: " + family_ + suffix);
            }
        }
    }

    // Of the samples of this type; with `reserved` all that the format sets aside.
    std::vector<std::string> suffixes(bool reserved) const {
        std::vector<std::string> all;
        if (type_ == "counter" && is_open_metrics()) {
            all = {"_total", "_created"};
            if (reserved) all.emplace_back("");
            return all;
        }
        all = {""};
        if (type_ == "summary" || type_ == "histogram") {
            all.insert(all.end(), {"_sum", "_count"});
            if (type_ == "histogram") all.emplace_back("_bucket");
            if (is_open_metrics()) all.emplace_back("_created");
        }
        return all;
    }

    void read_sample() {
        const std::size_t name_end = line_.find_first_of("{ ");
        if (name_end == std::string_view::npos) return complain("is no sample");
        const std::string name(line_.substr(0, name_end));
        if (!is_name(name, true)) complain("has no name");
        Labels labels;
        std::size_t at = name_end;
        if (line_[at] == '{' && !read_labels(at, labels)) return complain("has no good labels");
        if (at >= line_.size() || line_[at] != ' ') return complain("has no value");
        const std::string value(line_.substr(at + 1));
        if (!is_value(value)) return complain("has no good value");
        if (!samples_.emplace(std::string(line_.substr(0, at)), value).second) {
            complain("a sample twice");
        }
        lines_of_family_.push_back(name);
        place(name, labels, value);
    }

    // What this sample is in its family, and whether it may be there.
    void place(const std::string& name, const Labels& labels, const std::string& value) {
        if (family_.empty() || !name.starts_with(family_)) return complain("is in no family");
        const std::string part = name.substr(family_.size());
        const std::vector<std::string> allowed = suffixes(false);
        if (std::ranges::find(allowed, part) == allowed.end()) return complain("is no part of it");
        std::string key;
        std::string own;  // the value of le or quantile
        for (const auto& [label, text] : labels) {
            const bool is_own = (label == "le" && part == "_bucket") ||
                                (label == "quantile" && type_ == "summary" && part.empty());
            if (is_own) {
                own = text;
            } else if (label == "le" || label == "quantile" || label.starts_with("__")) {
                complain("has a label that is not its own to have");
            } else {
                key += label + "=" + text + "\n";
            }
        }
        if (!series_.is_open || key != series_.key) begin_series(key);
        check_value(part, own, value);
    }

    void begin_series(const std::string& key) {
        end_series();
        series_ = {.key = key, .is_open = true};
        if (!series_seen_.insert(key).second) complain("the samples of a series are not together");
    }

    void check_value(const std::string& part, const std::string& own, const std::string& value) {
        const double number = value == "NaN" ? NAN : std::stod(value);
        const bool only_grows =
            (type_ == "counter" && part != "_created") || part == "_count" || part == "_bucket";
        if (only_grows && !(number >= 0)) complain("must not be less than 0");
        if ((part == "_count" || part == "_bucket") && number != std::trunc(number)) {
            complain("must be whole");
        }
        const bool has_own = part == "_bucket" || (part.empty() && type_ == "summary");
        if (has_own) {
            const bool is_canonical = own == "+Inf" || own.find_first_of(".e") != std::string::npos;
            if (!is_canonical) complain("le and quantile must be as OpenMetrics has them");
            const double bound = own.empty() ? NAN : std::stod(own);
            if (!(series_.bound < bound)) complain("le or quantile must ascend");
            series_.bound = bound;
            if (part.empty() && !(bound >= 0 && bound <= 1)) complain("is no quantile");
        }
        if (part == "_bucket") {
            if (number < series_.bucket) complain("buckets must be cumulative");
            series_.bucket = number;
        }
        if (part == "_sum") series_.has_sum = true;
        if (part == "_count") series_.count = number;
    }

    void end_series() {
        if (!series_.is_open || (type_ != "summary" && type_ != "histogram")) return;
        if (!series_.has_sum || std::isnan(series_.count)) complain("has no _sum or no _count");
        if (type_ == "histogram" &&
            !(std::isinf(series_.bound) && series_.bucket == series_.count)) {
            complain("the last bucket must be +Inf, and the count");
        }
    }

    // From the '{' at `at`, which is left behind the '}'.
    bool read_labels(std::size_t& at, Labels& labels) {
        std::set<std::string> names;
        for (++at;;) {
            const std::size_t equals = line_.find("=\"", at);
            if (equals == std::string_view::npos) return false;
            const std::string name(line_.substr(at, equals - at));
            if (!is_name(name, false) || !names.insert(name).second) return false;
            std::size_t end = equals + 2;
            while (end < line_.size() && line_[end] != '"') end += line_[end] == '\\' ? 2U : 1U;
            if (end >= line_.size() || end == equals + 2) return false;  // an empty value
            const std::string_view value = line_.substr(equals + 2, end - equals - 2);
            check_escapes(value, true);
            labels.emplace_back(name, value);
            at = end + 2;
            if (at > line_.size()) return false;
            if (line_[at - 1] == '}') return true;
            if (line_[at - 1] != ',') return false;
        }
    }

    void check_escapes(std::string_view text, bool quote_is_escaped) {
        for (std::size_t at = 0; at < text.size(); ++at) {
            if (text[at] == '"' && quote_is_escaped) complain("a quote without a backslash");
            if (text[at] != '\\') continue;
            const char escaped = ++at < text.size() ? text[at] : '\0';
            const bool is_known =
                escaped == '\\' || escaped == 'n' || (escaped == '"' && quote_is_escaped);
            if (!is_known) complain("an escape that is none");
        }
    }

    static std::string word(std::string_view& rest) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        const std::string out(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return out;
    }

    static bool is_name(std::string_view text, bool allow_colon) {
        const auto is_letter = [&](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                   (allow_colon && c == ':');
        };
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        return !text.empty() && is_letter(text.front()) &&
               std::ranges::all_of(text, [&](char c) { return is_letter(c) || is_digit(c); });
    }

    static bool is_value(const std::string& text) {
        if (text == "NaN" || text == "+Inf" || text == "-Inf") return true;
        if (text.empty() || text.find_first_not_of("0123456789.e+-") != std::string::npos) {
            return false;
        }
        char* end = nullptr;
        static_cast<void>(std::strtod(text.c_str(), &end));
        return end == text.c_str() + text.size();
    }

    // The samples with one set of labels, but for le and quantile.
    struct Series {
        std::string key;
        bool is_open = false;
        bool has_sum = false;
        double count = NAN;
        double bucket = 0;
        double bound = -std::numeric_limits<double>::infinity();
    };

    Format format_;
    std::string_view line_;
    std::size_t number_ = 0;
    bool is_over_ = false;
    std::string complaints_;
    std::set<std::string> families_;
    std::set<std::string> names_;
    std::map<std::string, std::string> samples_;

    std::string family_;  // the present one
    std::string type_;
    std::set<std::string> descriptors_;
    std::vector<std::string> lines_of_family_;
    std::set<std::string> series_seen_;
    Series series_;
};

}  // namespace pitot::tests
