"""What a ctest run ends with: what of the source is not as it was frozen. One shell stands for ctest."""

import os

import harness
from harness import run, snapfix_path
from project import Project, assert_says, every_stat

k_files = {"a": "a\n", "dir/b": "b\n", "dir/c": "c\n", "tool": "#!/bin/sh\n"}


def run_of(p, script, *options, freeze=("",), expect=0, git=True):
    """Freezes, runs a script in the source, and ends the run; the result of the latter."""
    words = f"--source '{p.source}' --root '{p.root}'"
    freezes = "".join(f"\"$SNAPFIX\" freeze --ctest {words} {more} >&2\n" for more in freeze)
    return run(["sh", "-ec", f"{freezes}cd '{p.source}'\n{script}\n\"$SNAPFIX\" finish-run --root '{p.root}' \"$@\"", "-", *options],
               env={"SNAPFIX": snapfix_path()}, expect=expect)


def changes(p, script, **more):
    report = run_of(p, script, "--json", expect=3, **more).json()
    return {(entry["path"], entry["change"]) for source in report["sources"] for entry in source["changes"]}


def test_nothing_has_changed(tmp):
    p = Project(tmp, k_files)
    (p.source / "untracked").write_text("x")
    for script in ("true", "cat a dir/b >/dev/null", "echo y >untracked; echo z >another", "git status >/dev/null",
                   "mkdir build; echo >build/CMakeCache.txt", "chmod 600 a; chmod 644 a", "ln a link; rm link",
                   "cp -p dir/b new; touch -r dir/b new; mv new dir/b; chmod 644 dir/b"):
        done = run_of(p, script)
        assert done.out == "" and "changed" not in done.err, done
    assert run_of(p, "true", "--json").json() ["sources"] == [{"source": str(p.source), "changes": [], "error": None}]


def test_it_writes_nothing(tmp):
    p = Project(tmp, k_files)
    before = every_stat(p.source)
    run_of(p, "true")
    assert every_stat(p.source) == before


def test_each_change(tmp):
    for number, (script, expected) in enumerate({
        "echo more >>a": {("a", "changed")},
        "echo A >a": {("a", "changed")},
        "touch -d 2001-02-03 a": {("a", "changed")},
        "touch -r a ../times; echo b >a; touch -r ../times a": {("a", "changed")},  # as long, and as old
        "cp a new; echo b >new; touch -r a new; mv new a": {("a", "changed")},
        "chmod +x a": {("a", "changed")},
        "chmod 700 dir": {("dir", "changed")},
        "rm a": {("a", "removed")},
        "rm -r dir": {("dir/b", "removed"), ("dir/c", "removed")},
        "mv dir other": {("dir/b", "removed"), ("dir/c", "removed")},
        "mv a dir/d; git add -N dir/d": {("a", "removed"), ("dir/d", "added"), (".git/index", "changed")},
        "echo >new; git add new": {("new", "added"), (".git/index", "changed")},
        "ln -sf dir/b a": {("a", "changed")},
        "rm a; mkdir a": {("a", "removed")},
        "git rm -q a; echo A >a": {("a", "removed"), (".git/index", "changed")},  # git does not track it any more
        "git commit -q --allow-empty -m x": {(".git/packed-refs", "changed")},
        "git checkout -q -b other": {(".git/HEAD", "changed"), (".git/packed-refs", "changed")},
        "git config user.name other": {(".git/config", "changed")},
        "git rev-parse HEAD >.git/MERGE_HEAD": {(".git/MERGE_HEAD", "added")},
    }.items()):
        p = Project(tmp / str(number), k_files)
        expected = {(path, {"removed": "gone", "added": "new"}.get(change, change)) for path, change in expected}
        assert changes(p, script) == expected, (script, changes(p, script))


