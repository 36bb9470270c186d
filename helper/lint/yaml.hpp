#pragma once

#include "lint/text.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace snapfix::lint {

/// A key or an item of a list in a YAML file; the first node is the file itself.
struct YamlNode {
  std::size_t parent = 0;
  std::size_t indent = 0;
  std::string key; ///< empty for an item
};

enum class YamlStyle { plain, block, flow };

/// A value that is no mapping.
struct YamlScalar {
  Text text;
  std::size_t node = 0; ///< the key or item that it is the value of
  YamlStyle style = YamlStyle::plain;
};

struct YamlFile {
  std::vector<YamlNode> nodes;
  std::vector<YamlScalar> scalars;

  /// The nearest key at or above a node, the file's node if there is none.
  std::size_t key_of(std::size_t node) const;
};

/// Reads as much of YAML as files with commands in them use: no anchors, no keys of several lines.
YamlFile parse_yaml(const Text& text);

} // namespace snapfix::lint
