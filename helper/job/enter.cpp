#include "job/enter.hpp"

#include "job/command.hpp"
#include "job/source_writes.hpp"
#include "os/environment.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"

#include <array>
#include <optional>

namespace snapfix::job {
namespace {

/// What a shell wants to know of the terminal before it, and of who sits there.
constexpr std::array k_of_the_terminal{"TERM",     "COLORTERM",       "NO_COLOR", "DISPLAY",
                                       "SHELL",    "XAUTHORITY",      "SSH_TTY",  "SSH_AUTH_SOCK",
                                       "TERMINFO", "WAYLAND_DISPLAY", "PS1"};

std::optional<os::Environment> environment_of(const std::optional<snapshot::RunRecord>& run) {
  if (!run || run->environment.empty()) {
    return std::nullopt;
  }
  os::Environment out(run->environment);
  const auto here = os::Environment::current();
  for (const char* name : k_of_the_terminal) {
    if (const auto value = here.get(name)) {
      out.set(name, *value);
    } else {
      out.unset(name);
    }
  }
  return out;
}

} // namespace

guard::CommandEnd enter(const EnterOptions& options) {
  const auto root = snapshot::Root::open(options.root);
  snapshot::Snapshot::require(root, options.name); // else its lock's file would be left
  const snapshot::Held held(root, options.name, "snapfix enter", options.patience);
  const auto& snapshot = held.require();
  auto run = snapshot::load_run(root, held.folder());
  RunOptions shell;
  shell.name = options.name;
  shell.command = {os::Environment::current().get("SHELL").value_or("")};
  if (shell.command[0].empty()) {
    shell.command[0] = "/bin/sh";
  }
  shell.environment = environment_of(run);
  shell.folder = run ? folder_in(snapshot, *run) : "";
  if (!os::is_folder(snapshot.path() + "/" + shell.folder)) {
    os::note(
        os::format("the folder {} is gone: the shell stands at the top", os::quoted(shell.folder)));
    shell.folder.clear();
  }
  const auto command = command_in(snapshot, shell);
  if (run && options.guard == Guard::off) {
    run->was_entered_unguarded = true; // who looks for a writer is to know
    snapshot::write_run(root, held.folder(), *run);
  }
  const auto writes = os::from_word<guard::SourceWrites>(run ? run->wishes.source_writes : "")
                          .value_or(guard::SourceWrites::deny);
  snapshot::RunRecord unwritten;
  auto end =
      run_in_tree(snapshot, command, options.guard, writes, unwritten, os::clock_of(root.work()));
  for (const auto& process : end.outlived) {
    os::note(os::format("process {} ({}) outlives the shell", process.pid, process.name));
  }
  tell_source_writes(unwritten, snapshot.meta().source);
  return end;
}

} // namespace snapfix::job
