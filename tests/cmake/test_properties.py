"""Labels, configurations, DISABLED, WILL_FAIL and fixtures, and the tests that serve a test."""

import re

import harness
import nested


def freeze_of(tests, name):
    return tests[nested.maker(name)].fixtures_required[0]


def test_fixtures(tmp):
    tests = nested.Project(tmp, "add_snapshot_test(NAME t COMMAND sh)\n").configured().tests()
    (freeze,) = nested.freezes(tests)
    (finish,) = nested.finishes(tests)
    assert tests.keys() == {*nested.family("t"), freeze, finish}
    assert tests[finish].fixtures_cleanup == [freeze] and tests[finish].fixtures_required is None
    assert tests[freeze].fixtures_setup == [freeze] and tests[freeze].fixtures_required is None
    if nested.has_pairs():
        assert tests["t.snapshot_setup"].fixtures_setup == ["snapshot.t"]
        assert tests["t.snapshot_setup"].fixtures_required == [freeze]
        assert tests["t"].fixtures_required == ["snapshot.t", freeze]
        assert tests["t.snapshot_cleanup"].fixtures_cleanup == ["snapshot.t"]
        # S never exits with a skip code that ctest would take for success.
        assert tests["t.snapshot_setup"].skip_return_code is None
    else:
        assert tests["t"].fixtures_required == [freeze]


def test_setup(tmp):
    """One test, or three: as the call says, else as the variable does."""
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME one SETUP TEST COMMAND sh -c "test $PWD = $SNAPSHOT_DIR && ls")
        add_snapshot_test(NAME three SETUP FIXTURE COMMAND sh -c "test $PWD = $SNAPSHOT_DIR && ls")
        add_snapshot_test(NAME default COMMAND true)
    """,
    ).configured()
    outcomes = project.results("-R", "one|three")
    assert outcomes.keys() - set(nested.freezes(outcomes)) - set(nested.finishes(outcomes)) == {
        "one", "three", "three.snapshot_setup", "three.snapshot_cleanup"}, outcomes
    assert len(outcomes) == 6 and {o.status for o in outcomes.values()} == {"passed"}, outcomes
    assert project.folders() == set()
    tests = project.tests()
    assert tests.keys() - outcomes.keys() == nested.family("default")
    assert "--finish" in tests["one"].options() and "--finish" not in tests["three"].options()


def test_labels(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND sh LABELS nightly)
        add_snapshot_test(NAME b COMMAND sh)
        add_snapshot_test(NAME c COMMAND sh FILES UNTRACKED)
        set_tests_properties(b PROPERTIES LABELS "later;quick")
        set_property(TEST a APPEND PROPERTY LABELS more)
        add_subdirectory(sub)
    """,
        {"sub/CMakeLists.txt": """
        add_snapshot_test(NAME d COMMAND sh LABELS deep)
        set_directory_properties(PROPERTIES LABELS "of_folder")
    """},
    ).configured()
    tests = project.tests()
    for name, labels in (("a", ["nightly", "more"]), ("b", ["later", "quick"]), ("c", [])):
        for test in nested.family(name):
            assert sorted(tests[test].labels or []) == sorted(labels), (test, tests[test].labels)
    shared, own = freeze_of(tests, "a"), freeze_of(tests, "c")
    assert shared != own and nested.freezes(tests) == sorted([shared, own])
    # One of some tests would show up in the summaries of the others.
    assert tests[shared].labels is None and tests[own].labels is None
    (finish,) = nested.finishes(tests)
    assert tests[finish].labels is None

    def selected(name, freeze):
        return {*nested.family(name), freeze, finish}

    assert project.tests("-L", "nightly").keys() == selected("a", shared)
    assert project.tests("-R", "^b$").keys() == selected("b", shared)
    assert project.tests("-L", "of_folder").keys() == selected("d", shared)
    assert project.tests("-LE", "nightly").keys() == selected("b", shared) | selected("c", own) | selected("d", shared)
    assert not project.tests("-L", "nightly", "-LE", "more")


