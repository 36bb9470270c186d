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
    p = Project(tmp, files, git="off")
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
    p = Project(tmp, {"a": "1", "b": "2", "x.log": "3"}, git="off")

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


class HeldUpdate:
    """An update of u that is stopped right after the first call of a kind that names one of the names, for a job to work
    in u meanwhile: on two equal projects, the first of which tells the call's number."""

    def __init__(self, tmp, files, change, *options):
        harness.require("strace")
        self.options = options
        self.trace = tmp / "trace"
        self.projects = []
        for name in ("told", "held"):
            p = Project(tmp / name, files, plain=True)
            p.create("u", *options)
            change(p.source)
            self.projects.append((p, p.freeze()["base"]))
        self.u = self.projects[1][0].root / "u"

    def command(self, number):
        p, base = self.projects[number]
        return [harness.snapfix_path(), "create", "u", "--source", p.source, "--root", p.root, "--base", base, "--update",
                "--jobs", "1", *self.options]

    def run(self, call, names, job):
        harness.run(["strace", "-o", self.trace, "-e", f"trace={call}", *self.command(0)])
        calls = [line for line in self.trace.read_text().splitlines() if line.startswith(f"{call}(")]
        number = 1 + next(n for n, line in enumerate(calls) if any(f'"{name}"' in line for name in names))
        done, was_stopped = harness.run_stopped(self.command(1), call, number, lambda: job(self.u))
        assert was_stopped and done.code == 0, done


def test_update_keeps_what_a_job_makes_meanwhile(tmp):
    """In a folder that the source has no longer."""
    held = HeldUpdate(tmp, {"d/f": "1", "k": "1"}, lambda source: shutil.rmtree(source / "d"))

    def job(u):
        assert not (u / "d/f").exists()
        harness.write_files(u, {"d/own": "precious", "d/dd/own2": "m"})

    held.run("unlinkat", ("f", ".snapfix-aside.0"), job)
    assert {str(path.relative_to(held.u)) for path in held.u.rglob("*")} == {"k", "d", "d/own", "d/dd", "d/dd/own2"}


def test_update_keeps_what_a_job_changes_meanwhile(tmp):
    """The file is looked at, then a job replaces it: in a folder that stays, and in one that goes."""
    for name, gone in (("stays", lambda source: (source / "d/f").unlink()), ("goes", lambda source: shutil.rmtree(source / "d"))):
        held = HeldUpdate(tmp / name, {"d/f": "1", "d/g": "1", "k": "1"}, gone)

        def job(u):
            (u / "d/f.tmp").write_text("precious")
            (u / "d/f.tmp").rename(u / "d/f")

        held.run("statx", ("f",), job)
        assert (held.u / "d/f").read_text() == "precious"
        assert sorted(os.listdir(held.u / "d")) == (["f", "g"] if name == "stays" else ["f"])


def test_update_beside_a_job_that_writes_the_source_s_files(tmp):
    """The source's files are over what the job did, whatever they become."""

    def change(source):
        harness.write_files(source, {"k": "new", "new/x": "1"})
        (source / "link").unlink(missing_ok=True)
        (source / "link").symlink_to("k")

    def job(u):
        harness.write_files(u, {"k": "a job's", "link": "a job's", "new/own": "a job's"})

    for name, options in (("linked", ()), ("copied", ("--copy", "k"))):
        held = HeldUpdate(tmp / name, {"k": "1"}, change, *options)
        held.run("unlinkat", ("k",), job)
        assert (held.u / "k").read_text() == "new" and os.readlink(held.u / "link") == "k"
        assert sorted(os.listdir(held.u / "new")) == ["own", "x"]


def test_an_update_that_was_killed_leaves_nothing_aside(tmp):
    p = Project(tmp, {"d/f": "1", "k": "1"}, plain=True)
    u = p.create("u")
    (p.source / "d/f").unlink()
    (u / "d/f").rename(u / "d/.snapfix-aside.0")  # as one that is killed in between
    (u / "d/.snapfix-aside.1").write_text("a job's")
    p("create", "u", "--update")
    assert os.listdir(u / "d") == [".snapfix-aside.1"]


def test_what_jobs_made_is_counted_afterwards(tmp):
    """Also where nothing was to be done in its folder."""
    p = Project(tmp, {"d/f": "1", "k": "1"}, plain=True)
    u = p.create("u")
    times = os.lstat(u / "d")
    (u / "d/own").write_text("a job's")
    os.utime(u / "d", ns=(times.st_atime_ns, times.st_mtime_ns))
    harness.run(["sleep", "0.1"])
    p.write({"k": "2"})
    p("create", "u", "--update")
    assert p("verify", "u", "--json").json()["added"] == 1
    assert (u / "d/own").read_text() == "a job's"


if __name__ == "__main__":
    harness.main()
