#include "guard/copy_on_write.hpp"

#include "guard/apply_call.hpp"
#include "guard/call_request.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr off_t k_big = off_t{256} * 1024; ///< longer files are copied beside the other calls
constexpr int k_attempts = 2000; ///< at a path that others rename meanwhile; each takes a rename
constexpr off_t k_most_to_prepare =
    off_t{1} << 20; ///< who asks about a longer file has to wait for the write

bool means_shortage(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM;
}

} // namespace

thread_local bool CopyOnWrite::answers_in_turn = false;

CopyOnWrite::CopyOnWrite(Listener& listener, const Protection& protection, bool may_open)
    : m_listener(listener), m_breaker(protection.staging), m_may_open(may_open),
      m_own(m_trees.add(protection)) {}

void CopyOnWrite::start_serving() {
  std::thread([this] { serve(false); }).detach();
}

void CopyOnWrite::serve(bool is_helper) {
  answers_in_turn = !is_helper;
  bool gone = false;
  while (!gone) {
    ++m_waiting;
    const auto notification = m_listener.receive(gone);
    const bool others_wait = --m_waiting > 0;
    if (notification) {
      handle({*notification, Clock::now()}, Lane::quick);
      ++m_handled;
    }
    if (is_helper && others_wait) {
      --m_helpers;
      return;
    }
  }
  // Whoever calls now gets ENOSYS; the process ends when the last one is gone.
}

void CopyOnWrite::help_if_stuck() {
  constexpr int k_most_helpers = 64;
  const std::uint64_t handled = m_handled;
  if (m_waiting == 0 && handled == m_handled_before && m_helpers < k_most_helpers) {
    ++m_helpers;
    try {
      std::thread([this] { serve(true); }).detach();
    } catch (const std::system_error&) { // none is to be had: at the next look, maybe
      --m_helpers;
    }
  }
  m_handled_before = handled;
}

void CopyOnWrite::serve_big_files() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(m_mutex);
      m_has_big_jobs.wait(lock, [&] { return !m_big_jobs.empty(); });
      job = m_big_jobs.front();
      m_big_jobs.pop_front();
    }
    handle(job, Lane::big);
    const std::lock_guard lock(m_mutex);
    if (m_big_jobs.empty()) {
      m_big_inodes.clear();
    }
  }
}

void CopyOnWrite::handle(const Job& job, Lane lane) {
  const seccomp_notif& notification = job.notification;
  const Call* call = find_call(notification.data.arch, notification.data.nr);
  if (call == nullptr) {
    m_listener.proceed(notification.id);
    return;
  }
  Verdict verdict{Verdict::Kind::fail, EIO};
  try {
    verdict = judge(notification, *call, lane);
  } catch (const std::exception&) { // out of memory: the object stays whole
    verdict.error_number = ENOMEM;
  }
  switch (verdict.kind) {
  case Verdict::Kind::proceed:
    m_listener.proceed(notification.id);
    break;
  case Verdict::Kind::fail:
    m_listener.answer(notification.id, -1, verdict.error_number);
    break;
  case Verdict::Kind::done:
    break;
  case Verdict::Kind::later: {
    const std::lock_guard lock(m_mutex);
    m_big_jobs.push_back(job);
    m_has_big_jobs.notify_one();
    return;
  }
  }
  m_trees.count_call(*call, Clock::now() - job.came);
}

/// Breaks one inode at a time, whoever is at it.
int CopyOnWrite::break_link(const NamedFile& file, const Place& place, os::UniqueFd& copy) {
  const std::uint64_t inode = file.stat.st_ino;
  {
    std::unique_lock lock(m_mutex);
    m_is_broken.wait(lock, [&] { return !m_being_broken.contains(inode); });
    m_being_broken.insert(inode);
  }
  const int failed = m_breaker.break_link(file, place, copy);
  const std::lock_guard lock(m_mutex);
  m_being_broken.erase(inode);
  m_is_broken.notify_all();
  return failed;
}

CopyOnWrite::Verdict CopyOnWrite::judge(const seccomp_notif& notification, const Call& call,
                                        Lane lane) {
  Caller caller(static_cast<pid_t>(notification.pid));
  auto file = named_file(caller, notification, call);
  if (!file) {
    if (caller.error() == EALREADY) { // it was somebody at the door
      return {Verdict::Kind::done};
    }
    if (means_shortage(caller.error())) { // of ours: who knows what the call would reach
      m_trees.count_failure(caller, call, caller.error());
      return {Verdict::Kind::fail, caller.error()};
    }
    if (!means_no_file(caller.error()) && m_listener.is_waiting(notification.id)) {
      m_trees.count_unjudged(caller, call, caller.error());
    }
    return {};
  }
  if (!m_trees.contain(*file)) {
    return let_go(caller, notification, call, *file);
  }
  if (lane == Lane::quick && call.action != Action::access) {
    const std::lock_guard lock(m_mutex);
    if (file->stat.st_size > k_big || m_big_inodes.contains(file->stat.st_ino)) {
      m_big_inodes.insert(file->stat.st_ino);
      return {Verdict::Kind::later};
    }
  }
  if (!m_listener.is_waiting(notification.id)) { // the number may be another process by now
    return {Verdict::Kind::done};
  }
  if (call.action == Action::access) {
    prepare(caller, *file, call);
    return {};
  }
  return protect(caller, notification, call, std::move(*file));
}

