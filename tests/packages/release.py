"""packaging/build, which the workflow of a release calls: all packages of one helper, each with a name that says what it is."""

import os
import re

import harness
import packager


def test_packages_of_a_release(tmp):
    harness.require("dpkg-deb", "dpkg-shlibdeps", "strip")
    helper = os.path.realpath(harness.snapfix_path())
    if not os.path.exists(f"{os.path.dirname(helper)}/snapfix-static"):
        harness.skip("the build has no snapfix-static: libraries to link statically are missing")
    done = harness.run([packager.source() / "packaging/build", tmp / "dist", helper], expect=None, timeout=500)
    if "No matching distribution" in done.err or "ConnectionError" in done.err:
        harness.skip("PyPI cannot be reached")
    assert done.code == 0, done
    version = re.escape(packager.version())
    names = sorted(path.name for path in (tmp / "dist").iterdir())
    machine = os.uname().machine
    patterns = [
        rf"snapfix-{version}-linux-{machine}", rf"snapshotfixtures-{version}-py3-none-manylinux\w+_{machine}\.whl",
        rf"snapshotfixtures-{version}\.tar\.gz", rf"snapshotfixtures_{version}_\w+\.deb",
    ]  # fmt: skip
    assert len(names) == len(patterns) and all(map(re.fullmatch, patterns, names)), names
    # The one that goes alone needs nothing of this system: it runs where there is nothing else.
    alone = tmp / "alone"
    alone.mkdir()
    os.link(tmp / "dist" / names[0], alone / "snapfix")
    if os.geteuid() == 0:
        assert harness.run(["chroot", alone, "/snapfix", "--version"]).out == harness.snapfix("--version").out


def test_one_version(tmp):
    """CMakeLists.txt has it, what can asks there, and the rest says the same."""

    def told(path, pattern):
        return set(re.findall(pattern, (packager.SOURCE / path).read_text(), re.M))

    version = {packager.version()}
    assert told("CMakeLists.txt", r"^  VERSION (\S+)$") == version
    assert told("docs/install.md", r"(?:\bv|[-_])(\d+\.\d+\.\d+)\b") == version
    assert told("docs/snapfix.1", r"^\.Os SnapshotFixtures (\S+)$") == version
    assert told("packaging/vcpkg/ports/snapshotfixtures/vcpkg.json", r'^  "version": "(\S+)",$') == version
    assert re.findall(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", (packager.SOURCE / "CHANGELOG.md").read_text(), re.M)[0] in version


def test_workflow(tmp):
    """What it calls is there, and each command of ours that it names works on the paths that it gives."""
    text = (packager.SOURCE / ".github/workflows/release.yml").read_text()
    assert "run: packaging/build dist" in text and os.access(packager.SOURCE / "packaging/build", os.X_OK)
    assert "sha256sum" in text and re.search(r"tags: \[\"v\*\"\]", text)


if __name__ == "__main__":
    harness.main()
