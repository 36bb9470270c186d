"""A snapshot that exists: it is reused whatever its state, or updated without loss of what jobs have made."""

import os
import shutil

import harness
from harness import tree_state
from project import Project, assert_fails, assert_says, inode


def test_reuse_takes_what_stands(tmp):
    """Whatever its state, with a note that tells it; what is not there is made."""
    p = Project(tmp)
    done = p("create", "t", "--reuse")
    assert "is used as it is" not in done.err and "there is no snapshot 't': it is made" in done.err, done
    assert "it is made" not in p("create", "t", "--reuse").err
    first = p.freeze()["base"]
    (p.root / "t/log").write_text("a job's\n")
    p.write({"a.txt": "new\n"})
    p.git("rm", "-q", "--cached", "dir/b.py")
    before = tree_state(p.root / "t")
    done = p("create", "t", "--reuse", "--exclude", "x")
    assert done.out == f"{p.root}/t\n" and tree_state(p.root / "t") == before, done
    assert_says(done, first[:12], "is used as it is", "made with other options")
    assert os.listdir(p.root / ".snapfix/bases") == [first], "and nothing is frozen for it"
    assert p.create_json("t", "--reuse")["freeze"] is None
    for pair in (("--reuse", "--fresh"), ("--update", "--fresh"), ("--reuse", "--update")):
        assert p("create", "t", *pair, expect=None).code == 2, pair


def test_reuse_of_what_is_no_snapshot(tmp):
    p = Project(tmp)
    p.create("other")
    (p.root / "t").mkdir()
    assert_fails(p("create", "t", "--reuse", expect=None), 1, "is no snapshot")


def test_update_keeps_what_jobs_have_made(tmp):
    """The source's files are those of the present state, whatever a job did to them; all else is the job's."""
    files = {"same": "1", "edited": "2", "gone": "3", "gone2/deep/x": "4", "gone2/y": "5", "gone3": "6", "gone4/z": "7", "d/e": "8", "d/f": "9"}
    p = Project(tmp, files)
    (p.source / "gonelink").symlink_to("same")
    p.git("add", "-A")
    t = p.create("t", "--copy", "gone3")
    kept = inode(t / "same")
    (t / "d/e").unlink()
    (t / "d/e").write_text("a job's change of a file of the source")
    (t / "d/f").unlink()
    (t / "gone4/z").unlink()
    (t / "gone4/z").write_text("a job's change of a file that goes")
    for path in ("log", "d/log", "gone2/log", "out/deep/log"):
        (t / path).parent.mkdir(parents=True, exist_ok=True)
        (t / path).write_text(path)
    (t / "empty").mkdir()
    (t / "link").symlink_to("log")
    os.mkfifo(t / "out/pipe")
    p.git("rm", "-q", "-r", "-f", "gone", "gone2", "gone3", "gone4", "gonelink")
    p.write({"edited": "new", "new/x": "new"})
    p.git("add", "-A")
    made = p.create_json("t", "--update", "--copy", "gone3")
    assert made["refreshed"] is True and made["made"] is False, made
    expected = {"log", "d/log", "gone2/log", "out/deep/log", "out/pipe", "link", "gone4/z"}
    found = {os.path.relpath(os.path.join(f, n), t) for f, _, names in os.walk(t) for n in names}
    assert found == expected | {"same", "edited", "d/e", "d/f", "new/x"}, found
    assert (t / "empty").is_dir() and not (t / "gone2/deep").exists() and inode(t / "same") == kept
    assert (t / "edited").read_text() == "new" and (t / "d/e").read_text() == "8" and (t / "d/f").read_text() == "9"
    assert (t / "gone4/z").read_text().startswith("a job's") and (t / "out/deep/log").read_text() == "out/deep/log"
    report = p("verify", "t", "--json").json()
    assert (report["shared"], report["private"], report["missing"], report["findings"]) == (5, 0, 0, []), report
    assert p("show", "t", "--json").json()["base"] == p.freeze()["base"]
    p("run", "t", "--fresh", "--copy", "gone3", "--", "test", "!", "-e", "log")
    p.expect_snapshot(p.create("t", "--fresh"))


