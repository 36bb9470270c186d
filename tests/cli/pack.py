"""pack and repro: a snapshot's layout made elsewhere, and packs that mean ill."""

import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tarfile

import harness
from harness import git, make_repo, run, snapfix, write_files
from project import Project, assert_fails, assert_says, every_stat


def members(pack):
    """What lies in it: {name: bytes}, in order."""
    harness.require("zstd")
    plain = subprocess.run(["zstd", "-dcq", pack], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def record_of(pack):
    return json.loads(members(pack)["record.json"])


def packed(p, name="t", *options, **more):
    done = p("pack", name, "-o", p.source.parent / "t.pack", *options, **more)
    assert done.out == f"{p.source.parent}/t.pack\n", done
    return p.source.parent / "t.pack"


def failed(p, *options, script="echo made >new; echo x >>a; exit 3", **more):
    p("run", "t", "--finish", *options, "--", "sh", "-c", script, expect=3, **more)


def clone_of(p, folder, *options):
    run(["git", "clone", "-q", *options, p.source, folder])
    return folder


def repro(pack, clone, *options, **more):
    return snapfix("repro", pack, "--source", clone, "--fresh", *options, **more)


def with_submodule(tmp):
    make_repo(tmp / "inner", {"i": "inner\n", "deep/j": "j\n"})
    p = Project(tmp, {"a": "a\n", "d/b.sh": "b\n", "gone": "gone\n", "edited": "before\n", ".gitignore": "generated\n", "empty": ""})
    p.git("submodule", "add", "-q", tmp / "inner", "sub")
    os.chmod(p.source / "d/b.sh", 0o755)
    os.symlink("../a", p.source / "d/link")
    p.git("add", "-A")
    p.git("commit", "-q", "-m", "second")
    return p


def test_the_layout_is_made_elsewhere(tmp):
    """From a clone that stands at another commit and is dirty: not one stat of it changes."""
    p = with_submodule(tmp)
    p.write({"edited": "after\n", "generated": "g\n", "sub/i": "edited\n", b"odd \xff\n": "odd\n"})
    (p.source / "gone").unlink()
    os.chmod(p.source / "a", 0o640)
    p.git("add", "-N", ".")
    options = ("--include", "generated")
    failed(p, *options)
    pack = packed(p)
    expected = p.create("expected", *options)
    clone = clone_of(p, tmp / "clone", "--recurse-submodules")
    write_files(clone, {"edited": "of the clone\n", "other": "x\n"})
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "elsewhere")
    write_files(clone, {"a": "dirty\n"})
    before = every_stat(clone)
    done = repro(pack, clone, "--root", tmp / "there")
    assert done.out == f"{tmp}/there/t\n", done
    assert every_stat(clone) == before, "nothing is written into the clone"
    harness.assert_same_tree(expected, tmp / "there/t", without=(".git",))
    assert snapfix("diff", "t", "--root", tmp / "there").out == ""
    shown = snapfix("show", "t", "--root", tmp / "there", "--json").json()
    assert shown["source"] == str(clone) and shown["run"]["status"] == 3 and shown["run"]["host"] == "elsewhere", shown
    assert record_of(pack)["edits"] == {"modified": ["edited", "sub/i"], "added": ["generated", "odd \ufffd\n"], "deleted": ["gone"]}
    assert sum(name.startswith("content/") for name in members(pack)) == 4, "what the commit has stays out"
    # And once more, by the default root: beside the clone.
    assert repro(pack, clone).out == f"{tmp}/clone.repro/t\n"
    assert every_stat(clone) == before
    harness.assert_same_tree(expected, tmp / "clone.repro/t", without=(".git",))


