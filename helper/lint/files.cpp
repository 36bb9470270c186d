#include "lint/files.hpp"

#include "lint/text.hpp"
#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "source/git.hpp"
#include "source/listing.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <cerrno>

namespace snapfix::lint {
namespace {

namespace fs = boost::filesystem;

bool is_of_tools(std::string_view name) {
  return is_in(" .git .venv venv node_modules .tox .nox ", name);
}

/// In a folder of which git knows nothing.
bool is_skipped(std::string_view name) {
  const bool of_ci =
      is_in(" .github .gitlab .gitlab-ci .circleci .buildkite .devcontainer .azure-pipelines .ci "
            ".woodpecker .gitea .forgejo ",
            name);
  return (name.starts_with('.') && !of_ci) || is_of_tools(name);
}

void walk(const os::Dir& dir, const std::string& path, std::vector<std::string>& out) {
  if (dir.try_stat("CMakeCache.txt")) {
    return;
  }
  for (const auto& entry : dir.entries()) {
    const auto stat = dir.try_stat(entry.name.c_str());
    if (stat && stat->is_file()) {
      out.push_back(path + entry.name);
    } else if (stat && stat->is_folder() && !is_skipped(entry.name)) {
      walk(dir.open_child(entry.name.c_str()), path + entry.name + "/", out);
    }
  }
}

std::vector<std::string> listed_by_git(const os::Dir& top) {
  source::ListingBuilder builder;
  source::list_git_work_tree(top, source::GitFiles::tracked_and_untracked, builder);
  for (const auto& folder : builder.folders_holding("CMakeCache.txt")) {
    builder.drop_folder(folder);
  }
  std::vector<std::string> out;
  for (const auto& folder : builder.finish().folders) {
    for (const auto& listed : folder.names) {
      out.push_back((fs::path(folder.path) / std::string(listed.name)).string());
    }
  }
  return out;
}

} // namespace

std::vector<std::string> files_of(const std::string& path) {
  if (!os::exists(path)) {
    throw os::Error("open", {path}, ENOENT);
  }
  if (!os::is_folder(path)) {
    return {path};
  }
  const auto top = os::Dir::open(path);
  std::vector<std::string> found;
  try {
    if (source::is_git_work_tree(os::canonical_path(path))) {
      found = listed_by_git(top);
    }
  } catch (const os::Error& failure) { // a damaged one, or one that git does not trust
    os::note(os::format("every file of {} is read, for git cannot list them: {}", os::quoted(path),
                        failure.what()));
  }
  if (found.empty()) { // no work tree, or a folder that git ignores: then it was meant
    walk(top, "", found);
  }
  std::erase_if(found, [&](std::string& name) {
    const bool of_tools = std::ranges::any_of(
        fs::path(name), [](const auto& part) { return is_of_tools(part.string()); });
    name = path == "." ? name : (fs::path(path) / name).string();
    boost::system::error_code error;
    return of_tools || fs::symlink_status(name, error).type() != fs::regular_file;
  });
  std::ranges::sort(found);
  return found;
}

std::optional<std::string> read_text_file(const std::string& path) {
  constexpr std::uint64_t k_most = 8U << 20U;
  const fs::path real = os::canonical_path(path);
  const auto dir = os::Dir::open(real.parent_path().string());
  const std::string name = real.filename().string();
  const std::uint64_t size = dir.stat_of(name.c_str()).size;
  if (size == 0) { // nor is anything read of /proc, which tells no size and may wait
    return std::string();
  }
  if (size > k_most) {
    return std::nullopt;
  }
  auto text = os::read_small_file(dir, name.c_str());
  if (!text || text->find('\0') != std::string::npos) {
    return std::nullopt;
  }
  return text;
}

} // namespace snapfix::lint
