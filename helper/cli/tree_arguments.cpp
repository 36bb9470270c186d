#include "cli/tree_arguments.hpp"

#include "cli/roots.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/user.hpp"
#include "snapshot/name.hpp"
#include "source/git.hpp"
#include "source/glob.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

namespace snapfix::cli {
namespace {

namespace fs = boost::filesystem;

constexpr std::uint64_t k_most_workers = 256;

/// Who stands in a snapshot means the source that it was made of, hardly the snapshot itself.
void refuse_to_stand_in_snapshot(const std::string& folder) {
  if (const auto place = snapshot_around(folder)) {
    throw os::Error(
        os::format("the current folder lies in a snapshot, {}", os::quoted(place->snapshot)),
        os::format("go back to the source\nor name the source with --source, and the root with "
                   "--root {}",
                   place->root));
  }
  if (is_root(folder)) {
    throw os::Error(
        os::format("the current folder is a root, {}: it holds snapshots", os::quoted(folder)),
        os::format("go back to the source\nor name the source with --source, and the "
                   "root with --root {}",
                   folder));
  }
}

/// Names may hold slashes, as those of tests do; but who writes a path means what lies there.
void refuse_path(const Arguments& arguments, const std::string& name, const std::string& root) {
  const auto begins_with = [&](const std::string& folder) {
    return name == folder || name.starts_with(folder + "/");
  };
  const bool is_path = name.starts_with('/') || begins_with(".") || begins_with("..");
  fs::path path = os::absolute_path(name);
  path = path.lexically_normal();
  if (path.filename() == "." || path.filename() == "/") {
    path = path.parent_path();
  }
  const bool stands = is_snapshot(root + "/" + snapshot::folder_of_name(name));
  const bool is_place =
      name.find('/') != std::string::npos && (is_snapshot(path.string()) || is_root(path.string()));
  if (stands || arguments.has("name") || arguments.flag("ctest") || !(is_path || is_place)) {
    return;
  }
  const std::string what = os::format("{} is a path, no name", os::quoted(name));
  if (is_snapshot(path.string())) {
    arguments.fail(what, os::format("the snapshot there: {} --root {}", path.filename().string(),
                                    path.parent_path().string()));
  }
  arguments.fail(what, os::format("the name says which snapshot of a root, --root names that "
                                  "root\nif it is to be the name: --name={}",
                                  name));
}

/// All of a home folder is hardly meant.
void refuse_to_take_home(const std::string& folder) {
  auto homes = os::home_folders();
  homes.emplace_back("/");
  for (const auto& home : homes) {
    if (source::is_below(home, folder)) {
      throw os::Error(
          os::format("the current folder, {}, is no git work tree: all files in it would be taken",
                     os::quoted(folder)),
          "name the source with --source ('--source .' is this folder)");
    }
  }
}

void tell_of_work_tree(const std::string& folder) {
  const auto top = source::work_tree_around(folder);
  if (top && *top != folder) {
    os::note(os::format("the source is {}, a subfolder of the git work tree {}: --top takes "
                        "all of that, --source . the subfolder without this note",
                        os::quoted(folder), os::quoted(*top)));
  }
}

std::string source_path(const Arguments& arguments) {
  const auto given = arguments.value("source");
  std::string out;
  try {
    out = os::canonical_path(given.value_or("."));
  } catch (const os::Error& error) {
    throw os::Error("find the source", {given.value_or(".")}, error.error_number(),
                    "name a folder with --source");
  }
  if (!given) {
    refuse_to_stand_in_snapshot(out);
  }
  if (arguments.flag("top")) {
    const auto top = source::work_tree_around(out);
    if (!top) {
      throw os::Error(
          os::format("{} lies in no git work tree, whose top --top means", os::quoted(out)),
          "name the source itself, without --top");
    }
    out = *top;
  }
  if (!os::is_utf8(out)) {
    throw os::Error(os::format("the path of the source, {}, is no UTF-8", os::quoted(out)),
                    "rename that folder; names inside the source may be any bytes");
  }
  if (!os::is_folder(out)) {
    throw os::Error(os::format("the source {} is no folder", os::quoted(out)),
                    "name a folder with --source");
  }
  return out;
}

source::GlobSet globs_from(const Arguments& arguments, const char* name,
                           const std::vector<std::string>& globs, const std::string& source) {
  try {
    return {globs, source};
  } catch (const os::Error& error) {
    arguments.fail(os::format("--{}: {}", name, error.what()), error.hint());
  }
}

unsigned workers_from(const Arguments& arguments) {
  if (arguments.value("jobs").value_or("auto") == "auto") {
    return os::k_adapt;
  }
  const auto count = arguments.number("jobs", 1);
  return static_cast<unsigned>(std::min(count.value_or(1), k_most_workers));
}

source::Selection selection_from(const Arguments& arguments) {
  source::Selection out;
  out.source = source_path(arguments);
  out.root = root_path(arguments);
  if (source::is_below(out.source, out.root)) {
    throw os::Error(os::format("the root {} is the source or holds it", os::quoted(out.root)),
                    "choose a folder inside or beside the source with --root");
  }
  out.include = globs_from(arguments, "include", arguments.list("include"), out.source);
  if (arguments.has("files")) {
    using source::FileSet;
    out.files = arguments.choice("files", FileSet::tracked);
    if (out.files != FileSet::all && !source::is_git_work_tree(out.source)) {
      throw os::Error(os::format("the source {} is no git work tree", os::quoted(out.source)),
                      "take every file with --files all");
    }
  } else {
    out.files = source::default_files(out.source);
  }
  out.git =
      source::choose_git(arguments.choice("git", source::Git::automatic), out.source, out.files);
  if (!arguments.has("source")) {
    const bool is_in_git = arguments.has("files") ? source::is_git_work_tree(out.source)
                                                  : out.files != source::FileSet::all;
    if (is_in_git) {
      tell_of_work_tree(out.source);
    } else {
      refuse_to_take_home(out.source);
    }
  }
  if (os::exists(out.root) && !snapshot::Root::exists(out.root)) {
    source::refuse_root_of_files(out);
  }
  return out;
}

snapshot::LinkFrom link_from(const Arguments& arguments) {
  const auto out = arguments.choice("link-from", snapshot::LinkFrom::store);
  if (out == snapshot::LinkFrom::source) {
    os::note("--link-from source: a write in place in a snapshot reaches the source and all other "
             "snapshots, and an edit in place of the source reaches them");
  }
  return out;
}

void add_uv_options(Arguments& arguments) {
  arguments.add_list("uv-locked", "PROJECT",
                     "hold the lock of the uv project in this folder of the source, or of this "
                     "script: it must be up to date, the command cannot change it unseen, and "
                     "UV_LOCKED=1 is set");
  arguments.add_value("uv", "PROGRAM", "the uv that checks the lock; default: that of PATH");
}

std::vector<std::string> uv_projects_from(const Arguments& arguments, const std::string& source) {
  std::vector<std::string> out;
  for (const auto& given : arguments.list("uv-locked")) {
    std::string path = given;
    if (path.starts_with('/') && os::exists(path)) { // the source may have been reached by a link
      path = os::canonical_path(path);
    }
    if ((path + "/").starts_with(source + "/")) {
      path = path.substr(std::min(path.size(), source.size() + 1));
    }
    const auto components = source::split_path(path);
    if (path.starts_with('/') || std::ranges::find(components, "..") != components.end()) {
      arguments.fail(os::format("--uv-locked {} lies outside the source", os::quoted(given)),
                     "name a folder relative to the source, . for its top");
    }
    std::string project;
    for (const auto component : components) {
      if (component != "." && !component.empty()) {
        project += project.empty() ? "" : "/";
        project += component;
      }
    }
    if (std::ranges::find(out, project) == out.end()) {
      out.push_back(project);
    }
  }
  std::ranges::sort(out);
  return out;
}

} // namespace

std::string variable_or(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): no thread writes it
  return value == nullptr || *value == '\0' ? otherwise : value;
}

