"""Making snapshots, and bringing them back to the pristine state."""

import json
import os
import re
import shutil
import struct
import uuid

import harness
from harness import snapfix, tree_state
from project import Project, assert_fails, assert_says, inode, sleep_past_racy

k_namespace = uuid.UUID("7d3c5f0e-2b1a-5c8e-9f64-3a1b0c9d8e7f")


def folder_of(name):
    """The rule of names, written a second time."""
    raw = os.fsencode(name)
    if re.fullmatch(rb"[A-Za-z0-9_][A-Za-z0-9._+=@-]{0,99}", raw):
        return name
    short = re.sub(rb"[^A-Za-z0-9._+=@-]", b"_", raw[:60])
    short = re.sub(rb"^[.-]", b"_", short)
    hashed = uuid.UUID(bytes=__import__("hashlib").sha1(k_namespace.bytes + raw).digest()[:16], version=5)
    return f"{short.decode()}~{hashed.hex[:16]}"


def test_prints_the_path_and_nothing_else(tmp):
    p = Project(tmp)
    done = p("create", "t")
    assert done.out == f"{p.root}/t\n" and done.err == "", done
    assert p.names() == ["t"]
    assert (p.root / ".gitignore").read_text() == "/*\n"


def test_the_same_state_again_touches_nothing(tmp):
    p = Project(tmp)
    snapshot = p.create("t")
    (snapshot / "logs").mkdir()
    (snapshot / "logs/job.log").write_text("written by a job\n")
    (snapshot / "a.txt").unlink()
    before = tree_state(snapshot)
    again = p.create_json("t")
    assert again["made"] is False and again["refreshed"] is False, again
    assert tree_state(snapshot) == before


def test_another_state_is_an_error_with_both_and_the_remedies(tmp):
    p = Project(tmp)
    first = p("freeze").out.strip()
    snapshot = p.create("t")
    p.write({"a.txt": "new\n"})
    second = p.freeze()["base"]
    before = tree_state(snapshot)
    done = p("create", "t", expect=None)
    assert_fails(done, 1, first[:12], second[:12], "--fresh", "hint: ")
    assert tree_state(snapshot) == before


def test_other_options_are_another_state(tmp):
    p = Project(tmp)
    p.create("t")
    assert_fails(p("create", "t", "--exclude", "a.txt", expect=None), 1, "--fresh")
    assert_fails(p("create", "t", "--copy", "a.txt", expect=None), 1, "--fresh")


def test_fresh_restores_whatever_was_done(tmp):
    files = {f"d{n % 3}/e/f{n}": f"{n}\n" for n in range(12)} | {"a": "1"}
    p = Project(tmp, files)
    (p.source / "link").symlink_to("a")
    (p.source / "link2").symlink_to("a")
    p.git("add", "-A")
    t = p.create("t")
    kept = inode(t / "d1/e/f1")
    folder = inode(t / "d1/e")
    # whatever replaces or adds, never writes through a link
    (t / "a").unlink()
    (t / "a").mkdir()
    (t / "a/below").write_text("x")
    (t / "d0/e/f0").unlink()
    shutil.rmtree(t / "d2")
    (t / "d2").write_text("a file now")
    (t / "new").write_text("new")
    (t / "newdir/deep").mkdir(parents=True)
    (t / "newdir/deep/x").write_text("x")
    (t / "link").unlink()
    (t / "link").symlink_to("elsewhere")
    (t / "link2").unlink()
    os.mkfifo(t / "link2")
    (t / "d1").chmod(0o700)
    os.utime(t / "d1/e", (1, 1))
    os.unlink(t / "d1/e/f4")
    (t / "d1/e/f4").write_text("4\n")  # equal content, but private
    (t / "locked").mkdir()
    (t / "locked/x").write_text("x")
    (t / "locked").chmod(0o000)
    made = p.create_json("t", "--fresh")
    assert made["refreshed"] is True, made
    p.expect_snapshot(t)
    assert inode(t / "d1/e/f1") == kept and inode(t / "d1/e") == folder, "what did not differ stays"
    assert os.lstat(t / "d1/e/f4").st_nlink > 1
    assert p("verify", "t").code == 0


def attributes(path):
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)}