def test_git_says_there_what_it_said(tmp):
    """Of the commit that the snapshot was made of, wherever the source has gone since."""
    p = with_submodule(tmp)
    p.git("tag", "-a", "v1", "-m", "one")
    p.write({"edited": "after\n", "sub/i": "edited\n"})
    failed(p)
    p.git("commit", "-qam", "third")
    p.write({"edited": "later\n"})
    pack = packed(p)
    assert record_of(pack)["edits"]["modified"] == ["edited", "sub/i"]
    clone = clone_of(p, tmp / "clone", "--recurse-submodules")
    before = every_stat(clone)
    repro(pack, clone)
    there = tmp / "clone.repro/t"
    p.create("t", "--base", record_of(pack)["source"]["base"], "--fresh")
    for words in ("status --porcelain", "describe --tags --dirty", "rev-parse HEAD", "log -3 --format=%H", "ls-files --stage", "diff",
                  "submodule status", "-C sub status --porcelain", "-C sub rev-parse HEAD"):
        ours, theirs = git(p.root / "t", *words.split()).out, git(there, *words.split()).out
        assert ours == theirs and (ours or "sub status" in words), (words, ours, theirs)
    assert every_stat(clone) == before, "nothing is written into the clone"
    git(there, "commit", "-qam", "mended")
    assert git(clone, "rev-parse", "HEAD", "main").out == p.git("rev-parse", "HEAD", "main").out
    failed(p, "--git", "off", "--fresh")
    repro(packed(p), clone, "--as", "plain")
    assert not (tmp / "clone.repro/plain/.git").exists()
    other = Project(tmp / "other", {"a": "a\n"})
    failed(other)
    run(["git", "clone", "-q", "--bare", other.source, tmp / "bare.git"])
    repro(packed(other), tmp / "bare.git", "--root", tmp / "of_bare")
    assert git(tmp / "of_bare/t", "status", "--porcelain").out == "" and git(tmp / "of_bare/t", "rev-parse", "HEAD").out == other.git("rev-parse", "HEAD").out


def test_it_runs_there(tmp):
    """The command with its folder and the named environment; the path last; exit codes are the command's."""
    p = Project(tmp, {"a": "a\n", "d/b": "b\n"})
    failed(p, "--chdir", "d", "--map-source", script=f'echo "$MINE,$OTHER,$(cat b)"; cat {p.source}/a; exit 3', env={"MINE": "1", "OTHER": "2"})
    pack = packed(p, "t", "--env", "MINE", "--env", "ABSENT")
    clone = clone_of(p, tmp / "clone")
    done = repro(pack, clone, "--run", expect=3, env={"OTHER": "here"})
    assert done.out == f"1,here,b\na\n{tmp}/clone.repro/t\n", done
    assert "it ended with exit code 3, as where it was packed" in done.err, done
    (tmp / "clone.repro/t/d/b").write_text("mended\n")
    assert snapfix("rerun", "t", "--root", tmp / "clone.repro", expect=3).out == "1,here,mended\na\n"
    failed(p, "--fresh", script='[ "$MINE" = 1 ] || exit 0; exit 3', env={"MINE": "1"})
    done = repro(packed(p), clone, "--run")
    assert done.out == f"{tmp}/clone.repro/t\n" and "ended with exit code 0, and where it was packed with exit code 3" in done.err, done


def test_by_the_helper_that_needs_no_library(tmp):
    """The one of a wheel, of a release, and of the roots."""
    alone = tmp / "snapfix"
    if not os.path.exists(f"{harness.snapfix_path()}-static"):
        harness.skip("the build has no snapfix-static: libraries to link statically are missing")
    shutil.copy(f"{harness.snapfix_path()}-static", alone)
    p = Project(tmp, {"a": "a\n", "b": "b\n"})
    failed(p)
    run([alone, "pack", "t", "--root", p.root, "-o", tmp / "alone.pack"])
    assert members(tmp / "alone.pack").keys() == members(packed(p)).keys()
    run([alone, "repro", tmp / "alone.pack", "--source", clone_of(p, tmp / "clone"), "--root", tmp / "there"])
    assert (tmp / "there/t/b").read_text() == "b\n"


def test_what_stands_is_not_lost(tmp):
    p = Project(tmp, {"a": "a\n"})
    failed(p)
    pack, clone = packed(p), clone_of(p, tmp / "clone")
    repro(pack, clone)
    (tmp / "clone.repro/t/mend").write_text("mine\n")
    assert_fails(snapfix("repro", pack, "--source", clone, expect=None), 125, "stands already", "--fresh", "--as")
    assert (tmp / "clone.repro/t/mend").exists()
    snapfix("repro", pack, "--source", clone, "--as", "u")
    repro(pack, clone)
    assert not (tmp / "clone.repro/t/mend").exists()


