"""What tests may do to each other and to the source: nothing; and what is said where links let them."""

import os

import harness
import nested

LOG = "logs/metrics.jsonl"


# Waits until as many tests are there, and runs a command.
MEET = """# meet.sh FOLDER COMMAND
touch "$1/meets.$$"
for i in $(seq 100); do test $(ls "$1" | grep -c '^meets') -ge {} && break; sleep 0.1; done
eval "$2"
"""


def nightly(tmp, arguments, count=20, check="true", files=None):
    """Tests that all append to the same tracked file."""
    command = f"{check} && echo $0 >> {LOG} && echo run $0 > out.log"
    return nested.Project(
        tmp,
        f"""
        foreach(i RANGE 1 {count})
          add_snapshot_test(NAME n${{i}} LABELS nightly
            COMMAND sh -c "{command}" ${{i}} {arguments})
        endforeach()
        add_snapshot_test(NAME quick COMMAND cat {LOG})
    """,
        {LOG: "start\n", "data.bin": os.urandom(300_000), "src/a.py": "print('a')\n" * 500, **(files or {})},
    ).configured()


def state(project):
    """The source, the build tree aside: content, modes, times; and what links and ctime tell."""
    links = {
        path: (
            os.lstat(os.path.join(os.fsencode(project.source), path)).st_nlink,
            os.lstat(os.path.join(os.fsencode(project.source), path)).st_ctime_ns,
        )
        for path in harness.tracked_files(project.source)
    }
    return harness.tree_state(project.source), links


def test_appending_to_a_copied_file(tmp):
    appending_to_one_file(tmp, f"GUARD OFF GIT OFF COPY {LOG}")


def test_appending_to_one_file_under_the_guard(tmp):
    """Nobody named the file: the first write makes it private."""
    appending_to_one_file(tmp, "GUARD ON GIT OFF")


def appending_to_one_file(tmp, arguments):
    project = nightly(tmp, f"{arguments} KEEP ALWAYS", check=f"test $(cat {LOG}) = start")
    before = state(project)
    for _ in range(2):
        project.ctest("-L", "nightly", "-j2")
        assert state(project) == before
    harness.git(project.source, "diff-index", "--quiet", "HEAD")
    assert project.folders() == {f"n{i}" for i in range(1, 21)}
    for i in range(1, 21):
        assert (project.root / f"n{i}" / LOG).read_text() == f"start\n{i}\n"
        assert (project.root / f"n{i}" / "out.log").read_text() == f"run {i}\n"
    # One copy of the source's data, and what the tests wrote; whatever else there is, is records.
    private = sum(len(f"start\n{i}\n") + len(f"run {i}\n") for i in range(1, 21))
    one_copy = sum(
        os.lstat(os.path.join(os.fsencode(project.source), p)).st_size for p in harness.tracked_files(project.source)
    )
    trees = [project.root / name for name in project.folders()] + [project.root / ".snapfix" / "objects"]
    assert _data_bytes(trees) == one_copy + private


def _data_bytes(trees):
    """Bytes of all files, each inode once."""
    seen = {}
    for top in trees:
        for folder, _, files in os.walk(top):
            for name in files:
                status = os.lstat(os.path.join(folder, name))
                seen[status.st_ino] = status.st_size
    return sum(seen.values())


