"""A snapshot of a git work tree has a .git of its own: git says in it what it says in the source, and nothing that is
done in it reaches the source's repository or another snapshot."""

import os
import pathlib
import shutil

import harness
from harness import git, make_repo, run, skip, snapfix, tree_state, write_files
from project import Project, assert_fails, assert_says, inode, sleep_past_racy

k_questions = (
    "status --porcelain", "status --porcelain=v2 --branch", "describe --tags --dirty --always", "log -3 --format=%H%d%s",
    "rev-parse HEAD", "rev-parse --abbrev-ref HEAD", "submodule status --recursive", "ls-files --stage -t -v", "diff",
    "diff --cached", "diff HEAD", "diff-index HEAD", "for-each-ref",
    "for-each-ref --format=%(refname)%(upstream)%(upstream:track)%(*objectname)", "remote", "stash show -p", "tag",
    "check-ignore -v ignored.x", "sparse-checkout list", "rev-parse --is-shallow-repository", "cat-file -p HEAD^{tree}",
    "log --all --format=%H")
k_files = {"a.txt": "a\n", "dir/b.py": "b\n", "dir/c": "c\n", ".gitignore": "*.x\n"}


def answers(folder):
    """What git says in a folder: exit code, stdout and stderr without the folder's path."""
    said = {}
    for question in k_questions:
        done = git(folder, *question.split(" "), expect=None)
        said[question] = (done.code, done.out, done.err.replace(str(folder), "<top>"))
    return said


def assert_same_answers(source, snapshot):
    expected, got = answers(source), answers(snapshot)
    wrong = {question: (expected[question], got[question]) for question in expected if expected[question] != got[question]}
    assert not wrong, "\n".join(f"{q}\n  source   {a}\n  snapshot {b}" for q, (a, b) in wrong.items())


def content(folder):
    """Every file of a folder, byte by byte; times do not count: git touches what it means to keep."""
    return {path: (entry.kind, entry.content) for path, entry in tree_state(folder).items()}


def git_calls(tmp, p, *command):
    """The git commands that a command of ours starts."""
    log = tmp / "calls"
    log.write_text("")
    write_files(tmp, {"bin/git": f'#!/bin/sh\necho "$*" >>{log}\nexec {shutil.which("git")} "$@"\n'})
    (tmp / "bin/git").chmod(0o755)
    p(*command, env={"PATH": f"{tmp}/bin:{os.environ['PATH']}"})
    return [line.split(" ", 5)[-1] for line in log.read_text().splitlines()]


# ---- what git says -------------------------------------------------------------------------------


def test_says_what_the_source_says(tmp):
    p = Project(tmp, k_files)
    p.git("tag", "-a", "v1", "-m", "one")
    for number in range(3):
        p.write({"a.txt": f"{number}\n"})
        p.git("commit", "-qam", f"more {number}")
    p.git("branch", "other", "HEAD~1")
    p.git("update-ref", "refs/notes/x", "HEAD")
    for number, change in enumerate((
            lambda: None,
            lambda: p.write({"a.txt": "edited and longer\n"}),
            lambda: p.git("add", "a.txt"),
            lambda: p.write({"a.txt": "edited again, and staged before\n"}),
            lambda: p.git("mv", "dir/c", "dir/renamed"),
            lambda: p.git("rm", "-q", "dir/b.py"),
            lambda: p.write({"untracked": "u\n", "new/file": "n\n"}),
            lambda: p.git("add", "-N", "untracked"),
            lambda: (p.source / ".gitignore").chmod(0o755),
            lambda: p.git("commit", "-qm", "staged"),
            lambda: p.git("checkout", "-q", "--detach"),
            lambda: (p.git("add", "untracked"), p.git("stash")),
            lambda: p.git("gc", "-q"),
            lambda: p.git("update-index", "--assume-unchanged", "a.txt"),
            lambda: (p.git("update-index", "--skip-worktree", ".gitignore"), (p.source / ".gitignore").unlink()),
    )):
        change()
        assert_same_answers(p.source, p.create(f"t{number}", "--files", "untracked"))


def test_a_repository_without_a_commit(tmp):
    p = Project(tmp, plain=True)
    p.git("init", "-q")
    p.git("add", "a.txt")
    assert_same_answers(p.source, p.create("t", "--files", "untracked"))


def test_it_is_small(tmp):
    p = Project(tmp, k_files)
    p.git("config", "remote.origin.url", "https://example.org/x")
    p.git("update-ref", "refs/remotes/origin/main", "HEAD")
    p.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    with_git = p.create_json("t")["ledger"]["entries"]
    without = p.create_json("u", "--git", "off")["ledger"]["entries"]
    assert with_git - without <= 20, (with_git, without)
    assert len(list((p.root / "t/.git").rglob("*"))) + 1 == with_git - without


def test_nothing_is_asked_where_nothing_changed(tmp):
    p = Project(tmp, k_files)
    sub = make_repo(tmp / "sub")
    p.git("submodule", "add", "-q", sub, "sub")
    p.git("commit", "-qm", "sub")
    sleep_past_racy()
    lists = ["ls-files -z -t --stage --sparse"]
    assert len(git_calls(tmp, p, "freeze")) > 3
    calls = git_calls(tmp, p, "freeze")
    assert [call for call in calls if not call.startswith("rev-parse")] == 2 * lists, calls
    base = p.freeze()["base"]
    p.git("status")
    p.git("commit", "-q", "--allow-empty", "-m", "more")
    assert len(git_calls(tmp, p, "freeze")) > 3
    assert p.freeze()["base"] != base


