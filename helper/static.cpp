// In place of os/library.cpp, in the helper that is linked statically.

#include "os/library.hpp"

namespace snapfix::os {

void* load_library(const char* /*file*/) noexcept {
  return nullptr;
}

void* find_function(void* /*library*/, const char* /*name*/) noexcept {
  return nullptr;
}

} // namespace snapfix::os
