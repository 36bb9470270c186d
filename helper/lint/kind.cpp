#include "lint/kind.hpp"

#include "lint/shell.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <initializer_list>

namespace snapfix::lint {
Kind kind_of_name(std::string_view name) {
  const std::string low = lower(name);
  // A file of that name or with that ending, or a name with something behind a dot.
  const auto is = [&](std::string_view stem, std::initializer_list<std::string_view> suffixes) {
    return low == stem || (!stem.empty() && low.starts_with(std::string(stem) + ".")) ||
           std::ranges::any_of(suffixes, [&](auto suffix) { return low.ends_with(suffix); });
  };
  return is("makefile", {"gnumakefile", ".mk", ".mak"}) ? Kind::make
         : is("dockerfile", {".dockerfile"}) || is("containerfile", {".containerfile"})
             ? Kind::docker
         : is("justfile", {".justfile", ".just"}) ? Kind::just
         : is("", {".yml", ".yaml"})              ? Kind::yaml
         : is("", {".py"})                        ? Kind::python
         : is("", {".sh", ".bash", ".zsh", ".ksh", ".bats", ".sub", ".sbatch", ".slurm", "bashrc",
                   "zshrc", ".envrc", "bash_profile", ".profile"})
             ? Kind::shell
             : Kind::none;
}

Kind kind_of_shebang(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  for (std::size_t pos = 2; text.starts_with("#!") && pos < line.size();) {
    const std::size_t end = std::min(line.find_first_of(" \t\r", pos), line.size());
    const std::string_view name = base_name(line.substr(pos, end - pos));
    const Kind kind = is_shell(name)                               ? Kind::shell
                      : name.starts_with("python") || name == "uv" ? Kind::python
                                                                   : Kind::none;
    if (kind != Kind::none) {
      return kind;
    }
    pos = end + 1;
  }
  return Kind::none;
}

void read_language(Kind kind, const Text& text, const Variables& variables, Reading& reading,
                   int depth) {
  if (depth > k_deepest_script) {
    return;
  }
  switch (kind) {
  case Kind::shell:
    return read_inner_shell(text, variables, reading, depth);
  case Kind::python:
    return read_python(text, variables, reading, depth);
  case Kind::yaml:
    return read_yaml(text, variables, reading, depth);
  case Kind::make:
    return read_makefile(text, variables, reading, depth);
  case Kind::docker:
    return read_dockerfile(text, variables, reading, depth);
  case Kind::just:
    return read_justfile(text, variables, reading, depth);
  case Kind::none:
    return;
  }
}

} // namespace snapfix::lint
