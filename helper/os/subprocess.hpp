#pragma once

#include "os/environment.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::os {

/// What a program that ran to its end left.
struct Finished {
  int exit_code = 0; ///< 128 + the signal's number where one killed it, as shells count
  std::string out;
  std::string err;
};

/// Runs a program of PATH and collects what it says; its stdin is `input`, an open file that is
/// read from its start, or /dev/null. With `take_output` its stdout goes there, piece by piece, and
/// Finished::out stays empty. Throws Error if it cannot be
/// started (error_number() is ENOENT where there is no such program).
Finished run_program(const std::vector<std::string>& command, const Environment& environment,
                     const std::string& folder,
                     const std::function<void(std::string_view)>& take_output = {}, int input = -1);

/// The same for a program that asks something: it and what it started are killed, and Error is
/// thrown, where its output has not ended after so many seconds, or is longer than 1 MiB.
Finished ask_program(const std::vector<std::string>& command, const Environment& environment,
                     int seconds);

/// The path of a program of PATH, or of the one at `name` where that holds a `/`; nothing if there
/// is none that may be executed.
std::optional<std::string> find_program(const std::string& name);

/// The words as exec and posix_spawn want them, with a null pointer at the end; `words` must
/// outlive it.
std::vector<char*> pointers_to(const std::vector<std::string>& words);

} // namespace snapfix::os
