"""Killed at any call that changes something, and with any call failing: nothing is lost, and the next command is right.

Each point is a run of its own (see injection.py). After each, whatever it was:

- the source is as it was (content, mode, mtime, links, ctime), and so is a snapshot beside it, which shares its files;
- the snapshot is whole, of one state, or not there;
- a failed call is told and exit code 1, or the command did what it was to do all the same;
- the same command, once more, does what it is to do, and no debris is left then.

A run of the tests takes a sample, the same each time; SNAPFIX_FAULTS=all takes every point, SNAPFIX_FAULTS=<number> so many
of each command.
"""

import os
import shutil

import harness
from harness import tree_state
from injection import hit_everywhere


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

    def may_end(self, done, fault):
        """Whether another exit code is right for that fault."""
        return False

    def check_told(self, p, done, fault):
        if done.code in self.ends:
            self.check_done(p)
            return
        assert done.code == self.fails or self.may_end(done, fault), f"exit code {done.code}"
        assert "snapfix: error: " in done.err or fault.keeps_words(), "it failed without a word"
        self.check_failed(p)

    def again(self, p):
        done = p(*self.args, expect=None)
        assert done.code in self.ends, f"the same command again:\n{done}"
        self.check_done(p)

    def settle(self, p):
        """What removes debris, where the command does not."""


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


class CreateBeside(Command):
    """In a new root, beside one that has all of the source."""

    args = ("create", "t")

    def prepare(self, p):
        p.clear()
        self.beside = p.root.with_name("beside")
        if not self.beside.exists():
            harness.snapfix("create", "u", "--source", p.source, "--root", self.beside, env=p.env)
            self.left = tree_state(self.beside)

    def check_failed(self, p):
        super().check_failed(p)
        harness.assert_same_state(self.left, tree_state(self.beside), what="the root beside, before and now")

    def check_done(self, p):
        p.expect_pristine()
        assert p("verify", "t", "--content").code == 0
        harness.assert_same_state(self.left, tree_state(self.beside), what="the root beside, before and now")


class CreateOfASpare(CreateASecond):
    """Out of a tree that was handed on: it is whole under one of its names, or goes."""

    def prepare(self, p):
        super().prepare(p)
        p("create", "s")
        (p.root / "s/d/new").write_text("a job's\n")
        (p.root / "s/b").unlink()
        p("finish", "s", "--keep", "never", "--spares", 1)
        assert os.listdir(p.root / ".snapfix/spares")

    def again(self, p):
        super().again(p)
        p("create", "v")
        p.expect_pristine("v")
        p("remove", "v")


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

    def check_told(self, p, done, fault):
        super().check_told(p, done, fault)
        is_said = "note: the old snapshot 't' is gone" in done.err or fault.keeps_words()
        assert p.t.exists() or is_said, "it is gone, and nothing is said"

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


class Update(Command):
    """What a job has made stays, whatever fails; what was cut short can be ended, and is used for nothing until then."""

    args = ("create", "t", "--update")

    def prepare(self, p):
        p.clear()
        p.become(0)
        p("create", "u", "--copy", "b")
        p("create", "t")
        (p.t / "log").write_text("a job's\n")
        (p.t / "d/out").mkdir()
        (p.t / "d/out/log").write_text("a job's\n")
        (p.t / "d/c").unlink()
        (p.t / "d/c").write_text("changed by a job\n")
        self.used = tree_state(p.t)
        p.become(1)

    def expect_jobs_files(self, p):
        assert (p.t / "log").read_text() == (p.t / "d/out/log").read_text() == "a job's\n"

    def check_failed(self, p):
        self.expect_jobs_files(p)
        assert p.is_recorded()
        if tree_state(p.t) != self.used:
            done = p("create", "t", expect=(0, 1))
            if done.code == 0:
                self.check_done(p)
            else:
                assert "cut short" in done.err, done

    def check_done(self, p):
        self.expect_jobs_files(p)
        state = tree_state(p.t)
        for path in (b"log", b"d/out", b"d/out/log"):
            del state[path]
        harness.assert_same_state(p.pristine, state, what="the source and the updated snapshot")
        assert p("verify", "t", "--content").code == 0


class Run(Command):
    args = ("run", "t", "--guard=off", "--", "/bin/sh", "-c", "echo y >new; exit 3")
    ends = (3,)
    fails = 125

    def may_end(self, done, fault):
        return fault.call in ("execve", "chdir") and done.code == 126 and "snapfix: error: cannot run '/bin/sh'" in done.err

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

    args = ("run", "t", "--guard=on", "--", "/bin/sh", "-c", "echo x >>a && echo y >new")
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
        done = p("run", "t", "--fresh", *self.args[2:], expect=None)
        assert done.code in self.ends, done
        assert (p.t / "a").read_text() == "a\nx\n"
        self.check_failed(p)


class Gone(Command):
    """A command after which the snapshot is not there."""

    def prepare(self, p):
        p.clear()
        p("create", "u")
        p("run", "t", "--guard=off", "--", "/bin/true")
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


