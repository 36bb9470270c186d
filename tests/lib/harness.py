"""A small test runner, and what the tests share. Standard library only, Python 3.9 and up.

A test script defines functions `test_*` and ends with

    if __name__ == "__main__":
        harness.main()

A function that takes `tmp` gets an empty folder of its own. Names on the command line select
functions. Exit code: 0 passed, 1 something failed, 77 everything was skipped.

Environment: SNAPFIX the helper under test; SNAPFIX_SKIP_LOG a file that collects skips;
SNAPFIX_REQUIRE_ALL=1 makes a skip a failure.
"""

import atexit
import contextlib
import ctypes
import hashlib
import inspect
import json
import os
import pathlib
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from typing import Dict, Iterable, NamedTuple, Optional

NOBODY = 65534


class Skip(Exception):
    """Raised by a test that cannot run here; the text says what is missing."""


def skip(reason):
    raise Skip(reason)


# ---- the runner ----------------------------------------------------------------------------------


def main():
    # nohup and a shell's & leave these ignored, and every child would inherit that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    script = sys.modules["__main__"]
    tests = {name: f for name, f in vars(script).items() if name.startswith("test_") and callable(f)}
    if sys.argv[1:] == ["--list"]:
        print("\n".join(tests))
        sys.exit(0)
    unknown = [name for name in sys.argv[1:] if name not in tests]
    if unknown or not tests:
        sys.exit(f"no such test: {unknown}; there are: {', '.join(tests)}")
    counts = {"ok": 0, "SKIP": 0, "FAIL": 0}
    for name in sys.argv[1:] or tests:
        counts[_run_one(pathlib.Path(script.__file__).stem, name, tests[name])] += 1
    print(f"{counts['ok']} ok, {counts['SKIP']} skipped, {counts['FAIL']} failed")
    sys.exit(1 if counts["FAIL"] else 0 if counts["ok"] else 77)


def _run_one(suite, name, test):
    started = time.monotonic()
    verdict, words = "ok", ""
    try:
        if inspect.signature(test).parameters:
            with temp_dir(name) as tmp:
                test(tmp)
        else:
            test()
    except Skip as why:
        verdict, words = "SKIP", f": {why}"
        _log_skip(f"{suite}.{name}: {why}")
        if os.environ.get("SNAPFIX_REQUIRE_ALL") == "1":
            verdict, words = "FAIL", f": skipped, and SNAPFIX_REQUIRE_ALL is set: {why}"
    except Exception:  # pylint: disable=broad-except
        verdict, words = "FAIL", "\n" + traceback.format_exc()
    print(f"{verdict} {name} ({time.monotonic() - started:.1f} s){words}", flush=True)
    return verdict


def _log_skip(line):
    log = os.environ.get("SNAPFIX_SKIP_LOG")
    if log:
        with open(log, "a", encoding="utf-8", errors="replace") as out:
            out.write(line.replace("\n", " ") + "\n")


# ---- folders that always go away -----------------------------------------------------------------


@contextlib.contextmanager
def temp_dir(hint="test"):
    """An empty folder, removed at the end with all that is in it or mounted on it."""
    made = pathlib.Path(tempfile.mkdtemp(prefix=f"snapfix-{hint[:40]}-")).resolve()
    made.chmod(0o755)  # tests that run as another user must get in
    try:
        yield made
    finally:
        remove_tree(made)


def remove_tree(top):
    """Removes a folder: read-only folders and mounts below it are no obstacle."""
    top = os.fsencode(os.path.realpath(top))
    for mount in reversed(mounts_below(top)):
        run(["umount", "-l", mount], expect=None)
    for folder, _, _ in os.walk(top):
        with contextlib.suppress(OSError):
            mode = os.lstat(folder).st_mode
            if stat.S_IMODE(mode) & 0o700 != 0o700:
                os.chmod(folder, 0o700)
    # A process that is only just dying may still write: look twice before giving up.
    for last in (False, False, True):
        try:
            return shutil.rmtree(top)
        except FileNotFoundError:
            return None
        except OSError:
            if last:
                raise
            time.sleep(0.3)
    return None


def mounts_below(top):
    found = []
    with open("/proc/self/mounts", "rb") as mounts:
        for line in mounts:
            # The kernel writes space, tab, newline and backslash as octal escapes.
            where = line.split(b" ")[1].decode("unicode_escape").encode("latin-1")
            if where == top or where.startswith(top + b"/"):
                found.append(where)
    return found


_process_scratch: Optional[pathlib.Path] = None


def process_scratch():
    """A folder that lives as long as this process: homes, copies of the helper."""
    global _process_scratch  # pylint: disable=global-statement
    if _process_scratch is None:
        stack = contextlib.ExitStack()
        _process_scratch = stack.enter_context(temp_dir("scratch"))
        atexit.register(stack.close)
    return _process_scratch


