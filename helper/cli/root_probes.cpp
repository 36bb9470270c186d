#include "cli/root_probes.hpp"

#include "cli/roots.hpp"
#include "cli/tree_arguments.hpp"
#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "snapshot/snapshot.hpp"
#include "source/git.hpp"
#include "source/list.hpp"
#include "source/listing.hpp"

#include <boost/filesystem.hpp>

#include <set>
#include <string_view>

namespace snapfix::cli {
namespace {

namespace fs = boost::filesystem;

constexpr std::size_t k_socket_path = 107; ///< sun_path, less the NUL
constexpr std::size_t k_scarce = 40;       ///< a test's name, and some `tmp/worker.sock`

/// What a build tree was configured with.
std::string configured_root(const std::string& build_tree) {
  constexpr std::string_view k_entry = "\nSNAPSHOT_FIXTURES_ROOT:";
  const auto text =
      "\n" + os::read_small_file(os::Dir::open(build_tree), "CMakeCache.txt").value_or("");
  const auto at = text.find(k_entry);
  const auto value = at == std::string::npos ? at : text.find('=', at);
  if (value == std::string::npos) {
    return k_default_root;
  }
  return text.substr(value + 1, text.find('\n', value) - value - 1);
}

os::Probe probe_socket_paths(const std::string& root) {
  const auto taken = root.size() + 2; // and two slashes
  const auto left = k_socket_path > taken ? k_socket_path - taken : 0;
  const auto text = os::format("the root's path, {}, has {} bytes of the {}: {} are left for a "
                               "snapshot's name and what lies in it",
                               os::quoted(root), root.size(), k_socket_path, left);
  return {"sockets' paths", left >= k_scarce,
          left >= k_scarce ? text
                           : text + ", hardly enough: a root with a short path (--root, "
                                    "SNAPSHOT_FIXTURES_ROOT) leaves more"};
}

/// Of which sources the root holds snapshots.
std::set<std::string> sources_in(const std::string& path) {
  std::set<std::string> out;
  const auto root = snapshot::Root::try_open(os::Dir::open(path));
  for (const auto& folder : root ? root->snapshot_folders() : std::vector<std::string>()) {
    if (const auto snapshot = snapshot::Snapshot::find(*root, folder)) {
      out.insert(snapshot->meta().source);
    }
  }
  return out;
}

os::Probe probe_climbing(const std::string& root, const std::string& folder) {
  std::set<std::string> sources;
  try {
    sources = is_root(root) ? sources_in(root) : std::set<std::string>();
  } catch (const os::Error&) { // another user's, or one that is just made or removed
  }
  if (sources.empty()) {
    sources.insert(folder);
  }
  for (const auto& source : sources) {
    const auto top = source::work_tree_around(source);
    if (top && *top != source && source::is_below(root, *top) && !source::is_build_tree(source)) {
      return {"looking upwards", false,
              os::format("a snapshot of {} is one of a subfolder of {}: pytest (rootdir, "
                         "conftest.py), node (node_modules), cargo (workspace) and git libraries "
                         "find that one above the root, and take it for theirs; a root outside of "
                         "it is the cure",
                         os::quoted(source), os::quoted(*top))};
    }
  }
  return {"looking upwards", true,
          "what looks for its project in the folders above (pytest, node, cargo) finds it in the "
          "snapshot"};
}

} // namespace

std::string root_of(const std::string& folder) {
  if (const auto place = snapshot_around(folder)) {
    return place->root;
  }
  if (is_root(folder)) {
    return folder;
  }
  const auto name = source::is_build_tree(folder)
                        ? configured_root(folder)
                        : variable_or("CODE_SNAPSHOT_DIRNAME", k_default_root);
  const fs::path path = name;
  auto out = (path.is_absolute() ? path : fs::path(folder) / path).lexically_normal().string();
  try {
    return os::resolved_path(out);
  } catch (const os::Error&) {
    return out;
  }
}

std::vector<os::Probe> root_probes(const std::string& root, const std::string& folder) {
  return {probe_socket_paths(root), probe_climbing(root, folder)};
}

} // namespace snapfix::cli
