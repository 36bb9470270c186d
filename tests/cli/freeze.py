"""What a freeze reads and copies, and what stops it."""

import os
import random
import threading
import time

import harness
from harness import git, snapfix, start, tree_state
from project import Project, assert_fails, every_stat, sleep_past_racy


def objects(root):
    return {path: entry for path, entry in tree_state(root / ".snapfix/objects").items() if entry.kind == "file"}


def test_the_base_id_names_the_state(tmp):
    p = Project(tmp)
    first = p("freeze").out
    assert first.count("\n") == 1 and first.strip(), repr(first)
    assert p("freeze").out == first
    p.write({"a.txt": "b\n"})
    assert p("freeze").out != first


def test_unchanged_is_frozen_without_reading_one_file(tmp):
    p = Project(tmp, {f"d{n % 7}/f{n}": f"{n}\n" * n for n in range(100)})
    sleep_past_racy()
    first = p.freeze()
    assert first["new"] is True and first["count"]["files"] == 100, first
    assert first["files_read"] == first["files_copied"] == 100, first
    assert first["bytes_read"] == first["bytes"] == sum(len(f"{n}\n") * n for n in range(100)), first
    second = p.freeze()
    assert second["new"] is False and second["base"] == first["base"], second
    assert second["files_read"] == second["bytes_read"] == second["files_copied"] == second["bytes_copied"] == 0, second


def test_a_second_state_copies_what_differs(tmp):
    p = Project(tmp, {f"d{n % 7}/f{n}": f"{n}\n" for n in range(50)})
    sleep_past_racy()
    p.freeze()
    p.write({"d1/f1": "changed\n"})
    second = p.freeze()
    assert second["new"] is True, second
    assert (second["files_read"], second["files_copied"], second["bytes_copied"]) == (1, 1, 8), second


def test_a_touched_file_is_read_but_one_mode_more_is_another_object(tmp):
    p = Project(tmp, {"a": "1", "b": "2"})
    sleep_past_racy()
    p.freeze()
    (p.source / "a").chmod(0o755)
    second = p.freeze()
    assert second["files_read"] == 1 and second["new"], second
    assert os.lstat(p.create("t") / "a").st_mode & 0o777 == 0o755


def test_young_files_are_read_again(tmp):
    """A file whose ctime is not old cannot be told from one that changes within the same tick."""
    p = Project(tmp)
    p.freeze()
    second = p.freeze()
    assert second["new"] is False and second["files_copied"] == 0, second
    assert second["files_read"] == 2, second


