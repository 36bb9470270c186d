"""What a program notices of the guard, and need not: tools, watchers and handlers fare as in a plain copy of the tree."""

import contextlib
import ctypes
import json
import os
import pathlib
import select
import shutil
import struct

import harness
import matrix
from harness import run
from project import Project

k_text = matrix.k_text
k_long_ago = matrix.k_long_ago


class Both:
    """A snapshot `t` and a plain copy of the source, with the same files in the same state."""

    def __init__(self, tmp, files):
        self.p = Project(tmp, files, plain=True)
        for folder, _, names in os.walk(self.p.source):
            for name in names:
                os.utime(os.path.join(folder, name), ns=(k_long_ago, k_long_ago))
        self.tree = self.p.create("t")
        self.sibling = self.p.create("s")
        self.plain = tmp / "plain"
        run(["cp", "-a", self.p.source, self.plain])
        self.before = matrix.store_state(self.p.root)

    def run(self, command, **options):
        """The results with the guard and without; the store stays as it was."""
        options.setdefault("expect", None)
        plain = run(command, cwd=self.plain, **options)
        guarded = self.p("run", "t", "--guard", "on", "--", *command, **options)
        assert matrix.store_state(self.p.root) == self.before, "changed for all"
        return guarded, plain


def said(result):
    return result.code, result.out, result.err


# ---- tools that refuse files with more links than one -------------------------------------------------

k_tools = {  # what is there beside `f`: made by the tool in the source; and what is run in a folder of its own
    "gzip": ("", "gzip f"), "gzip-keep": ("", "gzip -k f"), "gzip-force": ("", "gzip -f f"),
    "gunzip": ("gzip -n f", "gunzip f.gz"), "gzip-test": ("gzip -n f", "gzip -t f.gz && zcat f.gz"),
    "bzip2": ("", "bzip2 f"), "bzip2-keep": ("", "bzip2 -k f"), "bunzip2": ("bzip2 f", "bunzip2 f.bz2"),
    "xz": ("", "xz f"), "xz-keep": ("", "xz -k f"), "unxz": ("xz f", "unxz f.xz"), "lzma": ("", "lzma f"),
    "zstd": ("", "zstd -q --rm f"), "unzstd": ("zstd -q --rm f", "unzstd -q --rm f.zst"),
    "compress": ("", "compress -f f"), "compress-ask": ("", "compress f </dev/null"), "uncompress": ("compress -f f", "uncompress f.Z"),
    "sed": ("", "sed -i s/line/LINE/ f"), "sed-backup": ("", "sed -i.old s/line/LINE/ f"),
    "sed-twice": ("", "sed -i s/line/LINE/ f && sed -i s/LINE/Line/ f"), "perl": ("", "perl -i.old -pe s/line/LINE/ f"),
    "vim": ("", "vim -u NONE -i NONE -N -n -es -c 's/line/LINE/' -c wq f </dev/null"),
    "vim-backup": ("", "vim -u NONE -i NONE -N -n -es -c 'set backup backupcopy=auto' -c 's/line/LINE/' -c wq f </dev/null"),
    "ex-twice": ("", "ex -u NONE -i NONE -n -s -c '1s/line/LINE/' -c w -c '2s/line/LINE/' -c x f"),
    "cp-backup": ("", "echo new >g; cp --backup g f"), "mv-backup": ("", "echo new >g; mv --backup g f"),
    "patch-backup": ("", "printf -- '--- f\\n+++ f\\n@@ -1 +1 @@\\n-line 0 of the file\\n+new\\n' | patch -s -b -p0"),
    "install-backup": ("", "echo new >g; install -b -m 644 g f"), "tar-remove": ("", "tar cf a.tar --remove-files --mtime=2001-02-03 f && tar tf a.tar"),
    "cpio": ("", "echo f | cpio -o -H newc --reproducible --quiet 2>/dev/null | cpio -t --quiet"), "shred": ("", "shred -n1 -z -u f"),
    "cp-links": ("", "cp -a f g && echo x >>f && cat g"), "rsync-links": ("", "rsync -aH f g && echo x >>f && cat g"),
}


