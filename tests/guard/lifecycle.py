"""The guard's processes: what they pass on, what they outlive, what is left where one of them is killed."""

import contextlib
import json
import os
import pathlib
import pty
import select
import shlex
import signal
import struct
import subprocess
import sys
import time

import harness
from harness import eventually, start
from project import Project, assert_fails, assert_says, inode


def objects(p):
    """Every object of the store: content, and all of its stat but links and ctime."""
    out = {}
    for folder, _, names in os.walk(p.root / ".snapfix/objects"):
        for name in names:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            with open(path, "rb") as file:
                out[path] = (status.st_ino, status.st_mode, status.st_uid, status.st_mtime_ns, file.read())
    return out


def snapfix_command(p, *args):
    return [harness.snapfix_path(), args[0], "--source", p.source, "--root", p.root, *args[1:]]


def shell(p, name, script, *options, **more):
    return p("run", name, *options, "--", "bash", "-c", script, **more)


def guard_of(p, name="t"):
    return p("show", name, "--json").json()["run"]["guard"]


def staging_is_clear(p):
    return os.listdir(p.root / ".snapfix/work") == []


def processes(of_root):
    """Supervisors with a folder of that root among their arguments, which are the caller's."""
    out = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and pathlib.Path(f"/proc/{entry}/comm").read_text() == "snapfix-guard\n":
                if os.fsencode(of_root) in pathlib.Path(f"/proc/{entry}/cmdline").read_bytes():
                    out.append(int(entry))
    return out


def supervisor(p):
    return eventually(lambda: processes(p.root), "the supervisor runs")[0]


def until_file(path):
    return eventually(lambda: path.exists() and path.read_text().strip(), f"{path.name} is there")


