"""Roots in one folder: a new one takes over, as hard links, what the last of them has of the source; each is whole by itself."""

import os
import shutil

import harness
from harness import as_user, snapfix
from project import Project, assert_says, every_stat, inode

k_files = {"a": "1" * 1000, "d/b": "2", "d/e/c": "3"}


class Roots(Project):
    """Commands in roots that lie in one folder of the source, which CODE_SNAPSHOT_DIRNAME names."""

    def at(self, name):
        return self.source / "snaps" / name

    def in_root(self, name, command, *args, **options):
        where = ["--source", self.source, *self.git_option] if command in ("freeze", "create", "run") else []
        return snapfix(command, *where, *args, cwd=self.source, env={"CODE_SNAPSHOT_DIRNAME": f"snaps/{name}"}, **options)

    def make(self, root, name="t"):
        """Makes a snapshot, and returns what its freeze read and copied."""
        made = self.in_root(root, "create", name, "--json").json()
        self.expect_snapshot(self.at(root) / name)
        return made["freeze"]["files_read"], made["freeze"]["files_copied"]

    def expect_sound(self, root, name="t"):
        assert self.in_root(root, "verify", name, "--content").code == 0


def through_the_link(path):
    with open(path, "a", encoding="ascii") as shared:
        shared.write("through the link")


def objects(root):
    return [path for path in (root / ".snapfix/objects").rglob("*") if path.is_file()]


def test_a_new_root_copies_nothing(tmp):
    p = Roots(tmp, k_files)
    harness.run(["sleep", "2.2"])  # what is younger is read again
    before, status = every_stat(p.source / "d"), p.git("status", "--porcelain").out
    assert p.make("one") == (3, 3)
    assert p.make("two") == (0, 0)
    assert inode(p.at("one") / "t/a") == inode(p.at("two") / "t/a")
    assert every_stat(p.source / "d") == before and p.git("status", "--porcelain").out == status, "nothing is seen of them"
    made = snapfix("create", "t", "--source", p.source, "--root", p.at("three"), "--json").json()
    assert made["freeze"]["files_copied"] == 0, "whatever names the root"


def test_what_differs_is_read_and_the_newest_counts(tmp):
    p = Roots(tmp, k_files)
    harness.run(["sleep", "2.2"])
    p.make("a-new")
    p.make("old")
    p.write({"d/b": "changed"})
    assert p.make("a-new", "u") == (1, 1)
    assert p.make("third")[1] == 0
    p.write({"a": "other", "d/new": "4"})
    p.git("add", "d/new")
    assert p.make("fourth")[1] == 2
    p.expect_sound("old")


def test_each_root_can_go_change_and_move(tmp):
    p = Roots(tmp, k_files)
    for root in ("one", "two", "three", "four"):
        p.make(root)
    shutil.rmtree(p.at("one"))
    p.in_root("two", "remove", "t")
    p.in_root("two", "prune")
    p.at("three").rename(tmp / "elsewhere")
    p.write({"a": "new"})
    p.make("four", "u")
    p.in_root("four", "prune", "--keep", "1")
    assert snapfix("verify", "t", "--content", "--root", tmp / "elsewhere").code == 0
    assert (tmp / "elsewhere/t/a").read_text() == k_files["a"]
    p.expect_sound("four", "u")
    p.source.rename(tmp / "moved")
    p.source = tmp / "moved"
    p.expect_sound("four", "u")


def test_what_a_new_root_took_over_and_does_not_use_goes(tmp):
    p = Roots(tmp, k_files, git="off")
    p.make("one")
    p.write({"a": "new"})
    p.make("two")
    p.in_root("two", "prune")
    assert len(objects(p.at("two"))) == 3 and len(os.listdir(p.at("two") / ".snapfix/bases")) == 1
    p.expect_sound("one")


def test_who_shares_a_file_is_named_across_roots(tmp):
    p = Roots(tmp, k_files)
    for root in ("one", "two"):
        p.make(root)
    p.in_root("two", "run", "u", "--guard=off", "--", "true")
    p.make("two", "without")
    (p.at("two") / "without/a").unlink()
    through_the_link(p.at("one") / "t/a")
    done = p.in_root("one", "verify", "t", "--json", expect=3)
    beside = [f"{p.at('two')}/{name}" for name in ("t", "u", "without")]
    assert done.json()["findings"][0]["suspects"] == ["t", *beside], done
    assert_says(done, f"shared by: t, {', '.join(beside)}\n", f"ran without the guard: {beside[1]}\n")
    p.expect_snapshot(p.at("one") / "u" if p.in_root("one", "create", "u").code == 0 else None)


def test_what_is_damaged_beside_is_not_served(tmp):
    p = Roots(tmp, k_files)
    p.make("one")
    through_the_link(p.at("one") / "t/a")
    os.utime(p.at("one") / "t/d/b", (1, 1))
    p.make("two")
    p.expect_sound("two")
    done = p.in_root("one", "verify", "t", "--json", expect=3).json()
    assert {finding["path"] for finding in done["findings"]} == {"a", "d/b"}, done
    assert done["healed"] == 2, done
    p.make("one", "u")


