#include "source/git.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/subprocess.hpp"

#include <cerrno>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace snapfix::source {
namespace {

constexpr std::string_view k_gitlink_mode = "160000";
constexpr char k_skip_worktree_tag = 'S';
constexpr std::string_view k_untracked_tag = "? ";

/// Environment of every git call: it must change nothing (no index refresh, no file system
/// monitor), and its words must be recognizable.
std::vector<std::string> git_environment(const std::optional<std::string>& ceiling) {
  auto out = os::environment_without_git();
  std::erase_if(out, [&](const std::string& variable) {
    return variable.starts_with("LC_ALL=") || variable.starts_with("LANGUAGE=") ||
           variable.starts_with("GIT_OPTIONAL_LOCKS=") ||
           (ceiling && variable.starts_with("GIT_CEILING_DIRECTORIES="));
  });
  out.emplace_back("LC_ALL=C");
  out.emplace_back("GIT_OPTIONAL_LOCKS=0");
  if (ceiling) {
    out.push_back("GIT_CEILING_DIRECTORIES=" + *ceiling);
  }
  return out;
}

os::Finished run_git(const std::string& folder, const std::vector<std::string>& arguments,
                     const std::optional<std::string>& ceiling = std::nullopt,
                     const std::function<void(std::string_view)>& take_output = {}) {
  std::vector<std::string> command{"git", "-c", "core.fsmonitor=false"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  try {
    return os::run_program(command, git_environment(ceiling), folder, take_output);
  } catch (const os::Error& error) {
    std::error_code ignored;
    if (error.error_number() == ENOENT && std::filesystem::exists(folder, ignored)) {
      throw os::Error("git is not installed, and " + os::quoted(folder) + " is a git work tree",
                      "install git, or take every file with --files all");
    }
    throw;
  }
}

[[noreturn]] void throw_git_failure(const std::string& folder, const os::Finished& git) {
  std::string words = git.err;
  while (words.ends_with('\n')) {
    words.pop_back();
  }
  std::string hint = "--files all takes every file, without git";
  if (words.find("dubious ownership") != std::string::npos) {
    hint = os::format("if you trust it: git config --global --add safe.directory {}", folder);
  }
  throw os::Error(os::format("git cannot list the files of {} (exit code {}): {}",
                             os::quoted(folder), git.exit_code, words),
                  hint);
}

bool has_git_entry_around(const std::string& folder) {
  for (std::filesystem::path here = folder;; here = here.parent_path()) {
    std::error_code ignored;
    if (std::filesystem::exists(here / ".git", ignored)) {
      return true;
    }
    if (here == here.parent_path()) {
      return false;
    }
  }
}

/// Cuts what comes piece by piece into NUL-terminated texts.
class TextCutter {
public:
  explicit TextCutter(std::function<void(std::string_view)> use) : m_use(std::move(use)) {}

  void operator()(std::string_view piece) {
    for (;;) {
      const auto end = piece.find('\0');
      if (end == std::string_view::npos) {
        m_begun += piece;
        return;
      }
      if (m_begun.empty()) {
        m_use(piece.substr(0, end));
      } else {
        m_begun += piece.substr(0, end);
        m_use(m_begun);
        m_begun.clear();
      }
      piece.remove_prefix(end + 1);
    }
  }

private:
  std::function<void(std::string_view)> m_use;
  std::string m_begun; ///< of a text whose end is still to come
};

class GitLister {
public:
  GitLister(const os::Dir& top, GitFiles files, ListingBuilder& listing)
      : m_top(top), m_files(files), m_listing(listing) {}

  /// `prefix` is the work tree's path in the source, with a slash at its end, or empty.
  void list(const std::string& prefix, const std::optional<std::string>& ceiling);

private:
  void for_each_text(const std::string& prefix, const std::vector<std::string>& arguments,
                     const std::optional<std::string>& ceiling,
                     const std::function<void(std::string_view)>& use);
  void enter(const std::string& path, bool listed_by_parent);
  void check_is_top(const std::string& path, const std::string& ceiling);

  const os::Dir& m_top;
  GitFiles m_files;
  ListingBuilder& m_listing;
};

void GitLister::for_each_text(const std::string& prefix, const std::vector<std::string>& arguments,
                              const std::optional<std::string>& ceiling,
                              const std::function<void(std::string_view)>& use) {
  const std::string folder = prefix.empty() ? m_top.path() : m_top.path_of(prefix.c_str());
  TextCutter cutter(use);
  const auto git = run_git(folder, arguments, ceiling, std::ref(cutter));
  if (git.exit_code != 0) {
    throw_git_failure(folder, git);
  }
}

void GitLister::list(const std::string& prefix, const std::optional<std::string>& ceiling) {
  // All in one call, which reads the index once: a file that is just added must not be in neither.
  std::vector<std::string> arguments{"ls-files", "-z", "-t", "--stage"};
  if (m_files == GitFiles::tracked_and_untracked) {
    arguments.insert(arguments.end(), {"--others", "--exclude-standard"});
  }
  std::vector<std::string> inner;
  std::vector<std::string> nested;
  std::optional<std::string> unreadable; // told once git has ended: its own words tell more
  for_each_text(prefix, arguments, ceiling, [&](std::string_view line) {
    if (line.starts_with(k_untracked_tag)) {
      const auto path = line.substr(k_untracked_tag.size());
      if (path.ends_with('/')) { // another repository, which git does not enter
        nested.emplace_back(prefix + std::string(path.substr(0, path.size() - 1)));
      } else {
        m_listing.add_file(prefix, path);
      }
      return;
    }
    // <tag> SP <mode> SP <object> SP <stage> TAB <path>
    const auto tab = line.find('\t');
    if (line.size() < 8 || tab == std::string_view::npos) {
      unreadable = line;
      return;
    }
    const auto path = line.substr(tab + 1);
    if (line.substr(2).starts_with(k_gitlink_mode)) {
      inner.emplace_back(prefix + std::string(path));
    } else {
      m_listing.add_file(prefix, path, line[0] == k_skip_worktree_tag);
    }
  });
  if (unreadable) {
    throw os::Error("git ls-files printed a line that cannot be read: " + os::quoted(*unreadable));
  }
  for (const auto& path : inner) {
    enter(path, true);
  }
  for (const auto& path : nested) {
    enter(path, false);
  }
}

/// Its .git may be damaged or point elsewhere: then git answers for another work tree.
void GitLister::check_is_top(const std::string& path, const std::string& ceiling) {
  const std::string folder = m_top.path_of(path.c_str());
  const auto git = run_git(folder, {"rev-parse", "--show-prefix"}, ceiling);
  if (git.exit_code != 0) {
    throw_git_failure(folder, git);
  }
  if (git.out != "\n") {
    throw os::Error(os::format("{} has a .git, but git takes it for a part of another work tree",
                               os::quoted(folder)),
                    "is its .git damaged, or core.worktree set? --files all goes without git");
  }
}

void GitLister::enter(const std::string& path, bool listed_by_parent) {
  const auto folder = open_below(m_top, path);
  if (!folder) {
    // Deleted, or a file or symlink in the submodule's place, which is then what is there.
    m_listing.add_file("", path);
    return;
  }
  if (!folder->try_stat(".git")) {
    m_listing.add_folder(path);
    if (listed_by_parent) {
      m_listing.count_uncloned();
      m_listing.add_note(
          os::format("the submodule {} is not cloned: its folder is empty", os::quoted(path)));
    }
    return;
  }
  // With the folder above it as ceiling, git cannot answer for the outer repository.
  const auto slash = path.rfind('/');
  const std::string above =
      slash == std::string::npos ? m_top.path() : m_top.path_of(path.substr(0, slash).c_str());
  check_is_top(path, above);
  m_listing.add_folder(path);
  list(path + "/", above);
}

} // namespace

bool is_git_work_tree(const std::string& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder + "/.git", ignored)) {
    return true; // if it is a damaged one, whoever lists its files hears it from git
  }
  std::optional<os::Finished> git;
  try {
    git = run_git(folder, {"rev-parse", "--is-inside-work-tree"});
  } catch (const os::Error&) {
    if (!has_git_entry_around(folder)) {
      return false; // no git, and no need of it
    }
    throw;
  }
  if (git->exit_code == 0) {
    return git->out == "true\n";
  }
  if (git->err.find("not a git repository") != std::string::npos) {
    return false;
  }
  throw_git_failure(folder, *git);
}

void list_git_work_tree(const os::Dir& top, GitFiles files, ListingBuilder& listing) {
  GitLister(top, files, listing).list("", std::nullopt);
}

} // namespace snapfix::source
