#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/report.hpp"
#include "cli/tree_arguments.hpp"
#include "guard/command.hpp"
#include "os/process.hpp"
#include "os/subprocess.hpp"
#include "os/time_text.hpp"
#include "snapshot/create.hpp"
#include "snapshot/name.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/verify.hpp"
#include "source/glob.hpp"
#include "source/path_mapping.hpp"

#include <boost/filesystem.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace snapfix::cli {
namespace {

constexpr const char* k_placeholder = "@SNAPSHOT_DIR@";

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(';', begin), text.size());
    if (end > begin) {
      out.push_back(text.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  return out;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// The folder in the snapshot that --chdir names.
std::string folder_in(const Arguments& options, const std::string& snapshot) {
  const auto relative = options.value("chdir");
  if (!relative) {
    return snapshot;
  }
  const auto components = source::split_path(*relative);
  if (relative->starts_with('/') ||
      std::ranges::find(components, std::string_view("..")) != components.end()) {
    options.fail(fmt::format("--chdir {} leaves the snapshot", os::quoted(*relative)),
                 "name a folder relative to the snapshot");
  }
  std::string out = snapshot + "/" + *relative;
  if (!boost::filesystem::is_directory(out)) {
    throw os::Error(fmt::format("the snapshot has no folder {}", os::quoted(*relative)),
                    "does git track a file in it? --include takes ignored ones as well");
  }
  return out;
}

class Run {
public:
  explicit Run(const std::vector<std::string>& arguments);

  int operator()();

private:
  void prepare(const snapshot::Root& root, const snapshot::CreateOptions& wanted);
  guard::Command command(const std::string& source) const;
  nlohmann::json start_record(const guard::Command& command) const;
  void record_end(const snapshot::Root& root, nlohmann::json record,
                  const guard::CommandEnd& end) const;

  pid_t m_parent = os::parent_process();
  Arguments m_options;
  bool m_wants_help = false;
  std::string m_name;
  std::string m_folder;
  std::string m_path;
};

Run::Run(const std::vector<std::string>& arguments)
    : m_options(
          "run",
          "Runs a command in its snapshot, which is made where it is missing. The command sees\n"
          "SNAPSHOT_DIR, SNAPSHOT_NAME and SNAPSHOT_SOURCE_DIR; @SNAPSHOT_DIR@ in its arguments\n"
          "and environment is replaced. Its exit code is passed on.",
          {"NAME", 1, 1}, TakesCommand::yes) {
  add_name_option(m_options);
  add_tree_options(m_options);
  m_options.add_flag("fresh",
                     "make a snapshot that was used, or is of another state, pristine first");
  m_options.add_value("chdir", "FOLDER", "run in this folder of the snapshot");
  m_options.add_flag("map-source",
                     "in arguments and environment, replace paths under the source by those in the "
                     "snapshot");
  m_options.add_value("launcher", "COMMAND",
                      "run the command through this one; its words are separated by ;");
  add_wait_option(m_options);
  m_options.add_flag("ctest", "called by the CMake module: own failures end in SIGABRT");
  auto given = arguments;
  const auto own_end = std::ranges::find(given, "--");
  given.erase(std::remove(given.begin(), own_end, "--launcher="), own_end); // none
  m_wants_help = !m_options.parse(given);
}

/// Makes the snapshot if it is missing; with --fresh also if it was used or is of another state.
void Run::prepare(const snapshot::Root& root, const snapshot::CreateOptions& wanted) {
  const bool stands = m_options.flag("fresh") ? snapshot::is_pristine(root, wanted)
                                              : snapshot::find_snapshot(root, m_folder).has_value();
  if (stands) {
    return;
  }
  auto options = wanted;
  options.existing = snapshot::Existing::refresh;
  const auto created = snapshot::create(root, options);
  if (!m_options.flag("ctest")) { // a test's own output is what ctest's regular expressions match
    print_notes(created);
  }
}

guard::Command Run::command(const std::string& source) const {
  std::vector<std::string> sources{source};
  if (const auto given = m_options.value("source")) {
    sources.push_back(boost::filesystem::absolute(*given).lexically_normal().string());
  }
  const source::PathMapping mapping(sources, m_path);
  const bool map = m_options.flag("map-source");
  guard::Command out;
  out.parent = m_parent;
  out.arguments = split_list(m_options.value("launcher").value_or(""));
  for (std::string argument : m_options.command()) {
    replace_all(argument, k_placeholder, m_path);
    out.arguments.push_back(map ? mapping.map_argument(argument) : argument);
  }
  std::string ceilings = m_path.substr(0, m_path.rfind('/'));
  if (ceilings.find(':') != std::string::npos) {
    throw os::Error(fmt::format("the path of the root, {}, has a ':'", os::quoted(ceilings)),
                    "git takes that for two paths (GIT_CEILING_DIRECTORIES), and would find the "
                    "source's repository from the snapshot: choose another --root");
  }
  for (std::string variable : os::environment_without_git()) {
    if (variable.starts_with("SNAPSHOT_DIR=") || variable.starts_with("SNAPSHOT_NAME=") ||
        variable.starts_with("SNAPSHOT_SOURCE_DIR=")) {
      continue;
    }
    if (variable.starts_with("GIT_CEILING_DIRECTORIES=")) {
      ceilings += ":" + variable.substr(variable.find('=') + 1);
      continue;
    }
    if (variable.starts_with("PWD=")) { // our own folder: the command's is another
      continue;
    }
    replace_all(variable, k_placeholder, m_path);
    out.environment.push_back(map ? mapping.map_variable(variable) : variable);
  }
  out.environment.push_back("SNAPSHOT_DIR=" + m_path);
  out.environment.push_back("SNAPSHOT_NAME=" + m_name);
  out.environment.push_back("SNAPSHOT_SOURCE_DIR=" + source);
  out.environment.push_back("GIT_CEILING_DIRECTORIES=" + ceilings);
  out.folder = folder_in(m_options, m_path);
  out.environment.push_back("PWD=" + out.folder);
  return out;
}

nlohmann::json Run::start_record(const guard::Command& command) const {
  return {{"command", command.arguments}, {"environment", command.environment},
          {"folder", command.folder},     {"host", os::host_name()},
          {"pid", os::this_process()},    {"started", os::to_iso8601(os::now())}};
}

int Run::operator()() {
  if (m_wants_help) {
    return k_done;
  }
  m_name = m_options.words()[0];
  m_folder = snapshot::folder_of_name(m_name);
  const auto wanted = create_options_from(m_options, m_name);
  const auto root = snapshot::Root::open_or_make(wanted.selection.root);
  m_path = root.path() + "/" + m_folder;
  guard::CommandEnd end;
  {
    const auto lock = root.lock_name(m_folder, "snapfix run " + m_name, patience_from(m_options));
    prepare(root, wanted);
    const auto manifest = snapshot::find_snapshot(root, m_folder);
    if (!manifest) {
      throw os::Error(fmt::format("the snapshot {} vanished", os::quoted(m_name)));
    }
    const std::string source = manifest->meta.at("source");
    if (source != wanted.selection.source) {
      const auto text = fmt::format("the snapshot {} is one of another source, {}",
                                    os::quoted(m_name), os::quoted(source));
      if (m_options.has("source")) {
        throw os::Error(text, "name that one, or choose another name or --root");
      }
      os::note(text);
    }
    const auto to_run = command(source);
    auto record = start_record(to_run);
    snapshot::write_run(root, m_folder, record);
    try {
      end = guard::run_command(to_run);
    } catch (const guard::CannotStart& failure) {
      end.exit_code = failure.error_number == ENOENT ? k_not_found : k_not_executable;
      record_end(root, std::move(record), end);
      throw;
    }
    try {
      record_end(root, std::move(record), end);
    } catch (const std::exception& error) { // the command's own end is what counts
      os::note(fmt::format("the end of the run is not recorded: {}", error.what()));
    }
  }
  guard::end_as(end);
}

void Run::record_end(const snapshot::Root& root, nlohmann::json record,
                     const guard::CommandEnd& end) const {
  record["ended"] = os::to_iso8601(os::now());
  record[end.signal != 0 ? "signal" : "status"] = end.signal != 0 ? end.signal : end.exit_code;
  for (const auto& process : end.outlived) {
    record["outlived"].push_back({{"pid", process.pid}, {"name", process.name}});
    os::note(fmt::format("process {} ({}) outlives the command", process.pid, process.name));
  }
  record["changes"] = snapshot::count_changes(root, m_name);
  snapshot::write_run(root, m_folder, record);
}

} // namespace

int run_in_snapshot(const std::vector<std::string>& arguments) {
  return Run(arguments)();
}

} // namespace snapfix::cli
