#pragma once

#include "snapshot/run_record.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::page {

/// What ctest's log says of one attempt of a test.
struct LoggedTest {
  std::string name;
  std::string command; ///< its words in quotes; empty if it was not run
  std::string folder;  ///< where it was run
  double seconds = 0;  ///< how long
  std::string start;   ///< as os::to_ctest_text(), a zone behind it
  std::string tail;    ///< the last lines of its output
  bool is_cut = false; ///< there were more
  std::string lacks;   ///< the tests that have failed and that it needs: it was not run
  snapshot::Outcome outcome = snapshot::Outcome::unknown;
  std::string reason; ///< a regular expression that was found, or was not; why it was not run
  bool is_disabled = false;
};

struct CtestLog {
  std::string path;  ///< empty: there is none
  std::string began; ///< in ctest's words
  std::vector<LoggedTest> tests;
  bool is_too_large = false; ///< it was not read
};

/// The newest log of the ctest that runs, or ran, in that folder: of one that runs as far as it has
/// come. One that is not there, or cannot be read, is empty.
CtestLog read_ctest_log(const std::string& folder);

/// Each of ctest's tests that a log's text tells of, in its order.
std::vector<LoggedTest> tests_in_log(std::string_view text);

/// What snapfix could not do, by its first error in an output; empty if it told none.
std::string error_in(const std::string& output);

/// What a test said, before snapfix said something.
std::string own_lines_of(const std::string& output);

} // namespace snapfix::page
