#include "guard/channel.hpp"

#include "os/error.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace snapfix::guard {
namespace {

struct Header {
  Message::Kind kind;
  std::uint32_t size;
};

/// Repeats send(2) or recv(2) until all of `data` is through; false where that fails.
template<typename Byte, typename Transfer>
bool transfer_fully(Byte* data, std::size_t size, const Transfer& transfer) noexcept {
  while (size > 0) {
    const ssize_t done = transfer(data, size);
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      return false;
    }
    data += done;
    size -= static_cast<std::size_t>(done);
  }
  return true;
}

bool write_fully(int fd, const char* data, std::size_t size) noexcept {
  return transfer_fully(data, size, [fd](const char* from, std::size_t count) {
    return ::send(fd, from, count, MSG_NOSIGNAL);
  });
}

bool read_fully(int fd, char* data, std::size_t size) noexcept {
  return transfer_fully(data, size,
                        [fd](char* to, std::size_t count) { return ::recv(fd, to, count, 0); });
}

/// Room for one descriptor beside a message, as cmsg(3) lays it out.
union Control {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int))> room;
};

} // namespace

Channel::Pair Channel::make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw os::Error("make a socket pair", {}, errno);
  }
  return {Channel(os::UniqueFd(ends[0])), Channel(os::UniqueFd(ends[1]))};
}

bool Channel::send(Message::Kind kind, const std::string& text) const noexcept {
  const Header header{kind, static_cast<std::uint32_t>(text.size())};
  std::array<char, sizeof header> bytes{};
  std::memcpy(bytes.data(), &header, sizeof header);
  return write_fully(m_fd.get(), bytes.data(), bytes.size()) &&
         write_fully(m_fd.get(), text.data(), text.size());
}

std::optional<Message> Channel::receive() const {
  std::array<char, sizeof(Header)> bytes{};
  if (!read_fully(m_fd.get(), bytes.data(), bytes.size())) {
    return std::nullopt;
  }
  Header header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  Message out{header.kind, std::string(header.size, '\0')};
  return read_fully(m_fd.get(), out.text.data(), out.text.size()) ? std::optional(std::move(out))
                                                                  : std::nullopt;
}

bool Channel::send_descriptor(int fd) const noexcept {
  char byte = 0;
  iovec data{&byte, 1};
  Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.room.data();
  message.msg_controllen = control.room.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(m_fd.get(), &message, MSG_NOSIGNAL) == 1;
}

os::UniqueFd Channel::receive_descriptor() const noexcept {
  char byte = 0;
  iovec data{&byte, 1};
  Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.room.data();
  message.msg_controllen = control.room.size();
  const ssize_t got = ::recvmsg(m_fd.get(), &message, MSG_CMSG_CLOEXEC);
  if (got != 1) {
    errno = got == 0 ? 0 : errno;
    return {};
  }
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) {
    errno = EMFILE; // the kernel drops what there is no number for
    return {};
  }
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return os::UniqueFd(fd);
}

} // namespace snapfix::guard
