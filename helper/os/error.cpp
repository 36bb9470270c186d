#include "os/error.hpp"

#include "os/colour.hpp"
#include "os/format.hpp"

#include <cstdio>
#include <cstring>

namespace snapfix::os {
namespace {

std::string describe(const std::string& operation, const std::vector<std::string>& paths,
                     int error_number) {
  std::string text = "cannot " + operation;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    text += (i == 0 ? " " : " to ") + os::quoted(paths[i]);
  }
  return text + ": " + std::strerror(error_number); // NOLINT(concurrency-mt-unsafe)
}

/// Length of the UTF-8 sequence that starts at `text[0]`, 0 if it is none.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) {
    return i < text.size() && (byte(i) & 0xC0U) == 0x80;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first < 0xE0) {
    return continues(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first < 0xF0) {
    const bool overlong = first == 0xE0 && text.size() > 1 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && text.size() > 1 && byte(1) >= 0xA0;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool overlong = first == 0xF0 && text.size() > 1 && byte(1) < 0x90;
    const bool too_large = first == 0xF4 && text.size() > 1 && byte(1) >= 0x90;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

void say(std::string_view kind, Colour colour, std::string_view text) {
  os::print(stderr, "snapfix: {}: {}\n", coloured(kind, colour), text);
}

} // namespace

Error::Error(const std::string& operation, const std::vector<std::string>& paths, int error_number,
             std::string hint)
    : std::runtime_error(describe(operation, paths, error_number)), m_error_number(error_number),
      m_hint(std::move(hint)) {}

Error::Error(const std::string& message, std::string hint)
    : std::runtime_error(message), m_hint(std::move(hint)) {}

std::string quoted(std::string_view text) {
  std::string out = "'";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (length == 0 || (length == 1 && (first < 0x20 || first == 0x7F))) {
      switch (first) {
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += os::format("\\x{:02x}", first);
      }
      text.remove_prefix(1);
      continue;
    }
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out + "'";
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

void note(std::string_view text) {
  say("note", Colour::cyan, text);
}

void warn(std::string_view text) {
  say("warning", Colour::yellow, text);
}

void print_error(const Error& error) {
  std::fflush(stdout);
  print(stderr, "snapfix: {}: {}\n", coloured("error", Colour::red), error.what());
  print_hint(error.hint());
}

void print_hint(std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    print(stderr, "{}: {}\n", coloured("hint", Colour::green), text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

} // namespace snapfix::os
