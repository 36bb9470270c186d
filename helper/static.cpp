// In place of os/library.cpp, in the helper that is linked statically: of libraries there is
// libarchive, if at all.

#include "os/library.hpp"

#ifdef SNAPFIX_HAS_LIBARCHIVE
#include "os/archive_calls.hpp"
#endif

#include <algorithm>
#include <array>
#include <string_view>

namespace snapfix::os {
namespace {

struct Function {
  std::string_view name;
  void* address;
};

const std::array k_functions{
#ifdef SNAPFIX_HAS_LIBARCHIVE
#define SNAPFIX_FUNCTION(name) Function{#name, reinterpret_cast<void*>(&::name)},
    SNAPFIX_ARCHIVE_CALLS(SNAPFIX_FUNCTION)
#undef SNAPFIX_FUNCTION
#endif
        Function{"", nullptr}};

} // namespace

void* load_library(const char* /*file*/) noexcept {
  return k_functions.front().address;
}

void* find_function(void* /*library*/, const char* name) noexcept {
  const auto* found = std::ranges::find(k_functions, std::string_view(name), &Function::name);
  return found == k_functions.end() ? nullptr : found->address;
}

} // namespace snapfix::os
