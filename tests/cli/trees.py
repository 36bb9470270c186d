"""Real and random input, held against `rsync -a` and `cp -a`."""

import os
import pathlib
import random
import stat
import time

import harness
from harness import git, make_repo, run
from project import Project, every_stat, listed, plain_paths, sleep_past_racy

k_seed = int(os.environ.get("SNAPFIX_FUZZ_SEED", str(time.time_ns() % 1_000_000_007)))


def random_name(rng):
    kind = rng.randrange(6)
    if kind == 0:
        raw = bytes(rng.choice([b for b in range(1, 256) if b != 0x2F]) for _ in range(rng.randrange(1, 12)))
    elif kind == 1:
        raw = rng.choice((b"\n", b" ", b"-", b"...", b"~", b"\\", b"'", b'"', b"$(x)", b"\xff", b"%s")) + b"%d" % rng.randrange(1000)
    elif kind == 2:
        raw = bytes(rng.choices(b"abc", k=rng.choice((1, 100, 255))))
    else:
        raw = b"f%d" % rng.randrange(10**6)
    return raw if raw not in (b".", b"..", b".git") else b"dots"


def random_time(rng):
    seconds = rng.choice((0, 1, 10**9, 2**31 - 1, rng.randrange(2 * 10**9)))
    return seconds * 10**9 + rng.choice((0, 1, 999_999_999, rng.randrange(10**9)))


def random_tree(top, rng, entries):
    folders, top = [os.fsencode(top)], os.fsencode(top)
    for _ in range(entries):
        path = os.path.join(rng.choice(folders[-8:] if rng.random() < 0.5 else folders), random_name(rng))
        if os.path.lexists(path) or len(path) > 3000:
            continue
        kind = rng.random()
        if kind < 0.25:
            os.mkdir(path)
            folders.append(path)
        elif kind < 0.4:
            text = rng.choice((b"f1", b"..", b".", b"/", b"/proc/version", b"../../..", b"no\nwhere\xff", b"x" * 1000, path, os.path.basename(path)))
            os.symlink(text, path)
        else:
            with open(path, "wb") as out:
                out.write(rng.randbytes(rng.choice((0, 1, 100, 4096, 70_000))))
            os.chmod(path, rng.choice((0o644, 0o755, 0o400, 0o444, 0o600, 0o4755, 0o2711, 0o666)))
    for folder, folders, files in os.walk(top, topdown=False):
        for name in files + folders:  # folders, where they are symlinks; real ones had their turn below
            if name in files or os.path.islink(os.path.join(folder, name)):
                when = random_time(rng)
                os.utime(os.path.join(folder, name), ns=(when, when), follow_symlinks=False)
        os.chmod(folder, rng.choice((0o755, 0o700, 0o750, 0o1777, 0o2755)))
        when = random_time(rng)
        os.utime(folder, ns=(when, when))


def test_random_trees(tmp):
    for seed in range(k_seed, k_seed + 6):
        rng = random.Random(seed)
        where = tmp / str(seed)
        where.mkdir()
        p = Project(where, {"first": "1"}, plain=True)
        random_tree(p.source, rng, 400)
        print(f"  seed {seed}: {len(plain_paths(p.source))} entries", flush=True)
        t = p.create("t")
        run(["cp", "-a", p.source, where / "cp"])
        run(["rsync", "-a", "--modify-window=-1", f"{p.source}/", where / "rsync"])
        for yardstick in ("cp", "rsync"):
            harness.assert_same_tree(where / yardstick, t, what=f"seed {seed}: {yardstick} -a and the snapshot")
        assert p("verify", "t").code == 0
        p.create("t", "--fresh")
        harness.assert_same_tree(where / "cp", t)
        p("remove", "t")
        assert p.names() == []


def test_deep_paths(tmp):
    """Deeper than PATH_MAX: only names and descriptors reach there."""
    p = Project(tmp, {"first": "1"}, plain=True)
    levels, name = 30, "d" * 200
    here = os.open(p.source, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    file = os.open("bottom", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=here)
    os.write(file, b"deep")
    os.close(file)
    os.close(here)
    t = p.create("t")
    here = os.open(t, os.O_RDONLY)
    for _ in range(levels):
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    file = os.open("bottom", os.O_RDONLY, dir_fd=here)
    assert os.read(file, 10) == b"deep"
    os.close(file)
    os.close(here)
    p.create("t", "--fresh")
    assert p("verify", "t").code == 0
    p("remove", "t")
    assert os.listdir(p.root / ".snapfix/trash") == []


def test_boost_headers(tmp):
    """Some 15,000 files as a plain folder."""
    boost = pathlib.Path("/usr/include/boost")
    files = sum(len(names) for _, _, names in os.walk(boost)) if boost.is_dir() else 0
    if files < 5000:
        harness.skip("Boost's headers are not in /usr/include/boost")
    p = Project(tmp, {"x": "1"}, plain=True)
    p.source = boost
    before = every_stat(boost)
    made = p.create_json("t")
    assert made["ledger"]["linked"] == files, made
    print(f"  {files} files: frozen in {made['freeze']['seconds']:.2f} s, linked in {made['ledger']['seconds']:.2f} s", flush=True)
    harness.assert_same_tree(boost, p.root / "t")
    again = p.create_json("u")
    assert again["freeze"]["files_read"] == 0, again
    assert p("verify", "t", "--content").code == 0
    p("remove", "t", "u")
    assert p.names() == [] and every_stat(boost) == before


def test_this_projects_own_repository(tmp):
    """A clone of it with a submodule added, and the work tree's own files beside what is committed."""
    source = os.environ["SNAPFIX_SOURCE_DIR"]
    if harness.run(["git", "-c", f"safe.directory={source}", "-C", source, "rev-parse", "HEAD"], expect=None).code != 0:
        harness.skip("this is no clone")
    p = Project(tmp, {"x": "1"})
    harness.remove_tree(p.source)
    run(["git", "-c", "safe.directory=*", "clone", "-q", "--no-hardlinks", source, p.source])
    make_repo(tmp / "module", {"lib.py": "pass\n", "data/x.bin": bytes(1000)})
    git(p.source, "submodule", "add", "-q", tmp / "module", "third_party/module")
    git(p.source, "commit", "-q", "-m", "module")
    sleep_past_racy()
    p.git("status")
    before = every_stat(p.source)
    t = p.create("t")
    p.expect_snapshot(t)
    assert (t / "third_party/module/lib.py").exists()
    p("run", "t", "--", "sh", "-c", "rm README.md CMakeLists.txt; rm -r tests; echo x >third_party/module/new", expect=None)
    p.create("t", "--fresh")
    p.expect_snapshot(t)
    assert every_stat(p.source) == before
    p.git("diff-index", "--quiet", "HEAD")


def test_many_files_in_one_folder(tmp):
    p = Project(tmp, {f"n{n:05}": str(n) for n in range(3000)}, plain=True)
    p.expect_snapshot(p.create("t"), plain_paths(p.source))


def test_hard_links_within_the_source(tmp):
    """Two names of one file are two files in a snapshot: nothing of one reaches the other's path by surprise."""
    p = Project(tmp, {"a": "1"})
    os.link(p.source / "a", p.source / "b")
    p.git("add", "-A")
    t = p.create("t")
    p.expect_snapshot(t, listed(p.source))
    assert p("verify", "t").code == 0
    assert stat.S_ISREG(os.lstat(t / "b").st_mode)


if __name__ == "__main__":
    harness.main()
