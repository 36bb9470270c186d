// In place of os/library.cpp, in the helper that is linked statically: of libraries there is
// libarchive, if at all.

#include "os/library.hpp"

#ifdef SNAPFIX_HAS_LIBARCHIVE
#include "os/archive_calls.hpp"
#endif

#include <string_view>

namespace snapfix::os {
namespace {

struct Function {
  std::string_view name;
  void* address;
};

const Function k_functions[] = {
#ifdef SNAPFIX_HAS_LIBARCHIVE
#define SNAPFIX_FUNCTION(name) {#name, reinterpret_cast<void*>(&::name)},
    SNAPFIX_ARCHIVE_CALLS(SNAPFIX_FUNCTION)
#undef SNAPFIX_FUNCTION
#endif
        {"", nullptr}};

} // namespace

void* load_library(const char* /*file*/) noexcept {
  return k_functions[0].address;
}

void* find_function(void* /*library*/, const char* name) noexcept {
  const auto* at = k_functions;
  while (at->address != nullptr && at->name != name) {
    ++at;
  }
  return at->address;
}

} // namespace snapfix::os
