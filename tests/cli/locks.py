"""Two at once: who waits for whom, for how long, and what is said."""

import contextlib
import os
import signal
import subprocess
import time

import harness
from harness import eventually, start
from project import Project, assert_fails, assert_says


def command(p, *args):
    where = ["--source", p.source, *p.git_option] if args[0] in ("freeze", "create", "run") else []
    return [harness.snapfix_path(), args[0], *where, "--root", p.root, *args[1:]]


@contextlib.contextmanager
def running(p, name):
    """Something runs in the snapshot until the file `go` is there."""
    for file in ("here", "go"):
        with contextlib.suppress(FileNotFoundError):
            (p.root / name / file).unlink()
    process = start(command(p, "run", name, "--", "sh", "-c", "touch here; while [ ! -e go ]; do sleep 0.05; done"),
                    stderr=subprocess.DEVNULL)
    eventually(lambda: (p.root / name / "here").exists(), "the command runs")
    try:
        yield process
    finally:
        with contextlib.suppress(FileNotFoundError):
            (p.root / name / "go").touch()
        process.wait(timeout=20)


def test_commands_of_a_name_wait_for_its_run(tmp):
    p = Project(tmp)
    for args in (["create", "--fresh", "t"], ["run", "t", "--", "true"], ["finish", "t"], ["remove", "t"]):
        with running(p, "t") as holder:
            waiting = start(command(p, *args), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(2.5)
            assert waiting.poll() is None, f"{args} did not wait"
            (p.root / "t/go").touch()
            _, err = waiting.communicate(timeout=20)
            assert waiting.returncode == 0, (args, err)
            said = err.decode()
            assert said.count("snapfix: note: ") == 1, f"said once, for whom: {said!r}"
            assert str(holder.pid) in said, f"by the owner's process id {holder.pid}: {said!r}"


def test_wait_gives_up(tmp):
    p = Project(tmp)
    with running(p, "t") as holder:
        for args in (["create", "--fresh", "t"], ["run", "t"], ["finish", "t"], ["remove", "t"]):
            started = time.monotonic()
            tail = ["--", "true"] if args[0] == "run" else []
            done = p(*args, "--wait", "1", *tail, expect=None)
            assert_fails(done, 125 if args[0] == "run" else 1, "t", str(holder.pid))
            assert 0.9 < time.monotonic() - started < 10
            assert p(*args, "--wait", "0", *tail, expect=None).code == done.code


def test_a_command_that_would_wait_for_itself(tmp):
    """In a run of t, whatever wants t for itself would wait for its own end."""
    p = Project(tmp)
    helper = harness.snapfix_path()
    tree = f"--source {p.source} --root {p.root}"
    for guard in ("off", "auto"):
        for inner in (f"remove --root {p.root} t", f"create {tree} --fresh t", f"finish --root {p.root} t", f"run {tree} t -- true",
                      f"run {tree} u -- {helper} remove --root {p.root} t"):
            done = p("run", "t", f"--guard={guard}", "--", "sh", "-c", f"{helper} {inner}", expect=None, timeout=20)
            assert done.code == (125 if inner.startswith("run") and "remove" not in inner else 1), done
            assert_says(done, f"'{p.root}/t' is in use by snapfix run t (pid", "in which this command runs", "hint: ")
            assert (p.root / "t").exists()
        # What needs no lock of the name, and another name, is fine.
        for inner in (f"run {tree} u -- true", f"create {tree} t", f"verify --root {p.root} t", f"remove --root {p.root} u", f"prune --root {p.root}",
                      f"list --root {p.root}"):
            p("run", "t", f"--guard={guard}", "--", "sh", "-c", f"{helper} {inner}", timeout=20)


def test_another_name_does_not_wait(tmp):
    p = Project(tmp)
    with running(p, "t"):
        p.create("u", timeout=20)
        p("run", "u", "--", "true", timeout=20)
        p("finish", "u", timeout=20)
        p("freeze", timeout=20)
        p("list", timeout=20)
        p("show", "t", timeout=20)
        assert p.create("t", timeout=20) == p.root / "t", "the same state: the path, at once"


def test_a_dead_owner_lets_go(tmp):
    p = Project(tmp)
    holder = start(command(p, "run", "t", "--", "sh", "-c", "touch here; exec sleep 100"), stderr=subprocess.DEVNULL)
    eventually(lambda: (p.root / "t/here").exists(), "the command runs")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    p("create", "t", "--fresh", "--wait", "10")
    p.expect_snapshot(p.root / "t")


def test_a_lock_of_another_host_is_honoured_and_of_a_dead_one_let_go(tmp):
    """Hosts that share the root: here a second UTS namespace plays the other host."""
    harness.require("unshare")
    p = Project(tmp)
    other = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    if harness.run([*other, "true"], expect=None).code != 0:
        harness.skip("cannot make a UTS namespace")
    holder = start([*other, *command(p, "run", "t", "--", "sh", "-c", "touch here; while [ ! -e go ]; do sleep 0.05; done")],
                   stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: (p.root / "t/here").exists(), "the command runs")
        done = p("create", "t", "--fresh", "--wait", "1", expect=None)
        assert_fails(done, 1, "elsewhere")
    finally:
        holder.kill()
        holder.wait()
    p("create", "t", "--fresh", "--wait", "60", timeout=90)


def test_many_creates_at_once(tmp):
    p = Project(tmp, {f"d{n % 5}/f{n}": f"{n}\n" for n in range(100)}, git="off")
    processes = [start(command(p, "create", f"t{n % 4}", "--fresh"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for n in range(16)]
    done = [process.communicate(timeout=100) for process in processes]
    assert [process.returncode for process in processes] == [0] * 16, done
    assert p.names() == ["t0", "t1", "t2", "t3"]
    for name in p.names():
        p.expect_snapshot(p.root / name)
        assert p("verify", name).code == 0
    objects = [f for _, _, files in os.walk(p.root / ".snapfix/objects") for f in files]
    assert len(objects) == 100


def test_freeze_create_remove_prune_at_once(tmp):
    """Nobody takes away what another is just linking."""
    p = Project(tmp, {f"f{n}": f"{n}\n" for n in range(20)})
    script = {
        "edit": 'for i in $(seq 25); do echo $i >"$S/f0"; sleep 0.03; done',
        "create": 'for i in $(seq 25); do "$B" create --fresh --source "$S" --root "$R" x >/dev/null || exit 1; done',
        "remove": 'for i in $(seq 25); do "$B" create --fresh --source "$S" --root "$R" y >/dev/null && "$B" remove --root "$R" y || exit 1; done',
        "prune": 'for i in $(seq 25); do "$B" prune --root "$R" >/dev/null || exit 1; done',
    }
    env = {"S": p.source, "R": p.root, "B": harness.snapfix_path()}
    p.freeze()
    processes = {name: start(["sh", "-c", text], env=env, stderr=subprocess.PIPE) for name, text in script.items()}
    errors = {name: process.communicate(timeout=200)[1] for name, process in processes.items()}
    failed = {name: errors[name].decode() for name, process in processes.items() if process.returncode != 0}
    assert all("changing" in words for words in failed.values()), failed
    p.expect_snapshot(p.create("x", "--fresh"))
    assert p("verify", "x").code == 0


if __name__ == "__main__":
    harness.main()