def test_what_only_refreshes_the_index_is_the_same_state(tmp):
    p = Project(tmp, k_files)
    base = p.freeze()["base"]
    for command in (["sh", "-c", "sleep 1.1; chmod 600 a.txt; chmod 644 a.txt; ln dir/c link; rm link; git status"],
                    ["git", "update-index", "--untracked-cache", "--refresh"], ["git", "update-index", "--split-index"],
                    ["git", "pack-refs", "--all"], ["git", "gc", "-q"]):
        before = (p.source / ".git/index").read_bytes()
        run(command, cwd=p.source)
        assert command[1] in ("pack-refs", "gc") or (p.source / ".git/index").read_bytes() != before, command
        assert p.freeze()["base"] == base, command


def test_files_refs_and_index_are_of_one_moment(tmp):
    """Whoever commits meanwhile: what is committed is what the file holds, or what it held before the edit that follows."""
    p = Project(tmp, {"a": "0"})
    loop = """n=0; while [ ! -e ../stop ]; do n=$((n + 1)); printf $n >a; git commit -qam $n; sleep 0.$((n % 4)); done"""
    editor = harness.start(["sh", "-c", loop], cwd=p.source)
    made = 0
    try:
        for _ in range(25):
            done = p("create", "t", "--fresh", expect=(0, 1))
            if done.code == 1:
                assert_fails(done, 1, "changing")
                continue
            made += 1
            subject = git(p.root / "t", "log", "-1", "--format=%s").out.strip()
            committed = 0 if subject == "first" else int(subject)
            held = int((p.root / "t/a").read_text() or committed + 1)  # the shell empties it first
            status = git(p.root / "t", "status", "--porcelain").out
            assert held in (committed, committed + 1), (held, committed)
            assert status in ({""} if held == committed and (p.root / "t/a").read_text() else {" M a\n", "M  a\n"}), (held, committed, status)
    finally:
        (tmp / "stop").touch()
        editor.wait(timeout=60)
    assert made > 3, "a freeze that never succeeds proves nothing"


def test_options(tmp):
    p = Project(tmp, k_files)
    assert p.freeze()["git"] == "on"
    off = p.freeze("--git", "off")
    assert off["git"] == "off" and off["base"] != p.freeze()["base"]
    assert not (p.create("off", "--git", "off") / ".git").exists()
    assert (p.create("all", "--files", "all") / ".git/HEAD").exists()
    assert_fails(p("freeze", "--git", "maybe", expect=None), 2, "--git", "auto")
    sub = ["--source", p.source / "dir", "--root", tmp / "other"]
    done = snapfix("create", "t", *sub)
    assert not (tmp / "other/t/.git").exists() and not done.err, done
    done = snapfix("create", "u", *sub, "--git", "on", expect=None)
    assert_fails(done, 1, "subfolder of the git work tree", "--top")
    plain = Project(tmp / "plain", plain=True)
    assert not (plain.create("t") / ".git").exists()
    assert_fails(plain("create", "u", "--git", "on", expect=None), 1, "no git work tree")


def test_globs_leave_it_alone(tmp):
    p = Project(tmp, {"config": "1", "index/x": "2", "sub/y": "3"})
    for command in (["submodule", "add", "-q", make_repo(tmp / "inner"), "inner"], ["commit", "-qm", "inner"]):
        p.git(*command)
    snapshot = p.create("t", "--exclude", "config", "--exclude", "index", "--exclude", "inner", "--exclude", ".git/**", "--copy", "HEAD")
    assert sorted(os.listdir(snapshot)) == [".git", ".gitmodules", "sub"]
    assert git(snapshot, "status", "--porcelain").out == " D config\n D index/x\n D inner\n"
    assert os.lstat(snapshot / ".git/HEAD").st_nlink == 1


def test_all_files_need_no_git(tmp):
    p = Project(tmp, k_files)
    (p.source / ".git/HEAD").write_text("nonsense")
    assert not (p.create("t", "--files", "all") / ".git").exists()
    assert_fails(p("create", "u", "--files", "all", "--git", "on", expect=None), 1, "git", "--git off")
    q = Project(tmp / "q", k_files)
    write_files(q.source, {"left/.git": "gitdir: /nowhere\n", "left/x": "1"})
    snapshot = q.create("t", "--files", "all")
    assert (snapshot / ".git").exists() and (snapshot / "left/x").exists() and not (snapshot / "left/.git").exists()


# ---- what is done in it stays in it --------------------------------------------------------------


