#include "snapshot/hold.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/time_argument.hpp"
#include "cli/tree_arguments.hpp"
#include "guard/command.hpp"
#include "job/helper.hpp"
#include "job/pasteable.hpp"
#include "os/environment.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/slurm.hpp"
#include "os/subprocess.hpp"
#include "os/time_text.hpp"
#include "snapshot/name.hpp"

#include <cerrno>

namespace snapfix::cli {
namespace {

std::string until_from(const Arguments& options, const std::string& text) {
  const auto now = os::now();
  constexpr const char* k_hint = "as in 2026-01-31, 2026-01-31T18:00, 2026-01-31T17:00Z, or from "
                                 "now on: 12h, 7d; it must lie ahead";
  auto time = os::time_from(text);
  if (const auto seconds = time ? std::nullopt : seconds_in(text)) {
    time = os::Time{now.seconds + *seconds, now.nanoseconds};
  }
  if (!time) {
    options.fail(os::format("--until takes a time, not {}", os::quoted(text)), k_hint);
  }
  if (*time <= now) {
    options.fail(os::format("--until {} does not lie ahead", text), k_hint);
  }
  return os::to_iso8601(*time);
}

std::string job_from(const Arguments& options, const std::string& text) {
  if (!os::is_slurm_job(text)) {
    options.fail(os::format("--slurm takes the id of a job, not {}", os::quoted(text)),
                 "as sbatch --parsable prints it: 42, 42_3 (a task of an array), 42;cluster");
  }
  return text;
}

std::vector<std::string> jobs_from(const Arguments& options) {
  std::vector<std::string> out;
  for (const auto& text : options.list("slurm")) {
    out.push_back(job_from(options, text));
  }
  return out;
}

/// Runs a command that submits jobs, while nobody else can touch the snapshot; the jobs.
std::vector<std::string> submit(const snapshot::Held& held, const std::vector<std::string>& command,
                                int& exit_code) {
  os::Finished done;
  try {
    done = os::run_program(command, os::Environment::current(), os::absolute_path("."), {}, 0);
  } catch (const os::Error& error) {
    if (error.error_number() == 0) {
      throw;
    }
    throw guard::CannotStart("run", command[0], error.error_number(),
                             error.error_number() == ENOENT ? "is it in PATH?" : "");
  }
  os::print("{}", done.out);
  os::print(stderr, "{}", done.err);
  exit_code = done.exit_code;
  auto jobs = os::slurm_jobs_in(done.out);
  if (exit_code != 0 && !jobs.empty()) { // they may run all the same
    os::note(os::format("{} ended with exit code {}, but has named Slurm job {}: {} is held for it",
                        os::quoted(command[0]), exit_code, os::joined(jobs, ", "),
                        os::quoted(held.name())));
    os::print_hint(os::format("if there is none: {}",
                              job::words_for("release", held.name(), held.root().path())));
  }
  if (jobs.empty() && exit_code == 0) {
    throw os::Error(
        os::format("{} has named no job: nothing is held", os::quoted(command[0])),
        os::format("it is to print 'Submitted batch job 42', or only 42, as sbatch does\n"
                   "if it has submitted one: {} --slurm JOB",
                   job::words_for("hold", held.name(), held.root().path())));
  }
  return jobs;
}

void tell_unchecked(const std::vector<std::string>& jobs, const snapshot::Held& held) {
  if (!jobs.empty()) {
    os::note(os::format("not checked, but held for: Slurm job {}", os::joined(jobs, ", ")));
    os::print_hint(os::format("if there is none: {}; --until TIME needs no Slurm",
                              job::words_for("release", held.name(), held.root().path())));
  }
}

std::string to_text(const std::vector<snapshot::HoldRecord>& holds) {
  std::vector<std::string> out;
  out.reserve(holds.size());
  for (const auto& hold : holds) {
    out.push_back(snapshot::to_text(hold));
  }
  return os::joined(out, ", ");
}

} // namespace

int hold(const std::vector<std::string>& arguments) {
  Arguments options(
      "hold",
      "Keeps a snapshot as it is: remove, prune, finish, and create and run with --fresh or\n"
      "--update leave it alone, until Slurm no longer knows the job, or the time has come.\n"
      "With a COMMAND that submits a job, sbatch for instance: the job that it names.",
      {"NAME", 1, 1}, TakesCommand::maybe);
  add_name_option(options);
  add_root_option(options);
  options.add_list("slurm", "JOB", "for this job of Slurm, or all of an array; may be repeated");
  options.add_value("until", "TIME", "until then: 2026-01-31T18:00, or from now on 12h, 7d");
  add_wait_option(options);
  if (!options.parse(arguments)) {
    return k_done;
  }
  auto jobs = jobs_from(options);
  const auto until = options.value("until");
  const auto& command = options.command();
  const int given = static_cast<int>(!jobs.empty()) + static_cast<int>(until.has_value()) +
                    static_cast<int>(!command.empty());
  if (given != 1) {
    options.fail(given == 0 ? "one of --slurm, --until and a COMMAND is needed"
                            : "only one of --slurm, --until and a COMMAND can be given");
  }
  snapshot::HoldRecord record{"", "", until ? until_from(options, *until) : "", os::host_name(),
                              os::to_iso8601(os::now())};
  const auto root = snapshot::Root::open(root_path(options));
  snapshot::Held held(root, options.words()[0], "snapfix hold", patience_from(options));
  held.require();
  int exit_code = k_done;
  if (!command.empty()) {
    job::place_helper(root); // what the job may call, where no snapfix is installed
    jobs = submit(held, command, exit_code);
  }
  std::vector<std::string> unchecked;
  for (const auto& job : jobs) {
    const auto state = command.empty() ? os::state_of_slurm_job(job) : os::JobState::alive;
    if (state == os::JobState::gone) {
      throw os::Error(os::format("Slurm knows no job {}, or it has ended", job));
    }
    if (state == os::JobState::unknown) {
      unchecked.push_back(job);
    }
    record.slurm = job;
    record.cluster = job.find(';') == std::string::npos ? os::slurm_cluster() : "";
    snapshot::hold(held, record);
  }
  tell_unchecked(unchecked, held);
  if (until) {
    snapshot::hold(held, record);
  }
  return exit_code;
}

int release(const std::vector<std::string>& arguments) {
  Arguments options("release", "Ends what 'snapfix hold' began, of one job or of all.",
                    {"NAME", 1, 1});
  add_name_option(options);
  add_root_option(options);
  options.add_value("slurm", "JOB", "only the hold of this job");
  if (!options.parse(arguments)) {
    return k_done;
  }
  std::optional<std::string> job = options.value("slurm");
  if (job) {
    job = job_from(options, *job);
  }
  const auto root = snapshot::Root::open(root_path(options));
  const std::string& name = options.words()[0];
  const auto folder = snapshot::folder_of_name(name);
  if (const auto released = snapshot::release(root, folder, job); !released.empty()) {
    os::note(os::format("{} is no longer held by {}", os::quoted(name), to_text(released)));
    return k_done;
  }
  snapshot::Snapshot::require(root, name); // says what is like it
  const auto others = snapshot::holds_of(root, folder);
  os::note(others.empty() || !job ? os::format("nothing held {}", os::quoted(name))
                                  : os::format("job {} does not hold {} (held by {})", *job,
                                               os::quoted(name), to_text(others)));
  return k_done;
}

} // namespace snapfix::cli