def test_enter_and_rerun_after_it(tmp):
    """Without --run nothing of a pack runs; what it holds of the run is there for who asks for it."""
    p = Project(tmp, {"a": "a\n", "d/b": "b\n"})
    failed(p, "--chdir", "d", "--pack-env=MINE", script='echo "$MINE"; pwd; exit 3', env={"MINE": "1", "OTHER": "2"})
    pack, clone = packed(p), clone_of(p, tmp / "clone")
    assert record_of(pack)["run"]["environment"] == ["MINE=1"], "what the test sets goes along unasked"
    repro(pack, clone)
    for words in (["rerun", "t"], ["rerun", "t", "--fresh"]):
        assert snapfix(*words, "--root", tmp / "clone.repro", expect=3).out == f"1\n{tmp}/clone.repro/t/d\n"
    done = snapfix("enter", "t", "--root", tmp / "clone.repro", stdin='echo "$MINE"; pwd\n', env={"SHELL": "/bin/sh"})
    assert done.out == f"1\n{tmp}/clone.repro/t/d\n", done
    assert record_of_again(tmp, clone)["run"]["environment"] == ["MINE=1"]


def record_of_again(tmp, clone):
    snapfix("pack", "t", "--root", tmp / "clone.repro", "-o", tmp / "again.pack")
    return record_of(tmp / "again.pack")


def test_names_of_variables(tmp):
    p = Project(tmp, {"a": "a\n"})
    failed(p)
    assert_says(p("pack", "t", "-o", tmp / "x", "--env", "A=1", expect=2), "takes a name")
    assert_says(p("pack", "t", "-o", tmp / "x", "--env", "NOPE"), "no variable 'NOPE'")
    p("run", "t", "--", "true")
    assert_says(p("pack", "t", "-o", tmp / "x"), "ended with exit code 0")


def test_the_clone_is_kept_from_the_command(tmp):
    p = Project(tmp, {"a": "a\n"})
    failed(p, "--source-writes", "allow", "--guard", "off", script='echo x >>"$SNAPSHOT_SOURCE_DIR/a"; exit 3')
    p.git("checkout", "a")
    clone = clone_of(p, tmp / "clone")
    done = repro(packed(p), clone, "--run", expect=3)
    assert_says(done, "was kept from writing")
    assert (clone / "a").read_text() == "a\n"


def test_the_record_is_for_people(tmp):
    home = tmp / "home"
    p = Project(home, {"a": "a\n"})
    p.git("remote", "add", "origin", "https://me:hidden1@example.org/x.git")
    secret = ["--api-key=hidden2", "--password", "-hidden3", "https://u:hidden4@h/p", "TOKEN=hidden5 x", f"{home}/bin/tool", f"--in={p.source}/a"]
    names = {"MY_TOKEN": "hidden6", "AWS_SECRET_ACCESS": "hidden7", "DB": "postgres://u:hidden8@h/db", "PLAIN": "1", "WHERE": f"{home}/data:{p.root}/t/x"}
    p("run", "t", "--finish", "--", "sh", "-c", "exit 3", *secret, expect=3, env={"HOME": home, **names})
    done = p("pack", "t", "-o", tmp / "t.pack", *[word for name in names for word in ("--env", name)], "--env", "UNSET", env={"HOME": home})
    text = b"".join(members(tmp / "t.pack").values()).decode()
    assert "hidden" not in text and str(home) not in text, text
    assert list(members(tmp / "t.pack"))[:2] == ["record.json", "files.json"]
    record = record_of(tmp / "t.pack")
    assert record["run"]["environment"] == ["PLAIN=1", "WHERE=@HOME@/data:@SNAPSHOT_DIR@/x"], record
    assert record["run"]["command"][3:] == ["--api-key=@LEFT_OUT@", "--password", "@LEFT_OUT@", "https://@LEFT_OUT@@h/p", "TOKEN=@LEFT_OUT@ x",
                                            "@HOME@/bin/tool", "--in=@SOURCE_DIR@/a"], record
    assert record["source"]["commits"] == [{"path": "", "commit": p.git("rev-parse", "HEAD").out.strip()}], record
    assert record["verdict"] == "exit code 3" and record["run"]["status"] == 3, record
    assert set(record["versions"]) >= {"snapfix", "git", "kernel", "distribution"} and "?" not in record["versions"].values(), record
    for name in ("MY_TOKEN", "AWS_SECRET_ACCESS", "DB"):
        assert any(name in line for line in record["left_out"]) and f"left out of the pack: the value of {name}" in done.err, done
    assert text.startswith("{\n  "), "it is printed for reading"
    assert_says(done, "on no branch of a remote")
    clone = clone_of(p, tmp / "clone")
    assert_fails(repro(tmp / "t.pack", clone, "--run", expect=None), 125, "looks like a secret")


