"""Everything at once: 64 processes use five names of one root, while the source is edited and switched.

Each file of the source holds the number of the round that wrote it, and its author notes each state before it
comes to be. So a snapshot that mixes two states is seen, and one of a state that was over when it was asked for.
And one command overtaken by others, behind each of its looks at the snapshot.

SNAPFIX_RACE_SECONDS: for how long (8); SNAPFIX_RACE_SEED repeats the choices, though not the order of events.
"""

import collections
import contextlib
import os
import pathlib
import random
import re
import threading
import time

import harness
from harness import git
from project import Project

k_seconds = float(os.environ.get("SNAPFIX_RACE_SECONDS", "8"))
k_seed = int(os.environ.get("SNAPFIX_RACE_SEED", str(time.time_ns() % 1_000_000_007)))
k_processes = 64
k_names = ("one", "two", "three", "four", "five")
k_watchdog = 240  # seconds: far more than any of them waits for all others
k_files = [f"d{n // 4}/f{n:02}" for n in range(16)]
k_own_files = {"main": "own-main", "side": "own-side"}  # of one branch each

k_job_failed = 7
# Tells what it finds, if nobody has run here before; then writes to all of it in place.
k_job = f"""
if [ ! -e ran ]; then
  echo pristine
  for f in * */*; do [ -d "$f" ] || {{ n=; read -r n <"$f"; echo "$f=$n"; }}; done
fi
: >ran
for f in d*/f*; do echo written >>"$f" || exit 99; done
for f in d1/f*; do : >"$f" || exit 99; done
exit $0
"""

# All that may be said by whom nothing is wrong with but what the others do meanwhile.
k_changing = r"the source .* is changing: "
k_absent = r"there is no snapshot "
k_replaced = r"the snapshot in .* is just being replaced or removed"
k_refusals = {
    "create": (k_changing, r"the snapshot .* was made of another state of the source"),
    "freeze": (k_changing,),
    "run": (k_changing,),
    "verify": (k_absent, k_replaced),
    "show": (k_absent,),
    "remove": (k_absent,),
}
k_never_said = re.compile(r"terminate|assert|sanitizer|json|std::|basic_string|errno|unknown error", re.IGNORECASE)


class Author(threading.Thread):
    """Writes the source round by round: in place, by rename, by `git switch`; each file in its turn."""

    def __init__(self, project, rng):
        super().__init__()
        self.top, self.rng = project.source, rng
        self.stop, self.failure = threading.Event(), None
        self.rounds = 0  # that are complete
        self.branch = "main"
        self.state = {}  # of what git tracks: each path with its content
        self.last_round = {}  # of each state that existed: the last round in which it did
        self.switch("00000000")

    def run(self):
        try:
            while not self.stop.is_set():
                number = f"{self.rounds + 1:08}"
                self.note()
                self.rng.choice((self.truncate_and_write, self.overwrite, self.rename, self.switch))(number)
                self.rounds += 1
                self.stop.wait(self.rng.random() * 0.4)
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure

    def note(self):
        self.last_round[frozenset(self.state.items())] = self.rounds + 1

    def write(self, number, put, contents):
        """Each file goes through the contents given, by what `put` does to its path."""
        paths = sorted(self.state)
        for path in paths:
            for content in contents:
                self.state[path] = content
                self.note()
        for path in paths:
            put(self.top / path, number)
            time.sleep(self.rng.random() * 0.01)

    def truncate_and_write(self, number):
        self.write(number, lambda path, text: path.write_text(text), ("", number))

    def overwrite(self, number):
        """And the old mtime and size: the ctime alone tells."""

        def put(path, text):
            before = os.lstat(path)
            with open(path, "r+", encoding="ascii") as file:
                file.write(text)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

        self.write(number, put, (number,))

    def rename(self, number):
        def put(path, text):
            (self.top / "new").write_text(text)
            os.rename(self.top / "new", path)

        self.write(number, put, (number,))

    def switch(self, number):
        """Git takes away what the other branch has not, then makes file after file anew; its index comes last."""
        own = k_own_files[self.branch]
        self.branch = "side" if self.branch == "main" else "main"
        other = k_own_files[self.branch]
        stream = f"commit refs/heads/{self.branch}\ncommitter Test <test@example.org> 0 +0000\ndata 0\ndeleteall\n"
        for path in [*k_files, other]:
            stream += f"M 100644 inline {path}\ndata {len(number)}\n{number}\n"
        git(self.top, "fast-import", "--quiet", "--force", stdin=stream)
        self.state.pop(own, None)
        self.note()
        for path in k_files:
            self.state.pop(path, None)
            self.note()
            for content in ("", number):
                self.state[path] = content
                self.note()
        self.state[other] = number
        self.note()
        git(self.top, "switch", "-q", "-f", self.branch)


