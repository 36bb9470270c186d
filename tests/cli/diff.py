"""diff: names and patches of what differs between snapshots, or from what one was made of."""

import os

import harness
from harness import git, run
from project import Project, assert_fails, assert_says


def changed(p, *args, expect=1):
    return p("diff", *args, expect=expect).out


k_files = {"a": "a\n", "d/b": "b\n", "d/e/f": "f\n", "x.sh": "x\n", "same": "same\n"}
k_script = ('echo more >>a; rm d/b; mkdir -p n/m; echo new >n/m/o; mkdir empty; chmod +x x.sh; mkfifo pipe; ln -s a link;'
            ' rm d/e/f; ln -s elsewhere d/e/f; touch same')


def test_from_what_it_was_made_of(tmp):
    p = Project(tmp, k_files)
    p.create("t")
    assert changed(p, "t", expect=0) == ""
    p("run", "t", "--", "sh", "-c", k_script)
    assert changed(p, "t") == "M\ta\nD\td/b\nT\td/e/f\nA\tlink\nA\tn/m/o\nM\tx.sh\n"
    p.write({"same": "other\n"})
    assert "same" not in changed(p, "t"), "the source has gone on since"
    report = p("diff", "t", "--json", expect=1).json()
    base = p("show", "t", "--json").json()["base"]
    assert (report["name"], report["from"], report["base"]) == ("t", None, base), report
    assert {"path": "n/m/o", "change": "A"} in report["changes"] and report["schema_version"] == 1, report


def test_two_snapshots(tmp):
    p = Project(tmp, k_files)
    for name in ("old", "new"):
        p.create(name)
    assert changed(p, "old", "new", expect=0) == ""
    p("run", "new", "--", "sh", "-c", k_script)
    assert changed(p, "old", "new") == changed(p, "new")
    assert "A\td/b\n" in changed(p, "new", "old")
    p("run", "old", "--", "sh", "-c", k_script)
    assert changed(p, "old", "new", expect=0) == "", "the same by other inodes"
    report = p("diff", "old", "new", "--json", expect=0).json()
    assert (report["name"], report["from"], report["base"], report["changes"]) == ("new", "old", None, []), report
    p.write({"a": "edited\n"})
    p.create("third", "--exclude", "x.sh")
    assert changed(p, "third", expect=0) == "", "what was left out does not differ"
    assert "D\tx.sh\n" in changed(p, "old", "third") and "M\ta\n" in changed(p, "old", "third")


def test_copies_and_links_from_the_source(tmp):
    p = Project(tmp, k_files)
    for name, option in (("copies", "--link-mode=copy"), ("linked", "--link-from=source")):
        p.create(name, option)
        assert changed(p, name, expect=0) == ""
        p("run", name, "--", "sh", "-c", k_script)
        assert changed(p, name) == "M\ta\nD\td/b\nT\td/e/f\nA\tlink\nA\tn/m/o\nM\tx.sh\n"
        assert "+more" in changed(p, name, "-p")


k_odd = [b"tab\there", b"quote\"d", b"back\\slash", b"line\nbreak", b"bell\a\b\v\f\r", "umlaut ü".encode(), b"no utf-8 \xff\x7f\x01", b"blank s"]


def test_odd_names_as_git_has_them(tmp):
    p = Project(tmp, {"a": "a\n"})
    top = os.fsencode(p.create("t"))
    for name in k_odd:
        with open(os.path.join(top, name), "wb") as out:
            out.write(b"x\n")
    git(top, "init", "-q")
    git(top, "add", "-A")
    wanted = "".join(f"A\t{line[2:]}\n" for line in git(top, "diff", "--cached", "--name-status").out.splitlines() if not line.endswith("\ta"))
    assert changed(p, "t") == wanted and len(wanted.splitlines()) == len(k_odd), wanted
    nul = git(top, "diff", "--cached", "--name-status", "-z").out.split("\0")
    assert changed(p, "t", "-z").split("\0")[:-1] == [word for i in range(0, len(nul) - 1, 2) if nul[i + 1] != "a" for word in nul[i:i + 2]]
    hexes = [change.get("path_hex") for change in p("diff", "t", "--json", expect=1).json()["changes"]]
    assert b"no utf-8 \xff\x7f\x01".hex() in hexes, hexes


