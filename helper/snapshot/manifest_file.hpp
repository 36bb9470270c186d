#pragma once

#include "os/dir.hpp"
#include "os/file.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace snapfix::snapshot {

// Every manifest file: a header, a JSON text, then arrays of fixed-size records, each at a
// multiple of eight bytes. The checksum covers all behind it, so that a file that was cut or
// damaged by a crash of the machine counts as absent.

enum class ManifestKind : std::uint32_t { base = 1, snapshot = 2, freeze_record = 3 };

using Bytes = std::span<const std::byte>;

constexpr std::size_t k_sections = 4;
using Sections = std::array<Bytes, k_sections>;

/// What a manifest file holds: views of its bytes.
struct ManifestParts {
  os::Hash base;
  Sections sections;
};

/// The bytes of a manifest file.
std::vector<std::byte> assemble_manifest(ManifestKind kind, const os::Hash& base,
                                         const Sections& sections);

/// The parts of what assemble_manifest made; nothing if it is not whole, or of another kind or
/// version.
std::optional<ManifestParts> parse_manifest(Bytes file, ManifestKind kind);

/// Maps a manifest file; an empty one if there is none of that name, or it is no file. Throws
/// os::Error.
os::MappedFile map_manifest(const os::Dir& dir, const char* name);

/// The records of a section, as they lie there; nothing if its size is no multiple of a record's.
template<typename Record> std::optional<std::span<const Record>> records_in(Bytes section) {
  if (section.size() % sizeof(Record) != 0) {
    return std::nullopt;
  }
  return std::span(reinterpret_cast<const Record*>(section.data()), // NOLINT(*-reinterpret-cast)
                   section.size() / sizeof(Record));
}

inline std::string_view text_in(Bytes section) {
  return {reinterpret_cast<const char*>(section.data()), // NOLINT(*-reinterpret-cast)
          section.size()};
}

template<typename Record> Bytes bytes_of(const std::vector<Record>& records) {
  return std::as_bytes(std::span(records));
}

inline Bytes bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

} // namespace snapfix::snapshot
