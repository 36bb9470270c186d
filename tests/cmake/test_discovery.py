"""Each case of a test program in a snapshot of its own, with the real frameworks where they are installed."""

import contextlib
import os
import pathlib
import shutil
import signal
import unittest.mock

import harness
import nested

NOTE = """
#include <cstdlib>
#include <fstream>
#include <unistd.h>
inline void note(const char *what) {
  std::ofstream(std::getenv("NOTES"), std::ios::app) << what << "\\t" << std::getenv("SNAPSHOT_NAME") << "\\n";
  std::ofstream("made") << what;
}
"""
GTEST = """
#include "note.hpp"
#include <gtest/gtest.h>
TEST(Plain, passes) { note("Plain.passes"); }
TEST(Plain, fails) { note("Plain.fails"); FAIL(); }
TEST(Plain, skips) { note("Plain.skips"); GTEST_SKIP() << "no reason"; }
TEST(Plain, DISABLED_not_now) { note("Plain.DISABLED_not_now"); }
class Param : public testing::TestWithParam<const char *> {};
TEST_P(Param, takes) { note(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Some, Param, testing::Values("one # two", "a;b[\\n", "\\"q\\""));
template<typename T> class Typed : public testing::Test {};
TYPED_TEST_SUITE(Typed, testing::Types<int>);
TYPED_TEST(Typed, works) { note("Typed/0.works"); }
struct Leaks : testing::Environment { void TearDown() override { if (std::getenv("LEAKS")) ADD_FAILURE() << "left over"; } };
static auto *const leaks = testing::AddGlobalTestEnvironment(new Leaks);
"""
# Of Catch2 and doctest, whose cases have names of any kind.
NAMES = [
    "plain", "with space", "semi;colon", "a[b]c", "[", "]", "]]", r'quote\"d\"', r'\"all\"', r"back\\slash", "comma, too", "käse 日本",
    "~tilde", "-dash", "#hash", "$dollar ${HOME} @X@", "$<CONFIG>", "percent %5B", "a::b/c", "(x)", "]=] [==[", "fails",
]  # fmt: skip
MAIN = {
    "CATCH2": '#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n',
    "DOCTEST": "#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN\n#include <doctest/doctest.h>\n",
}


def unescape(name):
    return name.replace('\\"', '"').replace("\\\\", "\\")


def need(header):
    if not any(os.path.exists(f"{folder}/{header}") for folder in ("/usr/include", "/usr/local/include")):
        harness.skip(f"{header} is not installed")


def program(framework):
    """The text of a program with a case of each of NAMES."""
    cases = "".join(f'TEST_CASE("{name}") {{ note("{name}"); CHECK({"1 == 2" if name == "fails" else "true"}); }}\n' for name in NAMES)
    return f'#include "note.hpp"\n{MAIN[framework]}{cases}'


def project(tmp, lists, files, **more):
    notes = tmp / "notes"
    head = f"set(notes {nested.quote('NOTES=' + str(notes))})\n"
    made = nested.Project(tmp, head + lists, {"note.hpp": NOTE, **files}, **more)
    made.notes = notes
    return made


def noted(made):
    return sorted(line.split("\t")[0] for line in nested.journal_lines(made.notes))


def cases(tests):
    return {name: test for name, test in tests.items() if not name.startswith("snapshots.")}


