#include "lint/kind.hpp"

#include "lint/shell.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <initializer_list>

namespace snapfix::lint {
namespace {

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> suffixes) {
  return std::ranges::any_of(suffixes,
                             [&](std::string_view suffix) { return name.ends_with(suffix); });
}

} // namespace

Kind kind_of_name(std::string_view name) {
  const std::string low = lower(name);
  if (low == "makefile" || low == "gnumakefile" || low.starts_with("makefile.") ||
      ends_with_any(low, {".mk", ".mak"})) {
    return Kind::make;
  }
  if (low == "dockerfile" || low == "containerfile" || low.starts_with("dockerfile.") ||
      ends_with_any(low, {".dockerfile", ".containerfile"})) {
    return Kind::docker;
  }
  if (low == "justfile" || low == ".justfile" || low.ends_with(".just")) {
    return Kind::just;
  }
  if (ends_with_any(low, {".yml", ".yaml"})) {
    return Kind::yaml;
  }
  if (low.ends_with(".py")) {
    return Kind::python;
  }
  if (ends_with_any(low, {".sh", ".bash", ".zsh", ".ksh", ".bats", ".sub", ".sbatch", ".slurm",
                          "bashrc", "zshrc", ".envrc", "bash_profile", ".profile"})) {
    return Kind::shell;
  }
  return Kind::none;
}

Kind kind_of_shebang(std::string_view text) {
  if (!text.starts_with("#!")) {
    return Kind::none;
  }
  const std::string_view line = text.substr(0, text.find('\n'));
  for (std::size_t pos = 2; pos < line.size();) {
    const std::size_t end = std::min(line.find_first_of(" \t\r", pos), line.size());
    const std::string_view name = base_name(line.substr(pos, end - pos));
    if (is_shell(name)) {
      return Kind::shell;
    }
    if (name.starts_with("python") || name == "uv") {
      return Kind::python;
    }
    if (name == "make" || name == "just") {
      return name == "make" ? Kind::make : Kind::just;
    }
    pos = end + 1;
  }
  return Kind::none;
}

void read_language(Kind kind, const Text& text, const Variables& variables, Reading& reading,
                   int depth) {
  constexpr int k_deepest = 8;
  if (depth > k_deepest) {
    return;
  }
  switch (kind) {
  case Kind::shell: {
    Variables inner = variables;
    read_shell(text, inner, reading, depth);
    break;
  }
  case Kind::python:
    read_python(text, variables, reading, depth);
    break;
  case Kind::yaml:
    read_yaml(text, variables, reading, depth);
    break;
  case Kind::make:
    read_makefile(text, variables, reading, depth);
    break;
  case Kind::docker:
    read_dockerfile(text, variables, reading, depth);
    break;
  case Kind::just:
    read_justfile(text, variables, reading, depth);
    break;
  case Kind::none:
    break;
  }
}

} // namespace snapfix::lint
