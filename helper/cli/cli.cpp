#include "cli/cli.hpp"

#include "cli/arguments.hpp"
#include "guard/command.hpp"
#include "job/report.hpp"
#include "os/format.hpp"
#include "os/likest.hpp"
#include "os/process.hpp"
#include "os/progress.hpp"
#include "os/valgrind.hpp"
#include "os/version.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>

namespace snapfix::cli {
namespace {

constexpr std::array<Subcommand, 22> k_subcommands{{
    {"freeze", freeze, "", "make the base of the source's present state; print its id"},
    {"create", create, "NAME", "make a snapshot; print its path"},
    {"run", run_in_snapshot, "NAME -- COMMAND...", "run a command in its snapshot"},
    {"job", job, "TICKET", "do the work of a run that a launcher has started"},
    {"enter", enter, "NAME", "open a shell in a snapshot, as its last run had it"},
    {"rerun", rerun, "NAME", "run the last recorded command of a snapshot again"},
    {"diff", diff, "A [B]", "what differs: of two snapshots, or from what A was made of"},
    {"pack", pack, "NAME", "write a file that makes the snapshot elsewhere"},
    {"repro", repro, "FILE --source CLONE", "make the snapshot of a pack, from a clone"},
    {"verify", verify, "NAME", "report what was changed through a link"},
    {"finish", finish, "NAME", "verify, then keep or remove"},
    {"finish-run", finish_run, "", "end a ctest run: tell what of its sources has changed"},
    {"remove", remove, "NAME...", "remove snapshots"},
    {"hold", hold, "NAME", "keep a snapshot as it is for a queued job, or until a time"},
    {"release", release, "NAME", "end that"},
    {"list", list, "", "which snapshots there are, what each shares and has of its own"},
    {"show", show, "NAME", "everything recorded of a snapshot"},
    {"report", report, "", "write a page on the last ctest run: what failed, and what it took"},
    {"prune", prune, "", "remove debris, what nothing uses, and by option old snapshots"},
    {"doctor", doctor, "[DIR]", "what this file system and kernel can do, by trying it"},
    {"uv-lint", uv_lint, "PATH...", "find uv commands that do not pin the lock"},
    {"completion", completion, "SHELL",
     "print what completes command lines, for bash, zsh or fish"},
}};

/// What the same is called elsewhere.
constexpr std::array<std::pair<const char*, const char*>, 5> k_elsewhere{
    {{"ls", "list"}, {"rm", "remove"}, {"delete", "remove"}, {"status", "show"}, {"exec", "run"}}};

void print_help() {
  os::print("usage: snapfix COMMAND [options]\n\n"
            "Gives each test a hard-linked, isolated copy of the source tree.\n\nCommands:\n");
  for (const auto& subcommand : k_subcommands) {
    os::print("  {:<27} {}\n", os::format("{} {}", subcommand.name, subcommand.usage),
              subcommand.help);
  }
  os::print(
      "\n'snapfix help COMMAND' or 'snapfix COMMAND --help' shows the options of a command.\n\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 verification found a difference;\n"
      "diff: 1 something differs, 2 trouble;\n"
      "run, enter, rerun, repro: the command's own, or 123 it changed what it must not, 125 own "
      "failure,\n"
      "126 not executable, 127 not found.\n");
}

const Subcommand& subcommand_of(const std::string& name) {
  const auto* const found = std::ranges::find(k_subcommands, name, &Subcommand::name);
  if (found == k_subcommands.end()) {
    std::vector<std::string> names;
    names.reserve(k_subcommands.size());
    for (const auto& subcommand : k_subcommands) {
      names.emplace_back(subcommand.name);
    }
    auto meant = os::likest(name, names);
    for (const auto& [other, ours] : k_elsewhere) {
      if (name == other) {
        meant = ours;
      }
    }
    throw UsageError(os::format("unknown command {}", os::quoted(name)),
                     meant ? "did you mean " + *meant + "?" : "'snapfix --help' lists them");
  }
  return *found;
}

/// `help [COMMAND]`
int help(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments == std::vector<std::string>{"help"}) {
    print_help();
    return k_done;
  }
  if (arguments.size() > 1) {
    throw UsageError(os::format("help: unexpected word {}", os::quoted(arguments[1])),
                     "usage: snapfix help [COMMAND]");
  }
  return subcommand_of(arguments[0]).call({"--help"});
}

int dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    throw UsageError("a command is missing", "'snapfix --help' lists them");
  }
  const std::string& name = arguments[0];
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (name == "help") {
    return help(rest);
  }
  if (name == "--help" || name == "-h") {
    print_help();
    return k_done;
  }
  if (name == "--version" || name == "-V") {
    os::print("snapfix {}\n", os::version());
    return k_done;
  }
  os::Progress::check_variable();
  return subcommand_of(name).call(rest);
}

