"""Killed at any point, the next command is right; and no failed system call is taken for a success.

strace kills the helper, or lets a call fail, at the n-th call of a kind, for each n that there is.
"""

import os
import random
import shutil
import signal
import subprocess
import time

import harness
from harness import run, start
from project import Project, assert_says

# All that change the disk, and some that only read.
k_calls = ("openat", "mkdirat", "linkat", "symlinkat", "renameat", "renameat2", "unlinkat", "fchmod", "fchmodat", "utimensat",
           "write", "pwrite64", "copy_file_range", "sendfile", "ioctl", "flock", "fcntl", "ftruncate", "fsync", "getdents64", "close")


def traced(p, inject, *args, expect=None):
    where = ["--source", p.source] if args[0] in ("freeze", "create", "run") else []
    return run(["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={inject.split(':')[0]}", "-e", f"inject={inject}",
                harness.snapfix_path(), args[0], *where, "--root", p.root, *args[1:]], expect=expect)


def require_strace():
    harness.require("strace")
    if run(["strace", "-o", "/dev/null", "-e", "inject=write:signal=KILL:when=1", "echo", "x"], expect=None).code == 0:
        harness.skip("strace cannot inject here")


def project(tmp):
    p = Project(tmp, {f"d{n % 3}/f{n}": f"{n}\n" for n in range(6)})
    (p.source / "link").symlink_to("d0/f0")
    p.git("add", "-A")
    return p


def check_after(p, whole=True):
    """No snapshot or the whole one; and the next command of each kind works.

    whole: nobody but us has taken files out of the snapshots.
    """
    for name in p.names():
        assert name in {s["name"] for s in p("list", "--json").json()["snapshots"]}, f"{name} stands, but is not on record"
    for snapshot in p("list", "--json").json()["snapshots"]:
        if whole and os.path.isdir(snapshot["path"]):
            report = p("verify", snapshot["name"], "--json", expect=(0, 3)).json()
            assert report["missing"] == 0, f"half a snapshot: {report}"
    p.expect_snapshot(p.create("t", "--fresh"))
    assert p("verify", "t", "--content").code == 0
    p("prune")
    left = {name: os.listdir(p.root / ".snapfix" / name) for name in ("work", "trash") if (p.root / ".snapfix" / name).exists()}
    assert all(not entries for entries in left.values()), f"debris that prune leaves: {left}"
    assert p.strays() == [], f"debris that prune leaves: {p.strays()}"
    p("remove", "t")


def kill_at_every_call(p, prepare, *args, check=check_after):
    points = 0
    for call in k_calls:
        when = 1
        while True:
            prepare()
            done = traced(p, f"{call}:signal=KILL:when={when}", *args)
            if done.code == 0:
                break
            if done.code not in (-signal.SIGKILL, 128 + signal.SIGKILL):
                assert_says(done, "git")  # it was git that was killed
            points += 1
            try:
                check(p)
            except AssertionError as wrong:
                raise AssertionError(f"killed at {call} number {when} of {args}:\n{wrong}") from None
            # Every call at first, then ever fewer: the later ones of a kind do the same for other files.
            when += 1 if when < 8 else when // 3
    print(f"  {args[0]}: killed at {points} points", flush=True)
    assert points > 10


def test_create_killed_at_every_call(tmp):
    require_strace()
    p = project(tmp)
    kill_at_every_call(p, lambda: shutil.rmtree(p.root, ignore_errors=True), "create", "t")


def test_refresh_killed_at_every_call(tmp):
    require_strace()
    p = project(tmp)

    def used():
        shutil.rmtree(p.root, ignore_errors=True)
        t = p.create("t")
        shutil.rmtree(t / "d1")
        (t / "d0/f0").unlink()
        (t / "new/deep").mkdir(parents=True)
        (t / "new/deep/x").write_text("x")

    kill_at_every_call(p, used, "create", "t", "--fresh", check=lambda p: check_after(p, whole=False))


def test_refresh_to_another_state_killed_at_every_call(tmp):
    """A tree that is half of one state and half of another must never pass for either."""
    require_strace()
    p = project(tmp)
    count = iter(range(10**6))

    def another_state():
        p.create("t", "--fresh")
        p.write({f"d{n}/f{n}": f"state {next(count)}\n" for n in range(3)})
        (p.source / "d2/f5").unlink(missing_ok=True)
        p.write({f"d1/new{next(count)}": "new\n"})
        p.git("add", "-A")

    def check(p):
        done = p("create", "t", expect=(0, 1))  # not --fresh: a tree of this state is used as it stands
        if done.code == 0:
            p.expect_snapshot(p.root / "t")
        check_after(p, whole=False)

    kill_at_every_call(p, another_state, "create", "t", "--fresh", check=check)


def test_freeze_of_a_second_state_killed_at_every_call(tmp):
    require_strace()
    p = project(tmp)
    count = iter(range(10**6))

    def changed():
        p.create("keep", "--fresh")
        p.write({"d0/f0": f"state {next(count)}\n"})

    kill_at_every_call(p, changed, "freeze")


