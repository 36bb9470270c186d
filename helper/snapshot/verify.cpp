#include "snapshot/verify.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/parallel.hpp"
#include "os/process.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"
#include "snapshot/freeze.hpp"
#include "snapshot/roots_beside.hpp"
#include "snapshot/store.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>

namespace snapfix::snapshot {
namespace {

class Verifier {
public:
  Verifier(const Snapshot& snapshot, VerifyDepth depth);

  Verified run();
  Verified count();

private:
  /// A folder of the snapshot, for one worker.
  struct Task {
    std::shared_ptr<const os::Dir> parent;
    std::size_t index;
  };
  /// Where the objects of a folder lie: opened for the first of them that is looked at.
  struct Bucket {
    const FolderRecord& folder;
    os::Time began; ///< the folder's ctime as the tree began, where that is known
    std::optional<os::Dir> dir = std::nullopt;
    bool is_open = false;
  };
  struct Counts {
    std::uint64_t shared = 0;
    std::uint64_t made_private = 0;
    std::uint64_t bytes_private = 0;
    std::uint64_t missing = 0;
    std::uint64_t added = 0;
  };

  void visit_all(os::Dir top);
  void add(const Counts& counts);
  Counts visit(os::Dir&& dir, std::size_t folder_index, os::WorkQueue<Task>& queue);
  void visit_missing(std::size_t folder_index, Counts& counts);
  bool visit_file(const os::Dir& dir, Bucket& bucket, std::size_t index, Counts& counts);
  os::Time ctime_at_begin(std::size_t folder) const;
  bool is_unchanged(const os::Dir& dir, std::size_t folder) const;
  std::uint64_t queue_children(const std::shared_ptr<const os::Dir>& dir, std::size_t folder,
                               const std::vector<os::DirEntry>& present, Counts& counts,
                               os::WorkQueue<Task>& queue);
  void check_object(Bucket& bucket, std::size_t index);
  void compare(const os::Dir& dir, const char* name, const os::Stat& stat,
               const FolderRecord& folder, std::size_t index);
  void name_suspects();
  void name_suspects_in(const Root& root);
  void heal_findings();

  static const Base& base_of(const Snapshot& snapshot);

