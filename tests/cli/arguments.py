"""Strict arguments: what is not understood is refused with exit code 2, and says what was meant."""

import os
import pty
import re
import subprocess
import sys
import time

import harness
from harness import snapfix
from project import Project

k_commands = ("freeze", "create", "run", "job", "enter", "rerun", "diff", "pack", "repro", "verify", "finish", "finish-run", "remove", "hold", "release", "list", "show", "report", "prune", "doctor", "uv-lint", "completion")


def refused(tmp, *args, says=()):
    done = snapfix(*args, cwd=tmp, expect=None)
    assert done.code == 2, done
    assert "snapfix: error: " in done.err and done.out == "", done
    for word in says:
        assert word in done.err, f"nothing says {word!r}:\n{done}"
    return done


def test_help(tmp):
    overview = snapfix("--help", cwd=tmp).out
    for command in k_commands:
        assert f" {command}" in overview, command
        help_text = snapfix(command, "--help", cwd=tmp)
        assert f"snapfix {command}" in help_text.out and help_text.err == "", help_text
        assert "[+" not in help_text.out, help_text
    assert "--fresh" in snapfix("create", "--help").out and "--fresh" not in snapfix("freeze", "--help").out


def test_ways_to_ask_for_help_and_version(tmp):
    for command in k_commands:
        assert snapfix("help", command).out == snapfix(command, "-h").out == snapfix(command, "--help").out
    assert snapfix("help").out == snapfix("-h").out == snapfix("--help").out
    assert snapfix("-V").out == snapfix("--version").out
    assert snapfix("help", "help").out == snapfix("help").out
    refused(tmp, "help", "crate", says=("create",))
    refused(tmp, "help", "create", "x", says=("unexpected word 'x'",))


def options_of(command):
    """The long options that its --help lists, and whether each takes a value."""
    lines = re.findall(r"^  (?:-\w \[ (--[a-z-]+) \]|(--[a-z-]+))( [A-Za-z|\[\]]+)?", snapfix(command, "--help").out, re.M)
    return {short or plain: bool(value) for short, plain, value in lines}


