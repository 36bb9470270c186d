"""Completion, in the real shells: what Tab would put in place of the word at the cursor."""

import os
import pty
import re
import shlex
import shutil
import subprocess

import harness
from harness import snapfix
from project import Project


def by_helper(*words, cwd=None, env=None, shell="bash"):
    """The candidates for the last word, as the helper gives them: {word: what it means}."""
    out = snapfix("completion", shell, f"--current={words[-1]}", "--", "snapfix", *words[:-1], cwd=cwd, env=env).out
    return dict(line.split("\t", 1) for line in out.splitlines())


def bash(line, cwd, extra=""):
    """What bash's function leaves in COMPREPLY for a line with the cursor at its end."""
    script = f"""
        {extra}
        PATH={shlex.quote(os.path.dirname(harness.snapfix_path()))}:$PATH
        eval "$(snapfix completion bash)"
        compopt() {{ :; }}
        # As readline parts a line: at spaces, and = and : are words of their own.
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_TYPE=9
        COMP_WORDS=({line_words(line)})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _snapfix
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return [word for word in harness.run(["bash", "--norc", "-c", script], cwd=cwd).out.splitlines() if word]


def line_words(line):
    words = re.findall(r"\"[^\"]*\"?|'[^']*'?|[=:]+|(?:\\.|[^\s=:\"'])+", line)
    if line.endswith((" ", "=", ":")) and not line.endswith("\\ "):
        words.append("")
    return " ".join(shlex.quote(word) for word in words)


def fish(line, cwd):
    harness.require("fish")
    script = f"""
        set -x PATH {shlex.quote(os.path.dirname(harness.snapfix_path()))} $PATH
        snapfix completion fish | source
        complete -C {shlex.quote(line)}
    """
    out = harness.run(["fish", "--no-config", "-c", script], cwd=cwd, env={"HOME": cwd, "TERM": "dumb"}).out
    return [word.split("\t")[0] for word in out.splitlines()]


def zsh(line, cwd):
    """Tab, pressed twice in a real zsh on a terminal of its own; the list that it shows, or the line that it made."""
    harness.require("zsh")
    setup = f"""
        PS1='> '; unsetopt prompt_sp zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste
        PATH={shlex.quote(os.path.dirname(harness.snapfix_path()))}:$PATH
        autoload -U compinit; compinit -u -D
        eval "$(snapfix completion zsh)"
        zstyle ':completion:*' list-prompt ''
        bindkey '^X' show-buffer; show-buffer() {{ print -r -- "<<$BUFFER>>" >$out; exit }}; zle -N show-buffer
        setopt noauto_menu nobeep list_packed
        COLUMNS=500 LINES=200
    """
    (cwd / "rc").mkdir(exist_ok=True)
    (cwd / "rc" / ".zshrc").write_text(setup)
    shown = cwd / "rc" / "shown"
    outer, inner = pty.openpty()
    env = harness.clean_env(ZDOTDIR=cwd / "rc", HOME=cwd, out=shown, TERM="dumb")
    shell = subprocess.Popen(["zsh", "-i"], stdin=inner, stdout=inner, stderr=inner, cwd=cwd, env=env, start_new_session=True)
    os.close(inner)
    seen = b""
    try:
        os.set_blocking(outer, False)

        def read():
            nonlocal seen
            try:
                seen += os.read(outer, 65536)
            except BlockingIOError:
                pass
            except OSError:
                return True
            return False

        harness.eventually(lambda: read() or seen.endswith(b"> "), "zsh asks for a line", 40)
        os.write(outer, line.encode() + b"\t\t")
        count = len(seen)
        harness.eventually(lambda: read() or len(seen) > count + len(line), "zsh answers", 40)
        os.write(outer, b"\x18")
        harness.eventually(lambda: read() or shown.exists() and shown.read_text().endswith("\n"), "zsh shows its line", 40)
        return shown.read_text().strip()[2:-2], seen.decode(errors="replace")
    finally:
        shell.kill()
        shell.wait()
        os.close(outer)
        shown.unlink(missing_ok=True)


def test_the_table_is_that_of_help(tmp):
    """Each command, and each of its options, as --help has them."""
    overview = snapfix("--help").out
    commands = re.findall(r"^  ([a-z-]+) ", overview.split("Commands:")[1].split("'snapfix help")[0], re.M)
    assert set(by_helper("")) == {*commands, "help", "--help", "--version"}
    assert set(by_helper("help", "")) == set(commands)
    for command in commands:
        options = re.findall(r"^  (?:-\w \[ )?(--[a-z-]+)", snapfix(command, "--help").out, re.M)
        assert sorted(by_helper(command, "--")) == sorted(options), command
    assert by_helper("create", "--fre") == {"--fresh": "bring a snapshot that exists to the pristine, present state"}


def test_values(tmp):
    p = Project(tmp, {"a.txt": "a\n"})
    for name in ("one", "two", "odd name", "a::b"):
        p("create", name)
    at = {"cwd": p.source, "env": {"SNAPFIX_ROOT": str(p.root), "MINE": "1"}}
    assert set(by_helper("run", "--guard", "", **at)) == {"auto", "on", "off"}
    assert set(by_helper("run", "--guard=o", **at)) == {"--guard=on", "--guard=off"}
    assert set(by_helper("run", "", **at)) == {"one", "two", "odd name", "a::b"}
    assert set(by_helper("diff", "one", "t", **at)) == {"two"}
    assert set(by_helper("remove", "one", "", **at)) >= {"two", "odd name"}
    assert set(by_helper("show", "--name", "o", **at)) == {"one", "odd name"}
    # The root of the line, and no other.
    assert by_helper("show", "", cwd=tmp) == {}
    assert set(by_helper("show", f"--root={p.root}", "", cwd=tmp)) == set(by_helper("show", "--root", p.root, "", cwd=tmp)) == {"one", "two", "odd name", "a::b"}
    assert by_helper("show", "--root", tmp / "nowhere", "", cwd=tmp) == {}
    assert "MINE" in by_helper("pack", "one", "--env", "M", **at)
    assert list(by_helper("pack", "one", "-o", "", **at)) == list(by_helper("repro", "", **at)) == [":files"]
    assert list(by_helper("show", "--root", "", **at)) == list(by_helper("doctor", "", **at)) == [":folders"]
    assert list(by_helper("run", "one", "--", "", **at)) == list(by_helper("run", "one", "--", "ls", "-", **at)) == [":command"]
    assert set(by_helper("completion", "")) == {"bash", "zsh", "fish"}
    assert by_helper("nonsense", "") == by_helper("list", "") == {}
    assert not (tmp / "nowhere").exists()


def test_names_that_look_like_something_else(tmp):
    p = Project(tmp, {"a.txt": "a\n"})
    for name in ("one", "-dash", "a\tb", "two\nlines"):
        p("create", f"--name={name}")
    at = {"cwd": p.source, "env": {"SNAPFIX_ROOT": str(p.root)}}
    assert set(by_helper("show", "", **at)) == {"one", "--name=-dash"}  # the others' would be parted
    assert set(by_helper("show", "--name=", **at)) == {"--name=one", "--name=-dash"}
    assert set(by_helper("remove", "", **at)) == {"one"} and set(by_helper("remove", "--", "", **at)) == {"one", "-dash"}


def test_usage(tmp):
    done = snapfix("completion", "tcsh", expect=2)
    assert "bash, zsh, fish" in done.err, done
    assert "SHELL is missing" in snapfix("completion", expect=2).err


def shell_project(tmp):
    p = Project(tmp, {"a.txt": "a\n"})
    p.root = p.source / ".snapshots"
    for name in ("one", "odd name", "two::x"):
        snapfix("create", name, cwd=p.source)
    harness.write_files(p.source, {"file.pack": "", "folder/x": ""})
    return p.source


def test_bash(tmp):
    here = shell_project(tmp)
    assert bash("snapfix ver", here) == ["verify"]
    assert bash("snapfix run --gu", here) == ["--guard"]
    assert bash("snapfix run --guard ", here) == ["auto", "on", "off"]
    assert bash("snapfix run --guard=o", here) == ["on", "off"]
    assert bash("snapfix run --guard=", here) == ["auto", "on", "off"]
    assert sorted(bash("snapfix show ", here)) == ["odd\\ name", "one", "two::x"]
    assert bash('snapfix show "od', here) == ["odd name"]
    for name in ('d"$q\\', "it's"):
        snapfix("create", name, cwd=here)
    assert bash("snapfix show odd\\ ", here) == ["odd\\ name"]
    assert bash('snapfix show "d', here) == [r'd\"\$q\\']
    assert bash("snapfix show 'it", here) == [r"it'\''s"]
    assert bash("snapfix show it\\'", here) == [r"it\'s"]
    assert bash("snapfix show --root 'fo", here) == ["folder"]
    assert bash("snapfix show two:", here) == [":x"] or bash("snapfix show two::", here) == ["x"]
    assert bash("snapfix repro fi", here) == ["file.pack"]
    assert bash("snapfix doctor fo", here) == ["folder"]
    assert bash("snapfix show --root=fo", here) == ["folder"]
    assert "file.pack" in bash("snapfix run one -- cat fi", here)
    completions = "/usr/share/bash-completion/bash_completion"
    if os.path.exists(completions):  # it knows what stands behind --
        assert bash("snapfix run one -- cat fi", here, f". {completions}") == ["file.pack"]


def test_fish(tmp):
    here = shell_project(tmp)
    assert fish("snapfix ver", here) == ["verify"]
    assert fish("snapfix run --guard ", here) == ["auto", "on", "off"]
    assert fish("snapfix run --guard=o", here) == ["--guard=on", "--guard=off"]
    assert sorted(fish("snapfix show ", here)) == ["odd name", "one", "two::x"]
    assert fish("snapfix repro fi", here) == ["file.pack"]
    assert fish("snapfix doctor fo", here) == ["folder/"]
    assert fish("snapfix show --root=fo", here) == ["--root=folder/"]
    assert "file.pack" in fish("snapfix run one -- cat fi", here)


def test_zsh(tmp):
    here = shell_project(tmp)
    line, _ = zsh("snapfix ver", here)
    assert line == "snapfix verify ", line
    line, _ = zsh("snapfix show od", here)
    assert line == "snapfix show odd\\ name ", line
    line, seen = zsh("snapfix run --guard ", here)
    assert line == "snapfix run --guard " and re.search(r"auto\s+(on\s+off|off\s+on)\s", seen), seen
    line, _ = zsh("snapfix run --guard=au", here)
    assert line == "snapfix run --guard=auto ", line
    line, _ = zsh("snapfix show tw", here)
    assert line in ("snapfix show two::x ", "snapfix show two\\:\\:x "), line
    line, _ = zsh("snapfix repro file.p", here)
    assert line == "snapfix repro file.pack ", line
    line, _ = zsh("snapfix show --root=fol", here)
    assert line.startswith("snapfix show --root=folder/"), line
    line, _ = zsh("snapfix run one -- cat file.p", here)
    assert line == "snapfix run one -- cat file.pack ", line


if __name__ == "__main__":
    harness.main()
