#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/split.hpp"
#include "os/user.hpp"
#include "source/git_call.hpp"
#include "source/git_config.hpp"
#include "source/git_folder.hpp"
#include "source/git_names.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <utility>

namespace snapfix::source {
namespace {

constexpr std::string_view k_objects = "objects";
constexpr std::string_view k_reftable_head = "ref: refs/heads/.invalid"; // what stands for it there

constexpr const char* k_head_log = "logs/HEAD";

/// What a new repository has, and tools expect.
constexpr std::array<const char*, 8> k_folders{"hooks",        "info", "objects",    "objects/info",
                                               "objects/pack", "refs", "refs/heads", "refs/tags"};
/// Refs of one work tree, which git keeps as files.
constexpr std::array<std::string_view, 3> k_own_refs{"refs/bisect/", "refs/rewritten/",
                                                     "refs/worktree/"};

std::string ask(const GitFolder& git, const char* what, std::vector<std::string> arguments) {
  auto answer = run_git({git.work_tree, std::move(arguments), std::nullopt, git.own});
  if (answer.exit_code != 0) {
    throw_unreadable(git.work_tree, what, std::move(answer.err));
  }
  return std::move(answer.out);
}

/// A file of a git folder, by whatever symlink; nothing if there is none.
std::optional<GitState::File> read_file(const std::string& folder, std::string_view path) {
  const std::string place = folder + "/" + std::string(path);
  if (!os::is_file(place)) {
    return std::nullopt;
  }
  const auto real = os::canonical_path(place);
  const auto dir = os::Dir::open(std::string(folder_of(real)));
  const std::string name(name_of(real));
  const auto stat = dir.try_stat(name.c_str());
  auto text = os::read_small_file(dir, name.c_str());
  return stat && text ? std::optional(GitState::File{std::move(*text), stat->mtime}) : std::nullopt;
}

class Reader {
public:
  explicit Reader(const GitFolder& git) : m_git(git) {}

  GitState read();

private:
  void take(const std::string& folder, std::string_view path);
  void take_under_way();
  void take_index();
  void take_refs();
  void take_head();
  void take_last_checkout();
  void take_config();
  void add_included(const std::string& path);
  void take_objects();
  void add_objects(const std::string& objects, std::vector<std::string>& out) const;
  std::string local_url(const std::string& path) const;
  os::Time mtime_of(std::initializer_list<std::string> paths) const;