def test_update_of_a_snapshot_that_is_missing(tmp):
    p = Project(tmp)
    p.create("another")
    assert_fails(p("create", "anothr", "--update", expect=None), 1, "there is no snapshot 'anothr'", "did you mean 'another'?")
    assert_fails(p("create", "x", "--update", expect=None), 1, "there is no snapshot 'x'", "snapfix list")
    assert p.names() == ["another"]


def test_update_keeps_the_options(tmp):
    """Those that the snapshot was made with, unless some are given."""
    p = Project(tmp, {"a": "1", "b": "2", "x.log": "3"})

    def options():
        shown = p("show", "t", "--json").json()
        return shown["options"]

    p.create("t", "--exclude", "*.log", "--copy", "b", "--link-mode", "reflink")
    had = options()
    p.write({"a": "new"})
    t = p.create("t", "--update")
    assert options() == had and sorted(os.listdir(t)) == ["a", "b"] and (t / "a").read_text() == "new", options()
    p.create("t", "--update", "--copy", "a")
    assert options() == {**had, "exclude": [], "copy": ["a"], "link_mode": "hardlink"}, options()
    assert (t / "x.log").exists() and os.lstat(t / "a").st_nlink == 1


def test_update_in_place_of_what_a_job_made(tmp):
    """A folder for a file, or the other way round: the job's is not lost, and the update can be ended."""
    p = Project(tmp, {"a": "1", "d/x": "2"})
    t = p.create("t")
    (t / "out").mkdir()
    (t / "out/precious").write_text("x")
    (t / "b").write_text("precious")
    p.write({"out": "a file now", "b/c": "3", "a": "new"})
    p.git("add", "-A")
    for _ in ("out", "b"):
        done = p("create", "t", "--update", expect=None)
        path = "out" if "'out'" in done.err else "b"
        assert_fails(done, 1, f"'{path}' was made by a job", "move it away")
        assert (t / path).exists(), done
        for args in (["create", "t"], ["create", "t", "--reuse"]):
            assert_fails(p(*args, expect=None), 1, "cut short", "hint: end it: snapfix create t --update\n", "snapfix create t --fresh\n")
        assert_fails(p("run", "t", "--", "true", expect=None), 125, "cut short")
        assert p("finish", "t").code == 0 and t.exists(), "it is kept"
        assert_says(p("list"), "an update of 't' was cut short: 'snapfix create t --update'")
        (t / path).rename(tmp / path)
    p("create", "t", "--update")
    assert (tmp / "out/precious").read_text() == "x" and (tmp / "b").read_text() == "precious"
    p.expect_snapshot(t)


def test_update_changes_types_of_the_source_s_own(tmp):
    p = Project(tmp, {"a": "1", "d/x": "2"})
    t = p.create("t")
    p.git("rm", "-q", "-r", "a", "d")
    p.write({"d": "a file now", "a/y": "3"})
    p.git("add", "-A")
    p("create", "t", "--update")
    p.expect_snapshot(t)


def test_update_as_an_ordinary_user_through_closed_folders(tmp):
    if not harness.can_run_as():
        harness.skip("cannot run as another user")
    p = Project(tmp, {"d/a": "1", "gone/b": "2"}, plain=True)
    for folder in ("d", "gone"):
        (p.source / folder).chmod(0o555)
    harness.run(["chown", "-R", str(harness.NOBODY), tmp])
    as_nobody = {"user": harness.NOBODY}
    t = p.create("t", **as_nobody)
    harness.run(["sh", "-ec", "chmod u+w d && echo x >d/log && chmod u-w d"], cwd=t, user=harness.NOBODY)
    (p.source / "d/a").write_text("new")
    shutil.rmtree(p.source / "gone")
    p("create", "t", "--update", **as_nobody)
    assert sorted(os.listdir(t)) == ["d"] and sorted(os.listdir(t / "d")) == ["a", "log"]
    assert (t / "d/a").read_text() == "new" and os.lstat(t / "d").st_mode & 0o777 == 0o555
    (t / "d").chmod(0o755)
    (p.source / "d").chmod(0o755)
    harness.run(["chown", "0:0", t / "d"])
    assert_fails(p("create", "t", "--update", **as_nobody, expect=None), 1, "given away")


if __name__ == "__main__":
    harness.main()
