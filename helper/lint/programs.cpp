#include "lint/programs.hpp"

#include "lint/shell.hpp"

#include <algorithm>
#include <array>

namespace snapfix::lint {
namespace {

constexpr std::array<Prefix, 25> k_prefixes{{
    {"env", " -u --unset -C --chdir ", 0},
    {"sudo", " -u -g -h -p -C -T -U -D -R --user --group ", 0},
    {"doas", " -u -C ", 0},
    {"exec", " -a ", 0},
    {"nohup", "", 0},
    {"command", "", 0},
    {"builtin", "", 0},
    {"time", " -f -o ", 0},
    {"nice", " -n ", 0},
    {"ionice", " -c -n -p ", 0},
    {"timeout", " -k -s --signal --kill-after ", 1},
    {"gtimeout", " -k -s --signal --kill-after ", 1},
    {"stdbuf", " -o -e -i ", 0},
    {"setsid", "", 0},
    {"xargs", " -n -I -P -L -d -a -s -E --max-args --max-procs --replace --delimiter ", 0},
    {"chronic", "", 0},
    {"caffeinate", " -t -w ", 0},
    {"numactl", " -N -m -C -l ", 0},
    {"taskset", "", 1},
    {"flock", " -w -E ", 1},
    {"xvfb-run", " -s -n -e -f -w ", 0},
    {"coproc", "", 0},
    {"conda", " -n --name -p --prefix --cwd ", 1}, // `run` is the operand
    {"mamba", " -n --name -p --prefix --cwd ", 1},
    {"micromamba", " -n --name -p --prefix --cwd -r --root-prefix ", 1},
}};

} // namespace

const Prefix* find_prefix(std::string_view name) {
  const auto* const found = std::ranges::find(k_prefixes, name, &Prefix::name);
  return found == k_prefixes.end() ? nullptr : found;
}

bool is_script_value(std::string_view name, const Text& value) {
  const std::string low = lower(name.substr(0, name.find('=')));
  const bool named = contains(low, "cmd") || contains(low, "command") || contains(low, "script");
  return reads_as_command(value) || (named && contains(value.chars(), "\n"));
}

bool is_prose_command(std::string_view name) {
  const std::string low = lower(name);
  for (const std::string_view part :
       {"echo",   "print",   "log",     "info",   "warn",  "error", "err",   "die",     "fail",
        "msg",    "message", "note",    "notice", "usage", "help",  "debug", "success", "hint",
        "banner", "header",  "section", "title",  "step",  "say",   "grep"}) {
    const auto at = low.find(part);
    const bool begins = at == 0 || (at != std::string::npos && !is_name_char(low[at - 1])) ||
                        (at != std::string::npos && low[at - 1] == '_');
    const std::size_t end = at == std::string::npos ? 0 : at + part.size();
    if (at != std::string::npos && begins &&
        (end == low.size() || low[end] == '_' || low[end] == '-' || low.substr(end) == "f" ||
         low.substr(end) == "s" || low.substr(end) == "ing")) {
      return true;
    }
  }
  return is_any(name, {"git",    "sed",   "awk",   "rg",    "egrep", "fgrep",  "cat",  "which",
                       "type",   "hash",  ":",     "pip",   "pip3",  "apt",    "apk",  "apt-get",
                       "brew",   "dnf",   "yum",   "conda", "mamba", "pipx",   "npm",  "choco",
                       "pacman", "mise",  "cargo", "true",  "false", "cowsay", "tput", "case",
                       "winget", "scoop", "jq",    "gh",    "exit",  "return", "uvx"});
}

bool is_shell(std::string_view name) {
  return is_any(name, {"bash", "sh", "zsh", "dash", "ksh", "su"});
}

bool reads_as_command(const Text& text) {
  if (!contains(text.chars(), "uv")) {
    return false;
  }
  constexpr std::size_t k_most = 4096; // its beginning tells
  const Text trimmed = text.sub(0, k_most).trimmed();
  const auto words = words_of(trimmed);
  std::size_t first = 0;
  while (first < words.size() && words[first].equals != 0) {
    ++first;
  }
  if (first >= words.size()) {
    return false;
  }
  if (!is_uv(words[first])) {
    const std::string_view name = base_name(words[first].chars());
    return trimmed.starts(0, "#!") || find_prefix(name) != nullptr ||
           is_any(name, {"cd", "set", "export", "source", ".", "bash", "sh", "pushd", "mkdir"});
  }
  const std::span<const Word> call(words.begin() + static_cast<std::ptrdiff_t>(first), words.end());
  const std::size_t subcommand = resolving_subcommand(call);
  if (subcommand == 0) {
    return false;
  }
  // "uv sync failed" is no command line.
  return subcommand + 1 >= call.size() ||
         !is_any(call[subcommand + 1].chars(),
                 {"failed", "is",       "was",  "not",  "does",  "did", "command",
                  "and",    "or",       "for",  "with", "found", "to",  "the",
                  "exited", "has",      "from", "will", "can",   "in",  "should",
                  "output", "commands", "when", "on",   "error"});
}

} // namespace snapfix::lint
