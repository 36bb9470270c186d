"""Many writers at once: nothing that was written is lost, and the objects stay whole."""

import json
import os
import pathlib
import signal
import sys

import harness
from harness import snapfix
from project import Project, inode

k_writers = 64
k_big = b"".join(b"%07d\n" % i for i in range(400000))  # 3.2 MB: copied beside the other calls

# Starts its children, lets them go all at once, and fails with any of them.
k_at_once = """
import os, sys, threading, time
ready, go = os.pipe()
def at_once(count, work):
    children = []
    for i in range(count):
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.read(ready, 1)
            try:
                work(i)
            except BaseException as error:
                print("child", i, repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        children.append(pid)
    os.close(go)
    for pid in children:
        if os.waitpid(pid, 0)[1] != 0:
            failed.append(pid)
failed = []
def put(path, flags, data):
    fd = os.open(path, flags)
    try:
        assert os.write(fd, data) == len(data)
    finally:
        os.close(fd)
A = os.O_WRONLY | os.O_APPEND
"""


class Guarded:
    """A snapshot `t` under the guard, and its sibling `s`, which must stay as it was."""

    def __init__(self, tmp, files):
        self.p = Project(tmp, files, plain=True)
        self.files = {path: c if isinstance(c, bytes) else c.encode() for path, c in files.items()}
        self.s, self.t = self.p.create("s"), self.p.create("t")
        self.sibling = harness.tree_state(self.s)
        self.inodes = {path: inode(self.s / path) for path in files}
        self.report = {}

    def python(self, code, **options):
        """Runs Python in the snapshot; its report must say that nothing failed."""
        file = self.p.root.parent / "report.json"
        code = k_at_once + code + "\nsys.exit(1 if failed else 0)\n"
        done = self.p("run", "t", "--guard", "on", "--json-report", file, "--", sys.executable, "-S", "-B", "-c", code, **options)
        self.report = json.loads(file.read_text())["guard"]
        assert self.report["state"] == "on" and not self.report["failed"] and not self.report["unjudged"], self.report
        return done

    def expect_sound(self):
        """The sibling and the store are as they were; nothing is left over."""
        harness.assert_same_state(self.sibling, harness.tree_state(self.s), what="the sibling before and after")
        for path, number in self.inodes.items():
            assert inode(self.s / path) == number, path
            assert (self.s / path).read_bytes() == self.files[path], path
        for name in ("s", "t"):
            self.p("verify", name, "--content")
        work = self.p.root / ".snapfix" / "work"
        harness.eventually(lambda: not work.exists() or not os.listdir(work), "the guard's work is cleared away")
        strays = [p for p in pathlib.Path(self.t).rglob("*") if p.name.startswith(".snapfix")]
        assert not strays, strays


def test_appends_to_one_file(tmp):
    """64 processes open a shared file to append at once: it is copied once, and every line is there."""
    g = Guarded(tmp, {"f": "first\n", "g": "x\n"})
    g.python(f'at_once({k_writers}, lambda i: [put("f", A, b"%d.%d\\n" % (i, n)) for n in range(20)])')
    lines = (g.t / "f").read_text().splitlines()
    assert lines[0] == "first" and sorted(lines[1:]) == sorted(f"{i}.{n}" for i in range(k_writers) for n in range(20))
    assert [entry["path"] for entry in g.report["private"]] == ["f"], g.report
    assert inode(g.t / "g") == inode(g.s / "g"), "nobody wrote to it"
    g.expect_sound()


def test_different_files(tmp):
    """64 processes, each with files of its own, by different calls."""
    g = Guarded(tmp, {f"d{i % 4}/f{i}": f"file {i}\n" for i in range(4 * k_writers)})
    g.python(f"""
def work(i):
    for n in range(4):
        k = 4 * i + n
        f = f"d{{k % 4}}/f{{k}}"
        if n == 0: put(f, os.O_WRONLY | os.O_TRUNC, b"new %d" % k)
        if n == 1: put(f, A, b"new %d" % k)
        if n == 2: os.chmod(f, 0o600)
        if n == 3: os.truncate(f, 2)
at_once({k_writers}, work)
""")
    for k in range(4 * k_writers):
        f = g.t / f"d{k % 4}/f{k}"
        expected = [f"new {k}", f"file {k}\nnew {k}", f"file {k}\n", "fi"][k % 4]
        assert f.read_text() == expected, (k, f.read_text())
        assert f.stat().st_mode & 0o777 == (0o600 if k % 4 == 2 else 0o644), k
    assert len(g.report["private"]) == 4 * k_writers
    g.expect_sound()


