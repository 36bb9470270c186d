#include "snapshot/known_folders.hpp"

#include <algorithm>

namespace snapfix::snapshot {

KnownFolders::KnownFolders(const Base& base, const std::vector<std::vector<std::size_t>>& children,
                           const KnownTree* tree)
    : m_children(children), m_known(base.folders().size(), Known::no) {
  if (tree == nullptr) {
    return;
  }
  for (std::size_t i = m_known.size(); i-- > 0;) { // what is below a folder comes behind it
    if (tree->pristine[i].is_known()) {
      const bool all_below = std::ranges::none_of(
          children[i], [this](std::size_t child) { return needs_look(child); });
      m_known[i] = all_below ? Known::with_all_below : Known::alone;
    }
  }
}

void KnownFolders::forget(std::size_t folder) {
  m_known[folder] = Known::no;
  for (const std::size_t child : m_children[folder]) {
    forget(child);
  }
}

} // namespace snapfix::snapshot
