"""The module as a part of its consumer's build: add_subdirectory(), FetchContent."""

import os
import pathlib
import sys

import harness
import nested

SOURCE = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"])
# What embedding projects ask for with their own code in mind.
FLAGS = (
    "-Wall -Wextra -Wuseless-cast -Wswitch-enum -Wsign-conversion -Wpadded -Werror "
    "-fsanitize=address -fno-exceptions -fno-rtti"
)
TESTS = """
    add_snapshot_test(NAME a COMMAND sh -c "test $PWD = $SNAPSHOT_DIR && cat input && echo x > made")
    add_snapshot_test(NAME b COMMAND cat input LABELS nightly)
"""


def consumer(tmp, lists):
    """A project that builds the helper itself."""
    files = {"input": "text\n", "sub/CMakeLists.txt": TESTS}
    return nested.Project(tmp, lists, files, include=False, languages="CXX")


def build(project, *options):
    launcher = [
        sys.executable,
        "-B",
        pathlib.Path(__file__).with_name("compile_once.py"),
        harness.process_scratch() / "objects",
    ]
    harness.run(
        [
            nested.cmake(),
            "-G",
            "Ninja",
            "-S",
            project.source,
            "-B",
            project.build,
            "-DCMAKE_BUILD_TYPE=Debug",
            "-DCMAKE_CXX_FLAGS_DEBUG=-O0",  # built for this test alone: quickly
            f"-DCMAKE_CXX_FLAGS={FLAGS}",
            "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON",
            "-DCMAKE_UNITY_BUILD=ON",
            "-DCMAKE_CXX_CLANG_TIDY=false",
            "-DSNAPSHOT_FIXTURES_STATIC=OFF",
            f"-DCMAKE_CXX_COMPILER_LAUNCHER={';'.join(map(str, launcher))}",
            *options,
        ]
    )
    project.make("-j2")


def check(project):
    tests = project.tests()
    assert not [
        name for name in tests if name.startswith(("cmake.", "cli.", "unit."))
    ], "our own tests are among them"
    (helper,) = {test.command[0] for test in tests.values()}
    assert pathlib.Path(helper).is_relative_to(project.build), helper
    outcomes = project.results()
    assert {o.status for o in outcomes.values()} == {"passed"} and len(outcomes) == 4, outcomes
    assert "text" in outcomes["a"].output
    # Nor does it install itself with its consumer.
    harness.run([nested.cmake(), "--install", project.build, "--prefix", project.tmp / "prefix"])
    assert not (project.tmp / "prefix").exists()


def test_subdirectory_exclude_from_all(tmp):
    """Nothing of the consumer needs the helper but its tests, and they find it built."""
    project = consumer(tmp, f"add_subdirectory([==[{SOURCE}]==] fixtures EXCLUDE_FROM_ALL)\n{TESTS}")
    build(project)
    check(project)


def test_subdirectory(tmp):
    """The module is used in another directory than the one that adds the helper."""
    project = consumer(tmp, f"add_subdirectory([==[{SOURCE}]==] fixtures)\nadd_subdirectory(sub)\n")
    build(project)
    check(project)


def test_fetch_content(tmp):
    for number, (declared, option) in enumerate(
        (
            (f"SOURCE_DIR [==[{SOURCE}]==]", None),
            ("URL nowhere.tar.gz", f"-DFETCHCONTENT_SOURCE_DIR_SNAPSHOTFIXTURES={SOURCE}"),
        )
    ):
        (tmp / str(number)).mkdir()
        project = consumer(
            tmp / str(number),
            f"""
            include(FetchContent)
            FetchContent_Declare(SnapshotFixtures {declared})
            FetchContent_MakeAvailable(SnapshotFixtures)
            {TESTS}""",
        )
        build(project, *([option] if option else []))
        check(project)


if __name__ == "__main__":
    harness.main()
