"""What snapshots cost, beside the floor (the bare system calls) and what people use instead.

tests/bench/run builds what this needs and calls it. File systems: default (that of TMPDIR), tmpfs, xfs, btrfs (in
loop devices), slow0.3 and slow1 (a FUSE pass-through on tmpfs with that many milliseconds a metadata call); all but
the first want root. Contenders of a task take turns, each round one of each, so that what else the machine does meets
all alike; hyperfine takes the times. Figures are medians; ratios hold within one run only. Prints tables in Markdown.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import harness
import nightly

SNAPFIX = os.environ.get("SNAPFIX", "snapfix")
FLOOR = os.environ.get("SNAPFIX_FLOOR", "floor")
SLOW_FS = os.environ.get("SNAPFIX_SLOW_FS", "slow_fs")
FILE_SYSTEMS = ["default", "tmpfs", "xfs", "btrfs", "slow0.3", "slow1"]
TASKS = ["create", "freeze", "together", "memory", "refresh", "remove", "ctest", "nightly"]  # those that remove things come last
MANY = 100_000  # files, from which on the slowest contenders are left out: they show no more, and take hours
IMAGE_MEGABYTES = 24 << 10  # sparse


def quiet(*command, **options):
    return harness.run(command, timeout=3600, **options)


# ---- trees ---------------------------------------------------------------------------------------


def names_of(shape, count):
    """The paths of a tree's files; `mixed` is like a repository: 20 files a folder, up to 6 deep."""
    if shape == "flat":
        return [f"f{n:06}" for n in range(count)]
    if shape == "deep":
        return ["/".join(f"d{k}" for k in range(n // 10 + 1)) + f"/f{n % 10}" for n in range(count)]
    chosen = random.Random(7)
    folders = ["src"]
    while len(folders) < max(1, count // 20):
        parent = chosen.choice(folders[-200:])
        if parent.count("/") < 5:
            folders.append(f"{parent}/d{len(folders)}")
        elif chosen.random() < 0.2:
            folders.append(f"src{len(folders)}")
    return [f"{folders[n % len(folders)]}/file{n}.txt" for n in range(count)]


def size_of(shape, n):
    if shape == "empty":
        return 0
    if shape == "huge":
        return 256 << 20
    return 200 + n * 7919 % 6000


def make_source(top, shape, count):
    """A git repository with one commit; returns the list of its files, each ended by a NUL."""
    made = set()
    for n, name in enumerate(names_of(shape, count)):
        path = top / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        with open(path, "wb") as out:
            size = size_of(shape, n)
            block = random.Random(n).randbytes(min(size, 1 << 20))
            for at in range(0, size, 1 << 20):
                out.write(block[: size - at])
    harness.git(top, "init", "-q")
    # Two bytes a file would do: what git keeps of them is not measured, but cloned by one contender.
    quiet("git", "-C", top, "-c", "core.compression=0", "add", "-A")
    quiet("git", "-C", top, "commit", "-qm", "all")
    quiet("git", "-C", top, "-c", "core.compression=0", "repack", "-adq")
    time.sleep(2.1)  # or the first freeze would find ctimes that are not settled, and read twice
    return os.fsencode(harness.git(top, "ls-files", "-z").out)


# ---- timing --------------------------------------------------------------------------------------


class Contender:
    """A command to be timed, and what is to be done before each time."""

    def __init__(self, name, *command, before=("true",)):
        self.name, self.command = name, shlex.join(map(str, command))
        self.before = shlex.join(map(str, before))


def shell(*lines):
    return ("sh", "-c", " && ".join(lines))


def measure(contenders, rounds):
    """Seconds by contender: {name: [one a round]}."""
    out = {contender.name: [] for contender in contenders}
    with tempfile.TemporaryDirectory(prefix="snapfix-times.") as folder:
        times = os.path.join(folder, "times.json")
        for number in range(rounds):
            turn = number % len(contenders)
            order = contenders[turn:] + contenders[:turn]
            command = ["hyperfine", "-N", "--style", "none", "-r", "1", "--export-json", times]
            for contender in order:
                command += ["-p", contender.before]
            quiet(*command, *(contender.command for contender in order))
            with open(times, encoding="utf-8") as text:
                for contender, result in zip(order, json.load(text)["results"]):
                    out[contender.name].append(result["times"][0])
    return out


def rounds_of_copies(files, rounds):
    """Copies take long and are far away from all else: a few show it, one where all takes long."""
    return 1 if files >= MANY // 2 or rounds <= 3 else rounds // 3


def peak_bytes(*command):
    """The most memory that a command had at once. A child of ours would count Python's pages before its exec."""
    return int(quiet(FLOOR, "peak", *command).err.splitlines()[-1])


# ---- the tasks -----------------------------------------------------------------------------------


class Place:
    """A source and a root on one file system."""

    def __init__(self, top, shape, count, can_reflink, is_slow):
        self.top, self.can_reflink, self.is_slow = top, can_reflink, is_slow
        self.source, self.root, self.target, self.old = top / "source", top / "root", top / "target", top / "old"
        self.source.mkdir()
        self.old.mkdir()
        listed = make_source(self.source, shape, count)
        self.count = listed.count(b"\0")
        self.folders = len({parent for name in listed.split(b"\0") for parent in pathlib.PurePath(os.fsdecode(name)).parents})
        # Who links files changes their ctime: for those, copies of the source, so that snapfix finds an unchanged one.
        # A snapshot's .git is some 16 small files: who knows nothing of git copies a tree without one.
        self.twin, self.plain = top / "twin", top / "plain"
        quiet("cp", "-a", self.source, self.twin)
        quiet("rsync", "-a", "--exclude=/.git", f"{self.source}/", f"{self.plain}/")
        self.list = pathlib.Path(tempfile.mkstemp(prefix="snapfix-list.")[1])
        self.list.write_bytes(listed)
        self.first = pathlib.Path(os.fsdecode(listed.split(b"\0")[0]))
        self.base = self.snapfix_json("freeze")["base"]

    def close(self):
        self.list.unlink()

    def snapfix(self, command, *words):
        source = () if command in ("remove", "verify") else ("--source", self.source)
        return (SNAPFIX, command, *words, *source, "--root", self.root)

    def snapfix_json(self, *words):
        return quiet(*self.snapfix(*words), "--json").json()

    def given(self, *words):
        return self.snapfix("create", *words, "--base", self.base)

    def aside(self, *paths):
        """Moves away what an earlier round made. Removing it would make whoever comes next on ext4 slow, for minutes:
        it passes over the inodes that were freed last one by one."""
        one = 'if [ -e "$p" ]; then mv "$p" "$(mktemp -u {}/XXXXXXXXXX)"; fi'.format(shlex.quote(str(self.old)))
        return ("sh", "-c", f'for p; do {one}; done', "sh", *paths)

    def drop(self, name):
        return self.aside(self.root / name, self.root / ".snapfix/snapshots" / name)

    def edit(self):
        with open(self.source / self.first, "ab") as out:
            out.write(b"x")

    def create(self, rounds):
        target, source, twin, plain = self.target, self.source, self.twin, self.plain
        clear = self.aside(target)
        drop = self.drop("x")
        floor = Contender("floor: link", FLOOR, "link", self.list, plain, target, before=clear)
        contenders = [
            floor,
            Contender("floor: lstat", FLOOR, "lstat", self.list, source),
            Contender("git ls-files", "git", "-C", source, "ls-files", "-z", "--stage"),
            Contender("snapfix create --base", *self.given("x"), before=drop),
            Contender("snapfix create", *self.snapfix("create", "x"), before=drop),
            Contender("snapfix create --link-from source", SNAPFIX, "create", "x", "--link-from", "source", "--source", twin, "--root", self.root, before=drop),
            Contender("cp -al", "cp", "-al", plain, target, before=clear),
        ]
        if self.count < MANY:
            contenders.append(Contender("rsync --link-dest", "rsync", "-a", "--from0", f"--files-from={self.list}",
                                        f"--link-dest={plain}", f"{plain}/", f"{target}/", before=clear))
        seconds = measure(contenders, rounds)
        if self.count >= MANY:
            quiet(*clear)
            return seconds
        copies = [
            Contender("snapfix create, empty root", *self.snapfix("create", "x"), before=self.aside(self.root)),
            Contender("cp -a", "cp", "-a", plain, target, before=clear),
            Contender("rsync -a", "rsync", "-a", f"{plain}/", f"{target}/", before=clear),
            Contender("git worktree add", "git", "-C", twin, "worktree", "add", "-f", "--detach", target,
                      before=shell(shlex.join(map(str, clear)), f"git -C {shlex.quote(str(twin))} worktree prune")),
            Contender("git clone --local", "git", "clone", "-q", "--local", twin, target, before=clear),
        ]
        if self.can_reflink:
            copies.append(Contender("cp -a --reflink", "cp", "-a", "--reflink=always", plain, target, before=clear))
        seconds |= measure(copies, rounds_of_copies(self.count, rounds))
        quiet(*clear)
        quiet("git", "-C", twin, "worktree", "prune")
        self.base = self.snapfix_json("freeze")["base"]
        return seconds

    def freeze(self, rounds):
        # As long ago as a quick hand needs to get from the editor to the prompt: an edit within the last tick of
        # the file system's clock (4 to 10 ms) makes the freeze look twice.
        edit = shell(f"printf x >>{shlex.quote(str(self.source / self.first))}", "sleep 0.05")
        seconds = measure([
            Contender("floor: lstat", FLOOR, "lstat", self.list, self.source),
            Contender("git ls-files", "git", "-C", self.source, "ls-files", "-z", "--stage"),
            Contender("snapfix freeze", *self.snapfix("freeze")),
        ], rounds)
        seconds |= measure([Contender("snapfix freeze, one file edited", *self.snapfix("freeze"), before=edit)], rounds)
        # Once more, so that the edits are settled for who comes next.
        time.sleep(2.1)
        self.base = self.snapfix_json("freeze")["base"]
        seconds |= measure([
            Contender("snapfix freeze, empty root", *self.snapfix("freeze"), before=self.aside(self.root)),
            Contender("cp -a", "cp", "-a", self.plain, self.target, before=self.aside(self.target)),
        ], rounds_of_copies(self.count, rounds))
        quiet(*self.aside(self.target))
        self.base = self.snapfix_json("freeze")["base"]
        return seconds

    def refresh(self, rounds):
        quiet(*self.given("x"))
        dirt = [self.root / "x" / os.fsdecode(name) for name in self.list.read_bytes().split(b"\0")[: 10 * 7: 7] if name]
        break_them = " && ".join(f"cp --remove-destination /dev/null {shlex.quote(str(path))}" for path in dirt)
        fresh = self.given("x", "--fresh")
        seconds = measure([
            Contender("refresh, unchanged", *fresh),
            Contender("refresh, 10 files dirtied", *fresh, before=shell(break_them)),
            Contender("remove, then create", "sh", "-c", f"{shlex.join(map(str, self.snapfix('remove', 'x')))} && {shlex.join(map(str, self.given('x')))}"),
        ], rounds)
        quiet(*self.snapfix("remove", "x"))
        return seconds

    def remove(self, rounds):
        floor_link = (FLOOR, "link", self.list, self.plain, self.target)
        seconds = measure([
            Contender("floor: unlink", FLOOR, "unlink", self.target, before=floor_link),
            Contender("rm -rf", "rm", "-rf", self.target, before=floor_link),
            Contender("snapfix remove", *self.snapfix("remove", "x"), before=self.given("x")),
        ], rounds)
        return seconds

    def together(self, rounds):
        """N snapshots made at once, beside as many one after another; all of them are removed before."""
        create = shlex.join(map(str, self.given("x"))).replace(" x ", " x$n ")
        contenders = []
        for count in (2, 8, 32):
            names = " ".join(str(n) for n in range(count))
            clear = self.aside(*(folder / f"x{n}" for folder in (self.root, self.root / ".snapfix/snapshots") for n in range(count)))
            contenders.append(Contender(f"{count} at once", "sh", "-c", f"for n in {names}; do {create} & done; wait", before=clear))
            contenders.append(Contender(f"{count} in turn", "sh", "-c", f"for n in {names}; do {create}; done", before=clear))
        seconds = measure(contenders, max(3, rounds // 2))
        quiet(*clear)
        return seconds

    def memory(self, _rounds):
        """Bytes, not seconds."""
        out = {}
        out["freeze, unchanged (bytes)"] = [peak_bytes(*self.snapfix("freeze"))]
        out["create --base (bytes)"] = [peak_bytes(*self.given("x"))]
        out["refresh (bytes)"] = [peak_bytes(*self.given("x", "--fresh"))]
        out["verify (bytes)"] = [peak_bytes(*self.snapfix("verify", "x"))]
        out["remove (bytes)"] = [peak_bytes(*self.snapfix("remove", "x"))]
        quiet(*self.aside(self.root))
        out["freeze, empty root (bytes)"] = [peak_bytes(*self.snapfix("freeze"))]
        self.base = self.snapfix_json("freeze")["base"]
        return out

    def ctest(self, rounds):
        """Processor seconds that 20 snapshot tests of nothing take, beside 20 plain tests and the links themselves."""
        project, build = self.top / "project", self.top / "build"
        project.mkdir()
        module = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "cmake/SnapshotFixtures.cmake"
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.20)\nproject(p NONE)\nenable_testing()\n"
            f"set(SNAPSHOT_FIXTURES_HELPER {json.dumps(str(SNAPFIX))})\nset(SNAPSHOT_FIXTURES_ROOT {json.dumps(str(self.root))})\ninclude({json.dumps(str(module))})\n"
            f"foreach(n RANGE 1 20)\n  add_test(NAME plain$" "{n} COMMAND true)\n"
            f"  add_snapshot_test(NAME snap$" "{n} " f"SOURCE_DIR {json.dumps(str(self.source))} COMMAND true)\n"
            "endforeach()\n")
        quiet("cmake", "-S", project, "-B", build)

        def processor(*command):
            process = harness.start(command, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, command
            return usage.ru_utime + usage.ru_stime

        out = {"20 plain tests (cpu)": [], "20 snapshot tests (cpu)": [], "20 times the links and their removal (cpu)": []}
        for _ in range(max(3, rounds // 2)):
            out["20 plain tests (cpu)"].append(processor("ctest", "--test-dir", build, "-R", "^plain"))
            out["20 snapshot tests (cpu)"].append(processor("ctest", "--test-dir", build, "-R", "^snap"))
            links = sum(processor(FLOOR, "link", self.list, self.plain, self.target) + processor(FLOOR, "unlink", self.target) for _ in range(3))
            out["20 times the links and their removal (cpu)"].append(links / 3 * 20)
        shutil.rmtree(build)
        shutil.rmtree(project)
        self.base = self.snapfix_json("freeze")["base"]
        return out


    def nightly(self, rounds):
        """40 tests of nothing and 40 that write, with trees by snapfix and by others: a suite takes as long as 80 trees."""
        seconds = nightly.measure(self, rounds_of_copies(self.count, rounds))
        self.base = self.snapfix_json("freeze")["base"]
        return seconds


# ---- file systems --------------------------------------------------------------------------------


@contextlib.contextmanager
def slow(milliseconds):
    with contextlib.ExitStack() as stack:
        below = stack.enter_context(harness.tmpfs(4 << 10))
        where = stack.enter_context(harness.temp_dir("slow"))
        server = harness.start([SLOW_FS, below, where, str(milliseconds)], stdout=subprocess.DEVNULL)
        stack.callback(server.wait)
        stack.callback(lambda: harness.run(["umount", "-l", where], expect=None))
        harness.eventually(lambda: os.path.ismount(where) or server.poll() is not None, "the slow file system is mounted")
        if server.poll() is not None:
            harness.skip("FUSE cannot be mounted here")
        yield where


def file_system(name):
    if name == "tmpfs":
        return harness.tmpfs(8 << 10)
    if name.startswith("slow"):
        return slow(float(name[4:]))
    if name == "default":
        return harness.temp_dir("bench")
    return harness.loop_fs(name, IMAGE_MEGABYTES, ("-i", "4096") if name == "ext4" else ())


# ---- what is shown -------------------------------------------------------------------------------


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, {datetime.date.today()}"


FLOORS = {
    "snapfix create": ("floor: link", "floor: lstat", "git ls-files"),
    "snapfix create --link-from source": ("floor: link", "floor: lstat", "git ls-files"),
    "snapfix freeze": ("floor: lstat", "git ls-files"),
    "snapfix freeze, one file edited": ("snapfix freeze",),
    "snapfix freeze, empty root": ("cp -a",),
    "rm -rf": ("floor: unlink",),
    "snapfix remove": ("floor: unlink",),
    "refresh, unchanged": ("remove, then create",),
    "refresh, 10 files dirtied": ("refresh, unchanged",),
    "2 at once": ("2 in turn",), "8 at once": ("8 in turn",), "32 at once": ("32 in turn",),
    "20 snapshot tests (cpu)": ("20 plain tests (cpu)", "20 times the links and their removal (cpu)"),
}


def table(results):
    lines = [f"Machine: {results['machine']}", ""]
    for entry in results["measured"]:
        median = {name: statistics.median(times) for name, times in entry["seconds"].items()}
        lines += [f"### {entry['task']}: {entry['files']:,} files, {entry['shape']}, {entry['file_system']}", ""]
        if entry["task"] == "ctest":
            plain, ours, links = (median[name] for name in ("20 plain tests (cpu)", "20 snapshot tests (cpu)", "20 times the links and their removal (cpu)"))
            more = 1000 * (ours - plain - links) / 20
            lines += [f"A snapshot test takes {more:.1f} ms of processor time more than a plain one and the links." if more > 0 else
                      "What a snapshot test takes more than a plain one and the links is less than the links vary.", ""]
        if entry["task"] == "nightly":
            lines += nightly.table(median, entry["files"] + entry["folders"])
        elif entry["task"] == "memory":
            lines += ["| | MiB | bytes a file over 20 MiB |", "| --- | ---: | ---: |"]
            lines += [f"| {name.removesuffix(' (bytes)')} | {value / 2**20:.1f} | {max(0, value - 20 * 2**20) / entry['files']:.0f} |" for name, value in median.items()]
        else:
            lines += ["| | ms | spread | ratio | to |", "| --- | ---: | ---: | ---: | --- |"]
            for name, value in median.items():
                floor = FLOORS.get(name, ("floor: link",))
                ratio, to = "", ""
                is_floor = name.startswith("floor:") or name == "git ls-files"
                if not is_floor and name not in floor and all(part in median for part in floor):
                    ratio, to = f"{value / sum(median[part] for part in floor):.2f}", " + ".join(floor)
                times = entry["seconds"][name]
                lines.append(f"| {name} | {1000 * value:.1f} | {1000 * min(times):.1f}-{1000 * max(times):.1f} | {ratio} | {to} |")
        lines.append("")
    return "\n".join(lines)


PLOTTED = ["floor: link", "snapfix create --base", "snapfix create", "cp -al", "rsync --link-dest", "cp -a", "cp -a --reflink",
           "rsync -a", "git worktree add", "git clone --local"]


def plot(files, svg):
    try:
        import matplotlib  # pylint: disable=import-outside-toplevel
    except ImportError:
        debian = "/usr/bin/python3"  # Debian's package is for Debian's Python
        if os.path.exists(debian) and not os.path.samefile(sys.executable, debian):
            subprocess.run([debian, "-B", __file__, "--plot", *files, svg], check=False)
        else:
            print("No plot: matplotlib is missing (Debian: python3-matplotlib).", file=sys.stderr)
        return
    matplotlib.use("svg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel

    runs = [json.loads(pathlib.Path(file).read_text(encoding="utf-8")) for file in files]
    entries = [e for run in runs for e in run["measured"] if e["task"] == "create" and e["shape"] == "mixed"]
    figure, (by_files, by_latency) = pyplot.subplots(1, 2, figsize=(13, 5.5))

    def draw(axes, points, label, ours):
        points = sorted(points)
        if points:
            axes.plot(*zip(*points), marker="o", markersize=4, label=label, linewidth=2.4 if ours else 1.2,
                      linestyle="--" if label.startswith("floor") else "-")

    local = [e for e in entries if e["file_system"] == "default"]
    slow_ones = [e for e in entries if e["file_system"].startswith("slow")]
    for name in PLOTTED:
        ours = name.startswith("snapfix")
        draw(by_files, [(e["files"], statistics.median(e["seconds"][name])) for e in local if name in e["seconds"]], name, ours)
        draw(by_latency, [(float(e["file_system"][4:]), statistics.median(e["seconds"][name])) for e in slow_ones if name in e["seconds"]], name, ours)
    by_files.set(xscale="log", yscale="log", xlabel="files", ylabel="seconds", title="A local file system")
    by_latency.set(yscale="log", xlabel="latency of a metadata call (ms)", ylabel="seconds",
                   title=f"A slow file system, {slow_ones[0]['files']:,} files" if slow_ones else "")
    for axes in (by_files, by_latency):
        axes.grid(True, which="both", alpha=0.3)
    by_files.legend(fontsize=8)
    figure.suptitle(f"Making a tree of the source\n{runs[0]['machine']}", fontsize=10)
    figure.tight_layout()
    figure.savefig(svg, metadata={"Date": None})


def names(known):
    def parse(text):
        out = [name for name in text.split(",") if name]
        for name in out:
            if name not in known:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(known)}")
        return out
    return parse


def numbers(text):
    return [int(number) for number in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=numbers, default="2000,70000", metavar="N,N...", help="how many files the sources have (%(default)s)")
    parser.add_argument("--file-systems", type=names(FILE_SYSTEMS), default=",".join(FILE_SYSTEMS), metavar="NAME,NAME...", help="(%(default)s)")
    parser.add_argument("--tasks", type=names(TASKS), default=",".join(TASKS), metavar="NAME,NAME...", help="what is measured (%(default)s)")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="half as many with over 20,000 files, a third where calls are slow (%(default)s)")
    parser.add_argument("--shapes", action="store_true", help="on the default file system also trees of other shapes: deep, flat, empty and huge files")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="the results, and beside it .md and .svg (build/bench/snapshots.json)")
    parser.add_argument("--plot", nargs="+", metavar="FILE", help="JSON... SVG: measures nothing, draws earlier runs together")
    out = parser.parse_args()
    if out.plot and (len(out.plot) < 2 or not out.plot[-1].endswith(".svg")):
        parser.error("--plot wants at least one JSON, and as the last the SVG to write")
    return out


def cases_of(options):
    for name in options.file_systems:
        for count in options.files:
            # More than a few thousand files on a slow file system take hours, and show no more.
            if not name.startswith("slow") or count <= 5000:
                yield name, "mixed", count
    if options.shapes:
        yield from (("default", "flat", 20_000), ("default", "deep", 2_000), ("default", "empty", 20_000), ("default", "huge", 4))


def measure_case(options, name, shape, count, keep):
    tasks = [task for task in TASKS if task in options.tasks]
    if name.startswith("slow"):
        tasks = [task for task in tasks if task not in ("together", "memory", "ctest")]
    if count >= MANY // 2:
        tasks = [task for task in tasks if task not in ("together", "ctest")]
    rounds = options.rounds if count <= 20_000 else max(3, options.rounds // 2)
    if name.startswith("slow"):
        rounds = max(3, rounds // 3)
    with file_system(name) as where:
        place = Place(where, shape, count, name in ("xfs", "btrfs"), name.startswith("slow"))
        try:
            for task in tasks:
                print(f"{name}, {shape}, {count} files: {task}", file=sys.stderr, flush=True)
                seconds = getattr(place, task)(rounds)
                keep({"file_system": name, "shape": shape, "files": place.count, "folders": place.folders, "task": task, "seconds": seconds})
        finally:
            place.close()


def main():
    options = arguments()
    if options.plot:
        plot(options.plot[:-1], options.plot[-1])
        return
    # One environment for all that is timed: no git configuration of the user's.
    os.environ.update(harness.clean_env())
    harness.clean_up_when_ended()
    results = {"machine": machine(), "command": shlex.join(["tests/bench/run", *sys.argv[1:]]), "measured": []}

    def keep(entry):
        results["measured"].append(entry)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
            options.json.with_suffix(".md").write_text(table(results) + "\n")

    status = 0
    try:
        for case in cases_of(options):
            try:
                measure_case(options, *case, keep)
            except harness.Skip as why:
                print(f"{case[0]}: not measured: {why}", file=sys.stderr)
    except KeyboardInterrupt:
        status = 130
    print(table(results))
    if options.json and results["measured"]:
        print(f"Written to {options.json}, and beside it .md and, of trees that were made, .svg.", file=sys.stderr)
        if any(entry["task"] == "create" for entry in results["measured"]):
            plot([options.json], options.json.with_suffix(".svg"))
    sys.exit(status)


if __name__ == "__main__":
    main()
