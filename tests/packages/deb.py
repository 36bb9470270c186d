"""cpack: a Debian package that installs, works and goes without a trace; a tarball of the source that is the source."""

import functools
import os
import re
import tarfile

import harness
import packager


@functools.lru_cache(None)
def built():
    """A build tree that holds the package."""
    harness.require("dpkg-deb", "dpkg-shlibdeps")
    made = harness.process_scratch() / "made"
    harness.run(["cmake", "-S", packager.source(), "-B", made, packager.PREBUILT], env={"DEBFULLNAME": "A B", "DEBEMAIL": "ab@example.org"})
    harness.run(["cpack"], cwd=made)
    return made


def test_debian_package(tmp):
    (package,) = built().glob("snapshotfixtures_*.deb")
    fields = harness.run(["dpkg-deb", "-f", package]).out
    assert f"Version: {packager.version()}\n" in fields and "Maintainer: A B <ab@example.org>" in fields, fields
    assert re.search(r"^Depends: .*libarchive13", fields, re.M), fields
    if not harness.is_sanitized():
        assert re.search(r"^Depends: .*libc6 \(>=", fields, re.M), fields
    # Unpacked into a folder of its own, by a dpkg that knows no other package: installed, used, and removed.
    root = tmp / "root"
    (root / "var/lib/dpkg/updates").mkdir(parents=True)
    (root / "var/lib/dpkg/info").mkdir()
    (root / "var/lib/dpkg/status").write_text("")
    before = {path.relative_to(root) for path in root.rglob("*") if "var/lib/dpkg" not in str(path)}
    dpkg = ["dpkg", f"--root={root}", "--force-depends", "--force-not-root", "--force-script-chrootless", f"--log={tmp}/log"]
    harness.run([*dpkg, "-i", package])
    assert packager.consume(tmp, f"-DCMAKE_PREFIX_PATH={root}/usr") == {str(root / "usr/bin/snapfix")}
    there = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    for path in (
        "usr/share/man/man1/snapfix.1.gz", "usr/share/doc/snapshotfixtures/copyright", "usr/share/bash-completion/completions/snapfix",
        "usr/share/fish/vendor_completions.d/snapfix.fish", "usr/share/zsh/vendor-completions/_snapfix",
        "usr/lib/cmake/SnapshotFixtures/SnapshotFixtures/snapshot_fixtures_pytest.py",
    ):  # fmt: skip
        assert path in there, there
    harness.run([*dpkg, "-r", "snapshotfixtures"])
    left = {path.relative_to(root) for path in root.rglob("*") if "var/lib/dpkg" not in str(path)} - before
    assert not left, left


def test_lintian(tmp):
    harness.require("lintian")
    if harness.is_sanitized():
        harness.skip("the helper is built with a sanitizer")
    (package,) = built().glob("*.deb")
    said = harness.run(["lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", package], env={"TMPDIR": tmp}, expect=None)
    assert said.code == 0 and not re.search("^E:", said.out, re.M), said


def test_source_tarball(tmp):
    source, made = packager.source(), built()
    harness.write_files(source, {"build/x": "", "helper/__pycache__/x": ""})
    harness.run(["cpack", "--config", "CPackSourceConfig.cmake"], cwd=made)
    name = f"snapshotfixtures-{packager.version()}"
    with tarfile.open(made / f"{name}.tar.gz") as tar:
        held = {os.path.relpath(member.name, name) for member in tar if member.isfile()}
    assert held == {os.fsdecode(path) for path in harness.tracked_files(source)}, held


if __name__ == "__main__":
    harness.main()
