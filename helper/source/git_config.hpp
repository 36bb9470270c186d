#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::source {

/// A setting of a git configuration, as `git config --list` prints it: section and name in lower
/// case, what stands between them as it is.
struct GitSetting {
  std::string key;
  std::optional<std::string> value; ///< nothing: the name alone, which is true
};

/// What `git config --list --show-origin -z` printed. The files that it read are added to
/// `origins`.
std::vector<GitSetting> parse_git_settings(std::string_view listed,
                                           std::vector<std::string>& origins);

/// The text of a configuration for a snapshot: of those settings what may be carried, which runs no
/// program, names no folder of the source and holds no secret, and what a snapshot needs.
/// `local_url` gives for the path of a repository on this machine what it is in a snapshot.
std::string snapshot_config(const std::vector<GitSetting>& settings,
                            const std::function<std::string(const std::string&)>& local_url);

/// A URL as git takes it, without user (but for ssh), password, query and fragment.
std::string without_credentials(const std::string& url);

/// The path that a URL means on this machine; nothing where it leads elsewhere.
std::optional<std::string> local_path_of(const std::string& url);

} // namespace snapfix::source
