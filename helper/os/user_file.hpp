#pragma once

#include <string>

namespace snapfix::os {

/// Whether what stands at that path is to be written to, not replaced: /dev/stdout, a FIFO.
bool is_special_file(const std::string& path);

/// Writes a file that the user named: a regular one is replaced in one step, as is the one that a
/// symlink leads to. Throws Error.
void write_user_file(const std::string& path, const std::string& text);

} // namespace snapfix::os
