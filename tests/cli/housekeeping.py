"""remove, prune, list, show, doctor."""

import json
import os
import pathlib
import re
import shlex
import shutil
import stat
import time
import unicodedata

import harness
from harness import run, snapfix, start, tree_state
from project import Project, assert_fails, assert_says, inode


def inside(root):
    """What the root holds besides records: {folder of .snapfix: entries}."""
    return {name: sorted(os.listdir(root / ".snapfix" / name)) for name in os.listdir(root / ".snapfix")
            if (root / ".snapfix" / name).is_dir()}


def object_files(root):
    return [path for path, entry in tree_state(root / ".snapfix/objects").items() if entry.kind == "file"]


def test_remove(tmp):
    p = Project(tmp)
    for name in ("a", "b", "c"):
        p.create(name)
    done = p("remove", "a", "b")
    assert done.out == "" and p.names() == ["c"], done
    assert_fails(p("remove", "a", expect=None), 1, "a")
    p("remove", "c")
    assert inside(p.root)["trash"] == [] and inside(p.root)["snapshots"] == [], inside(p.root)


def test_remove_takes_what_jobs_wrote_and_follows_nothing(tmp):
    p = Project(tmp)
    t = p.create("t")
    (tmp / "outside").mkdir()
    (tmp / "outside/precious").write_text("x")
    (t / "deep/er").mkdir(parents=True)
    (t / "deep/er/x").write_text("x")
    (t / "deep/link").symlink_to(tmp / "outside")
    (t / "deep/er").chmod(0o000)
    os.mkfifo(t / "fifo")
    (t / b"odd\xff\n".decode("utf-8", "surrogateescape")).write_text("x")
    p("remove", "t")
    assert os.listdir(tmp / "outside") == ["precious"] and p.names() == []
    assert inside(p.root)["trash"] == []


def test_remove_changes_no_mode_of_a_file(tmp):
    """Files are shared: chmod of one is chmod of all."""
    p = Project(tmp, {"a": "1", "d/b": "2"})
    (p.source / "a").chmod(0o444)
    p.create("t")
    p.create("u")
    p("remove", "t")
    p.expect_snapshot(p.root / "u")


def test_remove_crosses_no_mount(tmp):
    p = Project(tmp)
    t = p.create("t")
    (t / "mnt").mkdir()
    with harness.tmpfs(8, t / "mnt") as mount:
        (mount / "precious").write_text("x")
        p("remove", "t", expect=None)
        assert mount.parent.parent == p.root
        left = [os.path.join(f, n) for f, _, names in os.walk(p.root) for n in names if n == "precious"]
        assert len(left) == 1 and os.path.getsize(left[0]) == 1, "what lies on a mount is not ours"
        assert p("create", "t").code == 0, "the name is free all the same"


def test_what_cannot_go_stays_in_the_trash_and_fails_no_test(tmp):
    if not harness.can_run_as():
        harness.skip("cannot run as another user")
    p = Project(tmp, plain=True)
    harness.run(["chown", "-R", str(harness.NOBODY), tmp])
    as_nobody = {"user": harness.NOBODY}
    p("create", "t", **as_nobody)
    (p.root / "t/container").mkdir()  # as a container's root would leave it
    (p.root / "t/container/file").write_text("x")
    assert p("finish", "t", "--keep", "never", **as_nobody).code == 0
    assert p.names() == []
    assert_says(p("prune", **as_nobody), "trash")
    p("create", "t", **as_nobody)
    harness.run(["chown", "-R", str(harness.NOBODY), p.root / ".snapfix/trash"])
    p("prune", **as_nobody)
    assert inside(p.root)["trash"] == []


def test_prune_removes_what_nothing_uses(tmp):
    p = Project(tmp, {f"f{n}": f"{n}\n" for n in range(5)}, git="off")
    p.create("old")
    p.write({"f0": "new\n"})
    p.freeze()
    assert len(object_files(p.root)) == 6, "the snapshot's base stands"
    p("prune")
    assert p.names() == ["old"] and len(object_files(p.root)) == 6
    p("remove", "old")
    p("prune")
    assert len(object_files(p.root)) == 5, "never a source's newest base"
    p.expect_snapshot(p.create("t"))


