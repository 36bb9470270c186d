#include "lint/call.hpp"

#include "lint/words.hpp"
#include "os/format.hpp"

#include <algorithm>
#include <array>

namespace snapfix::lint {

void set_exported(Variables& variables, const Word& word) {
  variables[word.chars().substr(0, word.equals)] = {
      word.text.sub(word.equals + 1, word.text.size()), {}, true, {}};
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

namespace {

/// The value of a UV_LOCKED that stands in no file: who calls the script by hand lacks it.
constexpr const char* k_assumed = "assumed";

bool is_assumed(const Variables& variables) {
  const auto found = variables.find("UV_LOCKED");
  return found != variables.end() && found->second.value.chars() == k_assumed;
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

/// What the words of one call, and the variables around it, say.
struct Call {
  bool locked = false;
  bool frozen = false;
  bool flagged = false;        ///< one of these by an option
  bool undone = false;         ///< by --no-locked, which wins over what is put in before it
  bool spared = false;         ///< help, an update on purpose, or it writes no lock
  std::string_view no_project; ///< the option or variable that says so
  bool may_pin = false;        ///< an expansion in it may hold an option that excludes --locked
  bool resolves = false;       ///< in another way than the lock: --locked would always fail
  std::string folder;          ///< where it looks for a project
  std::string script;          ///< what it runs, or --script names
  bool only_script = false;    ///< no project, with --script
  std::size_t command = 0;
};

void take_option(Call& call, std::string_view subcommand, std::string_view option,
                 std::string_view value) {
  const bool run = subcommand == "run";
  // The last one counts.
  if (is_in(" --locked --no-locked ", option)) {
    call.locked = option == "--locked";
    call.undone |= option == "--no-locked";
  } else if (is_in(" --frozen --no-frozen ", option)) {
    call.frozen = option == "--frozen";
    call.may_pin |= call.frozen;
  } else if (is_in(" --project --directory ", option)) {
    call.folder = joined(call.folder, std::string(value));
  } else if (run && is_in(" --no-project --no-workspace ", option)) {
    call.no_project = option;
  } else if (option == "--script" || (run && option == "-s")) {
    call.only_script = true;
    call.script = value;
  }
  call.flagged = (call.flagged && !is_in(" --no-locked --no-frozen ", option)) ||
                 is_in(" --locked --frozen ", option);
  call.spared |=
      is_in(" --help -h --upgrade -U --upgrade-package -P --upgrade-group --dry-run ", option) ||
      (run && is_in(" --no-sync --isolated --version ", option)) ||
      (subcommand == "sync" && option == "--check");
  call.resolves |= changes_resolution(option, value);
}

Call call_in(const Variables& variables, std::string_view subcommand) {
  Call call;
  call.locked = is_on(variables, "UV_LOCKED") && !is_assumed(variables);
  call.frozen = is_on(variables, "UV_FROZEN");
  if (subcommand == "run") {
    call.spared = is_on(variables, "UV_NO_SYNC") || is_on(variables, "UV_ISOLATED");
    call.no_project = is_on(variables, "UV_NO_PROJECT") ? "UV_NO_PROJECT" : "";
  }
  for (const char* name : {"PWD", "UV_WORKING_DIR", "UV_PROJECT"}) {
    if (const auto found = variables.find(name); found != variables.end()) {
      call.folder = joined(call.folder, found->second.value.chars());
    }
  }
  for (const char* name : {"UV_RESOLUTION", "UV_PRERELEASE", "UV_FORK_STRATEGY", "UV_EXCLUDE_NEWER",
                           "UV_NO_SOURCES", "UV_NO_INDEX"}) {
    call.resolves |= is_on(variables, name) &&
                     changes_resolution(name, variables.at(name).value.trimmed().chars());
  }
  return call;
}

Call read_call(std::span<const Word> words, std::size_t subcommand, const Variables& variables) {
  const std::string_view name = words[subcommand].chars();
  Call call = call_in(variables, name);
  call.command = words.size();
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i].chars();
    if (i == subcommand) {
      continue;
    }
    if (i > subcommand && stands_for_options(words[i])) {
      call.may_pin |=
          contains(word, "--frozen") || contains(word, "--locked") || contains(word, "--upgrade");
      continue;
    }
    if (word == "--") {
      call.command = i + 1;
      break;
    }
    if (word.size() > 1 && word[0] == '-') {
      const std::string_view option = std::string_view(word).substr(0, word.find('='));
      const bool valued =
          option == word && (takes_value(word) || (word == "--script" && name != "run"));
      const std::string_view next =
          i + 1 < words.size() ? words[i + 1].chars() : std::string_view();
      take_option(call, name, option,
                  option != word ? std::string_view(word).substr(option.size() + 1) : next);
      i += valued ? 1 : 0;
    } else if (name == "run" && i > subcommand) {
      call.command = i;
      break;
    }
  }
  if (name == "run" && call.command < words.size()) {
    call.script = words[call.command].chars();
  }
  return call;
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

/// Whether the call may change a lock that is there: that of its project, or of its script.
bool has_lock(const Call& call, const Reading& reading) {
  if (call.script.starts_with("https://") || call.script.starts_with("http://")) {
    return false;
  }
  const Script script = reading.projects == nullptr || call.script.empty()
                            ? Script::plain
                            : reading.projects->script(call.folder, call.script);
  if (call.only_script || script != Script::plain) {
    return script == Script::own_lock;
  }
  return reading.projects == nullptr || reading.projects->has_lock(call.folder, call.script);
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
       fixable && reading.may_fix ? after.option_before + "--locked" + after.option_after
                                  : std::string()});
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

void change_folder(Variables& variables, const std::string& folder) {
  constexpr std::size_t k_longest = 1000;
  Variable& here = variables["PWD"];
  const std::string path = joined(here.value.chars(), with_variable(variables, folder));
  here.value = Text(path.size() > k_longest ? "$x" : path);
}

std::string with_variable(const Variables& variables, const std::string& text) {
  const std::size_t begin = text.starts_with("${") ? 2 : text.starts_with('$') ? 1 : 0;
  std::size_t end = begin;
  while (end < text.size() && is_name_char(text[end])) {
    ++end;
  }
  const auto found = variables.find(text.substr(begin, end - begin));
  constexpr std::size_t k_longest = 500;
  if (begin == 0 || found == variables.end() || found->second.value.empty() ||
      found->second.value.size() > k_longest) {
    return text;
  }
  end += begin == 2 && end < text.size() && text[end] == '}' ? 1 : 0;
  return found->second.value.chars() + text.substr(end);
}

std::size_t resolving_subcommand(std::span<const Word> words) {
  for (std::size_t i = 1; i < std::min(words.size(), k_most_options); ++i) {
    const std::string& word = words[i].chars();
    if (word.size() > 1 && word[0] == '-') {
      if (is_any(word, {"--version", "-V", "--help", "-h"})) {
        return 0;
      }
      i += takes_value(word) ? 1 : 0;
    } else if (is_resolving(word)) {
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
  const std::string& name = words[subcommand].chars();
  const Call call = read_call(words, subcommand, variables);
  const std::string shown_call = "`uv " + name + "`";
  const bool run_without = !call.no_project.empty();
  if (call.spared || !has_lock(call, reading)) {
    ++reading.pinned;
  } else if (run_without) {
    const bool wished = call.locked || call.frozen || is_assumed(variables);
    if (call.flagged || (call.no_project.starts_with("UV_") && wished)) {
      add(reading, words, subcommand,
          os::format("{} runs without the lock: {} turns --locked and --frozen off", shown_call,
                     call.no_project),
          false);
    }
  } else if (reading.assume_locked == AssumeLocked::yes && is_on(variables, "UV_LOCKED") &&
             call.frozen && !call.undone) {
    add(reading, words, subcommand,
        os::format("uv refuses {} together with UV_LOCKED=1, or ignores one of them: write "
                   "--locked, or `env -u UV_LOCKED uv {} ... --frozen`",
                   is_on(variables, "UV_FROZEN") ? "UV_FROZEN" : "--frozen", name),
        false);
  } else if (call.locked || call.frozen) {
    ++reading.pinned;
  } else {
    ++reading.unpinned;
    const bool defined = words[subcommand].from_variable || reading.in_variable;
    add(reading, words, subcommand,
        shown_call +
            (call.undone     ? " with --no-locked may update the lock"
             : call.resolves ? " resolves in another way than the lock, and updates it"
                             : " without --locked or --frozen may update the lock") +
            (defined ? " (in the value of a variable that is run as a command)" : ""),
        !call.may_pin && !call.resolves && !call.undone);
  }
  return call.command;
}

} // namespace snapfix::lint
