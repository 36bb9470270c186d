#include "page/html.hpp"

#include "os/error.hpp"

#include <algorithm>

namespace snapfix::page {
namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::size_t k_longest_character = 4;

/// The first character, which may be a byte that is none.
std::string_view first_character(std::string_view text) {
  for (std::size_t length = 1; length <= std::min(k_longest_character, text.size()); ++length) {
    if (os::is_utf8(text.substr(0, length))) {
      return text.substr(0, length);
    }
  }
  return {};
}

/// U+202A to U+202E, U+2066 to U+2069, U+200E, U+200F: they would turn what stands beside them.
bool turns_direction(std::string_view character) {
  const auto is_in = [&](std::string_view from, std::string_view to) {
    return from <= character && character <= to;
  };
  return is_in("\xE2\x80\xAA", "\xE2\x80\xAE") || is_in("\xE2\x81\xA6", "\xE2\x81\xA9") ||
         is_in("\xE2\x80\x8E", "\xE2\x80\x8F");
}

/// U+2400 to U+2421 are pictures of them.
std::string picture_of(unsigned char control) {
  constexpr unsigned char k_delete = 0x7F;
  constexpr unsigned char k_picture_of_delete = 0x21;
  std::string out = "\xE2\x90";
  out += static_cast<char>(0x80 + (control == k_delete ? k_picture_of_delete : control));
  return out;
}

void add_escaped(std::string& out, std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (turns_direction(character)) {
    out += k_replacement;
  } else if (character.size() > 1) {
    // C1 controls, U+0080 to U+009F
    const bool is_control = first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
    out += is_control ? k_replacement : character;
  } else if (first < 0x20 || first == 0x7F) {
    out += picture_of(first);
  } else if (first == '&') {
    out += "&amp;";
  } else if (first == '<') {
    out += "&lt;";
  } else if (first == '>') {
    out += "&gt;";
  } else if (first == '"') {
    out += "&quot;";
  } else if (first == '\'') {
    out += "&#39;";
  } else {
    out += character;
  }
}

/// Without what colours a terminal: ESC [ ... letter.
std::string without_colours(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      const auto end = text.find_first_not_of("0123456789;", i + 2);
      i = end == std::string_view::npos ? text.size() : end;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string escape(std::string_view text, std::string_view stay) {
  std::string out;
  while (!text.empty()) {
    const auto character = first_character(text);
    if (character.empty()) {
      out += k_replacement;
      text.remove_prefix(1);
      continue;
    }
    if (stay.find(character) != std::string_view::npos) {
      out += character;
    } else {
      add_escaped(out, character);
    }
    text.remove_prefix(character.size());
  }
  return out;
}

} // namespace

std::string escaped(std::string_view text) {
  return escape(text, "");
}

std::string escaped_lines(std::string_view text) {
  return escape(without_colours(text), "\n\t");
}

} // namespace snapfix::page