def test_what_it_says_and_records(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n", "odd\n\udcffname": "3\n", "same": "4\n"})
    p.create("t")
    done = shell(p, "t", "echo x >>a; chmod 600 b; cat same; : >>$'odd\\n\\xffname'")
    assert done.err == "" and done.out == "4\n", "it says nothing of itself"
    guard = guard_of(p)
    assert guard["state"] == "on" and not guard["failed"] and not guard["unjudged"], guard
    assert [(f["call"], f["program"]) for f in guard["private"]] == [
        ("openat", "bash"), ("fchmodat", "chmod"), ("openat", "bash")], guard
    assert guard["private"][2]["path_hex"] == b"odd\n\xffname".hex(), guard
    assert guard["calls"]["openat"]["count"] >= 2 and guard["calls"]["openat"]["seconds"] > 0, guard
    report = tmp / "report.json"
    loud = shell(p, "u", "echo x >>a", "-v", "--json-report", report)
    assert_says(loud, "'a' became private", "openat of 'bash'")
    assert json.loads(report.read_text())["guard"]["private"][0]["path"] == "a"
    assert "environment" not in json.loads(report.read_text()), "it may hold secrets"
    assert "'a' became private: openat of 'bash'" in p("show", "u").out


def test_a_report_that_cannot_be_written_changes_no_exit_code(tmp):
    p = Project(tmp)
    done = shell(p, "t", "exit 7", "--json-report", tmp / "nowhere/report", expect=7)
    assert_says(done, "nowhere")


def test_nothing_to_protect_no_supervisor(tmp):
    p = Project(tmp)
    for name, mode in (("copied", "copy"), ("reflinked", "reflink")):
        done = shell(p, name, "ps -o ppid= -p $$", "--link-mode", mode, "--source-writes", "allow")
        state = guard_of(p, name)["state"]
        made = p("show", name, "--json").json()["ledger"]
        assert state == ("on" if made["linked"] else "not needed"), (state, made)
    assert shell(p, "off", "echo x", "--guard", "off").out == "x\n"
    assert guard_of(p, "off")["state"] == "off"
    assert not processes(p.root)


def test_the_environment_is_the_callers_and_four_variables(tmp):
    p = Project(tmp)
    printed = {}
    for guard in ("on", "off"):
        printed[guard] = shell(p, "t", "env -0", "--guard", guard).out.split("\0")
    assert sorted(printed["on"]) == sorted(printed["off"])


def test_start_reads_a_list_and_scans_nothing(tmp):
    """So many files more cost not one system call more."""
    harness.require("strace")
    counts = {}
    for number in (10, 1000):
        p = Project(tmp / str(number), {f"d{n % 7}/f{n}": "x" for n in range(number)}, plain=True)
        p.create("t")
        trace = tmp / f"trace{number}"
        harness.run(["strace", "-f", "-c", "-o", trace, harness.snapfix_path(), "run", "--source", p.source,
                     "--root", p.root, "t", "--guard", "on", "--", "true"])
        calls = {}
        for line in trace.read_text().splitlines():
            words = line.split()
            # Not the stats: what the run leaves is counted afterwards, with one a file.
            if words and words[-1] in ("openat", "fstat", "getdents64", "openat2", "read", "pread64"):
                calls[words[-1]] = int(words[3])
        counts[number] = calls
    assert all(abs(counts[1000][n] - counts[10].get(n, 0)) <= 40 for n in counts[1000]), counts


def test_a_daemon_is_served_to_its_end_and_holds_nothing_of_ctests(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    p.create("t")
    before = objects(p)
    script = ("setsid sh -c 'exec >/dev/null 2>&1 </dev/null; echo $$ >pid; until [ -e go ]; do sleep 0.05; done; "
              "echo late >>a; touch done; until [ -e end ]; do sleep 0.05; done' & until [ -s pid ]; do sleep 0.02; done; "
              "echo out")
    done = shell(p, "t", script)  # returns although the daemon lives: nobody else holds its pipes
    assert done.out == "out\n" and "outlives the command" in done.err, done
    t = p.root / "t"
    assert processes(p.root), "somebody must answer the daemon's calls"
    (t / "go").touch()
    eventually((t / "done").exists, "the daemon has written")
    assert (t / "a").read_text() == "1\nlate\n" and objects(p) == before
    (t / "end").touch()
    eventually(lambda: not processes(p.root), "the supervisor ends with the last process")
    assert staging_is_clear(p)


def test_the_supervisor_holds_no_descriptor_of_the_callers(tmp):
    p = Project(tmp)
    with open(tmp / "precious", "w", encoding="ascii") as precious:
        process = start(snapfix_command(p, "run", "t", "--", "sh", "-c", "echo $$ >pid; until [ -e go ]; do sleep 0.05; done"),
                        stdout=subprocess.PIPE, pass_fds=[precious.fileno()])
    until_file(p.root / "t/pid")
    watched = supervisor(p)
    held = {os.readlink(f"/proc/{watched}/fd/{fd}") for fd in os.listdir(f"/proc/{watched}/fd")}
    assert not [h for h in held if "precious" in h or "pipe:" in h or ".snapfix/locks" in h], held
    assert os.readlink(f"/proc/{watched}/cwd") == "/"
    (p.root / "t/go").touch()
    assert process.wait(timeout=20) == 0


def test_a_fresh_snapshot_while_a_daemon_of_an_earlier_run_lives(tmp):
    """Its old tree is gone; by what it holds open it is guarded against the inodes that it began with."""
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    p.create("t")
    before = objects(p)
    daemon = ("import os, time\n"
              "a, b = os.open('a', os.O_RDONLY), os.open('b', os.O_PATH)\n"
              "open('ready', 'w').write('yes')\n"
              f"while not os.path.exists('{tmp}/go'): time.sleep(0.05)\n"
              "os.fchmod(a, 0o600)\n"
              "os.write(os.open(f'/proc/self/fd/{a}', os.O_WRONLY | os.O_APPEND), b'late')\n"
              "os.write(os.open(f'/proc/self/fd/{b}', os.O_WRONLY | os.O_APPEND), b'late')\n"
              "os.chmod(f'/proc/self/fd/{b}', 0o600)\n"
              f"open('{tmp}/done', 'w').write(repr((os.fstat(a).st_mode, os.fstat(a).st_size)))\n")
    (tmp / "daemon.py").write_text(daemon)
    shell(p, "t", f"setsid python3 {tmp}/daemon.py </dev/null >/dev/null 2>{tmp}/err & until [ -s ready ]; do sleep 0.02; done")
    p.expect_snapshot(p.create("t", "--fresh"))
    (tmp / "go").touch()
    assert until_file(tmp / "done") == repr((0o100600, 6)), (tmp / "err").read_text()
    p.expect_snapshot(p.root / "t")
    assert objects(p) == before
    p("verify", "t", "--content")


def test_the_supervisor_killed(tmp):
    """The program's writes and starts fail, the objects stay whole, and the run fails as its own."""
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    p.create("t")
    before = objects(p)
    process = start(snapfix_command(p, "run", "t", "--", "bash", "-c",
                                    "echo x >>b; echo $$ >pid; until [ -d go ]; do :; done; "
                                    "echo y >>a; echo $?; /bin/true; echo $?; read -r line <a; echo $line"),
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until_file(p.root / "t/pid")
    os.kill(supervisor(p), signal.SIGKILL)
    (p.root / "t/go").mkdir()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 125, (process.returncode, out, err)
    assert b"the guard was killed" in err, err
    assert out == b"1\n126\n1\n", (out, err)
    assert objects(p) == before and staging_is_clear(p)
    assert (p.root / "t/b").read_text() == "2\nx\n"


def test_killed_while_it_copies(tmp):
    """Whenever it comes: no half file in the snapshot, no staging file."""
    p = Project(tmp, {"big": "x" * 30_000_000, "a": "1\n"})
    p.create("t")
    before = {path: state[:4] for path, state in objects(p).items()}
    for pause in (0.0, 0.002, 0.005, 0.01, 0.02):
        p.create("t", "--fresh")
        process = start(snapfix_command(p, "run", "t", "--", "bash", "-c",
                                        "echo $$ >pid; until [ -e go ]; do :; done; echo y >>big"),
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_file(p.root / "t/pid")
        watched = supervisor(p)
        (p.root / "t/go").touch()
        time.sleep(pause)
        with contextlib.suppress(ProcessLookupError):  # it was quicker
            os.kill(watched, signal.SIGKILL)
        assert process.wait(timeout=30) in (0, 125)
        assert (p.root / "t/big").stat().st_size in (30_000_000, 30_000_002)
        assert staging_is_clear(p), os.listdir(p.root / ".snapfix/work")
        assert {path: state[:4] for path, state in objects(p).items()} == before


def test_killed_before_it_clears_up(tmp):
    """The command has ended, and its end is told: the folder of the copies goes all the same."""
    harness.require("strace")
    p = Project(tmp, {"a": "1\n"})
    p.create("t")
    process = start(snapfix_command(p, "run", "t", "--", "bash", "-c", "echo y >>a; echo $$ >pid; until [ -e go ]; do :; done"))
    until_file(p.root / "t/pid")
    watched = supervisor(p)
    tracer = start(["strace", "-f", "-qq", "-o", tmp / "trace", "-e", "trace=?rmdir,unlinkat",
                    "-e", "inject=?rmdir,unlinkat:error=EIO:signal=KILL", "-p", str(watched)])
    try:
        eventually(lambda: all("TracerPid:\t0\n" not in status.read_text() for status in
                               pathlib.Path(f"/proc/{watched}/task").glob("*/status")), "strace is at all threads")
        (p.root / "t/go").touch()
        assert process.wait(timeout=30) == 0
        tracer.wait(timeout=20)
    finally:
        for one in (process, tracer):
            one.kill()
            one.wait()
    assert "killed by SIGKILL" in (tmp / "trace").read_text()
    assert staging_is_clear(p), os.listdir(p.root / ".snapfix/work")


def test_the_front_killed(tmp):
    """Nothing goes on in a snapshot that nobody holds: not the command, not its children."""
    p = Project(tmp)
    process = start(snapfix_command(p, "run", "t", "--", "sh", "-c", "sleep 1000 & echo $! >child; echo $$ >pid; wait"))
    child = int(until_file(p.root / "t/child"))
    command = int(until_file(p.root / "t/pid"))
    process.kill()
    process.wait()
    eventually(lambda: not processes(p.root), "the supervisor is gone")
    for pid in (child, command):
        eventually(lambda pid=pid: not os.path.exists(f"/proc/{pid}"), "the command and its child are gone")
    p.expect_snapshot(p.create("t", "--fresh", "--wait", "5"))


def test_killed_by_a_timeout(tmp):
    """As ctest and timeout(1) do it: the whole group, or the process alone."""
    p = Project(tmp)
    for options in ([], ["-s", "KILL"], ["--foreground"], ["-s", "INT"]):
        harness.run(["timeout", *options, "0.5", *snapfix_command(p, "run", "t", "--", "sleep", "1000")], expect=(124, 137, -9))
        eventually(lambda: not processes(p.root), f"nothing is left after timeout {options}")
    p("run", "t", "--wait", "5", "--", "true")


def test_no_space_for_the_copy(tmp):
    p = Project(tmp, {"big": "x" * 3_000_000, "small": "1\n"})
    with harness.tmpfs(8, tmp / "fs"):
        p.root = tmp / "fs/root"
        p.create("t")
        before = objects(p)
        done = shell(p, "t", "head -c 10000000 /dev/zero >fill; echo y >>big; echo rc $?; rm fill; cat small", expect=0)
        assert "No space left" in done.err and "rc 1" in done.out, done
        assert_says(done, "could not be made private", "No space")
        assert objects(p) == before and staging_is_clear(p)
        assert inode(p.root / "t/big") == next(s[0] for s in before.values() if len(s[4]) == 3_000_000)
        p("verify", "t", "--content")
        shell(p, "t", "echo y >>big")
        assert (p.root / "t/big").stat().st_size == 3_000_002 and objects(p) == before


def test_a_run_in_a_run(tmp):
    """One listener serves both: each snapshot is protected, and each has its record."""
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    inner = shlex.join(str(word) for word in snapfix_command(
        p, "run", "inner", "--guard", "on", "--", "sh", "-c", "echo i >>a; exit 5"))
    p.create("outer")
    before = objects(p)
    done = shell(p, "outer", f"{inner}; echo rc $?; echo o >>b; snapfix=1; cat a", "--guard", "on")
    assert done.out == "rc 5\n1\n", done
    assert (p.root / "inner/a").read_text() == "1\ni\n" and (p.root / "outer/b").read_text() == "2\no\n"
    assert objects(p) == before, "a snapshot made within a guarded run costs the store nothing"
    assert [f["path"] for f in guard_of(p, "inner")["private"]] == ["a"], guard_of(p, "inner")
    assert [f["path"] for f in guard_of(p, "outer")["private"]] == ["b"], guard_of(p, "outer")
    for name in ("inner", "outer"):
        p("verify", name, "--content")


def test_everything_of_ours_works_within_a_guarded_run(tmp):
    p = Project(tmp, {"a": "1\n", "d/b": "2\n"})
    p.create("outer")
    before = objects(p)
    base = f"--root '{p.root}'"
    script = "; ".join([
        "set -e", f"s='{harness.snapfix_path()}'",
        f"$s create x --source '{p.source}' {base}", f"chmod 600 '{p.root}'/x/a", f"$s create x --fresh --source '{p.source}' {base}",
        f"$s verify x --content {base}", f"$s finish x {base}", f"$s create y --source '{p.source}' {base}", f"$s remove y {base}",
        f"$s prune {base}", f"$s list {base}"])
    shell(p, "outer", script, "--guard", "on")
    assert objects(p) == before
    p("verify", "outer", "--content")


# ---- kernels that cannot, or not all -------------------------------------------------------------


def _bpf(*lines):
    """A filter for prctl(PR_SET_SECCOMP): (code, jt, jf, k) each."""
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def with_seccomp(mask, errno, command):
    """Runs a command to whom the kernel answers seccomp(2) with that errno if its flags hold `mask` (0: always)."""
    if os.uname().machine != "x86_64":
        harness.skip("the filter of this test is for x86-64")
    load, equal, has, give = 0x20, 0x15, 0x45, 0x06
    refuse = (give, 0, 0, 0x00050000 | errno)
    allow = (give, 0, 0, 0x7FFF0000)
    flags = [(load, 0, 0, 24), (has, 0, 1, mask)] if mask else []
    code = _bpf((load, 0, 0, 0), (equal, 0, len(flags) + 1, 317), *flags, refuse, allow)
    # One jump too few where there are flags to look at: without them the call is refused as it is.
    script = (
        "import ctypes, os, sys\n"
        f"code = ctypes.create_string_buffer({code!r}, {len(code)})\n"
        "class P(ctypes.Structure): _fields_ = [('n', ctypes.c_ushort), ('p', ctypes.c_void_p)]\n"
        f"p = P({len(code) // 8}, ctypes.addressof(code))\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(p)) == 0, ctypes.get_errno()\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n")
    return [sys.executable, "-c", script, *command]


def test_a_kernel_without_user_notification(tmp):
    p = Project(tmp, {"a": "1\n"})
    p.create("t")
    before = objects(p)
    for errno, word in ((38, "Function not implemented"), (22, "Invalid argument")):
        run = lambda *options: harness.run(
            with_seccomp(0, errno, snapfix_command(p, "run", "t", *options, "--", "sh", "-c", "echo ran")), expect=None)
        automatic = run()
        assert automatic.code == 0 and automatic.out == "ran\n", automatic
        assert automatic.err.count("snapfix: note: no guard") == 1 and word in automatic.err, automatic
        assert guard_of(p)["state"] == "missing" and word in guard_of(p)["reason"]
        assert_fails(run("--guard", "on"), 125, "cannot guard", word, "snapfix doctor")
        assert run("--guard", "off").err == ""
        told = harness.run(with_seccomp(0, errno, [harness.snapfix_path(), "doctor", tmp]))
        assert [line for line in told.out.splitlines() if "guard" in line and "no " in line and word in line], told
    assert objects(p) == before


def test_a_kernel_without_wait_killable(tmp):
    p = Project(tmp, {"a": "1\n"})
    p.create("t")
    before = objects(p)
    harness.run(with_seccomp(1 << 5, 22, snapfix_command(p, "run", "t", "--guard", "on", "--", "sh", "-c", "echo x >>a")))
    assert objects(p) == before and (p.root / "t/a").read_text() == "1\nx\n"
    assert "5.19" in guard_of(p)["kernel"], guard_of(p)


def test_doctor(tmp):
    probe = {x["name"]: x for x in harness.snapfix("doctor", "--json", tmp).json()["probes"]}["guard"]
    if not probe["works"]:
        harness.skip(f"no guard here: {probe['detail']}")
    assert "copies shared files on write" in probe["detail"], probe


# ---- signals and terminals -----------------------------------------------------------------------


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_command_that_stops_itself_stops_the_run(tmp):
    for guard in ("on", "off"):
        p = Project(tmp / guard)
        process = start(snapfix_command(p, "run", "t", "--guard", guard, "--", "bash", "-c",
                                        "echo $$ >pid; kill -STOP $$; echo went on >later; exit 4"))
        until_file(p.root / "t/pid")
        eventually(lambda: state_of(process.pid) == "T", "the run is stopped as its command is")
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=20) == 4
        assert (p.root / "t/later").read_text() == "went on\n"


def test_a_signal_that_comes_with_the_commands_end_does_not_hide_it(tmp):
    for guard in ("on", "off"):
        p = Project(tmp / guard)
        process = start(snapfix_command(p, "run", "t", "--guard", guard, "--", "bash", "-c",
                                        "echo $$ >pid; until [ -e go ]; do sleep 0.05; done; exit 9"))
        command = int(until_file(p.root / "t/pid"))
        process.send_signal(signal.SIGSTOP)
        (p.root / "t/go").touch()
        eventually(lambda: not os.path.exists(f"/proc/{command}") or state_of(command) == "Z", "the command has ended")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=20) == 9, guard


def test_job_control_at_a_terminal(tmp):
    p = Project(tmp)
    # The shell shows the line again, when the job stops and when it goes on: what the job says must not stand in it.
    line = shlex.join(str(word) for word in snapfix_command(
        p, "run", "t", "--guard", "on", "--", "bash", "-c", "echo $$ >pid; trap 'echo inter''rupted; exit 9' INT; while :; do sleep 0.05; done"))
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], harness.clean_env(PS1="ready> ", HISTFILE="/dev/null"))
    said = bytearray()

    def reads(word):
        while select.select([terminal], [], [], 0)[0]:
            said.extend(os.read(terminal, 65536))
        return word in said

    def wait_for(word):
        eventually(lambda: reads(word), f"the terminal shows {word!r}, so far: {said.decode(errors='replace')}")
        del said[:]

    try:
        wait_for(b"ready> ")
        os.write(terminal, line.encode() + b"\n")
        command = int(until_file(p.root / "t/pid"))
        os.write(terminal, b"\x1a")  # Ctrl-Z
        wait_for(b"Stopped")
        assert state_of(command) == "T"
        os.write(terminal, b"fg\n")
        eventually(lambda: state_of(command) != "T", "the command goes on")
        time.sleep(0.2)
        os.write(terminal, b"\x03")  # Ctrl-C
        # What is typed before the shell is back at its prompt may be lost.
        eventually(lambda: reads(b"interrupted") and 0 <= said.find(b"interrupted") < said.rfind(b"ready> "),
                   "the shell is back after Ctrl-C")
        del said[:]
        os.write(terminal, b"echo status=$?\n")
        wait_for(b"status=9")
        os.write(terminal, b"exit\n")
    finally:
        with contextlib.suppress(OSError):
            os.close(terminal)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    eventually(lambda: not processes(p.root), "no supervisor is left")


