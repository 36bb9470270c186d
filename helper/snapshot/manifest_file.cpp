#include "snapshot/manifest_file.hpp"

#include "os/error.hpp"

#include <cerrno>
#include <cstring>

namespace snapfix::snapshot {
namespace {

constexpr std::array<char, 8> k_magic{'s', 'n', 'a', 'p', 'f', 'i', 'x', '\n'};
constexpr std::uint32_t k_version = 1;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  ManifestKind kind;
  os::Hash checksum; ///< of all that follows
  os::Hash base;
  std::array<std::uint64_t, k_sections> sizes; ///< bytes of each section
};

static_assert(sizeof(Header) % 8 == 0);

constexpr std::size_t k_checksum_end = offsetof(Header, checksum) + sizeof(os::Hash);

constexpr std::size_t padded(std::size_t size) {
  return (size + 7) / 8 * 8;
}

os::Hash checksum_of(Bytes file) {
  os::Hasher hasher;
  hasher.add(file.subspan(k_checksum_end));
  return hasher.finish();
}

} // namespace

std::vector<std::byte> assemble_manifest(ManifestKind kind, const os::Hash& base,
                                         const Sections& sections) {
  Header header{k_magic, k_version, kind, {}, base, {}};
  std::size_t total = sizeof(Header);
  for (std::size_t i = 0; i < k_sections; ++i) {
    header.sizes[i] = sections[i].size();
    total += padded(sections[i].size());
  }
  std::vector<std::byte> out(total);
  std::memcpy(out.data(), &header, sizeof header);
  std::size_t offset = sizeof(Header);
  for (const auto& section : sections) {
    if (!section.empty()) {
      std::memcpy(out.data() + offset, section.data(), section.size());
    }
    offset += padded(section.size());
  }
  header.checksum = checksum_of(out);
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

std::optional<ManifestParts> parse_manifest(Bytes file, ManifestKind kind) {
  Header header{};
  if (file.size() < sizeof header) {
    return std::nullopt;
  }
  std::memcpy(&header, file.data(), sizeof header);
  if (header.magic != k_magic || header.version != k_version || header.kind != kind ||
      header.checksum != checksum_of(file)) {
    return std::nullopt;
  }
  ManifestParts out{header.base, {}};
  Bytes rest = file.subspan(sizeof header);
  for (std::size_t i = 0; i < k_sections; ++i) {
    // In this order: only what fits can be padded without overflow.
    if (header.sizes[i] > rest.size() || padded(header.sizes[i]) > rest.size()) {
      return std::nullopt;
    }
    out.sections[i] = rest.first(header.sizes[i]);
    rest = rest.subspan(padded(header.sizes[i]));
  }
  return rest.empty() ? std::optional(out) : std::nullopt;
}

os::MappedFile map_manifest(const os::Dir& dir, const char* name) {
  const auto stat = dir.try_stat(name);
  if (!stat || !stat->is_file()) {
    return {};
  }
  try {
    return os::MappedFile::open(dir, name);
  } catch (const os::Error& error) {
    if (error.error_number() == ENOENT) {
      return {}; // removed since
    }
    throw;
  }
}

} // namespace snapfix::snapshot
