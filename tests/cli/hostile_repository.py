"""A repository that means ill: git runs nothing that it names and writes nothing into it, and no index leads
out of the tree, into `.git`, or round in circles."""

import hashlib
import os
import shutil
import struct

import harness
from harness import git, make_repo, run, snapfix, write_files
from project import Project, assert_fails, assert_says

BLOB = hashlib.sha1(b"blob 0\0").digest()
FILE, LINK, GITLINK = 0o100644, 0o120000, 0o160000


def write_index(source, *entries):
    """An index with these entries, (path, mode) or a path, as they are given: git checks no path that it reads."""
    out = struct.pack(">4sII", b"DIRC", 2, len(entries))
    for entry in entries:
        path, mode = entry if isinstance(entry, tuple) else (entry, FILE)
        path = os.fsencode(path)
        stat = struct.pack(">10I", 0, 0, 0, 0, 0, 0, mode, 0, 0, 0)
        out += stat + BLOB + struct.pack(">H", min(len(path), 0xFFF)) + path
        out += b"\0" * (8 - (62 + len(path)) % 8)
    (source / ".git/index").write_bytes(out + hashlib.sha1(out).digest())


def state(folder):
    """Every file of a folder with its content, times and links."""
    found = {}
    for where, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(where, name)
            stat = os.lstat(path)
            content = harness.file_hash(path) if os.path.isfile(path) else None
            found[path] = (stat.st_mode, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_nlink, content)
    return found


class Mark:
    """A program that says that it ran."""

    def __init__(self, tmp):
        self.file = tmp / "ran"
        self.program = tmp / "program"
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >>{self.file}\nexec git-upload-pack "$@"\n')
        self.program.chmod(0o755)

    def assert_nothing_ran(self):
        assert not self.file.exists(), self.file.read_text()

    def assert_works(self, p, *command):
        """That git does run it where it may: else the test would prove nothing."""
        run(["git", *command], cwd=p.source, expect=None)
        assert self.file.exists(), command
        self.file.unlink()


def everything_that_lists(p):
    """Each of our commands that asks git, with and without untracked files."""
    for files in ("tracked", "untracked"):
        p("freeze", "--files", files, "--json")
        p("create", f"t_{files}", "--files", files)
    snapfix("uv-lint", p.source, expect=None)


def test_config_and_hooks_run_nothing_and_nothing_is_written(tmp):
    p = Project(tmp, {"a": "1", "d/b.bin": "2", ".gitattributes": "*.bin filter=f diff=f merge=f\n"})
    mark = Mark(tmp)
    for name in ("core.fsmonitor", "core.pager", "pager.ls-files", "core.editor", "core.sshCommand", "core.askPass",
                 "core.gitProxy", "core.alternateRefsCommand", "credential.helper", "filter.f.clean", "filter.f.smudge",
                 "filter.f.process", "diff.f.textconv", "diff.f.command", "diff.external", "merge.f.driver",
                 "gpg.program", "uploadpack.packObjectsHook", "sequence.editor", "core.hooksPath"):
        p.git("config", name, mark.program)
    for alias in ("ls-files", "rev-parse", "fetch"):
        p.git("config", f"alias.{alias}", f"!{mark.program}")
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout", "pre-auto-gc"):
        shutil.copy(mark.program, p.source / ".git/hooks" / hook)
    for target in ("normal", "perf", "event"):
        p.git("config", f"trace2.{target}Target", tmp / "trace")
    p.git("config", "core.untrackedCache", "true")
    p.git("config", "core.splitIndex", "false")
    mark.assert_works(p, "status")
    os.utime(p.source / "a", (1, 1))  # what a refresh of the index would write down
    before = state(p.source)
    everything_that_lists(p)
    mark.assert_nothing_ran()
    assert state(p.source) == before
    assert not (tmp / "trace").exists()


