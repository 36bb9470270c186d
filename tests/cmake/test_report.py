"""SNAPSHOT_FIXTURES_REPORT: the page that a ctest run writes at its end, of tests that end in every way."""

import html
import json
import re

import harness
import nested

k_lists = """
add_snapshot_test(NAME good COMMAND sh -c "echo fine; echo x >>input; echo y >new")
add_snapshot_test(NAME bad COMMAND sh -c "echo epoch 1; printf '%s\\\\n' '<b>RuntimeError</b>: out of memory'; echo o >out; exit 3")
add_snapshot_test(NAME skipped COMMAND sh -c "exit 77" PROPERTIES SKIP_RETURN_CODE 77)
add_snapshot_test(NAME late COMMAND sh -c "echo before; exec sleep 99" PROPERTIES TIMEOUT 2)
add_snapshot_test(NAME kept COMMAND true KEEP ALWAYS)
add_snapshot_test(NAME dead COMMAND sh -c "kill -9 $$")
add_snapshot_test(NAME expected COMMAND false PROPERTIES WILL_FAIL TRUE)
add_snapshot_test(NAME says-no COMMAND sh -c "echo error: negative rate" PROPERTIES FAIL_REGULAR_EXPRESSION "error")
add_snapshot_test(NAME says-yes COMMAND sh -c "echo all is well; exit 1" PROPERTIES PASS_REGULAR_EXPRESSION "well")
add_snapshot_test(NAME says-skip COMMAND echo nothing to do PROPERTIES SKIP_REGULAR_EXPRESSION "nothing")
add_snapshot_test(NAME "odd & <name> (x)" COMMAND true)
"""
k_expected = {"good": "passed", "bad": "failed", "skipped": "skipped", "late": "killed", "kept": "passed", "dead": "failed", "expected": "passed",
              "says-no": "failed", "says-yes": "passed", "says-skip": "skipped", "odd & <name> (x)": "passed"}


def project_of(tmp, lists, *options, **more):
    return nested.Project(tmp, lists, {"input": "text\n"}, **more).configured("-DSNAPSHOT_FIXTURES_REPORT=out/night.html", *options)


def report_of(project):
    report = json.loads((project.build / "out/night.json").read_text())
    return report, {test["name"]: test for test in report["tests"]}


def test_every_end(tmp):
    project = project_of(tmp, k_lists)
    project.ctest("-j4", expect=8)
    report, tests = report_of(project)
    assert {name: test["outcome"] for name, test in tests.items()} == k_expected, tests
    totals = report["totals"]
    assert (totals["passed"], totals["failed"], totals["skipped"], totals["unknown"]) == (5, 4, 2, 0), totals
    assert report["ctest"] == str(project.build) and "LastTest" in report["log"], report
    # ctest's log has what they said.
    assert tests["bad"]["output"]["tail"].startswith("epoch 1\n<b>RuntimeError</b>: out of memory"), tests["bad"]
    assert tests["late"]["output"]["tail"] == "before"
    assert "Regex=[error" in tests["says-no"]["reason"], tests["says-no"]
    assert tests["good"]["details"]["private"][0]["path"] == "input" and tests["good"]["details"]["changes"]["added"] == 1
    assert all(test["tree"]["entries"] > 0 for test in tests.values()), tests
    for test in tests.values():
        times = test["times"]
        assert 0 < times["asked"] and 0 < times["taking"] <= times["taken"] <= times["began"], test
    # Within the first lines of the page: what failed, why, what it said last.
    page = (project.build / "out/night.html").read_text()
    first = re.search(r'<section id="failed">.*?</section>', page, re.DOTALL).group()
    for words in ("bad", "its command ended with exit code 3", "<b>RuntimeError</b>: out of memory", "late", "as ctest does at a TIMEOUT", "error: negative rate"):
        assert html.escape(words) in first, (words, first)
    assert "snapfix: " not in first, first
    # The commands do what they say.
    again = harness.run(["sh", "-c", tests["bad"]["commands"]["enter"]], stdin="ls\n").out
    assert "out\n" in again, again
    # By hand, later: the same, as long as ctest's log is that run's.
    by_hand = harness.snapfix("report", "--root", project.root, "--json").json()
    assert {t["name"]: (t["outcome"], t["output"]) for t in by_hand["tests"]} == {t["name"]: (t["outcome"], t["output"]) for t in report["tests"]}


