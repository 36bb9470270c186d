// Patterns, one a line, then an empty line and paths.

#include "source/glob.hpp"

#include "input.hpp"
#include "os/error.hpp"

#include <algorithm>
#include <string>
#include <vector>

using snapfix::source::GlobSet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> patterns;
  std::vector<std::string_view> paths;
  bool behind = false;
  for (auto text = text_of(data, size); !text.empty();) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end == 0) {
      behind = true;
    } else if (behind) {
      paths.push_back(text.substr(0, end));
    } else {
      patterns.emplace_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  try {
    const GlobSet globs(patterns, "/src");
    const GlobSet again(globs.patterns(), "/src");
    require(globs.folders().size() == patterns.size());
    for (const auto path : paths) {
      require(globs.matches(path) == again.matches(path));
    }
  } catch (const snapfix::os::Error&) { // a pattern that cannot match
  }
  return 0;
}
