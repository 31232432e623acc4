#include "agent/cli/test_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <system_error>
#include <vector>

#include "agent/alerts/trial/report.h"
#include "agent/alerts/trial/trial_file.h"
#include "agent/alerts/trial/trial_run.h"
#include "agent/cli/exit_codes.h"
#include "agent/config/problem.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

using alerts::TrialFileResult;
using alerts::TrialResult;

// Two test files may name the same file of rules: each of its problems is told once.
void add_new(std::vector<Problem>& problems, const std::vector<Problem>& more) {
    for (const Problem& problem : more) {
        if (std::ranges::find(problems, problem) == problems.end()) {
            problems.push_back(problem);
        }
    }
}

bool write_file(const std::filesystem::path& path, const std::string& text, std::ostream& err) {
    errno = 0;
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (file) return true;
    err << fmt::format("--junit: must be a file that can be written, got {} (\"{}\")\n",
                       printable(path.native()), std::generic_category().message(errno));
    return false;
}

bool tell_coverage(const std::vector<TrialFileResult>& files, std::ostream& out) {
    std::map<std::string, alerts::RuleCoverage> coverage;
    for (const TrialFileResult& file : files) {
        alerts::add_coverage(file.file, *file.rules, coverage);
    }
    const std::vector<std::string> lines = alerts::uncovered(coverage);
    out << fmt::format("{} of {} rules are covered: expected to fire, and not to.\n",
                       coverage.size() - lines.size(), coverage.size());
    for (const std::string& line : lines) out << "  " << line << '\n';
    return lines.empty();
}

}  // namespace

int test_rules(const TestArguments& arguments, const Environment& environment,
               const TestOutput& output) {
    std::vector<TrialFileResult> files;
    std::vector<Problem> problems;
    for (const std::filesystem::path& path : arguments.files) {
        files.push_back(alerts::read_trial_file(path, environment));
        add_new(problems, files.back().problems);
    }
    if (!problems.empty()) {
        output.err << render(problems,
                             {.excerpts = output.is_terminal, .closing = "; no test was run."});
        return exit_configuration;
    }

    std::vector<TrialResult> results;
    bool is_good = true;
    for (const TrialFileResult& file : files) {
        for (const alerts::Trial& trial : file.file.trials) {
            results.push_back({.file = &file.file,
                               .trial = &trial,
                               .outcome = alerts::run_trial(file.file, *file.rules, trial)});
            const TrialResult& result = results.back();
            is_good = is_good && result.is_passed();
            if (!result.is_passed() || arguments.verbose) {
                output.out << alerts::result_text(result, arguments.verbose);
            }
        }
    }
    output.out << alerts::summary_text(results, files.size());
    if (arguments.coverage) is_good = tell_coverage(files, output.out) && is_good;
    if (arguments.junit_file) {
        is_good =
            write_file(*arguments.junit_file, alerts::junit_xml(results), output.err) && is_good;
    }
    return is_good && output.out.flush() ? exit_success : exit_failure;
}

}  // namespace pitot::agent
