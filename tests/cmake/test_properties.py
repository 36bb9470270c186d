"""Labels, configurations, DISABLED, WILL_FAIL and fixtures, and the tests that serve a test."""

import harness
import nested


def test_fixtures(tmp):
    tests = nested.Project(tmp, "add_snapshot_test(NAME t COMMAND sh)\n").configured().tests()
    (freeze,) = nested.freezes(tests)
    assert tests.keys() == {"t.snapshot_setup", "t", "t.snapshot_cleanup", freeze}
    assert tests[freeze].fixtures_setup == [freeze] and tests[freeze].fixtures_required is None
    assert tests["t.snapshot_setup"].fixtures_setup == ["snapshot.t"]
    assert tests["t.snapshot_setup"].fixtures_required == [freeze]
    assert tests["t"].fixtures_required == ["snapshot.t", freeze]
    assert tests["t.snapshot_cleanup"].fixtures_cleanup == ["snapshot.t"]
    # S never exits with a skip code that ctest would take for success.
    assert tests["t.snapshot_setup"].skip_return_code is None


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
        for test in (name, f"{name}.snapshot_setup", f"{name}.snapshot_cleanup"):
            assert sorted(tests[test].labels or []) == sorted(labels), (test, tests[test].labels)
    shared = tests["a.snapshot_setup"].fixtures_required[0]
    own = tests["c.snapshot_setup"].fixtures_required[0]
    assert shared != own and nested.freezes(tests) == sorted([shared, own])
    assert set(tests[shared].labels) == {"nightly", "more", "later", "quick", "deep", "of_folder"}
    assert tests[own].labels is None

    def four(name, freeze):
        return {name, f"{name}.snapshot_setup", f"{name}.snapshot_cleanup", freeze}

    assert project.tests("-L", "nightly").keys() == four("a", shared)
    assert project.tests("-R", "^b$").keys() == four("b", shared)
    assert project.tests("-L", "of_folder").keys() == four("d", shared)
    # No orphan of a test that is left out, and all that the others need.
    assert project.tests("-LE", "nightly|later|of_folder").keys() == four("c", own)
    assert project.tests("-LE", "nightly").keys() == four("b", shared) | four("c", own) | four("d", shared)
    assert not project.tests("-L", "nightly", "-LE", "more")


def test_configurations(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND sh CONFIGURATIONS Debug Release)
        add_snapshot_test(NAME b COMMAND sh CONFIGURATIONS Release)
        add_snapshot_test(NAME c COMMAND sh FILES ALL)
    """,
    ).configured("-DCMAKE_BUILD_TYPE=Debug")
    assert len(project.tests("-C", "Debug")) == 3 + 3 + 2
    assert len(project.tests("-C", "Release")) == 3 + 3 + 3 + 2
    other = project.tests("-C", "Other")
    assert {"c", "c.snapshot_setup", "c.snapshot_cleanup"} == other.keys() - set(nested.freezes(other))
    assert len(nested.freezes(other)) == 1, "a freezing test for which there is no test"


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
    assert len(tests) == 7 and all(test.disabled for test in tests.values())
    assert {o.status for o in project.results().values()} == {"notrun"} and not project.root.exists()
    project.rewrite("""
        add_snapshot_test(NAME a COMMAND sh)
        add_snapshot_test(NAME b COMMAND sh PROPERTIES DISABLED TRUE)
    """)
    tests = project.configured().tests()
    assert {name for name, test in tests.items() if test.disabled} == {"b", "b.snapshot_setup", "b.snapshot_cleanup"}


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

    def timeouts(name):
        return [
            tests[t].timeout
            for t in (name, f"{name}.snapshot_setup", *tests[f"{name}.snapshot_setup"].fixtures_required)
        ]

    assert timeouts("a") == [None, 100, 900] and timeouts("b") == [None, 900, 900]
    # A test that asks for nothing shall not fail for another's small number, nor for ctest's own.
    assert timeouts("c") == [None, 100, None] and timeouts("d") == [None, None, None]
    assert timeouts("e") == [None, 9000, 9000] and timeouts("f") == [None, None, 9000]


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
    assert expected["b"][0] == "mine" and len(expected["b"]) == len(expected["c"]) == 3

    project.rewrite("""
        add_snapshot_test(NAME a COMMAND sh)
        set_tests_properties(a PROPERTIES FIXTURES_REQUIRED other)
    """)
    said = nested.plain_text(project.configure())
    assert "FIXTURES_REQUIRED of the snapshot test 'a' was replaced" in said and "APPEND PROPERTY" in said, said
    assert set(project.tests()["a"].fixtures_required) == {"other", *expected["a"]}


def test_verdicts_reach_the_cleanup(tmp):
    tests = (
        nested.Project(
            tmp,
            """
        add_snapshot_test(NAME a COMMAND sh)
        set_tests_properties(a PROPERTIES WILL_FAIL TRUE SKIP_RETURN_CODE 77)
        add_snapshot_test(NAME b COMMAND sh PROPERTIES WILL_FAIL FALSE)
    """,
        )
        .configured()
        .tests()
    )
    assert "--will-fail" in tests["a.snapshot_cleanup"].options()
    assert tests["a.snapshot_cleanup"].option("--skip-return-code") == "77"
    assert "--will-fail" not in tests["b.snapshot_cleanup"].options()
    assert "--skip-return-code" not in tests["b.snapshot_cleanup"].options()


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
    used = {
        name: tests[f"{name}.snapshot_setup"].fixtures_required[0]
        for name in ("x", "y", "plain", "made", "fixture", "source", "files", "include", "link")
    }
    assert len({used[n] for n in ("x", "y", "plain", "made", "fixture")}) == 1, used
    assert len(set(used.values())) == 5 and sorted(set(used.values())) == nested.freezes(tests), used
    assert tests[used["plain"]].labels == ["top"]


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
    assert tests.keys() == {"a", "tools.snapshot_setup", "tools.snapshot_cleanup", *nested.freezes(tests)}
    assert tests["tools.snapshot_setup"].timeout == 9
    outcomes = project.results("-C", "Debug")
    assert {o.status for o in outcomes.values()} == {"passed"} and len(outcomes) == 5, outcomes
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
