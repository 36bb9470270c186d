#include "cli/arguments.hpp"

#include "os/format.hpp"
#include "os/likest.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

namespace snapfix::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* k_words = "words";

/// A negative number, which is told of as such, and no option.
bool is_negative_number(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && word[1] >= '0' && word[1] <= '9';
}

/// Where parse() is to write what there is, within describe().
Described* g_describing = nullptr; // NOLINT(*-non-const-global-variables)

} // namespace

struct Arguments::Parser {
  po::options_description options{"Options", 100, 60};
  po::variables_map values;
};

Arguments::Arguments(std::string subcommand, std::string help, Words words,
                     TakesCommand takes_command)
    : m_subcommand(std::move(subcommand)), m_help(std::move(help)), m_words_allowed(words),
      m_takes_command(takes_command), m_parser(std::make_unique<Parser>()) {
  m_parser->options.add_options()("help,h", po::bool_switch(), "show this");
}

Arguments::~Arguments() = default;

bool Arguments::knows(const char* name) const {
  return m_parser->options.find_nothrow(name, false) != nullptr;
}

bool Arguments::has(const char* name) const {
  return m_parser->values.count(name) != 0;
}

bool Arguments::flag(const char* name) const {
  return has(name) && m_parser->values[name].as<bool>();
}

void Arguments::add_flag(const char* name, const char* help) {
  m_parser->options.add_options()(name, po::bool_switch(), help);
}

void Arguments::add_value(const char* name, const char* placeholder, const char* help) {
  m_parser->options.add_options()(name, po::value<std::string>()->value_name(placeholder), help);
}

void Arguments::add_value_or_nothing(const char* name, const char* placeholder, const char* help) {
  add_value(name, placeholder, help);
  m_nothing.push_back(os::format("--{}=", name));
}

void Arguments::add_list(const char* name, const char* placeholder, const char* help) {
  m_parser->options.add_options()(
      name, po::value<std::vector<std::string>>()->value_name(placeholder)->composing(), help);
}

void Arguments::add_list_or_nothing(const char* name, const char* placeholder, const char* help) {
  add_list(name, placeholder, help);
  m_nothing.push_back(os::format("--{}=", name));
}

Described Arguments::describe(int (*call)(const std::vector<std::string>&)) {
  Described out;
  g_describing = &out;
  call({});
  return out;
}

Described Arguments::description() const {
  Described out{{}, m_words_allowed.name, m_takes_command};
  for (const auto& option : m_parser->options.options()) {
    const auto name = option->canonical_display_name(po::command_line_style::allow_dash_for_short);
    const bool takes_value = option->semantic()->max_tokens() != 0;
    out.options.push_back({"--" + option->long_name(), name.size() == 2 ? name : "",
                           takes_value ? option->semantic()->name() : "", option->description()});
  }
  return out;
}

bool Arguments::parse(const std::vector<std::string>& arguments) {
  if (auto* const describing = std::exchange(g_describing, nullptr)) {
    *describing = description();
    return false;
  }
  // Program_parser->options drops `--`, and with it the line between our words and the command's.
  const auto separator = std::ranges::find(arguments, "--");
  std::vector<std::string> own(arguments.begin(), separator);
  std::erase_if(own, [this](const std::string& word) {
    return std::ranges::find(m_nothing, word) != m_nothing.end();
  });
  if (separator != arguments.end()) {
    m_command.assign(separator + 1, arguments.end());
  }
  check_values_follow(own);
  po::options_description all;
  all.add(m_parser->options).add_options()(k_words, po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add(k_words, -1);
  using Style = po::command_line_style::style_t;
  try {
    po::store(po::command_line_parser(own)
                  .options(all)
                  .positional(positions)
                  .style(Style::unix_style & ~Style::allow_guessing)
                  .run(),
              m_parser->values);
  } catch (const po::unknown_option& error) {
    fail_unknown(error.get_option_name());
  } catch (const po::multiple_occurrences& error) {
    fail(os::format("{} may be given once only", error.get_option_name()));
  } catch (const po::invalid_command_line_syntax& error) {
    fail(error.kind() == po::invalid_syntax::empty_adjacent_parameter
             ? os::format("{} needs a value", error.get_option_name())
             : error.what());
  } catch (const po::error& error) {
    fail(error.what());
  }
  if (flag("help")) {
    os::print("{}", help_text());
    return false;
  }
  m_words = list(k_words);
  if (m_takes_command == TakesCommand::no) {
    // `ctest -- ARGUMENT...` gives them to all tests, and they are not meant for one that serves
    // others.
    if (!has("ctest") || !flag("ctest")) {
      m_words.insert(m_words.end(), m_command.begin(), m_command.end());
    }
    m_command.clear();
  }
  if (has("name")) {
    m_words.insert(m_words.begin(), m_parser->values["name"].as<std::string>());
  }
  check_words();
  return true;
}

void Arguments::check_words() {
  if (m_words.size() > m_words_allowed.most) {
    fail(os::format("unexpected word {}", os::quoted(m_words[m_words_allowed.most])));
  }
  if (m_words.size() < m_words_allowed.least) {
    fail(os::format("{} is missing", m_words_allowed.name));
  }
  if (std::ranges::find(m_words, "") != m_words.end()) {
    fail(os::format("{} is empty", m_words_allowed.name));
  }
  if (m_takes_command == TakesCommand::yes && m_command.empty()) {
    fail("the command is missing", "write it behind --, as in: snapfix run NAME -- make check");
  }
}

/// Program_parser->options takes `--fresh` in `--root --fresh` for the value.
void Arguments::check_values_follow(const std::vector<std::string>& arguments) const {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with("--")) {
      continue;
    }
    const auto* option = m_parser->options.find_nothrow(arguments[i].substr(2), false);
    if (option == nullptr || option->semantic()->max_tokens() == 0) {
      continue;
    }
    if (i + 1 == arguments.size() ||
        (arguments[i + 1].starts_with('-') && !is_negative_number(arguments[i + 1]))) {
      fail(os::format("{} needs a value", arguments[i]),
           os::format("write {0}=VALUE; a value may begin with a dash only so", arguments[i]));
    }
    ++i;
  }
}

