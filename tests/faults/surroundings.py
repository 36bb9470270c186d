"""What surrounds the helper is full, closed, forbidden or missing: it works, or says what it could not do, and nothing is lost."""

import contextlib
import os
import resource
import signal
import subprocess

import harness
from harness import NOBODY, as_user, run, snapfix, tree_state
from project import Project, assert_fails, assert_says, every_stat

k_files = {"a": "a\n", "b": "b\n" * 400, "d/c": "c\n"}


def spoil(path):
    with open(path, "a", encoding="ascii") as shared:
        shared.write("through the link\n")


def through_shell(p, redirection, *args, **options):
    """The helper as a shell starts it with a redirection; the exit code is the helper's."""
    where = ["--source", p.source] if args[0] in ("freeze", "create", "run") else []
    return run(["sh", "-c", f'"$@" {redirection}', "sh", harness.snapfix_path(), args[0], *where, "--root", p.root, *args[1:]],
               **options)


# ---- stdout and stderr ---------------------------------------------------------------------------


def test_what_cannot_be_told_on_stderr_is_dropped(tmp):
    p = Project(tmp, k_files)
    p.create("t")
    for redirection in ("2>/dev/full", "2>&-"):
        assert through_shell(p, redirection, "verify", "no-such", expect=None).code == 1
        assert through_shell(p, redirection, "create", expect=None).code == 2
        assert through_shell(p, redirection, "run", "t", "--", "no-such-program", expect=None).code == 127
        verbose = ["run", "t", "--guard=off", "--verbose", "--", "sh", "-c", "exit 7"]
        assert through_shell(p, redirection, *verbose, expect=None).code == 7
        assert through_shell(p, redirection, "create", "t", "--link-from", "source", expect=None).code == 1
        spoil(p.root / "t/a")
        assert through_shell(p, redirection, "finish", "t", "--keep", "always", expect=None).code == 3
        p.create("t", "--fresh")
        p.expect_snapshot(p.root / "t")


def test_a_pipe_that_nobody_reads_is_no_signal(tmp):
    p = Project(tmp, k_files)
    p.create("t")
    for stream, args, code in (("stderr", ["verify", "no-such"], 1), ("stderr", ["list"], 0), ("stdout", ["list"], 1),
                               ("stdout", ["freeze"], 1)):
        read_end, write_end = os.pipe()
        os.close(read_end)
        where = ["--source", p.source] if args[0] == "freeze" else []
        process = harness.start([harness.snapfix_path(), args[0], *where, "--root", p.root, *args[1:]],
                                **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: write_end})
        os.close(write_end)
        assert process.wait(20) == code, (stream, args, process.returncode)
    # The command of a run finds the signal as we did.
    done = p("run", "t", "--guard=off", "--", "sh", "-c", "kill -PIPE $$", expect=None)
    assert done.code == -signal.SIGPIPE, done


def test_what_should_have_been_printed_and_was_not_is_a_failure(tmp):
    p = Project(tmp, k_files)
    for redirection in (">/dev/full", ">&-"):
        for args in (["freeze"], ["create", "t"], ["list"], ["list", "--json"], ["show", "t"], ["verify", "t"], ["prune"],
                     ["finish", "t", "--keep", "always", "--json"]):
            done = through_shell(p, redirection, *args, expect=None)
            assert done.code == 1, done
            assert_says(done, "snapfix: error: cannot write to stdout")
        assert snapfix("--help").code == 0
        assert through_shell(p, redirection, "run", "t", "--guard=off", "--", "true").code == 0, "nothing was to be printed"
        p.expect_snapshot(p.root / "t")
        assert through_shell(p, redirection, "remove", "t").code == 0


# ---- umask, limits -------------------------------------------------------------------------------


def test_every_umask(tmp):
    """As an ordinary user, whom modes bind; the command gets the umask that was there."""
    for mask in ("0777", "0077", "0277", "0000"):
        folder = tmp / mask
        folder.mkdir()
        p = Project(folder, k_files, plain=True)
        run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder])
        def call(command, *args, **options):
            where = ["--source", p.source] if command in ("freeze", "create", "run") else []
            shell = ["sh", "-c", f'umask {mask} && exec "$@"', "sh"]
            return as_user([*shell, harness.public_snapfix(), command, *where, "--root", p.root, *args], **options)

        call("freeze")
        call("create", "t")
        harness.assert_same_tree(p.source, p.root / "t")
        for guard in ("off", "auto"):
            done = call("run", "t", f"--guard={guard}", "--", "sh", "-c", "umask")
            assert int(done.out, 8) == int(mask, 8), done
        call("create", "t", "--fresh", "--link-mode", "copy")
        harness.assert_same_tree(p.source, p.root / "t")
        call("verify", "t")
        call("run", "u", "--fresh", "--", "false", expect=1)
        call("finish", "u")
        call("finish", "t")
        call("list")
        call("prune", "--keep", "0")
        assert p.names() == []


