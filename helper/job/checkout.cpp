#include "job/checkout.hpp"

#include "job/scratch.hpp"
#include "os/path.hpp"
#include "os/remove_tree.hpp"
#include "source/git_folder.hpp"
#include "source/listing.hpp"

#include <utility>

namespace snapfix::job {
namespace {

/// Also of a bare repository.
source::GitFolder git_folder_of(const std::string& clone) {
  const auto found = source::find_git_folder(clone);
  return found ? *found : source::GitFolder{clone, clone, clone};
}

} // namespace

Checkout checkout_of(const Repositories& repositories, const snapshot::Root& root) {
  Checkout out;
  const Scratch scratch(root, "repro");
  for (std::size_t i = 0; i < repositories.commits().size(); ++i) {
    const auto& [path, commit] = repositories.commits()[i];
    const auto dir = scratch.dir().ensure_child(source::k_dot_git);
    auto state = source::git_state_at(git_folder_of(repositories.objects(i).folder()), commit, dir);
    os::remove_tree(scratch.dir(), source::k_dot_git);
    const std::string above = source::path_below(path, source::k_dot_git);
    out.folders.push_back({above, 0755, state.files["HEAD"].mtime});
    for (const auto& folder : state.folders) {
      out.folders.push_back({source::path_below(above, folder), 0755, state.files["HEAD"].mtime});
    }
    for (auto& [name, file] : state.files) {
      out.files.push_back({source::path_below(above, name), S_IFREG | 0644, file.content.size(),
                           file.mtime, os::hash_of(file.content), ""});
      out.contents.push_back(std::move(file.content));
    }
  }
  return out;
}

} // namespace snapfix::job
