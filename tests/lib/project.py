"""A source, a root outside it, and the helper's commands on them: what the tests of the command line share."""

import os
import pathlib
import stat

import harness
from harness import git, make_repo, run, snapfix, tree_state, write_files

k_tree_commands = ("freeze", "create", "run")


class Project:
    def __init__(self, folder, files=None, plain=False, root=None, git=None):
        """git="off": for what counts files of snapshots, and does not care for a .git in them."""
        self.git_option = ["--git", git] if git else []
        self.source = pathlib.Path(folder) / "source"
        self.root = pathlib.Path(root) if root else pathlib.Path(folder) / "root"
        if plain:
            self.source.mkdir(parents=True)
            write_files(self.source, files or {"a.txt": "a\n", "dir/b.py": "print('b')\n"})
        else:
            make_repo(self.source, files)

    def __call__(self, command, *args, **options):
        """Any command of the helper; --source and --root come by themselves, options are those of run()."""
        where = ["--source", self.source, *self.git_option] if command in k_tree_commands else []
        return snapfix(command, *where, "--root", self.root, *args, **options)

    def git(self, *args, **options):
        return git(self.source, *args, **options)

    def write(self, files):
        write_files(self.source, files)

    def freeze(self, *args, **options):
        return self("freeze", "--json", *args, **options).json()

    def create(self, name, *args, **options):
        """Makes a snapshot and returns its path, which must be all that the command prints."""
        printed = self("create", name, *args, **options).out
        assert printed.endswith("\n"), repr(printed)
        return pathlib.Path(printed[:-1])

    def create_json(self, name, *args, **options):
        return self("create", name, "--json", *args, **options).json()

    def names(self):
        """The folders that the root shows, which are the snapshots and nothing else."""
        if not self.root.exists():
            return []
        return sorted(p.name for p in self.root.iterdir() if p.is_dir() and p.name != ".snapfix")

    def spares(self):
        folder = self.root / ".snapfix/spares"
        return sorted(folder.iterdir()) if folder.exists() else []

    def strays(self):
        """Files in the root that are no business of anybody's."""
        return sorted(p.name for p in self.root.iterdir() if not p.is_dir() and p.name != ".gitignore")

    def expect_snapshot(self, path, paths=None, target=None):
        """Holds a snapshot, but for its .git, equal to `rsync -a` of what git tracks, or of the paths given."""
        paths = listed(self.source) if paths is None else paths
        with harness.temp_dir("expected") as tmp:
            expected = target or tmp / "copy"
            harness.rsync_copy_of_list(self.source, paths, expected)
            harness.assert_same_tree(expected, path, without=(".git",))


def listed(top, prefix=b"", indexes=None):
    """The yardstick of what a tracked snapshot holds, by a way of its own: git's index entry by entry.

    A path counts if no folder on the way is a symlink and a file or symlink is there, whatever it is in the
    index; a gitlink is entered if a work tree is there, else it stands as an empty folder.

    indexes: a dict that keeps, from call to call, what git said of an index, by its content.
    """
    top = os.fsencode(top)
    found = set()
    for line in _index_entries(top, {} if indexes is None else indexes):
        if not line:
            continue
        meta, path = line.split(b"\t", 1)
        if not _parents_are_folders(top, path):
            continue
        try:
            status = os.lstat(os.path.join(top, path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        if meta.startswith(b"160000") and stat.S_ISDIR(status.st_mode):
            found.add(prefix + path)
            if os.path.lexists(os.path.join(top, path, b".git")):
                found.update(listed(os.path.join(top, path), prefix + path + b"/", indexes))
        elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            found.add(prefix + path)
    return sorted(found)


def _index_entries(top, known):
    """The lines of `git ls-files --stage`."""
    folder = os.path.join(top, b".git")
    if os.path.isfile(folder):  # of a submodule
        with open(folder, "rb") as link:
            folder = os.path.join(top, link.read().split(b" ", 1)[1].rstrip(b"\n"))
    try:
        content = harness.file_hash(os.path.join(folder, b"index"))
    except FileNotFoundError:
        content = None
    if content is None or content not in known:
        known[content] = os.fsencode(git(top, "ls-files", "--stage", "-z").out).split(b"\0")
    return known[content]


def _parents_are_folders(top, path):
    parts = path.split(b"/")[:-1]
    for count in range(1, len(parts) + 1):
        try:
            if not stat.S_ISDIR(os.lstat(os.path.join(top, *parts[:count])).st_mode):
                return False
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True


def plain_paths(top, without=(b".git",)):
    """Every path below a folder, folders included, as rsync's list wants them."""
    return sorted(path for path in tree_state(top, without, content=False) if path != b".")


def every_stat(top):
    """What must not move in the source, .git included: inode, links, ctime and all that tree_state sees."""
    state = {}
    for path, entry in tree_state(top, content=False).items():
        status = os.lstat(os.path.join(os.fsencode(top), path))
        state[path] = (entry.kind, status.st_mode, status.st_ino, status.st_nlink, status.st_size,
                       status.st_mtime_ns, status.st_ctime_ns)
    return state


def inode(path):
    return os.lstat(path).st_ino


def assert_says(result, *words):
    """Errors and notes go to stderr, and hold these words whatever the case."""
    for word in words:
        assert word.lower() in result.err.lower(), f"nothing says {word!r}:\n{result}"


def assert_fails(result, code, *words):
    """A failure is said in the one form, with nothing on stdout."""
    assert result.code == code, f"expected exit code {code}\n{result}"
    assert "snapfix: error: " in result.err, result
    assert result.out == "", result
    assert_says(result, *words)


def sleep_past_racy():
    """Long enough that the ctime of what exists is old for the next freeze."""
    run(["sleep", "2.3"])
