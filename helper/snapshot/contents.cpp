#include "snapshot/contents.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/parallel.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <unordered_set>

namespace snapfix::snapshot {
namespace {

class Counter {
public:
  Counter(const SnapshotManifest& manifest, const Base& base)
      : m_manifest(manifest), m_base(base), m_children(children_of_folders(base)),
        m_queue(os::k_adapt),
        m_progress(os::format("looking at the files of {}", os::quoted(manifest.meta.name)),
                   base.files().size()) {}

  Contents count(const os::Dir& root, const std::string& folder);

private:
  using Index = std::optional<std::size_t>;
  struct Task {
    std::shared_ptr<const os::Dir> parent;
    std::string name;
    Index folder; ///< in the base; nothing for one that was added
  };

  void visit(const Task& task, const os::Dir& parent, Contents& out);
  void visit_folder(os::Dir&& dir, Index folder, Contents& out);
  void visit_file(const os::Stat& stat, Index file, Contents& out);
  Index child_of(Index folder, const std::string& name) const;
  Index file_in(Index folder, const std::string& name) const;
  bool shares(const os::Stat& stat, Index file);
  bool is_counted(const os::Stat& stat);

  const SnapshotManifest& m_manifest;
  const Base& m_base;
  std::vector<std::vector<std::size_t>> m_children;
  os::WorkQueue<Task> m_queue;
  os::Progress m_progress;
  std::mutex m_mutex;
  std::unordered_set<std::uint64_t> m_linked;  ///< inodes: filled when first asked for
  std::unordered_set<std::uint64_t> m_counted; ///< of files with several links
};

Contents Counter::count(const os::Dir& root, const std::string& folder) {
  Contents out;
  m_queue.add({nullptr, folder, std::size_t{0}});
  m_queue.run([&](const Task& task) {
    Contents here;
    visit(task, task.parent ? *task.parent : root, here);
    const std::uint64_t seen = here.shared + here.made_private + here.added;
    m_progress.count(seen);
    const std::scoped_lock lock(m_mutex);
    out += here;
    return static_cast<std::size_t>(seen);
  });
  const auto expected = static_cast<std::uint64_t>(
      m_manifest.made.size() - std::ranges::count(m_manifest.made, Made::excluded));
  out.missing = expected - std::min(expected, out.missing); // until now: those that were found
  return out;
}

void Counter::visit(const Task& task, const os::Dir& parent, Contents& out) {
  try {
    visit_folder(os::open_on_same_mount(parent, task.name.c_str()), task.folder, out);
  } catch (const os::Error& error) {
    switch (error.error_number()) {
    case EXDEV: // what is mounted there is not the snapshot's
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ESTALE: // another host removed it
      return;
    case EACCES:
      ++out.unread;
      return;
    default:
      throw;
    }
  }
}

void Counter::visit_folder(os::Dir&& dir, Index folder, Contents& out) {
  const auto entries = dir.entries();
  const auto here = std::make_shared<const os::Dir>(std::move(dir));
  for (const auto& entry : entries) {
    const auto stat =
        entry.type == os::EntryType::folder ? std::nullopt : here->try_stat(entry.name.c_str());
    const Index file = file_in(folder, entry.name);
    out.missing += file ? 1 : 0;
    if (entry.type == os::EntryType::folder || (stat && stat->is_folder())) {
      m_queue.add({here, entry.name, child_of(folder, entry.name)});
    } else if (stat && stat->is_file()) {
      visit_file(*stat, file, out);
    }
  }
}

void Counter::visit_file(const os::Stat& stat, Index file, Contents& out) {
  const std::uint64_t bytes = is_counted(stat) ? 0 : stat.size;
  if (shares(stat, file)) {
    ++out.shared;
    out.bytes_shared += bytes;
  } else if (file) {
    ++out.made_private;
    out.bytes_private += bytes;
  } else {
    ++out.added;
    out.bytes_added += bytes;
  }
}

Counter::Index Counter::child_of(Index folder, const std::string& name) const {
  if (!folder) {
    return std::nullopt;
  }
  const auto& children = m_children[*folder]; // in byte order
  const auto name_of = [this](std::size_t child) {
    return std::string_view(m_base.text(m_base.folders()[child].name));
  };
  const auto found = std::ranges::lower_bound(children, std::string_view(name), {}, name_of);
  return found != children.end() && name_of(*found) == name ? Index(*found) : std::nullopt;
}

/// What the snapshot was made with at that place.
Counter::Index Counter::file_in(Index folder, const std::string& name) const {
  if (!folder) {
    return std::nullopt;
  }
  const FolderRecord& record = m_base.folders()[*folder];
  const auto at = m_base.find_in(record, name);
  const bool was_made = at && m_manifest.made[record.first_file + *at] != Made::excluded;
  return was_made ? Index(record.first_file + *at) : std::nullopt;
}

bool Counter::shares(const os::Stat& stat, Index file) {
  if (file && m_manifest.made[*file] == Made::reflinked) {
    return stat.inode == m_manifest.inodes[*file] && m_base.files()[*file].agrees_with(stat);
  }
  if (stat.links < 2) {
    return false;
  }
  const std::scoped_lock lock(m_mutex);
  if (m_linked.empty()) {
    for (std::size_t i = 0; i < m_manifest.made.size(); ++i) {
      if (m_manifest.made[i] == Made::linked) {
        m_linked.insert(m_manifest.inodes[i]);
      }
    }
  }
  return m_linked.contains(stat.inode);
}

/// Whether another link to it was counted before.
bool Counter::is_counted(const os::Stat& stat) {
  if (stat.links < 2) {
    return false;
  }
  const std::scoped_lock lock(m_mutex);
  return !m_counted.insert(stat.inode).second;
}

} // namespace

Contents& Contents::operator+=(const Contents& more) noexcept {
  shared += more.shared;
  made_private += more.made_private;
  added += more.added;
  missing += more.missing;
  bytes_shared += more.bytes_shared;
  bytes_private += more.bytes_private;
  bytes_added += more.bytes_added;
  unread += more.unread;
  return *this;
}

std::optional<Contents> contents_of(const Snapshot& snapshot) {
  const Base* base = snapshot.find_base();
  if (base == nullptr) {
    return std::nullopt;
  }
  try {
    const auto out =
        Counter(snapshot.manifest(), *base).count(snapshot.root().top(), snapshot.folder());
    return snapshot.still_stands() ? std::optional(out) : std::nullopt;
  } catch (const os::Error&) {
    if (!snapshot.still_stands()) {
      return std::nullopt;
    }
    throw;
  }
}

} // namespace snapfix::snapshot
