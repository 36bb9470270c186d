"""`run --finish`: a command, and what becomes of its snapshot, in one."""

import collections
import os
import re
import shlex
import signal

import harness
from harness import run
from project import Project, assert_says, sleep_past_racy

k_script = "echo x >>a.txt"  # which is a shared file


def finishing(p, *args, script="true", expect=0, **options):
    return p("run", "t", "--finish", *args, "--", "sh", "-c", script, expect=expect, **options)


def start(p, *args, script="touch here; exec sleep 100"):
    """A run that is at work."""
    (p.root / "t/here").unlink(missing_ok=True)
    process = harness.start([harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, "t", "--finish",
                             *args, "--", "sh", "-c", script])
    harness.eventually(lambda: (p.root / "t/here").exists(), "the command runs")
    return process


def killed(p, *args, **options):
    process = start(p, *args, **options)
    process.kill()
    process.wait()


def test_what_becomes_of_the_snapshot(tmp):
    p = Project(tmp)
    for args, script, code, stays in (
        ([], "echo x >new", 0, False),
        ([], "exit 3", 3, True),
        (["--keep=always"], "exit 0", 0, True),
        (["--keep=never"], "exit 3", 3, False),
        (["--verdict=will-fail"], "exit 3", 3, False),
        (["--verdict=will-fail"], "exit 0", 0, True),
        (["--verdict=will-fail,skip=0"], "exit 0", 0, False),
        (["--verdict=by-output"], "exit 0", 0, True),
        (["--verdict="], "kill -9 $$", -9, True),
    ):
        done = finishing(p, "--fresh", *args, script=script, expect=code)
        assert (p.names() == ["t"]) == stays, (args, script, done)
        assert (p.root / "t").exists() == stays


def test_the_tree_is_handed_on(tmp):
    p = Project(tmp)
    folders = set()
    for _ in range(3):
        done = finishing(p, script="stat -c %i .; echo x >new; rm dir/b.py")
        folders.add(done.out)
        assert len(p.spares()) == 1, p.spares()
    assert len(folders) == 1, folders
    finishing(p, "--spares=0")
    assert not p.spares()


def test_what_it_must_not_change(tmp):
    p = Project(tmp)
    guard_off = ["--fresh", "--guard=off"]
    done = finishing(p, *guard_off, script=k_script, expect=123)
    assert_says(done, "'a.txt' was changed through a link", "kept")
    assert finishing(p, *guard_off, script=f"{k_script}; exit 7", expect=7)
    report = ["--fresh", "--source-writes=report"]
    write = f"echo x >{p.source}/a.txt"
    done = finishing(p, *report, script=write, expect=123)
    assert done.err.count("a.txt") == 1, done  # told once
    # Under ctest neither WILL_FAIL nor an exit code that skips may turn it into a pass.
    for args, script in ((guard_off, k_script), (report, write)):
        for verdict, code in (("will-fail", 1), ("skip=77", 77), ("", 0)):
            finishing(p, "--ctest", f"--verdict={verdict}", *args, script=f"{script}; exit {code}", expect=-signal.SIGABRT)


def test_a_tree_that_the_command_takes_away(tmp):
    p = Project(tmp)
    for take in ('rm -rf "$SNAPSHOT_DIR"', f'mv "$SNAPSHOT_DIR" {tmp}/elsewhere$$'):
        finishing(p, script=f"cd /; {take}")
        done = finishing(p, "--guard=off", script=f"{k_script}; cd /; {take}", expect=123)
        assert_says(done, "'a.txt' was changed through a link")
        state = p.root / ".snapfix"
        assert p.names() == [] and not list((state / "runs").iterdir()) and not list((state / "work").iterdir())
        p.expect_snapshot(p.create("u", "--fresh"))
        p("remove", "u")
    # What it put in its place may be somebody's: it stays, and nobody has looked at the tree.
    done = finishing(p, script='cd /; rm -rf "$SNAPSHOT_DIR"; echo x >"$SNAPSHOT_DIR"', expect=125)
    assert_says(done, "t' is no folder any more")
    assert (p.root / "t").read_text() == "x\n"


