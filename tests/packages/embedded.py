"""Taken into a project by a tag: FetchContent and CPM, by the words of the guide."""

import os
import re

import harness
import packager

GUIDE = (packager.SOURCE / "docs" / "install.md").read_text()
LISTS = """
    cmake_minimum_required(VERSION 3.20)
    project(consumer NONE)
    enable_testing()
    {snippet}
    add_snapshot_test(NAME a COMMAND cat input)
"""


def snippet(call):
    """The block of the docs that has that call, with a repository of ours."""
    (found,) = [block for block in re.findall(r"^```cmake$\n(.*?)^```$", GUIDE, re.M | re.S) if call in block]
    assert f"GIT_TAG v{packager.version()})" in found and "<url>" in found, found
    return found.replace("<url>", f"file://{packager.source()}")


def embed(tmp, call, *options):
    lists = LISTS.replace("{snippet}", snippet(call))
    assert packager.consume(tmp, packager.PREBUILT, *options, lists=lists) == {harness.snapfix_path()}


def test_fetch_content(tmp):
    embed(tmp, "FetchContent_Declare")


def test_cpm(tmp):
    cpm = os.environ.get("SNAPFIX_CPM")
    if not cpm:
        harness.skip("no CPM.cmake: tests/run sets SNAPFIX_CPM where GitHub can be reached")
    embed(tmp, "CPMAddPackage", f"-DCMAKE_PROJECT_INCLUDE={cpm}")


def test_a_prebuilt_helper_of_another_version(tmp):
    harness.write_files(tmp, {"other": "#!/bin/sh\necho snapfix 0.0.1\n"})
    (tmp / "other").chmod(0o755)
    done = harness.run(["cmake", "-S", packager.source(), "-B", tmp / "b", f"-DSNAPSHOT_FIXTURES_PREBUILT={tmp}/other"], expect=1)
    said = " ".join(done.err.split())
    assert "is no snapfix" in said and "build that version" in said, done


if __name__ == "__main__":
    harness.main()
