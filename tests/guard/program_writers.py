"""Writers: programs in Python, C, Go and for Node; processes of all kinds."""

import shlex

from matrix import Writer as W
from matrix import k_big, k_builds, k_text

k_two = {"f": k_text, "g": "g stays\n" * 3}
k_prelude = "import ctypes, os, sys; libc = ctypes.CDLL(None, use_errno=True); "


def py(name, text, code, **more):
    return W(f"py-{name}", f"Python: {text}", f"$PYTHON -S -B -c {shlex.quote(k_prelude + code)}", **more)


k_busy = "sh: openat: Device or resource busy"

k_python = [
    py("w", '`open("w")`', 'open("f", "w").write("new")'),
    py("a", '`open("a")`', 'open("f", "a").write("new")'),
    py("r+", '`open("r+")`', 'open("f", "r+").write("new")'),
    py("w+", '`open("w+b")`', 'open("f", "w+b").write(b"new")'),
    py("x", '`open("x")` (exists)', '\ntry: open("f", "x")\nexcept FileExistsError: print("exists")', reaches=False, stays_shared=True),
    py("os-open", "`os.open(O_RDWR | O_TRUNC)`", 'os.write(os.open("f", os.O_RDWR | os.O_TRUNC), b"new")'),
    py("os-open-nofollow", "`os.open(O_WRONLY | O_NOFOLLOW | O_CLOEXEC)`", 'fd = os.open("f", os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC); print(os.get_inheritable(fd)); os.write(fd, b"new")'),
    py("os-open-symlink", "`O_NOFOLLOW` on a symlink (refused)", 'os.symlink("f", "s")\ntry: os.open("s", os.O_WRONLY | os.O_NOFOLLOW)\nexcept OSError as e: print(e.errno)', reaches=False),
    py("os-open-creat", "`os.open(O_CREAT | O_WRONLY, 0o600)`", 'os.write(os.open("f", os.O_CREAT | os.O_WRONLY, 0o600), b"new")'),
    py("os-open-direct", "`os.open(O_WRONLY | O_DSYNC)`", 'os.write(os.open("f", os.O_WRONLY | os.O_DSYNC), b"new")'),
    py("os-open-excl", "`os.open(O_RDWR | O_EXCL)` without O_CREAT", 'os.write(os.open("f", os.O_RDWR | os.O_EXCL), b"new")'),
    py("dir-fd", "`os.open(dir_fd=)`", 'd = os.open(".", os.O_RDONLY); os.chdir("/"); os.write(os.open("f", os.O_WRONLY, dir_fd=d), b"new")'),
    py("dir-fd-path", "`os.open(dir_fd=)`, an O_PATH descriptor", 'd = os.open("..", os.O_PATH); n = os.path.basename(os.getcwd()); os.chdir("/"); os.write(os.open(n + "/f", os.O_WRONLY, dir_fd=d), b"new")'),
    py("write-text", "`Path.write_text`", 'import pathlib; pathlib.Path("f").write_text("new")'),
    py("copy2", "`shutil.copy2` onto", 'import shutil; os.utime("g", (1500000000, 1500000001)); shutil.copy2("g", "f")', files=k_two),
    py("copyfile", "`shutil.copyfile` onto", 'import shutil; shutil.copyfile("g", "f")', files=k_two),
    py("replace", "`os.replace`", 'os.replace("g", "f")', files=k_two, reaches=False),
    py("fileinput", "`fileinput(inplace=True)`", 'import fileinput\nfor line in fileinput.input("f", inplace=True): print(line.upper(), end="")', reaches=False),
    py("mmap", "mmap", 'import mmap; f = open("f", "r+b"); m = mmap.mmap(f.fileno(), 0); m[:6] = b"MAPPED"; m.flush(); f.close(); m[6:9] = b"---"'),
    py("mmap-forked", "mmap, written by a child", 'import mmap; f = open("f", "r+b"); m = mmap.mmap(f.fileno(), 0)\nif os.fork() == 0: m[:6] = b"MAPPED"; os._exit(0)\nos.wait()'),
    py("map-files", "`/proc/self/map_files` of a file mapped to read", 'import mmap; f = open("f", "rb"); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); '
       'n = next(l.split()[0] for l in open("/proc/self/maps") if l.rstrip().endswith("/f")); n = "-".join(x.lstrip("0") for x in n.split("-")); '
       'os.write(os.open("/proc/self/map_files/" + n, os.O_WRONLY), b"new")', root=True),
    py("truncate", "`os.truncate`", 'os.truncate("f", 7)'),
    py("truncate-fd", "`os.truncate` of a descriptor for writing", 'os.truncate(os.open("f", os.O_WRONLY), 7)'),
    py("chmod", "`os.chmod`", 'os.chmod("f", 0o751)'),
    py("fchmod", "`os.fchmod` on a descriptor for reading", 'fd = os.open("f", os.O_RDONLY); os.read(fd, 5); os.fchmod(fd, 0o751); print(os.read(fd, 5), oct(os.fstat(fd).st_mode), os.get_inheritable(fd))'),
    py("fchmod-inherited", "`os.fchmod` on an inherited descriptor", 'fd = os.open("f", os.O_RDONLY); os.set_inheritable(fd, True); os.spawnlp(os.P_WAIT, sys.executable, "p", "-S", "-c", f"import os; os.fchmod({fd}, 0o751); os.fchmod({fd}, 0o755)"); print(oct(os.stat("f").st_mode))'),
    py("fchmod-dup", "`os.fchmod` on a dup'd descriptor", 'fd = os.open("f", os.O_RDONLY); d = os.dup(fd); os.fchmod(d, 0o751); os.fchmod(fd, 0o755); print(oct(os.stat("f").st_mode), oct(os.fstat(fd).st_mode))'),
    py("fchmod-passed", "`os.fchmod` on a descriptor from another process", 'import socket; a, b = socket.socketpair(); fd = os.open("f", os.O_RDONLY); socket.send_fds(a, [b"x"], [fd])\n'
       'if os.fork() == 0: os.close(fd); os.fchmod(socket.recv_fds(b, 1, 1)[1][0], 0o751); os._exit(0)\nos.wait()'),
    py("fchmod-stale", "`os.fchmod` on a descriptor opened before another write", 'fd = os.open("f", os.O_RDONLY); open("f", "a").write("new"); os.fchmod(fd, 0o751); print(oct(os.stat("f").st_mode))'),
    py("fchmod-deleted", "`os.fchmod` on a deleted file", 'fd = os.open("f", os.O_RDONLY); os.unlink("f"); os.fchmod(fd, 0o751); print(oct(os.fstat(fd).st_mode))', recorded=False),
    py("fchown", "`os.fchown` on a descriptor for reading", 'os.fchown(os.open("f", os.O_RDONLY), 12, 34)', root=True),
    py("lchown", "`os.lchown`", 'os.lchown("f", 12, 34)', root=True),
    py("utime", "`os.utime`", 'os.utime("f", ns=(1500000000123456789, 1500000001987654321))'),
    py("utime-fd", "`os.utime` of a descriptor for reading", 'os.utime(os.open("f", os.O_RDONLY), ns=(1, 2))'),
    py("utime-now", "`os.utime` (now)", 'os.utime("f")'),
    py("utime-symlink", "`os.utime(follow_symlinks=False)` of a symlink", 'os.symlink("f", "s"); os.utime("s", (1, 2), follow_symlinks=False)', reaches=False),
    py("setxattr", "`os.setxattr`", 'os.setxattr("f", "user.a", b"b" * 100); print(os.listxattr("f"))'),
    py("setxattr-fd", "`os.setxattr` of a descriptor for reading", 'os.setxattr(os.open("f", os.O_RDONLY), "user.a", b"b")'),
    py("removexattr-none", "`os.removexattr` of one that is not there", '\ntry: os.removexattr("f", "user.a")\nexcept OSError as e: print(e.errno)', reaches=False),
    py("link", "`os.link`, then write", 'os.link("f", "g"); open("g", "a").write("new"); print(os.path.samefile("f", "g"))'),
    py("link-dir-fd", "`os.link(src_dir_fd=)`", 'd = os.open(".", os.O_PATH); os.chdir("/"); os.link("f", "g", src_dir_fd=d, dst_dir_fd=d); os.write(os.open("g", os.O_WRONLY, dir_fd=d), b"new")'),
    py("sendfile", "`os.sendfile`", 'print(os.sendfile(os.open("f", os.O_WRONLY), os.open("g", os.O_RDONLY), 0, 5))', files=k_two),
    py("splice", "`os.splice` from a pipe", 'r, w = os.pipe(); os.write(w, b"new"); fd = os.open("f", os.O_WRONLY); n = ctypes.c_long(libc.splice(r, None, fd, None, 3, 0)).value; print(n)'),
    py("copy-range", "`os.copy_file_range`", 'print(os.copy_file_range(os.open("g", os.O_RDONLY), os.open("f", os.O_RDWR), 5))', files=k_two),
    py("fallocate", "`os.posix_fallocate`", 'os.posix_fallocate(os.open("f", os.O_WRONLY), 0, 9999)'),
    py("writev", "`os.pwritev`", 'os.pwritev(os.open("f", os.O_RDWR), [b"ab", b"cd"], 3)'),
    py("sqlite", "sqlite3", 'import sqlite3; c = sqlite3.connect("f"); c.execute("create table t (a)"); c.execute("insert into t values (1)"); c.commit(); print(c.execute("select * from t").fetchall())', files={"f": ""}),
    py("sqlite-wal", "sqlite3, WAL", 'import sqlite3; c = sqlite3.connect("f"); print(c.execute("pragma journal_mode=wal").fetchall()); c.execute("create table t (a)"); c.commit()', files={"f": ""}, without=("f",)),
    py("dbm", "dbm.dumb", 'import dbm.dumb; d = dbm.dumb.open("d", "c"); d["a"] = "b"; d.close()', files={"d.dir": "", "d.dat": "", "d.bak": ""}),
    py("zip", "`zipfile` mode a", 'import zipfile; z = zipfile.ZipFile("f", "a"); z.writestr(zipfile.ZipInfo("x"), "y"); z.close()'),
    py("o-path", "`/proc/self/fd/N` of an O_PATH descriptor", 'fd = os.open("f", os.O_PATH); os.write(os.open(f"/proc/self/fd/{fd}", os.O_WRONLY), b"new")'),
    py("o-path-chmod", "`os.chmod` by `/proc/self/fd/N` of an O_PATH descriptor", 'fd = os.open("f", os.O_PATH); os.chmod(f"/proc/self/fd/{fd}", 0o751)'),
    py("o-path-truncate", "`os.truncate` by `/proc/self/fd/N`, twice", 'fd = os.open("f", os.O_PATH); os.truncate(f"/proc/self/fd/{fd}", 9); os.truncate(f"/proc/self/fd/{fd}", 7); print(os.stat("f").st_size)'),
    py("o-path-setxattr", "`os.setxattr` by `/proc/self/fd/N`", 'fd = os.open("f", os.O_PATH); os.setxattr(f"/proc/self/fd/{fd}", "user.a", b"b"); os.removexattr(f"/proc/self/fd/{fd}", "user.a"); os.utime(f"/proc/self/fd/{fd}", (1, 2))'),
    py("o-path-link", "`os.link` by `/proc/self/fd/N`, then write", 'fd = os.open("f", os.O_PATH); libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"g", 0x400); open("g", "a").write("new")'),
    py("openat2", "openat2", 'h = (ctypes.c_uint64 * 3)(os.O_WRONLY | os.O_APPEND, 0, 0x04); fd = libc.syscall(437, -100, b"f", h, 24); os.write(fd, b"new")'),
    py("openat2-beneath", "openat2, `RESOLVE_BENEATH`", 'os.mkdir("d"); d = os.open(".", os.O_PATH); h = (ctypes.c_uint64 * 3)(os.O_WRONLY | os.O_TRUNC, 0, 0x08); fd = libc.syscall(437, d, b"d/../f", h, 24); os.write(fd, b"new")'),
    py("thread", "8 threads", 'import threading\ndef go(i):\n  fd = os.open("f", os.O_WRONLY | os.O_APPEND); os.write(fd, b"%d\\n" % i)\nt = [threading.Thread(target=go, args=(i,)) for i in range(8)]\n[x.start() for x in t]; [x.join() for x in t]; print(len(open("f").readlines())); open("f", "w").write("end")'),
    py("thread-cwd", "a thread with a folder of its own (`CLONE_FS`)", 'import threading\nos.mkdir("d"); open("d/f", "w").write("other")\ndef go():\n  libc.unshare(0x200); os.chdir("d"); os.chdir(".."); os.write(os.open("f", os.O_WRONLY | os.O_APPEND), b"new")\n'
       'here = os.getcwd()\nt = threading.Thread(target=go); os.chdir("/")\ndef go2():\n  libc.unshare(0x200); os.chdir(here); go()\nt = threading.Thread(target=go2); t.start(); t.join()'),
    py("thread-files", "a thread with descriptors of its own (`CLONE_FILES`)", 'import threading\nfd = os.open("g", os.O_RDONLY)\ndef go():\n  libc.unshare(0x400); os.dup2(os.open("f", os.O_RDONLY), fd); os.fchmod(fd, 0o751)\nt = threading.Thread(target=go); t.start(); t.join(); print(oct(os.fstat(fd).st_mode))', files=k_two),
    py("fork", "8 children", '\nfor i in range(8):\n  if os.fork() == 0: os.write(os.open("f", os.O_WRONLY | os.O_APPEND), b"same\\n"); os._exit(0)\nfor i in range(8): os.wait()'),
    py("spawn", "`posix_spawn` that opens", 'os.waitpid(os.posix_spawn("/bin/echo", ["echo", "new"], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "f", os.O_WRONLY | os.O_APPEND, 0)]), 0)'),
    py("signals", "under a timer that interrupts", 'import signal; signal.signal(signal.SIGALRM, lambda *_: None); signal.siginterrupt(signal.SIGALRM, False); signal.setitimer(signal.ITIMER_REAL, .0005, .0005)\nfor i in range(200): open("f", "a").write("x"); os.chmod("f", 0o600 + i % 8)\nopen("b", "a").write("new"); signal.setitimer(signal.ITIMER_REAL, 0); print("done")', files={"f": k_text, "b": k_big}),
    py("relative-deep", "by a path of 4,095 bytes", 'n = "./" * 2046 + "f"; open(n, "a").write("new"); print(len(n))'),
    py("too-long", "by a path that is too long (refused)", '\ntry: open("./" * 2048 + "f", "a")\nexcept OSError as e: print(e.errno)', reaches=False, stays_shared=True),
    py("bad-pointer", "by a pointer to nothing (refused)", 'r = libc.syscall(257, -100, ctypes.c_void_p(8), 1, 0); print(r, ctypes.get_errno()); r = libc.syscall(90, ctypes.c_void_p(8), 0o600); print(r, ctypes.get_errno())', reaches=False, stays_shared=True),
    py("errors", "errors: a folder, a file as a folder, none, a loop", 'os.symlink("loop", "loop")\nfor n in (".", "f/x", "none/x", "loop", ""):\n  try: os.open(n, os.O_WRONLY)\n  except OSError as e: print(n, e.errno)', reaches=False),
    py("pidfd", "`pidfd_getfd`, then `os.fchmod`", 'fd = os.open("f", os.O_RDONLY); r, w = os.pipe(); c = os.fork()\nif c == 0: os.read(r, 1); os._exit(0)\np = os.pidfd_open(c); d = libc.syscall(438, p, fd, 0); os.close(fd); os.fchmod(d, 0o751); os.write(w, b"x"); os.wait()', root=True),
    py("seteuid", "as another user, on a file of mode 0666", 'os.chmod("f", 0o666); os.seteuid(65534); open("f", "a").write("new")', root=True),
    py("seteuid-only", "as another user, on a file that already had mode 0666", 'os.seteuid(65534); open("f", "a").write("new")', root=True, modes={"f": 0o666}),
    py("seteuid-refused", "as another user, on a file of mode 0600 (refused)", 'os.seteuid(65534)\ntry: open("f", "a")\nexcept OSError as e: print(e.errno)\ntry: os.chmod("f", 0o666)\nexcept OSError as e: print(e.errno)', root=True, modes={"f": 0o600}, reaches=False),
    py("not-dumpable", "in a process that is not dumpable", 'libc.prctl(4, 0, 0, 0, 0); open("f", "a").write("new")', root=True),
    py("stale-reader", "a descriptor opened for reading before reads on", 'r = open("f", "rb"); a = r.read(5); open("f", "a").write("new"); print(a, r.read(7))'),
    py("lock", "`flock` on a descriptor for writing", 'import fcntl; f = open("f", "a"); fcntl.flock(f, fcntl.LOCK_EX); f.write("new")'),
    py("lease", "`fcntl(F_SETOWN)`, lockf on r+", 'import fcntl; f = open("f", "r+"); fcntl.lockf(f, fcntl.LOCK_EX); f.write("new")'),
    py("tmpfile", "`O_TMPFILE`, linked in its place", 'fd = os.open(".", os.O_TMPFILE | os.O_WRONLY); os.write(fd, b"new"); os.unlink("f"); libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, b"f", 0x400)', reaches=False, not_on=("overlay",)),
    py("rename-exchange", "`RENAME_EXCHANGE`, then write", 'libc.renameat2(-100, b"f", -100, b"g", 2); open("f", "a").write("new")', files=k_two),
]


