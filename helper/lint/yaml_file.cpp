#include "lint/yaml_file.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include <yaml.h>

namespace snapfix::lint {
namespace {

/// libyaml refuses bytes that are no UTF-8, and counts characters: what is no ASCII is not shown to
/// it, so that its places are bytes.
char shown(char c) {
  return (c >= ' ' && c <= '~') || c == '\t' || c == '\n' ? c : '?';
}

bool is_space(char c) {
  return is_blank(c) || c == '\n';
}

class Event {
public:
  Event() = default;
  ~Event() { yaml_event_delete(&m_event); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  yaml_event_t* get() { return &m_event; }
  const yaml_event_t& operator*() const { return m_event; }

private:
  yaml_event_t m_event{};
};

/// Makes nodes of what libyaml tells.
class YamlComposer {
public:
  YamlComposer(const Text& text, Reading& reading) : m_text(text), m_reading(reading) {}

  /// Where the line stands that YAML does not allow; nothing if all was read.
  std::optional<std::size_t> compose(const std::string& chars) {
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
      throw std::bad_alloc();
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser,
                                 reinterpret_cast<const unsigned char*>(chars.data()), // NOLINT
                                 chars.size());
    std::optional<std::size_t> fault;
    bool more = true;
    while (more && m_reading.spend(1)) {
      Event event;
      if (yaml_parser_parse(&parser, event.get()) == 0) {
        // A scalar that does not end is at fault where it begins.
        const bool begun = parser.error == YAML_SCANNER_ERROR && parser.context != nullptr;
        fault = std::min(begun ? parser.context_mark.index : parser.problem_mark.index,
                         chars.empty() ? 0 : chars.size() - 1);
        break;
      }
      more = (*event).type != YAML_STREAM_END_EVENT && take(*event);
    }
    yaml_parser_delete(&parser);
    return fault;
  }

  YamlFile& file() { return m_file; }

private:
  struct Open {
    std::size_t node = 0;
    std::optional<std::string> key; ///< of a mapping, whose value comes next
  };

  /// False if it is nested deeper than anyone writes.
  bool take(const yaml_event_t& event) {
    constexpr std::size_t k_deepest = 100;
    switch (event.type) {
    case YAML_SCALAR_EVENT: {
      const auto& scalar = event.data.scalar;
      place(add(YamlNode::Kind::scalar, scalar.anchor, event));
      YamlNode& node = m_file.nodes.back();
      const bool block =
          scalar.style == YAML_LITERAL_SCALAR_STYLE || scalar.style == YAML_FOLDED_SCALAR_STYLE;
      node.style = block ? YamlNode::Style::block : YamlNode::Style::plain;
      return true;
    }
    case YAML_ALIAS_EVENT: {
      const auto found = m_anchors.find(chars_of(event.data.alias.anchor));
      place(found != m_anchors.end() ? found->second : add(YamlNode::Kind::scalar, nullptr, event));
      return true;
    }
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: {
      const bool list = event.type == YAML_SEQUENCE_START_EVENT;
      const std::size_t node =
          list ? add(YamlNode::Kind::list, event.data.sequence_start.anchor, event)
               : add(YamlNode::Kind::map, event.data.mapping_start.anchor, event);
      if (list && event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) {
        m_file.nodes[node].style = YamlNode::Style::flow;
      }
      place(node);
      m_open.push_back({node, {}});
      m_reading.left = m_open.size() > k_deepest ? 0 : m_reading.left;
      return m_reading.left != 0;
    }
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      merge(m_file.nodes[m_open.back().node]);
      m_open.pop_back();
      return true;
    case YAML_DOCUMENT_START_EVENT:
      m_anchors.clear();
      m_open.clear();
      return true;
    default:
      return true;
    }
  }

  static std::string chars_of(const yaml_char_t* text) {
    return reinterpret_cast<const char*>(text); // NOLINT(*-reinterpret-cast)
  }

  std::size_t add(YamlNode::Kind kind, const yaml_char_t* anchor, const yaml_event_t& event) {
    const std::size_t index = m_file.nodes.size();
    YamlNode& node = m_file.nodes.emplace_back();
    node.kind = kind;
    node.begin = event.start_mark.index;
    node.end = event.end_mark.index;
    if (event.type == YAML_SCALAR_EVENT) {
      const bool marked = event.data.scalar.anchor != nullptr || event.data.scalar.tag != nullptr;
      while (marked && (m_text[node.begin] == '&' || m_text[node.begin] == '!')) {
        node.begin = std::min(m_text.chars().find_first_of(" \t\n", node.begin), node.end);
        while (node.begin < node.end && is_space(m_text[node.begin])) {
          ++node.begin;
        }
      }
      node.text = text_of(event.data.scalar, node.begin, node.end);
    }
    if (anchor != nullptr) {
      m_anchors[chars_of(anchor)] = index;
    }
    return index;
  }

