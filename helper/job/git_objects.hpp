#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::job {

/// A file, symlink or submodule of a commit.
struct TreeEntry {
  std::string path;
  std::string id;
  std::uint64_t size = 0;
  bool is_submodule = false;
};

/// What becomes of each blob that is asked for: begin, take for each piece and end, or missing.
struct BlobTaker {
  std::function<void(std::size_t index)> begin;
  std::function<void(std::string_view piece)> take;
  std::function<void(std::size_t index)> end;
  std::function<void(std::size_t index)> missing;
};

/// A repository whose objects are read: as they are, without filters. Nothing in it is changed or
/// fetched, and no program that it names runs. All throw os::Error where git fails.
class GitObjects {
public:
  explicit GitObjects(std::string folder) : m_folder(std::move(folder)) {}

  const std::string& folder() const noexcept { return m_folder; }

  /// What git prints, without the last newline; nothing where it fails.
  std::optional<std::string> ask(const std::vector<std::string>& arguments) const;

  bool has_commit(const std::string& id) const;

  /// All files of a commit, submodules as such, in git's order.
  std::vector<TreeEntry> list(const std::string& commit) const;

  /// Reads blobs in that order.
  void read(const std::vector<std::string>& ids, const BlobTaker& taker) const;

private:
  std::string m_folder;
};

} // namespace snapfix::job
