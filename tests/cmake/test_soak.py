"""A long night: many tests beside each other, twice, some failing. What is left is what KEEP says, and nothing else.

SNAPFIX_SOAK_TESTS: how many (40).
"""

import contextlib
import os
import pathlib

import harness
import nested

k_tests = int(os.environ.get("SNAPFIX_SOAK_TESTS", "40"))
k_told = 9  # what the failing ones are told to end with

# Finds its tree pristine, writes to shared files in place, leaves something new, and ends as it is told.
k_job = """#!/bin/sh
test "$(cat input folder/deep)" = "$(printf 'old\\ndeep')" || { echo "not pristine"; exit 1; }
test ! -e new || { echo "not pristine"; exit 1; }
echo written >>input && echo new >new && : >folder/deep && rm job.sh
exit "$1"
"""


def fails(number):
    """One in twenty."""
    return number % 20 == 7


def inside(project):
    """What the root holds of single snapshots, beside their folders."""
    state = project.root / ".snapfix"
    held = {name: sorted(os.listdir(state / name)) for name in ("snapshots", "runs", "work", "trash")}
    held["locks"] = sorted(name for name in os.listdir(state / "locks") if name.startswith("name."))
    return held


def processes_of(project):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.fsencode(project.root) in (entry / "cmdline").read_bytes():
                found.append(entry.name)
    return found


def test_a_long_night(tmp):
    tests = "".join(
        f"add_snapshot_test(NAME t{n} COMMAND sh job.sh {k_told if fails(n) else 0} KEEP ON_FAILURE GIT OFF)\n" for n in range(k_tests))
    project = nested.Project(tmp, tests, {"input": "old\n", "folder/deep": "deep\n", "job.sh": k_job}).configured()
    failing = sorted(f"t{n}" for n in range(k_tests) if fails(n))
    assert failing
    source = harness.tree_state(project.source)
    for _ in range(2):
        outcomes = project.results("-j8", expect=8, timeout=60 + 3 * k_tests)
        wrong = {name: o for name, o in outcomes.items() if (o.status == "failed") != (name in failing) or "not pristine" in o.output}
        assert len(outcomes) == len(nested.family("t")) * k_tests + 2 and not wrong, wrong
        harness.eventually(lambda: not processes_of(project), "all processes have ended")
        assert project.folders() == set(failing), project.folders()
        held = inside(project)
        spares = [name for name in held["snapshots"] if name.startswith("~spare.")]
        assert len(spares) <= os.cpu_count() and len(spares) == len(os.listdir(project.root / ".snapfix/spares")), held
        held["snapshots"] = [name for name in held["snapshots"] if name not in spares]
        assert held["snapshots"] == held["runs"] == failing and not held["work"] and not held["trash"], held
        for name in failing:
            harness.snapfix("verify", name, "--content", "--root", project.root)
    harness.assert_same_state(source, harness.tree_state(project.source))
    harness.snapfix("remove", *failing, "--root", project.root)
    harness.snapfix("prune", "--spares", 0, "--root", project.root)
    assert project.folders() == set() and not any(inside(project).values()), inside(project)
    objects = [file for _, _, files in os.walk(project.root / ".snapfix/objects") for file in files]
    assert len(objects) == 4, f"one of each file: {objects}"


if __name__ == "__main__":
    harness.main()