def test_nothing_reaches_the_source_or_a_sibling(tmp):
    p = Project(tmp, k_files)
    bare = tmp / "bare.git"
    run(["git", "clone", "-q", "--bare", p.source, bare])
    p.git("remote", "add", "origin", bare)
    p.git("fetch", "-q", "origin")
    for name, url in {"self": p.source, "dotgit": p.source / ".git", "file": f"file://{p.source}", "dot": ".",
                      "around": f"{p.source}/dir/..", "relative": "../source"}.items():
        p.git("remote", "add", name, url)
    p.git("config", "branch.main.remote", ".")
    p.git("config", "branch.main.merge", "refs/heads/main")
    p.git("gc", "-q")
    p.write({"a.txt": "second\n"})
    p.git("commit", "-qam", "second")
    snapshot, sibling = p.create("t"), p.create("u")
    before = content(p.source), content(sibling)
    script = """
      set -e
      echo x >>a.txt; git stash -q; git stash pop -q; git commit -qam inner; echo y >y; git add y; git commit -qm y
      git rebase -q --root; git config user.name other; git tag t; git branch b; git branch -D b
      for r in self dotgit file around relative dot; do git push -q $r HEAD:refs/heads/pushed-$r; git fetch -q $r; done
      git push -q origin HEAD:refs/heads/from-$SNAPSHOT_NAME
      git worktree add -q ../outside; git worktree remove ../outside
      printf '#!/bin/sh\\n' >.git/hooks/pre-commit; echo ignored >>.git/info/exclude
      git repack -adq; git gc -q --prune=now; git prune; git reflog expire --expire=now --all; git pack-refs --all
      git update-index --split-index; git notes add -m n; git clean -fdxq; git checkout -q --orphan o; git rm -rqf .
      git maintenance run --quiet; git commit-graph write; git multi-pack-index write; git fsck"""
    done = p("run", "t", "--", "sh", "-c", script)
    assert "kept from writing" not in done.err, done
    assert (content(p.source), content(sibling)) == before
    assert git(bare, "rev-parse", "from-t").out, "a remote is a remote"
    assert p("verify", "u").code == 0
    assert_same_answers(p.source, sibling)
    assert_same_answers(p.source, p.create("t", "--fresh"))
    without_guard = p("run", "v", "--guard", "off", "--copy", "a.txt", "--copy", ".git/info/exclude", "--", "sh", "-c", script)
    assert (content(p.source), content(sibling)) == before, without_guard


def test_git_of_the_snapshot_is_found_and_none_above(tmp):
    p = Project(tmp, k_files, root=tmp / "source/snaps")
    for options, top in (((), str(p.root / "t")), (("--git", "off"), "")):
        for variable in ({}, {"GIT_CEILING_DIRECTORIES": "/nowhere"}, {"GIT_DIR": p.source / ".git"}):
            done = p("run", "t", "--fresh", *options, "--chdir", "dir", "--", "git", "rev-parse", "--show-toplevel",
                     env=variable, expect=None)
            assert done.out.strip() == top, (done, options)


def test_an_object_that_is_needed_again_is_no_write(tmp):
    p = Project(tmp, k_files)
    p.git("gc", "-q")
    snapshot = p.create("t")
    for writes in ("deny", "report"):
        done = p("run", "t", "--fresh", "--source-writes", writes, "--", "sh", "-c", "git rm -qr --cached .; git add .; git commit -q --allow-empty -m x")
        assert "source" not in done.err, done
    assert git(snapshot, "status", "--porcelain").out == ""


def test_a_write_through_a_link_is_found_and_healed(tmp):
    p = Project(tmp, k_files)
    snapshot, sibling = p.create("t"), p.create("u")
    assert inode(snapshot / ".git/info/exclude") == inode(sibling / ".git/info/exclude")
    with open(snapshot / ".git/info/exclude", "a", encoding="ascii") as shared:
        shared.write("more\n")
    done = p("verify", "u", expect=3)
    assert_says(done, ".git/info/exclude")
    fresh = p.create("u", "--fresh")
    assert "more" not in (fresh / ".git/info/exclude").read_text()


def test_linked_from_the_source(tmp):
    """The source's files are its own; what lies in .git is not."""
    p = Project(tmp, k_files)
    snapshot, sibling = p.create("t", "--link-from", "source"), p.create("u", "--link-from", "source")
    assert inode(snapshot / "a.txt") == inode(p.source / "a.txt")
    before = content(p.source)
    p.git("status")
    assert_same_answers(p.source, snapshot)
    p("run", "t", "--link-from", "source", "--", "sh", "-c", "echo x >>.git/info/exclude; git commit -q --allow-empty -m x")
    assert content(p.source).keys() == before.keys() and p.git("log", "--format=%s").out == "first\n"
    assert "x" not in (sibling / ".git/info/exclude").read_text().splitlines()
    assert p("verify", "u").code == 0
    with open(sibling / ".git/config", "a", encoding="ascii") as shared:
        shared.write("# x\n")
    assert_says(p("verify", "u", expect=3), ".git/config")


def test_an_update_brings_the_sources_git(tmp):
    p = Project(tmp, k_files)
    snapshot = p.create("t")
    p.write({"a.txt": "new\n"})
    p.git("commit", "-qam", "second")
    write_files(snapshot, {"made": "by a job"})
    p("create", "t", "--update")
    assert git(snapshot, "log", "--format=%s").out == "second\nfirst\n"
    assert git(snapshot, "status", "--porcelain").out == "?? made\n"


# ---- what is carried -----------------------------------------------------------------------------


