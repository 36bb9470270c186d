"""The matrix of writers: each changes a shared file in its own way, in a folder of its own.

One snapshot holds the folders of all writers, and one command (driver.py) runs them in it. The same
writers run in a plain copy of the tree, which is the yardstick: content, modes, owners, xattrs, times,
exit codes and output must come out as there, and the objects as they were.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import stat
import struct
import sys
import time
from typing import Dict, List, NamedTuple, Optional, Tuple

import harness
from harness import run, snapfix

k_here = pathlib.Path(__file__).resolve().parent
k_long_ago = 1600000000_123456789  # the mtime of all files: what a writer sets, or "now", is another
k_text = "".join(f"line {i} of the file\n" for i in range(6))
k_big = b"".join(b"%07d\n" % i for i in range(400000))  # 3.2 MB: copied beside the other calls
k_linked_flags = 0x10 | 0x20 | 0x40 | 0x80  # chattr +i +a +d +A
k_fs_ioc_getflags = 0x80086601


class Writer(NamedTuple):
    """A script of bash that runs in a folder where the file `f` is shared; $SCRATCH is an empty folder outside."""

    id: str
    text: str  # Markdown, for the table
    script: str
    reaches: bool = True  # without the guard, the object
    needs: Tuple[str, ...] = ()  # programs
    files: Optional[dict] = None  # path: content, in place of {"f": k_text}
    modes: Optional[dict] = None  # path: mode, others have 0644
    root: bool = False  # only root may
    expect: int = 0  # the exit code
    compare_output: bool = True
    without: Tuple[str, ...] = ()  # names whose content no two runs have in common
    refused: bool = False  # by the guard: the outcome is not that of the plain copy, the file stays as it was
    late: bool = False  # writes after the command has ended, when $LATE exists, and makes $SCRATCH/done
    stays_shared: bool = False  # only reads
    recorded: bool = True  # among what became private: not what had no name any more, nor what came late
    refusal: str = ""  # what the report says of it, where it counts it as failed
    remains: str = ""  # why the outcome is another under the guard, which the documentation says as well
    not_on: Tuple[str, ...] = ()  # file systems that cannot


class State(NamedTuple):
    kind: str
    mode: int
    owner: Tuple[int, int]
    mtime_ns: int
    content: bytes
    xattrs: tuple
    flags: int


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Outcome(NamedTuple):
    leaks: Dict[str, str]  # writer: what changed in its object
    problems: List[str]
    guard: dict  # what the run's report says of it
    ran: Dict[str, Ran]


# ---- states --------------------------------------------------------------------------------------


def state_of(path):
    status = os.lstat(path)
    mode, owner = stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)
    if stat.S_ISREG(status.st_mode):
        kind, content = "file", harness.file_hash(path)
    elif stat.S_ISLNK(status.st_mode):
        kind, content = "symlink", os.readlink(path)
    else:
        kind, content = ("folder" if stat.S_ISDIR(status.st_mode) else "other"), b""
    xattrs = ()
    with contextlib.suppress(OSError):
        xattrs = tuple(sorted((name, os.getxattr(path, name, follow_symlinks=False))
                              for name in os.listxattr(path, follow_symlinks=False)))
    return State(kind, mode, owner, status.st_mtime_ns, content, xattrs, flags_of(path) if kind == "file" else 0)


def flags_of(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return struct.unpack("I", fcntl.ioctl(fd, k_fs_ioc_getflags, b"\0" * 8)[:4])[0] & k_linked_flags
    except OSError:
        return 0
    finally:
        os.close(fd)


def tree(top):
    """Every path below a folder, and the folder, as bytes; symlinks are not followed, git's own files not read."""
    top = os.fsencode(top)
    states = {b".": state_of(top)}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            states[path[len(top) + 1:]] = state_of(path)
        if b".git" in folders:
            folders.remove(b".git")
    return states


def inodes(top):
    top = os.fsencode(top)
    return {os.path.join(folder, name)[len(top) + 1:]: os.lstat(os.path.join(folder, name)).st_ino
            for folder, _, files in os.walk(top) for name in files}