def c(build, call, more="", **options):
    return W(f"c-{build}-{call}", f"C, {build}: `{call}`", f"$P/{build} {call} f{more}", needs=(f"program:{build}", *options.pop("needs", ())), **options)


k_libc = ("open", "open-trunc-reading", "creat", "fopen-a", "fopen-r+", "fopen-w", "truncate", "ftruncate", "posix_fallocate", "mmap", "utime", "utimes",
          "lutimes", "futimes", "futimens", "utimensat", "futimesat", "chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "fchownat-empty", "setxattr",
          "lsetxattr", "fsetxattr", "link", "linkat-empty")
k_numbers = {
    "glibc": ("open", "creat", "openat", "openat2", "openat2-beneath", "openat2-in-root", "truncate", "chown", "utime", "utimes", "futimesat", "futimesat-null",
              "utimensat-null", "utimensat-empty", "fchmodat2", "fchmodat2-empty", "setxattrat", "setxattrat-empty", "link", "linkat-proc", "setflags"),
    "m32": ("open", "creat", "openat", "openat2", "truncate", "truncate64", "chown16", "lchown16", "fchown16", "chown32", "utime", "utimes", "futimesat",
            "futimesat-null", "utimensat-null", "utimensat_time64", "fchmodat2", "link", "linkat-proc", "setflags"),
}
k_for_root = ("chown", "lchown", "fchown", "fchownat-empty", "chown16", "lchown16", "fchown16", "chown32", "linkat-empty", "setflags")
k_not_on_tmpfs = ("setflags",)
k_c = [c(build, call, root=call in k_for_root) for build in k_builds for call in k_libc if (build, call) != ("m32", "futimesat")]
k_c += [c(build, f"raw-{call}", root=call in k_for_root, not_on=("tmpfs",) if call in k_not_on_tmpfs else ())
        for build, calls in k_numbers.items() for call in calls]