def test_renames_beside_writes(tmp):
    """Some rename files onto the same paths to which others write: each path ends whole, and no object changes."""
    g = Guarded(tmp, {f"f{i}": f"shared {i}\n" * 50 for i in range(8)} | {f"r{i}": f"spare {i}\n" * 50 for i in range(64)})
    g.python("""
def work(i):
    for n in range(8):
        f = f"f{(i + n) % 8}"
        if i % 2:
            put(f, A, b"written by %d\\n" % i)
        else:
            spare = f"r{i * 2 % 64}" if n == 0 else f"own{i}"
            if n:
                put(spare, A | os.O_CREAT, b"replaced by %d\\n" % i)
            os.rename(spare, f)
at_once(32, work)
""")
    for i in range(8):
        for line in (g.t / f"f{i}").read_text().splitlines():
            assert line.split(" ")[0] in ("shared", "spare", "written", "replaced"), line
    g.expect_sound()


def test_exchanges_beside_writes(tmp):
    """The two names of an exchange keep their two files, whoever is made private meanwhile."""
    g = Guarded(tmp, {"f": "f first\n", "g": "g first\n"})
    g.python("""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def work(i):
    for n in range(30):
        if i == 0:
            assert libc.renameat2(-100, b"f", -100, b"g", 2) == 0
        else:
            put("fg"[i % 2], A, b"%d.%d\\n" % (i, n))
at_once(9, work)
""")
    both = [(g.t / name).read_text().splitlines() for name in "fg"]
    assert sorted(lines[0] for lines in both) == ["f first", "g first"], both
    rest = sorted(both[0][1:] + both[1][1:])
    assert rest == sorted(f"{i}.{n}" for i in range(1, 9) for n in range(30)), "an append was lost"
    g.expect_sound()


def test_replaced_while_it_is_opened(tmp):
    """A name to which one process renames shared files again and again can be opened by others all the time."""
    g = Guarded(tmp, {f"g{i}": f"shared {i}\n" for i in range(500)} | {"f": "first\n"})
    g.python("""
def work(i):
    if i == 0:
        for n in range(500):
            os.rename(f"g{n}", "f")
            time.sleep(.0005)
        open("stop", "w").close()
    else:
        while not os.path.exists("stop"):
            for n in range(20):
                put("f", A, b"new\\n")
at_once(3, work)
""")
    assert (g.t / "f").read_text().startswith("shared 499\n")
    g.expect_sound()


def test_a_symlink_that_changes_while_it_is_opened(tmp):
    """Who writes through a symlink writes to a private file, whichever the symlink names when the kernel looks."""
    g = Guarded(tmp, {f"g{i}": f"shared {i}\n" for i in range(400)} | {"own": "first\n"})
    g.python("""
put("own", A, b"private\\n")
os.symlink("own", "l")
def work(i):
    if i == 0:
        for n in range(400):
            for target in (f"g{n}", "own"):
                os.symlink(target, "next")
                os.rename("next", "l")
                time.sleep(.0005)
        open("stop", "w").close()
    else:
        while not os.path.exists("stop"):
            for n in range(20):
                put("l", A, b"new\\n")
at_once(3, work)
""")
    g.expect_sound()


def test_run_as_soon_as_it_is_written(tmp):
    """A file that was written, closed and made a program is not busy, nor is one that is a program already; and
    an empty file that is opened with O_TRUNC gets new times, as without the guard."""
    g = Guarded(tmp, {"f": "x\n"})
    g.python("""
def work(i):
    for n in range(60):
        name = f"tool{i}.{n % 2}"
        fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644)
        os.close(fd)
        os.utime(name, (1, 1))
        fd = os.open(name, os.O_WRONLY | os.O_TRUNC)
        assert os.fstat(fd).st_mtime > 1
        os.write(fd, b"#!/bin/true\\n")
        os.close(fd)
        os.chmod(name, 0o755)
        assert os.spawnv(os.P_WAIT, "./" + name, [name]) == 0
        fd = os.open(name, os.O_WRONLY | os.O_APPEND)
        os.close(fd)
        assert os.spawnv(os.P_WAIT, "./" + name, [name]) == 0
        if n % 3: os.unlink(name)
at_once(4, work)
""")
    g.expect_sound()