def test_only_harmless_settings_are_carried(tmp):
    p = Project(tmp, k_files)
    mark = tmp / "ran"
    program = tmp / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    for name in ("core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy", "core.fsmonitor",
                 "core.alternateRefsCommand", "credential.helper", "filter.f.clean", "filter.f.smudge", "filter.f.process",
                 "diff.f.textconv", "diff.f.command", "diff.external", "merge.f.driver", "gpg.program", "sequence.editor",
                 "core.hooksPath", "diff.tool", "difftool.x.cmd", "remote.origin.uploadpack", "remote.origin.receivepack",
                 "uploadpack.packObjectsHook", "submodule.s.update", "alias.x", "pull.twohead"):
        p.git("config", name, f"!{program}" if name.startswith(("submodule", "alias")) else program)
    write_files(tmp, {"included": "[user]\n\tname = Included\n[status]\n\tshowUntrackedFiles = no\n[filter \"g\"]\n\tclean = false\n"})
    secrets = {
        "remote.origin.url": "https://me:secret@example.org/x.git?token=secret#secret",
        "remote.origin.pushurl": "https://secret@example.org/x.git",
        "remote.ssh.url": "ssh://git:secret@example.org/x.git",
        "remote.ext.url": f"ext::{program} secret",
        "branch.main.remote": "https://secret@example.org/y.git",
        "submodule.s.url": "https://secret@example.org/s.git",
        "url.https://secret@example.org/.insteadOf": "https://example.org/",
        "http.extraHeader": "Authorization: secret",
        "http.https://example.org.proxy": "http://secret@proxy",
        "remote.origin.proxy": "http://secret@proxy",
        "credential.username": "secret",
        "user.signingKey": "secret",
        "sendemail.smtpPass": "secret",
        "unknown.section.token": "secret",
        "user.password": "secret",
        "remote.pushDefault": "https://me:secret@example.org/x.git",
        "remote.https://me:secret@example.org/x.git.promisor": "true",
        "submodule.https://secret@example.org/s.active": "true",
        "remote.ftp.url": "ftp://example.org/x?token=secret",
        "remote.slash.url": "https://me:sec/secret@example.org/x.git",
    }
    for name, value in secrets.items():
        p.git("config", name, value)
    for name, value in {"include.path": tmp / "included", "core.autocrlf": "input", "core.abbrev": "12",
                        "branch.main.merge": "refs/heads/main", "remote.origin.fetch": "+refs/heads/*:refs/remotes/origin/*",
                        'branch.odd "name\\.description': 'two\nlines "quoted" \\ ; # \t'}.items():
        p.git("config", name, value)
    write_files(p.source, {".git/FETCH_HEAD": "secret", ".git/hooks/pre-commit": "#!/bin/sh\n", ".git/logs/secret": "secret"})
    snapshot = p.create("t")
    text = "".join(path.read_text() for path in (snapshot / ".git").rglob("*") if path.is_file() and path.name != "index")
    assert "secret" not in text and str(program) not in text, (snapshot / ".git/config").read_text()

    def setting(name):
        return git(snapshot, "config", "--local", name, expect=None).out.rstrip("\n")

    assert setting("remote.origin.url") == "https://example.org/x.git"
    assert setting("remote.ssh.url") == "ssh://git@example.org/x.git"
    for name in ("user.name", "status.showUntrackedFiles", "core.autocrlf", "core.abbrev", "branch.main.merge",
                 "remote.origin.fetch", 'branch.odd "name\\.description'):
        assert setting(name) == p.git("config", "--includes", "--local", name).out.rstrip("\n") != "", name
    for name in ("include.path", "core.hooksPath", "core.worktree", "remote.ext.url"):
        assert setting(name) == "", name
    assert not list((snapshot / ".git/hooks").iterdir())
    write_files(tmp, {"included": "[user]\n\tname = Changed\n"})
    assert git(p.create("t", "--fresh"), "config", "user.name").out == "Changed\n", "also what is included is looked at"
    git(snapshot, "commit", "-q", "--allow-empty", "-m", "x")
    assert not mark.exists()


def test_paths_of_remotes_hold_in_the_snapshot(tmp):
    p = Project(tmp, k_files)
    run(["git", "clone", "-q", "--bare", p.source, tmp / "up.git"])
    p.git("remote", "add", "origin", "../up.git")
    p.git("fetch", "-q", "origin")
    run(["git", "clone", "-q", "--bare", p.source, tmp / "a space.git"])
    p.git("remote", "add", "url", f"file://{tmp}/a%20space.git")
    p.git("remote", "add", "home", "~/x.git")
    snapshot = p.create("t")
    assert git(snapshot, "config", "remote.origin.url").out == f"{tmp}/up.git\n"
    assert git(snapshot, "config", "remote.home.url").out == "~/x.git\n"
    for remote in ("origin", "url"):
        git(snapshot, "fetch", "-q", remote)


def test_a_push_by_a_path_that_git_completes(tmp):
    p = Project(tmp, k_files)
    run(["git", "clone", "-q", "--bare", p.source, tmp / "bare.git"])
    git(tmp / "bare.git", "worktree", "add", "-q", "-b", "side", tmp / "tree")
    git(tmp / "bare.git", "config", "remote.origin.url", tmp / "bare")  # git tries bare.git as well
    q = Project(tmp / "q", plain=True)
    q.source = tmp / "tree"
    before = content(tmp / "bare.git")
    git(q.create("t"), "push", "-q", "origin", "HEAD:refs/heads/pushed")
    assert content(tmp / "bare.git") == before


