"""tests/lib/install.sh, which has to do its work on machines where something is missing: apt-get and its like are stand-ins."""

import os
import subprocess

import harness


def call(tmp, apt_get, *names):
    """Calls install_packages on a machine that has the package `there` alone."""
    programs = tmp / "programs"
    programs.mkdir(exist_ok=True)
    for name, text in {"dpkg-query": "echo 'installed there'", "apt-get": f"echo \"apt-get $*\" >>'{tmp}/calls'\n{apt_get}",
                       "install": "exit 0", "sudo": '[ "$1" = -n ] || exec "$@"'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    scratch = tmp / "scratch"
    scratch.mkdir(exist_ok=True)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(scratch)}
    script = 'set -euo pipefail; source tests/lib/install.sh; install_packages "$@"; echo "went on"'
    out = subprocess.run(["bash", "-c", script, "bash", *names], cwd=os.environ["SNAPFIX_SOURCE_DIR"], env=environment, text=True,
                         capture_output=True)
    assert list(scratch.iterdir()) == [], "a log stays"
    return out


def test_what_is_missing_is_installed(tmp):
    done = call(tmp, "exit 0", "there", "one", "two")
    assert (done.returncode, done.stdout, done.stderr) == (0, "installing: one two\nwent on\n", ""), done
    assert (tmp / "calls").read_text().splitlines() == [
        "apt-get update -q", "apt-get install -q -y --no-install-recommends one two"]


def test_nothing_is_missing(tmp):
    done = call(tmp, "exit 1", "there")
    assert (done.returncode, done.stdout, done.stderr) == (0, "went on\n", ""), done


def test_it_cannot_be_installed(tmp):
    done = call(tmp, "echo 'no such package'; exit 100", "one")
    assert (done.returncode, done.stdout) == (1, "installing: one\n"), done
    assert "no such package" in done.stderr and "Could not install: one" in done.stderr, done.stderr


if __name__ == "__main__":
    harness.main()