# ---- commands ------------------------------------------------------------------------------------


class Result(NamedTuple):
    command: list
    code: int  # negative: died by that signal
    out: str  # bytes that are not UTF-8 are surrogates
    err: str
    seconds: float

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return (
            f"command: {shlex.join(_shown(a) for a in self.command)}\nexit code: {self.code}"
            f"\n--- stdout\n{_cut(self.out)}\n--- stderr\n{_cut(self.err)}\n---"
        )


def _shown(arg):
    return os.fsdecode(arg).encode("utf-8", "backslashreplace").decode()


def _cut(text, most=6000):
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= most else f"{text[:most]}\n[{len(text) - most} more characters]"


def clean_env(**changes):
    """The environment of every command: nothing of the caller's git, snapshots or locale gets in."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "SNAPSHOT_", "CTEST_", "LC_"))
        and name not in ("SNAPFIX_ROOT", "CODE_SNAPSHOT_DIRNAME", "LANG", "LANGUAGE", "XDG_CONFIG_HOME")
    }
    home = process_scratch() / "home"
    if not home.exists():
        home.mkdir()
        (home / "gitconfig").write_text(
            "[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n"
            '[protocol "file"]\n\tallow = always\n[commit]\n\tgpgSign = false\n'
            "[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n[core]\n\tautocrlf = false\n"
            # Not a process more for each commit, not a dozen samples of hooks for each repository.
            f"[maintenance]\n\tauto = false\n[init]\n\ttemplateDir = {home}/template\n"
        )
        write_files(home / "template", {"info/exclude": "# What git is not to see here.\n"})
        (home / "template/hooks").mkdir()
    env.update(HOME=str(home), GIT_CONFIG_GLOBAL=str(home / "gitconfig"), GIT_CONFIG_NOSYSTEM="1")
    env.update(LC_ALL="C.UTF-8", GIT_TERMINAL_PROMPT="0")
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


def run(command, *, cwd=None, env=None, stdin=None, expect=0, timeout=120, user=None):
    """Runs a command to its end.

    expect: the exit code, a collection of them, or None for any. env: changes to clean_env().
    user: a uid to run as, with no groups of its own; skips where that is not permitted.
    """
    command = [c if isinstance(c, bytes) else str(c) for c in command]
    if isinstance(stdin, str):
        stdin = os.fsencode(stdin)
    identity = {}
    if user is not None:
        identity = {"user": user, "group": user, "extra_groups": []}
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command, cwd=cwd, env=clean_env(**(env or {})), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE, start_new_session=True, **identity,
        )
    except PermissionError:
        if user is None or os.geteuid() == user:
            raise
        skip(f"cannot run a command as uid {user}")
    late = False
    try:
        out, err = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        late = True
        os.killpg(process.pid, signal.SIGKILL)  # and what it has started
        out, err = process.communicate()
    except BaseException:  # we are to end
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    result = Result(command, process.returncode, os.fsdecode(out), os.fsdecode(err), time.monotonic() - started)
    if late:
        raise AssertionError(f"still running after {timeout} s\n{result}")
    if expect is not None and result.code not in ({expect} if isinstance(expect, int) else set(expect)):
        raise AssertionError(f"expected exit code {expect}\nin: {cwd or os.getcwd()}\n{result}")
    return result


def clean_up_when_ended():
    """From here on SIGINT and SIGTERM raise KeyboardInterrupt, once: what was made is removed."""

    def end(*_):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        print("Interrupted: what was made is being removed, which can take minutes.", file=sys.stderr, flush=True)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def as_user(command, *, uid=NOBODY, **options):
    """Runs a command as an ordinary user. For the helper: as_user([public_snapfix(), ...])."""
    return run(command, user=uid, **options)


def snapfix_path():
    path = os.environ.get("SNAPFIX")
    if not path or not os.access(path, os.X_OK):
        raise AssertionError(f"SNAPFIX names no program: {path!r}")
    return path


def snapfix(*args, **options):
    """Runs the helper; options as of run()."""
    path = snapfix_path() if options.get("user") is None else public_snapfix()
    return run([path, *args], **options)


def public_snapfix():
    """A copy of the helper that every user can run, wherever the build tree lies."""
    copy = process_scratch() / "bin" / "snapfix"
    if not copy.exists():
        copy.parent.mkdir()
        for ours, name in ((snapfix_path(), copy.name), (f"{snapfix_path()}-static", f"{copy.name}-static")):
            if os.path.exists(ours):
                shutil.copy(ours, copy.parent / name)
                (copy.parent / name).chmod(0o755)
    return str(copy)


def start(command, **options):
    """Starts a command with the environment of run(); the caller waits for it."""
    env = clean_env(**options.pop("env", {}))
    return subprocess.Popen([c if isinstance(c, bytes) else str(c) for c in command], env=env, **options)


def run_stopped(command, call, number, meanwhile):
    """Runs a command that is stopped behind that call of its (strace's name, first thread, counted from 1) while
    meanwhile() is at work. Its result, and whether it came to that call at all."""
    command = [str(c) for c in command]
    with temp_dir("stopped") as tmp:
        trace = tmp / "trace"
        trace.write_text("")
        tracer = start(["strace", "-o", trace, "-e", f"trace={call}", "-e", f"inject={call}:signal=STOP:when={number}",
                        *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        traced = None
        try:
            def is_stopped():
                return "--- stopped by SIGSTOP" in trace.read_text()

            eventually(lambda: is_stopped() or tracer.poll() is not None, f"it is stopped at {call} {number}")
            was_stopped = is_stopped()
            if was_stopped:
                traced = int(pathlib.Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text())
            meanwhile()
            if traced:
                os.kill(traced, signal.SIGCONT)
            out, err = tracer.communicate(timeout=120)
            traced = None
            return Result([*command, call, str(number)], tracer.returncode, os.fsdecode(out), os.fsdecode(err), 0), was_stopped
        finally:
            if traced:
                os.kill(traced, signal.SIGKILL)
            tracer.kill()
            tracer.wait()


def eventually(condition, what, seconds=20.0):
    """Waits until condition() is true; its last value is returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def require(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            skip(f"{program} is not installed")


def cmake_program(which):
    """A cmake: "default" (of PATH), "oldest" that we support, "newest"; tests/run fetches the others."""
    if which == "default":
        require("cmake")
        return shutil.which("cmake")
    variable = f"SNAPFIX_CMAKE_{which.upper()}"
    path = os.environ.get(variable)
    if not path:
        skip(f"no {which} CMake: {variable} is not set, tests/run sets it where PyPI can be reached")
    return path


# ---- git -----------------------------------------------------------------------------------------


def git(folder, *args, **options):
    return run(["git", "-C", folder, *args], **options)


def make_repo(folder, files=None):
    """A git repository with one commit of the files given: {path: content}."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    write_files(folder, files if files is not None else {"a.txt": "a\n", "dir/b.py": "print('b')\n"})
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def write_files(folder, files):
    """Writes {path: str or bytes}; folders come by themselves."""
    for path, content in files.items():
        target = os.path.join(os.fsencode(folder), os.fsencode(path))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode())


def tracked_files(folder):
    """What git tracks and the work tree holds, submodules included: a sorted list of bytes."""
    listed = run(["git", "-C", folder, "ls-files", "--recurse-submodules", "--cached", "-z"]).out
    names = {name for name in os.fsencode(listed).split(b"\0") if name}
    return sorted(name for name in names if os.path.lexists(os.path.join(os.fsencode(folder), name)))


# ---- trees ---------------------------------------------------------------------------------------


class Entry(NamedTuple):
    kind: str  # file, folder, symlink, other
    mode: int
    mtime_ns: int
    content: bytes  # hash of a file, text of a symlink


def tree_state(top, without=(), content=True) -> Dict[bytes, Entry]:
    """Every path below a folder, as bytes, and the folder itself as b'.'. Links are not followed.

    without: names that are left out, wherever they are.
    """
    top = os.fsencode(top)
    omitted = {os.fsencode(name) for name in without}
    state = {b".": _entry(top, content)}

    def walk(folder, prefix):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name in omitted:
                    continue
                path = prefix + entry.name
                state[path] = _entry(entry.path, content)
                if entry.is_dir(follow_symlinks=False):
                    walk(entry.path, path + b"/")

    walk(top, b"")
    return state


def _entry(path, content):
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISREG(status.st_mode):
        return Entry("file", mode, status.st_mtime_ns, file_hash(path) if content else b"")
    if stat.S_ISLNK(status.st_mode):
        return Entry("symlink", mode, status.st_mtime_ns, os.readlink(path))
    return Entry("folder" if stat.S_ISDIR(status.st_mode) else "other", mode, status.st_mtime_ns, b"")


def file_hash(path):
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as data:
        for block in iter(lambda: data.read(1 << 20), b""):
            digest.update(block)
    return digest.digest()


def assert_same_state(expected, got, ignore_times_of=(), what="the trees"):
    """Compares two results of tree_state(); kinds in ignore_times_of may differ in mtime."""

    def judged(entry):
        return entry._replace(mtime_ns=0) if entry and entry.kind in ignore_times_of else entry

    wrong = []
    for path in sorted(expected.keys() | got.keys()):
        a, b = expected.get(path), got.get(path)
        if judged(a) != judged(b):
            wrong.append(f"  {path!r}\n    expected {a or 'nothing'}\n    got      {b or 'nothing'}")
    if wrong:
        raise AssertionError(f"{what} differ in {len(wrong)} of {len(expected)} entries:\n" + "\n".join(wrong[:10]))


def assert_same_tree(expected, got, without=(), ignore_times_of=(), what=None):
    """Holds two folders equal: names, kinds, modes, mtimes, contents, texts of symlinks."""
    assert_same_state(
        tree_state(expected, without), tree_state(got, without), ignore_times_of, what or f"{expected} and {got}"
    )


def rsync_copy_of_list(source, paths: Iterable[bytes], target):
    """The yardstick: `rsync -a` of a list of paths, which makes their parent folders like the source's.

    The target becomes equal to the list: what was in it and is not listed goes away.
    """
    require("rsync")
    remove_tree(target)
    os.makedirs(target)
    # Without a modify window of -1 a folder made within the same second keeps its new mtime.
    run(
        ["rsync", "-a", "--modify-window=-1", "--from0", "--files-from=-", f"{source}/", f"{target}/"],
        stdin=b"".join(b"./" + path + b"\0" for path in paths),  # a bare # or ; would begin a comment
    )
    shutil.copystat(source, target)  # a list has no way to name the top without all that is in it


# ---- file systems --------------------------------------------------------------------------------

_own_mounts = False


def _mount_namespace():
    """Mounts are made in a namespace of this process, so that not even a killed test leaves one."""
    global _own_mounts  # pylint: disable=global-statement
    if _own_mounts:
        return
    clone_newns = 0x00020000
    if ctypes.CDLL(None, use_errno=True).unshare(clone_newns) != 0:
        skip(f"cannot make a mount namespace: {os.strerror(ctypes.get_errno())}")
    done = run(["mount", "--make-rprivate", "/"], expect=None)
    if done.code != 0:
        skip(f"cannot mount: {done.err.strip()}")
    _own_mounts = True


@contextlib.contextmanager
def mounted(what, where, *options):
    """mount OPTIONS what where, and always unmounted; skips where it is not permitted."""
    require("mount")
    _mount_namespace()
    os.makedirs(where, exist_ok=True)
    done = run(["mount", *options, what, where], expect=None)
    if done.code != 0:
        skip(f"cannot mount {' '.join(map(str, options))}: {done.err.strip()}")
    os.chmod(where, 0o755)
    try:
        yield pathlib.Path(where)
    finally:
        # Lazily where something still runs in it: the device is let go with its last user.
        # A test may have moved the mount along with a folder above it: temp_dir() finds it there.
        if run(["umount", where], expect=None).code != 0:
            run(["umount", "-l", where], expect=None)


@contextlib.contextmanager
def loop_fs(kind, megabytes=256, mkfs_args=()):
    """A file system of that kind in a sparse file."""
    require(f"mkfs.{kind}")
    with temp_dir(kind) as tmp:
        image = tmp / "image"
        with open(image, "wb") as out:
            out.truncate(megabytes << 20)
        run([shutil.which(f"mkfs.{kind}", path=os.environ["PATH"] + ":/usr/sbin:/sbin"), "-q", *mkfs_args, image])
        with mounted(image, tmp / "mount", "-t", kind, "-o", "loop") as where:
            yield where


@contextlib.contextmanager
def tmpfs(megabytes=256, where=None):
    """A tmpfs, on a folder of its own or on the one given."""
    with contextlib.ExitStack() as stack:
        target = where if where is not None else stack.enter_context(temp_dir("tmpfs")) / "mount"
        options = ("-t", "tmpfs", "-o", f"size={megabytes}m")
        yield stack.enter_context(mounted("tmpfs", target, *options))


@contextlib.contextmanager
def file_system(name):
    """default (the one of TMPDIR), tmpfs, ext4, ext4-128 (timestamps of a second), xfs, btrfs."""
    if name == "default":
        source = temp_dir("default")
    elif name == "tmpfs":
        source = tmpfs()
    elif name == "ext4-128":
        source = loop_fs("ext4", 256, ("-I", "128"))
    else:
        source = loop_fs(name, {"ext4": 256, "xfs": 400, "btrfs": 400}[name])
    with source as where:
        yield where


# ---- probes: of what can be done, never of who asks -----------------------------------------------


def modes_bind_us():
    """Whether permission bits stop this process; they do not stop one with CAP_DAC_OVERRIDE."""
    with temp_dir("probe") as tmp:
        locked = tmp / "locked"
        locked.touch(mode=0o000)
        return not os.access(locked, os.R_OK)


def is_sanitized():
    """Whether the helper is built with a sanitizer: its memory grows by shadows, and valgrind cannot run it."""
    with open(snapfix_path(), "rb") as helper:
        code = helper.read()
    return b"__asan_" in code or b"__tsan_" in code


def can_run_as(uid=NOBODY):
    try:
        run(["true"], user=uid)
        return True
    except Skip:
        return False
