"""Killed at any call that changes something, and with any call failing: nothing is lost, and the next command is right.

inject.c counts the calls of a command; then each point is a run of its own: the n-th call does not come back (SIGKILL), or
fails with an errno. After each, whatever it was:

- the source is as it was (content, mode, mtime, links, ctime), and so is a snapshot beside it, which shares its files;
- the snapshot is whole, of one state, or not there;
- a failed call is told and exit code 1, or the command did what it was to do all the same;
- the same command, once more, does what it is to do, and no debris is left then.

A run of the tests takes a sample, the same each time; SNAPFIX_FAULTS=all takes every point, SNAPFIX_FAULTS=<number> so many
of each command.
"""

import collections
import errno
import os
import pathlib
import random
import shutil
import subprocess
import time

import harness
from harness import run, tree_state
from project import Project, every_stat

k_errors = ("ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENOMEM", "EACCES", "EROFS", "EINTR", "ESTALE")
k_waits = ("wait4", "poll")  # nothing else than a signal ends them early
k_killed = 128 + 9
k_sample = 130


def build_inject():
    harness.require("cc")
    program = harness.process_scratch() / "inject"
    if not program.exists():
        source = pathlib.Path(__file__).with_name("inject.c")
        built = run(["cc", "-O1", "-o", program, source], expect=None)
        if built.code != 0:
            harness.skip(f"inject.c does not compile here: {built.err.strip().splitlines()[-1]}")
        if run([program, "/dev/null", "1", "kill", "/bin/echo"], expect=None).code != k_killed:
            harness.skip("no process can be traced here")
    return program


class Fault(collections.namedtuple("Fault", "number changes call path action")):
    """A line of inject's report."""

    def __str__(self):
        return f"call {self.number}, {self.call} {self.path}: {self.action}"


def read_report(path):
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        number, changes, call, what, action = line.split(" ")
        yield Fault(int(number), changes == "!", call, what, action)


class Place(Project):
    """A tiny source and a root, and a command that is hit there."""

    def __init__(self, tmp, plain=True):
        super().__init__(tmp, {"a": "a\n", "b": "b\n" * 400, "d/c": "c\n", "d/e/f": "f\n"}, plain=plain)
        (self.source / "d/link").symlink_to("c")
        (self.source / "b").chmod(0o755)
        if not plain:
            self.git("add", "-A")
            self.git("commit", "-qm", "second")
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

    def hit(self, number, action, args):
        """Runs the command, its call of that number being hit; what came of it, and the calls until then."""
        where = ["--source", self.source] if args[0] in ("freeze", "create", "run") else []
        number_of_error = getattr(errno, action) if action in k_errors else action
        done = run([self.inject, self.report, number, number_of_error, harness.snapfix_path(), args[0], *where, "--root", self.root,
                    *args[1:]], expect=None, timeout=90)
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
        harness.assert_same_state(self.pristine, tree_state(self.root / name), what=f"the source and the snapshot {name}")

    def expect_source_untouched(self):
        assert every_stat(self.source) == self.before, "the source was touched"

    def is_recorded(self, name="t"):
        return (self.root / ".snapfix/snapshots" / name).exists()


class Command:
    """A command that is hit: how its place is prepared, and what is right afterwards."""

    args = ()
    ends = (0,)  # the exit codes of one that did what it is to do
    fails = 1
    plain = True

    def prepare(self, p):
        p.clear()

    def old(self, p):
        """What may stand, too, where the command failed: a state of t as tree_state() has it."""
        return None

    def check_failed(self, p):
        """After a kill or a failure."""
        if p.t.exists() and not p.t.is_symlink():
            state = tree_state(p.t)
            if state == self.old(p):
                assert p.is_recorded(), "the old snapshot stands, and is not on record"
            else:
                p.expect_pristine()
                assert p.is_recorded(), "the new snapshot stands, and is not on record"

    def check_done(self, p):
        """After it did what it is to do."""
        p.expect_pristine()

    def check_told(self, p, done, fault):
        if done.code in self.ends:
            self.check_done(p)
            return
        assert done.code == self.fails, f"exit code {done.code}"
        assert "snapfix: error: " in done.err, "it failed without a word"
        self.check_failed(p)

    def again(self, p):
        done = p(*self.args, expect=None)
        assert done.code in self.ends, f"the same command again:\n{done}"
        self.check_done(p)

    def settle(self, p):
        """What removes debris, where the command does not."""


def points_of(calls):
    for fault in calls:
        if fault.changes:
            yield fault.number, "kill"
        for error in k_errors:
            if fault.call not in k_waits or error == "EINTR":
                yield fault.number, error


