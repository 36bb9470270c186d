#pragma once

#include "lint/call.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace snapfix::lint {

struct YamlNode {
  enum class Kind { scalar, list, map };

  Kind kind = Kind::scalar;
  bool block = false;                                            ///< a scalar below `|` or `>`
  bool flow = false;                                             ///< a list in brackets
  std::size_t begin = 0;                                         ///< where it stands in the text
  std::size_t end = 0;                                           ///< of scalars alone
  Text text;                                                     ///< a scalar's value
  std::vector<std::pair<std::string, std::size_t>> members = {}; ///< a list's have no keys
};

/// The nodes of a YAML text. An alias is the node that its anchor names, a merged mapping has its
/// members: a node may stand in many places, even within itself.
struct YamlFile {
  std::vector<YamlNode> nodes;
  std::vector<std::size_t> documents;
};

/// A line that YAML does not allow, as a template has them, is passed over.
YamlFile parse_yaml(const Text& text, Reading& reading);

} // namespace snapfix::lint