def test_other_file_sets(tmp):
    p = Project(tmp, k_files)
    assert changes(p, "echo >new", freeze=("--files untracked",)) == {("new", "new")}
    assert changes(p, "echo >other; mkdir empty", freeze=("--files all",)) == {("other", "new"), ("empty", "new")}
    (p.source / "ignored").write_text("x")
    assert changes(p, "echo >ignored; rm other", freeze=("--include ignored", "")) == {("ignored", "changed")}
    # What two freezes have seen is told once.
    done = run_of(p, "echo >a", expect=3, freeze=("", "--files untracked"))
    assert done.err.count("'a' (changed)") == 1, done


def test_what_it_says(tmp):
    p = Project(tmp, {f"f{n}": "x\n" for n in range(30)})
    done = run_of(p, "for f in f*; do echo y >>$f; done", expect=3)
    assert_says(done, "the source", str(p.source), "changed while tests ran, by a test or by somebody else", "'f0' (changed)", "and 10 more", "hint: ", "ctest -R")
    assert done.err.count("(changed)") == 20, done
    assert "error" not in done.err.lower() and "fail" not in done.err.lower(), done


def test_under_valgrind(tmp):
    """Called by ctest it leaves valgrind, and so does the git that it starts."""
    harness.require("valgrind")
    if harness.is_sanitized():
        harness.skip("valgrind runs no helper that has a sanitizer")
    p = Project(tmp, k_files)
    run_of(p, f"""valgrind --trace-children=yes '--trace-children-skip=*/snapfix' \
        "$SNAPFIX" finish-run --ctest --root '{p.root}' 2>{tmp}/log""")
    said = (tmp / "log").read_text()
    assert "valgrind" in said.lower() and "SUMMARY" not in said, said


def test_arguments_of_ctest(tmp):
    """`ctest -- ARGUMENT...` gives them to all tests."""
    p = Project(tmp, k_files)
    run_of(p, "true", "--ctest", "--", "--json", "x")
    run_of(p, "true", "--", "x", expect=2)


def test_a_later_freeze_of_another_run(tmp):
    """Its record has taken the place of ours; the base is still there."""
    p = Project(tmp, k_files)
    other = f"sh -c '\"$SNAPFIX\" freeze --ctest --source {p.source} --root {p.root}; :' >/dev/null"
    assert changes(p, f"echo more >>a; {other}") == {("a", "changed")}


def test_no_run_to_end(tmp):
    p = Project(tmp, k_files)
    assert p("finish-run").out == ""  # there is no root
    p.freeze()
    assert p("finish-run", "--json").json()["sources"] == []
    p.write({"a": "changed\n"})
    assert p("finish-run").out == ""


def test_a_source_that_cannot_be_looked_at(tmp):
    p = Project(tmp, k_files)
    other = Project(tmp / "other", k_files)
    freeze_other = f"\"$SNAPFIX\" freeze --ctest --source '{other.source}' --root '{p.root}' >&2\n"
    for gone, back in (("mv .git ../git", "mv ../git .git"), ("mv .git/index ../index; echo broken >.git/index", "mv ../index .git/index"),
                       (f"mv '{p.source}' '{p.source}.away'", f"mv '{p.source}.away' '{p.source}'")):
        done = run_of(p, f"{freeze_other}echo more >>'{other.source}/a'\n{gone}", "--json", expect=3)
        run(["sh", "-ec", back], cwd=p.source if ".git" in gone else tmp)
        assert_says(done, "note: nobody can tell whether the source", str(p.source), str(other.source), "'a' (changed)")
        told = {source["source"]: source for source in done.json()["sources"]}
        assert told[str(p.source)]["error"] and told[str(other.source)]["error"] is None, done
        assert told[str(other.source)]["changes"], done
    p = Project(tmp / "lost", k_files)
    done = run_of(p, f"rm {p.root}/.snapfix/bases/*", expect=1)
    assert_says(done, "base", "is lost or damaged")


if __name__ == "__main__":
    harness.main()
