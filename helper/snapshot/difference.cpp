#include "snapshot/difference.hpp"

#include "snapshot/store.hpp"
#include "source/listing.hpp"

#include <optional>

namespace snapfix::snapshot {
namespace {

/// A file by its folder and name.
struct Place {
  os::Dir dir;
  std::string name;

  std::string path() const { return dir.path_of(name.c_str()); }
  std::optional<os::Stat> stat() const { return dir.try_stat(name.c_str()); }
  os::Hash content() const { return os::hash_file(dir.open_to_read(name.c_str()).get(), path()); }
};

std::optional<Place> find_below(const os::Dir& top, const std::string& path) {
  auto dir = source::open_below(top, source::folder_of(path));
  Place out{dir ? std::move(*dir) : os::Dir(), std::string(source::name_of(path))};
  return dir && out.stat() ? std::optional(std::move(out)) : std::nullopt;
}

class Comparison {
public:
  explicit Comparison(const Snapshot& snapshot)
      : m_root(snapshot.root()), m_manifest(snapshot.manifest()), m_base(snapshot.base()),
        m_source(m_base.meta().source),
        m_tree(m_root.top().try_open_child(snapshot.folder().c_str())) {}

  std::optional<Difference> operator()(const std::string& path) const;

private:
  std::string before(std::size_t index, const std::string& path) const;
  bool is_same(std::size_t index, const std::string& path, const Place& now) const;

  const Root& m_root;
  const SnapshotManifest& m_manifest;
  const Base& m_base;
  std::string m_source;
  std::optional<os::Dir> m_tree;
};

std::optional<Difference> Comparison::operator()(const std::string& path) const {
  auto index = m_base.find(path);
  if (index && m_manifest.made[*index] == Made::excluded) {
    index.reset();
  }
  const auto now = m_tree ? find_below(*m_tree, path) : std::nullopt;
  if (!index) {
    return now ? std::optional(Difference{path, Change::added, "", now->path()}) : std::nullopt;
  }
  if (!now) {
    return Difference{path, Change::removed, before(*index, path), ""};
  }
  return is_same(*index, path, *now)
             ? std::nullopt
             : std::optional(Difference{path, Change::changed, before(*index, path), now->path()});
}

/// What was linked from the source itself has no object.
std::string Comparison::before(std::size_t index, const std::string& path) const {
  const FileRecord& file = m_base.files()[index];
  if (file.object == os::Hash()) {
    return m_source + "/" + path;
  }
  const Store store(m_root, m_source);
  return store.path_of(m_base.text(m_base.folder_of(index).path), file.object);
}

bool Comparison::is_same(std::size_t index, const std::string& path, const Place& now) const {
  const FileRecord& file = m_base.files()[index];
  const auto stat = now.stat();
  if (file.is_symlink()) {
    return stat && stat->is_symlink() &&
           now.dir.read_symlink(now.name.c_str()) == m_base.text(file.target);
  }
  if (!stat || !stat->is_file() || stat->size != file.size) {
    return false;
  }
  if (file.content != os::Hash()) {
    return now.content() == file.content;
  }
  const auto source = find_below(os::Dir::open(m_source), path);
  const auto then = source ? source->stat() : std::nullopt;
  return then && file.agrees_with(*then) ? now.content() == source->content()
                                         : stat->mtime == file.mtime(); // edited meanwhile
}

} // namespace

std::vector<Difference> differences(const Snapshot& snapshot,
                                    const std::vector<std::string>& paths) {
  const Comparison compare(snapshot);
  std::vector<Difference> out;
  for (const auto& path : paths) {
    if (auto found = compare(path)) {
      out.push_back(std::move(*found));
    }
  }
  return out;
}

} // namespace snapfix::snapshot