def test_labels_of_the_freeze(tmp):
    """Those of all its tests, whose directory's labels count: so no run's summary shows a foreign one."""
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND true LABELS nightly gpu)
        add_snapshot_test(NAME b COMMAND true LABELS gpu nightly more)
        add_snapshot_fixture(NAME f LABELS gpu nightly)
        add_subdirectory(sub)
    """,
        {"sub/CMakeLists.txt": """
        add_snapshot_test(NAME c COMMAND true LABELS gpu SOURCE_DIR ${CMAKE_SOURCE_DIR})
        set_directory_properties(PROPERTIES LABELS "nightly")
    """},
    ).configured()
    tests = project.tests()
    (freeze,), (finish,) = nested.freezes(tests), nested.finishes(tests)
    assert sorted(tests[freeze].labels) == ["gpu", "nightly"], tests[freeze].labels
    assert not project.tests("-LE", "nightly") and not project.tests("-LE", "gpu")
    assert set(project.tests("-LE", "more")) >= {freeze, "a", "c"}
    assert project.tests("-L", "more").keys() == {*nested.family("b"), freeze, finish}
    assert "more" not in project.ctest("-R", "^a$").out


def test_configurations(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND sh CONFIGURATIONS Debug Release)
        add_snapshot_test(NAME b COMMAND sh CONFIGURATIONS Release)
        add_snapshot_test(NAME c COMMAND sh FILES ALL)
    """,
    ).configured("-DCMAKE_BUILD_TYPE=Debug")
    for config, names, freezes in (("Debug", "ac", 2), ("Release", "abc", 2), ("Other", "c", 1)):
        tests = project.tests("-C", config)
        assert len(nested.freezes(tests)) == freezes and len(nested.finishes(tests)) == 1, tests
        assert tests.keys() - set(nested.freezes(tests)) - set(nested.finishes(tests)) == nested.family(*names), tests


