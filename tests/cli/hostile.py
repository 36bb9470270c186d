"""A root, its records and its trees may be hostile or damaged: nothing outside is lost, nothing crashes."""

import contextlib
import os
import pathlib
import shutil
import signal

import harness
from harness import as_user, run, start, tree_state
from project import Project, assert_fails, assert_says, every_stat, inode, plain_paths

ATTACKER = 65533  # somebody else than root and than NOBODY
USERS = (None, harness.NOBODY)  # whose root it is: root's, an ordinary user's


def require_users():
    if os.geteuid() != 0:
        harness.skip("only root can be several users")
    as_user(["true"], uid=ATTACKER)


@contextlib.contextmanager
def victim(user):
    """A project of that user in a folder that all may write to, and a folder of its own that nobody is to touch."""
    with harness.temp_dir("victim") as tmp:
        tmp.chmod(0o777)
        precious = tmp / "precious"
        harness.write_files(precious, {"keep": "x", "d/keep": "x"})
        p = Project(tmp / "shared", plain=True)
        if user is not None:
            run(["chown", "-R", f"{user}:{user}", tmp / "shared", precious])
        before = every_stat(precious)
        yield p, precious
        assert every_stat(precious) == before, "what lies elsewhere was touched"


def attacker(script, *args):
    return as_user(["sh", "-ec", script, "sh", *args], uid=ATTACKER)


def inside(root, name):
    return root / ".snapfix" / name


def every_command(p, name, user, but=()):
    """All that act on a snapshot."""
    commands = {"create": (), "verify": (), "finish": ("--keep", "never"), "remove": (), "show": (), "run": ("--", "true")}
    for command, args in commands.items():
        if command not in but:
            yield command, p(command, name, *args, user=user, expect=None)


# ---- what others put into the root ---------------------------------------------------------------


def test_a_root_with_another_users_inner_folder_is_refused():
    require_users()
    for user in USERS:
        with victim(user) as (p, precious):
            p.root.mkdir(mode=0o777)
            p.root.chmod(0o777)
            if user is not None:
                os.chown(p.root, user, user)
            attacker('mkdir "$1/.snapfix"; chmod 777 "$1/.snapfix"; ln -s "$2" "$1/.snapfix/trash"', p.root, precious)
            for command in ("create", "freeze"):
                args = ["t"] if command == "create" else []
                assert_fails(p(command, *args, user=user, expect=None), 1, ".snapfix", f"uid {ATTACKER}", "--root")
            for command, done in every_command(p, "t", user):
                assert done.code == (125 if command == "run" else 1), (command, done)


def test_what_others_put_in_the_place_of_the_ignore_file_is_not_written_to(tmp):
    for kind, put in (("link", os.link), ("symlink", os.symlink), ("fifo", lambda _, at: os.mkfifo(at))):
        p = Project(tmp / kind)
        p.root.mkdir(mode=0o777)
        other = tmp / f"other-{kind}"
        other.touch()
        put(other, p.root / ".gitignore")
        p.create("t")
        assert other.read_text() == "", kind
        assert (p.root / ".gitignore").is_symlink() == (kind == "symlink")
        if kind == "link":
            assert (p.root / ".gitignore").read_text() == "/*\n"


def test_a_link_in_the_place_of_the_inner_folder_is_refused():
    require_users()
    for user in USERS:
        with victim(user) as (p, precious):
            p.create("t", user=user)
            p.root.chmod(0o777)
            attacker('mv "$1/.snapfix" "$1/aside"; ln -s "$2" "$1/.snapfix"', p.root, precious)
            assert_fails(p("create", "u", user=user, expect=None), 1, ".snapfix", "is no folder", "remove it")


def test_an_inner_folder_that_others_may_write_to_is_refused():
    require_users()
    for user in USERS:
        with victim(user) as (p, _):
            p.create("t", user=user)
            for mode in (0o777, 0o770, 0o772):
                inside(p.root, "").chmod(mode)
                assert_fails(p("verify", "t", user=user, expect=None), 1, "other users may write to", "chmod go-w")
            inside(p.root, "").chmod(0o755)  # others may look, as long as they may write nowhere in it
            assert p("verify", "t", user=user).code == 0
            inside(p.root, "trash").chmod(0o775)
            assert_fails(p("verify", "t", user=user, expect=None), 1, "other users may write to", "trash")
            inside(p.root, "").chmod(0o700)
            assert p("verify", "t", user=user).code == 0, "what nobody else can enter may have any mode"


