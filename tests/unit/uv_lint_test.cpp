#include "lint/kind.hpp"
#include "lint/lint.hpp"
#include "lint/shell.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace snapfix;

namespace {

std::vector<lint::Finding> findings_in(const std::string& path, const std::string& text) {
  lint::WorkTrees trees;
  // In a folder that is not there, so that nothing of the tests' own work tree counts.
  return lint::lint_text("/none/" + path, text, lint::AssumeLocked::no, trees);
}

/// The commands that are found in a shell script, with `;` between them.
std::string found(const std::string& script) {
  std::string out;
  for (const auto& finding : findings_in("a.sh", script)) {
    out += (out.empty() ? "" : ";") + finding.command;
  }
  return out;
}

std::string fixed(const std::string& path, const std::string& text) {
  return lint::fixed_text(text, findings_in(path, text));
}

std::string words(const std::string& text) {
  std::string out;
  for (const auto& word : lint::words_of(lint::Text(text))) {
    out += (out.empty() ? "" : "|") + word.chars();
  }
  return out;
}

/// What reading the script takes, as Reading counts it.
std::size_t steps(const std::string& script) {
  lint::Reading reading;
  lint::Variables variables;
  constexpr std::size_t k_most = 10'000'000; // so that a fault ends as well
  reading.left = k_most;
  lint::read_shell(lint::Text(script), variables, reading);
  return k_most - reading.left;
}

/// Variables each of which is used three times in the value of the one before.
std::string variables_in_variables(char last) {
  std::string out;
  for (char name = 'A'; name < last; ++name) {
    const std::string use = std::string("; r $") + static_cast<char>(name + 1);
    out += std::string(1, name) + "='cd uv" + use + use + use + "'\n";
  }
  return out + last + "='cd; uv run x'\nr $A\n";
}

/// A script in a substitution in a script in a substitution ...
std::string substitutions_in_substitutions(int depth) {
  return depth == 0 ? "uv run x"
                    : "cd \"cd uv; $(" + substitutions_in_substitutions(depth - 1) + ")\"";
}

} // namespace

BOOST_AUTO_TEST_SUITE(uv_lint)

BOOST_AUTO_TEST_CASE(words_are_read_as_a_shell_reads_them) {
  BOOST_TEST(words("a  b\tc") == "a|b|c");
  BOOST_TEST(words("'a b' \"c d\" e\\ f") == "a b|c d|e f");
  BOOST_TEST(words("a\"b\"'c'") == "abc");
  BOOST_TEST(words("a \\\n b") == "a|b");
  BOOST_TEST(words("\"a \\\" b\" '\\'") == "a \" b|\\");
  BOOST_TEST(words("$(a b) `c d` ${e:-f g}") == "$(a b)|`c d`|${e:-f g}");
  BOOST_TEST(words("${{ a.b }} {{ c }}") == "${{ a.b }}|{{ c }}");
  BOOST_TEST(words("$'a\\'b'") == "a'b");
}

BOOST_AUTO_TEST_CASE(commands_are_told_from_arguments) {
  BOOST_TEST(found("uv run a; uv sync && uv tree || uv export | uv audit &") ==
             "uv run a;uv sync;uv tree;uv export;uv audit");
  BOOST_TEST(found("echo uv run a") == "");
  BOOST_TEST(found("x=1 y=\"2 3\" uv run a") == "uv run a");
  BOOST_TEST(found("! { uv run a; }") == "uv run a");
  BOOST_TEST(found("while uv run a; do uv run b; done") == "uv run a;uv run b");
  BOOST_TEST(found("[[ -n uv && run ]] || uv run a") == "uv run a");
  BOOST_TEST(found("(( x < 2 )) && uv run a") == "uv run a");
  BOOST_TEST(found("case x in (a|b) uv run a ;; *) uv run b ;& esac; uv run c") ==
             "uv run a;uv run b;uv run c");
  BOOST_TEST(found("f () { uv run a; }; function g { uv run b; }") == "uv run a;uv run b");
  BOOST_TEST(found("diff <(uv run a) <(uv run b)") == "uv run a;uv run b");
  BOOST_TEST(found("uv run a > f 2>&1 < g") == "uv run a");
  BOOST_TEST(found("/usr/bin/uv run a") == "/usr/bin/uv run a");
  BOOST_TEST(found("echo \"a $(uv run a) b\"") == "uv run a");
  BOOST_TEST(found("echo 'a $(uv run a) b'") == "");
  BOOST_TEST(found("a=$(x \"$(uv run a)\")") == "uv run a");
}

