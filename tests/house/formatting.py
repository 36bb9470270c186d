"""Holds the C++ to .clang-format. Another version formats in another way, so it must be the one of Debian 12."""

import os
import pathlib
import re
import shutil

import harness

k_version = "14"


def test_clang_format():
    program = shutil.which(f"clang-format-{k_version}") or shutil.which("clang-format")
    if not program:
        harness.skip("clang-format is not installed")
    version = harness.run([program, "--version"]).out
    if not re.search(rf"version {k_version}\.", version):
        harness.skip(f"clang-format {k_version} is needed, here is: {version.strip()}")
    top = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"])
    files = [p for folder in ("helper", "tests") for p in sorted((top / folder).rglob("*.[ch]pp"))]
    assert files
    done = harness.run([program, "--dry-run", "--Werror", *files], cwd=top, expect=None)
    assert done.code == 0, f"to mend it: clang-format-{k_version} -i FILE...\n{done}"


if __name__ == "__main__":
    harness.main()
