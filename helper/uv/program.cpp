#include "uv/program.hpp"

#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/split.hpp"
#include "os/subprocess.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

namespace snapfix::uv {
namespace {

using Numbers = std::array<unsigned, 3>;

std::optional<Numbers> numbers_of(std::string_view version) {
  Numbers out{};
  const char* at = version.data();
  const char* const end = version.data() + version.size();
  for (auto& number : out) {
    const auto [next, failed] = std::from_chars(at, end, number);
    if (failed != std::errc()) {
      return std::nullopt;
    }
    at = next != end && *next == '.' ? next + 1 : next;
  }
  return out;
}

} // namespace

std::string find(const std::string& given) {
  const auto found = os::find_program(given.empty() ? "uv" : given);
  if (!found) {
    throw os::Error(given.empty() ? "uv is not in PATH"
                                  : os::format("there is no program {}", os::quoted(given)),
                    "install uv (pip install uv, or https://docs.astral.sh/uv/), or give its path: "
                    "SNAPSHOT_FIXTURES_UV in CMake, --uv on the command line");
  }
  return *found;
}

Identity identity_of(const std::string& program) {
  const auto path = os::canonical_path(program);
  const auto slash = path.rfind('/');
  const auto dir = os::Dir::open(path.substr(0, std::max<std::size_t>(slash, 1)));
  const auto stat = dir.stat_of(&path[slash + 1]);
  constexpr std::uint64_t k_no_program =
      std::uint64_t{256} * 1024; // uv itself has tens of megabytes
  return {os::format("{} {} {}.{}", path, stat.size, stat.mtime.seconds, stat.mtime.nanoseconds),
          stat.size < k_no_program};
}

Release release_of(const std::string& program) {
  Release out{program, std::string(k_no_version)};
  try {
    // uv 0.13.9 (x86_64-unknown-linux-gnu)
    const auto said = os::run_program({program, "--version"}, os::environment_without_git(), "/");
    const auto word = said.out.substr(std::min(said.out.size(), said.out.find(' ') + 1));
    const auto version = word.substr(0, word.find_first_of(" \n"));
    if (numbers_of(version)) {
      out.version = version;
    }
  } catch (const os::Error&) { // it cannot be run: whoever wants to says so
  }
  return out;
}

bool is_older(std::string_view a, std::string_view b) {
  const auto left = numbers_of(a);
  const auto right = numbers_of(b);
  return left && right && *left < *right;
}

std::vector<Release> other_releases(const Release& asked, const os::Environment& environment) {
  std::vector<Release> out;
  std::set<std::string> seen{os::canonical_path(asked.path)};
  for (const auto& folder : os::split(environment.get("PATH").value_or(""), ':')) {
    const auto program = folder.empty() ? std::nullopt : os::find_program(folder + "/uv");
    if (program && seen.insert(os::canonical_path(*program)).second) {
      auto release = release_of(*program);
      if (release.version != asked.version) {
        out.push_back(std::move(release));
      }
    }
  }
  return out;
}

std::string to_text(const Release& release) {
  return os::format("{} ({})", release.version, release.path);
}

std::string to_text(const std::vector<Release>& releases) {
  std::string out;
  for (const auto& release : releases) {
    out += (out.empty() ? "" : ", ") + to_text(release);
  }
  return out;
}

} // namespace snapfix::uv
