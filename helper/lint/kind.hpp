#pragma once

#include "lint/call.hpp"

#include <string_view>
#include <vector>

namespace snapfix::lint {

enum class Kind { none, shell, python, yaml, make, docker, just };

/// By the name of a file, `none` where the name tells nothing.
Kind kind_of_name(std::string_view name);
/// By a first line `#!...`.
Kind kind_of_shebang(std::string_view text);

/// Reads a text of that kind; `variables` is the environment around it.
void read_language(Kind kind, const Text& text, const Variables& variables, Reading& reading,
                   int depth = 0);

// The readers of each language.
void read_python(const Text& text, const Variables& variables, Reading& reading, int depth);
void read_yaml(const Text& text, const Variables& variables, Reading& reading, int depth);
void read_makefile(const Text& text, const Variables& variables, Reading& reading, int depth);
void read_dockerfile(const Text& text, const Variables& variables, Reading& reading, int depth);
void read_justfile(const Text& text, const Variables& variables, Reading& reading, int depth);

} // namespace snapfix::lint
