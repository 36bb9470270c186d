"""The guard is never weaker than a copy and never stronger than the kernel: each guarded call with each restriction, in
a guarded snapshot and in a plain copy of it, must return the same, and leave the same.

sections.py is the table of restrictions, calls.py that of calls, programs/calls.c makes them, many in one process.
Each call has a file of its own in the snapshot, which is shared, and one outside of it on the same file system.
"""

import contextlib
import errno
import fcntl
import fnmatch
import os
import pathlib
import re
import subprocess
import time
from typing import NamedTuple

import harness
import matrix
from calls import explain, k_all
from harness import run
from project import Project
from sections import k_nobody, k_sections, k_sticky

k_here = pathlib.Path(__file__).resolve().parent
k_text = "line 1\nline 2\nline 3\nend"  # as long as calls.py's truncate-same
k_long_ago = 1600000000_123456789
k_tick = 20_000_000  # ns by which a file system's clock may lag


class Excuse(NamedTuple):
    """A difference that docs/isolation.md tells of, or that is the kernel's."""

    section: str  # patterns
    call: str
    guarded: str  # how the result under the guard begins: another one is not excused
    reason: str


k_excuses = [
    # What cannot be read is refused; the kernel may have something else to say first.
    Excuse("path-bad-pointer/*", "*", f"-1 {errno.EFAULT}", "of two errors the other one is told"),
    Excuse("descriptors/*", "openat-*", f"-1 {errno.EBADF}", "of two errors the other one is told"),
    Excuse("read-only-tree/shared", "setversion", f"-1 {errno.EROFS}", "of two errors the other one is told"),
    Excuse("held-ids/shared", "linkat-empty", f"-1 {errno.EPERM}", "of two errors the other one is told"),
    Excuse("path-folder/*", "openat2-beneath-in-root", f"-1 {errno.ENOENT}", "of two errors the other one is told"),
    Excuse("path-missing/*", "*", f"-1 {errno.ENOENT}", "of two errors the other one is told"),
    Excuse("*", "openat2-*cached*", "0", "the guard's look has brought the name into the cache"),
    Excuse("mounted-files/shared", "*", f"-1 {errno.EBUSY}", "the name of a file that is a mount cannot be replaced"),
    Excuse("append-only/shared", "*", f"-1 {errno.EPERM}", "the name of an append-only file cannot be replaced"),
    # What Landlock allows a process, only the kernel knows.
    Excuse("*landlock*/shared", "linkat-*", f"-1 {errno.EACCES}", "an O_PATH descriptor of a process with Landlock"),
    Excuse("*landlock*/shared", "reopen-path", f"-1 {errno.EACCES}", "an O_PATH descriptor of a process with Landlock"),
]


# ---- one run ---------------------------------------------------------------------------------------


class Side:
    """Where the calls are made: the snapshot or the copy, and a folder outside of it."""

    def __init__(self, top, work):
        self.trees = {"shared": top, "outside": work / "outside"}
        self.empty = work / "empty"
        self.script = work / "script"
        self.out = {}
        self.cannot = {}
        self.begin = self.end = 0

    def folder(self, section, where):
        return self.trees[where] / "w" / section.name

    def write_script(self, sections, uid):
        lines = []
        self.empty.mkdir()
        self.empty.chmod(0o777)
        for section in sections:
            for where in section.where:
                lines += self.lines(section, where, uid)
        self.script.write_text("\n".join(lines) + "\n")

    def lines(self, section, where, uid):
        here, empty = self.folder(section, where), self.empty / f"{section.name}.{where}"
        empty.mkdir()
        empty.chmod(0o777)
        words = {"here": here, "cwd": f"/w/{section.name}" if "chroot" in " ".join(section.directives) else here, "top": self.trees[where], "below": f"w/{section.name}", "empty": empty, "uid": uid,
                 "section": section.name, "mounts": "mounts" if uid == 0 else f"users 0 {uid}\nmounts"}
        out = [f"section {section.name}/{where}"]
        out += [d.format(**words) for d in section.directives] + ["cd " + section.cd.format(**words)]
        if section.each:
            out += [section.each.format(name=name, **words) for name in section.calls_on(where)]
        out += [d.format(**words) for d in section.then]
        for name, call in section.calls_on(where).items():
            out.append(f"call {name} {path_of(section.path, name, words)} {' '.join(map(str, call))}")
        return out + ["end"]

    def run(self, command, **options):
        self.begin = time.time_ns()
        done = run([*command, self.script], timeout=200, **options)
        self.end = time.time_ns()
        for line in done.out.splitlines():
            section, call, rest = line.split(" ", 2)
            if call in ("cannot", "died"):
                self.cannot[section] = f"{call} {rest}"
            else:
                self.out[section, call] = re.sub(r"name=#\d+", "name=#", rest)  # O_TMPFILE

    def state(self, section, where):
        """Every path in the section's folder, with times that are those of the run as "now"."""
        def judged(state):
            is_now = self.begin <= state.mtime_ns + k_tick and state.mtime_ns <= self.end
            return state._replace(mtime_ns=-1 if is_now else state.mtime_ns,
                                  content=state.content.replace(os.fsencode(self.trees[where]), b"@"))

        return {name: judged(state) for name, state in matrix.tree(self.folder(section, where)).items()}


