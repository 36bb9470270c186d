"""Small CMake projects that use the module, for the tests in this folder.

SNAPFIX_TEST_CMAKE selects the CMake: default, oldest, newest. SNAPFIX_TEST_SETUP is the projects' SNAPSHOT_FIXTURES_SETUP:
TEST, the default, or FIXTURE, where a test has two more that make and finish its snapshot.
"""

import os
import pathlib
import re
import xml.etree.ElementTree

import harness

MODULE = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "cmake" / "SnapshotFixtures.cmake"


def has_pairs():
    return os.environ.get("SNAPFIX_TEST_SETUP", "TEST") == "FIXTURE"


def maker(name):
    """The test that makes a test's snapshot."""
    return f"{name}.snapshot_setup" if has_pairs() else name


def finisher(name):
    """The test that verifies it, and keeps it or not."""
    return f"{name}.snapshot_cleanup" if has_pairs() else name


def family(*names):
    """Tests with those that serve each of them alone."""
    return {test for name in names for test in (maker(name), name, finisher(name))}


def cmake():
    return harness.cmake_program(os.environ.get("SNAPFIX_TEST_CMAKE", "default"))


def ctest_program():
    return pathlib.Path(cmake()).parent / "ctest"


def quote(word):
    """A word as a quoted argument of CMake."""
    for special in '\\"$':
        word = word.replace(special, "\\" + special)
    return f'"{word}"'


def version():
    """Of the CMake in use, as numbers."""
    return tuple(map(int, re.search(r"\d+(\.\d+)+", harness.run([cmake(), "--version"]).out).group().split(".")))


class Project:
    """A project in <tmp>/source, built in <tmp>/build.

    lists: the text of CMakeLists.txt behind project() and the include of the module.
    """

    def __init__(self, tmp, lists, files=None, *, languages="NONE", minimum="3.20", git=True, include=True):
        self.tmp = tmp
        self.source = tmp / "source"
        self.build = tmp / "build"
        self.root = self.build / ".snapshots"
        self._head = (
            f"cmake_minimum_required(VERSION {minimum})\nproject(nested LANGUAGES {languages})\nenable_testing()\n"
            + (f"include([==[{MODULE}]==])\n" if include else "")
        )
        contents = {"CMakeLists.txt": self._head + lists, **(files or {})}
        if git:
            harness.make_repo(self.source, contents)
        else:
            harness.write_files(self.source, contents)

    def rewrite(self, lists):
        (self.source / "CMakeLists.txt").write_text(self._head + lists)

    def configure(self, *options, expect=0, generator="Ninja"):
        return harness.run(
            [
                cmake(),
                "-G",
                generator,
                "-S",
                self.source,
                "-B",
                self.build,
                f"-DSNAPSHOT_FIXTURES_HELPER={harness.snapfix_path()}",
                f"-DSNAPSHOT_FIXTURES_SETUP={'FIXTURE' if has_pairs() else 'TEST'}",
                *options,
            ],
            expect=expect,
        )

    def configured(self, *options, **more):
        self.configure(*options, **more)
        return self

    def make(self, *options):
        return harness.run([cmake(), "--build", self.build, *options], timeout=1400)

    def tests(self, *options):
        """What --show-only tells of each selected test: {name: Shown}."""
        shown = harness.run([ctest_program(), "--show-only=json-v1", *options], cwd=self.build).json()["tests"]
        found = {test["name"]: Shown(test) for test in shown}
        assert len(found) == len(shown), shown
        return found

    def ctest(self, *options, expect=0, **more):
        return harness.run([ctest_program(), "--output-on-failure", *options], cwd=self.build, expect=expect, **more)

    def start_ctest(self, *options, **more):
        return harness.start([ctest_program(), "--output-on-failure", *options], cwd=self.build, **more)

    def results(self, *options, expect=0, **more):
        """Runs tests; what became of each: {name: Outcome}."""
        # Its presence silences a warning; -T Test is what writes results as data in every version.
        (self.build / "DartConfiguration.tcl").touch()
        whole = ("--no-compress-output", "--test-output-size-passed", "100000", "--test-output-size-failed", "100000")
        self.ctest("-T", "Test", *whole, *options, expect=expect, **more)
        tag = (self.build / "Testing" / "TAG").read_text().split("\n")[0]
        report = xml.etree.ElementTree.parse(self.build / "Testing" / tag / "Test.xml")
        return {test.findtext("Name"): Outcome(test) for test in report.iter("Test") if "Status" in test.attrib}

    def folders(self):
        """Names of the snapshots that stand."""
        return {entry.name for entry in self.root.iterdir()} - {".snapfix", ".gitignore"}


class Shown:
    """A test as ctest --show-only=json-v1 describes it."""

    def __init__(self, test):
        self.command = test.get("command")
        self.properties = {p["name"]: p["value"] for p in test["properties"]}

    def __getattr__(self, name):
        return self.properties.get(name.upper())

    def words(self):
        """The words of the test's own command."""
        return self.command[self.command.index("--") + 1 :]

    def options(self):
        """The words in front of it."""
        return self.command[1:] if "--" not in self.command else self.command[1 : self.command.index("--")]

    def option(self, name):
        options = self.options()
        return options[options.index(name) + 1] if name in options else None


class Outcome:
    """A test in Test.xml."""

    def __init__(self, test):
        self.status = test.get("Status")
        # ctest before 3.21 does not know these, and takes them for text.
        self.output = re.sub("<CTestMeasurement .*?</CTestMeasurement>", "", test.findtext("Results/Measurement/Value") or "")
        self.measured = {m.get("name"): m.findtext("Value") for m in test.iter("NamedMeasurement")}

    def __repr__(self):
        return f"{self.status}: {self.output}"


def freezes(tests):
    return sorted(name for name in tests if name.startswith("snapshots.freeze."))


def finishes(tests):
    return sorted(name for name in tests if name.startswith("snapshots.finish."))


def plain_text(result):
    """What CMake says, with its line breaks undone."""
    return re.sub(r"\s+", " ", result.err)


def journal_lines(path):
    return path.read_text().splitlines() if path.exists() else []
