"""Strict arguments: what is not understood is refused with exit code 2, and says what was meant."""

import os

import harness
from harness import snapfix
from project import Project

k_commands = ("freeze", "create", "run", "verify", "finish", "remove", "list", "show", "prune", "doctor")


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


def test_help_names_what_the_contract_has():
    frozen = ["--source", "--root", "--files", "--include", "--link-from"]
    tree = frozen + ["--exclude", "--copy", "--link-mode", "--strict", "--base", "--frozen", "--jobs"]
    for command, options in {
        "freeze": frozen + ["--ctest", "--json"],
        "create": tree + ["--fresh", "--ctest", "--json", "--wait"],
        "run": tree + ["--fresh", "--chdir", "--map-source", "--wait", "--ctest"],
        "verify": ["--root", "--content", "--json"],
        "finish": ["--root", "--keep", "--will-fail", "--skip-return-code", "--judged-by-output", "--wait",
                   "--ctest", "--json"],
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
    for bad in ("-1", "x", ""):
        refused(tmp, "create", "t", f"--wait={bad}", says=("--wait",))
        refused(tmp, "prune", f"--keep={bad}", says=("--keep",))
        refused(tmp, "finish", "t", f"--skip-return-code={bad}", says=("--skip-return-code",))


def test_words_of_a_choice(tmp):
    for option, right in (("--files", "tracked"), ("--link-from", "store"), ("--link-mode", "hardlink")):
        refused(tmp, "create", "t", f"{option}=wrong", says=(option, right))
    refused(tmp, "finish", "t", "--keep=sometimes", says=("--keep", "on-failure"))


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


def test_words_are_plain_where_nobody_watches(tmp):
    """No colour, no progress where stderr is no terminal."""
    p = Project(tmp)
    done = p("create", "t", env={"TERM": "xterm"})
    assert "\x1b" not in done.err + done.out and "\r" not in done.err + done.out, done


def test_stdout_that_cannot_be_written_is_a_failure(tmp):
    p = Project(tmp)
    done = harness.run(["sh", "-c", '"$0" create t --source "$1" --root "$2" >/dev/full', harness.snapfix_path(), p.source, p.root], expect=None)
    assert done.code == 1 and "snapfix: error: " in done.err, done


if __name__ == "__main__":
    harness.main()