def test_a_repository_elsewhere_is_kept(tmp):
    """Of a linked work tree, and where `.git` is a symlink: as if it lay in the source."""
    p = Project(tmp, k_files)
    p.git("worktree", "add", "-q", "-b", "side", tmp / "tree")
    make_repo(tmp / "other", k_files)
    (tmp / "other/.git").rename(tmp / "moved")
    (tmp / "other/.git").symlink_to(tmp / "moved")
    for top, repository in ((tmp / "tree", p.source / ".git"), (tmp / "other", tmp / "moved")):
        q = Project(tmp / f"of-{top.name}", plain=True)
        q.source = top
        before = content(repository)
        script = f"git -C {top} commit -q --allow-empty -m x; git -C {top} config user.name x; echo >{repository}/junk; git add -A; git commit -q --allow-empty -m y"
        done = q("run", "t", "--guard=on", "--", "sh", "-c", script, expect=(0, 125))
        if done.code != 0:
            skip("no guard here")
        assert content(repository) == before, "the guard keeps it"
        assert_says(done, "was kept from writing")


def test_an_included_file_that_comes_later(tmp):
    p = Project(tmp, k_files)
    p.git("config", "include.path", "later")
    for name in ("a", "b"):
        run(["sleep", "2.1"])  # so that the look is settled
        p.create(name)
    p.write({".git/later": "[user]\n\tname = Later\n"})
    assert git(p.create("c"), "config", "user.name").out == "Later\n"


def test_where_head_was_detached(tmp):
    p = Project(tmp, k_files)
    p.git("tag", "v1")
    p.git("checkout", "-q", "v1")
    p.git("config", "remote.origin.url", "https://example.org/secret")
    snapshot = p.create("t")
    assert git(snapshot, "status").out == p.git("status").out and "detached at v1" in p.git("status").out
    assert len((snapshot / ".git/logs/HEAD").read_text().splitlines()) == 1


def test_symlinks_in_circles(tmp):
    p = Project(tmp, k_files)
    (p.source / ".git/refs/heads/up").symlink_to("..")
    p.create("t")


def test_a_quote_in_a_submodules_name(tmp):
    make_repo(tmp / "inner", {"i": "i\n"})
    p = Project(tmp, k_files)
    p.git("submodule", "add", "-q", "--name", 'odd"name', tmp / "inner", "sub")
    p.git("commit", "-qam", "s")
    snapshot = p.create("t")
    assert git(snapshot / "sub", "log", "--format=%s").out == git(tmp / "inner", "log", "--format=%s").out


# ---- repositories of other kinds -----------------------------------------------------------------


def test_linked_work_tree(tmp):
    p = Project(tmp, k_files)
    p.git("config", "extensions.worktreeConfig", "true")
    tree = tmp / "linked"
    p.git("worktree", "add", "-q", "-b", "side", tree)
    git(tree, "config", "--worktree", "user.name", "Side")
    write_files(tree, {"a.txt": "of the side\n", "new": "n\n"})
    git(tree, "add", "new")
    p.git("bisect", "start")
    q = Project(tmp / "q", plain=True)
    q.source = tree
    before = content(p.source), content(tree)
    snapshot = q.create("t", "--files", "untracked")
    assert (snapshot / ".git").is_dir()
    assert_same_answers(tree, snapshot)
    assert git(snapshot, "config", "user.name").out == "Side\n"
    git(snapshot, "commit", "-qam", "in the snapshot")
    git(snapshot, "gc", "-q")
    assert (content(p.source), content(tree)) == before
    assert_same_answers(p.source, p.create("main", "--files", "untracked"))


def test_merge_and_rebase_under_way(tmp):
    p = Project(tmp, k_files)
    p.git("checkout", "-qb", "side")
    p.write({"a.txt": "side\n"})
    p.git("commit", "-qam", "side")
    p.git("checkout", "-q", "main")
    p.write({"a.txt": "main\n"})
    p.git("commit", "-qam", "main")
    for number, (begin, end) in enumerate(((["merge", "side"], ["commit", "-qam", "merged"]),
                                           (["cherry-pick", "side"], ["-c", "core.editor=true", "cherry-pick", "--continue"]),
                                           (["rebase", "side"], ["-c", "core.editor=true", "rebase", "--continue"]))):
        p.git(*begin, expect=1)
        snapshot = p.create(f"t{number}")
        assert_same_answers(p.source, snapshot)
        assert git(snapshot, "status").out == p.git("status").out
        write_files(snapshot, {"a.txt": "both\n"})
        git(snapshot, "add", "a.txt")
        git(snapshot, *end)
        assert git(snapshot, "log", "--format=%s").out != p.git("log", "--format=%s").out
        p.git(begin[0], "--abort")
        assert_same_answers(p.source, p.create(f"t{number}", "--fresh"))


def test_shallow_clone(tmp):
    origin = make_repo(tmp / "origin", k_files)
    git(origin, "commit", "-q", "--allow-empty", "-m", "second")
    p = Project(tmp, plain=True)
    shutil.rmtree(p.source)
    run(["git", "clone", "-q", "--depth", "1", f"file://{origin}", p.source])
    snapshot = p.create("t")
    assert_same_answers(p.source, snapshot)
    git(snapshot, "fetch", "-q", "--unshallow")
    assert git(snapshot, "log", "--format=%s").out == "second\nfirst\n"
    assert p.git("log", "--format=%s").out == "second\n"


