#pragma once

#include "cli/arguments.hpp"
#include "job/run.hpp"

#include <string>

namespace snapfix::cli {

// What commands that run something in a snapshot have in common at their end.

/// Adds --verbose and --json-report.
void add_report_options(Arguments& arguments);

/// Does what these say.
void report_run(const Arguments& arguments, const std::string& name, const job::RunResult& result);

/// Ends this process as the command ended, or with 123 where that was 0 and something was found.
[[noreturn]] void end_as(const job::RunResult& result);

} // namespace snapfix::cli
