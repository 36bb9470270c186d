#pragma once

#include "os/environment.hpp"
#include "os/error.hpp"
#include "os/process.hpp"

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

namespace snapfix::guard {

struct Command {
  std::vector<std::string> arguments; ///< the first is looked up in the environment's PATH
  os::Environment environment;
  std::string folder; ///< to run in
  pid_t parent = 0;   ///< our parent as it was when we started
  /// Where stdout and stderr go, stdin being empty; -1: all three are ours.
  int output = -1;
  /// Asked each second: once it says no, all ends as when our parent dies. Empty: it never does.
  std::function<bool()> is_wanted = {};
};

/// The command could not be started.
class CannotStart : public os::Error {
public:
  CannotStart(const std::string& program, int error_number)
      : CannotStart("run", program, error_number,
                    error_number == ENOENT ? "is it in PATH, or in the snapshot?" : "") {}
  CannotStart(const std::string& operation, const std::string& program, int error_number,
              const std::string& hint)
      : os::Error(operation, {program}, error_number, hint) {}

  /// A shell's, in its place.
  int exit_code() const noexcept {
    constexpr int k_not_executable = 126;
    constexpr int k_not_found = 127;
    return error_number() == ENOENT ? k_not_found : k_not_executable;
  }
};

struct CommandEnd {
  int exit_code = 0;
  int signal = 0; ///< that killed it; 0 if it ended by itself
  std::vector<os::LivingProcess> outlived;
};

/// Runs the command in this process's group and waits for its end. Signals sent to us are passed
/// on (the terminal's reach the command by themselves). We are its subreaper: what it leaves
/// running is named and left alive. When our parent dies, all that the command started is killed,
/// unless we were started to outlive it (nohup, setsid); when we are killed, the command is.
/// Throws CannotStart, os::Error.
CommandEnd run_command(const Command& command);

/// Ends this process as the command ended: with its exit code, or by its signal.
[[noreturn]] void end_as(const CommandEnd& end);

/// Ends this process by SIGABRT without a core file.
[[noreturn]] void abort_without_core();

} // namespace snapfix::guard
