#include "os/json.hpp"

namespace snapfix::os {

nlohmann::json json_object(std::initializer_list<JsonMember> members) {
  auto out = nlohmann::json::object();
  for (const auto& [key, value] : members) {
    out[key] = value;
  }
  return out;
}

nlohmann::json parse_json(std::string_view text) {
  return nlohmann::json::parse(text);
}

std::string text_of(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace snapfix::os
