#pragma once

#include "lint/projects.hpp"
#include "lint/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
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
};

/// A uv command that is not right.
struct Finding {
  std::size_t begin = 0; ///< in the file
  std::size_t end = 0;
  std::string command; ///< on one line, as words
  std::string message;
  std::size_t subcommand = 0; ///< where it stands
  std::size_t insert_at = 0;
  std::string insert; ///< empty: nothing to insert would make it right
};

/// What a variable holds. `elements`: an array's. `others`: what it holds where a condition that
/// assigned it did not hold.
struct Variable {
  Text value;
  std::vector<Word> elements;
  bool exported = false;
  std::vector<Text> others;
};

/// The variables of a shell at one point of a script.
using Variables = std::map<std::string, Variable>;

/// What pins the lock, or turns that off, and the folder: what a condition may leave as it was, and
/// what does not get to another machine.
constexpr std::array<const char*, 5> k_pins{"UV_LOCKED", "UV_FROZEN", "UV_NO_SYNC", "UV_NO_PROJECT",
                                            "PWD"};

/// Sets what the word `NAME=value` says, for programs that are started.
void set_exported(Variables& variables, const Word& word);

/// What a copy of them costs (Reading::spend).
std::size_t cost_of(const Variables& variables);

/// The folder that commands work in is the variable PWD, which is not set where they begin.
void change_folder(Variables& variables, const std::string& folder);
/// `text` with the variable that it begins with put in, if that is known.
std::string with_variable(const Variables& variables, const std::string& text);

/// Whether uv takes that variable of its environment as true.
bool is_on(const Variables& variables, const std::string& name);

enum class AssumeLocked { no, yes };

/// What all readers of one file share.
struct Reading {
  AssumeLocked assume_locked = AssumeLocked::no;
  Projects* projects = nullptr; ///< around the file; without, every project has a lock
  std::vector<Finding> findings;
  std::size_t pinned = 0;     ///< calls that were right
  std::size_t unpinned = 0;   ///< calls that were not
  bool in_variable = false;   ///< what is read is a variable's value
  bool may_fix = true;        ///< it is certainly run
  Variables later;            ///< what a step of a workflow sets for those behind it
  std::set<std::size_t> seen; ///< where commands were found: a variable is used more than once
  std::size_t left = std::numeric_limits<std::size_t>::max(); ///< see spend()

  /// Takes `cost`, in bytes or the like, of what reading may still cost. False once that is used
  /// up: then nothing more is read, and the file is reported. Variables that lead to each other,
  /// scripts within scripts and long lists would else take for ever.
  bool spend(std::size_t cost) noexcept {
    left -= std::min(cost, left);
    return left != 0;
  }

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
