"""The guard is never weaker than a copy and never stronger than the kernel: each guarded call with each restriction, in
a guarded snapshot and in a plain copy of it, must return the same, and leave the same.

`k_sections` is the table of restrictions, calls.py that of calls, programs/calls.c makes them, many in one process.
Each call has a file of its own in the snapshot, which is shared, and one outside of it on the same file system.
"""

import contextlib
import fcntl
import fnmatch
import os
import pathlib
import re
import shlex
import shutil
import socket
import stat
import subprocess
import time
from typing import Callable, NamedTuple, Optional, Tuple

import harness
import matrix
from calls import k_all, k_core, k_opens, explain
from harness import run
from project import Project

k_here = pathlib.Path(__file__).resolve().parent
k_text = "line 1\nline 2\nline 3\nend"  # as long as calls.py's truncate-same
k_long_ago = 1600000000_123456789
k_tick = 20_000_000  # ns by which a file system's clock may lag
k_nobody = harness.NOBODY

k_read_only, k_nosuid, k_nodev, k_noexec = 1, 2, 4, 8  # of mount(2)
# LANDLOCK_ACCESS_FS_*
k_write_file, k_read_file, k_remove_file, k_make_reg, k_refer, k_ll_truncate = 1 << 1, 1 << 2, 1 << 5, 1 << 8, 1 << 13, 1 << 14
k_chown, k_dac_override, k_dac_read_search, k_fowner, k_fsetid, k_linux_immutable, k_sys_admin = 0, 1, 2, 3, 4, 9, 21
k_fsize, k_nofile = 1, 7  # RLIMIT_*
k_fs_ioc_setflags = 0x40086602
k_outside = {*k_opens, "truncate", "ftruncate", "chmod", "fchmod", "chown", "utimensat-now", "setxattr", "link", "access"}


class Section(NamedTuple):
    """A restriction. In texts: {here} the files' folder, {below} that folder below {top}, the tree; {empty} a folder
    elsewhere; {name} a call's file; {mounts} makes a mount namespace, for an ordinary user in a user namespace."""

    name: str
    directives: Tuple[str, ...] = ()  # before `cd {here}`
    each: str = ""  # a directive for each file, after it
    then: Tuple[str, ...] = ()  # after those
    cd: str = "{here}"
    path: str = "{name}"  # what the call names
    calls: dict = k_core
    mode: int = 0o644
    owner: Optional[tuple] = None  # where it is not who makes the calls
    folder_mode: int = 0o755
    who: Tuple[str, ...] = ("root", "user")
    where: Tuple[str, ...] = ("shared", "outside")
    setup: Optional[Callable] = None  # of the folder, in the snapshot and in the copy, with the names of the calls

    def calls_on(self, where):
        """Outside of the snapshot the guard breaks no links: what it does there by itself is to open."""
        return {n: c for n, c in self.calls.items() if where == "shared" or n in k_outside}


def landlock(name, *directives, **more):
    return Section(f"landlock-{name}", then=directives, **more)


def path(name, text, **more):
    return Section(f"path-{name}", path=text, **more)


# ---- what lies in a folder -----------------------------------------------------------------------


def each_name(make):
    def setup(folder, names):
        for name in names:
            target = folder / name
            target.unlink()
            make(target)
    return setup


def make_socket(target):
    with socket.socket(socket.AF_UNIX) as s, contextlib.ExitStack() as stack:
        back = os.open(".", os.O_RDONLY)  # a path may be longer than sun_path
        stack.callback(os.close, back)
        stack.callback(os.fchdir, back)
        os.chdir(target.parent)
        s.bind(target.name)


def make_device(target):
    os.mknod(target, 0o666 | stat.S_IFCHR, os.makedev(1, 3))


def symlinks(text):
    def setup(folder, names):
        for name in names:
            (folder / f"{name}.link").symlink_to(text.format(name=name, here=folder, section=folder.name))
            (folder / f"{name}.link2").symlink_to(f"{name}.link")
    return setup


