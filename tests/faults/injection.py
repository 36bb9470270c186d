"""A command is hit at its n-th call: that does not come back (SIGKILL), or fails with an errno. inject.c does it; here is
how the calls are counted, which of them are hit, and what is looked at after each.
"""

import collections
import errno
import os
import pathlib
import random
import shutil
import time

import harness
from harness import run, tree_state
from project import Project, every_stat

k_errors = ("ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENOMEM", "EACCES", "EROFS", "EINTR", "ESTALE")
k_waits = ("wait4", "poll")  # nothing else than a signal ends them early
k_killed = 128 + 9
k_sample = 60
k_tries = 3  # to reach a point


def build_inject():
    harness.require("cc")
    program = harness.process_scratch() / "inject"
    if not program.exists():
        source = pathlib.Path(__file__).with_name("inject.c")
        built = run(["cc", "-O1", "-o", program, source], expect=None)
        if built.code != 0:
            harness.skip(f"inject.c does not compile here: {built.err.strip().splitlines()[-1]}")
        if run([program, "/dev/null", "0", "1", "kill", "/bin/echo"], expect=None).code != k_killed:
            harness.skip("no process can be traced here")
    return program


class Fault(collections.namedtuple("Fault", "process number changes call path action")):
    """A line of inject's report."""

    def keeps_words(self):
        """What was to be said could not be: on stderr it is dropped."""
        return self.call == "write" and self.path.startswith("pipe:")

    def __str__(self):
        return f"call {self.number} of process {self.process}, {self.call} {self.path}: {self.action}"


def read_report(path):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        process, number, changes, call, what, action = line.split(" ")
        yield Fault(int(process), int(number), changes == "!", call, what, action)


