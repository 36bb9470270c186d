"""The installed package: find_package() from a prefix that was moved."""

import os
import pathlib
import shutil

import harness
import nested

SOURCE = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"])


def consumer(tmp, lists):
    return nested.Project(tmp, lists, {"input": "text\n"}, include=False)


def configure(project, prefix, expect=0):
    return harness.run(
        [nested.cmake(), "-G", "Ninja", "-S", project.source, "-B", project.build, f"-DCMAKE_PREFIX_PATH={prefix}"],
        expect=expect,
    )


def install(tmp):
    """The build under test, installed, and then moved elsewhere: nothing in it may depend on the prefix."""
    harness.run(["cmake", "--install", os.environ["SNAPFIX_BUILD_DIR"], "--prefix", tmp / "first"])
    (tmp / "moved").mkdir()
    shutil.move(tmp / "first", tmp / "moved" / "pre fix")
    return tmp / "moved" / "pre fix"


def test_package(tmp):
    prefix = install(tmp)
    # Found in another directory than the top one, to which the freezing test belongs.
    project = consumer(tmp, "add_subdirectory(sub)\n")
    harness.write_files(
        project.source,
        {
            "sub/CMakeLists.txt": """
            find_package(SnapshotFixtures @VERSION@ CONFIG REQUIRED)
            add_snapshot_test(NAME a COMMAND cat input SOURCE_DIR ${CMAKE_SOURCE_DIR})
        """.replace("@VERSION@", harness.snapfix("--version").out.split()[1].rsplit(".", 1)[0]),
        },
    )
    configure(project, prefix)
    outcomes = project.results()
    assert len(outcomes) == 3 and {o.status for o in outcomes.values()} == {"passed"}, outcomes
    assert "text" in outcomes["a"].output
    assert {test.command[0] for test in project.tests().values()} == {str(prefix / "bin" / "snapfix")}
    # What goes along with jobs lies where the installed helper finds it.
    goes_along = harness.run([prefix / "bin" / "snapfix", "doctor", tmp], expect=None).out
    assert harness.is_sanitized() or "libexec/snapfix-static" in goes_along, goes_along


def test_package_contents(tmp):
    prefix = install(tmp)
    there = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    package = {path for path in there if "/cmake/SnapshotFixtures/" in path}
    parts = {path.name for path in (SOURCE / "cmake" / "SnapshotFixtures").iterdir()}
    assert {path.rsplit("/", 1)[1] for path in package} >= {
        "SnapshotFixtures.cmake",
        "SnapshotFixturesConfig.cmake",
        "SnapshotFixturesConfigVersion.cmake",
    } | parts and parts, there
    others = there - package
    assert "bin/snapfix" in others and any(path.endswith("/LICENSE") for path in others), there
    completions = {"share/bash-completion/completions/snapfix", "share/fish/vendor_completions.d/snapfix.fish", "share/zsh/site-functions/_snapfix"}
    assert others - {"libexec/snapfix-static"} >= completions | {"share/man/man1/snapfix.1"}
    assert len(others - {"libexec/snapfix-static"}) == len(completions) + 3, others
    for path in package:
        text = (prefix / path).read_text()
        assert str(tmp) not in text and str(SOURCE) not in text and os.environ["SNAPFIX_BUILD_DIR"] not in text, path
    harness.run([prefix / "bin" / "snapfix", "--version"])


def test_nightly_example(tmp):
    """Its twenty jobs are twenty tests, and two that serve them all."""
    project = consumer(tmp, "")
    shutil.copytree(SOURCE / "examples" / "nightly", project.source, dirs_exist_ok=True)
    configure(project, install(tmp))
    tests = project.tests()
    shared = {*nested.freezes(tests), *nested.finishes(tests)}
    assert len(tests) == 22 and len(shared) == 2 and all(test.labels == ["nightly"] for test in tests.values()), tests


def test_package_elsewhere(tmp):
    """On another system it is not found, and says why; so with a version that it is not."""
    prefix = install(tmp)
    for lists, words in (
        ("set(CMAKE_HOST_SYSTEM_NAME Darwin)\nfind_package(SnapshotFixtures CONFIG REQUIRED)", "works on Linux only"),
        ("find_package(SnapshotFixtures 9 CONFIG REQUIRED)", "9"),
        ("find_package(SnapshotFixtures CONFIG REQUIRED COMPONENTS nonsense)", "NOT FOUND"),
    ):
        with harness.temp_dir("elsewhere") as folder:
            done = configure(consumer(folder, lists), prefix, expect=None)
            assert done.code != 0 and words in nested.plain_text(done), done
    with harness.temp_dir("elsewhere") as folder:
        lists = (
            "set(CMAKE_HOST_SYSTEM_NAME Darwin)\nfind_package(SnapshotFixtures CONFIG QUIET)\n"
            'if(SnapshotFixtures_FOUND)\nmessage(FATAL_ERROR "found")\nendif()'
        )
        configure(consumer(folder, lists), prefix)


if __name__ == "__main__":
    harness.main()
