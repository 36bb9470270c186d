#pragma once

#include "guard/guarded_command.hpp"
#include "guard/protection.hpp"
#include "guard/report.hpp"

#include <string>

namespace snapfix::guard {

// The texts of messages, as JSON; bytes that are no UTF-8 (a program's name may hold them) are
// replaced. What reads them throws std::exception where they are not ours.

std::string text_of(const Protection& protection);
Protection protection_from(const std::string& text);

std::string text_of(const Report& report);
Report report_from(const std::string& text);

std::string text_of(const GuardedEnd& end);
GuardedEnd guarded_end_from(const std::string& text);

} // namespace snapfix::guard
