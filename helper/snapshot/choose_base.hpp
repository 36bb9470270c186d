#pragma once

#include "os/lock.hpp"
#include "snapshot/freeze.hpp"
#include "snapshot/root.hpp"
#include "source/list.hpp"

#include <optional>
#include <string>

namespace snapfix::snapshot {

/// Which base a snapshot is made of.
struct BaseChoice {
  std::string id;      ///< this one (or a unique beginning of it), if not empty
  bool frozen = false; ///< the one that our parent's ctest run froze, if it did
};

/// A base, and the store's lock, shared, which keeps it and its objects.
struct ChosenBase {
  os::Lock store_lock;
  Base base;
  std::optional<Frozen> frozen; ///< by us
};

/// The base that is named, that the ctest run goes by, or of the source's present state, which is
/// frozen then. The caller may hold a name's lock, no other. Throws os::Error, also where the base
/// is one of another source, or was frozen with another --link-from.
ChosenBase choose_base(const Root& root, const source::Selection& selection, LinkFrom from,
                       const BaseChoice& choice);

} // namespace snapfix::snapshot
