"""What `snapfix report` takes from ctest's log: which words are of which run."""

import os
import time

import harness
from project import Project
from report import by_name, history, k_files, night

k_line = "-" * 58


class Log:
    """A night of the tests t and the like, and the log that ctest would have left of it."""

    def __init__(self, tmp, tests):
        self.p = Project(tmp, k_files)
        self.tests = tests
        build = tmp / "build"
        self.place = build / "Testing/Temporary/LastTest.log"
        self.place.parent.mkdir(parents=True)
        night(self.p, tests, cwd=build)
        self.clear()

    def clear(self):
        self.text = f"Start testing: Jan 01 00:00 UTC\n{k_line}\n"

    def add(self, name, output, verdict, snapshot=None, zone=None):
        """An entry of a test, which began with the last run of its snapshot."""
        snapshot = snapshot or name
        then = history(self.p, snapshot)[0]["times"]["asked"]
        start = time.strftime("%b %d %H:%M UTC", time.gmtime(then)) if zone is None else zone(then)
        command = f'"snapfix" "run" "{snapshot}" "--source" "{self.p.source}" "--root" "{self.p.root}" "--ctest" "--" "sh" "--name=u"'
        number = [test[0] for test in self.tests].index(snapshot) + 1
        header = f"{number}/{len(self.tests)}"
        self.text += (f'{header} Testing: {name}\n{header} Test: {name}\nCommand: {command}\nDirectory: /\n"{name}" start time: {start}\n'
                      f"Output:\n{k_line}\n{output}\n<end of output>\nTest time =   0.10 sec\n{k_line}\n{verdict}\n"
                      f'"{name}" end time: {start}\n"{name}" time elapsed: 00:00:00\n{k_line}\n\n')

    def report(self, **more):
        self.place.write_text(self.text)
        return self.p("report", "--json", **more).json()

    def tests_of(self, **more):
        return {name: (test["outcome"], test["output"]["tail"]) for name, test in by_name(self.report(**more)).items()}


k_by_output = ("--verdict", "by-output")
k_matched = "Test Pass Reason:\nRequired regular expression found. Regex=[x]"
k_not_matched = "Test Fail Reason:\nRequired regular expression not found. Regex=[x]"


def test_the_last_attempt_counts(tmp):
    log = Log(tmp, [("t", "true", *k_by_output), ("t", "true", *k_by_output), ("u", "true")])
    log.tests.pop(0)
    log.add("t", "first", k_matched)
    log.add("t", "second", k_not_matched)
    test = by_name(log.report())["t"]
    assert test["outcome"] == "failed" and test["output"]["tail"] == "second" and "not found" in test["reason"], test
    assert [run["outcome"] for run in test["tries"]] == ["passed"], test
    log.clear()
    log.add("t", "first", k_not_matched)
    log.add("t", "second", k_matched)
    test = by_name(log.report())["t"]
    assert test["outcome"] == "passed" and [run["outcome"] for run in test["tries"]] == ["failed"], test


def test_names_that_look_like_a_configuration(tmp):
    log = Log(tmp, [(name, "true", *k_by_output) for name in ("t", "t@u", "t@Debug", "t@u@Debug", "n")])
    expected = {}
    for name in ("t@u", "t", "n"):
        verdict = k_matched if name == "t" else k_not_matched
        log.add(name, f"of {name}", verdict)
        expected[name] = ("passed" if name == "t" else "failed", f"of {name}")
    log.text = log.text.replace('"run" "n" "--source"', '"run" "--ctest" "--name=n" "--source"')  # as of what was discovered
    # With several configurations the snapshot's name has that, the test's has not.
    log.add("t@u", "of Debug", k_not_matched, snapshot="t@u@Debug")
    log.add("t", "of t in Debug", k_matched, snapshot="t@Debug")
    expected |= {"t@u@Debug": ("failed", "of Debug"), "t@Debug": ("passed", "of t in Debug")}
    tests = log.tests_of()
    assert tests == expected, tests
    commands = {name: test["commands"]["ctest"] for name, test in by_name(log.report()).items()}
    assert "-C Debug" in commands["t@u@Debug"] and "-C" not in commands["t@u"], commands


def test_an_output_that_is_a_log(tmp):
    log = Log(tmp, [("t", "true", *k_by_output), ("u", "true", *k_by_output)])
    log.add("u", "forged", k_matched)
    forged = log.text
    for output in (forged, f"<end of output>\n{forged}", "<end of output>\n2/2 Testing: u\n2/2 Test: u\nTest Passed."):
        log.clear()
        log.add("t", output, k_not_matched)
        log.add("u", "said", k_not_matched)
        tests = log.tests_of()
        assert tests["t"][0] == "failed" and tests["u"] == ("failed", "said"), tests


def test_a_log_of_another_time_zone(tmp):
    log = Log(tmp, [("t", "true", *k_by_output), ("u", "true")])
    log.add("t", "said", k_not_matched)
    log.add("u", "more", "Test Passed.")
    expected = {"t": ("failed", "said"), "u": ("passed", "more")}
    for zone in ("UTC", "XST-5:30", "XST+9", "XST-14"):
        assert log.tests_of(env={"TZ": zone}) == expected, zone
    # A log of another run is none of this night's, and that is said.
    log.clear()
    log.add("t", "old", k_not_matched, zone=lambda then: time.strftime("%b %d %H:%M UTC", time.gmtime(then - 86400)))
    report = log.report(env={"TZ": "UTC"})
    assert by_name(report)["t"]["output"]["tail"] == "" and report["log"] == "", report
    assert "is of another run" in report["warnings"][0] and str(log.place) in report["warnings"][0], report["warnings"]


def test_a_log_that_is_too_large(tmp):
    log = Log(tmp, [("t", "true", *k_by_output)])
    log.add("t", "said", k_not_matched)
    assert log.report()["warnings"] == []
    os.truncate(log.place, 300 << 20)
    done = log.p("report", "--json")
    assert "is too large" in done.json()["warnings"][0] and f"warning: ctest's log '{log.place}' is too large" in done.err, done


if __name__ == "__main__":
    harness.main()
