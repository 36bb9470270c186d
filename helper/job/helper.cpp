#include "job/helper.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/lock.hpp"
#include "os/path.hpp"
#include "os/process.hpp"

#include <array>
#include <string_view>

#ifndef SNAPFIX_STATIC_INSTALLED
#define SNAPFIX_STATIC_INSTALLED "../libexec/snapfix-static"
#endif

namespace snapfix::job {
namespace {

constexpr const char* k_name = "snapfix";
constexpr std::string_view k_below_root = "/.snapfix/bin/snapfix";
constexpr std::uint32_t k_mode = 0755;

/// Relative to the folder of this program: as it is built, and as it is installed.
constexpr std::array k_places{"snapfix-static", SNAPFIX_STATIC_INSTALLED};

} // namespace

Helper find_helper() {
  const auto self = os::this_program();
  if (os::is_static()) {
    return {self, true};
  }
  const auto folder = self.substr(0, self.rfind('/') + 1);
  for (const char* place : k_places) {
    if (os::is_file(folder + place)) {
      return {os::canonical_path(folder + place), true};
    }
  }
  return {self, false};
}

void place_helper(const snapshot::Root& root) {
  const auto helper = find_helper();
  const auto slash = helper.path.rfind('/');
  const auto folder = os::Dir::open(helper.path.substr(0, slash + 1));
  const auto name = helper.path.substr(slash + 1);
  const auto mtime = folder.stat_of(name.c_str()).mtime;
  const auto bin = root.make_inner("bin");
  const auto content = os::MappedFile::open(folder, name.c_str());
  const auto is_there = [&] {
    const auto there = bin.try_stat(k_name);
    return there && there->mtime == mtime && there->size == content.bytes().size();
  };
  if (is_there()) {
    return;
  }
  const auto lock = os::Lock::acquire(root.locks(), "helper", "snapfix, copying itself");
  for (const auto& entry : bin.entries()) {
    if (os::half_replaced(entry.name)) { // by one that was killed
      bin.unlink_if_present(entry.name.c_str());
    }
  }
  if (is_there()) {
    return;
  }
  os::replace_file(bin, k_name, content.bytes(), k_mode);
  bin.set_times(k_name, mtime); // till then it is put there once more
}

std::string helper_in(const std::string& root) {
  return root + std::string(k_below_root);
}

std::optional<std::string> root_of_this_helper() {
  const auto self = os::this_program();
  return self.ends_with(k_below_root)
             ? std::optional(self.substr(0, self.size() - k_below_root.size()))
             : std::nullopt;
}

} // namespace snapfix::job
