"""Every state that a source can be in has a fixed answer."""

import os
import socket
import stat

import harness
from harness import git, make_repo, snapfix
from project import Project, assert_fails, assert_says, every_stat, plain_paths


def test_tracked_is_what_git_tracks_with_the_content_of_the_work_tree(tmp):
    p = Project(tmp, {"a": "1\n", "d/b": "2\n", ".gitignore": "ignored\n"})
    p.write({"a": "edited\n", "untracked": "x", "ignored": "x", "d/staged": "s"})
    p.git("add", "d/staged")
    snapshot = p.create("t")
    p.expect_snapshot(snapshot)
    assert (snapshot / "a").read_text() == "edited\n"
    assert not (snapshot / "untracked").exists() and not (snapshot / "ignored").exists()
    assert (snapshot / "d/staged").exists()


def test_untracked_adds_what_git_does_not_ignore(tmp):
    p = Project(tmp, {"a": "1\n", ".gitignore": "ignored\n"})
    p.write({"new": "x", "e/new": "y", "ignored": "x"})
    snapshot = p.create("t", "--files", "untracked")
    p.expect_snapshot(snapshot, [b".gitignore", b"a", b"e/new", b"new"])


def test_all_is_every_file_but_git(tmp):
    p = Project(tmp, {"a": "1\n", ".gitignore": "ignored\n"})
    p.write({"new": "x", "ignored": "x", "sub/.git/config": "no", "sub/kept": "x"})
    (p.source / "empty").mkdir()
    snapshot = p.create("t", "--files", "all")
    p.expect_snapshot(snapshot, plain_paths(p.source))
    assert (snapshot / "empty").is_dir() and not (snapshot / "sub/.git").exists()


def test_plain_folder_means_all(tmp):
    p = Project(tmp, {"x/y": "1", "z": "2"}, plain=True)
    (p.source / "empty").mkdir(mode=0o750)
    frozen = p.freeze()
    assert frozen["files"] == "all", frozen
    p.expect_snapshot(p.create("t"), plain_paths(p.source))


def test_subfolder_of_a_repository(tmp):
    p = Project(tmp, {"top": "1", "part/a": "2", "part/d/b": "3"})
    path = snapfix("create", "--source", p.source / "part", "--root", p.root, "t").out.rstrip("\n")
    assert plain_paths(path, ()) == [b"a", b"d", b"d/b"]


def test_deleted_is_left_out_counted_and_said(tmp):
    p = Project(tmp, {"a": "1", "b": "2", "d/c": "3"})
    (p.source / "b").unlink()
    (p.source / "d/c").unlink()
    made = p.create_json("t")
    assert made["freeze"]["left_out"]["deleted"] == 2, made
    p.expect_snapshot(made["path"])
    assert_says(p("create", "t2"), "deleted")


def test_sparse_is_left_out_and_said_apart(tmp):
    p = Project(tmp, {"a": "1", "in/b": "2", "out/c": "3", "out/d": "4"})
    p.git("sparse-checkout", "set", "in")
    (p.source / "a").unlink()
    made = p.create_json("t")
    assert made["freeze"]["left_out"]["sparse"] == 2, made
    assert made["freeze"]["left_out"]["deleted"] == 1, made
    p.expect_snapshot(made["path"])
    assert_says(p("create", "t2"), "sparse")


def test_sparse_index(tmp):
    """A sparse index names folders instead of files."""
    p = Project(tmp, {"a": "1", "in/b": "2", "out/c": "3", "out/e/d": "4"})
    p.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    p.expect_snapshot(p.create("t"), [b"a", b"in/b"])


def test_skip_worktree_with_content_is_not_left_out(tmp):
    p = Project(tmp, {"a": "1", "b": "2"})
    for flag, name in (("--skip-worktree", "a"), ("--assume-unchanged", "b")):
        p.git("update-index", flag, name)
        p.write({name: "9"})
    snapshot = p.create("t")
    assert (snapshot / "a").read_text() == (snapshot / "b").read_text() == "9"


def test_intent_to_add(tmp):
    p = Project(tmp)
    p.write({"new": "content\n"})
    p.git("add", "-N", "new")
    assert (p.create("t") / "new").read_text() == "content\n"