def test_each_option_that_is_listed_works_and_no_other(tmp):
    p = Project(tmp, {"a.txt": "a\n", "s.sh": "uv sync --locked\n", "pyproject.toml": "", "uv.lock": "version = 1\n"})
    base = p("freeze").out.strip()
    values = {
        "--source": p.source, "--root": p.root, "--files": "tracked", "--git": "on", "--include": "*.x", "--link-from": "store",
        "--exclude": "*.x", "--copy": "*.x", "--link-mode": "copy", "--uv": "true", "--base": base, "--jobs": "2",
        "--wait": "1", "--name": "t", "--chdir": ".", "--verbatim": "x", "--wrapper": "env", "--launcher": "env", "--tasks": "1", "--guard": "off", "--source-writes": "allow",
        "--json-report": tmp / "report", "--env": "HOME", "--max-size": "1M", "--output": tmp / "pack", "--as": "t", "--pack": tmp / "packs",
        "--pack-env": "HOME", "--current": "x", "--until": "1d", "--night": time.strftime("%Y-%m-%d"), "--slurm": "42", "--older-than": "1w", "--verdict": "will-fail", "--spares": "0", "--report": tmp / "night.html",
    }
    own_values = {("enter", "--guard"): "on", ("finish", "--keep"): "always", ("report", "--output"): tmp / "night.html", ("run", "--keep"): "always", ("prune", "--keep"): "5"}
    words = {"create": ["t"], "verify": ["t"], "finish": ["t", "--keep=always"], "hold": ["t"], "release": ["t"], "show": ["t"], "doctor": [tmp],
             "uv-lint": [p.source / "s.sh"], "run": ["t"], "job": ["t.123"], "enter": ["t"], "rerun": ["t"], "diff": ["t"], "completion": ["bash"],
             "pack": ["t"], "repro": [tmp / "made.pack", "--source", p.source, "--root", tmp / "elsewhere"]}
    known = {command: options_of(command) for command in k_commands}
    every = set().union(*known.values())
    assert every >= {"--help", "--json", "--wait", "--source", "--fix", "--content"}, every
    for command in k_commands:
        for option in sorted(every - known[command].keys()):
            done = snapfix(command, f"{option}=1", expect=None)
            assert done.code == 2 and "unknown option" in done.err, f"{command} --help does not tell {option}: {done}"
        for option, takes_value in sorted(known[command].items()):
            if option in ("--uv-locked", "--name"):
                continue  # tests/uv has the first; the second is NAME
            args = list(words.get(command, []))
            if option == "--keep" and command == "finish":
                args.pop()
            if command == "run" and option in ("--keep", "--verdict", "--spares", "--pack", "--pack-env"):
                args.append("--finish")
            if option == "--night":
                p("run", "n", "--finish", "--", "true")
            if option == "--tasks":
                args.append("--join")
            if takes_value:
                args.append(f"{option}={own_values.get((command, option), values.get(option))}")
            else:
                args.append(option)
            if command == "remove":
                p.create("gone")
                args.append("gone")
            if command in ("verify", "finish", "show"):
                p.create("t", "--fresh")
            if command in ("enter", "rerun", "diff", "pack", "repro"):
                p("run", "t", "--fresh", "--", "true")
            if command == "repro":
                p("pack", "t", "-o", tmp / "made.pack")
                args = args[:1] + args[3 if option == "--source" else 1:5 if option != "--root" else 3] + args[5:]
            where = [] if command in ("completion", "doctor", "uv-lint", "repro") or option in ("--source", "--root") else ["--root", p.root]
            if command == "hold" and option not in ("--slurm", "--until"):
                args.append("--until=1d")
            command_line = [command, *args, *where, *(["--", "true"] if command == "run" else [])]
            if command == "repro" and option != "--fresh":
                command_line.append("--fresh")
            if command in ("create", "run") and option not in ("--fresh", "--reuse", "--update"):
                command_line.insert(1, "--fresh")
            # Nobody waits for that job.
            expect = 125 if command == "job" and option != "--help" else 0
            snapfix(*command_line, cwd=p.source, env={"SNAPFIX_ROOT": p.root}, expect=expect)
            if command == "hold":
                p("release", "t")


def test_help_names_what_the_contract_has():
    frozen = ["--source", "--root", "--files", "--git", "--include", "--link-from"]
    tree = frozen + ["--exclude", "--copy", "--link-mode", "--strict", "--base", "--frozen", "--jobs"]
    for command, options in {
        "freeze": frozen + ["--ctest", "--json"],
        "create": tree + ["--fresh", "--ctest", "--json", "--wait"],
        "run": tree + ["--fresh", "--chdir", "--map-source", "--launcher", "--guard", "--source-writes", "--finish", "--keep", "--verdict",
                       "--wait", "--ctest"],
        "job": ["--root"],
        "enter": ["--root", "--guard", "--wait"],
        "rerun": ["--root", "--fresh", "--wait", "--json-report"],
        "diff": ["--root", "--patch", "--null", "--json"],
        "pack": ["--root", "--output", "--env", "--max-size", "--wait"],
        "repro": ["--source", "--root", "--as", "--fresh", "--run", "--max-size", "--wait"],
        "verify": ["--root", "--content", "--json"],
        "finish": ["--root", "--keep", "--verdict", "--wait", "--ctest", "--json"],
        "finish-run": ["--root", "--report", "--json"],
        "report": ["--root", "--output", "--night", "--json"],
        "uv-lint": ["--fix", "--assume-locked", "--ctest", "--json"],
        "remove": ["--root", "--wait"],
        "list": ["--root", "--json"],
        "show": ["--root", "--json"],
        "prune": ["--root", "--keep", "--older-than", "--dry-run", "--json"],
        "doctor": ["--json"],
    }.items():
        text = snapfix(command, "--help").out
        for option in options:
            assert option in text, f"{command} --help does not tell {option}"


def test_version():
    out = snapfix("--version").out
    assert out.startswith("snapfix ") and any(c.isdigit() for c in out), out


def test_no_command(tmp):
    refused(tmp, says=("--help",))