def limited(limits):
    def set_them():
        for name, value in limits.items():
            resource.setrlimit(name, (value, value))

    return set_them


def run_limited(p, limits, command, *args, user=None, env=None):
    """A command under hard limits: the exit code, stdout and stderr."""
    where = ["--source", p.source] if command in ("freeze", "create", "run") else []
    identity = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
    program = harness.public_snapfix() if user is not None else harness.snapfix_path()
    process = harness.start([program, command, *where, "--root", p.root, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=limited(limits), env=env or {}, **identity)
    out, err = process.communicate(timeout=60)
    return harness.Result([command, *args], process.returncode, os.fsdecode(out), os.fsdecode(err), 0)


def no_debris(p):
    inner = p.root / ".snapfix"
    found = [str(path) for name in ("work", "trash") for path in (inner / name).iterdir()]
    return found + [str(path) for path in (inner / "objects").rglob("*") if path.name.startswith(("incoming.", "unfinished"))]


def test_a_limit_of_the_length_of_files(tmp):
    """ulimit -f."""
    p = Project(tmp, k_files)
    for limit in (0, 100, 700):
        for args in (["create", "t"], ["freeze"], ["run", "t", "--", "true"]):
            done = run_limited(p, {resource.RLIMIT_FSIZE: limit}, *args)
            assert_fails(done, 125 if args[0] == "run" else 1, "File too large", "ulimit -f")
            assert p.names() == []
    p.create("t")
    assert no_debris(p) == []
    p.expect_snapshot(p.root / "t")
    spoil(p.root / "t/b")
    done = run_limited(p, {resource.RLIMIT_FSIZE: 100}, "verify", "t")
    assert done.code == 3, done
    assert_says(done, "'b' was changed through a link", "has not been healed", "File too large")
    # The command's own limit is its own matter.
    p.create("u", "--fresh")
    done = run_limited(p, {resource.RLIMIT_FSIZE: 100_000}, "run", "u", "--", "sh", "-c", "yes | head -c 200000 >big; echo $?")
    assert done.code == 0 and (p.root / "u/big").stat().st_size == 100_000, done


def test_a_limit_of_open_files(tmp):
    """Whatever the limit is, the snapshot is made, or it is said what could not be opened."""
    p = Project(tmp, k_files)
    p.create("u")
    worked = failed = 0
    for limit in range(4, 40):
        for args in (["create", "t"], ["run", "t", "--", "sh", "-c", "echo x >>a"], ["finish", "t", "--keep", "never"], ["prune"]):
            done = run_limited(p, {resource.RLIMIT_NOFILE: limit}, *args)
            if done.code == 0:
                worked += 1
            elif done.code == 127 and "error while loading shared libraries" in done.err:
                continue
            else:
                failed += 1
                assert done.code == (125 if args[0] == "run" else 1) or (args[0] == "run" and done.code == 2), (limit, done)
                assert "oo many open files" in done.err and "was killed" not in done.err, (limit, done)
            assert (p.root / "u/a").read_text() == "a\n"
    assert worked > 4 and failed > 4, (worked, failed)
    p.expect_snapshot(p.create("t", "--fresh"))
    assert no_debris(p) == []


def test_a_limit_of_processes(tmp):
    """RLIMIT_NPROC binds an ordinary user alone. A user of its own: others run processes as nobody."""
    user = 54321
    p = Project(tmp, k_files, plain=True)
    run(["chown", "-R", f"{user}:{user}", tmp])
    done = run_limited(p, {}, "create", "t", user=user)
    assert done.code == 0, done
    seen = set()
    for limit in range(1, 8):
        for args in (["create", "t", "--fresh"], ["run", "t", "--", "true"], ["run", "t", "--guard=off", "--", "true"],
                     ["finish", "u"]):
            done = run_limited(p, {resource.RLIMIT_NPROC: limit}, *args, user=user)
            assert done.code == 0 or (done.code == 125 and args[0] == "run"), (limit, done)
            if done.code == 125:
                assert_says(done, "cannot", "Resource temporarily unavailable")
                assert "was killed" not in done.err, done
            seen.add((args[0], done.code))
    assert ("run", 125) in seen and ("run", 0) in seen, seen
    harness.assert_same_tree(p.source, p.root / "t")


# ---- file systems --------------------------------------------------------------------------------


def commands_that_write(p):
    return (["freeze"], ["create", "new"], ["create", "t", "--fresh"], ["run", "t", "--", "sh", "-c", "echo x >>a"],
            ["verify", "t"], ["finish", "kept"], ["remove", "gone"], ["list"], ["prune"])


def check_in_trouble(p, refuses, may_work=()):
    """Each command works or says what is in the way; a snapshot beside stays whole."""
    said = 0
    for args in commands_that_write(p):
        done = p(*args, expect=None)
        if done.code not in (0, 3):
            said += 1
            assert done.code == 1 or (args[0] == "run" and done.code in (2, 125)), done
            assert args[0] == "run" or "snapfix: error: " in done.err, done
            assert any(word in done.err for word in refuses), done
            assert args[0] not in may_work, done
        for name in ("beside", "t", "kept", "gone"):
            if (p.root / name).exists():
                assert (p.root / ".snapfix/snapshots" / name).exists(), f"{args}: {name} stands and is not on record\n{done}"
        assert tree_state(p.root / "beside") == p.expected, done
    return said


def prepare_in(tmp, where):
    p = Project(tmp, k_files, root=where / "root", git="off")
    for name in ("beside", "t", "gone"):
        p.create(name)
    p("run", "kept", "--guard=off", "--", "false", expect=1)
    p.expected = tree_state(p.root / "beside")
    p.write({"a": "another state\n" * 2000, "e/new": "new\n"})
    p.git("add", "-A")
    return p


def test_a_full_file_system(tmp):
    with harness.loop_fs("ext4", 8, ("-m", "0")) as where:
        p = prepare_in(tmp, where)
        with open(where / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 512)
        assert check_in_trouble(p, ["No space left"], may_work=("list", "remove", "prune")) >= 2
        (where / "ballast").unlink()
        p.expect_snapshot(p.create("t", "--fresh"))
        p.expect_snapshot(p.create("new", "--fresh"))
        p("prune")
        assert no_debris(p) == []


def test_a_file_system_without_inodes(tmp):
    with harness.loop_fs("ext4", 8, ("-N", "128")) as where:
        p = prepare_in(tmp, where)
        with contextlib.suppress(OSError):
            for number in range(1000):
                (where / f"ballast{number}").touch()
        spoil(p.root / "beside/b")
        done = p("verify", "beside", expect=3)
        assert_says(done, "'b' was changed through a link", "has not been healed", "No space left")
        p.expected = tree_state(p.root / "beside")
        assert check_in_trouble(p, ["No space left"], may_work=("list", "remove", "prune")) >= 2
        for _ in range(3):
            done = p("create", "another", expect=None)
            assert_fails(done, 1, "No space left")
            assert "another" not in p.names()
        for path in where.glob("ballast*"):
            path.unlink()
        p.expect_snapshot(p.create("another"))
        p.expect_snapshot(p.create("t", "--fresh"))
        p("prune")
        assert no_debris(p) == []


def test_no_inode_for_a_root(tmp):
    """What a first create without inodes leaves does not keep the next from working."""
    p = Project(tmp, k_files, git="off")
    with harness.loop_fs("ext4", 8, ("-N", "64")) as where:
        p.root = where / "root"
        ballast = []
        with contextlib.suppress(OSError):
            for number in range(1000):
                (where / f"ballast{number}").touch()
                ballast.append(where / f"ballast{number}")
        failed = 0
        while True:
            done = p("create", "t", expect=None)
            if done.code == 0:
                break
            failed += 1
            assert_fails(done, 1, "No space left")
            assert p.names() == []
            ballast.pop().unlink()  # one more each time: it gets a little further
        assert failed > 10, failed
        p.expect_snapshot(p.root / "t")
        assert no_debris(p) == []


def test_a_read_only_file_system(tmp):
    with harness.loop_fs("ext4", 8) as where:
        p = prepare_in(tmp, where)
        done = run(["mount", "-o", "remount,ro", where], expect=None)
        if done.code != 0:
            harness.skip(f"cannot remount: {done.err}")
        assert check_in_trouble(p, ["Read-only file system"]) >= 6
        assert p("list", "--json").json()["snapshots"], "what only looks works"
        run(["mount", "-o", "remount,rw", where])
        p.expect_snapshot(p.create("t", "--fresh"))


def test_no_proc(tmp):
    harness.require("unshare", "umount")
    p = Project(tmp, k_files)
    prefix = ["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
    if run([*prefix, "true"], expect=None).code != 0:
        harness.skip("cannot unmount /proc in a namespace of its own")

    def call(command, *args, expect=0):
        where = ["--source", p.source] if command in ("freeze", "create", "run") else []
        return run([*prefix, harness.snapfix_path(), command, *where, "--root", p.root, *args], expect=expect)

    call("freeze")
    call("create", "t")
    p.expect_snapshot(p.root / "t")
    call("create", "t", "--fresh")
    p.expect_snapshot(p.root / "t")
    done = call("run", "t", "--", "sh", "-c", "echo new >new; exit 4", expect=4)
    assert_says(done, "no guard", "/proc")
    assert_fails(call("run", "t", "--guard=on", "--", "true", expect=None), 125, "/proc")
    call("verify", "t")
    call("list")
    call("doctor", expect=None)
    call("finish", "t", "--keep", "never")
    call("prune")
    assert p.names() == []


if __name__ == "__main__":
    harness.main()