def test_fresh_takes_back_what_a_job_gave_folders(tmp):
    """ACLs, extended attributes, the group; those that a folder gets from the one above it stay."""
    p = Project(tmp, {f"d{n}/e/f": "1" for n in range(3)} | {"a": "1"})
    (p.source / "link").symlink_to("a")
    p.git("add", "-A")
    acl = struct.pack("<I" + "HHI" * 5, 2, 1, 7, 2**32 - 1, 2, 4, 65534, 4, 5, 2**32 - 1, 16, 5, 2**32 - 1, 32, 5, 2**32 - 1)
    for inherits in (False, True):
        p.create("first")  # makes the root
        if inherits:
            try:
                os.setxattr(p.root / ".snapfix/work", "system.posix_acl_default", acl)
            except OSError as error:
                harness.skip(f"no ACLs here: {error}")
        t = p.create("t", "--fresh")
        as_made = {path: (attributes(path), os.lstat(path).st_gid, os.lstat(path).st_uid) for path in [t, *t.rglob("*")]}
        kept = inode(t / "d1/e")
        try:
            os.setxattr(t / "d1", "system.posix_acl_access", acl[:-2] + b"\0\0")
            os.setxattr(t / "d1/e", "system.posix_acl_default", acl[:-2] + b"\0\0")
        except OSError as error:
            harness.skip(f"no ACLs here: {error}")
        for n, folder in enumerate((t, t / "d0", t / "d1/e")):
            for k in range(n * 15 + 1):
                os.setxattr(folder, f"user.{'x' * 30}{k}", b"1")
        if os.geteuid() == 0:
            os.chown(t / "d2", -1, 65534)
            os.chown(t / "link", -1, 65534, follow_symlinks=False)
        p.create("t", "--fresh")
        p.expect_snapshot(t)
        now = {path: (attributes(path), os.lstat(path).st_gid, os.lstat(path).st_uid) for path in [t, *t.rglob("*")]}
        assert now == as_made, {str(path): (as_made.get(path), state) for path, state in now.items() if as_made.get(path) != state}
        assert inherits or inode(t / "d1/e") == kept, "what can be set right is not made anew"
        p("remove", "t")


def test_fresh_follows_the_source(tmp):
    p = Project(tmp, {"a": "1", "b": "2", "d/c": "3"})
    t = p.create("t")
    kept = inode(t / "b")
    p.write({"a": "new", "e/f": "4"})
    (p.source / "d/c").unlink()
    p.git("add", "-A")
    (p.source / "b").touch()
    os.utime(p.source / "b", ns=(0, os.lstat(t / "b").st_mtime_ns))
    p.create("t", "--fresh")
    p.expect_snapshot(t)
    assert not (t / "d").exists()
    assert inode(t / "b") == kept


def test_fresh_does_not_follow_symlinks_out(tmp):
    p = Project(tmp, {"d/a": "1"})
    t = p.create("t")
    (tmp / "outside").mkdir()
    (tmp / "outside/precious").write_text("x")
    shutil.rmtree(t / "d")
    (t / "d").symlink_to(tmp / "outside")
    (t / "extra").symlink_to(tmp / "outside")
    p.create("t", "--fresh")
    assert os.listdir(tmp / "outside") == ["precious"]
    p.expect_snapshot(t)


def test_editing_the_source_reaches_no_snapshot(tmp):
    p = Project(tmp)
    t = p.create("t")
    before = tree_state(t)
    with open(p.source / "a.txt", "a", encoding="ascii") as a:
        a.write("in place\n")
    (p.source / "dir/b.py").chmod(0o600)
    os.utime(p.source / "dir/b.py", (1, 1))
    assert tree_state(t) == before


def test_writing_in_a_snapshot_reaches_no_source(tmp):
    p = Project(tmp)
    before = tree_state(p.source, [".git"])
    with open(p.create("t") / "a.txt", "a", encoding="ascii") as a:
        a.write("in place\n")
    assert tree_state(p.source, [".git"]) == before


