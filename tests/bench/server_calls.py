"""How many calls a server is asked to answer for each file and each folder, with nothing in the client's cache."""

import contextlib
import functools
import os
import subprocess
import time

import harness

CACHED_SECONDS = 3600  # however slow the machine is, what was asked once is not asked again


@contextlib.contextmanager
def served(below, where, counts):
    """A FUSE pass-through of `below`; afterwards `counts` has what it was asked for, by name."""
    program = os.environ.get("SNAPFIX_SLOW_FS")
    if not program:
        harness.skip("libfuse3's headers are not installed")
    server = harness.start([program, below, where, "0", str(CACHED_SECONDS)], stdout=subprocess.PIPE, text=True)
    try:
        harness.eventually(lambda: os.path.ismount(where) or server.poll() is not None, "FUSE is mounted")
        if server.poll() is not None:
            harness.skip("FUSE cannot be mounted here")
        yield where
    finally:
        harness.run(["umount", where], expect=None)
        if os.path.ismount(where):
            harness.run(["umount", "-l", where], expect=None)
        out, _ = server.communicate(timeout=60)
    counts.update({line.split()[0]: int(line.split()[1]) for line in out.splitlines()})


def counts_of(folders, files):
    """{command: {call: how often}}, each command with nothing in the client's cache."""
    with harness.tmpfs() as below, harness.temp_dir("served") as where:
        source, root, listed, plain = where / "source", where / "root", where / "list", where / "plain"
        floor, helper = os.environ["SNAPFIX_FLOOR"], harness.snapfix_path()
        tree = ("--git", "off", "--source", source, "--root", root, "--jobs", "1")

        def counted(*command):
            counts = {}
            with served(below, where, counts):
                harness.run(command)
            return counts

        with served(below, where, {}):
            harness.make_repo(source, {f"d{d:03}/f{f:03}": f"{d} {f}\n" for d in range(folders) for f in range(files)})
            listed.write_bytes(b"".join(name + b"\0" for name in harness.tracked_files(source)))
            time.sleep(2.1)  # a ctime younger than that is no proof of an unchanged file
            base = harness.run([helper, "freeze", *tree]).out.strip()
        return {
            "lstat": counted(floor, "lstat", listed, source),
            "freeze": counted(helper, "freeze", *tree),
            "freeze beside": counted(helper, "freeze", "--git", "off", "--source", source, "--root", where / "other", "--jobs", "1"),
            "cold freeze": counted(helper, "freeze", "--git", "off", "--source", source, "--root", where / "elsewhere/root", "--jobs", "1"),
            "link": counted(floor, "link", listed, source, plain),
            "create": counted(helper, "create", "x", "--base", base, *tree),
            "refresh": counted(helper, "create", "x", "--fresh", "--base", base, *tree),
            "verify": counted(helper, "verify", "x", "--root", root),
            "unlink": counted(floor, "unlink", plain),
            "remove": counted(helper, "remove", "x", "--root", root),
        }


@functools.lru_cache(maxsize=None)
def rates():
    """{command: ({call: number a file}, {call: number a folder})}: the differences between trees."""
    few, more_files, more_folders = counts_of(4, 10), counts_of(4, 40), counts_of(14, 10)

    def rate(command):
        calls = set(few[command]) | set(more_files[command]) | set(more_folders[command])

        def count(of, call):
            return of[command].get(call, 0) - few[command].get(call, 0)

        by_file = {call: count(more_files, call) / 120 for call in calls}
        # The kernel asks once more for the status of a folder that changed while it was being told: a matter of chance.
        by_file["GETATTR"] = round(by_file.get("GETATTR", 0))
        by_folder = {call: (count(more_folders, call) - 100 * by_file[call]) / 10 for call in calls}
        by_folder["GETATTR"] = round(by_folder.get("GETATTR", 0))
        return [{call: number for call, number in numbers.items() if number} for numbers in (by_file, by_folder)]

    return {command: rate(command) for command in few}


def test_create_asks_what_bare_links_ask():
    by_file, by_folder = rates()["create"]
    floor_by_file, floor_by_folder = rates()["link"]
    assert by_file == floor_by_file, (by_file, floor_by_file)
    assert sum(by_folder.values()) <= sum(floor_by_folder.values()), (by_folder, floor_by_folder)


def test_remove_asks_what_bare_unlinks_ask():
    # Of the status of folders the kernel assures itself after others have changed them: with several workers, which
    # come where calls wait, that is a matter of chance.
    ours, floor = ([{k: n for k, n in by.items() if k != "GETATTR"} for by in rates()[c]] for c in ("remove", "unlink"))
    assert ours == floor, rates()


def test_freeze_asks_once_about_each_file():
    # Twice where the client knew nothing: the name is looked up, and its status is not to be an old one. And each
    # folder once more at the end: it must not have changed meanwhile.
    assert rates()["freeze"] == [{"LOOKUP": 1, "GETATTR": 1}, {"LOOKUP": 1, "GETATTR": 2}], rates()["freeze"]
    assert rates()["lstat"] == [{"LOOKUP": 1}, {"LOOKUP": 1, "OPENDIR": 1}], rates()["lstat"]


def test_a_cold_freeze_makes_each_object_with_one_call_each():
    # Of the four names looked up three are the object's: when it is made, whether it stands, when it gets its name.
    # Of the five times that a status is asked for two are its folder's, which has changed each time.
    by_file, _ = rates()["cold freeze"]
    assert by_file == {"LOOKUP": 4, "GETATTR": 5, "OPEN": 1, "CREATE": 1, "SETATTR": 1, "RENAME": 1}, by_file


def test_a_freeze_beside_another_root_links_each_object():
    by_file, _ = rates()["freeze beside"]
    assert by_file == {"LOOKUP": 3, "GETATTR": 2, "LINK": 1}, by_file


def test_refresh_and_verify_look_once_at_what_stands():
    by_file, by_folder = rates()["refresh"]
    assert by_file == {"LOOKUP": 1}, by_file
    assert by_folder == {"LOOKUP": 1, "GETATTR": 1, "OPENDIR": 1, "READDIR": 2}, by_folder
    by_file, by_folder = rates()["verify"]
    # Of a folder whose state is known the server is asked for that, and not for what it holds.
    assert by_file == {"LOOKUP": 1}, by_file
    assert by_folder in ({"LOOKUP": 1, "OPENDIR": 1, "READDIR": 2}, {"LOOKUP": 1, "OPENDIR": 1, "GETATTR": 1}), by_folder


if __name__ == "__main__":
    harness.main()
