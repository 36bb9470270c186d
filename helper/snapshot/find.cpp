#include "snapshot/find.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/likest.hpp"
#include "snapshot/name.hpp"

namespace snapfix::snapshot {

std::optional<SnapshotManifest> find_snapshot(const Root& root, const std::string& folder) {
  const auto stat = root.top().try_stat(folder.c_str());
  return stat && stat->is_folder() && !root.is_foreign(*stat)
             ? SnapshotManifest::load(root.snapshots(), folder)
             : std::nullopt;
}

SnapshotManifest require_snapshot(const Root& root, const std::string& name) {
  const std::string folder = folder_of_name(name);
  if (auto manifest = find_snapshot(root, folder)) {
    return std::move(*manifest);
  }
  const std::string path = root.path() + "/" + folder;
  const auto stat = root.stat_of_tree(folder);
  const char* all = "'snapfix list' shows what there is";
  if (!stat) {
    const auto like = name_like(root, name);
    throw os::Error(os::format("there is no snapshot {} in {}", os::quoted(name), root.path()),
                    like ? os::format("did you mean {}?", os::quoted(*like)) : all);
  }
  if (auto manifest = find_snapshot(root, folder)) {
    return std::move(*manifest); // it has come back from its refresh
  }
  if (!has_record(root, folder)) {
    throw os::Error(os::format("{} is no snapshot: nothing of it is touched", os::quoted(path)),
                    all);
  }
  throw os::Error(
      stat->is_folder()
          ? os::format("the manifest of the snapshot {} is damaged", os::quoted(name))
          : os::format("{} is no folder any more, which the snapshot was", os::quoted(path)),
      os::format("make it anew: snapfix create {0} --fresh\ndrop it: snapfix remove {0}", name));
}

std::optional<std::string> name_like(const Root& root, const std::string& name) {
  // `r2` is the next one after `r1`, hardly `r1` misspelt.
  const auto without_digits = [](std::string text) {
    std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
    return text;
  };
  std::vector<std::string> names;
  for (const auto& folder : root.snapshot_folders()) {
    const auto manifest = find_snapshot(root, folder);
    if (manifest && without_digits(manifest->meta.name) != without_digits(name)) {
      names.push_back(manifest->meta.name);
    }
  }
  return os::likest(name, names);
}

void require_whole(const SnapshotManifest& manifest) {
  if (manifest.meta.update == Update::unfinished) {
    throw os::Error(
        os::format("an update of the snapshot {} was cut short: a part of its files is "
                   "of another state",
                   os::quoted(manifest.meta.name)),
        os::format(
            "end it: snapfix create {0} --update\n"
            "make it pristine, which removes what jobs have made: snapfix create {0} --fresh",
            manifest.meta.name));
  }
}

bool has_record(const Root& root, const std::string& folder) {
  return root.snapshots().try_stat(folder.c_str()).has_value();
}

bool is_damaged(const Root& root, const std::string& folder) {
  // Looked at in this order: a tree appears after its record, and goes before it.
  return root.top().try_stat(folder.c_str()) && has_record(root, folder) &&
         !find_snapshot(root, folder) && root.top().try_stat(folder.c_str());
}

Standing::Standing(const Root& root, const std::string& folder)
    : m_root(root), m_folder(folder), m_identity(look()) {}

std::optional<Standing::Identity> Standing::look() const {
  const auto record = m_root.snapshots().try_stat(m_folder.c_str());
  const auto tree = m_root.top().try_stat(m_folder.c_str());
  return record && tree ? std::optional(Identity{tree->inode, record->inode, record->ctime})
                        : std::nullopt;
}

void Standing::require_same() const {
  if (!is_same()) {
    throw os::Error(os::format("the snapshot in {} is just being replaced or removed",
                               os::quoted(m_root.path() + "/" + m_folder)),
                    "try again");
  }
}

std::optional<Base> find_base_of(const Root& root, const SnapshotManifest& manifest) {
  auto base = Base::load(root.bases(), manifest.base);
  const bool fits = base && base->files().size() == manifest.made.size() &&
                    base->files().size() == manifest.inodes.size();
  return fits ? std::move(base) : std::nullopt;
}

Base base_of(const Root& root, const SnapshotManifest& manifest) {
  auto base = find_base_of(root, manifest);
  if (!base) {
    throw os::Error(
        os::format("the base {} of the snapshot is lost or damaged", manifest.base.hex()),
        "remove the snapshot and make it again");
  }
  return std::move(*base);
}

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

} // namespace snapfix::snapshot