BOOST_AUTO_TEST_CASE(flags_belong_to_uv_up_to_the_command_that_it_runs) {
  BOOST_TEST(found("uv run --locked a") == "");
  BOOST_TEST(found("uv run --extra a --frozen b") == "");
  BOOST_TEST(found("uv run a --locked") == "uv run a --locked");
  BOOST_TEST(found("uv run -- a --locked") == "uv run -- a --locked");
  BOOST_TEST(found("uv run --with --locked a") == "uv run --with --locked a");
  BOOST_TEST(found("uv run -p 3.12 -m a --frozen") == "uv run -p 3.12 -m a --frozen");
  BOOST_TEST(found("uv sync --all-extras --locked") == "");
  BOOST_TEST(found("uv run $UV_FLAGS --locked a") == "");
  BOOST_TEST(found("UV_FLAGS=--locked; uv run $UV_FLAGS a") == "");
}

BOOST_AUTO_TEST_CASE(variables_cover_what_they_reach) {
  BOOST_TEST(found("UV_FROZEN=1; uv run a") == "uv run a"); // not exported
  BOOST_TEST(found("UV_FROZEN=1; export UV_FROZEN; uv run a") == "");
  BOOST_TEST(found("export UV_LOCKED=false; uv run a") == "uv run a");
  BOOST_TEST(found("export UV_NO_SYNC=1; uv run a; uv sync") == "uv sync");
  BOOST_TEST(found("x=$(export UV_FROZEN=1; uv sync); uv run a") == "uv run a");
}

BOOST_AUTO_TEST_CASE(here_documents_are_scripts_only_where_something_runs_them) {
  BOOST_TEST(found("cat <<EOF\nuv run a\nEOF\n") == "");
  BOOST_TEST(found("bash <<'EOF'\nuv run a\nEOF\nuv run b") == "uv run a;uv run b");
  BOOST_TEST(found("cat <<-EOF > a.sh\n\tuv run a\n\tEOF\n") == "uv run a");
  BOOST_TEST(found("python3 - <<EOF\nimport os\nos.system('uv sync')\nEOF\n") == "uv sync");
}

BOOST_AUTO_TEST_CASE(a_fix_stands_right_behind_the_subcommand) {
  BOOST_TEST(fixed("a.sh", "uv -q run  a\r\n") == "uv -q run --locked  a\r\n");
  BOOST_TEST(fixed("a.sh", "uv \"run\" a") == "uv \"run\" --locked a");
  BOOST_TEST(fixed("a.sh", "bash -c \"uv run a\"") == "bash -c \"uv run --locked a\"");
  BOOST_TEST(fixed("a.sh", "R='uv run'; $R a; $R b") == "R='uv run --locked'; $R a; $R b");
  BOOST_TEST(fixed("a.py", "run(['uv', 'run', x])") == "run(['uv', 'run', '--locked', x])");
  BOOST_TEST(fixed("a.yml", "run: >\n  uv\n  sync\n") == "run: >\n  uv\n  sync --locked\n");
}

