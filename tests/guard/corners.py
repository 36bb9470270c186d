"""Odd ways to reach a shared file, odd circumstances, and what must not change by the guard's being there."""

import ctypes
import os
import pathlib
import signal
import subprocess
import time

import harness
from harness import eventually, start
from lifecycle import guard_of, objects, processes, shell, snapfix_command, staging_is_clear, state_of, until_file
from project import Project


def project(tmp, files=None):
    """A source whose snapshot `t` stands, and the store's state."""
    p = Project(tmp, files or {"a": "1\n", "b": "2\n", "d/c": "3\n"})
    p.create("t")
    return p, objects(p)


def needs_root():
    if os.geteuid() != 0:
        harness.skip("only root can")


def python(p, code, *wrapper, name="t", guard="on", **options):
    """Runs Python in the snapshot; `wrapper` stands in front of the helper."""
    command = [*wrapper, *snapfix_command(p, "run", name, "--guard", guard, "--", "python3", "-B", "-c", code)]
    return harness.run(command, **options)


# ---- a checker in front --------------------------------------------------------------------------

k_reads_what_is_not_set = """
    #include <stdio.h>
    #include <stdlib.h>
    int main(int n, char **v) {
      int *p = malloc(sizeof *p);
      FILE *f = fopen("a", "a");
      fputs(*p ? "yes" : "no", f);
      fclose(f);
      return n == 2 ? atoi(v[1]) : 0;
    }
"""


def checked(p, tmp, *options, guard="on", **more):
    """A program with an error that writes to a shared file, in a snapshot, with valgrind in front of the helper."""
    harness.require("valgrind", "cc")
    if harness.is_sanitized():
        harness.skip("valgrind runs no helper that has a sanitizer")
    program = tmp / "checked"
    if not program.exists():
        (tmp / "checked.c").write_text(k_reads_what_is_not_set)
        harness.run(["cc", "-g", "-o", program, tmp / "checked.c"])
    command = ["valgrind", "--error-exitcode=9", *options, *snapfix_command(p, "run", "t", "--guard", guard, "--", program)]
    return harness.run(command, **more)


def test_valgrind_checks_the_command(tmp):
    """Whoever starts the helper under valgrind means the command; the guard works as ever."""
    p, before = project(tmp)
    (tmp / "v.supp").write_text("")
    done = checked(p, tmp, "--suppressions=v.supp", "--log-file=log", expect=9, cwd=tmp)
    assert "uninitialised value" in (tmp / "log").read_text() and "main (checked.c" in (tmp / "log").read_text(), done
    assert done.err == "" and objects(p) == before
    assert "SNAPFIX_VALGRIND" not in harness.run(["valgrind", "-q", *snapfix_command(p, "run", "t", "--", "env")]).out


def test_valgrind_that_traces_children(tmp):
    """It is named as what hinders the guard, with the remedy; and the remedy works."""
    p, before = project(tmp)
    traces = ("-q", "--trace-children=yes")
    done = checked(p, tmp, *traces, expect=125)
    assert "cannot guard" in done.err and "valgrind traces children" in done.err and "kernel" not in done.err, done
    assert objects(p) == before
    done = checked(p, tmp, *traces, "--trace-children-skip=*/snapfix", expect=9)
    assert "uninitialised value" in done.err and "no guard" not in done.err and objects(p) == before, done
    done = checked(p, tmp, *traces, guard="auto", expect=9)
    assert "no guard (valgrind traces children" in done.err and "--trace-children-skip=*/snapfix" in done.err, done


# ---- namespaces and /proc ------------------------------------------------------------------------


def test_a_proc_of_another_pid_namespace_is_no_guard(tmp):
    """Without --mount-proc nothing in /proc is ours: it must be said, not believed."""
    needs_root()
    harness.require("unshare")
    p, before = project(tmp)
    run = ["unshare", "-pf", *snapfix_command(p, "run", "t")]
    done = harness.run([*run, "--guard", "on", "--", "sh", "-c", "echo x >>a"], expect=125)
    assert "pid namespace" in done.err and "outlives" not in done.err, done
    assert objects(p) == before
    assert "no guard" in harness.run([*run, "--", "true"]).err
    harness.run(["unshare", "-pf", "--mount-proc", *snapfix_command(p, "run", "t", "--guard", "on", "--", "sh", "-c", "echo x >>a")])
    assert objects(p) == before