class Races:
    def __init__(self, tmp):
        self.p = Project(tmp, {}, git="off")
        self.author = Author(self.p, random.Random(k_seed))
        self.counts = collections.Counter()
        self.failures = []
        self.end = time.monotonic() + k_seconds

    def go(self):
        self.p.freeze()
        self.author.start()
        workers = [threading.Thread(target=self.work, args=(random.Random(k_seed + n),)) for n in range(k_processes)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.author.stop.set()
        self.author.join()
        self.failures += [self.author.failure] if self.author.failure else []
        if self.failures:
            raise AssertionError(f"{len(self.failures)} failed, seed {k_seed}; the first: {self.failures[0]}")

    def work(self, rng):
        try:
            while not self.failures and (time.monotonic() < self.end or not self.has_seen_enough()):
                assert time.monotonic() < self.end + k_watchdog, f"nothing was done of: {self.counts}"
                self.one(rng)
        except BaseException as failure:  # pylint: disable=broad-except
            self.failures.append(failure)

    def has_seen_enough(self):
        """Where all were refused, or no tree was looked at, nothing is proved."""
        return self.counts["pristine"] >= 10 and all(
            self.counts[command, 0] for command in ("create", "run", "verify", "finish", "remove", "prune", "freeze", "list"))

    def one(self, rng):
        name = rng.choice(k_names)
        fresh = rng.choice(((), ("--fresh",)))
        code = rng.choice((0, 0, k_job_failed))
        command = rng.choice((
            ("create", name, "--fresh"),
            ("create", name),
            ("run", name, *fresh, "--guard", "on", "--", "sh", "-c", k_job, str(code)),
            ("run", name, *fresh, "--guard", "on", "--", "sh", "-c", k_job, str(code)),
            ("verify", name, *rng.choice(((), ("--content",)))),
            ("finish", name),
            ("remove", name),
            ("prune", *rng.choice(((), ("--keep", "4")))),
            ("freeze",),
            ("list", "--json"),
            ("show", name),
        ))
        complete = self.author.rounds
        done = self.p(*command, expect=None, timeout=k_watchdog)
        self.judge(command[0], code if command[0] == "run" else 0, done)
        if done.out.startswith("pristine\n"):
            self.judge_state(done, complete if fresh else 0)

    def judge(self, command, expected, done):
        assert not k_never_said.search(done.err), f"this is nothing for a user:\n{done}"
        self.counts[command, 0 if done.code == expected else done.code] += 1
        if done.code == expected:
            assert "snapfix: error: " not in done.err and "snapfix: warning: " not in done.err, done
            return
        assert done.code == (125 if command == "run" else 1), f"no exit code for this:\n{done}"
        errors = re.findall(r"^snapfix: error: (.*)", done.err, re.MULTILINE)
        assert len(errors) == 1 and any(re.match(words, errors[0]) for words in k_refusals.get(command, ())), \
            f"nothing to fail for:\n{done}"

    def judge_state(self, done, complete):
        """The tree was in a state of the source, and of none that was over when round `complete` was."""
        state = frozenset(tuple(line.split("=")) for line in done.out.splitlines()[1:])
        last = self.author.last_round.get(state)
        assert last is not None, f"a state that never existed: {sorted(state)}"
        assert last >= complete, f"a state of round {last}, after round {complete}: {sorted(state)}"
        self.counts["pristine"] += 1

    def expect_nothing_left(self):
        p = self.p
        for name in p.names():
            p("verify", name, "--content")
            p("remove", name)
        p("prune", "--spares", 0)
        state = p.root / ".snapfix"
        harness.eventually(lambda: not processes_of(p.root), "all processes have ended")
        left = {name: sorted(os.listdir(state / name)) for name in ("work", "trash", "snapshots", "runs")}
        assert not any(left.values()) and p.names() == [] and p.strays() == [], (left, p.names(), p.strays())
        locks = [lock for lock in os.listdir(state / "locks") if lock.startswith("name.")]
        assert not locks, f"locks of names that are not there: {locks}"
        p.expect_snapshot(p.create("t"))
        p("prune")
        objects = [file for _, _, files in os.walk(state / "objects") for file in files]
        assert len(objects) == len(k_files) + 1, f"one state is in use: {sorted(objects)}"
        assert len(os.listdir(state / "bases")) == 1, os.listdir(state / "bases")


def processes_of(root):
    """Those whose command lines name the root: {number: command line}."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                line = (entry / "cmdline").read_bytes()
                if os.fsencode(root) in line:
                    found[int(entry.name)] = line
    return found


def test_all_commands_at_once(tmp):
    races = Races(tmp)
    races.go()
    print(f"  {races.author.rounds} rounds of the author; {dict(races.counts)}", flush=True)
    races.expect_nothing_left()


class Overtaken:
    """A command on the snapshot `t` that is stopped behind one of its looks, while others do their work."""

    def __init__(self, tmp, command, files, options):
        self.p = Project(tmp, {"a": "1\n", "d/b": "2\n", **files}, git="off")
        self.changed, self.options = ["a", *files], options
        self.trace = tmp / "trace"
        self.aside = tmp / "aside"
        self.command = [harness.snapfix_path(), command[0], "--root", self.p.root, *command[1:]]
        self.edits = self.stopped = 0

    def refresh(self):
        """And the old state goes with its base."""
        self.edits += 1
        self.p.write({path: f"{self.edits}\n" for path in self.changed})
        self.p.create("t", "--fresh", *self.options)
        self.p("prune")

    def remove(self):
        self.p("remove", "t")
        self.p("prune")

    def take_away(self):
        os.rename(self.p.root / "t", self.aside)

    def put_back(self):
        """As a refresh does in the end."""
        os.rename(self.aside, self.p.root / "t")

    def looks(self):
        """The calls by which the command opens things or looks at the snapshot itself, once it has opened the root:
        (call, number)."""
        harness.run(["strace", "-o", self.trace, "-e", "trace=openat,statx", *self.command], expect=(0, 1))
        calls = [line for line in self.trace.read_text().splitlines() if line.startswith(("openat(", "statx("))]
        kinds = [call.partition("(")[0] for call in calls]
        opened = next(n for n, call in enumerate(calls) if '"trash"' in call)
        return [(kind, kinds[: n + 1].count(kind)) for n, kind in enumerate(kinds)
                if n > opened and (kind == "openat" or '"t"' in calls[n])]

    def run(self, look, others):
        """Where a helping thread takes its last looks, it has fewer."""
        done, was_stopped = harness.run_stopped(self.command, *look, others)
        self.stopped += was_stopped
        return done


def check_overtaken(tmp, command, expected, files=(), options=()):
    """The command sees the old snapshot, the new one, or none: nothing is said that no user could explain."""
    harness.require("strace")
    it = Overtaken(tmp, command, dict(files), options)
    nothing = lambda: None  # noqa: E731
    for before, others in ((nothing, it.refresh), (nothing, it.remove), (it.take_away, it.put_back)):
        it.refresh()
        before()
        looks = it.looks()
        for number, look in enumerate(looks):
            if number > 0:
                if not (it.p.root / "t").exists():
                    it.refresh()
                before()
            done = it.run(look, others)
            assert not k_never_said.search(done.err), done
            if done.code != 0:
                assert done.code == 1 and re.match(f"snapfix: error: ({k_absent}|{k_replaced})", done.err), done
            else:
                assert re.search(expected, done.out), done
    print(f"  {' '.join(command)}: overtaken {it.stopped} times", flush=True)
    assert it.stopped > 5, it.stopped


def test_verify_overtaken(tmp):
    """Of a snapshot that holds a uv project's lock: that is looked at as well."""
    (tmp / "uv").write_text("#!/bin/sh\necho uv 1\n")
    (tmp / "uv").chmod(0o755)
    check_overtaken(tmp, ("verify", "t"), "^shared 2, private 2, missing 0, added 0, changed through a link 0$",
                    {"uv.lock": "1\n", "pyproject.toml": "1\n"}, ("--uv-locked", ".", "--uv", tmp / "uv"))


def test_show_overtaken(tmp):
    check_overtaken(tmp, ("show", "t"), "t")


def test_list_overtaken(tmp):
    check_overtaken(tmp, ("list", "--json"), r'"damaged": ?\[\]')


def test_a_new_root_that_another_one_takes_away(tmp):
    """As a create does that fails, while the next one looks for the root."""
    harness.require("strace")
    p = Project(tmp, {"a": "1\n"}, plain=True)
    p.root.mkdir()
    command = [harness.snapfix_path(), "create", "t", "--source", p.source, "--root", p.root]
    trace = tmp / "trace"
    harness.run(["strace", "-o", trace, "-e", "trace=%file", *command])
    calls = [line for line in trace.read_text().splitlines() if "(" in line]
    kinds = [call.partition("(")[0] for call in calls]
    made = next(n for n, call in enumerate(calls) if ".snapfix" in call)
    looks = [(kind, kinds[: n + 1].count(kind)) for n, kind in enumerate(kinds[:made]) if f'"{p.root}"' in calls[n] and kind != "execve"]
    assert looks
    for look in looks:
        harness.remove_tree(p.root)
        p.root.mkdir()
        done, was_stopped = harness.run_stopped(command, *look, p.root.rmdir)
        assert was_stopped and done.code == 0, done


if __name__ == "__main__":
    harness.main()
