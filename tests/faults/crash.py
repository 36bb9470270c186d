"""Killed or interrupted at any time, at full speed, and refused what it can do without: the next command is right.

points.py does so call by call.
"""

import os
import random
import signal
import subprocess
import time

import harness
from harness import run, start
from project import Project, assert_says


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


def check_after(p):
    """No snapshot or the whole one; and the next command of each kind works."""
    listed = {s["name"]: s for s in p("list", "--json").json()["snapshots"]}
    assert sorted(listed) == p.names(), "what stands is on record, and nothing else"
    for name in listed:
        report = p("verify", name, "--json").json()
        assert report["missing"] == 0, f"half a snapshot: {report}"
    p.expect_snapshot(p.create("t", "--fresh"))
    assert p("verify", "t", "--content").code == 0
    p("prune")
    left = {name: os.listdir(p.root / ".snapfix" / name) for name in ("work", "trash")}
    assert left == {"work": [], "trash": []}, f"debris that prune leaves: {left}"
    assert p.strays() == [], f"debris that prune leaves: {p.strays()}"


def test_killed_at_random_times(tmp):
    """Without strace, at full speed, all commands at once."""
    p = Project(tmp, {f"d{n % 10}/f{n}": f"{n}\n" * 20 for n in range(300)})
    rng = random.Random(5)
    killed = 0
    for number in range(40):
        p.write({"d0/f0": f"{number}\n"})
        command = rng.choice((["create", "t", "--fresh"], ["create", "u", "--fresh"], ["freeze"], ["remove", "u"], ["prune"]))
        where = ["--source", p.source] if command[0] in ("create", "freeze") else []
        process = start([harness.snapfix_path(), command[0], *where, "--root", p.root, *command[1:]],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.06)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        if number % 4 == 0:
            p.expect_snapshot(p.create("t", "--fresh"))
            assert p("verify", "t").code == 0
    assert killed >= 10, f"only {killed} of 40 were killed"
    check_after(p)


def test_refused_links_become_copies(tmp):
    require_strace()
    for error in ("EXDEV", "EMLINK", "EPERM", "EOPNOTSUPP"):
        where = tmp / error
        where.mkdir()
        p = project(where)
        done = traced(p, f"linkat:error={error}", "create", "t", "--json", expect=0)
        files = sum(path.is_file() and not path.is_symlink() for path in (p.root / "t").rglob("*"))
        assert files > 6 and done.json()["ledger"]["copied_by_reason"] == {error: files}, done
        p.expect_snapshot(p.root / "t")
        strict = traced(p, f"linkat:error={error}", "create", "u", "--strict")
        assert strict.code == 1 and p.names() == ["t"], strict
        assert_says(strict, "cannot link", "hint: ")


def test_interrupted_by_a_signal(tmp):
    """SIGINT and SIGTERM: no snapshot, and the next is right."""
    p = Project(tmp, {f"d{n % 10}/f{n}": f"{n}\n" * 50 for n in range(2000)}, plain=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for wait in (0.08, 0.04, 0.02, 0.01, 0.005):  # until it is early enough
            process = start([harness.snapfix_path(), "create", "t", "--fresh", "--source", p.source, "--root", p.root],
                            stdout=subprocess.DEVNULL)
            time.sleep(wait)
            process.send_signal(number)
            if process.wait(timeout=20) == -number:
                break
            assert process.returncode == 0, process.returncode
            p("remove", "t")
        assert process.returncode == -number, "never early enough"
        assert p.names() == []
    t = p.create("t", "--fresh")
    harness.assert_same_tree(p.source, t)


if __name__ == "__main__":
    harness.main()
