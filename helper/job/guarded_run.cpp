#include "job/guarded_run.hpp"

#include "guard/guarded_command.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/time_text.hpp"
#include "os/valgrind.hpp"
#include "snapshot/shared_files.hpp"
#include "source/git_folder.hpp"
#include "source/list.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <string_view>

namespace snapfix::job {
namespace {

/// What the guard did, with paths in place of inodes.
snapshot::GuardRecord guard_record(const snapshot::Snapshot& snapshot,
                                   guard::SourceWrites source_writes, const guard::Report& report) {
  snapshot::GuardReport out;
  for (const auto& [call, cost] : report.calls) {
    out.calls[call] = {cost.count, cost.seconds};
  }
  out.unjudged = report.unjudged;
  out.failed = report.failed;
  out.kernel = report.kernel;
  out.source_writes = os::word_of(source_writes);
  for (const auto& [path, program, call] : report.source_writes) {
    out.source_calls.push_back({path, program, call});
  }
  out.more_source_calls = report.more_source_writes;
  std::vector<std::uint64_t> inodes;
  for (const auto& file : report.broken) {
    inodes.push_back(file.inode);
  }
  if (!inodes.empty()) {
    const auto paths = snapshot::paths_of(snapshot, inodes);
    for (const auto& file : report.broken) {
      const auto path = paths.find(file.inode);
      if (path != paths.end()) {
        out.made_private.push_back({path->second, file.program, file.call});
      }
    }
    std::ranges::sort(out.made_private, {}, &snapshot::TouchedFile::path);
  }
  return {snapshot::GuardState::on, "", std::move(out)};
}

/// Whether the folder or one above it is a build tree.
bool lies_in_build_tree(const std::string& folder) {
  for (auto end = folder.size(); end != std::string::npos && end > 0;
       end = folder.rfind('/', end - 1)) {
    if (source::is_build_tree(folder.substr(0, end))) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> git_folders_elsewhere(const std::string& source) {
  std::vector<std::string> out;
  try {
    if (const auto git = source::find_git_folder(source)) {
      out = {git->own, git->common};
      std::erase_if(out, [&](const auto& folder) { return source::is_below(folder, source); });
    }
  } catch (const os::Error&) { // what leads to no repository keeps none
  }
  return out;
}

guard::ProtectedSource protected_source(const snapshot::Snapshot& snapshot,
                                        guard::SourceWrites writes) {
  guard::ProtectedSource out{snapshot.meta().source, writes, snapshot.root().path(), false, {}, {}};
  if (writes != guard::SourceWrites::allow) {
    out.git_folders = git_folders_elsewhere(out.path);
  }
  out.is_build_tree = lies_in_build_tree(out.path);
  if (out.is_build_tree && writes != guard::SourceWrites::allow) {
    const auto& base = snapshot.base();
    for (const auto& folder : base.folders()) {
      for (const auto& file : base.files_of(folder)) {
        out.files.push_back(base.path_of(folder, file));
      }
    }
    std::ranges::sort(out.files);
  }
  return out;
}

/// Of one of the guards that meet there: the numbers of their processes may be the same.
std::string own_staging(const std::string& meeting) {
  const auto now = os::now();
  return os::format("{}/{}-{}-{}", meeting, os::this_process(), now.seconds, now.nanoseconds);
}

} // namespace

void add_git_ceiling(os::Environment& environment, const std::string& snapshot) {
  constexpr std::string_view k_variable = "GIT_CEILING_DIRECTORIES";
  std::string ceilings = snapshot.substr(0, snapshot.rfind('/'));
  if (ceilings.find(':') != std::string::npos) {
    throw os::Error(os::format("the path of the root, {}, has a ':'", os::quoted(ceilings)),
                    "git takes that for two paths (GIT_CEILING_DIRECTORIES), and would find the "
                    "source's repository from the snapshot: choose another --root");
  }
  if (const auto given = environment.get(k_variable)) {
    if ((*given + ":").starts_with(ceilings + ":")) {
      return; // that of a recorded run
    }
    ceilings += ":" + *given;
  }
  environment.set(k_variable, ceilings);
}

snapshot::GuardRecord guard_before(Guard wanted) {
  return {wanted == Guard::off ? snapshot::GuardState::off : snapshot::GuardState::on, "", {}};
}

guard::CommandEnd run_in_tree(const snapshot::Snapshot& snapshot, const guard::Command& command,
                              Guard wanted, guard::SourceWrites source_writes,
                              snapshot::RunRecord& record, std::optional<os::Time> listed) {
  const auto& root = snapshot.root();
  const std::string& folder = snapshot.folder();
  if (wanted == Guard::off) {
    return guard::run_command(command);
  }
  const auto& group = record.group;                     // others may be at work
  if (!group && root.work().try_stat(folder.c_str())) { // of a guard that was killed
    root.discard_work(folder);
    root.clear_debris();
  }
  auto shared = snapshot::shared_files(snapshot);
  if (shared.inodes.empty() && source_writes == guard::SourceWrites::allow) {
    record.guard = {snapshot::GuardState::not_needed, "", {}};
    return guard::run_command(command);
  }
  try {
    if (os::runs_under_valgrind()) {
      throw guard::NoGuard("valgrind traces children, and snapfix is one: with "
                           "--trace-children-skip=*/snapfix as well it checks the command alone");
    }
    if (group) { // by all guards the same
      listed = root.snapshots().stat_of(folder.c_str()).mtime;
    }
    if (!listed) {
      listed = root.runs().stat_of(folder.c_str()).mtime;
    }
    const auto meeting = root.work().path() + "/" + folder;
    const guard::Protection protection{.device = shared.device,
                                       .inodes = std::move(shared.inodes),
                                       .listed_seconds = listed->seconds,
                                       .listed_nanoseconds = listed->nanoseconds,
                                       .tree = snapshot.path(),
                                       .staging = group ? own_staging(meeting) : meeting,
                                       .meeting = group ? meeting : "",
                                       .store = root.objects().path(),
                                       .source = protected_source(snapshot, source_writes)};
    auto guarded = guard::run_guarded(command, protection);
    record.guard = guard_record(snapshot, source_writes, guarded.report);
    return std::move(guarded.end);
  } catch (const guard::NoGuard& no) {
    if (wanted == Guard::on) {
      throw os::Error(std::string("cannot guard the shared files: ") + no.what(),
                      "'snapfix doctor' shows what this system can do; --guard auto runs without, "
                      "and verifies afterwards; enter: --guard off");
    }
    os::note(std::string("no guard (") + no.what() +
             "): what writes to a shared file is found afterwards");
    record.guard = {snapshot::GuardState::missing, no.what(), {}};
    if (!group) {
      snapshot::write_run(root, folder, record);
    }
  }
  return guard::run_command(command);
}

} // namespace snapfix::job
