#pragma once

#include "os/dir.hpp"
#include "os/file.hpp"
#include "snapshot/ledger.hpp"
#include "snapshot/options.hpp"
#include "source/list.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::snapshot {

// The records that manifests hold, in host byte order and mapped as they lie in the file: a tree
// of 70,000 files must cost a snapshot next to nothing to read.

/// A folder of a base.
struct FolderRecord {
  std::int64_t mtime_seconds;
  std::uint32_t mtime_nanoseconds;
  std::uint32_t permissions;
  std::uint32_t path;       ///< where its path stands among the texts
  std::uint32_t name;       ///< where its last component stands
  std::uint32_t parent;     ///< index of the folder above; the first folder is its own
  std::uint32_t first_file; ///< its files are files()[first_file, + file_count)
  std::uint32_t file_count;
  std::uint32_t reserved;

  os::Time mtime() const noexcept { return {mtime_seconds, mtime_nanoseconds}; }
};

/// A regular file or a symlink of a base.
struct FileRecord {
  std::uint64_t size;
  std::int64_t mtime_seconds;
  std::uint32_t mtime_nanoseconds;
  std::uint32_t mode;   ///< type and permission bits
  os::Hash content;     ///< content id; zero if it was linked from the source, unread
  os::Hash object;      ///< names the object in the store; zero for symlinks and link-from source
  std::uint64_t inode;  ///< of the object (link-from source: of the file); 0 if it is lost
  std::uint32_t name;   ///< where its name stands among the texts
  std::uint32_t target; ///< where a symlink's text stands

  os::Time mtime() const noexcept { return {mtime_seconds, mtime_nanoseconds}; }
  bool is_symlink() const noexcept { return S_ISLNK(mode); }
  /// Of a regular file: whether it is linked from the source, not from an object.
  bool is_from_source() const noexcept { return object == os::Hash(); }
  std::uint32_t permissions() const noexcept { return mode & 07777U; }
  /// Whether `stat` is what this record says, leaving aside which inode it is.
  bool agrees_with(const os::Stat& stat) const noexcept;
};

/// How a file of a snapshot was made.
enum class Made : std::uint8_t {
  linked,
  reflinked,
  copied_requested,   ///< named by --copy
  copied_link_mode,   ///< --link-mode copy
  copied_exdev,       ///< the link was refused: another file system
  copied_emlink,      ///< ... too many links to that inode
  copied_eperm,       ///< ... not permitted (fs.protected_hardlinks, immutable files)
  copied_unsupported, ///< ... the file system has no links
  symlink,
  excluded ///< not made, because of --exclude
};

/// `requested`, `link-mode`, `EXDEV`, ...; nothing for what is no copy.
const char* copy_reason(Made made);

/// What a base is one of.
struct BaseMeta {
  std::string source;
  source::FileSet files = source::FileSet::tracked;
  std::vector<std::string> include;
  LinkFrom link_from = LinkFrom::store;
  std::string created;
  source::Git git = source::Git::off;
};

/// The manifest of a base: the source frozen in one state. A view on a mapped file.
class Base {
public:
  /// Nothing if there is none of that id, or it is damaged. What it gives is sound: each index and
  /// offset is in range, names are names of one component, folders come in tree order.
  /// Throws os::Error if it cannot be read.
  static std::optional<Base> load(const os::Dir& bases, const os::Hash& id);

  /// The same of bytes in memory, which begin at a multiple of eight and outlive the base.
  static std::optional<Base> parse(std::span<const std::byte> bytes);

  os::Hash id() const noexcept { return m_id; }
  const BaseMeta& meta() const noexcept { return m_meta; }

  std::span<const FolderRecord> folders() const noexcept { return m_folders; }
  std::span<const FileRecord> files() const noexcept { return m_files; }
  std::span<const FileRecord> files_of(const FolderRecord& folder) const noexcept {
    return m_files.subspan(folder.first_file, folder.file_count);
  }
  const char* text(std::uint32_t offset) const noexcept { return &m_texts[offset]; }
  /// All names, paths and texts of symlinks, each with a NUL behind it.
  std::string_view texts() const noexcept { return m_texts; }
  std::string path_of(const FolderRecord& folder, const FileRecord& file) const;
  /// The folder of the file with that index in files().
  const FolderRecord& folder_of(std::size_t file_index) const;
  /// The index in files() of a path, if the base holds it.
  std::optional<std::size_t> find(std::string_view path) const;

  /// The place of a file among those of its folder.
  std::optional<std::size_t> find_in(const FolderRecord& folder, std::string_view name) const;

private:
  std::shared_ptr<const os::MappedFile> m_file;
  os::Hash m_id;
  BaseMeta m_meta;
  std::span<const FolderRecord> m_folders;
  std::span<const FileRecord> m_files;
  std::string_view m_texts;
};

/// For each folder of a base the folders in it, as indices.
std::vector<std::vector<std::size_t>> children_of_folders(const Base& base);

/// Gathers a base, folders in tree order, and writes it.
class BaseWriter {
public:
  /// `files`: how many are to be expected.
  explicit BaseWriter(std::size_t files = 0) { m_files.reserve(files); }

