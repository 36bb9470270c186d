#include "lint/kind.hpp"
#include "lint/lines.hpp"
#include "lint/shell.hpp"

#include <map>

namespace snapfix::lint {
namespace {

/// Reads a Dockerfile: RUN, CMD, ENTRYPOINT and HEALTHCHECK, with the ENV of their stage.
class DockerReader : LineReader {
public:
  using LineReader::LineReader;

  void read() {
    // Also between lines that a backslash joins.
    std::erase_if(m_lines, [&](const Line& line) {
      const auto chars =
          trim(std::string_view(m_text.chars()).substr(line.begin, line.end - line.begin));
      return chars.empty() || chars.starts_with('#');
    });
    std::map<std::string, Variables> stages;
    std::string stage;
    while (has_more()) {
      const Text text = instruction().trimmed();
      const std::size_t end = std::min(text.chars().find_first_of(" \t\n"), text.size());
      const std::string name = lower(text.sub(0, end).chars());
      const Text rest = text.sub(end, text.size()).trimmed();
      auto words = is_in(" from env arg ", name) ? words_of(rest) : std::vector<Word>();
      if (name == "from") { // --platform=... PARENT as STAGE
        std::erase_if(words, [](const Word& word) { return word.chars().starts_with("--"); });
        stages[stage] = std::move(m_variables);
        const auto parent = stages.find(words.empty() ? "" : lower(words[0].chars()));
        m_variables = Variables(parent != stages.end() ? &parent->second : &m_outer);
        stage = words.size() > 2 ? lower(words[2].chars()) : "";
      } else if (name == "env" || name == "arg") {
        for (const Word& word : words) {
          if (word.equals != 0) {
            m_variables.set_exported(word);
          }
        }
      } else if (is_in(" run cmd entrypoint healthcheck ", name)) {
        read_command_of(rest);
      }
    }
  }

private:
  /// A line with the bodies of the here-documents that it names.
  Text instruction() {
    Text out = next_line();
    const std::string head = out.chars();
    for (auto at = head.find("<<"); at != std::string::npos; at = head.find("<<", at)) {
      bool inside = head[at + 2] != '<';
      const std::size_t begin = std::min(head.find_first_not_of("<-\"'", at), head.size());
      for (at = begin; at < head.size() && is_name_char(head[at]);) {
        ++at;
      }
      const std::string name = head.substr(begin, at - begin);
      for (inside = inside && is_name(name); inside && has_more(); ++m_line) {
        inside = trim(peek()) != name;
        out.append(m_text.sub(m_lines[m_line].begin, m_lines[m_line].next));
      }
    }
    return out;
  }

  void read_command_of(const Text& text) {
    std::size_t begin = 0;
    while (text.starts(begin, "--") || text.starts(begin, "CMD ")) { // --mount=..., --interval=...
      begin = std::min(text.chars().find_first_of(" \t\n", begin), text.size());
      begin = std::min(text.chars().find_first_not_of(" \t\n\\", begin), text.size());
    }
    const Text rest = text.sub(begin, text.size());
    if (rest.starts(0, "[") && trim(rest.chars()).ends_with(']')) { // a list of words
      read_yaml(rest, m_variables, m_reading, m_depth);
      return;
    }
    Text script;
    if (rest.starts(0, "<<")) { // the document itself is the script
      script = Text("sh ", rest.begin_of(0));
    }
    script.append(rest);
    read_script(script, m_variables);
  }
};

} // namespace

void read_dockerfile(const Text& text, const Variables& variables, Reading& reading, int depth) {
  DockerReader(text, variables, reading, depth).read();
}

} // namespace snapfix::lint