def test_disabled(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND sh)
        add_snapshot_test(NAME b COMMAND sh PROPERTIES DISABLED TRUE)
        set_tests_properties(a PROPERTIES DISABLED TRUE)
    """,
    )
    tests = project.configured().tests()
    assert len(tests) == len(nested.family("a", "b")) + 2 and all(test.disabled for test in tests.values())
    assert {o.status for o in project.results().values()} == {"notrun"} and not project.root.exists()
    project.rewrite("""
        add_snapshot_test(NAME a COMMAND sh)
        add_snapshot_test(NAME b COMMAND sh PROPERTIES DISABLED TRUE)
    """)
    tests = project.configured().tests()
    assert {name for name, test in tests.items() if test.disabled} == nested.family("b")


def test_setup_timeout(tmp):
    tests = (
        nested.Project(
            tmp,
            """
        add_snapshot_test(NAME a COMMAND sh SETUP_TIMEOUT 100)
        add_snapshot_test(NAME b COMMAND sh SETUP_TIMEOUT 900)
        add_snapshot_test(NAME c COMMAND sh SETUP_TIMEOUT 100 FILES ALL)
        add_snapshot_test(NAME d COMMAND sh FILES ALL)
        add_snapshot_test(NAME e COMMAND sh SETUP_TIMEOUT 9000 FILES UNTRACKED)
        add_snapshot_test(NAME f COMMAND sh FILES UNTRACKED)
    """,
        )
        .configured()
        .tests()
    )

    assert not any(tests[name].timeout for name in "abcdef")
    if nested.has_pairs():
        assert [tests[f"{name}.snapshot_setup"].timeout for name in "abcdef"] == [100, 900, 100, None, 9000, None]
    # A test that asks for nothing shall not fail for another's small number, nor for ctest's own.
    assert [tests[freeze_of(tests, name)].timeout for name in "abcdef"] == [900, 900, None, None, 9000, 9000]
    (finish,) = nested.finishes(tests)
    assert tests[finish].timeout == 9000


def test_setup_timeout_of_the_run_s_end(tmp):
    """As that of the freezes: the longest asked for by any test of the root."""
    lists = "".join(
        f"set(SNAPSHOT_FIXTURES_ROOT {name})\n"
        + "".join(f"add_snapshot_test(NAME {name}{n} COMMAND sh {words})\n" for n, words in enumerate(calls))
        for name, calls in (
            ("short", ("SETUP_TIMEOUT 100", "SETUP_TIMEOUT 20 FILES ALL")),
            ("mixed", ("SETUP_TIMEOUT 100", "FILES ALL")),
            ("long", ("SETUP_TIMEOUT 100", "SETUP_TIMEOUT 9000 FILES ALL", "FILES UNTRACKED")),
        )
    )
    tests = nested.Project(tmp, lists).configured().tests()
    timeouts = {tests[name].option("--root"): tests[name].timeout for name in nested.finishes(tests)}
    assert timeouts == {f"{tmp}/build/short": 100, f"{tmp}/build/mixed": None, f"{tmp}/build/long": 9000}, timeouts


def test_replaced_fixtures_are_put_back(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND sh)
        add_snapshot_test(NAME b COMMAND sh PROPERTIES FIXTURES_REQUIRED mine)
        add_snapshot_test(NAME c COMMAND sh)
        set_property(TEST c APPEND PROPERTY FIXTURES_REQUIRED mine)
    """,
    )
    said = nested.plain_text(project.configure())
    assert "Warning" not in said, said
    expected = {name: test.fixtures_required for name, test in project.tests().items()}
    assert len(expected["b"]) == len(expected["c"]) == len(expected["a"]) + 1 and expected["a"], expected
    assert expected["b"][0] == "mine" and "mine" in expected["c"]

    project.rewrite("""
        add_snapshot_test(NAME a COMMAND sh)
        set_tests_properties(a PROPERTIES FIXTURES_REQUIRED other)
    """)
    said = nested.plain_text(project.configure())
    assert "FIXTURES_REQUIRED of the snapshot test 'a' was replaced" in said and "APPEND PROPERTY" in said, said
    assert set(project.tests()["a"].fixtures_required) == {"other", *expected["a"]}


