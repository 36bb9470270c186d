#include "job/run.hpp"

#include "job/command.hpp"
#include "job/past.hpp"
#include "job/program_note.hpp"
#include "job/report.hpp"
#include "job/source_writes.hpp"
#include "job/uv_locked.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/time_text.hpp"
#include "snapshot/name.hpp"
#include "snapshot/new_root.hpp"
#include "snapshot/verify.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace snapfix::job {
namespace {

class Stopwatch {
public:
  /// Since it was made, or since the last lap.
  double lap() {
    const auto before = std::exchange(m_began, std::chrono::steady_clock::now());
    return std::chrono::duration<double>(m_began - before).count();
  }

private:
  std::chrono::steady_clock::time_point m_began = std::chrono::steady_clock::now();
};

class Run {
public:
  Run(const snapshot::Root& root, const RunOptions& options)
      : m_options(options),
        m_asked(options.from_ticket ? options.from_ticket->asked : os::to_seconds(os::now())),
        m_waiting{options.patience,
                  options.from_ticket ? options.from_ticket->is_wanted : std::function<bool()>()},
        m_entry(enter(root, options.name, options.group, m_waiting)), m_held(m_entry.held),
        m_last(m_held.last_run()),
        m_parent(options.from_ticket ? options.from_ticket->parent : snapshot::our_parent()) {}

  RunResult operator()();

private:
  void prepare();
  bool is_further_attempt() const;
  void finish_killed_run();
  void require_usable(const snapshot::Snapshot& standing) const;
  void check_source() const;
  guard::Command prepare_command(const std::string& source) const;
  void begin_record();
  void start_record(const guard::Command& command);
  void execute(const guard::Command& command);
  void record_end();
  snapshot::FinishOptions finish_options() const;
  bool is_last();
  void require_all_tasks();
  void finish(const std::string& source);
  void finish_without_run() noexcept;

