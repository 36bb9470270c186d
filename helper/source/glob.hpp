#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::source {

/// A set of path patterns, relative to the source. `*`, `?` and `[...]` do not match `/`; `**` as
/// a whole component matches any number of folders; a pattern without `/` matches at any depth; a
/// pattern that matches a folder matches all below it.
class GlobSet {
public:
  GlobSet() = default;

  /// `source` (an absolute path) is taken off patterns that begin with it. Throws os::Error for
  /// patterns that cannot match: empty, absolute, with `..`.
  GlobSet(const std::vector<std::string>& patterns, const std::string& source);

  bool empty() const noexcept { return m_globs.empty(); }

  /// Whether `path`, or a folder above it, is matched.
  bool matches(std::string_view path) const;

  /// The patterns as they are matched, for records and comparison.
  std::vector<std::string> patterns() const;

  /// For each pattern the folder that all its matches lie in: its leading components that hold no
  /// special characters, never the last one; empty for the source itself.
  std::vector<std::string> folders() const;

private:
  /// What may stand at one place of a name: one byte of a set, or any number of bytes.
  struct Item {
    std::bitset<256> bytes;
    bool any_number = false;
  };
  struct Component {
    explicit Component(std::string_view pattern);
    bool matches(std::string_view name) const;

    std::string text;
    std::vector<Item> items;
    bool any_number = false; ///< of folders: `**`
  };
  struct Glob {
    std::string text;
    std::vector<Component> components;
  };
  std::vector<Glob> m_globs;
};

/// The components of a relative path.
std::vector<std::string_view> split_path(std::string_view path);

} // namespace snapfix::source
