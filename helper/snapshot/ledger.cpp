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

nlohmann::json Ledger::to_json() const {
  return {{"linked", linked},
          {"reflinked", reflinked},
          {"copied", copied()},
          {"copied_by_reason", copied_by_reason},
          {"symlinks", symlinks},
          {"folders", folders},
          {"entries", entries()},
          {"bytes_shared", bytes_shared},
          {"bytes_copied", bytes_copied},
          {"seconds", seconds}};
}

void from_json(const nlohmann::json& json, Ledger& ledger) {
  json.at("linked").get_to(ledger.linked);
  json.at("reflinked").get_to(ledger.reflinked);
  json.at("copied_by_reason").get_to(ledger.copied_by_reason);
  json.at("symlinks").get_to(ledger.symlinks);
  json.at("folders").get_to(ledger.folders);
  json.at("bytes_shared").get_to(ledger.bytes_shared);
  json.at("bytes_copied").get_to(ledger.bytes_copied);
  json.at("seconds").get_to(ledger.seconds);
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
