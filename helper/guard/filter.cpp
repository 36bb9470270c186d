#include "guard/filter.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

// Numbers: arch/x86/entry/syscalls/syscall_{64,32}.tbl and include/uapi/asm-generic/unistd.h of
// Linux 6.18; a test holds them equal to libseccomp's.
constexpr Call k_calls[] = {
    {"open", {2, 5, -1}, Action::open, k_none, 0, 1},
    {"openat", {257, 295, 56}, Action::open, 0, 1, 2},
    {"openat2", {437, 437, 437}, Action::open_how, 0, 1},
    {"creat", {85, 8, -1}, Action::create_file, k_none, 0},
    {"truncate", {76, 92, 45}, Action::truncate, k_none, 0},
    {"truncate64", {-1, 193, -1}, Action::truncate, k_none, 0, k_none, true, Layout::two_halves},
    {"chmod", {90, 15, -1}, Action::permissions, k_none, 0},
    {"fchmod", {91, 94, 52}, Action::permissions},
    {"fchmodat", {268, 306, 53}, Action::permissions, 0, 1},
    {"fchmodat2", {452, 452, 452}, Action::permissions, 0, 1, 3},
    {"chown", {92, 182, -1}, Action::owner, k_none, 0, k_none, true, Layout::short_ids},
    {"lchown", {94, 16, -1}, Action::owner, k_none, 0, k_none, false, Layout::short_ids},
    {"fchown", {93, 95, 55}, Action::owner, k_none, k_none, k_none, true, Layout::short_ids},
    {"chown32", {-1, 212, -1}, Action::owner, k_none, 0},
    {"lchown32", {-1, 198, -1}, Action::owner, k_none, 0, k_none, false},
    {"fchown32", {-1, 207, -1}, Action::owner},
    {"fchownat", {260, 298, 54}, Action::owner, 0, 1, 4},
    {"utime", {132, 30, -1}, Action::times, k_none, 0, k_none, true, Layout::seconds},
    {"utimes", {235, 271, -1}, Action::times, k_none, 0, k_none, true, Layout::microseconds},
    {"futimesat", {261, 299, -1}, Action::times, 0, 1, k_none, true, Layout::microseconds},
    {"utimensat", {280, 320, 88}, Action::times, 0, 1, 3},
    {"utimensat_time64", {-1, 412, -1}, Action::times, 0, 1, 3, true, Layout::wide_nanoseconds},
    {"setxattr", {188, 226, 5}, Action::set_xattr, k_none, 0},
    {"lsetxattr", {189, 227, 6}, Action::set_xattr, k_none, 0, k_none, false},
    {"fsetxattr", {190, 228, 7}, Action::set_xattr},
    {"setxattrat", {463, 463, 463}, Action::set_xattr, 0, 1, 2},
    {"removexattr", {197, 235, 14}, Action::remove_xattr, k_none, 0},
    {"lremovexattr", {198, 236, 15}, Action::remove_xattr, k_none, 0, k_none, false},
    {"fremovexattr", {199, 237, 16}, Action::remove_xattr},
    {"removexattrat", {466, 466, 466}, Action::remove_xattr, 0, 1, 2},
    {"file_setattr", {469, 469, 469}, Action::attributes, 0, 1, 4},
    {"link", {86, 9, -1}, Action::link, k_none, 0, k_none, false},
    {"linkat", {265, 303, 37}, Action::link, 0, 1, 4, false},
    {"access", {21, 33, -1}, Action::access, k_none, 0},
    {"faccessat", {269, 307, 48}, Action::access, 0, 1},
    {"faccessat2", {439, 439, 439}, Action::access, 0, 1, 3},
    {"acct", {163, 51, 89}, Action::hand_over, k_none, 0},
    {"swapon", {167, 87, 224}, Action::hand_over, k_none, 0},
    {"ioctl", {16, 54, 29}, Action::ioctl},
    {"open_by_handle_at", {304, 342, 265}, Action::by_handle, k_none, k_none, 2},
    {"fanotify_init", {300, 338, 262}, Action::fanotify},
    {"execve", {59, 11, 221}, Action::execute, k_none, 0},
    {"execveat", {322, 358, 281}, Action::execute, 0, 1, 4},
    {"landlock_restrict_self", {446, 446, 446}, Action::landlock},
    {"io_uring_setup", {425, 425, 425}, Action::absent},
    {"io_uring_enter", {426, 426, 426}, Action::absent},
    {"io_uring_register", {427, 427, 427}, Action::absent},
    {"memfd_secret", {447, 447, 447}, Action::absent},
};