  const GitFolder& m_git;
  GitState m_out;
};

GitState Reader::read() {
  take_head();
  take_refs();
  take_config();
  take_objects();
  take(m_git.own, "info/sparse-checkout");
  for (const auto* path :
       {"info/attributes", "info/exclude", "info/grafts", "shallow", "logs/refs/stash"}) {
    take(m_git.common, path);
  }
  take_under_way();
  take_index();
  m_out.folders.insert(k_folders.begin(), k_folders.end());
  for (const auto& [path, file] : m_out.files) {
    for (auto folder = folder_of(path); !folder.empty(); folder = folder_of(folder)) {
      m_out.folders.emplace(folder);
    }
  }
  return std::move(m_out);
}

void Reader::take(const std::string& folder, std::string_view path) {
  if (auto file = read_file(folder, path)) {
    m_out.files.emplace(path, std::move(*file));
  }
}

void Reader::take_under_way() {
  for (const auto name : k_git_under_way) {
    const auto dir = os::Dir::open(m_git.own).try_open_child(std::string(name).c_str());
    if (!dir) {
      take(m_git.own, name);
      continue;
    }
    for (const auto& entry : dir->entries()) {
      take(m_git.own, std::string(name) + "/" + entry.name);
    }
  }
}

void Reader::take_index() {
  for (const auto& entry : os::Dir::open(m_git.own).entries()) {
    if (entry.name == "index" || entry.name.starts_with("sharedindex.")) {
      if (auto file = read_file(m_git.own, entry.name)) {
        m_out.index.emplace(entry.name, std::move(*file));
      }
    }
  }
}

/// The newest of those that are there.
os::Time Reader::mtime_of(std::initializer_list<std::string> paths) const {
  os::Time out;
  for (const auto& path : paths) {
    const auto dir = os::Dir::open(std::string(folder_of(path)));
    if (const auto stat = dir.try_stat(std::string(name_of(path)).c_str())) {
      out = std::max(out, stat->mtime);
    }
  }
  return out;
}

/// All in one file, those that lead to others and those of one work tree apart.
void Reader::take_refs() {
  const os::Time mtime =
      mtime_of({m_git.common + "/packed-refs", m_git.common + "/refs", m_git.common + "/reftable"});
  const std::string format = "%(objectname) %(refname) %(symref) ";
  std::string packed = "# pack-refs with: peeled fully-peeled sorted \n";
  const auto list = [&](const std::string& fields) {
    return run_git({m_git.work_tree,
                    {"for-each-ref", "--sort=refname", "--format=" + fields},
                    std::nullopt,
                    m_git.own});
  };
  auto listed = list(format + "%(*objectname)");
  if (listed.exit_code != 0) { // an object is missing, for instance in a partial clone
    packed = "# pack-refs with: sorted unpeeled \n"; // GitPython wants that word
    listed = list(format);
  }
  if (listed.exit_code != 0) {
    throw_unreadable(m_git.work_tree, "the refs", std::move(listed.err));
  }
  m_out.is_doubtful = !listed.err.empty();
  for (const auto& line : os::split(listed.out, '\n')) {
    const auto words = os::split(line + " ", ' ');
    if (words.size() < 3) {
      throw_unreadable(m_git.work_tree, "the refs", line);
    }
    const auto& ref = words[1];
    const bool is_own = std::ranges::any_of(
        k_own_refs, [&](std::string_view beginning) { return ref.starts_with(beginning); });
    if (!words[2].empty()) {
      m_out.files[ref] = {"ref: " + words[2] + "\n", mtime};
    } else if (is_own) {
      m_out.files[ref] = {words[0] + "\n", mtime};
    } else {
      packed += words[0] + " " + ref + "\n";
      packed += words.size() > 3 && !words[3].empty() ? "^" + words[3] + "\n" : "";
    }
  }
  m_out.files["packed-refs"] = {std::move(packed), mtime};
}

/// Where refs are kept otherwise, or it is a symlink, git says what it is.
void Reader::take_head() {
  auto head = read_file(m_git.own, "HEAD");
  if (!head || head->content.starts_with(k_reftable_head) ||
      os::Dir::open(m_git.own).stat_of("HEAD").is_symlink()) {
    const auto branch =
        run_git({m_git.work_tree, {"symbolic-ref", "-q", "HEAD"}, std::nullopt, m_git.own});
    head = {branch.exit_code == 0 ? "ref: " + branch.out
                                  : ask(m_git, "HEAD", {"rev-parse", "--verify", "HEAD"}),
            mtime_of({m_git.own + "/HEAD", m_git.own + "/reftable"})};
  }
  if (!head->content.starts_with("ref: ")) {
    take_last_checkout();
  }
  m_out.files["HEAD"] = std::move(*head);
}

/// `git status` says where HEAD was detached. Of HEAD's log no more is taken: messages of others
/// may hold URLs.
void Reader::take_last_checkout() {
  auto log = read_file(m_git.own, k_head_log);
  std::string last;
  for (const auto& line : os::split(log ? log->content : "", '\n')) {
    if (line.find("\tcheckout: moving from ") != std::string::npos) {
      last = line + "\n";
    }
  }
  if (!last.empty()) {
    m_out.files[k_head_log] = {std::move(last), log->mtime};
  }
}

void Reader::take_config() {
  std::vector<GitSetting> settings;
  for (const auto& [name, scope] : {std::pair(m_git.common + "/config", "--local"),
                                    std::pair(m_git.own + "/config.worktree", "--worktree")}) {
    if (os::is_file(name)) {
      const auto listed = ask(m_git, "the configuration",
                              {"config", "--list", "--show-origin", "-z", "--includes", scope});
      const auto more = parse_git_settings(listed, m_out.included);
      settings.insert(settings.end(), more.begin(), more.end());
    }
  }
  for (const auto& [key, value] : settings) { // also those that are not there yet
    if (value && key.starts_with("include") && key.ends_with(".path")) {
      add_included(*value);
    }
  }
  std::erase_if(m_out.included, [this](const std::string& path) { // they are looked at anyway
    return path == m_git.common + "/config" || path == m_git.own + "/config.worktree";
  });
  const auto text =
      snapshot_config(settings, [this](const std::string& path) { return local_url(path); });
  m_out.files["config"] = {text, mtime_of({m_git.common + "/config"})};
}

/// Paths are relative to the file that names them, which may be any of those that were read.
void Reader::add_included(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<std::string> places{path};
  if (path.starts_with("~/")) {
    places.clear();
    for (const auto& home : os::home_folders()) {
      places.push_back(home + path.substr(1));
    }
  } else if (!path.starts_with('/')) {
    places = {m_git.common + "/" + path, m_git.own + "/" + path};
    for (const auto& file : m_out.included) {
      places.push_back((fs::path(file).parent_path() / path).lexically_normal().string());
    }
  }
  for (auto& place : places) {
    if (std::ranges::find(m_out.included, place) == m_out.included.end()) {
      m_out.included.push_back(std::move(place));
    }
  }
}

/// A repository by a path that holds in a snapshot, too. One that is this one is the snapshot's
/// own: what is pushed there must not reach the source.
std::string Reader::local_url(const std::string& path) const {
  if (path.starts_with('~')) { // a home folder's, everywhere
    return path;
  }
  const auto place = (std::filesystem::path(m_git.work_tree) / path).lexically_normal().string();
  try {
    for (const auto& tried : {place, place + ".git"}) { // as git does
      if (!os::exists(tried)) {
        continue;
      }
      const auto real = os::canonical_path(tried);
      const auto git = find_git_folder(real);
      if (real == m_git.work_tree || real == m_git.own || real == m_git.common ||
          (git && git->common == m_git.common)) {
        return ".";
      }
    }
  } catch (const os::Error&) { // no repository, or none that we may see
  }
  return path.starts_with('/') ? path : place;
}

/// One store of objects, and all that it borrows from.
void Reader::add_objects(const std::string& objects, std::vector<std::string>& out) const {
  const auto real = os::canonical_path(objects);
  if (std::ranges::find(out, real) != out.end()) {
    return;
  }
  out.push_back(real);
  const auto alternates = read_file(real, "info/alternates");
  for (const auto& line : os::split(alternates ? alternates->content : "", '\n')) {
    if (line.empty() || line.starts_with('#')) {
      continue;
    }
    const auto next = line.starts_with('/') ? line : real + "/" + line;
    if (os::is_folder(next)) { // else git goes without it, too
      add_objects(next, out);
    }
  }
}

void Reader::take_objects() {
  std::vector<std::string> stores;
  add_objects(m_git.common + "/" + std::string(k_objects), stores);
  std::string text;
  for (const auto& store : stores) {
    if (store.find('\n') != std::string::npos) {
      throw os::Error(os::format("git finds no objects in {} from elsewhere: its name holds a "
                                 "newline",
                                 os::quoted(store)),
                      "--git off makes snapshots without a .git");
    }
    text += store + "\n";
  }
  m_out.files["objects/info/alternates"] = {std::move(text), mtime_of({m_git.common + "/config"})};
}

} // namespace

GitState read_git_folder(const GitFolder& git) {
  return Reader(git).read();
}

} // namespace snapfix::source
