#include "source/git_folder.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/split.hpp"
#include "source/git_call.hpp"
#include "source/git_names.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace snapfix::source {
namespace {

std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of("\n\r") + 1);
  return text;
}

std::string joined(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : folder + "/" + path;
}

/// Gathers what a look sees.
class Watch {
public:
  enum class Below : std::uint8_t { no, yes };

  void add(const os::Dir& dir, const std::string& name, Below below = Below::no);
  void add_below(const os::Dir& top, std::span<const std::string_view> paths);
  void add_path(const std::string& path);

  GitLook take() const { return {m_hasher.finish(), m_newest}; }

private:
  void add_stat(const std::string& name, const os::Stat& stat);

  os::Hasher m_hasher;
  os::Stat m_newest;
};

void Watch::add_stat(const std::string& name, const os::Stat& stat) {
  m_hasher.add(name);
  m_hasher.add_zeros(1);
  for (const std::uint64_t number :
       {stat.inode, stat.size, std::uint64_t{stat.mode},
        static_cast<std::uint64_t>(stat.mtime.seconds), std::uint64_t{stat.mtime.nanoseconds},
        static_cast<std::uint64_t>(stat.ctime.seconds), std::uint64_t{stat.ctime.nanoseconds}}) {
    m_hasher.add_number(number);
  }
  if (m_newest.ctime < stat.ctime) {
    m_newest = stat;
  }
}

/// A folder with all that it holds; of a symlink also what it leads to, but below a folder only
/// files: those may lead in circles.
void Watch::add(const os::Dir& dir, const std::string& name, Below below) {
  const auto stat = dir.try_stat(name.c_str(), os::Freshness::server);
  add_stat(name, stat.value_or(os::Stat()));
  const auto path = dir.path_of(name.c_str());
  const bool is_link = stat && stat->is_symlink();
  if (is_link && (below == Below::yes ? os::is_file(path) : os::exists(path))) {
    add_path(os::canonical_path(path));
  }
  const auto folder = stat && stat->is_folder() ? dir.try_open_child(name.c_str()) : std::nullopt;
  if (folder) {
    auto entries = folder->entries();
    std::ranges::sort(entries, {}, &os::DirEntry::name);
    for (const auto& entry : entries) {
      add(*folder, entry.name, Below::yes);
    }
  }
}

/// Those of one folder stand together.
void Watch::add_below(const os::Dir& top, std::span<const std::string_view> paths) {
  std::string_view last;
  std::optional<os::Dir> dir;
  for (const auto path : paths) {
    const auto above = folder_of(path);
    if (above != last) {
      dir = open_below(top, above);
      last = above;
    }
    if (above.empty() || dir) {
      add(above.empty() ? top : *dir, std::string(name_of(path)));
    }
  }
}

void Watch::add_path(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string above = path.substr(0, std::max<std::size_t>(slash, 1));
  if (os::is_folder(above)) {
    add(os::Dir::open(above), path.substr(slash + 1));
  }
}

} // namespace

std::optional<GitFolder> find_git_folder(const std::string& work_tree) {
  const std::string git = work_tree + "/.git";
  if (!os::Dir::open(work_tree).try_stat(".git")) {
    return std::nullopt;
  }
  const auto fail = [&] {
    return os::Error(os::format("{} leads to no repository", os::quoted(git)),
                     "is it damaged? --git off goes without");
  };
  try {
    GitFolder out{work_tree, os::canonical_path(git), {}};
    if (os::is_file(out.own)) {
      constexpr std::string_view k_begin = "gitdir: ";
      const auto dir = os::Dir::open(std::string(folder_of(out.own)));
      const auto text = os::read_small_file(dir, std::string(name_of(out.own)).c_str());
      if (!text || !text->starts_with(k_begin)) {
        throw fail();
      }
      out.own = os::canonical_path(joined(dir.path(), trimmed(text->substr(k_begin.size()))));
    }
    const auto own = os::Dir::open(out.own);
    const auto common = os::read_small_file(own, "commondir");
    out.common = common ? os::canonical_path(joined(out.own, trimmed(*common))) : out.own;
    if (!own.try_stat("HEAD") || !os::is_folder(out.common + "/objects")) {
      throw fail();
    }
    return out;
  } catch (const os::Error& error) {
    if (error.error_number() == ENOENT || error.error_number() == ENOTDIR) {
      throw fail();
    }
    throw;
  }
}

std::optional<BorrowedObjects> borrowed_objects(const std::string& work_tree) {
  try {
    const auto git = find_git_folder(work_tree);
    const auto info =
        git ? open_below(os::Dir::open(git->common), "objects/info") : std::optional<os::Dir>();
    const auto alternates = info ? os::read_small_file(*info, "alternates") : std::nullopt;
    if (!alternates) {
      return std::nullopt;
    }
    const auto asks = [&](std::vector<std::string> question) {
      return run_git({work_tree, std::move(question), std::nullopt, git->own}).exit_code == 0;
    };
    return BorrowedObjects{os::split(*alternates, '\n'),
                           !asks({"rev-parse", "--verify", "-q", "HEAD"}) ||
                               asks({"cat-file", "-e", "HEAD^{tree}"})};
  } catch (const os::Error&) {
    return std::nullopt;
  }
}

GitLook look_at(const GitFolder& git, const std::vector<std::string>& included) {
  Watch watch;
  for (const auto* path : {&git.own, &git.common}) {
    const auto dir = os::Dir::open(*path);
    for (const auto names : {k_git_files, k_git_under_way, k_git_refs}) {
      watch.add_below(dir, names);
    }
    if (git.own == git.common) {
      break;
    }
  }
  for (const auto& path : included) {
    watch.add_path(path);
  }
  return watch.take();
}

} // namespace snapfix::source
