"""Running a command in its snapshot."""

import os
import signal
import subprocess
import time

import harness
from harness import snapfix, start
from project import Project, assert_fails, assert_says

k_sigabrt = -signal.SIGABRT


def shell(p, name, script, *options, **more):
    return p("run", name, *options, "--", "sh", "-c", script, **more)


def test_runs_in_the_snapshot(tmp):
    p = Project(tmp)
    p.create("t")
    done = shell(p, "t", 'pwd; cat a.txt; echo "$SNAPSHOT_DIR|$SNAPSHOT_NAME|$SNAPSHOT_SOURCE_DIR|$GIT_CEILING_DIRECTORIES"')
    t = f"{p.root}/t"
    assert done.out == f"{t}\na\n{t}|t|{p.source}|{p.root}\n", done
    assert done.err == "", done


def test_git_does_not_find_the_repository_around(tmp):
    p = Project(tmp)
    done = snapfix("run", "t", "--git", "off", "--", "git", "rev-parse", "--show-toplevel", cwd=p.source, expect=128)
    assert "not a git repository" in done.err, done


def test_chdir(tmp):
    p = Project(tmp)
    assert shell(p, "t", "pwd; ls", "--chdir", "dir").out == f"{p.root}/t/dir\nb.py\n"
    for bad in ("../..", "/etc", "dir/../.."):
        assert shell(p, "t", "true", "--chdir", bad, expect=None).code in (2, 125), bad
    assert_fails(shell(p, "t", "true", "--chdir", "nowhere", expect=None), 125, "nowhere")


def test_exit_codes(tmp):
    p = Project(tmp)
    for code in (0, 1, 2, 3, 77, 125, 126, 127, 255):
        assert shell(p, "t", f"exit {code}", expect=None).code == code
    assert_fails(p("run", "t", "--", "no-such-program", expect=None), 127, "no-such-program")
    assert_fails(p("run", "t", "--", "./a.txt", expect=None), 126, "a.txt")
    assert_fails(p("run", "t", "--", "./dir", expect=None), 126, "dir")


def test_dies_by_the_signal_that_killed_the_command(tmp):
    p = Project(tmp)
    for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGINT):
        assert shell(p, "t", f"ulimit -c 0; kill -{int(number)} $$", expect=None).code == -number, number
    shown = p("show", "t", "--json").json()["run"]
    assert shown["signal"] == signal.SIGINT and shown["status"] is None, shown


def test_own_failures(tmp):
    p = Project(tmp)
    missing = ["--source", tmp / "nowhere", "--root", tmp / "r", "t"]
    assert_fails(snapfix("run", *missing, "--", "true", expect=None), 125, "nowhere")
    aborted = snapfix("run", *missing, "--ctest", "--", "true", expect=None, cwd=tmp)
    assert aborted.code == k_sigabrt and "snapfix: error: " in aborted.err, aborted
    assert not [name for name in os.listdir(tmp) if name.startswith("core")]
    gone = p("run", "t", "--ctest", "--", "no-such-program", expect=None)
    assert gone.code in (127, k_sigabrt), gone


def test_stdin_stdout_stderr_are_the_commands(tmp):
    p = Project(tmp)
    p.create("t")
    done = shell(p, "t", "cat; echo err >&2", stdin="in\n")
    assert (done.out, done.err) == ("in\n", "err\n"), done
    assert shell(p, "t", "echo only", "--ctest").out == "only\n"


def test_arguments_reach_the_command_as_they_are(tmp):
    p = Project(tmp)
    arguments = ["", " ", "a b", "*", "$x", ";", "[", "]", "]]", "\\", "'", '"', "--root", "--", "-h", "ü", "\n", "--help"]
    done = p("run", "t", "--", "printf", "<%s>", *arguments)
    assert done.out == "".join(f"<{a}>" for a in arguments), done


def test_placeholder_in_arguments_and_environment(tmp):
    p = Project(tmp)
    done = p("run", "t", "--", "sh", "-c", 'echo "$1 $V"', "sh", "x=@SNAPSHOT_DIR@/y:@SNAPSHOT_DIR@", env={"V": "@SNAPSHOT_DIR@/z"})
    assert done.out == f"x={p.root}/t/y:{p.root}/t {p.root}/t/z\n", done


