#pragma once

#include "os/dir.hpp"

#include <cstdint>
#include <string>

namespace snapfix::snapshot {

// What we write to, link from and remove must be ours, and nobody else's to write to.

constexpr std::uint32_t k_others_write = 022;
/// A hint.
constexpr const char* k_another_root = "choose another root with --root or SNAPFIX_ROOT";

/// Throws os::Error unless the folder is ours and has none of the permission bits in `forbidden`.
void require_ours(const os::Dir& dir, std::uint32_t forbidden = 0);

/// Opens a folder of ours in `parent`; makes it where there is none, closed to others. Throws
/// os::Error, also if something else has that name, or it is another user's.
os::Dir ensure_ours(const os::Dir& parent, const char* name);

/// Opens the folder of a root. Throws os::Error, also if it is another user's.
os::Dir open_own(const std::string& path);

} // namespace snapfix::snapshot
