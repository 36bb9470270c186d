"""What is refused leaves the old state on record, and not to have looked is a failure."""

import harness
from harness import NOBODY, as_user, run, snapfix, tree_state
from project import Project, assert_fails, assert_says

k_files = {"a": "a\n", "b": "b\n" * 400, "d/c": "c\n"}


def test_a_refresh_that_cannot_begin_leaves_the_old_state(tmp):
    """An ordinary user in a root that is not to be written to."""
    p = Project(tmp, k_files, plain=True)
    run(["chown", "-R", f"{NOBODY}:{NOBODY}", tmp])
    p("create", "t", user=NOBODY)
    as_user(["sh", "-c", f"echo mine >>{p.root}/t/new; chmod 500 {p.root}/t; chmod 555 {p.root}"])
    before = tree_state(p.root / "t")
    for _ in range(2):
        done = p("create", "t", "--fresh", user=NOBODY, expect=None)
        assert_fails(done, 1, "Permission denied")
        assert "is gone" not in done.err, done
        assert tree_state(p.root / "t") == before
        assert [s["name"] for s in p("list", "--json", user=NOBODY).json()["snapshots"]] == ["t"]
    p.root.chmod(0o755)
    p("create", "t", "--fresh", user=NOBODY)
    harness.assert_same_tree(p.source, p.root / "t")


def test_a_snapshot_that_is_a_mount_stays(tmp):
    """EBUSY: it cannot be moved, and so is neither refreshed nor removed nor forgotten."""
    p = Project(tmp, k_files)
    t = p.create("t")
    run(["cp", "-a", t, tmp / "copy"])
    with harness.mounted(tmp / "copy", t, "--bind"):
        before = tree_state(t)
        for args in (["create", "t", "--fresh"], ["remove", "t"], ["finish", "t", "--keep", "never"]):
            done = p(*args, expect=None)
            assert_fails(done, 1, "busy")
            assert tree_state(t) == before
            assert p("verify", "t", expect=None).code == 0
    p.expect_snapshot(p.create("t", "--fresh"))


def test_finish_that_could_not_look_is_a_failure(tmp):
    p = Project(tmp, k_files)
    p("run", "t", "--guard=off", "--", "true")
    record = p.root / ".snapfix/snapshots/t"
    whole = record.read_bytes()
    record.write_bytes(whole[:-1])
    for args in (["finish", "t"], ["verify", "t"], ["show", "t"]):
        assert_fails(p(*args, expect=None), 1, "manifest", "damaged", "--fresh")
    assert_says(p("list"), "damaged", "'t'")
    record.write_bytes(whole)
    (p.root / "t").rename(tmp / "elsewhere")
    (p.root / "t").symlink_to(tmp / "elsewhere")
    for args in (["finish", "t"], ["verify", "t"]):
        assert_fails(p(*args, expect=None), 1, "no folder any more")
    assert (p.root / "t").is_symlink() and (tmp / "elsewhere/a").exists()
    p.expect_snapshot(p.create("t", "--fresh"))
    (p.root / "foreign").mkdir()
    assert_fails(p("finish", "foreign", expect=None), 1, "no snapshot")
    # What is not there at all is fine.
    harness.remove_tree(p.root / "t")
    assert p("finish", "t").code == 0
    assert p("finish", "never-made").code == 0
    assert snapfix("finish", "t", "--root", tmp / "no-root").code == 0


def test_a_root_that_cannot_be_seen(tmp):
    p = Project(tmp, k_files, plain=True)
    run(["chown", "-R", f"{NOBODY}:{NOBODY}", tmp])
    p("create", "t", user=NOBODY)
    closed = tmp / "closed"
    closed.mkdir()
    p.root.rename(closed / "root")
    p.root = closed / "root"
    closed.chmod(0o000)
    for args in (["finish", "t"], ["list"], ["verify", "t"], ["remove", "t"], ["prune"]):
        assert_fails(p(*args, user=NOBODY, expect=None), 1, "Permission denied")
    closed.chmod(0o755)


if __name__ == "__main__":
    harness.main()