def test_remove_killed_at_every_call(tmp):
    require_strace()
    p = project(tmp)
    kill_at_every_call(p, lambda: p.create("t", "--fresh"), "remove", "t")


def test_finish_killed_at_every_call(tmp):
    require_strace()
    p = project(tmp)

    def spoilt():
        shutil.rmtree(p.root, ignore_errors=True)
        with open(p.create("t") / "d0/f0", "a", encoding="ascii") as shared:
            shared.write("through the link\n")

    points = 0
    for call in ("openat", "renameat", "renameat2", "unlinkat", "write", "linkat"):
        for when in (1, 2, 3, 4, 6, 9, 14, 20):
            spoilt()
            done = traced(p, f"{call}:signal=KILL:when={when}", "finish", "t")
            points += done.code not in (0, 3)
            check_after(p, whole=False)
    assert points > 5


def test_killed_at_random_times(tmp):
    """Without strace, at full speed, all commands at once."""
    p = Project(tmp, {f"d{n % 10}/f{n}": f"{n}\n" * 20 for n in range(300)})
    rng = random.Random(5)
    for number in range(40):
        p.write({"d0/f0": f"{number}\n"})
        command = rng.choice((["create", "t", "--fresh"], ["create", "u", "--fresh"], ["freeze"], ["remove", "u"], ["prune"]))
        where = ["--source", p.source] if command[0] in ("create", "freeze") else []
        process = start([harness.snapfix_path(), command[0], *where, "--root", p.root, *command[1:]],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.06)
        process.kill()
        process.wait()
        if number % 4 == 0:
            p.expect_snapshot(p.create("t", "--fresh"))
            assert p("verify", "t").code == 0
    check_after(p)


def test_every_failed_call_is_an_error_or_harmless(tmp):
    """With ENOSPC, EIO or EACCES at any call: exit code 0 and the right tree, or an error and no half of one."""
    require_strace()
    p = project(tmp)
    failed = 0
    for call, error in (("write", "ENOSPC"), ("openat", "EMFILE"), ("mkdirat", "ENOSPC"), ("linkat", "EIO"), ("renameat2", "EIO"),
                        ("renameat", "EIO"), ("symlinkat", "ENOSPC"), ("utimensat", "EPERM"), ("fchmod", "EPERM"), ("getdents64", "EIO"),
                        ("pread64", "EIO"), ("read", "EIO"), ("copy_file_range", "EIO"), ("newfstatat", "EIO"), ("statx", "EIO"),
                        ("fstat", "EIO"), ("fsync", "EIO"), ("readlinkat", "EIO"), ("unlinkat", "EIO")):
        when, last = 1, False
        while not last:
            shutil.rmtree(p.root, ignore_errors=True)
            done = traced(p, f"{call}:error={error}:when={when}", "create", "t")
            what = f"{call} number {when} fails with {error}"
            if done.code == 0:
                last = when > 12  # past the last call of the kind, which git's own make many
                p.expect_snapshot(p.root / "t")
            elif "error while loading" in done.err or "cannot write to stdout" in done.err:
                pass  # the loader's own calls; made, and not told
            else:
                assert done.code == 1, f"{what}\n{done}"
                assert_says(done, "snapfix: error: ")
                if p.names():
                    p.expect_snapshot(p.root / "t")  # what failed came after it was published
                if p.root.exists():
                    assert p.strays() == [], f"{what}: debris {p.strays()}\n{done}"
                failed += 1
            when += 1 if when < 12 else 5
            last = last or when > 40
    print(f"  {failed} failed calls were errors", flush=True)
    assert failed > 20


def test_refused_links_become_copies(tmp):
    require_strace()
    for error in ("EXDEV", "EMLINK", "EPERM", "EOPNOTSUPP"):
        where = tmp / error
        where.mkdir()
        p = project(where)
        done = traced(p, f"linkat:error={error}", "create", "t", "--json", expect=0)
        assert done.json()["ledger"]["copied_by_reason"] == {error: 6}, done
        p.expect_snapshot(p.root / "t")
        strict = traced(p, f"linkat:error={error}", "create", "u", "--strict")
        assert strict.code == 1 and p.names() == ["t"], strict
        assert_says(strict, "cannot link", "hint: ")


def test_interrupted_by_a_signal(tmp):
    """SIGINT and SIGTERM: no snapshot, and the next is right."""
    p = Project(tmp, {f"d{n % 10}/f{n}": f"{n}\n" * 50 for n in range(2000)}, plain=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process = start([harness.snapfix_path(), "create", "t", "--source", p.source, "--root", p.root], stdout=subprocess.PIPE)
        time.sleep(0.08)
        process.send_signal(number)
        process.communicate(timeout=20)
        assert process.returncode in (-number, 0), process.returncode
        if process.returncode != 0:
            assert p.names() == []
    t = p.create("t", "--fresh")
    harness.assert_same_tree(p.source, t)


if __name__ == "__main__":
    harness.main()