def test_verdicts_reach_the_helper(tmp):
    """Whatever a project sets until its directory ends."""
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND sh)
        add_snapshot_test(NAME b COMMAND sh COMMAND_EXPAND_LISTS PROPERTIES WILL_FAIL FALSE SKIP_RETURN_CODE -1)
        add_snapshot_test(NAME "c d" COMMAND sh)
        add_snapshot_test(NAME e COMMAND sh PROPERTIES WILL_FAIL $<CONFIG:Debug> SKIP_RETURN_CODE 7)
        add_subdirectory(sub)
        set_tests_properties(a PROPERTIES WILL_FAIL TRUE SKIP_RETURN_CODE 77)
        set_tests_properties("c d" PROPERTIES SKIP_REGULAR_EXPRESSION "a;b")
    """,
        {"sub/CMakeLists.txt": 'add_snapshot_test(NAME deep COMMAND sh)\nset_tests_properties(deep PROPERTIES WILL_FAIL ON)\n'},
    )
    for config, of_e in (("Debug", {"will-fail", "skip=7"}), ("Release", {"skip=7"})):
        tests = project.configured(f"-DCMAKE_BUILD_TYPE={config}").tests()

        def verdict(name):
            (word,) = [word for word in tests[nested.finisher(name)].options() if word.startswith("--verdict=")]
            return set(word[len("--verdict=") :].split(",")) - {""}

        assert verdict("a") == {"will-fail", "skip=77"} and verdict("b") == set()
        assert verdict("c d") == {"by-output"} and verdict("deep") == {"will-fail"}
        assert verdict("e") == of_e


EXPRESSIONS = (
    # test, command, property, its value, whether it fails
    ("fail", "echo ERROR; exit 0", "FAIL_REGULAR_EXPRESSION", "ERROR", True),
    ("no_fail", "echo well; exit 0", "FAIL_REGULAR_EXPRESSION", "ERROR", False),
    ("miss", "echo nothing; exit 0", "PASS_REGULAR_EXPRESSION", "all well", True),
    ("pass", "echo all well; exit 3", "PASS_REGULAR_EXPRESSION", "other;all well", False),
    ("skip", "echo SKIP; exit 1", "SKIP_REGULAR_EXPRESSION", "SKIP", False),
)


def test_what_is_judged_by_output_is_kept(tmp):
    """Only ctest knows whether it failed: the exit code tells nothing, or the opposite."""
    lists = "".join(
        f'add_snapshot_test(NAME {name} COMMAND sh -c "{command}" PROPERTIES {key} "{value}")\n'
        f'add_snapshot_test(NAME {name}.later COMMAND sh -c "{command}")\n'
        f'set_tests_properties({name}.later PROPERTIES {key} "{value}")\n'
        for name, command, key, value, _ in EXPRESSIONS
    )
    lists += 'add_snapshot_test(NAME never COMMAND true KEEP NEVER PROPERTIES FAIL_REGULAR_EXPRESSION "x")\n'
    lists += "add_snapshot_test(NAME plain COMMAND true)\n"
    project = nested.Project(tmp, lists).configured()
    outcomes = project.results(expect=8)
    names = {name + end for name, *_ in EXPRESSIONS for end in ("", ".later")}
    failed = {name + end for name, *_, fails in EXPRESSIONS for end in ("", ".later") if fails}
    assert {name for name in names if outcomes[name].status == "failed"} == failed, outcomes
    assert project.folders() == names, (project.folders() ^ names, outcomes)
    if nested.has_pairs():
        assert "judged by its output" in outcomes[nested.finisher("fail")].output, outcomes
    else:  # what it said would be searched as well
        assert outcomes["no_fail"].output.strip() == "well", outcomes
    (finish,) = [outcome for name, outcome in outcomes.items() if name.startswith("snapshots.finish.")]
    assert all(f"kept: {project.root}/{name}\n" in finish.output + "\n" for name in names), outcomes


def test_parent_directories_set_properties(tmp):
    """After the end of the test's own directory, which CMake allows from 3.28 on."""
    if nested.version() < (3, 28):
        return  # there a directory sets properties of its own tests alone
    files = {"sub/CMakeLists.txt": "add_snapshot_test(NAME t COMMAND sh)\n"}
    parent = "add_subdirectory(sub)\nset_property(TEST t DIRECTORY sub {} PROPERTY {} {})\n"
    project = nested.Project(tmp, "", files)
    project.rewrite(
        parent.format("", "LABELS", "one")
        + "set_property(TEST t DIRECTORY sub PROPERTY DISABLED TRUE)\n"
        + "set_property(TEST t DIRECTORY sub APPEND PROPERTY FIXTURES_REQUIRED mine)\n"
    )
    said = nested.plain_text(project.configure())
    assert "Warning" not in said, said
    tests = project.tests()
    assert len(tests) == len(nested.family("t")) + 2 and all(test.labels == ["one"] and test.disabled for test in tests.values()), tests
    required = set(tests["t"].fixtures_required)
    assert {"mine", *nested.freezes(tests)} <= required

    project.rewrite(parent.format("", "FIXTURES_REQUIRED", "mine"))
    said = nested.plain_text(project.configure())
    assert said.count("was replaced") == 1 and set(project.tests()["t"].fixtures_required) == required, said
    for key, value, words in (
        ("FIXTURES_SETUP", "x", "cannot set FIXTURES_SETUP"),
        ("WORKING_DIRECTORY", "/usr", "its property WORKING_DIRECTORY is '/usr'"),
        ("ENVIRONMENT", "SNAPSHOT_DIR=x", "its ENVIRONMENT sets SNAPSHOT_DIR"),
    ):
        project.rewrite(parent.format("", key, value))
        done = project.configure(expect=None)
        assert done.code != 0 and words in nested.plain_text(done), (key, done)
    for key, value, word in (("WILL_FAIL", "TRUE", "will-fail"), ("PASS_REGULAR_EXPRESSION", "x", "by-output")):
        project.rewrite(parent.format("", key, value))
        project.configure()
        assert f"--verdict={word}" in project.tests()[nested.finisher("t")].options()


