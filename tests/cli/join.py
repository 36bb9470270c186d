"""--join: several tasks in one snapshot, each under a guard of its own."""

import os
import signal
import sys

import harness
from harness import eventually, start
from project import Project, assert_says

# Appends lines to some files, and writes blocks of its own to others: WRITER RANK TASKS ROUNDS.
WRITER = """
import os, sys, time
rank, tasks, rounds = map(int, sys.argv[1:4])
open(f"ready.{rank}", "w").close()
while not all(os.path.exists(f"ready.{other}") for other in range(tasks)):
    time.sleep(0.0005)
for number in range(rounds):
    held = os.open(f"held/{number}", os.O_RDONLY)
    small = os.open(f"small/{number}", os.O_WRONLY | os.O_APPEND)
    os.write(small, f"{rank} {number}\\n".encode())
    big = os.open(f"big/{number % 4}", os.O_RDWR)
    os.pwrite(big, bytes([65 + rank]) * 1000, 1000 * (rank * rounds + number))
    os.fchmod(held, 0o640)  # through a descriptor of before
    os.close(os.open(f"held/{number}", os.O_WRONLY | os.O_APPEND))
    os.write(small, f"{rank} again\\n".encode())
    assert os.fstat(small).st_ino == os.stat(f"small/{number}").st_ino, number
    assert os.fstat(big).st_ino == os.stat(f"big/{number % 4}").st_ino, number
    for fd in (held, small, big):
        os.close(fd)
"""


def written(rounds):
    files = {"writer.py": WRITER}
    files.update({f"small/{number}": f"first {number}\n" for number in range(rounds)})
    files.update({f"held/{number}": f"held {number}\n" for number in range(rounds)})
    files.update({f"big/{number}": b"." * 600_000 for number in range(4)})
    return files


def expect_all_writes(tree, tasks, rounds):
    """As in a plain copy: every line is there, whoever wrote it, and every block."""
    for number in range(rounds):
        lines = (tree / f"small/{number}").read_text().splitlines()
        expected = [f"first {number}"] + [f"{rank} {what}" for rank in range(tasks) for what in (number, "again")]
        assert sorted(lines) == sorted(expected), (number, lines)
        assert (tree / f"held/{number}").stat().st_mode & 0o777 == 0o640, number
    for number in range(rounds):
        data = (tree / f"big/{number % 4}").read_bytes()
        for rank in range(tasks):
            at = 1000 * (rank * rounds + number)
            assert data[at : at + 1000] == bytes([65 + rank]) * 1000, (number, rank)


def tasks_of(project, count, *command, environment=None, options=(), wrap=()):
    """Starts the tasks of one step of Slurm, or what looks like one; returns their processes."""
    env = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": str(count), **(environment or {})}
    where = ["--source", project.source, "--root", project.root, "--git", "off"]
    return [
        start([*wrap, harness.snapfix_path(), "run", "t", *where, "--join", *options, "--", *command],
              env={**env, "RANK": str(rank)}, cwd=project.source, stdout=-1, stderr=-1, text=True)
        for rank in range(count)
    ]


def ends_of(processes):
    """(exit code, stderr) of each."""
    return [(process.returncode, text) for process in processes for text in [process.communicate(timeout=120)[1]]]


def store_state(project):
    return harness.tree_state(project.root / ".snapfix/objects")


def test_writes_of_all_tasks_meet_in_one_file(tmp):
    rounds, tasks = 60, 3
    project = Project(tmp, written(rounds), git="off")
    project.freeze()
    before, source = store_state(project), harness.tree_state(project.source)
    for turn in range(4):
        processes = tasks_of(project, tasks, "sh", "-c", f"exec {sys.executable} writer.py $RANK {tasks} {rounds}",
                             options=("--fresh", "--finish", "--keep", "always"))
        ends = ends_of(processes)
        assert [code for code, _ in ends] == [0] * tasks, ends
        assert sum("the snapshot is kept" in text for _, text in ends) == 1, ends
        expect_all_writes(project.root / "t", tasks, rounds)
        harness.assert_same_state(before, store_state(project), what="the store")
        harness.assert_same_state(source, harness.tree_state(project.source), what="the source")
        show = project("show", "t", "--json").json()
        assert show["run"]["status"] == 0, (turn, show["run"])
        assert not list((project.root / ".snapfix/work").iterdir())