def test_same_size_edit_with_the_mtime_put_back(tmp):
    p = Project(tmp, {"a": "old\n"})
    sleep_past_racy()
    p.freeze()
    before = os.lstat(p.source / "a")
    (p.source / "a").write_text("new\n")
    os.utime(p.source / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (p.create("t") / "a").read_text() == "new\n"


def test_a_file_swapped_for_its_equal_in_stat(tmp):
    """Same size and mtime, another inode."""
    p = Project(tmp, {"a": "old\n", "b": "new\n"}, plain=True)
    for name in ("a", "b"):
        os.utime(p.source / name, ns=(0, 10**18))
    sleep_past_racy()
    p.freeze()
    os.rename(p.source / "b", p.source / "a")
    assert (p.create("t") / "a").read_text() == "new\n"


def test_the_store_holds_each_file_once(tmp):
    p = Project(tmp, {f"f{n}": f"{n}\n" for n in range(10)}, git="off")
    for n in range(5):
        p.create(f"t{n}")
    assert len(objects(p.root)) == 10
    source = {os.lstat(path).st_ino for path in p.source.iterdir()}
    snapshots = [{os.lstat(path).st_ino for path in (p.root / f"t{n}").iterdir()} for n in range(5)]
    assert all(inodes == snapshots[0] for inodes in snapshots), "snapshots share their files"
    assert not source & snapshots[0], "and share none with the source"


def test_freeze_prunes_what_it_made_unused(tmp):
    p = Project(tmp, {f"f{n}": f"{n}\n" for n in range(10)}, git="off")
    for n in range(6):
        p.write({"f0": f"state {n}\n"})
        p.freeze()
    assert len(objects(p.root)) == 10


def test_include_is_part_of_a_freeze_and_exclude_of_a_snapshot(tmp):
    p = Project(tmp, {".gitignore": "gen\n", "a": "1", "b": "2"})
    p.write({"gen": "x"})
    base = p("freeze").out
    assert p("freeze", "--include", "gen").out != base
    assert p.create_json("t", "--exclude", "b")["base"] == base.strip()


def test_frozen_under_one_parent_takes_the_record(tmp):
    """A freeze of the module records its base under the process that runs all tests: this one here."""
    p = Project(tmp, {"a": "old"})
    p("freeze", "--ctest")
    p.write({"a": "new"})
    assert (p.create("t", "--frozen") / "a").read_text() == "old", "one run sees one state"
    # Another run, here another parent process: never an older run's state.
    command = f'"$0" create --frozen --source "{p.source}" --root "{p.root}" u; exit $?'
    path = harness.run(["sh", "-c", command, harness.snapfix_path()]).out.rstrip("\n")
    with open(f"{path}/a", encoding="ascii") as a:
        assert a.read() == "new"


def test_create_from_a_base(tmp):
    p = Project(tmp, {"a": "old"})
    base = p("freeze").out.strip()
    p.create("keeps-it")
    p.write({"a": "new"})
    p("freeze")
    assert (p.create("t", "--base", base) / "a").read_text() == "old"
    assert_fails(p("create", "u", "--base", "0" * 32, expect=None), 1, "base")


def test_two_freezes_at_once(tmp):
    p = Project(tmp, {f"d{n % 10}/f{n}": f"{n}\n" * 50 for n in range(400)})
    command = [harness.snapfix_path(), "freeze", "--json", "--git", "off", "--source", p.source, "--root", p.root]
    both = [start(command, stdout=-1, stderr=-1) for _ in range(4)]
    done = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0] * 4, done
    assert len({harness.json.loads(out)["base"] for out, _ in done}) == 1
    assert len(objects(p.root)) == 400
    assert sum(harness.json.loads(out)["new"] for out, _ in done) == 1


def test_a_base_that_lost_or_changed_an_object_is_not_used(tmp):
    p = Project(tmp, {f"f{n}": f"{n}\n" for n in range(5)})
    sleep_past_racy()
    p.freeze()
    paths = sorted(objects(p.root))
    store = p.root / ".snapfix/objects"
    os.unlink(os.path.join(os.fsencode(store), paths[0]))
    with open(os.path.join(os.fsencode(store), paths[1]), "ab") as spoilt:
        spoilt.write(b"spoilt")
    os.chmod(os.path.join(os.fsencode(store), paths[2]), 0o777)
    p.expect_snapshot(p.create("t"))
    assert p("verify", "t").code == 0


def test_ctest_measurements(tmp):
    p = Project(tmp)
    out = p("freeze", "--ctest").out
    for name, value in {"files_read": 2, "bytes_copied": 13, "bytes_read": 13}.items():
        line = f'<CTestMeasurement type="numeric/double" name="freeze.{name}">{value}</CTestMeasurement>'
        assert line in out, out
    assert 'name="freeze.seconds"' in out, out


# An editor that writes while freeze runs. It goes through the files in their order and gives each the
# next number; so a state that existed has numbers that never rise from file to file, and differ by 1 at most.

k_files = [f"d{n // 4}/f{n:02}" for n in range(16)]


class Editor(threading.Thread):
    """Waits up to `pause` between two files, and `rest` after each round."""

    def __init__(self, top, pause, rest, by_rename):
        super().__init__()
        self.top, self.pause, self.rest, self.by_rename = top, pause, rest, by_rename
        self.stop, self.rounds = threading.Event(), 0

    def run(self):
        rng = random.Random(1)
        while not self.stop.is_set():
            self.rounds += 1
            for name in k_files:
                path = self.top / name
                if self.by_rename:
                    (self.top / "new").write_text(f"{self.rounds:08}")
                    os.rename(self.top / "new", path)
                else:
                    before = os.lstat(path)
                    file = os.open(path, os.O_WRONLY)
                    os.pwrite(file, f"{self.rounds:08}".encode(), 0)
                    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
                    os.close(file)
                time.sleep(rng.random() * self.pause)
            self.stop.wait(self.rest)