def test_what_is_too_large_is_named(tmp):
    p = Project(tmp, {"a": "a\n", ".gitignore": "*.bin\n.env\n"})
    p.write({"small.bin": "s" * 10, "large.bin": "l" * 3000, "medium.bin": "m" * 1500, ".env": "PASSWORD=hidden\n"})
    failed(p, "--include", "*.bin", "--include", ".env")
    done = p("pack", "t", "-o", tmp / "t.pack", "--max-size", "2k")
    assert_says(done, "left out of the pack: the content of large.bin (3000 bytes", "the content of .env (by its name it may hold a secret)")
    assert len(record_of(tmp / "t.pack")["left_out"]) == 2 and b"hidden" not in b"".join(members(tmp / "t.pack").values())
    clone = clone_of(p, tmp / "clone")
    done = repro(tmp / "t.pack", clone, expect=None)
    assert_fails(done, 125, "the content of '.env', 'large.bin' is missing", "--max-size")
    assert not (tmp / "clone.repro").exists()
    assert p("pack", "t", "--max-size", "2x", expect=2).err and p("pack", "t", "--max-size", "-1", expect=2).err


def test_what_a_clone_lacks(tmp):
    p = with_submodule(tmp)
    old = clone_of(p, tmp / "old")
    bare = clone_of(p, tmp / "bare", "--bare")
    p.write({"a": "newer\n", "sub/i": "newer\n"})
    git(p.source / "sub", "commit", "-qam", "newer")
    p.git("commit", "-qam", "newer")
    failed(p)
    pack = packed(p)
    head, inner = p.git("rev-parse", "HEAD").out.strip(), git(p.source / "sub", "rev-parse", "HEAD").out.strip()
    done = repro(pack, old, expect=None)
    assert_fails(done, 125, f"the commit {head[:12]}", f"hint: git -C {old} fetch origin {head}",
                 "the submodule 'sub' (it is not cloned)", f"hint: git -C {old} submodule update --init sub")
    git(old, "submodule", "update", "--init", "-q", "sub")
    assert_fails(repro(pack, old, expect=None), 125, f"the commit {inner[:12]} of the submodule 'sub'", f"git -C {old}/sub fetch origin {inner}")
    assert not (tmp / "old.repro").exists()
    git(p.source / "sub", "push", "-q", "origin", "HEAD:refs/heads/newer")
    for line in repro(pack, old, expect=None).err.splitlines():
        if line.startswith("hint: git"):
            run(line[6:].split())
    assert repro(pack, old).out == f"{tmp}/old.repro/t\n"
    assert (tmp / "old.repro/t/sub/i").read_text() == "newer\n"
    assert_fails(repro(pack, bare, expect=None), 125, "lacks what the snapshot was made of")
    assert_fails(repro(pack, tmp / "nowhere", expect=None), 125, "find the clone")
    assert repro(pack, tmp, expect=None).code == 125


def test_what_is_no_clone(tmp):
    p = Project(tmp, {"a": "a\n", "d/b": "b\n"})
    failed(p)
    (tmp / "plain").mkdir()
    assert_fails(repro(packed(p), tmp / "plain", expect=None), 125, "is no git repository", "--source")
    assert_fails(repro(packed(p), p.source / "d", "--root", tmp / "r", expect=None), 125, "is a folder in a repository")


