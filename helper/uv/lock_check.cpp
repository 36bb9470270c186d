#include "uv/lock_check.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/subprocess.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>

namespace snapfix::uv {
namespace {

namespace fs = boost::filesystem;

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::optional<std::string> value_of(const std::vector<std::string>& environment,
                                    std::string_view name) {
  for (const auto& variable : environment) {
    if (name_of(variable) == name && variable.size() > name.size()) {
      return variable.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

template<std::size_t N>
bool is_among(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, name) != names.end();
}

/// What uv takes for yes.
bool is_set(const std::optional<std::string>& value) {
  constexpr std::array<std::string_view, 6> k_yes{"1", "true", "yes", "y", "t", "on"};
  std::string lower = value.value_or("");
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return is_among(lower, k_yes);
}

void drop(std::vector<std::string>& environment, std::string_view name) {
  std::erase_if(environment,
                [&](const std::string& variable) { return name_of(variable) == name; });
}

/// What a file says, or that it cannot be read. Links are followed: such files often are some.
std::string text_of(const fs::path& path) {
  boost::system::error_code failed;
  if (!fs::exists(path, failed)) {
    return {};
  }
  std::ifstream in(path.string(), std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  return in.good() || in.eof() ? "read: " + text : "unreadable";
}

/// Where uv looks for settings beside the project
/// (https://docs.astral.sh/uv/concepts/configuration-files/).
std::vector<fs::path> configuration_files(const std::vector<std::string>& environment,
                                          const std::string& folder) {
  std::vector<fs::path> out;
  for (fs::path above = folder; !above.empty(); above = above.parent_path()) {
    out.push_back(above / "uv.toml");
    out.push_back(above / "pyproject.toml");
  }
  if (const auto given = value_of(environment, "UV_CONFIG_FILE")) {
    out.emplace_back(*given);
  }
  if (const auto home = value_of(environment, "XDG_CONFIG_HOME"); home && !home->empty()) {
    out.push_back(fs::path(*home) / "uv" / "uv.toml");
  } else if (const auto user = value_of(environment, "HOME")) {
    out.push_back(fs::path(*user) / ".config" / "uv" / "uv.toml");
  }
  std::string folders = value_of(environment, "XDG_CONFIG_DIRS").value_or("");
  folders = folders.empty() ? "/etc/xdg:/etc" : folders + ":/etc";
  for (std::size_t begin = 0; begin < folders.size();) {
    const auto end = std::min(folders.find(':', begin), folders.size());
    out.push_back(fs::path(folders.substr(begin, end - begin)) / "uv" / "uv.toml");
    begin = end + 1;
  }
  return out;
}

/// Tells one release from another without running it, but where a script stands in for it (pyenv,
/// asdf).
std::string identity_of(const std::string& program) {
  boost::system::error_code failed;
  const auto path = fs::canonical(program, failed);
  const auto dir = os::Dir::open(path.parent_path().string());
  const auto stat = dir.stat_of(path.filename().c_str());
  std::string out = os::format("{} {} {}.{}", path.string(), stat.size, stat.mtime.seconds,
                               stat.mtime.nanoseconds);
  constexpr std::uint64_t k_no_program =
      std::uint64_t{256} * 1024; // uv itself has tens of megabytes
  if (stat.size < k_no_program) {
    out += os::run_program({program, "--version"}, os::environment_without_git(), "/").out;
  }
  return out;
}

/// Whether a variable may change what the check finds.
bool bears_on_check(std::string_view name) {
  constexpr std::array<std::string_view, 5> k_places{
      "UV_CACHE_DIR", "UV_PROJECT_ENVIRONMENT", "UV_LINK_MODE", "UV_NO_PROGRESS", "UV_NO_SYNC"};
  constexpr std::array<std::string_view, 15> k_others{
      "HTTP_PROXY",  "HTTPS_PROXY", "ALL_PROXY",       "NO_PROXY",        "http_proxy",
      "https_proxy", "all_proxy",   "no_proxy",        "SSL_CERT_FILE",   "SSL_CERT_DIR",
      "NETRC",       "HOME",        "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "SSL_CLIENT_CERT"};
  return name.starts_with("UV_") ? !is_among(name, k_places) : is_among(name, k_others);
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

std::vector<std::string> check_command(const std::string& program) {
  return {program, "lock", "--check", "--color", "never"};
}

std::vector<std::string> check_environment(std::vector<std::string> environment) {
  for (const char* name : {"UV_FROZEN", "UV_LOCKED", "UV_NO_SYNC", "UV_PROJECT", "UV_WORKING_DIR",
                           "UV_WORKING_DIRECTORY", "UV_SCRIPT", "VIRTUAL_ENV"}) {
    drop(environment, name);
  }
  return environment;
}

os::Hash surroundings_of_check(const std::string& program,
                               const std::vector<std::string>& environment,
                               const std::string& folder) {
  std::vector<std::string> variables;
  std::ranges::copy_if(environment, std::back_inserter(variables), [](const std::string& variable) {
    return bears_on_check(name_of(variable));
  });
  std::ranges::sort(variables);
  os::Hasher hasher;
  const auto add = [&](const std::string& text) {
    hasher.add_number(text.size());
    hasher.add(text);
  };
  add(identity_of(program));
  for (const auto& variable : variables) {
    add(variable);
  }
  for (const auto& file : configuration_files(environment, folder)) {
    add(text_of(file));
  }
  return hasher.finish();
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
    if (line.starts_with("error: ") && says("ockfile at `")) {
      out = says("needs to be updated")       ? Verdict::stale
            : says("Unable to find lockfile") ? Verdict::missing
                                              : out;
    }
  }
  return out;
}

std::vector<std::string> enforce_lock(std::vector<std::string>& environment,
                                      const std::string& snapshot, const std::string& folder) {
  std::vector<std::string> notes;
  if (is_set(value_of(environment, "UV_NO_SYNC"))) {
    notes.emplace_back("UV_NO_SYNC is taken out of the command's environment: under it uv does not "
                       "look at the lock");
  }
  for (const char* name : {"UV_FROZEN", "UV_NO_SYNC", "UV_LOCKED"}) {
    drop(environment, name);
  }
  environment.emplace_back("UV_LOCKED=1");
  const auto leads_out = [&](const std::string& place) {
    const fs::path path = place.starts_with('/') ? place : folder + "/" + place;
    const auto whole = path.lexically_normal().string() + "/";
    return !place.empty() && !whole.starts_with(snapshot + "/");
  };
  for (const char* name : {"UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY"}) {
    const auto place = value_of(environment, name);
    if (place && leads_out(*place)) {
      drop(environment, name);
      notes.push_back(os::format("{}={} is taken out of the command's environment: it leads out "
                                 "of the snapshot, to another project and its lock",
                                 name, *place));
    }
  }
  const auto place = value_of(environment, "UV_PROJECT_ENVIRONMENT");
  if (place && leads_out(*place)) {
    notes.push_back(os::format("UV_PROJECT_ENVIRONMENT={} lies outside the snapshot: whoever else "
                               "uses it shares that virtual environment",
                               *place));
  }
  return notes;
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
