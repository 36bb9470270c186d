#include "job/lock_check.hpp"

#include "guard/guarded_command.hpp"
#include "job/guarded_run.hpp"
#include "job/report.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/subprocess.hpp"
#include "os/time_text.hpp"
#include "snapshot/manage.hpp"
#include "snapshot/name.hpp"
#include "snapshot/run_record.hpp"
#include "source/listing.hpp"
#include "uv/lock_check.hpp"
#include "uv/program.hpp"
#include "uv/settings.hpp"

#include <algorithm>
#include <sstream>

namespace snapfix::job {
namespace {

constexpr const char* k_fits = "fits";

std::string below(const std::string& folder, const char* name) {
  return folder.empty() ? name : folder + "/" + name;
}

bool is_script(const snapshot::Base& base, const std::string& locked) {
  return base.find(locked).has_value();
}

std::string shown(const std::string& locked) {
  return locked.empty() ? "." : locked;
}

/// What tells the ctest run that called us from all others.
std::string this_run(const LockOptions& options) {
  const auto run = options.under_ctest ? os::identify_parent() : std::nullopt;
  return run ? os::format("{} {} {}", run->machine, run->pid, run->start_time) : "";
}

/// Of the uv that is asked. A stand-in is asked for its release once a ctest run.
std::string identity_of(const snapshot::Root& root, const std::string& uv, const std::string& run,
                        const os::Environment& environment) {
  const auto identity = uv::identity_of(uv);
  if (!identity.is_a_stand_in) {
    return identity.file;
  }
  std::string rests_on = identity.file + "\n" + run;
  for (const auto& variable : environment.variables()) {
    rests_on += '\0' + variable;
  }
  const auto mark = "uv." + os::hash_of(rests_on).hex();
  const auto known = run.empty() ? std::nullopt : os::read_small_file(root.checks(), mark.c_str());
  const auto version = known ? *known : uv::release_of(uv).version;
  if (!run.empty() && !known) {
    os::replace_file(root.checks(), mark.c_str(), version);
  }
  return identity.file + " " + version;
}

} // namespace

std::vector<std::string> locks_of(const snapshot::Base& base, const std::string& locked) {
  if (is_script(base, locked)) {
    return {locked + ".lock"};
  }
  std::vector<std::string> out;
  for (const auto& folder : uv::lock_folders(locked)) {
    out.push_back(below(folder, "uv.lock"));
  }
  return out;
}

std::string indented(const std::string& text, std::size_t most) {
  std::istringstream lines(text);
  std::string out;
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    if (count < most) {
      out += "\n    " + line;
    }
  }
  return count > most ? out + os::format("\n    ... and {} lines more", count - most) : out;
}

LockCheck::LockCheck(const snapshot::Root& root, const snapshot::CreateOptions& wanted,
                     const LockOptions& options)
    : m_root(root), m_wanted(wanted), m_uv(uv::find(options.uv)), m_patience(options.patience),
      m_run(this_run(options)), m_environment(uv::check_environment(os::environment_without_git())),
      m_surroundings(uv::surroundings_of_check(identity_of(root, m_uv, m_run, m_environment),
                                               m_environment, root.path())) {}

std::string LockCheck::mark(const os::Hash& base, const std::string& locked,
                            const std::string& run) const {
  std::string rests_on = m_surroundings.hex() + " uv lock " + locked;
  for (const auto& pattern : m_wanted.tree.exclude.patterns()) {
    rests_on += '\0' + pattern; // what is left out may be a part of the project
  }
  if (!run.empty()) {
    rests_on += "\n" + run;
  }
  return base.hex() + "." + os::hash_of(rests_on).hex();
}

bool LockCheck::has_passed(const snapshot::Base& base) const {
  return std::ranges::all_of(m_wanted.tree.uv_locked, [&](const std::string& locked) {
    return is_known_to_fit(base.id(), locked);
  });
}

