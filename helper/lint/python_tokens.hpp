#pragma once

#include "lint/text.hpp"

#include <vector>

namespace snapfix::lint {

struct PythonToken {
  enum class Kind { name, string, other };
  Kind kind = Kind::other;
  Text text; ///< of a string: its value, those that follow it without an operator joined
  std::size_t begin = 0;
  std::size_t end = 0;
  char quote = '"';
  std::size_t bracket = 0; ///< the token of the one that holds it, the number of tokens for none
};

/// Names, strings, operators and the ends of statements ("\n"); comments are left out.
std::vector<PythonToken> python_tokens(const Text& text);

} // namespace snapfix::lint
