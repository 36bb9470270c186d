"""enter and rerun: what one does in a snapshot that a test left."""

import json
import os
import pty
import shutil
import subprocess

import harness
from harness import snapfix
from project import Project, assert_fails, assert_says


def failed(p, script="echo x >new; exit 3", *options, **more):
    """A snapshot that a failed run left."""
    done = p("run", "t", "--finish", *options, "--", "sh", "-c", script, expect=3, **more)
    assert "is kept in" in done.err, done
    return done


def enter(p, script, *options, env=None, **more):
    """What a shell says that reads this script."""
    return p("enter", "t", *options, stdin=script, env={"SHELL": "/bin/sh", **(env or {})}, **more)


def recorded(p):
    return p("show", "t", "--json").json()["run"]


def test_a_shell_as_the_test_had_it(tmp):
    p = Project(tmp, {"a": "a\n", "d/b": "b\n"})
    failed(p, "exit 3", "--chdir", "d", env={"OF_THE_TEST": "1", "TERM": "then", "UNSET": None})
    p.create("other")
    before = recorded(p)
    done = enter(p, 'pwd\necho "$OF_THE_TEST,$UNSET,$TERM,$SNAPSHOT_NAME"\necho x >>b\necho y >made\nexit 5\n', expect=5,
                 env={"TERM": "now", "UNSET": "set", "OF_THE_TEST": "2"}, cwd="/")
    assert done.out == f"{p.root}/t/d\n1,,now,t\n" and done.err == "", done
    assert recorded(p) == before, "what the test did is still known"
    assert (p.root / "t/d/b").read_text() == "b\nx\n" and (p.root / "other/d/b").read_text() == "b\n", "guarded"
    assert (p.root / "t/d/made").exists(), "all stays as it is"
    p("verify", "other")


def test_where_the_test_stood_is_gone(tmp):
    p = Project(tmp, {"a": "a\n", "d/b": "b\n"})
    failed(p, "rm -r ../d; exit 3", "--chdir", "d")
    done = enter(p, "pwd\n")
    assert done.out == f"{p.root}/t\n" and "the folder 'd' is gone" in done.err, done


def test_the_users_shell(tmp):
    p = Project(tmp)
    failed(p)
    shell = tmp / "my shell"
    shell.write_text("#!/bin/sh\necho mine $#\n")
    shell.chmod(0o755)
    assert enter(p, "", env={"SHELL": shell}).out == "mine 0\n"
    assert enter(p, "echo $0\n", env={"SHELL": None}).out == enter(p, "echo $0\n", env={"SHELL": ""}).out == "/bin/sh\n"
    assert_fails(enter(p, "", env={"SHELL": tmp / "none"}, expect=127), 127, "none")


def test_at_a_terminal(tmp):
    """The prompt is the shell's, and ^C ends what it runs, not the shell."""
    p = Project(tmp)
    failed(p)
    ours, theirs = pty.openpty()
    env = harness.clean_env(SHELL="/bin/sh", PS1="mine> ")
    shell = subprocess.Popen([harness.snapfix_path(), "enter", "t", "--root", p.root], stdin=theirs, stdout=theirs, stderr=theirs,
                             env=env, start_new_session=True, preexec_fn=lambda: __import__("fcntl").ioctl(0, 0x540E, 0))
    os.close(theirs)
    seen = b""

    def until(what):
        nonlocal seen
        while what not in seen:
            seen += os.read(ours, 1000)
        seen = seen[seen.index(what) + len(what):]

    try:
        until(b"mine> ")
        os.write(ours, b"sleep 100; echo 'ca''me'\n")
        until(b"\n")
        harness.eventually(lambda: "sleep" in harness.run(["ps", "-o", "comm=", "-t", os.path.basename(os.ttyname(ours)), "-e"], expect=None).out, "sleep runs")
        os.write(ours, b"\x03")
        until(b"mine> ")
        os.write(ours, b"exit 4\n")
        assert shell.wait(timeout=30) == 4
    finally:
        shell.kill()
        os.close(ours)