def test_gtest(tmp):
    need("gtest/gtest.h")
    made = project(
        tmp,
        """
        find_package(GTest REQUIRED)
        set(CMAKE_CXX_STANDARD 14)
        add_executable(t t.cpp)
        target_link_libraries(t GTest::gtest_main)
        snapshot_discover_tests(NAME unit FRAMEWORK GTEST COMMAND t --gtest_color=no LABELS nightly
          PROPERTIES ENVIRONMENT "${notes}" TIMEOUT 77)
        snapshot_discover_tests(NAME leaks FRAMEWORK gtest COMMAND t TEST_PREFIX leaks. DISCOVERY_ARGS --gtest_filter=Plain.skips LABELS nightly
          PROPERTIES ENVIRONMENT "${notes};LEAKS=1" TIMEOUT 77)
        """,
        {"t.cpp": GTEST},
        languages="CXX",
    ).configured()
    before = cases(made.tests())
    assert set(before) == {"unit.NOT_DISCOVERED", "leaks.NOT_DISCOVERED"}, before  # not built yet
    said = made.results("-L", "nightly", expect=8)["unit.NOT_DISCOVERED"].output
    assert f"The tests of 'unit' cannot be listed: {made.build}/t is not there.\nTo mend it: build it." in said, said
    made.make()
    tests = made.tests()
    names = {"Plain.passes", "Plain.fails", "Plain.skips", "Plain.DISABLED_not_now", "Typed/0.works"} | {f"Some/Param.takes/{i}" for i in range(3)}
    assert set(cases(tests)) == names | {"leaks.Plain.skips"}, tests.keys()
    for test in cases(tests).values():
        assert test.labels == ["nightly"] and test.timeout == 77 and nested.freezes(tests)[0] in test.fixtures_required, test.properties
    assert made.tests("-L", "nightly").keys() == tests.keys()
    outcomes = made.results("-j2", expect=8)
    assert {n for n, o in outcomes.items() if o.status == "failed"} == {"Plain.fails", "leaks.Plain.skips"}, outcomes
    assert "left over" in outcomes["leaks.Plain.skips"].output
    assert outcomes["Plain.skips"].status == outcomes["Plain.DISABLED_not_now"].status == "notrun"
    assert {"Plain.passes\tPlain.passes", "one # two\tSome/Param.takes/0", '"q"\tSome/Param.takes/2'} <= set(nested.journal_lines(made.notes))
    assert made.folders() == {"Plain.fails", "leaks.Plain.skips"}  # the others went: a skipped one as well
    assert not (made.source / "made").exists()


def odd_names(tmp, framework, header):
    need(header)
    made = project(
        tmp,
        f"""
        set(CMAKE_CXX_STANDARD 14)
        add_executable(t t.cpp)
        snapshot_discover_tests(NAME "odd group" FRAMEWORK {framework} COMMAND t TEST_PREFIX "p; " PROPERTIES ENVIRONMENT "${{notes}}")
        """,
        {"t.cpp": program(framework)},
        languages="CXX",
    ).configured()
    made.make()
    expected = {"p; " + unescape(name) for name in NAMES}
    tests = cases(made.tests())
    assert set(tests) == expected, (set(tests) - expected, expected - set(tests))
    outcomes = cases(made.results("-j2", expect=8))
    failed = {name for name, outcome in outcomes.items() if outcome.status != "passed"}
    assert failed == {"p; fails"}, {name: outcomes[name] for name in failed}
    # Each case ran, and alone.
    lines = nested.journal_lines(made.notes)
    assert sorted(lines) == sorted(f"{unescape(name)}\tp; {unescape(name)}" for name in NAMES), lines


def test_catch2_names(tmp):
    odd_names(tmp, "CATCH2", "catch2/catch.hpp")


def test_doctest_names(tmp):
    odd_names(tmp, "DOCTEST", "doctest/doctest.h")


# Names in which something could be replaced, or that are taken for a pattern. `cases.cpp` stands for the source's path.
WORDS = [("__FILE__", "@CASES@"), (r'"in C:\\\\x"', r"in C:\\x"), (r'"b\\,c"', r"b\,c"), ('"expands @SNAPSHOT_DIR@"', "expands @SNAPSHOT_DIR@")]