def test_prune_leaves_the_newest_base_of_each_source(tmp):
    p = Project(tmp, {"a": "1"})
    other = Project(tmp / "other", {"b": "2"}, root=p.root)
    p.freeze()
    other.freeze()
    p("prune")
    assert p.freeze()["new"] is False and other.freeze()["new"] is False


def test_prune_clears_debris(tmp):
    p = Project(tmp)
    p.create("t")
    for folder in ("work", "trash"):
        (p.root / ".snapfix" / folder).mkdir(exist_ok=True)
        (p.root / ".snapfix" / folder / "left-by-a-crash/d").mkdir(parents=True)
        (p.root / ".snapfix" / folder / "left-by-a-crash/d/x").write_text("x")
    p("prune")
    assert inside(p.root)["work"] == [] and inside(p.root)["trash"] == [], inside(p.root)
    assert not [name for name in inside(p.root)["locks"] if "crash" in name], inside(p.root)
    p.expect_snapshot(p.root / "t")


def test_prune_dry_run_changes_nothing(tmp):
    p = Project(tmp)
    p.create("t")
    p.write({"a.txt": "2"})
    p.create("u")
    p("remove", "t")
    before = {k: v for k, v in tree_state(p.root).items() if b"locks" not in k and k not in (b".", b".snapfix")}
    done = p("prune", "--dry-run", "--keep", "0", "--json")
    assert "u" in done.out, done
    after = {k: v for k, v in tree_state(p.root).items() if b"locks" not in k and k not in (b".", b".snapfix")}
    assert before == after


def test_prune_keep(tmp):
    p = Project(tmp)
    for name in ("one", "two", "three", "four"):
        p.create(name)
        time.sleep(0.02)
    p("prune", "--keep", "2")
    assert p.names() == ["four", "three"]
    p("prune", "--keep", "0")
    assert p.names() == []


def test_prune_older_than(tmp):
    p = Project(tmp)
    p.create("old")
    time.sleep(3.2)  # records are of whole seconds
    p.create("new")
    p("prune", "--older-than", "1h")
    assert p.names() == ["new", "old"]
    p("prune", "--older-than", "2s")
    assert p.names() == ["new"]
    for age in ("30s", "15m", "12h", "7d", "2w"):
        p("prune", "--older-than", age)
    for bad in ("", "7", "d", "-1d", "1y", "1.5d", "7d3h", "99999999999999999999w"):
        assert p("prune", f"--older-than={bad}", expect=None).code == 2, bad
    assert p.names() == ["new"]


def test_prune_skips_what_runs(tmp):
    p = Project(tmp)
    process = start([harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, "t", "--", "sh", "-c", "touch here; exec sleep 100"])
    try:
        harness.eventually(lambda: (p.root / "t/here").exists(), "the command runs")
        p("prune", "--keep", "0", timeout=20)
        assert p.names() == ["t"]
    finally:
        process.terminate()
        process.wait()
    p("prune", "--keep", "0")
    assert p.names() == []


def test_the_root_holds_one_copy_and_nothing_else(tmp):
    p = Project(tmp, {f"d{n % 4}/f{n}": bytes([n]) * 10000 for n in range(40)}, git="off")
    for n in range(20):
        p.create(f"t{n}")
    seen, data = set(), 0
    for folder, _, files in os.walk(p.root):
        for name in files:
            status = os.lstat(os.path.join(folder, name))
            if status.st_ino not in seen:
                seen.add(status.st_ino)
                data += status.st_size
    assert 400_000 <= data < 400_000 + 400_000, data
    assert inside(p.root)["work"] == [] and inside(p.root)["trash"] == [], inside(p.root)
    for n in range(20):
        p("remove", f"t{n}")
    p("prune")
    assert sorted(inside(p.root)["snapshots"]) == [] and sorted(inside(p.root)["runs"]) == [], inside(p.root)
    assert len(object_files(p.root)) == 40


