#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace snapfix::os {

// A tar archive of regular files, compressed by zstd. libarchive, which does it, is loaded when it
// is first wanted: linked, it would triple the time that each start of ours takes. The helper that
// is linked statically holds what of it is called.

/// Writes one.
class ArchiveWriter {
public:
  /// Into an open file, which outlives this; `path` is for messages. Throws Error, also where there
  /// is no libarchive.
  ArchiveWriter(int file, std::string path);
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;
  ~ArchiveWriter();

  /// Adds a file of those bytes, or of what an open file holds from where it stands, which must be
  /// just as much. Throws Error.
  void add(const std::string& name, std::string_view bytes);
  void add(const std::string& name, std::uint64_t size, int from);

  /// Writes what is left. Throws Error.
  void finish();

private:
  struct State;
  void begin(const std::string& name, std::uint64_t size);
  void write(std::span<const std::byte> bytes);

  std::unique_ptr<State> m_state;
};

/// Reads one, which may be anything.
class ArchiveReader {
public:
  /// Throws Error, also where there is no libarchive.
  ArchiveReader(int file, std::string path);
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;
  ~ArchiveReader();

  struct Member {
    std::string name;
    std::uint64_t size = 0;
  };

  /// The next file; nothing at the end. Throws Error where it is damaged, and for all that is no
  /// regular file: folders, links, devices.
  std::optional<Member> next();

  /// Gives the bytes of that file, as many as its size says. Throws Error.
  void read(const std::function<void(std::span<const std::byte>)>& take);

private:
  struct State;
  std::unique_ptr<State> m_state;
};

} // namespace snapfix::os
