#include "snapshot/roots_beside.hpp"

#include "os/error.hpp"
#include "os/process.hpp"
#include "os/remove_tree.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

namespace snapfix::snapshot {
namespace {

constexpr std::size_t k_most_entries = 1000;

/// Whether what cannot be opened is no root that we may look into, or one that is just made or
/// removed.
bool means_no_root(const os::Dir& parent, const char* name, int error_number) {
  if (error_number == EACCES) {
    const auto stat = parent.try_stat(name);
    return stat && stat->owner != os::effective_user();
  }
  constexpr std::array k_none{0, ELOOP, ENOENT, ENOTDIR, EXDEV};
  return std::ranges::find(k_none, error_number) != k_none.end();
}

/// Nothing if it is our root itself, whose stat is `own`, or none of ours.
std::optional<Root> open_beside(const os::Stat& own, const os::Dir& parent, const char* name) {
  try {
    os::Dir top = os::open_on_same_mount(parent, name);
    const auto stat = top.stat();
    if (stat.inode != own.inode && stat.owner == own.owner) {
      return Root::try_open(std::move(top));
    }
  } catch (const os::Error& error) {
    if (!means_no_root(parent, name, error.error_number())) {
      throw;
    }
  }
  return std::nullopt;
}

} // namespace

void visit_roots_beside(const Root& root, const std::function<void(Root&&)>& visit) {
  const os::Dir parent = root.top().open_child("..");
  const auto entries = parent.entries();
  if (entries.size() > k_most_entries) {
    return;
  }
  const auto own = root.top().stat();
  for (const auto& entry : entries) {
    if (entry.type == os::EntryType::other) {
      continue;
    }
    if (auto other = open_beside(own, parent, entry.name.c_str())) {
      visit(std::move(*other));
    }
  }
}

} // namespace snapfix::snapshot
