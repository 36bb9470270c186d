#pragma once

#include "page/night.hpp"

#include <string>

namespace snapfix::page {

/// The table of all tests, failed ones first.
std::string tests_table(const Night& night);

} // namespace snapfix::page
