"""A shared file must not be changed for all, whatever way a program finds to it past what the guard looks at.

Each test does first without the guard what it will do with it: there the shared file must change, or the test could
not fail. What cannot be closed, and why:

- a descriptor for writing that somebody outside gives: SCM_RIGHTS, pidfd_getfd of a process that is not under the
  guard, one inherited from the caller: it was opened under no filter, and write(2) is not looked at;
- a file system that shows the snapshot's files under other inodes (overlay, FUSE, a loop device on the disk);
- root: the disk itself (/dev/...), a kernel module, quotaon(8) of a file, XFS_IOC_ATTRMULTI_BY_HANDLE.

What was looked through and needs a descriptor for writing, which the guard sees opened: write, splice, vmsplice,
copy_file_range, fallocate, FICLONE, EXT4_IOC_MOVE_EXT and _SWAP_BOOT, XFS_IOC_SWAPEXT, XFS_IOC_EXCHANGE_RANGE,
MADV_REMOVE, UFFDIO_COPY into a shared map. FIDEDUPERANGE and BTRFS_IOC_DEFRAG do without, and change no content.
A map for reading does not become one for writing: not by ptrace(2), /proc/PID/mem or process_madvise(2) either.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import subprocess

import harness
import matrix
import restrictions
from calls import W, RW, k_append, k_creat, k_resolve, k_trunc
from corners import needs_root
from harness import eventually, start
from lifecycle import processes
from project import Project, inode
from restrictions import build
from sections import Section, symlinks

k_absent = 77  # the program's exit code where the kernel has no such way


class Shared:
    """A source with these files, a snapshot `t` in which a program runs, and its sibling `s`."""

    def __init__(self, tmp, files, user=None):
        self.tmp, self.user, self.files = tmp, user, files
        self.p = self.project("guarded")
        self.program = build("leaks")

    def project(self, name):
        folder = self.tmp / name
        p = Project(folder, self.files, plain=True)
        for path in self.files:
            (p.source / path).chmod(0o666)
        who = self._who()
        if who:
            harness.run(["chown", "-R", f"{self.user}:{self.user}", folder])
        for snapshot in ("s", "t"):
            p("create", snapshot, **who)
        return p

    def _who(self):
        return {"user": self.user} if self.user not in (None, os.geteuid()) else {}

    def command(self, p, command, guard):
        helper = harness.public_snapfix() if self._who() else harness.snapfix_path()
        return [helper, "run", "t", "--source", p.source, "--root", p.root, "--guard", guard, "--", *command]

    def run(self, command, wrapper=(), p=None, guard="on", **options):
        options.setdefault("expect", None)
        return harness.run([*wrapper, *self.command(p or self.p, command, guard)], **self._who(), **options)

    def can_leak(self, command, wrapper=(), **options):
        """Without the guard the same reaches the shared file; skips where the kernel has no such way."""
        p = self.project("unguarded")
        before = state(p)
        done = self.run(command, wrapper, p, "off", **options)
        if done.code == k_absent:
            harness.skip(f"not on this kernel: {done.out.strip()}")
        assert state(p) != before, f"the test could not fail:\n{done}"

    def expect_whole(self, command, wrapper=(), **options):
        """Under the guard the sibling and the store stay as they were."""
        before = state(self.p)
        done = self.run(command, wrapper, **options)
        assert_whole(before, state(self.p), done)
        return done

    def both(self, *way, wrapper=(), **options):
        command = [self.program, *way]
        self.can_leak(command, wrapper, **options)
        return self.expect_whole(command, wrapper, **options)


def state(p):
    """The sibling and the store: all that others see."""
    return {**matrix.tree(p.root / "s"), **matrix.store_state(p.root)}


def assert_whole(before, after, done):
    wrong = [f"{path!r}: {matrix.difference(old, after.get(path))}" for path, old in before.items() if after.get(path) != old]
    assert not wrong, "changed for all:\n" + "\n".join(wrong[:10]) + f"\n{len(wrong)} in all\n{done}"


# ---- openat2 with what it refuses to pass ----------------------------------------------------------

k_openat2 = {f"{call}-{name}": ("openat2", flags, mode, bits)
             for call, flags, mode in (("append", W | k_append, 0), ("trunc", RW | k_trunc, 0), ("create", W | k_creat, 0o600))
             for name, bits in {**k_resolve, "links": 0x02 | 0x04, "beneath-links": 0x08 | 0x04, "in-root-xdev": 0x10 | 0x01,
                                "beneath-xdev-links": 0x08 | 0x01 | 0x02, "cached-links": 0x20 | 0x04}.items()}
k_places = {"here": {}, "mounts": {"directives": ("{mounts}",)}, "chroot": {"directives": ("chroot {top}",), "cd": "/{below}", "who": ("root",)},
            "chroot-mounts": {"directives": ("{mounts}", "chroot {top}"), "cd": "/{below}"},
            "bind": {"directives": ("{mounts}", "bind {here} {empty}"), "cd": "{empty}"},
            "pids": {"directives": ("{mounts}", "pids", "proc /proc")}}
k_paths = {"plain": {}, "symlink": {"path": "{name}.link", "setup": symlinks("{name}")},
           "up": {"path": "../{section}/{name}"}, "absolute": {"path": "{cwd}/{name}"},
           "proc": {"path": "/proc/self/cwd/{name}"}, "symlink-up": {"path": "{name}.link", "setup": symlinks("../{section}/{name}")}}


def openat2_sections():
    return [Section(f"{place}-{path}", calls=k_openat2, **where, **how) for place, where in k_places.items() for path, how in k_paths.items()]


def test_openat2_from_elsewhere_as_root():
    needs_root()
    with restrictions.file_system() as where:
        restrictions.compare(where, openat2_sections(), "root")


def test_openat2_from_elsewhere_as_an_ordinary_user():
    with restrictions.file_system() as where:
        restrictions.compare(where, openat2_sections(), "user", harness.NOBODY if os.geteuid() == 0 else os.geteuid())


k_forget = ("sh", "-c", "echo 2 >/proc/sys/vm/drop_caches; exec \"$@\"", "-")  # names that nobody uses


def test_openat2_of_what_only_becomes_known():
    """RESOLVE_CACHED, which may fail at the guard's look and not at the kernel's."""
    needs_root()
    count = 1000
    with restrictions.file_system() as where:
        shared = Shared(where, {f"f.{i:04}": f"shared {i}\n" for i in range(count)})
        done = shared.expect_whole([*k_forget, shared.program, "cached", "f", count])
        assert done.code == 0, done
        opened, again = (int(word.split()[0]) for word in done.out.split(","))
        assert opened + again == count, done


# ---- descriptors that no call of the filter's opens -------------------------------------------------


def test_descriptors_of_fanotify(tmp):
    needs_root()
    Shared(tmp, {"a": "1\n"}).both("fanotify", "a")


def test_a_ring_from_before(tmp):
    """io_uring_setup is refused; a ring that was inherited submits calls that no filter sees."""
    shared = Shared(tmp, {"a": "1\n"})
    wrapper = (shared.program, "ring", "a")
    for way in (("use-ring", "a"),):
        shared.both(*way, wrapper=wrapper)


def test_a_ring_from_before_registers_nothing(tmp):
    shared = Shared(tmp, {"a": "1\n"})
    wrapper = (shared.program, "ring", "a")
    done = shared.run([shared.program, "use-ring", "a", "register"], wrapper)
    assert done.code != k_absent or harness.skip(done.out), done
    assert done.code == 1 and "ENOSYS" in done.out, done


def test_a_mount_in_no_namespace(tmp):
    needs_root()
    for way in ("detached-mount", "detached-file"):
        (tmp / way).mkdir()
        done = Shared(tmp / way, {"a": "1\n"}).both(way, "a")
        assert done.code == 0 or way == "detached-file", done


def test_a_handle_of_another_name(tmp):
    """What is opened by a handle has the name that the kernel thinks of: in the sibling, whose file must stay."""
    needs_root()
    shared = Shared(tmp, {"a": "1\n"})
    done = shared.expect_whole([*k_forget, shared.program, "handle", "a", shared.p.root / "s/a"])
    assert (shared.p.root / "s/a").read_text() == "1\n", done
    assert inode(shared.p.root / "s/a") == next(iter(objects_of(shared.p))), "the sibling's is still the object"


def objects_of(p):
    return matrix.store_state(p.root)


# ---- paths that the guard cannot read ---------------------------------------------------------------


def test_a_path_in_secret_memory(tmp):
    for way in ("open", "truncate", "chmod", "how"):
        (tmp / way).mkdir()
        Shared(tmp / way, {"a": "1\n"}).both("secret", "a", way)


def test_a_program_that_may_be_run_but_not_read(tmp):
    """Its memory is closed to its user, and to the guard of an ordinary one: the run says so, and verify finds it."""
    needs_root()
    shared = Shared(tmp, {"a": "1\n"}, user=harness.NOBODY)
    program = tmp / "closed"
    shutil.copy(shared.program, program)
    program.chmod(0o711)
    done = shared.run([program, "plain", "a"])
    assert "the guard could not look at a call: closed: openat" in done.err, done
    found = shared.p("verify", "t", user=harness.NOBODY, expect=3)
    assert "'a'" in found.out + found.err, found


def test_a_file_system_that_answers_the_guard_otherwise(tmp):
    """A symlink to the shared file lies in a FUSE mount: of another user's, which the guard may not look into, or one
    that fails (EIO, EACCES, ENOENT) at the guard's look and not at the kernel's."""
    needs_root()
    harness.require("setpriv", "umount")
    if not os.path.exists("/dev/fuse"):
        harness.skip("there is no /dev/fuse")
    server = build("fuse_links")
    wrong = []
    for how in ("other-user", "EIO", "EACCES", "ENOENT", "ESTALE"):
        (tmp / how).mkdir()
        (tmp / how).chmod(0o755)
        shared = Shared(tmp / how, {"a": "1\n"})
        mnt = tmp / how / "mnt"
        mnt.mkdir()
        before = state(shared.p)
        with fuse(server, mnt, shared.p.root / "t/a", how):
            become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if how == "other-user" else []
            done = shared.run([*become, "sh", "-c", f"for i in 1 2 3 4; do echo LEAK >>{mnt}/l; done"], timeout=30)
        try:
            assert_whole(before, state(shared.p), done)
        except AssertionError as error:
            wrong.append(f"{how}: {error}")
    assert not wrong, "\n".join(wrong)


@contextlib.contextmanager
def fuse(server, mnt, target, how):
    harness._mount_namespace()  # pylint: disable=protected-access
    process = start([server, mnt, target, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"mounted\n", process.stderr.read()
        yield
    finally:
        subprocess.run(["umount", "-l", mnt], check=False, stderr=subprocess.DEVNULL)
        process.kill()
        process.communicate()


# ---- ioctls -----------------------------------------------------------------------------------------

k_ioctls = {  # through a descriptor for reading: request, value
    "FS_IOC_SETFLAGS": (0x40086602, 0x80080), "FS_IOC_SETVERSION": (0x40087602, 77), "EXT4_IOC_SETVERSION": (0x40086604, 77),
    "FS_IOC32_SETFLAGS": (0x40046602, 0x80080), "FS_IOC32_SETVERSION": (0x40047602, 77), "EXT4_IOC32_SETVERSION": (0x40046604, 77),
    "FS_IOC_FSSETXATTR": (0x401c5820, 0x40), "EXT4_IOC_MIGRATE": (0x6609, 0), "EXT4_IOC_SWAP_BOOT": (0x6611, 0),
}


def attributes(path):
    """What ioctls change and stat does not show: the generation, flags, the project."""
    out = []
    with open(path, "rb") as file:
        for request in (0x80087601, 0x80086601, 0x801c581f):
            with contextlib.suppress(OSError):
                out.append(fcntl.ioctl(file, request, bytes(64)))
    return out


def test_ioctls_on_a_descriptor_for_reading():
    """On ext4, whose own requests are among them."""
    needs_root()
    with harness.loop_fs("ext4", 64, ("-O", "^metadata_csum")) as where:
        shared = Shared(where, {name: "1\n" for name in k_ioctls})

        def changed(p, guard):
            files = {name: p.root / "s" / name for name in k_ioctls}
            before = {name: (inode(file), attributes(file)) for name, file in files.items()}
            for name, (request, value) in k_ioctls.items():
                done = shared.run([shared.program, "ioctl", name, hex(request), value], p=p, guard=guard)
                assert done.code in (0, 1), done
            return [name for name, file in files.items() if (inode(file), attributes(file)) != before[name]]

        bare = changed(shared.project("bare"), "off")
        assert {"FS_IOC_SETFLAGS", "FS_IOC_SETVERSION", "EXT4_IOC_SETVERSION"} <= set(bare), bare
        store = state(shared.p)
        guarded = changed(shared.p, "on")
        assert not guarded, f"changed for all: {guarded}"
        assert_whole(store, state(shared.p), "by ioctls")


# ---- races ------------------------------------------------------------------------------------------

k_raced = ("open", "create", "openat2", "truncate", "chmod", "utimensat", "setxattr")


def each_race(names, way, count):
    """Each call's race with files in a folder of its own; tells all that were lost."""
    with restrictions.file_system() as where:
        shared = Shared(where, {f"{call}/f.{i:04}": f"shared {i}\n" for call in names for i in range(count)})
        before = state(shared.p)
        script = "; ".join(f"(cd {call}; cat f.0000 >f; cat f >f-0000; exec {shared.program} {way} f {call} {count})" for call in names)
        done = shared.run(["sh", "-ec", script])
        after = state(shared.p)
        wrong = [os.fsdecode(path).split("/")[0] for path, old in before.items() if after.get(path) != old and isinstance(path, bytes)]
        assert not wrong and done.code == 0, f"{ {call: wrong.count(call) for call in names} } of {count} each were changed for all\n{done}"


