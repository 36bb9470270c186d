#include "os/library.hpp"

#include <dlfcn.h>

namespace snapfix::os {

void* load_library(const char* file) noexcept {
  return ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
}

void* find_function(void* library, const char* name) noexcept {
  return ::dlsym(library, name);
}

} // namespace snapfix::os