def test_the_reason_is_at_the_top(tmp):
    """Of each failure, in plain words, with a link to its output; before anything else is told."""
    (tmp / "gone").mkdir()
    (tmp / "gone/a").touch()
    project = project_of(tmp, """
foreach(i RANGE 1 12)
  add_snapshot_test(NAME good${i} COMMAND sh -c "echo x >>input")
endforeach()
add_snapshot_test(NAME dies COMMAND sh -c "echo about to die; kill -SEGV $$")
add_snapshot_test(NAME hangs COMMAND sh -c "echo epoch 1; exec sleep 99" PROPERTIES TIMEOUT 2)
add_snapshot_test(NAME gone COMMAND true SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/../gone FILES ALL GIT OFF)
add_snapshot_test(NAME nowhere COMMAND true LAUNCHER no-such-srun -N1)
add_snapshot_test(NAME refused COMMAND true LAUNCHER sh -c "echo 'srun: error: invalid partition specified: gpu' >&2; exit 1" sh)
add_snapshot_test(NAME hangs-elsewhere COMMAND sh -c "echo epoch 2; exec sleep 99" LAUNCHER env PROPERTIES TIMEOUT 2)
add_snapshot_test(NAME writes COMMAND sh -c "echo x >>shared" GUARD OFF)
""")
    (project.source / "shared").write_text("s\n")
    harness.git(project.source, "add", "shared")
    harness.remove_tree(tmp / "gone")

    def top():
        failed = re.search(r'<section id="failed">.*?</section>', (project.build / "out/night.html").read_text(), re.DOTALL).group()
        return [re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", item))).strip() for item in re.findall("<li>.*?</li>", failed, re.DOTALL)]

    project.ctest("-j4", "-E", "^writes", expect=8)
    report, tests = report_of(project)
    items = top()
    for words in (
        f"the source could not be frozen: tests that wait for it did not run cannot find the source '{tmp}/gone': No such file or directory",
        "gone it was not run: its source could not be frozen",
        "dies its command was killed by signal 11 about to die",
        "hangs its run has no recorded end: it was killed, as ctest does at a TIMEOUT epoch 1",
        "hangs-elsewhere its run has no recorded end: it was killed, as ctest does at a TIMEOUT epoch 2",
        "nowhere cannot start the job by the launcher 'no-such-srun': No such file or directory",
        "refused the job did not begin: the launcher, 'sh', ended with exit code 1 srun: error: invalid partition specified: gpu",
    ):
        assert any(words in item for item in items), (words, items)
    assert len(items) == 7 and report["totals"]["failed"] == 7 and len(tests) == 19, items
    # What it took is what it took.
    assert report["totals"]["seconds"]["taken"] < report["ended"] - report["began"] + 100, report["totals"]
    project.ctest("-R", "^writes$", expect=8)
    (item,) = top()
    judged = "; for ctest it passed" if nested.has_pairs() else ""  # its cleanup found it
    assert f"writes shared files were changed{judged} 'shared' was changed through a link (size, mtime); it is shared by" in item and item.endswith("; it ran without the guard"), item


def test_nights_in_a_row(tmp):
    project = project_of(tmp, 'add_snapshot_test(NAME t COMMAND sh -c "test -e $ENV{HOME}/x; true")\nadd_snapshot_test(NAME u COMMAND true)\n')
    for _ in range(3):
        project.ctest()
    _, tests = report_of(project)
    assert [len(test["past"]) for test in tests.values()] == [2, 2] and not any(test["tries"] for test in tests.values()), tests
    # Of a run of one test the page shows that one.
    project.ctest("-R", "^t$")
    assert set(report_of(project)[1]) == {"t"}


def test_further_attempts(tmp):
    project = project_of(tmp, f'add_snapshot_test(NAME t COMMAND sh -c "echo x >>{tmp}/count; test $(wc -l <{tmp}/count) -ge 3")\n')
    project.ctest("--repeat", "until-pass:5")
    report, tests = report_of(project)
    # With a cleanup of its own only the last attempt is finished.
    tries = [] if nested.has_pairs() else ["failed", "failed"]
    assert tests["t"]["outcome"] == "passed" and [run["outcome"] for run in tests["t"]["tries"]] == tries, tests
    assert report["totals"]["failed"] == 0


def test_a_finding(tmp):
    project = project_of(tmp, 'add_snapshot_test(NAME t COMMAND sh -c "echo x >>input; exit 5" GUARD OFF)\n')
    project.ctest(expect=8)
    _, tests = report_of(project)
    assert set(tests) == {"t"} and tests["t"]["outcome"] == "failed" and "'input' was changed through a link" in tests["t"]["details"]["findings"][0], tests
    assert "shared files were changed, and its command ended with exit code 5" in (project.build / "out/night.html").read_text()


def test_the_command_of_an_odd_name(tmp):
    project = project_of(tmp, 'add_snapshot_test(NAME "a+b (c) [d] $e.f" COMMAND echo it ran)\nadd_snapshot_test(NAME "axb" COMMAND true)\n')
    project.ctest()
    again = report_of(project)[1]["a+b (c) [d] $e.f"]["commands"]["ctest"]
    ran = harness.run(["sh", "-c", again + " -V"]).out
    assert "it ran" in ran and "axb" not in ran, (again, ran)


def test_a_freeze_that_fails(tmp):
    """No test ran: the page says so, and why."""
    project = project_of(tmp, "add_snapshot_test(NAME t COMMAND true)\n")
    (project.source / ".git/index").write_text("broken")
    project.ctest(expect=8)
    report, tests = report_of(project)
    assert len(tests) == 2 and "could not be frozen" in report["tests"][0]["reason"], tests
    assert tests["t"]["outcome"] == "failed" and tests["t"]["reason"] == "it was not run: its source could not be frozen", tests
    assert "index" in report["tests"][0]["output"]["tail"], tests
    page = (project.build / "out/night.html").read_text()
    assert "<h1>No test ran: the source could not be frozen</h1>" in page
    failed = re.search(r'<section id="failed">.*?</section>', page, re.DOTALL).group()
    assert "index" in failed and "snapfix: " not in failed, failed


def test_tests_of_a_fixture(tmp):
    """ctest runs them itself: its log has their ends, the page also the snapshot that they shared."""
    (tmp / "real").mkdir()
    (tmp / "link").symlink_to("real")  # as where a home is one
    project = project_of(tmp / "link", """
add_snapshot_fixture(NAME tools DIR_VAR dir)
add_test(NAME fine COMMAND sh -c "echo x >made" WORKING_DIRECTORY ${dir})
add_test(NAME wrong COMMAND sh -c "cat ${dir}/made; echo it is wrong; exit 4")
add_test(NAME matched COMMAND echo so it is WORKING_DIRECTORY ${dir})
set_tests_properties(wrong matched PROPERTIES DEPENDS fine)
set_tests_properties(matched PROPERTIES FAIL_REGULAR_EXPRESSION "so it")
set_tests_properties(fine wrong matched PROPERTIES FIXTURES_REQUIRED snapshot.tools)
add_test(NAME other COMMAND false)
""")
    registered = project.tests()
    (end,) = nested.finishes(registered)
    assert "tools.snapshot_cleanup" in registered[end].depends, "the run ends behind all that it is to tell"
    project.ctest(expect=8)
    report, tests = report_of(project)
    assert report["totals"]["run_seconds"] == sum(test["seconds"] for test in tests.values()), report
    assert {name: (test["outcome"], test["fixture"]) for name, test in tests.items()} == {
        "fine": ("passed", "tools"), "wrong": ("failed", "tools"), "matched": ("failed", "tools")}, tests
    assert tests["wrong"]["output"]["tail"] == "x\nit is wrong" and "so it" in tests["matched"]["reason"], tests
    assert report["totals"]["kept"] == 1 and report["totals"]["failed"] == 2, report
    assert "made" in harness.run(["sh", "-c", tests["wrong"]["commands"]["enter"]], stdin="ls\n").out
    page = (project.build / "out/night.html").read_text()
    assert "2 of 3 tests failed" in page and "in the snapshot of <bdi>tools</bdi>" in page and "it is wrong" in page
    # By hand, later.
    by_hand = harness.snapfix("report", "--root", project.root, "--json").json()
    assert {t["name"]: t["outcome"] for t in by_hand["tests"]} == {t["name"]: t["outcome"] for t in report["tests"]}


def test_several_configurations(tmp):
    project = nested.Project(tmp, 'add_snapshot_test(NAME t COMMAND sh -c "echo said; exit 1")\n').configured(
        "-DSNAPSHOT_FIXTURES_REPORT=out/night.html", generator="Ninja Multi-Config")
    project.ctest("-C", "Debug", expect=8)
    test = report_of(project)[1]["t@Debug"]
    assert test["outcome"] == "failed" and test["output"]["tail"].startswith("said"), test
    assert "said" in harness.run(["sh", "-c", test["commands"]["ctest"]], expect=8).out


def test_without_it(tmp):
    project = nested.Project(tmp, "add_snapshot_test(NAME t COMMAND true)\n").configured()
    project.ctest()
    assert not list(project.build.rglob("*.html")) and "--report" not in project.tests()[nested.finishes(project.tests())[0]].command


if __name__ == "__main__":
    harness.main()
