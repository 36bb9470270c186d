"""A test must not reach the source: by paths that a build put into programs, or by its own; and what is told when it,
or somebody else, has changed the source all the same."""

import os

import harness
import nested
from harness import git

k_program = r"""
#include <fstream>
#include <iostream>
#include <string>
int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const std::string path = what == "data" ? DATA_DIR "/out.txt" : what == "file" ? __FILE__ : BUILD_DIR "/log";
  std::ofstream out(path, std::ios::app);
  out << "// written\n";
  out.close();
  std::cout << (out ? "wrote " : "could not write ") << path << "\n";
  return out ? 0 : 3;
}
"""


def finish(outcomes):
    (name,) = nested.finishes(outcomes)
    return outcomes[name]


def compiled(tmp, arguments=""):
    project = nested.Project(tmp, f"""
        add_executable(program program.cpp)
        target_compile_definitions(program PRIVATE DATA_DIR="${{CMAKE_CURRENT_SOURCE_DIR}}/data" BUILD_DIR="${{CMAKE_BINARY_DIR}}")
        foreach(what IN ITEMS data file build)
          add_snapshot_test(NAME ${{what}} COMMAND program ${{what}} {arguments})
        endforeach()
        add_snapshot_test(NAME shell COMMAND sh -c "echo x >>$SNAPSHOT_SOURCE_DIR/data/in.txt" {arguments})
    """, {"program.cpp": k_program, "data/in.txt": "in\n", "data/out.txt": "out\n", ".gitignore": "data/ignored\n"}, languages="CXX").configured()
    project.make()
    return project


def test_paths_that_are_compiled_in(tmp):
    harness.require("c++")
    project = compiled(tmp)
    before = harness.tree_state(project.source)
    outcomes = project.results("-j2", expect=8)
    assert harness.tree_state(project.source) == before
    assert git(project.source, "status", "--porcelain").out == ""
    assert {name for name, outcome in outcomes.items() if outcome.status == "failed"} == {"data", "file", "shell"}, outcomes
    assert outcomes["build"].status == "passed", "a build tree is no part of the source"
    for name, path, program in (("data", "data/out.txt", "program"), ("file", "program.cpp", "program"), ("shell", "data/in.txt", "sh")):
        said = outcomes[name].output
        assert "kept from writing (EROFS)" in said and f"'{path}'" in said and program in said and "SOURCE_WRITES ALLOW" in said, said
        assert not nested.has_pairs() or outcomes[f"{name}.snapshot_cleanup"].status == "passed", outcomes
    assert finish(outcomes).status == "passed", outcomes


def test_report(tmp):
    harness.require("c++")
    project = compiled(tmp, "SOURCE_WRITES REPORT")
    outcomes = project.results(expect=8)
    failed = {name for name, outcome in outcomes.items() if outcome.status == "failed"}
    assert failed == {nested.finisher(name) for name in ("data", "file", "shell")}, outcomes
    said = outcomes[nested.finisher("data")].output
    assert "the command wrote to its source: 'data/out.txt'" in said and "program" in said, said
    assert ("run the test itself: 'ctest --rerun-failed' runs this cleanup alone" in said) == nested.has_pairs(), said
    assert "data" in project.folders(), "a finding keeps the snapshot"
    told = finish(outcomes)
    assert told.status == "notrun", outcomes
    for path in ("data/in.txt", "data/out.txt", "program.cpp"):
        assert f"'{path}' (changed)" in told.output, told


def test_report_however_the_test_is_judged(tmp):
    """A finding is a failure also where ctest takes any exit code, or what was printed, for a pass or a skip."""
    project = nested.Project(tmp, """
        function(add name code)
          add_snapshot_test(NAME ${name} SOURCE_WRITES REPORT COMMAND sh -c "echo said; echo x >>$SNAPSHOT_SOURCE_DIR/x; exit ${code}"
            PROPERTIES ${ARGN})
        endfunction()
        add(inverted 1 WILL_FAIL TRUE)
        add(skipped 77 SKIP_RETURN_CODE 77)
        add(matches 1 PASS_REGULAR_EXPRESSION said)
        add(skips 1 SKIP_REGULAR_EXPRESSION said)
    """, {"x": "x\n"}).configured()
    names = ("inverted", "skipped", "matches", "skips")
    outcomes = project.results(expect=8)
    assert {name for name, outcome in outcomes.items() if outcome.status == "failed"} == {nested.finisher(name) for name in names}, outcomes
    assert project.folders() == set(names), "a finding keeps the snapshot"


def test_allow(tmp):
    harness.require("c++")
    project = compiled(tmp).configured("-DSNAPSHOT_FIXTURES_SOURCE_WRITES=ALLOW")
    outcomes = project.results()
    assert git(project.source, "status", "--porcelain").out.split() == ["M", "data/in.txt", "M", "data/out.txt", "M", "program.cpp"]
    assert "source" not in outcomes["shell"].output and finish(outcomes).status == "notrun", outcomes


