#include "lint/yaml_file.hpp"

#include <algorithm>
#include <map>
#include <new>

#include <yaml.h>

namespace snapfix::lint {
namespace {

/// libyaml refuses bytes that are no UTF-8, and counts characters: what is no ASCII is not shown to
/// it, so that its places are bytes.
char shown(char c) {
  return (c >= ' ' && c <= '~') || c == '\t' || c == '\n' ? c : '?';
}

std::string chars_of(const yaml_char_t* text) {
  return text == nullptr ? "" : reinterpret_cast<const char*>(text); // NOLINT
}

/// All that libyaml tells of a text.
class YamlEvents {
public:
  YamlEvents() = default;
  ~YamlEvents() { clear(); }
  YamlEvents(const YamlEvents&) = delete;
  YamlEvents& operator=(const YamlEvents&) = delete;

  /// Where the line stands that YAML does not allow, npos if all was read.
  std::size_t read(const std::string& chars, Reading& reading) {
    clear();
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
      throw std::bad_alloc();
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser,
                                 reinterpret_cast<const unsigned char*>(chars.data()), // NOLINT
                                 chars.size());
    constexpr int k_deepest = 100; // no one nests deeper
    std::size_t fault = std::string::npos;
    int depth = 0;
    for (bool more = true; more && reading.spend(1);) {
      yaml_event_t event{};
      if (yaml_parser_parse(&parser, &event) == 0) {
        // A scalar that does not end is at fault where it begins.
        const bool begun = parser.error == YAML_SCANNER_ERROR && parser.context != nullptr;
        fault = std::min(begun ? parser.context_mark.index : parser.problem_mark.index,
                         chars.empty() ? 0 : chars.size() - 1);
        break;
      }
      m_events.push_back(event);
      more = event.type != YAML_STREAM_END_EVENT;
      depth += is_start(event) ? 1 : is_end(event) ? -1 : 0;
      reading.left = depth > k_deepest ? 0 : reading.left;
    }
    yaml_parser_delete(&parser);
    return fault;
  }

  static bool is_start(const yaml_event_t& event) {
    return event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT;
  }
  static bool is_end(const yaml_event_t& event) {
    return event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
  }
  const std::vector<yaml_event_t>& get() const { return m_events; }

private:
  void clear() {
    std::ranges::for_each(m_events, [](yaml_event_t& event) { yaml_event_delete(&event); });
    m_events.clear();
  }

  std::vector<yaml_event_t> m_events;
};

/// Makes nodes of events, all of which are there.
class YamlComposer {
public:
  YamlComposer(const Text& text, const YamlEvents& events, Reading& reading)
      : m_text(text), m_events(events.get()), m_reading(reading) {}

  YamlFile compose() {
    while (m_next < m_events.size()) {
      if (m_events[m_next++].type == YAML_DOCUMENT_START_EVENT) {
        m_anchors.clear();
        m_file.documents.push_back(compose_node());
      }
    }
    return std::move(m_file);
  }

private:
  std::size_t compose_node() {
    const yaml_event_t& event = m_events[m_next++];
    const std::size_t index = m_file.nodes.size();
    if (event.type == YAML_ALIAS_EVENT) {
      const auto found = m_anchors.find(chars_of(event.data.alias.anchor));
      if (found != m_anchors.end()) {
        return found->second;
      }
    }
    m_file.nodes.push_back({YamlNode::Kind::scalar, false, false, event.start_mark.index,
                            event.end_mark.index, Text()});
    if (event.type == YAML_SCALAR_EVENT) {
      anchor(event.data.scalar.anchor, index);
      take_scalar(event, m_file.nodes.back());
    } else if (event.type == YAML_SEQUENCE_START_EVENT) {
      anchor(event.data.sequence_start.anchor, index);
      m_file.nodes[index].kind = YamlNode::Kind::list;
      m_file.nodes[index].flow = event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
      compose_members(index);
    } else if (event.type == YAML_MAPPING_START_EVENT) {
      anchor(event.data.mapping_start.anchor, index);
      m_file.nodes[index].kind = YamlNode::Kind::map;
      compose_members(index);
    }
    return index;
  }

  void anchor(const yaml_char_t* name, std::size_t index) {
    if (name != nullptr) {
      m_anchors[chars_of(name)] = index;
    }
  }

