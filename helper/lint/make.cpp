#include "lint/kind.hpp"
#include "lint/lines.hpp"
#include "lint/shell.hpp"

#include <map>
#include <set>

namespace snapfix::lint {
namespace {

/// Reads a makefile: its recipes with variables expanded, since `$(UV_RUN) pytest` calls uv.
class MakeReader : LineReader {
public:
  using LineReader::LineReader;

  void read() {
    // Exports hold for all recipes, wherever they stand.
    each_line([&](const Text& line, bool recipe) {
      if (!recipe) {
        take_definition(line);
      }
    });
    Variables rule(&m_variables);
    each_line([&](const Text& line, bool recipe) {
      if (recipe) {
        const std::size_t begin = line.chars().find_first_not_of(" \t@-+");
        read_recipe(line, expand(line.sub(begin, line.size()), 0), rule);
      } else if (!line.starts(indent_of(line.chars()), "#")) {
        expand(line, 0); // for $(shell ...)
        enter_rule(line, rule);
      }
    });
  }

private:
  template<typename Visit> void each_line(const Visit& visit) {
    bool in_rule = false;
    bool in_define = false;
    for (m_line = 0; has_more();) {
      const bool tab = peek().starts_with('\t');
      const std::string_view first = trim(peek());
      const Text line = next_line();
      const bool recipe = (tab && in_rule) || in_define;
      if (first.starts_with("define ") || first.starts_with("endef")) {
        in_define = first.starts_with("define ");
      } else {
        const bool condition = is_in(" ifdef ifndef ifeq ifneq else endif ",
                                     first.substr(0, first.find_first_of(" (")));
        if (!recipe && !first.empty() && !first.starts_with('#') && !condition) {
          in_rule = colon_of_rule(line) != std::string::npos;
        }
        visit(line, recipe);
      }
    }
  }

  /// Where the colon behind a rule's targets stands, npos if it is no rule.
  static std::size_t colon_of_rule(const Text& line) {
    const std::size_t at = line.chars().find_first_of(":=#\n");
    return line[at] == ':' && !definition_of(line) ? at : std::string::npos;
  }

  void take_definition(const Text& line) {
    const std::size_t colon = colon_of_rule(line);
    if (const auto definition = definition_of(line)) {
      define(*definition);
    } else if (colon == std::string::npos) {
      return;
    } else if (auto own = definition_of(line.sub(colon + 1, line.size()))) {
      for (const Word& target : words_of(line.sub(0, colon))) {
        m_of_target[target.chars()][own->name] = own->variable;
        m_reading.spend(own->variable.value.size() / 8 + 1);
      }
    }
  }

  void define(const Definition& definition) {
    Text value = definition.variable.value;
    value = value.sub(0, value.chars().find(" #")).trimmed();
    Variable& variable = m_variables[definition.name];
    if (definition.appends) {
      variable.value.push(' ', value.begin_of(0));
      variable.value.append(value);
    } else {
      variable.value = value;
    }
    variable.exported |= definition.variable.exported;
    m_defined.insert(definition.name);
  }

  void enter_rule(const Text& line, Variables& rule) {
    const std::size_t colon = colon_of_rule(line);
    const Text behind = line.sub(colon + 1, line.size());
    if (colon == std::string::npos || definition_of(behind)) {
      return;
    }
    rule = Variables(&m_variables);
    for (const Word& target : words_of(line.sub(0, colon))) {
      for (const auto& [name, variable] : m_of_target[target.chars()]) {
        if (m_reading.spend(1 + variable.value.size() / 8)) {
          const bool exported = rule[name].exported || variable.exported;
          rule[name] = {variable.value, exported};
        }
      }
    }
  }

  /// Replaces variables by their values and calls of functions by a word that says nothing.
  Text expand(const Text& text, int depth) {
    Text out;
    for (std::size_t i = 0; i < text.size();) {
      const char next = text[i + 1];
      if (text[i] != '$' || next == '$') {
        out.push(text[i], text.begin_of(i));
        i += text[i] == '$' ? 2 : 1;
      } else if (next == '(' || next == '{') {
        const std::size_t end = closing(text, i + 1);
        expand_reference(text.sub(i + 2, end), out, depth + 1);
        i = end + 1;
      } else {
        out.append(Text("$x", text.begin_of(i)));
        i += 2;
      }
    }
    return out;
  }

  static std::size_t closing(const Text& text, std::size_t open) {
    const char wanted = text[open] == '(' ? ')' : '}';
    int depth = 0;
    std::size_t i = open;
    for (; i < text.size(); ++i) {
      depth += text[i] == text[open] ? 1 : text[i] == wanted ? -1 : 0;
      if (depth == 0) {
        break;
      }
    }
    return i;
  }

  void expand_reference(const Text& inside, Text& out, int depth) {
    constexpr int k_deepest = 8;
    const std::string& name = inside.chars();
    const bool may = depth <= k_deepest && m_reading.spend(1);
    if (may && name.starts_with("shell ")) {
      read_script(expand(inside.sub(6, inside.size()), depth), m_variables);
    }
    if (may && m_defined.count(name) != 0) {
      const Text& value = m_variables[name].value;
      m_reading.spend(value.size());
      out.append(expand(value, depth));
    } else {
      out.append(Text(is_name(name) ? "${" + name + "}" : "${ARGS}", inside.begin_of(0)));
    }
  }

  std::map<std::string, std::map<std::string, Variable>> m_of_target;
  std::set<std::string> m_defined;
};

} // namespace

void read_makefile(const Text& text, const Variables& variables, Reading& reading, int depth) {
  MakeReader(text, variables, reading, depth).read();
}

} // namespace snapfix::lint