/// Of files that take hours where the time grows with the square, or end the process where a
/// function calls itself as often as the text says. The test's time limit is the judge.
BOOST_AUTO_TEST_CASE(large_files_take_little_time) {
  struct Large {
    const char* path;
    std::string head;
    std::string piece;
  };
  const std::vector<Large> texts{
      {"a.sh", "", "uv run "},
      {"a.sh", "uv x\n", "sudo "},
      {"a.sh", "uv x\n", "env -S a "},
      {"a.sh", "uv x\n", "a=("},
      {"a.sh", "uv x\n", "$(("},
      {"a.sh", "uv x\n", "( "},
      {"a.sh", "uv x\n", "case x in a) "},
      {"a.sh", "uv x\n", "cat <<A\n$("},
      {"a.sh", "uv x\n", "cat <<A | "},
      {"a.sh", "uv x\n", "cd a;"},
      {"a.sh", "uv x\n", "cd a; { "},
      {"a.sh", "uv x\n", "`"},
      {"a.sh", "", "uv run a/b.py;"},
      {"a.sh", "uv run a \\\n", " uv run \\\n"},
      {"a.sh", "uv run a; #", " "},
      {"a.sh", "", "uv run;"},
      {"a.sh", "export a=uv\n", "a+=x\n"},
      {"a.sh", "X='uv run a uv run b uv run c'\n", "r $X\n"},
      {"a.yml", "name:\n", "- uv\n"},
      {"a.yml", "a: uv\n", "- "},
      {"a.yml", "", "command: uv\n"},
      {"a.yml", "a: ", "\"uv\" "},
      {"a.py", "x = [", "\"uv\","},
      {"a.py", "\"uv\"", "("},
      {"a.py", "f(", "command='uv',"},
      {"justfile", "a:\n  uv ", "{{"},
      {"Makefile", "a:\n", "\tuv run \\\n"},
      {"Makefile", "a:\n\tuv ", "$(shell "},
      {"Dockerfile", "RUN uv\nRUN ", "--a "},
      {"Dockerfile", "RUN uv\n", "ONBUILD "},
      {"Dockerfile", "RUN uv <<", "A"},
  };
  constexpr std::size_t k_size = 100'000;
  for (const Large& large : texts) {
    std::string text = large.head;
    while (text.size() < k_size) {
      text += large.piece;
    }
    const auto findings = findings_in(large.path, text);
    BOOST_TEST(lint::fixed_text(text, findings).size() >= text.size());
  }
}

BOOST_AUTO_TEST_CASE(what_would_never_end_is_said) {
  std::string script;
  for (char name = 'B'; name < 'H'; ++name) { // each of them 100 times in the one before
    script += std::string(1, static_cast<char>(name - 1)) + "='cd uv";
    for (int i = 0; i < 100; ++i) {
      script += std::string("; r $") + name;
    }
    script += "'\n";
  }
  const auto findings = findings_in("a.sh", script + "G='cd; uv run x'\nr $A\n");
  BOOST_REQUIRE(!findings.empty());
  BOOST_TEST(findings[0].message.find("too intricate") != std::string::npos);
  BOOST_TEST(found("a=(x \"$a\")\nuv run y; foo $a") == "uv run y");
}

BOOST_AUTO_TEST_CASE(no_text_is_read_again_and_again) {
  BOOST_TEST(found(variables_in_variables('G')) == "uv run x");
  BOOST_TEST(steps(variables_in_variables('G')) < 3 * steps(variables_in_variables('D')));
  BOOST_TEST(found(substitutions_in_substitutions(16)) == "uv run x");
  BOOST_TEST(steps(substitutions_in_substitutions(16)) <
             8 * steps(substitutions_in_substitutions(8)));
  // Found by the fuzz target: a variable whose value uses it, with other variables set.
  const std::string uses = "if x; then UV_FROZEN=1 $A y; fi\n";
  const std::string itself =
      "export A='uv run&; " + uses + uses + uses + "case x in a) uv sync ;; esac'\n$A\n";
  BOOST_TEST(!found(itself).empty());
  BOOST_TEST(steps(itself) < 50 * itself.size());
}

BOOST_AUTO_TEST_CASE(a_case_closes_no_more_than_it_has) {
  BOOST_TEST(found("case x in a) true; fi; uv run a") == "uv run a");
  BOOST_TEST(found("if x; then case x in a) fi; fi; done;; esac; uv run a; fi") == "uv run a");
  BOOST_TEST(found("case x in a) export UV_FROZEN=1; fi;; esac; uv run a") == "uv run a");
}

BOOST_AUTO_TEST_CASE(a_kind_is_told_by_name_and_first_line) {
  BOOST_TEST((lint::kind_of_name("Dockerfile.gpu") == lint::Kind::docker));
  BOOST_TEST((lint::kind_of_name("GNUmakefile") == lint::Kind::make));
  BOOST_TEST((lint::kind_of_name("a.sh.txt") == lint::Kind::none));
  BOOST_TEST((lint::kind_of_shebang("#!/usr/bin/env -S bash -e\n") == lint::Kind::shell));
  BOOST_TEST((lint::kind_of_shebang("#!/usr/bin/env python3\n") == lint::Kind::python));
  BOOST_TEST((lint::kind_of_shebang("no shebang") == lint::Kind::none));
}

BOOST_AUTO_TEST_SUITE_END()
