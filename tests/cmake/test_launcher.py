"""LAUNCHER: the work of a test is done elsewhere."""

import harness
import nested


def test_tests_of_a_launcher(tmp):
    node = tmp / "node"
    node.write_text('#!/bin/sh\necho "launched with $#: $1"\nshift\nexec env -i PATH="$PATH" "$@"\n')
    node.chmod(0o755)
    project = nested.Project(
        tmp,
        f"""
        set(SNAPSHOT_FIXTURES_LAUNCHER "{node};by $<1:default>")
        add_snapshot_test(NAME default COMMAND sh -c "echo [$A] [$B]; pwd; echo >>a.txt" PROPERTIES ENVIRONMENT "A=a b;B=")
        add_snapshot_test(NAME own LAUNCHER "{node}" "by itself" COMMAND sh -c "echo >>a.txt; exit 3"
          PROPERTIES WILL_FAIL ON)
        add_snapshot_test(NAME list LAUNCHER "{node};by a list" COMMAND_EXPAND_LISTS COMMAND echo "x;y")
        add_snapshot_test(NAME here LAUNCHER OFF COMMAND sh -c "echo here")
        add_snapshot_test(NAME fails COMMAND sh -c "echo >>a.txt; exit 7")
        add_snapshot_test(NAME lost LAUNCHER no-such-launcher COMMAND true PROPERTIES WILL_FAIL ON)
        add_snapshot_test(NAME idle LAUNCHER true COMMAND true PROPERTIES WILL_FAIL ON)
    """,
        {"a.txt": "a\n"},
    ).configured()
    outcomes = project.results(expect=8)
    said = {name: outcome.output for name, outcome in outcomes.items()}
    passed = {name for name, outcome in outcomes.items() if outcome.status == "passed"}
    assert {"default", "own", "list", "here"} <= passed and not passed & {"fails", "lost", "idle"}, said
    assert "launched with 4: by default" in said["default"] and "[a b] []" in said["default"], said["default"]
    assert f"{project.root}/default\n" in said["default"]
    assert "launched with 4: by itself" in said["own"]
    assert "launched with 4: by a list\nx y\n" in said["list"]
    assert "launched" not in said["here"] and "here" in said["here"]
    last = said["fails" if not nested.has_pairs() else "fails.snapshot_cleanup"]
    assert f"the snapshot is kept in {project.root}/fails: its command ended with exit code 7" in last, last
    assert "cannot start the job by the launcher 'no-such-launcher'" in said["lost"], said["lost"]
    assert "the job did not begin: the launcher, 'true', ended with exit code 0" in said["idle"], said["idle"]
    assert (project.source / "a.txt").read_text() == "a\n"


def test_a_shell_as_launcher(tmp):
    """As docs/reference.md writes it, and with a ; in a word."""
    project = nested.Project(
        tmp,
        r"""
        add_snapshot_test(NAME plain LAUNCHER sh -c "exec \"$@\"" sh COMMAND echo "of the job")
        add_snapshot_test(NAME two LAUNCHER sh -c "echo first; exec \"$@\"" sh COMMAND echo "of the job")
    """,
        {"a.txt": "a\n"},
    ).configured()
    said = {name: outcome.output for name, outcome in project.results().items()}
    assert "of the job" in said["plain"] and "first\nof the job" in said["two"], said


def test_tasks_of_no_launcher(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME twice TASKS 2 COMMAND true)
        add_snapshot_test(NAME off TASKS 2 LAUNCHER OFF COMMAND true)
    """,
        {"a.txt": "a\n"},
    )
    said = " ".join(project.configure().err.split())
    assert said.count("TASKS is for a LAUNCHER, and there is none") == 1 and "twice" in said, said


if __name__ == "__main__":
    harness.main()
