#include "os/colour.hpp"

#include "os/format.hpp"

#include <cstdlib>

#include <unistd.h>

namespace snapfix::os {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): no thread writes it
  return value == nullptr ? "" : value;
}

} // namespace

std::string coloured(std::string_view text, Colour colour) {
  const auto terminal = variable("TERM");
  const bool is_shown = !terminal.empty() && terminal != "dumb" && variable("NO_COLOR").empty() &&
                        ::isatty(STDERR_FILENO) == 1;
  return is_shown ? os::format("\x1b[1;{}m{}\x1b[0m", static_cast<int>(colour), text)
                  : std::string(text);
}

} // namespace snapfix::os
