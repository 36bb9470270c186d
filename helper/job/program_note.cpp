#include "job/program_note.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/split.hpp"
#include "source/list.hpp"

namespace snapfix::job {
void note_programs_in_source(const os::Environment& environment, const std::string& source,
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
  if (is_noted("VIRTUAL_ENV", environment.get("VIRTUAL_ENV").value_or(""))) {
    return;
  }
  for (const auto& path : os::split(environment.get("PATH").value_or(""), ':')) {
    if (is_noted("PATH", path)) {
      return;
    }
  }
}

} // namespace snapfix::job