std::optional<std::string> Arguments::value(const char* name) const {
  if (!has(name)) {
    return std::nullopt;
  }
  auto out = m_parser->values[name].as<std::string>();
  if (out.empty()) {
    fail(os::format("--{} needs a value", name));
  }
  return out;
}

std::vector<std::string> Arguments::list(const char* name) const {
  return has(name) ? m_parser->values[name].as<std::vector<std::string>>()
                   : std::vector<std::string>();
}

std::optional<std::uint64_t> Arguments::number(const char* name, std::uint64_t least,
                                               std::uint64_t most) const {
  const auto text = value(name);
  if (!text) {
    return std::nullopt;
  }
  // Read here: Program_parser->options takes -3 for the unsigned number 4294967293.
  std::uint64_t out = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), out);
  const bool is_number =
      end == text->data() + text->size() && failed != std::errc::invalid_argument;
  if (is_number && (failed == std::errc::result_out_of_range || out > most)) {
    fail(os::format("--{} takes a whole number of {} at most, not {}", name, most,
                    os::quoted(*text)));
  }
  if (!is_number || out < least) {
    fail(os::format("--{} takes a whole number of {} or more, not {}", name, least,
                    os::quoted(*text)));
  }
  return out;
}

std::size_t Arguments::choice(const char* name, const std::vector<std::string>& choices,
                              std::size_t otherwise) const {
  const auto text = value(name);
  if (!text) {
    return otherwise;
  }
  const auto found = std::ranges::find(choices, *text);
  if (found == choices.end()) {
    const auto meant = os::likest(*text, choices);
    fail(os::format("--{} takes {}, not {}", name, os::joined(choices, ", "), os::quoted(*text)),
         meant ? "did you mean " + *meant + "?" : "");
  }
  return static_cast<std::size_t>(found - choices.begin());
}

void Arguments::fail(const std::string& message, const std::string& hint) const {
  throw UsageError(os::format("{}: {}", m_subcommand, message), hint.empty() ? usage_line() : hint);
}

void Arguments::fail_unknown(const std::string& option) const {
  const auto dashes_end = option.find_first_not_of('-');
  const std::string bare = dashes_end == std::string::npos ? option : option.substr(dashes_end);
  std::vector<std::string> names;
  for (const auto& known : m_parser->options.options()) {
    names.push_back(known->long_name());
  }
  const auto meant = os::likest(bare, names);
  fail(os::format("unknown option {}", os::quoted(option)),
       meant ? "did you mean --" + *meant + "?" : "");
}

std::string Arguments::usage_line() const {
  return os::format("usage: snapfix {}{}{} [options]{}", m_subcommand,
                    *m_words_allowed.name != '\0' ? " " : "", m_words_allowed.name,
                    m_takes_command == TakesCommand::yes     ? " -- COMMAND [ARGUMENT...]"
                    : m_takes_command == TakesCommand::maybe ? " [-- COMMAND [ARGUMENT...]]"
                                                             : "");
}

std::string Arguments::help_text() const {
  std::ostringstream options;
  options << m_parser->options;
  return os::format("{}\n\n{}\n\n{}", usage_line(), m_help, options.str());
}

} // namespace snapfix::cli
