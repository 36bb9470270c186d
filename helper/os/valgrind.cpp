#include "os/valgrind.hpp"

#include "os/path.hpp"
#include "os/process.hpp"
#include "os/split.hpp"
#include "os/subprocess.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace snapfix::os {
namespace {

constexpr char k_separator = '\n'; // an option of valgrind holds none

/// What stands in front of our own words on the kernel's command line of this process.
std::vector<std::string> words_in_front(std::size_t own) {
  // /proc/self/cmdline is one that valgrind makes up.
  auto words = split(read_proc("/proc/thread-self/cmdline").value_or(""), '\0');
  words.resize(words.size() > own ? words.size() - own : 0);
  return words;
}

/// The same word for somebody in another folder.
std::string as_seen_from_elsewhere(const std::string& word) {
  constexpr std::array<std::string_view, 3> k_files{
      "--suppressions=", "--log-file=", "--xml-file="};
  for (const auto option : k_files) {
    if (word.starts_with(option)) {
      return std::string(option) + absolute_path(word.substr(option.size()));
    }
  }
  return word;
}

} // namespace

bool runs_under_valgrind() {
  const char* preloaded = std::getenv("LD_PRELOAD"); // NOLINT(concurrency-mt-unsafe)
  return preloaded != nullptr &&
         std::string_view(preloaded).find("/vgpreload_") != std::string_view::npos;
}

void leave_valgrind(const std::vector<std::string>& arguments) {
  if (!runs_under_valgrind() ||
      std::getenv(k_valgrind_variable) != nullptr) { // NOLINT(concurrency-mt-unsafe)
    return;
  }
  const auto words = words_in_front(arguments.size() + 1);
  std::array<char, PATH_MAX> program{};
  const ssize_t length = ::readlink("/proc/self/exe", program.data(), program.size());
  if (words.empty() || length <= 0) {
    return;
  }
  std::string left = words[0].find('/') == std::string::npos ? words[0] : absolute_path(words[0]);
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    left += k_separator + as_seen_from_elsewhere(*word);
  }
  ::setenv(k_valgrind_variable, left.c_str(), 1); // NOLINT(concurrency-mt-unsafe)
  // By its length: behind it valgrind 3.24 leaves the end of its own path.
  std::vector<std::string> own{std::string(program.data(), static_cast<std::size_t>(length))};
  own.insert(own.end(), arguments.begin(), arguments.end());
  ::execv(own[0].c_str(), pointers_to(own).data());
  ::unsetenv(k_valgrind_variable); // NOLINT(concurrency-mt-unsafe)
}

std::vector<std::string> valgrind_left() {
  const char* left = std::getenv(k_valgrind_variable); // NOLINT(concurrency-mt-unsafe)
  return left == nullptr || runs_under_valgrind() ? std::vector<std::string>()
                                                  : split(left, k_separator);
}

} // namespace snapfix::os
