#pragma once

namespace snapfix::os {

/// The helper's version, as X.Y.Z. CMakeLists.txt says it, to this file alone: a new one compiles
/// little.
const char* version() noexcept;

} // namespace snapfix::os
