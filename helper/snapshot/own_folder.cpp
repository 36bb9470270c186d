#include "snapshot/own_folder.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"

#include <cerrno>

namespace snapfix::snapshot {

void require_ours(const os::Dir& dir, std::uint32_t forbidden) {
  const auto stat = os::stat_of(dir.fd(), dir.path(), os::Freshness::cached);
  if (stat.owner != os::effective_user()) {
    throw os::Error(os::format("{} belongs to another user (uid {}; you are {})",
                               os::quoted(dir.path()), stat.owner, os::effective_user()),
                    k_another_root);
  }
  if ((stat.permissions() & forbidden) != 0) {
    throw os::Error(
        os::format("other users may write to {} (mode {:04o})", os::quoted(dir.path()),
                   stat.permissions()),
        os::format("if all in it is yours: chmod go-w {}\nelse {}", dir.path(), k_another_root));
  }
}

os::Dir ensure_ours(const os::Dir& parent, const char* name) {
  try {
    auto out = parent.ensure_child(name, 0700);
    require_ours(out);
    return out;
  } catch (const os::Error& error) {
    if (error.error_number() != ENOTDIR && error.error_number() != ELOOP) {
      throw;
    }
    throw os::Error(os::format("{} is no folder", os::quoted(parent.path_of(name))),
                    os::format("snapfix has not made it: remove it\nor {}", k_another_root));
  }
}

os::Dir open_own(const std::string& path) {
  os::Dir top = os::Dir::open(path);
  const auto owner = top.stat().owner;
  if (owner != os::effective_user()) {
    throw os::Error(os::format("the root {} belongs to another user (uid {}; you are {})",
                               os::quoted(path), owner, os::effective_user()),
                    k_another_root);
  }
  return top;
}

} // namespace snapfix::snapshot