def test_ledger(tmp):
    p = Project(tmp, {"a": "12345", "b": "12", "d/e/c": "1234567", "d/x": ""}, git="off")
    (p.source / "link").symlink_to("a")
    p.git("add", "-A")
    made = p.create_json("t", "--copy", "b")
    ledger = made["ledger"]
    assert made["name"] == "t" and made["path"] == f"{p.root}/t" and made["made"] is True, made
    expected = {"linked": 3, "reflinked": 0, "copied": 1, "copied_by_reason": {"requested": 1}, "symlinks": 1,
                "folders": 3, "entries": 8, "bytes_shared": 12, "bytes_copied": 2}
    assert {key: ledger[key] for key in expected} == expected, ledger
    assert ledger["seconds"] >= 0
    shown = p("show", "t", "--json").json()
    listed = p("list", "--json").json()["snapshots"][0]
    assert shown["ledger"] == listed["ledger"] == ledger
    out = p("create", "t", "--fresh", "--ctest", "--copy", "b").out
    for name, value in {"linked": 3, "reflinked": 0, "copied": 1, "bytes_shared": 12, "bytes_copied": 2, "entries": 8}.items():
        assert f'<CTestMeasurement type="numeric/double" name="snapshot.{name}">{value}</CTestMeasurement>' in out, out
    assert "snapshot.seconds" in out and f"{p.root}/t\n" not in out.splitlines(), out


def test_link_mode_copy(tmp):
    p = Project(tmp, git="off")
    made = p.create_json("t", "--link-mode", "copy")
    assert made["ledger"]["copied_by_reason"] == {"link-mode": 2} and made["ledger"]["linked"] == 0, made
    p.expect_snapshot(made["path"])
    assert os.lstat(p.root / "t/a.txt").st_nlink == 1


def test_link_mode_reflink_falls_back_or_not(tmp):
    p = Project(tmp, git="off")
    done = p("create", "t", "--link-mode", "reflink", "--json", "--strict", expect=(0, 1))
    if done.code == 1:
        assert_says(done, "reflink")
        assert p.names() == []
        made = p.create_json("t", "--link-mode", "reflink")
        assert made["ledger"]["copied_by_reason"] == {"EOPNOTSUPP": 2}, made
    p.expect_snapshot(p.root / "t")


def test_link_from_source(tmp):
    p = Project(tmp, {"a": "1", "d/b": "2"}, git="off")
    done = p("create", "t", "--link-from", "source", "--json")
    assert_says(done, "snapfix: ", "source")
    assert inode(p.root / "t/a") == inode(p.source / "a")
    assert done.json()["ledger"]["linked"] == 2, done
    p.expect_snapshot(p.root / "t")
    objects = p.root / ".snapfix/objects"
    assert not objects.exists() or not [f for _, _, files in os.walk(objects) for f in files], "not even one copy"
    p("remove", "t")
    assert (p.source / "a").read_text() == "1"


def test_names_map_to_folders_by_one_rule(tmp):
    p = Project(tmp)
    names = ["t", "a.b+c=d@e-f", "_x", "9", "a" * 100, "a" * 101, "a b", "a/b", "../../etc/passwd", "..", ".", ".hidden", "x::y",
             "(brackets) [too]", "semi;colon", "quote\"'", "dollar$HOME", "back\\slash", "ümlaut", "日本語", "~", "t~0123",
             "-dash".replace("-", "."), " lead", "trail ", "a" * 300, "ü" * 60, "a\tb", ".snapfix", ".gitignore", "CON", "#1", "x@Debug"]
    for name in names:
        path = p.create(f"--name={name}")
        assert path == p.root / folder_of(name), (name, path, folder_of(name))
        assert path.parent == p.root and path.is_dir()
    assert sorted(folder_of(n) for n in names) == p.names()
    assert {s["name"] for s in p("list", "--json").json()["snapshots"]} == set(names)
    for name in names:
        assert p("show", "--json", name).json()["name"] == name
        p("remove", name)
    assert p.names() == []


def test_name_that_is_no_utf8(tmp):
    p = Project(tmp)
    name = b"odd\xff"
    path = os.fsencode(str(p.create(name)))
    assert path == os.fsencode(p.root) + b"/" + os.fsencode(folder_of(os.fsdecode(name))), path
    json.loads(p("list", "--json").out.encode("utf-8", "strict"))
    p("remove", name)
    assert p.names() == []


def test_name_that_begins_with_a_dash(tmp):
    p = Project(tmp)
    assert p("create", "-x", expect=None).code == 2
    assert p("create", "--", "-x").out == f"{p.root}/{folder_of('-x')}\n"


