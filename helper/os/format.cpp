#define FMT_HEADER_ONLY // fmt's own definitions: Debian has no libfmt.a
#include "os/format.hpp"

#include "os/error.hpp"

#include <fmt/format.h>

#include <cerrno>

namespace snapfix::os {

std::string vformat(fmt::string_view text, fmt::format_args args) {
  return fmt::vformat(text, args);
}

void vprint(std::FILE* file, fmt::string_view text, fmt::format_args args) {
  const std::string out = fmt::vformat(text, args);
  if (std::fwrite(out.data(), 1, out.size(), file) < out.size() && file != stderr) {
    throw Error("write to stdout", {}, errno);
  }
}

} // namespace snapfix::os
