#pragma once

#include "os/environment.hpp"
#include "snapshot/manage.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::job {

/// A word as a shell reads it: quoted where it must be, on one line, whatever bytes it holds.
std::string shell_word(std::string_view word);

/// `snapfix run NAME` with what tells root and source, as words of a shell, which may not have
/// snapfix in its PATH.
std::string run_words(const std::string& name, const std::string& root, const std::string& source);

/// The same of another subcommand: `snapfix SUBCOMMAND NAME`.
std::string words_for(std::string_view subcommand, const std::string& name,
                      const std::string& root);

/// The environment of a recorded run, but for what Slurm has set there: its job is over. In place
/// of that stands what Slurm has set here. What was asked for by --pack-env stays.
os::Environment environment_of(const snapshot::RunRecord& run);

/// The command of a snapshot's recorded run for a shell to be pasted
/// into: `snapfix run`, which guards it, in the environment that it had as far as that is not the
/// one of this process. In lines that a shell joins.
std::vector<std::string> command_lines(const snapshot::Description& snapshot,
                                       const std::string& root);

} // namespace snapfix::job
