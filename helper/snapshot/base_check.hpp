#pragma once

#include "snapshot/manifest.hpp"

#include <span>
#include <string_view>

namespace snapfix::snapshot {

/// Looks once at all that is read from a base without looking again, since a file may be damaged
/// and still have the right checksum: indices and offsets are in range, folders come in tree order,
/// each with the path of the one that holds it and a name; names are of one component, and those of
/// files in byte order.
bool is_sound_base(std::span<const FolderRecord> folders, std::span<const FileRecord> files,
                   std::string_view texts);

} // namespace snapfix::snapshot
