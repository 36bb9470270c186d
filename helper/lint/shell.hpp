#pragma once

#include "lint/call.hpp"

#include <span>
#include <string>
#include <vector>

namespace snapfix::lint {

/// Reads a shell script in `variables`, which are afterwards what the script leaves. `depth`
/// counts scripts within scripts.
void read_shell(const Text& script, Variables& variables, Reading& reading, int depth = 0);

/// Reads one command that is already in words, as a list in another language holds it.
void read_command(std::span<const Word> words, const Variables& variables, Reading& reading,
                  int depth = 0);

/// The words of a text without operators of the shell, as the expansion of a variable gives.
std::vector<Word> words_of(const Text& text);

/// Whether a word is nothing but `$name`, `${name}` or `"${name[@]}"`; the name.
std::string_view expanded_name(const Word& word);

/// Whether a text that may as well be prose begins as a command line does that leads to uv.
bool reads_as_command(const Text& text);

/// Whether a variable of that name and value is there to be run by whom it is exported to.
bool is_script_value(std::string_view name, const Text& value);

} // namespace snapfix::lint