  void compose_members(std::size_t index) {
    constexpr std::size_t k_longest_key = 200;
    const bool map = m_file.nodes[index].kind == YamlNode::Kind::map;
    std::vector<std::size_t> bases; // `<<: *base`, and `<<: [*a, *b]`
    while (!YamlEvents::is_end(m_events[m_next])) {
      const std::string key =
          map ? m_file.nodes[compose_node()].text.sub(0, k_longest_key).chars() : "";
      const std::size_t value = compose_node();
      if (key != "<<") {
        m_file.nodes[index].members.emplace_back(key, value);
      } else if (m_file.nodes[value].kind != YamlNode::Kind::list) {
        bases.push_back(value);
      }
      for (const auto& [none, base] : m_file.nodes[value].members) {
        if (key == "<<" && none.empty()) {
          bases.push_back(base);
        }
      }
    }
    ++m_next;
    auto& members = m_file.nodes[index].members;
    for (const std::size_t base : bases) { // what the mapping does not say itself is said there
      for (const auto& member : std::vector(m_file.nodes[base].members)) {
        const auto said = [&](const auto& own) { return own.first == member.first; };
        if (m_reading.spend(members.size()) && std::ranges::none_of(members, said)) {
          members.push_back(member);
        }
      }
    }
  }

  void take_scalar(const yaml_event_t& event, YamlNode& node) const {
    const auto style = event.data.scalar.style;
    while (is_any(m_text[node.begin], "&!") && node.begin < node.end) { // an anchor or a tag
      const std::size_t behind = m_text.chars().find_first_of(" \t\n", node.begin);
      node.begin = std::min(m_text.chars().find_first_not_of(" \t\n", behind), node.end);
    }
    node.block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
    const bool quoted =
        style == YAML_DOUBLE_QUOTED_SCALAR_STYLE || style == YAML_SINGLE_QUOTED_SCALAR_STYLE;
    const std::size_t begin =
        node.block ? m_text.chars().find('\n', node.begin) + 1 : node.begin + (quoted ? 1 : 0);
    node.text = place(chars_of(event.data.scalar.value), begin, node.end,
                      style == YAML_DOUBLE_QUOTED_SCALAR_STYLE);
  }

  /// A scalar's value as libyaml gives it, each byte with the place that it comes from: what
  /// stands between is folding, indentation, quotes and escapes.
  Text place(const std::string& value, std::size_t at, std::size_t end, bool escapes) const {
    Text out;
    for (const char c : value) {
      if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80) { // of the escape before
        out.push(c, out.end_of(out.size()) - 1);
        continue;
      }
      for (bool found = false; !found && at < end;) {
        const char here = m_text[at];
        const char next = m_text[at + 1];
        if (escapes && here == '\\') {
          found = next != '\n';
          at += next == 'x' ? 3 : next == 'u' ? 5 : next == 'U' ? 9 : next == '\n' ? 2 : 1;
        } else {
          found = shown(here) == c || (is_any(here, " \t\n") && is_any(c, " \t\n"));
          at += found ? 0 : 1;
        }
      }
      out.push(c == '?' && at < end ? m_text[at] : c, m_text.begin_of(at));
      at += at < end ? 1 : 0;
    }
    return out;
  }

  const Text& m_text;
  const std::vector<yaml_event_t>& m_events;
  Reading& m_reading;
  std::size_t m_next = 0;
  YamlFile m_file;
  std::map<std::string, std::size_t> m_anchors;
};

} // namespace

YamlFile parse_yaml(const Text& text, Reading& reading) {
  std::string chars = text.chars();
  std::ranges::transform(chars, chars.begin(), shown);
  YamlEvents events;
  for (;;) {
    const std::size_t fault = events.read(chars, reading);
    if (fault == std::string::npos && reading.left != 0) {
      return YamlComposer(text, events, reading).compose();
    }
    const std::size_t begin = chars.rfind('\n', fault == 0 ? 0 : fault - 1) + 1;
    const std::size_t end = std::min(chars.find('\n', fault), chars.size());
    if (!reading.spend(chars.size()) ||
        trim(std::string_view(chars).substr(begin, end - begin)).empty()) {
      reading.left = 0;
      return {};
    }
    std::fill_n(chars.begin() + static_cast<std::ptrdiff_t>(begin), end - begin, ' ');
  }
}

} // namespace snapfix::lint