def test_empty_name_is_wrong_usage(tmp):
    done = Project(tmp)("create", "", expect=None)
    assert done.code == 2, done


def test_a_folder_that_is_no_snapshot_is_not_taken(tmp):
    p = Project(tmp)
    p.create("other")
    (p.root / "t").mkdir()
    (p.root / "t/mine").write_text("mine")
    for extra in ([], ["--fresh"]):
        assert_fails(p("create", "t", *extra, expect=None), 1, "t")
    assert (p.root / "t/mine").read_text() == "mine"
    p("remove", "t", expect=None)
    assert (p.root / "t/mine").read_text() == "mine", "remove removes only what the records name"


def test_a_damaged_manifest_is_said_and_made_anew_or_removed(tmp):
    """As a power cut may leave it: the snapshot is still ours."""
    p = Project(tmp, {"a": "1"})
    for name in ("t", "u"):
        p.create(name)
        (p.root / ".snapfix/snapshots" / name).write_bytes(b"")
    for args in (["create", "t"], ["show", "t"]):
        assert_fails(p(*args, expect=None), 1, "damaged", "snapfix remove")
    p.expect_snapshot(p.create("t", "--fresh"))
    p("remove", "u")
    assert not (p.root / "u").exists()


def test_a_fresh_that_fails_leaves_no_snapshot_and_says_so(tmp):
    p = Project(tmp, {f"f{n}": "x" * 100_000 for n in range(20)})
    with harness.tmpfs(8, tmp / "small"):
        p.root = tmp / "small/root"
        p.create("t", "--copy", "f1")
        for n in range(20):
            (p.root / "t" / f"f{n}").unlink()
        (tmp / "small/ballast").write_bytes(b"x" * 4_500_000)
        assert_fails(p("create", "t", "--fresh", "--link-mode", "copy", expect=None), 1, "No space", "is gone")
        assert p.names() == [] and not (p.root / "t").exists()
        (tmp / "small/ballast").unlink()
        p.expect_snapshot(p.create("t", "--fresh", "--link-mode", "copy"))


def test_a_folder_that_went_is_made_again(tmp):
    p = Project(tmp)
    shutil.rmtree(p.create("t"))
    p.expect_snapshot(p.create("t"))


def test_a_symlink_in_the_place_of_a_snapshot(tmp):
    p = Project(tmp)
    shutil.rmtree(p.create("t"))
    (tmp / "elsewhere").mkdir()
    (tmp / "elsewhere/x").write_text("x")
    (p.root / "t").symlink_to(tmp / "elsewhere")
    p("create", "t", "--fresh", expect=None)
    p("remove", "t", expect=None)
    assert (tmp / "elsewhere/x").read_text() == "x"


def test_root_from_the_environment(tmp):
    p = Project(tmp)
    source = ["--source", p.source]
    assert snapfix("create", *source, "t", env={"SNAPFIX_ROOT": tmp / "r1"}).out == f"{tmp}/r1/t\n"
    assert snapfix("create", *source, "t", env={"CODE_SNAPSHOT_DIRNAME": "snaps"}).out == f"{p.source}/snaps/t\n"
    assert snapfix("create", *source, "t", "--root", tmp / "r2", env={"SNAPFIX_ROOT": tmp / "r1"}).out == f"{tmp}/r2/t\n"
    assert snapfix("create", *source, "t").out == f"{p.source}/.snapshots/t\n"


def test_as_with_the_script_that_it_replaces(tmp):
    p = Project(tmp)
    done = harness.run(["sh", "-ec", 'cd "$("$0" create my_experiment)"; pwd; ls', harness.snapfix_path()], cwd=p.source)
    assert done.out == f"{p.source}/.snapshots/my_experiment\na.txt\ndir\n", done