def test_list_and_show(tmp):
    p = Project(tmp)
    assert p("list", "--json").json() == {"root": str(p.root), "snapshots": [], "damaged": [], "spares": {"trees": 0, "entries": 0}, "schema_version": 1}
    base = p("freeze").out.strip()
    p.create("a b")
    p("run", "z", "--", "sh", "-c", "exit 4", expect=4)
    listed = p("list", "--json").json()
    assert [s["name"] for s in listed["snapshots"]] == ["a b", "z"], listed
    first, last = listed["snapshots"]
    assert first["base"] == base and first["source"] == str(p.source) and first["run"] is None, first
    assert os.path.isdir(first["path"]) and last["run"]["status"] == 4, listed
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", first["created"]), first
    shown = p("show", "z", "--json").json()
    assert shown.pop("schema_version") == 1
    assert shown.pop("git") == {"objects": [f"{p.source}/.git/objects"], "intact": True}
    assert shown == last and shown["options"] is not None and shown["run"]["environment"], shown
    for command in (["list"], ["show", "z"]):
        out = p(*command).out
        assert "z" in out and "shared" in out, out
    assert_fails(p("show", "nothing", expect=None), 1, "nothing")


def test_show_has_a_command_to_paste(tmp):
    """Pasted into a shell it does what the run did, in its folder and environment, and guarded."""
    p = Project(tmp, {"d e/show.sh": 'printf "%s|" "$PWD" "$0" "$@" "$SET" "$ODD" "${GONE-unset}" "$SAME"\n'})
    words = ["a b", "it's", "", "$HOME", "*", "new\nline", "tab\t\\", "\u00fc", "-u", "x=y"]
    env = {"SET": "two words", "ODD": "'\"$\n", "SAME": "same"}
    ran = p("run", "t", "--chdir", "d e", "--", "sh", "show.sh", *words, env=env).out
    noise = {"_": "/bin/x", "CTEST_INTERACTIVE_DEBUG_MODE": "1", "SHLVL": "7", "OLDPWD": "/", "SNAPSHOT_NAME": "other"}
    shown = p("show", "t", env={"SAME": "same", "GONE": "here", **noise}).out
    assert "  SAME=" not in shown and "-u GONE" in shown and "'SET=two words'" in shown, shown
    about, pasted = shown[shown.index("command "):].split("\n", 1)
    assert "guarded" in about and f"snapfix run t --root {p.root} --source {p.source} --chdir='d e'" in pasted, shown
    for name in [*noise, "PWD", "SNAPSHOT_DIR", "GIT_CEILING_DIRECTORIES"]:
        assert f"  {name}=" not in pasted and f"-u {name} " not in pasted, shown
    for shell in ("bash", "ksh", "zsh"):
        if shell == "bash" or shutil.which(shell):
            done = harness.run([shell, "-c", pasted], cwd="/", env={"SAME": "same", "GONE": "here"})
            assert done.out == ran, f"{done}\n{ran}"
    p("run", "--name=-u", "--source-writes", "allow", "--", "true")
    shown = p("show", "--name=-u").out
    assert "snapfix run --name=-u --root" in shown and "--source-writes allow" in shown and shown.endswith("  -- true\n"), shown


def test_show_names_calls_on_the_source(tmp):
    for mode, words in (("deny", "failed (EROFS)"), ("report", "were let through")):
        p = Project(tmp / mode, {f"f{n}": "x" for n in range(12)})
        p("run", "t", "--source-writes", mode, "--", "sh", "-c", "for f in f*; do (echo y >>$SNAPSHOT_SOURCE_DIR/$f); done; true")
        if p("show", "t", "--json").json()["run"]["guard"]["state"] != "on":
            harness.skip("no guard here")
        shown = p("show", "t").out
        assert f"writes     to the source, which {words}" in shown and shown.count("(openat of 'sh')") == 10, shown
        assert "and 2 more" in shown, shown


def test_tables_stay_whole_whatever_the_names(tmp):
    p = Project(tmp)
    names = ["x" * 90, "x", "\u6f22\u5b57\u4eee\u540d", "u\u0308ber", "\U0001f600 smile", "line\nbreak", "tab\tin it", "z" * 200]
    for name in names:
        p.create(name)
    header, *lines = p("list").out.splitlines()
    assert len(lines) == len(names), lines
    shown = {name: next(s["created"] for s in p("list", "--json").json()["snapshots"] if s["name"] == name) for name in names}

    def columns(text):
        wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
        return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)

    starts = {columns(line[:line.index(shown[names[0]][:10])]) for line in lines}
    assert starts == {header.index("created")}, [header, *lines]
    assert "line\\nbreak" in "".join(lines) and "tab\\tin it" in "".join(lines)
    for name in names:
        out = p("show", name).out
        assert out.splitlines()[1].startswith("path       "), out
    odd = tmp / "odd\nfolder"
    odd.mkdir()
    first, *rest = snapfix("doctor", odd).out.splitlines()
    assert "odd\\nfolder" in first and {line[:5] for line in rest} <= {"  yes", "  no "}, rest