def test_what_is_said_where_ctest_searches_it(tmp):
    p = Project(tmp)
    assert finishing(p, "--ctest", "--verdict=by-output").err == ""
    assert p.names() == ["t"]
    assert "kept" in finishing(p, "--ctest", "--fresh", "--keep=always").err


def test_the_last_lines_lead_into_it(tmp):
    p = Project(tmp)
    done = finishing(p, script="echo x >new; echo y >>a.txt; rm dir/b.py; exit 3", expect=3)
    kept, pack, way = done.err.splitlines()[-3:]
    assert run(["sh", "-c", pack.split("to have it on another machine: ")[1]], cwd=tmp).out == f"{tmp}/t.pack.tar.zst\n"
    assert f"{p.root}/t" in kept and "1 file private, 1 new, 1 gone" in kept, done
    for word in ("error", "fail", "warning"):
        assert word not in (kept + pack + way).lower(), done
    shell = tmp / "shell"
    shell.write_text("#!/bin/sh\npwd; cat new\n")
    shell.chmod(0o755)
    command = way.split("a shell in it: ")[1]
    assert command.startswith(os.path.realpath(harness.snapfix_path()) + " enter t "), command
    assert run(["sh", "-c", command], cwd="/", env={"SHELL": shell}).out == f"{p.root}/t\nx\n"
    done = finishing(p, "--fresh", "--chdir=dir", script="exit 3", expect=3)
    assert run(["sh", "-c", done.err.splitlines()[-1].split("a shell in it: ")[1]], cwd="/", stdin="pwd\n", env={"SHELL": ""}).out == f"{p.root}/t/dir\n"


def test_why_it_was_kept_is_shown(tmp):
    p = Project(tmp)
    for args, script, code, why in (([], "exit 3", 3, "exit code 3"), (["--guard=off"], k_script, 123, "shared files were changed")):
        finishing(p, "--fresh", *args, script=script, expect=code)
        assert why in p("list").out and why in p("show", "t").out
        assert why in p("show", "t", "--json").json()["run"]["why_kept"]
    p("run", "t", "--", "true")
    assert why not in p("list").out, "the last run was another"


def test_who_was_killed_is_finished(tmp):
    p = Project(tmp)
    for name, command in (("finish-run", ["finish-run"]), ("freeze", ["freeze", "--json"])):
        killed(p)
        assert "killed" in p("list").out and not p("show", "t", "--json").json()["run"]["running"]
        done = p(*command)
        assert_says(done, "was killed", f"{p.root}/t", "no recorded end")
        assert p.names() == ["t"]
        assert "killed" not in p(*command).err, f"{name} tells it twice"
        killed(p, "--fresh", "--keep=never")
        p(*command)
        assert p.names() == [] and p.strays() == [], p.strays()


def test_who_takes_over_what_was_killed(tmp):
    p = Project(tmp)
    for command in (["create", "t"], ["create", "t", "--reuse"], ["create", "t", "--update"], ["run", "t", "--", "true"]):
        killed(p, "--keep=never")
        p(*command)
        (p.root / "t/mine").write_text("by hand\n")
        for later in ("freeze", "finish-run"):
            assert "killed" not in p(later).err
        assert (p.root / "t/mine").exists(), command
        p("remove", "t")


def test_a_further_attempt_tells_what_a_killed_one_changed(tmp):
    p = Project(tmp)
    snapfix = f"{harness.snapfix_path()} run t --source {p.source} --root {p.root} --fresh --finish --ctest --guard=off --"
    kill = f"{snapfix} sh -c '{k_script}; touch here; exec sleep 100' & until [ -e {p.root}/t/here ]; do sleep 0.02; done; kill -9 $!; wait $!"
    done = run(["bash", "-c", f"{kill}; {snapfix} true; exit $?"], expect=None)
    assert done.code == 134, done
    assert_says(done, "'a.txt' was changed through a link", "earlier attempt")
    killed(p, "--fresh", "--guard=off", script=f"{k_script}; touch here; exec sleep 100")
    assert_says(p("run", "t", "--fresh", "--finish", "--", "true"), "'a.txt' was changed through a link")


