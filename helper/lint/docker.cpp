#include "lint/kind.hpp"
#include "lint/shell.hpp"

#include <map>

namespace snapfix::lint {
namespace {

/// Reads a Dockerfile: RUN, CMD, ENTRYPOINT and HEALTHCHECK, with the ENV of their stage.
class DockerReader {
public:
  DockerReader(const Text& text, Variables variables, Reading& reading, int depth)
      : m_text(text), m_lines(lines_of(text.chars())), m_start(std::move(variables)),
        m_variables(m_start), m_reading(reading), m_depth(depth) {}

  void read() {
    while (m_line < m_lines.size() && m_reading.left != 0) {
      const Text instruction = next_instruction();
      if (!instruction.trimmed().empty()) {
        read_instruction(instruction.trimmed());
      }
    }
  }

private:
  std::string_view line(std::size_t i) const {
    return std::string_view(m_text.chars())
        .substr(m_lines[i].begin, m_lines[i].end - m_lines[i].begin);
  }

  /// A line with those that continue it, comments between them left out, and the bodies of its
  /// here-documents.
  Text next_instruction() {
    Text out;
    bool more = true;
    while (more && m_line < m_lines.size()) {
      const Line& at = m_lines[m_line];
      const std::string_view stripped = trim(line(m_line));
      more = stripped.ends_with('\\');
      if (stripped.starts_with('#') || (stripped.empty() && !out.empty())) {
        more = !out.empty();
      } else if (more) {
        // Blanks behind the backslash do not end the continuation here.
        const std::size_t slash = m_text.chars().rfind('\\', at.end - 1);
        out.append(m_text.sub(at.begin, slash + 1));
        out.push('\n', m_text.begin_of(at.end));
      } else {
        out.append(m_text.sub(at.begin, at.next));
      }
      ++m_line;
    }
    append_documents(out);
    return out;
  }

  void append_documents(Text& out) {
    const std::string head = out.chars();
    for (auto at = head.find("<<"); at != std::string::npos; at = head.find("<<", at)) {
      const bool here_string = head[at + 2] == '<';
      at += head[at + 2] == '-' ? 3 : 2;
      at += head[at] == '"' || head[at] == '\'' ? 1 : 0;
      const std::size_t begin = at;
      while (at < head.size() && is_name_char(head[at])) {
        ++at;
      }
      const std::string_view name = std::string_view(head).substr(begin, at - begin);
      at += here_string ? 1 : 0;
      bool inside = !here_string && is_name(name);
      while (inside && m_line < m_lines.size()) {
        inside = trim(line(m_line)) != name;
        out.append(m_text.sub(m_lines[m_line].begin, m_lines[m_line].next));
        ++m_line;
      }
    }
  }

  void read_instruction(const Text& text) {
    const std::size_t end = std::min(text.chars().find_first_of(" \t\n"), text.size());
    const std::string name = lower(text.sub(0, end).chars());
    const Text rest = text.sub(end, text.size());
    if (name == "from") {
      begin_stage(words_of(rest));
    } else if (name == "env" || name == "arg") {
      set(words_of(rest));
    } else if (name == "run" || name == "cmd" || name == "entrypoint" || name == "healthcheck") {
      read_command_of(rest);
    } else if (name == "onbuild" && lower(rest.trimmed().sub(0, name.size()).chars()) != name) {
      read_instruction(rest.trimmed());
    } else if (name == "copy" || name == "add") {
      read_copied(rest);
    }
  }

  void begin_stage(const std::vector<Word>& words) {
    std::size_t from = 0;
    while (from + 1 < words.size() && words[from].chars().starts_with("--")) {
      ++from;
    }
    m_stages[m_stage] = std::move(m_variables);
    m_stage.clear();
    for (std::size_t i = from; i + 1 < words.size(); ++i) {
      if (lower(words[i].chars()) == "as") {
        m_stage = lower(words[i + 1].chars());
      }
    }
    const auto parent = words.empty() ? m_stages.end() : m_stages.find(lower(words[from].chars()));
    m_variables = parent != m_stages.end() && !words.empty() ? parent->second : m_start;
    m_reading.spend(cost_of(m_variables));
  }

  void set(const std::vector<Word>& words) {
    if (words.size() > 1 && words[0].equals == 0) {
      m_variables[words[0].chars()] = {words[1].text, {}, true, {}};
      return;
    }
    for (const Word& word : words) {
      if (word.equals != 0) {
        m_variables[word.chars().substr(0, word.equals)] = {
            word.text.sub(word.equals + 1, word.text.size()), {}, true, {}};
      }
    }
  }

  void read_command_of(Text rest) {
    rest = rest.trimmed();
    std::size_t begin = 0;
    while (rest.starts(begin, "--")) { // --mount=..., --interval=...
      begin = std::min(rest.chars().find_first_of(" \t\n", begin), rest.size());
      while (is_blank(rest[begin]) || rest[begin] == '\n' || rest.starts(begin, "\\\n")) {
        ++begin;
      }
    }
    rest = rest.sub(begin, rest.size());
    if (rest.starts(0, "CMD ")) {
      rest = rest.sub(4, rest.size()).trimmed();
    }
    if (rest.starts(0, "[") && read_word_list(rest, m_variables, m_reading, m_depth)) {
      return;
    }
    Text script;
    if (rest.starts(0, "<<")) { // the document itself is the script
      script = Text("sh ", rest.begin_of(0));
    }
    script.append(rest);
    Variables inner = m_variables;
    read_shell(script, inner, m_reading, m_depth + 1);
  }

  /// `COPY <<EOF /run.sh`.
  void read_copied(const Text& rest) {
    const auto words = words_of(rest.sub(0, rest.chars().find('\n')));
    if (!contains(rest.chars(), "<<") || words.empty()) {
      return;
    }
    Text script("cat > " + words.back().chars() + " ", rest.begin_of(0));
    script.append(rest);
    Variables inner = m_variables;
    read_shell(script, inner, m_reading, m_depth + 1);
  }

  const Text& m_text;
  std::vector<Line> m_lines;
  Variables m_start;
  Variables m_variables;
  Reading& m_reading;
  int m_depth;
  std::size_t m_line = 0;
  std::string m_stage;
  std::map<std::string, Variables> m_stages;
};

} // namespace

void read_dockerfile(const Text& text, const Variables& variables, Reading& reading, int depth) {
  DockerReader(text, variables, reading, depth).read();
}

} // namespace snapfix::lint