bool LockCheck::is_known_to_fit(const os::Hash& base, const std::string& locked) const {
  const std::string lasting = mark(base, locked, "");
  if (m_fit.contains(lasting)) {
    return true;
  }
  for (const auto& name : {lasting, mark(base, locked, m_run)}) {
    const auto answer = os::read_small_file(m_root.checks(), name.c_str()).value_or("");
    if (answer == k_fits) {
      return true;
    }
    const auto end_of_hint = answer.find('\n');
    if (end_of_hint != std::string::npos) {
      const auto asked = m_root.checks().stat_of(name.c_str()).mtime;
      throw os::Error(os::format("{}\n    (asked at {}, and not again of the same state)",
                                 answer.substr(end_of_hint + 1), os::to_iso8601(asked)),
                      answer.substr(0, end_of_hint));
    }
  }
  return false;
}

/// As a file: k_fits, or the hint's line and the failure. An empty one, as a power cut leaves it,
/// says nothing.
void LockCheck::remember(const os::Hash& base, const std::string& locked, const Answer& answer) {
  if (answer.failure.empty()) {
    m_fit.insert(mark(base, locked, ""));
  }
  if (answer.lasts || !m_run.empty()) {
    os::replace_file(m_root.checks(), mark(base, locked, answer.lasts ? "" : m_run).c_str(),
                     answer.failure.empty() ? k_fits : answer.hint + "\n" + answer.failure);
  }
}

void LockCheck::run(const os::Hash& base_id) {
  const auto base = snapshot::Base::load(m_root.bases(), base_id);
  if (!base) {
    return; // the source has changed, and nothing was made of that state: there is another now
  }
  for (const auto& locked : m_wanted.tree.uv_locked) {
    require_lock(*base, locked);
    check(*base, locked);
  }
}

/// Says early, and in words of ours, what uv would say of a file that the snapshot lacks.
void LockCheck::require_lock(const snapshot::Base& base, const std::string& locked) const {
  const auto holds = [&](const std::string& path) {
    return base.find(path) && !m_wanted.tree.exclude.matches(path);
  };
  const std::string what = is_script(base, locked) ? locked : below(locked, "pyproject.toml");
  if (!holds(what)) {
    throw os::Error(os::format("--uv-locked {}: the snapshot would have no {}",
                               os::quoted(shown(locked)), os::quoted(what)),
                    "does git track it, or does --exclude leave it out? --include takes ignored "
                    "files as well");
  }
  const auto locks = locks_of(base, locked);
  const auto lock = std::ranges::find_if(locks, holds);
  if (lock == locks.end()) {
    const bool is_there = std::ranges::any_of(
        locks, [this](const std::string& path) { return os::exists(in_source(path)); });
    throw os::Error(
        is_script(base, locked)
            ? os::format("--uv-locked {}: the snapshot would have no {}", os::quoted(locked),
                         os::quoted(locks[0]))
            : os::format(
                  "--uv-locked {}: the snapshot would have no uv.lock in that folder or above it",
                  os::quoted(shown(locked))),
        is_there ? "the source has one: does git track it, or does --exclude leave it out?"
                 : how_to_lock(base, locked));
  }
  if (base.files()[*base.find(*lock)].is_symlink()) {
    throw os::Error(
        os::format("{} is a symlink: uv would write to what it leads to", os::quoted(*lock)),
        "put the lock itself in its place");
  }
}

std::string LockCheck::in_source(const std::string& locked) const {
  return m_wanted.selection.source + "/" + locked;
}

std::string LockCheck::how_to_lock(const snapshot::Base& base, const std::string& locked) const {
  return is_script(base, locked)
             ? os::format("run `uv lock --script {0}`, and commit {0}.lock", in_source(locked))
             : os::format("run `uv lock` in {}, and commit uv.lock", in_source(locked));
}

/// One at a time for each project: who comes second finds what the first one was told.
void LockCheck::check(const snapshot::Base& base, const std::string& locked) {
  const std::string name = os::format("{}{}", snapshot::k_scratch_prefix,
                                      os::hash_of(m_wanted.selection.source + "\n" + locked).hex());
  snapshot::Held held(m_root, name, "snapfix: uv lock --check in", m_patience);
  if (is_known_to_fit(base.id(), locked)) {
    return;
  }
  const auto clear = [&] {
    snapshot::finish(held, {}, {.keep = snapshot::Keep::never, .verdict = {}}, "", print_findings);
  };
  Answer answer;
  try {
    answer = ask(held, base, locked);
    // First the mark: with the scratch snapshot goes the file of its lock, and the next one's turn
    // comes.
    remember(base.id(), locked, answer);
    if (!answer.failure.empty()) {
      throw os::Error(answer.failure, answer.hint);
    }
  } catch (...) {
    try {
      clear();
    } catch (const os::Error&) { // prune takes it; what failed first is what is to be told
    }
    throw;
  }
  clear();
}