def test_doctest_cases_run_by_names_of_any_kind(tmp):
    """What fails is to fail: a case that is not found would pass."""
    need("doctest/doctest.h")
    made = project(
        tmp,
        f"""
        set(CMAKE_CXX_STANDARD 14)
        add_executable(t ${{CMAKE_SOURCE_DIR}}/cases.cpp)
        snapshot_discover_tests(NAME u FRAMEWORK DOCTEST COMMAND t)
        snapshot_discover_tests(NAME again FRAMEWORK DOCTEST TEST_PREFIX "again " COMMAND t LAUNCHER env)
        add_executable(lines lines.cpp)
        snapshot_discover_tests(NAME l FRAMEWORK DOCTEST COMMAND lines)
        add_executable(nameless nameless.cpp)
        snapshot_discover_tests(NAME n FRAMEWORK DOCTEST COMMAND nameless)
        """,
        {
            "cases.cpp": MAIN["DOCTEST"] + "".join(f"TEST_CASE({written}) {{ CHECK(false); }}\n" for written, _ in WORDS),
            "lines.cpp": MAIN["DOCTEST"] + 'TEST_CASE("two\\nlines") { CHECK(false); }\n',
            "nameless.cpp": MAIN["DOCTEST"] + 'TEST_CASE("") { CHECK(false); }\n',
        },
        languages="CXX",
    ).configured()
    made.make()
    names = {name.replace("@CASES@", str(made.source / "cases.cpp")) for _, name in WORDS}
    outcomes = cases(made.results("-j2", expect=8))
    assert set(outcomes) == names | {f"again {name}" for name in names} | {"l.NOT_DISCOVERED", "n.NOT_DISCOVERED"}, outcomes
    assert {outcome.status for outcome in outcomes.values()} == {"failed"}, outcomes
    for name in names:
        assert "test cases: 1 | 0 passed | 1 failed" in outcomes[name].output, outcomes[name]
    assert "there are 1, whose names are 2 lines" in outcomes["l.NOT_DISCOVERED"].output
    assert "one has no name" in outcomes["n.NOT_DISCOVERED"].output


# A program that lists a case that it does not know when it is to run it, as the framework says it.
NOTHING = {
    "GTEST": ("S.\n  a", "[==========] 0 tests from 0 test suites ran. (0 ms total)\n[  PASSED  ] 0 tests."),
    "DOCTEST": (f"[doctest] listing all test case names\n{'=' * 79}\na\n{'=' * 79}\n[doctest] unskipped test cases passing the current filters: 1",
                "[doctest] test cases: 0 | 0 passed | 0 failed | 1 skipped"),
    "CATCH2": ("a", "No test cases matched 'a'"),
}  # fmt: skip


def test_a_case_that_runs_nothing_fails(tmp):
    lists, files = "", {}
    for framework, (listed, said) in NOTHING.items():
        lists += f"snapshot_discover_tests(NAME {framework} FRAMEWORK {framework} TEST_PREFIX {framework}. COMMAND ${{CMAKE_SOURCE_DIR}}/{framework})\n"
        # It leaves a process that has its output open.
        files[framework] = f"""#!/bin/sh
case "$1" in
  --libidentify) printf 'framework: Catch2\nversion: 2.13.10\n' ;;
  --list-test-names-only) echo a; exit 1 ;;
  --*list*) sleep 100 & echo $! >{tmp}/sleeps.{framework}; cat <<'END'
{listed}
END
  ;;
  *) cat <<'END'
{said}
END
esac
"""
    made = nested.Project(tmp, lists, files)
    for framework in NOTHING:
        (made.source / framework).chmod(0o755)
    made.configure()
    try:
        outcomes = cases(made.results(expect=8))
    finally:
        for framework in ("GTEST", "DOCTEST"):
            with contextlib.suppress(OSError, ValueError):
                os.kill(int((tmp / f"sleeps.{framework}").read_text()), signal.SIGTERM)
    assert {name: o.status for name, o in outcomes.items()} == {"GTEST.S.a": "failed", "DOCTEST.a": "failed", "CATCH2.a": "failed"}, outcomes


# What the third version says, which Debian does not have: its options, names and exit codes.
CATCH3 = """#!/usr/bin/env python3
import sys
words = sys.argv[1:]
if words == ["--libidentify"]:
    print("description:    A Catch2 test executable\\ncategory:       testframework\\nframework:      Catch2\\nversion:        @VERSION@")
elif words == ["--list-tests", "--verbosity", "quiet", "[fast]"]:
    print("passes\\nis skipped\\nfails")
elif words[0].startswith("--"):
    sys.exit("Unrecognised token: " + words[0])
elif words == ['"is skipped"']:
    print("test cases: 1 | 1 skipped\\nassertions: - none -")
    sys.exit(4)
else:
    sys.exit(42 if words == ['"fails"'] else 0)
"""