def sample(points, wanted):
    """A third of them kills, the same ones each time."""
    chosen = random.Random(7)
    kills = [point for point in points if point[1] == "kill"]
    others = [point for point in points if point[1] != "kill"]
    kills = chosen.sample(kills, min(len(kills), wanted // 3))
    return sorted(kills + chosen.sample(others, min(len(others), wanted - len(kills))))


def hit_everywhere(tmp, command):
    p = Place(tmp, plain=command.plain)
    command.prepare(p)
    done, calls = p.hit(0, "kill", command.args)
    assert done.code in command.ends, done
    assert calls, "no call was counted"
    points = list(points_of(calls))
    wanted = os.environ.get("SNAPFIX_FAULTS", str(k_sample))
    if wanted != "all":
        points = sample(points, int(wanted))
    counts = collections.Counter()
    started = time.monotonic()
    for number, action in points:
        command.prepare(p)
        done, calls = p.hit(number, action, command.args)
        if len(calls) < number:
            counts["not reached"] += 1  # threads: the calls are not the same ones each time
            continue
        fault = calls[-1]
        assert fault.action == action, f"{fault} in place of {action}"
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
    print(f"  {' '.join(command.args)}: {len(calls)} calls, {len(points)} points: "
          + ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
          + f"; {(time.monotonic() - started) / len(points) * 1000:.0f} ms each", flush=True)
    assert counts["killed"] > 0 and counts["failed"] > 0, counts
    assert counts["not reached"] <= len(points) / 20, counts


class Freeze(Command):
    args = ("freeze",)

    def check_failed(self, p):
        assert p.names() == []

    def check_done(self, p):
        assert p.names() == []

    def again(self, p):
        super().again(p)
        p("create", "t")
        p.expect_pristine()


class FreezeWithGit(Freeze):
    plain = False


class FreezeOfASecondState(Freeze):
    """The root has a base and a snapshot of another state."""

    def prepare(self, p):
        p.clear()
        p("create", "keep", "--exclude", "b")
        (p.root / ".snapfix/sources").joinpath(next(iter(os.listdir(p.root / ".snapfix/sources")))).unlink()

    def check_failed(self, p):
        assert p.names() == ["keep"]
        assert p("verify", "keep", "--content").code == 0

    def check_done(self, p):
        self.check_failed(p)


class Create(Command):
    args = ("create", "t")


class CreateASecond(Command):
    args = ("create", "t")

    def prepare(self, p):
        p.clear()
        p("create", "u")

    def check_done(self, p):
        p.expect_pristine()
        p.expect_pristine("u")


class CreateCopies(Command):
    args = ("create", "t", "--link-mode", "copy")


class Refresh(Command):
    """A snapshot that was used: files changed, gone and new."""

    args = ("create", "t", "--fresh")

    def prepare(self, p):
        p.clear()
        p("create", "u")
        p("create", "t")
        (p.t / "a").unlink()
        (p.t / "a").write_text("private\n")
        shutil.rmtree(p.t / "d/e")
        (p.t / "new").mkdir()
        (p.t / "new/x").write_text("x")
        self.used = tree_state(p.t)

    def old(self, p):
        return self.used

    def check_done(self, p):
        p.expect_pristine()
        p.expect_pristine("u")


class RefreshToAnotherState(Refresh):
    """A tree that is half of one state and half of another must pass for neither."""

    def prepare(self, p):
        p.clear()
        p.become(0)
        p("create", "t")
        self.used = tree_state(p.t)
        p.become(1)

    def check_failed(self, p):
        super().check_failed(p)
        done = p("create", "t", expect=(0, 1))  # not --fresh: a tree of this state is used as it stands
        if done.code == 0:
            p.expect_pristine()

    def check_done(self, p):
        p.expect_pristine()


class RefreshOfAKeptOne(Refresh):
    """A snapshot whose run has no recorded end: it is made anew beside it."""

    def prepare(self, p):
        super().prepare(p)
        (p.root / ".snapfix/runs/t").write_text('{"command": ["x"]}')


class RefreshHeals(Refresh):
    """An object is damaged."""

    def prepare(self, p):
        super().prepare(p)
        with open(p.t / "b", "a", encoding="ascii") as shared:
            shared.write("through the link\n")
        p("create", "u", "--fresh")  # heals; t keeps the old object
        with open(p.root / "u/b", "a", encoding="ascii") as shared:
            shared.write("through the link\n")
        self.used = tree_state(p.t)

    def check_done(self, p):
        p.expect_pristine()


class Run(Command):
    args = ("run", "t", "--guard=off", "--", "sh", "-c", "echo y >new; exit 3")
    ends = (3,)
    fails = 125

    def prepare(self, p):
        p.clear()
        p("create", "u")

    def check_failed(self, p):
        p.expect_pristine("u")
        if p.t.exists():
            state = tree_state(p.t)
            state.pop(b"new", None)
            state[b"."] = p.pristine[b"."]
            harness.assert_same_state(p.pristine, state)
            assert p.is_recorded()

    def check_done(self, p):
        assert (p.t / "new").read_text() == "y\n"
        self.check_failed(p)


class RunGuarded(Run):
    """Whatever fails or dies, the shared file stays whole, and the command's own end counts."""

    args = ("run", "t", "--", "sh", "-c", "echo x >>a && echo y >new")
    ends = (0,)

    def check_failed(self, p):
        p.expect_pristine("u")
        if p.t.exists():
            assert (p.t / "a").read_text() in ("a\n", "a\nx\n")
            assert p.is_recorded()

    def check_done(self, p):
        assert (p.t / "a").read_text().startswith("a\nx\n")
        self.check_failed(p)

    def check_told(self, p, done, fault):
        if done.code == 2 and "cannot create" in done.err:  # the command's own failure: its call got the errno
            self.check_failed(p)
        else:
            super().check_told(p, done, fault)

    def again(self, p):
        done = p(*self.args[:2], "--fresh", *self.args[2:], expect=None)
        assert done.code in self.ends, done
        assert (p.t / "a").read_text() == "a\nx\n"
        self.check_failed(p)


class Gone(Command):
    """A command after which the snapshot is not there."""

    def prepare(self, p):
        p.clear()
        p("create", "u")
        p("run", "t", "--guard=off", "--", "true")
        self.used = tree_state(p.t)

    def old(self, p):
        return self.used

    def check_done(self, p):
        assert p.names() == ["u"], p.names()
        p.expect_pristine("u")


class Remove(Gone):
    args = ("remove", "t")

    def again(self, p):
        p(*self.args, expect=(0, 1))  # it may be removed already
        self.check_done(p)

    def settle(self, p):
        p("create", "u")


class Finish(Gone):
    args = ("finish", "t")


class FinishKeeps(Gone):
    args = ("finish", "t")

    def prepare(self, p):
        p.clear()
        p("create", "u")
        p("run", "t", "--guard=off", "--", "false", expect=1)
        self.used = tree_state(p.t)

    def check_failed(self, p):
        self.check_done(p)

    def check_done(self, p):
        assert tree_state(p.t) == self.used and p.is_recorded()
        p.expect_pristine("u")


class FinishHeals(FinishKeeps):
    """What was found is told, whatever fails after it."""

    args = ("finish", "t", "--keep", "never")
    ends = (3,)

    def prepare(self, p):
        super().prepare(p)
        with open(p.t / "a", "a", encoding="ascii") as shared:
            shared.write("through the link\n")

    def check_failed(self, p):
        assert not p.t.exists() or p.is_recorded()

    def check_done(self, p):
        assert p.names() == ["u"]

    def check_told(self, p, done, fault):
        if done.code == 3:
            assert "'a' was changed through a link" in done.err, "the finding is lost"
        if done.code != 3 or "has not been healed" not in done.err:
            super().check_told(p, done, fault)

    def again(self, p):
        p(*self.args, expect=(0, 3))
        self.check_done(p)
        p("create", "t")
        p.expect_pristine()
        p("create", "u", "--fresh")
        p.expect_pristine("u")


class VerifyHeals(FinishHeals):
    args = ("verify", "t")

    def check_done(self, p):
        assert p.names() == ["t", "u"]

    def again(self, p):
        p(*self.args, expect=3)
        p("create", "t", "--fresh")
        p.expect_pristine()


class Prune(Gone):
    args = ("prune", "--keep", "1")

    def prepare(self, p):
        super().prepare(p)
        (p.root / ".snapfix/trash/debris").mkdir()
        os.utime(p.root / ".snapfix/snapshots/t", (1, 1))

    def check_told(self, p, done, fault):
        if done.code == 0 and p.names() == ["t", "u"] or "stays in the trash" in done.err:
            assert "snapfix: note: " in done.err, "something stays, and nothing is said"
        else:
            super().check_told(p, done, fault)


def make_test(command):
    def test(tmp):
        hit_everywhere(tmp, command())

    return test


for name, value in list(globals().items()):
    if isinstance(value, type) and issubclass(value, Command) and value.args:
        globals()["test_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")] = make_test(value)


if __name__ == "__main__":
    harness.main()
