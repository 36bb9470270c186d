"""What helps those who take it up: presets, resources, warnings of what cannot be meant."""

import json
import os
import pathlib
import re

import harness
import nested

GUIDE = (pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "docs" / "guide.md").read_text()


def example(heading, language):
    """The first block of that language below a heading of the guide."""
    return re.search(rf"^## {heading}$.*?^```{language}$\n(.*?)^```$", GUIDE, re.M | re.S).group(1)


def test_presets_of_the_guide(tmp):
    made = nested.Project(
        tmp,
        "add_snapshot_test(NAME a COMMAND echo words LABELS nightly)\nadd_snapshot_test(NAME b COMMAND sh -c \"echo why; exit 1\" LABELS nightly)\n"
        "add_test(NAME unlabelled COMMAND true)\n",
        {"CMakePresets.json": example("Presets", "json")},
    )
    made.build = made.source / "build"
    options = [f"-DSNAPSHOT_FIXTURES_HELPER={harness.snapfix_path()}"]
    harness.run([nested.cmake(), "--preset", "default", *options], cwd=made.source)
    done = harness.run([nested.ctest_program(), "--preset", "nightly"], cwd=made.source, expect=8)
    assert "unlabelled" not in done.out and "why" in done.out and "words" not in done.out and "4 tests" in done.out.replace("out of 4", "4 tests"), done


def test_resources(tmp):
    """RESOURCE_GROUPS: ctest gives each test its share, and the command finds it in its environment."""
    lists = "".join(
        f"add_snapshot_test(NAME {name} COMMAND sh -c \"echo got $CTEST_RESOURCE_GROUP_0_GPUS\" PROPERTIES RESOURCE_GROUPS gpus:1)\n" for name in "ab"
    )
    made = nested.Project(tmp, lists).configured()
    (made.build / "spec.json").write_text(example("Resources", "json"))
    outcomes = made.results("-j2", "--resource-spec-file", made.build / "spec.json")
    for name in "ab":
        assert re.search(r"got id:[01],slots:1", outcomes[name].output), outcomes[name]
    assert len(json.loads(example("Resources", "json"))["local"][0]["gpus"]) == 2


def test_scripts_that_are_not_there(tmp):
    """A warning names what git does not track and the command cannot do without, with the remedy; and nothing else."""
    made = nested.Project(tmp, "", {".gitignore": "ignored*\nvenv/\n", "tracked.sh": "", "sub/there.sh": "", "data": ""})
    harness.write_files(made.source, {"new.sh": "", "ignored.sh": "", "sub/new too.sh": "", "venv/bin/python": "", "ünew.sh": "", "data.new": ""})
    (made.source / "venv/bin/python").chmod(0o755)
    for words, warned in (
        ("bash new.sh", "'new.sh'.*git add it, or write INCLUDE 'new.sh'"),
        ("${CMAKE_SOURCE_DIR}/new.sh", "'new.sh'"),
        ("./new.sh", "'new.sh'"),
        ("bash -x -e ignored.sh", "'ignored.sh'.*write INCLUDE 'ignored.sh', or take it out of .gitignore"),
        ("bash \"new too.sh\" WORKING_DIRECTORY sub", "'sub/new too.sh'"),
        ("bash ünew.sh", "'ünew.sh'"),
        ("bash ignored.sh FILES UNTRACKED", "'ignored.sh'"),
        ("bash new.sh FILES UNTRACKED", None),
        ("bash new.sh FILES ALL", None),
        ("bash new.sh INCLUDE *.sh", None),
        ("bash tracked.sh", None),
        ("bash there.sh WORKING_DIRECTORY sub", None),
        ("bash tracked.sh data.new", None),  # what comes later it may be about to write
        ("venv/bin/python tracked.sh", None),  # the source's own is meant
        ("bash nowhere.sh", None),
        ("bash /bin/true", None),
        ("bash -c new.sh.made", None),
        ("new.sh", None),  # from PATH
    ):
        made.rewrite(f"add_snapshot_test(NAME t COMMAND {words})\n")
        said = nested.plain_text(made.configure())
        assert ("Warning" in said) == bool(warned) and re.search(warned or "", said), (words, said)
        assert not warned or "add_snapshot_test(NAME t)" in said, said
    # Twenty tests of one script get one warning; a source that is no git work tree none.
    made.rewrite("foreach(n RANGE 19)\nadd_snapshot_test(NAME t${n} COMMAND bash new.sh ${n})\nendforeach()\n")
    assert made.configure().err.count("Warning") == 1
    harness.remove_tree(made.source / ".git")
    assert made.configure().err == ""


def test_scripts_that_no_test_runs(tmp):
    made = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME a COMMAND bash tests/a.sh)
        add_snapshot_test(NAME b COMMAND bash ${CMAKE_SOURCE_DIR}/tests/b.sh x)
        add_snapshot_test(NAME c COMMAND sh -c "true; bash ./c.sh" WORKING_DIRECTORY tests)
        add_test(NAME d COMMAND bash "${CMAKE_SOURCE_DIR}/tests/d e.sh")
        add_test(NAME f COMMAND bash more/g.sh.in xg.sh)
        add_subdirectory(sub)
        snapshot_fixtures_check_registered(PATHS tests/*.sh more/*.sh LABELS lint)
        """,
        {**{f"tests/{name}.sh": "" for name in ("a", "b", "c", "d e", "[x]")}, "more/g.sh": "", "sub/CMakeLists.txt": "add_test(NAME x COMMAND sh tests/[x].sh)"},
    ).configured()
    done = made.results("-L", "lint", expect=8)["scripts.registered"]
    assert done.status == "failed" and "No test runs:" in done.output, done
    named = re.findall(r"^ *(/.*\.sh)$", done.output, re.M)
    assert named == [str(made.source / "more" / "g.sh")], done
    harness.write_files(made.source, {"more/CMakeLists.txt": "add_test(NAME g COMMAND sh ./g.sh)"})
    made.rewrite((made.source / "CMakeLists.txt").read_text().split("\n", 4)[4] + "\nadd_subdirectory(more)\n")
    made.configure()
    assert made.results("-L", "lint")["scripts.registered"].status == "passed"
    made.rewrite("snapshot_fixtures_check_registered(PATHS nowhere/*.sh)\n")
    made.configure()
    assert "No file is matched by" in made.results("-R", "registered", expect=8)["scripts.registered"].output
    made.rewrite("snapshot_fixtures_check_registered()\n")
    assert "there are no PATHS" in nested.plain_text(made.configure(expect=1))


if __name__ == "__main__":
    harness.main()
