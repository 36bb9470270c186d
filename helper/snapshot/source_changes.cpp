#include "snapshot/source_changes.hpp"

#include "os/error.hpp"
#include "snapshot/freeze.hpp"
#include "snapshot/git_prototypes.hpp"
#include "source/scan.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace snapfix::snapshot {
namespace {

source::Selection selection_of(const Root& root, const BaseMeta& meta) {
  source::Selection out;
  out.source = meta.source;
  out.include = source::GlobSet(meta.include, meta.source);
  out.root = root.path();
  out.files = meta.files;
  out.git = meta.git;
  return out;
}

class SourceComparison {
public:
  SourceComparison(const Root& root, const Base& base) : m_base(base) {
    const auto selection = selection_of(root, base.meta());
    const auto lock =
        root.lock_source(os::hash_of(selection.source)); // of what its .git is made of
    GitPrototypes git(root, selection);
    m_dirs = {os::Dir::open(selection.source), git.open()};
    m_listing = source::list_source(
        selection, [&](source::ListingBuilder& listing) { git.add_to(listing, nullptr); });
    m_scan = source::scan(m_dirs, m_listing);
    m_seen = FreezeRecord::load(root.sources(), freeze_key(selection, base.meta().link_from));
    if (m_seen && (m_seen->base() != base.id() || m_seen->seen().size() != base.files().size())) {
      m_seen.reset(); // a later freeze's
    }
  }

  std::vector<SourceChange> run();

private:
  void compare(const source::ScannedFolder& folder, const FolderRecord& before);
  void add_all(const source::ScannedFolder& folder);
  void remove_all(const FolderRecord& folder);
  bool is_same(const source::ScannedFolder& folder, const source::ScannedFile& file,
               std::size_t before) const;
  bool has_same_content(const os::Dir& folder, const std::string& name,
                        const FileRecord& before) const;

  const Base& m_base;
  source::SourceDirs m_dirs;
  source::Listing m_listing; ///< holds the names that the scan points to
  source::Scan m_scan;
  std::optional<FreezeRecord> m_seen;
  std::vector<SourceChange> m_out;
};

std::vector<SourceChange> SourceComparison::run() {
  std::unordered_map<std::string_view, const FolderRecord*> left;
  for (const auto& folder : m_base.folders()) {
    left.emplace(m_base.text(folder.path), &folder);
  }
  for (const auto& folder : m_scan.folders) {
    const auto found = left.find(folder.path);
    if (found == left.end()) {
      add_all(folder);
    } else {
      compare(folder, *found->second);
      left.erase(found);
    }
  }
  for (const auto& [path, folder] : left) {
    remove_all(*folder);
  }
  std::ranges::sort(m_out);
  return std::move(m_out);
}

/// Both are in byte order.
void SourceComparison::compare(const source::ScannedFolder& folder, const FolderRecord& before) {
  if (folder.stat.permissions() != before.permissions) {
    m_out.push_back({folder.path.empty() ? "." : folder.path, Change::changed});
  }
  const auto files = m_base.files_of(before);
  std::size_t at = 0;
  const auto remove_until = [&](std::string_view name) {
    for (; at < files.size() && (name.empty() || m_base.text(files[at].name) < name); ++at) {
      m_out.push_back(
          {source::path_below(folder.path, m_base.text(files[at].name)), Change::removed});
    }
  };
  for (const auto& file : folder.files) {
    remove_until(file.name);
    if (at == files.size() || m_base.text(files[at].name) != file.name) {
      m_out.push_back({source::path_below(folder.path, file.name), Change::added});
    } else if (!is_same(folder, file, before.first_file + at++)) {
      m_out.push_back({source::path_below(folder.path, file.name), Change::changed});
    }
  }
  remove_until({});
}

void SourceComparison::add_all(const source::ScannedFolder& folder) {
  for (const auto& file : folder.files) {
    m_out.push_back({source::path_below(folder.path, file.name), Change::added});
  }
  if (folder.files.empty()) {
    m_out.push_back({folder.path, Change::added});
  }
}

void SourceComparison::remove_all(const FolderRecord& folder) {
  for (const auto& file : m_base.files_of(folder)) {
    m_out.push_back(
        {source::path_below(m_base.text(folder.path), m_base.text(file.name)), Change::removed});
  }
  if (folder.file_count == 0) {
    m_out.push_back({m_base.text(folder.path), Change::removed});
  }
}

/// Whoever changes a file after its freeze gives it another ctime: the freeze waited until the
/// tick of the old one was over.
bool SourceComparison::is_same(const source::ScannedFolder& folder, const source::ScannedFile& file,
                               std::size_t before) const {
  const FileRecord& record = m_base.files()[before];
  if (!record.agrees_with(file.stat)) {
    return false;
  }
  if (!m_seen) {
    return true;
  }
  const SeenFile& seen = m_seen->seen()[before];
  const bool is_untouched = seen.inode == file.stat.inode &&
                            os::Time{seen.ctime_seconds, seen.ctime_nanoseconds} == file.stat.ctime;
  if (is_untouched || record.content == os::Hash()) { // linked from the source, unread
    return true;
  }
  const auto dir = source::open_below(m_dirs, folder.path);
  return dir && has_same_content(*dir, std::string(file.name), record);
}

bool SourceComparison::has_same_content(const os::Dir& folder, const std::string& name,
                                        const FileRecord& before) const {
  if (before.is_symlink()) {
    return folder.read_symlink(name.c_str()) == m_base.text(before.target);
  }
  const auto file = folder.open_to_read(name.c_str());
  return os::hash_file(file.get(), folder.path_of(name.c_str())) == before.content;
}

} // namespace

std::vector<SourceChange> source_changes(const Root& root, const Base& base) {
  return SourceComparison(root, base).run();
}

} // namespace snapfix::snapshot
