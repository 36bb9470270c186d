#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace snapfix::job {

/// What stands in the place of what was left out.
inline constexpr const char* k_left_out = "@LEFT_OUT@";

/// Whether a variable or option of that name most likely holds a secret (TOKEN, KEY, PASSWORD...).
bool is_secret_name(std::string_view name);

/// Whether a file of that path most likely holds one (.env, id_rsa, *.pem).
bool is_secret_file(std::string_view path);

/// The text without values that look like secrets: those of NAME=value and --name=value with such
/// a name, and what stands before the @ of a URL.
std::string without_secrets(std::string_view text);

/// The words of a command without them: the value of `--password` may be a word of its own.
std::vector<std::string> without_secrets(const std::vector<std::string>& words);

/// Folders of this machine, and the words that take their places.
using Places = std::vector<std::pair<std::string, const char*>>;

/// The text with those words wherever a path begins with such a folder; the first that fits counts.
std::string with_places(std::string text, const Places& places);

/// The other way round.
std::string without_places(std::string text, const Places& places);

} // namespace snapfix::job
