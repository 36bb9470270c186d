#include "guard/filter.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <unistd.h>
#ifdef SNAPFIX_HAS_LIBSECCOMP
#include <seccomp.h>
#endif

using namespace snapfix::guard;

namespace {

constexpr std::uint32_t k_notify = SECCOMP_RET_USER_NOTIF;
constexpr std::uint32_t k_allow = SECCOMP_RET_ALLOW;

std::uint32_t refused(int error_number) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error_number);
}

/// Runs a filter as the kernel would; `steps` counts its instructions.
std::uint32_t interpret(const std::vector<sock_filter>& code, const seccomp_data& data,
                        int* steps = nullptr) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < code.size();) {
    const sock_filter& line = code[at++];
    if (steps != nullptr) {
      ++*steps;
    }
    switch (line.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      BOOST_REQUIRE(line.k % 4 == 0 && line.k + 4 <= sizeof data);
      std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + line.k, 4);
      break;
    case BPF_ALU | BPF_AND | BPF_K:
      accumulator &= line.k;
      break;
    case BPF_JMP | BPF_JA:
      at += line.k;
      break;
    case BPF_JMP | BPF_JEQ | BPF_K:
      at += accumulator == line.k ? line.jt : line.jf;
      break;
    case BPF_JMP | BPF_JGE | BPF_K:
      at += accumulator >= line.k ? line.jt : line.jf;
      break;
    case BPF_JMP | BPF_JSET | BPF_K:
      at += (accumulator & line.k) != 0 ? line.jt : line.jf;
      break;
    case BPF_RET | BPF_K:
      return line.k;
    default:
      BOOST_FAIL("an instruction that the interpreter does not know");
    }
  }
  BOOST_FAIL("the filter runs off its end");
  return 0;
}

struct Machine {
  std::vector<sock_filter> code;
  std::uint32_t arch;

  std::uint32_t operator()(std::int64_t number, std::initializer_list<std::uint64_t> arguments = {},
                           int* steps = nullptr) const {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = arch;
    std::copy(arguments.begin(), arguments.end(), data.args);
    return interpret(code, data, steps);
  }
};

const Machine k_x86_64{make_filter(x86_abis()), AUDIT_ARCH_X86_64};
const Machine k_i386{make_filter(x86_abis()), AUDIT_ARCH_I386};
const Machine k_aarch64{make_filter(arm_abis()), AUDIT_ARCH_AARCH64};

} // namespace

BOOST_AUTO_TEST_SUITE(filter)