def test_top_is_that_of_the_work_tree(tmp):
    """As the script found it: from the place where it lies."""
    p = Project(tmp, {"a": "1", "tools/launch": "2"})
    tools = p.source / "tools"
    assert snapfix("create", "t", "--source", tools, "--top").out == f"{p.source}/.snapshots/t\n"
    assert snapfix("create", "t", "--top", cwd=tools).out == f"{p.source}/.snapshots/t\n"
    p.expect_snapshot(p.source / ".snapshots/t")
    assert [s["name"] for s in snapfix("list", "--top", "--json", cwd=tools).json()["snapshots"]] == ["t"]
    ran = snapfix("run", "t", "--source", tools, "--top", "--map-source", "--", "echo", f"{p.source}/a", f"{tools}/launch")
    assert ran.out == f"{p.source}/.snapshots/t/a {p.source}/.snapshots/t/tools/launch\n", ran
    assert snapfix("create", "t", "--source", tools).out == f"{tools}/.snapshots/t\n"
    assert_fails(snapfix("create", "t", "--source", tmp, "--top", "--root", tmp / "root", expect=None), 1, "no git work tree")
    assert not (tmp / "root").exists()


def test_source_is_the_root_or_below_it(tmp):
    p = Project(tmp)
    for root in (p.source, tmp):
        done = snapfix("create", "--source", p.source, "--root", root, "t", expect=None)
        assert done.code in (1, 2) and "snapfix: error: " in done.err, done
    p.git("status")
    assert not (p.source / ".snapfix").exists() and not (tmp / ".snapfix").exists()


def test_the_top_of_the_file_system_is_no_root(tmp):
    p = Project(tmp)
    for root in ("/", "//"):
        assert_fails(snapfix("create", "t", "--source", p.source, "--root", root, cwd=tmp, expect=None), 1, "holds it")
    assert not os.path.exists("/.snapfix") and not os.path.exists("/t")


def test_while_a_job_still_writes(tmp):
    """The state is the same: the path is printed and the job's tree is left alone."""
    p = Project(tmp)
    t = p.create("t")
    job = harness.start(["sh", "-c", "while :; do date >>log; done"], cwd=t)
    try:
        harness.eventually(lambda: (t / "log").exists(), "the job writes")
        assert p.create("t") == t and (t / "log").exists()
    finally:
        job.kill()
        job.wait()


def test_fresh_while_a_stray_process_writes(tmp):
    """Something runs in it that holds no lock: a new tree in its place, and the old one does not get into it."""
    p = Project(tmp, {f"d{n}/f": "x" for n in range(30)})
    t = p.create("t")
    job = harness.start(["sh", "-c", "while :; do for d in d*; do echo x >$d/log; done 2>/dev/null; done"], cwd=t)
    try:
        harness.eventually(lambda: (t / "d9/log").exists(), "the job writes")
        p.create("t", "--fresh")
        p.expect_snapshot(t)
        harness.run(["sleep", "0.3"])
        p.expect_snapshot(t)
    finally:
        job.kill()
        job.wait()
    p("prune")


def test_second_snapshot_reads_nothing(tmp):
    p = Project(tmp, {f"f{n}": "x" * n for n in range(20)})
    sleep_past_racy()
    p.create("one")
    made = p.create_json("two")
    assert made["freeze"]["files_read"] == 0 and made["ledger"]["copied"] == 0, made


def test_a_failure_leaves_nothing(tmp):
    p = Project(tmp)
    if harness.snapfix("create", "--source", p.source, "--root", "/dev/null/x", "t", expect=None).code != 1:
        raise AssertionError("a root that cannot be made is an error")
    (tmp / "file").write_text("")
    assert_fails(snapfix("create", "--source", p.source, "--root", tmp / "file", "t", expect=None), 1, "file")


def test_a_failure_leaves_no_root(tmp):
    p = Project(tmp)
    empty, made = tmp / "empty", tmp / "made"
    empty.mkdir()
    no_base = ["--source", p.source, "--base", "0" * 32]
    for command in (["create", "t", *no_base], ["run", "t", *no_base, "--", "true"], ["create", "t", "--source", empty],
                    ["freeze", "--source", empty]):
        done = snapfix(command[0], "--root", made / "deep" / "root", *command[1:], expect=None)
        assert done.code in (1, 125) and "snapfix: error: " in done.err, done
        assert not made.exists(), done
    made.mkdir()
    snapfix("create", "t", *no_base, "--root", made / "root", expect=1)
    assert made.is_dir() and not any(made.iterdir()), "that folder was there"
    p.freeze()
    p("create", "t", "--base", "0" * 32, expect=1)
    p("create", "t")
    p("create", "u", "--base", "0" * 32, expect=1)
    assert p.names() == ["t"], "a root that was there"


