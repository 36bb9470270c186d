#pragma once

#include "os/environment.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::uv {

/// The first releases with `uv lock --check`, and with its `--script`.
constexpr std::string_view k_first_release = "0.5.8";
constexpr std::string_view k_first_release_for_scripts = "0.5.17";

/// The program: `given`, or where that is empty uv of PATH. Throws os::Error that says how to get
/// it.
std::string find(const std::string& given);

/// Tells one program from another without running it.
struct Identity {
  std::string file;           ///< path, size, mtime
  bool is_a_stand_in = false; ///< a script (pyenv, asdf): which release it calls, only that says
};

Identity identity_of(const std::string& program);

constexpr std::string_view k_no_version = "?";

struct Release {
  std::string path;
  std::string version; ///< `0.13.9`; k_no_version where it does not say
};

Release release_of(const std::string& program);

/// Whether version `a` comes before version `b`; what is no version comes before none.
bool is_older(std::string_view a, std::string_view b);

/// What else `environment`'s PATH calls uv, and is of another version than `asked`, in PATH's
/// order.
std::vector<Release> other_releases(const Release& asked, const os::Environment& environment);

/// `0.7.22 (/usr/bin/uv)`, and so on.
std::string to_text(const Release& release);
std::string to_text(const std::vector<Release>& releases);

} // namespace snapfix::uv
