#include "job/submit.hpp"

#include "job/command.hpp"
#include "job/finish.hpp"
#include "job/helper.hpp"
#include "job/past.hpp"
#include "job/pasteable.hpp"
#include "job/report.hpp"
#include "job/ticket_text.hpp"
#include "job/uv_locked.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/time_text.hpp"
#include "os/units.hpp"
#include "snapshot/name.hpp"
#include "snapshot/new_root.hpp"
#include "snapshot/ticket.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace snapfix::job {
namespace {

constexpr const char* k_ticket = "@SNAPSHOT_TICKET@";

std::string with_semicolons(std::string line) {
  std::ranges::replace(line, ' ', ';');
  return line;
}

/// What the launcher is to start, as its words or in them.
std::vector<std::string> words_of(const std::vector<std::string>& launcher,
                                  const snapshot::Root& root, const std::string& name,
                                  const std::string& ticket) {
  const std::array<std::pair<const char*, std::string>, 3> replacements{
      {{"@SNAPSHOT_ROOT@", root.path()}, {"@SNAPSHOT_NAME@", name}, {k_ticket, ticket}}};
  bool names_ticket = false;
  std::vector<std::string> out;
  for (std::string word : launcher) {
    names_ticket = names_ticket || word.find(k_ticket) != std::string::npos;
    for (const auto& [placeholder, value] : replacements) {
      replace_all(word, placeholder, value);
    }
    out.push_back(std::move(word));
  }
  if (!names_ticket) {
    out.insert(out.end(), {helper_in(root.path()), "job", ticket});
  }
  return out;
}

/// The variables that the job is to have whatever the launcher carries.
std::vector<std::string> variables_of(const RunOptions& options) {
  std::vector<std::string> out;
  const auto here = os::Environment::current();
  for (const auto& name : options.pack_environment) {
    if (const auto value = here.get(name)) {
      out.push_back(name + "=" + *value);
    }
  }
  return out;
}

/// What the job need not find out: its base, and that uv's locks fit.
RunOptions options_of_job(const snapshot::Root& root, const RunOptions& options,
                          const snapshot::RunRecord& submitted) {
  auto out = options;
  out.from_ticket = {{},
                     variables_of(options),
                     submitted.parent,
                     submitted.ctest,
                     submitted.times.asked,
                     group_here().id,
                     {}};
  const auto standing = snapshot::Snapshot::find(root, snapshot::folder_of_name(options.name));
  if (standing && !options.fresh) {
    check_locks(*standing, options.create, options.locks);
    return out;
  }
  const auto chosen = choose_checked_base(root, options.create, options.locks);
  if (chosen.frozen) {
    print_notes(*chosen.frozen);
  }
  out.create.base = {chosen.base.id().hex(), false};
  return out;
}

bool is_missing(const snapshot::TicketTask& task) {
  return !task.result;
}

/// The end of a task that failed, where the snapshot is finished: launchers start a job that failed
/// again. Where none failed, one that comes now is a task that was not counted: os::Error.
std::optional<guard::CommandEnd> earlier_end(const snapshot::TakenTicket& ticket,
                                             const snapshot::Verdict& verdict) {
  std::optional<guard::CommandEnd> failed;
  bool is_finished = false;
  for (const auto& text : ticket.results()) {
    const auto result = run_result_from(text);
    const snapshot::RunEnd end{"", result.end.exit_code, result.end.signal};
    is_finished = is_finished || result.finishing;
    if (outcome_of(end, verdict) == snapshot::Outcome::failed) {
      failed = result.end;
    }
  }
  if (is_finished && !failed) {
    throw os::Error("the other tasks of this job have ended, and its snapshot is finished",
                    "say how many tasks there are: --tasks N (TASKS N)");
  }
  return is_finished ? failed : std::nullopt;
}

/// Why there is no result, or not of all.
std::exception_ptr failure_without_result(const std::vector<std::string>& words,
                                          const guard::CommandEnd& end,
                                          const std::vector<snapshot::TicketTask>& tasks,
                                          std::size_t wanted) {
  constexpr int k_signals = 64;
  const int number = end.exit_code - 128; // as shells and srun tell of a signal
  const auto how =
      end.signal != 0
          ? os::format("was killed by signal {}", end.signal)
          : os::format("ended with exit code {}{}", end.exit_code,
                       number > 0 && number <= k_signals ? os::format(" (signal {})", number) : "");
  const auto launcher = os::format("the launcher, {}, {}", os::quoted(words[0]), how);
  const auto dead = std::ranges::find_if(tasks, is_missing);
  if (dead != tasks.end()) {
    return std::make_exception_ptr(os::Error(
        os::format("the job began on {} and left no end: {}", dead->host, launcher),
        "it was killed there, or the launcher has not waited for it: what that says of it "
        "stands above"));
  }
  if (!tasks.empty()) {
    return std::make_exception_ptr(
        os::Error(os::format("{} of {} did not begin: {}", wanted - tasks.size(),
                             os::counted(wanted, "task"), launcher),
                  "the launcher starts what is appended to its words once for each task: is its "
                  "number of tasks that of --tasks (TASKS)?"));
  }
  std::string started;
  for (const auto& word : words) {
    started += (started.empty() ? "" : " ") + shell_word(word);
  }
  return std::make_exception_ptr(os::Error(
      os::format("the job did not begin: {}", launcher),
      os::format("it was started as: {}\n"
                 "a launcher waits for the job's end: sbatch with --wait\n"
                 "a shell as launcher runs what is appended: sh -c 'exec \"$@\"' sh\n"
                 "the job sees the root; where that has another path there, the launcher names the "
                 "job itself: PATH/.snapfix/bin/snapfix job {}",
                 started, k_ticket)));
}

/// One result of all tasks: the worst end, and what became of the snapshot, as the last one says.
RunResult result_of(const std::vector<snapshot::TicketTask>& tasks,
                    const snapshot::Verdict& verdict) {
  RunResult out;
  std::optional<snapshot::RunEnd> worst;
  std::optional<int> failure;
  bool has_finding = false;
  for (const auto& task : tasks) {
    if (!task.result) {
      continue;
    }
    auto result = run_result_from(*task.result);
    const snapshot::RunEnd end{"", result.end.exit_code, result.end.signal};
    worst = !worst || is_worse(end, *worst, verdict) ? end : worst;
    failure = failure ? failure : result.told_failure;
    has_finding = has_finding || result.has_finding;
    if (!out.finishing) {
      out = std::move(result);
    }
  }
  if (worst) {
    out.end.exit_code = worst->status;
    out.end.signal = worst->signal;
  }
  out.told_failure = failure;
  out.has_finding = has_finding;
  return out;
}

/// What is told of the snapshot is of this root, however the job sees it; the pack is made here.
void complete(const snapshot::Root& root, const RunOptions& options, RunResult& result) {
  auto& finishing = *result.finishing;
  const auto folder = snapshot::folder_of_name(options.name);
  finishing.name = options.name;
  finishing.root = root.path();
  finishing.path = root.path() + "/" + folder;
  if (!options.finish->pack_to.empty()) {
    if (const auto held = snapshot::Held::try_hold(root, folder)) {
      finishing.pack = make_pack(*held, result.record, *options.finish, finishing.snapshot);
    }
  }
}

RunResult submit_in(const snapshot::Root& root, const RunOptions& options,
                    const std::vector<std::string>& launcher,
                    const snapshot::RunRecord& submitted) {
  const auto job = options_of_job(root, options, submitted);
  place_helper(root);
  const snapshot::Ticket ticket(root, snapshot::folder_of_name(options.name), job.create.base.id,
                                text_of(job));
  guard::Command command;
  command.arguments = words_of(launcher, root, options.name, ticket.name());
  command.environment = os::Environment::current();
  command.folder = os::absolute_path(".");
  command.parent = os::parent_process();
  guard::CommandEnd end;
  try {
    end = guard::run_command(command);
  } catch (const guard::CannotStart& failure) {
    const bool is_line = launcher.size() == 1 && launcher[0].find(' ') != std::string::npos;
    throw guard::CannotStart(
        "start the job by the launcher", launcher[0], failure.error_number(),
        is_line ? os::format("words are separated by ;: --launcher {}; in CMake, LAUNCHER without "
                             "quotes",
                             os::quoted(with_semicolons(launcher[0])))
                : "a launcher is a program, with its arguments: is it in PATH?");
  }
  const auto tasks = ticket.tasks();
  auto out = result_of(tasks, options.finish ? options.finish->verdict : snapshot::Verdict());
  const std::size_t wanted = std::max({1U, options.group ? options.group->tasks : 0,
                                       out.record.group ? out.record.group->tasks : 0});
  if (tasks.size() < wanted || std::ranges::any_of(tasks, is_missing)) {
    out.failure = failure_without_result(command.arguments, end, tasks, wanted);
  }
  if (out.finishing) {
    complete(root, options, out);
  }
  return out;
}

/// The run as it is asked for.
snapshot::RunRecord record_of(const RunOptions& options) {
  snapshot::RunRecord out;
  out.command = options.command;
  out.host = os::host_name();
  out.pid = os::this_process();
  out.parent = snapshot::our_parent();
  out.ctest = options.under_ctest ? os::folder_of_process(os::parent_process()) : "";
  out.times.asked = os::to_seconds(os::now());
  return out;
}

/// All that take up one ticket are a group. Its size is told, or Slurm's step for the job tells.
Group group_of(const RunOptions& options, const std::string& ticket) {
  const auto here = group_here();
  const bool is_of_job = here.id != options.from_ticket->outer_group;
  return {"ticket " + ticket, options.group ? options.group->tasks : is_of_job ? here.tasks : 0};
}

} // namespace