def test_partial_clone(tmp):
    """A missing object is fetched from the promisor, into the snapshot alone."""
    origin = make_repo(tmp / "origin", k_files)
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    write_files(origin, {"a.txt": "second\n"})
    git(origin, "commit", "-qam", "second")
    p = Project(tmp, plain=True)
    shutil.rmtree(p.source)
    run(["git", "clone", "-q", "--filter=blob:none", f"file://{origin}", p.source])
    snapshot = p.create("t")
    before = content(p.source)
    assert git(snapshot, "show", "HEAD~1:a.txt").out == "a\n"
    assert content(p.source) == before
    assert_same_answers(p.source, snapshot)


def test_what_an_index_has_for_one_place_alone(tmp):
    p = Project(tmp, {f"d{n}/f{k}": f"{n} {k}\n" for n in range(5) for k in range(20)})
    for number, command in enumerate((("update-index", "--split-index"), ("update-index", "--untracked-cache"),
                                      ("update-index", "--index-version", "4"))):
        p.git(*command)
        p.write({f"d1/f{number}": "changed in the split one\n"})
        p.git("add", "-A")
        p.git("status")
        snapshot = p.create(f"t{number}", "--files", "untracked")
        assert_same_answers(p.source, snapshot)
        assert not list((snapshot / ".git").glob("shared*"))
        assert git(snapshot, "status").err == ""
    p.git("config", "core.fsmonitor", "true")
    p.git("config", "core.untrackedCache", "true")
    p.git("update-index", "--fsmonitor")
    try:
        snapshot = p.create("monitored", "--files", "untracked")
        write_files(snapshot, {"d1/f9": "changed\n"})
        assert git(snapshot, "status", "--porcelain", "d1/f9").out == " M d1/f9\n"
        assert git(snapshot, "fsmonitor--daemon", "status", expect=None).code != 0
    finally:
        p.git("fsmonitor--daemon", "stop", expect=None)


def test_sparse_checkout_and_index(tmp):
    p = Project(tmp, {"top": "1", "in/a": "2", "out/d/e/b": "3", "out/c": "4"})
    for cone in (["--cone", "--sparse-index"], ["--cone", "--no-sparse-index"], ["--no-cone"]):
        p.git("sparse-checkout", "set", *cone, "in" if "--cone" in cone else "/in/")
        before = content(p.source)
        snapshot = p.create("t" + cone[-1].strip("-"))
        assert content(p.source) == before
        assert_same_answers(p.source, snapshot)
        git(snapshot, "sparse-checkout", "disable")
        assert (snapshot / "out/d/e/b").read_text() == "3"


def test_submodules(tmp):
    inner = make_repo(tmp / "inner", {"deep": "1\n"})
    middle = make_repo(tmp / "middle", {"m": "1\n"})
    git(middle, "submodule", "add", "-q", inner, "nested")
    git(middle, "commit", "-qm", "nested")
    p = Project(tmp, k_files)
    p.git("submodule", "add", "-q", "--name", "odd/name", middle, "sub/module")
    p.git("submodule", "update", "-q", "--init", "--recursive")
    make_repo(p.source / "own", {"o": "1\n"})  # its git folder is its own
    p.git("-c", "advice.addEmbeddedRepo=false", "add", "own")
    p.git("submodule", "add", "-q", inner, "uncloned")
    p.git("commit", "-qm", "all")
    p.git("submodule", "deinit", "-q", "-f", "uncloned")
    p.write({"sub/module/m": "edited\n", "sub/module/nested/new": "n\n", "own/o": "edited\n"})
    git(p.source / "sub/module/nested", "commit", "-q", "--allow-empty", "-m", "ahead")
    git(p.source / "own", "tag", "v1")
    snapshot = p.create("t", "--files", "untracked")
    for path in (".", "sub/module", "sub/module/nested", "own"):
        assert_same_answers(p.source / path, snapshot / path)
        assert git(snapshot / path, "rev-parse", "--show-toplevel").out.strip() == str((snapshot / path).resolve())
    before = content(p.source)
    git(snapshot / "sub/module", "commit", "-qam", "inside")
    git(snapshot, "commit", "-qam", "outside")
    for path in ("sub/module", "sub/module/nested", "own"):
        git(snapshot / path, "gc", "-q")
    git(snapshot, "submodule", "update", "-q", "--init", "uncloned")
    git(snapshot, "checkout", "-qf", "--recurse-submodules", "HEAD~1")
    git(snapshot, "rm", "-qf", "sub/module")
    assert content(p.source) == before
    git(p.source / "sub/module/nested", "commit", "-q", "--allow-empty", "-m", "more")
    fresh = p.create("t", "--fresh", "--files", "untracked")
    assert_same_answers(p.source / "sub/module/nested", fresh / "sub/module/nested")


def test_an_untracked_repository(tmp):
    p = Project(tmp, k_files)
    make_repo(p.source / "other", {"x": "1"})
    snapshot = p.create("t", "--files", "untracked")
    assert_same_answers(p.source, snapshot)
    assert_same_answers(p.source / "other", snapshot / "other")