def partial_clone(tmp, mark):
    """A clone without the trees of what its sparse index leaves out."""
    origin = make_repo(tmp / "origin", {"top": "1", "in/a": "2", "out/d/e/b": "3"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    p = Project(tmp, plain=True)
    shutil.rmtree(p.source)
    run(["git", "clone", "-q", "--filter=tree:0", "--sparse", f"file://{origin}", p.source])
    p.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    tree = git(origin, "rev-parse", "HEAD:out").out.strip()
    packs = p.source / ".git/objects/pack"
    for index in packs.glob("*.idx"):
        if tree in git(p.source, "verify-pack", "-v", index).out:
            for part in packs.glob(index.stem + ".*"):
                part.unlink()
    p.git("config", "remote.origin.uploadpack", mark.program)
    return p


def test_nothing_is_fetched(tmp):
    mark = Mark(tmp)
    p = partial_clone(tmp, mark)
    before = state(p.source)
    p.expect_snapshot(p.create("t"), [b"in/a", b"top"])
    everything_that_lists(p)
    mark.assert_nothing_ran()
    assert state(p.source) == before
    p.git("config", "--worktree", "index.sparse", "false")  # then git wants the files that are left out
    assert_fails(p("freeze", expect=None), 1, "fetch")
    mark.assert_nothing_ran()
    mark.assert_works(p, "ls-files")


def test_a_list_that_lacks_something_is_an_error(tmp):
    """Whatever git is, what it leaves out is never taken for deleted."""
    p = Project(tmp, {"a": "1", "b": "2"})
    p.freeze()
    real = shutil.which("git")
    for ending in ("kill -9 $$", "exit 3", "printf 'H 100644 " + "0" * 40 + " 0\\tcut'", "printf 'nonsense\\0'",
                   "echo 'error: could not read a tree' >&2"):
        program = tmp / "bin/git"
        write_files(tmp, {"bin/git": f'#!/bin/sh\ncase "$*" in *ls-files*) {real} "$@"; {ending} ;; '
                                     f'*) exec {real} "$@" ;; esac\n'})
        program.chmod(0o755)
        path = f"{tmp}/bin:{os.environ['PATH']}"
        done = p("create", "t", env={"PATH": path}, expect=None)
        assert_fails(done, 1, "git")
        assert not (p.root / "t").exists()


def test_paths_that_lead_elsewhere_are_refused(tmp):
    write_files(tmp, {"outside": "secret"})
    p = Project(tmp, {"a": "1", "d/b": "2"})
    for path in ("../outside", str(tmp / "outside"), "d/../a", "d/..", "./a", ".", "..", "", "/", "d//b", "d/", ".git/config",
                 "d/.git/config", "a/", "../../../../../../etc/passwd"):
        for mode in (FILE, LINK, GITLINK):
            write_index(p.source, "a", (path, mode))
            for command in ("freeze", "create"):
                done = p(command, *(["t"] if command == "create" else []), expect=None, timeout=30)
                assert_fails(done, 1, "git")
            assert "no path of a tree" in done.err, done
            assert not (p.root / "t").exists()
            snapfix("uv-lint", p.source, expect=None, timeout=30)


def test_names_that_are_there_twice(tmp):
    p = Project(tmp, {"a": "1", "d/b": "2"})
    write_index(p.source, "a", "a", "d", "d/b", ("d/b", LINK), "a/x")
    snapshot = p.create("t")
    assert (snapshot / "a").read_text() == "1" and (snapshot / "d/b").read_text() == "2"
    write_index(p.source, *(["a"] * 3 + [("n", GITLINK)] * 20000))
    make_repo(p.source / "n", {"x": "3"})
    snapshot = p.create("u", timeout=60)
    assert (snapshot / "n/x").read_text() == "3"


def test_long_and_odd_names(tmp):
    p = Project(tmp, {"a": "1"})
    write_index(p.source, "a", "x" * 255, "/".join(["y"] * 300), "new\nline", b"\xff\xfe")
    p.expect_snapshot(p.create("t"), [b"a"])
    write_index(p.source, "a", "/".join(["y"] * 3000))
    assert_fails(p("create", "t2", expect=None), 1, "no path of a tree")
    write_index(p.source, "a", "x" * 300)
    assert_fails(p("create", "t2", expect=None), 1, "too long")


def test_a_damaged_index_is_an_error(tmp):
    p = Project(tmp, {"a": "1", "b": "2"})
    p.freeze()
    index = p.source / ".git/index"
    whole = index.read_bytes()
    for broken in (b"", whole[:20], whole[:60], b"\0" * len(whole)):
        index.write_bytes(broken)
        done = p("create", "t", expect=None)
        assert_fails(done, 1, "git")
        assert not (p.root / "t").exists()


def test_another_work_tree_than_the_folder(tmp):
    other = make_repo(tmp / "other", {"x": "1"})
    p = Project(tmp, {"a": "1"})
    p.git("config", "core.worktree", other)
    for files in ("tracked", "untracked"):
        assert_fails(p("freeze", "--files", files, expect=None), 1, "another work tree")
    q = Project(tmp / "q", {"a": "1"}, plain=True)
    write_files(q.source, {".git": f"gitdir: {p.source}/.git\n"})
    assert_fails(q("freeze", expect=None), 1, "another work tree")


def test_git_itself_is_never_taken(tmp):
    p = Project(tmp, {"a": "1", "d/b": "2"}, git="off")
    make_repo(p.source / "d/n", {"c": "3"})
    for pattern in (".git/**", ".git", ".git/config", "d/n/.git/*", "./.git/HEAD"):
        done = p("create", "t", "--include", pattern, expect=None)
        if done.code == 0:
            assert not list((p.root / "t").rglob(".git")) and not (p.root / "t/HEAD").exists(), pattern
        else:
            assert_fails(done, 1, ".git")
    for pattern in ("**", "**/config", "**/.git/**", "[.]git/**", "*/*"):
        p("create", "t", "--fresh", "--include", pattern)
        assert not list((p.root / "t").rglob(".git*")), pattern
        assert not list((p.root / "t").rglob("config")), pattern


if __name__ == "__main__":
    harness.main()
