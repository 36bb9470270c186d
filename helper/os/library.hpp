#pragma once

namespace snapfix::os {

// Loading of libraries. The helper that is linked statically has another implementation
// (static.cpp): it can load none, as they would want the C library that it was not linked with, and
// finds what is linked into it.

/// Null where it cannot be loaded.
void* load_library(const char* file) noexcept;
/// Null where the library has no such function.
void* find_function(void* library, const char* name) noexcept;

} // namespace snapfix::os
