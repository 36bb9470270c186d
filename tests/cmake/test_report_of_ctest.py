"""The page of a ctest run whose tests ctest judges otherwise, or runs in no snapshot: never greener than ctest."""

import json
import re

import harness
import nested


def run_of(tmp, lists, late=""):
    project = nested.Project(tmp, lists, {"input": "text\n"}).configured("-DSNAPSHOT_FIXTURES_REPORT=night.html")
    with open(project.build / "CTestTestfile.cmake", "a") as file:
        file.write(late)
    project.ctest(expect=8)
    report = json.loads((project.build / "night.json").read_text())
    return report, {test["name"]: test for test in report["tests"]}, (project.build / "night.html").read_text()


def header(page):
    return re.search(r'<header class="(.*?)">\s*<h1>(.*?)</h1>', page).groups()


def test_others_that_failed(tmp):
    report, tests, page = run_of(tmp, """
add_snapshot_test(NAME good COMMAND true)
add_test(NAME plain COMMAND sh -c "echo it is plain; exit 4")
add_test(NAME unbuilt COMMAND unbuilt_NOT_BUILT)
add_test(NAME fine COMMAND true)
add_test(NAME waits COMMAND true)
set_tests_properties(plain PROPERTIES FIXTURES_SETUP f)
set_tests_properties(waits PROPERTIES FIXTURES_REQUIRED f)
add_test(NAME off COMMAND true)
set_tests_properties(off PROPERTIES DISABLED TRUE)
""")
    assert header(page) == ("bad", "The test passed; 3 others failed outside"), header(page)
    assert {test["name"]: test["reason"] for test in report["others"]} == {
        "plain": "", "unbuilt": "Unable to find executable: unbuilt_NOT_BUILT", "waits": "it was not run: plain failed"}, report["others"]
    assert set(tests) == {"good"} and report["disabled"] == ["off"], report
    others = re.search(r'<section id="others">.*?</section>', page, re.DOTALL).group()
    assert "it is plain" in others and "unbuilt_NOT_BUILT" in others and "Disabled: off" in page, others
    assert report["log"].endswith("/LastTest.log"), report["log"]


def test_discovery_that_failed(tmp):
    _, tests, page = run_of(tmp, """
add_snapshot_test(NAME good COMMAND true)
snapshot_discover_tests(NAME unit FRAMEWORK GTEST COMMAND ${CMAKE_CURRENT_BINARY_DIR}/nowhere)
""")
    assert set(tests) == {"good"} and header(page)[0] == "bad" and "unit.NOT_DISCOVERED" in page, page[:4000]


def test_what_ctest_says_counts(tmp):
    """Its outcome, and its regular expression; a finding stays one."""
    report, tests, page = run_of(tmp, """
add_snapshot_test(NAME skips COMMAND sh -c "echo SKIPPED")
add_snapshot_test(NAME fails COMMAND sh -c "echo error")
add_snapshot_test(NAME skips-and-fails COMMAND sh -c "echo SKIPPED; exit 5")
add_snapshot_test(NAME skips-and-writes COMMAND sh -c "echo SKIPPED; echo x >>input" GUARD OFF)
""", late="""  # as a property that the module does not see
set_tests_properties(skips skips-and-fails skips-and-writes PROPERTIES SKIP_REGULAR_EXPRESSION SKIPPED)
set_tests_properties(fails PROPERTIES FAIL_REGULAR_EXPRESSION error)
""")
    outcomes = {name: test["outcome"] for name, test in tests.items()}
    assert outcomes == {"skips": "skipped", "fails": "failed", "skips-and-fails": "skipped", "skips-and-writes": "failed"}, (outcomes, [test["reason"] for test in tests.values()])
    assert "Regex=[SKIPPED" in tests["skips"]["reason"] and "Regex=[error" in tests["fails"]["reason"], tests
    assert re.match("its command ended with exit code 5; for ctest it was skipped: .*SKIPPED", tests["skips-and-fails"]["reason"]), tests
    assert tests["skips-and-writes"]["reason"] == "shared files were changed", tests
    assert report["totals"]["failed"] == 2 and report["totals"]["skipped"] == 2 and header(page)[0] == "bad", report["totals"]


def test_every_reason(tmp):
    """Of a failure with two reasons both, and who is to blame for what others found."""
    lists = """
add_snapshot_test(NAME will-fail COMMAND true PROPERTIES WILL_FAIL TRUE)
add_snapshot_test(NAME innocent COMMAND sh -c "echo my own last line")
add_snapshot_test(NAME hangs COMMAND sh -c "exec sleep 99" PROPERTIES TIMEOUT 2)
add_snapshot_test(NAME unguarded COMMAND sh -c "echo x >>input; echo the end; kill -SEGV $$" GUARD OFF)
add_snapshot_test(NAME writes COMMAND sh -c "echo x >>$SNAPSHOT_SOURCE_DIR/input; true")
set_tests_properties(innocent PROPERTIES DEPENDS unguarded)
"""
    _, tests, page = run_of(tmp, lists)
    assert tests["will-fail"]["reason"] == "its command ended with exit code 0, and WILL_FAIL expects a failure", tests["will-fail"]
    unguarded = tests["unguarded"]
    assert unguarded["reason"] == unguarded["why_kept"] == "shared files were changed, and its command was killed by signal 11", unguarded
    assert unguarded["details"]["findings"][0].endswith("; it ran without the guard"), unguarded
    assert tests["hangs"]["seconds"] > 1, tests["hangs"]
    # The box ends with what the test said; what snapfix said is in the rows.
    box = page[page.index("<pre>the end"):]
    assert box[:box.index("</pre>")] == "<pre>the end", box[:500]
    assert "writes to the source: 1" in page
    assert "ctest counts freezes" in page and "finishing it" in page


def test_a_freeze_that_fails(tmp):
    project = nested.Project(tmp, "add_snapshot_test(NAME t COMMAND true)\n", {"input": "x\n"}).configured("-DSNAPSHOT_FIXTURES_REPORT=night.html")
    (project.source / ".git/index").write_text("broken")
    project.ctest(expect=8)
    report = json.loads((project.build / "night.json").read_text())
    page = (project.build / "night.html").read_text()
    assert report["sources"] == [str(project.source)], report["sources"]
    subtitle = re.search(r'<p class="sub">(.*?)</p>', page).group(1)
    assert str(project.source) in subtitle and re.search(r"\d\d:\d\d", subtitle), subtitle
    assert 'id="cost"' not in page


if __name__ == "__main__":
    harness.main()
