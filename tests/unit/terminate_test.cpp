#include "cli/cli.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/file.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace snapfix {
namespace {

struct End {
  int status = 0;
  std::string said;
};

/// A process of the helper in which an error gets where none can pass.
End end_of(const std::vector<std::string>& arguments) {
  const os::UniqueFd said = os::make_memory_file();
  const os::UniqueFd unread = os::make_memory_file();
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(said.get(), STDERR_FILENO);
    ::dup2(unread.get(), STDOUT_FILENO);
    cli::run(arguments);
    std::thread([] { throw os::Error("open", {"a file"}, ENOSPC, "make room"); }).join();
    ::_exit(0);
  }
  End out;
  ::waitpid(pid, &out.status, 0);
  out.said = os::text_of(said.get(), "what it said");
  return out;
}

constexpr const char* k_said =
    "snapfix: error: cannot open 'a file': No space left on device\nhint: make room\n";

BOOST_AUTO_TEST_SUITE(terminate)

BOOST_AUTO_TEST_CASE(what_is_lost_is_told_and_the_exit_code_is_that_of_a_failure) {
  const End end = end_of({"freeze", "--help"});
  BOOST_TEST(end.said == k_said);
  BOOST_TEST(WIFEXITED(end.status));
  BOOST_TEST(WEXITSTATUS(end.status) == 1);
}

BOOST_AUTO_TEST_CASE(a_run_fails_by_its_own_exit_code) {
  const End end = end_of({"run", "--help"});
  BOOST_TEST(end.said == k_said);
  BOOST_TEST(WIFEXITED(end.status));
  BOOST_TEST(WEXITSTATUS(end.status) == 125);
}

BOOST_AUTO_TEST_CASE(under_ctest_a_run_ends_by_a_signal) {
  const End end = end_of({"run", "--ctest", "--help"});
  BOOST_TEST(end.said == std::string(k_said) + "hint: ctest shows this as 'Subprocess aborted'\n");
  BOOST_TEST(WIFSIGNALED(end.status));
  BOOST_TEST(WTERMSIG(end.status) == SIGABRT);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace snapfix