k_c += [c("glibc", f"int80-{call}", root=call in k_for_root) for call in ("open", "creat", "chmod", "chown16", "chown32", "truncate", "utime")]
k_c += [
    c("glibc", "x32-open", "; true", reaches=False),  # most kernels have no x32
    c("glibc", "io_uring", refused=True),
    c("glibc", "by-handle", refused=True, root=True, not_on=("overlay",)),
    c("glibc", "by-handle-reading", root=True, reaches=False, stays_shared=True, not_on=("overlay",)),
]

k_go = [W(f"go-{call}", f"Go: `{call}`", f"$P/go {call} f", needs=("program:go",)) for call in ("OpenFile", "WriteFile", "Truncate", "Chmod", "Chtimes", "fchmod")]


def node(name, text, code):
    return W(f"node-{name}", f"Node: {text}", f"node -e {shlex.quote('const fs = require(`fs`); ' + code)}", needs=("node",), files=k_two)


k_xfs_handle = """
import fcntl, struct
f, d = os.open("f", os.O_RDONLY), os.open(".", os.O_RDONLY)
handle, length, path = ctypes.create_string_buffer(256), ctypes.c_uint32(256), ctypes.create_string_buffer(b"f")
def call(number, *request):  # of struct xfs_fsop_handlereq
    return fcntl.ioctl(d, 3 << 30 | 56 << 16 | ord("X") << 8 | number, bytearray(struct.pack("=I4xQI4xQI4xQQ", *request)))
at, size = ctypes.addressof(handle), ctypes.addressof(length)
call(105, f, ctypes.addressof(path), 0, 0, 0, at, size)
try:
    os.write(call(107, 0, 0, os.O_WRONLY, at, length.value, 0, 0), b"new")
except OSError as error:
    print("refused:", error)
"""
k_python.append(py("xfs-handle", "XFS's `XFS_IOC_OPEN_BY_HANDLE`", k_xfs_handle, root=True, refused=True,
                   not_on=("default", "tmpfs", "btrfs", "overlay")))