def test_a_submodule_behind_a_symlink_of_the_clone(tmp):
    p = with_submodule(tmp)
    failed(p)
    pack, clone = packed(p), clone_of(p, tmp / "clone", "--recurse-submodules")
    (clone / "sub").rename(tmp / "elsewhere")
    (clone / "sub").symlink_to(tmp / "elsewhere")
    assert_fails(repro(pack, clone, expect=None), 125, "behind a symlink")


def test_a_program_of_a_build_tree(tmp):
    p = Project(tmp, {"a": "a\n", ".gitignore": "build\n"})
    p.write({"build/prog": "#!/bin/sh\necho built; exit 3\n"})
    os.chmod(p.source / "build/prog", 0o755)
    p("run", "t", "--finish", "--", p.source / "build/prog", expect=3)
    pack = packed(p)
    clone = clone_of(p, tmp / "clone")
    done = repro(pack, clone)
    assert done.out == f"{tmp}/clone.repro/t\n", done
    assert_says(done, f"the program '{clone}/build/prog' is not there", f"hint: build it: cmake --build {clone}/build")
    assert repro(pack, clone, "--run", expect=None).code == 125
    write_files(clone, {"build/prog": "#!/bin/sh\necho built; exit 3\n"})
    os.chmod(clone / "build/prog", 0o755)
    assert repro(pack, clone, "--run", expect=3).out == f"built\n{tmp}/clone.repro/t\n"


