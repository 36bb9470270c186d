#include "cli/roots.hpp"

#include "job/pasteable.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "source/list.hpp"

#include <boost/filesystem.hpp>

namespace snapfix::cli {
namespace {

namespace fs = boost::filesystem;

constexpr const char* k_former_root = "code_snapshots";
constexpr const char* k_former_root_in_build_tree = "snapshots";

} // namespace

bool is_root(const std::string& folder) {
  boost::system::error_code unseen; // what cannot be seen is no root of ours
  return fs::exists(fs::path(folder) / ".snapfix" / "snapshots", unseen);
}

bool is_snapshot(const std::string& folder) {
  const fs::path path = folder;
  boost::system::error_code unseen;
  return fs::exists(path.parent_path() / ".snapfix" / "snapshots" / path.filename(), unseen);
}

std::optional<Place> snapshot_around(const std::string& folder) {
  for (fs::path here = folder; here.has_parent_path(); here = here.parent_path()) {
    if (is_snapshot(here.string())) {
      return Place{here.parent_path().string(), here.string()};
    }
  }
  return std::nullopt;
}

std::optional<std::string> former_root(const std::string& root) {
  const fs::path path = root;
  if (path.filename() != k_default_root) {
    return std::nullopt;
  }
  const bool is_of_module = source::is_build_tree(path.parent_path().string());
  const auto out =
      path.parent_path() / (is_of_module ? k_former_root_in_build_tree : k_former_root);
  return is_root(out.string()) ? std::optional(out.string()) : std::nullopt;
}

void tell_of_roots_in_build_trees(const std::string& folder) {
  constexpr int k_depth = 2; // build, and build/debug
  constexpr int k_most_folders = 1000;
  constexpr int k_most_told = 5;
  int seen = 0;
  int told = 0;
  boost::system::error_code unseen;
  fs::recursive_directory_iterator entry(folder, unseen);
  while (!unseen && entry != fs::recursive_directory_iterator() && seen++ < k_most_folders &&
         told < k_most_told) {
    const auto path = entry->path().string();
    const bool is_build_tree = source::is_build_tree(path);
    if (is_build_tree || entry.depth() + 1 == k_depth) {
      entry.disable_recursion_pending();
    }
    if (const auto root = path + "/" + k_default_root; is_build_tree && is_root(root)) {
      os::note(os::format("tests have their snapshots in a build tree: --root {}",
                          job::shell_word(root)));
      ++told;
    }
    entry.increment(unseen);
  }
}

void tell_of_former_root(const std::optional<std::string>& former) {
  if (former) {
    os::note(os::format("{} is a root of before, when that was its default name: nothing uses it "
                        "unless it is named",
                        os::quoted(*former)));
    os::print_hint(os::format("what it holds: snapfix list --root {0}\nremove it: rm -rf {0}",
                              job::shell_word(*former)));
  }
}

} // namespace snapfix::cli