def flagged(bit):
    """As by chattr: even root may not write. They go with their file system."""
    def setup(folder, names):
        for name in names:
            with open(folder / name, "rb") as file:
                old = int.from_bytes(fcntl.ioctl(file, matrix.k_fs_ioc_getflags, bytes(8))[:4], "little")
                fcntl.ioctl(file, k_fs_ioc_setflags, (old | bit).to_bytes(8, "little"))
    return {"setup": setup, "who": ("root",)}


k_fifo_opens = {n: (c[0], c[1] | os.O_NONBLOCK, *c[2:]) for n, c in k_opens.items() if c[0] in ("open", "openat")}
k_to_nobody = {"owner": (k_nobody, k_nobody), "who": ("root",)}
k_root_only = {"who": ("root",)}
# Not in the snapshot: who makes one owns its files.
k_of_root = {"owner": (0, 0), "who": ("user",), "where": ("outside",)}

k_sections = [
    Section("none", calls=k_all),
    Section("thread", ("thread",)),
    Section("child", ("fork",)),
    Section("own-descriptors", ("thread", "own-files")),
    Section("own-folder", ("thread", "own-folder")),
    Section("not-dumpable", ("dumpable 0",), **k_root_only),  # of an ordinary user: leaks.py
    Section("umask", ("umask 077",)),
    Section("umask-all", ("umask 0777",)),
    # Mounts.
    Section("mounts", ("{mounts}",)),
    Section("read-only-tree", ("{mounts}", f"bind {{top}} {{top}} {k_read_only}"), calls=k_all),
    Section("read-only-folder", ("{mounts}", f"bind {{here}} {{here}} {k_read_only}")),
    Section("read-only-elsewhere", ("{mounts}", f"bind {{here}} {{empty}} {k_read_only}"), cd="{empty}"),
    Section("read-only-root", ("{mounts}", f"bind / /", f"remount / {k_read_only}"), **k_root_only),
    Section("read-only-files", ("{mounts}",), each=f"bind {{here}}/{{name}} {{here}}/{{name}} {k_read_only}"),
    Section("mounted-files", ("{mounts}",), each="bind {here}/{name} {here}/{name}"),
    Section("elsewhere", ("{mounts}", "bind {here} {empty}"), cd="{empty}"),
    Section("noexec", ("{mounts}", f"bind {{top}} {{top}} {k_noexec}")),
    Section("nosuid", ("{mounts}", f"bind {{here}} {{here}} {k_nosuid}"), mode=0o6755),
    Section("nodev", ("{mounts}", f"bind {{here}} {{here}} {k_nodev}")),
    Section("nodev-device", ("{mounts}", f"bind {{here}} {{here}} {k_nodev}"), setup=each_name(make_device), calls=k_opens, where=("shared",), **k_root_only),
    Section("chroot", ("chroot {top}",), cd="/{below}", **k_root_only),
    Section("chroot-mounts", ("{mounts}", "chroot {top}"), cd="/{below}"),
    Section("chroot-read-only", ("{mounts}", f"bind {{top}} {{top}} {k_read_only}", "chroot {top}"), cd="/{below}"),
    Section("pids", ("pids",), **k_root_only),
    Section("pids-proc", ("{mounts}", "pids", "proc /proc")),
    # Users.
    Section("users", ("users 0 {uid}",)),
    Section("users-of-another", ("users 0 {uid}",), **k_to_nobody),
    Section("users-of-root", ("users 0 {uid}",), **k_of_root),
    Section("users-unmapped", ("users",)),
    Section("users-read-only", ("users 0 {uid}", "mounts", f"bind {{top}} {{top}} {k_read_only}")),
    Section("of-root", **k_of_root),
    Section("of-root-0666", mode=0o666, **k_of_root),
    Section("of-root-0600", mode=0o600, **k_of_root),
    Section("ids", ("ids 65534 65534",), **k_root_only),
    Section("ids-0666", ("ids 65534 65534",), mode=0o666, **k_root_only),
    Section("ids-own", ("ids 65534 65534",), mode=0o600, **k_to_nobody),
    Section("effective", ("effective 65534",), mode=0o666, **k_root_only),
    Section("fsuid", ("fsuid 65534",), **k_root_only),
    Section("fsuid-own", ("fsuid 65534",), mode=0o200, **k_to_nobody),
    Section("fsuid-0666", ("fsuid 65534",), mode=0o666, **k_root_only),
    Section("fsgid", ("fsgid 65534", "fsuid 1"), owner=(0, k_nobody), mode=0o664, **k_root_only),
    Section("groups", ("groups 1234 5678", "ids 65534 65534"), owner=(0, 5678), mode=0o664, **k_root_only),
    Section("groups-denied", ("groups 1234", "ids 65534 65534"), owner=(0, 1234), mode=0o606, **k_root_only),
    Section("securebits", ("securebits 4", "fsuid 65534"), mode=0o600, **k_root_only),
    Section("no-capabilities", ("drop-all",), **k_root_only),
    Section("no-capabilities-of-another", ("drop-all",), **k_to_nobody),
    Section("no-capabilities-0444", ("drop-all",), mode=0o444, **k_root_only),
    Section("no-dac-override", (f"drop {k_dac_override} {k_dac_read_search}",), mode=0o644, **k_to_nobody),
    Section("no-fowner", (f"drop {k_fowner}",), **k_to_nobody),
    Section("no-chown", (f"drop {k_chown}",), **k_root_only),
    Section("no-fsetid", (f"drop {k_fsetid}",), mode=0o6755, owner=(k_nobody, k_nobody), **k_root_only),
    Section("no-linux-immutable", (f"drop {k_linux_immutable}",), calls={n: c for n, c in k_all.items() if "flags" in n or "attr" in n}, **k_root_only),
    Section("no-sys-admin", (f"drop {k_sys_admin}",), **k_root_only),
    # Modes.
    Section("mode-0444", mode=0o444),
    Section("mode-0000", mode=0o000, **k_root_only),
    Section("mode-6755", mode=0o6755),
    Section("mode-6755-of-another", ("ids 65534 65534",), mode=0o6777, **k_root_only),
    Section("immutable", **flagged(0x10)),
    Section("append-only", **flagged(0x20)),
    Section("sticky", folder_mode=0o1777, **k_to_nobody),
    Section("sticky-ids", ("ids 65534 65534",), mode=0o666, folder_mode=0o1777, **k_root_only),
    # Limits.
    Section("file-size", (f"limit {k_fsize} 20",), calls=k_all),
    Section("descriptors", then=(f"limit {k_nofile} 3",), calls=k_all),
    # Landlock.
    landlock("write", f"landlock {k_write_file}", calls=k_all),
    landlock("truncate", f"landlock {k_ll_truncate}"),
    landlock("write-truncate", f"landlock {k_write_file | k_ll_truncate}"),
    landlock("allowed-here", f"landlock {k_write_file | k_ll_truncate} {k_write_file | k_ll_truncate} {{here}}"),
    landlock("write-allowed-here", f"landlock {k_write_file | k_ll_truncate} {k_write_file} {{here}}"),
    landlock("read", f"landlock {k_read_file}"),
    landlock("make", f"landlock {k_make_reg | k_remove_file | k_refer}"),
    landlock("by-parent", f"landlock {k_write_file}", "fork"),
    landlock("by-parent-truncate", f"landlock {k_ll_truncate}", "fork", "thread"),
    landlock("thread", "thread", f"landlock {k_write_file}"),
    landlock("other-thread", f"other-thread landlock {k_write_file | k_ll_truncate}"),
    landlock("held", f"landlock {k_write_file | k_ll_truncate}", each="hold {name} 0"),
    landlock("mounts", f"landlock {k_write_file}", directives=("{mounts}",)),
    # Descriptors from before.
    Section("held", each="hold {name} 0"),
    Section("held-ids", each="hold {name} 0", then=("ids 65534 65534",), mode=0o600, **k_root_only),
    Section("held-chroot", each="hold {name} 0", then=("chroot {empty}",), calls={n: c for n, c in k_core.items() if c[0].startswith("f") and not c[0].startswith("fa")}, **k_root_only),
    Section("held-read-only", ("{mounts}", f"bind {{here}} {{here}} {k_read_only}"), each="hold {name} 0"),
    # Paths.
    path("absolute", "{here}/{name}"),
    path("dots", "../{section}/./{name}"),
    path("slashes", ".//{name}"),
    path("trailing-slash", "{name}/"),
    path("trailing-dot", "{name}/."),
    path("file-as-folder", "{name}/x"),
    path("symlink", "{name}.link", setup=symlinks("{name}"), calls=k_all),
    path("symlink-absolute", "{name}.link", setup=symlinks("{here}/{name}")),
    path("symlink-chain", "{name}.link2", setup=symlinks("{name}"), calls=k_opens),
    path("symlink-dangling", "{name}.link", setup=symlinks("{name}.none")),
    path("symlink-loop", "{name}.link2", setup=symlinks("{name}.link2")),
    path("symlink-trailing-slash", "{name}.link/", setup=symlinks("{name}")),
    path("missing", "{name}.none", calls=k_all),
    path("missing-folder", "none/{name}"),
    path("folder", "../{section}/", calls=k_all),
    path("dot", ".", calls=k_all),
    path("proc-cwd", "/proc/self/cwd/{name}"),
    path("proc-root", "/proc/self/root/{here}/{name}"),
    path("proc-thread", "/proc/thread-self/cwd/{name}"),
    path("empty", "@empty"),
    path("null", "@null"),
    path("bad-pointer", "@bad", calls=k_all),
    path("kernel-pointer", "@kernel"),
    path("at-the-edge", "@edge:{name}"),
    path("over-the-edge", "@cut:{name}"),
    path("long", "{4095}{name}"),
    path("too-long", "{4096}{name}"),
    path("name-too-long", "x" * 256),
    path("name-long", "x" * 255),
    # What is no regular file.
    Section("fifo", setup=each_name(os.mkfifo), calls=k_fifo_opens),
    Section("socket", setup=each_name(make_socket), calls=k_opens),
    Section("device", setup=each_name(make_device), calls=k_opens, **k_root_only),
]