LockCheck::Answer LockCheck::ask(snapshot::Held& held, const snapshot::Base& base,
                                 const std::string& locked) const {
  const auto asked = uv::release_of(m_uv);
  if (const auto others = uv::other_releases(asked, m_environment); !others.empty()) {
    os::note(os::format("uv {} checks the lock, and PATH holds uv {} as well: two releases may "
                        "disagree about a lock (required-version in [tool.uv] settles which)",
                        uv::to_text(asked), uv::to_text(others)));
  }
  snapshot::CreateOptions scratch = m_wanted;
  scratch.base = {base.id().hex(), false};
  scratch.existing = snapshot::Existing::refresh;
  if (!guard::probe_guard().works) { // build backends write into the tree
    scratch.tree.link_mode = snapshot::LinkMode::copy;
  }
  while (!snapshot::create(held, scratch, snapshot::choose_base(m_root, scratch))) {
  }
  const snapshot::Snapshot& snapshot = held.require();
  const bool script = is_script(base, locked);
  const std::string place = held.path() + "/" + locked;
  guard::Command command;
  command.arguments = uv::check_command(m_uv, script ? std::string(source::name_of(place)) : "");
  command.environment = m_environment;
  command.folder = script ? std::string(source::folder_of(place)) : place;
  command.environment.set("PWD", command.folder);
  add_git_ceiling(command.environment, held.path()); // as the test will see it
  command.parent = os::parent_process();
  const auto output = os::make_memory_file();
  command.output = output.get();
  snapshot::RunRecord record;
  record.command = command.arguments;
  record.guard = guard_before(Guard::automatic);
  snapshot::write_run(m_root, held.folder(), record);
  const auto end =
      run_in_tree(snapshot, command, Guard::automatic, guard::SourceWrites::allow, record);
  const auto said = os::text_of(output.get(), "the output of uv");
  Answer out = answer_of(end, base, locked, said);
  out.lasts = out.lasts && !uv::may_change_unseen(m_environment, place);
  return out;
}

/// What does not last might be another answer tomorrow.
LockCheck::Answer LockCheck::answer_of(const guard::CommandEnd& end, const snapshot::Base& base,
                                       const std::string& locked, const std::string& output) const {
  constexpr std::size_t k_most_lines = 60;
  const auto words = "; uv says:" + indented(output, k_most_lines);
  const std::string what = os::quoted(shown(locked));
  if (end.signal != 0) {
    return {
        os::format("`uv lock --check` for {} was killed by signal {}{}", what, end.signal, words),
        "", false};
  }
  switch (uv::judge_check(end.exit_code, output)) {
  case uv::Verdict::current:
    return {};
  case uv::Verdict::stale:
    return {os::format("the lock of {} is stale{}", what, words), how_to_lock(base, locked), true};
  case uv::Verdict::missing:
    return {
        os::format("uv finds no lock of {}{}", what, words),
        "the uv.lock in a folder above is not its own: make it a member of that workspace, or " +
            how_to_lock(base, locked),
        true};
  case uv::Verdict::too_old:
    return {
        os::format("uv {} is too old to check the lock of {}{}", uv::to_text(uv::release_of(m_uv)),
                   what, words),
        os::format("install uv {} or newer, or name another one: SNAPSHOT_FIXTURES_UV in CMake, "
                   "--uv on the command line",
                   is_script(base, locked) ? uv::k_first_release_for_scripts : uv::k_first_release),
        true};
  case uv::Verdict::failed:
    break;
  }
  return {os::format("`uv lock --check` for {} failed with exit code {}, and so it is not known "
                     "whether the lock fits{}",
                     what, end.exit_code, words),
          os::format("see what uv needs; it ran as in {}, in a copy of it", in_source(locked)),
          false};
}

} // namespace snapfix::job
