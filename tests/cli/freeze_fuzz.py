"""Freeze under fire: random steps on a repository with submodules, and after each the snapshot is held
equal to what git lists of the source: byte by byte, mode by mode, mtime by mtime. After each tenth it is held
equal to `rsync -a` of that list, too.

SNAPFIX_FUZZ_FS: the file system, as harness.file_system() names it; SNAPFIX_FUZZ_STEPS: how many steps
(400 on the file system at hand, 1,200 on tmpfs; 40 on ext4-128, where a freeze after an edit waits for the
clock's next second); SNAPFIX_FUZZ_SEED repeats a failure.
"""

import os
import random
import shutil
import stat
import time

import harness
from harness import git, make_repo
from project import Project, every_stat, listed

k_file_system = os.environ.get("SNAPFIX_FUZZ_FS", "default")
k_steps = int(os.environ.get("SNAPFIX_FUZZ_STEPS", {"tmpfs": 1200, "ext4-128": 40}.get(k_file_system, 400)))
k_seed = int(os.environ.get("SNAPFIX_FUZZ_SEED", str(time.time_ns() % 1_000_000_007)))
k_modes = (0o644, 0o755, 0o600, 0o444, 0o664, 0o700)
k_odd_names = ("new line\n", "sp ace", "-dash", "ümlaut", "tab\t", 'quo"te', "back\\slash", "*", "[x]")