def others_fifo(target):
    os.mkfifo(target)
    os.chown(target, k_nobody, k_nobody)
    target.chmod(0o666)


# With fs.protected_regular and fs.protected_fifos: who may write to /tmp may not be lured into another's file there.
k_sticky = [
    Section("sticky", folder_mode=0o1777, calls=k_opens, **k_to_nobody),
    Section("sticky-group", folder_mode=0o1775, calls=k_opens, **k_to_nobody),
    Section("sticky-own", ("fsuid 65534",), folder_mode=0o1777, calls=k_opens, **k_to_nobody),
    Section("sticky-folders-owner", ("ids 65534 65534",), mode=0o666, folder_mode=0o1777, calls=k_opens, **k_root_only),
    Section("sticky-symlink", path="{name}.link", folder_mode=0o1777, setup=symlinks("{name}"), calls=k_opens, **k_to_nobody),
    Section("sticky-fifo", folder_mode=0o1777, setup=each_name(others_fifo), calls=k_fifo_opens, **k_root_only),
]


@contextlib.contextmanager
def sysctls(**values):
    """fs.NAME=VALUE; another process puts them back, however this one ends."""
    files = {name: pathlib.Path("/proc/sys/fs") / name for name in values}
    restore = "; ".join(f"echo {file.read_text().strip()} >{file}" for file in files.values())
    with subprocess.Popen(["sh", "-c", f"cat; {restore}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          start_new_session=True) as restorer:
        try:
            for name, file in files.items():
                file.write_text(str(values[name]))
        except OSError as error:
            harness.skip(f"{file} cannot be set: {error}")
        yield
        restorer.stdin.close()


class Excuse(NamedTuple):
    """A difference that docs/isolation.md tells of."""

    section: str  # patterns
    call: str
    reason: str


k_excuses = [
    # What cannot be read is refused; the kernel may have something else to say first.
    Excuse("path-bad-pointer/*", "*", "of two errors the other one is told"),
    Excuse("descriptors/*", "openat-*", "of two errors the other one is told"),
    Excuse("read-only-tree/shared", "setversion", "of two errors the other one is told"),
    Excuse("held-ids/shared", "linkat-empty", "of two errors the other one is told"),
    Excuse("*", "openat2-*cached*", "RESOLVE_CACHED: the guard's look has filled the cache"),
    Excuse("mounted-files/shared", "*", "a file that is bind-mounted over another: EBUSY"),
    Excuse("append-only/shared", "*", "a name of an append-only file cannot be replaced: EPERM"),
    # What Landlock allows a process, only the kernel knows.
    Excuse("*landlock*/shared", "linkat-*", "an O_PATH descriptor of a process with Landlock: EACCES"),
    Excuse("*landlock*/shared", "reopen-path", "an O_PATH descriptor of a process with Landlock: EACCES"),
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


def excused(section, call):
    return any(fnmatch.fnmatch(section, e.section) and fnmatch.fnmatch(call, e.call) for e in k_excuses)


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
        pathlib.Path(f"{log}.{who}").write_text("\n".join(problems) + "\n")
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
                ours, theirs = guarded.out.get((key, call)), plain.out.get((key, call))
                assert theirs is not None, f"{key} {call} was not made"
                if ours != theirs and not excused(key, call):
                    problems.append(f"{key} {call}:\n    plain   {explain(theirs)}\n    guarded {explain(str(ours))}")
            problems += states_differ(section, where, guarded, plain)
    return problems, seen, cannot


def states_differ(section, where, guarded, plain):
    out, ours, theirs = [], guarded.state(section, where), plain.state(section, where)
    key = f"{section.name}/{where}"
    for path in sorted(ours.keys() | theirs.keys()):
        call = os.fsdecode(path).split(".")[0] or "."
        if ours.get(path) != theirs.get(path) and not excused(key, call):
            out.append(f"{key} {os.fsdecode(path)} afterwards, plain -> guarded: {matrix.difference(theirs.get(path), ours.get(path))}")
    return out


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


k_tools = {  # real programs that restrict; {tree} and {outside} as they see them
    "bwrap --ro-bind": "bwrap --ro-bind / / --dev-bind /dev /dev",
    "bwrap --ro-bind of the tree": "bwrap --dev-bind / / --ro-bind {tree} {tree}",
    "bwrap --ro-bind of a file": "bwrap --dev-bind / / --ro-bind {tree}/w/f {tree}/w/f",
    "bwrap --unshare-user": "bwrap --unshare-user --dev-bind / /",
    "bwrap --unshare-all": "bwrap --unshare-all --dev-bind / / --ro-bind {outside} {outside}",
    "unshare -r": "unshare -r", "unshare -rm": "unshare -rm", "unshare -U": "unshare -U",
    "unshare -m, remounted": "unshare -m sh -c 'mount --bind {tree} {tree} && mount -o remount,ro,bind {tree} && cd {tree} && exec \"$@\"' -",
    "setpriv": "setpriv --reuid 65534 --regid 65534 --clear-groups",
    "setpriv, no capabilities": "setpriv --inh-caps=-all --bounding-set=-all --securebits=+noroot",
    "capsh": "capsh --drop=cap_dac_override,cap_dac_read_search,cap_fowner -- -c 'exec \"$@\"' -",
    "chroot": "chroot / sh -c 'cd {tree}; exec \"$@\"' -",
}
k_of_others = "o"  # a file of another owner, in the snapshot and outside
k_script = r"""
try() { out=$("$@" 2>&1); echo "$? $(echo "$out" | sed 's/.*: //')"; }
for f in w/f w/o "$OUTSIDE/f" "$OUTSIDE/o"; do
  try sh -c "echo x >>$f"; try sh -c "echo x >$f"; try sh -c ": <>$f"; try truncate -s 3 $f; try chmod 640 $f; try touch -d 2001-02-03 $f
  try touch $f; try setfattr -n user.a -v b $f; try ln $f $f.link; try chown 65534 $f; try sh -c "exec 3<$f; echo x >>/proc/self/fd/3"
done
"""


def with_tools(tmp, user=None):
    identity = {"user": user} if user is not None and user != os.geteuid() else {}
    wrong, missing = [], []
    for number, (name, wrapper) in enumerate(k_tools.items()):
        top = tmp / str(number)
        p = Project(top, plain=True, files={"w/f": k_text, "w/o": k_text})
        if identity:
            run(["chown", "-R", f"{user}:{user}", top])
        for snapshot in ("s", "t"):
            p("create", snapshot, **identity)
        results = []
        run(["cp", "-a", p.root / "t", top / "plain"])
        for tree in (top / "plain", p.root / "t"):
            outside = top / f"outside-{tree.name}"
            shutil.copytree(p.source / "w", outside)
            if os.geteuid() == 0:
                run(["chown", "-R", f"{user or 0}:{user or 0}", outside])
                other = 0 if user else k_nobody
                os.chown(outside / k_of_others, other, other)
                if not user:  # who makes a snapshot owns its files
                    os.chown(tree / "w" / k_of_others, other, other)
            if tree == p.root / "t":
                before = {**matrix.store_state(p.root), **matrix.tree(p.root / "s")}
            command = shlex.split(wrapper.format(tree=tree, outside=outside)) + ["sh", "-c", k_script]
            if tree == p.root / "t":
                helper = harness.public_snapfix() if identity else harness.snapfix_path()
                command = [helper, "run", "t", "--source", p.source, "--root", p.root, "--guard", "on", "--", *command]
            done = run(command, cwd=tree, env={"OUTSIDE": outside}, expect=None, **identity)
            states = {where: {path: state._replace(mtime_ns=0) for path, state in matrix.tree(folder).items()}
                      for where, folder in (("shared", tree / "w"), ("outside", outside))}
            results.append((done.code, done.out, states))
        if not results[0][1]:
            missing.append(name)  # it cannot be made here: for both the same
        after = {**matrix.store_state(p.root), **matrix.tree(p.root / "s")}
        wrong += [f"{name}: {what}" for what in changed("for all", before, after)]
        (code, out, states), (guarded_code, guarded_out, guarded_states) = results
        lines = list(zip(out.splitlines(), guarded_out.splitlines()))
        wrong += [f"{name}: call {i}: plain {a}, guarded {b}" for i, (a, b) in enumerate(lines) if a != b]
        if (code, out.count("\n")) != (guarded_code, guarded_out.count("\n")):
            wrong.append(f"{name}: plain {code} {out!r}, guarded {guarded_code} {guarded_out!r}")
        wrong += [f"{name}: {what}" for where in states for what in changed(where, states[where], guarded_states[where])]
    print(f"{len(k_tools)} programs; not here: {missing}")
    assert not wrong, f"{len(wrong)} differences:\n" + "\n".join(wrong[:50])


def test_programs_that_restrict_as_root(tmp):
    if os.geteuid() != 0:
        harness.skip("only root can")
    harness.require("bwrap", "unshare", "setpriv", "capsh", "setfattr")
    with_tools(tmp)


def test_programs_that_restrict_as_an_ordinary_user(tmp):
    harness.require("bwrap", "unshare", "setpriv", "capsh", "setfattr")
    with_tools(tmp, k_nobody if os.geteuid() == 0 else os.geteuid())


if __name__ == "__main__":
    harness.main()
