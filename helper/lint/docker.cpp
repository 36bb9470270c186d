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
    const Variables start = m_variables;
    std::map<std::string, Variables> stages;
    std::string stage;
    while (has_more()) {
      Text text = next_line(Comments::dropped);
      append_documents(text);
      text = text.trimmed();
      const std::size_t end = std::min(text.chars().find_first_of(" \t\n"), text.size());
      const std::string name = lower(text.sub(0, end).chars());
      const Text rest = text.sub(end, text.size()).trimmed();
      if (name == "from") { // --platform=... PARENT as STAGE
        auto words = words_of(rest);
        std::erase_if(words, [](const Word& word) { return word.chars().starts_with("--"); });
        stages[stage] = std::move(m_variables);
        const auto parent =
            words.empty() ? stages.end() : stages.find(lower(words.front().chars()));
        m_variables = parent != stages.end() ? parent->second : start;
        m_reading.spend(cost_of(m_variables));
        stage = words.size() > 2 ? lower(words[2].chars()) : "";
      } else if (name == "env" || name == "arg") {
        set(words_of(rest));
      } else if (is_any(name, {"run", "cmd", "entrypoint", "healthcheck"})) {
        read_command_of(rest);
      }
    }
  }

private:
  /// The bodies of the here-documents that an instruction names.
  void append_documents(Text& out) {
    const std::string head = out.chars();
    for (auto at = head.find("<<"); at != std::string::npos; at = head.find("<<", at)) {
      const bool here_string = head[at + 2] == '<';
      at = std::min(head.find_first_not_of("<-\"'", at), head.size());
      const std::size_t begin = at;
      while (at < head.size() && is_name_char(head[at])) {
        ++at;
      }
      const std::string_view name = std::string_view(head).substr(begin, at - begin);
      for (bool inside = !here_string && is_name(name); inside && has_more(); ++m_line) {
        inside = trim(peek()) != name;
        out.append(m_text.sub(m_lines[m_line].begin, m_lines[m_line].next));
      }
    }
  }

  void set(const std::vector<Word>& words) {
    if (words.size() > 1 && words[0].equals == 0) {
      m_variables[words[0].chars()] = {words[1].text, {}, true, {}};
    }
    for (const Word& word : words) {
      if (word.equals != 0) {
        set_exported(m_variables, word);
      }
    }
  }

  void read_command_of(const Text& text) {
    std::size_t begin = 0;
    while (text.starts(begin, "--") || text.starts(begin, "CMD ")) { // --mount=..., --interval=...
      begin = std::min(text.chars().find_first_of(" \t\n", begin), text.size());
      while (is_blank(text[begin]) || text[begin] == '\n' || text.starts(begin, "\\\n")) {
        ++begin;
      }
    }
    const Text rest = text.sub(begin, text.size());
    if (rest.starts(0, "[") && read_word_list(rest, m_variables, m_reading, m_depth)) {
      return;
    }
    Text script;
    if (rest.starts(0, "<<")) { // the document itself is the script
      script = Text("sh ", rest.begin_of(0));
    }
    script.append(rest);
    m_reading.spend(cost_of(m_variables));
    read_script(script, m_variables);
  }
};

} // namespace

void read_dockerfile(const Text& text, const Variables& variables, Reading& reading, int depth) {
  DockerReader(text, variables, reading, depth).read();
}

} // namespace snapfix::lint
