#include "cli/program_note.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "source/list.hpp"

#include <algorithm>
#include <sstream>

namespace snapfix::cli {
namespace {

std::string value_of(const std::vector<std::string>& environment, const std::string& name) {
  const auto found = std::ranges::find_if(
      environment, [&](const std::string& variable) { return variable.starts_with(name + "="); });
  return found == environment.end() ? std::string() : found->substr(name.size() + 1);
}

} // namespace

void note_programs_in_source(const std::vector<std::string>& environment, const std::string& source,
                             const std::function<bool(const std::string&)>& snapshots_have) {
  const auto is_noted = [&](const std::string& variable, const std::string& path) {
    const std::string prefix = source + "/";
    const std::string rest = path.starts_with(prefix) ? path.substr(prefix.size()) : "";
    if (rest.empty() || !os::is_visible(path) || source::folder_apart(source, path) ||
        snapshots_have(rest)) {
      return false;
    }
    os::note(os::format("{} names {}, in the source and not in the snapshots: its programs, and "
                        "what they load (editable installs), are the source's own",
                        variable, os::quoted(path)));
    return true;
  };
  if (is_noted("VIRTUAL_ENV", value_of(environment, "VIRTUAL_ENV"))) {
    return;
  }
  std::istringstream entries(value_of(environment, "PATH"));
  for (std::string path; std::getline(entries, path, ':');) {
    if (is_noted("PATH", path)) {
      return;
    }
  }
}

} // namespace snapfix::cli