  void place(std::size_t index) {
    if (m_open.empty()) {
      m_file.documents.push_back(index);
      return;
    }
    Open& open = m_open.back();
    YamlNode& parent = m_file.nodes[open.node];
    if (parent.kind == YamlNode::Kind::map && !open.key) {
      constexpr std::size_t k_longest = 200;
      open.key = m_file.nodes[index].text.chars().substr(0, k_longest);
      return;
    }
    parent.members.emplace_back(open.key.value_or(""), index);
    open.key.reset();
  }

  /// `<<: *base`, and `<<: [*a, *b]`: what the mapping does not say itself is said there.
  void merge(YamlNode& map) {
    std::vector<std::size_t> bases;
    for (const auto& [key, node] : map.members) {
      if (key == "<<" && m_file.nodes[node].kind == YamlNode::Kind::list) {
        for (const auto& item : m_file.nodes[node].members) {
          bases.push_back(item.second);
        }
      } else if (key == "<<") {
        bases.push_back(node);
      }
    }
    std::erase_if(map.members, [](const auto& member) { return member.first == "<<"; });
    for (const std::size_t base : bases) {
      for (const auto& member : std::vector(m_file.nodes[base].members)) {
        const bool known = std::ranges::any_of(
            map.members, [&](const auto& own) { return own.first == member.first; });
        if (!known && m_reading.spend(map.members.size())) {
          map.members.push_back(member);
        }
      }
    }
  }

  /// A scalar's value as libyaml gives it, each byte with the place that it comes from: what
  /// stands between is folding, indentation, quotes and escapes.
  template<typename Scalar>
  Text text_of(const Scalar& scalar, std::size_t at, std::size_t end) const {
    const std::string value = chars_of(scalar.value);
    const bool escapes = scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    const bool quoted = escapes || scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE;
    const char quote = m_text[at];
    if (scalar.style == YAML_LITERAL_SCALAR_STYLE || scalar.style == YAML_FOLDED_SCALAR_STYLE) {
      at = std::min(m_text.chars().find('\n', at), end) + 1;
    }
    at += quoted ? 1 : 0;
    Text out;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const auto same = [&] {
        return shown(m_text[at]) == value[i] || (is_space(m_text[at]) && is_space(value[i]));
      };
      for (bool skipping = true; skipping && at < end && !same();) {
        skipping = is_space(m_text[at]) || (quoted && m_text[at] == quote);
        if (escapes && m_text[at] == '\\' && m_text[at + 1] == '\n') {
          at += 2;
          skipping = true;
        } else {
          at += skipping ? 1 : 0;
        }
      }
      if (escapes && m_text[at] == '\\') {
        const char kind = m_text[at + 1];
        at += kind == 'x' ? 3 : kind == 'u' ? 5 : kind == 'U' ? 9 : 1;
        out.push(value[i], m_text.begin_of(at));
        while (i + 1 < value.size() && (static_cast<unsigned char>(value[i + 1]) & 0xC0U) == 0x80) {
          out.push(value[++i], m_text.begin_of(at));
        }
      } else {
        out.push(value[i] == '?' && at < end ? m_text[at] : value[i], m_text.begin_of(at));
      }
      at += at < end ? 1 : 0;
    }
    return out;
  }

  const Text& m_text;
  Reading& m_reading;
  YamlFile m_file;
  std::vector<Open> m_open;
  std::map<std::string, std::size_t> m_anchors;
};

} // namespace

YamlFile parse_yaml(const Text& text, Reading& reading) {
  std::string chars = text.chars();
  std::ranges::transform(chars, chars.begin(), shown);
  for (;;) {
    YamlComposer composer(text, reading);
    const auto fault = composer.compose(chars);
    if (!fault || !reading.spend(chars.size())) {
      return std::move(composer.file());
    }
    const std::size_t begin = chars.rfind('\n', *fault == 0 ? 0 : *fault - 1) + 1;
    const std::size_t end = std::min(chars.find('\n', *fault), chars.size());
    if (begin >= end || trim(std::string_view(chars).substr(begin, end - begin)).empty()) {
      reading.left = 0;
      return std::move(composer.file());
    }
    std::fill(chars.begin() + static_cast<std::ptrdiff_t>(begin),
              chars.begin() + static_cast<std::ptrdiff_t>(end), ' ');
  }
}

} // namespace snapfix::lint
