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


k_lock_changed = 123  # of `run`, where its command ended with 0


def fake_uv(tmp, check, version="1.0.0", folder="fake"):
    """A program that notes its checks, and answers them by a piece of shell."""
    write_files(tmp, {f"{folder}/uv": f'#!/bin/sh\n[ "$1" = lock ] || {{ echo >>"{tmp}/versions"; echo "uv {version}"; exit; }}\n'
                                      f'echo "$PWD $*" >>"{tmp}/checks"\n{check}\n'})
    (tmp / folder / "uv").chmod(0o755)
    return tmp / folder / "uv"


def of_one_ctest_run(runs, commands):
    """The helper's commands, called as by one run of ctest; what they said, and their exit codes."""
    calls = "\n".join(
        harness.shlex.join([harness.snapfix_path(), command, *args[:1], "--ctest", *map(str, runs.options), "--source",
                            str(runs.p.source), "--root", str(runs.p.root), *args[1:]]) + '\necho "code $?"'
        for command, *args in commands)
    done = run(["sh", "-c", calls], env=runs.env)
    return done.err, [int(code) for code in re.findall(r"code (\d+)$", done.out, re.MULTILINE)]


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


def test_a_job_whose_snapshot_went_while_it_was_queued(tmp):
    """It makes it anew, of a state that its submitter has not looked at."""
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    runs("run", "t", "--", "true")
    make_stale(p)
    remove = f'"{harness.snapfix_path()}" remove t --root "{p.root}"; exec "$@"'
    launcher = [f"--launcher={word}" for word in ("sh", "-c", remove, "sh")]
    done = runs("run", "t", *launcher, "--", "touch", tmp / "ran", expect=125)
    assert "is stale" in done.err and not (tmp / "ran").exists(), done


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
    said = [runs("create", "stale", expect=1).err for _ in range(3)]
    assert len(checks(tmp)) == 3, "what uv said of a state is remembered, that the lock is stale as well"
    assert all("is stale" in text and "needs to be updated" in text and "hint: run `uv lock` in" in text for text in said), said
    assert ["asked at" in text for text in said] == [False, True, True], said
    p.git("checkout", "-q", ".")
    p.write({"a.txt": "b\n"})
    runs("create", "edited")
    assert len(checks(tmp)) == 4, "another state"
    for mark in (p.root / ".snapfix/checks").iterdir():
        mark.write_text("")  # by a power cut
    runs("create", "edited too")
    assert len(checks(tmp)) == 5, "it may have said anything"