/// The file that the call would change; nothing if it changes none that was there before, or if we
/// cannot tell (the caller's error() says).
std::optional<NamedFile> CopyOnWrite::named_file(Caller& caller, const seccomp_notif& notification,
                                                 const Call& call) {
  const auto& data = notification.data;
  const auto argument = [&](int index) { return data.args[index]; }; // NOLINT: a C array
  if (call.path == k_none) {
    return caller.open_descriptor(static_cast<int>(argument(0)));
  }
  const int directory =
      call.directory == k_none ? AT_FDCWD : static_cast<int>(argument(call.directory));
  const auto request = request_of(caller, data, call);
  if (!request) {
    return std::nullopt;
  }
  if (argument(call.path) == 0) { // utimensat(fd, NULL, ...) means the descriptor
    return caller.open_descriptor(directory);
  }
  const auto path = caller.read_string(argument(call.path));
  if (!path) {
    return std::nullopt;
  }
  if (call.action == Action::open_how && *path == k_door) {
    open_door(notification.id);
    caller.set_error(EALREADY);
    return std::nullopt;
  }
  if (is_open(call) && !changes_an_old_file(request->flags)) {
    caller.set_error(ENOENT);
    return std::nullopt;
  }
  if (path->empty()) {
    if (!is_open(call) && (request->flags & AT_EMPTY_PATH) != 0) {
      return caller.open_descriptor(directory);
    }
    caller.set_error(ENOENT);
    return std::nullopt;
  }
  return caller.resolve(directory, *path, follow(call, *request), request->how);
}

CopyOnWrite::Verdict CopyOnWrite::protect(Caller& caller, const seccomp_notif& notification,
                                          const Call& call, NamedFile file) {
  for (int i = 0; i < k_attempts; ++i) {
    const auto place = find_place(file);
    if (call.action == Action::link && place && m_trees.is_in_store(*place)) {
      return {};
    }
    if (file.is_descriptor) {
      return protect_descriptor(caller, notification, call, file);
    }
    os::UniqueFd copy;
    const int failed = place ? break_link(file, *place, copy) : ESTALE;
    if (failed == 0) {
      m_trees.remember(file, *place, copy.get(), caller, call);
      // Whoever may open it gets it, though others may have put yet another file in its place.
      if (may_open_for(caller, notification, call)) {
        return open_for(caller, notification, call, copy.get(), Rights::ours);
      }
    } else if (failed != ESTALE) {
      m_trees.count_failure(caller, call, failed);
      return {Verdict::Kind::fail, failed};
    }
    // What the kernel will find there now. Only then may it look. A name that we did not find, as
    // its path is too long or leads through mounts that we do not see, a walk finds.
    caller.walk_always(!place);
    auto again = named_file(caller, notification, call);
    if (!again) {
      return {};
    }
    if (!m_trees.contain(*again)) {
      return let_go(caller, notification, call, *again);
    }
    file = std::move(*again);
  }
  m_trees.count_failure(caller, call, EBUSY);
  return {Verdict::Kind::fail, EBUSY};
}

/// Editors compare inodes before they write (vim's E949): who asks whether it may write gets the
/// copy early. Whatever fails here will fail again, and be told, when it does write.
void CopyOnWrite::prepare(Caller& caller, const NamedFile& file, const Call& call) {
  const auto place = file.is_descriptor ? std::nullopt : find_place(file);
  os::UniqueFd copy;
  if (place && file.stat.st_size <= k_most_to_prepare && break_link(file, *place, copy) == 0) {
    m_trees.remember(file, *place, copy.get(), caller, call);
  }
}