def test_map_source(tmp):
    p = Project(tmp, {"a.sh": "echo ran; pwd\n", "build/x": "1"})
    source, t = p.source, f"{p.root}/t"
    given = [f"{source}/a.sh", f"--cfg={source}/a.sh", f"{source}", f"{source}-other/a", f"/x{source}/a", f"{source}/a.sh:{source}/b"]
    mapped = p("run", "t", "--map-source", "--", "printf", "%s\n", *given, env={"V": f"{source}/a.sh"}).out.splitlines()
    assert mapped[:5] == [f"{t}/a.sh", f"--cfg={t}/a.sh", t, f"{source}-other/a", f"/x{source}/a"], mapped
    assert shell(p, "t", 'echo "$V"', "--map-source", env={"V": f"{source}/a.sh"}).out == f"{t}/a.sh\n"
    plain = p("run", "t", "--", "printf", "%s\n", *given).out.splitlines()
    assert plain == given, plain
    assert p("run", "t", "--map-source", "--", "sh", f"{source}/a.sh").out == f"ran\n{t}\n"


def test_verbatim(tmp):
    """A word that selects something by its name: also where a launcher has the work done, and done again."""
    p = Project(tmp, {"a.sh": "echo ran\n"})
    words = [f"--test-case={p.source}/a.sh", "x @SNAPSHOT_DIR@ \\,", f"{p.source}/a.sh", "@SNAPSHOT_DIR@"]
    given = [f"--verbatim={word}" for word in words[:2]] + ["--map-source", "--finish", "--keep", "always"]
    expected = [*words[:2], f"{p.root}/t/a.sh", f"{p.root}/t"]
    for where in ([], ["--launcher=env"]):
        assert p("run", "t", *given, "--fresh", *where, "--", "printf", "%s\n", *words).out.splitlines() == expected
    assert p("rerun", "t").out.splitlines() == expected


def test_map_source_knows_the_source_by_every_name(tmp):
    p = Project(tmp, {"a.sh": "echo ran; pwd\n"})
    t = f"{p.root}/t"
    link = tmp / "link"
    link.symlink_to(p.source)

    def mapped(*words, source, cwd=tmp, env=None):
        where = ["--source", source] if source else []
        return snapfix("run", "t", *where, "--root", p.root, "--map-source", "--", "printf", "%s\n", *words, cwd=cwd, env=env).out.split()

    p.create("t")
    for source in (link, f"{link}/", f"{tmp}/./link/.", f"{p.source}/../link"):
        assert mapped(f"{link}/a.sh", f"{p.source}/a.sh", source=source) == [f"{t}/a.sh"] * 2, source
    assert mapped(f"{link}/a.sh", source=None, cwd=link, env={"PWD": link}) == [f"{t}/a.sh"], "as the shell went there"


def test_a_script_that_git_does_not_track_is_told(tmp):
    p = Project(tmp, {"dir/b.py": "", ".gitignore": "ignored.sh\n"})
    p.write({"new.sh": "echo new\n", "dir/new.sh": "echo new\n", "ignored.sh": "echo ignored\n", "odd [x].sh": "echo odd\n"})
    new = p.source / "new.sh"
    for words in (["sh", new], [new], ["sh", "new.sh"], ["python3.11", "new.sh"], ["/bin/sh", "./new.sh"], ["./new.sh"],
                  ["sh", p.source / "odd [x].sh"]):
        done = p("run", "t", "--map-source", "--", *words, expect=125)
        assert_says(done, "exists in the source, and git does not track it", "git add it", "--files untracked")
    assert "'dir/new.sh' exists" in p("run", "t", "--chdir", "dir", "--", "sh", "new.sh", expect=125).err
    assert p("run", "t", "--map-source", "--", "sh", p.source / "ignored.sh").out == "ignored\n"
    assert p("run", "t", "--", "sh", new).out == "new\n", "nobody asked for the snapshot's"
    assert p("run", "t", "--", "echo", "new.sh").out == "new.sh\n", "a word"
    p.git("add", "new.sh")
    assert p("run", "t", "--fresh", "--map-source", "--", "sh", new).out == "new\n"
    assert p("run", "u", "--files", "untracked", "--map-source", "--", "sh", p.source / "odd [x].sh").out == "odd\n"


