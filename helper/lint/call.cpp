#include "lint/call.hpp"

#include "lint/words.hpp"

#include <algorithm>
#include <array>

namespace snapfix::lint {
namespace {

/// The value of a UV_LOCKED that stands in no file: who calls the script by hand lacks it.
constexpr const char* k_assumed = "assumed";

bool is_assumed(const Variables& variables) {
  const Variable* locked = variables.find("UV_LOCKED");
  return locked != nullptr && locked->value.chars() == k_assumed;
}

/// Whether uv takes that variable of its environment as true.
bool is_on(const Variables& variables, const std::string& name) {
  constexpr std::size_t k_longest = 200;
  const Variable* variable = variables.find(name);
  if (variable == nullptr || !variable->exported) {
    return false;
  }
  const std::string value = lower(variable->value.sub(0, k_longest).trimmed().chars());
  return !value.empty() && !is_in(" 0 false f no n off ", value);
}

/// An expansion that stands for options rather than for the command that `uv run` starts.
bool stands_for_options(const Word& word) {
  const std::string name = lower(word.chars());
  if (name.starts_with("${{") || name.starts_with("{{") || name.starts_with("$(")) {
    return true;
  }
  constexpr std::array<std::string_view, 7> k_parts{"flag",  "arg", "opt", "extra",
                                                    "group", ":+",  "@"};
  return (name.starts_with('$') || name.starts_with('{')) &&
         std::ranges::any_of(k_parts, [&](auto part) { return contains(name, part); });
}

/// What the words of one call, and the variables around it, say.
struct Call {
  bool locked = false;
  bool frozen = false;
  bool flagged = false;     ///< one of these by an option
  bool undone = false;      ///< by --no-locked, which wins over what is put in before it
  bool spared = false;      ///< help, an update on purpose, or it writes no lock
  std::string no_project;   ///< the option or variable that says so
  bool may_pin = false;     ///< an expansion in it may hold an option that excludes --locked
  bool resolves = false;    ///< in another way than the lock: --locked would always fail
  std::string folder;       ///< where it looks for a project
  std::string script;       ///< what it runs, or --script names
  bool only_script = false; ///< no project, with --script
  std::size_t command = 0;
};

void take_option(Call& call, bool run, std::string_view option, std::string_view value) {
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
      is_in(run ? " --no-sync --isolated --version " : " --check ", option);
  call.resolves |= changes_resolution(option, value);
}

Call call_in(const Variables& variables, bool run) {
  Call call;
  call.locked = is_on(variables, "UV_LOCKED") && !is_assumed(variables);
  call.frozen = is_on(variables, "UV_FROZEN");
  call.spared = run && (is_on(variables, "UV_NO_SYNC") || is_on(variables, "UV_ISOLATED"));
  call.no_project = run && is_on(variables, "UV_NO_PROJECT") ? "UV_NO_PROJECT" : "";
  for (const char* name : {"PWD", "UV_WORKING_DIR", "UV_PROJECT"}) {
    if (const Variable* variable = variables.find(name)) {
      call.folder = joined(call.folder, variable->value.chars());
    }
  }
  for (const char* name : {"UV_RESOLUTION", "UV_PRERELEASE", "UV_FORK_STRATEGY", "UV_EXCLUDE_NEWER",
                           "UV_NO_SOURCES", "UV_NO_INDEX"}) {
    call.resolves |= is_on(variables, name) &&
                     changes_resolution(name, variables.find(name)->value.trimmed().chars());
  }
  return call;
}

Call read_call(std::span<const Word> words, std::size_t subcommand, const Variables& variables) {
  const bool run = words[subcommand].chars() == "run";
  Call call = call_in(variables, run);
  call.command = words.size();
  for (std::size_t i = 1; i < words.size() && call.command == words.size(); ++i) {
    const std::string& word = words[i].chars();
    if (i > subcommand && stands_for_options(words[i])) {
      call.may_pin |=
          contains(word, "--frozen") || contains(word, "--locked") || contains(word, "--upgrade");
    } else if (word == "--") {
      call.command = i + 1;
      break;
    } else if (word.size() > 1 && word[0] == '-') {
      const std::size_t equals = std::min(word.find('='), word.size());
      const std::string option = word.substr(0, equals);
      const bool alone = option == word && i + 1 < words.size();
      take_option(call, run, option,
                  alone                  ? std::string_view(words[i + 1].chars())
                  : equals < word.size() ? std::string_view(word).substr(equals + 1)
                                         : std::string_view());
      i += alone && (takes_value(word) || (word == "--script" && !run)) ? 1 : 0;
    } else if (run && i > subcommand) {
      call.command = i;
    }
  }
  if (run && call.command < words.size()) {
    call.script = words[call.command].chars();
  }
  return call;
}

/// On one line, and no longer than a line.
std::string shown(std::span<const Word> words) {
  constexpr std::size_t k_longest = 100;
  std::string out;
  for (std::size_t i = 0; i < words.size() && out.size() <= k_longest; ++i) {
    out += (i == 0 ? "" : " ") + words[i].chars();
  }
  if (out.size() > k_longest) {
    out.resize(k_longest);
    out += "...";
  }
  std::ranges::replace(out, '\n', ' ');
  return out;
}

/// Whether the call may change a lock that is there: that of its project, or of its script.
bool has_lock(const Call& call, const Reading& reading) {
  const Script script = reading.projects == nullptr || call.script.empty()
                            ? Script::plain
                            : reading.projects->script(call.folder, call.script);
  if (call.only_script || script != Script::plain) {
    return script == Script::own_lock;
  }
  return reading.projects == nullptr || reading.projects->has_lock(call.folder, call.script);
}

void add(Reading& reading, std::span<const Word> words, std::size_t subcommand,
         const std::string& message, bool fixable) {
  const Word& after = words[subcommand];
  // `$UV run` stands where it is used, `$UV_RUN` where it is defined.
  const bool used_here = words[0].from_variable && !after.from_variable;
  const std::size_t begin = used_here ? after.begin : words[0].begin;
  if (reading.found.insert(after.begin).second) {
    reading.findings.push_back(
        {begin, after.end, shown(words), message, after.begin,
         fixable && reading.may_fix ? after.option_before + "--locked" + after.option_after : ""});
  }
}

} // namespace

const Variable* Variables::find(const std::string& name) const {
  for (const Variables* each = this; each != nullptr; each = each->m_outer) {
    if (const auto found = each->m_own.find(name); found != each->m_own.end()) {
      return found->second ? &*found->second : nullptr;
    }
  }
  return nullptr;
}

Variable& Variables::operator[](const std::string& name) {
  const Variable* known = find(name);
  auto& own = m_own[name];
  if (!own) {
    own = known != nullptr ? *known : Variable();
  }
  return *own;
}

Pins pins_of(const Variables& variables) {
  Pins out;
  for (const char* name : {"UV_LOCKED", "UV_FROZEN", "UV_NO_SYNC", "UV_NO_PROJECT", "PWD"}) {
    const Variable* variable = variables.find(name);
    out[name] = variable != nullptr ? std::optional(*variable) : std::nullopt;
  }
  return out;
}

void set_pins(Variables& variables, const Pins& pins) {
  for (const auto& [name, variable] : pins) {
    if (variable) {
      variables[name] = *variable;
    } else {
      variables.erase(name);
    }
  }
}

void change_folder(Variables& variables, const std::string& folder) {
  constexpr std::size_t k_longest = 1000;
  // What it begins with may be a variable that is known.
  const std::size_t begin = folder.starts_with("${") ? 2 : folder.starts_with('$') ? 1 : 0;
  std::size_t end = begin;
  while (end < folder.size() && is_name_char(folder[end])) {
    ++end;
  }
  const Variable* first = begin != 0 ? variables.find(folder.substr(begin, end - begin)) : nullptr;
  end += begin == 2 ? 1 : 0;
  const bool known = first != nullptr && !first->value.empty() && first->value.size() < k_longest;
  Variable& here = variables["PWD"];
  const std::string path =
      joined(here.value.chars(),
             known ? first->value.chars() + folder.substr(std::min(end, folder.size())) : folder);
  here.value = Text(path.size() > k_longest ? "$x" : path);
}

bool Reading::is_new(std::size_t begin, const std::string& script, const Variables& variables) {
  std::string state;
  for (const auto& [name, variable] : pins_of(variables)) {
    state += variable ? name + (variable->exported ? "=" : ":") + variable->value.chars() : "";
  }
  return scripts.emplace(begin, script, state).second;
}

Variables Reading::environment() const {
  Variables out;
  if (assume_locked == AssumeLocked::yes) {
    out["UV_LOCKED"] = {Text(k_assumed), true};
  }
  return out;
}

bool is_uv(const Word& word) {
  return is_in(" uv uv.exe ", base_name(word.chars()));
}

std::size_t resolving_subcommand(std::span<const Word> words) {
  for (std::size_t i = 1; i < std::min(words.size(), k_most_options); ++i) {
    const std::string& word = words[i].chars();
    if (is_resolving(word)) {
      return i;
    }
    const bool option = word.size() > 1 && word[0] == '-';
    if (is_in(" --version -V --help -h ", word) || (!option && !stands_for_options(words[i]))) {
      return 0;
    }
    i += option && takes_value(word) ? 1 : 0;
  }
  return 0;
}

std::size_t judge_uv(std::span<const Word> words, const Variables& variables, Reading& reading) {
  const std::size_t subcommand = resolving_subcommand(words);
  if (subcommand == 0) {
    return words.size();
  }
  const std::string& name = words[subcommand].chars();
  const std::string shown_call = "`uv " + name + "` ";
  const Call call = read_call(words, subcommand, variables);
  const bool assumed = reading.assume_locked == AssumeLocked::yes && is_on(variables, "UV_LOCKED");
  if (call.spared || !has_lock(call, reading)) {
    ++reading.pinned;
    return call.command;
  }
  if (!call.no_project.empty()) {
    const bool wished = call.locked || call.frozen || is_assumed(variables);
    if (call.flagged || (call.no_project.starts_with("UV_") && wished)) {
      add(reading, words, subcommand,
          shown_call + "runs without the lock: " + call.no_project +
              " turns --locked and --frozen off",
          false);
    }
  } else if (assumed && call.frozen && !call.undone) {
    add(reading, words, subcommand,
        std::string("uv refuses ") + (is_on(variables, "UV_FROZEN") ? "UV_FROZEN" : "--frozen") +
            " together with UV_LOCKED=1, or ignores one of them: write --locked, or "
            "`env -u UV_LOCKED uv " +
            name + " ... --frozen`",
        false);
  } else if (call.locked || call.frozen) {
    ++reading.pinned;
  } else {
    add(reading, words, subcommand,
        shown_call + (call.undone     ? "with --no-locked may update the lock"
                      : call.resolves ? "resolves in another way than the lock, and updates it"
                                      : "without --locked or --frozen may update the lock"),
        !call.may_pin && !call.resolves && !call.undone);
  }
  return call.command;
}

} // namespace snapfix::lint
