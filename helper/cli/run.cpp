#include "job/run.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/finish_arguments.hpp"
#include "cli/run_report.hpp"
#include "cli/tree_arguments.hpp"
#include "job/report.hpp"
#include "job/submit.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/split.hpp"
#include "source/glob.hpp"

#include <algorithm>
#include <string_view>

namespace snapfix::cli {
namespace {

void add_options(Arguments& options) {
  add_name_option(options);
  add_tree_options(options);
  add_base_options(options);
  options.add_flag("fresh",
                   "make a snapshot that was used, or is of another state, pristine first");
  options.add_value("chdir", "FOLDER", "run in this folder of the snapshot");
  options.add_flag("map-source",
                   "in arguments and environment, replace paths under the source by those in the "
                   "snapshot");
  options.add_list("verbatim", "WORD",
                   "leave this word of the command as it is: neither a path under the source nor "
                   "@SNAPSHOT_DIR@ is replaced in it; may be repeated");
  options.add_value_or_nothing("wrapper", "COMMAND",
                               "run the command through this one; its words are separated by ;");
  options.add_list_or_nothing(
      "launcher", "WORDS",
      "have the run done elsewhere: this command, its words separated by ;, starts the root's own "
      "snapfix there, which its last words name, and waits for it; where it is repeated, each is "
      "one word");
  options.add_flag("join", "work in the snapshot together with the other tasks of a job that say "
                           "so: the first makes it, the last finishes it");
  options.add_value(
      "tasks", "N",
      "how many tasks that are, or the job of a launcher has; default: as Slurm says");
  options.add_value("guard", "auto|on|off",
                    "make a shared file private at its first change. auto (default): where the "
                    "kernel can, else run without; on: else do not run; off: never");
  options.add_value("source-writes", "deny|report|allow",
                    "what becomes of a change of the source, as the guard sees it. deny (default): "
                    "it fails with EROFS, and is told; report: it is let through, and verify and "
                    "finish find it; allow: it is let through");
  add_report_options(options);
  options.add_value("wait", "SECONDS",
                    "how long to wait for a snapshot that is in use, and for tasks that have not "
                    "begun; default: until it is free, and two minutes");
  options.add_flag("ctest", "called by the CMake module: own failures end in SIGABRT");
  options.add_flag("finish", "finish the snapshot when the command has ended, as 'snapfix finish' "
                             "does; the next freeze does it where this is killed");
  add_finish_options(options);
}

std::string folder_from(const Arguments& options) {
  auto out = options.value("chdir").value_or("");
  const auto components = source::split_path(out);
  if (out.starts_with('/') ||
      std::ranges::find(components, std::string_view("..")) != components.end()) {
    options.fail(os::format("--chdir {} leaves the snapshot", os::quoted(out)),
                 "name a folder relative to the snapshot");
  }
  return out;
}

std::optional<job::Group> group_from(const Arguments& options) {
  constexpr std::uint64_t k_most_tasks = 1'000'000;
  const auto tasks = options.number("tasks", 1, k_most_tasks);
  if (tasks && !options.flag("join") && !options.has("launcher")) {
    options.fail("--tasks is for --join and --launcher");
  }
  if (!options.flag("join") && !tasks) {
    return std::nullopt;
  }
  if (options.has("launcher")) { // its job is one in any case
    return tasks ? std::optional(job::Group{"", static_cast<unsigned>(*tasks)}) : std::nullopt;
  }
  auto out = job::group_here();
  out.tasks = tasks ? static_cast<unsigned>(*tasks) : out.tasks;
  return out;
}

job::RunOptions run_options_from(const Arguments& options) {
  job::RunOptions out;
  out.name = options.words()[0];
  out.patience = patience_from(options);
  out.guard = options.choice("guard", job::Guard::automatic);
  out.source_writes = options.choice("source-writes", guard::SourceWrites::deny);
  out.under_ctest = options.flag("ctest");
  if (out.guard == job::Guard::off && options.has("source-writes") &&
      out.source_writes != guard::SourceWrites::allow && !out.under_ctest) {
    options.fail("--source-writes deny and report are the guard's work, and --guard off is given",
                 "leave out one of the two");
  }
  if (options.flag("finish")) {
    out.finish = finish_options_from(options);
  }
  out.pack_environment = pack_environment_from(options);
  for (const char* name : {"keep", "verdict", "spares", "pack", "pack-env"}) {
    const bool is_for_job = name == std::string_view("pack-env") && options.has("launcher");
    if (!out.finish && options.has(name) && !is_for_job) {
      options.fail(
          os::format("--{} says how the snapshot is finished, and --finish is missing", name));
    }
  }
  out.folder = folder_from(options);
  out.create = create_options_from(options, out.name);
  out.fresh = options.flag("fresh");
  out.names_source = options.has("source");
  out.names_tree = gives_tree_options(options);
  out.names_locks = options.has("uv-locked");
  out.command = options.command();
  out.verbatim = options.list("verbatim");
  out.wrapper = os::split(options.value("wrapper").value_or(""), ';');
  std::erase(out.wrapper, "");
  out.map_source = options.flag("map-source");
  out.source_as_given =
      os::absolute_path(options.value("source").value_or(out.create.selection.source));
  out.locks = lock_options_from(options);
  out.group = group_from(options);
  return out;
}

void print_measurements(const job::RunResult& result) {
  job::print_measurements(result.ledger);
  job::print_measurement("run.seconds", result.run_seconds);
  job::print_measurements(result.finishing->snapshot.verified);
  job::print_measurement("finish.seconds", result.finish_seconds);
}

/// Ends as the command did, with all that is to be said last.
int tell_end(const Arguments& options, const job::RunOptions& wanted,
             const job::RunResult& result) {
  if (result.failure || result.told_failure) {
    const int exit_code = result.failure ? tell_failure(result.failure) : *result.told_failure;
    if (result.finishing) {
      job::tell_what_became_of(*result.finishing);
    }
    return failure_of_run(exit_code, wanted.under_ctest);
  }
  report_run(options, wanted.name, result);
  if (result.finishing) {
    if (wanted.under_ctest) {
      print_measurements(result);
      if (!result.finishing->pack.empty()) {
        job::print_attachment(result.finishing->pack);
      }
    }
    // Last: who looks for the tree looks at the end. Not where ctest searches what is said.
    if (!(wanted.under_ctest && wanted.finish->verdict.by_output) || result.has_finding) {
      job::tell_what_became_of(*result.finishing);
    }
  }
  const bool has_passed = result.end.signal == 0 && result.end.exit_code == 0;
  if (says_success(options) && has_passed && !result.has_finding) {
    os::print("snapfix: the exit code is 0\n");
  }
  if (result.has_finding && wanted.under_ctest) { // WILL_FAIL turns any exit code into a pass
    return failure_of_run(k_failed, wanted.under_ctest);
  }
  end_as(result);
}

} // namespace

int run_in_snapshot(const std::vector<std::string>& arguments) {
  Arguments options(
      "run",
      "Runs a command in its snapshot, which is made where it is missing. The command sees\n"
      "SNAPSHOT_DIR, SNAPSHOT_NAME and SNAPSHOT_SOURCE_DIR; @SNAPSHOT_DIR@ in its arguments\n"
      "and environment is replaced. Its exit code is passed on; 123 in place of 0 if it\n"
      "changed a lock that --uv-locked holds, or with --finish shared files.",
      {"NAME", 1, 1}, TakesCommand::yes);
  add_options(options);
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto wanted = run_options_from(options);
  auto launcher = options.list("launcher");
  if (launcher.size() == 1) {
    launcher = os::split(launcher[0], ';');
  }
  if (options.has("launcher") && (launcher.empty() || launcher[0].empty())) {
    options.fail("--launcher names no program", "leave it out where the run is to be done here");
  }
  return tell_end(options, wanted,
                  launcher.empty() ? job::run(wanted) : job::submit(wanted, launcher));
}

} // namespace snapfix::cli