  const RunOptions& m_options;
  double m_asked; ///< for the name
  Waiting m_waiting;
  Entry m_entry;
  snapshot::Held& m_held;
  const std::optional<snapshot::RunRecord>& m_last; ///< the run before, of that name
  std::optional<snapshot::RunParent> m_parent;
  bool m_has_begun = false; ///< and the record says so
  RunResult m_out;
};

/// Whether what started this run has started the last one, too: ctest --repeat.
bool Run::is_further_attempt() const {
  return m_options.under_ctest && m_last && m_parent && m_last->parent == m_parent;
}

/// Makes the snapshot if it is missing; where it is to be fresh also if it was used, its lock was
/// changed, or it is of another state.
void Run::prepare() {
  finish_killed_run();
  const auto* standing = m_held.snapshot();
  const bool fresh = m_options.fresh;
  if (standing == nullptr && !fresh) {
    if (m_held.root().stat_of_tree(m_held.folder())) {
      m_held.require(); // says what stands there
    }
    if (!m_options.under_ctest) {
      const auto like = snapshot::name_like(m_held.root(), m_held.name());
      os::note(os::format("there is no snapshot {}{}: it is made", os::quoted(m_held.name()),
                          like ? os::format(" (there is {})", os::quoted(*like)) : ""));
    }
  }
  if (standing != nullptr && !fresh) {
    require_usable(*standing);
  }
  // What an earlier run changed was told at its end, and goes now.
  const bool is_told = fresh && m_options.finish && m_last;
  const bool lock_changed = standing != nullptr && !is_told && print_changed_locks(*standing);
  if (lock_changed && !fresh) {
    throw os::Error(
        os::format("the command would run with another lock in {}", os::quoted(m_held.name())),
        "--fresh makes the snapshot anew");
  }
  // A further attempt makes it anew: nobody would look at this change again.
  if (lock_changed && is_further_attempt()) {
    throw os::Error("an earlier attempt of this test changed the lock");
  }
  if (standing != nullptr && !fresh) {
    check_locks(*standing, m_options.create, m_options.locks);
    return;
  }
  auto locks = m_options.locks;
  // The submitter of a job has checked the base that it names, and no other.
  locks.is_done = locks.is_done && !m_options.create.base.id.empty();
  auto options = m_options.create;
  options.existing = snapshot::Existing::refresh;
  options.run = m_options.finish ? &m_out.record : nullptr;
  for (;;) {
    auto base = choose_checked_base(m_held.root(), options, locks);
    if (standing != nullptr && !lock_changed && !m_last &&
        snapshot::is_as_made(*standing, base.base, options.tree)) {
      return;
    }
    if (const auto created = snapshot::create(m_held, options, std::move(base))) {
      m_out.ledger = created->ledger;
      m_out.record.times.taken = os::to_seconds(os::now());
      if (!m_options.under_ctest || m_options.finish) { // else the setup has said it
        print_notes(*created);
      }
      break;
    }
  }
  m_held.root().clear_debris();
}

/// An earlier run of that name, which was to be finished. This one goes on in its tree, or makes it
/// anew, but for a further attempt (ctest --repeat): with it nobody would look at what was found.
void Run::finish_killed_run() {
  if (!m_last || !m_last->finish || m_held.snapshot() == nullptr) {
    return;
  }
  auto how = *m_last->finish;
  how.keep = snapshot::Keep::always;
  bool has_finding = false;
  try {
    has_finding = job::finish(m_held, m_last, how).has_finding();
  } catch (const os::Error& error) {
    os::note(os::format("what an earlier run has changed is not known: {}", error.what()));
  }
  if (has_finding && is_further_attempt()) {
    throw os::Error("an earlier attempt of this test changed what it must not");
  }
}

void Run::require_usable(const snapshot::Snapshot& standing) const {
  standing.require_whole();
  const auto& tree = m_options.create.tree;
  if (m_options.names_locks && tree.uv_locked != uv_projects_of(standing)) {
    throw os::Error("the snapshot stands, and was not made with that --uv-locked",
                    "--fresh makes it anew, its lock checked; without --uv-locked the command "
                    "runs in it as it stands");
  }
  if (m_options.names_tree && standing.meta().options != snapshot::RecordedOptions::of(tree)) {
    os::warn("the snapshot stands, made with other options; it is used as it is: --fresh makes it "
             "anew with those that are given");
  }
}

void Run::check_source() const {
  const std::string& source = m_held.require().meta().source;
  if (source == m_options.create.selection.source) {
    return;
  }
  const auto text = os::format("the snapshot {} is one of another source, {}",
                               os::quoted(m_held.name()), os::quoted(source));
  if (m_options.names_source || m_options.finish) { // which would remove another's
    throw os::Error(text, "name that one, or choose another name or --root");
  }
  os::note(text);
}

guard::Command Run::prepare_command(const std::string& source) const {
  auto out = command_in(m_held.require(), m_options);
  if (!m_options.under_ctest) { // there the freeze says it, once
    note_programs_in_source(out.environment, source, [this](const std::string& path) {
      return os::exists(m_held.path() + "/" + path);
    });
  }
  return out;
}

void Run::begin_record() {
  auto& record = m_out.record;
  record.host = os::host_name();
  record.pid = os::this_process();
  record.started = os::to_iso8601(os::now());
  record.times.asked = m_asked;
  record.times.taking = os::to_seconds(os::now());
  record.parent = m_parent;
  if (const auto& ticket = m_options.from_ticket) { // whose parent, here, is no ctest
    record.ticket = ticket->name;
    record.ctest = ticket->ctest;
  } else if (m_options.under_ctest) {
    record.ctest = os::folder_of_process(os::parent_process());
  }
  record.wishes = {os::word_of(m_options.guard), os::word_of(m_options.source_writes),
                   m_options.locks.uv, m_options.pack_environment};
  record.guard = guard_before(m_options.guard);
  record.finish = m_options.finish;
}

void Run::start_record(const guard::Command& command) {
  auto& record = m_out.record;
  record.command = command.arguments;
  record.environment = command.environment.variables();
  record.folder = command.folder;
  record.started = os::to_iso8601(os::now());
  record.times.began = os::to_seconds(os::now());
  if (const auto& group = m_options.group) {
    announce(m_entry, record, *group);
  } else {
    snapshot::write_run(m_held.root(), m_held.folder(), record);
  }
  m_has_begun = true;
}

/// Whether the snapshot is ours to finish, and the record in `m_out` then that of all.
bool Run::is_last() {
  if (!m_options.group) {
    return true;
  }
  const bool out = leave(m_entry, m_out.record, m_has_begun, m_waiting);
  if (out) {
    m_held.root().discard_work(m_held.folder()); // where the guards have met
    end_group(m_entry);
    m_held.root().clear_debris();
  }
  return out;
}

void Run::execute(const guard::Command& command) {
  try {
    m_out.end = run_in_tree(m_held.require(), command, m_options.guard, m_options.source_writes,
                            m_out.record);
  } catch (const guard::CannotStart& failure) {
    m_out.end.exit_code = failure.exit_code();
    record_end();
    throw;
  }
  try {
    record_end();
  } catch (const std::exception& error) { // the command's own end is what counts
    os::note(os::format("the end of the run is not recorded: {}", error.what()));
  }
}

void Run::record_end() {
  auto& record = m_out.record;
  const auto& end = m_out.end;
  record.end = {os::to_iso8601(os::now()), end.exit_code, end.signal};
  record.times.ended = os::to_seconds(os::now());
  record.outlived = end.outlived;
  for (const auto& process : end.outlived) {
    os::note(os::format("process {} ({}) outlives the command", process.pid, process.name));
  }
  if (record.group) {
    return; // it goes into the record of all
  }
  m_held.look_again();
  const auto* snapshot = m_held.snapshot();
  if (snapshot != nullptr && !m_options.finish && !m_options.under_ctest) {
    record.changes = snapshot::count_changes(*snapshot);
  } // else who finishes it looks at all files anyway
  snapshot::write_run(m_held.root(), m_held.folder(), record);
}

/// Whatever exit code is to pass. A task that failed tells that; of a job, its submitter counts.
void Run::require_all_tasks() {
  const auto& group = m_out.record.group;
  const auto verdict = m_options.finish ? m_options.finish->verdict : snapshot::Verdict();
  const snapshot::RunEnd end{"", m_out.end.exit_code, m_out.end.signal};
  if (group && !m_options.from_ticket && outcome_of(end, verdict) != snapshot::Outcome::failed) {
    if (const auto missing = missing_tasks(*group)) {
      m_out.failure = std::make_exception_ptr(*missing);
    }
  }
}

/// Of a job the submitter makes the pack, since what lies in a root loads no libraries.
snapshot::FinishOptions Run::finish_options() const {
  auto out = *m_options.finish;
  if (m_options.from_ticket) {
    out.pack_to.clear();
  }
  return out;
}

void Run::finish(const std::string& source) {
  if (const auto& did = m_out.record.guard.report) {
    for (const auto& [what, count] : did->failed) {
      os::warn(os::format("a shared file could not be made private: {} (calls: {})", what, count));
    }
    for (const auto& [what, count] : did->unjudged) {
      os::note(os::format("the guard could not look at a call: {} (calls: {})", what, count));
    }
  }
  const bool reports = m_options.finish && m_options.source_writes == guard::SourceWrites::report;
  if (!reports) { // else they are told as findings
    tell_source_writes(m_out.record, source);
  }
  if (!is_last()) {
    return;
  }
  if (m_options.group) {
    m_held.look_again();
    if (!m_options.finish && !m_options.under_ctest && m_held.snapshot() != nullptr) {
      m_out.record.changes = snapshot::count_changes(*m_held.snapshot());
      snapshot::write_run(m_held.root(), m_held.folder(), m_out.record);
    }
    require_all_tasks();
  }
  if (m_options.finish) {
    m_out.finishing = job::finish(m_held, m_out.record, finish_options());
    m_out.has_finding = m_out.finishing->has_finding();
  } else {
    m_out.has_finding = print_changed_locks(m_held);
  }
}

/// Where no command was run: why not is what is to be told.
void Run::finish_without_run() noexcept {
  m_out.failure = std::current_exception();
  try {
    if (!is_last()) {
      return;
    }
    m_out.finishing =
        job::finish(m_held, m_out.record, finish_options(), message_of(m_out.failure));
  } catch (const std::exception&) {
  }
}

RunResult Run::operator()() {
  begin_record();
  try {
    if (m_entry.is_first) {
      prepare();
    }
    check_source();
  } catch (const os::Error& error) {
    if (m_entry.is_first && (m_options.finish || m_options.under_ctest)) {
      remember_failure(m_held, m_out.record, error.what());
    }
    throw;
  }
  const std::string source = m_held.require().meta().source;
  Stopwatch watch;
  try {
    const auto command = prepare_command(source);
    if (command.is_wanted && !command.is_wanted()) {
      throw os::Error("the run that submitted this job is gone: its command is not run");
    }
    start_record(command);
    watch.lap();
    execute(command);
  } catch (...) {
    if (!m_options.finish) {
      const auto failure = std::current_exception();
      is_last(); // which records our end
      std::rethrow_exception(failure);
    }
    finish_without_run();
    return std::move(m_out);
  }
  m_out.run_seconds = watch.lap();
  finish(source);
  m_out.finish_seconds = watch.lap();
  return std::move(m_out);
}

} // namespace

RunResult run(const RunOptions& options) {
  RunResult out;
  snapshot::in_root(options.create.selection.root,
                    [&](const snapshot::Root& root) { out = Run(root, options)(); });
  return out;
}

} // namespace snapfix::job