constexpr Abi k_x86[] = {{AUDIT_ARCH_X86_64, 0}, {AUDIT_ARCH_I386, 1}};
constexpr Abi k_arm[] = {{AUDIT_ARCH_AARCH64, 2}};

// x32 programs call by x86-64's numbers with this bit set; of the few numbers of their own one is
// ours.
constexpr std::uint32_t k_x32_bit = 0x40000000;
constexpr std::int32_t k_x32_ioctl = 514;

// Requests that change a file through a descriptor that was opened for reading: FS_IOC_SETFLAGS,
// FS_IOC32_SETFLAGS, FS_IOC_SETVERSION, FS_IOC32_SETVERSION, EXT4_IOC_SETVERSION,
// EXT4_IOC32_SETVERSION, FS_IOC_FSSETXATTR, FS_IOC_ENABLE_VERITY (linux/fs.h, linux/fsverity.h,
// fs/ext4/ext4.h).
constexpr std::uint32_t k_requests[] = {0x40086602, 0x40046602, 0x40087602, 0x40047602,
                                        0x40086604, 0x40046604, 0x401c5820, 0x40806685};

// These reach any file of an XFS by its handle, past all paths: XFS_IOC_OPEN_BY_HANDLE and
// XFS_IOC_ATTRMULTI_BY_HANDLE, as 64-bit and 32-bit programs call them (xfs_fs.h).
constexpr std::uint32_t k_by_handle[] = {0xc038586b, 0xc01c586b, 0x4048587b, 0x4024587b};

// The same on all architectures here, unlike O_TMPFILE and O_DIRECTORY.
constexpr std::uint32_t k_tmpfile_bit = 020000000;
constexpr std::uint32_t k_path_bit = 010000000;

/// A BPF program with named places to jump to, which all lie ahead.
class Assembler {
public:
  using Label = std::size_t;

  Label new_label() { return m_labels++; }
  void place(Label label) { m_places[label] = m_code.size(); }

  void load(std::size_t offset) {
    m_code.push_back({{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)}, {}});
  }
  void mask(std::uint32_t bits) { m_code.push_back({{BPF_ALU | BPF_AND | BPF_K, 0, 0, bits}, {}}); }
  void give(std::uint32_t value) { m_code.push_back({{BPF_RET | BPF_K, 0, 0, value}, {}}); }
  void jump(Label to) { m_code.push_back({{BPF_JMP | BPF_JA, 0, 0, 0}, {to, to}}); }
  /// `operation`: BPF_JEQ, BPF_JGE, BPF_JSET.
  void jump_if(std::uint16_t operation, std::uint32_t value, Label yes, Label no) {
    m_code.push_back(
        {{static_cast<std::uint16_t>(BPF_JMP | operation | BPF_K), 0, 0, value}, {yes, no}});
  }

  std::vector<sock_filter> finish() const {
    std::vector<sock_filter> out;
    for (std::size_t i = 0; i < m_code.size(); ++i) {
      auto [code, targets] = m_code[i];
      if (code.code == (BPF_JMP | BPF_JA)) {
        code.k = static_cast<std::uint32_t>(m_places.at(targets[0]) - i - 1);
      } else if (BPF_CLASS(code.code) == BPF_JMP) {
        code.jt = distance(i, targets[0]);
        code.jf = distance(i, targets[1]);
      }
      out.push_back(code);
    }
    return out;
  }