  /// Files that are added next lie in this folder. `path` is empty for the source itself.
  void add_folder(std::string_view path, std::uint32_t permissions, os::Time mtime);

  /// `record.name` and `record.target` are set here.
  void add_file(std::string_view name, FileRecord record, std::string_view target);

  std::size_t file_count() const noexcept { return m_files.size(); }

  /// The id of the state: sources with other content, names or modes have another, and so have
  /// other file mtimes; folder mtimes do not count, since every untracked file changes one.
  os::Hash id(std::string_view key) const;

  /// Writes the base of that id, replacing one in one step.
  void write(const os::Dir& bases, const os::Hash& id, const BaseMeta& meta) const;

private:
  std::uint32_t keep(std::string_view text);

  std::vector<FolderRecord> m_folders;
  std::vector<FileRecord> m_files;
  std::string m_texts;
  std::vector<std::pair<std::string, std::uint32_t>> m_open; ///< folders on the way to the last
};

/// For files of a base, by their indices, another object inode; 0 for an object that is lost.
using InodeChanges = std::vector<std::pair<std::size_t, std::uint64_t>>;

/// Rewrites the base of that id with other object inodes.
void rewrite_inodes(const os::Dir& bases, const Base& base, const InodeChanges& changes);

/// Whether a snapshot was updated since it was made, and so may hold what jobs have made.
enum class Update : std::uint8_t {
  none,
  unfinished, ///< the record tells what it was before
  done
};

/// What is recorded of a snapshot, but for its files.
struct SnapshotMeta {
  std::string name;
  std::string created;
  std::string source;
  RecordedOptions options;
  Ledger ledger;
  Update update = Update::none;
};

/// A folder of a snapshot, pristine: as long as it has this inode and ctime, nothing in it came,
/// went or got another name, and its own mode, times, owner and attributes are what they were.
struct FolderState {
  std::uint64_t inode = 0; ///< 0: it is not known to be pristine
  std::int64_t ctime_seconds = 0;
  std::uint32_t ctime_nanoseconds = 0;
  std::uint32_t reserved = 0;

  static FolderState of(const os::Stat& stat) noexcept {
    return {stat.inode, stat.ctime.seconds, stat.ctime.nanoseconds, 0};
  }
  os::Time ctime() const noexcept { return {ctime_seconds, ctime_nanoseconds}; }
  bool is_known() const noexcept { return inode != 0; }
  bool operator==(const FolderState&) const = default;
};

/// The manifest of a snapshot: from which base, and for each of its files how it was made and
/// which inode it had.
class SnapshotManifest {
public:
  os::Hash base;
  SnapshotMeta meta;
  std::vector<Made> made;
  std::vector<std::uint64_t> inodes; ///< as many
  std::vector<FolderState> folders;  ///< those of the base, as the tree began; or nothing

  /// Nothing if there is none of that name, or it is damaged. Throws os::Error if it cannot be
  /// read.
  static std::optional<SnapshotManifest> load(const os::Dir& snapshots, const std::string& folder);

  /// The same of bytes in memory, which begin at a multiple of eight.
  static std::optional<SnapshotManifest> parse(std::span<const std::byte> bytes);

  /// Written, but not yet in its place.
  os::Replacement prepare(const os::Dir& snapshots, const std::string& folder) const;
};

/// What a freeze saw of the source's files when it read them, in the order of the base's files:
/// what makes it safe not to read them again.
struct SeenFile {
  std::uint64_t inode;
  std::uint64_t size;
  std::int64_t ctime_seconds;
  std::int64_t mtime_seconds;
  std::uint32_t ctime_nanoseconds;
  std::uint32_t mtime_nanoseconds;
  std::uint32_t mode;
  std::uint32_t settled; ///< 1 if the ctime was old enough that a later change must show in it

  /// Whether a file of that stat would be made into the same object if its content is the same.
  bool looks_like(const os::Stat& stat) const noexcept;
  /// Whether a file of that stat is unchanged for certain.
  bool is_unchanged(const os::Stat& stat) const noexcept;
};

/// The last freeze of one (source, files, include).
class FreezeRecord {
public:
  /// Nothing if there is none, or it is damaged. Throws os::Error if it cannot be read.
  static std::optional<FreezeRecord> load(const os::Dir& sources, const os::Hash& key);

  /// The same of bytes in memory, which begin at a multiple of eight and outlive the record.
  static std::optional<FreezeRecord> parse(std::span<const std::byte> bytes);

  static void write(const os::Dir& sources, const os::Hash& key, const os::Hash& base,
                    const std::vector<SeenFile>& seen);

  /// The bases that the last freezes of all sources made.
  static std::set<os::Hash> last_bases(const os::Dir& sources);

  os::Hash base() const noexcept { return m_base; }
  std::span<const SeenFile> seen() const noexcept { return m_seen; }

private:
  os::MappedFile m_file;
  os::Hash m_base;
  std::span<const SeenFile> m_seen;
};

} // namespace snapfix::snapshot

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::snapshot::Update>{"none", "unfinished",
                                                                            "done"};