def test_a_closed_pipe(tmp):
    p = Project(tmp)
    p.create("t")
    done = harness.run(["bash", "-c", 'set -o pipefail; "$@" | head -n1', "-",
                        *snapfix_command(p, "run", "t", "--guard", "on", "--", "yes")], expect=141)
    assert done.out == "y\n" and done.err == "", done


# ---- what is found all the same ------------------------------------------------------------------


def test_a_writer_from_outside_is_found_and_told_as_such(tmp):
    p = Project(tmp, {"a": "1\n"})
    shell(p, "t", "true", "--guard", "on")
    with open(p.root / "t/a", "a", encoding="ascii") as file:
        file.write("outside\n")
    assert_says(p("verify", "t", expect=3), "'a'", "ran under the guard", "no process of theirs")


def test_the_objects_of_private_files_are_audited(tmp):
    p = Project(tmp, {"a": "1\n"})
    p.create("u")
    shell(p, "t", "echo x >>a", "--guard", "on")
    with open(p.root / "u/a", "a", encoding="ascii") as file:
        file.write("outside\n")
    assert_says(p("finish", "t", expect=3), "'a'")


def test_an_owner_that_changed_is_found(tmp):
    if os.geteuid() != 0:
        harness.skip("only root gives files away")
    p = Project(tmp, {"a": "1\n"})
    p.create("t")
    os.chown(p.root / "t/a", 12345, 12345)
    assert_says(p("verify", "t", expect=3), "owner")