def store_state(root):
    """{inode: state} of all objects."""
    objects = {}
    for folder, _, files in os.walk(os.fsencode(root / ".snapfix" / "objects")):
        for name in files:
            path = os.path.join(folder, name)
            objects[os.lstat(path).st_ino] = state_of(path)
    return objects


def difference(before, after):
    if before is None or after is None:
        return "it is gone" if after is None else "it is new"
    return ", ".join(f"{name} {_short(a)} -> {_short(b)}"
                     for name, a, b in zip(State._fields, before, after) if a != b)


def _short(value):
    if isinstance(value, bytes):
        return value.hex()[:8]
    return oct(value) if isinstance(value, int) and value < 0o10000 else value


# ---- the programs that write ---------------------------------------------------------------------

k_builds = {  # name: compiler, flags
    "glibc": ("gcc", ("-static", "-no-pie")),
    # The kernel's headers are no part of musl.
    "musl": ("musl-gcc", ("-static", "-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu")),
    # Debian's gcc-12-multilib, unlike gcc-multilib, lives beside cross compilers, but brings no <asm/...>.
    "m32": ("gcc", ("-m32", "-static", "-no-pie", "-idirafter", "/usr/include/x86_64-linux-gnu")),
}


def build_programs():
    """Compiles what is written in C and Go, once a build tree; returns a folder that every user can run from."""
    target = harness.process_scratch() / "programs"
    if target.exists():
        return target
    sources = {p.name: p.read_bytes() for p in sorted((k_here / "programs").iterdir())}
    target.mkdir()
    cache = pathlib.Path(os.environ.get("SNAPFIX_BUILD_DIR") or harness.process_scratch()) / "tests" / "guard-programs"
    cache.mkdir(parents=True, exist_ok=True)
    for name, (compiler, flags) in k_builds.items():
        if shutil.which(compiler):
            _build(cache, target / name, sources["writer.c"],
                   lambda out, c=compiler, f=flags: [c, "-O1", "-w", *f, "-o", out, k_here / "programs/writer.c"])
    if shutil.which("go"):
        env = {"GOCACHE": cache / "go", "GOPATH": cache / "gopath", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local",
               "GO111MODULE": "off", "CGO_ENABLED": "0"}
        _build(cache, target / "go", sources["writer.go"],
               lambda out: ["go", "build", "-o", out, k_here / "programs/writer.go"], env)
    for script in ("terminal.py", "driver.py"):
        shutil.copy(k_here / script, target / script)
    snap = target / "snapfix"
    shutil.copy(harness.snapfix_path(), snap)
    snap.chmod(0o755)
    return target


def _build(cache, target, source, command, env=None):
    kept = cache / f"{target.name}-{hashlib.sha256(source).hexdigest()[:16]}"
    if not kept.exists():
        fresh = cache / f"{target.name}.{os.getpid()}"
        if run(command(fresh), env=env, expect=None, timeout=200).code != 0:
            return  # the probe in missing_of() says so
        os.rename(fresh, kept)
    shutil.copy(kept, target)
    target.chmod(0o755)