def test_what_ctest_appends_is_looked_at_by_the_command_alone(tmp):
    """`ctest -- ARGUMENT...`; without --ctest, words behind -- are words."""
    p = Project(tmp)
    appended = ("--ctest", "--", "--xyzzy", "another", "--", "")
    p("freeze", *appended)
    p("create", "t", *appended)
    assert p("run", "t", "--ctest", "--", "echo", *appended[1:]).out == "-- --xyzzy another -- \n"
    p("finish", "t", *appended)
    assert p.names() == []
    snapfix("uv-lint", p.source, *appended)
    assert p("freeze", "--", "another", expect=2).err and p("create", "t", "--", "another", expect=2).err
    p("create", "--", "-x")
    assert len(p.names()) == 1


def test_unknown_command_and_what_was_meant(tmp):
    refused(tmp, "crate", says=("crate", "create"))
    refused(tmp, "Create", says=("create",))
    for other, ours in (("ls", "list"), ("rm", "remove"), ("status", "show")):
        refused(tmp, other, says=(f"did you mean {ours}?",))
    refused(tmp, "--root", "x")
    refused(tmp, "xyzzy", says=("xyzzy",))


def test_unknown_option_and_what_was_meant(tmp):
    refused(tmp, "create", "t", "--fersh", says=("--fersh", "--fresh"))
    refused(tmp, "create", "t", "--linkmode", "copy", says=("--link-mode",))
    refused(tmp, "list", "--jsn", says=("--json",))
    refused(tmp, "create", "t", "--xyzzy", says=("--xyzzy",))
    refused(tmp, "create", "t", "-x")
    refused(tmp, "list", "--fresh", says=("--fresh",))


def test_abbreviations_are_refused(tmp):
    refused(tmp, "create", "t", "--jo", "2", says=("--jobs",))
    refused(tmp, "create", "t", "--fres", says=("--fresh",))
    refused(tmp, "freeze", "--sour=.", says=("--source",))


def test_stray_words(tmp):
    refused(tmp, "freeze", "stray", says=("stray",))
    refused(tmp, "create", "t", "stray", says=("stray",))
    refused(tmp, "list", "stray", says=("stray",))
    refused(tmp, "show", "t", "stray", says=("stray",))
    refused(tmp, "run", "t", "stray", "--", "true", says=("stray",))
    refused(tmp, "doctor", "one", "two")


def test_missing_words(tmp):
    for command in ("create", "verify", "finish", "remove", "show", "run"):
        refused(tmp, command)
    refused(tmp, "run", "t", says=("--",))
    refused(tmp, "run", "t", "--")
    refused(tmp, "run", "--", "true")


def test_missing_values(tmp):
    refused(tmp, "freeze", "--source", says=("--source",))
    refused(tmp, "create", "t", "--files")
    refused(tmp, "freeze", "--root=")
    refused(tmp, "create", "t", "--fresh=yes", says=("--fresh",))


def test_a_value_that_looks_like_an_option(tmp):
    refused(tmp, "create", "t", "--root", "--fresh", says=("--root",))


def test_numbers(tmp):
    for bad in ("-3", "-1", "0x10", "1.5", "", " 3", "3 ", "+3", "99999999999999999999", "many"):
        refused(tmp, "create", "t", f"--jobs={bad}", says=("--jobs",))
    for command, option in (("create", "--wait"), ("create", "--jobs"), ("prune", "--keep"), ("finish", "--spares")):
        words = ["t"] if command != "prune" else []
        for bad in ("-1", "x", "1x", "1 ", "--1", "0x1"):
            refused(tmp, command, *words, f"{option}={bad}", says=(f"{option} takes a whole number", f"'{bad}'"))
        refused(tmp, command, *words, f"{option}=", says=(f"{option} needs a value",))
        refused(tmp, command, *words, option, says=(f"{option} needs a value",))
        refused(tmp, command, *words, option, "-1", says=(f"{option} takes a whole number", "'-1'"))
        refused(tmp, command, *words, f"{option}=99999999999999999999", says=(f"{option} takes", "at most"))
    p = Project(tmp)
    p.create("t")
    for command in (["create", "t"], ["run", "t", "--", "true"], ["finish", "t"], ["remove", "t"]):
        for bad in ("x", "1x", "-1"):  # also where nobody is waited for
            done = p(command[0], command[1], f"--wait={bad}", *command[2:], expect=2)
            assert "--wait takes a whole number" in done.err, done
    assert p.names() == ["t"]
    refused(tmp, "finish", "t", "--verdict=skip=4294967373", says=("skip=N",))  # 77 in 32 bits
    for bad in ("-1d", "1", "d", "1y", "", "1 d", "9999999d", "99999999999999999999d"):
        refused(tmp, "prune", f"--older-than={bad}", says=("--older-than",))
    refused(tmp, "prune", "--older-than", "-1d", says=("'-1d'",))