def test_conflict_counts_once(tmp):
    p = Project(tmp, {"a": "base\n", "b": "b"})
    for branch in ("one", "two"):
        p.git("switch", "-q", "-c", branch, "main")
        p.write({"a": f"{branch}\n"})
        p.git("commit", "-q", "-am", branch)
    p.git("merge", "-q", "one", expect=1)
    assert p.freeze()["count"]["files"] == 2
    snapshot = p.create("t")
    assert "<<<<<<<" in (snapshot / "a").read_text()
    p.expect_snapshot(snapshot)


def with_submodule(tmp):
    p = Project(tmp)
    inner = make_repo(tmp / "inner", {"deep.txt": "deep"})
    outer = make_repo(tmp / "outer", {"one.txt": "1"})
    git(outer, "submodule", "add", "-q", inner, "nested")
    git(outer, "commit", "-q", "-m", "nested")
    p.git("submodule", "add", "-q", tmp / "outer", "libs/sub")
    p.git("commit", "-q", "-m", "sub")
    p.git("submodule", "update", "-q", "--init", "--recursive")
    return p


def test_submodules_are_entered(tmp):
    p = with_submodule(tmp)
    p.write({"libs/sub/one.txt": "edited", "libs/sub/untracked": "x"})
    snapshot = p.create("t")
    p.expect_snapshot(snapshot)
    assert (snapshot / "libs/sub/nested/deep.txt").read_text() == "deep"
    assert (snapshot / "libs/sub/one.txt").read_text() == "edited"
    assert not (snapshot / "libs/sub/untracked").exists()


def test_submodule_not_cloned_is_an_empty_folder_and_said(tmp):
    p = with_submodule(tmp)
    p.git("submodule", "deinit", "-q", "-f", "libs/sub")
    made = p.create_json("t")
    assert made["freeze"]["left_out"]["uncloned"] == 1, made
    p.expect_snapshot(made["path"])
    assert os.listdir(f"{made['path']}/libs/sub") == []
    assert_says(p("create", "t2"), "libs/sub")


def test_submodule_not_active_is_entered_if_it_is_there(tmp):
    p = with_submodule(tmp)
    p.git("config", "submodule.libs/sub.active", "false")
    assert (p.create("t") / "libs/sub/one.txt").exists()


def test_gitlink_without_gitmodules(tmp):
    p = Project(tmp)
    make_repo(p.source / "embedded", {"e": "1"})
    p.git("add", "embedded")
    snapshot = p.create("t")
    assert (snapshot / "embedded/e").exists()
    p.expect_snapshot(snapshot)


def test_folder_replaced_by_symlink_is_not_entered(tmp):
    p = Project(tmp, {"d/a": "1", "d/e/b": "2", "x": "3"})
    (p.source / "d").rename(tmp / "away")
    (p.source / "d").symlink_to(tmp / "away")
    snapshot = p.create("t")
    assert not os.path.lexists(snapshot / "d")
    p.expect_snapshot(snapshot)


def test_submodule_replaced_by_symlink_is_not_entered(tmp):
    p = with_submodule(tmp)
    (p.source / "libs/sub").rename(tmp / "away")
    (p.source / "libs/sub").symlink_to(tmp / "away")
    p.expect_snapshot(p.create("t"))


def test_symlinks_are_made_again_and_odd_ones_warned_of(tmp):
    p = Project(tmp)
    for name, text in {"in": "a.txt", "dangling": "nowhere", "to-folder": "dir", "absolute": "/proc/version",
                       "leaves": "../../elsewhere", "dir/up": "../a.txt", "dir/leaves": "../../x"}.items():
        (p.source / name).symlink_to(text)
    p.git("add", "-A")
    done = p("create", "t")
    p.expect_snapshot(done.out.rstrip("\n"))
    assert_says(done, "'absolute'", "'leaves'", "'dir/leaves'")
    for harmless in ("dangling", "to-folder", "dir/up"):
        assert harmless not in done.err, done
    inodes = {os.lstat(folder / name).st_ino for folder in (p.source, p.root / "t") for name in ("in", "absolute")}
    assert len(inodes) == 4, "a symlink must be made anew, never linked"


def test_special_files_are_left_out_and_said(tmp):
    p = Project(tmp, plain=True)
    os.mkfifo(p.source / "fifo")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(p.source / "socket"))
    made = p.create_json("t")
    assert made["freeze"]["left_out"]["special"] == 2, made
    p.expect_snapshot(made["path"], [path for path in plain_paths(p.source) if path not in (b"fifo", b"socket")])
    assert_says(p("create", "t2"), "fifo", "socket")