RunResult submit(const RunOptions& options, const std::vector<std::string>& launcher) {
  RunResult out;
  const auto submitted = record_of(options);
  const bool is_remembered = options.finish || options.under_ctest;
  snapshot::in_root(options.create.selection.root, [&](const snapshot::Root& root) {
    try {
      out = submit_in(root, options, launcher, submitted);
    } catch (const std::exception& error) {
      if (is_remembered) {
        remember_job(root, options.name, submitted, "", error.what());
      }
      throw;
    }
    auto failure = message_of(out.failure);
    if (failure.empty() && out.told_failure) {
      failure = "a task of the job could not run its command";
    }
    const std::string pack = out.finishing ? out.finishing->pack : "";
    if (is_remembered && !(failure.empty() && pack.empty())) {
      remember_job(root, options.name, submitted, pack, failure);
    }
  });
  return out;
}

RunResult take_up(const std::string& root_path, const std::string& name,
                  const std::function<int(const std::exception_ptr&)>& tell) {
  const auto root = snapshot::Root::open(root_path);
  const snapshot::TakenTicket ticket(root, name);
  RunResult out;
  try {
    auto options = run_options_from(ticket.job());
    options.create.selection.root = root.path();
    options.locks.is_done = true;
    options.locks.patience = options.patience;
    options.from_ticket->name = name;
    options.group = group_of(options, name);
    options.from_ticket->is_wanted = [&] {
      try {
        return ticket.is_wanted();
      } catch (const os::Error&) { // a server that does not answer: nobody knows
        return true;
      }
    };
    const auto verdict = options.finish ? options.finish->verdict : snapshot::Verdict();
    if (const auto earlier = earlier_end(ticket, verdict)) {
      os::note("the job was started again after it had failed, and its snapshot is finished: "
               "nothing is done, and the first end counts");
      out.end = *earlier;
    } else {
      out = run(options);
    }
    if (out.failure) {
      out.told_failure = tell(out.failure);
    }
  } catch (...) {
    out.told_failure = tell(std::current_exception());
  }
  ticket.leave(text_of(out));
  return out;
}

} // namespace snapfix::job
