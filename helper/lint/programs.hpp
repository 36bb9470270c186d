#pragma once

#include "lint/shell.hpp"

#include <cstddef>
#include <string_view>

// What the name of a program, or of a variable, tells about the words behind it.

namespace snapfix::lint {

/// A command that runs the rest of its line: which of its options take a value, and how many words
/// stand before the command.
struct Prefix {
  std::string_view name;
  std::string_view valued;
  std::size_t operands;
};

/// The prefix of that name, or nullptr.
const Prefix* find_prefix(std::string_view name);

/// Whether a variable of that name and value is there to be run by whom it is exported to.
bool is_script_value(std::string_view name, const Text& value);

} // namespace snapfix::lint