private:
  struct Line {
    sock_filter code;
    std::array<Label, 2> targets;
  };

  std::uint8_t distance(std::size_t from, Label to) const {
    const std::size_t out = m_places.at(to) - from - 1;
    if (out > 255) {
      throw std::logic_error("a jump of the filter is too long");
    }
    return static_cast<std::uint8_t>(out);
  }

  std::vector<Line> m_code;
  std::map<Label, std::size_t> m_places;
  Label m_labels = 0;
};

constexpr std::uint32_t refuse(int error_number) {
  return SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error_number) & SECCOMP_RET_DATA);
}

/// The low half of an argument: flags and requests are ints.
constexpr std::size_t argument(int index) {
  return offsetof(seccomp_data, args) + sizeof(std::uint64_t) * static_cast<std::size_t>(index);
}

/// The part of the filter for one ABI.
class Section {
public:
  Section(Assembler& code, const Abi& abi) : m_code(code), m_abi(abi) {}

  void emit() {
    std::map<std::int32_t, Assembler::Label> leaves;
    for (const Call& call : k_calls) {
      const std::int32_t number = call.numbers.at(m_abi.column);
      if (number >= 0) {
        leaves[number] = leaf(call);
      }
    }
    m_code.load(offsetof(seccomp_data, nr));
    if (m_abi.audit_arch == AUDIT_ARCH_X86_64) {
      m_code.mask(~k_x32_bit);
      leaves[k_x32_ioctl] = m_ioctl;
    }
    const std::vector<std::pair<std::int32_t, Assembler::Label>> sorted(leaves.begin(),
                                                                        leaves.end());
    search(sorted);
    emit_leaves();
  }

private:
  /// A binary search: the calls that nobody reports pay for it too.
  void search(std::span<const std::pair<std::int32_t, Assembler::Label>> calls) {
    if (calls.size() == 1) {
      m_code.jump_if(BPF_JEQ, static_cast<std::uint32_t>(calls[0].first), calls[0].second, m_allow);
      return;
    }
    const std::size_t half = calls.size() / 2;
    const auto above = m_code.new_label();
    const auto below = m_code.new_label();
    m_code.jump_if(BPF_JGE, static_cast<std::uint32_t>(calls[half].first), above, below);
    m_code.place(below);
    search(calls.first(half));
    m_code.place(above);
    search(calls.subspan(half));
  }

  Assembler::Label leaf(const Call& call) {
    switch (call.action) {
    case Action::open:
      return call.flags == 1 ? m_open : m_openat;
    case Action::access:
      return call.directory == k_none ? m_access : m_faccessat;
    case Action::ioctl:
      return m_ioctl;
    case Action::by_handle:
      return m_by_handle;
    case Action::fanotify:
      return m_fanotify;
    case Action::absent:
      return m_absent;
    default:
      return m_report;
    }
  }

  void emit_leaves() {
    emit_open(m_open, 1);
    emit_open(m_openat, 2);
    m_code.place(m_ioctl);
    m_code.load(argument(1));
    for (const std::uint32_t request : k_requests) {
      const auto next = m_code.new_label();
      m_code.jump_if(BPF_JEQ, request, m_report, next);
      m_code.place(next);
    }
    for (const std::uint32_t request : k_by_handle) {
      const auto next = m_code.new_label();
      m_code.jump_if(BPF_JEQ, request, m_refused, next);
      m_code.place(next);
    }
    m_code.jump(m_allow);
    m_code.place(m_access);
    m_code.load(argument(1));
    m_code.jump_if(BPF_JSET, W_OK, m_report, m_allow);
    m_code.place(m_faccessat);
    m_code.load(argument(2));
    m_code.jump_if(BPF_JSET, W_OK, m_report, m_allow);
    m_code.place(m_by_handle);
    m_code.load(argument(2));
    m_code.jump_if(BPF_JSET, O_ACCMODE | O_TRUNC, m_refused, m_allow);
    m_code.place(m_fanotify);
    m_code.load(argument(1));
    m_code.jump_if(BPF_JSET, O_ACCMODE, m_absent, m_allow);
    m_code.place(m_report);
    m_code.give(SECCOMP_RET_USER_NOTIF);
    m_code.place(m_allow);
    m_code.give(SECCOMP_RET_ALLOW);
    m_code.place(m_absent);
    m_code.give(refuse(ENOSYS));
    m_code.place(m_refused);
    m_code.give(refuse(EOPNOTSUPP));
  }

