"""Trees that are handed on: whoever gets one must not be able to tell it from a new one.

SNAPFIX_SPARE_STEPS: how many random steps (2,000 show more than a run of the tests waits for); SNAPFIX_FUZZ_FS, the file
system: default, tmpfs, ext4, ext4-128, xfs, btrfs; SNAPFIX_FUZZ_SEED.
"""

import contextlib
import fcntl
import itertools
import os
import pathlib
import random
import shutil
import socket
import stat
import struct
import sys

import harness
import project as project_of_tests
from harness import run
from project import Project, assert_fails, assert_says, inode

k_steps = int(os.environ.get("SNAPFIX_SPARE_STEPS", "150"))
k_seed = int(os.environ.get("SNAPFIX_FUZZ_SEED", "1"))
k_file_system = os.environ.get("SNAPFIX_FUZZ_FS", "default")
k_files = {f"d{n % 3}/e{n % 2}/f{n}": f"{n}\n" for n in range(18)} | {"a": "1", "b": "2", "Case/x": "x", "closed/g": "g", "open/h": "h"}
k_acl = struct.pack("<I" + "HHI" * 5, 2, 1, 7, 2**32 - 1, 2, 4, 65534, 4, 5, 2**32 - 1, 16, 5, 2**32 - 1, 32, 5, 2**32 - 1)


def project(folder):
    p = Project(folder, k_files)
    (p.source / "d0/e0/link").symlink_to("../e0/f0")
    (p.source / "run.sh").write_text("#!/bin/sh\n")
    (p.source / "run.sh").chmod(0o755)
    (p.source / "closed").chmod(0o555)
    (p.source / "open").chmod(0o2775)
    p.git("add", "-A")
    return p


def attributes(path):
    try:
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)}
    except OSError:
        return {}


