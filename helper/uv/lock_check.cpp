#include "uv/lock_check.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <array>

namespace snapfix::uv {
namespace {

namespace fs = boost::filesystem;

/// What uv takes for yes.
bool is_set(const std::optional<std::string>& value) {
  constexpr std::array<std::string_view, 6> k_yes{"1", "true", "yes", "y", "t", "on"};
  std::string lower = value.value_or("");
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return std::ranges::find(k_yes, lower) != k_yes.end();
}

} // namespace

std::vector<std::string> check_command(const std::string& program, const std::string& script) {
  std::vector<std::string> out{program, "lock", "--check", "--color", "never"};
  if (!script.empty()) {
    out.insert(out.end(), {"--script", "./" + script});
  }
  return out;
}

os::Environment check_environment(os::Environment environment) {
  for (const char* name : {"UV_FROZEN", "UV_LOCKED", "UV_NO_SYNC", "UV_NO_PROJECT", "UV_PROJECT",
                           "UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_SCRIPT", "VIRTUAL_ENV"}) {
    environment.unset(name);
  }
  return environment;
}

Verdict judge_check(int exit_code, std::string_view output) {
  if (exit_code == 0) {
    return Verdict::current;
  }
  Verdict out = Verdict::failed;
  for (std::size_t begin = 0; begin < output.size();) {
    const auto end = std::min(output.find('\n', begin), output.size());
    const auto line = output.substr(begin, end - begin);
    begin = end + 1;
    const auto says = [&](std::string_view text) {
      return line.find(text) != std::string_view::npos;
    };
    if (line.starts_with("error: unexpected argument '--check'") ||
        line.starts_with("error: unexpected argument '--script'")) {
      out = Verdict::too_old;
    }
    if (line.starts_with("error: ") && says("ockfile at `")) {
      out = says("needs to be updated")       ? Verdict::stale
            : says("Unable to find lockfile") ? Verdict::missing
                                              : out;
    }
  }
  return out;
}

std::vector<std::string> enforce_lock(os::Environment& environment, const std::string& snapshot,
                                      const std::string& folder) {
  std::vector<std::string> notes;
  for (const char* name : {"UV_NO_SYNC", "UV_NO_PROJECT"}) {
    if (is_set(environment.get(name))) {
      notes.push_back(os::format("{} is taken out of the command's environment: under it uv does "
                                 "not look at the lock",
                                 name));
    }
  }
  for (const char* name : {"UV_FROZEN", "UV_NO_SYNC", "UV_NO_PROJECT"}) {
    environment.unset(name);
  }
  environment.set("UV_LOCKED", "1");
  const auto leads_out = [&](const std::string& place) {
    const fs::path path = place.starts_with('/') ? place : folder + "/" + place;
    const auto whole = path.lexically_normal().string() + "/";
    return !place.empty() && !whole.starts_with(snapshot + "/");
  };
  for (const char* name : {"UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY"}) {
    const auto place = environment.get(name);
    if (place && leads_out(*place)) {
      environment.unset(name);
      notes.push_back(os::format("{}={} is taken out of the command's environment: it leads out "
                                 "of the snapshot, to another project and its lock",
                                 name, *place));
    }
  }
  const auto place = environment.get("UV_PROJECT_ENVIRONMENT");
  if (place && leads_out(*place)) {
    notes.push_back(os::format("UV_PROJECT_ENVIRONMENT={} lies outside the snapshot: whoever else "
                               "uses it shares that virtual environment",
                               *place));
  }
  return notes;
}

bool undoes_lock(const std::vector<std::string>& command) {
  if (command.empty() || fs::path(command[0]).filename() != "uv") {
    return false;
  }
  const auto own_end = std::ranges::find(command, "--");
  return std::find(command.begin(), own_end, "--no-locked") != own_end;
}

std::vector<std::string> lock_folders(const std::string& project) {
  std::vector<std::string> out{project};
  for (std::string folder = project; !folder.empty(); out.push_back(folder)) {
    const auto slash = folder.rfind('/');
    folder.resize(slash == std::string::npos ? 0 : slash);
  }
  return out;
}

} // namespace snapfix::uv