def test_a_failure_leaves_a_root_in_which_others_work(tmp):
    """Of two first ones, the one that fails takes the root away only where the other has not begun."""
    p = Project(tmp)
    script = """
        "$0" create good --source "$1" --root "$2" >/dev/null & good=$!
        "$0" create bad --source "$1" --root "$2" --base 0123 2>/dev/null && exit 9
        wait $good && test -e "$2/good/a.txt"
    """
    for n in range(10):
        harness.run(["bash", "-c", script, harness.snapfix_path(), p.source, tmp / f"root{n}"])


def test_a_subfolder_of_a_work_tree_is_told(tmp):
    p = Project(tmp)
    for args in (["freeze"], ["create", "t"], ["run", "t", "--", "true"]):
        done = snapfix(args[0], "--root", p.root, *args[1:], cwd=p.source / "dir")
        assert_says(done, f"the source is '{p.source}/dir', a subfolder of the git work tree '{p.source}'",
                    "--top takes all of that", "--source .")
        assert "subfolder" not in snapfix(args[0], "--root", tmp / "r", "--top", *args[1:], cwd=p.source / "dir").err
        assert "subfolder" not in snapfix(args[0], "--root", tmp / "r", *args[1:], cwd=p.source).err
        assert "subfolder" not in snapfix(args[0], "--root", p.root, "--source", ".", *args[1:], cwd=p.source / "dir").err


def test_a_home_folder_is_not_taken_unasked(tmp):
    home = tmp / "home"
    harness.write_files(home, {"me/file": "x"})
    for args in (["freeze"], ["create", "t"], ["run", "t", "--", "true"], ["create", "t", "--files", "all"]):
        for folder in (home / "me", home, "/"):
            done = snapfix(args[0], "--root", tmp / "root", *args[1:], cwd=folder, env={"HOME": home / "me"}, expect=None)
            assert done.code in (1, 125), done
            assert_says(done, f"the current folder, '{folder}', is no git work tree", "--source")
    assert not (tmp / "root").exists() and not (home / "me" / ".snapshots").exists()
    assert snapfix("create", "t", "--source", ".", "--root", tmp / "root", cwd=home / "me", env={"HOME": home / "me"}).code == 0
    harness.make_repo(home / "me")
    assert snapfix("create", "u", "--root", tmp / "root", cwd=home / "me", env={"HOME": home / "me"}).code == 0, "dotfiles"


def test_a_misspelt_name_gets_a_suggestion(tmp):
    p = Project(tmp)
    p.create("train")
    p.create("odd name/x")
    for command in ("verify", "show", "remove"):
        assert_fails(p(command, "trian", expect=None), 1, "there is no snapshot 'trian'", "did you mean 'train'?")
        assert_says(p(command, "odd nam/x", expect=None), "did you mean 'odd name/x'?")
        assert_says(p(command, "entirely-different", expect=None), "snapfix list")


def test_fresh_does_not_go_through_a_mount(tmp):
    """What a test mounted in its snapshot is neither emptied nor written to."""
    p = Project(tmp, {"d/a": "1", "b": "2"})
    t = p.create("t")
    (tmp / "precious/d").mkdir(parents=True)
    (tmp / "precious/keep").write_text("data")
    script = f"mount --make-rprivate / && mount --bind {tmp}/precious {t}/d && {harness.snapfix_path()} create --fresh t --source {p.source} --root {p.root}"
    done = harness.run(["unshare", "-m", "sh", "-c", script], expect=None)
    if "unshare" in done.err or "mount:" in done.err:
        harness.skip("no mount namespaces: " + done.err.strip())
    assert done.code == 0, done
    assert sorted(os.listdir(tmp / "precious")) == ["d", "keep"] and os.listdir(tmp / "precious/d") == []
    p.expect_snapshot(t)


def test_a_root_that_holds_files_of_the_source(tmp):
    p = Project(tmp, {"d/a": "1", "b": "2"})
    before = sorted(os.listdir(p.source / "d"))
    assert_fails(snapfix("create", "t", "--source", p.source, "--root", p.source / "d", expect=None), 1, "d/a")
    assert sorted(os.listdir(p.source / "d")) == before


if __name__ == "__main__":
    harness.main()
