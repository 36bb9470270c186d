"""Where roots lie: who passes them by, what stood there before, what doctor says of a place."""

import os
import shlex
import sys

import harness
from harness import snapfix
from project import Project, assert_says


def python_with(*modules):
    """A Python that has these."""
    for program in (os.environ.get("SNAPFIX_PYTHON_WALKERS"), sys.executable, "/usr/bin/python3"):
        if program and os.access(program, os.X_OK):
            if harness.run([program, "-c", f"import {', '.join(modules)}"], expect=None).code == 0:
                return program
    return harness.skip(f"no Python has {' and '.join(modules)}: tests/run gets them where PyPI can be reached")


def node_that_passes_by_dots():
    """Node's test runner did not before 21."""
    for program in (os.environ.get("SNAPFIX_NODE"), "node"):
        if program:
            said = harness.run([program, "--version"], expect=None) if os.path.isabs(program) or harness.shutil.which(program) else None
            if said and said.code == 0 and int(said.out[1:].split(".")[0]) >= 21:
                return program
    return harness.skip("no Node 21 or newer: tests/run gets one where PyPI can be reached")


def seen_before_and_after(p, look):
    """What a tool sees in the source: alone, with a snapshot in the default root, and with one that a failure left."""
    seen = [look()]
    snapfix("create", "t", cwd=p.source)
    seen.append(look())
    failed = snapfix("run", "f", "--finish", "--", "false", cwd=p.source, expect=None)
    assert failed.code == 1 and "is kept in" in failed.err, failed
    assert (p.source / ".snapshots/f").is_dir()
    seen.append(look())
    assert seen[0] and seen[0] == seen[1] == seen[2], seen
    return seen[0]


def test_pytest_collects_the_same(tmp):
    python = python_with("pytest")
    p = Project(tmp, {"pyproject.toml": "[tool.pytest.ini_options]\n", "test_a.py": "def test_a(): pass\n", "sub/test_b.py": "def test_b(): pass\n"})

    def look():
        done = harness.run([python, "-B", "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"], cwd=p.source)
        return [line for line in done.out.splitlines() if "::" in line]

    assert sorted(seen_before_and_after(p, look)) == ["sub/test_b.py::test_b", "test_a.py::test_a"]


def test_a_flat_layout_builds_the_same(tmp):
    """setuptools refuses a source with two folders at its top that may be packages."""
    python = python_with("build.__main__", "setuptools", "wheel")
    p = Project(tmp, {
        "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
                          '[project]\nname = "mine"\nversion = "1"\n',
        "mine/__init__.py": "", "mine/data.py": "x = 1\n", ".gitignore": "build\ndist\n*.egg-info\n"})

    def look():
        out = tmp / "dist"
        harness.remove_tree(out) if out.exists() else None
        harness.run([python, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, "."], cwd=p.source)
        (wheel,) = out.iterdir()
        listed = harness.run([python, "-m", "zipfile", "-l", wheel]).out
        return sorted(line.split()[0] for line in listed.splitlines()[1:])

    assert "mine/data.py" in seen_before_and_after(p, look)


def test_node_runs_the_same(tmp):
    node = node_that_passes_by_dots()
    p = Project(tmp, {"test/a.test.js": "require('node:test')('first', () => {});\n", "package.json": "{}\n"})

    def look():
        done = harness.run([node, "--test", "--test-reporter=tap"], cwd=p.source)
        return [line for line in done.out.splitlines() if line.startswith(("ok", "# tests", "# pass"))]

    assert len(seen_before_and_after(p, look)) == 3


def test_git_sees_nothing_of_it(tmp):
    p = Project(tmp)
    seen_before_and_after(p, lambda: ["nothing", p.git("status", "--porcelain", "--ignored=no").out])
    assert (p.source / ".snapshots/.gitignore").read_text() == "/*\n"


def test_a_root_of_before_is_named(tmp):
    """By who looks for it under today's name, by prune and by doctor; the module's lies in a build tree."""
    p = Project(tmp)
    old = p.source / "code_snapshots"
    snapfix("create", "old", "--root", old, cwd=p.source)
    for args, code in ((["list"], 0), (["show", "old"], 1), (["prune"], 1), (["doctor"], 0), (["doctor", p.source], 0)):
        done = snapfix(*args, cwd=p.source, expect=code)
        assert_says(done, f"'{old}' is a root of before", f"hint: what it holds: snapfix list --root {old}\nhint: remove it: rm -rf {old}\n")
    made = snapfix("create", "new", "--json", cwd=p.source)
    assert_says(made, "is a root of before")
    assert made.json()["freeze"]["files_copied"] == 0, "it is taken over by links"
    assert "of before" not in snapfix("create", "newer", cwd=p.source).err + snapfix("list", cwd=p.source).err
    pruned = snapfix("prune", "--json", cwd=p.source)
    assert_says(pruned, "is a root of before")
    assert pruned.json()["former_root"] == str(old) == snapfix("doctor", "--json", cwd=p.source).json()["former_root"]
    assert (old / "old/a.txt").exists(), "nothing of it is touched"
    for own in (["--root", old], ["--root", p.root]):
        snapfix("create", "x", *own, cwd=p.source)
        assert "of before" not in snapfix("prune", *own, cwd=p.source).err
    assert "of before" not in snapfix("prune", cwd=p.source, env={"CODE_SNAPSHOT_DIRNAME": "code_snapshots"}).err
    harness.run(shlex.split(pruned.err[pruned.err.index("rm -rf"):].splitlines()[0]))
    assert snapfix("prune", "--json", cwd=p.source).json()["former_root"] is None


