#include "job/repositories.hpp"

#include "job/packed_tree.hpp"
#include "job/pasteable.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"

#include <utility>

namespace snapfix::job {
namespace {

std::string short_id(const std::string& id) {
  constexpr std::size_t k_digits = 12;
  return id.substr(0, k_digits);
}

} // namespace

void Repositories::add_head(const std::string& folder, const std::string& path,
                            const CommitOf& commit_of) {
  GitObjects objects(folder);
  auto head = commit_of(path);
  if (!head || !objects.has_commit(*head)) {
    head = objects.ask({"rev-parse", "--verify", "--quiet", "HEAD^{commit}"});
  }
  if (!head || !is_object_id(*head)) {
    return;
  }
  const auto entries = objects.list(*head);
  m_commits.push_back({path, *head});
  m_objects.push_back(std::move(objects));
  for (const auto& entry : entries) {
    const auto inner = folder + "/" + entry.path;
    if (entry.is_submodule && os::exists(inner + "/.git")) { // else git would ask the outer one
      add_head(inner, source::path_below(path, entry.path), commit_of);
    }
  }
}

Repositories Repositories::at_head(const std::string& top, const CommitOf& commit_of) {
  Repositories out;
  out.add_head(top, "", commit_of);
  return out;
}

Repositories Repositories::at(const std::string& clone, const std::vector<PackedCommit>& commits) {
  const auto prefix = commits.empty() ? std::optional<std::string>("")
                                      : GitObjects(clone).ask({"rev-parse", "--show-prefix"});
  if (!prefix || !prefix->empty()) {
    throw os::Error(prefix ? os::format("{} is a folder in a repository", os::quoted(clone))
                           : os::format("{} is no git repository", os::quoted(clone)),
                    "name the top of a clone: --source CLONE");
  }
  Repositories out;
  std::vector<std::string> missing;
  std::string hint;
  const auto lack = [&](std::string what, const std::string& remedy) {
    missing.push_back(std::move(what));
    hint += (hint.empty() ? "" : "\n") + remedy;
  };
  for (const auto& [path, id] : commits) {
    const auto folder = source::path_below(clone, path);
    const GitObjects objects(folder);
    if (os::is_folder(folder) && os::canonical_path(folder) != folder) {
      throw os::Error(os::format("the submodule {} of the pack lies behind a symlink of {}",
                                 os::quoted(path), os::quoted(clone)),
                      "take another clone, in which it is a folder");
    }
    if (!path.empty() && !os::exists(folder + "/.git")) {
      lack(os::format("the submodule {} (it is not cloned)", os::quoted(path)),
           os::format("git -C {} submodule update --init {}", shell_word(clone), shell_word(path)));
    } else if (!objects.has_commit(id)) {
      lack(path.empty()
               ? os::format("the commit {}", short_id(id))
               : os::format("the commit {} of the submodule {}", short_id(id), os::quoted(path)),
           os::format("git -C {} fetch origin {}", shell_word(folder), id));
    }
    out.m_commits.push_back({path, id});
    out.m_objects.push_back(objects);
  }
  if (!missing.empty()) {
    throw os::Error(os::format("{} lacks what the snapshot was made of: {}", os::quoted(clone),
                               os::joined(missing, ", ")),
                    hint);
  }
  return out;
}

std::map<std::string, CommittedFile> Repositories::files_in(const std::string& folder) const {
  std::map<std::string, CommittedFile> out;
  const auto above = folder.empty() ? "" : folder + "/";
  for (std::size_t i = 0; i < m_commits.size(); ++i) {
    for (const auto& entry : m_objects[i].list(m_commits[i].id)) {
      const auto path = source::path_below(m_commits[i].path, entry.path);
      if (!entry.is_submodule && path.starts_with(above)) {
        out[path.substr(above.size())] = {i, entry.id, entry.size};
      }
    }
  }
  return out;
}

} // namespace snapfix::job
