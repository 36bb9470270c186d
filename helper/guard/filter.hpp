#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>

namespace snapfix::guard {

/// What a call does to a file.
enum class Action : std::uint8_t {
  open,        ///< for writing, by the flags in an argument
  open_how,    ///< by the flags in a struct open_how
  create_file, ///< creat(2)
  truncate,
  permissions,
  owner,
  times,
  set_xattr,
  remove_xattr,
  attributes, ///< file_setattr(2)
  ioctl,
  link,
  access,    ///< asks whether it may be written to
  hand_over, ///< to the kernel, which writes to it from then on
  by_handle, ///< open_by_handle_at(2), which names no path: refused for writing
  fanotify,  ///< fanotify_init(2): events that bring descriptors for writing are refused
  execute,   ///< execve(2): of a program that looks at the number of links before it writes
  landlock,  ///< landlock_restrict_self(2): takes rights from the caller that we still have
  absent     ///< does what no filter sees, or hides memory from us: refused
};

/// How the arguments after the file are laid out.
enum class Layout : std::uint8_t {
  plain,            ///< as the ABI's C types; times in nanoseconds
  short_ids,        ///< i386: owner and group have 16 bits
  seconds,          ///< struct utimbuf
  microseconds,     ///< struct timeval
  wide_nanoseconds, ///< struct timespec of 64 bits on all ABIs
  two_halves        ///< a length in two arguments
};

/// No such argument.
constexpr std::int8_t k_none = -1;

/// A call that changes a file in place, and which of its arguments names that file.
struct Call {
  const char* name;
  std::array<std::int32_t, 3> numbers; ///< on x86-64, i386, aarch64; -1 where there is none
  Action action;
  std::int8_t directory = k_none; ///< the argument that holds a directory's descriptor
  std::int8_t path = k_none;      ///< ... a path; none: argument 0 is a descriptor
  std::int8_t flags = k_none;     ///< ... open or AT_* flags
  bool follows = true;            ///< a symlink at the path's end, unless the flags say otherwise
  Layout layout = Layout::plain;
};

/// Calling conventions, as seccomp(2) tells them.
struct Abi {
  std::uint32_t audit_arch;
  std::size_t column; ///< in Call::numbers
};

/// All calls that the guard knows.
std::span<const Call> all_calls();

/// Those of this machine's kernel: x86-64 with i386, or aarch64.
std::span<const Abi> native_abis();
std::span<const Abi> x86_abis();
std::span<const Abi> arm_abis();

/// The call of that number; nullptr if the guard has no business with it.
const Call* find_call(std::uint32_t audit_arch, std::int32_t number);

/// Whether a call was made by x32's numbers, which few kernels take.
bool is_x32(const seccomp_data& data);

/// The seccomp filter (classic BPF). Opening for reading passes without a round trip, and so does
/// what neither changes a file that was there before nor makes one by an open without O_EXCL; that
/// is reported to the supervisor; calls of other ABIs, io_uring and unknown ways in fail as where
/// the kernel has no such thing (ENOSYS, and EOPNOTSUPP for open_by_handle_at).
std::vector<sock_filter> make_filter(std::span<const Abi> abis);

} // namespace snapfix::guard