def test_deletes_beside_writes(tmp):
    """Files are deleted and made anew while others write: a write goes to what has the name, or fails with ENOENT."""
    g = Guarded(tmp, {f"f{i}": f"shared {i}\n" for i in range(16)})
    g.python("""
def work(i):
    for n in range(16):
        f = f"f{(i + n) % 16}"
        try:
            if i % 3 == 0:
                os.unlink(f)
            elif i % 3 == 1:
                put(f, A, b"written\\n")
            else:
                put(f, A | os.O_CREAT, b"made\\n")
        except FileNotFoundError:
            pass
at_once(48, work)
""")
    g.expect_sound()


def test_threads(tmp):
    """Threads of one process, on the same and on other files, through paths and descriptors."""
    g = Guarded(tmp, {f"f{i}": f"shared {i}\n" for i in range(k_writers)} | {"one": "first\n"})
    g.python(f"""
errors = []
def work(i):
    try:
        fd = os.open(f"f{{i}}", os.O_RDONLY)
        os.fchmod(fd, 0o600)
        put("one", A, b"%d\\n" % i)
        put(f"f{{i}}", A, b"new\\n")
        os.utime(fd, (1, 2))
        os.close(fd)
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=work, args=(i,)) for i in range({k_writers})]
[t.start() for t in threads]; [t.join() for t in threads]
if errors: print(errors, file=sys.stderr); failed.append(errors)
""")
    assert sorted((g.t / "one").read_text().splitlines()[1:], key=int) == [str(i) for i in range(k_writers)]
    for i in range(k_writers):
        f = g.t / f"f{i}"
        assert f.read_text() == f"shared {i}\nnew\n" and f.stat().st_mode & 0o777 == 0o600 and f.stat().st_mtime == 2, i
    g.expect_sound()


def test_a_big_file_beside_small_ones(tmp):
    """Who writes to a small file does not wait for the copy of a big one, and no append to either is lost."""
    g = Guarded(tmp, {"big": k_big} | {f"f{i}": f"small {i}\n" for i in range(48)})
    g.python("""
def work(i):
    if i % 4 == 0:
        put("big", A, b"%07d\\n" % (9000000 + i))
    else:
        put(f"f{i * 3 // 4 % 48}", A, b"new\\n")
at_once(64, work)
""")
    content = (g.t / "big").read_bytes()
    assert content[: len(k_big)] == k_big
    assert sorted(content[len(k_big):].split()) == [b"%07d" % (9000000 + i) for i in range(0, 64, 4)]
    appended = sum((g.t / f"f{i}").read_text().count("new") for i in range(48))
    assert appended == 48, appended
    g.expect_sound()


def test_calls_of_all_kinds_on_one_file(tmp):
    """Who truncates, links, changes modes and times of one file at once finds one private file."""
    g = Guarded(tmp, {"f": "first\n", "g": "x\n"})
    g.python("""
def work(i):
    for n in range(10):
        kind = (i + n) % 6
        if kind == 0: put("f", A, b"%d.%d\\n" % (i, n))
        if kind == 1: os.chmod("f", 0o600 + i % 8)
        if kind == 2: os.utime("f", (i, i))
        if kind == 3: os.link("f", f"link.{i}.{n}")
        if kind == 4: os.setxattr("f", "user.a", b"%d" % i)
        if kind == 5:
            fd = os.open("f", os.O_RDONLY)
            os.fchmod(fd, 0o640)
            os.close(fd)
at_once(36, work)
""")
    content = (g.t / "f").read_text().splitlines()
    expected = [f"{i}.{n}" for i in range(36) for n in range(10) if (i + n) % 6 == 0]
    assert content[0] == "first" and sorted(content[1:]) == sorted(expected), "an append was lost"
    links = list(g.t.glob("link.*"))
    assert len(links) == 60 and {inode(link) for link in links} == {inode(g.t / "f")}, "one file, one inode"
    assert inode(g.t / "g") == inode(g.s / "g")
    g.expect_sound()


