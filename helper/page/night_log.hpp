#pragma once

#include "page/night.hpp"

#include <string>

namespace snapfix::page {

/// Puts into a night what ctest's log says of its tests: their outputs, the outcomes that ctest
/// alone knows, those that failed before anything was recorded, and those that ctest ran itself, in
/// the snapshot of a fixture or in none. A log of another night is left alone.
void add_from_log(Night& night, const CtestLog& log);

/// What ctest is called by to run that test alone.
std::string again(const std::string& folder, const std::string& name,
                  const std::string& configuration = {});

} // namespace snapfix::page