def test_tracked_file_replaced_by_a_fifo(tmp):
    p = Project(tmp, {"a": "1", "b": "2"})
    (p.source / "a").unlink()
    os.mkfifo(p.source / "a")
    made = p.create_json("t")
    assert made["freeze"]["left_out"]["special"] == 1, made
    assert sorted(os.listdir(made["path"])) == [".git", "b"]


def test_names_of_all_kinds(tmp):
    names = [b"new\nline", b" lead", b"trail ", b"\xff\xfe", b"\xc3\xbc", b"-dash", b"back\\slash", b'"q"', b"*", b"?", b"[a]",
             b"tab\t", b"\x01", b"a" * 255, b"..x", b"...", b":(top)", b"!x", b"#x", b"\xed\xa0\x80"]
    p = Project(tmp, {b"d\n\xff/" + name: name for name in names} | {name: name for name in names})
    for kind in ("tracked", "all"):
        p.expect_snapshot(p.create(kind, "--files", kind))
    p.write({b"d\n\xff/\xff\xfe": b"edited"})
    assert p.create_json("tracked", "--fresh")["freeze"]["files_copied"] == 1


def test_no_git_repository_is_named_when_tracked_is_asked_for(tmp):
    p = Project(tmp, plain=True)
    assert_fails(p("freeze", "--files", "tracked", expect=None), 1, "git")


def test_git_missing_fails(tmp):
    p = Project(tmp)
    (tmp / "bin").mkdir()
    done = p("create", "t", env={"PATH": tmp / "bin"}, expect=None)
    assert_fails(done, 1, "git")
    assert p.names() == []


def test_git_that_fails_fails(tmp):
    """A git that lists half and dies must not yield half a snapshot."""
    p = Project(tmp)
    (tmp / "bin").mkdir()
    fake = tmp / "bin/git"
    fake.write_text('#!/bin/sh\ncase " $* " in *" ls-files "*) printf "a.txt\\0"; echo broken >&2; exit 128;; esac\n'
                    'PATH=${PATH#*:} exec git "$@"\n')
    fake.chmod(0o755)
    done = p("create", "t", env={"PATH": f"{tmp}/bin:{os.environ['PATH']}"}, expect=None)
    assert_fails(done, 1, "git", "broken")
    assert p.names() == []


def test_corrupt_index_fails(tmp):
    p = Project(tmp)
    (p.source / ".git/index").write_bytes(b"rubbish")
    assert_fails(p("create", "t", expect=None), 1, "git", "index")
    assert p.names() == []


def test_broken_submodule_fails(tmp):
    p = with_submodule(tmp)
    (p.source / "libs/sub/.git").write_text("gitdir: /nowhere\n")
    assert_fails(p("create", "t", expect=None), 1, "libs/sub")
    assert p.names() == []


def test_ignored_subfolder_names_files_all(tmp):
    p = Project(tmp, {".gitignore": "out/\n", "a": "1"})
    p.write({"out/x": "1"})
    done = snapfix("create", "--source", p.source / "out", "--root", p.root, "t", expect=None)
    assert_fails(done, 1, "--files all")


def test_missing_source_fails(tmp):
    done = snapfix("create", "--source", tmp / "nowhere", "--root", tmp / "root", "t", expect=None)
    assert_fails(done, 1, "nowhere")
    assert not (tmp / "root").exists()


def test_repository_of_another_user(tmp):
    """git refuses it (safe.directory): its own words, and what to do."""
    p = Project(tmp)
    harness.run(["chown", "-R", "12345", p.source], expect=None)
    if os.lstat(p.source).st_uid != 12345:
        harness.skip("cannot give files away")
    done = p("create", "t", expect=None)
    assert_fails(done, 1, "dubious ownership", "safe.directory", "hint: ")
    assert p.names() == []


def test_git_hook_environment(tmp):
    """A commit hook's GIT_DIR and GIT_INDEX_FILE name another tree."""
    p = Project(tmp, {"a": "1", "b": "2"})
    other = make_repo(tmp / "other", {"wrong": "1"})
    hook = {"GIT_DIR": other / ".git", "GIT_INDEX_FILE": other / ".git/index", "GIT_WORK_TREE": other,
            "GIT_PREFIX": "x/", "GIT_CONFIG_PARAMETERS": "'core.bare=true'"}
    p.expect_snapshot(p.create("t", env=hook))
    seen = p("run", "t", "--", "sh", "-c", "env | grep -E '^GIT_(DIR|INDEX_FILE|WORK_TREE|PREFIX|CONFIG_P)' || :", env=hook)
    assert seen.out == "", seen


