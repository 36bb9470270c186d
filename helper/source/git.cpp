#include "source/git.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/subprocess.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace snapfix::source {
namespace {

constexpr std::string_view k_gitlink_mode = "160000";
constexpr std::string_view k_folder_mode = "040000"; // of a sparse index
constexpr std::string_view k_sparse = "--sparse";
constexpr int k_usage = 129; // git's exit code for options that it lacks
constexpr char k_skip_worktree_tag = 'S';
constexpr std::string_view k_untracked_tag = "? ";

/// What every git call of ours is told, over what any configuration says: it runs no program
/// (monitor, hook, pager) and fetches nothing, which would run more of them and write into `.git`.
constexpr std::array<const char*, 6> k_git{
    "git", "--no-pager", "-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null"};
constexpr std::array<std::string_view, 5> k_variables{
    "LC_ALL=C", // its words must be recognizable
    "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1",
    "GIT_ALLOW_PROTOCOL=none", // for a git before 2.39.4, which does not know that one
    "GIT_TERMINAL_PROMPT=0"};

std::vector<std::string> git_environment(const std::optional<std::string>& ceiling) {
  auto out = os::environment_without_git();
  std::erase_if(out, [&](const std::string& variable) {
    const auto is_set = [&](std::string_view ours) {
      return variable.starts_with(ours.substr(0, ours.find('=') + 1));
    };
    return variable.starts_with("LANGUAGE=") || std::ranges::any_of(k_variables, is_set) ||
           (ceiling && variable.starts_with("GIT_CEILING_DIRECTORIES="));
  });
  out.insert(out.end(), k_variables.begin(), k_variables.end());
  if (ceiling) {
    out.push_back("GIT_CEILING_DIRECTORIES=" + *ceiling);
  }
  return out;
}

os::Finished run_git(const std::string& folder, const std::vector<std::string>& arguments,
                     const std::optional<std::string>& ceiling = std::nullopt,
                     const std::function<void(std::string_view)>& take_output = {}) {
  std::vector<std::string> command(k_git.begin(), k_git.end());
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

/// Whether git said that it went on without something: its list lacks it.
bool left_something_out(const os::Finished& git) {
  return git.err.starts_with("error: ") || git.err.find("\nerror: ") != std::string::npos;
}

[[noreturn]] void throw_git_failure(const std::string& folder, const os::Finished& git) {
  std::string words = git.err;
  while (words.ends_with('\n')) {
    words.pop_back();
  }
  std::string hint = "--files all takes every file, without git";
  if (words.find("dubious ownership") != std::string::npos) {
    hint = os::format("if you trust it: git config --global --add safe.directory {}", folder);
  } else if (words.find("lazy fetching disabled") != std::string::npos ||
             words.find("not allowed") != std::string::npos) {
    hint = os::format("the clone is partial, and nothing is fetched on the way: "
                      "git -C {} ls-files >/dev/null fetches what is missing",
                      folder);
  }
  throw os::Error(os::format("git cannot list the files of {} (exit code {}): {}",
                             os::quoted(folder), git.exit_code, words),
                  hint);
}

/// Whether it is a path in a tree as git allows it: nothing that leads elsewhere, or into `.git`.
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

/// Whether the `.git` of a folder may be that of another work tree.
bool may_lead_elsewhere(const os::Dir& folder) {
  const auto git = folder.try_open_child(".git");
  if (!git) {
    return folder.try_stat(".git").has_value(); // a file or a symlink
  }
  constexpr std::string_view k_setting = "worktree";
  const auto config = os::read_small_file(*git, "config");
  return config && !std::ranges::search(*config, k_setting, {}, [](unsigned char c) {
                      return std::tolower(c);
                    }).empty();
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

  /// What came behind the last NUL.
  const std::string& rest() const noexcept { return m_begun; }

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
  void check_is_top(const std::string& path, const std::optional<std::string>& ceiling);

private:
  /// False where git lacks an option.
  bool for_each_text(const std::string& prefix, const std::vector<std::string>& arguments,
                     const std::optional<std::string>& ceiling,
                     const std::function<void(std::string_view)>& use);
  void enter(const std::string& path, bool listed_by_parent);

  const os::Dir& m_top;
  GitFiles m_files;
  ListingBuilder& m_listing;
  std::set<std::string> m_entered; ///< a damaged index may name one more than once
};

bool GitLister::for_each_text(const std::string& prefix, const std::vector<std::string>& arguments,
                              const std::optional<std::string>& ceiling,
                              const std::function<void(std::string_view)>& use) {
  const std::string folder = prefix.empty() ? m_top.path() : m_top.path_of(prefix.c_str());
  TextCutter cutter(use);
  const auto git = run_git(folder, arguments, ceiling, std::ref(cutter));
  if (git.exit_code == k_usage && arguments.back() == k_sparse) {
    return false;
  }
  if (git.exit_code != 0 || left_something_out(git)) {
    throw_git_failure(folder, git);
  }
  if (!cutter.rest().empty()) {
    throw os::Error("git ls-files was cut off: its list ends in " + os::quoted(cutter.rest()));
  }
  return true;
}

void GitLister::list(const std::string& prefix, const std::optional<std::string>& ceiling) {
  // All in one call, which reads the index once: a file that is just added must not be in neither.
  std::vector<std::string> arguments{"ls-files", "-z", "-t", "--stage"};
  if (m_files == GitFiles::tracked_and_untracked) {
    arguments.insert(arguments.end(), {"--others", "--exclude-standard"});
  }
  std::vector<std::string> inner;
  std::vector<std::string> nested;
  std::optional<std::string> refusal; // told once git has ended: its own words tell more
  const auto take = [&](std::string_view line) {
    const bool untracked = line.starts_with(k_untracked_tag);
    // <tag> SP <mode> SP <object> SP <stage> TAB <path>, or <tag> SP <path>
    const auto tab = line.find('\t');
    if (!untracked && (line.size() < 8 || tab == std::string_view::npos)) {
      refusal = "git ls-files printed a line that cannot be read: " + os::quoted(line);
      return;
    }
    const auto mode = line.substr(2, k_gitlink_mode.size());
    auto path = line.substr(untracked ? k_untracked_tag.size() : tab + 1);
    const bool folder = path.ends_with('/') && (untracked || mode == k_folder_mode);
    path.remove_suffix(folder ? 1 : 0);
    if (!is_tree_path(path)) {
      refusal =
          os::format("git lists {} in {}, which is no path of a tree", os::quoted(path),
                     os::quoted(prefix.empty() ? m_top.path() : m_top.path_of(prefix.c_str())));
    } else if (untracked && folder) { // another repository, which git does not enter
      nested.emplace_back(prefix + std::string(path));
    } else if (!untracked && mode == k_gitlink_mode) {
      inner.emplace_back(prefix + std::string(path));
    } else {
      m_listing.add_file(prefix, path, !untracked && line[0] == k_skip_worktree_tag);
    }
  };
  // A sparse index stays one: to expand it git needs objects, and writes some anew.
  auto sparse = arguments;
  sparse.emplace_back(k_sparse);
  if (!for_each_text(prefix, sparse, ceiling, take)) { // git before 2.36
    for_each_text(prefix, arguments, ceiling, take);
  }
  if (refusal) {
    throw os::Error(*refusal, "is its index damaged? --files all goes without git");
  }
  for (const auto& path : inner) {
    enter(path, true);
  }
  for (const auto& path : nested) {
    enter(path, false);
  }
}

/// Its .git may be damaged or point elsewhere: then git answers for another work tree.
void GitLister::check_is_top(const std::string& path, const std::optional<std::string>& ceiling) {
  const std::string folder = path.empty() ? m_top.path() : m_top.path_of(path.c_str());
  const auto git =
      run_git(folder, {"rev-parse", "--is-inside-work-tree", "--show-prefix"}, ceiling);
  if (git.exit_code != 0) {
    throw_git_failure(folder, git);
  }
  if (git.out != "true\n\n") {
    throw os::Error(os::format("{} has a .git, but git takes it for a part of another work tree",
                               os::quoted(folder)),
                    "is its .git damaged, or core.worktree set? --files all goes without git");
  }
}

void GitLister::enter(const std::string& path, bool listed_by_parent) {
  if (!m_entered.insert(path).second) {
    return;
  }
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
  GitLister lister(top, files, listing);
  if (may_lead_elsewhere(top)) {
    lister.check_is_top("", std::nullopt);
  }
  lister.list("", std::nullopt);
}

} // namespace snapfix::source