  void emit_open(Assembler::Label label, int flags) {
    const auto writes = m_code.new_label();
    const auto has_name = m_code.new_label();
    m_code.place(label);
    m_code.load(argument(flags));
    m_code.jump_if(BPF_JSET, O_ACCMODE | O_TRUNC | O_CREAT, writes, m_allow);
    m_code.place(writes);
    m_code.jump_if(BPF_JSET, k_path_bit | k_tmpfile_bit, m_allow, has_name);
    m_code.place(has_name);
    m_code.mask(O_CREAT | O_EXCL); // both: the file is a new one
    m_code.jump_if(BPF_JEQ, O_CREAT | O_EXCL, m_allow, m_report);
  }

  Assembler& m_code;
  const Abi& m_abi;
  Assembler::Label m_open = m_code.new_label();
  Assembler::Label m_openat = m_code.new_label();
  Assembler::Label m_access = m_code.new_label();
  Assembler::Label m_faccessat = m_code.new_label();
  Assembler::Label m_ioctl = m_code.new_label();
  Assembler::Label m_by_handle = m_code.new_label();
  Assembler::Label m_fanotify = m_code.new_label();
  Assembler::Label m_report = m_code.new_label();
  Assembler::Label m_allow = m_code.new_label();
  Assembler::Label m_absent = m_code.new_label();
  Assembler::Label m_refused = m_code.new_label();
};

} // namespace

std::span<const Call> all_calls() {
  return k_calls;
}

std::span<const Abi> x86_abis() {
  return k_x86;
}

std::span<const Abi> arm_abis() {
  return k_arm;
}

std::span<const Abi> native_abis() {
#if defined(__x86_64__)
  return k_x86;
#elif defined(__aarch64__)
  return k_arm;
#else
  return {};
#endif
}

const Call* find_call(std::uint32_t audit_arch, std::int32_t number) {
  if (audit_arch == AUDIT_ARCH_X86_64) {
    number = static_cast<std::int32_t>(static_cast<std::uint32_t>(number) & ~k_x32_bit);
    if (number == k_x32_ioctl) {
      number = 16;
    }
  }
  for (const auto* abis : {&k_x86[0], &k_x86[1], &k_arm[0]}) {
    if (abis->audit_arch != audit_arch) {
      continue;
    }
    const auto* const found = std::ranges::find_if(
        k_calls, [&](const Call& call) { return call.numbers.at(abis->column) == number; });
    return found == std::end(k_calls) ? nullptr : found;
  }
  return nullptr;
}

bool is_x32(const seccomp_data& data) {
  return data.arch == AUDIT_ARCH_X86_64 && (static_cast<std::uint32_t>(data.nr) & k_x32_bit) != 0;
}

std::vector<sock_filter> make_filter(std::span<const Abi> abis) {
  Assembler code;
  code.load(offsetof(seccomp_data, arch));
  for (const Abi& abi : abis) {
    const auto section = code.new_label();
    const auto skip = code.new_label();
    const auto next = code.new_label();
    code.jump_if(BPF_JEQ, abi.audit_arch, section, skip);
    code.place(skip); // the section is longer than a conditional jump reaches
    code.jump(next);
    code.place(section);
    Section(code, abi).emit();
    code.place(next);
  }
  code.give(refuse(ENOSYS));
  return code.finish();
}

} // namespace snapfix::guard
