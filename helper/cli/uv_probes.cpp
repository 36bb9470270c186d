#include "cli/uv_probes.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/subprocess.hpp"
#include "uv/program.hpp"

#include <algorithm>
#include <optional>

namespace snapfix::cli {
namespace {

os::Probe probe_release(const uv::Release& release, const os::Environment& environment) {
  if (uv::is_older(release.version, uv::k_first_release)) {
    return {"uv", false,
            os::format("{} is too old to check a lock: {} or newer can", uv::to_text(release),
                       uv::k_first_release)};
  }
  if (release.version == uv::k_no_version) {
    return {"uv", false, os::format("{} does not say which release it is", release.path)};
  }
  const auto others = uv::other_releases(release, environment);
  return {"uv", true,
          uv::to_text(release) +
              (others.empty() ? ""
                              : os::format(" is the one that is asked; PATH holds {} as well, "
                                           "which may disagree about a lock",
                                           uv::to_text(others)))};
}

/// The folder of uv's cache, or where that is yet to be made the folder that will hold it.
std::string cache_folder(const std::string& cache) {
  std::string out = cache;
  while (!os::is_folder(out)) {
    out.resize(std::max<std::size_t>(out.rfind('/'), 1));
  }
  return out;
}

os::Probe probe_cache(const uv::Release& release, const os::Environment& environment,
                      const std::string& folder) {
  const auto said =
      os::run_program({release.path, "cache", "dir", "--color", "never"}, environment, folder);
  const auto cache = said.out.substr(0, said.out.find('\n'));
  if (said.exit_code != 0 || !cache.starts_with('/')) {
    return {"uv cache", false, "`uv cache dir` names no folder"};
  }
  const auto mode = environment.get("UV_LINK_MODE").value_or("");
  if (mode == "copy") {
    return {"uv cache", false,
            os::format("each .venv is a copy of what {} holds: UV_LINK_MODE=copy", cache)};
  }
  const auto links = os::probe_links(cache_folder(cache), folder);
  return {"uv cache", links.works,
          links.works ? os::format("each .venv shares the data of {} by {}", cache, links.detail)
                      : os::format("each .venv is a copy of what {} holds ({}): UV_CACHE_DIR on "
                                   "this file system would spare that",
                                   cache, links.detail)};
}

} // namespace

std::vector<os::Probe> uv_probes(const std::string& folder) {
  const auto program = os::find_program("uv");
  if (!program) {
    return {{"uv", false, "not in PATH; only UV_LOCKED and --uv-locked want it"}};
  }
  const auto environment = os::environment_without_git();
  const auto release = uv::release_of(*program);
  std::vector<os::Probe> out{probe_release(release, environment)};
  try {
    out.push_back(probe_cache(release, environment, folder));
  } catch (const os::Error& error) { // neither is needed for snapshots
    out.push_back({"uv cache", false, error.what()});
  }
  return out;
}

} // namespace snapfix::cli