def test_catch2_of_the_third_version(tmp):
    for version, kept in (("3.5.0", {"fails", "is_skipped~"}), ("3.8.1", {"fails"})):
        made = nested.Project(
            tmp / version,
            "snapshot_discover_tests(NAME c FRAMEWORK CATCH2 COMMAND ${CMAKE_SOURCE_DIR}/c DISCOVERY_ARGS [fast])",
            {"c": CATCH3.replace("@VERSION@", version)},
        )
        (made.source / "c").chmod(0o755)
        made.configure()
        outcomes = cases(made.results(expect=8))
        assert {n: o.status for n, o in outcomes.items()} == {"passes": "passed", "is skipped": "notrun", "fails": "failed"}, outcomes
        assert {name.split("~")[0] + ("~" if "~" in name else "") for name in made.folders()} == kept, made.folders()


PYTESTS = {
    "tests/test_a.py": """
import os, pathlib, pytest
import values
@pytest.mark.parametrize("x", values.VALUES)
def test_x(x): pathlib.Path("made").write_text("x")
class TestC:
    def test_m(self): assert os.getcwd() == os.environ["SNAPSHOT_DIR"] + "/sub"
def test_fails(): assert 0
@pytest.mark.skip(reason="no")
def test_skips(): pass
""",
    "tests/values.py": 'VALUES = ["a b", "semi;colon", "[x]", "]]", "q\\"", "$x @y@ ${z}", "ü"]\n',
    "sub/keep": "",
    "pytest.ini": "[pytest]\naddopts = -q\n",
}


def python_with_pytest():
    python = shutil.which("python3")
    if harness.run([python, "-m", "pytest", "--version"], expect=None).code != 0:
        harness.skip("pytest is not installed")
    return python


def test_pytest(tmp):
    python = python_with_pytest()
    made = nested.Project(
        tmp,
        f"""
        snapshot_discover_tests(NAME py FRAMEWORK PYTEST COMMAND {python} -m pytest DISCOVERY_ARGS ../tests WORKING_DIRECTORY sub
          PROPERTIES ENVIRONMENT "PYTHONPATH=@SNAPSHOT_DIR@/tests")
        """,
        PYTESTS,
    ).configured()
    ids = ["a b", "semi;colon", "[x]", "]]", 'q"', "$x @y@ ${z}", "\\xfc"]
    names = {f"tests/test_a.py::test_x[{word}]" for word in ids} | {f"tests/test_a.py::{n}" for n in ("TestC::test_m", "test_fails", "test_skips")}
    before = harness.tree_state(made.source)
    assert set(cases(made.tests())) == names, set(cases(made.tests())) ^ names
    harness.assert_same_state(before, harness.tree_state(made.source))
    outcomes = cases(made.results("-j2", expect=8))
    assert {n.split("::")[-1] for n, o in outcomes.items() if o.status == "failed"} == {"test_fails"}, outcomes
    assert outcomes["tests/test_a.py::test_skips"].status == "notrun"
    # It is listed again where a file that was imported changed, or a new one came, and only then.
    listed = next(made.build.glob("snapshot_tests/*.tests.cmake"))
    last = listed.stat().st_mtime_ns
    made.tests()
    assert listed.stat().st_mtime_ns == last
    (made.source / "tests" / "values.py").write_text("VALUES = [1]\n")
    assert sum("test_x" in name for name in made.tests()) == 1
    (made.source / "tests" / "test_b.py").write_text("def test_new(): pass\n")
    assert "tests/test_b.py::test_new" in made.tests()
    (made.source / "tests" / "test_b.py").write_text("import nothing_of_that_name\n")
    before = harness.tree_state(made.source)
    assert set(cases(made.tests())) == {"py.NOT_DISCOVERED"}
    harness.assert_same_state(before, harness.tree_state(made.source))
    assert "nothing_of_that_name" in made.results("-R", "NOT_DISC", expect=8)["py.NOT_DISCOVERED"].output
    (made.source / "tests" / "test_b.py").unlink()
    assert "tests/test_a.py::TestC::test_m" in made.tests()


PYTEST_SKIPS = """
import os, pytest, warnings
def test_fails(): print("\\n1 skipped in 0.01s"); assert 0
def test_passes(capsys):
    with capsys.disabled(): print("\\n1 skipped in 0.01s")
def test_skips():
    warnings.warn("a warning more in the last line")
    pytest.skip("no")
def test_is_expected_to_fail(): pytest.xfail("known")
def test_environment():
    assert "PYTEST_PLUGINS" not in os.environ and os.environ["PYTHONPATH"] == "one"
@pytest.fixture
def broken():
    yield
    assert 0
def test_skips_and_fails(broken): pytest.skip("no")
"""


