#pragma once

#include "cli/arguments.hpp"
#include "job/lock_check.hpp"
#include "snapshot/create.hpp"

#include <string>

namespace snapfix::cli {

/// Adds --name, another way to give NAME: one that begins with a dash.
void add_name_option(Arguments& arguments);

/// Adds --root and --top.
void add_root_option(Arguments& arguments);

/// Adds --source, --root, all that says what of the source a freeze takes, and all that says how a
/// snapshot is made.
void add_tree_options(Arguments& arguments);

/// Adds --base and --frozen.
void add_base_options(Arguments& arguments);

/// The root's absolute path: --root, else SNAPFIX_ROOT, else `.snapshots` (or
/// CODE_SNAPSHOT_DIRNAME) in the source. For commands that take no --source: else the root of the
/// snapshot in which the current folder lies. Where the default is not there yet, tells of a root
/// of before.
std::string root_path(const Arguments& arguments);

/// The value of an environment variable; `otherwise` where it is not set, or empty.
std::string variable_or(const char* name, const std::string& otherwise);

/// All options of a snapshot; says what --link-from source does not promise. Throws where the root
/// would hold the source.
snapshot::CreateOptions create_options_from(const Arguments& arguments, const std::string& name);

/// Adds --wait; how long to wait for a name that is in use.
void add_wait_option(Arguments& arguments);
/// Whether an option is given that says how a snapshot is made of its base.
bool gives_tree_options(const Arguments& arguments);

os::Patience patience_from(const Arguments& arguments);

/// How the locks of uv projects are checked.
job::LockOptions lock_options_from(const Arguments& arguments);

} // namespace snapfix::cli