/// The call would reach the shared file whatever stands in the place of its name.
CopyOnWrite::Verdict CopyOnWrite::protect_descriptor(Caller& caller,
                                                     const seccomp_notif& notification,
                                                     const Call& call, const NamedFile& file) {
  const auto& data = notification.data;
  const bool is_number = call.path == k_none || data.args[call.path] == 0; // NOLINT: a C array
  const auto state =
      is_number ? caller.descriptor_state(static_cast<int>(data.args[0])) : std::nullopt;
  if (state && (state->flags & O_PATH) != 0) {
    return {}; // the kernel says EBADF
  }
  int failed = 0;
  const os::UniqueFd own = private_of(file, caller, call, failed);
  if (!own) {
    m_trees.count_failure(caller, call, failed);
    return {Verdict::Kind::fail, failed};
  }
  if (is_open(call)) {
    return open_for(caller, notification, call, own.get(), Rights::callers);
  }
  const auto is_empty = [&] {
    const auto path = caller.read_string(data.args[call.path]); // NOLINT: a C array
    return path && path->empty();
  };
  if (is_number || is_empty()) {
    const auto replaced = replace_descriptor(caller, notification, own.get());
    if (replaced) {
      return *replaced;
    }
  }
  const OtherIds as_caller(caller.thread(), OtherIds::Which::files);
  failed = apply_call(caller, data, call, own.get());
  m_listener.answer(notification.id, 0, failed);
  return {Verdict::Kind::done};
}

/// The caller's descriptor becomes one of the private file, opened in the same way and standing at
/// the same place, and the kernel goes on. Nothing if it cannot be: an O_PATH descriptor, or a mode
/// that forbids us to open the file once more.
std::optional<CopyOnWrite::Verdict>
CopyOnWrite::replace_descriptor(const Caller& caller, const seccomp_notif& notification,
                                int private_file) {
  constexpr int k_only_when_opened = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_NOFOLLOW;
  const int number = static_cast<int>(notification.data.args[0]);
  const auto state = caller.descriptor_state(number);
  if (!state || (state->flags & O_PATH) != 0) {
    return std::nullopt;
  }
  const os::UniqueFd fresh(::open(os::path_of_descriptor(private_file).c_str(),
                                  (state->flags & ~k_only_when_opened) | O_CLOEXEC));
  if (!fresh) {
    return std::nullopt;
  }
  ::lseek(fresh.get(), state->offset, SEEK_SET);
  const int failed = m_listener.replace_descriptor(notification.id, fresh.get(), number,
                                                   (state->flags & O_CLOEXEC) != 0);
  return failed == 0 ? Verdict{} : Verdict{Verdict::Kind::fail, failed};
}

/// Where the file that a descriptor holds lies. Its path means to the caller what it says, in its
/// own mount namespace.
std::optional<Place> CopyOnWrite::place_of(Caller& caller, const NamedFile& file) {
  if (auto place = find_place(file)) {
    return place;
  }
  const std::string path = caller.path_below_root(path_of(file));
  caller.walk_always(true);
  const auto walked =
      path.empty() ? std::nullopt : caller.resolve(AT_FDCWD, path, FollowLast::no, 0);
  return walked && walked->stat.st_ino == file.stat.st_ino &&
                 walked->stat.st_dev == file.stat.st_dev
             ? find_place(*walked)
             : std::nullopt;
}

/// The private copy of a file that a descriptor holds (O_PATH): the one that was made before, or a
/// new one in the place of its name, or one without a name if it has none any more.
os::UniqueFd CopyOnWrite::private_of(const NamedFile& file, Caller& caller, const Call& call,
                                     int& failed) {
  for (int i = 0; i < k_attempts; ++i) {
    const auto place = place_of(caller, file);
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
    m_trees.remember(file, *place, copy.get(), caller, call);
    return copy;
  }
  if (const auto before = m_trees.copy_of(file.stat.st_ino)) {
    os::UniqueFd out(::open(before->path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat stat {};
    if (out && ::fstat(out.get(), &stat) == 0 && stat.st_ino == before->inode) {
      return out;
    }
  }
  return m_breaker.copy_without_name(file, failed);
}

nlohmann::json CopyOnWrite::report() const {
  return m_trees.report_of(m_own);
}

void CopyOnWrite::open_door(std::uint64_t id) {
  auto pair = Channel::make_pair();
  const int number = m_listener.give_descriptor(id, pair.theirs.fd(), true);
  m_listener.answer(id, number, number < 0 ? ENOTDIR : 0);
  if (number < 0) {
    return;
  }
  std::thread([this, channel = std::move(pair.ours)] { talk(channel); }).detach();
}

/// With a `snapfix run` in the command: its snapshot is protected too, from here on.
void CopyOnWrite::talk(const Channel& channel) {
  const GuardedTrees::Tree* tree = nullptr;
  try {
    while (const auto message = channel.receive()) {
      if (message->kind == Message::Kind::protect && tree == nullptr) {
        tree = &m_trees.add(protection_from(message->text));
        channel.send(Message::Kind::protect);
      } else if (message->kind == Message::Kind::report && tree != nullptr) {
        channel.send(Message::Kind::report, dump(m_trees.report_of(*tree)));
      }
    }
  } catch (const std::exception&) { // somebody at the door who is none of ours
  }
}

} // namespace snapfix::guard