def test_keyword(tmp):
    project = nested.Project(tmp, """
        add_snapshot_test(NAME a COMMAND true)
        add_snapshot_test(NAME b COMMAND true SOURCE_WRITES REPORT)
        add_snapshot_test(NAME c COMMAND true SOURCE_WRITES ALLOW)
        add_snapshot_test(NAME d COMMAND true SOURCE_WRITES DENY)
    """).configured("-DSNAPSHOT_FIXTURES_SOURCE_WRITES=REPORT")
    tests = project.tests()
    assert {name: tests[name].option("--source-writes") for name in "abcd"} == {"a": "report", "b": "report", "c": "allow", "d": "deny"}
    for lists, value, text in (("add_snapshot_test(NAME a COMMAND true SOURCE_WRITES NO)", "DENY", "SOURCE_WRITES 'NO' is not known"),
                               ("add_snapshot_test(NAME a COMMAND true)", "OFF", "SNAPSHOT_FIXTURES_SOURCE_WRITES 'OFF' is not known")):
        project.rewrite(lists)
        assert text in nested.plain_text(project.configure(f"-DSNAPSHOT_FIXTURES_SOURCE_WRITES={value}", expect=1))


def test_end_of_run(tmp):
    """Nothing is told of what is no part of the source."""
    project = nested.Project(tmp, """
        add_snapshot_test(NAME a COMMAND sh -c "echo $0 >${CMAKE_BINARY_DIR}/made; cd ${CMAKE_SOURCE_DIR}; eval $DO" NO_SOURCE_MAPPING)
        add_snapshot_test(NAME b COMMAND true FILES UNTRACKED)
    """, {"x": "x\n", ".gitignore": "ignored\n"}).configured()
    assert finish(project.results()).status == "passed"
    assert finish(project.results(env={"DO": "mkdir ignored"})).status == "passed"
    told = finish(project.results(env={"DO": "sed -i s/x/y/ x"}))
    assert told.status == "notrun" and "'x' (changed)" in told.output, told
    assert finish(project.results()).status == "passed", "the next run has another state"
    told = finish(project.results(env={"DO": "mv x y; git add -N y"}))
    assert "'x' (gone)" in told.output and "'y' (new)" in told.output, told
    # ctest does not fail for it, and its summary shows it.
    git(project.source, "reset", "-q")
    (project.source / "y").rename(project.source / "x")
    done = project.ctest(env={"DO": "rm x"})
    assert "snapshots.finish." in done.out[done.out.index("did not run"):] and "(Skipped)" in done.out, done


def test_who_brings_it_along(tmp):
    project = nested.Project(tmp, """
        add_snapshot_test(NAME a COMMAND true LABELS nightly)
        add_snapshot_test(NAME b COMMAND true LABELS slow FILES ALL SOURCE_DIR other)
        set_tests_properties(b PROPERTIES LABELS "nightly;big")
        add_test(NAME plain COMMAND true)
        set(SNAPSHOT_FIXTURES_ROOT ${CMAKE_BINARY_DIR}/elsewhere)
        add_snapshot_test(NAME c COMMAND true CONFIGURATIONS Release)
        add_snapshot_test(NAME d COMMAND true CONFIGURATIONS Debug LABELS off)
        set_tests_properties(d PROPERTIES DISABLED TRUE)
    """, {"x": "x\n", "other/f": "f\n"}).configured()

    def finishes(*options):
        return nested.finishes(project.tests(*options))

    assert len(finishes()) == 1 and len(finishes("-C", "Release")) == len(finishes("-C", "Debug")) == 2
    assert finishes("-R", "^plain$") == [] and finishes("-LE", "nightly") == []
    assert len(finishes("-R", "^a$")) == len(finishes("-L", "big")) == 1
    shown = project.tests("-R", "^a$")
    (name,) = finishes("-R", "^a$")
    assert shown[name].labels == ["nightly"] and shown[name].skip_return_code == 3, shown[name].properties
    assert "--ctest" in shown[name].command, "or it would stay under valgrind"
    assert sorted(shown[name].fixtures_cleanup) == sorted(nested.freezes(project.tests()))
    outcomes = project.results("-R", "^a$")
    assert outcomes[name].status == "passed" and list(outcomes)[-1] != "a", outcomes


def test_environments_in_the_source(tmp):
    project = nested.Project(tmp, "foreach(i RANGE 1 5)\nadd_snapshot_test(NAME t${i} COMMAND true)\nendforeach()",
                             {"tools/run": "#!/bin/sh\n", ".gitignore": ".venv\nbin\n"}).configured()
    for folder in (".venv/bin", "bin"):
        (project.source / folder).mkdir(parents=True)
    path = os.environ["PATH"]

    def told(**env):
        outcomes = project.results(env=env)
        return [(name.split(".")[1] if "." in name else name, outcome.output) for name, outcome in outcomes.items()
                if "in the source and not in the snapshots" in outcome.output]

    (name, said), = told(VIRTUAL_ENV=project.source / ".venv")
    assert name == "freeze" and f"VIRTUAL_ENV names '{project.source}/.venv'" in said, said
    (name, said), = told(PATH=f"/nothing:{project.source}/tools:{project.source}/bin:{path}")
    assert name == "freeze" and f"PATH names '{project.source}/bin'" in said, said
    assert told(VIRTUAL_ENV=tmp / "elsewhere", PATH=f"{project.source}/tools:{project.build}:{project.source}/none:{path}") == []


if __name__ == "__main__":
    harness.main()
