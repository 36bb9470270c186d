#pragma once

#include "os/error.hpp"
#include "os/words.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::cli {

/// The command line is wrong: exit code 2.
class UsageError : public os::Error {
public:
  using os::Error::Error;
};

/// How many words that are no options a subcommand takes. Behind `--` a word may begin with a dash;
/// a command that takes a command there has --name for that.
struct Words {
  const char* name = ""; ///< as the usage line shows it
  std::size_t least = 0;
  std::size_t most = 0;
};

enum class TakesCommand { no, maybe, yes };

/// What a subcommand's command line may hold, for who completes one.
struct Described {
  struct Option {
    std::string name;        ///< `--guard`
    std::string short_name;  ///< `-v`, or nothing
    std::string placeholder; ///< of its value (`auto|on|off`, `FILE`); empty: it takes none
    std::string help;
  };
  std::vector<Option> options;
  std::string words; ///< as the usage line shows them: `NAME...`
  TakesCommand takes_command = TakesCommand::no;
};

/// A subcommand's command line, read strictly: an unknown or shortened option, a stray word or an
/// empty value is a UsageError that says what was meant.
class Arguments {
public:
  /// `help` is one or more lines that say what the subcommand does.
  Arguments(std::string subcommand, std::string help, Words words,
            TakesCommand takes_command = TakesCommand::no);
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  ~Arguments();

  void add_flag(const char* name, const char* help);
  void add_value(const char* name, const char* placeholder, const char* help);
  /// The same, but one that is given as nothing, `--name=`, is not given: what the CMake module
  /// writes may have become nothing.
  void add_value_or_nothing(const char* name, const char* placeholder, const char* help);
  void add_list_or_nothing(const char* name, const char* placeholder, const char* help);
  void add_list(const char* name, const char* placeholder, const char* help);

  /// False if `--help` was asked for and has been printed, or within describe().
  bool parse(const std::vector<std::string>& arguments);

  /// What the subcommand `call` takes: it is called, and its parse() tells.
  static Described describe(int (*call)(const std::vector<std::string>&));

  /// Whether the subcommand has that option.
  bool knows(const char* name) const;
  bool has(const char* name) const;
  bool flag(const char* name) const;
  std::optional<std::string> value(const char* name) const;
  std::vector<std::string> list(const char* name) const;
  /// A whole number from `least` to `most`.
  std::optional<std::uint64_t>
  number(const char* name, std::uint64_t least = 0,
         std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) const;
  const std::vector<std::string>& words() const noexcept { return m_words; }
  /// What stands behind `--`.
  const std::vector<std::string>& command() const noexcept { return m_command; }

  /// The index of the value among `choices`, or `otherwise` where it is not given.
  std::size_t choice(const char* name, const std::vector<std::string>& choices,
                     std::size_t otherwise) const;

  /// The same, of the words of an enum.
  template<typename Enum> Enum choice(const char* name, Enum otherwise) const {
    constexpr auto& words = os::k_words<Enum>;
    return static_cast<Enum>(
        choice(name, {words.begin(), words.end()}, static_cast<std::size_t>(otherwise)));
  }

  [[noreturn]] void fail(const std::string& message, const std::string& hint = {}) const;

private:
  struct Parser; ///< Boost.Program_options, which only one file is to see

  std::string usage_line() const;
  std::string help_text() const;
  Described description() const;
  void check_values_follow(const std::vector<std::string>& arguments) const;
  void check_words();
  [[noreturn]] void fail_unknown(const std::string& option) const;

  std::string m_subcommand;
  std::string m_help;
  Words m_words_allowed;
  TakesCommand m_takes_command;
  std::unique_ptr<Parser> m_parser;
  std::vector<std::string> m_nothing; ///< words that say nothing
  std::vector<std::string> m_words;
  std::vector<std::string> m_command;
};

} // namespace snapfix::cli
