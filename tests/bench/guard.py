"""What the guard costs: single calls, whole workloads, a break, start-up, memory.

    tests/bench/guard.py SNAPFIX [--rounds N] [--json FILE]

SNAPFIX is a release build of the helper. Each workload runs in turn without and with the guard, and under
cowdancer's cow-shell (LD_PRELOAD) where that is installed; the figure is the ratio of the medians. Prints a
table in Markdown.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import harness

HERE = pathlib.Path(__file__).resolve().parent


def quiet(command, **options):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def sources(top, count):
    top.mkdir(parents=True)
    for n in range(count):
        folder = top / f"d{n % 97}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{n}").write_text(f"{n}\n")


def write_project(top, units=40):
    """A C project for ninja, and Python modules for compileall."""
    (top / "py").mkdir(parents=True)
    lines = ["rule cc", "  command = cc -O1 -c $in -o $out -MMD -MF $out.d"]
    for n in range(units):
        (top / f"u{n}.c").write_text(f"#include <stdio.h>\n#include <stdlib.h>\nint f{n}(int x) {{ printf(\"%d\", x); return x + {n}; }}\n")
        lines.append(f"build u{n}.o: cc u{n}.c")
        (top / f"py/m{n}.py").write_text("\n".join(f"def f{k}(x):\n    return [x * {k} for x in range(x)]\n" for k in range(60)))
    (top / "build.ninja").write_text("\n".join(lines) + "\n")
    (top / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.20)\nproject(p C)\n")
    (top / "tree").mkdir()
    for n in range(2000):
        (top / "tree" / f"f{n}").write_text("x" * 500)


WORKLOADS = {
    "ninja, 40 files": "rm -f *.o *.d .ninja*; ninja -j2",
    "cmake configure": "rm -rf b; cmake -S . -B b",
    "compileall": "rm -rf py/__pycache__; python3 -m compileall -q py",
    "git init, add, commit, status": "rm -rf .git; git init -q; git add -A; git -c user.name=a -c user.email=a@b commit -qm x; git status",
    "tar x of 2,000 new files": "tar cf t.tar tree; mkdir new; tar xf t.tar -C new; rm -rf new t.tar",
    "300 fork + exec": "for i in $(seq 300); do /bin/true; done",
    "5,000 x echo >/dev/null": "for i in $(seq 5000); do echo >/dev/null; done",
    "grep -r": "for i in 1 2 3 4 5; do grep -r nothing . || true; done",
}


class Bench:
    def __init__(self, snapfix, rounds, folder):
        self.snapfix, self.rounds, self.folder = snapfix, rounds, folder
        self.results = {}

    def run(self, name, guard, *command, source):
        quiet([self.snapfix, "run", name, "--guard", guard, "--source", source, "--root", self.folder / "root", "--", *command])

    def calls(self):
        program = self.folder / "calls"
        quiet(["c++", "-std=c++20", "-O2", HERE / "calls.cpp", "-o", program])
        sources(self.folder / "few", 10)
        measured = {}
        for guard in ("off", "on"):
            out = subprocess.run([str(w) for w in (self.snapfix, "run", "calls", "--guard", guard, "--source", self.folder / "few",
                                  "--root", self.folder / "root", "--", program)], check=True, capture_output=True, text=True).stdout
            for line in out.splitlines():
                call, nanoseconds = line.split()
                measured.setdefault(call, []).append(float(nanoseconds))
        self.results["calls"] = {call: {"bare_ns": bare, "guarded_ns": guarded} for call, (bare, guarded) in measured.items()}

    def workloads(self):
        project = self.folder / "project"
        write_project(project)
        cow = shutil.which("cow-shell")
        self.results["workloads"] = {}
        for name, script in WORKLOADS.items():
            kinds = ["off", "on"] + (["cowdancer"] if cow else [])
            times = {kind: [] for kind in kinds}
            for number in range(self.rounds):
                turn = number % len(kinds)
                for kind in kinds[turn:] + kinds[:turn]:  # who comes first in a round has it easier, or not
                    # Made fresh, so that each starts with all files shared; the making is not timed.
                    quiet([self.snapfix, "create", "w", "--fresh", "--source", project, "--root", self.folder / "root"])
                    begin = time.monotonic()
                    if kind == "cowdancer":
                        quiet([cow, "bash", "-c", script], cwd=self.folder / "root/w")
                    else:
                        self.run("w", kind, "bash", "-c", script, source=project)
                    times[kind].append(time.monotonic() - begin)
            self.results["workloads"][name] = {key: statistics.median(value) for key, value in times.items() if value}

    def breaks(self):
        """The first append to each of 1,000 shared files, less the same on private ones; beside cp -a of them, and of one."""
        source = self.folder / "breaks"
        source.mkdir()
        for n in range(1000):
            (source / f"f{n}").write_text("x" * 4000)
        root = self.folder / "root"
        program = ("import time, os\nnames = os.listdir('.')\nb = time.monotonic()\n"
                   "for n in names:\n    os.close(os.open(n, os.O_WRONLY | os.O_APPEND))\nprint(time.monotonic() - b)")
        times = {"shared": [], "private": [], "cp": [], "cp_one": []}
        # Nothing is removed meanwhile: for minutes after that, ext4 makes files slower, for whoever makes them
        # (it passes over the inodes that were freed last, one by one).
        for number in range(self.rounds):
            for kind in ("shared", "private"):
                out = subprocess.run([str(w) for w in (self.snapfix, "run", f"b{number}", "--guard", "on", "--source", source, "--root", root,
                                      "--", "python3", "-c", program)], check=True, capture_output=True, text=True).stdout
                times[kind].append(float(out))
            begin = time.monotonic()
            quiet(["cp", "-a", source, self.folder / f"copy{number}"])
            times["cp"].append(time.monotonic() - begin)
            begin = time.monotonic()
            quiet(["cp", "-a", source / "f0", self.folder / f"one{number}"])
            times["cp_one"].append(time.monotonic() - begin)
        median = {key: statistics.median(value) for key, value in times.items()}
        self.results["break"] = {"microseconds": (median["shared"] - median["private"]) * 1000, "cp_a_microseconds": median["cp"] * 1000,
                                 "cp_a_one_microseconds": median["cp_one"] * 1e6}

    def start(self):
        """Start and end of a run of nothing, with and without; and what the supervisor takes."""
        self.results["start"] = {}
        for count in (2_000, 100_000):
            source = self.folder / f"many{count}"
            sources(source, count)
            root = self.folder / "root"
            quiet([self.snapfix, "create", f"s{count}", "--source", source, "--root", root])
            times = {"off": [], "on": []}
            for _ in range(self.rounds * 3):
                for guard in times:
                    begin = time.monotonic()
                    self.run(f"s{count}", guard, "true", source=source)
                    times[guard].append(time.monotonic() - begin)
            memory = subprocess.run([str(w) for w in (self.snapfix, "run", f"s{count}", "--guard", "on", "--source", source, "--root", root, "--",
                "sh", "-c", "grep -E 'RssAnon|VmRSS' /proc/$PPID/status")], check=True, capture_output=True, text=True).stdout
            self.results["start"][str(count)] = {
                "milliseconds": 1000 * (statistics.median(times["on"]) - statistics.median(times["off"])),
                "supervisor": {line.split()[0].rstrip(":"): int(line.split()[1]) for line in memory.splitlines()}}


def table(results):
    lines = ["| call | bare (ns) | guarded (ns) | more (µs) |", "| --- | ---: | ---: | ---: |"]
    for call, r in results["calls"].items():
        lines.append(f"| {call} | {r['bare_ns']:,.0f} | {r['guarded_ns']:,.0f} | {(r['guarded_ns'] - r['bare_ns']) / 1000:.1f} |")
    lines += ["", "| workload | bare (s) | guarded / bare | cowdancer / bare |", "| --- | ---: | ---: | ---: |"]
    for name, r in results["workloads"].items():
        cow = f"{r['cowdancer'] / r['off']:.2f}" if "cowdancer" in r else "-"
        lines.append(f"| {name} | {r['off']:.3f} | {r['on'] / r['off']:.2f} | {cow} |")
    b = results["break"]
    lines += ["", f"A break of a file of 4 kB: {b['microseconds']:.0f} µs; `cp -a` of 1,000, each: {b['cp_a_microseconds']:.0f} µs; "
              f"`cp -a` of one: {b['cp_a_one_microseconds']:.0f} µs."]
    for count, r in results["start"].items():
        lines.append(f"Start and end of a run, {int(count):,} files: {r['milliseconds']:.1f} ms more than without; "
                     f"supervisor {r['supervisor']['VmRSS'] / 1024:.1f} MiB, {r['supervisor']['RssAnon'] / 1024:.1f} MiB of it its own.")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("snapfix", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    harness.clean_up_when_ended()
    with tempfile.TemporaryDirectory(prefix="snapfix-bench.") as folder:
        bench = Bench(arguments.snapfix, arguments.rounds, pathlib.Path(folder))
        bench.breaks()
        bench.calls()
        bench.workloads()
        bench.start()
    shown = table(bench.results)
    if arguments.json:
        arguments.json.write_text(json.dumps(bench.results, indent=2) + "\n")
        arguments.json.with_suffix(".md").write_text(shown + "\n")
    print(shown)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