def test_nobody_else_is_in_it(tmp):
    p = Project(tmp)
    failed(p)
    shell = harness.start([harness.snapfix_path(), "enter", "t", "--root", p.root], env={"SHELL": "/bin/sh"},
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        shell.stdin.write(b"echo here\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == b"here\n"
        for args in (["run", "t", "--wait", "0", "--", "true"], ["enter", "t", "--wait", "0"], ["rerun", "t", "--wait", "0"],
                     ["remove", "t", "--wait", "0"]):
            assert_says(p(*args, expect={1, 125}), "is in use by snapfix enter t (pid")
        assert p("prune", "--keep", "0", "--json").json()["in_use"] == ["t"]
        inside = harness.run([harness.snapfix_path(), "diff", "t", "--root", p.root], expect=1)
        assert inside.out == "A\tnew\n"
    finally:
        shell.communicate(b"exit\n")
    p("remove", "t")


def test_what_cannot_be_entered(tmp):
    p = Project(tmp)
    assert_fails(enter(p, "", expect=None), 125, "there are no snapshots in")
    p.create("u")
    assert_fails(enter(p, "", expect=None), 125, "there is no snapshot 't'")
    assert not [lock for lock in os.listdir(p.root / ".snapfix/locks") if "name.t" in lock]
    assert p("enter", "u", "--guard", "auto", expect=2).err


def test_one_in_which_nothing_ran(tmp):
    p = Project(tmp)
    path = p.create("t")
    out = enter(p, 'pwd; echo "$MINE $SNAPSHOT_SOURCE_DIR"; git rev-parse --show-toplevel\n', env={"MINE": "1"}, expect=None).out
    assert out.splitlines()[:2] == [str(path), f"1 {p.source}"], out
    assert recorded(p) is None


def test_without_the_guard(tmp):
    """What is changed in place then reaches the others, and who looks for the writer is told."""
    p = Project(tmp)
    p("run", "t", "--", "true")
    p("run", "u", "--", "true")
    enter(p, "echo x >>a.txt\n", "--guard", "off")
    assert (p.root / "u/a.txt").read_text() == "a\nx\n"
    assert p("verify", "u", "--json", expect=3).json()["unguarded"] == ["t"]
    assert recorded(p)["command"] == ["true"] and recorded(p)["entered_unguarded"] is True
    p("run", "t", "--fresh", "--", "true")
    assert "entered_unguarded" not in recorded(p)


def test_the_source_is_kept_as_in_the_test(tmp):
    p = Project(tmp)
    failed(p)
    done = enter(p, 'echo x >>"$SNAPSHOT_SOURCE_DIR/a.txt"\n', expect=2)
    assert_says(done, "read-only", "was kept from writing")
    assert (p.source / "a.txt").read_text() == "a\n"
    failed(p, "exit 3", "--fresh", "--source-writes", "allow")
    enter(p, 'echo x >>"$SNAPSHOT_SOURCE_DIR/a.txt"\n')
    assert (p.source / "a.txt").read_text() == "a\nx\n"


# ---- rerun ---------------------------------------------------------------------------------------

k_script = 'pwd; echo "$OF_THE_TEST $(cat a)"; echo x >>a; exit 3'


def test_rerun_in_the_kept_tree(tmp):
    p = Project(tmp, {"a": "a\n", "d/b": "b\n"})
    failed(p, k_script.replace(" a)", " ../a)").replace(">>a", ">>../a"), "--chdir", "d", env={"OF_THE_TEST": "1"})
    started = recorded(p)
    (p.root / "t/a").write_text("mended\n")
    done = p("rerun", "t", expect=3, env={"OF_THE_TEST": None}, cwd="/")
    assert done.out == f"{p.root}/t/d\n1 mended\n", done
    again = recorded(p)
    assert again["pid"] != started["pid"] and again["status"] == 3 and again["command"] == started["command"]
    assert sorted(again["environment"]) == sorted(started["environment"]) and again["options"] == started["options"], (again, started)
    assert p("rerun", "t", expect=3).out == f"{p.root}/t/d\n1 mended\nx\n"


def test_rerun_with_the_options_that_it_had(tmp):
    p = Project(tmp)
    for guard, writes, code in (("off", "allow", 0), ("on", "allow", 0), ("auto", "deny", 2)):
        p("run", "t", "--fresh", "--guard", guard, "--source-writes", writes, "--", "sh", "-c",
          'echo x >>"$SNAPSHOT_SOURCE_DIR/free"', expect=code)
        p("rerun", "t", "--json-report", tmp / "report", expect=code)
        report = json.loads((tmp / "report").read_text())
        assert report["options"] == {"guard": guard, "source_writes": writes, "uv": "", "pack_env": []}, report
        assert report["guard"]["state"] == ("off" if guard == "off" else "on"), report


def test_rerun_in_a_pristine_tree(tmp):
    """Of the base that it was made of, whatever the source is by now."""
    p = Project(tmp, {"a": "a\n", "b.log": "b\n", ".gitignore": "c\n"})
    p.write({"c": "c\n"})
    failed(p, k_script + "; ls", "--include", "c", "--exclude", "*.log", env={"OF_THE_TEST": "1"})
    p.write({"a": "edited\n"})
    base = p("show", "t", "--json").json()["base"]
    done = p("rerun", "t", "--fresh", expect=3, env={"OF_THE_TEST": None})
    assert done.out == f"{p.root}/t\n1 a\n" and f"'t' is made anew of its base {base[:12]}" in done.err, done
    assert sorted(os.listdir(p.root / "t")) == [".git", ".gitignore", "a", "c"]
    (p.root / ".snapfix/bases" / base).unlink()
    done = p("rerun", "t", "--fresh", expect=3)
    assert done.out.endswith(" edited\n") and f"its base is lost: 't' is made anew of the present state of '{p.source}'" in done.err, done


def test_rerun_of_nothing(tmp):
    p = Project(tmp)
    p.create("t")
    done = p("rerun", "t", expect=125)
    assert_fails(done, 125, "no command is recorded", f"hint: run one: snapfix run t --root {p.root} -- COMMAND")
    assert_fails(p("rerun", "u", expect=None), 125, "there is no snapshot 'u'")
    shutil.rmtree(p.root)
    assert_fails(p("rerun", "t", expect=None), 125, "there are no snapshots")


if __name__ == "__main__":
    harness.main()