class FinishHandsOn(Gone):
    """A tree that a job has worked in. Whatever is handed on afterwards is pristine."""

    args = ("finish", "t", "--keep", "never", "--spares", "2")

    def prepare(self, p):
        p.clear()
        p("create", "u")
        p("create", "t")
        p("finish", "t", "--keep", "never", "--spares", 1)
        p("create", "t")  # some folders of it are known to be pristine
        (p.t / "d/e").chmod(0o700)
        (p.t / "d/new").mkdir()
        (p.t / "b").unlink()
        self.used = tree_state(p.t)

    def check_failed(self, p):
        if p.t.exists() and p.is_recorded() and tree_state(p.t) != self.used:
            p.expect_pristine()

    def again(self, p):
        super().again(p)
        p.expect_pristine_from_now_on()


class RunAndFinish(Run):
    """It takes a tree that was handed on, and hands it on. What is not finished then, the end of the ctest run finishes."""

    args = ("run", "t", "--guard=off", "--finish", "--keep=never", "--spares=2", "--", "/bin/sh", "-c", "echo y >new; rm b; exit 3")

    def prepare(self, p):
        super().prepare(p)
        p("create", "t")
        p("finish", "t", "--keep", "never", "--spares", 1)

    def check_failed(self, p):
        p.expect_pristine("u")
        assert not p.t.exists() or p.is_recorded()

    def check_done(self, p):
        assert p.names() == ["u"], p.names()
        p.expect_pristine("u")

    def again(self, p):
        p("finish-run")
        assert not p.t.exists() or not (p.root / ".snapfix/runs/t").exists(), "a run that was killed is not finished"
        assert not p.t.exists(), "a tree is left of a run that was killed"
        super().again(p)
        p.expect_pristine_from_now_on()


class RunLaunched(RunAndFinish):
    """The points are the submitter's: what does the work is another helper, the root's."""

    args = ("run", "t", "--guard=off", "--launcher=/usr/bin/env", *RunAndFinish.args[3:])

    def may_end(self, done, fault):
        return fault.call in ("execve", "chdir") and done.code == 126 and "snapfix: error: cannot start the job" in done.err


class FinishKeeps(Gone):
    args = ("finish", "t")

    def prepare(self, p):
        p.clear()
        p("create", "u")
        p("run", "t", "--guard=off", "--", "/bin/false", expect=1)
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
        if done.code == 3 or not p.t.exists():
            assert "'a' was changed through a link" in done.err or fault.keeps_words(), "the finding is lost"
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


class VerifyHealsBeside(VerifyHeals):
    """A snapshot in a root beside shares the file: it is named, or it is said that nobody knows."""

    def prepare(self, p):
        self.beside = p.root.with_name("beside")
        shutil.rmtree(self.beside, ignore_errors=True)
        p.clear()
        p("create", "u")
        harness.snapfix("create", "t", "--source", p.source, "--root", self.beside, env=p.env)
        p("run", "t", "--guard=off", "--", "/bin/false", expect=1)
        with open(p.t / "a", "a", encoding="ascii") as shared:
            shared.write("through the link\n")

    def check_told(self, p, done, fault):
        super().check_told(p, done, fault)
        if done.code == 3 and "has not been healed" not in done.err and not fault.keeps_words():
            assert f"{self.beside}/t" in done.err or "is not known" in done.err, "one that shares it is not named"

    def again(self, p):
        super().again(p)
        harness.snapfix("verify", "t", "--root", self.beside, env=p.env, expect=3)


class Prune(Gone):
    args = ("prune", "--keep", "1")

    def prepare(self, p):
        super().prepare(p)
        (p.root / ".snapfix/trash/debris").mkdir()
        os.utime(p.root / ".snapfix/snapshots/t", (1, 1))

    def check_told(self, p, done, fault):
        if done.code == 0 and p.names() == ["t", "u"] or "stays in the trash" in done.err:
            assert "snapfix: note: " in done.err or fault.keeps_words(), "something stays, and nothing is said"
        else:
            super().check_told(p, done, fault)


class Pack(Command):
    """An old pack stays, or a whole one takes its place."""

    args = ("pack", "t")

    def prepare(self, p):
        p.clear()
        p("create", "t")
        self.pack = p.root.with_name("pack")
        self.pack.write_text("old")
        self.args = ("pack", "t", "-o", str(self.pack))

    def check_failed(self, p):
        if self.pack.read_bytes() != b"old":
            self.check_done(p)

    def check_done(self, p):
        p("repro", self.pack, "--source", p.source, "--as", "made")
        p.expect_pristine("made")
        p("remove", "made")


class Repro(Command):
    args = ("repro",)
    fails = 125

    def prepare(self, p):
        pack = p.root.with_name("pack")
        if len(self.args) == 1:
            p("create", "t")
            p("pack", "t", "-o", pack)
            self.args = ("repro", str(pack), "--source", str(p.source), "--fresh")
        p.clear()


def make_test(command):
    def test(tmp):
        hit_everywhere(tmp, command())

    return test


for name, value in list(globals().items()):
    if isinstance(value, type) and issubclass(value, Command) and value.args:
        globals()["test_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")] = make_test(value)


if __name__ == "__main__":
    harness.main()
