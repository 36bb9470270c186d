"""All writers: what each does stays in its snapshot, and comes out as in a plain copy. On further file systems it is
those that make each call in its plainest form; what other programs do is the same calls once more.

Without the guard the same writers reach the object, or do not, as the catalogue says of each: so we know that
the matrix sees what it is there to see. SNAPFIX_GUARD_WRITERS=ID,... selects writers.
"""

import contextlib
import os

import harness
import matrix
from catalogue import k_beyond, k_plain_calls, k_writers


def selected(writers=None):
    chosen = os.environ.get("SNAPFIX_GUARD_WRITERS")
    return [w for w in writers or k_writers if not chosen or w.id in chosen.split(",")]


@contextlib.contextmanager
def overlay():
    """An overlay whose layers lie on the file system of TMPDIR."""
    with harness.temp_dir("overlay") as tmp:
        for name in ("lower", "upper", "work"):
            (tmp / name).mkdir()
        layers = f"lowerdir={tmp}/lower,upperdir={tmp}/upper,workdir={tmp}/work"
        with harness.mounted("overlay", tmp / "merged", "-t", "overlay", "-o", layers) as where:
            yield where


def guarded(where, kind, user=None, writers=None):
    outcome = matrix.run_matrix(where, selected(writers), user=user, kind=kind)
    print(f"{len(outcome.ran)} writers, {len(outcome.guard['private'])} files became private")
    problems = [f"{name} reached the object: {what}" for name, what in outcome.leaks.items()] + outcome.problems
    assert not problems, f"{len(problems)} problems\n" + "\n".join(problems)


def on_file_system(kind):
    with overlay() if kind == "overlay" else harness.file_system(kind) as where:
        guarded(where, kind, writers=k_writers if kind == "default" else k_plain_calls)


def test_default():
    on_file_system("default")


def test_tmpfs():
    on_file_system("tmpfs")


def test_xfs():
    on_file_system("xfs")


def test_btrfs():
    on_file_system("btrfs")


def test_overlay():
    on_file_system("overlay")


def test_ordinary_user(tmp):
    if os.geteuid() != 0:
        harness.skip("the tests run as an ordinary user anyway")
    tmp.chmod(0o755)
    guarded(tmp, "default", user=harness.NOBODY)


def test_without_the_guard(tmp):
    """Who reaches the object is who is said to, no more and no less."""
    outcome = matrix.run_matrix(tmp, selected(), guard="off")
    assert outcome.guard["state"] == "off", outcome.guard
    expected = {w.id for w in selected() if w.id in outcome.ran and w.reaches}
    silent = [f"{name} should have reached the object, and did not" for name in sorted(expected - set(outcome.leaks))]
    loud = [f"{name} reached the object: {outcome.leaks[name]}" for name in sorted(set(outcome.leaks) - expected)]
    assert not silent + loud + outcome.problems, "\n".join(silent + loud + outcome.problems)


def test_beyond_the_guard(tmp):
    """Who writes past the guard is found by verify, and the store is healed."""
    if os.geteuid() != 0:
        harness.skip("only root can")
    outcome = matrix.run_matrix(tmp, k_beyond)
    assert set(outcome.leaks) == set(outcome.ran), outcome
    found = [problem for problem in outcome.problems if "verify" in problem]
    assert len(found) == 2 and all(name in text for name in outcome.leaks for text in found), outcome.problems


if __name__ == "__main__":
    harness.main()
