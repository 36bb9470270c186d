#include "snapshot/ledger.hpp"

#include "snapshot/manifest.hpp"

namespace snapfix::snapshot {

std::uint64_t Ledger::copied() const {
  std::uint64_t out = 0;
  for (const auto& [reason, count] : copied_by_reason) {
    out += count;
  }
  return out;
}

std::uint64_t Ledger::entries() const {
  return linked + reflinked + copied() + symlinks + folders;
}

Ledger count_made(const Base& base, const std::vector<Made>& made) {
  Ledger out;
  const auto files = base.files();
  for (std::size_t i = 0; i < made.size(); ++i) {
    switch (made[i]) {
    case Made::linked:
      ++out.linked;
      out.bytes_shared += files[i].size;
      break;
    case Made::reflinked:
      ++out.reflinked;
      out.bytes_shared += files[i].size;
      break;
    case Made::symlink:
      ++out.symlinks;
      break;
    case Made::excluded:
      break;
    default:
      ++out.copied_by_reason[copy_reason(made[i])];
      out.bytes_copied += files[i].size;
    }
  }
  return out;
}

} // namespace snapfix::snapshot