def test_an_inner_folder_may_lie_elsewhere_by_a_link_of_ours_only():
    require_users()
    for user in USERS:
        with victim(user) as (p, precious):
            p.freeze(user=user)
            disk = p.root.parent / "disk"
            shutil.move(inside(p.root, "objects"), disk)
            inside(p.root, "objects").symlink_to(disk)
            os.chown(inside(p.root, "objects"), user or 0, user or 0, follow_symlinks=False)
            p.expect_snapshot(p.create("t", user=user), paths=plain_paths(p.source))
            disk.chmod(0o777)
            assert_fails(p("create", "u", user=user, expect=None), 1, "other users may write to", "objects")
            disk.chmod(0o700)
            inside(p.root, "trash").rmdir()
            inside(p.root, "trash").symlink_to(precious)
            os.chown(inside(p.root, "trash"), ATTACKER, ATTACKER, follow_symlinks=False)
            assert_fails(p("create", "u", user=user, expect=None), 1, "trash", "is no folder")


def test_what_another_user_put_in_the_place_of_a_snapshot_is_not_touched():
    require_users()
    for user in USERS:
        with victim(user) as (p, _):
            p.create("t", user=user)
            p.root.chmod(0o777)
            attacker('mv "$1/t" "$1/aside"; mkdir "$1/t"; echo x >"$1/t/theirs"', p.root)
            before = every_stat(p.root / "t")
            for command, done in every_command(p, "t", user):
                assert done.code == (125 if command == "run" else 1), (command, done)
                assert_says(done, "belongs to another user", f"uid {ATTACKER}", "chmod go-w")
            assert_fails(p("create", "t", "--fresh", user=user, expect=None), 1, "belongs to another user")
            assert p("run", "t", "--fresh", "--", "true", user=user, expect=None).code == 125
            p("prune", "--keep", "0", user=user)
            p("list", user=user)
            assert every_stat(p.root / "t") == before
            if user is None:
                p.root.chmod(0o755)
                p("remove", "t")  # nobody else can have put it there


def test_root_may_give_its_snapshot_away():
    """As a job in a container does, to work as another user: nobody else can have done it."""
    require_users()
    with victim(None) as (p, _):
        for command in ("verify", "finish"):
            p("run", "t", "--fresh", "--", "chown", "-R", f"{ATTACKER}", ".")
            assert os.lstat(p.root / "t").st_uid == ATTACKER
            p(command, "t")
        p("run", "t", "--fresh", "--", "chown", "-R", f"{ATTACKER}", ".")
        made = p.create("t", "--fresh")
        assert {os.lstat(path).st_uid for path in [made, *made.rglob("*")]} == {0}, "pristine again"
        p("run", "t", "--fresh", "--", "chown", f"{ATTACKER}", "dir")
        made = p.create("t", "--fresh")
        assert {os.lstat(path).st_uid for path in [made, *made.rglob("*")]} == {0}, "pristine again"


def test_a_snapshot_that_a_symlink_replaced(tmp):
    p = Project(tmp, {"a": "1", "d/b": "2"})
    p.create("t")
    shutil.move(p.root / "t", tmp / "elsewhere")
    (tmp / "elsewhere/mine").write_text("x")
    before = tree_state(tmp / "elsewhere")
    (p.root / "t").symlink_to(tmp / "elsewhere")
    for command, done in every_command(p, "t", None, but=("remove", "finish")):
        assert done.code == (125 if command == "run" else 1), (command, done)
        assert_says(done, "is no folder any more", "snapfix remove")
    p.expect_snapshot(p.create("t", "--fresh"))
    assert not (p.root / "t").is_symlink()
    shutil.rmtree(p.root / "t")
    (p.root / "t").symlink_to(tmp / "elsewhere")
    p("remove", "t")
    assert not os.path.lexists(p.root / "t")
    assert tree_state(tmp / "elsewhere") == before


# ---- the store -----------------------------------------------------------------------------------


def one_object(root):
    found = [path for path in inside(root, "objects").glob("*/??/*") if path.is_file()]
    assert found
    return found[0]


