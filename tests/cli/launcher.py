"""run --launcher: the work is done elsewhere, by the helper that lies in the root."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import harness
from harness import eventually, start
from project import Project, assert_says

# A node: does what is written to a FIFO, outside of the process tree of who wrote it, one job at a time.
NODE = """
import json, os, subprocess, sys
folder = sys.argv[1]
while True:
    with open(folder + "/jobs") as jobs:
        for line in jobs:
            job = json.loads(line)
            if job is None:
                sys.exit(0)
            while os.path.exists(folder + "/busy"):
                import time; time.sleep(0.01)
            with open(job["out"], "wb") as out:
                done = subprocess.run(job["words"], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=job["env"], start_new_session=True)
            with open(job["out"] + ".code", "w") as code:
                code.write(str(done.returncode))
            os.rename(job["out"] + ".code", job["out"] + ".done")
"""
# What submits to it, and waits: SUBMIT FOLDER WORDS...
SUBMIT = """
import json, os, sys, tempfile, time
folder = sys.argv[1]
out = tempfile.mktemp(dir=folder, prefix="out.")
with open(folder + "/jobs", "w") as jobs:
    jobs.write(json.dumps({"words": sys.argv[2:], "out": out, "env": {"PATH": os.environ["PATH"]}}) + "\\n")
open(folder + "/queued", "w").close()
while not os.path.exists(out + ".done"):
    time.sleep(0.01)
sys.stdout.write(open(out).read())
sys.stdout.flush()
sys.stderr.write("node: the job has ended\\n")
code = int(open(out + ".done").read())
sys.exit(code if code >= 0 else 128 - code)
"""


@contextlib.contextmanager
def node(tmp):
    """The launcher's words for a node that runs as long as this."""
    folder = tmp / "node"
    folder.mkdir()
    os.mkfifo(folder / "jobs")
    (folder / "submit.py").write_text(SUBMIT)
    daemon = start([sys.executable, "-c", NODE, folder], start_new_session=True)
    try:
        yield [sys.executable, str(folder / "submit.py"), str(folder)]
    finally:
        with contextlib.suppress(FileNotFoundError):
            (folder / "busy").unlink()
        daemon.terminate()
        daemon.wait()


def by(*words):
    return [f"--launcher={word}" for word in words]


def tickets(project):
    folder = project.root / ".snapfix/tickets"
    return sorted(folder.iterdir()) if folder.exists() else []


