#pragma once

#include "snapshot/root.hpp"

#include <functional>

namespace snapfix::snapshot {

/// Calls `visit` with each root of ours that lies in the same folder as this one, on the same
/// mount: one that shares files with it lies there. Nothing is made in them. In a folder of more
/// than 1,000 entries nobody looks. Throws os::Error.
void visit_roots_beside(const Root& root, const std::function<void(Root&&)>& visit);

} // namespace snapfix::snapshot