def test_a_new_name_is_told(tmp):
    p = Project(tmp)
    assert_says(p("run", "train", "--", "true"), "there is no snapshot 'train': it is made")
    assert p("run", "train", "--", "true").err == ""
    assert_says(p("run", "trian", "--", "true"), "there is no snapshot 'trian' (there is 'train'): it is made")
    p.create("r1")
    assert_says(p("run", "r2", "--", "true"), "there is no snapshot 'r2': it is made")  # the next one, not a slip
    assert_fails(p("show", "r3", expect=None), 1, "there is no snapshot 'r3'", "snapfix list")
    for option in ("--ctest", "--fresh"): # who says --fresh knows
        assert p("run", f"t{option}", option, "--", "true").err == ""


def test_wrapper(tmp):
    p = Project(tmp)
    done = p("run", "t", "--wrapper=env;WRAPPED=yes;", "--", "sh", "-c", 'echo "$WRAPPED"', expect=None)
    assert done.out == "yes\n" or done.code != 0, done
    assert p("run", "t", "--wrapper=env;WRAPPED=a b", "--", "sh", "-c", 'echo "$WRAPPED"').out == "a b\n"
    assert p("run", "t", "--wrapper=", "--", "echo", "x").out == "x\n"


def test_makes_a_missing_snapshot_and_uses_one_as_it_stands(tmp):
    p = Project(tmp)
    shell(p, "t", "echo x >left; rm a.txt; echo new >a.txt")
    p.write({"a.txt": "source moved on\n"})
    assert shell(p, "t", "cat a.txt left").out == "new\nx\n"


def test_fresh_makes_a_used_one_pristine_first(tmp):
    p = Project(tmp)
    shell(p, "t", "echo x >left; rm a.txt; echo new >a.txt")
    assert shell(p, "t", "cat a.txt; ls", "--fresh").out == "a\na.txt\ndir\n"
    p.write({"a.txt": "2\n"})
    assert shell(p, "t", "cat a.txt", "--fresh").out == "2\n"


def test_options_of_a_snapshot_that_stands_otherwise_are_told(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    p.create("t")
    assert p("run", "t", "--", "true").err == ""
    done = p("run", "t", "--copy", "a", "--", "ls")
    assert done.out == "a\nb\n" and "other options" in done.err, done
    assert p("run", "t", "--fresh", "--copy", "a", "--", "ls").err == ""
    assert p("run", "t", "--copy", "a", "--", "ls").err == ""


def test_record(tmp):
    p = Project(tmp)
    p.create("t")
    assert p("show", "t", "--json").json()["run"] is None
    shell(p, "t", "exit 3", expect=3)
    record = p("show", "t", "--json").json()["run"]
    assert record["command"] == ["sh", "-c", "exit 3"] and record["status"] == 3 and record["signal"] is None, record
    assert record["started"] <= record["ended"], record


def test_record_while_it_runs(tmp):
    p = Project(tmp)
    process = start([harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, "t", "--", "sh", "-c", "touch here; exec sleep 100"])
    try:
        harness.eventually(lambda: (p.root / "t/here").exists(), "the command runs")
        record = p("show", "t", "--json").json()["run"]
        assert record["ended"] is None and record["status"] is None, record
    finally:
        process.terminate()
        process.wait()


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as status:
            return status.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):  # gone before the open, or before the read
        return False


def started_run(p, script):
    """A run whose command writes its pid and waits; started by a shell that stands for ctest."""
    command = f'"{harness.snapfix_path()}" run --source "{p.source}" --root "{p.root}" t -- sh -c \'{script}\'; exit $?'
    parent = start(["sh", "-c", command], start_new_session=True, stdout=subprocess.DEVNULL)
    harness.eventually(lambda: (p.root / "t/pid").exists() and (p.root / "t/pid").read_text().strip(), "the command runs")
    return parent, int((p.root / "t/pid").read_text())