def test_paths_that_ctest_reads(tmp):
    """@SNAPSHOT_DIR@ in properties of the test that ctest itself looks at."""
    lists = """
        add_snapshot_test(NAME there COMMAND true SETUP FIXTURE PROPERTIES REQUIRED_FILES "@SNAPSHOT_DIR@/input;/bin/sh")
        add_snapshot_test(NAME "odd name" COMMAND true)
        set_tests_properties("odd name" PROPERTIES ATTACHED_FILES @SNAPSHOT_DIR@/log
          ATTACHED_FILES_ON_FAIL "@SNAPSHOT_DIR@/a;@SNAPSHOT_DIR@/b")
        add_snapshot_test(NAME missing COMMAND true SETUP FIXTURE PROPERTIES REQUIRED_FILES @SNAPSHOT_DIR@/nothing)
    """
    harness.require("ninja")
    for number, generator in enumerate(("Ninja", "Ninja Multi-Config")):
        (tmp / str(number)).mkdir()
        project = nested.Project(tmp / str(number), lists, {"input": "text\n"}).configured(generator=generator)
        options = ("-C", "Release") if number else ()
        outcomes = project.results(*options, expect=8)
        wrong = {name for name, outcome in outcomes.items() if outcome.status != "passed"}
        assert wrong == {"missing"} and outcomes["missing"].status == "notrun", outcomes
        tests = project.tests(*options)
        folder = tests["odd name"].attached_files[0][: -len("/log")]
        assert tests["there"].required_files == [f"{project.root}/{'there@Release' if number else 'there'}/input", "/bin/sh"]
        assert folder.startswith(f"{project.root}/odd_name"), folder
        assert tests["odd name"].attached_files_on_fail == [f"{folder}/a", f"{folder}/b"]


def test_where_tests_are_defined(tmp):
    """The line of the call, for editors: add_test() itself is called from within the module."""
    project = nested.Project(
        tmp,
        """
        # NAME second, told of first
        add_snapshot_test(NAME first COMMAND sh)
        add_snapshot_test(COMMAND sh NAME second)
        add_snapshot_test(
          NAME "third one"
          COMMAND sh)
        add_snapshot_test(NAME own COMMAND sh PROPERTIES DEF_SOURCE_LINE "mine:3")
        foreach(name IN ITEMS x)
          add_snapshot_test(NAME ${name} COMMAND sh)
        endforeach()
        add_subdirectory(sub)
    """,
        {"sub/CMakeLists.txt": "\nadd_snapshot_fixture(NAME f)\n"},
    ).configured()
    text = (project.source / "CMakeLists.txt").read_text().split("\n")

    def line(words):
        return f"{project.source}/CMakeLists.txt:{[words in line for line in text].index(True) + 1}"

    # From the generated file, as ctest shows the property in newer versions only.
    generated = "".join((project.build / d / "CTestTestfile.cmake").read_text() for d in (".", "sub"))
    of_test = r'set_tests_properties\((?:\[=\[|")(.*?)(?:\]=\]|") PROPERTIES .*DEF_SOURCE_LINE "(.*?)"'
    told = dict(re.findall(of_test, generated))
    for name, place in (
        ("first", line("NAME first")),
        (nested.maker("first"), line("NAME first")),
        (nested.finisher("first"), line("NAME first")),
        ("second", line("NAME second)")),
        ("third one", line("third one")),
        ("own", "mine:3"),
        ("x", line("add_snapshot_test(")),
        ("f.snapshot_setup", f"{project.source}/sub/CMakeLists.txt:2"),
    ):
        assert told[name] == place, (name, told[name], place)
    # What serves all of them is where the first one is.
    for name in (*nested.freezes(told), *nested.finishes(told)):
        assert told.pop(name) == line("NAME first"), name
    assert len(told) == 5 * len(nested.family("x")) + 2, told


