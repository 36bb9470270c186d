"""ctest interrupted, and two of them at once."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

import harness
import nested

# Fails on a tree that is not pristine; while the file SLOW is there it never ends.
SLOW = """#!/bin/sh
# slow.sh JOURNAL SLOW
set -e
test ! -e mark
touch mark
echo "$$" >> "$1.pids"
if test -e "$2"; then sleep 600; fi
echo done >> "$1"
"""


def slow_project(tmp, count=1, extra="", more=""):
    project = nested.Project(
        tmp,
        f"""
        foreach(i RANGE 1 {count})
          add_snapshot_test(NAME t${{i}} COMMAND sh slow.sh {tmp}/journal {tmp}/slow {extra})
        endforeach()
        {more}
    """,
        {"slow.sh": SLOW},
    )
    project.journal, project.pids, project.slow = tmp / "journal", tmp / "journal.pids", tmp / "slow"
    project.slow.touch()
    return project.configured()


def processes_of(project):
    """Processes with a working directory or a word of the command line in the nested project."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            told = (
                os.readlink(process / "cwd")
                + " "
                + (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            )
        except OSError:
            continue
        if str(project.tmp) in told:
            found.append((process.name, told))
    return found


def wait_until_running(project, count=1):
    harness.eventually(lambda: len(nested.journal_lines(project.pids)) >= count, "the tests run")


def wait_until_gone(project):
    harness.eventually(lambda: not processes_of(project), "no process is left", 10)


def next_run_is_right(project, count=1):
    project.slow.unlink()
    project.ctest("-j2", timeout=60)
    assert nested.journal_lines(project.journal) == ["done"] * count
    assert project.folders() == set()


@contextlib.contextmanager
def no_process_left(project):
    """Whatever the test came to, nothing of it runs on."""
    try:
        yield
    finally:
        for pid, _ in processes_of(project):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def interrupted(tmp, how):
    project = slow_project(tmp, count=2)
    with no_process_left(project):
        run = project.start_ctest("-j2", start_new_session=True, stdout=subprocess.DEVNULL)
        wait_until_running(project, 2)
        os.kill(run.pid, how)
        run.wait(timeout=20)
        wait_until_gone(project)
        next_run_is_right(project, 2)


def test_killed(tmp):
    interrupted(tmp, signal.SIGKILL)


def test_interrupted(tmp):
    interrupted(tmp, signal.SIGINT)


def test_terminated(tmp):
    interrupted(tmp, signal.SIGTERM)


