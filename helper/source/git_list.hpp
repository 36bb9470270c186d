#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace snapfix::source {

/// One path that git lists, relative to the folder that it lists.
struct GitListed {
  enum class Kind {
    file,       ///< or a folder outside a sparse checkout, which is one entry then
    submodule,  ///< a gitlink
    repository, ///< an untracked one, which git does not enter
  };
  std::string_view path;
  Kind kind = Kind::file;
  bool skip_worktree = false;
};

/// Takes what `git ls-files -z -t --stage` prints, piece by piece, and gives each path to `use`. An
/// index may name anything; what is given is a path in a tree, and leads neither elsewhere nor into
/// a `.git`.
class GitList {
public:
  explicit GitList(std::function<void(const GitListed&)> use) : m_use(std::move(use)) {}

  void take(std::string_view piece);

  /// What was wrong with the list now that it has ended, if anything.
  std::optional<std::string> fault() const;

private:
  void take_line(std::string_view line);

  std::function<void(const GitListed&)> m_use;
  std::string m_begun; ///< of a line whose end is still to come
  std::optional<std::string> m_fault;
};

} // namespace snapfix::source