def test_tools_that_look_at_the_number_of_links(tmp):
    """A hard link is no reason to refuse: in a copy there is none."""
    tools = {name: (made, script) for name, (made, script) in k_tools.items() if shutil.which(script.split()[0])}
    sources = tmp / "made"
    files = {}
    for name, (made, _) in tools.items():
        folder = sources / name
        folder.mkdir(parents=True)
        (folder / "f").write_text(k_text)
        os.utime(folder / "f", ns=(k_long_ago, k_long_ago))
        if made:
            run(["sh", "-ec", made], cwd=folder)
        for top, _, names in os.walk(folder):
            files.update({os.path.relpath(os.path.join(top, n), sources): pathlib.Path(top, n).read_bytes() for n in names})
    both = Both(tmp / "both", files)
    wrong = []
    for name, (_, script) in tools.items():
        guarded, plain = both.run(["sh", "-c", f"cd {name}; {script}"])
        if said(guarded) != said(plain):
            wrong.append(f"{name}: plain {said(plain)}, guarded {said(guarded)}")
        ours, theirs = ({path: state._replace(mtime_ns=0) for path, state in matrix.tree(top / name).items()} for top in (both.tree, both.plain))
        if ours != theirs:
            wrong += [f"{name}/{os.fsdecode(path)}, plain -> guarded: {matrix.difference(theirs.get(path), ours.get(path))}"
                      for path in sorted(ours.keys() | theirs.keys()) if ours.get(path) != theirs.get(path)]
    print(f"{len(tools)} of {len(k_tools)} ways")
    assert not wrong, "\n".join(wrong)


# ---- watchers -------------------------------------------------------------------------------------------

k_events = {0x2: "modified", 0x4: "attributes", 0x8: "closed", 0x40: "moved from", 0x80: "moved to", 0x100: "created",
            0x200: "deleted", 0x400: "deleted itself", 0x800: "moved itself"}
# What a new file in the place of the old one cannot do without, and the folder's time that is put back.
k_of_a_break = {("moved from", "f"), ("moved to", "f"), ("attributes", "")}


@contextlib.contextmanager
def watching(folder):
    """The events in a folder meanwhile: a list of (what, name), complete at the end."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_CLOEXEC)
    assert fd >= 0 and libc.inotify_add_watch(fd, os.fsencode(folder), sum(k_events)) >= 0, os.strerror(ctypes.get_errno())
    events = []
    try:
        yield events
        while select.select([fd], [], [], 0)[0]:
            data = os.read(fd, 65536)
            while data:
                _, mask, _, length = struct.unpack_from("iIII", data)
                name = data[16:16 + length].rstrip(b"\0").decode()
                events += [(what, name) for bit, what in k_events.items() if mask & bit]
                data = data[16 + length:]
    finally:
        os.close(fd)


def test_watchers_of_a_folder(tmp):
    """Who watches a folder sees a shared file's first change as in a copy, and of the new file in its place no more
    than that its name was moved."""
    changes = {"append": "echo x >>f", "trunc": "echo x >f", "chmod": "chmod 600 f", "touch": "touch f", "touch-date": "touch -d 2001-02-03 f",
               "truncate": "truncate -s 3 f", "descriptor": "exec 3<f; chmod 600 /proc/self/fd/3", "link": "ln f g", "ask": "test -w f"}
    both = Both(tmp, {f"{name}/f": k_text for name in changes})
    wrong = []
    for name, script in changes.items():
        seen = []
        for top, command in ((both.plain, None), (both.tree, both.p)):
            with watching(top / name) as events:
                shell = ["sh", "-c", f"cd {name}; {script}"]
                run(shell, cwd=top) if command is None else command("run", "t", "--guard", "on", "--", *shell)
            seen.append(events)
        plain, guarded = seen
        rest = [event for event in guarded if event not in k_of_a_break]
        if rest != plain:
            wrong.append(f"{name}: plain {plain}, guarded {guarded}")
    assert not wrong, "\n".join(wrong)


# ---- signals --------------------------------------------------------------------------------------------

k_interrupted = """
import ctypes, errno, json, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
ticks = 0
def tick(*_):
    global ticks
    ticks += 1
signal.signal(signal.SIGALRM, tick)
signal.siginterrupt(signal.SIGALRM, sys.argv[1] == "interrupt")
counts, others = {}, []
def opened(fd):
    if fd >= 0: libc.close(fd)
    return fd
