#pragma once

#include "lint/text.hpp"

#include <string_view>

// What names tell: of programs, of options, of variables and of keys.

namespace snapfix::lint {

/// Subcommands of uv that resolve the project and take --locked and --frozen. `lock`, `add`,
/// `remove` and `version` change the lock on purpose.
bool is_resolving(std::string_view subcommand);

/// Whether the value of uv's option is the next word.
bool takes_value(std::string_view option);

/// Whether uv with that option of its own, or that variable, resolves in another way than for the
/// lock: --locked would fail. `value` may be empty.
bool changes_resolution(std::string_view option, std::string_view value);

/// Whether a command of that name runs the rest of its line.
bool is_prefix(std::string_view name);

/// Whether a command of that name runs nothing of its line: it prints it, or installs packages of
/// these names.
bool is_prose_command(std::string_view name);

/// Whether it runs shell scripts.
bool is_shell(std::string_view name);

/// What may stand before a command in a text that is one: `cd x && ...`.
bool begins_script(std::string_view name);

/// A word that follows in a sentence, as in "uv sync failed".
bool is_of_prose(std::string_view word);

enum class Role { command, prose, other };

/// What the value of a key in YAML is.
Role role_of(std::string_view key);

/// Whether a function of Python certainly starts what it is given, may do so, and whether a
/// variable, keyword or function of that name may hold a command. Names are in lower case.
bool starts_command(std::string_view function);
bool may_start_command(std::string_view function);
bool names_command(std::string_view name);

} // namespace snapfix::lint
