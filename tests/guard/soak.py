"""A long run: after thousands of guarded calls the supervisor is as it was at its start.

SNAPFIX_SOAK_ROUNDS: of some 230 calls each (50).
"""

import collections
import os
import pathlib
import subprocess
import sys

import harness
from harness import start
from lifecycle import guard_of, snapfix_command, supervisor
from project import Project

k_rounds = int(os.environ.get("SNAPFIX_SOAK_ROUNDS", "50"))
k_warm_up = 20  # rounds, until every buffer has its size
k_grown_kb = 256  # 30 bytes a call would be more

# Does so many rounds as each line that it reads says: itself, by a thread that comes and goes, and by a process.
k_job = """
import os, subprocess, sys, threading
def calls():
    for i in range(4):
        for flags in (os.O_WRONLY, os.O_RDWR | os.O_APPEND, os.O_WRONLY | os.O_TRUNC):
            os.close(os.open("private", flags))
        os.chmod("private", 0o600 + i % 2)
        os.truncate("private", i % 5)
        os.utime("private")
        os.link("private", "link")
        os.unlink("link")
        try:
            os.close(os.open("nowhere/file", os.O_WRONLY))
        except FileNotFoundError:
            pass
shared = sorted(os.listdir("shared"))
for line in sys.stdin:
    for _ in range(int(line)):
        calls()
        thread = threading.Thread(target=lambda: [calls() for _ in range(4)])
        thread.start()
        thread.join()
        subprocess.run(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo $i >>private; done"], check=True)
        if shared:
            with open("shared/" + shared.pop(), "a") as file: # a copy, and a link less
                file.write("x")
    print("done", flush=True)
"""

Held = collections.namedtuple("Held", "descriptors threads kilobytes")


def held_by(process):
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return Held(len(os.listdir(f"/proc/{process}/fd")), int(fields["Threads"]), int(fields["VmRSS"].split()[0]))


def test_the_supervisor_stays_as_it_is(tmp):
    p = Project(tmp, {"private": "x\n", **{f"shared/{n}": "y" * (n % 4) * 100_000 for n in range(200)}})
    command = snapfix_command(p, "run", "t", "--guard", "on", "--", sys.executable, "-S", "-B", "-c", k_job)
    run = start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:

        def do(rounds):
            run.stdin.write(f"{rounds}\n")
            run.stdin.flush()
            assert run.stdout.readline() == "done\n"
            return held_by(supervisor(p))

        def settled():
            """The least of ten looks: it may have a caller's memory open, or a thread more where it was stuck."""
            return Held(*map(min, zip(*(do(1) for _ in range(10)))))

        do(k_warm_up)
        before = settled()
        do(k_rounds)
        after = settled()
        run.stdin.close()
        assert run.wait(timeout=60) == 0
    finally:
        run.kill()
        run.wait()
    guard = guard_of(p)
    counted = sum(calls["count"] for calls in guard["calls"].values())
    print(f"  {counted} calls; {before}, then {after}", flush=True)
    assert len(guard["private"]) == 1 + min(200, k_warm_up + k_rounds + 20), guard["private"]
    assert counted >= 180 * k_rounds and not guard["failed"] and not guard["unjudged"], guard
    assert after.descriptors <= before.descriptors and after.threads <= before.threads, (before, after)
    if not harness.is_sanitized():
        assert after.kilobytes - before.kilobytes < k_grown_kb, (before, after)


if __name__ == "__main__":
    harness.main()