def test_a_command_that_cannot_be_run(tmp):
    p = Project(tmp)
    for args, command, code, words in (
        (["--chdir=none"], "true", 125, "no folder 'none'"), ([], "no-such-program", 127, "no-such-program"), ([], "./a.txt", 126, "a.txt"),
    ):
        for keep, stays in (("never", False), ("on-failure", True), ("always", True)):
            done = p("run", "t", "--fresh", "--finish", f"--keep={keep}", *args, "--", command, expect=code)
            assert_says(done, words)
            assert (p.root / "t").exists() == stays, done
            assert done.err.index("error") < done.err.find("kept in") or not stays, done
            assert p("finish-run").err == ""
    p.create("t", "--fresh")
    other = Project(tmp / "other", root=p.root)
    other("run", "t", "--finish", "--keep=never", "--", "true", expect=125)  # it is of another source, and not ours to finish
    harness.snapfix("run", "t", "--root", p.root, "--finish", "--keep=never", "--", "true", cwd=other.source, expect=125)
    assert p.names() == ["t"]


def test_a_finding_of_who_was_killed(tmp):
    p = Project(tmp)
    killed(p, "--guard=off", script=f"{k_script}; touch here; exec sleep 100")
    assert_says(p("finish-run", "--ctest", expect=1), "'a.txt' was changed through a link")
    p.expect_snapshot(p.create("u"))


def test_who_is_at_work_is_not_finished(tmp):
    p = Project(tmp)
    process = start(p)
    try:
        assert "killed" not in p("freeze").err
        assert p("finish-run").err == ""
        assert p.names() == ["t"]
        assert "running" in p("list").out and p("show", "t", "--json").json()["run"]["running"]
    finally:
        process.terminate()
        process.wait()


def test_without_finish_nobody_finishes(tmp):
    p = Project(tmp)
    for option in ("--keep=never", "--verdict=will-fail", "--spares=1"):
        done = p("run", "t", option, "--", "true", expect=2)
        assert_says(done, option.split("=")[0], "--finish")
    p("run", "t", "--", "true")
    p("finish-run")
    assert p.names() == ["t"]


def test_words_of_a_verdict(tmp):
    p = Project(tmp)
    for bad in ("willfail", "skip", "skip=", "skip=x", "skip=-1", "will-fail,x", "will-fail;skip=3"):
        assert_says(p("finish", "t", f"--verdict={bad}", expect=2), "will-fail, skip=N, by-output and say-success")


def test_measurements(tmp):
    p = Project(tmp)
    out = finishing(p, "--ctest", script="echo said").out
    said, measured = out.split("\n", 1)
    assert said == "said" and "\n" not in measured, out  # a line of its own would be left empty in JUnit's text
    for name in ("snapshot.seconds", "run.seconds", "finish.seconds", "snapshot.private", "snapshot.findings"):
        assert f'name="{name}"' in measured, out


def test_no_record_is_read_twice(tmp):
    harness.require("strace")
    p = Project(tmp)
    sleep_past_racy()  # else the freeze writes the base anew
    finishing(p, "--keep=always")
    trace = tmp / "trace"
    place = ["--source", p.source, "--root", p.root]
    for command in (["run", "t", "--fresh", "--finish", *place, "--", "true"], ["run", "t", *place, "--", "true"],
                    ["run", "t", *place, "--", "true"], ["create", "t", "--fresh", *place], ["verify", "t", *place[2:]],
                    ["show", "t", *place[2:]], ["finish", "t", "--keep=always", *place[2:]], ["finish", "t", "--keep=never", *place[2:]]):
        run(["strace", "-f", "-y", "-qq", "-e", "trace=openat", "-o", trace, harness.snapfix_path(), *command])
        opened = re.findall(r'/\.snapfix/(snapshots|bases|runs)>, ("[^"]*"), O_RDONLY(?![^)]*O_DIRECTORY)', trace.read_text())
        assert opened and max(collections.Counter(opened).values()) == 1, (command, opened)


def test_a_quoted_name(tmp):
    p = Project(tmp)
    name = "it's $HOME"
    done = p("run", name, "--finish", "--", "sh", "-c", "exit 1", expect=1)
    words = shlex.split(done.err.splitlines()[-1].split("a shell in it: ")[1])
    assert words[1:3] == ["enter", name], done


if __name__ == "__main__":
    harness.main()
