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


def snippet(call, repository):
    """The block of the docs that has that call, with a repository of ours, and the tag that it has."""
    (found,) = [block for block in re.findall(r"^```cmake$\n(.*?)^```$", GUIDE, re.M | re.S) if call in block]
    assert re.search(r"v\d+\.\d+\.\d+", found), found
    found = re.sub(r"v\d+\.\d+\.\d+", f"v{packager.version()}", found)
    return re.sub(r"https://\S*/SnapshotFixtures(\.git)?", f"file://{repository}", found)


def test_versions_of_the_guide(tmp):
    told = set(re.findall(r"(?:\bv|_)(\d+\.\d+\.\d+)\b", GUIDE))
    assert told == {packager.version()}, told


def embed(tmp, call, *options):
    repository = packager.source_copy(tmp / "repository")
    lists = LISTS.replace("{snippet}", snippet(call, repository))
    assert packager.consume(tmp, packager.PREBUILT, *options, lists=lists) == {harness.snapfix_path()}


def test_fetch_content(tmp):
    embed(tmp, "FetchContent_Declare")


def test_cpm(tmp):
    cpm = os.environ.get("SNAPFIX_CPM")
    if not cpm:
        harness.skip("no CPM.cmake: SNAPFIX_CPM is its path")
    embed(tmp, "CPMAddPackage", f"-DCMAKE_PROJECT_INCLUDE={cpm}")


def test_a_prebuilt_helper_of_another_version(tmp):
    harness.write_files(tmp, {"other": "#!/bin/sh\necho snapfix 0.0.1\n"})
    (tmp / "other").chmod(0o755)
    done = harness.run(["cmake", "-S", packager.source_copy(tmp / "source"), "-B", tmp / "b", f"-DSNAPSHOT_FIXTURES_PREBUILT={tmp}/other"], expect=1)
    said = " ".join(done.err.split())
    assert "is no snapfix" in said and "build that version" in said, done


if __name__ == "__main__":
    harness.main()
