#pragma once

#include "os/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace snapfix::guard {

/// A message between the processes of a guarded run.
struct Message {
  enum class Kind : std::uint32_t {
    started,      ///< text: the command's pid
    cannot_start, ///< text: the errno of exec
    no_guard,     ///< text: why
    stopped,      ///< the command was stopped by a signal
    ended,        ///< text: of a GuardedEnd
    signal,       ///< text: the number, to be passed to the command
    protect,      ///< text: of a Protection
    report,       ///< asks for, and answers with, the text of a Report
    failed        ///< text: what kept the guard from starting
  };
  Kind kind = Kind::report;
  std::string text;
};

/// One end of a socket pair.
class Channel {
public:
  Channel() = default;
  explicit Channel(os::UniqueFd fd) : m_fd(std::move(fd)) {}
  struct Pair;
  static Pair make_pair();

  int fd() const noexcept { return m_fd.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(m_fd); }
  void close() noexcept { m_fd.reset(); }

  /// False if nobody is at the other end.
  bool send(Message::Kind kind, const std::string& text = {}) const noexcept;
  /// Waits for the next message; nothing once the other end is closed.
  std::optional<Message> receive() const;

  /// Passes a descriptor to another process, and gets one. Nothing: errno tells, 0 if the other end
  /// is closed.
  bool send_descriptor(int fd) const noexcept;
  os::UniqueFd receive_descriptor() const noexcept;

private:
  os::UniqueFd m_fd;
};

struct Channel::Pair {
  Channel ours;
  Channel theirs;
};

} // namespace snapfix::guard