def test_readers_from_before_keep_the_old_content(tmp):
    """A descriptor or a map that was opened before goes on seeing the file as it was; one opened later sees the new one."""
    g = Guarded(tmp, {f"f{i}": f"shared {i}\n" for i in range(16)} | {"big": k_big})
    g.python("""
import mmap
before = [os.open(f"f{i}", os.O_RDONLY) for i in range(16)]
big = os.open("big", os.O_RDONLY)
memory = mmap.mmap(big, 0, prot=mmap.PROT_READ)
def work(i):
    put(f"f{i}", os.O_WRONLY | os.O_TRUNC, b"new %d\\n" % i)
    put("big", os.O_WRONLY, b"NEW")
    assert open("big", "rb").read(3) == b"NEW"
at_once(16, work)
for i, fd in enumerate(before):
    assert os.read(fd, 99) == b"shared %d\\n" % i, i
    assert open(f"f{i}").read() == f"new {i}\\n", i
assert memory[:8] == b"0000000\\n" and os.read(big, 7) == b"0000000"
""")
    g.expect_sound()


def test_killed_while_they_wait(tmp):
    """Writers killed in the midst of their calls leave each file whole, and nothing of the guard's beside it."""
    g = Guarded(tmp, {f"f{i}": k_big[: 300000 + i] for i in range(24)})
    g.python("""
import signal
victims = []
for i in range(24):
    pid = os.fork()
    if pid == 0:
        put(f"f{i}", A, b"END")
        os._exit(0)
    victims.append(pid)
for pid in victims[::2]:
    os.kill(pid, signal.SIGKILL)
killed = [os.waitpid(pid, 0)[1] for pid in victims]
assert all(status in (0, signal.SIGKILL) for status in killed), killed
assert not any(killed[1::2]), killed
""")
    for i in range(24):
        content = (g.t / f"f{i}").read_bytes()
        whole = k_big[: 300000 + i]
        assert content in ((whole, whole + b"END") if i % 2 == 0 else (whole + b"END",)), i
    g.expect_sound()


def test_interrupted_by_signals(tmp):
    """Handlers with SA_RESTART are not seen by the calls that wait for the guard."""
    g = Guarded(tmp, {f"f{i}": f"shared {i}\n" for i in range(64)} | {"big": k_big})
    g.python("""
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, False)
def work(i):
    signal.setitimer(signal.ITIMER_REAL, .001, .001)
    for n in range(64):
        f = f"f{(i + n) % 64}"
        put(f, A, b"x")
        os.chmod(f, 0o600)
    put("big", A, b"x")
    signal.setitimer(signal.ITIMER_REAL, 0)
at_once(8, work)
""")
    assert all((g.t / f"f{i}").read_text() == f"shared {i}\n" + "x" * 8 for i in range(64))
    assert (g.t / "big").read_bytes() == k_big + b"x" * 8
    g.expect_sound()


def test_runs_side_by_side(tmp):
    """Two snapshots of one store, written to at the same time: each has its own, the third has neither's."""
    g = Guarded(tmp, {f"f{i}": f"shared {i}\n" for i in range(200)})
    script = "for i in $(seq 0 199); do echo $0 >>f$i; done"
    command = [harness.snapfix_path(), "run", "--source", g.p.source, "--root", g.p.root]
    runs = [harness.start([*command, name, "--guard", "on", "--", "sh", "-c", script, name]) for name in ("t", "u")]
    try:
        assert [process.wait(timeout=100) for process in runs] == [0, 0]
    finally:
        for process in runs:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
    for name in ("t", "u"):
        assert all((g.p.root / name / f"f{i}").read_text() == f"shared {i}\n{name}\n" for i in range(200)), name
    g.expect_sound()


def test_without_the_guard_it_fails(tmp):
    """The same appends without the guard are seen: this test can tell."""
    g = Guarded(tmp, {"f": "first\n", "g": "x\n"})
    g.p("run", "t", "--guard", "off", "--", "sh", "-c", "echo new >>f")
    try:
        g.expect_sound()
    except AssertionError:
        return
    raise AssertionError("a write through the link was not seen")


if __name__ == "__main__":
    harness.main()