def test_environment(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    hostile = {"UV_FROZEN": "1", "UV_LOCKED": "0", "UV_NO_SYNC": "1", "UV_NO_PROJECT": "true", "UV_PROJECT_ENVIRONMENT": str(tmp / "venv")}
    done = runs("run", "t", "--", "sh", "-c", "env | grep '^UV_' | sort", env=hostile)
    variables = dict(line.split("=", 1) for line in done.out.splitlines())
    assert variables["UV_LOCKED"] == "1" and not variables.keys() & {"UV_FROZEN", "UV_NO_SYNC", "UV_NO_PROJECT"}, variables
    assert variables["UV_PROJECT_ENVIRONMENT"] == str(tmp / "venv")
    assert "UV_PROJECT_ENVIRONMENT" in done.err and "UV_NO_SYNC is taken" in done.err and "UV_NO_PROJECT is taken" in done.err, done
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
        runs("run", "t", "--fresh", "--", "sh", "-c", script, expect=k_lock_changed)
        assert p("verify", "t", expect=3).err.startswith("snapfix: error: 'uv.lock'")
        failed = p("finish", "t", expect=3)
        assert all(word in failed.err for word in words), (script, failed)
        assert "+# 99" not in failed.err
        assert "kept" in failed.err and p.names() == ["t"], "to be looked at"
    runs("run", "t", "--fresh", "--", "sh", "-c", "cp uv.lock x; echo >>uv.lock; cat x >uv.lock")
    assert p("finish", "t").err == "" and p.names() == [], "what was put back is as it was"
    runs("run", "copy", "--link-mode", "copy", "--", "sh", "-c", "echo >>uv.lock", expect=k_lock_changed)
    p("finish", "copy", "--keep", "never", expect=3)
    assert p.names() == []


def test_linked_from_source(tmp):
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    before = (p.source / "uv.lock").read_bytes()
    runs("run", "t", "--link-from", "source", "--", "sh", "-c", "echo '# x' >>uv.lock", expect=k_lock_changed)
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
    runs("run", "t", "--", "sh", "-c", "echo >>ws/uv.lock", expect=k_lock_changed)
    assert "'ws/uv.lock' was changed" in p("finish", "t", expect=3).err
    runs("run", "t", "--fresh", "--", "sh", "-c", "echo >ws/packages/m/uv.lock", expect=k_lock_changed)
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
    changed = runs("run", "t", "--", "sh", "-c", "echo '# x' >>uv.lock", expect=k_lock_changed)
    assert "'uv.lock' was changed" in changed.err and "+# x" in changed.err, changed
    for command in (("run", "t", "--", "true"), ("create", "t")):
        refused = runs(*command, expect=(1, 125))
        assert "'uv.lock' was changed" in refused.err and "--fresh" in refused.err, refused
    (pathlib.Path(runs("create", "u").out[:-1]) / "uv.lock").write_text("by hand\n")
    assert "by hand" not in runs("run", "u", "--fresh", "--", "cat", "uv.lock").out
    (pathlib.Path(runs("create", "w").out[:-1]) / "uv.lock").write_text("by hand\n")
    assert "by hand" not in runs("run", "w", "--fresh", "--finish", "--", "cat", "uv.lock").out
    runs("run", "w", "--fresh", "--finish", "--", "sh", "-c", "echo '# x' >>uv.lock", expect=k_lock_changed)
    assert "uv.lock" not in runs("run", "w", "--fresh", "--finish", "--", "true").err, "it is told twice"
    # ctest --repeat: a further attempt would wipe away what the one before did.
    said, codes = of_one_ctest_run(runs, [("run", "v", "--fresh", "--", "sh", "-c", script) for script in ("rm uv.lock", "true")])
    assert "earlier attempt" in said and codes == [134, 134], (said, codes)


def test_the_check_sees_no_repository_above(tmp):
    uv()
    p = Project(tmp, {**k_files, "uv.lock": "version = 1\n"})
    program = tmp / "bin/uv"
    write_files(tmp, {"bin/uv": f'#!/bin/sh\n[ "$1" != lock ] || git rev-parse --show-toplevel >"{tmp}/top" 2>&1\ntrue\n'})
    program.chmod(0o755)
    root = p.source / "snapshots"
    command = [harness.snapfix_path(), "create", "--fresh", "--uv-locked", ".", "--uv", program, "--source", p.source, "--root", root]
    run([*command, "t", "--git", "off"])
    assert "not a git repository" in (tmp / "top").read_text(), (tmp / "top").read_text()
    run([*command, "u"])
    assert (tmp / "top").read_text().startswith(f"{root}/snapshots.uv_lock."), (tmp / "top").read_text()


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
    runs("run", "fifo", "--", "sh", "-c", "rm uv.lock; mkfifo uv.lock", expect=k_lock_changed)
    assert "'uv.lock' was changed" in p("finish", "fifo", expect=3, timeout=20).err
    runs("run", "gone", "--", "sh", "-c", 'rm -rf "$SNAPSHOT_DIR"', expect=k_lock_changed)
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


def test_an_own_exit_code_for_a_changed_lock(tmp):
    uv()
    p = Project(tmp, {**k_files, "uv.lock": "version = 1\n"})
    runs = Runs(tmp, p, program=fake_uv(tmp, "exit 0"))
    for number, (script, code) in enumerate((
            ("rm uv.lock", k_lock_changed), ("echo >>uv.lock; exit 7", 7), ("echo >>uv.lock; kill -TERM $$", -15), ("exit 3", 3))):
        done = runs("run", f"t{number}", "--", "sh", "-c", script, expect=code)
        assert ("which holds the lock of its source" in done.err) is ("uv.lock" in script), done
        recorded = p("show", f"t{number}", "--json").json()["run"]
        assert recorded["status"] == {k_lock_changed: 0, -15: None}.get(code, code), "the command's own end"
    # Under ctest a signal, whatever the command's own end: WILL_FAIL makes a pass of an exit code.
    for end in ("", "; exit 7"):
        said, codes = of_one_ctest_run(runs, [("run", f"c{len(end)}", "--fresh", "--", "sh", "-c", f"rm uv.lock{end}")])
        assert codes == [134] and "'uv.lock' was deleted" in said, (said, codes)


def test_no_locked(tmp):
    """uv obeys it before UV_LOCKED: on our own command line it is refused, elsewhere its work is found."""
    p = locked_project(tmp)
    runs = Runs(tmp, p)
    refused = runs("run", "t", "--", uv(), "run", "--no-locked", "true", expect=125)
    assert "--no-locked undoes UV_LOCKED=1" in refused.err and "hint: " in refused.err, refused
    assert runs("run", "t", "--", uv(), "run", "--", "echo", "--no-locked").out == "--no-locked\n"
    if k_which != "newest":
        return  # these do not know it
    found = runs("run", "t", "--fresh", "--", "sh", "-c", f"sed -i 's/\"p\"/\"q\"/' pyproject.toml; {uv()} run --no-locked true",
                 expect=k_lock_changed)
    assert '+name = "q"' in found.err, found
    # UV_NO_PROJECT would have uv pass the lock over.
    p.write({"tool.sh": f"{uv()} run true"})
    p.git("add", "-A")
    stale = "sed -i 's/\"p\"/\"q\"/' pyproject.toml; sh tool.sh"
    assert "needs to be updated" in runs("run", "u", "--", "sh", "-c", stale, env={"UV_NO_PROJECT": "1"}, expect=1).err


def test_what_failed_is_remembered_for_one_ctest_run(tmp):
    uv()
    p = Project(tmp, {**k_files, "uv.lock": "version = 1\n"})
    runs = Runs(tmp, p, program=fake_uv(tmp, "echo no network; exit 7"))
    p("freeze")  # as in a ctest run: it makes the root, which a create that fails leaves then
    said, codes = of_one_ctest_run(runs, [("create", f"t{i}") for i in range(4)])
    assert codes == [1] * 4 and said.count("no network") == 4 and said.count("asked at") == 3, said
    assert len(checks(tmp)) == 1, checks(tmp)
    assert (tmp / "versions").read_text() == "\n\n", "a script (pyenv's) is asked once which uv it calls, and once by the check"
    of_one_ctest_run(runs, [("create", "t")])
    assert len(checks(tmp)) == 2, "another run asks again"
    for _ in range(2):
        runs("create", "t", expect=1)
    assert len(checks(tmp)) == 4, "by hand somebody has mended it, maybe"
    assert p.names() == []


def test_what_changes_unseen_is_asked_about_again(tmp):
    """By the clock: a lock that fits at 11:14 may not at 13:00. By a folder elsewhere, of which we see nothing."""
    uv()
    for number, (files, changes, again) in enumerate((
            ({}, {}, False),
            ({"pyproject.toml": k_pyproject + '\n[tool.uv]\nexclude-newer = "2026-01-01T00:00:00Z"\n'}, {}, False),
            ({"pyproject.toml": k_pyproject + '\n[tool.uv]\nexclude-newer = "7 days"\n'}, {}, True),
            ({"pyproject.toml": k_pyproject + '\n[tool.uv]\nexclude-newer-package = { a = "2026-01-01", b = "P7D" }\n'}, {}, True),
            ({"uv.toml": "[exclude-newer-package]\na = '2 weeks'\n"}, {}, True),
            ({"uv.lock": 'version = 1\nsource = { virtual = "/elsewhere" }\n'}, {}, True),
            ({}, {"UV_EXCLUDE_NEWER": "24h"}, True), ({}, {"UV_EXCLUDE_NEWER": "2026-01-01"}, False))):
        folder = tmp / str(number)
        folder.mkdir()
        p = Project(folder, {**k_files, "uv.lock": "version = 1\n", **files})
        runs = Runs(folder, p, program=fake_uv(folder, "exit 0"))
        runs.env.update(changes)
        _, codes = of_one_ctest_run(runs, [("create", f"t{i}") for i in range(3)] + [("run", "t0", "--", "true")])
        assert codes == [0] * 4 and len(checks(folder)) == 1, (files, codes, checks(folder))
        of_one_ctest_run(runs, [("create", "later")])
        runs("create", "by hand")
        runs("run", "by hand", "--", "true")
        assert len(checks(folder)) == (4 if again else 1), (files, checks(folder))


def test_a_uv_that_is_too_old(tmp):
    uv()
    p = Project(tmp, {**k_files, "uv.lock": "version = 1\n"})
    program = fake_uv(tmp, "echo \"error: unexpected argument '--check' found\"; exit 2", version="0.5.7")  # its own words
    failed = Runs(tmp, p, program=program)("create", "t", expect=1)
    assert f"uv 0.5.7 ({program}) is too old to check the lock of '.'" in failed.err, failed
    assert "hint: install uv 0.5.8 or newer" in failed.err, failed
    probe = doctor(tmp, env={"PATH": f"{program.parent}:{os.environ['PATH']}"})["uv"]
    assert not probe["works"] and "0.5.7" in probe["detail"] and "0.5.8 or newer" in probe["detail"], probe


def doctor(folder, **options):
    return {probe["name"]: probe for probe in harness.snapfix("doctor", folder, "--json", **options).json()["probes"]}


def test_a_second_uv_is_told(tmp):
    p = locked_project(tmp)
    other = fake_uv(tmp, "exit 1", version="9.8.7")
    path = {"PATH": f"{pathlib.Path(uv()).parent}:{other.parent}:{os.environ['PATH']}"}
    runs = Runs(tmp, p)
    told = runs("create", "t", env=path).err
    version = run([uv(), "--version"]).out.split()[1]
    assert f"uv {version} ({uv()}) checks the lock" in told and f"9.8.7 ({other})" in told and "required-version" in told, told
    probe = doctor(tmp, env={**path, "UV_CACHE_DIR": tmp / "cache"})["uv"]
    assert probe["works"] and probe["detail"].startswith(f"{version} ({uv()}) is the one") and f"9.8.7 ({other})" in probe["detail"], probe
    # The same release under other names is no other one.
    (tmp / "same").mkdir()
    (tmp / "same/uv").symlink_to(uv())
    alone = {"PATH": f"{pathlib.Path(uv()).parent}:{tmp / 'same'}:/usr/bin:/bin"}
    p.write({"a.txt": "b\n"})
    assert runs("create", "u", env=alone).err == ""
    assert doctor(tmp, env=alone)["uv"]["detail"] == f"{version} ({uv()})"


def test_doctor_tells_whether_the_cache_can_be_linked(tmp):
    env = {"PATH": f"{pathlib.Path(uv()).parent}:/usr/bin:/bin", "UV_CACHE_DIR": tmp / "yet/to/be/made"}
    probe = doctor(tmp, env=env)["uv cache"]
    assert probe["works"] and f"{tmp}/yet/to/be/made by hard links" in probe["detail"], probe
    assert os.listdir(tmp) == [], "it cleans up"
    copied = doctor(tmp, env={**env, "UV_LINK_MODE": "copy"})["uv cache"]
    assert not copied["works"] and "UV_LINK_MODE=copy" in copied["detail"], copied
    with harness.tmpfs() as elsewhere:
        probe = doctor(tmp, env={**env, "UV_CACHE_DIR": elsewhere / "cache"})["uv cache"]
        assert not probe["works"] and f"a copy of what {elsewhere}/cache holds" in probe["detail"], probe
    assert "not in PATH" in doctor(tmp, env={"PATH": str(tmp)})["uv"]["detail"]
    silent = doctor(tmp, env={"PATH": f"{fake_uv(tmp, 'exit 0', version='').parent}:/usr/bin:/bin"})
    assert not silent["uv"]["works"] and "does not say which release" in silent["uv"]["detail"], silent
    assert "names no folder" in silent["uv cache"]["detail"], silent


def test_a_dependency_elsewhere(tmp):
    if k_which != "newest":
        return  # these lock no absolute path
    elsewhere = k_files["dep/pyproject.toml"]
    write_files(tmp, {"elsewhere/pyproject.toml": elsewhere})
    p = locked_project(tmp, {"pyproject.toml": k_pyproject.replace('"dep" }', f'"{tmp}/elsewhere" }}')})
    runs = Runs(tmp, p)
    runs("create", "t")
    write_files(tmp, {"elsewhere/pyproject.toml": elsewhere.replace('"1"', '"2"')})
    assert "is stale" in runs("create", "u", expect=1).err
    write_files(tmp, {"elsewhere/pyproject.toml": elsewhere})
    runs("create", "u")


k_script = '# /// script\n# requires-python = ">=3.9"\n# dependencies = []\n# ///\nprint("ran")\n'


def test_scripts(tmp):
    """`# /// script`, with a lock of its own."""
    p = Project(tmp, {"tools/x.py": k_script, "a.txt": "a\n"})
    runs = Runs(tmp, p, ["tools/x.py"])
    if k_which == "oldest":
        p.write({"tools/x.py.lock": ""})
        p.git("add", "-A")
        failed = runs("create", "t", expect=1)
        assert "too old to check the lock of 'tools/x.py'" in failed.err and "install uv 0.5.17 or newer" in failed.err, failed
        return
    failed = runs("create", "t", expect=1)
    assert "no 'tools/x.py.lock'" in failed.err and f"hint: run `uv lock --script {p.source}/tools/x.py`, and commit" in failed.err, failed
    run([uv(), "lock", "--script", "x.py"], cwd=p.source / "tools", env=environment(tmp))
    p.git("add", "-A")
    assert runs("run", "t", "--", uv(), "run", "tools/x.py").out == "ran\n"
    assert (p.root / "t/tools/x.py.lock").stat().st_nlink == 1, "uv writes it in place"
    assert p("finish", "t").err == "" and p.names() == []
    changed = runs("run", "t", "--", "sh", "-c", "echo '# x' >>tools/x.py.lock", expect=k_lock_changed)
    assert "'tools/x.py.lock' was changed" in changed.err and "+# x" in changed.err, changed
    assert "'tools/x.py.lock' was changed" in p("verify", "t", expect=3).err
    p.write({"tools/x.py": k_script.replace("3.9", "3.10")})
    stale = runs("create", "stale", expect=1)
    assert "the lock of 'tools/x.py' is stale" in stale.err and "uv lock --script" in stale.err, stale


if __name__ == "__main__":
    harness.main()