def test_a_bucket_that_is_a_symlink(tmp):
    p = Project(tmp, {"a": "1"}, git="off")
    t = p.create("t")
    bucket = one_object(p.root).parent
    aside = tmp / "aside"
    shutil.move(bucket, aside)
    bucket.symlink_to(aside)
    before = tree_state(aside)
    assert_fails(p("create", "u", expect=None), 1, "is no folder", "remove it")
    (t / "a").unlink()
    p("verify", "t")
    p("finish", "t", "--keep", "never")
    p.write({"a": "2"})
    p("freeze", expect=1)
    p("prune")
    assert tree_state(aside) == before, "the link was followed"
    bucket.unlink()
    p.expect_snapshot(p.create("u"))


def test_an_object_of_another_owner_or_group_is_made_anew(tmp):
    require_users()
    p = Project(tmp, {"a": "1"})
    p.freeze()
    for owner, group in ((ATTACKER, -1), (-1, ATTACKER)):
        before = one_object(p.root)
        was = inode(before)
        os.chown(before, owner, group)
        made = p.create(f"t{owner}")
        status = os.lstat(made / "a")
        assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid()) and status.st_ino != was
        assert p("verify", f"t{owner}").code == 0


def test_chgrp_through_a_link_is_found(tmp):
    require_users()
    p = Project(tmp, {"a": "1", "b": "2", "c": "3"})
    t, u = p.create("t"), p.create("u")
    os.chown(t / "a", -1, ATTACKER)
    os.chown(t / "b", -1, ATTACKER)
    os.unlink(t / "b")  # its object tells
    report = p("verify", "u", "--json", expect=3).json()
    assert {found["path"]: found["what"] for found in report["findings"]} == {"a": ["group"], "b": ["group"]}, report
    assert set(report["findings"][0]["suspects"]) == {"t", "u"}, report
    for name in ("t", "u"):
        made = p.create(name, "--fresh")
        assert {os.lstat(path).st_gid for path in made.iterdir()} == {os.getegid()}, name
        assert p("verify", name).code == 0


def test_who_has_another_group_today_makes_objects_of_the_stores_group(tmp):
    require_users()
    p = Project(tmp, {"a": "1"})
    p.create("t")
    p.write({"b": "2"})
    p.git("add", "-A")
    helper = harness.snapfix_path()
    run(["setpriv", "--regid", str(ATTACKER), "--keep-groups", helper, "create", "u", "--source", p.source, "--root", p.root])
    for name in ("t", "u"):
        assert p("verify", name).code == 0


# ---- removal -------------------------------------------------------------------------------------


def test_a_symlink_swapped_in_while_a_tree_is_removed(tmp):
    """By a process that stands in the tree, and so reaches it in the trash as well."""
    script = """
import ctypes, os, sys
rename = ctypes.CDLL(None).renameat2
os.chdir(sys.argv[1])
pairs = [(b"d%d" % i, b"l%d" % i) for i in range(40)]
for _, link in pairs:
    os.symlink(sys.argv[2], link)
print("ready", flush=True)
while True:
    for folder, link in pairs:
        rename(-100, folder, -100, link, 2)  # exchanged
"""
    precious = tmp / "precious"
    harness.write_files(precious, {f"sub/f{n}": "x" for n in range(5)})
    before = every_stat(precious)
    p = Project(tmp, {f"d{i}/sub/f{n}": "" for i in range(40) for n in range(5)})
    for _ in range(3):
        t = p.create("t")
        swapper = start(["python3", "-c", script, t, precious], stdout=-1, text=True)
        try:
            assert swapper.stdout.readline() == "ready\n"
            p("remove", "t")
        finally:
            swapper.kill()
            swapper.communicate()
        assert every_stat(precious) == before
    p("prune")
    assert os.listdir(inside(p.root, "trash")) == []


def test_a_mount_in_a_snapshot_is_left_alone(tmp):
    precious = tmp / "precious"
    harness.write_files(precious, {"keep": "x", "d/keep": "x"})
    p = Project(tmp, {"a": "1", "d/b": "2"})
    for command in (["remove", "t"], ["finish", "t", "--keep", "never"], ["prune", "--keep", "0"]):
        t = p.create("t")
        with harness.mounted(precious, t / "d", "--bind"):  # of the same file system
            before = every_stat(precious)
            assert_says(p(*command), "another file system is mounted there", "unmount")
            assert every_stat(precious) == before, command
            assert not t.exists(), "the name is free"
            where = [pathlib.Path(os.fsdecode(m)) for m in harness.mounts_below(os.fsencode(p.root))]
            assert len(where) == 1 and (where[0] / "keep").exists(), where
            run(["umount", where[0]])
        p("prune")
        assert os.listdir(inside(p.root, "trash")) == []


