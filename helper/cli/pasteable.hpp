#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::cli {

/// A word as a shell reads it: quoted where it must be, on one line, whatever bytes it holds.
std::string shell_word(std::string_view word);

/// The command of a recorded run, for a shell to be pasted into: it goes to the command's folder,
/// and sets what of its environment is not that of this process. In lines that a shell joins.
std::vector<std::string> command_lines(const nlohmann::json& run);

} // namespace snapfix::cli
