#pragma once

#include "job/git_objects.hpp"
#include "job/pack_record.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::job {

/// A file as a commit has it.
struct CommittedFile {
  std::size_t repository = 0; ///< index of the repository that holds it
  std::string id;
  std::uint64_t size = 0;
};

/// A work tree's repository and those of its submodules, each at one commit.
class Repositories {
public:
  /// The commit of the repository at a path, where another one counts than its HEAD.
  using CommitOf = std::function<std::optional<std::string>(const std::string& path)>;

  /// Those of the work tree at `top`, each at its HEAD; none where it has no commit.
  static Repositories at_head(const std::string& top, const CommitOf& commit_of);

  /// Those of a clone, at the commits that are named. Throws os::Error, which says what is missing,
  /// and how to get it.
  static Repositories at(const std::string& clone, const std::vector<PackedCommit>& commits);

  const std::vector<PackedCommit>& commits() const noexcept { return m_commits; }
  const GitObjects& objects(std::size_t repository) const { return m_objects.at(repository); }

  /// The files of all commits that lie in a folder of the work tree, by their paths in it.
  std::map<std::string, CommittedFile> files_in(const std::string& folder) const;

private:
  void add_head(const std::string& folder, const std::string& path, const CommitOf& commit_of);

  std::vector<PackedCommit> m_commits;
  std::vector<GitObjects> m_objects;
};

} // namespace snapfix::job