def test_of_git_lfs(tmp):
    """A pointer in the commit, the content from the clone's own store of it."""
    p = Project(tmp, {"a": "a\n"})
    content = b"large\n" * 100
    digest = __import__("hashlib").sha256(content).hexdigest()
    p.write({"model": f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"})
    p.git("add", "-A")
    p.git("commit", "-qm", "lfs")
    p.write({"model": content})
    failed(p)
    pack = packed(p)
    assert not any(name.startswith("content/") for name in members(pack))
    clone = clone_of(p, tmp / "clone")
    head = p.git("rev-parse", "HEAD").out.strip()
    assert_fails(repro(pack, clone, expect=None), 125, "the content of 'model' is missing", f"hint: git -C {clone} lfs fetch origin {head}")
    write_files(clone, {f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}": content})
    repro(pack, clone)
    assert (tmp / "clone.repro/t/model").read_bytes() == content
    write_files(clone, {f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}": content[::-1]})
    assert_fails(repro(pack, clone, expect=None), 125, "'model' is not what was recorded")


def test_a_subfolder_and_no_repository(tmp):
    p = Project(tmp, {"top": "t\n", "sub/a": "a\n", "sub/d/b": "b\n"})
    inner = Project(tmp / "x", {"a": "a\n", "d/b": "b\n"}, plain=True)
    inner.source, inner.root = p.source / "sub", p.root
    failed(inner)
    clone = clone_of(p, tmp / "clone")
    pack = packed(inner)
    assert repro(pack, clone).out == f"{tmp}/clone.repro/t\n" and sorted(os.listdir(tmp / "clone.repro/t")) == ["a", "d"]
    assert snapfix("show", "t", "--root", tmp / "clone.repro", "--json").json()["source"] == f"{clone}/sub"
    plain = Project(tmp / "plain", {"a": "a\n", "d/b": "b\n"}, plain=True)
    failed(plain)
    pack = packed(plain)
    assert record_of(pack)["source"]["commits"] == [] and len(members(pack)) == 4
    repro(pack, clone, "--as", "other")
    assert (tmp / "clone.repro/other/d/b").read_text() == "b\n"


def test_what_cannot_be_packed(tmp):
    p = Project(tmp)
    assert_fails(p("pack", "t", expect=None), 1, "there are no snapshots")
    p.create("t")
    assert_fails(p("pack", "u", expect=None), 1, "there is no snapshot 'u'")
    assert_fails(p("pack", "t", "-o", tmp / "none/x", expect=None), 1, f"{tmp}/none")
    done = p("pack", "t", cwd=tmp)
    assert done.out == f"{tmp}/t.pack.tar.zst\n" and record_of(tmp / "t.pack.tar.zst")["verdict"] == "nothing was run in it"
    assert sorted(os.listdir(tmp)) == ["root", "source", "t.pack.tar.zst"]
    clone = clone_of(p, tmp / "clone")
    assert_says(repro(tmp / "t.pack.tar.zst", clone), "its command cannot be run here: no command is recorded")
    base = p("show", "t", "--json").json()["base"]
    (p.root / ".snapfix/bases" / base).unlink()
    assert_fails(p("pack", "t", "-o", tmp / "x", expect=None), 1, "is lost or damaged")
    assert not (tmp / "x").exists()


def test_a_pack_takes_the_place_of_an_old_one_or_none(tmp):
    p = Project(tmp)
    p.create("t")
    old = tmp / "t.pack"
    old.write_text("old")
    with open("/dev/full", "w", encoding="ascii"):
        pass
    done = run(["sh", "-c", f'ulimit -f 0; exec "$0" pack t --root {p.root} -o {old}', harness.snapfix_path()], expect=None)
    assert done.code != 0 and old.read_text() == "old", done
    assert sorted(name for name in os.listdir(tmp) if "pack" in name) == ["t.pack"]
    packed(p)
    assert "record.json" in members(old)


# ---- packs that mean ill -------------------------------------------------------------------------


class Forge:
    """A sound pack, taken to pieces and put together otherwise."""

    def __init__(self, tmp):
        harness.require("zstd")
        self.tmp = tmp
        p = Project(tmp, {"a": "a\n", "d/b": "b\n"})
        p.write({"a": "edited\n"})
        failed(p)
        self.parts = members(packed(p))
        self.record = json.loads(self.parts["record.json"])
        self.files = json.loads(self.parts["files.json"])
        self.clone = clone_of(p, tmp / "clone")
        self.marker = tmp / "ran"
        program = tmp / "program"
        program.write_text(f"#!/bin/sh\ntouch {self.marker}\ncat\n")
        program.chmod(0o755)
        for name, value in (("filter.x.smudge", program), ("filter.x.clean", program), ("core.fsmonitor", program), ("core.sshCommand", program)):
            git(self.clone, "config", name, value)
        (self.clone / ".git/info/attributes").write_text("* filter=x\n")
        for hook in (self.clone / ".git/hooks").iterdir():
            hook.unlink()
        for hook in ("post-checkout", "reference-transaction", "pre-auto-gc"):
            os.symlink(program, self.clone / ".git/hooks" / hook)
        self.before = every_stat(self.clone)

    def entry(self, name, **changes):
        """A file as `a` is, with its content in the pack."""
        return {**self.files["files"][0], "path": name, **changes}

    def write(self, record=None, files=None, extra=(), contents=None):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            def add(name, content, **attributes):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                for key, value in attributes.items():
                    setattr(member, key, value)
                archive.addfile(member, io.BytesIO(content))

            add("record.json", json.dumps(record or self.record).encode() if not isinstance(record, bytes) else record)
            files = files if files is not None else self.files
            add("files.json", json.dumps(files).encode() if not isinstance(files, bytes) else files)
            if not isinstance(files, bytes):
                for i, entry in enumerate(files["files"]):
                    if entry.get("from") == "pack":
                        add(f"content/{i}", (contents or {}).get(i, b"edited\n"))
            for name, content, attributes in extra:
                add(name, content, **attributes)
        pack = self.tmp / "forged"
        subprocess.run(["zstd", "-qf", "-o", pack], input=out.getvalue(), check=True)
        return pack

    def refused(self, *words, code=125, **pieces):
        done = repro(self.write(**pieces), self.clone, expect=None)
        assert_fails(done, code, *words)
        self.nothing_was_done(done)

    def nothing_was_done(self, done):
        assert not (self.tmp / "clone.repro").exists() and not self.marker.exists(), done
        assert every_stat(self.clone) == self.before, done
        assert sorted(os.listdir(self.tmp)) == ["clone", "forged", "program", "root", "source", "t.pack"], done


def test_the_forge_makes_sound_packs(tmp):
    forge = Forge(tmp)
    assert repro(forge.write(), forge.clone).out == f"{tmp}/clone.repro/t\n"
    assert (tmp / "clone.repro/t/a").read_text() == "edited\n" and not forge.marker.exists()
    files = {**forge.files, "files": [forge.entry("a", mode="6777"), forge.files["files"][1]]}
    repro(forge.write(files=files), forge.clone)
    assert stat.S_IMODE(os.lstat(tmp / "clone.repro/t/a").st_mode) == 0o777, "no set-uid bit of a stranger's"


def test_no_path_leads_out_of_the_tree(tmp):
    forge = Forge(tmp)
    folders, (a, b) = forge.files["folders"], forge.files["files"]
    more = [{**folders[0], "path": path} for path in ("x", "x/.git", "x/y")]
    for path in ("../x", "x/../../y", "x/../y", "/tmp/x", "x//y", "./x", "x/.", "..", "", ".git", "x/.git/config", "x/.GIT/c", ".Git", ".git. ", "git~1",
                 ".git::$INDEX_ALLOCATION", "n" * 300, "nul\0x"):
        forge.refused(files={"folders": folders + more, "files": [forge.entry(path), b]})
        forge.refused(files={"folders": folders + [{**folders[0], "path": path}] + more, "files": [a, b]}) if path else None
    hexed = {key: value for key, value in a.items() if key != "path"}
    forge.refused(files={"folders": folders, "files": [{**hexed, "path": "x", "path_hex": b"../x".hex()}, b]})
    # Twice, a file in the place of a folder, without its folder.
    forge.refused("twice", files={"folders": folders, "files": [a, a, b]})
    forge.refused("twice", files={"folders": folders + [folders[-1]], "files": [a, b]})
    forge.refused("twice", files={"folders": folders, "files": [a, forge.entry("d")]})
    forge.refused("without the folder", files={"folders": folders, "files": [a, forge.entry("a/b")]})
    forge.refused("without the folder", files={"folders": folders[1:], "files": [a, b]})
    for key in ("folder", ):
        for path in ("..", "/etc", "x/../..", ".git"):
            forge.refused(record={**forge.record, "source": {**forge.record["source"], key: path}})
    for path in ("..", "/etc", ".git", "x/../.."):
        forge.refused(record={**forge.record, "options": {**forge.record["options"], "uv_locked": [path]}})
        forge.refused(record={**forge.record, "run": {**forge.record["run"], "folder": path}})
        forge.refused(record={**forge.record, "source": {**forge.record["source"], "commits": [*forge.record["source"]["commits"], {"path": path, "commit": "0" * 40}]}})
    for commit in ("HEAD", "--output=x", "0" * 39, "-c", "a:b"):
        forge.refused(record={**forge.record, "source": {**forge.record["source"], "commits": [{"path": "", "commit": commit}]}})


def test_symlinks_do_not_lead_out(tmp):
    forge = Forge(tmp)
    folders, (a, b) = forge.files["folders"], forge.files["files"]

    def link(path, target):
        return {"path": path, "target": target, "mode": "0777", "mtime": a["mtime"]}

    for target in ("/etc/passwd", "..", "../x", "d/../..", "s/s/../../..", "d/../a", "", "x\0y", "t" * 5000):
        forge.refused(files={"folders": folders, "files": [a, b, link("s", target)]})
    forge.refused(files={"folders": folders, "files": [a, b, link("d/s", "../../x")]})
    # One that does not leads nowhere else: a file behind it has no folder of its own.
    forge.refused("without the folder", files={"folders": folders, "files": [a, b, link("s", "d"), forge.entry("s/x")]})
    forge.refused("twice", files={"folders": folders + [{**folders[0], "path": "s"}], "files": [a, b, link("s", "d")]})
    repro(forge.write(files={"folders": folders, "files": [a, b, link("d/s", "../a")]}), forge.clone)
    assert os.readlink(tmp / "clone.repro/t/d/s") == "../a"


def test_symlinks_of_the_commit_are_taken(tmp):
    p = Project(tmp, {"a": "a\n"})
    os.symlink("/etc/hostname", p.source / "out")
    p.git("add", "-A")
    p.git("commit", "-qm", "link")
    failed(p)
    clone = clone_of(p, tmp / "clone")
    repro(packed(p), clone)
    assert os.readlink(tmp / "clone.repro/t/out") == "/etc/hostname"
    (p.source / "out").unlink()
    os.symlink("/etc/passwd", p.source / "out")
    failed(p, "--fresh")
    assert_fails(repro(packed(p), clone, expect=None), 125, "may lead out of the tree")


def test_only_plain_files_in_their_order(tmp):
    forge = Forge(tmp)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        forge.refused(extra=[("content/9", b"", {"type": kind, "linkname": "/etc/passwd"})])
    forge.refused("holds more than a pack does", extra=[("content/9", b"x", {})])
    forge.refused("holds more than a pack does", extra=[("../../x", b"x", {})])
    forge.refused("does not hold the content of 'a'", contents={0: b"longer than it was\n"})
    forge.refused("'a' is not what was recorded", contents={0: b"EDITED\n"})
    forge.refused("does not hold the content of 'a'", files={**forge.files, "files": [forge.entry("a", size=6), forge.files["files"][1]]}, contents={0: b"edited\n"})
    # What the commit has is checked as well.
    forge.refused("'d/b' is not what was recorded", files={**forge.files, "files": [forge.files["files"][0], {**forge.files["files"][1], "id": "0" * 32}]})


def test_sizes_have_limits(tmp):
    forge = Forge(tmp)
    entry = forge.entry("a", size=3_000_000_000)
    forge.refused("larger than 1000000000 bytes", files={**forge.files, "files": [entry, forge.files["files"][1]]})
    forge.refused("larger than", files={**forge.files, "files": [forge.entry(f"f{n}", size=2**63) for n in range(3)]})
    forge.refused("too large", record=b" " * (5 << 20))
    forge.refused("too large", files=b" " * (300 << 20))
    done = repro(forge.write(), forge.clone, "--max-size", "3", expect=None)
    assert_fails(done, 125, "larger than 3 bytes", "--max-size")
    forge.nothing_was_done(done)


def test_what_is_no_pack(tmp):
    forge = Forge(tmp)
    forge.refused("another version", record={**forge.record, "pack_version": 2})
    run = forge.record["run"]
    forge.refused("damaged", record={**forge.record, "run": {**run, "command": ["true\0false"]}})
    forge.refused("damaged", record={**forge.record, "run": {**run, "folder": "d\0"}})
    for text in (b"", b"{}", b"[]", b"null", b"[" * 1_000_000, b"\xff", b'{"pack_version": "1"}'):
        forge.refused(record=text or b" ")
        forge.refused(files=text or b" ")
    for damage in ({"mode": "9"}, {"mode": "1000000"}, {"mtime": [1]}, {"mtime": [0, 10**9]}, {"mtime": "x"}, {"size": -1}, {"size": 1.5}, {"id": "x"},
                   {"from": "hell"}, {"from": 1}, {"path": 1}, {"from": "lfs"}, {"from": "lfs", "lfs": "../../x"}):
        forge.refused(files={**forge.files, "files": [forge.entry("a", **damage), forge.files["files"][1]]})
    good = forge.write().read_bytes()
    for text in (b"", b"no archive", good[:len(good) // 2], good[:20]):
        (tmp / "forged").write_bytes(text)
        done = repro(tmp / "forged", forge.clone, expect=None)
        assert done.code == 125 and "snapfix: error: " in done.err, done
        forge.nothing_was_done(done)
    assert_fails(repro(tmp / "none", forge.clone, expect=None), 125, "none")
    assert repro(tmp, forge.clone, expect=None).code == 125


def test_names_that_are_taken(tmp):
    forge = Forge(tmp)
    forge.refused("cannot be called", record={**forge.record, "name": "snapshots.uv_lock.x"})
    forge.refused("cannot be called", record={**forge.record, "name": ""})
    done = repro(forge.write(record={**forge.record, "name": "../../x"}), forge.clone)
    assert done.out.startswith(f"{tmp}/clone.repro/") and pathlib.Path(done.out.strip()).parent == tmp / "clone.repro", done
    assert snapfix("repro", forge.write(), expect=2).err


if __name__ == "__main__":
    harness.main()