def test_one_freezing_test_for_each_source_and_file_set(tmp):
    files = {
        f"{d}/CMakeLists.txt": f"add_snapshot_test(NAME {d} COMMAND sh SOURCE_DIR ${{CMAKE_SOURCE_DIR}})\n"
        for d in "xy"
    }
    project = nested.Project(
        tmp,
        """
        add_subdirectory(x)
        add_snapshot_test(NAME plain COMMAND sh LABELS top)
        add_snapshot_test(NAME made COMMAND sh EXCLUDE a COPY b LINK_MODE COPY STRICT KEEP ALWAYS)
        add_snapshot_fixture(NAME fixture)
        add_subdirectory(y)
        add_snapshot_test(NAME source COMMAND sh SOURCE_DIR x)
        add_snapshot_test(NAME files COMMAND sh FILES UNTRACKED)
        add_snapshot_test(NAME include COMMAND sh INCLUDE gen)
        add_snapshot_test(NAME link COMMAND sh LINK_FROM SOURCE)
    """,
        files,
    ).configured()
    tests = project.tests()
    used = {name: freeze_of(tests, name) for name in ("x", "y", "plain", "made", "source", "files", "include", "link")}
    used["fixture"] = tests["fixture.snapshot_setup"].fixtures_required[0]
    assert len({used[n] for n in ("x", "y", "plain", "made", "fixture")}) == 1, used
    assert len(set(used.values())) == 5 and sorted(set(used.values())) == nested.freezes(tests), used
    assert tests[used["plain"]].labels is None


def test_fixture_for_tests_of_others(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_fixture(NAME tools DIR_VAR dir LABELS nightly CONFIGURATIONS Debug KEEP NEVER SETUP_TIMEOUT 9)
        foreach(t IN ITEMS a b)
          add_test(NAME ${t} COMMAND sh -c "test $PWD = ${dir} && cat input" WORKING_DIRECTORY ${dir} CONFIGURATIONS Debug)
          set_tests_properties(${t} PROPERTIES FIXTURES_REQUIRED snapshot.tools LABELS nightly)
        endforeach()
    """,
        {"input": "text\n"},
    ).configured("-DCMAKE_BUILD_TYPE=Debug")
    assert not project.tests("-C", "Other") and not project.tests("-C", "Debug", "-LE", "nightly")
    tests = project.tests("-C", "Debug", "-R", "^a$")
    assert tests.keys() == {"a", "tools.snapshot_setup", "tools.snapshot_cleanup", *nested.freezes(tests), *nested.finishes(tests)}
    assert tests["tools.snapshot_setup"].timeout == 9
    outcomes = project.results("-C", "Debug")
    assert {o.status for o in outcomes.values()} == {"passed"} and len(outcomes) == 6, outcomes
    assert project.folders() == set()


def test_fixture_keeps_what_nobody_judged(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_fixture(NAME tools DIR_VAR dir)
        add_test(NAME a COMMAND ${dir}/run.sh)
        set_tests_properties(a PROPERTIES FIXTURES_REQUIRED snapshot.tools)
    """,
        {"run.sh": '#!/bin/sh\ntouch "$(dirname "$0")/made"\n'},
    )
    (project.source / "run.sh").chmod(0o755)
    project.configured()
    for _ in range(2):
        project.ctest()
        assert project.folders() == {"tools"} and (project.root / "tools" / "made").exists()


if __name__ == "__main__":
    harness.main()
