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
#include <array>
#include <cerrno>

namespace snapfix::lint {
namespace {

namespace fs = boost::filesystem;

constexpr std::array<std::string_view, 6> k_of_tools{".git",         ".venv", "venv",
                                                     "node_modules", ".tox",  ".nox"};
constexpr std::array<std::string_view, 11> k_hidden_but_ours{
    ".github",          ".gitlab", ".gitlab-ci",  ".circleci", ".buildkite", ".devcontainer",
    ".azure-pipelines", ".ci",     ".woodpecker", ".gitea",    ".forgejo"};

bool is_of_tools(std::string_view name) {
  return std::ranges::find(k_of_tools, name) != k_of_tools.end();
}

bool is_skipped(const std::string& name) {
  const bool hidden = name.starts_with('.') &&
                      std::ranges::find(k_hidden_but_ours, name) == k_hidden_but_ours.end();
  return hidden || is_of_tools(name);
}

bool passes_tools(std::string_view path) {
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (is_of_tools(path.substr(0, slash))) {
      return true;
    }
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

void walk(const os::Dir& dir, const std::string& path, std::vector<std::string>& out) {
  if (dir.try_stat("CMakeCache.txt")) {
    return;
  }
  auto entries = dir.entries();
  std::ranges::sort(entries, {}, &os::DirEntry::name);
  for (const auto& entry : entries) {
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
  const auto listing = builder.finish();
  std::vector<std::string> out;
  for (const auto& folder : listing.folders) {
    const std::string prefix = folder.path.empty() ? "" : folder.path + "/";
    if (!passes_tools(folder.path)) {
      const auto opened = source::open_below(top, folder.path);
      for (const auto& name : folder.names) {
        const std::string text(name.name);
        const auto stat = opened ? opened->try_stat(text.c_str()) : std::nullopt;
        if (stat && stat->is_file()) {
          out.push_back(prefix + text);
        }
      }
    }
  }
  return out;
}

} // namespace

std::vector<std::string> files_of(const std::string& path) {
  boost::system::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_not_found || error) {
    throw os::Error("open", {path}, error ? error.value() : ENOENT);
  }
  if (status.type() == fs::regular_file) {
    return {path};
  }
  if (status.type() != fs::directory_file) {
    throw os::Error(os::quoted(path) + " is neither a file nor a folder");
  }
  const auto top = os::Dir::open(path);
  std::string prefix = path;
  while (prefix.size() > 1 && prefix.ends_with('/')) {
    prefix.pop_back();
  }
  prefix = prefix == "." ? "" : prefix == "/" ? prefix : prefix + "/";
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
  for (std::string& name : found) {
    name.insert(0, prefix);
  }
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