def check_editor(where, pause, rest, by_rename, freezes):
    """At least that many freezes while the editor is at work; returns how many states were published."""
    p = Project(where, {name: f"{0:08}" for name in k_files})
    sleep_past_racy()
    p.freeze()
    editor = Editor(p.source, pause, rest, by_rename)
    published, refused = set(), 0
    editor.start()
    try:
        while freezes > 0 or editor.rounds < 4:
            freezes -= 1
            time.sleep(rest / 20)
            done = p("create", "t", "--fresh", expect=(0, 1))
            if done.code == 1:
                assert_fails(done, 1, "changing")
                refused += 1
                continue
            state = [int((p.root / "t" / name).read_text()) for name in k_files]
            falls = [a - b for a, b in zip(state, state[1:])]
            assert all(fall in (0, 1) for fall in falls) and sum(falls) <= 1, f"a state that never existed: {state}"
            published.add(tuple(state))
    finally:
        editor.stop.set()
        editor.join()
    print(f"  {len(published)} states published, {refused} freezes refused, {editor.rounds} rounds of the editor", flush=True)
    p.expect_snapshot(p.create("t", "--fresh"))
    return len(published)


def test_editor_writes_while_freeze_runs(tmp):
    published = 0
    for pause, rest in ((0.0005, 0), (0.05, 0), (0.002, 0.2)):
        for by_rename in (False, True):
            where = tmp / f"{pause}-{by_rename}"
            where.mkdir()
            published += check_editor(where, pause, rest, by_rename, 25)
    assert published > 20, "all were refused: a freeze that never succeeds proves nothing"


def test_editor_where_timestamps_are_of_a_second():
    """Within one second nothing but waiting tells a change: so a freeze takes long, and is right."""
    with harness.file_system("ext4-128") as where:
        published = 0
        for pause, rest, freezes in ((0.02, 0, 2), (0.005, 3, 4)):
            for by_rename in (False, True):
                top = where / f"{rest}-{by_rename}"
                top.mkdir()
                published += check_editor(top, pause, rest, by_rename, freezes)
        assert published > 2, "all were refused: a freeze that never succeeds proves nothing"


def test_files_come_and_go_while_freeze_runs(tmp):
    p = Project(tmp, plain=True)
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            for n in range(20):
                (p.source / f"x{n}").write_text("x")
            for n in range(20):
                os.unlink(p.source / f"x{n}")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(20):
            done = p("freeze", expect=(0, 1))
            if done.code == 1:
                assert_fails(done, 1, "changing")
    finally:
        stop.set()
        thread.join()


def git_that(tmp, before="", after=""):
    """An environment whose git does something else once, before or after it has listed files."""
    folder = tmp / "git_that"
    folder.mkdir()
    (folder / "git").write_text(
        "#!/bin/sh\n"
        'PATH=${PATH#*:}\nfirst=false\ncase " $* " in *" ls-files "*) mkdir "$(dirname "$0")/done" 2>/dev/null && first=true;; esac\n'
        f'if $first; then\n{before or ":"}\nfi\ngit "$@"\nend=$?\nif $first; then\n{after or ":"}\nfi\nexit $end\n')
    (folder / "git").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_a_file_moves_between_folders_that_hold_nothing_else(tmp):
    """It is there all the time, in one of two: a folder that seems to hold nothing counts as well."""
    p = Project(tmp, {"aa/x": "x", "zz/x": "x", **{f"m{n}/f": "f" for n in range(1500)}})
    here, there = p.source / "zz/x", p.source / "aa/x"
    os.unlink(there)
    for number, pause in enumerate((0.005, 0.01, 0.02, 0.03, 0.04, 0.06)):
        sleep_past_racy()
        (tmp / str(number)).mkdir()
        move = git_that(tmp / str(number), after=f"(sleep {pause}; mv {here} {there}) >/dev/null 2>&1 &")
        fresh = ("--root", tmp / str(number) / "root")
        frozen = snapfix("freeze", "--json", "--source", p.source, *fresh, env=move).json()
        assert frozen["count"]["files"] == 1501, (pause, frozen)
        here, there = there, here


def test_an_untracked_file_is_added_while_git_lists(tmp):
    p = Project(tmp, {"a": "a"}, git="off")
    (p.source / "new").write_text("new")
    sleep_past_racy()
    add = git_that(tmp, after=f"git -C {p.source} add new")
    base = p("freeze", "--files", "untracked", env=add).out.strip()
    p("create", "t", "--files", "untracked", "--base", base)
    assert sorted(os.listdir(p.root / "t")) == ["a", "new"]


