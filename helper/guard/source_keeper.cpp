#include "guard/source_keeper.hpp"

#include "guard/break_link.hpp"
#include "guard/read_only.hpp"

#include <cerrno>

#include <sys/stat.h>

namespace snapfix::guard {
namespace {

/// Whether we, too, find the file there: to the caller that name may lead elsewhere, by its mounts.
bool stands_at(const std::string& path, const struct stat& file) {
  struct stat stat {};
  return ::lstat(path.c_str(), &stat) == 0 && is_same_file(stat, file);
}

/// git touches an object that it needs and has in the source's store, from which a snapshot's
/// `.git` borrows, so that it stays. Where it may not it makes one of its own: nothing that anybody
/// did wrong.
bool keeps_object_young(const ReportedCall& call, const std::string& path) {
  const auto git = path.find(".git/"); // also of a bare repository
  return call.action() == Action::times && git != std::string::npos &&
         path.find("/objects/", git) != std::string::npos;
}

} // namespace

/// What keeps a source from being changed, where the call would change one.
std::optional<Verdict> SourceKeeper::keep(ReportedCall& call, const NamedFile& file) {
  const bool is_link = call.action() == Action::link;
  if (is_link) {
    const auto there = call.find_new_name();
    if (there || !there.failure().missing) {
      return std::nullopt; // the kernel says what is wrong
    }
    if (const auto verdict = keep_missing(call, *there.failure().missing)) {
      return verdict;
    }
  } else if (call.is_open() && !S_ISREG(file.stat.st_mode)) {
    return std::nullopt;
  }
  const std::string path = path_of(file.file);
  const auto sources = m_trees.that_hold(path, call.caller().thread());
  if (sources.empty() || !stands_at(path, file.stat) || !asks_to_write(call, file)) {
    return std::nullopt;
  }
  return keep_path(call, sources, path, is_link ? EXDEV : EROFS);
}

std::optional<Verdict> SourceKeeper::keep_missing(ReportedCall& call, const Place& missing) {
  struct stat folder {};
  const std::string path = path_of(missing.folder);
  const std::string made = (path == "/" ? "" : path) + "/" + missing.name;
  const auto sources = m_trees.that_hold(made, call.caller().thread());
  if (sources.empty() || missing.name.ends_with('/') ||
      ::fstat(missing.folder.get(), &folder) != 0 || !stands_at(path, folder)) {
    return std::nullopt;
  }
  return keep_path(call, sources, made, EROFS);
}

std::optional<Verdict> SourceKeeper::keep_path(ReportedCall& call,
                                               const std::vector<SourceTrees::Tree*>& sources,
                                               const std::string& path, int error_number) {
  if (keeps_object_young(call, path)) {
    return Verdict::refused(error_number);
  }
  const bool is_denied = SourceTrees::deny(sources);
  if (call.action() != Action::access) {
    const std::string program = call.caller().program();
    if (!m_listener.is_waiting(call.id())) { // the number may be another process by now
      return Verdict::answered();
    }
    m_trees.remember(sources, path, program, call.call().name);
  }
  return is_denied ? std::optional(Verdict::refused(error_number)) : std::nullopt;
}

} // namespace snapfix::guard
