#include "lint/call.hpp"

#include <algorithm>
#include <array>

namespace snapfix::lint {
namespace {

/// Subcommands that resolve the project and take --locked and --frozen. `lock`, `add`, `remove`
/// and `version` change the lock on purpose.
constexpr std::array<std::string_view, 6> k_resolving{"run",  "sync",  "export",
                                                      "tree", "audit", "check"};

/// Options whose value is the next word.
constexpr std::array<std::string_view, 65> k_valued{
    "--cache-dir",
    "--project",
    "--directory",
    "--config-file",
    "--color",
    "--allow-insecure-host",
    "--trusted-host",
    "--python-preference",
    "--python-fetch",
    "--preview-features",
    "--preview-feature",
    "--extra",
    "--no-extra",
    "--group",
    "--no-group",
    "--only-group",
    "--no-editable-package",
    "--env-file",
    "--with",
    "-w",
    "--with-editable",
    "--with-requirements",
    "--package",
    "--python",
    "-p",
    "--max-recursion-depth",
    "--python-platform",
    "--python-version",
    "--index",
    "--default-index",
    "--index-url",
    "-i",
    "--extra-index-url",
    "--find-links",
    "-f",
    "--upgrade-package",
    "-P",
    "--upgrade-group",
    "--reinstall-package",
    "--index-strategy",
    "--keyring-provider",
    "--resolution",
    "--prerelease",
    "--fork-strategy",
    "--config-setting",
    "--config-settings",
    "-C",
    "--config-settings-package",
    "--no-build-isolation-package",
    "--exclude-newer",
    "--exclude-newer-package",
    "--link-mode",
    "--no-sources-package",
    "--no-build-package",
    "--no-binary-package",
    "--refresh-package",
    "--torch-backend",
    "--no-install-package",
    "--only-install-package",
    "--no-emit-package",
    "--only-emit-package",
    "--prune",
    "--output-file",
    "-o",
    "--format",
};

bool takes_value(std::string_view option) {
  return std::ranges::find(k_valued, option) != k_valued.end();
}

/// An expansion that stands for options rather than for the command that `uv run` starts.
bool stands_for_options(const Word& word) {
  const std::string& chars = word.chars();
  if (chars.starts_with("${{") || chars.starts_with("{{") || chars.starts_with("$(")) {
    return true;
  }
  if (!chars.starts_with('$') && !chars.starts_with('{')) {
    return false;
  }
  const std::string name = lower(chars);
  return std::ranges::any_of(
      std::array<std::string_view, 7>{"flag", "arg", "opt", "extra", "group", ":+", "@"},
      [&](std::string_view part) { return contains(name, part); });
}

/// What was read of the options of one call.
struct Options {
  bool locked = false;
  bool frozen = false;
  bool no_sync = false;
  bool spared = false;   ///< no project, a script of its own, help, an update on purpose
  bool may_pin = false;  ///< an expansion in it may hold an option that excludes --locked
  bool resolves = false; ///< in another way than the lock: --locked would always fail
  std::size_t command = 0;
};

void take_option(Options& options, std::string_view subcommand, std::string_view option) {
  const std::string_view name = option.substr(0, option.find('='));
  options.locked |= name == "--locked";
  options.frozen |= name == "--frozen";
  options.no_sync |= subcommand == "run" && name == "--no-sync";
  options.spared |= is_any(name, {"--help", "-h", "--upgrade", "-U", "--upgrade-package", "-P",
                                  "--upgrade-group", "--dry-run", "--script"});
  options.spared |=
      subcommand == "run" && is_any(name, {"--no-project", "--no-workspace", "-s", "--version"});
  options.spared |= subcommand == "sync" && name == "--check";
  options.resolves |= is_any(name, {"--resolution", "--prerelease", "--fork-strategy"});
}

Options read_options(std::span<const Word> words, std::size_t subcommand) {
  Options options;
  const std::string_view name = words[subcommand].chars();
  options.command = words.size();
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i].chars();
    if (i == subcommand) {
      continue;
    }
    if (i > subcommand && stands_for_options(words[i])) {
      options.may_pin |=
          contains(word, "--frozen") || contains(word, "--locked") || contains(word, "--upgrade");
      continue;
    }
    if (word == "--") {
      options.command = i + 1;
      return options;
    }
    if (word.size() > 1 && word[0] == '-') {
      take_option(options, name, word);
      i += takes_value(word) ? 1 : 0;
      continue;
    }
    if (name == "run" && i > subcommand) {
      options.command = i;
      return options;
    }
  }
  return options;
}

std::string shown(std::span<const Word> words) {
  constexpr std::size_t k_most = 100;
  std::string out;
  for (const Word& word : words) {
    out += (out.empty() ? "" : " ") + word.chars();
    if (out.size() > k_most) {
      out.resize(k_most);
      // Not within a UTF-8 sequence.
      while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0U) == 0x80) {
        out.pop_back();
      }
      if (!out.empty() && (static_cast<unsigned char>(out.back()) & 0x80U) != 0) {
        out.pop_back();
      }
      return out + "...";
    }
  }
  std::ranges::replace(out, '\n', ' ');
  return out;
}