def test_link_from_source_is_guarded_too(tmp):
    p = Project(tmp, {"a": "1\n"})
    shell(p, "t", "echo x >>a; chmod 600 a", "--link-from", "source", "--guard", "on")
    assert (p.source / "a").read_text() == "1\n" and (p.source / "a").stat().st_mode & 0o777 == 0o644
    assert (p.root / "t/a").read_text() == "1\nx\n"


def test_as_an_ordinary_user(tmp):
    tmp.chmod(0o755)
    (tmp / "home").mkdir()
    os.chown(tmp / "home", harness.NOBODY, harness.NOBODY)
    p = Project(tmp, {"a": "1\n", "d/b": "2\n"})
    where = ["--source", p.source, "--root", tmp / "home/root"]
    harness.snapfix("create", "t", *where, user=harness.NOBODY, env={"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}, expect=None)
    done = harness.snapfix("run", "t", "--files", "all", *where, "--fresh", "--guard", "on", "--json-report", tmp / "home/report", "--", "sh", "-c", "echo x >>a; chmod 600 d/b; cat a", user=harness.NOBODY)
    assert done.out == "1\nx\n", done
    report = json.loads((tmp / "home/report").read_text())
    assert len(report["guard"]["private"]) == 2 and "no_new_privs" in report["guard"]["kernel"], report


if __name__ == "__main__":
    harness.main()
