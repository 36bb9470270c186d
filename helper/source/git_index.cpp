#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/remove_tree.hpp"
#include "source/git_call.hpp"
#include "source/git_folder.hpp"
#include "source/git_names.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace snapfix::source {
namespace {

/// What stands between `begin` and the next `end` of a text.
std::string_view between(std::string_view text, std::string_view begin, char end) {
  const auto at = text.find(begin);
  if (at == std::string_view::npos) {
    return {};
  }
  text.remove_prefix(at + begin.size());
  return text.substr(0, text.find(end));
}

/// What is listed of an index, without what a copy of the work tree does not share: of the stats
/// the sizes and the seconds of mtimes count.
os::Hash entries_of(std::string_view listed) {
  constexpr unsigned long k_intent_to_add = 0x20000000;
  constexpr int k_lines = 5; // of stats, behind each path
  os::Hasher hasher;
  while (!listed.empty()) {
    const auto end = std::min(listed.find('\0'), listed.size() - 1);
    hasher.add(listed.substr(0, end + 1));
    listed.remove_prefix(end + 1);
    std::size_t length = 0;
    for (int i = 0; i < k_lines && length < listed.size(); ++i) {
      length = std::min(listed.find('\n', length), listed.size() - 1) + 1;
    }
    const auto stats = listed.substr(0, length);
    hasher.add(between(stats, "mtime: ", ':'));
    hasher.add_zeros(1);
    hasher.add(between(stats, "size: ", '\t'));
    const std::string flags = "0" + std::string(between(stats, "flags: ", '\n'));
    hasher.add_number(std::strtoul(flags.c_str(), nullptr, 16) & k_intent_to_add);
    listed.remove_prefix(length);
  }
  return hasher.finish();
}

void remove(const os::Dir& dir, const std::string& name) {
  if (const auto stays = os::remove_tree(dir, name.c_str()); !stays.empty()) {
    throw os::Error("cannot remove " + stays[0]);
  }
}

} // namespace

PlainIndex plain_index(const GitFolder& git, const GitState& state, const os::Dir& scratch) {
  constexpr const char* k_what = "the index";
  auto files = state.files;
  files.insert(state.index.begin(), state.index.end());
  write_files(scratch, files, state.folders);
  // Of its own accord git keeps to the configuration that was just written.
  const auto call = [&](std::vector<std::string> arguments) {
    return run_git({git.work_tree, std::move(arguments), std::nullopt, scratch.path(),
                    GitConfig::of_repository});
  };
  auto done = call({"update-index", "--no-split-index", "--no-untracked-cache", "--no-fsmonitor"});
  if (done.exit_code != 0) {
    throw_unreadable(git.work_tree, k_what, std::move(done.err));
  }
  const std::vector<std::string> list{"ls-files", "-z", "-v", "--stage", "--debug"};
  auto sparse = list;
  sparse.emplace_back("--sparse");
  auto listed = call(sparse);
  if (listed.exit_code == k_git_lacks_option) { // git before 2.36
    listed = call(list);
  }
  if (listed.exit_code != 0) {
    throw_unreadable(git.work_tree, k_what, std::move(listed.err));
  }
  auto content = os::read_small_file(scratch, "index");
  return {content ? std::move(*content) : std::string(), entries_of(listed.out)};
}

GitState git_state_at(const GitFolder& git, const std::string& commit, const os::Dir& scratch) {
  auto out = read_git_folder(git);
  out.index.clear();
  std::erase_if(out.files, [](const auto& file) {
    const auto first = std::string_view(file.first).substr(0, file.first.find('/'));
    return first == "logs" || file.first == "info/sparse-checkout" ||
           std::ranges::find(k_git_under_way, first) != k_git_under_way.end();
  });
  const os::Time mtime = out.files["HEAD"].mtime;
  out.files["HEAD"] = {commit + "\n", mtime};
  write_files(scratch, out.files, out.folders);
  auto done = run_git({git.work_tree,
                       {"read-tree", commit},
                       std::nullopt,
                       scratch.path(),
                       GitConfig::of_repository});
  auto index = os::read_small_file(scratch, "index");
  if (done.exit_code != 0 || !index) {
    throw_unreadable(git.work_tree, "the commit", std::move(done.err));
  }
  out.files["index"] = {std::move(*index), mtime};
  return out;
}

void write_files(const os::Dir& dir, const std::map<std::string, GitState::File>& files,
                 const std::set<std::string>& folders) {
  std::map<std::string, os::Dir> open;
  open.emplace("", dir.open_child("."));
  for (const auto& folder : folders) { // those above others come first
    const auto& above = open.at(std::string(folder_of(folder)));
    const std::string name(name_of(folder));
    const auto stat = above.try_stat(name.c_str());
    if (stat && !stat->is_folder()) {
      above.unlink_if_present(name.c_str());
    }
    open.emplace(folder, above.ensure_child(name.c_str()));
  }
  for (const auto& [path, here] : open) {
    for (const auto& entry : here.entries()) {
      const auto place = path.empty() ? entry.name : path + "/" + entry.name;
      if (!folders.contains(place) && !files.contains(place)) {
        remove(here, entry.name);
      }
    }
  }
  for (const auto& [path, file] : files) {
    const auto& here = open.at(std::string(folder_of(path)));
    const std::string name(name_of(path));
    const auto stat = here.try_stat(name.c_str());
    const bool is_same = stat && stat->is_file() && stat->size == file.content.size() &&
                         os::read_small_file(here, name.c_str()) == file.content;
    if (is_same) {
      continue;
    }
    if (stat && stat->is_folder()) {
      remove(here, name);
    }
    os::replace_file(here, name.c_str(), file.content);
    here.set_times(name.c_str(), file.mtime);
  }
}

} // namespace snapfix::source
