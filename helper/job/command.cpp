#include "job/command.hpp"

#include "job/uv_locked.hpp"
#include "os/environment.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/valgrind.hpp"
#include "source/git.hpp"
#include "source/path_mapping.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace snapfix::job {
namespace {

constexpr const char* k_placeholder = "@SNAPSHOT_DIR@";

/// Whether a program takes a script's path for its first argument.
bool is_interpreter(const std::string& program) {
  constexpr std::array<std::string_view, 14> k_names{"sh",   "bash",   "dash",    "zsh",  "ksh",
                                                     "fish", "python", "perl",    "ruby", "node",
                                                     "lua",  "php",    "Rscript", "julia"};
  std::string name = program.substr(program.rfind('/') + 1);
  name.erase(name.find_last_not_of("0123456789.") + 1); // python3.11
  return std::ranges::find(k_names, name) != k_names.end();
}

/// The paths by which users mean the source, whose own is `source`.
std::vector<std::string> spellings_of(const std::string& source, const std::string& as_given) {
  std::vector<std::string> out{source};
  const char* here = std::getenv("PWD"); // NOLINT(concurrency-mt-unsafe): no thread writes it
  for (const auto& path : {as_given, std::string(here == nullptr ? "" : here)}) {
    auto spelling = boost::filesystem::path(path).lexically_normal();
    boost::system::error_code failed;
    if (boost::filesystem::equivalent(spelling, source, failed)) { // symlinks may lead elsewhere
      out.push_back(spelling.string());
    }
  }
  return out;
}

/// A script that was only just written, and not yet added: it would run in the source, or not be
/// found.
void refuse_untracked(const std::string& source, const source::PathMapping& mapping,
                      const RunOptions& options) {
  const auto& words = options.command;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string path = words[i].substr(0, words[i].find("::"));
    const bool is_case = path.size() != words[i].size(); // tests/test_a.py::test_b of pytest
    if (i > 1 && !is_case) {
      continue;
    }
    if (path.starts_with('/')) {
      if (!options.map_source) {
        continue; // the source's file is meant
      }
    } else if (is_case ||
               (i == 0 ? path.find('/') != std::string::npos : is_interpreter(words[0]))) {
      path = os::format("{}/{}/{}", source, options.folder.empty() ? "." : options.folder, path);
    } else {
      continue; // of PATH, or it may be anything
    }
    boost::system::error_code failed;
    const auto untracked = mapping.only_in_source(path);
    if (untracked && boost::filesystem::is_regular_file(path, failed) &&
        source::is_untracked(source, *untracked)) {
      throw os::Error(
          os::format("{} exists in the source, and git does not track it", os::quoted(*untracked)),
          "git add it\nor take what git does not track: --files untracked (FILES UNTRACKED)");
    }
  }
}

} // namespace

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

guard::Command command_in(const snapshot::Snapshot& snapshot, const RunOptions& options) {
  const std::string& source = snapshot.meta().source;
  const std::string path = snapshot.path();
  const source::PathMapping mapping(spellings_of(source, options.source_as_given), path);
  if (options.create.selection.files == source::FileSet::tracked) {
    refuse_untracked(source, mapping, options);
  }
  const bool map = options.map_source;
  guard::Command out;
  out.parent = os::parent_process();
  out.arguments = os::valgrind_left(); // it checks what it is to check: the command
  out.arguments.insert(out.arguments.end(), options.wrapper.begin(), options.wrapper.end());
  for (std::string argument : options.command) {
    if (std::ranges::find(options.verbatim, argument) != options.verbatim.end()) {
      out.arguments.push_back(std::move(argument));
      continue;
    }
    replace_all(argument, k_placeholder, path);
    out.arguments.push_back(map ? mapping.map(argument) : argument);
  }
  auto environment = options.environment.value_or(os::environment_without_git());
  if (const auto& ticket = options.from_ticket) {
    for (const auto& variable : ticket->variables) {
      const auto name = os::Environment::name_of(variable);
      environment.set(name, std::string_view(variable).substr(name.size() + 1));
    }
    out.is_wanted = ticket->is_wanted;
  }
  auto variables = environment.variables();
  for (auto& variable : variables) {
    replace_all(variable, k_placeholder, path);
    variable = map ? mapping.map_variable(variable) : variable;
  }
  out.environment = os::Environment(std::move(variables));
  out.environment.unset(os::k_valgrind_variable);
  out.environment.set("SNAPSHOT_DIR", path);
  out.environment.set("SNAPSHOT_NAME", snapshot.name());
  out.environment.set("SNAPSHOT_SOURCE_DIR", source);
  add_git_ceiling(out.environment, path);
  out.folder = options.folder.empty() ? path : path + "/" + options.folder;
  if (!os::is_folder(out.folder)) {
    throw os::Error(os::format("the snapshot has no folder {}", os::quoted(options.folder)),
                    "does git track a file in it? --include takes ignored ones as well");
  }
  out.environment.set("PWD", out.folder); // ours is another
  if (!uv_projects_of(snapshot).empty()) {
    require_lock_kept(options.command);
    // Where a setup has made the snapshot, it has said it.
    const bool is_told = options.under_ctest && !options.finish;
    enforce_lock(out.environment, path, out.folder, is_told ? Tell::no : Tell::yes);
  }
  return out;
}

std::string folder_in(const snapshot::Snapshot& snapshot, const snapshot::RunRecord& run) {
  const auto above = snapshot.path() + "/";
  return run.folder.starts_with(above) ? run.folder.substr(above.size()) : "";
}

} // namespace snapfix::job