void add_name_option(Arguments& arguments) {
  arguments.add_value("name", "NAME", "the name, where it begins with a dash: --name=-x");
}

void add_root_option(Arguments& arguments) {
  arguments.add_value("root", "DIR",
                      "folder that holds the snapshots; default: SNAPFIX_ROOT, else for commands "
                      "without --source the root in which the current folder lies, else "
                      ".snapshots in the source, or in the current folder "
                      "(CODE_SNAPSHOT_DIRNAME renames that)");
  arguments.add_flag("top", "the top of the git work tree around the source, or around the current "
                            "folder, in place of that folder itself");
}

void add_tree_options(Arguments& arguments) {
  arguments.add_value("source", "DIR", "the tree to freeze; default: the current folder");
  add_root_option(arguments);
  arguments.add_value("files", "SET",
                      "tracked: what git tracks, submodules included, with the content in the work "
                      "tree; untracked: also what git does not ignore; all: every file but .git; "
                      "default: tracked in a git work tree, else all");
  arguments.add_list("include", "GLOB",
                     "take these files as well, though git ignores them; may be repeated");
  arguments.add_value("git", "WHETHER",
                      "on: snapshots get a .git of their own, with the source's refs, index and "
                      "configuration, and its objects by reference; off: none; auto: on where the "
                      "source is the top of a git work tree; default: auto");
  arguments.add_value("link-from", "FROM",
                      "store: link from private copies; source: from the source's own files, which "
                      "needs not one copy, but then a write in place reaches the source and all "
                      "snapshots, and an edit of the source them; default: store");
  arguments.add_list("exclude", "GLOB", "leave these out; may be repeated");
  arguments.add_list("copy", "GLOB", "make these private from the start; may be repeated");
  arguments.add_value("link-mode", "MODE",
                      "hardlink, reflink or copy; what the file system refuses becomes a copy; "
                      "default: hardlink");
  arguments.add_flag("strict", "a link that is refused is an error, not a copy");
  add_uv_options(arguments);
  arguments.add_value("jobs", "N", "number of workers, or auto; default: auto");
}

