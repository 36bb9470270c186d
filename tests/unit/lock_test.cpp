#include "os/error.hpp"
#include "os/lock.hpp"

#include <boost/filesystem.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <optional>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace fs = boost::filesystem;
using namespace snapfix::os;

namespace {

struct Fixture {
  Fixture() {
    fs::create_directories(path);
    dir = Dir::open(path);
  }
  ~Fixture() { fs::remove_all(path); }

  std::string path = (fs::temp_directory_path() / fs::unique_path("snapfix-%%%%%%%%")).string();
  Dir dir;
};

/// A process that takes the lock, says so, and holds it until it is killed.
pid_t start_holder(const Dir& dir) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto lock = Lock::try_acquire(dir, "l", "the holder");
    [[maybe_unused]] auto written = ::write(ends[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char ready = 0;
  BOOST_REQUIRE(::read(ends[0], &ready, 1) == 1);
  ::close(ends[0]);
  ::close(ends[1]);
  return pid;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(lock, Fixture)

BOOST_AUTO_TEST_CASE(exclusive_excludes_and_shared_shares) {
  auto first = Lock::try_acquire(dir, "l", "a");
  BOOST_TEST(first.has_value());
  BOOST_TEST(!Lock::try_acquire(dir, "l", "b").has_value());
  BOOST_TEST(!Lock::try_acquire(dir, "l", "b", LockMode::shared).has_value());
  BOOST_TEST(Lock::try_acquire(dir, "other", "b").has_value());
  first.reset();
  const auto reader = Lock::try_acquire(dir, "l", "b", LockMode::shared);
  BOOST_TEST(reader.has_value());
  BOOST_TEST(Lock::try_acquire(dir, "l", "c", LockMode::shared).has_value());
  BOOST_TEST(!Lock::try_acquire(dir, "l", "d").has_value());
}

BOOST_AUTO_TEST_CASE(a_dead_owner_lets_go_and_a_living_one_is_named) {
  const pid_t pid = start_holder(dir);
  try {
    Lock::acquire(dir, "l", "us", LockMode::exclusive, std::chrono::milliseconds(20));
    BOOST_ERROR("the lock was not held");
  } catch (const Error& error) {
    const std::string text = error.what();
    BOOST_TEST(text.find("the holder (pid " + std::to_string(pid)) != std::string::npos);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  BOOST_TEST(Lock::try_acquire(dir, "l", "us").has_value());
}

BOOST_AUTO_TEST_CASE(who_waits_to_be_alone_is_not_kept_out_by_those_who_share) {
  auto sharer = Lock::try_acquire(dir, "l", "a", LockMode::shared);
  std::thread waiting([&] { Lock::acquire(dir, "l", "b"); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Lock::try_acquire(dir, "l", "c", LockMode::shared)) { // until the other is at the gate
    if (std::chrono::steady_clock::now() > end) {
      BOOST_ERROR("those who share go on passing");
      break;
    }
  }
  sharer.reset();
  waiting.join();
  BOOST_TEST(Lock::try_acquire(dir, "l", "c", LockMode::shared).has_value());
}

BOOST_AUTO_TEST_CASE(a_lock_on_a_removed_file_is_not_the_lock) {
  auto first = Lock::try_acquire(dir, "l", "a");
  first->remove_file(dir, "l");
  const auto second = Lock::try_acquire(dir, "l", "b");
  BOOST_TEST(second.has_value()); // a new file: the old owner has given the name up
  first.reset();
  BOOST_TEST(!Lock::try_acquire(dir, "l", "c").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
