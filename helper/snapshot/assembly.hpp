#pragma once

#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"
#include "snapshot/store.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace snapfix::snapshot {

struct PartFolder {
  std::string path; ///< relative; empty for the source itself
  std::uint32_t permissions = 0755;
  os::Time mtime;
};

struct PartFile {
  std::string path;
  std::uint32_t mode = 0; ///< type (a file or a symlink) and permission bits
  std::uint64_t size = 0;
  os::Time mtime;
  os::Hash content;   ///< what its bytes must have
  std::string target; ///< a symlink's text
};

/// Makes a base of files that come from anywhere, one after the other, in place of a freeze of the
/// source: what is put together is a state that the source may never have had here.
class BaseAssembly {
public:
  /// Paths must be those of a tree: relative, of plain components, each once, no file in the place
  /// of a folder; each folder of a file is listed. The caller holds the store's lock, shared, for
  /// as long as it needs the base.
  BaseAssembly(const Root& root, BaseMeta meta, std::vector<PartFolder> folders,
               std::vector<PartFile> files);
  BaseAssembly(const BaseAssembly&) = delete;
  BaseAssembly& operator=(const BaseAssembly&) = delete;
  ~BaseAssembly();

  /// The bytes of the file with that index. end() throws os::Error where they are not those that
  /// its record names. Symlinks need none.
  void begin(std::size_t index);
  void add(std::span<const std::byte> bytes);
  void end();

  /// Writes the base; all files have been given. Throws os::Error.
  Base finish();

private:
  struct Open; ///< a file on its way into the store

  const Root& m_root;
  BaseMeta m_meta;
  std::vector<PartFolder> m_folders;
  std::vector<PartFile> m_files;
  os::Lock m_source_lock;
  Store m_store;
  std::vector<FileRecord> m_records; ///< of each file
  std::unique_ptr<Open> m_open;
};

} // namespace snapfix::snapshot