k_node = [
    node("write", "`writeFileSync`", "fs.writeFileSync('f', 'new')"),
    node("append", "`promises.appendFile`", "fs.promises.appendFile('f', 'new')"),
    node("stream", "`createWriteStream`", "fs.createWriteStream('f', {flags: 'r+'}).end('new')"),
    node("copy", "`copyFileSync` onto", "fs.copyFileSync('g', 'f')"),
    node("metadata", "`truncateSync`, `chmodSync`, `utimesSync`", "fs.truncateSync('f', 5); fs.chmodSync('f', 0o600); fs.utimesSync('f', 1, 2)"),
]

k_wait_late = 'i=0; while [ ! -e $LATE ] && [ -d $SCRATCH ] && [ $((i += 1)) -lt 2000 ]; do sleep .05; done; '
k_processes = [
    W("daemon", "`setsid`, after the command has ended", f"setsid sh -c '{k_wait_late} echo late >>f; : >$SCRATCH/done' >/dev/null 2>&1 &", late=True, recorded=False),
    W("daemon-fork", "a double fork, after the command has ended, through a descriptor for reading",
      f"(exec 3<f; setsid sh -c '({k_wait_late} echo late >>/proc/self/fd/3; chmod 600 f; : >$SCRATCH/done) &' >/dev/null 2>&1 </dev/null &)", late=True, recorded=False),
    W("tail", "`tail -F` goes on", "tail -n +1 -F f >$SCRATCH/out 2>/dev/null & pid=$!; until [ -s $SCRATCH/out ]; do sleep .02; done; echo new >>f; "
      "i=0; until grep -q new $SCRATCH/out || [ $((i += 1)) -gt 500 ]; do sleep .02; done; kill $pid; grep -c new $SCRATCH/out; rm $SCRATCH/out", needs=("tail",)),
    W("setpriv", "`setpriv --reuid 65534`, a file of mode 0666", "setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'echo new >>f'", modes={"f": 0o666}, root=True, needs=("setpriv",)),
    W("setpriv-caps", "root without capabilities", "setpriv --inh-caps=-all --bounding-set=-all sh -c 'echo new >>f; chmod 600 f'", root=True, needs=("setpriv",)),
    W("setpriv-nnp", "`setpriv --no-new-privs`", "setpriv --no-new-privs sh -c 'echo new >>f'", needs=("setpriv",)),
    W("su", "`su nobody`, a file of mode 0666", "su -s /bin/sh nobody -c 'echo new >>f'", modes={"f": 0o666}, root=True, needs=("su",)),
    W("unshare-user", "in a user namespace", "unshare -Ur sh -c 'echo new >>f; chmod 751 f'", needs=("unshare -Ur",)),
    W("unshare-pid", "in a PID namespace", "unshare -Urpf --mount-proc sh -c 'exec 3<f; echo new >>/proc/self/fd/3; echo more >>f'", needs=("unshare -Ur",)),
    W("bind", "through a bind mount", "mkdir $SCRATCH/m; unshare -Urm sh -c 'mount --bind . $SCRATCH/m && echo new >>$SCRATCH/m/f && chmod 751 $SCRATCH/m/f'", needs=("unshare -Ur", "mount")),
    W("bind-root", "through a bind mount, by root", "mkdir $SCRATCH/m; unshare -m sh -c 'mount --bind . $SCRATCH/m && cd $SCRATCH/m && echo new >>f'", root=True, needs=("unshare", "mount")),
    W("bind-acl", "through a bind mount, default ACL", "mkdir $SCRATCH/m; setfacl -d -m u:1:rwx .; unshare -m sh -c 'mount --bind . $SCRATCH/m && echo new >>$SCRATCH/m/f'; setfacl -k .", root=True, needs=("unshare", "mount", "setfacl")),
    W("bind-file", "through a bind mount of the file", ": >$SCRATCH/m; unshare -m sh -c 'mount --bind f $SCRATCH/m && echo new >>$SCRATCH/m || echo refused'", root=True, needs=("unshare", "mount"), refused=True, refusal=k_busy),
    W("bind-onto", "a bind mount that hides another file in its folder", "unshare -m sh -c 'mount --bind g f && echo new >>f || echo refused'", files=k_two, root=True, needs=("unshare", "mount"), refused=True, refusal=k_busy),
    W("chroot", "in a chroot", "mkdir jail; cp $(command -v busybox) jail/busybox; mv f jail/f; chroot jail /busybox sh -c 'echo new >>/f; echo more >>/../f; cd /; echo f >>f'; rm jail/busybox", root=True, needs=("chroot", "busybox")),
    W("chroot-symlink", "in a chroot, through an absolute symlink", "mkdir jail; cp $(command -v busybox) jail/busybox; mv f jail/f; ln -s /f jail/s; chroot jail /busybox sh -c 'echo new >>/s'; rm jail/busybox", root=True, needs=("chroot", "busybox")),
    W("strace", "under strace", "strace -f -qq -o /dev/null sh -c 'echo new >>f'", needs=("strace",)),
    W("gdb", "under gdb", "gdb -q -nx -batch -ex run --args sh -c 'echo new >>f' >/dev/null 2>&1; true", needs=("gdb",)),
    W("valgrind", "under valgrind", "valgrind -q sh -c 'echo new >>f; chmod 600 f'", needs=("valgrind",)),
    W("timeout", "`timeout`, `nohup`, `nice`, `env`", "timeout 9 nohup nice env -i /bin/sh -c 'echo new >>f'"),
    W("nested", "in a `snapfix run` within", "mkdir $SCRATCH/s; echo a >$SCRATCH/s/a; export F=$PWD/f; $P/snapfix create --source $SCRATCH/s --root $SCRATCH/r o >/dev/null; "
      "$P/snapfix run --source $SCRATCH/s --root $SCRATCH/r n -- sh -c 'echo new >>$F; echo new >>a; cat a'; cat $SCRATCH/s/a $SCRATCH/r/o/a; "
      "$P/snapfix verify --root $SCRATCH/r o --content >/dev/null && echo sound; rm -r $SCRATCH/s $SCRATCH/r"),
    W("acct", "the kernel's accounting", "$PYTHON -S -B -c 'import ctypes; libc = ctypes.CDLL(None); import sys; sys.exit(libc.acct(b\"f\") != 0)' && sh -c true; $PYTHON -S -B -c 'import ctypes; ctypes.CDLL(None).acct(None)'",
      root=True, files={"f": ""}, without=("f",)),
    W("text-busy", "onto a program that runs", "./f 30 & pid=$!; until [ /proc/$pid/exe -ef f ]; do sleep .02; done; cp g f; echo $?; kill $pid",
      files={"f": "@copy:sleep", "g": "new\n"}, modes={"f": 0o755}, reaches=False, remains="the program runs on from the object, so nothing is busy"),
]

# Through another file system, by other inode numbers: no call names the file.
k_beyond = [
    W("overlay-upper", "through an overlay that has its folder on top", "mkdir $SCRATCH/{l,w,m}; unshare -m sh -c 'mount -t overlay -o lowerdir=$SCRATCH/l,upperdir=$PWD/d,workdir=$SCRATCH/w x $SCRATCH/m && echo new >>$SCRATCH/m/f'; rm -rf $SCRATCH/w",
      files={"d/f": k_text}, root=True, needs=("unshare", "mount"), not_on=("overlay",)),
]

k_all = k_python + k_c + k_go + k_node + k_processes
