#include "job/pack_file.hpp"

#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::job {
namespace {

constexpr std::uint64_t k_most_record = std::uint64_t{4} << 20U;
constexpr std::uint64_t k_most_tree = std::uint64_t{256} << 20U;

os::UniqueFd open(const std::string& path) {
  const auto slash = path.rfind('/') + 1;
  return os::Dir::open(path.substr(0, slash)).open_to_read(path.substr(slash).c_str());
}

} // namespace

PackFile::PackFile(const std::string& path, std::uint64_t max_size)
    : m_file(open(os::canonical_path(path))), m_path(path), m_archive(m_file.get(), path) {
  m_record = read_pack_record(read_text("record.json", k_most_record));
  m_tree = read_packed_tree(read_text("files.json", k_most_tree));
  std::uint64_t left = max_size;
  for (const auto& [file, from, lfs_id] : m_tree.files) {
    if (from == Origin::pack && !S_ISLNK(file.mode)) {
      if (file.size > left) {
        throw os::Error(os::format("the files in {} are larger than {} bytes altogether",
                                   os::quoted(path), max_size),
                        "if you trust it, allow more by --max-size");
      }
      left -= file.size;
    }
  }
}

std::string PackFile::read_text(const char* name, std::uint64_t most) {
  const auto member = m_archive.next();
  if (!member || member->name != name || member->size > most) {
    throw os::Error(os::format("{} is no pack of snapfix: its {} is missing, or too large",
                               os::quoted(m_path), name),
                    "'snapfix pack' makes one");
  }
  std::string out;
  m_archive.read([&](std::span<const std::byte> bytes) {
    for (const auto byte : bytes) {
      out += static_cast<char>(byte);
    }
  });
  return out;
}

void PackFile::read_contents(const std::function<void(std::size_t)>& begin,
                             const std::function<void(std::span<const std::byte>)>& take,
                             const std::function<void()>& end) {
  for (std::size_t i = 0; i < m_tree.files.size(); ++i) {
    const auto& [file, from, lfs_id] = m_tree.files[i];
    if (from != Origin::pack || S_ISLNK(file.mode)) {
      continue;
    }
    const auto member = m_archive.next();
    if (!member || member->name != os::format("content/{}", i) || member->size != file.size) {
      throw os::Error(os::format("{} does not hold the content of {}", os::quoted(m_path),
                                 os::quoted(file.path)),
                      "is it damaged, or was it changed?");
    }
    begin(i);
    m_archive.read(take);
    end();
  }
  if (m_archive.next()) {
    throw os::Error(os::format("{} holds more than a pack does", os::quoted(m_path)));
  }
}

} // namespace snapfix::job
