#include "source/git.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "source/git_call.hpp"
#include "source/git_list.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace snapfix::source {
namespace {

constexpr std::string_view k_sparse = "--sparse";

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

/// Whether the `.git` of a folder may be that of another work tree.
bool may_lead_elsewhere(const os::Dir& folder) {
  const auto git = folder.try_open_child(".git");
  if (!git) {
    return folder.try_stat(".git").has_value(); // a file or a symlink
  }
  constexpr std::string_view k_setting = "worktree"; // in any case
  const auto stat = git->try_stat("config");
  if (stat && stat->is_symlink()) {
    return true;
  }
  const auto config = os::read_small_file(*git, "config");
  const auto same = [](unsigned char given, char wanted) { return std::tolower(given) == wanted; };
  return config && std::search(config->begin(), config->end(), k_setting.begin(), k_setting.end(),
                               same) != config->end();
}

class GitLister {
public:
  GitLister(const os::Dir& top, GitFiles files, ListingBuilder& listing)
      : m_top(top), m_files(files), m_listing(listing) {}

  /// `prefix` is the work tree's path in the source, with a slash at its end, or empty.
  void list(const std::string& prefix, const std::optional<std::string>& ceiling);
  void check_is_top(const std::string& path, const std::optional<std::string>& ceiling);

private:
  /// Gives each path below `prefix` to `use`; false where git lacks an option.
  bool for_each_path(const std::string& prefix, const std::vector<std::string>& arguments,
                     const std::optional<std::string>& ceiling,
                     const std::function<void(const GitListed&)>& use);
  void enter(const std::string& path, bool listed_by_parent);

  const os::Dir& m_top;
  GitFiles m_files;
  ListingBuilder& m_listing;
  std::set<std::string> m_entered; ///< a damaged index may name one more than once
};

bool GitLister::for_each_path(const std::string& prefix, const std::vector<std::string>& arguments,
                              const std::optional<std::string>& ceiling,
                              const std::function<void(const GitListed&)>& use) {
  const std::string folder = prefix.empty() ? m_top.path() : m_top.path_of(prefix.c_str());
  GitList list(use);
  const auto git =
      run_git({folder, arguments, ceiling}, [&](std::string_view piece) { list.take(piece); });
  if (git.exit_code == k_git_lacks_option && arguments.back() == k_sparse) {
    return false;
  }
  if (git.exit_code != 0 || left_something_out(git)) {
    throw_git_failure(folder, git); // its own words tell more
  }
  if (const auto fault = list.fault()) {
    throw os::Error(os::format("cannot list the files of {}: {}", os::quoted(folder), *fault),
                    "is its index damaged? --files all goes without git");
  }
  return true;
}

void GitLister::list(const std::string& prefix, const std::optional<std::string>& ceiling) {
  // All in one call, which reads the index once: a file that is just added must not be in neither.
  std::vector<std::string> arguments{"ls-files", "-z", "-t", "--stage"};
  if (m_files == GitFiles::tracked_and_untracked) {
    arguments.insert(arguments.end(), {"--others", "--exclude-standard"});
  }
  std::vector<std::pair<std::string, GitListed::Kind>> inner;
  const auto take = [&](const GitListed& listed) {
    if (listed.kind == GitListed::Kind::file) {
      m_listing.add_file(prefix, listed.path, listed.skip_worktree);
    } else {
      inner.emplace_back(prefix + std::string(listed.path), listed.kind);
    }
  };
  // A sparse index stays one: to expand it git needs objects, and writes some anew.
  auto sparse = arguments;
  sparse.emplace_back(k_sparse);
  if (!for_each_path(prefix, sparse, ceiling, take)) { // git before 2.36
    for_each_path(prefix, arguments, ceiling, take);
  }
  for (const auto& [path, kind] : inner) {
    enter(path, kind == GitListed::Kind::submodule);
  }
}

/// Its .git may be damaged or point elsewhere: then git answers for another work tree.
void GitLister::check_is_top(const std::string& path, const std::optional<std::string>& ceiling) {
  const std::string folder = path.empty() ? m_top.path() : m_top.path_of(path.c_str());
  const auto git =
      run_git({folder, {"rev-parse", "--is-inside-work-tree", "--show-prefix"}, ceiling});
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
  m_listing.add_work_tree(path);
  list(path + "/", above);
}

} // namespace

std::optional<std::string> work_tree_around(const std::string& folder) {
  for (std::filesystem::path here = folder;; here = here.parent_path()) {
    std::error_code ignored;
    if (std::filesystem::exists(here / ".git", ignored)) {
      return here.string();
    }
    if (here == here.parent_path()) {
      return std::nullopt;
    }
  }
}

bool is_untracked(const std::string& folder, const std::string& path) {
  // From its own folder, which may be in a submodule.
  const auto above = std::string(folder_of(path));
  try {
    const auto git = run_git({above.empty() ? folder : folder + "/" + above,
                              {"ls-files", "-z", "--others", "--exclude-standard", "--",
                               os::format(":(literal){}", name_of(path))}});
    return git.exit_code == 0 && !git.out.empty();
  } catch (const os::Error&) { // no git, no folder
    return false;
  }
}

bool is_git_work_tree(const std::string& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder + "/.git", ignored)) {
    return true; // if it is a damaged one, whoever lists its files hears it from git
  }
  std::optional<os::Finished> git;
  try {
    git = run_git({folder, {"rev-parse", "--is-inside-work-tree"}});
  } catch (const os::Error&) {
    if (!work_tree_around(folder)) {
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
  if (top.try_stat(".git")) {
    listing.add_work_tree("");
  }
}

bool is_work_tree_top(const std::string& folder) {
  try {
    const auto git = run_git({folder, {"rev-parse", "--is-inside-work-tree", "--show-prefix"}});
    return git.exit_code == 0 && git.out == "true\n\n";
  } catch (const os::Error&) { // no git
    return false;
  }
}

} // namespace snapfix::source