/// `uv run tool.py` of a script with requirements of its own, or of one that lies elsewhere.
bool runs_own_script(std::span<const Word> words, const Options& options, const Reading& reading) {
  if (options.command >= words.size()) {
    return false;
  }
  const std::string& script = words[options.command].chars();
  return script.starts_with("https://") || script.starts_with("http://") ||
         (reading.has_own_requirements && reading.has_own_requirements(script));
}

void add(Reading& reading, std::span<const Word> words, std::size_t subcommand, std::string message,
         bool fixable) {
  const Word& after = words[subcommand];
  // `$UV run` stands where it is used, `$UV_RUN` where it is defined.
  const bool used_here = words[0].from_variable && !after.from_variable;
  const std::size_t begin = used_here ? after.begin : words[0].begin;
  if (!reading.seen.insert(after.begin).second) {
    return;
  }
  reading.findings.push_back(
      {begin, after.end, shown(words), std::move(message), after.begin, after.end,
       fixable ? after.option_before + "--locked" + after.option_after : std::string()});
}

} // namespace

std::size_t cost_of(const Variables& variables) {
  constexpr std::size_t k_bytes_at_once = 64;
  std::size_t cost = 0;
  const auto add = [&](const Text& text) { cost += 1 + text.size() / k_bytes_at_once; };
  for (const auto& [name, variable] : variables) {
    add(variable.value);
    std::ranges::for_each(variable.elements, add, &Word::text);
    std::ranges::for_each(variable.others, add);
  }
  return cost;
}

bool is_on(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  if (found == variables.end() || !found->second.exported) {
    return false;
  }
  constexpr std::size_t k_most = 200;
  std::string value = lower(found->second.value.sub(0, k_most).trimmed().chars());
  const auto fallback = value.find(":-");
  if (value.starts_with("${") && fallback != std::string::npos && value.ends_with('}')) {
    value = value.substr(fallback + 2, value.size() - fallback - 3);
  }
  return !is_any(value, {"", "0", "false", "f", "no", "n", "off"});
}

/// The value of a UV_LOCKED that stands in no file: who calls the script by hand lacks it.
constexpr const char* k_assumed = "assumed";

bool is_assumed(const Variables& variables) {
  const auto found = variables.find("UV_LOCKED");
  return found != variables.end() && found->second.value.chars() == k_assumed;
}

Variables Reading::environment() const {
  Variables out;
  if (assume_locked == AssumeLocked::yes) {
    out["UV_LOCKED"] = {Text(k_assumed), {}, true, {}};
  }
  return out;
}

bool is_uv(const Word& word) {
  const std::string_view name = base_name(word.chars());
  return name == "uv" || name == "uv.exe";
}

std::size_t resolving_subcommand(std::span<const Word> words) {
  for (std::size_t i = 1; i < std::min(words.size(), k_most_options); ++i) {
    const std::string& word = words[i].chars();
    if (word.size() > 1 && word[0] == '-') {
      if (is_any(word, {"--version", "-V", "--help", "-h"})) {
        return 0;
      }
      i += takes_value(word) ? 1 : 0;
    } else if (std::ranges::find(k_resolving, word) != k_resolving.end()) {
      return i;
    } else if (!stands_for_options(words[i])) {
      return 0;
    }
  }
  return 0;
}

std::size_t judge_uv(std::span<const Word> words, const Variables& variables, Reading& reading) {
  const std::size_t subcommand = resolving_subcommand(words);
  if (subcommand == 0) {
    return words.size();
  }
  const Options options = read_options(words, subcommand);
  const bool run = words[subcommand].chars() == "run";
  const bool locked = is_on(variables, "UV_LOCKED");
  const bool frozen = is_on(variables, "UV_FROZEN");
  if (options.spared || runs_own_script(words, options, reading) ||
      (run && is_on(variables, "UV_NO_PROJECT"))) {
    ++reading.pinned;
    return options.command;
  }
  const std::string call = "`uv " + words[subcommand].chars() + "`";
  if (reading.assume_locked == AssumeLocked::yes && locked && (options.frozen || frozen)) {
    const std::string what = options.frozen ? "--frozen" : "UV_FROZEN";
    add(reading, words, subcommand,
        "uv refuses " + what +
            " together with UV_LOCKED=1, or ignores one of them: write --locked, or `env -u "
            "UV_LOCKED uv " +
            words[subcommand].chars() + " ... --frozen`",
        false);
    return options.command;
  }
  const bool pinned = options.locked || options.frozen || frozen ||
                      (locked && !is_assumed(variables)) ||
                      (run && (options.no_sync || is_on(variables, "UV_NO_SYNC")));
  ++(pinned ? reading.pinned : reading.unpinned);
  if (!pinned) {
    const bool defined = words[subcommand].from_variable || reading.in_variable;
    add(reading, words, subcommand,
        call +
            (options.resolves ? " resolves in another way than the lock, and updates it"
                              : " without --locked or --frozen may update the lock") +
            (defined ? " (in the value of a variable that is run as a command)" : ""),
        !options.may_pin && !options.resolves);
  }
  return options.command;
}

} // namespace snapfix::lint