def test_from_a_mount_of_another_path(tmp):
    """A container that sees the root elsewhere, beside a task that sees it where it is."""
    harness.require("bwrap")
    rounds = 40
    project = Project(tmp, written(rounds), git="off")
    project.freeze()
    before = store_state(project)
    where = ["run", "t", "--source", project.source, "--git", "off", "--join", "--tasks", "2", "--fresh", "--finish",
             "--keep", "always", "--root"]
    writer = ["--", sys.executable, "writer.py"]
    env = {"SLURM_JOB_ID": "8", "SLURM_STEP_ID": "1"}
    outside = start([harness.snapfix_path(), *where, project.root, *writer, "0", "2", str(rounds)], env=env,
                    stdout=-1, stderr=-1, text=True)
    inside = start(["bwrap", "--bind", "/", "/", "--tmpfs", "/mnt", "--bind", project.root, "/mnt/root", "--dev-bind", "/dev", "/dev",
                    "--proc", "/proc", "--unshare-pid", harness.snapfix_path(), *where, "/mnt/root", *writer, "1", "2", str(rounds)],
                   env=env, stdout=-1, stderr=-1, text=True)
    ends = ends_of([outside, inside])
    if any("bwrap: " in text for _, text in ends):
        harness.skip(f"bwrap does not run: {ends}")
    assert [code for code, _ in ends] == [0, 0], ends
    expect_all_writes(project.root / "t", 2, rounds)
    harness.assert_same_state(before, store_state(project), what="the store")


HOLDER = """
import os, sys, time
def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.005)
if os.environ["RANK"] == "0":
    held = os.open("a.txt", os.O_RDONLY)
    open("opened", "w").close()
    wait_for("broken")
    os.fchmod(held, 0o640)
    assert os.fstat(held).st_ino == os.stat("a.txt").st_ino
else:
    wait_for("opened")
    with open("a.txt", "a") as out:
        out.write("more\\n")
    open("broken", "w").close()
"""


def test_a_descriptor_leads_to_the_copy_that_another_guard_has_made(tmp):
    project = Project(tmp, {"a.txt": "a\n", "holder.py": HOLDER}, git="off")
    processes = tasks_of(project, 2, sys.executable, "holder.py", options=("--finish", "--keep", "always"))
    ends = ends_of(processes)
    assert [code for code, _ in ends] == [0, 0], ends
    file = project.root / "t/a.txt"
    assert file.read_text() == "a\nmore\n" and file.stat().st_mode & 0o777 == 0o640


def test_the_worst_end_counts(tmp):
    project = Project(tmp, git="off")
    ends = ends_of(tasks_of(project, 3, "sh", "-c", "exit $((RANK * 3))", options=("--finish",)))
    assert [code for code, _ in ends] == [0, 3, 6], ends
    assert sum("its command ended with exit code 6" in text for _, text in ends) == 1, ends
    run = project("show", "t", "--json").json()["run"]
    assert run["status"] == 6 and run["group"]["begun"] == run["group"]["ended"] == 3, run


def test_the_command_that_is_shown_is_the_one_whose_end_is_told(tmp):
    project = Project(tmp, git="off")
    commands = ("exit 3", "while ! test -e go; do sleep 0.05; done; kill -9 $$", "while ! test -e go; do sleep 0.05; done; exit 5")
    three = {"SLURM_STEP_NUM_TASKS": "3"}
    tasks = [one for command in commands for one in tasks_of(project, 1, "sh", "-c", command, environment=three, options=("--finish",))]
    run = {}

    def first_has_ended():
        run.update(project("show", "t", "--json", expect=None).json()["run"] if (project.root / "t").exists() else {})
        return run.get("group", {}).get("ended") == 1

    eventually(first_has_ended, "the first task has ended")
    (project.root / "t/go").touch()
    ends_of(tasks)
    run = project("show", "t", "--json").json()["run"]
    assert run["signal"] == signal.SIGKILL and run["command"][-1] == commands[1], run
    assert os.listdir(project.root / ".snapfix/trash") == []


