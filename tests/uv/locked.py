"""`--uv-locked`: the lock is checked before a snapshot is made, kept to while a command runs, compared afterwards.

With a real uv, the release that SNAPFIX_TEST_UV names: oldest (0.5.8, the first with `uv lock --check`), older
(before 0.8.0, when exit codes changed), newest. The projects depend on
folders of their own tree: nothing comes from an index.
"""

import os
import pathlib
import re
import shutil

import harness
from harness import run, write_files
from project import Project

k_which = os.environ.get("SNAPFIX_TEST_UV", "newest")
k_uv = os.environ.get(f"SNAPFIX_UV_{k_which.upper()}") or None
k_pyproject = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["dep"]\n\n' \
              '[tool.uv.sources]\ndep = { path = "dep" }\n'
k_files = {
    "pyproject.toml": k_pyproject,
    "dep/pyproject.toml": '[project]\nname = "dep"\nversion = "1"\nrequires-python = ">=3.9"\n\n[tool.uv]\npackage = false\n',
    "a.txt": "a\n",
}


def uv():
    if not k_uv:
        harness.skip(f"no uv ({k_which}) from PyPI: see build/uv-{k_which}.log")
    return k_uv


def environment(tmp, **changes):
    (tmp / "uv-locks").mkdir(exist_ok=True)  # uv leaves lock files in TMPDIR
    return {"TMPDIR": str(tmp / "uv-locks"), "UV_CACHE_DIR": str(tmp / "cache"), "UV_PYTHON_DOWNLOADS": "never", "UV_OFFLINE": "1", "UV_FROZEN": None,
            "UV_LOCKED": None, "UV_NO_SYNC": None, **changes}


def counting_uv(tmp):
    """uv, which notes each of its checks."""
    program = tmp / "bin/uv"
    write_files(tmp, {"bin/uv": f'#!/bin/sh\n[ "$1" != lock ] || echo "$PWD" >>"{tmp}/checks"\nexec "{uv()}" "$@"\n'})
    program.chmod(0o755)
    return program


def checks(tmp):
    return (tmp / "checks").read_text().splitlines() if (tmp / "checks").exists() else []


def locked_project(tmp, files=None, folder="", more=None):
    p = Project(tmp, {**(files or k_files), **(more or {})})
    run([uv(), "lock"], cwd=p.source / folder, env=environment(tmp))
    p.git("add", "-A")
    p.git("commit", "-q", "-m", "lock")
    return p


class Runs:
    """The helper's commands on one project, with `--uv-locked`."""

    def __init__(self, tmp, p, projects=("."), program=None):
        self.p, self.env = p, environment(tmp)
        self.options = ["--uv", program or uv(), *(word for project in projects for word in ("--uv-locked", project))]

    def __call__(self, command, *args, env=None, **options):
        return self.p(command, *self.options, *args, env={**self.env, **(env or {})}, **options)


def make_stale(p):
    p.write({"pyproject.toml": k_pyproject.replace('name = "p"', 'name = "other"')})


