#include "source/git_list.hpp"

#include "os/error.hpp"

#include <algorithm>
#include <climits>

namespace snapfix::source {
namespace {

constexpr std::string_view k_gitlink_mode = "160000";
constexpr std::string_view k_folder_mode = "040000"; // of a sparse index
constexpr char k_skip_worktree_tag = 'S';
constexpr std::string_view k_untracked_tag = "? ";

/// Whether it is a path in a tree as git allows it.
bool is_tree_path(std::string_view path) {
  while (path.size() < PATH_MAX) {
    const auto end = std::min(path.find('/'), path.size());
    const auto component = path.substr(0, end);
    if (component.empty() || component == "." || component == ".." || component == ".git") {
      return false;
    }
    if (end == path.size()) {
      return true;
    }
    path.remove_prefix(end + 1);
  }
  return false;
}

} // namespace

void GitList::take(std::string_view piece) {
  for (;;) {
    const auto end = piece.find('\0');
    if (end == std::string_view::npos) {
      m_begun += piece;
      return;
    }
    if (m_begun.empty()) {
      take_line(piece.substr(0, end));
    } else {
      m_begun += piece.substr(0, end);
      take_line(m_begun);
      m_begun.clear();
    }
    piece.remove_prefix(end + 1);
  }
}

std::optional<std::string> GitList::fault() const {
  return m_begun.empty() ? m_fault : "git's list was cut off behind " + os::quoted(m_begun);
}

/// `<tag> SP <mode> SP <object> SP <stage> TAB <path>`, or `? <path>`.
void GitList::take_line(std::string_view line) {
  const bool untracked = line.starts_with(k_untracked_tag);
  const auto tab = line.find('\t');
  if (!untracked && (line.size() < 8 || tab == std::string_view::npos)) {
    m_fault = "git's list has a line that cannot be read: " + os::quoted(line);
    return;
  }
  const auto mode = untracked ? std::string_view() : line.substr(2, k_gitlink_mode.size());
  auto path = line.substr(untracked ? k_untracked_tag.size() : tab + 1);
  const bool folder = path.ends_with('/') && (untracked || mode == k_folder_mode);
  path.remove_suffix(folder ? 1 : 0);
  if (!is_tree_path(path)) {
    m_fault = "git lists " + os::quoted(path) + ", which is no path of a tree";
    return;
  }
  using enum GitListed::Kind;
  const auto kind = untracked && folder ? repository : mode == k_gitlink_mode ? submodule : file;
  m_use({path, kind, line[0] == k_skip_worktree_tag});
}

} // namespace snapfix::source