def test_pytest_skips(tmp):
    """Whatever the output says."""
    python = python_with_pytest()
    made = nested.Project(
        tmp,
        f"""
        snapshot_discover_tests(NAME s FRAMEWORK PYTEST COMMAND {python} -m pytest PROPERTIES ENVIRONMENT "FORCE_COLOR=1;PYTHONPATH=one")
        snapshot_discover_tests(NAME q FRAMEWORK PYTEST COMMAND {python} -m pytest -qq TEST_PREFIX q. PROPERTIES SKIP_RETURN_CODE 1
          ENVIRONMENT "PYTHONPATH=one")
        """,
        {"test_s.py": PYTEST_SKIPS},
    ).configured()
    found = {name.replace("test_s.py::test_", ""): outcome.status for name, outcome in cases(made.results("-j2", expect=8)).items()}
    # A code of the call takes the place of ours.
    plain = {"fails": "failed", "passes": "passed", "skips": "notrun", "is_expected_to_fail": "passed", "environment": "passed", "skips_and_fails": "failed"}
    own = {"q.fails": "notrun", "q.passes": "passed", "q.skips": "passed", "q.is_expected_to_fail": "passed"}
    own.update({"q.environment": "passed", "q.skips_and_fails": "notrun"})
    assert found == {**plain, **own}, found
    assert made.folders() == {n for n in made.folders() if n.startswith("test_s.py__test_") and "fails" in n}, made.folders()


def test_pytest_that_git_does_not_track(tmp):
    python = python_with_pytest()
    made = nested.Project(tmp, f"snapshot_discover_tests(NAME s FRAMEWORK PYTEST COMMAND {python} -m pytest)", {"test_a.py": "def test_a(): pass\n"})
    harness.run(["git", "init", "-q"], cwd=made.source)
    harness.run(["git", "add", "."], cwd=made.source)
    (made.source / "test_b.py").write_text("def test_b(): pass\n")
    made.configure()
    outcomes = cases(made.results(expect=8))
    assert outcomes["test_a.py::test_a"].status == "passed"
    assert "git does not track it" in outcomes["test_b.py::test_b"].output, outcomes


STAND_IN = """#!/bin/sh
# A gtest program with a launcher in front of it.
case "$1" in
  --gtest_list_tests) echo "$BY $PWD $MODE" >> "$LOG"; printf 'S.\\n  a\\n  b\\n' ;;
  *) echo "ran $*" ;;
esac
"""


def test_launcher_and_configurations(tmp):
    """With a multi-config generator: a list and a snapshot for each configuration; launchers are in front of the listing."""
    harness.require("ninja")
    made = nested.Project(
        tmp,
        f"""
        add_executable(t IMPORTED)
        set_target_properties(t PROPERTIES IMPORTED_LOCATION ${{CMAKE_SOURCE_DIR}}/t.sh TEST_LAUNCHER "env;BY=launcher;LOG={tmp}/log")
        snapshot_discover_tests(NAME u FRAMEWORK GTEST COMMAND t KEEP ALWAYS PROPERTIES ENVIRONMENT "MODE=$<CONFIG> @SNAPSHOT_DIR@")
        snapshot_discover_tests(NAME v FRAMEWORK GTEST COMMAND t TEST_PREFIX v. CONFIGURATIONS release PROPERTIES ENVIRONMENT MODE=v)
        """,
        {"t.sh": STAND_IN},
    )
    (made.source / "t.sh").chmod(0o755)
    made.configure(generator="Ninja Multi-Config")
    assert set(cases(made.tests("-C", "Debug"))) == {"S.a", "S.b"}
    assert set(cases(made.tests("-C", "Release"))) == {"S.a", "S.b", "v.S.a", "v.S.b"}
    log = (tmp / "log").read_text().splitlines()
    assert log == [f"launcher {made.source} {mode}" for mode in (f"Debug {made.source}", f"Release {made.source}", "v")], log
    outcomes = cases(made.results("-C", "Debug"))
    assert made.folders() == {"S.a@Debug", "S.b@Debug"} and "ran --gtest_filter=S.a" in outcomes["S.a"].output, outcomes


