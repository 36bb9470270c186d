#pragma once

#include "lint/projects.hpp"
#include "lint/text.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace snapfix::lint {

/// One word of a command, its quotes removed; expansions stand in it as they are written.
struct Word {
  Text text;
  bool quoted = false;   ///< some part of it is
  std::size_t begin = 0; ///< where it stands in the file
  std::size_t end = 0;
  std::size_t equals = 0; ///< the place of the first unquoted `=` in `text`, 0 for none
  /// What an option that follows must look like: ` --locked`, or `, "--locked"` in a list.
  std::string option_before = " ";
  std::string option_after;
  bool from_variable = false; ///< its text stands where a variable is defined
  std::vector<Word> elements; ///< of `name=(...)`

  const std::string& chars() const noexcept { return text.chars(); }
  /// Of `name=value`.
  std::string name() const { return chars().substr(0, equals); }
  Text value() const { return text.sub(equals + 1, text.size()); }
};

/// A uv command that is not right.
struct Finding {
  std::size_t begin = 0; ///< in the file
  std::size_t end = 0;
  std::string command; ///< on one line, as words
  std::string message;
  std::size_t subcommand = 0; ///< where it stands
  std::string insert;         ///< at its end; empty: nothing to insert would make it right
};

/// What a variable holds. `elements`: an array's. `others`: what it holds where a condition that
/// assigned it did not hold.
struct Variable {
  Text value;
  bool exported = false;
  std::vector<Word> elements = {};
  std::vector<Text> others = {};
};

/// The variables at one point of a script. A subshell, or one command, sees those around it and
/// keeps what it changes to itself.
class Variables {
public:
  Variables() = default;
  explicit Variables(const Variables* outer) : m_outer(outer) {}

  /// nullptr if it is not set.
  const Variable* find(const std::string& name) const;
  /// To be changed; it is made where it is not set.
  Variable& operator[](const std::string& name);
  void erase(const std::string& name) { m_own[name].reset(); }
  /// Sets what the word `NAME=value` says, for programs that are started.
  void set_exported(const Word& word) { (*this)[word.name()] = {word.value(), true}; }

private:
  const Variables* m_outer = nullptr;
  std::map<std::string, std::optional<Variable>> m_own;
};

/// Those that pin the lock, or turn that off, and the folder: what a condition may leave as it was,
/// and what does not get to another machine.
using Pins = std::map<std::string, std::optional<Variable>>;
Pins pins_of(const Variables& variables);
void set_pins(Variables& variables, const Pins& pins);

/// The folder that commands work in is the variable PWD, which is not set where they begin.
void change_folder(Variables& variables, const std::string& folder);

enum class AssumeLocked { no, yes };

/// What all readers of one file share.
struct Reading {
  AssumeLocked assume_locked = AssumeLocked::no;
  Projects* projects = nullptr; ///< around the file; without, every project has a lock
  std::vector<Finding> findings;
  std::size_t pinned = 0;                ///< calls that were right
  bool may_fix = true;                   ///< it is certainly run
  std::map<std::string, Variable> later; ///< what a step of a workflow sets for those behind it
  std::set<std::size_t> found;           ///< where: a variable is used more than once
  std::set<std::tuple<std::size_t, std::string, std::string>> scripts; ///< see is_new()
  std::size_t left = std::numeric_limits<std::size_t>::max();          ///< see spend()

  /// Takes `cost`, in bytes or the like, of what reading may still cost. False once that is used
  /// up: then nothing more is read, and the file is reported.
  bool spend(std::size_t cost) noexcept {
    left -= std::min(cost, left);
    return left != 0;
  }

  /// Whether a script that stands at `begin` was not yet read with what pins the lock now. A
  /// variable may be used often, and its value may lead to itself.
  bool is_new(std::size_t begin, const std::string& script, const Variables& variables);

  /// The environment that a file starts with.
  Variables environment() const;
};

/// Before its subcommand, and before the command that it runs, uv has no more words than that.
constexpr std::size_t k_most_options = 200;

/// Whether `words` begin with a uv subcommand that resolves a project: the index of its word, or
/// 0. words[0] is uv itself.
std::size_t resolving_subcommand(std::span<const Word> words);

/// Judges a call of uv; words[0] is uv itself. Returns the index at which `uv run` names the
/// command that it runs, words.size() if there is none.
std::size_t judge_uv(std::span<const Word> words, const Variables& variables, Reading& reading);

bool is_uv(const Word& word);

} // namespace snapfix::lint