def test_writing_through_a_link(tmp):
    """Without guard and COPY, nobody can know who wrote: for each sharer it is a finding, which names them all."""
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME writer GUARD OFF COMMAND sh meet.sh ${CMAKE_BINARY_DIR} "echo more >> shared; touch ${CMAKE_BINARY_DIR}/written; false")
        set_tests_properties(writer PROPERTIES WILL_FAIL TRUE) # ctest takes any exit code for a pass
        add_snapshot_test(NAME reader COMMAND sh meet.sh ${CMAKE_BINARY_DIR} "until test -e ${CMAKE_BINARY_DIR}/written; do sleep 0.1; done; cat shared"
          PROPERTIES PASS_REGULAR_EXPRESSION text)
        add_snapshot_test(NAME owner COMMAND sh meet.sh ${CMAKE_BINARY_DIR} "cat shared > /dev/null" COPY shared)
        add_snapshot_test(NAME safe COMMAND sh meet.sh ${CMAKE_BINARY_DIR} "cp shared new && mv new shared" COPY other)
    """,
        {"shared": "text\n", "other": "other\n", "meet.sh": MEET.format(4)},
    )
    project.configured()
    before = state(project)
    # All share when the first one writes.
    outcomes = project.results("-j4", expect=8)
    verdicts = {name: outcome.status for name, outcome in outcomes.items()}
    findings = {nested.finisher(name) for name in ("writer", "reader")}
    assert {name for name, verdict in verdicts.items() if verdict == "failed"} - {nested.finisher("safe")} == findings, outcomes
    for name in findings:
        said = outcomes[name].output
        assert "shared" in said and "writer" in said and "reader" in said and "other" not in said.split(), said
    assert state(project) == before, "the source was reached"
    assert {"writer", "reader"} <= project.folders(), "a finding keeps the snapshot"

    # The store has healed.
    outcomes = project.results("-R", "reader|owner|safe")
    assert "text\nmore" not in outcomes["reader"].output and "text" in outcomes["reader"].output, outcomes
    assert state(project) == before


def test_nightly_writers_without_guard_and_copy(tmp):
    project = nightly(tmp, "GUARD OFF", count=5, check=f"sh meet.sh {tmp} true", files={"meet.sh": MEET.format(5)})
    before = state(project)
    outcomes = project.results("-L", "nightly", "-j5", expect=8)
    found = [outcomes[nested.finisher(f"n{i}")] for i in range(1, 6)]
    assert {outcome.status for outcome in found} == {"failed"}, outcomes
    for outcome in found:
        for suspect in ("n1", "n2", "n3", "n4", "n5"):
            assert suspect in outcome.output.replace(",", " ").replace("'", " ").split(), outcome.output
        assert LOG in outcome.output
    assert state(project) == before
    # One at a time: each is found out again.
    for i in range(1, 6):
        outcomes = project.results("-R", f"^n{i}$", expect=8)
        assert {name for name, outcome in outcomes.items() if outcome.status == "failed"} == {nested.finisher(f"n{i}")}, outcomes
    assert project.results("-R", "quick")["quick"].output.split() == ["start"], "the store has not healed"


def edited_project(tmp):
    """The first test edits the source; the others say what they see. KEEP tells what snapshots held."""
    files = {
        "input": "old\n",
        "other": "same\n",
        "sub/CMakeLists.txt": """
        add_snapshot_test(NAME z.deep COMMAND cp input seen KEEP ALWAYS SOURCE_DIR ${CMAKE_SOURCE_DIR})
    """,
    }
    return nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a.edit NO_SOURCE_MAPPING SOURCE_WRITES ALLOW COMMAND
          sh -c "test -e ${CMAKE_BINARY_DIR}/stop || echo new > ${CMAKE_SOURCE_DIR}/input")
        add_snapshot_test(NAME b COMMAND cp input seen KEEP ALWAYS)
        add_snapshot_test(NAME c COMMAND cp input seen KEEP ALWAYS EXCLUDE other)
        add_subdirectory(sub)
        set_tests_properties(b c PROPERTIES DEPENDS a.edit)
    """,
        files,
    ).configured()


def test_all_tests_see_one_state(tmp):
    project = edited_project(tmp)
    for options in ((), ("-j3",)):
        (project.source / "input").write_text("old\n")
        outcomes = project.results(*options)
        assert (project.source / "input").read_text() == "new\n"
        seen = {name: (project.root / name / "seen").read_text() for name in ("b", "c", "z.deep")}
        assert set(seen.values()) == {"old\n"}, (seen, outcomes)
    # And the next run sees the next state.
    (project.build / "stop").touch()
    project.ctest()
    assert {(project.root / name / "seen").read_text() for name in ("b", "c", "z.deep")} == {"new\n"}


def test_edits_between_runs(tmp):
    """A same-size edit with the old mtime put back, and each kind of partial run after it."""
    project = nested.Project(
        tmp, "add_snapshot_test(NAME t COMMAND cp input seen KEEP ALWAYS)\n", {"input": "0\n"}
    ).configured()
    path = project.source / "input"
    times = os.stat(path)
    for number, options in enumerate(
        ((), (), ("-FS", "snapshot"), ("-E", "snapshot"), ("-R", "^t$"), ("--repeat", "until-fail:2"))
    ):
        path.write_text(f"{number}\n")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        project.ctest(*options)
        assert (project.root / "t" / "seen").read_text() == f"{number}\n", options


if __name__ == "__main__":
    harness.main()