def test_killed_at_any_time(tmp):
    """Also while it freezes, makes snapshots and cleans up."""
    project = slow_project(tmp, count=4)
    project.slow.unlink()
    for wait in (0.01, 0.03, 0.05, 0.08, 0.12, 0.16, 0.2, 0.3):
        run = project.start_ctest("-j2", start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        run.kill()
        run.wait()
    wait_until_gone(project)
    project.journal.unlink(missing_ok=True)
    project.slow.touch()
    next_run_is_right(project, 4)


def test_timeout(tmp):
    """A test without an end is kept, if it is to be; who was killed is finished by a test that comes later."""
    for keep, kept in (("ON_FAILURE", {"t1"}), ("NEVER", set())):
        (tmp / keep).mkdir()
        project = slow_project(tmp / keep, extra=f"KEEP {keep} PROPERTIES TIMEOUT 1")
        outcomes = project.results(expect=8)
        assert {name for name, outcome in outcomes.items() if outcome.status != "passed"} == {"t1"}, outcomes
        wait_until_gone(project)
        assert project.folders() == kept
        (finish,) = nested.finishes(outcomes)
        assert nested.has_pairs() or "was killed" in outcomes[finish].output, outcomes
        next_run_is_right(project)


def test_a_finding_of_one_that_was_killed(tmp):
    project = slow_project(tmp, extra="GUARD OFF PROPERTIES TIMEOUT 1")
    harness.write_files(project.source, {"slow.sh": SLOW.replace("touch mark", "echo x >>CMakeLists.txt")})
    outcomes = project.results(expect=8)
    finish = "t1.snapshot_cleanup" if nested.has_pairs() else nested.finishes(outcomes)[0]
    assert {name for name, outcome in outcomes.items() if outcome.status != "passed"} == {"t1", finish}, outcomes
    assert "'CMakeLists.txt' was changed through a link" in outcomes[finish].output, outcomes
    assert project.folders() == {"t1"}, "a finding keeps the snapshot"


def test_the_next_freeze_finishes(tmp):
    """What ctest did not, as it was killed, or was told not to clean up (-FC). A pair's setup does, and only it."""
    project = slow_project(tmp, extra="KEEP NEVER PROPERTIES TIMEOUT 4", more="add_snapshot_test(NAME other COMMAND true)")
    left = {"t1"} if nested.has_pairs() else set()
    with no_process_left(project):
        run = project.start_ctest("-R", "^t1$", start_new_session=True, stdout=subprocess.DEVNULL)
        wait_until_running(project)
        run.kill()
        run.wait()
        wait_until_gone(project)
    assert project.folders() == {"t1"}
    project.ctest("-R", "^other$")
    assert project.folders() == left
    project.ctest("-R", "^t1$", "-FC", "snapshot", expect=8)
    wait_until_gone(project)
    assert project.folders() == {"t1"}
    project.ctest("-R", "^other$")
    assert project.folders() == left


def test_two_at_once(tmp):
    """The second ctest in the same build folder waits for the first one's test."""
    project = slow_project(tmp)
    with no_process_left(project):
        first = project.start_ctest("-O", str(tmp / "first.log"), stdout=subprocess.DEVNULL)
        wait_until_running(project)
        second = project.start_ctest("-O", str(tmp / "second.log"), stdout=subprocess.DEVNULL)
        time.sleep(1)
        assert second.poll() is None and len(nested.journal_lines(project.pids)) == 1, "it did not wait"
        project.slow.unlink()
        for pid, told in processes_of(project):
            if told.rstrip().endswith("sleep 600"):
                os.kill(int(pid), signal.SIGKILL)
        # That ends the first one's test, and makes it a failed one; the second one's is right.
        assert first.wait(timeout=60) == 8, (tmp / "first.log").read_text()
        assert second.wait(timeout=60) == 0, (tmp / "second.log").read_text()
    assert nested.journal_lines(project.journal) == ["done"]


def test_two_at_once_of_two_states(tmp):
    """Each sees what its own ctest froze. (With a pair it uses the snapshot that it finds.)"""
    if nested.has_pairs():
        return
    project = nested.Project(
        tmp,
        f"""
        add_snapshot_test(NAME t COMMAND sh -c "cat input >>{tmp}/seen; until test -e {tmp}/go; do sleep 0.05; done")
    """,
        {"input": "old\n"},
    ).configured()
    seen, log = tmp / "seen", tmp / "second.log"
    with no_process_left(project):
        first = project.start_ctest("-O", str(tmp / "first.log"), stdout=subprocess.DEVNULL)
        harness.eventually(lambda: nested.journal_lines(seen) == ["old"], "the first one runs")
        (project.source / "input").write_text("new\n")
        second = project.start_ctest("-O", str(log), stdout=subprocess.DEVNULL)
        harness.eventually(lambda: len(os.listdir(project.root / ".snapfix/bases")) == 2, "the second one has frozen")
        (project.source / "input").write_text("newest\n")
        (tmp / "go").touch()
        assert first.wait(timeout=60) == second.wait(timeout=60) == 0, log.read_text()
    assert nested.journal_lines(seen) == ["old", "new"]


def test_many_at_once(tmp):
    """Three ctest at once, several times: each test is right, whoever made or removes its snapshot."""
    project = slow_project(tmp, count=3)
    project.slow.unlink()
    for turn in range(5):
        runs = [
            project.start_ctest(
                "-j2", "-O", str(tmp / f"{turn}.{n}.log"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for n in range(3)
        ]
        codes = [run.wait(timeout=120) for run in runs]
        assert codes == [0, 0, 0], "\n".join((tmp / f"{turn}.{n}.log").read_text() for n in range(3))
        assert len(nested.journal_lines(project.journal)) == 9 * (turn + 1)


if __name__ == "__main__":
    harness.main()