def missing_of(writer, programs):
    """What of the things that a writer needs is not here."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for need in writer.needs:
        if need.startswith("program:"):
            built = programs / need[len("program:"):]
            if not built.exists() or run([built], expect=None).code != 2:
                return need
        elif " " in need:  # a command that must work, as user namespaces do not everywhere
            if run([*need.split(), "true"], expect=None).code != 0:
                return need
        elif not shutil.which(need, path=path):
            return need
    return None


# ---- one run of the matrix -----------------------------------------------------------------------


def make_source(source, writers, programs):
    for writer in writers:
        files = dict(writer.files if writer.files is not None else {"f": k_text})
        for path, content in files.items():
            if isinstance(content, str) and content.startswith("@program:"):
                files[path] = (programs / content[len("@program:"):]).read_bytes()
            elif isinstance(content, str) and content.startswith("@copy:"):
                files[path] = pathlib.Path(shutil.which(content[len("@copy:"):])).read_bytes()
        harness.write_files(source / "w" / writer.id, files)
        for path in files:
            os.chmod(source / "w" / writer.id / os.fsdecode(path), (writer.modes or {}).get(path, 0o644))
    for folder, folders, files in os.walk(source, topdown=False):
        for name in folders + files:
            os.utime(os.path.join(folder, name), ns=(k_long_ago, k_long_ago))
    os.utime(source, ns=(k_long_ago, k_long_ago))


class Side:
    """A tree in which the writers run: the snapshot or the plain copy."""

    def __init__(self, top, scratch, programs, writers, user):
        self.tree, self.scratch, self.programs, self.user = top, scratch, programs, user
        self.writers = writers
        # An ordinary user may not be let into the folder of ours.
        self.python = sys.executable if user is None else shutil.which("python3", path="/usr/bin:/bin")
        if not self.python:
            harness.skip("there is no python3 in /usr/bin")
        scratch.mkdir()
        scratch.chmod(0o777)
        self.job = scratch.with_suffix(".job")
        self.results = scratch.with_suffix(".results")
        self.late = scratch.with_suffix(".late")
        self.started_ns = self.plain_started_ns = 0
        self.job.write_text(json.dumps({
            "scratch": str(scratch), "late": str(self.late), "programs": str(programs), "python": self.python,
            "results": str(self.results), "scripts": {w.id: w.script for w in writers}}))
        self.results.touch()
        self.results.chmod(0o666)
        self.ran: Dict[str, Ran] = {}

    def command(self):
        return [self.python, "-B", self.programs / "driver.py", self.job]

    def finish(self):
        """Lets the late writers write, and collects how each fared."""
        self.late.touch()
        for writer in self.writers:
            if writer.late:
                harness.eventually((self.scratch / writer.id / "done").exists, f"{writer.id} has written")
        for name, (code, out, err) in json.loads(self.results.read_text()).items():
            for place, word in ((self.tree, "@TREE@"), (self.scratch, "@SCRATCH@")):
                out = out.replace(str(place), word)
            self.ran[name] = Ran(code, out, err)

    def groups(self, writer):
        """Which of its paths are names of one file."""
        found = {}
        for top in (self.tree / "w" / writer.id, self.scratch / writer.id):
            for path, inode in inodes(top).items():
                found.setdefault(inode, set()).add((top == self.scratch / writer.id, path))
        return {frozenset(names) for names in found.values() if len(names) > 1}


def run_matrix(where, writers, guard="on", user=None, kind="default"):
    """Runs the writers in a snapshot on that folder's file system and in a plain copy."""
    programs = build_programs()
    writers = [w for w in writers if kind not in w.not_on and (user is None or not w.root)
               and missing_of(w, programs) is None]
    where = pathlib.Path(where) / "matrix"
    where.mkdir()
    make_source(where / "source", writers, programs)
    if user is not None:
        run(["chown", "-R", f"{user}:{user}", where])
    who = {"user": user}
    options = ("--source", where / "source", "--root", where / "root")
    for name in ("s", "t"):
        snapfix("create", name, *options, **who)
    root = where / "root"
    run(["cp", "-a", root / "s", where / "plain"])
    plain = Side(where / "plain", where / "plain-scratch", programs, writers, user)
    side = Side(root / "t", where / "scratch", programs, writers, user)
    source, sibling, shared = tree(where / "source"), tree(root / "s"), inodes(root / "s")
    before = store_state(root)
    names = {inode: path for path, inode in shared.items()}
    assert set(before) == set(names), "every file of the snapshots is an object"

    side.plain_started_ns = time.time_ns()
    run(plain.command(), cwd=plain.tree, timeout=200, **who)
    plain.finish()
    report = where / "report"
    report.touch()
    report.chmod(0o666)
    side.started_ns = time.time_ns()
    snapfix("run", "t", *options, "--guard", guard, "--json-report", report, "--", *side.command(), timeout=200, **who)
    side.finish()
    work = root / ".snapfix" / "work"
    problems = []
    try:
        harness.eventually(lambda: not work.exists() or not os.listdir(work), "the guard's work is cleared away")
    except AssertionError:
        problems.append(f"left in {work}: {tree(work)}")

    after = store_state(root)
    leaks = {}
    for inode in before:
        changed = difference(before[inode], after.get(inode))
        if changed:
            leaks[names[inode].split(b"/")[1].decode()] = f"{os.fsdecode(names[inode])!r}: {changed}"
    if set(after) - set(before):
        problems.append("the store has new objects")
    if guard == "on":
        if inodes(root / "s") != shared or tree(root / "s") != sibling:
            problems.append("the sibling snapshot changed")
        for name in ("s", "t"):
            verified = snapfix("verify", name, "--root", root, "--content", expect=None, **who)
            if verified.code != 0:
                problems.append(f"verify {name}: {verified}")
    if tree(where / "source") != source:
        problems.append("the source changed")
    record = json.loads(report.read_text())["guard"]
    problems += compare(plain, side, shared, record if guard == "on" else None)
    return Outcome(leaks, problems, record, side.ran)


