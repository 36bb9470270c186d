#pragma once

#include "os/words.hpp"

#include <array>

namespace snapfix::cli {

enum class Shell { bash, zsh, fish };

/// What has the shell ask us what a word may become. It prints lines of a word, a tab and what it
/// means; in place of words `:files`, `:folders`, or `:command`, the completion of what stands
/// behind `--`.
const char* script_for(Shell shell);

} // namespace snapfix::cli

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::cli::Shell>{"bash", "zsh", "fish"};
