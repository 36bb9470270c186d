#include "guard/judge.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr off_t k_big = off_t{256} * 1024; ///< longer files are copied beside the other calls
constexpr int k_attempts = 2000; ///< at a path that others rename meanwhile; each takes a rename
constexpr off_t k_most_to_prepare = off_t{1} << 20;

/// They refuse to replace a file that has more names than one, and look before they open it.
constexpr std::array<std::string_view, 8> k_count_links{"bunzip2", "bzip2",  "compress", "gzip",
                                                        "lzma",    "unlzma", "unxz",     "xz"};

/// Errors that say just what the kernel would say, and that are no fault of ours.
bool is_callers_fault(const Failure& failure) {
  switch (failure.error_number) {
  case EFAULT:
  case EBADF:
  case EINVAL:
  case ELOOP:
  case ENAMETOOLONG:
  case EACCES:
    return true;
  default:
    return false;
  }
}

/// What the kernel says of a link of /proc to an open file where openat2(2) forbids such; 0:
/// nothing.
int refusal_of_magic_link(std::uint64_t resolve) {
  if ((resolve & (RESOLVE_NO_XDEV | RESOLVE_BENEATH)) != 0) {
    return EXDEV;
  }
  if ((resolve & (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)) != 0) {
    return ELOOP;
  }
  return resolve == 0 ? 0 : EXDEV;
}

/// The file of our descriptor through the mounts of the caller, where it is to be had there.
os::UniqueFd seen_by(const Caller& caller, const std::string& path, os::UniqueFd file) {
  struct stat stat {};
  auto theirs = caller.resolve(AT_FDCWD, path, FollowLast::no);
  return theirs && ::fstat(file.get(), &stat) == 0 && is_same_file(theirs->stat, stat)
             ? std::move(theirs->file)
             : std::move(file);
}

