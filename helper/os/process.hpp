#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace snapfix::os {

/// The name of this host.
std::string host_name();

/// A process as it can be told from a later one with the same number, also on another host that
/// sees the same files: boot, pid namespace, pid, start time.
struct ProcessId {
  std::string machine; ///< host name, boot id and pid namespace
  pid_t pid = 0;
  std::uint64_t start_time = 0; ///< clock ticks since boot (proc(5), stat field 22)

  bool operator==(const ProcessId&) const = default;
};

/// This machine's part of a ProcessId.
std::string this_machine();

/// Nothing if there is no such process.
std::optional<ProcessId> identify(pid_t pid);

/// The text of a file in /proc, which has no size; nothing if the process is gone, or not ours to
/// look at.
std::optional<std::string> read_proc(const std::string& path);

/// The name of a process or thread, `?` if it is gone.
std::string process_name(pid_t pid);

/// The path of this program.
std::string this_program();
/// Whether it was linked without the system's libraries.
bool is_static();

pid_t this_process();
/// Our parent when this was first called: by settle_process(), before it can have ended.
pid_t parent_process();
/// The user and the group whose rights this process has.
uid_t effective_user();
gid_t effective_group();

/// The parent of this process; nothing if it cannot be seen (another pid namespace).
std::optional<ProcessId> identify_parent();

/// Where a process stands; empty if that cannot be seen.
std::string folder_of_process(pid_t pid);

/// A living process and its name, for messages.
struct LivingProcess {
  pid_t pid = 0;
  std::string name;
};

/// Processes that stand in `folder` (an absolute path without symlinks) or hold something below it
/// open, as far as this user may look. Processes on other hosts cannot be seen.
std::vector<LivingProcess> processes_in(const std::string& folder);

/// The living children of this process, threads' children included.
std::vector<LivingProcess> children_of_this_process();

/// Whether the process stands still after a stop signal.
bool is_stopped(pid_t pid);

/// The parent of a process, 0 if that cannot be seen (another pid namespace); nothing if the
/// process is gone.
std::optional<pid_t> parent_of(pid_t pid);

/// What /proc/PID/status says of a process or thread behind `key` ("Tgid"), which may be several
/// words; nothing if it is gone.
std::optional<std::string> status_of(pid_t pid, const std::string& key);

/// The process that a thread belongs to; nothing if it is gone.
std::optional<pid_t> process_of(pid_t thread);

/// Whether we are among the process's ancestors.
bool is_descendant(pid_t pid);

/// Whether the process is among our ancestors.
bool is_ancestor(pid_t pid);

/// Whether /proc is that of our own pid namespace.
bool proc_is_ours();

/// Kills every process below this one with SIGKILL and reaps it. Meant for a subreaper.
void kill_descendants();

/// Makes this process what we need, whatever it inherited: it may open as many files as it can get
/// (deep trees hold one folder a level), its children leave a status, a closed pipe and a file that
/// may not grow are errors and no signals, its user can work in what it makes (umask), and nothing
/// that it opens takes the number of a closed stdin, stdout or stderr. To be called once, first.
void settle_process() noexcept;

/// In a process that is about to become a command: it gets all that as we got it.
void unsettle_process() noexcept;

} // namespace snapfix::os