def test_dies_with_its_parent(tmp):
    """A killed ctest leaves no test running."""
    p = Project(tmp)
    parent, command = started_run(p, "echo $$ >pid; exec sleep 100")
    parent.kill()
    parent.wait()
    harness.eventually(lambda: not runs(command), "the command died with the killed parent")
    assert p("create", "t", "--fresh", "--wait", "5").code == 0


def test_the_command_dies_with_a_killed_snapfix(tmp):
    p = Project(tmp)
    process = start([harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, "t", "--", "sh", "-c", "echo $$ >pid; exec sleep 100"])
    harness.eventually(lambda: (p.root / "t/pid").exists() and (p.root / "t/pid").read_text().strip(), "the command runs")
    process.kill()
    process.wait()
    command = int((p.root / "t/pid").read_text())
    harness.eventually(lambda: not runs(command), "the command died with snapfix")
    p("create", "t", "--fresh", "--wait", "5")


def test_signals_are_passed_on(tmp):
    p = Project(tmp)
    process = start(
        [harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, "t", "--", "sh", "-c",
         'trap "echo got >caught; exit 9" TERM; echo $$ >pid; while :; do sleep 0.05; done'])
    harness.eventually(lambda: (p.root / "t/pid").exists() and (p.root / "t/pid").read_text().strip(), "the command runs")
    process.terminate()
    assert process.wait(timeout=20) == 9
    assert (p.root / "t/caught").read_text() == "got\n"


def test_processes_that_outlive_the_command_are_left_alive_and_named(tmp):
    p = Project(tmp)
    done = shell(p, "t", "setsid sleep 30 >/dev/null 2>&1 </dev/null & sleep 0.2")
    try:
        assert_says(done, "sleep")
        found = subprocess.run(["pgrep", "-f", "^sleep 30$"], stdout=subprocess.PIPE, check=False).stdout.split()
        assert any(os.readlink(f"/proc/{int(pid)}/cwd").startswith(str(p.root)) for pid in found), done
    finally:
        for pid in subprocess.run(["pgrep", "-f", "^sleep 30$"], stdout=subprocess.PIPE, check=False).stdout.split():
            if os.readlink(f"/proc/{int(pid)}/cwd").startswith(str(p.root)):
                os.kill(int(pid), signal.SIGKILL)


def test_no_descriptor_of_ours_leaks(tmp):
    p = Project(tmp)
    fds = shell(p, "t", "ls /proc/self/fd").out.split()
    assert set(fds) <= {"0", "1", "2", "3"}, fds  # 3 is ls's own


def test_signal_state_is_the_callers(tmp):
    p = Project(tmp)
    def masks():
        return shell(p, "t", "grep -E '^Sig(Blk|Ign)' /proc/self/status").out
    assert masks() == harness.run(["sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status"]).out


def test_orphans_do_not_pile_up_as_zombies(tmp):
    p = Project(tmp)
    done = shell(p, "t", 'for i in 1 2 3; do (sh -c "exit 0" & ) ; done; sleep 0.3; ps -o stat= --ppid $PPID')
    assert "Z" not in done.out, done


def test_what_became_private_is_recorded(tmp):
    p = Project(tmp, git="off")
    shell(p, "t", "sed -i s/a/b/ a.txt")
    report = p("verify", "t", "--json").json()
    assert report["private"] == 1 and report["shared"] == 1, report


