#pragma once

#include "cli/arguments.hpp"
#include "snapshot/run_record.hpp"

#include <string>
#include <vector>

namespace snapfix::cli {

/// Adds --keep, --verdict and --spares.
void add_finish_options(Arguments& arguments);

snapshot::FinishOptions finish_options_from(const Arguments& arguments);

/// Whether --verdict asks for a last line, which an expression of ctest then finds, that the exit
/// code was 0.
bool says_success(const Arguments& arguments);

/// The variables that --pack-env names.
std::vector<std::string> pack_environment_from(const Arguments& arguments);

} // namespace snapfix::cli