# By ctypes: Python's own functions go on after EINTR.
calls = {
    "open": lambda: opened(libc.open(b"f", os.O_WRONLY | os.O_APPEND)),
    "chmod": lambda: libc.chmod(b"f", 0o600), "truncate": lambda: libc.truncate(b"f", ctypes.c_long(9)),
    "utimensat": lambda: libc.utimensat(-100, b"f", None, 0), "access": lambda: libc.access(b"f", os.W_OK),
    "faccessat": lambda: libc.faccessat(-100, b"f", os.W_OK, 0), "setxattr": lambda: libc.setxattr(b"f", b"user.a", b"b", ctypes.c_size_t(1), 0),
    "chown": lambda: libc.chown(b"f", -1, -1), "fchmod": lambda: libc.fchmod(reading, 0o600),
    "link": lambda: libc.link(b"f", b"g") or libc.unlink(b"g"),
    "reading": lambda: opened(libc.open(b"f", os.O_RDONLY)),
}
reading = os.open("f", os.O_RDONLY)
open("f", "a").close()
for name, call in calls.items():
    begin = ticks
    interrupted = made = 0
    signal.setitimer(signal.ITIMER_REAL, .0004, .0004)
    while ticks - begin < 150:
        made += 1
        if call() < 0:
            if ctypes.get_errno() == errno.EINTR: interrupted += 1
            elif (name, ctypes.get_errno()) != ("link", errno.EEXIST): others.append((name, ctypes.get_errno()))
    signal.setitimer(signal.ITIMER_REAL, 0)
    counts[name] = [interrupted, ticks - begin, made]
    libc.unlink(b"g")
print(json.dumps({"counts": counts, "others": others}))
"""
# docs/isolation.md names the calls whose handler may be seen.
k_may_be_interrupted = {"open", "chmod", "truncate", "utimensat", "link", "access", "faccessat", "setxattr", "chown", "fchmod"}


def interrupted(p, how):
    done = python_with(p, k_interrupted, how)
    said = json.loads(done.out)
    assert not said["others"], said["others"]
    return said["counts"]


def python_with(p, code, *arguments, guard="on"):
    return p("run", "t", "--guard", guard, "--", "python3", "-S", "-B", "-c", code, *arguments)


def test_handlers_that_restart_are_not_noticed(tmp):
    p = Project(tmp, {"f": k_text}, plain=True)
    counts = interrupted(p, "restart")
    assert all(count[0] == 0 for count in counts.values()), counts


def test_handlers_without_restart(tmp):
    """EINTR comes from those calls alone that the documentation names, and changes nothing: the next call does it."""
    p = Project(tmp, {"f": k_text}, plain=True)
    counts = interrupted(p, "interrupt")
    print("EINTR of 150 signals: " + ", ".join(f"{name} {count[0]}" for name, count in counts.items()))
    assert {name for name, count in counts.items() if count[0]} <= k_may_be_interrupted, counts
    row = next(row for row in what_a_program_can_notice().split("- ") if "SA_RESTART" in row)
    untold = [name for name, count in counts.items() if count[0] and f"`{name}`" not in row]
    assert not untold, f"docs/isolation.md does not tell of {untold}: {row}"


# ---- what it may do with itself ---------------------------------------------------------------------------

k_own_filter = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def install(flags, action):
    code = (ctypes.c_uint64 * 1)(struct.unpack("Q", struct.pack("HBBI", 6, 0, 0, action))[0])
    class Program(ctypes.Structure): _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
    libc.prctl(38, 1, 0, 0, 0)
    result = libc.syscall(317, 1, flags, ctypes.byref(Program(1, ctypes.addressof(code))))
    return result if result < 0 else 0, ctypes.get_errno() if result < 0 else 0
print(install(0, 0x7fff0000))  # a filter that allows all
print(install(8, 0x7fff0000))  # one with a listener of its own
open("f", "a").write("x")
"""