BOOST_AUTO_TEST_CASE(opening_is_judged_by_its_flags) {
  struct Case {
    std::uint64_t flags;
    std::uint32_t verdict;
  };
  const std::vector<Case> cases{
      {O_RDONLY, k_allow},
      {O_RDONLY | O_CREAT, k_notify},
      {O_RDONLY | O_CREAT | O_EXCL, k_allow},
      {O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC, k_allow},
      {O_WRONLY, k_notify},
      {O_RDWR, k_notify},
      {O_RDONLY | O_TRUNC, k_notify},
      {O_WRONLY | O_CREAT, k_notify},
      {O_WRONLY | O_CREAT | O_TRUNC, k_notify},
      {O_WRONLY | O_EXCL, k_notify},
      {O_WRONLY | O_CREAT | O_EXCL, k_allow},
      {O_RDWR | O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC, k_allow},
      {O_PATH | O_RDWR, k_allow},
      {O_RDWR | 020000000 | O_DIRECTORY, k_allow}, // O_TMPFILE
      {3, k_notify},                               // for ioctl only, says open(2)
  };
  for (const auto& [flags, verdict] : cases) {
    BOOST_TEST_CONTEXT("flags " << std::oct << flags) {
      BOOST_TEST(k_x86_64(2, {0, flags}) == verdict);
      BOOST_TEST(k_x86_64(257, {0, 0, flags}) == verdict);
      BOOST_TEST(k_i386(5, {0, flags}) == verdict);
      BOOST_TEST(k_i386(295, {0, 0, flags}) == verdict);
      BOOST_TEST(k_aarch64(56, {0, 0, flags}) == verdict);
      // The upper half of a register is not part of an int.
      BOOST_TEST(k_x86_64(257, {0, 0, flags | std::uint64_t{1} << 32U}) == verdict);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_call_of_the_table_has_its_verdict_on_each_abi) {
  for (const Machine* machine : {&k_x86_64, &k_i386, &k_aarch64}) {
    const std::size_t column = machine->arch == AUDIT_ARCH_X86_64 ? 0
                               : machine->arch == AUDIT_ARCH_I386 ? 1
                                                                  : 2;
    for (const Call& call : all_calls()) {
      const auto number = call.numbers.at(column);
      if (number < 0) {
        continue;
      }
      BOOST_TEST_CONTEXT(call.name << " on " << column) {
        BOOST_TEST(find_call(machine->arch, number) == &call);
        std::uint32_t expected = k_notify;
        if (call.action == Action::absent || call.action == Action::fanotify) {
          expected = refused(ENOSYS);
        } else if (call.action == Action::by_handle) {
          expected = refused(EOPNOTSUPP);
        }
        // As flags these mean writing, as an ioctl's request FS_IOC_SETFLAGS.
        const std::uint64_t request = call.action == Action::ioctl ? 0x40086602 : O_RDWR;
        static_assert(O_RDWR == W_OK);
        const std::uint32_t got = (*machine)(number, {O_RDWR, request, O_RDWR, 0, 0, 0});
        BOOST_TEST(got == expected);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_changes_no_file_passes) {
  // read, write, close, stat, mmap, rename, unlink, mkdir, fork, newfstatat, statx, ...
  for (const int number :
       {0,  1,  3,   4,   5,   9,   13,  56,  57,  60,  76 + 1, 82,  83,   84,
        87, 89, 231, 262, 263, 264, 316, 332, 334, 435, 449,    500, 1000, 0x3fffffff}) {
    BOOST_TEST(k_x86_64(number) == k_allow);
  }
  for (const int number : {1, 2, 3, 4, 6, 10, 12, 38, 54 + 1, 106, 195, 300, 383, 252}) {
    BOOST_TEST(k_i386(number) == k_allow);
  }
  for (const int number : {57, 63, 64, 79, 80, 93, 220, 222, 276, 291}) {
    BOOST_TEST(k_aarch64(number) == k_allow);
  }
  BOOST_TEST(k_x86_64(16, {0, 0x5401}) == k_allow);       // ioctl TCGETS
  BOOST_TEST(k_x86_64(304, {0, 0, O_RDONLY}) == k_allow); // open_by_handle_at
  BOOST_TEST(k_x86_64(21, {0, R_OK | X_OK}) == k_allow);  // access
  BOOST_TEST(k_x86_64(439, {0, 0, F_OK}) == k_allow);     // faccessat2
  BOOST_TEST(k_x86_64(300, {0, O_RDONLY}) == k_allow);    // fanotify_init
}

BOOST_AUTO_TEST_CASE(other_ways_in) {
  // x32 calls by x86-64's numbers with a bit set, and has an ioctl of its own.
  BOOST_TEST(k_x86_64(0x40000000 | 257, {0, 0, O_WRONLY}) == k_notify);
  BOOST_TEST(k_x86_64(0x40000000 | 514, {0, 0x40086602}) == k_notify);
  BOOST_TEST(find_call(AUDIT_ARCH_X86_64, 0x40000000 | 90) == find_call(AUDIT_ARCH_X86_64, 90));
  const Machine other{k_x86_64.code, AUDIT_ARCH_AARCH64};
  BOOST_TEST(other(56, {0, 0, O_WRONLY}) == refused(ENOSYS));
  BOOST_TEST(k_x86_64(425) == refused(ENOSYS));
  BOOST_TEST(k_x86_64(16, {0, 0xc038586b}) == refused(EOPNOTSUPP)); // XFS_IOC_OPEN_BY_HANDLE
  BOOST_TEST(k_x86_64(16, {0, 0x4048587b}) == refused(EOPNOTSUPP)); // ..._ATTRMULTI_BY_HANDLE
  BOOST_TEST(k_x86_64(16, {0, 0x40086604}) == k_notify);            // EXT4_IOC_SETVERSION
}

BOOST_AUTO_TEST_CASE(it_is_short_for_the_calls_that_pass) {
  for (const Machine* machine : {&k_x86_64, &k_i386, &k_aarch64}) {
    BOOST_TEST(machine->code.size() < BPF_MAXINSNS);
    for (const int number : {0, 1, 3, 63, 64, 140, 262, 292, 332}) {
      int steps = 0;
      (*machine)(number, {}, &steps);
      BOOST_TEST(steps <= 16);
    }
  }
}

#ifdef SNAPFIX_HAS_LIBSECCOMP
BOOST_AUTO_TEST_CASE(the_numbers_are_those_that_libseccomp_knows) {
  const std::vector<std::uint32_t> arches{SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_AARCH64};
  int compared = 0;
  for (const Call& call : all_calls()) {
    for (std::size_t i = 0; i < arches.size(); ++i) {
      const int known = seccomp_syscall_resolve_name_arch(arches[i], call.name);
      // Below -1 libseccomp means: not on this architecture; -1: never heard of.
      if (known == __NR_SCMP_ERROR) {
        continue;
      }
      ++compared;
      BOOST_TEST_CONTEXT(call.name << " on " << i) {
        BOOST_TEST(call.numbers.at(i) == std::max(known, -1));
      }
    }
  }
  BOOST_TEST(compared > 80);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