def test_current(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    before = harness.tree_state(p.source)
    path = pathlib.Path(runs("create", "t").out[:-1])
    p.expect_snapshot(path)
    for name in ("uv.lock", "pyproject.toml"):
        assert (path / name).stat().st_nlink == 1, "uv writes it in place"
    assert (path / "a.txt").stat().st_nlink == 2
    assert p.names() == ["t"], "the scratch snapshot is gone"
    harness.assert_same_state(before, harness.tree_state(p.source))
    shown = p("show", "t", "--json").json()
    assert shown["options"]["uv_locked"] == [""], shown
    assert p("finish", "t", "--keep", "never").err == ""


def test_stale(tmp):
    p = locked_project(tmp)
    make_stale(p)
    failed = Runs(tmp, p)("create", "t", expect=1)
    assert "is stale" in failed.err and "needs to be updated" in failed.err, failed
    assert re.search(rf"hint: run `uv lock` in {re.escape(str(p.source))}/?, and commit uv.lock", failed.err), failed
    assert p.names() == [] and "uv.lock" in p.git("ls-files").out
    Runs(tmp, p)("run", "t", "--", "true", expect=125)
    assert p.names() == []


def test_missing_files(tmp):
    uv()
    p = Project(tmp, k_files)
    for options, words in (
            (["--uv-locked", "."], "no uv.lock"), (["--uv-locked", "nowhere"], "no 'nowhere/pyproject.toml'"),
            (["--uv-locked", ".", "--exclude", "pyproject.toml"], "no 'pyproject.toml'")):
        failed = Runs(tmp, p, [])("create", "t", *options, expect=1)
        assert words in failed.err and "hint: " in failed.err, failed
    (p.source / "uv.lock").symlink_to("elsewhere")
    p.git("add", "-A")
    assert "is a symlink" in Runs(tmp, p)("create", "t", expect=1).err
    for outside in ("..", "sub/../..", "/etc"):
        assert "outside the source" in Runs(tmp, p, [outside])("create", "t", expect=2).err
    assert p.names() == []


def test_other_failures_are_not_called_stale(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    (p.source / "pyproject.toml").write_text(k_pyproject + "garbage\n")
    failed = runs("create", "t", expect=1)
    assert "exit code 2" in failed.err and "TOML parse error" in failed.err and "is stale" not in failed.err, failed
    p.write({"pyproject.toml": k_pyproject.replace('"dep"]', '"dep", "no-such-package-anywhere==1"]')})
    if k_which != "oldest":  # which does not know UV_OFFLINE
        failed = runs("create", "t", expect=1)
        assert "failed with exit code" in failed.err and "is stale" not in failed.err, failed
    p.git("checkout", "-q", ".")
    for script, words in (("kill -SEGV $$", "killed by signal 11"), ("echo odd; exit 7", "exit code 7")):
        write_files(tmp, {"odd": f'#!/bin/sh\n[ "$1" = lock ] && {{ {script}; }}\necho uv 1\n'})
        (tmp / "odd").chmod(0o755)
        failed = Runs(tmp, p, program=tmp / "odd")("create", "t", expect=1)
        assert words in failed.err and "is stale" not in failed.err, failed
    assert p.names() == []


def test_no_uv(tmp):
    uv()
    p = Project(tmp, k_files)
    failed = Runs(tmp, p, program=tmp / "nothing")("create", "t", expect=1)
    assert "there is no program" in failed.err and "pip install uv" in failed.err, failed
    only_git = tmp / "only-git"
    only_git.mkdir()
    (only_git / "git").symlink_to(shutil.which("git"))
    failed = p("create", "t", "--uv-locked", ".", env={"PATH": str(only_git)}, expect=1)
    assert "uv is not in PATH" in failed.err and "pip install uv" in failed.err, failed


def test_checked_once(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p, program=counting_uv(tmp))
    started = [harness.start([harness.snapfix_path(), "create", f"t{i}", "--source", p.source, "--root", p.root,
                              *runs.options], env=harness.clean_env(**runs.env), stdout=-3) for i in range(6)]
    assert [process.wait(timeout=60) for process in started] == [0] * 6
    assert len(checks(tmp)) == 1, checks(tmp)
    assert str(p.root) in checks(tmp)[0], "in a snapshot, not in the source"
    runs("create", "again", env={"UV_CACHE_DIR": str(tmp / "cache2")})
    assert len(checks(tmp)) == 1
    runs("create", "index", env={"UV_INDEX_URL": "https://example.invalid/simple"}, expect=None)
    assert len(checks(tmp)) == 2, "it bears on the outcome"
    make_stale(p)
    for _ in range(2):
        runs("create", "stale", expect=1)
    assert len(checks(tmp)) == 4, "a failed check is not kept"
    p.git("checkout", "-q", ".")
    p.write({"a.txt": "b\n"})
    runs("create", "edited")
    assert len(checks(tmp)) == 5, "another state"


def test_environment(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    hostile = {"UV_FROZEN": "1", "UV_LOCKED": "0", "UV_NO_SYNC": "1", "UV_PROJECT_ENVIRONMENT": str(tmp / "venv")}
    done = runs("run", "t", "--", "sh", "-c", "env | grep '^UV_' | sort", env=hostile)
    variables = dict(line.split("=", 1) for line in done.out.splitlines())
    assert variables["UV_LOCKED"] == "1" and "UV_FROZEN" not in variables and "UV_NO_SYNC" not in variables, variables
    assert variables["UV_PROJECT_ENVIRONMENT"] == str(tmp / "venv")
    assert "UV_PROJECT_ENVIRONMENT" in done.err and "UV_NO_SYNC" in done.err, done
    make_stale(p)
    runs("create", "stale", env={"UV_FROZEN": "1"}, expect=1)
    # A snapshot keeps what it was made with.
    p.git("checkout", "-q", ".")
    assert p("run", "t", "--", "sh", "-c", "echo $UV_LOCKED").out == "1\n"
    p("create", "free")
    assert p("run", "free", "--", "sh", "-c", "echo ${UV_LOCKED-none}", env={"UV_LOCKED": None}).out == "none\n"
    assert "was not made with" in runs("run", "free", "--", "true", expect=125).err


def test_uv_in_the_snapshot(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    before = harness.tree_state(p.source)
    runs("run", "t", "--", uv(), "run", "python", "-c", "import sys; print(sys.prefix)")
    assert (p.root / "t/.venv/bin/python").exists()
    # A command of the test that makes the lock stale is stopped by uv itself.
    failed = runs("run", "t", "--", "sh", "-c", f"sed -i 's/name = \"p\"/name = \"q\"/' pyproject.toml; {uv()} sync", expect=None)
    assert failed.code in (1, 2) and "needs to be updated" in failed.err, failed
    assert p("finish", "t", "--keep", "never").err == ""
    harness.assert_same_state(before, harness.tree_state(p.source))


def test_a_changed_lock_is_found(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    lines = "".join(f"# {i}\n" for i in range(100))
    write_files(tmp, {"lines": lines})
    for script, words in (
            ("echo '# more' >>uv.lock", ("'uv.lock' was changed in 't'", "+# more")),
            (f"cat {tmp}/lines >>uv.lock", ("+# 3", "lines more")),
            ("rm uv.lock", ("'uv.lock' was deleted",)),
            ("ln -sf a.txt uv.lock", ("'uv.lock' was changed",)),
            (f"sed -i 's/\"p\"/\"q\"/' pyproject.toml; env -u UV_LOCKED {uv()} lock", ("'uv.lock' was changed", '+name = "q"'))):
        runs("run", "t", "--fresh", "--", "sh", "-c", script)
        assert p("verify", "t", expect=3).err.startswith("snapfix: error: 'uv.lock'")
        failed = p("finish", "t", expect=3)
        assert all(word in failed.err for word in words), (script, failed)
        assert "+# 99" not in failed.err
        assert "kept" in failed.err and p.names() == ["t"], "to be looked at"
    runs("run", "t", "--fresh", "--", "sh", "-c", "cp uv.lock x; echo >>uv.lock; cat x >uv.lock")
    assert p("finish", "t").err == "" and p.names() == [], "what was put back is as it was"
    runs("run", "copy", "--link-mode", "copy", "--", "sh", "-c", "echo >>uv.lock")
    p("finish", "copy", "--keep", "never", expect=3)
    assert p.names() == []


def test_linked_from_source(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    before = (p.source / "uv.lock").read_bytes()
    runs("run", "t", "--link-from", "source", "--", "sh", "-c", "echo '# x' >>uv.lock")
    assert "+# x" in p("finish", "t", expect=3).err
    assert (p.source / "uv.lock").read_bytes() == before
    runs("run", "u", "--link-from", "source", "--", "true")
    assert p("finish", "u").code == 0


def test_workspace(tmp):
    files = {
        "ws/pyproject.toml": '[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.9"\n\n'
                             '[tool.uv.workspace]\nmembers = ["packages/*"]\n',
        "ws/packages/m/pyproject.toml": '[project]\nname = "m"\nversion = "1"\nrequires-python = ">=3.9"\n',
    }
    p = locked_project(tmp, files, "ws")
    runs = Runs(tmp, p, ["ws/packages/m"])
    runs("create", "t")
    assert (p.root / "t/ws/uv.lock").stat().st_nlink == 1
    runs("run", "t", "--", "sh", "-c", "echo >>ws/uv.lock")
    assert "'ws/uv.lock' was changed" in p("finish", "t", expect=3).err
    runs("run", "t", "--fresh", "--", "sh", "-c", "echo >ws/packages/m/uv.lock")
    assert "'ws/packages/m/uv.lock' was newly made" in p("finish", "t", expect=3).err
    p.write({"ws/packages/m/pyproject.toml": files["ws/packages/m/pyproject.toml"].replace('"m"', '"n"')})
    assert "is stale" in runs("create", "stale", expect=1).err


def test_build_backends_write_into_the_scratch_snapshot(tmp):
    """setup.py, which uv runs for metadata that are not static, writes where it stands."""
    backend = ('import pathlib\n'
               'def get_requires_for_build_wheel(config_settings=None): return []\n'
               'def prepare_metadata_for_build_wheel(folder, config_settings=None):\n'
               '    open("dep.egg-info", "w").write("x")\n'
               '    open("tracked.txt", "a").write("written\\n")\n'
               '    info = pathlib.Path(folder) / "dep-1.dist-info"\n'
               '    info.mkdir()\n'
               '    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: dep\\nVersion: 1\\n")\n'
               '    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")\n'
               '    return info.name\n'
               'def build_wheel(*args, **kwargs): raise SystemExit("not wanted")\n')
    dynamic = {
        "dep/pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n\n'
                              '[project]\nname = "dep"\ndynamic = ["version"]\nrequires-python = ">=3.9"\n',
        "dep/backend.py": backend, "dep/tracked.txt": "tracked\n"}
    p = locked_project(tmp, {**k_files, **dynamic})
    p.git("checkout", "-q", "HEAD~", "--", "dep/tracked.txt")
    (p.source / "dep/dep.egg-info").unlink(missing_ok=True)
    p.git("rm", "-q", "--cached", "--ignore-unmatch", "dep/dep.egg-info")
    before = harness.tree_state(p.source)
    first = pathlib.Path(p("create", "first").out[:-1])
    shutil.rmtree(tmp / "cache")
    path = pathlib.Path(Runs(tmp, p)("create", "t").out[:-1])
    assert (path / "dep/tracked.txt").read_text() == "tracked\n" == (first / "dep/tracked.txt").read_text()
    assert not (path / "dep/dep.egg-info").exists()
    p("verify", "t")
    harness.assert_same_state(before, harness.tree_state(p.source))


def test_what_is_left_out_counts(tmp):
    """A base that passed without a part of the project has not passed with it."""
    p = locked_project(tmp, {
        "pyproject.toml": '[project]\nname = "w"\nversion = "1"\nrequires-python = ">=3.9"\n\n[tool.uv.workspace]\nmembers = ["m*"]\n',
        "a.txt": "a\n"})
    p.write({"m1/pyproject.toml": k_files["dep/pyproject.toml"].replace("dep", "m1")})
    p.git("add", "-A")
    runs = Runs(tmp, p)
    runs("create", "without", "--exclude", "m1")
    assert "is stale" in runs("create", "with", expect=1).err


def test_no_command_runs_with_another_lock(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    changed = runs("run", "t", "--", "sh", "-c", "echo '# x' >>uv.lock")
    assert "'uv.lock' was changed" in changed.err and "+# x" in changed.err, changed
    for command in (("run", "t", "--", "true"), ("create", "t")):
        refused = runs(*command, expect=(1, 125))
        assert "'uv.lock' was changed" in refused.err and "--fresh" in refused.err, refused
    (pathlib.Path(runs("create", "u").out[:-1]) / "uv.lock").write_text("by hand\n")
    assert "by hand" not in runs("run", "u", "--fresh", "--", "cat", "uv.lock").out
    # ctest --repeat: a further attempt would wipe away what the one before did.
    script = tmp / "twice.sh"
    attempt = harness.shlex.join([harness.snapfix_path(), "run", "v", "--ctest", "--fresh", *map(str, runs.options),
                                  "--source", str(p.source), "--root", str(p.root), "--", "sh", "-c"])
    script.write_text(f"{attempt} 'rm uv.lock'\n{attempt} true\necho $?\n")
    twice = run(["sh", script], env=runs.env, expect=None)
    assert "earlier attempt" in twice.err and twice.out.split()[-1] != "0", twice


def test_the_check_sees_no_repository_above(tmp):
    uv()
    p = Project(tmp, {**k_files, "uv.lock": "version = 1\n"})
    program = tmp / "bin/uv"
    write_files(tmp, {"bin/uv": f'#!/bin/sh\n[ "$1" != lock ] || git rev-parse --show-toplevel >"{tmp}/top" 2>&1\ntrue\n'})
    program.chmod(0o755)
    root = p.source / "snapshots"
    run([harness.snapfix_path(), "create", "t", "--uv-locked", ".", "--uv", program, "--source", p.source, "--root", root])
    assert "not a git repository" in (tmp / "top").read_text(), (tmp / "top").read_text()


def test_configuration_counts(tmp):
    p = locked_project(tmp)
    program = counting_uv(tmp)
    runs = Runs(tmp, p, program=program)
    (tmp / "real.toml").write_text("")
    (tmp / "link.toml").symlink_to("real.toml")
    above = tmp / "uv.toml"  # above the root
    runs("create", "a", env={"UV_CONFIG_FILE": str(tmp / "link.toml")})
    (tmp / "real.toml").write_text("# other\n")
    runs("create", "b", env={"UV_CONFIG_FILE": str(tmp / "link.toml")})
    assert len(checks(tmp)) == 2
    runs("create", "c")
    above.write_text("# other\n")
    runs("create", "d")
    assert len(checks(tmp)) == 4
    runs("create", "d", env={"UV_RESOLUTION": "highest"})  # it stands, but was not checked with that
    assert len(checks(tmp)) == 5


def test_variables_that_lead_out_of_the_snapshot(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    shown = runs("run", "t", "--", "sh", "-c", 'echo "$UV_PROJECT,$UV_WORKING_DIR,$UV_PROJECT_ENVIRONMENT"',
                 env={"UV_PROJECT": "../..", "UV_WORKING_DIR": "dep", "UV_PROJECT_ENVIRONMENT": "../shared"})
    assert shown.out == ",dep,../shared\n", shown
    assert "UV_PROJECT=../.. is taken out" in shown.err and "UV_PROJECT_ENVIRONMENT=../shared lies outside" in shown.err, shown


def test_odd_locks_afterwards(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    runs("run", "fifo", "--", "sh", "-c", "rm uv.lock; mkfifo uv.lock")
    assert "'uv.lock' was changed" in p("finish", "fifo", expect=3, timeout=20).err
    runs("run", "gone", "--", "sh", "-c", 'rm -rf "$SNAPSHOT_DIR"')
    assert "'uv.lock' was deleted" in p("finish", "gone", expect=3).err


def test_a_symlink_above_is_no_change(tmp):
    p = locked_project(tmp, {f"api/{name}": text for name, text in k_files.items()}, folder="api")
    (p.source / "uv.lock").symlink_to("other.lock")
    p.git("add", "-A")
    Runs(tmp, p, ["api"])("run", "t", "--", "true")
    p("finish", "t")


def test_waiting_has_an_end(tmp):
    p = locked_project(tmp)
    write_files(tmp, {"bin/slow": '#!/bin/sh\n[ "$1" != lock ] || sleep 30\n'})
    (tmp / "bin/slow").chmod(0o755)
    runs = Runs(tmp, p, program=tmp / "bin/slow")
    first = harness.start([harness.snapfix_path(), "create", "a", *runs.options, "--source", p.source, "--root", p.root],
                          env=runs.env, stderr=harness.subprocess.DEVNULL, stdout=harness.subprocess.DEVNULL)
    try:
        harness.eventually(lambda: [n for n in p.names() if n.startswith("snapshots.uv_lock.")], "the check has begun")
        assert "in use by" in Runs(tmp, p)("create", "b", "--wait", "1", expect=1).err
    finally:
        first.kill()
        first.wait()
    # What was killed is listed, until it is pruned.
    harness.eventually(lambda: p("prune").code == 0 and p.names() == [], "prune takes the scratch snapshot")
    refused = Runs(tmp, p)("create", "snapshots.uv_lock.x", expect=2)
    assert "are taken" in refused.err, refused


def test_a_killed_check_leaves_nothing_in_the_way(tmp):
    p = locked_project(tmp)
    write_files(tmp, {"hangs": f'#!/bin/sh\n[ "$1" = lock ] && {{ echo $$ >"{tmp}/pid"; exec sleep 1000; }}\necho uv 1\n'})
    (tmp / "hangs").chmod(0o755)
    process = harness.start([harness.snapfix_path(), "create", "t", "--source", p.source, "--root", p.root,
                             "--uv-locked", ".", "--uv", tmp / "hangs"], env=harness.clean_env(**environment(tmp)))
    pid = int(harness.eventually(lambda: (tmp / "pid").exists() and (tmp / "pid").read_text().strip(), "uv hangs"))
    process.kill()
    process.wait()
    harness.eventually(lambda: not os.path.exists(f"/proc/{pid}"), "uv died with its check")
    Runs(tmp, p)("create", "t")
    assert p.names() == ["t"]


if __name__ == "__main__":
    harness.main()
