"""Whole runs of ctest: again, repeated, in part, after failures; each test has a pristine tree of its own."""

import xml.etree.ElementTree

import harness
import nested

# Fails unless its tree is as the source is; spoils it; notes the run in a journal outside of it.
SPOIL = """#!/bin/sh
# spoil.sh JOURNAL NAME [EXIT-CODE-FILE]
set -e
cat input >> "$1.inputs"
test "$(ls | tr '\\n' ' ')" = "CMakeLists.txt folder input spoil.sh "
test "$(cat folder/deep)" = deep
test "$PWD" = "$SNAPSHOT_DIR"
rm folder/deep
echo other > folder/new
echo other > new
echo "$2" >> "$1"
test -z "$3" || exit "$(cat "$3")"
"""


def project_of(tmp, lists):
    """A project with spoiling tests; ${spoil} is their command but for the name."""
    journal = tmp / "journal"
    code = tmp / "code"
    code.write_text("0\n")
    head = f'set(journal "{journal}")\nset(code "{code}")\nset(spoil sh spoil.sh "${{journal}}")\n'
    project = nested.Project(tmp, head + lists, {"spoil.sh": SPOIL, "input": "old\n", "folder/deep": "deep\n"})
    project.journal, project.inputs, project.code = journal, tmp / "journal.inputs", code
    return project.configured()


def three(tmp):
    return project_of(
        tmp,
        """
        foreach(name IN ITEMS a b c)
          add_snapshot_test(NAME ${name} COMMAND ${spoil} ${name} LABELS nightly)
        endforeach()
    """,
    )


def drain(path):
    lines = nested.journal_lines(path)
    path.unlink(missing_ok=True)
    return lines


def test_plain_runs(tmp):
    project = three(tmp)
    before = harness.tree_state(project.source)
    for options in ((), ("-j2",), ("-L", "nightly", "-j4")):
        outcomes = project.results(*options)
        assert len(outcomes) == len(nested.family(*"abc")) + 2 and {o.status for o in outcomes.values()} == {"passed"}, outcomes
        assert sorted(drain(project.journal)) == ["a", "b", "c"]
        assert project.folders() == set()
    harness.assert_same_state(before, harness.tree_state(project.source))


def test_measurements(tmp):
    project = three(tmp)
    project.configure("-DSNAPSHOT_FIXTURES_GIT=OFF")
    outcomes = project.results()
    assert all(outcome.status == "passed" for outcome in outcomes.values()), outcomes
    if nested.version() < (3, 21):
        return  # CTestMeasurement is younger: there it is a line of output
    setup = outcomes[nested.maker("a")].measured
    assert float(setup["snapshot.linked"]) == 4 and float(setup["snapshot.copied"]) == 0, setup
    assert {
        "snapshot.bytes_shared",
        "snapshot.bytes_copied",
        "snapshot.entries",
        "snapshot.seconds",
    } <= setup.keys(), setup
    finish = outcomes[nested.finisher("a")].measured
    assert {"snapshot.private", "snapshot.added", "snapshot.findings"} <= finish.keys(), finish
    assert float(finish["snapshot.findings"]) == 0 and float(finish["snapshot.added"]) == 2, finish
    assert nested.has_pairs() or {"run.seconds", "finish.seconds"} <= finish.keys(), finish
    (freeze,) = nested.freezes(outcomes)
    assert float(outcomes[freeze].measured["freeze.files_read"]) == 4, outcomes[freeze].measured


