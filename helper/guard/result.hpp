#pragma once

#include "guard/place.hpp"

#include <memory>
#include <utility>
#include <variant>

namespace snapfix::guard {

/// Why a look at a call or at its file did not come to its end.
struct Failure {
  enum class At {
    process, ///< the caller's memory, its descriptors, its folders in /proc
    path,    ///< the way to the file
    name     ///< the kernel finds no such name, neither for us nor for the caller
  };
  At at = At::path;
  int error_number = 0;
  /// Where there is no such name, if the look came as far as that: there a file would be made.
  std::shared_ptr<const Place> missing{};
};

/// A value, or why there is none.
template<typename Value> class [[nodiscard]] Result {
public:
  Result(Value value) : m_state(std::move(value)) {}   // NOLINT(google-explicit-constructor)
  Result(const Failure& failure) : m_state(failure) {} // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return std::holds_alternative<Value>(m_state); }
  Value& operator*() { return std::get<Value>(m_state); }
  const Value& operator*() const { return std::get<Value>(m_state); }
  Value* operator->() { return &std::get<Value>(m_state); }
  const Value* operator->() const { return &std::get<Value>(m_state); }
  const Failure& failure() const { return std::get<Failure>(m_state); }

private:
  std::variant<Value, Failure> m_state;
};

} // namespace snapfix::guard