def test_cases_that_run_elsewhere(tmp):
    """LAUNCHER: each case is submitted, and does its work by the helper that lies in the root."""
    made = nested.Project(
        tmp,
        f"""
        snapshot_discover_tests(NAME u FRAMEWORK GTEST COMMAND ${{CMAKE_SOURCE_DIR}}/t.sh LAUNCHER env "ELSEWHERE=in a; job" TASKS 1 SETUP TEST
          PROPERTIES ENVIRONMENT LOG={tmp}/log)
        """,
        {"t.sh": STAND_IN.replace("ran $*", "ran $* $ELSEWHERE")},
    )
    (made.source / "t.sh").chmod(0o755)
    made.configure()
    outcomes = cases(made.results())
    assert "ran --gtest_filter=S.b in a; job" in outcomes["S.b"].output and set(outcomes) == {"S.a", "S.b"}, outcomes
    assert "job" not in (tmp / "log").read_text()  # the listing is done here


def test_names_that_are_taken(tmp):
    made = nested.Project(
        tmp,
        f"""
        add_snapshot_test(NAME v.S.b COMMAND true)
        snapshot_discover_tests(NAME u FRAMEWORK GTEST COMMAND ${{CMAKE_SOURCE_DIR}}/t.sh PROPERTIES ENVIRONMENT LOG={tmp}/log)
        snapshot_discover_tests(NAME v FRAMEWORK GTEST COMMAND ${{CMAKE_SOURCE_DIR}}/t.sh TEST_PREFIX v. PROPERTIES ENVIRONMENT LOG={tmp}/log)
        add_subdirectory(sub)
        """,
        {
            "t.sh": STAND_IN,
            "sub/CMakeLists.txt": f"""
        snapshot_discover_tests(NAME w FRAMEWORK GTEST COMMAND ${{CMAKE_SOURCE_DIR}}/t.sh PROPERTIES ENVIRONMENT LOG={tmp}/log)
        """,
        },
    )
    (made.source / "t.sh").chmod(0o755)
    made.configure()
    for _ in range(2):
        outcomes = cases(made.results(expect=8))
        failed = {name for name, outcome in outcomes.items() if outcome.status == "failed"}
        assert failed == {"v.NOT_DISCOVERED", "w.NOT_DISCOVERED"} and set(outcomes) - failed == {"S.a", "S.b", "v.S.a", "v.S.b"}, outcomes
        said = outcomes["v.NOT_DISCOVERED"].output
        assert "there is a test 'v.S.b' of add_snapshot_test(NAME v.S.b)" in said and "write another TEST_PREFIX" in said, said
        assert "of snapshot_discover_tests(NAME u)" in outcomes["w.NOT_DISCOVERED"].output, outcomes


def test_when_it_is_listed(tmp):
    """Again where the program is another, even an older one; once where it cannot be."""
    made = nested.Project(
        tmp, f"snapshot_discover_tests(NAME u FRAMEWORK GTEST COMMAND ${{CMAKE_SOURCE_DIR}}/t.sh PROPERTIES ENVIRONMENT LOG={tmp}/log)", {"t.sh": STAND_IN}
    )
    program = made.source / "t.sh"

    def put(text, time):
        program.write_text(text)
        program.chmod(0o755)
        os.utime(program, (time, time))

    put(STAND_IN, 2_000_000)
    made.configure()
    assert set(cases(made.tests())) == {"S.a", "S.b"}
    put(STAND_IN.replace("  b", "  c"), 1_000_000)
    assert set(cases(made.tests())) == {"S.a", "S.c"}
    # It knows nothing of the option, and runs everything.
    put("#!/bin/sh\necho ran >> $LOG\necho all is well\n", 1_500_000)
    log = tmp / "log"
    log.unlink()
    for _ in range(2):
        assert set(cases(made.tests())) == {"u.NOT_DISCOVERED"}
    said = made.results(expect=8)["u.NOT_DISCOVERED"].output
    assert log.read_text() == "ran\n"
    assert "there are none.\nIs it a program of GTEST" in said and "all is well" in said and "asked again when it is built anew" in said, said
    next(made.build.glob("snapshot_tests/*.tests.cmake")).unlink()
    made.tests()
    assert log.read_text() == "ran\nran\n"


