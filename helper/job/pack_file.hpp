#pragma once

#include "job/pack_record.hpp"
#include "job/packed_tree.hpp"
#include "os/archive.hpp"
#include "os/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace snapfix::job {

/// A pack that is read. It may come from anybody: what it names are names of a tree, or os::Error
/// is thrown.
class PackFile {
public:
  /// Reads all but the contents of files, which may have `max_size` bytes altogether.
  PackFile(const std::string& path, std::uint64_t max_size);

  const PackRecord& record() const noexcept { return m_record; }
  const PackedTree& tree() const noexcept { return m_tree; }

  /// Gives the contents that lie in it, in order: begin with the index of the file, take for each
  /// piece, end. Once only.
  void read_contents(const std::function<void(std::size_t)>& begin,
                     const std::function<void(std::span<const std::byte>)>& take,
                     const std::function<void()>& end);

private:
  std::string read_text(const char* name, std::uint64_t most);

  os::UniqueFd m_file;
  std::string m_path;
  os::ArchiveReader m_archive;
  PackRecord m_record;
  PackedTree m_tree;
};

} // namespace snapfix::job