bool is_mount_of_its_own(int file) {
  struct statx stat {};
  return ::statx(file, "", AT_EMPTY_PATH, 0, &stat) == 0 &&
         (stat.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool is_on_read_only_mount(int file) {
  struct statvfs stat {};
  return ::fstatvfs(file, &stat) == 0 && (stat.f_flag & ST_RDONLY) != 0;
}

} // namespace

Judge::Judge(Listener& listener, const Protection& protection, pid_t command, bool waits_killable)
    : m_listener(listener), m_breaker(protection.staging),
      m_deputy(listener, command, waits_killable), m_sources(listener), m_own(add(protection, 0)) {}

Judge::Run Judge::add(const Protection& protection, pid_t run) {
  return {m_trees.add(protection), m_sources.trees().add(protection.source, run)};
}

Report Judge::report_of(const Run& run) {
  Report out;
  m_trees.add_to(out, run.files);
  m_sources.trees().add_to(out, run.source);
  return out;
}

Verdict Judge::judge(ReportedCall& call, Lane lane) {
  if (call.action() == Action::landlock) {
    m_deputy.loses_rights(call.caller().thread());
    return Verdict::let_go();
  }
  if (call.action() == Action::execute) {
    return prepare_words(call, lane);
  }
  for (int i = 0; i < k_attempts; ++i) {
    const auto file = call.find_file();
    if (!file) {
      return unfound(call, file.failure());
    }
    if (const auto verdict = m_sources.keep(call, *file)) {
      return *verdict;
    }
    if (!m_trees.contain(*file)) {
      if (const auto verdict = settle(call, *file)) {
        return *verdict;
      }
      continue;
    }
    if (lane == Lane::quick && call.action() != Action::access && has_to_wait(*file)) {
      return Verdict::postponed();
    }
    if (!m_listener.is_waiting(call.id())) { // the number may be another process by now
      return Verdict::answered();
    }
    if (call.action() == Action::access) {
      // Who asks about a longer file has to wait for the write.
      if (file->stat.st_size <= k_most_to_prepare) {
        prepare(call, *file);
      }
      return Verdict::let_go();
    }
    if (const auto verdict = make_private(call, *file)) {
      return *verdict;
    }
  }
  return failed_copy(call, EBUSY);
}

/// Of a call whose file was not found. Where it is not certain that the kernel finds none either,
/// the call is refused: what it reached might be shared.
Verdict Judge::unfound(ReportedCall& call, const Failure& failure) {
  const int error = failure.error_number;
  if (failure.missing && call.may_create()) {
    if (const auto verdict = m_sources.keep_missing(call, *failure.missing)) {
      return *verdict;
    }
  }
  if (failure.at == Failure::At::name) {
    return call.may_create() ? Verdict::let_go() : Verdict::refused(error);
  }
  if (failure.at == Failure::At::path && (error == ENOENT || error == ENOTDIR)) {
    return Verdict::let_go(); // there is nothing to change: it is made, or the kernel says the same
  }
  if (failure.at == Failure::At::process && (error == EPERM || error == ESRCH)) {
    // A program that nobody may look into would fail with every call: it is told, and verify looks.
    if (m_listener.is_waiting(call.id())) {
      m_trees.count_unjudged(call.caller(), call.call(), error);
    }
    return Verdict::let_go();
  }
  return is_callers_fault(failure) ? Verdict::refused(error) : failed_copy(call, error);
}

/// The call may reach this file. Were the kernel to look at its name once more, another process
/// might have put a shared file there: so on the snapshot's file system it is done for the caller.
/// Nothing: another file is there by now.
std::optional<Verdict> Judge::settle(ReportedCall& call, const NamedFile& file) const {
  if (file.is_descriptor || !m_trees.lie_beside(file) || !m_deputy.may_replace_kernel(call, file)) {
    return Verdict::let_go();
  }
  const auto match = call.match(file);
  if (!match) {
    return Verdict::refused(match.failure().error_number);
  }
  switch (*match) {
  case Caller::Match::other:
    return std::nullopt;
  case Caller::Match::unknown:
    return Verdict::let_go();
  case Caller::Match::same:
    break;
  }
  return m_deputy.replace_kernel(call, file);
}

/// Whether the file is for the big lane.
bool Judge::has_to_wait(const NamedFile& file) {
  const std::lock_guard lock(m_mutex);
  if (file.stat.st_size <= k_big && !m_big_inodes.contains(file.stat.st_ino)) {
    return false;
  }
  m_big_inodes.insert(file.stat.st_ino);
  return true;
}

void Judge::forget_big_files() {
  const std::lock_guard lock(m_mutex);
  m_big_inodes.clear();
}

/// Breaks one inode at a time, whoever is at it.
int Judge::break_link(const NamedFile& file, const Place& place, os::UniqueFd& copy) {
  const std::uint64_t inode = file.stat.st_ino;
  {
    std::unique_lock lock(m_mutex);
    m_is_broken.wait(lock, [&] { return !m_being_broken.contains(inode); });
    m_being_broken.insert(inode);
  }
  int failed = 0;
  {
    const auto meeting = m_trees.meeting_of(place);
    const Turn turn(meeting, inode);
    failed = m_breaker.break_link(file, place, meeting, copy);
    if (failed == 0 && turn.is_needed()) {
      m_trees.tell_others(file, place, copy.get());
    }
  }
  const std::lock_guard lock(m_mutex);
  m_being_broken.erase(inode);
  m_is_broken.notify_all();
  return failed;
}

Verdict Judge::failed_copy(const ReportedCall& call, int error_number) {
  if (m_listener.is_waiting(call.id())) { // else it was killed, and nothing was to be done any more
    m_trees.count_failure(call.caller(), call.call(), error_number);
  }
  return Verdict::refused(error_number);
}

/// Editors compare inodes before they write (vim's E949), others count links: they get the copy
/// early. Whatever fails here will fail again, and be told, when they do write.
void Judge::prepare(const ReportedCall& call, const NamedFile& file) {
  const bool may_replace = !file.is_descriptor && !is_mount_of_its_own(file.file.get());
  const auto place = may_replace ? find_place(file) : std::nullopt;
  os::UniqueFd copy;
  if (place && break_link(file, *place, copy) == 0) {
    m_trees.remember(file, *place, copy.get(), call.caller(), call.call());
  }
}

/// The files that such a program is told to replace.
Verdict Judge::prepare_words(ReportedCall& call, Lane lane) {
  const auto path = call.path();
  if (!path || std::ranges::find(k_count_links, std::string_view(*path).substr(
                                                    path->rfind('/') + 1)) == k_count_links.end()) {
    return Verdict::let_go();
  }
  for (const std::string& word : call.words()) {
    const auto file = call.caller().resolve(AT_FDCWD, word, FollowLast::no);
    if (!file || !m_trees.contain(*file)) {
      continue;
    }
    if (lane == Lane::quick && has_to_wait(*file)) {
      return Verdict::postponed();
    }
    prepare(call, *file);
  }
  return Verdict::let_go();
}

/// Nothing: look again. Only when another file is found there may the kernel look, too.
std::optional<Verdict> Judge::make_private(ReportedCall& call, const NamedFile& file) {
  // A file that is mounted on a name: what stands there is hidden by it, and were that removed, the
  // mount would go with it.
  if (is_mount_of_its_own(file.file.get())) {
    if (call.action() == Action::link) {
      return Verdict::refused(EXDEV);
    }
    return is_on_read_only_mount(file.file.get()) ? Verdict::refused(EROFS)
                                                  : failed_copy(call, EBUSY);
  }
  if (file.is_descriptor) {
    return protect_descriptor(call, file);
  }
  const auto place = find_place(file);
  // A name that we did not find, as its path is too long or leads through mounts that we do not
  // see, a walk finds.
  call.caller().walk_always(!place);
  if (!place) {
    return std::nullopt;
  }
  if (call.action() == Action::link && m_trees.is_in_store(*place)) {
    return Verdict::let_go(); // it makes a snapshot
  }
  os::UniqueFd copy;
  const int failed = break_link(file, *place, copy);
  if (failed == 0) {
    m_trees.remember(file, *place, copy.get(), call.caller(), call.call());
  } else if (failed != ESTALE) {
    return failed_copy(call, failed);
  }
  return std::nullopt;
}

/// The call would reach the shared file whatever stands in the place of its name.
Verdict Judge::protect_descriptor(ReportedCall& call, const NamedFile& file) {
  const auto state = file.number ? call.caller().descriptor_state(*file.number) : std::nullopt;
  const bool is_by_number = call.call().path == k_none || call.argument(call.call().path) == 0;
  if (state && (state->flags & O_PATH) != 0 && is_by_number) {
    return Verdict::refused(EBADF); // as the kernel says
  }
  if (call.is_open()) {
    const auto asked = call.request();
    int refusal = asked ? refusal_of_magic_link(asked->resolve) : EINVAL;
    if (refusal == 0 && (asked->flags & O_DIRECTORY) != 0) {
      refusal = ENOTDIR;
    }
    if (refusal != 0) {
      return Verdict::refused(refusal);
    }
  }
  if (is_on_read_only_mount(file.file.get())) {
    return Verdict::refused(EROFS);
  }
  int failed = 0;
  const os::UniqueFd own = private_of(call, file, failed);
  if (!own) {
    return failed_copy(call, failed);
  }
  // linkat(2) with an empty path takes only what the caller itself has opened.
  const bool is_by_opener = call.action() == Action::link && call.descriptor();
  if (state && (state->flags & O_PATH) == 0 && !is_by_opener) {
    if (const auto replaced = replace_descriptor(call, *file.number, *state, own.get())) {
      return *replaced;
    }
  }
  return m_deputy.redirect(call, own.get());
}

/// The caller's descriptor becomes one of the private file, opened in the same way and standing at
/// the same place, and the kernel goes on. Nothing if it cannot be, for a mode that forbids us to
/// open the file once more.
std::optional<Verdict> Judge::replace_descriptor(const ReportedCall& call, int number,
                                                 const Caller::DescriptorState& state,
                                                 int private_file) const {
  constexpr int k_only_when_opened = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_NOFOLLOW;
  const os::UniqueFd fresh(::open(os::path_of_descriptor(private_file).c_str(),
                                  (state.flags & ~k_only_when_opened) | O_CLOEXEC));
  if (!fresh) {
    return std::nullopt;
  }
  ::lseek(fresh.get(), state.offset, SEEK_SET);
  const int failed =
      m_listener.replace_descriptor(call.id(), fresh.get(), number, (state.flags & O_CLOEXEC) != 0);
  return failed == 0 ? Verdict::let_go() : Verdict::refused(failed);
}

/// Where a file lies that a descriptor holds, and whose path is `path` in its own mount namespace.
/// Nothing where that is not for us to break: by its handle a file may be found under the name that
/// it has in another snapshot, or in the store.
std::optional<Place> Judge::place_of(const Caller& caller, const NamedFile& file,
                                     const std::string& path) const {
  auto place = find_place(file);
  if (!place && !path.empty()) {
    const auto walked = caller.resolve(AT_FDCWD, path, FollowLast::no);
    if (walked && is_same_file(walked->stat, file.stat)) {
      place = find_place(*walked);
    }
  }
  return place && !m_trees.is_others(*place) ? std::move(place) : std::nullopt;
}

/// The private copy of a file that a descriptor holds (O_PATH): the one that was made before, or a
/// new one in the place of its name, or one without a name if it has none any more. Empty where it
/// cannot be made; the errno is in `failed`.
os::UniqueFd Judge::private_of(ReportedCall& call, const NamedFile& file, int& failed) {
  Caller& caller = call.caller();
  caller.walk_always(true);
  for (int i = 0; i < k_attempts; ++i) {
    const std::string path = caller.path_below_root(path_of(file.file));
    const auto place = place_of(caller, file, path);
    if (!place) {
      break;
    }
    os::UniqueFd copy;
    failed = break_link(file, *place, copy);
    if (failed == ESTALE) {
      continue; // renamed or removed meanwhile
    }
    if (failed != 0) {
      return {};
    }
    m_trees.remember(file, *place, copy.get(), caller, call.call());
    return caller.shares_our_root() ? std::move(copy) : seen_by(caller, path, std::move(copy));
  }
  auto before = m_trees.open_copy_of(file.stat.st_ino);
  return before ? std::move(before) : m_breaker.copy_without_name(file, failed);
}

} // namespace snapfix::guard
