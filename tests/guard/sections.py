"""The table of restrictions under which restrictions.py and leaks.py make the calls of calls.py."""

import contextlib
import fcntl
import os
import pathlib
import socket
import stat
from typing import Callable, NamedTuple, Optional, Tuple

import harness
import matrix
from calls import k_all, k_core, k_opens

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
    Section("descriptors", then=(f"limit {k_nofile} 3",), calls={n: c for n, c in k_all.items() if not c[0].startswith("openat-")}),
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
    path("bad-pointer", "@bad"),
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
