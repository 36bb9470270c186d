#pragma once

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace snapfix::os {

// A file that sees <nlohmann/json.hpp> takes seconds more to compile: only those include this that
// turn records and reports into JSON. What would be compiled anew in each of them stands here.

struct JsonMember {
  const char* key;
  nlohmann::json value;
};

/// The library's own braces would make a function for each length of a key.
nlohmann::json json_object(std::initializer_list<JsonMember> members);

/// Throws nlohmann::json::exception.
nlohmann::json parse_json(std::string_view text);

/// On one line, or with each level indented. Bytes that are no UTF-8, which JSON cannot hold, are
/// replaced.
std::string text_of(const nlohmann::json& json, int indent = -1);

} // namespace snapfix::os
