#pragma once

#include <exception>
#include <span>
#include <string>
#include <vector>

namespace snapfix::cli {

enum ExitCode {
  k_done = 0,
  k_failed = 1,
  k_wrong_usage = 2,
  k_difference = 3,
  k_run_difference = 123, ///< of `run`: its command ended with 0, but changed what it must not
  k_run_failed = 125
};

/// Runs `snapfix <arguments>`; the exit code. Prints what went wrong on stderr, throws nothing.
/// From here on std::terminate does so, too.
int run(const std::vector<std::string>& arguments);

/// Prints what `failure` says; the exit code for it.
int tell_failure(const std::exception_ptr& failure);

/// The exit code of a `run` whose own work failed; under ctest it ends by SIGABRT here.
int failure_of_run(int exit_code, bool under_ctest);

struct Subcommand {
  const char* name;
  int (*call)(const std::vector<std::string>&);
  const char* usage;
  const char* help; ///< one line
};

/// All there are, in the order of `--help`.
std::span<const Subcommand> subcommands();

// The subcommands: arguments without the subcommand's name, the exit code. They throw os::Error
// and UsageError.
int freeze(const std::vector<std::string>& arguments);
int create(const std::vector<std::string>& arguments);
int run_in_snapshot(const std::vector<std::string>& arguments);
int job(const std::vector<std::string>& arguments);
int enter(const std::vector<std::string>& arguments);
int rerun(const std::vector<std::string>& arguments);
int diff(const std::vector<std::string>& arguments);
int pack(const std::vector<std::string>& arguments);
int repro(const std::vector<std::string>& arguments);
int verify(const std::vector<std::string>& arguments);
int finish(const std::vector<std::string>& arguments);
int finish_run(const std::vector<std::string>& arguments);
int remove(const std::vector<std::string>& arguments);
int hold(const std::vector<std::string>& arguments);
int release(const std::vector<std::string>& arguments);
int list(const std::vector<std::string>& arguments);
int show(const std::vector<std::string>& arguments);
int report(const std::vector<std::string>& arguments);
int prune(const std::vector<std::string>& arguments);
int doctor(const std::vector<std::string>& arguments);
int uv_lint(const std::vector<std::string>& arguments);
int completion(const std::vector<std::string>& arguments);

} // namespace snapfix::cli
