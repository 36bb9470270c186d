#pragma once

#include "guard/caller.hpp"
#include "guard/filter.hpp"

#include <cstdint>
#include <optional>

#include <linux/seccomp.h>

namespace snapfix::guard {

/// What the flags of an argument or of struct open_how say.
struct Request {
  std::uint64_t flags = 0;
  std::uint64_t how = 0; ///< RESOLVE_*
};

/// What the call asks for. Nothing if its memory cannot be read; see the caller's error().
std::optional<Request> request_of(Caller& caller, const seccomp_data& data, const Call& call);

bool is_open(const Call& call);

/// Whether an open with these flags may change a file that was there before.
bool changes_an_old_file(std::uint64_t flags);

/// Whether the call goes through a symlink at its path's end.
FollowLast follow(const Call& call, const Request& request);

/// Errors with which the kernel will answer as well: the call names no file.
bool means_no_file(int error_number);

} // namespace snapfix::guard
