// One byte says which manifest, the rest is one whose checksum is set right: behind it the work
// begins.

#include "snapshot/manifest.hpp"

#include "input.hpp"
#include "snapshot/record.hpp"

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace snapfix;

namespace {

constexpr std::size_t k_checksum_at = 16; // as manifest_file.cpp lays it out
constexpr std::size_t k_checked_from = k_checksum_at + sizeof(os::Hash);

/// Goes through a base as those do who use it.
void use(const snapshot::Base& base) {
  const auto check_name = [&](std::uint32_t offset) {
    const std::string_view name = base.text(offset);
    require(!name.empty() && name != "." && name != ".." &&
            name.find('/') == std::string_view::npos);
  };
  require(children_of_folders(base).size() == base.folders().size());
  std::size_t index = 0;
  for (const auto& folder : base.folders()) {
    if (&folder != base.folders().data()) {
      check_name(folder.name);
    }
    for (const auto& file : base.files_of(folder)) {
      check_name(file.name);
      const std::string path = base.path_of(folder, file);
      require(!path.starts_with('/'));
      base.find(path);
      base.find_in(folder, base.text(file.name));
      require(file.is_symlink() ? base.text(file.target) != nullptr : true);
      require(&base.folder_of(index) == &folder);
      ++index;
    }
  }
  base.find("");
  base.find("/");
  base.find("a/b");
  (void)snapshot::text_of(base.meta());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 + k_checked_from) {
    return 0;
  }
  // Manifests begin at a multiple of eight; not a byte more than there is, so that each one too far
  // is seen.
  std::vector<std::uint64_t> aligned((size - 1 + 7) / 8);
  std::memcpy(aligned.data(), data + 1, size - 1);
  const auto all = std::as_writable_bytes(std::span(aligned)).first(size - 1);
  os::Hasher hasher;
  hasher.add(all.subspan(k_checked_from));
  const os::Hash checksum = hasher.finish();
  std::memcpy(&all[k_checksum_at], &checksum, sizeof checksum);
  switch (data[0] % 3) {
  case 0:
    if (const auto base = snapshot::Base::parse(all)) {
      use(*base);
    }
    break;
  case 1:
    if (const auto manifest = snapshot::SnapshotManifest::parse(all)) {
      require(manifest->made.size() == manifest->inodes.size());
      for (const auto made : manifest->made) {
        snapshot::copy_reason(made);
      }
    }
    break;
  default:
    if (const auto record = snapshot::FreezeRecord::parse(all)) {
      for (const auto& seen : record->seen()) {
        seen.looks_like({});
        seen.is_unchanged({});
      }
    }
  }
  return 0;
}
