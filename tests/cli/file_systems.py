"""The same on every file system, and across two: links where they can be, copies with the reason where not."""

import os
import subprocess

import harness
from project import Project, assert_fails, assert_says, inode, sleep_past_racy

k_files = {f"d{n % 3}/f{n}": f"{n}\n" * 100 for n in range(30)}


def round_of(where, root=None):
    """A snapshot's life: made, found again, written to, refreshed, verified, finished."""
    p = Project(where, k_files, root=root)
    (p.source / "link").symlink_to("d0/f0")
    p.git("add", "-A")
    os.utime(p.source / "d0/f0", ns=(0, 1_500_000_000_123_456_789))
    t = p.create("t")
    p.expect_snapshot(t)
    p("run", "t", "--", "sh", "-c", "rm d0/f3; echo x >new; mkdir e; echo x >e/y")
    p.create("t", "--fresh")
    p.expect_snapshot(t)
    ledger = p("show", "t", "--json").json()["ledger"]
    git_files = sum(path.is_file() for path in (t / ".git").rglob("*"))
    assert git_files > 4 and (ledger["linked"], ledger["copied"]) == (30 + git_files, 0), ledger
    assert harness.git(t, "status", "--porcelain").out == p.git("status", "--porcelain").out
    with open(t / "d0/f0", "a", encoding="ascii") as shared:
        shared.write("through the link\n")
    p("finish", "t", expect=3)
    p.expect_snapshot(p.create("u"))
    p("remove", "u")
    p("prune")
    sleep_past_racy()
    p.freeze()
    assert p.freeze()["files_read"] == 0
    return p


def test_tmpfs():
    with harness.file_system("tmpfs") as where:
        round_of(where)


def test_ext4():
    with harness.file_system("ext4") as where:
        round_of(where)


def test_ext4_with_timestamps_of_a_second():
    with harness.file_system("ext4-128") as where:
        round_of(where)


def test_xfs():
    with harness.file_system("xfs") as where:
        round_of(where)


def test_btrfs():
    with harness.file_system("btrfs") as where:
        round_of(where)


def test_root_on_another_file_system(tmp):
    for kind in ("tmpfs", "ext4-128", "xfs", "btrfs"):
        with harness.file_system(kind) as where:
            (tmp / kind).mkdir()
            root = where / "root"
            p = Project(tmp / kind, k_files, root=root, git="off")
            t = p.create("t")
            if kind != "ext4-128":
                p.expect_snapshot(t)
            assert p("show", "t", "--json").json()["ledger"]["linked"] == 30
            done = p.create_json("s", "--link-from", "source")
            assert done["ledger"]["copied_by_reason"] == {"EXDEV": 30}, done
            assert_fails(p("create", "s2", "--link-from", "source", "--strict", expect=None), 1, "cross-device", "hint: ")
            assert p.names() == ["s", "t"]


def test_root_whose_timestamps_are_coarser_than_the_sources(tmp):
    """A state is found again although the root cannot hold its nanoseconds, and verify sees no change."""
    with harness.file_system("ext4-128") as where:
        p = Project(tmp, k_files, root=where / "root", git="off")
        sleep_past_racy()
        t = p.create("t")
        assert p("verify", "t").code == 0
        assert p.freeze()["files_read"] == 0 and p.create("t") == t
        assert p.create_json("t", "--fresh")["ledger"]["linked"] == 30
        assert p("finish", "t").code == 0


def test_objects_on_another_file_system(tmp):
    p = Project(tmp, k_files, git="off")
    objects = p.root / ".snapfix/objects"
    objects.mkdir(parents=True)
    with harness.tmpfs(64, objects):
        made = p.create_json("t")
        assert made["ledger"]["copied_by_reason"] == {"EXDEV": 30} and made["ledger"]["linked"] == 0, made
        p.expect_snapshot(made["path"])
        assert_says(p("create", "u"), "copied, as links were refused: 30 files (EXDEV)")
        assert_fails(p("create", "v", "--strict", expect=None), 1, "cross-device", "hint: ")
        assert p.names() == ["t", "u"]
        assert p("verify", "t").code == 0
        p.create("t", "--fresh")
        p.expect_snapshot(p.root / "t")


def test_source_that_spans_file_systems(tmp):
    p = Project(tmp, k_files, plain=True)
    with harness.tmpfs(16, p.source / "d1/mounted") as mount:
        (mount / "x").write_text("x")
        t = p.create("t")
        harness.assert_same_tree(p.source, t)


def test_reflink_mode_on_btrfs_and_xfs():
    for kind in ("btrfs", "xfs"):
        with harness.file_system(kind) as where:
            p = Project(where, k_files, git="off")
            made = p.create_json("t", "--link-mode", "reflink")
            assert made["ledger"]["reflinked"] == 30 and made["ledger"]["linked"] == 0, made
            p.expect_snapshot(made["path"])
            objects = {inode(os.path.join(f, n)) for f, _, names in os.walk(p.root / ".snapfix/objects") for n in names}
            assert inode(p.root / "t/d0/f0") not in objects
            (p.root / "t/d0/f0").write_text("in place")
            assert p("finish", "t").code == 0, "a reflinked file is private"


def test_a_full_file_system_fails_and_leaves_no_snapshot(tmp):
    with harness.tmpfs(4) as where:
        p = Project(tmp, {f"f{n}": bytes(1 << 20) for n in range(8)}, root=where / "root")
        assert_fails(p("create", "t", expect=None), 1, "no space left")
        assert p.names() == []
        harness.remove_tree(p.source)
        p.source.mkdir()
        p.write({"small": "1"})
        assert os.listdir(p.create("t", "--files", "all")) == ["small"], "the debris made room"


def test_read_only_root(tmp):
    with harness.tmpfs(8) as where:
        p = Project(tmp, root=where / "root")
        p.create("t")
        harness.run(["mount", "-o", "remount,ro", where])
        assert_fails(p("create", "u", expect=None), 1, "read-only")
        assert [s["name"] for s in p("list", "--json").json()["snapshots"]] == ["t"]


def test_too_many_links():
    """ext4 allows 65,000 links to an inode: past it come copies, counted as EMLINK, also where many ask at once."""
    free = 10
    with harness.file_system("ext4") as where:
        p = Project(where, {"a": "1\n", "b": "2\n"}, plain=True)
        t = p.create("t")
        (where / "links").mkdir()
        for n in range(65000 - free - os.lstat(t / "a").st_nlink):
            os.link(t / "a", where / f"links/{n}")
        command = [harness.snapfix_path(), "create", "--json", "--source", p.source, "--root", p.root]
        creates = [harness.start([*command, f"u{n}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for n in range(2 * free)]
        ledgers = [harness.json.loads(process.communicate(timeout=100)[0])["ledger"] for process in creates]
        reasons = sorted((ledger["linked"], ledger["copied_by_reason"].get("EMLINK", 0)) for ledger in ledgers)
        assert reasons == [(1, 1)] * free + [(2, 0)] * free, reasons
        assert os.lstat(t / "a").st_nlink == 65000
        # Each is whole, its own, and no finding.
        for n in range(2 * free):
            p.expect_snapshot(p.root / f"u{n}", [b"a", b"b"])
            p("run", f"u{n}", "--", "sh", "-c", "echo written >>a")
            p("verify", f"u{n}", "--content")
        assert (t / "a").read_text() == "1\n" and os.lstat(t / "a").st_nlink == 65000 - free
        # Where links have become free, a refresh takes them.
        assert p.create_json("u0", "--fresh")["ledger"]["linked"] == 2


if __name__ == "__main__":
    harness.main()