def test_objects_that_are_borrowed(tmp):
    """Alternates of alternates, by relative paths: the snapshot names all of them by absolute ones."""
    far = make_repo(tmp / "far", k_files)
    run(["git", "clone", "-q", "--shared", far, tmp / "near"])
    git(tmp / "near", "commit", "-q", "--allow-empty", "-m", "near")
    (tmp / "near/.git/objects/info/alternates").write_text("../../../far/.git/objects\n")
    p = Project(tmp, plain=True)
    shutil.rmtree(p.source)
    run(["git", "clone", "-q", "--shared", tmp / "near", p.source])
    (p.source / ".git/objects/info/alternates").write_text("# a comment\n../../../near/.git/objects\n")
    snapshot = p.create("t")
    assert_same_answers(p.source, snapshot)
    stores = (snapshot / ".git/objects/info/alternates").read_text().splitlines()
    assert stores == [f"{tmp}/{name}/.git/objects" for name in ("source", "near", "far")], stores
    again = Project(tmp / "again", plain=True)
    again.source = snapshot
    assert_same_answers(snapshot, again.create("of_a_snapshot"))


def test_sha256(tmp):
    p = Project(tmp, plain=True)
    if p.git("init", "-q", "--object-format=sha256", expect=None).code != 0:
        skip("this git makes no SHA-256 repositories")
    p.git("add", ".")
    p.git("commit", "-qm", "first")
    snapshot = p.create("t")
    assert_same_answers(p.source, snapshot)
    git(snapshot, "commit", "-q", "--allow-empty", "-m", "x")
    git(snapshot, "fsck")


def with_reftables(tmp):
    """A source whose refs are in tables, and what makes git know them.

    Where this git does not (2.45 does), its files lie elsewhere, and one in its place says what a newer one would say.
    """
    p = Project(tmp, plain=True)
    if p.git("init", "-q", "--ref-format=reftable", expect=None).code == 0:
        return p, {}
    p.git("init", "-q")
    p.git("config", "extensions.refStorage", "reftable")
    real, hidden = shutil.which("git"), tmp / "hidden"
    (p.source / ".git").rename(hidden)
    write_files(p.source, {".git/HEAD": "ref: refs/heads/.invalid\n", ".git/refs/heads": "this repository uses the reftable format\n",
                           ".git/reftable/tables.list": "", ".git/objects/info/alternates": f"{hidden}/objects\n"})
    for name in ("config", "index", "info"):
        (p.source / ".git" / name).symlink_to(hidden / name)
    write_files(tmp, {"bin/git": f'''#!/bin/sh
        case "$PWD/$GIT_DIR" in {p.source}/|{p.source}/{p.source}/.git) GIT_DIR={hidden} GIT_WORK_TREE={p.source}; export GIT_DIR GIT_WORK_TREE ;; esac
        exec {real} "$@"\n'''})
    (tmp / "bin/git").chmod(0o755)
    return p, {"PATH": f"{tmp}/bin:{os.environ['PATH']}"}


def test_reftable(tmp):
    p, env = with_reftables(tmp)

    def told(folder):
        return [run(["git", *question.split()], cwd=folder, env=env, expect=None)[1:4] for question in
                ("symbolic-ref HEAD", "for-each-ref", "status --porcelain", "log --format=%H%d", "describe --tags")]

    def asked(*command):
        run(["git", *command], cwd=p.source, env=env)
        (p.source / ".git/reftable/tables.list").write_text(str(command))  # as each change of a ref changes it
        return told(p.source), told(p.create("t", "--fresh", env=env))

    for command in (["add", "."], ["commit", "-qm", "first"], ["tag", "v1"], ["checkout", "-q", "--detach"], ["checkout", "-qb", "new"]):
        expected, got = asked(*command)
        assert got == expected, command
    assert "refstorage" not in (p.root / "t/.git/config").read_text().lower()
    git(p.root / "t", "commit", "-q", "--allow-empty", "-m", "by any git")


def test_symlinks_in_place_of_git_folders(tmp):
    p = Project(tmp, k_files)
    (p.source / ".git").rename(tmp / "elsewhere")
    (p.source / ".git").symlink_to(tmp / "elsewhere")
    (tmp / "elsewhere/refs").rename(tmp / "refs")
    (tmp / "elsewhere/refs").symlink_to("../refs")
    p.git("config", "extensions.none", "x")
    p.git("config", "--remove-section", "extensions")
    assert_same_answers(p.source, p.create("t"))
    sleep_past_racy()
    p.freeze()
    p.git("branch", "later")
    snapshot = p.create("t", "--fresh")
    assert_same_answers(p.source, snapshot)
    assert not (snapshot / ".git").is_symlink()


def test_a_git_that_leads_nowhere(tmp):
    p = Project(tmp, k_files)
    inner = make_repo(p.source / "inner", {"x": "1"})
    p.git("-c", "advice.addEmbeddedRepo=false", "add", "inner")
    shutil.rmtree(inner / ".git")
    (inner / ".git").write_text("gitdir: /nowhere\n")
    assert_fails(p("create", "t", expect=None), 1, "inner")


# ---- objects that go away ------------------------------------------------------------------------


