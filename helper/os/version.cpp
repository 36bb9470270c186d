#include "os/version.hpp"

namespace snapfix::os {

const char* version() noexcept {
  return SNAPFIX_VERSION;
}

} // namespace snapfix::os
