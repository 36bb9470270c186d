"""GIT: tests find in their snapshots what git says of the source, and what they commit stays there."""

import harness
import nested
from harness import git

# A library that climbs to the next .git, whatever the environment says, and commits there.
k_climber = r"""
import os, subprocess
folder = os.getcwd()
while not os.path.isdir(folder + "/.git"):
    if folder == "/":
        raise SystemExit("no repository")
    folder = os.path.dirname(folder)
subprocess.run(["git", "--git-dir", folder + "/.git", "--work-tree", folder, "commit", "-q", "--allow-empty", "-m", "climbed"], check=True)
print("committed in " + folder)
"""


def test_keyword_and_variable(tmp):
    project = nested.Project(tmp, """
        add_snapshot_test(NAME default COMMAND sh -c "git describe --tags --dirty; git status --porcelain")
        add_snapshot_test(NAME on GIT ON COMMAND git rev-parse --show-toplevel)
        add_snapshot_test(NAME off GIT OFF COMMAND git rev-parse --show-toplevel PROPERTIES WILL_FAIL ON)
        add_snapshot_test(NAME folder SOURCE_DIR folder COMMAND git rev-parse --show-toplevel PROPERTIES WILL_FAIL ON)
        add_snapshot_fixture(NAME shared DIR_VAR shared)
        add_test(NAME in_shared COMMAND git -C ${shared} describe --tags)
        set_tests_properties(in_shared PROPERTIES FIXTURES_REQUIRED snapshot.shared)
    """, {"folder/x": "1", "a": "1"})
    git(project.source, "tag", "v1")
    (project.source / "a").write_text("22")
    project.configure()
    assert len(nested.freezes(project.tests())) == 4
    outcomes = project.results()
    assert "v1-dirty\n M a\n" in outcomes["default"].output, outcomes
    assert f"{project.root}/on\n" in outcomes["on"].output, outcomes
    assert "v1" in outcomes["in_shared"].output, outcomes
    for name in ("off", "folder"):
        assert "not a git repository" in outcomes[name].output, outcomes
    project.configure("-DSNAPSHOT_FIXTURES_GIT=OFF")
    outcomes = project.results("-R", "^(default|on)$", expect=8)
    assert "not a git repository" in outcomes["default"].output and outcomes["on"].status == "passed", outcomes
    project.rewrite("add_snapshot_test(NAME folder SOURCE_DIR folder GIT ON COMMAND true)")
    project.configure()
    (freeze,) = nested.freezes(project.tests())
    said = project.results(expect=8)[freeze].output
    assert "is a subfolder of the git work tree" in said and "--top" in said, said


def test_who_climbs_stays_in_the_snapshot(tmp):
    project = nested.Project(tmp, """
        add_snapshot_test(NAME climb COMMAND python3 climb.py)
    """, {"climb.py": k_climber, ".gitignore": "build\n"})
    project.build = project.source / "build"
    project.root = project.build / ".snapshots"
    project.configure()
    head = git(project.source, "rev-parse", "HEAD").out
    outcomes = project.results()
    assert f"committed in {project.root}/climb" in outcomes["climb"].output, outcomes
    assert git(project.source, "rev-parse", "HEAD").out == head
    (finish,) = nested.finishes(outcomes)
    assert outcomes[finish].status == "passed", outcomes


def test_a_commit_in_the_source_is_told_at_the_end(tmp):
    project = nested.Project(tmp, """
        add_snapshot_test(NAME t SOURCE_WRITES ALLOW COMMAND sh -c "git -C \\"$SNAPSHOT_SOURCE_DIR\\" commit -q --allow-empty -m x; git status")
    """).configured()
    outcomes = project.results()
    (finish,) = nested.finishes(outcomes)
    assert outcomes[finish].status == "notrun" and "'.git/packed-refs' (changed)" in outcomes[finish].output, outcomes


if __name__ == "__main__":
    harness.main()