def test_git_folders_are_left_out(tmp):
    p = Project(tmp, k_files)
    top = p.create("t")
    run(["git", "init", "-q", top])
    run(["git", "init", "-q", top / "d"])
    assert changed(p, "t", expect=0) == ""


def test_a_patch_that_applies(tmp):
    """To what the snapshot was made of it gives what it is, but for what git does not know: empty folders, FIFOs."""
    p = Project(tmp, {**k_files, "bin": b"\0\1\2", "odd \"ü\"": "1\n"})
    p("run", "t", "--", "sh", "-c", k_script + '; printf "\\\\0\\\\3" >bin; echo 2 >>"odd \\"ü\\""; touch "new empty"; rm pipe')
    patch = tmp / "patch"
    patch.write_text(changed(p, "t", "--patch"))
    git(p.source, "apply", "--stat", patch)
    git(p.source, "apply", "--index", patch)
    harness.remove_tree(p.root / "t/empty")
    names = p.git("ls-files", "-z").out.split("\0")[:-1]
    for name in names:
        ours, theirs = p.source / name, p.root / "t" / name
        assert ours.is_symlink() == theirs.is_symlink() and (ours.is_symlink() or ours.read_bytes() == theirs.read_bytes()), name
        assert ours.is_symlink() or (ours.stat().st_mode & 0o100) == (theirs.stat().st_mode & 0o100), name
    assert p("diff", "t", "-p", expect=1, cwd="/").out == patch.read_text(), "it is the same from anywhere"


def test_a_patch_runs_nothing_of_the_user(tmp):
    """Nor of the work tree in which the root lies."""
    p = Project(tmp, k_files, root=tmp / "source/.snapshots")
    marker = tmp / "ran"
    program = tmp / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    config = tmp / "config"
    for name, value in (("diff.external", program), ("diff.x.textconv", program), ("diff.x.command", program), ("core.pager", program),
                        ("core.fsmonitor", program), ("color.ui", "always"), ("diff.noprefix", "false"), ("core.attributesFile", tmp / "attributes")):
        run(["git", "config", "--file", config, name, value])
        p.git("config", name, value)
    (tmp / "attributes").write_text("* diff=x\n")
    p("run", "t", "--", "sh", "-c", 'echo more >>a; echo "* diff=x" >.gitattributes')
    done = p("diff", "t", "-p", expect=1, env={"GIT_CONFIG_GLOBAL": config, "GIT_EXTERNAL_DIFF": program, "GIT_PAGER": program,
                                            "XDG_CONFIG_HOME": tmp, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "diff.external",
                                            "GIT_CONFIG_VALUE_0": program})
    assert "+more" in done.out and "\x1b" not in done.out and "--- a/a\n+++ b/a\n" in done.out, done
    assert not marker.exists()
    assert not os.listdir(p.root / ".snapfix/work") and not [n for n in os.listdir(p.root / ".snapfix/locks") if "diff" in n]


def test_nothing_is_touched(tmp):
    p = Project(tmp, k_files)
    p("run", "t", "--", "sh", "-c", k_script)
    seen = harness.tree_state(p.root / "t")
    for option in ([], ["-p"], ["-z"], ["--json"]):
        p("diff", "t", *option, expect=1)
    assert harness.tree_state(p.root / "t") == seen


def test_trouble(tmp):
    p = Project(tmp)
    assert_fails(p("diff", "t", expect=None), 2, "there are no snapshots")
    p.create("t")
    assert_fails(p("diff", "u", expect=None), 2, "there is no snapshot 'u'")
    assert_fails(p("diff", "t", "u", expect=None), 2, "there is no snapshot 'u'")
    assert_says(p("diff", "t", "-p", "-z", expect=2), "exclude each other")
    assert p("diff", "t", "t", "t", expect=2).err
    base = p("show", "t", "--json").json()["base"]
    (p.root / "t/a.txt").write_text("x\n")
    assert_fails(p("diff", "t", "-p", expect=None, env={"PATH": tmp}), 2, "git", "-p")
    (p.root / ".snapfix/bases" / base).unlink()
    assert_fails(p("diff", "t", expect=None), 2, "is lost or damaged")


if __name__ == "__main__":
    harness.main()