def test_junit(tmp):
    """Measurements, which it does not hold, leave no line in it."""
    if nested.version() < (3, 21):
        return  # ctest writes none
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME silent COMMAND true)
        add_snapshot_test(NAME speaks COMMAND printf "one\\ntwo\\n")
        add_snapshot_test(NAME fails COMMAND sh -c "echo one && false")
    """,
    ).configured()
    project.ctest("--output-junit", tmp / "junit.xml", expect=8)
    report = xml.etree.ElementTree.parse(tmp / "junit.xml")
    texts = {case.get("name"): case.findtext("system-out") for case in report.iter("testcase")}
    assert len(texts) == len(nested.family("silent", "speaks", "fails")) + 2, texts
    for name, text in texts.items():
        assert not text.startswith("\n") and "\n\n" not in text and "CTestMeasurement" not in text, (name, texts)
    assert texts["silent"] == "" and texts["speaks"] == "one\ntwo\n", texts


def test_last_lines_of_a_failed_test(tmp):
    """Where its tree is, what it did there, and how to get in."""
    project = nested.Project(tmp, 'add_snapshot_test(NAME t COMMAND sh -c "echo x >new && echo y >>input && exit 3")\n', {"input": "text\n"})
    outcomes = project.configured().results(expect=8)
    assert outcomes["t"].status == "failed"
    kept, elsewhere, shell = outcomes[nested.finisher("t")].output.strip().split("\n")[-3:]
    assert f"kept in {project.root}/t: " in kept and "exit code 3" in kept and "1 file private, 1 new" in kept, kept
    assert elsewhere.endswith(f" pack t --root {project.root}"), elsewhere
    way = shell.split("a shell in it: ")[1]
    (tmp / "shell").write_text("#!/bin/sh\npwd && cat input\n")
    (tmp / "shell").chmod(0o755)
    assert harness.run(["sh", "-c", way], cwd="/", env={"SHELL": tmp / "shell"}).out == f"{project.root}/t\ntext\ny\n"


def test_trees_that_stand_at_once(tmp):
    """As many as tests run; with pairs as there are tests, since ctest runs all setups first."""
    project = nested.Project(
        tmp,
        """
        foreach(n RANGE 1 6)
          add_snapshot_test(NAME t${n} COMMAND sh -c "ls -d @SNAPSHOT_DIR@/../*/ | wc -l >>${CMAKE_BINARY_DIR}/trees; sleep 0.2")
        endforeach()
    """,
    ).configured()
    project.ctest("-j2")
    most = max(map(int, drain(project.build / "trees")))
    assert most == (6 if nested.has_pairs() else 2), most


def test_repeat(tmp):
    project = three(tmp)
    project.ctest("--repeat", "until-fail:3", "-R", "^a$")
    assert drain(project.journal) == ["a"] * 3
    project.ctest("--repeat", "until-fail:2", "-j3")
    assert sorted(drain(project.journal)) == ["a", "a", "b", "b", "c", "c"]


def test_repeat_until_pass(tmp):
    """Only the test itself is repeated, on a tree that it has spoiled."""
    project = project_of(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND sh -c "sh spoil.sh ${journal} a && test $(wc -l < ${journal}) -ge 2")
    """,
    )
    project.ctest("--repeat", "until-pass:3")
    assert drain(project.journal) == ["a", "a"]


