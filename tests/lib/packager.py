"""What the tests of packages share: the source as a release has it, and consumers of a package."""

import functools
import os
import pathlib
import shutil

import harness

SOURCE = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"])
PREBUILT = f"-DSNAPSHOT_FIXTURES_PREBUILT={harness.snapfix_path()}"
LISTS = """
    cmake_minimum_required(VERSION 3.20)
    project(consumer NONE)
    enable_testing()
    find_package(SnapshotFixtures {version} CONFIG REQUIRED)
    add_snapshot_test(NAME a COMMAND cat input)
"""


def version():
    return harness.snapfix("--version").out.split()[1]


@functools.lru_cache(None)
def source():
    """What git tracks, as it is in the work tree, and what is new there; in a git repository with a tag of its version."""
    target = harness.process_scratch() / "source"
    listed = harness.git(SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard").out
    for path in listed.split("\0"):
        if path and (SOURCE / path).is_file():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / path, target / path)
    harness.make_repo(target, {})
    harness.git(target, "tag", f"v{version()}")
    return target


def consume(tmp, *options, lists=None, env=None):
    """A project whose test passes by the package; the programs of its tests."""
    project = tmp / "consumer"
    harness.make_repo(project, {"CMakeLists.txt": (lists or LISTS).replace("{version}", version()), "input": "text\n"})
    harness.run(["cmake", "-S", project, "-B", tmp / "build", *options], env=env)
    shown = harness.run(["ctest", "--show-only=json-v1"], cwd=tmp / "build").json()["tests"]
    harness.run(["ctest", "--output-on-failure"], cwd=tmp / "build")
    return {test["command"][0] for test in shown}


def python_with(*modules):
    """The Python of tests/run's environment of packagers, or of PATH, that has these."""
    python = os.environ.get("SNAPFIX_PACKAGERS") or shutil.which("python3")
    for module in modules:
        if harness.run([python, "-c", f"import {module}"], expect=None).code != 0:
            harness.skip(f"{module} is not there: tests/run sets SNAPFIX_PACKAGERS where PyPI can be reached")
    return python
