#pragma once

#include "job/run.hpp"

#include <string>
#include <string_view>

namespace snapfix::job {

// What passes by a ticket, as text: keys and values, each with a zero byte at its end, which no
// word of a command line can hold. Both sides are one program: the helper that lies in the root.

/// What the job needs to know of its run.
std::string text_of(const RunOptions& options);
/// Throws os::Error where another version of snapfix has written it.
RunOptions run_options_from(std::string_view text);

/// What became of the run. Of what was found in its snapshot only what its end needs to know.
std::string text_of(const RunResult& result);
/// Throws os::Error as above.
RunResult run_result_from(std::string_view text);

} // namespace snapfix::job
