#pragma once

#include "job/pack_record.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::job {

/// Throws os::Error unless the paths of a layout are those of one tree: relative, of plain
/// components, none of them `.git`, each once; files in folders that are listed; symlinks that do
/// not lead out, or as `odd_symlinks` lists, by their indices, may.
void check_tree(const PackedTree& tree, std::vector<std::size_t>& odd_symlinks);

/// The same of one path.
void check_path(const std::string& path);

/// Whether it is the id of a git object: 40 or 64 lower case hex digits.
bool is_object_id(std::string_view text);

} // namespace snapfix::job
