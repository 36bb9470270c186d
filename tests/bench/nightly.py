"""A whole nightly run: a ctest suite in which each test has a tree of its own, made before it and removed after it.

The same tests for all: 40 that do nothing, and 40 that write a log and change two files (by replacing them, as in trees of
plain links a change in place would reach the source). What differs is who gives them their trees. All take the files that
git tracks, and no `.git`. Each suite runs twice, the first time into an empty root; the peers, which keep nothing from run to
run, only once where a run takes minutes, and cp -a not at all where calls are slow.
"""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import threading

import harness

TESTS = 40
MANY = 20_000  # files
SUITES = {"nothing": "true", "writes": "echo begun >log; for f in {}; do cp \"$f\" new; echo x >>new; mv new \"$f\"; done"}
PEERS = {
    "rsync --link-dest": "mkdir {tree}; rsync -a --link-dest={plain} {plain}/ {tree}/",
    "cp -al": "cp -al {plain} {tree}",
    "cp -a": "cp -a {plain} {tree}",
}


def quoted(path):
    return shlex.quote(str(path))


class Trees(threading.Thread):
    """The most trees that stood at once in these folders."""

    def __init__(self, *folders):
        super().__init__(daemon=True)
        self.folders, self.most, self.over = folders, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            count = 0
            for folder in self.folders:
                if folder.is_dir():
                    count += sum(not entry.name.startswith(".") for entry in os.scandir(folder))
            self.most = max(self.most, count)

    def end(self):
        self.over.set()
        self.join()
        return self.most


class Nightly:
    """The suites' project."""

    def __init__(self, place):
        self.place = place
        self.project, self.build, self.trees, self.root = (place.top / name for name in ("project", "build", "trees", "nightly-root"))
        for folder in (self.project, self.trees):
            folder.mkdir()
        files = [os.fsdecode(name) for name in place.list.read_bytes().split(b"\0")[:2]]
        scripts = {suite: command.format(shlex.join(files)) for suite, command in SUITES.items()}
        module = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "cmake/SnapshotFixtures.cmake"
        lines = ["cmake_minimum_required(VERSION 3.20)", "project(p NONE)", "enable_testing()",
                 "set(SNAPSHOT_FIXTURES_GIT OFF)",
                 f"set(SNAPSHOT_FIXTURES_HELPER {json.dumps(os.environ['SNAPFIX'])})", f"set(SNAPSHOT_FIXTURES_ROOT {json.dumps(str(self.root))})",
                 f"include({json.dumps(str(module))})", f"foreach(n RANGE 1 {TESTS})"]
        for suite, script in scripts.items():
            lines.append(f"  add_snapshot_test(NAME snapfix-{suite}-${{n}} SOURCE_DIR {json.dumps(str(place.source))} COMMAND sh -c [==[{script}]==])")
            for number, make in enumerate(PEERS.values()):
                tree = f"{quoted(self.trees)}/$0"
                make = make.format(plain=quoted(place.plain), tree=tree)
                lines.append(f"  add_test(NAME peer{number}-{suite}-${{n}} COMMAND sh -c [==[set -e; {make}; (cd {tree}; {script}); rm -rf {tree}]==] t${{n}})")
        (self.project / "CMakeLists.txt").write_text("\n".join([*lines, "endforeach()", ""]))
        harness.run(["cmake", "-S", self.project, "-B", self.build], timeout=600)

    def run(self, tests, suite):
        """Seconds, processor seconds, and the most trees that stood at once."""
        trees = Trees(*([self.root, self.root / ".snapfix/spares"] if tests == "snapfix" else [self.trees]))
        trees.start()
        command = ["ctest", "--test-dir", self.build, "-j2", "-R", f"^{tests}-{suite}-"]
        begin = os.times().elapsed
        process = harness.start(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = os.times().elapsed - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        most = trees.end()
        assert process.returncode == 0, command
        return seconds, usage.ru_utime + usage.ru_stime, most

    def measure(self, rounds):
        out = {}
        contenders = {"snapfix": "snapfix"} | {name: f"peer{number}" for number, name in enumerate(PEERS)}
        if self.place.is_slow:
            del contenders["cp -a"]
        takes_minutes = self.place.is_slow or self.place.count >= MANY
        for suite in SUITES:
            for turn in range(rounds):
                names = list(contenders)
                for name in names[turn % len(names):] + names[:turn % len(names)]:
                    if name == "snapfix" and self.root.exists():
                        harness.run(self.place.aside(self.root))
                    for when in ("first", "second") if name == "snapfix" or not takes_minutes else ("first",):
                        seconds, processor, most = self.run(contenders[name], suite)
                        for what, value in (("wall", seconds), ("cpu", processor), ("trees", most)):
                            out.setdefault(f"{name}: {suite}, {when} ({what})", []).append(value)
        return out

    def close(self):
        for folder in (self.project, self.build):
            shutil.rmtree(folder)
        harness.run(self.place.aside(self.trees, self.root))


def measure(place, rounds):
    nightly = Nightly(place)
    try:
        return nightly.measure(rounds)
    finally:
        nightly.close()


def table(median, entries):
    """`entries`: of one tree."""
    lines = []
    for suite in SUITES:
        lines += [f"{TESTS} tests, {suite}, `ctest -j2`; in parentheses the ratio to snapfix:", "",
                  "| | first run (s) | second run (s) | processor, second (s) | trees at once | entries at once |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
        for name in ("snapfix", *PEERS):
            if f"{name}: {suite}, first (wall)" not in median:
                continue
            cells = []
            for what in ("first (wall)", "second (wall)", "second (cpu)"):
                ours = median[f"snapfix: {suite}, {what}"]
                value = median.get(f"{name}: {suite}, {what}") or median[f"{name}: {suite}, {what.replace('second', 'first')}"]
                cells.append(f"{value:.2f}" + ("" if name == "snapfix" else f" ({value / ours:.1f})"))
            trees = max(median.get(f"{name}: {suite}, {when} (trees)", 0) for when in ("first", "second"))
            lines.append(f"| {name} | {' | '.join(cells)} | {trees:.0f} | {trees * entries:,.0f} |")
        lines.append("")
    return lines