class Place(Project):
    """A tiny source and a root, and a command that is hit there."""

    def __init__(self, tmp, plain=True):
        super().__init__(tmp, {"a": "a\n", "b": "b\n" * 400, "d/c": "c\n", "d/e/f": "f\n"}, plain=plain)
        (self.source / "d/link").symlink_to("c")
        (self.source / "b").chmod(0o755)
        if not plain:
            self.git("add", "-A")
            self.git("commit", "-qm", "second")
        # To ask git whether a plain folder is its work tree takes longer than all that is tested.
        self.env = {"PATH": "/no/programs"} if plain else {}
        self.inject = build_inject()
        self.report = pathlib.Path(tmp) / "report"
        self.t = self.root / "t"
        run(["sleep", "2.2"])  # no file is so young that a freeze has to wait for the clock
        self.before = every_stat(self.source)
        self.pristine = tree_state(self.source, without=(".git",))

    def become(self, state):
        """Brings the source into one of two states."""
        self.write({"a": f"state {state}\n", "d/c": f"state {state}\n"})
        for path in (self.source / "a", self.source / "d/c"):
            os.utime(path, (1000 + state, 1000 + state))
        self.before = every_stat(self.source)
        self.pristine = tree_state(self.source, without=(".git",))

    def __call__(self, *args, **options):
        return super().__call__(*args, env=self.env, **options)

    def hit(self, place, action, args):
        """Runs the command, its call (process, number) being hit; what came of it, and the calls until then."""
        where = ["--source", self.source] if args[0] in ("freeze", "create", "run") else []
        what = getattr(errno, action) if action in k_errors else action
        done = run([self.inject, self.report, *place, what, harness.snapfix_path(), args[0], *where, "--root", self.root,
                    *args[1:]], expect=None, timeout=90, env=self.env)
        return done, list(read_report(self.report))

    def clear(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def debris(self):
        inner = self.root / ".snapfix"
        if not inner.exists():
            return []
        found = [path for name in ("work", "trash") if (inner / name).exists() for path in (inner / name).iterdir()]
        found += [path for path in (inner / "objects").rglob("*") if path.name.startswith(("incoming.", "unfinished"))]
        return [str(path.relative_to(self.root)) for path in found] + self.strays()

    def half_written(self):
        return [str(path) for path in (self.root / ".snapfix").glob("*/.*")]

    def expect_pristine(self, name="t"):
        got = tree_state(self.root / name, without=(".git",))
        harness.assert_same_state(self.pristine, got, what=f"the source and the snapshot {name}")
        if (self.source / ".git").exists():
            for question in ("status --porcelain", "for-each-ref", "ls-files --stage", "rev-parse HEAD"):
                answers = [harness.git(folder, *question.split(), env={"GIT_OPTIONAL_LOCKS": "0"}).out for folder in (self.source, self.root / name)]
                assert answers[0] == answers[1], (question, answers)

    def expect_pristine_from_now_on(self):
        """Two, as one may be made of a spare."""
        for name in ("v", "w"):
            self("create", name)
            self.expect_pristine(name)
        self("remove", "v", "w")

    def expect_source_untouched(self):
        assert every_stat(self.source) == self.before, "the source was touched"

    def is_recorded(self, name="t"):
        return (self.root / ".snapfix/snapshots" / name).exists()


def points_of(calls):
    for fault in calls:
        if fault.changes:
            yield (fault.process, fault.number), "kill"
        for error in k_errors:
            if fault.call not in k_waits or error == "EINTR":
                yield (fault.process, fault.number), error


def sample(points, wanted):
    """A third of them kills, the same ones each time."""
    chosen = random.Random(7)
    kills = [point for point in points if point[1] == "kill"]
    others = [point for point in points if point[1] != "kill"]
    kills = chosen.sample(kills, min(len(kills), wanted // 3))
    return sorted(kills + chosen.sample(others, min(len(others), wanted - len(kills))))


def count_calls(p, command):
    """Of the command unhit. More workers come where calls are slow, which on a busy machine they seem to be: the shortest
    of three counts."""
    counts = []
    for _ in range(3):
        command.prepare(p)
        done, calls = p.hit((0, 0), "kill", command.args)
        assert done.code in command.ends, done
        assert calls, "no call was counted"
        counts.append(calls)
    return min(counts, key=len)


def hit_everywhere(tmp, command):
    p = Place(tmp, plain=command.plain)
    calls = count_calls(p, command)
    count = len(calls)
    points = list(points_of(calls))
    wanted = os.environ.get("SNAPFIX_FAULTS", str(k_sample))
    if wanted != "all":
        points = sample(points, int(wanted))
    counts = collections.Counter()
    started = time.monotonic()
    for place, action in points:
        for _ in range(k_tries):
            command.prepare(p)
            done, calls = p.hit(place, action, command.args)
            fault = calls[-1]
            if fault.action != "pass":  # else a run in which the workers shared the calls otherwise
                break
        if fault.action == "pass":
            counts["not reached"] += 1
            continue
        assert (fault[:2], fault.action) == (place, action), f"{fault} in place of {place}: {action}"
        try:
            p.expect_source_untouched()
            if action == "kill":
                counts["killed"] += 1
                command.check_failed(p)
            else:
                counts["failed" if done.code not in command.ends else "harmless"] += 1
                command.check_told(p, done, fault)
            command.again(p)
            command.settle(p)
            assert p.debris() == [], f"debris: {p.debris()}"
            if p.half_written():
                p("prune")
                assert p.half_written() == [], f"half-written: {p.half_written()}"
            p.expect_source_untouched()
        except (AssertionError, OSError) as wrong:
            raise AssertionError(f"{fault}\n{wrong}\n{done}") from None
    print(f"  {' '.join(command.args)}: {count} calls, {len(points)} points: "
          + ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
          + f"; {(time.monotonic() - started) / len(points) * 1000:.0f} ms each", flush=True)
    assert counts["killed"] > 0 and counts["failed"] > 0, counts
    assert counts["not reached"] <= len(points) / 8, counts