def test_what_is_lost_beside_is_read(tmp):
    """An object, a base, a record: of each a part, or all."""
    p = Roots(tmp, k_files, git="off")
    inner = p.at("one") / ".snapfix"

    def lose_one_object():
        objects(p.at("one"))[0].unlink()

    def lose_all_objects():
        shutil.rmtree(inner / "objects")

    def cut(folder):
        path = next((inner / folder).iterdir())
        path.write_bytes(path.read_bytes()[:100])

    for lose, copied in ((lose_one_object, 1), (lose_all_objects, 3), (lambda: cut("bases"), 3), (lambda: cut("sources"), 3),
                         (lambda: shutil.rmtree(inner / "sources"), 3)):
        shutil.rmtree(p.at(""), ignore_errors=True)
        p.make("one")
        lose()
        assert p.make("two")[1] == copied
        p.expect_sound("two")


def test_only_roots_of_ours_are_looked_into(tmp):
    """No link is followed, and neither is what others own, or could write to, taken over."""
    p = Roots(tmp, k_files)
    p.make("one")
    p.at("one").rename(tmp / "real")
    p.at("link").symlink_to(tmp / "real")
    assert p.make("two")[1] == 3
    shutil.rmtree(p.at("two"))
    p.at("link").unlink()
    p.at("one").mkdir()
    (p.at("one") / ".snapfix").symlink_to(tmp / "real/.snapfix")
    assert p.make("two")[1] == 3
    shutil.rmtree(p.at("two"))
    shutil.rmtree(p.at("one"))
    (tmp / "real").rename(p.at("one"))
    (p.at("one") / ".snapfix").chmod(0o777)
    assert p.make("two")[1] == 3
    shutil.rmtree(p.at("two"))
    (p.at("one") / ".snapfix").chmod(0o700)
    assert p.make("two")[1] == 0
    through_the_link(p.at("one") / "t/a")
    shutil.rmtree(p.at("two"))
    (p.at("one") / ".snapfix/bases").chmod(0o777)  # nobody else can get there
    assert p.make("two")[1] == 0


def test_another_users_root_beside(tmp):
    if os.geteuid() != 0:
        harness.skip("needs root: roots of two users")
    as_user(["true"])
    p = Roots(tmp, k_files)
    p.make("one")
    for top, _, _ in os.walk(p.at("one")):
        os.chown(top, harness.NOBODY, harness.NOBODY)
    assert p.make("two")[1] == 3
    through_the_link(p.at("two") / "t/a")
    done = p.in_root("two", "verify", "t", "--json", expect=3).json()
    assert done["findings"][0]["suspects"] == ["t"] and done["notes"] == [], done


def test_a_root_on_another_mount_is_not_entered(tmp):
    p = Roots(tmp, k_files)
    p.make("one")
    other = tmp / "bind"
    p.at("one").rename(other)
    p.at("one").mkdir()
    with harness.mounted(other, p.at("one"), "--bind"):
        assert p.make("two")[1] == 3


def test_new_roots_at_once(tmp):
    p = Roots(tmp, {f"f{n}": f"{n}" for n in range(20)})
    started = [harness.start([harness.snapfix_path(), "create", f"t{n}", "--source", p.source], stdout=-3,
                             env={"CODE_SNAPSHOT_DIRNAME": f"snaps/{n % 4}"}) for n in range(8)]
    for process in started:
        assert process.wait(timeout=90) == 0
    for n in range(8):
        p.expect_snapshot(p.at(f"{n % 4}") / f"t{n}")
        p.expect_sound(f"{n % 4}", f"t{n}")
    assert p.make("last")[1] == 0


def test_a_root_beside_comes_and_goes(tmp):
    """While new ones take over from it, it is changed, pruned, healed and removed."""
    p = Roots(tmp, {f"d{n % 7}/f{n}": f"{n}" for n in range(60)})
    for n in range(6):
        p.make("one")
        started = [harness.start([harness.snapfix_path(), "create", "t", "--source", p.source], stdout=-3,
                                 env={"CODE_SNAPSHOT_DIRNAME": f"snaps/{n}-{k}"}) for k in range(3)]
        if n % 3 == 0:
            through_the_link(p.at("one") / "t/d0/f0")
            p.in_root("one", "verify", "t", expect=3)
        elif n % 3 == 1:
            p.in_root("one", "remove", "t")
            next((p.at("one") / ".snapfix/sources").iterdir()).unlink()
            p.in_root("one", "prune")
        shutil.rmtree(p.at("one"))
        for k, process in enumerate(started):
            assert process.wait(timeout=90) == 0
            # It may have linked the file before that was damaged: then it is found.
            if n % 3 != 0 or p.in_root(f"{n}-{k}", "verify", "t", "--content", expect=(0, 3)).code == 0:
                p.expect_sound(f"{n}-{k}")
                p.expect_snapshot(p.at(f"{n}-{k}") / "t")


if __name__ == "__main__":
    harness.main()