def test_a_mount_in_the_place_of_a_snapshot(tmp):
    precious = tmp / "precious"
    harness.write_files(precious, {"keep": "x"})
    p = Project(tmp)
    t = p.create("t")
    with harness.mounted(precious, t, "--bind"):
        before = every_stat(precious)
        for args in (["remove", "t"], ["finish", "t", "--keep", "never"], ["create", "t", "--fresh"]):
            assert_fails(p(*args, expect=None), 1, "something is mounted there: unmount it")
        assert every_stat(precious) == before
    assert p("verify", "t").code == 0
    p("remove", "t")


def test_a_mount_in_a_snapshot_is_seen_without_openat2(tmp):
    harness.require("strace")
    precious = tmp / "precious"
    harness.write_files(precious, {"keep": "x"})
    p = Project(tmp, {"d/b": "2"})
    t = p.create("t")
    traced = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", "inject=openat2:error=ENOSYS"]
    if run([*traced, "true"], expect=None).code != 0:
        harness.skip("strace cannot inject here")
    with harness.mounted(precious, t / "d", "--bind"):
        before = every_stat(precious)
        done = run([*traced, harness.snapfix_path(), "remove", "t", "--root", p.root])
        assert_says(done, "another file system is mounted there")
        assert every_stat(precious) == before


def test_a_mount_in_a_snapshot_that_is_made_fresh(tmp):
    precious = tmp / "precious"
    harness.write_files(precious, {"keep": "x"})
    p = Project(tmp, {"a": "1", "d/b": "2"})
    t = p.create("t")
    with harness.mounted(precious, t / "d", "--bind"):
        before = every_stat(precious)
        p.expect_snapshot(p.create("t", "--fresh"))
        assert every_stat(precious) == before


# ---- other processes' files ----------------------------------------------------------------------


def test_prune_elsewhere_leaves_what_a_living_process_writes(tmp):
    """Where other numbers are given to processes, another container for instance, ours means nothing."""
    if run(["unshare", "--pid", "--fork", "--mount-proc", "true"], expect=None).code != 0:
        harness.skip("cannot make a pid namespace")
    p = Project(tmp)
    command = [harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, "t", "--", "sh", "-c", "touch here; exec sleep 100"]
    living = start(command)
    try:
        harness.eventually(lambda: (p.root / "t/here").exists(), "the command runs")
        half = [inside(p.root, folder) / f".t.{living.pid}" for folder in ("runs", "snapshots")]
        dead = [inside(p.root, folder) / f".u.{living.pid}" for folder in ("runs", "snapshots", "sources", "frozen", "bases")]
        for path in (*half, *dead):
            path.write_text("{")
        run(["unshare", "--pid", "--fork", "--mount-proc", harness.snapfix_path(), "prune", "--root", p.root])
        assert [path for path in half if not path.exists()] == []
        assert [path for path in dead if path.exists()] == [], "nobody holds the lock"
    finally:
        living.terminate()
        living.wait()
    p("prune")
    assert [path for path in half if path.exists()] == []


def test_prune_elsewhere_leaves_a_tree_that_is_being_removed(tmp):
    if run(["unshare", "--pid", "--fork", "--mount-proc", "true"], expect=None).code != 0:
        harness.skip("cannot make a pid namespace")
    p = Project(tmp, {f"d{i}/f{n}": "" for i in range(60) for n in range(30)})
    trash = inside(p.root, "trash")
    for _ in range(20):
        p.create("t")
        remover = start([harness.snapfix_path(), "remove", "t", "--root", p.root], stderr=-1, text=True)
        try:
            harness.eventually(lambda: os.listdir(trash) or remover.poll() is not None, "it is being removed")
            remover.send_signal(signal.SIGSTOP)
            left = sum(len(files) for _, _, files in os.walk(trash))
            run(["unshare", "--pid", "--fork", "--mount-proc", harness.snapfix_path(), "prune", "--root", p.root])
            if left:
                assert sum(len(files) for _, _, files in os.walk(trash)) == left
        finally:
            remover.send_signal(signal.SIGCONT)
            _, said = remover.communicate(timeout=60)
        assert remover.returncode == 0 and said == "", said
        assert os.listdir(trash) == []
        if left:
            return
    raise AssertionError("the removal was over each time")