class Fuzz:
    def __init__(self, folder, rng):
        self.rng = rng
        self.project = Project(folder, {f"{d}f{n}.txt": f"{d}{n}\n" * 20 for d in ("", "d/", "d/e/") for n in range(6)})
        self.top = self.project.source
        inner = make_repo(folder / "inner", {"deep.txt": "deep\n", "x/y.txt": "y\n"})
        outer = make_repo(folder / "outer", {"one.txt": "1\n", "two.txt": "2\n"})
        git(outer, "submodule", "add", "-q", inner, "inner")
        git(outer, "commit", "-q", "-am", "inner")
        self.git("submodule", "add", "-q", folder / "outer", "sub")
        self.git("submodule", "update", "-q", "--init", "--recursive")
        self.git("config", "filter.upper.clean", "tr a-z A-Z")
        self.git("config", "filter.upper.smudge", "tr A-Z a-z")
        self.git("commit", "-q", "-am", "sub")
        self.git("switch", "-q", "-c", "side")
        for path in ("f1.txt", "d/f2.txt"):
            (self.top / path).write_text("side\n")
        (self.top / "side-only.txt").write_text("side\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "side")
        self.git("switch", "-q", "main")
        self.steps = [
            # weight, step
            (8, self.edit), (8, self.edit_same_size_and_mtime), (3, self.append), (4, self.replace_by_rename),
            (4, self.chmod), (3, self.chmod_folder), (4, self.touch), (3, self.touch_folder), (3, self.new_file),
            (2, self.delete), (1, self.delete_folder), (3, self.rename), (1, self.rename_folder),
            (2, self.file_to_folder), (2, self.file_to_symlink), (2, self.folder_to_symlink), (1, self.symlink_to_file),
            (1, self.folder_to_file), (2, self.switch_there_and_back), (1, self.switch), (2, self.attributes),
            (2, self.hide_from_git), (1, self.show_to_git), (2, self.intend_to_add), (1, self.conflict),
            (2, self.add), (2, self.commit), (2, self.reset), (1, self.stash), (1, self.submodule_away),
            (1, self.submodule_back), (1, self.submodule_commit), (1, self.hard_link), (2, self.nothing), (1, self.swap),
        ]

    def git(self, *args, **options):
        return git(self.top, *args, **options)

    def try_git(self, *args):
        """Many a step finds the repository in a state in which git refuses: that is a state as well."""
        self.git(*args, expect=None)

    # what there is to change

    def paths(self, wanted):
        found = []
        for folder, folders, files in os.walk(os.fsencode(self.top)):
            folders[:] = sorted(name for name in folders if name != b".git")
            for name in folders + sorted(files):
                path = os.path.join(folder, name)
                if name != b".git" and wanted(os.lstat(path).st_mode):
                    found.append(path)
        return found

    def file(self):
        return self.rng.choice(self.paths(stat.S_ISREG) or [self.new_file()])

    def folder(self):
        folders = [f for f in self.paths(stat.S_ISDIR) if not os.path.lexists(os.path.join(f, b".git"))]
        return self.rng.choice(folders) if folders else self.new_folder()

    def fresh_path(self):
        name = f"n{self.rng.randrange(10**6)}{self.rng.choice(('',) + k_odd_names)}".encode()
        if self.rng.random() < 0.2:
            name += b"\xff\xfe"
        return os.path.join(self.rng.choice([os.fsencode(self.top)] + self.paths(stat.S_ISDIR)), name)

    def content(self, size=None):
        size = self.rng.choice((0, 1, 7, 100, 5000)) if size is None else size
        return bytes(self.rng.choices(b"abcdefgh \n\r", k=size))

    def rewrite(self, path, data, mode="wb"):
        if os.lstat(path).st_mode & 0o200 == 0:
            os.chmod(path, 0o644)
        with open(path, mode) as out:
            out.write(data)

    # steps

    def nothing(self):
        pass

    def edit(self):
        self.rewrite(self.file(), self.content())

    def edit_same_size_and_mtime(self):
        path = self.file()
        before = os.lstat(path)
        self.rewrite(path, self.content(before.st_size))
        os.chmod(path, stat.S_IMODE(before.st_mode))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def append(self):
        self.rewrite(self.file(), self.content(3), "ab")

    def replace_by_rename(self):
        path = self.file()
        before = os.lstat(path)
        with open(path + b"~", "wb") as out:
            out.write(self.content(before.st_size))
        if self.rng.random() < 0.5:
            os.utime(path + b"~", ns=(before.st_atime_ns, before.st_mtime_ns))
        os.rename(path + b"~", path)

    def swap(self):
        a, b = self.file(), self.file()
        os.rename(a, a + b"~")
        if a != b:
            os.rename(b, a)
        os.rename(a + b"~", b)

    def chmod(self):
        os.chmod(self.file(), self.rng.choice(k_modes))

    def chmod_folder(self):
        os.chmod(self.folder(), self.rng.choice((0o755, 0o700, 0o775, 0o555)))

    def random_time(self):
        return self.rng.choice((0, 1, 10**9, int(time.time()) + 86400)) * 10**9 + self.rng.choice((0, 1, 123456789))

    def touch(self):
        when = self.random_time()
        os.utime(self.rng.choice(self.paths(lambda m: not stat.S_ISDIR(m))), ns=(when, when), follow_symlinks=False)

    def touch_folder(self):
        when = self.random_time()
        os.utime(self.folder(), ns=(when, when))

    def new_file(self):
        path = self.fresh_path()
        with open(path, "wb") as out:
            out.write(self.content())
        if self.rng.random() < 0.7:
            self.try_git("add", "-A")
        return path

    def new_folder(self):
        path = self.fresh_path()
        os.mkdir(path)
        return path

    def delete(self):
        os.unlink(self.file())

    def delete_folder(self):
        shutil.rmtree(self.folder())

    def rename(self):
        os.rename(self.file(), self.fresh_path())
        self.try_git("add", "-A")

    def rename_folder(self):
        path = self.folder()
        target = self.fresh_path()
        if not target.startswith(path + b"/"):
            os.rename(path, target)
            self.try_git("add", "-A")

    def file_to_folder(self):
        path = self.file()
        os.unlink(path)
        os.mkdir(path)
        with open(path + b"/inside", "wb") as out:
            out.write(self.content())

    def file_to_symlink(self):
        path = self.file()
        os.unlink(path)
        # Later steps may write through it: what lies outside must be ours as well.
        outside = os.fsencode(self.top.parent / "outside")
        with open(outside, "ab"):
            pass
        os.symlink(self.rng.choice((b"f1.txt", b"nowhere", b"../d", outside, b".")), path)

    def symlink_to_file(self):
        links = self.paths(stat.S_ISLNK)
        if links:
            path = self.rng.choice(links)
            os.unlink(path)
            with open(path, "wb") as out:
                out.write(self.content())

    def folder_to_symlink(self):
        path = self.folder()
        moved = self.fresh_path()
        if not moved.startswith(path + b"/"):
            os.rename(path, moved)
            os.symlink(os.path.relpath(moved, os.path.dirname(path)), path)

    def folder_to_file(self):
        path = self.folder()
        shutil.rmtree(path)
        with open(path, "wb") as out:
            out.write(self.content())

    def switch(self):
        self.try_git("switch", "-q", "-f", self.rng.choice(("main", "side")))

    def switch_there_and_back(self):
        self.try_git("switch", "-q", "-f", "side")
        self.try_git("switch", "-q", "-f", "main")

    def attributes(self):
        rules = ("*.txt eol=crlf\n", "*.txt text eol=lf\n", "*.txt filter=upper\n", "* -text\n", "* export-ignore\n", "")
        if os.path.islink(self.top / ".gitattributes"):
            os.unlink(self.top / ".gitattributes")
        with open(self.top / ".gitattributes", "w", encoding="utf-8") as out:
            out.write(self.rng.choice(rules))
        self.try_git("add", ".gitattributes")
        if self.rng.random() < 0.5:
            self.try_git("add", "--renormalize", ".")
        if self.rng.random() < 0.3:
            self.try_git("checkout", "-f", "--", ".")

    def hide_from_git(self):
        names = [n for n in self.git("ls-files", "-z").out.split("\0") if n and os.path.isfile(self.top / n)]
        if names:
            name = self.rng.choice(names)
            self.try_git("update-index", self.rng.choice(("--assume-unchanged", "--skip-worktree")), "--", name)
            if self.rng.random() < 0.8 and not os.path.islink(self.top / name):
                self.rewrite(os.fsencode(self.top / name), self.content())

    def show_to_git(self):
        self.try_git("update-index", "--really-refresh")
        for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
            names = self.git("ls-files", "-z").out
            self.git("update-index", flag, "-z", "--stdin", stdin=names, expect=None)

    def intend_to_add(self):
        path = self.fresh_path()
        with open(path, "wb") as out:
            out.write(self.content())
        self.try_git("add", "-N", "--", os.path.relpath(path, os.fsencode(self.top)))

    def conflict(self):
        self.try_git("add", "-A")
        self.try_git("commit", "-q", "-m", "before the merge")
        if (self.top / "f1.txt").is_file():
            self.rewrite(os.fsencode(self.top / "f1.txt"), self.content())
        self.try_git("commit", "-q", "-am", "mine")
        self.try_git("merge", "-q", "side")

    def add(self):
        self.try_git("add", "-A")

    def commit(self):
        self.try_git("add", "-A")
        self.try_git("commit", "-q", "-m", "step")

    def reset(self):
        self.try_git("reset", "-q", "--hard", self.rng.choice(("HEAD", "main", "side")))

    def stash(self):
        self.try_git("stash", "-q")
        if self.rng.random() < 0.7:
            self.try_git("stash", "pop", "-q")

    def submodule_away(self):
        self.try_git("submodule", "deinit", "-q", "-f", "sub")

    def submodule_back(self):
        self.try_git("submodule", "update", "-q", "-f", "--init", "--recursive")

    def submodule_commit(self):
        sub = self.top / "sub"
        if (sub / ".git").exists():
            harness.write_files(sub, {"one.txt": self.content()})
            git(sub, "add", "-A", expect=None)
            git(sub, "commit", "-q", "-m", "sub step", expect=None)

    def hard_link(self):
        os.link(self.file(), self.fresh_path())
        self.try_git("add", "-A")

    def step(self):
        """A handful of edits; returns their names."""
        chosen = self.rng.choices([s for _, s in self.steps], [w for w, _ in self.steps], k=self.rng.choice((1, 1, 2, 4)))
        for action in chosen:
            # rng alone decides, so that a seed repeats; a path may have gone with an edit before
            try:
                action()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError, PermissionError):
                pass
        return [action.__name__ for action in chosen]