def test_beside_the_frameworks_own(tmp):
    """What the guide says of gtest_discover_tests(): its tests share the snapshot of a fixture."""
    need("gtest/gtest.h")
    made = nested.Project(
        tmp,
        """
        find_package(GTest REQUIRED)
        include(GoogleTest)
        set(CMAKE_CXX_STANDARD 14)
        add_executable(t t.cpp)
        target_link_libraries(t GTest::gtest_main)
        add_snapshot_fixture(NAME tools DIR_VAR dir KEEP NEVER)
        foreach(mode IN ITEMS POST_BUILD PRE_TEST)
          gtest_discover_tests(t DISCOVERY_MODE ${mode} TEST_PREFIX ${mode}. TEST_LIST ${mode}_cases)
          file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${mode}_cases.cmake "if(${mode}_cases)
            set_tests_properties(\\${${mode}_cases} PROPERTIES WORKING_DIRECTORY [[${dir}]] FIXTURES_REQUIRED snapshot.tools)
          endif()")
          set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${mode}_cases.cmake)
        endforeach()
        """,
        {
            "t.cpp": '#include <gtest/gtest.h>\n#include <fstream>\nTEST(A, reads) { std::string s; std::ifstream("input") >> s; EXPECT_EQ(s, "text"); }\n',
            "input": "text\n",
        },
        languages="CXX",
    ).configured()
    made.make()
    for _ in range(2):
        outcomes = made.results()
        assert outcomes["POST_BUILD.A.reads"].status == outcomes["PRE_TEST.A.reads"].status == "passed", outcomes
        assert made.folders() == set()


def test_beside_discover_tests(tmp):
    """The same for what CMake 4.4 brings: it sets properties when it knows the cases."""
    with unittest.mock.patch.dict(os.environ, SNAPFIX_TEST_CMAKE="newest"):
        made = nested.Project(
            tmp,
            """
            add_snapshot_fixture(NAME tools DIR_VAR dir KEEP NEVER)
            discover_tests(COMMAND sh ${CMAKE_SOURCE_DIR}/t.sh DISCOVERY_ARGS --list DISCOVERY_MATCH "^case (.+)$" TEST_NAME [[\\1]] TEST_ARGS [[\\1]]
              TEST_PROPERTIES WORKING_DIRECTORY ${dir} FIXTURES_REQUIRED snapshot.tools)
            """,
            {"t.sh": 'case "$1" in --list) echo case a ;; *) cat input && pwd ;; esac\n', "input": "text\n"},
        ).configured()
        assert "text\n" + str(made.root) in made.results()["a"].output
        assert made.folders() == set()


def test_misuse(tmp):
    made = nested.Project(tmp, "")
    begin = "snapshot_discover_tests(NAME d COMMAND true "
    for lists, word in (
        (begin + ")", "there is no FRAMEWORK"),
        (begin + "FRAMEWORK JUNIT)", "one of GTEST, CATCH2, DOCTEST, PYTEST"),
        ("snapshot_discover_tests(NAME d FRAMEWORK GTEST)", "there is no COMMAND"),
        (begin + "FRAMEWORK GTEST SETUP FIXTURE)", "cases always have SETUP TEST"),
        (begin + "FRAMEWORK GTEST TASKS none)", "TASKS 'none' is no number of tasks"),
        ("snapshot_discover_tests(unit FRAMEWORK GTEST COMMAND true)", "write NAME unit"),
        (begin + "FRAMEWORK GTEST DISCOVERY_TIMEOUT soon)", "no number of seconds"),
        (begin + "FRAMEWORK GTEST PROPERTIES WORKING_DIRECTORY /)", "in front of PROPERTIES"),
        (begin + "FRAMEWORK GTEST PROPERTIES FIXTURES_SETUP x)", "cannot set FIXTURES_SETUP"),
    ):
        made.rewrite(lists + "\n")
        done = made.configure(expect=None)
        assert done.code != 0 and word in nested.plain_text(done), (lists, done)


if __name__ == "__main__":
    harness.main()