# ---- damaged records -----------------------------------------------------------------------------


def assert_sane(done):
    assert done.code in (0, 1, 3, 125), done
    for word in ("exception", "parse error", "type must be", "std::", "boost"):
        assert word not in done.err, done


def test_damaged_records_are_said_or_made_anew(tmp):
    garbage = [b"", b"\0", b"{", b"null", b"[]", b"{}", b'{"ended":1}', b'{"ended":"x"}', b'{"command":{},"guard":[]}',
               b'{"guard":{"private":[1]}}', b'{"machine":1,"pid":"x"}', b'{"status":null,"ended":"now"}', b"\xff" * 200]
    p = Project(tmp, {"a": "1", "d/b": "2"})
    p("freeze", "--ctest")

    def prepare():
        p("run", "t", "--fresh", "--", "true")

    prepare()
    for folder in ("runs", "frozen", "snapshots", "bases", "sources"):
        is_json = folder in ("runs", "frozen")  # the others have a checksum
        for number, text in enumerate(garbage if is_json else garbage[:3]):
            for path in inside(p.root, folder).iterdir():
                path.write_bytes(text)
            commands = (["list"], ["show", "t"], ["verify", "t"], ["run", "t", "--", "true"], ["prune", "--dry-run"])
            assert_sane(p(*commands[number % len(commands)], expect=None))
            assert_sane(p("finish", "t", expect=None))
            p("run", "t", "--fresh", "--", "true")
        p("freeze", "--ctest")
        assert p("verify", "t").code == 0, folder
    p.expect_snapshot(p.create("t", "--fresh"))


def test_a_run_record_without_its_end_is_no_success(tmp):
    p = Project(tmp)
    for text in ('{"ended":"now"}', '{"ended":"now","status":"0"}', '{"ended":{},"status":0}'):
        p("run", "t", "--fresh", "--", "false", expect=1)
        inside(p.root, "runs").joinpath("t").write_text(text)
        assert p("finish", "t", "--json").json()["kept"] is True, text


def test_a_damaged_manifest_is_said_by_all(tmp):
    p = Project(tmp)
    t = p.create("t")
    (t / "mine").write_text("x")
    path = inside(p.root, "snapshots") / "t"
    whole = path.read_bytes()
    for text in (whole[:-1], whole[:-9] + b"x" * 9, whole.replace(b"\1\0\0\0", b"\2\0\0\0", 1), b""):
        path.write_bytes(text)
        for command, done in every_command(p, "t", None, but=("remove", "finish")):
            assert done.code == (125 if command == "run" else 1), (command, done)
            assert_says(done, "the manifest of the snapshot 't' is damaged", "snapfix remove")
        assert (t / "mine").exists()


def test_what_cannot_be_looked_at_is_said_with_its_path(tmp):
    require_users()
    p = Project(tmp, plain=True)
    (tmp / "loop").symlink_to("loop")
    (tmp / "closed/in").mkdir(parents=True)
    (tmp / "closed").chmod(0o700)
    as_nobody = {"user": harness.NOBODY}
    for where in (tmp / "loop", tmp / "loop/x"):
        done = harness.snapfix("create", "t", "--source", p.source, "--root", where, expect=None)
        assert_fails(done, 1, "find the root", str(where), "Too many levels", "--root")
    for args in (["list", "--root", tmp / "closed/in/root"], ["list", "--root", "x" * 300],
                 ["create", "t", "--source", tmp / "closed/in", "--root", "/tmp/none"],
                 ["uv-lint", tmp / "closed/in"], ["doctor", tmp / "closed/in"]):
        done = harness.snapfix(*args, expect=None, **as_nobody)
        assert_fails(done, 1)
        assert_sane(done)
    (tmp / "gone").mkdir()
    done = run(["sh", "-c", 'cd "$1" && rmdir "$1" && exec "$2" list --root x', "sh", tmp / "gone", harness.snapfix_path()], expect=None)
    assert_fails(done, 1, "current folder")
    assert_sane(done)


if __name__ == "__main__":
    harness.main()
