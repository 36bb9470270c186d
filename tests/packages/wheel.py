"""The wheel: built once, installed by pip and uv in fresh environments, found by a build of scikit-build-core."""

import os
import pathlib
import re
import zipfile

import harness
import packager

_made = {}


def wheel():
    """The wheel of the build under test, made once."""
    if not _made:
        python = packager.python_with("scikit_build_core", "build")
        work = harness.process_scratch() / "wheel"
        env = {"SKBUILD_CMAKE_ARGS": packager.PREBUILT, "PATH": f"{pathlib.Path(python).parent}:{os.environ['PATH']}"}
        harness.run([python, "-m", "build", "--wheel", "--no-isolation", "-o", work / "dist", packager.source()], env=env, timeout=300)
        (_made["path"],) = (work / "dist").glob("*.whl")
    return _made["path"]


def environment(folder, *more):
    """A fresh virtual environment with the wheel; nothing is asked of the network. Its folder of programs."""
    python = packager.python_with("scikit_build_core")
    harness.run([python, "-m", "venv", folder])
    harness.run([folder / "bin/pip", "install", "-q", "--no-index", "--no-deps", wheel(), *more])
    return folder / "bin"


def test_what_it_holds(tmp):
    name = wheel().name
    assert re.fullmatch(rf"snapshotfixtures-{re.escape(packager.version())}-py3-none-\w+\.whl", name), name
    with zipfile.ZipFile(wheel()) as archive:
        names = set(archive.namelist())
        info = archive.getinfo("snapshotfixtures/bin/snapfix")
        assert info.external_attr >> 16 & 0o111, oct(info.external_attr)
    assert {"snapshotfixtures/__init__.py", "snapshotfixtures/lib/cmake/SnapshotFixtures/SnapshotFixturesConfig.cmake"} <= names, names


def test_pip(tmp):
    programs = environment(tmp / "venv")
    assert harness.run([programs / "snapfix", "--version"]).out == harness.snapfix("--version").out
    assert harness.run([programs / "snapfix", "run", "--nonsense"], expect=2).err.startswith("snapfix: error")
    (site,) = (tmp / "venv/lib").glob("python*/site-packages")
    assert packager.consume(tmp, f"-DCMAKE_PREFIX_PATH={site}/snapshotfixtures") == {str(site / "snapshotfixtures/bin/snapfix")}
    harness.run([programs / "pip", "uninstall", "-q", "-y", "snapshotfixtures"])
    assert not list(site.glob("snap*")) and not (programs / "snapfix").exists()


CONSUMER = {
    "pyproject.toml": """
[build-system]
requires = ["scikit-build-core", "snapshotfixtures"]
build-backend = "scikit_build_core.build"
[project]
name = "consumer"
version = "1"
""",
    "CMakeLists.txt": """
cmake_minimum_required(VERSION 3.20)
project(consumer NONE)
enable_testing()
find_package(SnapshotFixtures CONFIG REQUIRED)
add_snapshot_test(NAME a COMMAND true)
file(WRITE ${CMAKE_BINARY_DIR}/found "${SnapshotFixtures_DIR}")
install(FILES ${CMAKE_BINARY_DIR}/found DESTINATION consumer)
""",
}


def test_a_build_by_scikit_build_core_finds_it(tmp):
    """By the entry point alone: nobody says where it lies."""
    python = packager.python_with("scikit_build_core", "build")
    harness.make_repo(tmp / "consumer", CONSUMER)
    target = tmp / "site"
    harness.run([python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", target, wheel()])
    env = {"PYTHONPATH": target, "PATH": f"{pathlib.Path(python).parent}:{os.environ['PATH']}"}
    harness.run([python, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check", "-o", tmp / "dist", tmp / "consumer"], env=env)
    (made,) = (tmp / "dist").glob("*.whl")
    with zipfile.ZipFile(made) as archive:
        assert archive.read("consumer/found").decode() == f"{target}/snapshotfixtures/lib/cmake/SnapshotFixtures"


def test_uv(tmp):
    uv = os.environ.get("SNAPFIX_UV_NEWEST")
    if not uv:
        harness.skip("no newest uv: SNAPFIX_UV_NEWEST is not set, tests/run sets it where PyPI can be reached")
    env = {"UV_TOOL_DIR": tmp / "tools", "UV_TOOL_BIN_DIR": tmp / "bin", "UV_CACHE_DIR": tmp / "cache", "UV_OFFLINE": "1", "UV_NO_INDEX": "1"}
    harness.run([uv, "tool", "install", wheel()], env=env)
    assert harness.run([tmp / "bin/snapfix", "--version"]).out == harness.snapfix("--version").out
    harness.run([uv, "tool", "uninstall", "snapshotfixtures"], env=env)
    assert harness.run([uv, "tool", "run", "--from", wheel(), "snapfix", "--version"], env=env).out == harness.snapfix("--version").out


def test_auditwheel(tmp):
    """What else the wheel wants of a system: only libraries that each manylinux has."""
    python = packager.python_with("auditwheel")
    if harness.is_sanitized():
        harness.skip("the helper is built with a sanitizer")
    said = harness.run([python, "-m", "auditwheel", "show", wheel()], expect=None)
    assert said.code == 0 and re.search(r"manylinux_2_\d+|linux_", said.out), said


def test_pre_commit(tmp):
    """The hook of this repository, in one of a user's: it builds the wheel itself, and stops a commit."""
    python = packager.python_with("pre_commit", "scikit_build_core")
    project = harness.make_repo(tmp / "project", {"good.sh": "uv sync --locked\n", "text.md": "uv sync\n", "uv.lock": "", "pyproject.toml": ""})
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", (packager.SOURCE / "docs" / "install.md").read_text(), re.M | re.S)
    (project / ".pre-commit-config.yaml").write_text(block.replace("<url>", f"file://{packager.source()}"))
    harness.git(project, "add", "-A")
    env = {
        "PRE_COMMIT_HOME": tmp / "cache", "SKBUILD_CMAKE_ARGS": packager.PREBUILT, "PIP_CONSTRAINT": None,
        "PATH": f"{pathlib.Path(python).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    done = harness.run([python, "-m", "pre_commit", "run", "--all-files"], cwd=project, env=env, expect=None, timeout=400)
    if "Temporary failure in name resolution" in done.out or "Could not find a version" in done.out:
        harness.skip("PyPI cannot be reached")
    assert done.code == 0 and "Passed" in done.out, done
    harness.write_files(project, {"bad.sh": "uv sync\n"})
    harness.git(project, "add", "-A")
    done = harness.run([python, "-m", "pre_commit", "run"], cwd=project, env=env, expect=1)
    assert "bad.sh" in done.out and "good.sh" not in done.out, done


if __name__ == "__main__":
    harness.main()