def test_repeat_after_timeout(tmp):
    project = project_of(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND sh -c "sh spoil.sh ${journal} a && (test $(wc -l < ${journal}) -ge 2 || sleep 60)"
          PROPERTIES TIMEOUT 2)
    """,
    )
    project.ctest("--repeat", "after-timeout:3")
    assert drain(project.journal) == ["a", "a"]


def test_resources(tmp):
    """What a test locks it holds while its command runs, and the command is told of what it is given."""
    log = tmp / "log"
    project = nested.Project(
        tmp,
        f"""
        set(run sh -c "echo +$0 >>{log} && sleep 0.3 && echo -$0 >>{log}")
        foreach(n RANGE 1 3)
          add_snapshot_test(NAME lock${{n}} COMMAND ${{run}} lock${{n}} PROPERTIES RESOURCE_LOCK device)
          add_snapshot_test(NAME free${{n}} COMMAND ${{run}} free${{n}})
          add_snapshot_test(NAME slots${{n}} COMMAND ${{run}} slots${{n}} PROPERTIES PROCESSORS 7)
        endforeach()
        add_snapshot_test(NAME alone COMMAND ${{run}} alone PROPERTIES RUN_SERIAL TRUE)
        add_snapshot_test(NAME group COMMAND sh -c "test $CTEST_RESOURCE_GROUP_COUNT = 2"
          PROPERTIES RESOURCE_GROUPS "2,gpus:1")
    """,
        {"resources.json": '{"version": {"major": 1, "minor": 0}, "local": [{"gpus": [{"id": "a"}, {"id": "b"}]}]}'},
    ).configured()
    project.ctest("-j8", "--resource-spec-file", project.source / "resources.json")
    running, beside = set(), set()
    for line in nested.journal_lines(log):
        if line[0] == "+":
            beside |= {frozenset((line[1:], other)) for other in running}
            running.add(line[1:])
        else:
            running.remove(line[1:])
    assert not running and beside, (running, beside)
    kinds = {tuple(sorted(name.rstrip("123") for name in pair)) for pair in beside}
    assert ("lock", "lock") not in kinds and ("slots", "slots") not in kinds, beside
    assert not any("alone" in pair for pair in beside), beside
    assert project.folders() == set()


def test_ctest_script(tmp):
    """ctest -S: several runs by one ctest, each with a state of its own."""
    project = three(tmp)
    (tmp / "script.cmake").write_text(
        f"""
        set(CTEST_SOURCE_DIRECTORY "{project.source}")
        set(CTEST_BINARY_DIRECTORY "{project.build}")
        set(CTEST_CMAKE_GENERATOR Ninja)
        ctest_start(Experimental)
        foreach(state IN ITEMS one two)
          file(WRITE "{project.source}/input" "${{state}}\n")
          ctest_test(PARALLEL_LEVEL 2 INCLUDE_LABEL nightly RETURN_VALUE code CAPTURE_CMAKE_ERROR error)
          if(code OR error)
            message(FATAL_ERROR "ctest_test: ${{code}} ${{error}}")
          endif()
        endforeach()
    """
    )
    harness.run([nested.ctest_program(), "-V", "-S", tmp / "script.cmake"], cwd=tmp)
    assert sorted(drain(project.journal)) == sorted("abc" * 2) and drain(project.inputs) == ["one"] * 3 + ["two"] * 3
    assert project.folders() == set()


def test_arguments_for_the_tests(tmp):
    """ctest -- ARGUMENT... appends them to every command: a test's own gets them, what serves it does not."""
    if nested.version() < (4, 4):
        return  # ctest has no such thing
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME t COMMAND sh -c "echo given: $*" name)
        add_snapshot_fixture(NAME f KEEP NEVER)
        add_test(NAME user COMMAND echo)
        set_tests_properties(user PROPERTIES FIXTURES_REQUIRED snapshot.f)
        add_uv_lock_check(NAME lint PATHS run.sh)
    """,
        {"run.sh": "#!/bin/sh\n"},
    ).configured()
    done = project.ctest("-V", "--", "--json", "-x", "--", "some thing")
    assert "given: --json -x -- some thing" in done.out and "100% tests passed" in done.out, done
    assert project.folders() == set()


def test_without_setup(tmp):
    project = three(tmp)
    for options in (("-FS", "snapshot"), ("-FA", "snapshot"), ("-E", "setup"), ("-FS", "snapshot", "-j3")):
        project.ctest(*options)
        assert sorted(drain(project.journal)) == ["a", "b", "c"], options
    # Of the present state, not of that of a run before.
    project.inputs.unlink()
    (project.source / "input").write_text("new\n")
    project.ctest("-FS", "snapshot")
    assert drain(project.inputs) == ["new"] * 3
    project.ctest("-FC", "snapshot")
    project.ctest()
    assert sorted(drain(project.journal)) == ["a", "a", "a", "b", "b", "b", "c", "c", "c"]


def test_rerun_failed(tmp):
    project = project_of(
        tmp,
        """
        add_snapshot_test(NAME good COMMAND ${spoil} good)
        add_snapshot_test(NAME bad COMMAND ${spoil} bad ${code} NO_SOURCE_MAPPING)
    """,
    )
    project.code.write_text("3\n")
    for options in ((), ("--rerun-failed",), ("--rerun-failed",)):
        project.ctest(*options, expect=8)
        assert drain(project.journal) == (["bad"] if options else ["good", "bad"])
        assert project.folders() == {"bad"}, "a failed test's tree is kept for a look"
        assert (project.root / "bad" / "new").exists()
    project.inputs.unlink()
    project.code.write_text("0\n")
    (project.source / "input").write_text("new\n")
    project.ctest("--rerun-failed")
    assert drain(project.journal) == ["bad"] and drain(project.inputs) == ["new"]
    assert project.folders() == set()


def test_stop_on_failure(tmp):
    project = project_of(
        tmp,
        """
        add_snapshot_test(NAME bad COMMAND ${spoil} bad ${code})
        add_snapshot_test(NAME good COMMAND ${spoil} good)
    """,
    )
    project.code.write_text("1\n")
    project.ctest("--stop-on-failure", expect=8)
    assert "bad" in project.folders()
    project.code.write_text("0\n")
    drain(project.journal)
    project.ctest()
    assert drain(project.journal) == ["bad", "good"] and project.folders() == set()


def test_keep(tmp):
    def listed(keep):
        return "".join(
            f'add_snapshot_test(NAME {keep}.{name} KEEP {keep} COMMAND sh -c "exit {code}" PROPERTIES {properties})\n'
            for name, code, properties in (
                ("pass", 0, "COST 1"),
                ("fail", 1, "COST 1"),
                ("expected", 1, "WILL_FAIL TRUE"),
                ("unexpected", 0, "WILL_FAIL TRUE"),
                ("skip", 77, "SKIP_RETURN_CODE 77"),
                ("noskip", 76, "SKIP_RETURN_CODE 77"),
            )
        )

    project = nested.Project(tmp, "".join(map(listed, ("NEVER", "ON_FAILURE", "ALWAYS")))).configured()
    outcomes = project.results(expect=8)
    failed = {n for n, o in outcomes.items() if o.status == "failed"}
    names = ("fail", "unexpected", "noskip")
    assert failed == {f"{keep}.{n}" for keep in ("NEVER", "ON_FAILURE", "ALWAYS") for n in names}, failed
    kept = {f"ON_FAILURE.{n}" for n in names} | {f"ALWAYS.{n}" for n in (*names, "pass", "expected", "skip")}
    assert project.folders() == kept, project.folders() ^ kept


def test_own_failures_are_failures(tmp):
    """WILL_FAIL would turn the exit code of a helper that could not do its work into a pass."""
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME folder COMMAND true WORKING_DIRECTORY nowhere PROPERTIES WILL_FAIL TRUE)
        add_snapshot_test(NAME program COMMAND no-such-program PROPERTIES WILL_FAIL TRUE)
    """,
    ).configured()
    outcomes = project.results(expect=8)
    assert outcomes["folder"].status == "failed" and "nowhere" in outcomes["folder"].output, outcomes
    assert outcomes["program"].status == "failed" and "no-such-program" in outcomes["program"].output, outcomes
    if nested.has_pairs():
        assert all(outcomes[f"{name}.snapshot_setup"].status == "passed" for name in ("folder", "program"))