bool is_called_by_ctest(const std::vector<std::string>& arguments) {
  const auto own_end = std::ranges::find(arguments, "--");
  return std::find(arguments.begin(), own_end, "--ctest") != own_end;
}

/// These end as what they run does.
constexpr std::array<std::string_view, 5> k_as_their_command{"run", "job", "enter", "rerun",
                                                             "repro"};

/// A test's own failure must not look like its command's, and that of `diff` not like an answer.
int own_failure(const std::vector<std::string>& arguments, int exit_code) {
  const std::string name = arguments.empty() ? "" : arguments[0];
  if (name == "diff") {
    return k_wrong_usage;
  }
  const bool is_run = std::ranges::find(k_as_their_command, name) != k_as_their_command.end();
  return is_run ? failure_of_run(exit_code, is_called_by_ctest(arguments)) : exit_code;
}

/// The program's own, for tell_and_end, which is given nothing.
std::vector<std::string> g_arguments; // NOLINT(*-non-const-global-variables)

/// Instead of std::abort: an exception got where none can pass, which is a defect of ours, but what
/// it says must not be lost.
[[noreturn]] void tell_and_end() {
  tell_failure(std::current_exception());
  guard::end_as({own_failure(g_arguments, k_failed), 0, {}});
}

} // namespace

std::span<const Subcommand> subcommands() {
  return k_subcommands;
}

int run(const std::vector<std::string>& arguments) {
  if (is_called_by_ctest(arguments) || (!arguments.empty() && arguments[0] == "run")) {
    os::leave_valgrind(arguments);
  }
  os::settle_process();
  g_arguments = arguments;
  std::set_terminate(tell_and_end);
  try {
    const int exit_code = dispatch(arguments);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw os::Error("write to stdout", {}, errno);
    }
    return exit_code;
  } catch (...) {
    return own_failure(arguments, tell_failure(std::current_exception()));
  }
}

int tell_failure(const std::exception_ptr& failure) {
  try {
    if (failure) {
      std::rethrow_exception(failure);
    }
    os::print_error(os::Error("snapfix cannot go on"));
  } catch (const UsageError& error) {
    os::print_error(error);
    return k_wrong_usage;
  } catch (const guard::CannotStart& error) {
    os::print_error(error);
    return error.exit_code();
  } catch (const os::Error& error) {
    os::print_error(error);
  } catch (const std::exception& error) {
    os::print_error(os::Error(std::string(error.what())));
  } catch (...) {
    os::print_error(os::Error("snapfix cannot go on: an unknown exception"));
  }
  return k_failed;
}

int failure_of_run(int exit_code, bool under_ctest) {
  if (under_ctest) { // WILL_FAIL turns any exit code into a pass
    os::print_hint("ctest shows this as 'Subprocess aborted'");
    guard::abort_without_core();
  }
  return exit_code == k_failed ? k_run_failed : exit_code;
}

} // namespace snapfix::cli