def test_a_root_of_before_in_a_build_tree(tmp):
    """What it is configured with counts: until then the old one is no former root."""
    p = Project(tmp)
    build = tmp / "build"
    for name in ("snapshots", ".snapshots"):
        snapfix("create", "t", "--source", p.source, "--root", build / name)
    (build / "CMakeCache.txt").write_text(f"A:STRING=1\nSNAPSHOT_FIXTURES_ROOT:PATH={build}/snapshots\nB:STRING=2\n")
    report = snapfix("doctor", build, "--json").json()
    assert (report["root"], report["former_root"]) == (f"{build}/snapshots", None), report
    (build / "CMakeCache.txt").write_text(f"SNAPSHOT_FIXTURES_ROOT:PATH={build}/.snapshots\n")
    report = snapfix("doctor", build, "--json").json()
    assert (report["root"], report["former_root"]) == (f"{build}/.snapshots", f"{build}/snapshots"), report
    assert snapfix("prune", "--root", build / ".snapshots", "--json").json()["former_root"] == f"{build}/snapshots"


def probe(name, *args, **options):
    """What doctor says of it."""
    report = snapfix("doctor", *args, "--json", **options).json()
    return next((found["works"], found["detail"]) for found in report["probes"] if found["name"] == name)


def test_roots_of_build_trees_are_named(tmp):
    p = Project(tmp)
    for build in ("build", "out/debug"):
        p.write({f"{build}/CMakeCache.txt": ""})
        snapfix("create", "t", "--source", p.source, "--root", p.source / build / ".snapshots")
    for done in (snapfix("list", cwd=p.source), snapfix("show", "t", cwd=p.source, expect=1)):
        assert_says(done, f"--root {p.source}/build/.snapshots", f"--root {p.source}/out/debug/.snapshots")
    assert "build tree" not in snapfix("create", "t", cwd=p.source).err + snapfix("list", cwd=p.source).err


def test_doctor_tells_the_length_that_sockets_have(tmp):
    long = tmp / ("l" * 70)
    long.mkdir()
    with harness.temp_dir("s") as short:
        for folder, works in ((short, True), (long, False)):
            root = f"{folder}/.snapshots"
            fits, said = probe("sockets' paths", folder)
            left = max(107 - len(root) - 2, 0)
            assert fits is works and f"{len(root)} bytes of the 107: {left} are left" in said and root in said, said
            assert ("SNAPSHOT_FIXTURES_ROOT" in said) is not works, said
    assert snapfix("doctor", long).code == 0
    assert f"{tmp}/r/x" in probe("sockets' paths", cwd=tmp, env={"SNAPFIX_ROOT": tmp / "r/x"})[1]
    p = Project(tmp)
    inside = p.create("t")
    assert f"'{p.root}'" in probe("sockets' paths", p.root)[1] == probe("sockets' paths", inside)[1]


def test_what_is_said_of_sockets_is_true(tmp):
    """The longest path that doctor leaves can be bound, and not one byte more."""
    p = Project(tmp)
    p.create("t")
    left = int(probe("sockets' paths", p.root)[1].split(": ")[1].split()[0])
    name = "s" * (left - len("t"))
    bind = "import socket, os, sys; socket.socket(socket.AF_UNIX).bind(os.environ['SNAPSHOT_DIR'] + '/' + sys.argv[1])"
    p("run", "t", "--", sys.executable, "-c", bind, name)
    assert "too long" in p("run", "t", "--", sys.executable, "-c", bind, name + "s", expect=1).err


def test_doctor_tells_what_climbs_out_of_a_subfolder(tmp):
    p = Project(tmp, {"a": "1", "sub/b": "2"})
    sub = p.source / "sub"
    assert probe("looking upwards", p.source)[0] is True
    for args, options in (([sub], {}), ([], {"cwd": sub}), ([], {"cwd": sub, "env": {"SNAPFIX_ROOT": p.source / "r"}})):
        fits, said = probe("looking upwards", *args, **options)
        assert fits is False and f"'{sub}' is one of a subfolder of '{p.source}'" in said and "outside" in said, said
    assert probe("looking upwards", cwd=sub, env={"SNAPFIX_ROOT": p.root})[0] is True
    # A root knows of what its snapshots are.
    build = p.source / "build/.snapshots"
    snapfix("create", "whole", "--source", p.source, "--root", build)
    (p.source / "build/CMakeCache.txt").touch()
    assert probe("looking upwards", p.source / "build")[0] is True
    snapfix("create", "part", "--source", sub, "--root", build)
    assert probe("looking upwards", p.source / "build")[0] is probe("looking upwards", build)[0] is False
    snapfix("create", "part", "--source", sub, "--root", p.root)
    assert probe("looking upwards", p.root)[0] is True


def test_what_climbs_out_of_a_subfolder_does_not_from_outside(tmp):
    """As the guide says it of pytest."""
    python = python_with("pytest")
    p = Project(tmp, {"pyproject.toml": "[tool.pytest.ini_options]\n", "conftest.py": "raise SystemExit('the source of all')\n",
                      "sub/test_b.py": "def test_b(): pass\n"})
    collect = [python, "-B", "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    inside = snapfix("run", "t", "--source", p.source / "sub", "--", *collect, expect=None)
    assert "the source of all" in inside.out + inside.err, inside
    outside = snapfix("run", "t", "--source", p.source / "sub", "--root", p.root, "--", *collect)
    assert "test_b.py::test_b" in outside.out, outside


if __name__ == "__main__":
    harness.main()