def state_of_list(top, paths):
    """tree_state() of the paths and the folders on their way."""
    wanted = {b"."}
    for path in paths:
        while path:
            wanted.add(path)
            path = os.path.dirname(path)
    return {path: entry for path, entry in harness.tree_state(top, without=(".git",)).items() if path in wanted}


def fuzz(folder, steps, seed):
    rng = random.Random(seed)
    it = Fuzz(folder, rng)
    project, history, indexes = it.project, [], {}
    for number in range(steps):
        history.append(it.step())
        check_source = number % 10 == 0
        before = every_stat(it.top) if check_source else None
        try:
            snapshot = project.create("fuzz", "--fresh")
            paths = listed(it.top, indexes=indexes)
            if check_source:
                assert before == every_stat(it.top), "the freeze changed the source"
                project.expect_snapshot(snapshot, paths, folder / "expected")
            got = harness.tree_state(snapshot, without=(".git",))
            harness.assert_same_state(state_of_list(it.top, paths), got, what="the source and the snapshot")
        except AssertionError as wrong:
            raise AssertionError(
                f"seed {seed}, step {number}, the last steps: {history[-4:]}\n"
                f"to repeat it: SNAPFIX_FUZZ_SEED={seed} SNAPFIX_FUZZ_STEPS={number + 1}\n{wrong}"
            ) from None


def test_fuzz():
    print(f"{k_steps} steps on {k_file_system}, seed {k_seed}", flush=True)
    with harness.file_system(k_file_system) as where:
        fuzz(where, k_steps, k_seed)


if __name__ == "__main__":
    harness.main()