  const Snapshot& m_snapshot;
  const Root& m_root;
  const SnapshotManifest& m_manifest;
  VerifyDepth m_depth;
  const Base& m_base;
  const std::string& m_source;
  std::vector<std::vector<std::size_t>> m_children;
  Store m_store;
  os::Progress m_progress;
  std::mutex m_mutex;
  std::vector<std::pair<std::size_t, Finding>> m_found; ///< by the indices of their files
  Verified m_out;
};

Verifier::Verifier(const Snapshot& snapshot, VerifyDepth depth)
    : m_snapshot(snapshot), m_root(snapshot.root()), m_manifest(snapshot.manifest()),
      m_depth(depth), m_base(base_of(snapshot)), m_source(m_base.meta().source),
      m_children(children_of_folders(m_base)), m_store(m_root, m_source),
      m_progress(os::format("verifying {}", os::quoted(snapshot.name())), m_base.files().size()) {
  m_out.pristine.resize(m_base.folders().size());
}

/// Of one that is just removed, the base went with it.
const Base& Verifier::base_of(const Snapshot& snapshot) {
  if (snapshot.find_base() == nullptr) {
    snapshot.require_standing();
  }
  return snapshot.base();
}

Verified Verifier::count() {
  if (auto top = os::open_own_folder(m_root.top(), m_snapshot.folder().c_str())) {
    visit_all(std::move(*top));
  }
  return std::move(m_out);
}

Verified Verifier::run() {
  if (auto top = os::open_own_folder(m_root.top(), m_snapshot.folder().c_str())) {
    visit_all(std::move(*top));
  } else {
    m_snapshot.require_standing();
    if (m_root.top().try_stat(m_snapshot.folder().c_str())) {
      throw os::Error("open", {m_snapshot.path()}, EACCES);
    }
    Counts counts; // its command took the tree away: the objects tell what was done before
    visit_missing(0, counts);
    add(counts);
  }
  m_snapshot.require_standing();
  if (!m_found.empty()) {
    std::ranges::sort(m_found, {}, &std::pair<std::size_t, Finding>::first);
    try { // what was found is told whatever fails now
      name_suspects();
      heal_findings();
    } catch (const os::Error& error) {
      m_out.not_healed = error.what();
    }
  }
  for (auto& [index, finding] : m_found) {
    m_out.findings.push_back(std::move(finding));
  }
  return std::move(m_out);
}

void Verifier::add(const Counts& counts) {
  const std::scoped_lock lock(m_mutex);
  m_out.shared += counts.shared;
  m_out.made_private += counts.made_private;
  m_out.bytes_private += counts.bytes_private;
  m_out.missing += counts.missing;
  m_out.added += counts.added;
}

void Verifier::visit_all(os::Dir top) {
  os::WorkQueue<Task> queue(os::k_adapt);
  queue.add({std::make_shared<const os::Dir>(std::move(top)), 0});
  queue.run([&](const Task& task) {
    // The top is given as its own parent.
    const char* name = task.index == 0 ? "." : m_base.text(m_base.folders()[task.index].name);
    if (auto dir = os::open_own_folder(*task.parent, name)) {
      add(visit(std::move(*dir), task.index, queue));
    } else {
      Counts counts;
      visit_missing(task.index, counts);
      add(counts);
    }
    return m_base.folders()[task.index].file_count;
  });
}

Verifier::Counts Verifier::visit(os::Dir&& dir, std::size_t folder_index,
                                 os::WorkQueue<Task>& queue) {
  Counts counts;
  const FolderRecord& folder = m_base.folders()[folder_index];
  Bucket bucket{folder, ctime_at_begin(folder_index)};
  std::uint64_t expected = 0;
  bool as_made = true;
  for (std::size_t i = 0; i < folder.file_count; ++i) {
    const std::size_t index = folder.first_file + i;
    if (m_manifest.made[index] != Made::excluded) {
      ++expected;
      as_made = visit_file(dir, bucket, index, counts) && as_made;
    }
  }
  if (is_unchanged(dir, folder_index)) { // so it holds what it did hold
    m_out.pristine[folder_index] = as_made ? m_manifest.folders[folder_index] : FolderState();
    const auto parent = std::make_shared<const os::Dir>(std::move(dir));
    const auto& children = m_children[folder_index];
    for (std::size_t i = children.size(); i-- > 0;) { // the youngest task is the first to be done
      queue.add({parent, children[i]});
    }
    return counts;
  }
  expected -= counts.missing;
  auto present = dir.entries();
  std::ranges::sort(present, {}, &os::DirEntry::name);
  expected += queue_children(std::make_shared<const os::Dir>(std::move(dir)), folder_index, present,
                             counts, queue);
  counts.added = present.size() > expected ? present.size() - expected : 0;
  return counts;
}

os::Time Verifier::ctime_at_begin(std::size_t folder) const {
  return folder < m_manifest.folders.size() ? m_manifest.folders[folder].ctime() : os::Time();
}

/// The top folder has always changed: it got another name.
bool Verifier::is_unchanged(const os::Dir& dir, std::size_t folder) const {
  const auto& began = m_manifest.folders;
  if (folder == 0 || began.size() != m_base.folders().size() || !began[folder].is_known()) {
    return false;
  }
  // A server may know of changes that another client made.
  return began[folder] == FolderState::of(os::stat_of(dir.fd(), dir.path(), os::Freshness::server));
}

/// Returns how many of them are there.
std::uint64_t Verifier::queue_children(const std::shared_ptr<const os::Dir>& dir,
                                       std::size_t folder, const std::vector<os::DirEntry>& present,
                                       Counts& counts, os::WorkQueue<Task>& queue) {
  std::uint64_t out = 0;
  const auto& children = m_children[folder];
  for (std::size_t i = children.size(); i-- > 0;) {
    const std::size_t child = children[i];
    const std::string name = m_base.text(m_base.folders()[child].name);
    const auto found = std::ranges::lower_bound(present, name, {}, &os::DirEntry::name);
    if (found != present.end() && found->name == name && found->type != os::EntryType::other) {
      ++out;
      queue.add({dir, child});
    } else {
      visit_missing(child, counts);
    }
  }
  return out;
}

void Verifier::visit_missing(std::size_t folder_index, Counts& counts) {
  std::vector<std::size_t> missing{folder_index};
  while (!missing.empty()) {
    const std::size_t at = missing.back();
    missing.pop_back();
    const FolderRecord& folder = m_base.folders()[at];
    Bucket bucket{folder, {}};
    for (std::size_t i = 0; i < folder.file_count; ++i) {
      const std::size_t index = folder.first_file + i;
      if (m_manifest.made[index] != Made::excluded) {
        ++counts.missing;
        check_object(bucket, index);
      }
    }
    missing.insert(missing.end(), m_children[at].begin(), m_children[at].end());
  }
}

/// Whether it is as it was made, if its folder is unchanged.
bool Verifier::visit_file(const os::Dir& dir, Bucket& bucket, std::size_t index, Counts& counts) {
  m_progress.count();
  const FileRecord& file = m_base.files()[index];
  const char* name = m_base.text(file.name);
  const auto stat = dir.try_stat(name);
  if (!stat) {
    ++counts.missing;
    check_object(bucket, index);
    return false;
  }
  if (m_manifest.made[index] == Made::linked && stat->is_file() &&
      stat->inode == m_manifest.inodes[index]) {
    ++counts.shared;
    compare(dir, name, *stat, bucket.folder, index);
    return true;
  }
  if (m_manifest.made[index] != Made::symlink || stat->is_file()) {
    ++counts.made_private;
    counts.bytes_private += stat->is_file() ? stat->size : 0;
  }
  check_object(bucket, index);
  return m_manifest.made[index] == Made::symlink && stat->is_symlink() &&
         stat->mtime == file.mtime() && !(bucket.began < stat->ctime) && m_store.is_own(*stat);
}

/// A linked file that is no longer at its place (moved, replaced, removed) may have been written to
/// before: its object tells.
void Verifier::check_object(Bucket& bucket, std::size_t index) {
  const FileRecord& file = m_base.files()[index];
  if (m_manifest.made[index] != Made::linked || file.is_from_source()) {
    return;
  }
  if (!bucket.is_open) {
    bucket.dir = m_store.open_bucket(m_base.text(bucket.folder.path));
    bucket.is_open = true;
  }
  const ObjectName name = Store::name_of(file.object);
  const auto stat = bucket.dir ? bucket.dir->try_stat(name.data()) : std::nullopt;
  if (stat && stat->inode == m_manifest.inodes[index]) {
    compare(*bucket.dir, name.data(), *stat, bucket.folder, index);
  }
}

void Verifier::compare(const os::Dir& dir, const char* name, const os::Stat& stat,
                       const FolderRecord& folder, std::size_t index) {
  const FileRecord& file = m_base.files()[index];
  Finding finding;
  if (stat.size != file.size) {
    finding.what.emplace_back("size");
  }
  if (stat.mtime != file.mtime()) {
    finding.what.emplace_back("mtime");
  }
  if (stat.mode != file.mode) {
    finding.what.emplace_back("mode");
  }
  if (!file.is_from_source() && stat.owner != m_store.owner()) {
    finding.what.emplace_back("owner");
  }
  if (!file.is_from_source() && stat.group != m_store.group()) {
    finding.what.emplace_back("group");
  }
  if (m_depth == VerifyDepth::content && !file.is_from_source()) {
    const auto fd = dir.open_to_read(name);
    if (os::hash_file(fd.get(), dir.path_of(name)) != file.content) {
      finding.what.emplace_back("content");
    }
  }
  if (!finding.what.empty()) {
    finding.path = m_base.path_of(folder, file);
    const std::scoped_lock lock(m_mutex);
    m_found.emplace_back(index, std::move(finding));
  }
}

/// All snapshots whose manifests name one of the inodes; those in roots beside ours, which may have
/// taken the file over, by their paths.
void Verifier::name_suspects() {
  name_suspects_in(m_root);
  try {
    visit_roots_beside(m_root, [this](const Root& other) { name_suspects_in(other); });
  } catch (const os::Error& error) {
    m_out.notes.push_back(os::format(
        "who shares these files in roots beside this one is not known: {}", error.what()));
  }
}

void Verifier::name_suspects_in(const Root& root) {
  for (const auto& other : root.snapshot_folders()) {
    const auto snapshot = Snapshot::find(root, other);
    const Base* base = snapshot ? snapshot->find_base() : nullptr;
    if (base == nullptr || base->meta().source != m_source) {
      continue;
    }
    const auto& manifest = snapshot->manifest();
    for (auto& [found, finding] : m_found) {
      const auto index =
          manifest.base == m_manifest.base ? std::optional(found) : base->find(finding.path);
      if (index && *index < manifest.inodes.size() && manifest.made[*index] == Made::linked &&
          manifest.inodes[*index] == m_manifest.inodes[found]) {
        finding.suspects.push_back(&root == &m_root ? snapshot->name() : snapshot->path());
        const auto run = load_run(root, other);
        if (!run) {
          m_out.never_run.insert(finding.suspects.back());
        } else if (!run->is_guarded()) {
          m_out.unguarded.insert(finding.suspects.back());
        }
      }
    }
  }
}

void Verifier::heal_findings() {
  std::vector<Damage> damages;
  for (const auto& [index, finding] : m_found) {
    const FileRecord& file = m_base.files()[index];
    if (!file.is_from_source()) {
      damages.push_back({finding.path, file.object, m_manifest.inodes[index]});
    }
  }
  if (damages.size() != m_found.size()) {
    m_out.notes.emplace_back("the snapshot was linked from the source itself: these are the "
                             "source's own files, changed there or through a link");
  }
  if (damages.empty()) {
    return;
  }
  const Healed healed = heal(m_root, m_source, damages);
  m_out.healed = healed.replaced + healed.dropped;
}

} // namespace

Changes Verified::changes() const {
  return {made_private, bytes_private, missing, added};
}

Verified verify(const Snapshot& snapshot, VerifyDepth depth) {
  return Verifier(snapshot, depth).run();
}

Changes count_changes(const Snapshot& snapshot) {
  return Verifier(snapshot, VerifyDepth::stats).count().changes();
}

} // namespace snapfix::snapshot