# ---- the comparison with the plain copy ----------------------------------------------------------


def compare(plain, side, shared, record):
    problems = []
    if set(os.listdir(plain.tree)) != set(os.listdir(side.tree)):
        problems.append(f"the snapshot holds {os.listdir(side.tree)}")
    if record is not None:
        refusals = {w.refusal for w in side.writers if w.refusal}
        if record["state"] != "on" or set(record["failed"]) != refusals or record["unjudged"]:
            problems.append(f"guard: {[(k, record.get(k)) for k in ('state', 'failed', 'unjudged')]}")
    private = {entry["path"].split("/")[1] for entry in (record or {}).get("private", ())}
    for writer in side.writers:
        found = list(_compare_one(writer, plain, side, shared, record))
        if record is not None and writer.reaches and writer.recorded and not writer.refused and writer.id not in private:
            found.append("not among what the report says became private")
        if found:
            ran = side.ran[writer.id]
            problems.append(f"{writer.id}: {writer.script}\n    " + "\n    ".join(found)
                            + (f"\n    stderr: {ran.err.strip()[-600:]}" if ran.err.strip() else ""))
    return problems


def _compare_one(writer, plain, side, shared, record):
    expected, got = plain.ran[writer.id], side.ran[writer.id]
    if expected.code != writer.expect:
        yield f"the plain copy: exit code {expected.code}, {expected.err.strip()[-600:]}"
    if writer.remains and record is not None:
        if (got.code, got.out) == (expected.code, expected.out):
            yield f"now as without the guard; it was said to differ: {writer.remains}"
        return
    if writer.refused:
        if record is not None:
            yield from _compare_refused(writer, side, shared, got)
        return
    if got.code != expected.code:
        yield f"exit code {got.code}, not {expected.code}"
    if writer.compare_output and got.out != expected.out:
        yield f"output {got.out!r}, not {expected.out!r}"
    for top, other, what in ((plain.tree / "w", side.tree / "w", ""), (plain.scratch, side.scratch, "$SCRATCH/")):
        yield from _compare_trees(writer, tree(top / writer.id), tree(other / writer.id), what, side)
    if plain.groups(writer) != side.groups(writer):
        yield f"hard links {side.groups(writer)}, not {plain.groups(writer)}"
    if writer.stays_shared:
        for path, inode in inodes(side.tree / "w" / writer.id).items():
            if shared[f"w/{writer.id}/".encode() + path] != inode:
                yield f"{path!r} was only read, and is private"


def _compare_refused(writer, side, shared, got):
    if "refused" not in got.out:
        yield f"not refused: {got.out!r}"
    if os.lstat(side.tree / "w" / writer.id / "f").st_ino != shared[f"w/{writer.id}/f".encode()]:
        yield "refused, and yet private"


def _compare_trees(writer, expected, got, what, side):
    second = 1_000_000_000
    for path in sorted(expected.keys() | got.keys()):
        a, b = expected.get(path), got.get(path)
        if a is None or b is None:
            yield f"{what}{os.fsdecode(path)} is {'missing' if b is None else 'left over'}"
            continue
        if any(part in writer.without for part in os.fsdecode(path).split("/")):
            a, b = a._replace(content=b""), b._replace(content=b"")
        # What was not set to "now" by the plain run keeps its time, to the nanosecond.
        if a.mtime_ns >= side.plain_started_ns - second and b.mtime_ns >= side.started_ns - second:
            b = b._replace(mtime_ns=a.mtime_ns)
        if a != b:
            yield f"{what}{os.fsdecode(path)}: {difference(a, b)}"