def path_of(text, name, words):
    for length in (4095, 4096):
        mark = f"{{{length}}}"
        if text.startswith(mark):
            rest = length - len(name)
            return "./" * (rest // 2) + "/" * (rest % 2) + name if rest % 2 == 0 else "./" * (rest // 2 - 1) + ".//" + name
    return text.format(name=name, **words)


def make_files(top, sections, where):
    for section in sections:
        folder = top / "w" / section.name
        folder.mkdir(parents=True)
        for name in section.calls_on(where) if where in section.where else ():
            (folder / name).write_text(k_text)


def set_up(side, sections, may_chown):
    """What a snapshot does not carry is given to its files after it was made, and so to all that share them."""
    for section in sections:
        for where in section.where:
            folder = side.folder(section, where)
            for name in section.calls_on(where):
                file = folder / name
                if section.owner is not None and may_chown:
                    os.chown(file, *section.owner)
                os.chmod(file, section.mode)
                os.utime(file, ns=(k_long_ago, k_long_ago))
            if section.setup:
                section.setup(folder, section.calls_on(where))
            for name in os.listdir(folder):
                with contextlib.suppress(PermissionError):  # chattr +i
                    os.utime(folder / name, ns=(k_long_ago, k_long_ago), follow_symlinks=False)
            os.utime(folder, ns=(k_long_ago, k_long_ago))
            os.chmod(folder, section.folder_mode)


def follow_symlinks(sides):
    """Once, a tick after they were made: then the next look changes no atime, which RESOLVE_CACHED does not do."""
    time.sleep(k_tick / 1e9)
    for side in sides:
        for top in side.trees.values():
            for folder, _, files in os.walk(top):
                for name in files:
                    if ".link" in name:
                        os.path.exists(os.path.join(folder, name))


def build(name, *extra):
    harness.require("cc")
    folder = harness.process_scratch() / "programs"
    folder.mkdir(exist_ok=True)
    matrix._build(cache(), folder / name, (k_here / f"programs/{name}.c").read_bytes(),  # pylint: disable=protected-access
                  lambda out: ["cc", "-O1", "-w", "-static", "-pthread", "-o", out, k_here / f"programs/{name}.c", *extra])
    assert (folder / name).exists(), f"programs/{name}.c does not compile"
    return folder / name


def cache():
    out = pathlib.Path(os.environ.get("SNAPFIX_BUILD_DIR") or harness.process_scratch()) / "tests" / "guard-programs"
    out.mkdir(parents=True, exist_ok=True)
    return out


def excused(section, call, result):
    return any(fnmatch.fnmatch(section, e.section) and fnmatch.fnmatch(call, e.call) and result.startswith(e.guarded)
               for e in k_excuses)


def compare(tmp, sections, who, uid=0):
    """Runs all sections on both sides; raises with what differs."""
    program = build("calls")
    sections = [s for s in sections if who in s.who]
    identity = {"user": uid} if uid != os.geteuid() else {}
    p = Project(tmp, plain=True, files={"w/x": ""})
    make_files(p.source, sections, "shared")
    guarded, plain = sides = Side(p.root / "t", tmp / "work"), Side(tmp / "plain", tmp / "plain-work")
    for side in sides:
        make_files(side.trees["outside"], sections, "outside")
    if identity:
        run(["chown", "-R", f"{uid}:{uid}", tmp])
    for name in ("s", "t"):
        p("create", name, **identity)
    run(["cp", "-a", p.root / "s", plain.trees["shared"]])
    may_chown = os.geteuid() == 0
    for side in sides:
        set_up(side, sections, may_chown)
        side.write_script(sections, uid)
    follow_symlinks(sides)
    sibling, store = matrix.tree(p.root / "s"), matrix.store_state(p.root)
    plain.run([program], cwd=plain.trees["shared"], **identity)
    helper = harness.public_snapfix() if identity else harness.snapfix_path()
    guarded.run([helper, "run", "t", "--source", p.source, "--root", p.root, "--guard", "on", "--", program], **identity)
    problems, seen, cannot = judge(sections, guarded, plain)
    problems += changed("the sibling", sibling, matrix.tree(p.root / "s"))
    problems += changed("the store", store, matrix.store_state(p.root))
    print(f"{who}: {seen} combinations of {len(sections)} restrictions and {len(k_all)} calls; not here: {sorted(cannot)}")
    log = os.environ.get("SNAPFIX_RESTRICTIONS_LOG")
    if log:
        pathlib.Path(f"{log}.{sections[0].name}.{who}").write_text("\n".join(problems) + "\n")
    if problems:
        raise AssertionError(f"{len(problems)} differences:\n" + "\n".join(problems[:60]))


def changed(what, before, after):
    return [f"{what}: {path!r}: {matrix.difference(state, after.get(path))}"
            for path, state in before.items() if after.get(path) != state]


def judge(sections, guarded, plain):
    problems, seen, cannot = [], 0, {}
    for section in sections:
        for where in section.where:
            key = f"{section.name}/{where}"
            if plain.cannot.get(key):
                cannot[key] = plain.cannot[key]
                if guarded.cannot.get(key) != plain.cannot[key]:
                    problems.append(f"{key}: {plain.cannot[key]} without the guard, {guarded.cannot.get(key)} with it")
                continue
            if guarded.cannot.get(key):
                problems.append(f"{key}: {guarded.cannot[key]}")
                continue
            for call in section.calls_on(where):
                seen += 1
                ours, theirs = guarded.out.get((key, call), "nothing"), plain.out.get((key, call))
                assert theirs is not None, f"{key} {call} was not made"
                if ours != theirs and not excused(key, call, ours):
                    problems.append(f"{key} {call}:\n    plain   {explain(theirs)}\n    guarded {explain(ours)}")
            problems += states_differ(section, where, guarded, plain)
    return problems, seen, cannot


def states_differ(section, where, guarded, plain):
    out, ours, theirs = [], guarded.state(section, where), plain.state(section, where)
    key = f"{section.name}/{where}"
    for path in sorted(ours.keys() | theirs.keys()):
        call = os.fsdecode(path).split(".")[0] or "."
        if ours.get(path) != theirs.get(path) and not excused(key, call, guarded.out.get((key, call), "")):
            out.append(f"{key} {os.fsdecode(path)} afterwards, plain -> guarded: {matrix.difference(theirs.get(path), ours.get(path))}")
    return out


@contextlib.contextmanager
def sysctls(**values):
    """fs.NAME=VALUE; another process puts them back, however this one ends. Other runs of this test wait meanwhile:
    they would take ours for what was there."""
    files = {name: pathlib.Path("/proc/sys/fs") / name for name in values}
    with open(next(iter(files.values())), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        restore = "; ".join(f"echo {file.read_text().strip()} >{file}" for file in files.values())
        with subprocess.Popen(["sh", "-c", f"cat; {restore}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              pass_fds=[lock.fileno()], start_new_session=True):
            try:
                for name, file in files.items():
                    file.write_text(str(values[name]))
            except OSError as error:
                harness.skip(f"{file} cannot be set: {error}")
            yield


# ---- the tests -------------------------------------------------------------------------------------


def file_system():
    """Of its own for thousands of files that are made and go at once, some of them with chattr's flags."""
    if os.geteuid() != 0:
        return harness.temp_dir()
    return harness.loop_fs("ext4", 300, ("-O", "^has_journal", "-N", "60000"))


def test_as_root():
    if os.geteuid() != 0:
        harness.skip("only root can")
    with file_system() as where:
        compare(where, k_sections, "root")


def test_as_an_ordinary_user():
    with file_system() as where:
        compare(where, k_sections, "user", k_nobody if os.geteuid() == 0 else os.geteuid())


def test_in_sticky_folders():
    if os.geteuid() != 0:
        harness.skip("only root can")
    for value in (1, 2):
        with sysctls(protected_regular=value, protected_fifos=value), file_system() as where:
            compare(where, k_sticky, "root")


if __name__ == "__main__":
    harness.main()
