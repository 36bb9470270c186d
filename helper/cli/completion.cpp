#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/completion_scripts.hpp"
#include "cli/tree_arguments.hpp"
#include "os/environment.hpp"
#include "os/format.hpp"
#include "os/words.hpp"
#include "snapshot/root.hpp"
#include "snapshot/snapshot.hpp"

#include <algorithm>
#include <limits>

namespace snapfix::cli {
namespace {

using Line = std::vector<std::string>;

/// A word to put in place of the last one, and what it means.
struct Candidate {
  std::string word;
  std::string help;
};

// What only the shell knows is asked for by one of these in place of words.
constexpr const char* k_files = ":files";
constexpr const char* k_folders = ":folders";
constexpr const char* k_command = ":command";

bool is_value_of(const Described::Option& option, const std::string& word) {
  return !option.placeholder.empty() && (word == option.name || word == option.short_name);
}

/// The names of the snapshots in the root that the words name; nothing where that fails.
std::vector<Candidate> snapshot_names(const Described& subcommand, const Line& words) {
  Arguments places("completion", "", {});
  const auto knows = [&](const char* name) {
    return std::ranges::find(subcommand.options, name, &Described::Option::name) !=
           subcommand.options.end();
  };
  if (knows("--git")) {
    add_tree_options(places);
  } else {
    add_root_option(places);
  }
  Line given;
  for (std::size_t i = 0; i + 1 < words.size() && words[i] != "--"; ++i) {
    for (const std::string name : {"--root", "--source", "--top"}) {
      if (!places.knows(name.c_str() + 2)) {
        continue;
      }
      if (words[i].starts_with(name + "=") || (words[i] == name && name == "--top")) {
        given.push_back(words[i]);
      } else if (words[i] == name && i + 2 < words.size()) {
        given.push_back(name + "=" + words[i + 1]);
      }
    }
  }
  std::vector<Candidate> out;
  try {
    places.parse(given);
    const auto path = root_path(places);
    if (!snapshot::Root::exists(path)) {
      return out;
    }
    const auto root = snapshot::Root::open(path);
    for (const auto& folder : root.snapshot_folders()) {
      if (const auto snapshot = snapshot::Snapshot::find(root, folder)) {
        out.push_back({snapshot->name(), "made " + snapshot->meta().created});
      }
    }
  } catch (const os::Error&) { // there is nothing to propose
    out.clear();
  }
  return out;
}

/// What a value with that placeholder may be.
std::vector<Candidate> values(const std::string& placeholder, const std::string& option,
                              const Described& subcommand, const Line& words) {
  std::vector<Candidate> out;
  if (placeholder.find('|') != std::string::npos) {
    for (std::size_t begin = 0; begin <= placeholder.size();) {
      const auto end = std::min(placeholder.find('|', begin), placeholder.size());
      out.push_back({placeholder.substr(begin, end - begin), ""});
      begin = end + 1;
    }
  } else if (option == "--env" || option == "--pack-env") {
    const auto environment = os::Environment::current();
    for (const auto& variable : environment.variables()) {
      out.push_back({std::string(os::Environment::name_of(variable)), ""});
    }
  } else if (placeholder.starts_with("NAME") || placeholder.starts_with("A [B]")) {
    out = snapshot_names(subcommand, words);
  } else if (placeholder.starts_with("FILE") || placeholder.starts_with("PATH")) {
    out.push_back({k_files, ""});
  } else if (placeholder.find("DIR") != std::string::npos || placeholder == "FOLDER" ||
             placeholder == "CLONE") {
    out.push_back({k_folders, ""});
  } else if (placeholder == "SHELL") {
    for (const char* shell : os::k_words<Shell>) {
      out.push_back({shell, ""});
    }
  }
  return out;
}

std::vector<Candidate> subcommand_names() {
  std::vector<Candidate> out;
  for (const auto& subcommand : subcommands()) {
    out.push_back({subcommand.name, subcommand.help});
  }
  return out;
}

/// What the last of the words may become. The first is the program.
std::vector<Candidate> candidates(const Line& words) {
  if (words.size() < 2) {
    return {};
  }
  if (words.size() == 2) {
    auto out = subcommand_names();
    out.push_back({"help", "the options of a command"});
    out.push_back({"--help", "what commands there are"});
    out.push_back({"--version", "the version"});
    return out;
  }
  if (words[1] == "help") {
    return words.size() == 3 ? subcommand_names() : std::vector<Candidate>();
  }
  const auto all = subcommands();
  const auto found = std::ranges::find(all, words[1], &Subcommand::name);
  if (found == all.end()) {
    return {};
  }
  const auto subcommand = Arguments::describe(found->call);
  const auto& last = words.back();
  if (std::find(words.begin(), words.end() - 1, "--") != words.end() - 1) {
    return subcommand.takes_command == TakesCommand::yes
               ? std::vector<Candidate>{{k_command, ""}}
               : values(subcommand.words, "", subcommand, words);
  }
  std::vector<Candidate> out;
  const auto equals = last.find('=');
  for (const auto& option : subcommand.options) {
    if (is_value_of(option, words[words.size() - 2])) {
      return values(option.placeholder, option.name, subcommand, words);
    }
    if (equals != std::string::npos && is_value_of(option, last.substr(0, equals))) {
      out = values(option.placeholder, option.name, subcommand, words);
      for (auto& candidate : out) {
        if (!candidate.word.starts_with(':')) {
          candidate.word.insert(0, last.substr(0, equals + 1));
        }
      }
      return out;
    }
    out.push_back({option.name, option.help});
  }
  if (last.starts_with('-')) {
    return out;
  }
  const bool has_name = std::ranges::find(out, "--name", &Candidate::word) != out.end();
  out = values(subcommand.words, "", subcommand, words);
  if (has_name) {
    for (auto& candidate : out) {
      candidate.word.insert(0, candidate.word.starts_with('-') ? "--name=" : "");
    }
  } else { // they would be options
    std::erase_if(out, [](const Candidate& each) { return each.word.starts_with('-'); });
  }
  return out;
}

} // namespace

int completion(const std::vector<std::string>& arguments) {
  Arguments options(
      "completion",
      "Prints a script for bash, zsh or fish that completes command lines of snapfix:\n"
      "eval \"$(snapfix completion bash)\" or, in fish, snapfix completion fish | source.\n"
      "That script calls this with the words of the line behind --: it prints what the\n"
      "word that follows them may be.",
      {"SHELL", 1, std::numeric_limits<std::size_t>::max()});
  options.add_value_or_nothing("current", "WORD", "the beginning of that word");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto& given = options.words();
  const auto shell = os::from_word<Shell>(given[0]);
  if (!shell) {
    options.fail(os::format("SHELL is one of bash, zsh, fish, not {}", os::quoted(given[0])));
  }
  if (given.size() == 1) {
    os::print("{}", script_for(*shell));
    return k_done;
  }
  Line words(given.begin() + 1, given.end());
  words.push_back(options.value("current").value_or(""));
  for (const auto& [word, help] : candidates(words)) {
    // A name may hold anything; what parts lines, and words of them, cannot be passed on.
    if ((word.starts_with(':') || word.starts_with(words.back())) &&
        word.find_first_of("\n\t") == std::string::npos) {
      os::print("{}\t{}\n", word, help);
    }
  }
  return k_done;
}

} // namespace snapfix::cli
