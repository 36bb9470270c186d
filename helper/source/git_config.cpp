#include "source/git_config.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <span>
#include <utility>

namespace snapfix::source {
namespace {

using Names = std::span<const std::string_view>;

bool is_one_of(std::string_view name, Names names) {
  return std::ranges::find(names, name) != names.end();
}

/// `section.name` or `section.middle.name`.
struct Key {
  explicit Key(std::string_view key) {
    const auto first = key.find('.');
    const auto last = key.rfind('.');
    section = key.substr(0, first);
    name = last == std::string_view::npos ? std::string_view() : key.substr(last + 1);
    if (first != last) {
      middle = key.substr(first + 1, last - first - 1);
    }
  }

  std::string_view section;
  std::optional<std::string_view> middle;
  std::string_view name;
};

// What bears on what git says of a work tree, or of its history, or says who commits. Whole
// sections but for what stands below.
constexpr std::array<std::string_view, 11> k_sections{"author", "committer", "i18n",       "index",
                                                      "log",    "merge",     "pull",       "push",
                                                      "rebase", "status",    "versionsort"};
constexpr std::array<std::string_view, 9> k_not_of_sections{
    "gpgsign",    "guitool", "octopus", "pushoption",      "showsignature",
    "signingkey", "tool",    "twohead", "verifysignatures"};
constexpr std::array<std::string_view, 23> k_core{"abbrev",
                                                  "attributesfile",
                                                  "autocrlf",
                                                  "bigfilethreshold",
                                                  "checkroundtripencoding",
                                                  "commentchar",
                                                  "commentstring",
                                                  "eol",
                                                  "excludesfile",
                                                  "filemode",
                                                  "ignorecase",
                                                  "notesref",
                                                  "precomposeunicode",
                                                  "protecthfs",
                                                  "protectntfs",
                                                  "quotepath",
                                                  "safecrlf",
                                                  "sparsecheckout",
                                                  "sparsecheckoutcone",
                                                  "symlinks",
                                                  "usereplacerefs",
                                                  "warnambiguousrefs",
                                                  "whitespace"};
constexpr std::array<std::string_view, 3> k_user{"email", "name", "useconfigonly"};
constexpr std::array<std::string_view, 3> k_not_of_diff{"external", "guitool", "tool"};
constexpr std::array<std::string_view, 3> k_not_of_extensions{
    "refstorage", // refs are carried as files
    "relativeworktrees", "worktreeconfig"};
constexpr std::array<std::string_view, 5> k_branch{"description", "merge", "pushremote", "rebase",
                                                   "remote"};
constexpr std::array<std::string_view, 10> k_remote{
    "fetch", "mirror",  "partialclonefilter", "promisor", "prune",
    "push",  "pushurl", "skipdefaultupdate",  "tagopt",   "url"};
constexpr std::array<std::string_view, 7> k_submodule{
    "active", "branch", "fetchrecursesubmodules", "ignore", "shallow", "update", "url"};

bool is_carried(const Key& key) {
  if (!std::ranges::all_of(key.name, [](unsigned char c) { return std::isalnum(c) || c == '-'; })) {
    return false; // none that git takes
  }
  if (key.middle && key.middle->find("://") != std::string_view::npos) {
    return false; // a remote by its URL, which may hold a password
  }
  if (!key.middle) {
    return key.section == "core"         ? is_one_of(key.name, k_core)
           : key.section == "diff"       ? !is_one_of(key.name, k_not_of_diff)
           : key.section == "extensions" ? !is_one_of(key.name, k_not_of_extensions)
           : key.section == "remote"     ? key.name == "pushdefault"
           : key.section == "user"       ? is_one_of(key.name, k_user)
           : key.section == "submodule"
               ? key.name == "active" || key.name == "recurse"
               : is_one_of(key.section, k_sections) && !is_one_of(key.name, k_not_of_sections);
  }
  return key.section == "branch"      ? is_one_of(key.name, k_branch)
         : key.section == "remote"    ? is_one_of(key.name, k_remote)
         : key.section == "submodule" ? is_one_of(key.name, k_submodule)
                                      : false;
}

bool is_url(const Key& key) {
  if (!key.middle) {
    return key.section == "remote"; // pushdefault
  }
  return (key.name == "url" || key.name == "pushurl" ||
          (key.section == "branch" && key.name.ends_with("remote")));
}

/// Whether a program would be run: `update = !command`, or a remote helper (`ext::command`).
bool names_a_program(const Key& key, const std::string& value) {
  const auto scheme =
      value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
  const bool has_helper = is_url(key) && scheme != std::string::npos &&
                          std::string_view(value).substr(scheme).starts_with("::");
  return has_helper || (key.section == "submodule" && value.starts_with('!'));
}

/// Of a URL, in which `%20` is a space.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const char* last = text.data() + std::min(i + 3, text.size());
    const bool is_coded = text[i] == '%' && i + 2 < text.size() &&
                          std::from_chars(text.data() + i + 1, last, byte, 16).ptr == last &&
                          byte != 0;
    out += is_coded ? static_cast<char>(byte) : text[i];
    i += is_coded ? 2 : 0;
  }
  return out;
}