def test_words_of_a_choice(tmp):
    for option, right in (("--files", "tracked"), ("--link-from", "store"), ("--link-mode", "hardlink")):
        refused(tmp, "create", "t", f"{option}=wrong", says=(option, right))
    refused(tmp, "finish", "t", "--keep=sometimes", says=("--keep", "on-failure"))
    refused(tmp, "run", "t", "--source-writes=no", "--", "true", says=("--source-writes", "deny"))


def test_what_the_guard_does_needs_the_guard(tmp):
    p = Project(tmp)
    for writes in ("deny", "report"):
        refused(tmp, "run", "t", "--guard=off", "--source-writes", writes, "--", "true", says=("--guard off", "leave out one"))
    for options in (["--source-writes", "allow"], [], ["--source-writes", "deny", "--ctest"]):
        p("run", "t", "--guard", "off", *options, "--", "true")


def test_a_path_is_no_name(tmp):
    """Slashes may be in names, but who gives a path means what lies there."""
    p = Project(tmp)
    p.create("in1")
    root = p.root.name
    for path in (".", "..", "./x", "../x", "/x", f"{root}/in1", root + "/", f"./{root}/in1"):
        for command in (["create", path], ["run", path, "--", "true"]):
            done = snapfix(*command, "--source", p.source, "--root", p.root, cwd=tmp, expect=2)
            assert "is a path, no name" in done.err and "--root" in done.err, done
            assert (f"in1 --root {p.root}" in done.err) == path.endswith("in1"), done
    assert p.names() == ["in1"]
    for name in ("a/b", ".hidden", "..."):
        snapfix("create", name, "--source", p.source, "--root", p.root, cwd=tmp)
    snapfix("create", "--name=./x", "--source", p.source, "--root", p.root, cwd=tmp)
    snapfix("run", "./x", "--source", p.source, "--root", p.root, "--", "true", cwd=tmp)  # it stands
    p("create", "../x", "--ctest")
    assert len(p.names()) == 6, p.names()


def test_twice(tmp):
    refused(tmp, "freeze", "--source", ".", "--source", ".", says=("--source",))


def test_nothing_is_made_by_wrong_usage(tmp):
    p = Project(tmp)
    for args in (["create", "t", "--oops"], ["create", "t", "--jobs=-3"], ["run", "t"]):
        refused(p.source, *args)
    assert sorted(os.listdir(p.source)) == [".git", "a.txt", "dir"]


def test_right_spellings(tmp):
    p = Project(tmp)
    for args in (["--jobs=1"], ["--jobs", "2"], ["--jobs", "auto"], ["--files=all"], ["--include", "*.x", "--include", "*.y"],
                 ["--strict"], ["--link-mode", "copy"]):
        p("create", "t", "--fresh", *args)
    assert p("create", "t", "--fresh", "--wait", "0").code == 0
    assert p("create", "--wait=5", "u").code == 0, "options may stand before the name"