def test_a_killed_task_is_not_waited_for(tmp):
    """The last one tells, and fails, also with an exit code that is to pass."""
    project = Project(tmp, git="off")
    tree = project.root / "t"
    for code, verdict in ((0, ()), (3, ("--verdict", "will-fail"))):
        processes = tasks_of(project, 3, "sh", "-c", f"touch ready.$RANK; while ! test -e go; do sleep 0.05; done; exit {code}",
                             options=("--fresh", "--finish", *verdict))
        eventually(lambda: all((tree / f"ready.{rank}").exists() for rank in range(3)), "all are at work")
        processes[1].send_signal(signal.SIGKILL)
        processes[1].wait()
        (tree / "go").touch()
        ends = ends_of([processes[0], processes[2]])
        assert sorted(end for end, _ in ends) == [code, 125], ends
        [text] = [text for end, text in ends if end == 125]
        assert "error: 1 of 3 tasks have left no end" in text and "/t: 1 of 3 tasks have left no end (" in text, ends
        processes[1].communicate()
        project("remove", "t")


def test_one_that_comes_late_lands_in_the_same_tree(tmp):
    """The others have ended before it begins: who is last waits for it."""
    project = Project(tmp, git="off")
    late = tmp / "late"
    processes = tasks_of(project, 2, "sh", "-c", "echo $RANK >>a.txt; echo made >by.$RANK", options=("--finish", "--keep", "always"),
                         wrap=("sh", "-c", f'while test $RANK = 1 && ! test -e {late}; do sleep 0.05; done; exec "$@"', "sh"))
    tree = project.root / "t"
    eventually(lambda: (tree / "by.0").exists(), "one has done its work")
    assert processes[0].poll() is None
    late.touch()
    ends = ends_of(processes)
    assert [code for code, _ in ends] == [0, 0], ends
    assert (tree / "a.txt").read_text() == "a\n0\n1\n" and (tree / "by.0").exists()


def test_one_that_never_comes(tmp):
    """Who waited for it tells, and fails, also with an exit code that is to pass; a command that failed tells that."""
    project = Project(tmp, git="off")
    alone = ("--join", "--tasks", "2", "--fresh", "--finish")  # and none is taken for one of the job before
    done = project("run", "t", *alone, "--wait", "6", "--", "true", expect=125)
    assert_says(done, "error: 1 of 2 tasks did not begin", "waiting for 1 more of 2 tasks (at most 6 s)", "/t: 1 of 2 tasks did not begin (")
    (test,) = project("report", "--json").json()["tests"]
    assert (test["outcome"], test["reason"]) == ("killed", "1 of 2 tasks did not begin"), test
    for verdict, passing, failing in (("will-fail", 3, 0), ("skip=77", 77, 3)):
        options = (*alone, "--wait", "0", "--verdict", verdict, "--", "sh", "-c")
        done = project("run", "t", *options, f"exit {passing}", expect=125)
        assert_says(done, "error: 1 of 2 tasks did not begin", "/t: 1 of 2 tasks did not begin (")
        done = project("run", "t", *options, f"exit {failing}", expect=failing)
        assert_says(done, "note: 1 of 2 tasks did not begin")


def test_others_wait_for_the_group(tmp):
    project = Project(tmp, git="off")
    processes = tasks_of(project, 2, "sh", "-c", "touch ready.$RANK; while ! test -e go; do sleep 0.05; done", options=("--finish",))
    tree = project.root / "t"
    eventually(lambda: all((tree / f"ready.{rank}").exists() for rank in range(2)), "both are at work")
    for more in ((), ("--join",)):
        done = project("run", "t", "--wait", "0", *more, "--", "true", expect=125)
        assert_says(done, "is in use by")
    assert project("list", "--json").json()["snapshots"][0]["run"]["running"] is True
    (tree / "go").touch()
    assert [code for code, _ in ends_of(processes)] == [0, 0]
    project("run", "t", "--", "true")


def test_one_alone_and_wrong_usage(tmp):
    project = Project(tmp, git="off")
    project("run", "t", "--join", "--finish", "--", "sh", "-c", "echo >>a.txt")
    assert project.names() == [] and not list((project.root / ".snapfix/work").iterdir())
    assert not [lock.name for lock in (project.root / ".snapfix/locks").iterdir() if lock.name.startswith("group.")]
    done = project("run", "t", "--tasks", "2", "--", "true", expect=2)
    assert_says(done, "--tasks is for --join and --launcher")


if __name__ == "__main__":
    harness.main()
