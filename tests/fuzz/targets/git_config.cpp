// What `git config --list` prints of a repository's settings.

#include "source/git_config.hpp"

#include "input.hpp"

#include <string>
#include <vector>

using namespace snapfix::source;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  std::vector<std::string> origins;
  const auto settings = parse_git_settings(text, origins);
  auto config = snapshot_config(settings, [](const std::string& path) { return path; });
  require(config.ends_with('\n'));
  for (std::size_t at = 0; at < config.size(); at = config.find('\n', at) + 1) {
    require(config[at] == '[' || config[at] == '\t');
  }
  const std::string url(text);
  const auto shown = without_credentials(url);
  require(without_credentials(shown).size() <= shown.size() && shown.size() <= url.size());
  local_path_of(url);
  return 0;
}
