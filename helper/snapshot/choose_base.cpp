#include "snapshot/choose_base.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "snapshot/frozen.hpp"

#include <vector>

namespace snapfix::snapshot {
namespace {

/// The base whose id is that, or begins so. Throws os::Error unless there is just one.
Base base_with(const Root& root, const std::string& beginning) {
  std::vector<std::string> found;
  for (const auto& entry : root.bases().entries()) {
    if (entry.name.starts_with(beginning)) {
      found.push_back(entry.name);
    }
  }
  if (found.size() > 1) {
    throw os::Error(os::format("{} bases begin with {}", found.size(), os::quoted(beginning)),
                    "give more digits of the id");
  }
  const auto id = found.empty() ? std::nullopt : os::Hash::from_hex(found[0]);
  auto base = id ? Base::load(root.bases(), *id) : std::nullopt;
  if (!base) {
    throw os::Error(os::format("there is no base {} in {}", os::quoted(beginning), root.path()),
                    "'snapfix freeze' prints the id of the present state's base");
  }
  return std::move(*base);
}

void check_fits(const Base& base, const std::string& source, LinkFrom from) {
  const auto id = base.id().short_hex();
  if (base.meta().source != source) {
    throw os::Error(
        os::format("the base {} is one of another source, {}", id, os::quoted(base.meta().source)),
        "name that one with --source");
  }
  if (base.meta().link_from != from) {
    throw os::Error(os::format("the base {} was frozen with --link-from {}", id,
                               os::word_of(base.meta().link_from)),
                    "give the same --link-from");
  }
}

} // namespace

ChosenBase choose_base(const Root& root, const source::Selection& selection, LinkFrom from,
                       const BaseChoice& choice) {
  auto lock = root.lock_store(os::LockMode::shared, "snapfix, choosing a base");
  if (!choice.id.empty()) {
    auto base = base_with(root, choice.id);
    check_fits(base, selection.source, from);
    return {std::move(lock), std::move(base), std::nullopt};
  }
  if (choice.frozen) {
    const auto id = find_frozen(root, freeze_key(selection, from));
    if (auto base = id ? Base::load(root.bases(), *id) : std::nullopt) {
      return {std::move(lock), std::move(*base), std::nullopt};
    }
  }
  try {
    auto frozen = freeze(root, selection, from);
    auto base = frozen.base;
    return {std::move(lock), std::move(base), std::move(frozen)};
  } catch (...) {
    root.clear_debris(); // it may be what has left no room for us
    throw;
  }
}

} // namespace snapfix::snapshot