def keys_of(report):
    """All keys of a report; not those that are data: reasons, calls and the like."""
    found = set()
    if isinstance(report, dict):
        for key, value in report.items():
            found.add(key)
            if key not in ("copied_by_reason", "calls", "unjudged", "failed", "kernel"):
                found |= keys_of(value)
    elif isinstance(report, list):
        found = set().union(*map(keys_of, report))
    return found


def test_reports_have_a_version_and_documented_keys(tmp):
    p = Project(tmp, {"a": "a\n", "b": "b\n", "s.sh": "uv sync\n"})
    p("run", "t", "--guard", "off", "--json-report", tmp / "off", "--", "sh", "-c", "echo x >>a; sleep 2 >/dev/null 2>&1 & echo")
    p("run", "u", "--json-report", tmp / "on", "--", "sh", "-c", "echo x >>b")
    reports = [json.loads((tmp / name).read_text()) for name in ("off", "on")]
    p("hold", "u", "--until", "1d")
    reports += [p(*command, "--json", expect=None).json() for command in (
        ["prune", "--keep", "0", "--dry-run"], ["freeze"], ["create", "v"], ["list"], ["show", "u"], ["verify", "t"], ["diff", "t"], ["diff", "t", "u"], ["finish", "t"], ["report"], ["prune", "--dry-run"])]
    reports += [snapfix(*command, "--json", expect=None).json() for command in (["doctor", tmp], ["uv-lint", p.source / "s.sh"])]
    docs = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "docs"
    texts = {name: set(re.findall(r"[a-z_]+", (docs / name).read_text())) for name in ("reference.md", "snapfix.1")}
    for report in reports:
        assert report["schema_version"] == 1, report
        for name, words in texts.items():
            assert keys_of(report) <= words, f"{name} lacks {keys_of(report) - words}"


def test_a_report_replaces_regular_files_alone(tmp):
    p = Project(tmp, {"a": "a\n"})
    os.mkfifo(tmp / "fifo")
    (tmp / "file").write_text("old")
    (tmp / "link").symlink_to("file")
    report = f"{shlex.quote(str(harness.snapfix_path()))} run t --source '{p.source}' --root '{p.root}' --json-report"
    read = run(["sh", "-c", f"cat '{tmp}/fifo' & {report} '{tmp}/fifo' -- true; wait"]).out
    assert json.loads(read)["name"] == "t" and stat.S_ISFIFO((tmp / "fifo").lstat().st_mode), read
    p("run", "t", "--json-report", tmp / "link", "--", "true")
    assert (tmp / "link").is_symlink() and json.loads((tmp / "file").read_text())["name"] == "t"


k_nothing = {"shared": 0, "private": 0, "added": 0, "missing": 0, "bytes_shared": 0, "bytes_private": 0, "bytes_added": 0, "unread": 0}


def now(p, name):
    """The figures that list and show tell of a snapshot as it is."""
    shown = p("show", name, "--json").json()
    listed = {s["name"]: s for s in p("list", "--json").json()["snapshots"]}
    assert listed[name]["now"] == shown["now"], (listed, shown)
    return shown["now"]