def submitter(project, launcher, *args, name="t", **more):
    """A run that is submitted, in the background."""
    return start([harness.snapfix_path(), "run", name, "--source", project.source, "--root", project.root, "--git", "off",
                  *by(*launcher), *args], cwd=project.source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_as_without(tmp):
    """Exit code, signal, output and findings are those of a run here; the last words come last."""
    project = Project(tmp, git="off")
    with node(tmp) as launcher:
        for command in ("echo out; exit 0", "exit 7", "kill -TERM $$", "echo more >>a.txt; exit 1", "pwd; echo $SNAPSHOT_DIR $SNAPSHOT_NAME"):
            for options in (("--finish",), ("--finish", "--keep", "always"), ()):
                ends = [project("run", "t", "--fresh", *options, *where, "--", "sh", "-c", command, expect=None)
                        for where in ((), by(*launcher))]
                here, there = ends
                assert here.code == there.code and here.out == there.out, ends
                if options and "kept" in here.err:
                    assert there.err.splitlines()[-3:] == here.err.splitlines()[-3:], ends
                if not options:
                    shown = project("show", "t", "--json").json()["run"]
                    assert shown["changes"] is not None, shown
    assert (project.source / "a.txt").read_text() == "a\n" and tickets(project) == []


def test_the_guard_holds_where_the_job_is_no_child_of_ours(tmp):
    project = Project(tmp, git="off")
    project.freeze()
    store = harness.tree_state(project.root / ".snapfix/objects")
    with node(tmp) as launcher:
        done = project("run", "t", *by(*launcher), "--finish", "--keep", "always", "--verbose", "--json-report", tmp / "report",
                       "--", "sh", "-c", "echo more >>a.txt; ps -o ppid= $$ >parent", expect=0)
    assert_says(done, "'a.txt' became private: openat of 'sh'", "node: the job has ended", "1 file private, 1 new")
    harness.assert_same_state(store, harness.tree_state(project.root / ".snapfix/objects"), what="the store")
    assert (project.root / "t/a.txt").read_text() == "a\nmore\n" and "a.txt" in (tmp / "report").read_text()


def test_measurements_and_the_abort_of_a_finding(tmp):
    """What ctest is told: as of a run here."""
    project = Project(tmp, git="off")
    write = f"echo x >>{project.source}/a.txt"
    for where in ((), by("env")):
        done = project("run", "t", "--fresh", "--finish", "--ctest", "--source-writes", "report", *where, "--", "sh", "-c", write, expect=None)
        assert done.code == -signal.SIGABRT and 'name="snapshot.linked"' in done.out, done
        assert_says(done, "the command wrote to the source")
        done = project("run", "t", "--fresh", "--finish", "--ctest", *where, "--", "no-such-program", expect=None)
        assert done.code == -signal.SIGABRT, done
        assert_says(done, "cannot run 'no-such-program'")


def test_launchers_that_fail(tmp):
    project = Project(tmp, git="off")
    not_executable = tmp / "launcher"
    not_executable.write_text("")
    done = project("run", "t", *by("no-such-launcher"), "--", "true", expect=127)
    assert_says(done, "cannot start the job by the launcher 'no-such-launcher'")
    assert_says(project("run", "t", *by(not_executable), "--", "true", expect=126), "Permission denied")
    done = project("run", "t", *by("sh", "-c", "exit 137", "sh"), "--", "true", expect=125)
    assert_says(done, "the job did not begin: the launcher, 'sh', ended with exit code 137 (signal 9)",
                f"it was started as: sh -c 'exit 137' sh {project.root}/.snapfix/bin/snapfix job t.")
    assert_says(project("run", "t", *by("true"), "--", "true", expect=125), "did not begin")
    done = project("run", "t", *by("sh", "-c", '"$@"; exit 137', "sh"), "--fresh", "--finish", "--", "true")
    assert done.err == "", done  # its result is what counts
    assert tickets(project) == [] and project.names() == []


def test_a_job_whose_submitter_is_gone_does_nothing(tmp):
    project = Project(tmp, git="off")
    with node(tmp) as launcher:
        (tmp / "node/busy").touch()
        queued = submitter(project, launcher, "--finish", "--", "touch", tmp / "done")
        eventually((tmp / "node/queued").exists, "it is queued")
        queued.kill()
        queued.communicate()
        (tmp / "node/busy").unlink()
        # The next job of the same node runs after it.
        project("run", "next", *by(*launcher), "--", "true")
    assert not (tmp / "done").exists() and project.names() == ["next"]
    lost = ("nobody waits for this job any more", "there is no ticket 't.")  # the next run may have cleared it
    assert any(text in out.read_text() for text in lost for out in (tmp / "node").glob("out.*") if out.suffix != ".done")
    assert tickets(project) == []


def test_a_job_that_waits_for_the_name_ends_with_its_submitter(tmp):
    """Whoever has it: a run alone, or the first of others, who is at the tree."""
    project = Project(tmp, git="off")
    project.create("t")
    holder = start([harness.snapfix_path(), "run", "t", "--root", project.root, "--source", project.source, "--", "sh", "-c",
                    f"touch held; until [ -e {tmp}/go ]; do sleep 0.05; done"])
    eventually((project.root / "t/held").exists, "the name is held")
    deciding = project.root / ".snapfix/locks/group.t"
    for who in ("alone", "first"):
        with harness.temp_dir("node") as place, node(place) as launcher, open(deciding, "w") as lock:
            if who == "first":
                fcntl.lockf(lock, fcntl.LOCK_EX)
            waiting = submitter(project, launcher, "--finish", "--", "touch", tmp / "done")
            eventually(lambda: any("waiting for who works in 't'" in out.read_text() for out in (place / "node").glob("out.*")), "it waits")
            waiting.kill()
            waiting.communicate()
            eventually(lambda: list((place / "node").glob("out.*.done")), "the job has ended")
            [out] = [out for out in (place / "node").glob("out.*") if out.suffix != ".done"]
            assert "the run that submitted this job is gone" in out.read_text(), out.read_text()
    (tmp / "go").touch()
    assert holder.wait(60) == 0 and not (tmp / "done").exists() and project.names() == ["t"]


def test_a_base_stays_while_its_job_waits(tmp):
    project = Project(tmp, git="off")
    with node(tmp) as launcher:
        (tmp / "node/busy").touch()
        queued = submitter(project, launcher, "--", "cat", "a.txt")
        eventually((tmp / "node/queued").exists, "it is queued")
        project.write({"a.txt": "later\n"})
        project.freeze()
        project("prune", "--keep", "0")
        (tmp / "node/busy").unlink()
        out, err = queued.communicate(timeout=60)
        assert queued.returncode == 0 and out.endswith("\na\n"), (out, err)


def at_work(project, launcher, *options):
    """A submitter whose job is at work; and the command's pid."""
    run = submitter(project, launcher, "--finish", *options, "--", "sh", "-c", "echo $$ >pid; sleep 600 & wait")
    pid = project.root / "t/pid"
    eventually(lambda: pid.exists() and pid.read_text().strip(), "the command runs")
    return run, int(pid.read_text())


def test_a_job_ends_with_its_submitter(tmp):
    project = Project(tmp, git="off")
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        for guard in ("on", "off"):
            with harness.temp_dir("node") as place, node(place) as launcher:
                run, pid = at_work(project, launcher, "--guard", guard)
                run.send_signal(number)
                run.communicate(timeout=60)
                assert run.returncode != 0
                eventually(lambda: is_gone(pid), f"the command is ended by {number} to the submitter")
                # Who ends the ctest run waits for the job to be gone.
                done = project("finish-run")
                why = "its run has no recorded end" if number == signal.SIGKILL else "left no end: the launcher"
                assert_says(done, "the run of 't' was killed", why)
                project("remove", "t")
                assert tickets(project) == [] and not list((project.root / ".snapfix/work").iterdir())


def test_a_job_that_is_killed(tmp):
    """By what it cannot pass on: its end is told, and its snapshot is finished by the usual means."""
    project = Project(tmp, git="off")
    with node(tmp) as launcher:
        run, pid = at_work(project, launcher)
        guard = os.stat(f"/proc/{pid}").st_uid == os.geteuid() and parent_of(pid)
        front = parent_of(guard)
        os.kill(front, signal.SIGKILL)
        _, err = run.communicate(timeout=60)
        assert run.returncode == 125 and "the job began on" in err, err
        assert f"left no end: the launcher, '{sys.executable}', ended with exit code 137 (signal 9)" in err and "stands above" in err, err
        eventually(lambda: is_gone(pid), "the command is gone with it")
        assert_says(project("finish-run"), "the run of 't' was killed")


def test_a_job_that_is_ended_while_it_finishes(tmp):
    """Who cancels a job tells its command first, and the helper when that has ended: the end is told all the same."""
    project = Project(tmp, git="off")
    run = submitter(project, ["env"], "--tasks", "2", "--wait", "4", "--finish", "--", "sh", "-c",
                    "echo $$ >pid; while [ ! -e go ]; do sleep 0.05; done; kill -TERM $$")
    pid = project.root / "t/pid"
    eventually(lambda: pid.exists() and pid.read_text().strip(), "the command runs")
    command = int(pid.read_text())
    front = parent_of(parent_of(command))
    (project.root / "t/go").touch()
    eventually(lambda: project("show", "t", "--json").json()["run"]["group"]["ended"] == 1, "it awaits the other task")
    os.kill(front, signal.SIGTERM)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 125 and "1 of 2 tasks did not begin" in err and "left no end" not in err, err


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


def test_as_an_ordinary_user(tmp):
    if not harness.can_run_as():
        harness.skip("cannot run a command as another user")
    project = Project(tmp, plain=True, git="off")
    home = tmp / "home"
    home.mkdir()
    os.chown(home, harness.NOBODY, harness.NOBODY)
    where = ["--source", project.source, "--root", home / "root", "--git", "off"]
    both = 'RANK=0 "$@" & RANK=1 "$@" & wait'
    done = harness.snapfix("run", "t", *where, *by("sh", "-c", both, "sh"), "--tasks", "2", "--guard", "on", "--finish", "--keep",
                           "always", "--", "sh", "-c", "echo $RANK >>a.txt", user=harness.NOBODY, cwd="/")
    assert sorted((home / "root/t/a.txt").read_text().split()) == ["0", "1", "a"], done
    assert (project.source / "a.txt").read_text() == "a\n"


def test_environment_goes_along(tmp):
    project = Project(tmp, git="off")
    done = project("run", "t", *by("env", "-i", f"PATH={os.environ['PATH']}"), "--pack-env", "MINE,NOT_SET", "--", "sh", "-c",
                   'echo "[$MINE] [$OTHER]"', env={"MINE": "a b\nc", "OTHER": "x"})
    assert done.out == "[a b\nc] []\n", done


def test_placeholders(tmp):
    project = Project(tmp, git="off")
    script = 'echo "$1 $2" >&2; eval "$3"'
    done = project("run", "a b", *by("sh", "-c", script, "sh", "@SNAPSHOT_NAME@", "@SNAPSHOT_ROOT@",
                                     "@SNAPSHOT_ROOT@/.snapfix/bin/snapfix job @SNAPSHOT_TICKET@"), "--", "echo", "x")
    assert done.out == "x\n" and f"a b {project.root}\n" in done.err, done


def test_tasks_of_one_job(tmp):
    """They are a group without being told; where their number is not known, one that is late is told so."""
    project = Project(tmp, git="off")
    both = 'RANK=0 "$@" & RANK=1 "$@" & wait'
    done = project("run", "t", *by("sh", "-c", both, "sh"), "--tasks", "2", "--finish", "--keep", "always", "--",
                   "sh", "-c", "echo $RANK >>a.txt; exit $RANK", expect=1)
    assert sorted((project.root / "t/a.txt").read_text().split()) == ["0", "1", "a"], done
    one_by_one = 'RANK=0 "$@"; RANK=1 "$@"; true'
    done = project("run", "t", *by("sh", "-c", one_by_one, "sh"), "--fresh", "--finish", "--", "true", expect=125)
    assert_says(done, "the other tasks of this job have ended", "--tasks N")


def test_a_job_that_is_started_again(tmp):
    """Where it has failed, that is its end, whatever tries it once more: it is finished."""
    project = Project(tmp, git="off")
    twice = '"$@"; "$@"; exit 0'
    done = project("run", "t", *by("sh", "-c", twice, "sh"), "--finish", "--", "sh", "-c", "echo ran; exit 4", expect=4)
    assert done.out == "ran\n", done
    assert_says(done, "note: the job was started again after it had failed", "its command ended with exit code 4")
    failed_by_success = ("--fresh", "--finish", "--verdict", "will-fail", "--", "true")
    assert_says(project("run", "t", *by("sh", "-c", twice, "sh"), *failed_by_success), "note: the job was started again")
    # Here it is a task that was not counted.
    passed = ("--fresh", "--finish", "--verdict", "will-fail", "--", "false")
    assert_says(project("run", "t", *by("sh", "-c", twice, "sh"), *passed, expect=125), "the other tasks of this job have ended")


def test_the_worst_end_of_tasks_is_one_of_the_verdict(tmp):
    """A failure counts, not the higher number of one that is skipped or is to fail."""
    project = Project(tmp, git="off")
    both = 'RANK=0 "$@" & RANK=1 "$@" & wait'
    for verdict, ends, worst in (("skip=77", (77, 1), 1), ("skip=77", (0, 77), 77), ("will-fail", (3, 0), 0)):
        first, second = ends
        done = project("run", "t", "--fresh", *by("sh", "-c", both, "sh"), "--tasks", "2", "--finish", "--verdict", verdict, "--",
                       "sh", "-c", f"test $RANK = 0 && exit {first}; exit {second}", expect=worst)
        is_failure = worst != 77
        assert ("its command ended with exit code" in done.err) == is_failure, (verdict, ends, done)


def test_fewer_tasks_than_were_said(tmp):
    """No result is an error, whatever the one task did that came."""
    project = Project(tmp, git="off")
    for verdict, code in ((), 0), (("--verdict", "will-fail"), 3):
        done = project("run", "t", *by("env"), "--tasks", "3", "--wait", "1", "--fresh", "--finish", *verdict, "--", "sh", "-c",
                       f"exit {code}", expect=125)
        assert_says(done, "2 of 3 tasks did not begin: the launcher, 'env'", f"{project.root}/t: 2 of 3 tasks did not begin (")
        (test,) = project("report", "--json").json()["tests"]
        assert (test["outcome"], test["reason"]) == ("killed", "2 of 3 tasks did not begin"), test


def test_a_damaged_ticket(tmp):
    project = Project(tmp, git="off")
    cut_job = 'cd "$1/.snapfix/tickets"/* && head -c 120 job >job.cut && mv job.cut job; shift; "$@"'
    done = project("run", "t", *by("sh", "-c", cut_job, "sh", project.root), "--", "true", expect=125)
    assert_says(done, "the ticket is damaged")
    cut_result = 'root=$1; shift; "$@"; cd "$root/.snapfix/tickets"/* && for one in result.*; do printf "version\\0003\\0" >$one; done'
    done = project("run", "t", *by("sh", "-c", cut_result, "sh", project.root), "--", "true", expect=125)
    assert_says(done, "the ticket is damaged")


def test_a_ticket_that_is_not_there(tmp):
    project = Project(tmp, git="off")
    project.freeze()
    done = harness.run([harness.snapfix_path(), "job", "wrong", "--root", project.root], expect=125)
    assert_says(done, f"there is no ticket 'wrong' in {project.root}", "the run that submitted it is gone, or it is another root's")
    gone = 'rm -r "$1"/.snapfix/tickets/*'
    done = project("run", "t", *by("env"), "--", "sh", "-c", gone, "sh", project.root, expect=125)
    assert_says(done, "there is no ticket 't.")


def test_launchers_written_amiss(tmp):
    project = Project(tmp, git="off")
    assert_says(project("run", "t", "--launcher", "", "--", "true", expect=2), "--launcher names no program")
    done = project("run", "t", *by("env -i"), "--", "true", expect=127)
    assert_says(done, "words are separated by ;: --launcher 'env;-i'; in CMake, LAUNCHER without quotes")


def test_the_helper_in_the_root(tmp):
    """It is put there once, and anew where another one is there; it needs no library."""
    project = Project(tmp, git="off")
    project("run", "t", *by("env"), "--", "true")
    helper = project.root / ".snapfix/bin/snapfix"
    first = helper.stat()
    project("run", "t", *by("env"), "--", "true")
    assert helper.stat().st_ino == first.st_ino
    helper.write_bytes(b"#!/bin/sh\nexit 1\n")
    project("run", "t", *by("env"), "--", "true")
    assert helper.stat().st_size == first.st_size and helper.stat().st_mode & 0o777 == 0o755
    if harness.is_sanitized():
        return  # nothing is linked statically then
    assert b"ld-linux" not in helper.read_bytes()[:4096]
    harness.run([helper, "pack", "t", "--root", project.root, "-o", tmp / "pack"])
    assert (tmp / "pack").stat().st_size > 0


def test_without_proc(tmp):
    """A container that does not mount it: that is what is to be said."""
    harness.require("unshare")
    if harness.is_sanitized():
        return  # a sanitizer itself needs it
    project = Project(tmp, git="off")
    without = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    if harness.run([*without, "true"], expect=None).code != 0:
        harness.skip("no mount can be made here")
    done = project("run", "t", *by(*without), "--", "true", expect=125)
    assert_says(done, "/proc is missing here")


def bwrap_root(tmp, project, *binds):
    """A container's words: a root of its own, with busybox alone, that sees ours at /snap."""
    harness.require("bwrap")
    busybox = shutil.which("busybox")
    if not busybox:
        harness.skip("busybox is not installed")
    root = tmp / "container"
    for folder in ("bin", "proc", "dev", "tmp", "snap"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(busybox, root / "bin/sh")
    words = ["bwrap", "--bind", root, "/", "--bind", project.root, "/snap", "--proc", "/proc", "--dev", "/dev", "--unshare-pid", *binds]
    if harness.run([*words, "/bin/sh", "-c", "true"], expect=None).code != 0:
        harness.skip("bwrap does not run here")
    return words


def test_in_a_container_with_nothing_but_a_shell(tmp):
    """No library, no source, and the root at another path."""
    if harness.is_sanitized():
        return
    project = Project(tmp, git="off")
    project.freeze()
    store = harness.tree_state(project.root / ".snapfix/objects")
    words = bwrap_root(tmp, project)
    done = project("run", "t", *by(*words, "--clearenv", "/snap/.snapfix/bin/snapfix", "job", "@SNAPSHOT_TICKET@"), "--guard", "on",
                   "--map-source", "--finish", "--keep", "always", "--", "/bin/sh", "-c",
                   'echo more >>a.txt; echo $SNAPSHOT_DIR $1; exit 3', "sh", f"{project.source}/a.txt", expect=3)
    assert done.out == "/snap/t /snap/t/a.txt\n", done
    assert_says(done, f"the snapshot is kept in {project.root}/t: its command ended with exit code 3 (1 file private")
    assert (project.root / "t/a.txt").read_text() == "a\nmore\n"
    harness.assert_same_state(store, harness.tree_state(project.root / ".snapfix/objects"), what="the store")


def older_distribution():
    """A folder with an older Debian, made once."""
    cache = pathlib.Path(os.environ["SNAPFIX_BUILD_DIR"]) / "bullseye"
    if not (cache / "bin/sh").exists():
        harness.require("debootstrap")
        part = cache.with_suffix(".part")
        harness.remove_tree(part)
        # Unpacked, not set up: its programs run, and more is not wanted.
        made = harness.run(["debootstrap", "--foreign", "--variant=minbase", "bullseye", part], expect=None, timeout=500)
        if made.code == 0:
            if (part / "proc").is_symlink():  # as a first stage leaves it
                (part / "proc").unlink()
                (part / "proc").mkdir()
            part.rename(cache)
        else:
            harness.remove_tree(part)
            harness.skip(f"debootstrap cannot fetch Debian 11: {(made.out + made.err)[-300:]}")
    return cache


def test_in_an_older_distribution(tmp):
    if harness.is_sanitized():
        return
    harness.require("bwrap")
    project = Project(tmp, git="off")
    words = ["bwrap", "--bind", older_distribution(), "/", "--bind", project.root, "/mnt", "--proc", "/proc", "--dev", "/dev"]
    done = project("run", "t", *by(*words, "/mnt/.snapfix/bin/snapfix", "job", "@SNAPSHOT_TICKET@"), "--guard", "on",
                   "--finish", "--", "bash", "-c", "grep -o bullseye /etc/os-release | head -1; echo more >>a.txt; ls -l a.txt >/dev/null")
    assert done.out == "bullseye\n", done


if __name__ == "__main__":
    harness.main()