std::string git_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
    case '\n':
      out += "\\n";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\b':
      out += "\\b";
      break;
    case '"':
    case '\\':
      out += '\\';
      [[fallthrough]];
    default:
      out += c;
    }
  }
  return out + '"';
}

/// Settings as the text of a configuration, those of one section below each other.
class Writer {
public:
  void add(const Key& key, const std::optional<std::string>& value) {
    std::string header = "[" + std::string(key.section);
    if (key.middle) {
      header += " " + git_quoted(*key.middle);
    }
    header += "]\n";
    if (header != m_header) {
      m_text += header;
      m_header = header;
    }
    m_text += "\t" + std::string(key.name);
    if (value) {
      m_text += " = " + git_quoted(*value);
    }
    m_text += '\n';
  }

  std::string take() { return std::move(m_text); }

private:
  std::string m_text;
  std::string m_header;
};

} // namespace

std::vector<GitSetting> parse_git_settings(std::string_view listed,
                                           std::vector<std::string>& origins) {
  constexpr std::string_view k_file = "file:";
  std::vector<GitSetting> out;
  const auto take = [&listed] {
    const auto end = std::min(listed.find('\0'), listed.size());
    const auto taken = listed.substr(0, end);
    listed.remove_prefix(std::min(end + 1, listed.size()));
    return taken;
  };
  while (!listed.empty()) {
    const auto origin = take();
    if (origin.starts_with(k_file)) {
      const std::string path(origin.substr(k_file.size()));
      if (std::ranges::find(origins, path) == origins.end()) {
        origins.push_back(path);
      }
    }
    const auto setting = take();
    const auto end = setting.find('\n');
    auto& added = out.emplace_back();
    added.key = setting.substr(0, end);
    if (end != std::string_view::npos) {
      added.value = setting.substr(end + 1);
    }
  }
  return out;
}

std::string without_credentials(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) {
    return url; // a path, or user@host:path as ssh has it, which knows no password
  }
  const auto begin = scheme + 3;
  auto rest = url.substr(begin);
  rest.erase(std::min(rest.find_first_of("?#"), rest.size()));
  const auto authority = rest.substr(0, rest.find('/'));
  const auto colon = authority.find(':');
  // Behind a host stands a port; what is none is a password, which may hold a slash.
  const bool is_password =
      colon != std::string::npos && authority.find('@') == std::string::npos &&
      authority.find_first_not_of("0123456789", colon + 1) != std::string::npos;
  const auto at = is_password ? rest.rfind('@') : authority.rfind('@');
  if (at == std::string::npos) {
    return url.substr(0, begin) + (is_password ? "" : rest);
  }
  const auto user = rest.substr(0, std::min(at, rest.find(':')));
  const bool is_ssh = url.substr(0, scheme).find("ssh") != std::string::npos;
  return url.substr(0, begin) + (is_ssh ? user + "@" : "") // else a token may be the user
         + rest.substr(at + 1);
}

std::optional<std::string> local_path_of(const std::string& url) {
  constexpr std::string_view k_file = "file://";
  if (url.starts_with(k_file)) {
    return decoded(std::string_view(url).substr(k_file.size()));
  }
  const auto colon = url.find(':'); // of host:path, or of a scheme
  const auto slash = url.find('/');
  return colon == std::string::npos || slash < colon ? std::optional(url) : std::nullopt;
}

std::string snapshot_config(const std::vector<GitSetting>& settings,
                            const std::function<std::string(const std::string&)>& local_url) {
  Writer writer;
  const bool has_extension = std::ranges::any_of(settings, [](const GitSetting& setting) {
    const Key key(setting.key);
    return key.section == "extensions" && is_carried(key);
  });
  // Sizes and the seconds of mtimes are what a snapshot shares with its source; and nothing of it
  // is worth a collector of garbage, which would go on behind a command's back.
  for (const auto& [key, value] :
       {std::pair("core.repositoryformatversion", has_extension ? "1" : "0"),
        std::pair("core.bare", "false"), std::pair("core.logallrefupdates", "true"),
        std::pair("core.checkstat", "minimal"), std::pair("core.trustctime", "false"),
        std::pair("core.fsmonitor", "false"), std::pair("gc.auto", "0"),
        std::pair("maintenance.auto", "false")}) {
    writer.add(Key(key), value);
  }
  for (const auto& [text, value] : settings) {
    const Key key(text);
    if (!is_carried(key) || (value && names_a_program(key, *value))) {
      continue;
    }
    auto carried = value;
    if (value && is_url(key) && *value != ".") {
      const bool is_name = (key.section == "branch" || !key.middle) &&
                           value->find_first_of("/:") == std::string::npos;
      const auto path = is_name ? std::nullopt : local_path_of(*value);
      carried = path ? local_url(*path) : without_credentials(*value);
    }
    writer.add(key, carried);
  }
  return writer.take();
}

} // namespace snapfix::source
