#pragma once

#include <string>
#include <vector>

namespace snapfix::os {

// `ctest -T MemCheck` puts valgrind in front of a test's command, and so in front of us. It checks
// the one process that it started and shows no other: an exec leaves it, unless it traces children.

/// Whether valgrind runs this process.
bool runs_under_valgrind();

/// Becomes this program anew with the same arguments (without its own name), outside of valgrind.
/// To be called first. Returns where valgrind traces children, or what it was called with is not
/// known.
void leave_valgrind(const std::vector<std::string>& arguments);

/// The command line of the valgrind that was left, up to our program; empty where there was none.
std::vector<std::string> valgrind_left();

/// The variable that holds it, for this process alone.
inline constexpr const char* k_valgrind_variable = "SNAPFIX_VALGRIND";

} // namespace snapfix::os
