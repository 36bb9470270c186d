#include "uv/settings.hpp"

#include "os/path.hpp"
#include "os/split.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace snapfix::uv {
namespace {

namespace fs = boost::filesystem;

constexpr std::string_view k_exclude_newer = "exclude-newer";

template<std::size_t N>
bool is_among(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, name) != names.end();
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
std::vector<fs::path> configuration_files(const os::Environment& environment,
                                          const std::string& folder) {
  std::vector<fs::path> out;
  for (fs::path above = folder; !above.empty(); above = above.parent_path()) {
    out.push_back(above / "uv.toml");
    out.push_back(above / "pyproject.toml");
  }
  if (const auto given = environment.get("UV_CONFIG_FILE")) {
    out.emplace_back(*given);
  }
  if (const auto home = environment.get("XDG_CONFIG_HOME"); home && !home->empty()) {
    out.push_back(fs::path(*home) / "uv" / "uv.toml");
  } else if (const auto user = environment.get("HOME")) {
    out.push_back(fs::path(*user) / ".config" / "uv" / "uv.toml");
  }
  std::string folders = environment.get("XDG_CONFIG_DIRS").value_or("");
  folders = folders.empty() ? "/etc/xdg:/etc" : folders + ":/etc";
  for (const auto& folder : os::split(folders, ':')) {
    out.push_back(fs::path(folder) / "uv" / "uv.toml");
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

/// Whether `value` is a span of time, as in `7 days`, `24h`, `P7D`, `-P1W`; a date is none.
bool is_span(std::string_view value) {
  const auto skip = [&](std::string_view characters) {
    value.remove_prefix(std::min(value.find_first_not_of(characters), value.size()));
  };
  const auto begins_with = [&](std::string_view characters) {
    return !value.empty() && characters.find(value.front()) != std::string_view::npos;
  };
  constexpr std::string_view k_digits = "0123456789";
  skip(" +-");
  if (begins_with("Pp")) {
    value.remove_prefix(1);
    return begins_with("Tt") || begins_with(k_digits);
  }
  const bool is_number = begins_with(k_digits);
  skip(k_digits);
  skip(" ");
  constexpr std::string_view k_units = "smhdwySMHDWY";
  return is_number && begins_with(k_units);
}

} // namespace

os::Hash surroundings_of_check(const std::string& identity, const os::Environment& environment,
                               const std::string& folder) {
  std::vector<std::string> variables;
  std::ranges::copy_if(
      environment.variables(), std::back_inserter(variables),
      [](const auto& variable) { return bears_on_check(os::Environment::name_of(variable)); });
  std::ranges::sort(variables);
  os::Hasher hasher;
  const auto add = [&](const std::string& text) {
    hasher.add_number(text.size());
    hasher.add(text);
  };
  add(identity);
  for (const auto& variable : variables) {
    add(variable);
  }
  for (const auto& file : configuration_files(environment, folder)) {
    add(text_of(file));
  }
  return hasher.finish();
}

bool has_relative_exclude_newer(std::string_view text) {
  for (auto at = text.find(k_exclude_newer); at != std::string_view::npos;
       at = text.find(k_exclude_newer, at + 1)) {
    // The setting, or what [tool.uv.exclude-newer-package] holds: up to the next table.
    const auto rest = text.substr(at, text.find("\n[", at) - at);
    for (auto quote = rest.find_first_of("\"'"); quote != std::string_view::npos;) {
      const auto end = rest.find(rest[quote], quote + 1);
      if (end == std::string_view::npos) {
        break;
      }
      if (is_span(rest.substr(quote + 1, end - quote - 1))) {
        return true;
      }
      quote = rest.find_first_of("\"'", end + 1);
    }
  }
  return false;
}

bool has_absolute_path(std::string_view text) {
  constexpr std::array<std::string_view, 5> k_beginnings{"= \"/", "=\"/", "= '/", "='/", "file://"};
  return std::ranges::any_of(k_beginnings, [&](std::string_view beginning) {
    return text.find(beginning) != std::string_view::npos;
  });
}

bool may_change_unseen(const os::Environment& environment, const std::string& locked) {
  auto files = configuration_files(environment, locked);
  for (fs::path above = locked; !above.empty(); above = above.parent_path()) {
    files.push_back(above / "uv.lock");
  }
  if (!os::is_folder(locked)) {
    files.emplace_back(locked);
    files.emplace_back(locked + ".lock");
  }
  const auto is_relative = [](std::string_view variable) {
    return variable.starts_with("UV_EXCLUDE_NEWER") &&
           is_span(variable.substr(variable.rfind('=') + 1));
  };
  return std::ranges::any_of(environment.variables(), is_relative) ||
         std::ranges::any_of(files, [](const fs::path& file) {
           const auto text = text_of(file);
           return has_relative_exclude_newer(text) || has_absolute_path(text);
         });
}

} // namespace snapfix::uv