def test_a_rename_between_the_looks():
    """A thread renames shared files onto the name that a call is made with."""
    each_race(k_raced, "race-rename", 200)


def test_a_path_that_changes_between_the_looks():
    """A thread changes the memory that holds the path, from a private file's name to that of a shared one."""
    each_race(k_raced, "flip-names", 100)


def test_a_path_that_cannot_be_read_for_a_moment():
    """A thread takes the page away and gives it back: EFAULT for the guard need not be that for the kernel."""
    each_race(k_raced, "flip-protection", 40)


def test_a_break_undoes_no_rename():
    """A file that is renamed onto a name while the shared one there is made private stays there. The supervisor's
    renames are held up (strace), so that others come between them."""
    needs_root()
    harness.require("strace")
    count = 250
    with restrictions.file_system() as where:
        shared = Shared(where, {f"f.{i:04}": "shared\n" for i in range(count)})
        begin = where / "begin"
        script = f"until [ -e {begin} ]; do sleep 0.05; done; exec {shared.program} undo f {count}"
        before = state(shared.p)
        process = start(shared.command(shared.p, ["sh", "-c", script], "on"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        strace = None
        try:
            guard = eventually(lambda: processes(shared.p.root), "the supervisor runs")[0]
            renames = "/^(rename|link)"
            strace = start(["strace", "-f", "-qq", "-o", where / "trace", "-e", f"trace={renames}", "-e",
                            f"inject={renames}:delay_enter=1500:delay_exit=1500", "-p", guard], stderr=subprocess.PIPE)
            eventually(lambda: all("TracerPid:\t0\n" not in status.read_text() for status in
                                   pathlib.Path(f"/proc/{guard}/task").glob("*/status")), "strace is at all threads")
            begin.touch()
            out, err = process.communicate(timeout=100)
            strace.communicate(timeout=20)  # it ends with the supervisor, and has written all then
        finally:
            for one in (process, strace):
                if one and one.poll() is None:
                    one.kill()
                    one.communicate()
        assert (where / "trace").read_text().count("(DELAYED)"), "nothing was held up"
        assert process.returncode == 0 and out == b"0 lost, 0 replaced\n", (process.returncode, out, err)
        assert_whole(before, state(shared.p), out)


def test_a_folders_time_does_not_go_back():
    """What is made in a folder while a file of it becomes private: no folder is older than what is in it."""
    folders, files = 60, 15
    code = f"""
import os, threading, sys
def write(i):
    for k in range({files}):
        os.close(os.open(f"d{{i}}/f{{k}}", os.O_WRONLY | os.O_APPEND))
for i in range({folders}):
    thread = threading.Thread(target=write, args=(i,))
    thread.start()
    for k in range({files}):
        os.close(os.open(f"d{{i}}/n{{k}}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    thread.join()
newer = [f"d{{i}}/n{{k}}" for i in range({folders}) for k in range({files})
         if os.stat(f"d{{i}}/n{{k}}").st_mtime_ns > os.stat(f"d{{i}}").st_mtime_ns]
print(len(newer), "of", {folders * files}, "newer than their folder")
sys.exit(bool(newer))
"""
    with restrictions.file_system() as where:
        shared = Shared(where, {f"d{i}/f{k}": "shared\n" for i in range(folders) for k in range(files)})
        done = shared.expect_whole(["python3", "-S", "-B", "-c", code])
        assert done.code == 0, done


if __name__ == "__main__":
    harness.main()