void add_base_options(Arguments& arguments) {
  arguments.add_value("base", "ID",
                      "make it of this base, without freezing; a unique beginning will do");
  arguments.add_flag("frozen", "make it of the base that this ctest run froze, if it did");
}

void add_wait_option(Arguments& arguments) {
  arguments.add_value("wait", "SECONDS",
                      "how long to wait for a snapshot that is in use; default: until it is free");
}

bool gives_tree_options(const Arguments& arguments) {
  constexpr std::array k_names{"exclude", "copy", "link-from", "link-mode"};
  return std::ranges::any_of(k_names, [&](const char* name) { return arguments.has(name); });
}

job::LockOptions lock_options_from(const Arguments& arguments) {
  return {arguments.value("uv").value_or(""), arguments.flag("ctest"), patience_from(arguments)};
}

os::Patience patience_from(const Arguments& arguments) {
  const auto seconds = arguments.number("wait");
  constexpr std::uint64_t k_year = std::uint64_t{366} * 24 * 3600;
  return seconds ? os::Patience(std::chrono::seconds(std::min(*seconds, k_year))) : std::nullopt;
}

std::string root_path(const Arguments& arguments) {
  std::string path = arguments.value("root").value_or(variable_or("SNAPFIX_ROOT", ""));
  bool is_default = false;
  if (path.empty() && !arguments.knows("source")) {
    const std::string here = os::canonical_path(".");
    const auto place = snapshot_around(here);
    path = place ? place->root : is_root(here) ? here : "";
  }
  if (path.empty()) {
    is_default = true;
    path = (fs::path(source_path(arguments)) / variable_or("CODE_SNAPSHOT_DIRNAME", k_default_root))
               .string();
  }
  while (path.starts_with("//")) { // which Boost takes for a host's name
    path.erase(0, 1);
  }
  path = os::absolute_path(path);
  try {
    auto out = os::resolved_path(path);
    if (is_default && !is_root(out)) { // else who looks for it may wonder where all has gone
      tell_of_former_root(former_root(out));
      if (!arguments.knows("source")) {
        tell_of_roots_in_build_trees(out.substr(0, out.rfind('/')));
      }
    }
    return out;
  } catch (const os::Error& error) {
    throw os::Error("find the root", {path}, error.error_number(),
                    "choose another one with --root or SNAPFIX_ROOT");
  }
}

snapshot::CreateOptions create_options_from(const Arguments& arguments, const std::string& name) {
  snapshot::CreateOptions out;
  if (name.starts_with(snapshot::k_scratch_prefix)) {
    arguments.fail(os::format("names that begin with {} are taken", snapshot::k_scratch_prefix),
                   "choose another name");
  }
  out.tree.workers = workers_from(arguments);
  out.tree.link_mode = arguments.choice("link-mode", snapshot::LinkMode::hardlink);
  out.tree.strict = arguments.flag("strict");
  out.base.id = arguments.value("base").value_or("");
  out.base.frozen = arguments.flag("frozen");
  if (!out.base.id.empty() && out.base.frozen) {
    arguments.fail("--base and --frozen exclude each other");
  }
  out.tree.link_from = link_from(arguments);
  out.selection = selection_from(arguments);
  refuse_path(arguments, name, out.selection.root);
  out.tree.exclude =
      globs_from(arguments, "exclude", arguments.list("exclude"), out.selection.source);
  out.tree.uv_locked = uv_projects_from(arguments, out.selection.source);
  auto copy = arguments.list("copy");
  if (!out.tree.uv_locked.empty()) { // uv writes them in place
    copy.insert(copy.end(), {"uv.lock", "pyproject.toml", "*.py.lock"});
  }
  out.tree.copy = globs_from(arguments, "copy", copy, out.selection.source);
  return out;
}

} // namespace snapfix::cli