def test_in_a_real_hook(tmp):
    p = Project(tmp, {"a": "1", "b": "2"})
    hook = p.source / ".git/hooks/pre-commit"
    hook.write_text(f'#!/bin/sh\nexec "{harness.snapfix_path()}" create hook --source . --root "{p.root}"\n')
    hook.chmod(0o755)
    p.write({"a": "not in the commit\n", "b": "partial\n"})
    p.git("commit", "-q", "-m", "partial", "b")  # git makes a temporary index for it
    p.expect_snapshot(p.root / "hook")


def test_linked_worktree(tmp):
    p = Project(tmp, {"a": "1"})
    p.git("worktree", "add", "-q", "-b", "w", tmp / "tree")
    path = snapfix("create", "--source", tmp / "tree", "--root", p.root, "t").out.rstrip("\n")
    assert sorted(os.listdir(path)) == [".git", "a"] and os.path.isdir(f"{path}/.git"), "the .git file must stay behind"


def test_the_root_in_the_source_is_no_part_of_it(tmp):
    p = Project(tmp, {"a": "1"}, plain=True)
    first = snapfix("create", "one", cwd=p.source).out.rstrip("\n")
    assert first == f"{p.source}/.snapshots/one", first
    second = snapfix("create", "two", cwd=p.source).out.rstrip("\n")
    assert os.listdir(first) == os.listdir(second) == ["a"]
    assert snapfix("freeze", cwd=p.source).out == snapfix("freeze", cwd=p.source).out


def test_a_tracked_root_and_an_ignored_one(tmp):
    p = Project(tmp, {"a": "1"})
    snapfix("create", "one", cwd=p.source)
    assert p.git("status", "--porcelain").out == "", "the root's .gitignore must hide it"
    snapfix("create", "two", "--files", "untracked", cwd=p.source)
    assert sorted(os.listdir(p.source / ".snapshots/two")) == [".git", "a"]


def test_a_build_tree_in_the_source_is_no_part_of_it(tmp):
    p = Project(tmp, {"a": "1", "build/CMakeCache.txt": "x", "build/lib/o": "x"}, plain=True)
    root = p.source / "build/snapshots"
    snapshot = snapfix("create", "--source", p.source, "--root", root, "t").out.rstrip("\n")
    assert os.listdir(snapshot) == ["a"]


def test_include_exclude_copy(tmp):
    p = Project(tmp, {".gitignore": "gen/\n*.log\n", "a.py": "1", "a.txt": "2", "d/b.py": "3", "d/e/c.py": "4", "d/e/f/g.py": "5"}, git="off")
    p.write({"gen/x/y": "1", "gen/z": "2", "k.log": "3"})

    def paths(*args):
        snapshot = p.create("t", "--fresh", *args)
        return [path for path, entry in sorted(harness.tree_state(snapshot).items()) if entry.kind == "file"]

    base = [b".gitignore", b"a.py", b"a.txt", b"d/b.py", b"d/e/c.py", b"d/e/f/g.py"]
    assert paths() == base
    assert paths("--include", "gen") == sorted(base + [b"gen/x/y", b"gen/z"])
    assert paths("--include", "*.log") == sorted(base + [b"k.log"])
    assert paths("--include", "gen/*") == sorted(base + [b"gen/x/y", b"gen/z"])  # a folder that matches: all below
    assert paths("--exclude", "*.py") == [b".gitignore", b"a.txt"]
    assert paths("--exclude", "d/*.py") == [x for x in base if x != b"d/b.py"]
    assert paths("--exclude", "d/**/*.py") == [b".gitignore", b"a.py", b"a.txt"]
    assert paths("--exclude", "d/e") == base[:4]
    assert paths("--exclude", "d/?/c.py") == [x for x in base if x != b"d/e/c.py"]
    assert paths("--include", "gen", "--exclude", "gen/x") == sorted(base + [b"gen/z"])
    made = p.create_json("c", "--copy", "d/e", "--copy", "*.txt")
    assert made["ledger"]["copied_by_reason"] == {"requested": 3}, made
    assert os.lstat(f"{made['path']}/a.txt").st_nlink == 1 and os.lstat(f"{made['path']}/a.py").st_nlink > 1


def test_include_does_not_bring_git_back(tmp):
    p = Project(tmp, {"a": "1"}, git="off")
    assert not (p.create("t", "--include", "**", "--include", ".git") / ".git").exists()