def test_the_source_is_replaced_while_git_lists(tmp):
    """What git lists by path is not what an open folder holds: one of both trees it must be."""
    p = Project(tmp, {"a": "old", "gone": "old"})
    p.freeze()
    other = Project(tmp / "other", {"a": "new", "come": "new"})
    sleep_past_racy()
    swap = git_that(tmp, before=f"mv {p.source} {tmp}/was; mv {other.source} {p.source}")
    base = p("freeze", env=swap).out.strip()
    p("create", "t", "--base", base)
    assert {name: (p.root / "t" / name).read_text() for name in os.listdir(p.root / "t")
            if name != ".git"} == {"a": "new", "come": "new"}
    assert p.git("rev-parse", "HEAD").out == harness.git(p.root / "t", "rev-parse", "HEAD").out


def test_a_symlink_becomes_a_file_while_it_is_frozen(tmp):
    p = Project(tmp, {"a": "a"})
    os.symlink("a", p.source / "l")
    git(p.source, "add", "l")
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            for make in (lambda: os.symlink("a", p.source / "new"), lambda: (p.source / "new").write_text("x")):
                make()
                os.rename(p.source / "new", p.source / "l")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(30):
            done = p("freeze", expect=(0, 1))
            assert done.code == 0 or "changing" in done.err, done.err
    finally:
        stop.set()
        thread.join()


def test_an_object_that_a_later_freeze_made_again_serves_earlier_bases(tmp):
    p = Project(tmp, {"p": "PPPP", "q": "1"})

    def state(content, number):
        (p.source / "p").write_text(content)
        os.utime(p.source / "p", (1577836800, 1577836800))
        (p.source / "q").write_text(number)
        return p.freeze()["base"]

    first = state("PPPP", "1")
    p("create", "s1", "--base", first)
    with open(p.root / "s1/p", "a", encoding="utf-8") as spoilt:  # no guard
        spoilt.write("spoilt")
    state("QQQQ", "2")
    p("create", "s2")
    third = state("PPPP", "3")
    p("create", "s3", "--base", third)
    state("RRRR", "4")
    for name, base in (("again1", first), ("again3", third)):
        p("create", name, "--base", base)
        assert (p.root / name / "p").read_text() == "PPPP"


def test_big_file(tmp):
    p = Project(tmp, {"big": bytes(range(256)) * 4096 * 20, "hole": ""})
    with open(p.source / "hole", "r+b") as hole:
        hole.truncate(50 << 20)
        hole.seek(30 << 20)
        hole.write(b"data")
    p.expect_snapshot(p.create("t"))
    assert every_stat(p.root / "t")[b"big"][4] == 20 << 20


def test_what_a_killed_freeze_was_copying_is_removed_by_the_next(tmp):
    p = Project(tmp, {"big": bytes(range(256)) * 4096 * 100, "small": "1"})

    def unfinished():
        return [*p.root.glob(".snapfix/objects/*/??/incoming.*")]

    freezing = harness.start([harness.snapfix_path(), "freeze", "--source", p.source, "--root", p.root])
    harness.eventually(lambda: unfinished() or freezing.poll() is not None, "the big file is being copied")
    freezing.kill()
    freezing.wait()
    assert unfinished(), "the freeze ended before it could be killed"
    p("freeze")
    assert not unfinished() and not [*p.root.glob(".snapfix/objects/*/unfinished")]
    p.expect_snapshot(p.create("t"))


def test_an_empty_source_is_an_error(tmp):
    """Whoever asks for a snapshot of nothing has named the wrong folder."""
    assert_fails(Project(tmp / "git", {})("create", "t", expect=None), 1, "no file")
    (tmp / "plain").mkdir()
    assert_fails(snapfix("create", "--source", tmp / "plain", "--root", tmp / "root", "t", expect=None), 1, "no file")


def test_a_source_whose_files_are_all_deleted(tmp):
    p = Project(tmp, {"a": "1"}, git="off")
    (p.source / "a").unlink()
    assert os.listdir(p.create("t")) == []


if __name__ == "__main__":
    harness.main()