def test_a_programs_own_filters(tmp):
    """A filter of its own goes with the guard's; a listener of its own does not (EBUSY), which isolation.md says."""
    p = Project(tmp, {"f": k_text}, plain=True)
    assert python_with(p, k_own_filter).out == "(0, 0)\n(-1, 16)\n"
    assert python_with(p, k_own_filter, guard="off").out == "(0, 0)\n(0, 0)\n"
    assert "listener" in what_a_program_can_notice(), "isolation.md says nothing of it"


# ---- what descriptors tell -----------------------------------------------------------------------------------

k_descriptors = {
    "a place, chmod by /proc": "fd = os.open(f, os.O_PATH); os.chmod(f'/proc/self/fd/{fd}', 0o600); show(fd)",
    "a place, utime by /proc": "fd = os.open(f, os.O_PATH); os.utime(f'/proc/self/fd/{fd}', (1, 2)); show(fd)",
    "a place, truncate by /proc": "fd = os.open(f, os.O_PATH); os.truncate(f'/proc/self/fd/{fd}', 3); show(fd)",
    "a place, write by /proc": "fd = os.open(f, os.O_PATH); open(f'/proc/self/fd/{fd}', 'a').write('x'); show(fd)",
    "for reading, fchmod": "fd = os.open(f, os.O_RDONLY); os.fchmod(fd, 0o600); show(fd)",
    "for reading, utime": "fd = os.open(f, os.O_RDONLY); os.utime(fd, (1, 2)); show(fd)",
    "for reading, chmod by /proc": "fd = os.open(f, os.O_RDONLY); os.chmod(f'/proc/self/fd/{fd}', 0o600); show(fd)",
    "for reading, write by /proc": "fd = os.open(f, os.O_RDONLY); open(f'/proc/self/fd/{fd}', 'a').write('x'); show(fd); print(os.read(fd, 999))",
    "for reading, setxattr": "fd = os.open(f, os.O_RDONLY); os.setxattr(fd, 'user.a', b'b'); print(os.listxattr(fd)); show(fd)",
    "flags and offset": "fd = os.open(f, os.O_RDONLY | os.O_NOATIME); os.lseek(fd, 7, 0); os.fchmod(fd, 0o600); print(oct(fcntl.fcntl(fd, fcntl.F_GETFL)), os.lseek(fd, 0, 1), os.get_inheritable(fd))",
    "close on exec kept": "fd = os.open(f, os.O_RDONLY); os.set_inheritable(fd, True); os.fchmod(fd, 0o600); print(os.get_inheritable(fd))",
    "the path": "fd = os.open(f, os.O_RDONLY); os.fchmod(fd, 0o600); print(os.path.basename(os.readlink(f'/proc/self/fd/{fd}')))",
    "then by its name": "fd = os.open(f, os.O_RDONLY); os.fchmod(fd, 0o600); print(os.fstat(fd).st_ino == os.stat(f).st_ino)",
    "written by name, then": "fd = os.open(f, os.O_RDWR); os.write(fd, b'new'); print(os.fstat(fd).st_ino == os.stat(f).st_ino); show(fd)",
}


# What isolation.md says a program can notice: each with a word of that.
k_told = {**{name: "O_PATH" for name in k_descriptors if name.startswith("a place")},
          "for reading, chmod by /proc": "opened for reading before", "for reading, write by /proc": "opened for reading before"}


def what_a_program_can_notice():
    text = (pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "docs/isolation.md").read_text()
    return " ".join(text.split("What a program can notice")[1].split("## What verify")[0].split())


def test_what_descriptors_tell(tmp):
    """A descriptor that a change went through shows that change, or isolation.md says that it does not."""
    names = {name: f"f{i}" for i, name in enumerate(k_descriptors)}
    both = Both(tmp, {file: k_text for file in names.values()})
    head = "import fcntl, os\ndef show(fd):\n s = os.fstat(fd); print(oct(s.st_mode), s.st_size, s.st_mtime < 9)\n"
    wrong = []
    for name, code in k_descriptors.items():
        guarded, plain = both.run(["python3", "-S", "-B", "-c", f"{head}f = {names[name]!r}\n{code}"])
        assert plain.code == 0, plain
        is_told = name in k_told and k_told[name] in what_a_program_can_notice()
        if said(guarded) != said(plain) and not is_told:
            wrong.append(f"{name}: plain {said(plain)}, guarded {said(guarded)}")
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    harness.main()
