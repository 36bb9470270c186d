"""A guard that is kept from answering: by callers that it waits for, by SIGSTOP, by the freezer. Nobody else waits for
ever, and each answer is right or an errno."""

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import time

import harness
from corners import needs_root
from harness import eventually, start
from leaks import Shared, assert_whole, k_absent, state
from lifecycle import processes


def test_callers_that_are_stuck_block_no_others(tmp):
    """70 threads name a file in memory that nobody brings (userfaultfd): others are answered."""
    needs_root()
    shared = Shared(tmp, {"a": "shared\n", "other": "other\n"})
    done = shared.expect_whole([shared.program, "stuck", "a", "other", "70", "25"], timeout=100)
    if done.code == k_absent:
        harness.skip(f"not on this kernel: {done.out.strip()}")
    assert done.code == 0 and done.out == "70 of 70\n", done


@contextlib.contextmanager
def opening(tmp, threads=16):
    """A program in the snapshot that opens files all the time, and its supervisor."""
    shared = Shared(tmp, {f"f{i}.{k}": "x\n" for i in range(threads) for k in range(40)})
    before = state(shared.p)
    process = start(shared.command(shared.p, [shared.program, "opens", ".", str(threads)], "on"), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    guard = None
    try:
        guard = eventually(lambda: processes(shared.p.root), "the supervisor runs")[0]
        yield guard
        out, err = process.communicate(timeout=60)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.kill(guard or process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    assert process.returncode == 0 and " 0 wrong" in out.decode(), (process.returncode, out, err)
    assert int(out.split()[0]) > 100, out
    assert_whole(before, state(shared.p), out)


k_random = random.Random(13)


def test_a_supervisor_that_is_stopped_and_continued(tmp):
    """At any moment: each open gives the file that it names, or an errno, and none waits for ever."""
    with opening(tmp) as guard:
        for _ in range(700):
            os.kill(guard, signal.SIGSTOP)
            time.sleep(k_random.random() * 0.002)
            os.kill(guard, signal.SIGCONT)
            time.sleep(k_random.random() * 0.004)


def freezer():
    """The folder of a cgroup of our own that can be frozen, and how: v2's cgroup.freeze or v1's freezer."""
    for top, file, frozen, thawed in (("/sys/fs/cgroup", "cgroup.freeze", "1", "0"), ("/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0"),
                                      ("/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED")):
        folder = pathlib.Path(top) / f"snapfix-test-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        if (folder / file).exists():
            return folder, folder / file, frozen, thawed
        folder.rmdir()
    harness.skip("no cgroup that can be frozen can be made here")
    return None


def test_a_supervisor_that_is_frozen_and_thawed(tmp):
    """As by `docker pause`, which holds it in the midst of a call of its own."""
    needs_root()
    folder, file, frozen, thawed = freezer()
    try:
        with opening(tmp) as guard:
            home = next((line.split(":", 2)[2] for line in pathlib.Path(f"/proc/{guard}/cgroup").read_text().splitlines()), "/")
            (folder / "cgroup.procs").write_text(str(guard))
            try:
                for _ in range(300):
                    file.write_text(frozen)
                    time.sleep(k_random.random() * 0.003)
                    file.write_text(thawed)
                    time.sleep(k_random.random() * 0.005)
            finally:
                file.write_text(thawed)
                with contextlib.suppress(OSError):
                    (folder.parent / home.strip("/") / "cgroup.procs").write_text(str(guard))
                    (folder.parent / "cgroup.procs").write_text(str(guard))
    finally:
        def gone():
            with contextlib.suppress(OSError):
                folder.rmdir()
            return not folder.exists()
        eventually(gone, "the cgroup is empty")


if __name__ == "__main__":
    harness.main()
