#include "os/user_file.hpp"

#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/path.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace snapfix::os {

bool is_special_file(const std::string& path) {
  const auto place = absolute_path(path);
  return exists(place) && !is_file(place);
}

void write_user_file(const std::string& path, const std::string& text) {
  std::string place = absolute_path(path);
  if (is_special_file(place)) {
    std::ofstream out(place);
    out << text << std::flush;
    if (!out) {
      throw Error("write", {path}, errno);
    }
    return;
  }
  if (exists(place)) {
    place = canonical_path(place); // the file that a symlink leads to
  }
  const auto slash = place.rfind('/');
  replace_file(Dir::open(place.substr(0, std::max<std::size_t>(slash, 1))),
               place.substr(slash + 1).c_str(), text);
}

} // namespace snapfix::os
