#pragma once

namespace snapfix::guard {

/// What becomes of a reported call. There is no verdict by default: whoever judges must say which.
class [[nodiscard]] Verdict {
public:
  enum class Kind {
    let_go,   ///< the kernel does it: what it will find is known to be nobody else's
    refused,  ///< it returns an errno
    answered, ///< its answer was given already, or nobody waits for one
    postponed ///< it waits for a copy of a big file
  };

  static constexpr Verdict let_go() { return {Kind::let_go, 0}; }
  static constexpr Verdict refused(int error_number) { return {Kind::refused, error_number}; }
  static constexpr Verdict answered() { return {Kind::answered, 0}; }
  static constexpr Verdict postponed() { return {Kind::postponed, 0}; }

  constexpr Kind kind() const noexcept { return m_kind; }
  constexpr int error_number() const noexcept { return m_error_number; }

private:
  constexpr Verdict(Kind kind, int error_number) : m_kind(kind), m_error_number(error_number) {}

  Kind m_kind;
  int m_error_number;
};

} // namespace snapfix::guard