def test_proc_self_means_the_caller_in_every_proc(tmp):
    needs_root()
    harness.require("unshare", "mount")
    p, before = project(tmp)
    (tmp / "p").mkdir()
    shell(p, "t", f"unshare -m sh -c 'mount -t proc proc {tmp}/p; exec 7<a; echo x >>{tmp}/p/self/fd/7; echo x >>/proc/thread-self/fd/7'")
    # Enough processes that the supervisor's number is taken in the inner namespace as well.
    inner = "for i in $(seq 60); do sleep 60 & done; exec 3<b; echo x >>/proc/self/fd/3; kill $(jobs -p)"
    harness.run(["unshare", "-pf", "--mount-proc", *snapfix_command(
        p, "run", "t", "--", "unshare", "-pf", "--mount-proc", "bash", "-c", inner)])
    assert objects(p) == before
    assert (p.root / "t/a").read_text() == "1\nx\nx\n" and (p.root / "t/b").read_text() == "2\nx\n"


def test_a_descriptor_of_before_follows_the_private_file(tmp):
    """As in a plain copy: wherever in the snapshot that was renamed to, and to no file that has its inode later."""
    p, before = project(tmp, {"a": "1\n", "b": "2\n", "d/c": "3\n", "deep/er/x": "4\n"})
    script = ("exec 3<a 4<b 5<d/c; echo one >>a; echo one >>b; echo one >>d/c\n"
              "mv a deep/er/a; echo two >>/proc/self/fd/3; mv deep d/moved; echo three >>/proc/self/fd/3; echo four >>/proc/self/fd/3\n"
              "rm b; for i in 1 2 3 4 5 6 7 8; do echo $i >new.$i; done; echo lost >>/proc/self/fd/4\n"
              "mv d/c b; chmod 600 /proc/self/fd/5; echo two >>/proc/self/fd/5")
    harness.run(["cp", "-a", "--no-preserve=links", p.root / "t", tmp / "copy"])
    harness.run(["bash", "-c", script], cwd=tmp / "copy")
    shell(p, "t", script, "--guard", "on")
    for path in ("d/moved/er/a", "b", *(f"new.{i}" for i in range(1, 9))):
        assert (tmp / "copy" / path).read_bytes() == (p.root / "t" / path).read_bytes(), path
    assert (p.root / "t/d/moved/er/a").read_text() == "1\none\ntwo\nthree\nfour\n"
    assert (p.root / "t/b").stat().st_mode & 0o777 == 0o600 and objects(p) == before


def test_descriptors_under_other_mounts(tmp):
    needs_root()
    harness.require("unshare", "mount")
    p, before = project(tmp)
    (tmp / "m").mkdir()
    done = shell(p, "t", f"unshare -m bash -c 'mount --bind . {tmp}/m; cd {tmp}/m; exec 3<a; echo kept >/dev/fd/3; cat a'")
    assert done.out == "kept\n" and objects(p) == before, done


def test_what_a_mount_hides_stays(tmp):
    needs_root()
    harness.require("unshare", "mount")
    p, before = project(tmp)
    (tmp / "precious").write_text("precious")
    shell(p, "t", f"unshare -m sh -c 'mount --bind a {tmp}/precious; echo x >>{tmp}/precious; chmod 600 {tmp}/precious'", expect=None)
    assert (tmp / "precious").read_text() == "precious" and objects(p) == before


# ---- rights --------------------------------------------------------------------------------------