def test_failed_setup(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME t COMMAND false SOURCE_DIR inner PROPERTIES WILL_FAIL TRUE)
    """,
        {"inner/file": "x"},
    ).configured()
    (project.root).write_text("a file in the way of the root")
    outcomes = project.results(expect=8)
    (freeze,) = nested.freezes(outcomes)
    assert outcomes[freeze].status == "failed" and outcomes["t"].status == outcomes[nested.maker("t")].status == "notrun", outcomes
    project.root.unlink()
    project.ctest()


def test_deaths(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME segv COMMAND sh -c "kill -SEGV $$")
        add_snapshot_test(NAME late COMMAND sh -c "sleep 600; true" PROPERTIES TIMEOUT 1)
    """,
    ).configured()
    done = project.ctest("-j2", expect=8, timeout=60)
    # Words of ctest, which it has for these deaths alone.
    assert "***Exception: SegFault" in done.out and "***Timeout" in done.out, done
    assert project.folders() == {"segv", "late"}


def test_from_a_subdirectory_of_the_build_tree(tmp):
    """There ctest knows no freezing test, and each snapshot is of the present state all the same."""
    project = nested.Project(
        tmp,
        "add_subdirectory(sub)\n",
        {"sub/CMakeLists.txt": "add_snapshot_test(NAME t COMMAND cat input)\n", "input": "old\n"},
    )
    project.configured()
    project.build = project.build / "sub"
    for state in ("old", "new"):
        (project.source / "input").write_text(f"{state}\n")
        outcomes = project.results()
        assert len(outcomes) == len(nested.family("t")) and outcomes["t"].output.split() == [state], outcomes


def test_in_a_git_hook(tmp):
    """git tells hooks of its repository and of a temporary index by variables, which mislead other calls of git."""
    project = three(tmp)
    hook = project.source / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\nenv | grep -q ^GIT_INDEX_FILE= && cd {project.build} && exec {nested.ctest_program()}\n")
    hook.chmod(0o755)
    (project.source / "input").write_text("new\n")
    (project.source / "folder" / "other").write_text("staged, and not in this commit\n")
    harness.git(project.source, "add", "folder/other")
    harness.git(project.source, "commit", "-q", "-m", "second", "input")
    assert drain(project.journal) == ["a", "b", "c"] and drain(project.inputs) == ["new"] * 3


if __name__ == "__main__":
    harness.main()