def flags(folder):
    """What chattr has set, without what tells how the file system keeps the folder (extents, hashed names)."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        answer = bytearray(8)
        fcntl.ioctl(fd, 0x80086601, answer)  # FS_IOC_GETFLAGS
        return int.from_bytes(answer[:4], sys.byteorder) & 0xFF
    except OSError:
        return 0
    finally:
        os.close(fd)


def everything(top):
    """All that may be told of a tree but its folders' inodes, ctimes and numbers of links. Files' inodes stand for contents."""
    out = {}
    for path in [top, *sorted(top.rglob("*"))]:
        status = os.lstat(path)
        is_folder = stat.S_ISDIR(status.st_mode)
        out[str(path.relative_to(top))] = (
            status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, attributes(path),
            os.readlink(path) if stat.S_ISLNK(status.st_mode) else None if is_folder else status.st_ino,
            (sorted(os.listdir(path)), flags(path)) if is_folder else None)
    return out


def difference(expected, found):
    return {path: (expected.get(path), found.get(path)) for path in expected.keys() | found.keys() if expected.get(path) != found.get(path)}


def test_a_tree_is_handed_on(tmp):
    p = project(tmp)
    t = p.create("t")
    expected, folder = everything(t), inode(t)
    (t / "new/deep").mkdir(parents=True)
    (t / "b").unlink()
    assert p("finish", "t", "--keep", "never").code == 0
    assert not t.exists() and len(p.spares()) == 1 and p.names() == []
    listed = p("list", "--json").json()
    assert listed["spares"] == {"trees": 1, "entries": len(expected)}, listed["spares"]
    u = p.create("u")
    assert inode(u) == folder and p.spares() == []
    assert not difference(expected, everything(u)), difference(expected, everything(u))
    p.expect_snapshot(u)
    shown = p("show", "u", "--json").json()
    assert shown["name"] == "u" and shown["ledger"]["entries"] == len(expected)
    assert p("verify", "u").code == 0


def test_what_new_folders_inherit(tmp):
    """ACLs and the group of the folder above: a tree that is handed on has what a new one has."""
    p = project(tmp)
    p.create("first")  # makes the root
    work = p.root / ".snapfix/work"
    if os.geteuid() == 0:
        os.chown(work, -1, 65534)
        work.chmod(0o2700)
        t = p.create("t")
        expected = everything(t)
        os.chown(t / "d0", -1, 0)
        p("finish", "t", "--keep", "never")
        found = everything(p.create("t"))
        assert not difference(expected, found), difference(expected, found)
        p("remove", "t")
    try:
        os.setxattr(work, "system.posix_acl_default", k_acl)
    except OSError as error:
        harness.skip(f"no ACLs here: {error}")
    t = p.create("t")
    expected = everything(t)
    os.setxattr(t / "d0", "system.posix_acl_access", k_acl[:-2] + b"\0\0")
    os.removexattr(t / "d1", "system.posix_acl_default")
    p("finish", "t", "--keep", "never")
    found = everything(p.create("t"))
    assert not difference(expected, found), difference(expected, found)


def test_what_a_folder_or_a_symlink_was_given(tmp):
    """By chattr, or by root; with the mtime of each as it was."""
    p = project(tmp)
    run(["sleep", "2.1"])  # so that ctimes are settled
    expected = everything(p.create("t"))
    p("finish", "t", "--keep", "never")  # from here on folders are known
    acts = {"flags": lambda t: run(["chattr", "+A", t / "d1/e1"], expect=None),
            "symlink": lambda t: os.geteuid() or os.setxattr(t / "d0/e0/link", "trusted.job", b"1", follow_symlinks=False),
            "symlink in a changed folder": lambda t: (acts["symlink"](t), (t / "d0/e0/f0").unlink())}
    for name, act in acts.items():
        act(p.create("t"))
        p("finish", "t", "--keep", "never")
        found = everything(p.create("t"))
        assert not difference(expected, found), (name, difference(expected, found))
        p("finish", "t", "--keep", "never")


def test_one_of_another_state_is_brought_up_to_date(tmp):
    p = project(tmp)
    t = p.create("t")
    folder = inode(t / "d0/e0")
    p("finish", "t", "--keep", "never")
    p.write({"d0/e0/f0": "edited", "d1/e1/more": "new"})
    (p.source / "d2/e0/f2").unlink()
    p.git("add", "-A")
    u = p.create("u")
    assert inode(u / "d0/e0") == folder and p.spares() == []
    p.expect_snapshot(u)
    assert p("verify", "u", "--content").code == 0


def test_one_made_in_another_way_is_not_taken(tmp):
    p = project(tmp)
    for first, then in itertools.permutations(([], ["--exclude", "d0/"], ["--link-mode", "copy"], ["--copy", "a"]), 2):
        p.create("t", *first)
        p("finish", "t", "--keep", "never")
        u = p.create("u", *then)
        assert len(p.spares()) == 1, (first, then)
        p("remove", "u")
        assert not u.exists()
        harness.remove_tree(p.spares()[0])


def test_as_many_as_are_wanted(tmp):
    p = project(tmp)
    for name in "abcd":
        p.create(name)
    for name, most, expected in (("a", 0, 0), ("b", 1, 1), ("c", 1, 1), ("d", 2, 2)):
        p("finish", name, "--keep", "never", "--spares", most)
        assert len(p.spares()) == expected, (name, p.spares())
    assert p.names() == []
    assert_fails(p("finish", "a", "--spares", "-1", expect=None), 2, "--spares")


def test_one_of_another_base_makes_room(tmp):
    p = project(tmp)
    p.create("old")
    p("finish", "old", "--keep", "never", "--spares", 1)
    old = inode(p.spares()[0])
    p.create("u")  # takes it
    p.create("v")
    p("finish", "u", "--keep", "never", "--spares", 1)
    p.write({"a": "edited"})
    w = p.create("w", "--copy", "b")  # not of the spare's kind
    p("finish", "w", "--keep", "never", "--spares", 1)
    assert len(p.spares()) == 1 and inode(p.spares()[0]) not in (old, inode(p.root / "v")) and not w.exists()


def test_prune_removes_those_of_former_states(tmp):
    p = project(tmp)
    p.create("t")
    p("finish", "t", "--keep", "never")
    p("prune")
    assert len(p.spares()) == 1, "of the newest state"
    p.write({"a": "edited"})
    p.freeze()
    foretold = p("prune", "--dry-run", "--json").json()
    assert len(p.spares()) == 1
    pruned = p("prune", "--json").json()
    assert {**foretold, "dry_run": False} == pruned and pruned["bases"] == 1, (foretold, pruned)
    assert p.spares() == [] and not list((p.root / ".snapfix/snapshots").iterdir()) and not list((p.root / ".snapfix/trash").iterdir())


def test_prune_leaves_as_many_as_are_wanted(tmp):
    p = project(tmp)
    for name in ("a", "b", "c"):
        p.create(name)
    for name in ("a", "b", "c"):
        p("finish", name, "--keep", "never", "--spares", 3)
    for most, expected in ((3, 3), (1, 1), (0, 0)):
        p("prune", "--spares", most)
        assert len(p.spares()) == expected
    assert not [name for name in os.listdir(p.root / ".snapfix/locks") if "spare" in name]


def test_objects_that_were_healed_meanwhile(tmp):
    """A spare holds the damaged object: whoever takes it gets the sound one."""
    p = project(tmp)
    p.create("t")
    victim = p.create("victim")
    p("finish", "t", "--keep", "never")
    with open(victim / "a", "a", encoding="utf-8") as out:
        out.write("damage")
    assert p("verify", "victim", expect=None).code == 3
    u = p.create("u")
    assert p.spares() == []
    p.expect_snapshot(u)
    assert (u / "a").read_text() == "1"


@contextlib.contextmanager
def at_work(command, **options):
    process = harness.start(command, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_not_while_somebody_is_at_work_in_it(tmp):
    p = project(tmp)
    outside = tmp / "outside"
    outside.mkdir()

    for name, script in (("folder", "cd d0; exec sleep 60"), ("descriptor", "exec 3<a; cd /; exec sleep 60")):
        t = p.create(name)
        with at_work(["sh", "-c", script], cwd=t) as process:
            harness.eventually(lambda: harness.run(["cat", f"/proc/{process.pid}/comm"]).out == "sleep\n", "it sleeps")  # noqa: B023
            done = p("finish", name, "--keep", "never")
            assert_says(done, "not handed on", f"sleep (pid {process.pid})")
        assert p.spares() == [] and not t.exists()
    t = p.create("daemon")
    done = p("run", "daemon", "--", "sh", "-c", f"setsid sh -c 'echo $$ >{outside}/pid; exec sleep 30' >/dev/null 2>&1 & while [ ! -s {outside}/pid ]; do sleep 0.05; done")
    pid = int((outside / "pid").read_text())
    try:
        assert_says(p("finish", "daemon", "--keep", "never"), "not handed on", "may live")
        assert p.spares() == [] and not t.exists()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


def test_not_with_a_mount_in_it(tmp):
    p = project(tmp)
    t = p.create("t")
    with harness.mounted(t / "d0", t / "d0", "--bind"):
        done = p("finish", "t", "--keep", "never", expect=None)
        assert_says(done, "not handed on", "mounted")
    assert p.spares() == []
    p("prune", expect=None)


def test_not_with_a_finding(tmp):
    p = project(tmp)
    t = p.create("t")
    with open(t / "a", "a", encoding="utf-8") as out:
        out.write("through the link")
    assert p("finish", "t", "--keep", "never", expect=None).code == 3
    assert p.spares() == [] and not t.exists()


def test_an_unchanged_tree_is_only_looked_at(tmp):
    """One look at each file and three calls a folder; nothing is read, listed or made."""
    harness.require("strace")
    p = project(tmp)
    for n in range(40):
        p.write({f"many/d{n}/f{k}": "x" for k in range(10)})
    p.git("add", "-A")
    p.create("t")
    p("finish", "t", "--keep", "never")
    for _ in range(2):  # the second time it knows them
        p.create("t")
        run(["sleep", "0.1"])
        trace = tmp / "trace"
        run(["strace", "-f", "-y", "-qq", "-o", trace, harness.snapfix_path(), "finish", "t", "--root", p.root, "--keep", "never"])
    calls = [line.split(None, 1)[1] for line in trace.read_text().splitlines()]
    in_tree = [call for call in calls if (f"{p.root}/t/" in call or f"{p.root}/.snapfix/work/t/" in call) and not call.startswith("<...")]
    others = [call for call in in_tree if not call.startswith(("statx(", "openat", "close("))]
    looks = sum(call.startswith("statx(") for call in in_tree)
    assert not others, others
    assert len(p.spares()) == 1
    entries = p("list", "--json").json()["spares"]["entries"]
    assert looks < 1.4 * entries + 100, (looks, entries)


# ---- random steps --------------------------------------------------------------------------------


def steps(t, chosen):
    """What a job may do to a tree without writing to a shared file: each is (name, what)."""
    anything = list(t.rglob("*"))
    # Not by their stat: an ordinary user gets none in a folder that a step has closed.
    kinds = {pathlib.Path(top) / entry.name: entry for top, _, _ in os.walk(t) for entry in os.scandir(top)}
    folders = [t, *(path for path, entry in kinds.items() if entry.is_dir(follow_symlinks=False))]
    files = [path for path, entry in kinds.items() if entry.is_file(follow_symlinks=False)]
    folder, other, file = chosen.choice(folders), chosen.choice(folders), chosen.choice(files)
    any_path = chosen.choice(anything)
    fresh = folder / f"new{chosen.randrange(10**6)}"

    def times_put_back(path, act):
        status = os.lstat(path)
        act()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def replace(path, content=b"private"):
        path.with_name(path.name + "~").write_bytes(content)
        os.replace(path.with_name(path.name + "~"), path)

    def folder_of_the_same_name():
        if folder == t:
            return
        twin = folder.with_name(folder.name + "~")
        shutil.copytree(folder, twin, symlinks=True)
        shutil.rmtree(folder)
        twin.rename(folder)

    def same_names_again():
        status = os.lstat(folder)
        names = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
        for path in names[:2]:
            replace(path, path.read_bytes())
        os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))

    def swap():
        if len(files) > 1:
            one, two = chosen.sample(files, 2)
            one.rename(one.with_name("swap~"))
            two.rename(one)
            one.with_name("swap~").rename(two)

    def sparse():
        with open(fresh, "wb") as out:
            out.truncate(1 << 20)

    def immutable():
        fresh.write_text("x")
        if os.geteuid() == 0:
            run(["chattr", "+i", fresh], expect=None)

    def unix_socket():
        with socket.socket(socket.AF_UNIX) as server:
            folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            server.bind(f"/proc/self/fd/{folder_fd}/sock{chosen.randrange(10**6)}")
            os.close(folder_fd)

    def own(path, *ids):
        if os.geteuid() == 0:
            os.chown(path, *ids, follow_symlinks=False)

    def attribute(path, name, value):
        with contextlib.suppress(OSError):
            os.setxattr(path, name, value, follow_symlinks=False)

    def private_attribute():
        replace(file)
        attribute(file, "user.job", b"1")
        attribute(file, "system.posix_acl_access", k_acl)

    def case_only():
        if folder != t:
            folder.rename(folder.with_name(folder.name.swapcase()))

    def move_folder():
        if folder != t and other != folder and folder not in other.parents:
            with contextlib.suppress(OSError):
                folder.rename(other / ("moved-" + folder.name))

    return [
        ("mode", lambda: folder.chmod(chosen.choice([0o700, 0o755, 0o775, 0o1777, 0o2755, 0o500, 0o444, 0o000]) if os.geteuid() == 0 or folder != t else 0o700)),
        ("mode and back", lambda: times_put_back(folder, lambda: (folder.chmod(0o711), folder.chmod(0o755)))),
        ("acl", lambda: attribute(folder, "system.posix_acl_access", k_acl)),
        ("default acl", lambda: attribute(folder, "system.posix_acl_default", k_acl)),
        ("xattr", lambda: attribute(folder, "user.job", b"1" * chosen.randrange(1, 200))),
        ("flags", lambda: run(["chattr", chosen.choice(["+A", "+S", "+d"]), folder], expect=None)),
        ("owner", lambda: own(folder, 65534, -1)),
        ("group", lambda: own(folder, -1, 65534)),
        ("times", lambda: os.utime(any_path, ns=(1, 1), follow_symlinks=False) if any_path.is_dir() or any_path.is_symlink() else None),
        ("new file, times put back", lambda: times_put_back(folder, lambda: fresh.write_text("x"))),
        ("replaced, times put back", lambda: times_put_back(file.parent, lambda: replace(file))),
        ("the same again", same_names_again),
        ("folder of the same name", folder_of_the_same_name),
        ("rename", lambda: os.replace(file, other / file.name)),
        ("swap", swap),
        ("case", case_only),
        ("move a folder", move_folder),
        ("hard link within", lambda: os.link(file, fresh)),
        ("hard link outside", lambda: os.link(file, t.parent.parent / f"outside{chosen.randrange(10**9)}")),
        ("sparse", sparse),
        ("fifo", lambda: os.mkfifo(fresh)),
        ("socket", unix_socket),
        ("immutable", immutable),
        ("symlink", lambda: fresh.symlink_to(chosen.choice(["a", "/", "nowhere"]))),
        ("symlink replaced", lambda: [(link.unlink(), link.symlink_to(os.curdir)) for link in [t / "d0/e0/link"] if link.is_symlink()]),
        ("symlink given away", lambda: [own(link, 65534, -1) for link in [t / "d0/e0/link"] if link.is_symlink()]),
        ("symlink's attribute", lambda: attribute(t / "d0/e0/link", "trusted.job", b"1")),
        ("private attributes", private_attribute),
        ("removed", file.unlink),
        ("folder removed", lambda: shutil.rmtree(folder) if folder != t else None),
        ("deep", lambda: (fresh / "x/y/z").mkdir(parents=True)),
        ("file for folder", lambda: (shutil.rmtree(folder), folder.write_text("x")) if folder != t else None),
        ("nothing", lambda: None),
    ]


def unlock(folder):
    for path in folder.rglob("*"):
        if path.name.startswith("new") and path.is_file():
            run(["chattr", "-i", path], expect=None)


def test_random_steps():
    chosen = random.Random(k_seed)
    with harness.file_system(k_file_system) as where:
        p = project(where)
        run(["sleep", "2.1"])  # so that ctimes are settled
        expected = everything(p.create("reference"))
        handed_on = 0
        did = []
        for step in range(k_steps):
            t = p.create("t")
            found = everything(t)
            assert not difference(expected, found), (step, did, difference(expected, found))
            did = []
            for _ in range(chosen.choice([0, 1, 1, 1, 2, 5])):
                name, act = chosen.choice(steps(t, chosen))
                did.append(name)
                with contextlib.suppress(FileNotFoundError, FileExistsError, NotADirectoryError, PermissionError, IsADirectoryError, shutil.Error):
                    act()
                if not any(files for _, _, files in os.walk(t)):
                    break
            p("finish", "t", "--keep", "never", expect=None)
            if p.spares():
                handed_on += 1
            if "immutable" in did:
                unlock(p.root)
                p("prune")
        for path in where.glob("outside*"):
            path.unlink()
        print(f"{handed_on} of {k_steps} were handed on")
        assert handed_on > 0.7 * k_steps, handed_on
        assert p("verify", "reference", "--content").code == 0


def test_random_steps_of_an_ordinary_user(tmp):
    if os.geteuid() != 0:
        harness.skip("an ordinary user runs all of this")
    for part in (__file__, harness.__file__, project_of_tests.__file__):
        shutil.copy(part, tmp)
    tmp.chmod(0o777)
    done = harness.as_user(
        ["/usr/bin/python3", "-B", tmp / "spares.py", "test_random_steps"], timeout=60 + k_steps,
        env={"SNAPFIX": harness.public_snapfix(), "TMPDIR": tmp, "HOME": tmp, "PYTHONPATH": tmp,
             "SNAPFIX_SPARE_STEPS": k_steps // 3, "SNAPFIX_FUZZ_SEED": k_seed, "SNAPFIX_REQUIRE_ALL": ""})
    print(done.out, end="")


if __name__ == "__main__":
    harness.main()
