#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/finishing.hpp"
#include "cli/guarded_run.hpp"
#include "cli/json.hpp"
#include "cli/program_note.hpp"
#include "cli/report.hpp"
#include "cli/source_writes.hpp"
#include "cli/tree_arguments.hpp"
#include "cli/uv_locked.hpp"
#include "guard/command.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/subprocess.hpp"
#include "os/time_text.hpp"
#include "os/valgrind.hpp"
#include "snapshot/create.hpp"
#include "snapshot/find.hpp"
#include "snapshot/name.hpp"
#include "snapshot/new_root.hpp"
#include "snapshot/verify.hpp"
#include "source/git.hpp"
#include "source/glob.hpp"
#include "source/path_mapping.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string_view>

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

/// Whether a program takes a script's path for its first argument.
bool is_interpreter(const std::string& program) {
  constexpr std::array<std::string_view, 14> k_names{"sh",   "bash",   "dash",    "zsh",  "ksh",
                                                     "fish", "python", "perl",    "ruby", "node",
                                                     "lua",  "php",    "Rscript", "julia"};
  std::string name = program.substr(program.rfind('/') + 1);
  name.erase(name.find_last_not_of("0123456789.") + 1); // python3.11
  return std::ranges::find(k_names, name) != k_names.end();
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
    options.fail(os::format("--chdir {} leaves the snapshot", os::quoted(*relative)),
                 "name a folder relative to the snapshot");
  }
  std::string out = snapshot + "/" + *relative;
  if (!os::is_folder(out)) {
    throw os::Error(os::format("the snapshot has no folder {}", os::quoted(*relative)),
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
  bool was_run_by(const snapshot::Root& root, pid_t parent) const;
  std::vector<std::string> spellings_of(const std::string& source) const;
  void refuse_untracked(const std::string& source) const;
  guard::Command command(const snapshot::SnapshotManifest& manifest) const;
  snapshot::RunRecord start_record(const guard::Command& command) const;
  void record_end(const snapshot::Root& root, snapshot::RunRecord& record,
                  const guard::CommandEnd& end) const;
  void tell(const snapshot::RunRecord& record) const;
  void fail_for_a_finding(guard::CommandEnd& end) const;
  void finish(const snapshot::Root& root, const os::Lock& lock, const std::string& source,
              const snapshot::RunRecord& record, guard::CommandEnd& end,
              std::chrono::steady_clock::time_point began) const;

  pid_t m_parent = os::parent_process();
  Arguments m_options;
  bool m_wants_help = false;
  Guard m_guard = Guard::automatic;
  guard::SourceWrites m_source_writes = guard::SourceWrites::deny;
  std::optional<snapshot::FinishOptions> m_finish;
  os::Patience m_patience;
  std::string m_name;
  std::string m_folder;
  std::string m_path;
  snapshot::Ledger m_ledger; ///< of the snapshot, if it was made
};

Run::Run(const std::vector<std::string>& arguments)
    : m_options(
          "run",
          "Runs a command in its snapshot, which is made where it is missing. The command sees\n"
          "SNAPSHOT_DIR, SNAPSHOT_NAME and SNAPSHOT_SOURCE_DIR; @SNAPSHOT_DIR@ in its arguments\n"
          "and environment is replaced. Its exit code is passed on; 123 in place of 0 if it\n"
          "changed a lock that --uv-locked holds, or with --finish shared files.",
          {"NAME", 1, 1}, TakesCommand::yes) {
  add_name_option(m_options);
  add_tree_options(m_options);
  add_base_options(m_options);
  m_options.add_flag("fresh",
                     "make a snapshot that was used, or is of another state, pristine first");
  m_options.add_value("chdir", "FOLDER", "run in this folder of the snapshot");
  m_options.add_flag("map-source",
                     "in arguments and environment, replace paths under the source by those in the "
                     "snapshot");
  m_options.add_value_or_nothing("launcher", "COMMAND",
                                 "run the command through this one; its words are separated by ;");
  m_options.add_value("guard", "auto|on|off",
                      "make a shared file private at its first change. auto (default): where the "
                      "kernel can, else run without; on: else do not run; off: never");
  m_options.add_value(
      "source-writes", "deny|report|allow",
      "what becomes of a change of the source, as the guard sees it. deny (default): "
      "it fails with EROFS, and is told; report: it is let through, and verify and "
      "finish find it; allow: it is let through");
  m_options.add_flag("verbose,v", "say on stderr what became private, and what the guard cost");
  m_options.add_value("json-report", "FILE", "write what is recorded of the run to a file");
  add_wait_option(m_options);
  m_options.add_flag("ctest", "called by the CMake module: own failures end in SIGABRT");
  m_options.add_flag("finish",
                     "finish the snapshot when the command has ended, as 'snapfix finish' "
                     "does; the next freeze does it where this is killed");
  add_finish_options(m_options);
  m_wants_help = !m_options.parse(arguments);
  if (!m_wants_help) {
    if (m_options.flag("finish")) {
      m_finish = finish_options_from(m_options);
    }
    for (const char* name : {"keep", "verdict", "spares"}) {
      if (!m_finish && m_options.has(name)) {
        m_options.fail(
            os::format("--{} says how the snapshot is finished, and --finish is missing", name));
      }
    }
    m_patience = patience_from(m_options);
    m_guard = m_options.choice("guard", Guard::automatic);
    m_source_writes = m_options.choice("source-writes", guard::SourceWrites::deny);
    if (m_guard == Guard::off && m_options.has("source-writes") &&
        m_source_writes != guard::SourceWrites::allow && !m_options.flag("ctest")) {
      m_options.fail(
          "--source-writes deny and report are the guard's work, and --guard off is given",
          "leave out one of the two");
    }
  }
}

/// Makes the snapshot if it is missing; with --fresh also if it was used, its lock was changed, or
/// it is of another state.
void Run::prepare(const snapshot::Root& root, const snapshot::CreateOptions& wanted) {
  const auto standing = snapshot::find_snapshot(root, m_folder);
  const bool fresh = m_options.flag("fresh");
  if (!standing && !fresh && root.stat_of_tree(m_folder)) {
    snapshot::require_snapshot(root, m_name); // says what stands there
  }
  if (!standing && !fresh && !m_options.flag("ctest")) {
    const auto like = snapshot::name_like(root, m_name);
    os::note(os::format("there is no snapshot {}{}: it is made", os::quoted(m_name),
                        like ? os::format(" (there is {})", os::quoted(*like)) : ""));
  }
  if (standing && !fresh) {
    snapshot::require_whole(*standing);
    if (wanted.tree.uv_locked != uv_projects_of(*standing) && m_options.has("uv-locked")) {
      throw os::Error("the snapshot stands, and was not made with that --uv-locked",
                      "--fresh makes it anew, its lock checked; without --uv-locked the command "
                      "runs in it as it stands");
    }
    if (gives_tree_options(m_options) && !snapshot::has_same_options(*standing, wanted.tree)) {
      os::warn(
          "the snapshot stands, made with other options; it is used as it is: --fresh makes it "
          "anew with those that are given");
    }
  }
  const bool lock_changed = standing && print_changed_locks(root, m_name, *standing);
  if (lock_changed && !fresh) {
    throw os::Error(os::format("the command would run with another lock in {}", os::quoted(m_name)),
                    "--fresh makes the snapshot anew");
  }
  // A further attempt (ctest --repeat) makes it anew: nobody would look at this change again.
  if (lock_changed && m_options.flag("ctest") && !m_finish && was_run_by(root, m_parent)) {
    throw os::Error("an earlier attempt of this test changed the lock");
  }
  if (standing && (!fresh || (!lock_changed && snapshot::is_pristine(root, wanted)))) {
    check_locks(m_options, root, wanted, standing->base, m_parent);
    return;
  }
  auto options = wanted;
  options.existing = snapshot::Existing::refresh;
  const auto created = create_checked(m_options, root, options, m_parent);
  m_ledger = created.ledger;
  root.clear_debris();
  if (!m_options.flag("ctest")) { // a test's own output is what ctest's regular expressions match
    print_notes(created);
  }
}

/// Whether the recorded run was started by the same process as this one.
bool Run::was_run_by(const snapshot::Root& root, pid_t parent) const {
  const auto record = snapshot::load_run(root, m_folder);
  const auto starter = os::identify(parent);
  return record && starter && record->host == os::host_name() &&
         record->parent == snapshot::RunParent{starter->pid, starter->start_time};
}

/// The paths by which users mean the source, whose own is `source`.
std::vector<std::string> Run::spellings_of(const std::string& source) const {
  std::vector<std::string> out{source};
  const char* here = std::getenv("PWD"); // NOLINT(concurrency-mt-unsafe): no thread writes it
  for (const auto& path : {os::absolute_path(m_options.value("source").value_or(source)),
                           std::string(here == nullptr ? "" : here)}) {
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
void Run::refuse_untracked(const std::string& source) const {
  const source::PathMapping mapping(spellings_of(source), m_path);
  const auto& words = m_options.command();
  for (std::size_t i = 0; i < words.size() && i < 2; ++i) {
    std::string path = words[i];
    if (path.starts_with('/')) {
      if (!m_options.flag("map-source")) {
        continue; // the source's file is meant
      }
    } else if (i == 0 ? path.find('/') != std::string::npos : is_interpreter(words[0])) {
      path = os::format("{}/{}/{}", source, m_options.value("chdir").value_or("."), path);
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

guard::Command Run::command(const snapshot::SnapshotManifest& manifest) const {
  const std::string& source = manifest.meta.source;
  const source::PathMapping mapping(spellings_of(source), m_path);
  const bool map = m_options.flag("map-source");
  guard::Command out;
  out.parent = m_parent;
  out.arguments = os::valgrind_left(); // it checks what it is to check: the command
  for (auto& word : split_list(m_options.value("launcher").value_or(""))) {
    out.arguments.push_back(std::move(word));
  }
  for (std::string argument : m_options.command()) {
    replace_all(argument, k_placeholder, m_path);
    out.arguments.push_back(map ? mapping.map(argument) : argument);
  }
  auto variables = os::environment_without_git().variables();
  for (auto& variable : variables) {
    replace_all(variable, k_placeholder, m_path);
    variable = map ? mapping.map_variable(variable) : variable;
  }
  out.environment = os::Environment(std::move(variables));
  out.environment.unset(os::k_valgrind_variable);
  out.environment.set("SNAPSHOT_DIR", m_path);
  out.environment.set("SNAPSHOT_NAME", m_name);
  out.environment.set("SNAPSHOT_SOURCE_DIR", source);
  add_git_ceiling(out.environment, m_path);
  out.folder = folder_in(m_options, m_path);
  out.environment.set("PWD", out.folder); // ours is another
  if (!uv_projects_of(manifest).empty()) {
    require_lock_kept(m_options.command());
    // Under ctest the setup says it: a test's own output is what regular expressions match.
    enforce_lock(out.environment, m_path, out.folder,
                 m_options.flag("ctest") ? Tell::no : Tell::yes);
  }
  return out;
}

snapshot::RunRecord Run::start_record(const guard::Command& command) const {
  snapshot::RunRecord out;
  out.command = command.arguments;
  out.environment = command.environment.variables();
  out.folder = command.folder;
  out.host = os::host_name();
  out.pid = os::this_process();
  out.started = os::to_iso8601(os::now());
  if (const auto parent = os::identify(m_parent)) {
    out.parent = {parent->pid, parent->start_time};
  }
  out.guard = guard_before(m_guard);
  return out;
}

int Run::operator()() {
  if (m_wants_help) {
    return k_done;
  }
  m_name = m_options.words()[0];
  m_folder = snapshot::folder_of_name(m_name);
  const auto wanted = create_options_from(m_options, m_name);
  guard::CommandEnd end;
  snapshot::in_root(wanted.selection.root, [&](const snapshot::Root& root) {
    m_path = root.path() + "/" + m_folder;
    const auto lock = root.lock_name(m_folder, "snapfix run " + m_name, m_patience);
    prepare(root, wanted);
    const auto manifest = snapshot::find_snapshot(root, m_folder);
    if (!manifest) {
      throw os::Error(os::format("the snapshot {} vanished", os::quoted(m_name)));
    }
    const std::string& source = manifest->meta.source;
    if (source != wanted.selection.source) {
      const auto text = os::format("the snapshot {} is one of another source, {}",
                                   os::quoted(m_name), os::quoted(source));
      if (m_options.has("source")) {
        throw os::Error(text, "name that one, or choose another name or --root");
      }
      os::note(text);
    }
    if (wanted.selection.files == source::FileSet::tracked) {
      refuse_untracked(source);
    }
    const auto to_run = command(*manifest);
    if (!m_options.flag("ctest")) { // there the freeze says it, once
      note_programs_in_source(to_run.environment, source, [this](const std::string& path) {
        return os::exists(m_path + "/" + path);
      });
    }
    auto record = start_record(to_run);
    record.finish = m_finish;
    const auto began = std::chrono::steady_clock::now();
    snapshot::write_run(root, m_folder, record);
    try {
      end = run_in_tree(root, m_folder, *manifest, to_run, m_guard, m_source_writes, record);
    } catch (const guard::CannotStart& failure) {
      end.exit_code = failure.error_number() == ENOENT ? k_not_found : k_not_executable;
      record_end(root, record, end);
      throw;
    }
    try {
      record_end(root, record, end);
    } catch (const std::exception& error) { // the command's own end is what counts
      os::note(os::format("the end of the run is not recorded: {}", error.what()));
    }
    tell(record);
    if (m_finish) {
      finish(root, lock, source, record, end, began);
      return;
    }
    tell_source_writes(record, source);
    if (print_changed_locks(root, m_name, *manifest)) {
      fail_for_a_finding(end);
    }
  });
  guard::end_as(end);
}

/// A failure of the command stands, but under ctest, where WILL_FAIL turns any exit code into a
/// pass.
void Run::fail_for_a_finding(guard::CommandEnd& end) const {
  if (m_options.flag("ctest")) {
    guard::abort_without_core();
  }
  if (end.signal == 0 && end.exit_code == 0) {
    end.exit_code = k_run_difference;
  }
}

void Run::finish(const snapshot::Root& root, const os::Lock& lock, const std::string& source,
                 const snapshot::RunRecord& record, guard::CommandEnd& end,
                 std::chrono::steady_clock::time_point began) const {
  const auto seconds_since = [](std::chrono::steady_clock::time_point moment) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - moment).count();
  };
  const double run_seconds = seconds_since(began);
  const auto ended = std::chrono::steady_clock::now();
  if (m_source_writes != guard::SourceWrites::report) { // else they are told as findings
    tell_source_writes(record, source);
  }
  const auto finishing = finish_snapshot(root, m_name, lock, *m_finish);
  tell_what_became_of(finishing, root, m_name);
  if (m_options.flag("ctest")) {
    print_measurements(m_ledger);
    print_measurement("run.seconds", run_seconds);
    print_measurements(finishing.snapshot.verified);
    print_measurement("finish.seconds", seconds_since(ended));
  }
  if (finishing.has_finding()) {
    fail_for_a_finding(end);
  }
}

void Run::record_end(const snapshot::Root& root, snapshot::RunRecord& record,
                     const guard::CommandEnd& end) const {
  record.end = {os::to_iso8601(os::now()), end.exit_code, end.signal};
  record.outlived = end.outlived;
  for (const auto& process : end.outlived) {
    os::note(os::format("process {} ({}) outlives the command", process.pid, process.name));
  }
  if (!m_finish && !m_options.flag("ctest")) { // there the cleanup looks at all files anyway
    record.changes = snapshot::count_changes(root, m_name);
  }
  snapshot::write_run(root, m_folder, record);
}

void Run::tell(const snapshot::RunRecord& record) const {
  if (const auto& did = record.guard.report) {
    for (const auto& [what, count] : did->failed) {
      os::warn(os::format("a shared file could not be made private: {} ({} times)", what, count));
    }
    for (const auto& [what, count] : did->unjudged) {
      os::note(os::format("the guard could not look at a call: {} ({} times)", what, count));
    }
  }
  if (m_options.flag("verbose")) {
    for (const auto& line : guard_lines(record.guard)) {
      os::print(stderr, "{}\n", line);
    }
  }
  if (const auto path = m_options.value("json-report")) {
    try {
      write_json(*path, m_name, record);
    } catch (const os::Error& error) { // the command's own end is what counts
      os::warn(error.what());
    }
  }
}

} // namespace

int run_in_snapshot(const std::vector<std::string>& arguments) {
  return Run(arguments)();
}

} // namespace snapfix::cli