def test_figures_are_those_of_now(tmp):
    """Not those of when it was made: each way in which a snapshot comes to have data of its own."""
    p = Project(tmp, {"a": "1" * 1000, "b": "2" * 100, "c": "3" * 10, "d/e": "4" * 5, "d/f": "5"}, git="off")
    (p.source / "link").symlink_to("a")
    p.git("add", "-A")
    t = p.create("t", "--copy", "c", "--exclude", "f")
    made = k_nothing | {"shared": 3, "private": 1, "bytes_shared": 1105, "bytes_private": 10}
    assert now(p, "t") == made
    (t / "a").unlink()
    (t / "a").write_text("x" * 2000)  # as an editor or the guard makes it private
    (t / "d/f").write_text("not the excluded one")
    (t / "out/deep").mkdir(parents=True)
    (t / "out/deep/log").write_text("log")
    os.link(t / "out/deep/log", t / "out/log")
    (t / "b").rename(t / "out/b")
    (t / "out/pipe").symlink_to("b")
    after = k_nothing | {"shared": 2, "private": 2, "added": 3, "missing": 1, "bytes_shared": 105, "bytes_private": 2010,
                         "bytes_added": 23}
    assert now(p, "t") == after
    assert p("show", "t", "--json").json()["ledger"]["bytes_shared"] == 1105, "that is what it cost when it was made"
    row = [line for line in p("list").out.splitlines() if line.startswith("t ")]
    assert len(row) == 1 and "2.0 kB" in row[0], row
    assert_says_figures(p("show", "t").out)
    shutil.rmtree(t / "d")
    assert now(p, "t") == after | {"shared": 1, "added": 2, "missing": 2, "bytes_shared": 100, "bytes_added": 3}


def assert_says_figures(out):
    for line in ("2 files shared, 105 B", "2 files private, 2.0 kB", "3 files added, 23 B", "1 file missing"):
        assert line in out, out


def test_figures_of_a_file_that_the_guard_made_private(tmp):
    p = Project(tmp, {"big": "x" * 300_000, "small": "y"}, git="off")
    if p("run", "t", "--guard", "on", "--", "sh", "-c", "echo >>big", expect=(0, 125)).code != 0:
        harness.skip("no guard here")
    assert now(p, "t") == k_nothing | {"shared": 1, "private": 1, "bytes_shared": 1, "bytes_private": 300_001}
    assert p("show", "t", "--json").json()["run"]["changes"]["bytes_private"] == 300_001
    out = p("finish", "t", "--keep", "always", "--ctest").out
    assert '<CTestMeasurement type="numeric/double" name="snapshot.bytes_private">300001</CTestMeasurement>' in out, out


def test_figures_once_nobody_shares_any_more(tmp):
    """The source's file was replaced, or the object was healed: what a snapshot alone holds is its own."""
    p = Project(tmp, {"a": "1" * 100, "b": "2" * 10}, git="off")
    p.create("linked", "--link-from", "source")
    assert now(p, "linked") == k_nothing | {"shared": 2, "bytes_shared": 110}
    (p.source / "a").unlink()
    (p.source / "a").write_text("1" * 100)
    assert now(p, "linked") == k_nothing | {"shared": 1, "private": 1, "bytes_shared": 10, "bytes_private": 100}
    t = p.create("t")
    with open(t / "b", "a", encoding="ascii") as shared:
        shared.write("through the link")
    p("verify", "t", expect=3)
    assert now(p, "t") == k_nothing | {"shared": 1, "private": 1, "bytes_shared": 100, "bytes_private": 26}


def test_figures_with_reflinks(tmp):
    del tmp
    with harness.file_system("btrfs") as where:
        p = Project(where, {"a": "1" * 10_000, "b": "2" * 10_000}, git="off")
        t = p.create("t", "--link-mode", "reflink")
        assert now(p, "t") == k_nothing | {"shared": 2, "bytes_shared": 20_000}
        with open(t / "a", "a", encoding="ascii") as private:
            private.write("1")
        assert now(p, "t") == k_nothing | {"shared": 1, "private": 1, "bytes_shared": 10_000, "bytes_private": 10_001}


def test_figures_change_nothing_and_tell_what_they_lack(tmp):
    if not harness.can_run_as():
        harness.skip("cannot run as another user")
    p = Project(tmp, {"a": "1", "d/b": "2"}, plain=True)
    harness.run(["chown", "-R", str(harness.NOBODY), tmp])
    as_nobody = {"user": harness.NOBODY}
    t = p.create("t", **as_nobody)
    (t / "d").chmod(0)
    done = p("list", "--json", **as_nobody)
    assert done.json()["snapshots"][0]["now"] == k_nothing | {"shared": 1, "missing": 1, "bytes_shared": 1, "unread": 1}, done
    assert_says(done, "of 't', 1 folder may not be looked into")
    assert os.lstat(t / "d").st_mode & 0o777 == 0


