#pragma once

#include "os/dir.hpp"
#include "os/hash.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace snapfix::os {

/// FICLONE: shares the data blocks of `from` with the empty file `to`; 0 or the errno.
int try_reflink(int from, int to) noexcept;

/// Whether that errno of a reflink means "not here": another file system, or none that can.
bool means_no_reflink(int error_number) noexcept;

/// Copies `size` bytes from the start of `from` into the empty file `to`, holes kept, and feeds
/// them to `hasher` if there is one. Returns how many bytes there were, which is less than `size`
/// if the file shrank meanwhile. Throws Error naming the paths.
std::uint64_t copy_data(int from, const std::string& from_path, int to, const std::string& to_path,
                        std::uint64_t size, Hasher* hasher);

/// The hash of a file's content, read from its start. Throws Error.
Hash hash_file(int fd, const std::string& path);

/// A whole file mapped for reading. An empty or missing file gives an empty view.
class MappedFile {
public:
  MappedFile() = default;
  /// Throws Error, also if the file is missing.
  static MappedFile open(const Dir& dir, const char* name);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const noexcept { return {m_data, m_size}; }

private:
  const std::byte* m_data = nullptr;
  std::size_t m_size = 0;
};

/// The text of a small file; nothing if it is missing. Throws Error.
std::optional<std::string> read_small_file(const Dir& dir, const char* name);

/// A file of no folder, for the output of a program.
UniqueFd make_memory_file();

/// The text of an open file, read from its start. Throws Error naming `path`.
std::string text_of(int fd, const std::string& path);

/// Writes all of `bytes`. Throws Error naming `path`.
void write_all(int fd, std::span<const std::byte> bytes, const std::string& path);

/// Writes a file in place: for what is as good half-written. Throws Error.
void write_file(const Dir& dir, const char* name, std::string_view text);

/// A file that is to replace another one in one step: written beside it, under a name of this
/// process, which is all that can want for room. What was not committed is removed.
class Replacement {
public:
  /// Throws Error.
  Replacement(const Dir& dir, std::string name, std::span<const std::byte> bytes,
              std::uint32_t permissions = 0666);
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement();

  /// Gives it the owner, the mode, ACLs and other extended attributes of an open file, and waits
  /// until it is on the disk. Throws Error where that cannot be.
  void take_attributes_of(int file);
  /// Puts it into its place. Throws Error.
  void commit();

private:
  const Dir& m_dir;
  std::string m_name;
  std::string m_temporary;
};

/// Writes and commits a Replacement.
void replace_file(const Dir& dir, const char* name, std::span<const std::byte> bytes,
                  std::uint32_t permissions = 0666);
void replace_file(const Dir& dir, const char* name, std::string_view text,
                  std::uint32_t permissions = 0666);

/// As replace_file, but the file keeps its owner, its mode, ACLs and other extended attributes.
/// Throws Error where it cannot keep them, and for a file with other names (hard links), which
/// would go on leading to the old content; the file is then as it was.
void replace_content(const Dir& dir, const char* name, std::string_view text);

/// Which file was to be replaced, if `name` is what replace_file leaves when its process is killed.
std::optional<std::string> half_replaced(std::string_view name);

} // namespace snapfix::os
