#include "os/archive.hpp"

#include "os/archive_calls.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/library.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <unistd.h>

namespace snapfix::os {
namespace {

struct Library {
// NOLINTNEXTLINE(bugprone-macro-parentheses): the name of a member
#define SNAPFIX_MEMBER(name) decltype(&::name) name = nullptr;
  SNAPFIX_ARCHIVE_CALLS(SNAPFIX_MEMBER)
#undef SNAPFIX_MEMBER
};

Library load() {
  void* const handle = load_library(SNAPFIX_LIBARCHIVE);
  if (handle == nullptr) {
    throw Error(
        os::format("cannot load {}, which packs are read and written with", SNAPFIX_LIBARCHIVE),
        "install libarchive (Debian: libarchive13)\n"
        "a snapfix that was linked statically without it cannot load it: call the installed one");
  }
  Library out;
  const auto find = [&](const char* name, auto& call) {
    call = reinterpret_cast<std::remove_reference_t<decltype(call)>>(find_function(handle, name));
    if (call == nullptr) {
      throw Error(os::format("{} has no {}", SNAPFIX_LIBARCHIVE, name),
                  "install a newer libarchive");
    }
  };
#define SNAPFIX_FIND(name) find(#name, out.name);
  SNAPFIX_ARCHIVE_CALLS(SNAPFIX_FIND)
#undef SNAPFIX_FIND
  return out;
}

const Library& library() {
  static const Library k_library = load();
  return k_library;
}

constexpr std::size_t k_block = std::size_t{64} * 1024;
constexpr unsigned k_file_mode = 0644;

[[noreturn]] void fail(const char* what, const std::string& path, ::archive* archive) {
  const char* why = library().archive_error_string(archive);
  throw Error(os::format("cannot {} {}: {}", what, os::quoted(path), why == nullptr ? "?" : why));
}

} // namespace

struct ArchiveWriter::State {
  std::string path;
  ::archive* archive = nullptr;
  ::archive_entry* entry = nullptr;
};

ArchiveWriter::ArchiveWriter(int file, std::string path) : m_state(std::make_unique<State>()) {
  const auto& lib = library();
  m_state->path = std::move(path);
  m_state->archive = lib.archive_write_new();
  m_state->entry = lib.archive_entry_new();
  auto* const archive = m_state->archive;
  if (archive == nullptr || m_state->entry == nullptr) {
    throw Error("write", {m_state->path}, ENOMEM);
  }
  if (lib.archive_write_set_format_pax_restricted(archive) != ARCHIVE_OK ||
      lib.archive_write_add_filter_zstd(archive) != ARCHIVE_OK ||
      lib.archive_write_open_fd(archive, file) != ARCHIVE_OK) {
    fail("write", m_state->path, archive);
  }
}

ArchiveWriter::~ArchiveWriter() {
  library().archive_entry_free(m_state->entry);
  library().archive_write_free(m_state->archive);
}

void ArchiveWriter::begin(const std::string& name, std::uint64_t size) {
  const auto& lib = library();
  lib.archive_entry_set_pathname(m_state->entry, name.c_str());
  lib.archive_entry_set_size(m_state->entry, static_cast<std::int64_t>(size));
  lib.archive_entry_set_filetype(m_state->entry, AE_IFREG);
  lib.archive_entry_set_perm(m_state->entry, k_file_mode);
  if (lib.archive_write_header(m_state->archive, m_state->entry) != ARCHIVE_OK) {
    fail("write", m_state->path, m_state->archive);
  }
}

void ArchiveWriter::write(std::span<const std::byte> bytes) {
  const auto written = library().archive_write_data(m_state->archive, bytes.data(), bytes.size());
  if (written < 0 || static_cast<std::size_t>(written) != bytes.size()) {
    fail("write", m_state->path, m_state->archive);
  }
}

void ArchiveWriter::add(const std::string& name, std::string_view bytes) {
  begin(name, bytes.size());
  write(std::as_bytes(std::span(bytes)));
}

void ArchiveWriter::add(const std::string& name, std::uint64_t size, int from) {
  begin(name, size);
  std::vector<std::byte> buffer(k_block);
  for (std::uint64_t left = size; left != 0;) {
    const auto got = ::read(from, buffer.data(), std::min<std::uint64_t>(buffer.size(), left));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      throw Error("read a file for", {m_state->path}, got < 0 ? errno : EIO,
                  "did it change meanwhile? try again");
    }
    write(std::span(buffer.data(), static_cast<std::size_t>(got)));
    left -= static_cast<std::uint64_t>(got);
  }
}

void ArchiveWriter::finish() {
  if (library().archive_write_close(m_state->archive) != ARCHIVE_OK) {
    fail("write", m_state->path, m_state->archive);
  }
}

struct ArchiveReader::State {
  std::string path;
  ::archive* archive = nullptr;
  std::uint64_t size = 0;
};

ArchiveReader::ArchiveReader(int file, std::string path) : m_state(std::make_unique<State>()) {
  const auto& lib = library();
  m_state->path = std::move(path);
  m_state->archive = lib.archive_read_new();
  auto* const archive = m_state->archive;
  if (archive == nullptr) {
    throw Error("read", {m_state->path}, ENOMEM);
  }
  if (lib.archive_read_support_format_tar(archive) != ARCHIVE_OK ||
      lib.archive_read_support_filter_zstd(archive) != ARCHIVE_OK ||
      lib.archive_read_open_fd(archive, file, k_block) != ARCHIVE_OK) {
    fail("read", m_state->path, archive);
  }
}

ArchiveReader::~ArchiveReader() {
  library().archive_read_free(m_state->archive);
}

std::optional<ArchiveReader::Member> ArchiveReader::next() {
  const auto& lib = library();
  ::archive_entry* entry = nullptr;
  const int result = lib.archive_read_next_header(m_state->archive, &entry);
  if (result == ARCHIVE_EOF) {
    return std::nullopt;
  }
  if (result != ARCHIVE_OK) {
    fail("read", m_state->path, m_state->archive);
  }
  const char* name = lib.archive_entry_pathname(entry);
  if (name == nullptr || lib.archive_entry_filetype(entry) != AE_IFREG ||
      lib.archive_entry_hardlink(entry) != nullptr || lib.archive_entry_size_is_set(entry) == 0 ||
      lib.archive_entry_size(entry) < 0) {
    throw Error(os::format("{} holds what is no plain file", os::quoted(m_state->path)));
  }
  m_state->size = static_cast<std::uint64_t>(lib.archive_entry_size(entry));
  return Member{name, m_state->size};
}

void ArchiveReader::read(const std::function<void(std::span<const std::byte>)>& take) {
  std::vector<std::byte> buffer(k_block);
  while (m_state->size != 0) {
    const auto wanted = std::min<std::uint64_t>(buffer.size(), m_state->size);
    const auto got = library().archive_read_data(m_state->archive, buffer.data(), wanted);
    if (got < 0) {
      fail("read", m_state->path, m_state->archive);
    }
    if (got == 0) {
      throw Error(os::format("{} is cut off", os::quoted(m_state->path)));
    }
    take(std::span(buffer.data(), static_cast<std::size_t>(got)));
    m_state->size -= static_cast<std::uint64_t>(got);
  }
}

} // namespace snapfix::os
