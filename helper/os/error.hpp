#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::os {

/// The one exception of this program: what was tried, on which path or paths, why it failed, and
/// what the user can do about it.
class Error : public std::runtime_error {
public:
  /// A failed system call: `cannot <operation> '<path>' [to '<path>']: <strerror>`. Pass errno
  /// as it stood right after the call.
  Error(const std::string& operation, const std::vector<std::string>& paths, int error_number,
        std::string hint = {});

  /// A failure that no errno describes.
  explicit Error(const std::string& message, std::string hint = {});

  /// The errno of the failed call, 0 if there was none.
  int error_number() const noexcept { return m_error_number; }

  /// What to do about it, in a sentence; may be empty.
  const std::string& hint() const noexcept { return m_hint; }

private:
  int m_error_number = 0;
  std::string m_hint;
};

/// `text` in single quotes, with control characters and bytes that are no UTF-8 escaped, so that
/// any file name can be printed on one line.
std::string quoted(std::string_view text);

/// Whether `text` is valid UTF-8.
bool is_utf8(std::string_view text) noexcept;

/// Prints `snapfix: note: <text>` (or `warning`) on stderr.
void note(std::string_view text);
void warn(std::string_view text);

/// `snapfix: error: ...` and the hint's lines, behind all that was printed on stdout.
void print_error(const Error& error);

/// `hint: ...` for each line, which is a remedy.
void print_hint(std::string_view text);

} // namespace snapfix::os
