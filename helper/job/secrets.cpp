#include "job/secrets.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace snapfix::job {
namespace {

constexpr std::array<std::string_view, 7> k_words{"TOKEN",  "KEY",        "SECRET", "PASSWORD",
                                                  "PASSWD", "CREDENTIAL", "APIKEY"};

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

bool ends_value(char c) {
  return std::string_view(" \t\n'\"`;&|<>()").find(c) != std::string_view::npos;
}

/// `NAME=value`, anywhere.
std::string without_named(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto equals = text.find('=', at);
    if (equals == std::string_view::npos) {
      break;
    }
    auto name = equals;
    while (name > at && is_name_character(text[name - 1])) {
      --name;
    }
    out += text.substr(at, equals + 1 - at);
    at = equals + 1;
    if (is_secret_name(text.substr(name, equals - name)) && at < text.size()) {
      const char quote = text[at] == '"' || text[at] == '\'' ? text[at] : '\0';
      const auto end =
          quote != '\0'
              ? text.find(quote, at + 1)
              : static_cast<std::size_t>(std::ranges::find_if(text.substr(at), ends_value) -
                                         text.substr(at).begin()) +
                    at;
      out += k_left_out;
      at = std::min(text.size(), end == std::string_view::npos ? end : end + (quote != '\0'));
    }
    text = text.substr(at);
    at = 0;
  }
  return out.append(text);
}

/// `scheme://user:password@host`.
std::string without_user(std::string_view text) {
  constexpr std::string_view k_mark = "://";
  std::string out;
  for (auto at = text.find(k_mark); at != std::string_view::npos; at = text.find(k_mark)) {
    out += text.substr(0, at + k_mark.size());
    text.remove_prefix(at + k_mark.size());
    const auto end = std::ranges::find_if(text, [](char c) { return c == '/' || ends_value(c); });
    const auto host = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    if (const auto sign = host.rfind('@'); sign != std::string_view::npos) {
      out += k_left_out;
      text.remove_prefix(sign);
    }
  }
  return out.append(text);
}

void replace_prefixes(std::string& text, const std::string& from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    const auto end = at + from.size();
    const bool ends = end == text.size() || text[end] == '/' || ends_value(text[end]) ||
                      std::string_view(":,=]}").find(text[end]) != std::string_view::npos;
    if (ends) {
      text.replace(at, from.size(), to);
    }
    at += ends ? to.size() : from.size();
  }
}

} // namespace

bool is_secret_name(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return std::ranges::any_of(
      k_words, [&](std::string_view word) { return upper.find(word) != std::string::npos; });
}

bool is_secret_file(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  return name == ".env" || name.starts_with(".env.") || name == ".netrc" || name == ".npmrc" ||
         name == ".pypirc" || name.starts_with("id_rsa") || name.starts_with("id_ed25519") ||
         name.ends_with(".pem") || name.ends_with(".key") || name.starts_with("credentials");
}

std::string without_secrets(std::string_view text) {
  return without_user(without_named(text));
}

std::vector<std::string> without_secrets(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  bool is_value = false;
  for (const auto& word : words) {
    const bool is_option = word.starts_with('-');
    const bool may_be_value = !is_option || (word.size() > 2 && !word.starts_with("--"));
    out.push_back(is_value && may_be_value ? k_left_out : without_secrets(word));
    is_value = is_option && word.find('=') == std::string::npos && is_secret_name(word);
  }
  return out;
}

std::string with_places(std::string text, const Places& places) {
  for (const auto& [folder, word] : places) {
    replace_prefixes(text, folder, word);
  }
  return text;
}

std::string without_places(std::string text, const Places& places) {
  for (const auto& [folder, word] : places) {
    const std::string_view sought = word;
    for (auto at = text.find(sought); at != std::string::npos; at = text.find(sought, at)) {
      text.replace(at, sought.size(), folder);
      at += folder.size();
    }
  }
  return text;
}

} // namespace snapfix::job
