#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/tree_arguments.hpp"
#include "job/patch.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "snapshot/comparison.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

namespace snapfix::cli {
namespace {

/// As git quotes a path: control characters, quotes, backslashes and all that is not ASCII.
std::string quoted_as_git_does(std::string_view path) {
  constexpr std::array<std::pair<char, char>, 9> k_letters{{{'\a', 'a'},
                                                            {'\b', 'b'},
                                                            {'\t', 't'},
                                                            {'\n', 'n'},
                                                            {'\v', 'v'},
                                                            {'\f', 'f'},
                                                            {'\r', 'r'},
                                                            {'"', '"'},
                                                            {'\\', '\\'}}};
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const auto* const letter =
        std::ranges::find(k_letters, c, [](const auto& pair) { return pair.first; });
    if (letter != k_letters.end()) {
      out += {'\\', letter->second};
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += os::format("\\{:03o}", byte);
    } else {
      out += c;
    }
  }
  return out == path ? out : '"' + out + '"';
}

void write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout); // what went wrong is seen at the end
}

void print_names(const std::vector<snapshot::ChangedName>& names, bool with_nul) {
  for (const auto& [path, change] : names) {
    std::string line = os::word_of(change);
    line += with_nul ? '\0' : '\t';
    line += with_nul ? path : quoted_as_git_does(path);
    line += with_nul ? '\0' : '\n';
    write(line);
  }
}

} // namespace

int diff(const std::vector<std::string>& arguments) {
  Arguments options(
      "diff",
      "Lists the names that differ from snapshot A to snapshot B, or to A from what it\n"
      "was made of: A added, D deleted, M modified (content, executable bit), T a file\n"
      "for a symlink or the other way round. Exit code 1 if there are any, 2 for\n"
      "trouble. What lies in a .git is left out.",
      {"A [B]", 1, 2});
  add_root_option(options);
  options.add_flag("patch,p", "a patch in place of names");
  options.add_flag("null,z", "a NUL behind each letter and each name, which is not quoted");
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  if (options.flag("patch") + options.flag("null") + options.flag("json") > 1) {
    options.fail("--patch, --null and --json exclude each other");
  }
  const auto& words = options.words();
  const bool has_other = words.size() == 2;
  const auto root = snapshot::Root::open(root_path(options));
  const auto first = snapshot::Snapshot::require(root, words[0]);
  const auto last = has_other ? snapshot::Snapshot::require(root, words[1]) : first;
  const auto before = has_other ? snapshot::Side::of_tree(first) : snapshot::Side::of_base(first);
  const auto after = snapshot::Side::of_tree(last);
  const auto names = snapshot::compare(before, after);
  if (options.flag("json")) {
    print_json(names, words, first.manifest().base);
  } else if (options.flag("patch")) {
    if (!names.empty()) {
      job::make_patch(root, before, after, names, write);
    }
  } else {
    print_names(names, options.flag("null"));
  }
  last.require_standing();
  return names.empty() ? k_done : k_failed;
}

} // namespace snapfix::cli