def test_concurrent_runs_of_one_name_wait(tmp):
    p = Project(tmp)
    command = [harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, "t", "--", "sh", "-c",
               "date +%s%N >>times; sleep 0.5; date +%s%N >>times"]
    processes = [start(command, stderr=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    times = [int(line) for line in (p.root / "t/times").read_text().split()]
    assert len(times) == 6 and times == sorted(times), "one after another"


def test_quick(tmp):
    """Nothing polls by the second: a run of `true` takes a fraction of one."""
    p = Project(tmp)
    p.create("t")
    started = time.monotonic()
    for _ in range(5):
        p("run", "t", "--", "true")
    assert time.monotonic() - started < 5


def test_fresh_never_takes_an_older_state(tmp):
    """A snapshot that was made and never used, as a run that was stopped after its setup leaves."""
    p = Project(tmp, {"a": "old\n"})
    p("create", "--fresh", "t")
    (p.source / "a").write_text("newest\n")
    assert p("run", "t", "--fresh", "--frozen", "--", "cat", "a").out == "newest\n"
    (p.source / "a").write_text("later still\n")
    assert p("run", "t", "--", "cat", "a").out == "newest\n", "without --fresh: as it stands"


def test_a_command_that_cannot_start_has_an_end(tmp):
    p = Project(tmp)
    p("run", "t", "--", "no-such-program", expect=127)
    (listed,) = p("list", "--json").json()["snapshots"]
    assert listed["run"]["status"] == 127 and listed["run"]["ended"], listed


def test_pwd_is_the_folder_of_the_command(tmp):
    p = Project(tmp, {"d/a": "1"})
    out = p("run", "t", "--chdir", "d", "--", "env", env={**os.environ, "PWD": str(p.source)}).out
    assert f"PWD={p.root}/t/d" in out.splitlines(), out


def test_standing_in_a_snapshot(tmp):
    """What needs the source is told; all else goes by the root around."""
    p = Project(tmp)
    inside = p.create("t")
    p.create("u")
    for args in (["create", "u"], ["freeze"], ["run", "t", "--", "true"]):
        done = harness.snapfix(*args, cwd=inside / "dir", expect=None)
        assert done.code in (1, 125) and "lies in a snapshot" in done.err and "--source" in done.err, done
    assert [s["name"] for s in snapfix("list", "--json", cwd=inside / "dir").json()["snapshots"]] == ["t", "u"]
    for args in (["show", "t"], ["verify", "t"], ["finish", "t", "--keep", "always"], ["prune"], ["remove", "u"]):
        snapfix(*args, cwd=inside)
    assert p.names() == ["t"] and not (inside / ".snapshots").exists()
    assert snapfix("list", "--json", cwd=inside, env={"SNAPFIX_ROOT": tmp / "other"}).json()["snapshots"] == []
    snapfix("remove", "t", cwd=inside)
    assert p.names() == []


def test_standing_in_a_root(tmp):
    """As in a snapshot: it is the root."""
    p = Project(tmp)
    p.create("t")
    p.create("u")
    for args in (["create", "zz"], ["freeze"], ["run", "t", "--", "true"]):
        done = snapfix(*args, cwd=p.root, expect=None)
        assert done.code in (1, 125) and "is a root" in done.err and "--source" in done.err, done
    assert [s["name"] for s in snapfix("list", "--json", cwd=p.root).json()["snapshots"]] == ["t", "u"]
    for args in (["show", "t"], ["verify", "t"], ["remove", "u"]):
        snapfix(*args, cwd=p.root)
    assert p.names() == ["t"] and not (p.root / ".snapshots").exists()


def test_another_sources_snapshot(tmp):
    """One root for two sources: who names a source does not silently get the other's code."""
    one, two = Project(tmp / "one", {"a": "one\n"}), Project(tmp / "two", {"a": "two\n"})
    two.root = one.root
    one.create("t")
    assert_fails(two("run", "t", "--", "cat", "a", expect=None), 125, "another source", str(one.source))
    assert_fails(two("create", "u", "--base", one("freeze").out.strip(), expect=None), 1, "another source")


def test_the_exit_code_outlives_a_closed_stderr_and_a_full_disk(tmp):
    p = Project(tmp)
    script = f"exec 2> >(exec true); {harness.snapfix_path()} run t --source {p.source} --root {p.root} -- sh -c 'sleep 1 & sleep .3; exit 3'"
    assert harness.run(["bash", "-c", script], expect=None).code == 3
    with harness.file_system("tmpfs") as small:
        script = "dd if=/dev/zero of=fill bs=64k 2>/dev/null; exit 7"
        done = harness.snapfix("run", "t", "--source", p.source, "--root", small / "root", "--", "sh", "-c", script, expect=None)
        assert done.code == 7, done


def test_a_sibling_whose_name_begins_with_the_sources(tmp):
    p = Project(tmp)
    other = p.source.with_name(p.source.name + " (old)")
    other.mkdir()
    (other / "t.sh").write_text("echo sibling\n")
    assert p("run", "t", "--map-source", "--", "sh", str(other / "t.sh")).out == "sibling\n"


if __name__ == "__main__":
    harness.main()