def test_figures_stop_at_a_mount(tmp):
    p = Project(tmp, {"a": "1"}, git="off")
    t = p.create("t")
    (t / "mnt").mkdir()
    with harness.tmpfs(8, t / "mnt") as mount:
        (mount / "x").write_text("xx")
        assert now(p, "t") == k_nothing | {"shared": 1, "bytes_shared": 1}


def test_figures_of_one_whose_base_is_lost(tmp):
    p = Project(tmp, {"a": "1"})
    p.create("t")
    for base in (p.root / ".snapfix/bases").iterdir():
        base.unlink()
    assert now(p, "t") is None
    assert p("show", "t").code == 0 and p("list").code == 0


def test_prune_tells_what_it_frees(tmp):
    """What only the snapshots held, and objects that nothing else holds; --dry-run tells the same."""
    p = Project(tmp, {"a": "1" * 1000, "b": "2" * 100})
    t = p.create("t", "--copy", "b")
    (t / "out").write_text("x" * 10)
    p.write({"a": "new"})
    p.create("u")
    promised = p("prune", "--keep", "1", "--dry-run", "--json").json()
    assert p.names() == ["t", "u"]
    done = p("prune", "--keep", "1", "--json").json()
    assert done.pop("dry_run") is False and promised.pop("dry_run") is True and promised == done, (promised, done)
    assert (done["snapshots"], done["bases"], done["objects"], done["bytes"]) == (["t"], 1, 1, 1110), done
    p("prune")
    assert p("prune", "--json").json()["bytes"] == 0


def test_prune_counts_no_data_that_others_hold(tmp):
    p = Project(tmp, {"a": "1" * 1000, "b": "2" * 100})
    os.link(p.create("t") / "a", tmp / "elsewhere")
    p.write({"a": "new", "b": "too"})
    p.freeze()
    promised = p("prune", "--keep", "0", "--dry-run", "--json").json()
    done = p("prune", "--keep", "0", "--json").json()
    assert (done["objects"], done["bytes"]) == (2, 100) == (promised["objects"], promised["bytes"]), (promised, done)


def test_list_of_a_root_that_is_not_there(tmp):
    done = snapfix("list", "--root", tmp / "nowhere", "--json", expect=None)
    assert done.code in (0, 1) and not (tmp / "nowhere").exists(), done


def test_list_while_names_come_and_go(tmp):
    p = Project(tmp)
    script = 'for i in $(seq 30); do "$0" create --source "$1" --root "$2" x$i >/dev/null && "$0" remove --root "$2" x$i || exit 1; done'
    churn = start(["sh", "-c", script, harness.snapfix_path(), p.source, p.root])
    while churn.poll() is None:
        assert p("list", "--json").code == 0
    assert churn.returncode == 0


def test_remove_is_quick_to_free_the_name_and_others_stay(tmp):
    p = Project(tmp)
    kept = p.create("kept")
    before = (tree_state(kept), inode(kept / "a.txt"))
    shutil.rmtree(p.create("went-by-hand"))
    p("remove", "went-by-hand", expect=None)
    p("prune")
    assert [s["name"] for s in p("list", "--json").json()["snapshots"]] == ["kept"]
    assert (tree_state(kept), inode(kept / "a.txt")) == before


def test_doctor(tmp):
    assert_fails(snapfix("doctor", tmp / "nowhere", expect=None), 1, "nowhere", "hint: name one that exists")
    done = snapfix("doctor", tmp, "--json")
    report = done.json()
    assert isinstance(report, dict) and report, done
    assert os.listdir(tmp) == [], "it cleans up"
    assert snapfix("doctor", tmp).out.count("\n") > 2
    assert snapfix("doctor", cwd=tmp).code == 0
    assert_fails(snapfix("doctor", tmp / "nowhere", expect=None), 1, "nowhere")


def test_doctor_tells_a_file_system_with_reflinks(tmp):
    del tmp
    for kind, reflink in (("btrfs", True), ("tmpfs", False)):
        with harness.file_system(kind) as where:
            report = snapfix("doctor", where, "--json").json()
            assert report["file_system"] == kind, report
            probes = {probe["name"]: probe["works"] for probe in report["probes"]}
            assert probes["reflinks"] is reflink and probes["hard links"] is True, report


if __name__ == "__main__":
    harness.main()