def test_source_by_a_symlink(tmp):
    p = Project(tmp, {"a": "1", "d/b": "2"})
    (tmp / "link").symlink_to(p.source)
    first = snapfix("freeze", "--source", tmp / "link", "--root", p.root).out
    assert first == p("freeze").out, "one source, by whatever name"


def test_unreadable_file_fails_by_name(tmp):
    p = Project(tmp, {"a": "1", "secret": "2"})
    (p.source / "secret").chmod(0o000)
    harness.run(["chown", "-R", str(harness.NOBODY), tmp], expect=None)
    done = snapfix("create", "--source", p.source, "--root", tmp / "r", "t", user=harness.NOBODY, expect=None)
    assert_fails(done, 1, "secret", "permission denied")


def test_nothing_of_the_source_is_changed(tmp):
    p = with_submodule(tmp)
    harness.run(["sleep", "1.1"])
    p.git("config", "core.fsmonitor", "touch fsmonitor-ran; :")
    p.write({"a.txt": "edited"})
    p.git("status")
    before = every_stat(p.source)
    p.create("t")
    p("run", "t", "--", "true")
    p("finish", "t")
    assert every_stat(p.source) == before


def test_clean_checkout_stays_clean(tmp):
    p = Project(tmp)
    p.create("t")
    p.git("diff-index", "--quiet", "HEAD")
    p("remove", "t")
    p.git("diff-index", "--quiet", "HEAD")


def test_modes_and_times_of_files_and_folders(tmp):
    p = Project(tmp, {"a": "1", "d/b": "2", "d/x": "3"})
    for path, mode in {"a": 0o600, "d/b": 0o4755, "d/x": 0o444, "d": 0o2750, ".": 0o711}.items():
        (p.source / path).chmod(mode)
    os.utime(p.source / "d/b", ns=(1, 1_000_000_000_123_456_789))
    os.utime(p.source / "d", ns=(1, 5))
    os.utime(p.source, ns=(7, 77_000_000_001))
    snapshot = p.create("t")
    p.expect_snapshot(snapshot)
    assert stat.S_IMODE(os.lstat(snapshot).st_mode) == 0o711


def test_read_only_folder_in_the_source(tmp):
    p = Project(tmp, {"d/b": "2", "d/e/f": "3"})
    for folder in ("d/e", "d"):
        (p.source / folder).chmod(0o555)
    harness.run(["chown", "-R", str(harness.NOBODY), tmp], expect=None)
    made = snapfix("create", "--source", p.source, "--root", tmp / "r", "t", user=harness.NOBODY)
    harness.assert_same_tree(p.source, made.out.rstrip("\n"), without=[".git"])
    snapfix("create", "--source", p.source, "--root", tmp / "r", "t", "--fresh", user=harness.NOBODY)
    snapfix("remove", "--root", tmp / "r", "t", user=harness.NOBODY)
    assert not (tmp / "r/t").exists()
    left = os.listdir(tmp / "r/.snapfix/trash") if (tmp / "r/.snapfix/trash").exists() else []
    assert left == [], left


def test_files_of_another_owner(tmp):
    """An ordinary user with a source that is not hers: whatever she may read, she gets."""
    p = Project(tmp, {"a": "1", "d/b": "2"}, plain=True)
    (tmp / "r").mkdir()
    harness.run(["chown", str(harness.NOBODY), tmp / "r"], expect=None)
    if os.lstat(tmp / "r").st_uid != harness.NOBODY:
        harness.skip("cannot give files away")
    made = snapfix("create", "--source", p.source, "--root", tmp / "r", "t", user=harness.NOBODY)
    harness.assert_same_tree(p.source, made.out.rstrip("\n"))
    # Linked straight from it: protected_hardlinks may refuse, then it is a copy, and said so.
    done = snapfix("create", "--source", p.source, "--root", tmp / "r", "u", "--link-from", "source", "--json",
                   user=harness.NOBODY).json()
    harness.assert_same_tree(p.source, done["path"])
    with open("/proc/sys/fs/protected_hardlinks", encoding="ascii") as setting:
        if setting.read().strip() == "1":
            assert done["ledger"]["copied_by_reason"] == {"EPERM": 2}, done


def test_root_of_another_user_is_an_error(tmp):
    p = Project(tmp)
    p.create("t")
    harness.run(["chown", "-R", "12345", p.root], expect=None)
    if os.lstat(p.root).st_uid != 12345:
        harness.skip("cannot give files away")
    assert_fails(p("create", "u", expect=None), 1, "another user", "hint: ")


if __name__ == "__main__":
    harness.main()