def test_a_gc_of_the_source(tmp):
    p = Project(tmp, k_files)
    p.git("checkout", "-qb", "side")
    p.write({"a.txt": "only here\n"})
    p.git("commit", "-qam", "side")
    snapshot = p.create("t")
    for command in (["gc", "-q"], ["repack", "-adq"], ["gc", "-q", "--prune=now"]):
        p.git(*command)
        git(snapshot, "fsck")
        assert_same_answers(p.source, snapshot)
    shown = p("show", "t")
    assert f"{p.source}/.git/objects" in shown.out and not shown.err, shown
    p.git("checkout", "-q", "main")
    p.git("branch", "-qD", "side")
    p.git("gc", "-q")
    git(snapshot, "fsck")  # the reflog holds it yet
    p.git("reflog", "expire", "--expire=now", "--all")
    p.git("gc", "-q", "--prune=now")
    assert git(snapshot, "log", expect=None).code != 0
    assert_says(p("show", "t"), f"{p.source}/.git/objects", "HEAD", "--fresh")
    report = p("show", "t", "--json").json()
    assert report["git"] == {"objects": [f"{p.source}/.git/objects"], "intact": False}
    assert_same_answers(p.source, p.create("t", "--fresh"))


def test_another_users_snapshot(tmp):
    """git asks whose a work tree is, not whose the objects are: a snapshot is its maker's."""
    if not harness.can_run_as():
        skip("no other user can be tried here")
    p = Project(tmp, k_files)
    snapshot = p.create("t")
    for folder in (tmp, p.source, p.root, snapshot):
        folder.chmod(0o755)
    done = run(["git", "-C", snapshot, "status"], user=harness.NOBODY, expect=None)
    assert done.code != 0 and "safe.directory" in done.err, done


def test_symlinks_into_git(tmp):
    p = Project(tmp, k_files)
    for number in range(3):
        os.symlink(f"../.git/annex/objects/{number}", p.source / f"dir/annexed{number}")
    p.git("add", ".")
    warnings = p.freeze()["warnings"]
    assert len(warnings) == 1 and "3 symlinks lead into a .git" in warnings[0], warnings


# ---- what reads a .git by itself -----------------------------------------------------------------

k_libraries = r"""
import sys, os, subprocess
os.chdir(sys.argv[1]); head = sys.argv[2]
import git
repo = git.Repo(".", search_parent_directories=True)
assert repo.working_dir == os.getcwd() and repo.head.commit.hexsha == head and not repo.bare
assert [d.a_path for d in repo.index.diff(None)] == ["a.txt"], [d.a_path for d in repo.index.diff(None)]
assert str(repo.tags[0]) == "v1.0" and repo.active_branch.name == "main"
from dulwich.repo import Repo
from dulwich import porcelain
repo2 = Repo.discover(".")
assert repo2.head().decode() == head and porcelain.status(repo2).unstaged == [b"a.txt"], porcelain.status(repo2)
assert porcelain.describe(repo2).startswith("v1.0-1-g"), porcelain.describe(repo2)
import pygit2
repo3 = pygit2.Repository(pygit2.discover_repository("."))
assert str(repo3.head.target) == head and list(repo3.status()) == ["a.txt"], repo3.status()
assert repo3.describe().startswith("v1.0-1-g")
import setuptools_scm
print(setuptools_scm.get_version("."))
repo.index.add(["a.txt"]); repo.index.commit("by GitPython")
open("b", "w").write("b"); porcelain.add(repo2, ["b"]); porcelain.commit(repo2, message=b"by dulwich", author=b"a <a@e>", committer=b"a <a@e>")
repo3 = pygit2.Repository("."); index = repo3.index; index.read(); open("c", "w").write("c"); index.add("c"); index.write()
me = pygit2.Signature("me", "me@example.org")
repo3.create_commit("HEAD", me, me, "by pygit2", index.write_tree(), [repo3.head.target])
print(subprocess.run(["git", "log", "--format=%s", "-4"], capture_output=True, text=True, check=True).stdout)
"""


def test_libraries(tmp):
    run(["python3", "-m", "venv", tmp / "venv"])
    python = tmp / "venv/bin/python"
    packages = ["GitPython", "dulwich", "pygit2", "setuptools-scm", "setuptools"]
    done = run([python, "-m", "pip", "install", "-q", *packages], expect=None, timeout=300)
    if done.code != 0:
        skip(f"PyPI gives no {', '.join(packages)}")
    p = Project(tmp, k_files)
    p.git("tag", "-a", "v1.0", "-m", "one")
    p.write({"dir/c": "second\n", "pyproject.toml": "[project]\nname = 'x'\ndynamic = ['version']\n[tool.setuptools_scm]\n"})
    p.git("add", ".")
    p.git("commit", "-qm", "second")
    p.write({"a.txt": "edited\n"})
    write_files(tmp, {"script.py": k_libraries})
    head = p.git("rev-parse", "HEAD").out.strip()
    snapshot = p.create("t")
    version = run([python, "-c", "import setuptools_scm; print(setuptools_scm.get_version('.'))"], cwd=p.source).out
    before = content(p.source)
    said = p("run", "t", "--", python, tmp / "script.py", snapshot, head).out.splitlines()
    assert said[0] == version.strip() and said[1:5] == ["by pygit2", "by dulwich", "by GitPython", "second"], said
    assert content(p.source) == before


if __name__ == "__main__":
    harness.main()