def told_at_a_terminal(command, **env):
    """What a command says on a stderr that is a terminal; its stdout is none."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([harness.snapfix_path(), *map(str, command)], env=harness.clean_env(**env), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    out = process.communicate(timeout=60)[0]
    said = b""
    try:
        while piece := os.read(ours, 4096):
            said += piece
    except OSError:  # the last one has closed it
        pass
    os.close(ours)
    return out.decode(), said.decode().replace("\r\n", "\n")


def test_colours_at_a_terminal(tmp):
    p = Project(tmp)
    p.create("train")
    command = ["show", "trian", "--root", p.root]
    plain = p("show", "trian", expect=1).err
    assert "\x1b" not in plain
    said = told_at_a_terminal(command, TERM="xterm", NO_COLOR=None)[1]
    assert "\x1b[1;31merror\x1b[0m: " in said and "\x1b[1;32mhint\x1b[0m: " in said, said
    assert re.sub(r"\x1b\[[0-9;]*m", "", said) == plain, said
    for env in ({"TERM": "dumb"}, {"TERM": None}, {"TERM": "xterm", "NO_COLOR": "1"}):
        assert told_at_a_terminal(command, **{"NO_COLOR": None, **env})[1] == plain, env
    assert "\x1b[" in told_at_a_terminal(command, TERM="xterm", NO_COLOR="")[1], "an empty one says nothing"
    assert "\x1b" not in told_at_a_terminal(["list", "--root", p.root], TERM="xterm", NO_COLOR=None)[0], "stdout is a pipe"


def test_remedies_one_a_line(tmp):
    p = Project(tmp)
    p.create("t")
    p.write({"a.txt": "2\n"})
    hints = [line for line in p("create", "t", expect=1).err.splitlines() if line.startswith("hint: ")]
    assert len(hints) == 5, hints
    for way in ("--reuse", "--update", "--fresh", "snapfix remove t"):
        assert any(way in hint for hint in hints), hints


def test_words_are_plain_where_nobody_watches(tmp):
    """No colour, no progress where stderr is no terminal."""
    p = Project(tmp)
    done = p("create", "t", env={"TERM": "xterm"})
    assert "\x1b" not in done.err + done.out and "\r" not in done.err + done.out, done


def test_long_work_says_once_how_far_it_has_come(tmp):
    """Where nobody watches: a note, after so many seconds as the variable says, else five."""
    p = Project(tmp, {f"d{n % 3}/f{n}": "x" for n in range(30)})
    at_once = {"env": {"SNAPFIX_PROGRESS": "0"}}
    said = {
        ("create", "t"): ("looking at the files of", "reading changed files of", "making the snapshot"),
        ("verify", "t"): ("verifying 't'",),
        ("list",): ("looking at the files of 't'",),
        ("remove", "t"): ("removing 't'",),
        ("prune",): ("looking at the objects of the store",),
    }
    for command, works in said.items():
        done = p(*command, **at_once)
        for work in works:
            lines = [line for line in done.err.splitlines() if line.startswith(f"snapfix: note: {work}")]
            assert lines and lines[0].endswith(" so far"), f"nothing tells of {work!r}:\n{done}"
        assert "\x1b" not in done.err and "\r" not in done.err, done
    p.create("t")
    for env in ({}, {"SNAPFIX_PROGRESS": "off"}, {"SNAPFIX_PROGRESS": "3600"}):
        assert p("verify", "t", env=env).err == "", env
    for bad in ("-1", "soon", "1.5", "5s"):
        refused = p("verify", "t", env={"SNAPFIX_PROGRESS": bad}, expect=None)
        assert refused.code == 1 and "SNAPFIX_PROGRESS" in refused.err and "hint: " in refused.err, refused


def test_long_work_on_a_terminal(tmp):
    p = Project(tmp, {f"f{n}": "x" for n in range(30)}, git="off")
    p.create("t")

    def on_terminal(seconds):
        command = [sys.executable, "-B", "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))", harness.snapfix_path(), "verify", "--root", p.root, "t"]
        return harness.run(command, env={"SNAPFIX_PROGRESS": seconds}).out

    shown = on_terminal("0")
    assert "\r\x1b[Ksnapfix: verifying 't' " in shown and "/30" in shown, shown
    assert shown.rindex("\r\x1b[K") > shown.rindex("/30"), "it is wiped"
    assert "\x1b" not in on_terminal("off")


def test_stdout_that_cannot_be_written_is_a_failure(tmp):
    p = Project(tmp)
    done = harness.run(["sh", "-c", '"$0" create t --source "$1" --root "$2" >/dev/full', harness.snapfix_path(), p.source, p.root], expect=None)
    assert done.code == 1 and "snapfix: error: " in done.err, done


if __name__ == "__main__":
    harness.main()
