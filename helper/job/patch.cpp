#include "job/patch.hpp"

#include "job/scratch.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/subprocess.hpp"
#include "source/git_call.hpp"
#include "source/glob.hpp"
#include "source/listing.hpp"

#include <string>
#include <utility>

namespace snapfix::job {
namespace {

void copy(const snapshot::Side& side, const std::string& path, const os::Dir& top) {
  const auto found = side.entries().find(path);
  if (found == side.entries().end()) {
    return;
  }
  const auto& entry = found->second;
  auto dir = top.open_child(".");
  for (const auto component : source::split_path(source::folder_of(path))) {
    dir = dir.ensure_child(std::string(component).c_str());
  }
  const std::string name(source::name_of(path));
  if (entry.is_symlink()) {
    dir.make_symlink(name.c_str(), entry.target.c_str());
    return;
  }
  const auto from = side.open(path);
  const auto to = dir.create_file(name.c_str(), entry.mode & 0777U);
  if (os::try_reflink(from.get(), to.get()) != 0) {
    os::copy_data(from.get(), path, to.get(), dir.path_of(name.c_str()), entry.size, nullptr);
  }
}

} // namespace

void make_patch(const snapshot::Root& root, const snapshot::Side& before,
                const snapshot::Side& after, const std::vector<snapshot::ChangedName>& names,
                const std::function<void(std::string_view)>& take) {
  if (!os::find_program("git")) {
    throw os::Error("git, which makes the patch, is not installed", "install it, or leave out -p");
  }
  const Scratch scratch(root, "diff");
  for (const auto& [side, name] : {std::pair(&before, "a"), std::pair(&after, "b")}) {
    scratch.dir().make_folder(name, 0700);
    const auto top = scratch.dir().open_child(name);
    for (const auto& changed : names) {
      copy(*side, changed.path, top);
    }
  }
  source::GitCall call{scratch.dir().path(),
                       {"diff", "--no-index", "--no-ext-diff", "--no-textconv", "--binary",
                        "--no-renames", "--no-prefix", "--no-color", "a", "b"}};
  call.ceiling = root.work().path(); // the root may lie in a work tree
  call.config = source::GitConfig::of_repository;
  const auto git = source::run_git(call, take);
  if (git.exit_code > 1) {
    throw os::Error(os::format("git makes no patch (exit code {}): {}", git.exit_code, git.err));
  }
}

} // namespace snapfix::job