def test_another_user_gets_no_more_than_it_may(tmp):
    needs_root()
    tmp.chmod(0o755)
    p, before = project(tmp)
    p.create("plain")
    code = ("import os\n"
            "fd = os.open('a', os.O_RDONLY)\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "for attempt in (lambda: os.open(f'/proc/self/fd/{fd}', os.O_WRONLY), lambda: os.open('a', os.O_WRONLY | os.O_TRUNC),\n"
            "                lambda: os.chmod(f'/proc/self/fd/{fd}', 0o777), lambda: os.fchmod(fd, 0o777), lambda: os.truncate('a', 0)):\n"
            "    try: attempt(); print('may')\n"
            "    except OSError as error: print(error.errno)\n")
    guarded, plain = python(p, code).out, python(p, code, name="plain", guard="off").out
    assert guarded == plain == "13\n13\n1\n1\n13\n", (guarded, plain)
    assert (p.root / "t/a").read_text() == "1\n" and objects(p) == before


def test_root_that_may_not_look_into_processes(tmp):
    """As in a container by default: root without CAP_SYS_PTRACE, and a command that becomes another user."""
    needs_root()
    harness.require("setpriv")
    tmp.chmod(0o755)
    p, _ = project(tmp, {"w": "1\n"})
    (p.source / "w").chmod(0o666)
    p.create("t", "--fresh")
    before = objects(p)
    script = "setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'echo x >>w; echo y >/proc/self/fd/3; chmod 600 w' 3<w"
    harness.run(["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "bash", "-c", 'exec "$@"', "-",
                 *snapfix_command(p, "run", "t", "--guard", "on", "--", "bash", "-c", script)], expect=None)
    assert objects(p) == before
    assert guard_of(p)["unjudged"] == {}, guard_of(p)


def test_a_folder_that_its_owner_closed(tmp):
    p, before = project(tmp)
    for name in ("d", ""):
        (p.source / name).chmod(0o555)
    p.create("t", "--fresh")
    old = os.stat(p.root / "t/d")
    shell(p, "t", "echo x >>d/c")
    new = os.stat(p.root / "t/d")
    assert (new.st_mode, new.st_mtime_ns) == (old.st_mode, old.st_mtime_ns), (old, new)
    (p.source).chmod(0o755)
    assert all(objects(p)[path] == state for path, state in before.items())


# ---- descriptors ---------------------------------------------------------------------------------


def test_a_stale_descriptor_reaches_no_other_file(tmp):
    p, before = project(tmp)
    done = shell(p, "t", "exec 3<a; echo x >>a; echo precious >n; mv n a; : >/dev/fd/3; cat a")
    assert done.out == "precious\n" and objects(p) == before, done


def test_calls_that_fail_without_the_guard_fail_with_it(tmp):
    p, before = project(tmp)
    code = ("import ctypes, os, struct\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            "fd = os.open('a', os.O_PATH)\n"
            "def show(result): print(result, ctypes.get_errno() if result < 0 else 0)\n"
            "show(libc.fchmod(fd, 0o600)); show(libc.fchown(fd, 1, 1)); show(libc.futimens(fd, None)); show(libc.fsetxattr(fd, b'user.a', b'b', 1, 0))\n"
            "ro = os.open('a', os.O_RDONLY)\n"
            "for resolve in (0x02, 0x04):\n"  # RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS
            "    how = struct.pack('QQQ', os.O_WRONLY, 0, resolve)\n"
            "    show(libc.syscall(437, -100, f'/proc/self/fd/{ro}'.encode(), how, 24))\n"
            "show(libc.open(b'a/b', os.O_WRONLY)); show(libc.open(b'd', os.O_WRONLY)); show(libc.open(b'', os.O_WRONLY)); show(libc.truncate(b'a', -1))\n")
    guarded, plain = python(p, code).out, python(p, code, guard="off").out
    assert guarded == plain and objects(p) == before, (guarded, plain)


def test_fchmod_of_a_file_that_was_closed_to_us(tmp):
    tmp.chmod(0o777)
    p = Project(tmp, {"a": "1\n"}, plain=True, root=tmp / "root")
    user = harness.NOBODY if os.geteuid() == 0 else None
    code = "import os; f = open('a'); os.chmod('a', 0); os.fchmod(f.fileno(), 0o640); print(oct(os.stat('a').st_mode))"
    done = harness.snapfix("run", "t", "--source", p.source, "--root", p.root, "--guard", "on", "--", "python3", "-B", "-c", code, user=user)
    assert done.out == "0o100640\n", done


# ---- limits and shortages ------------------------------------------------------------------------


def test_limits_of_the_command_are_not_the_guards(tmp):
    p, before = project(tmp, {"big": "x" * 100_000, "a": "1\n"})
    done = shell(p, "t", "echo x >>a")
    limited = harness.run(["bash", "-c", 'ulimit -S -f 10; exec "$@"', "-", *snapfix_command(
        p, "run", "t", "--guard", "on", "--", "sh", "-c", "chmod 600 big; bash -c 'ulimit -f'")])
    assert limited.out == "10\n" and (p.root / "t/big").stat().st_mode & 0o777 == 0o600, (done, limited)
    assert objects(p) == before
    masked = harness.run(["bash", "-c", 'umask 0777; exec "$@"', "-", *snapfix_command(p, "run", "t", "--fresh", "--guard", "on", "--", "sh", "-c", "echo x >>a; umask")])
    assert masked.out == "0777\n" and objects(p) == before and (p.root / "t/a").stat().st_mode & 0o777 == 0o644


def test_what_a_killed_guard_left_is_cleared(tmp):
    p, before = project(tmp)
    work = p.root / ".snapfix/work/t"
    work.mkdir()
    (work / ".snapfix-2-1").write_text("left")
    shell(p, "t", "echo x >>a")
    assert staging_is_clear(p) and objects(p) == before


def test_garbage_at_the_door(tmp):
    """A guarded process may talk to the guard; nonsense costs it its own channel, and nothing else."""
    p, before = project(tmp)
    code = ("import ctypes, os, struct\n"
            "libc = ctypes.CDLL(None)\n"
            "door = libc.syscall(437, -100, b'/dev/null/snapfix-guard', struct.pack('QQQ', 0, 0, 0), 24)\n"
            "assert door > 2\n"
            "for kind in range(10):\n"
            "    try: os.write(door, struct.pack('II', kind, 5) + b'hello')\n"
            "    except OSError: break\n"
            "open('a', 'a').write('x\\n')\n")
    python(p, code)
    assert objects(p) == before and (p.root / "t/a").read_text() == "1\nx\n"


# ---- signals -------------------------------------------------------------------------------------


def test_stopped_and_continued_by_others(tmp):
    """Who is continued without us goes on, and its end is seen."""
    for guard in ("on", "off"):
        p = Project(tmp / guard)
        for script, code in (("(sleep 0.5; kill -CONT $$) & kill -STOP $$; exit 4", 4),
                             ("(sleep 0.5; kill -KILL $$) & kill -STOP $$; exit 4", -9)):
            done = p("run", "t", "--guard", guard, "--", "bash", "-c", script, expect=None, timeout=30)
            assert done.code == code, (guard, done)


def test_a_signal_to_the_group_comes_once(tmp):
    p = Project(tmp)
    for guard in ("on", "off"):
        code = ("import os, signal, time\n"
                "seen = []\n"
                "signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))\n"
                "os.kill(0, signal.SIGUSR1); time.sleep(0.4); print(len(seen))\n")
        assert python(p, code, guard=guard).out == "1\n", guard


def test_ignored_children_stay_ignored(tmp):
    p = Project(tmp)
    for guard in ("on", "off"):
        done = python(p, "import signal; print(signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN)", "bash", "-c", "trap '' CHLD; exec \"$@\"", "-", guard=guard)
        assert done.out == "True\n", (guard, done)


def test_its_parent_dies_while_it_copies(tmp):
    """The command is ended before its guard is: it sees no failure, and nothing is left."""
    p, _ = project(tmp, {"big": "x" * 60_000_000})
    command = " ".join(f"'{word}'" for word in snapfix_command(p, "run", "t", "--guard", "on", "--", "bash", "-c"))
    for pause in (0.0, 0.02, 0.05):
        p.create("t", "--fresh", "--wait", "10")
        parent = start(["sh", "-c", f"{command} 'echo $$ >pid; echo x >>big; echo $? >ended; sleep 100'; exit $?"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_file(p.root / "t/pid")
        time.sleep(pause)
        parent.kill()
        parent.wait()
        eventually(lambda: not processes(p.root), "nothing of it is left")
        # Empty: killed between the opening and the writing.
        ended = (p.root / "t/ended").read_text() if (p.root / "t/ended").exists() else ""
        assert ended in ("", "0\n"), ended
        assert staging_is_clear(p), os.listdir(p.root / ".snapfix/work/t")


# ---- a file system that is served by who is guarded -----------------------------------------------


def test_a_fuse_server_in_the_guarded_tree(tmp):
    """It writes to a file while the guard looks up a name in its file system: somebody else must answer."""
    needs_root()
    harness.require("cc", "mount")
    if not os.path.exists("/dev/fuse"):
        harness.skip("there is no /dev/fuse")
    program = tmp / "server"
    built = harness.run(["cc", "-O1", "-o", program, pathlib.Path(__file__).parent / "programs/fuse_server.c"], expect=None)
    if built.code != 0:
        harness.skip("the FUSE server does not compile: linux/fuse.h is missing")
    p, before = project(tmp)
    (tmp / "mnt").mkdir()
    script = (f"{program} {tmp}/mnt $PWD/a & pid=$!; until [ -e {tmp}/mounted ]; do sleep 0.02; done; "
              f"echo hi >>{tmp}/mnt/f; echo $?; umount {tmp}/mnt; wait $pid; cat a")
    try:
        done = harness.run(["unshare", "-m", *snapfix_command(p, "run", "t", "--guard", "on", "--", "bash", "-c", script)], timeout=60)
    finally:
        subprocess.run(["umount", "-l", tmp / "mnt"], check=False, stderr=subprocess.DEVNULL)
    assert done.out.startswith("0\n1\nlookup\n") and objects(p) == before, done


if __name__ == "__main__":
    harness.main()
