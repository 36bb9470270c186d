"""A source under the guard is what a mount of it that may only be read would be: each call, made on its files and
where there are none, must return the same and change as little. And what is no part of it: build trees, roots."""

import errno
import fnmatch
import json
import os
import re
import shutil
from typing import Callable, NamedTuple, Optional, Tuple

import harness
import matrix
from calls import R, W, explain, k_all, k_core, k_creat, k_opens
from harness import run
from project import Project, assert_says
from restrictions import build
from sections import each_name, k_fifo_opens, k_nobody, make_device, make_socket


class Case(NamedTuple):
    """In texts: {here} the files' folder in the source, {out} one outside of it, {name} a call's file."""

    name: str
    directives: Tuple[str, ...] = ()
    path: str = "{name}"  # what the call names
    cd: str = "{here}"
    calls: dict = k_core
    mode: int = 0o644
    folder_mode: int = 0o755
    owner: Optional[int] = None
    setup: Optional[Callable] = None  # of the folder in the source and the one outside, with the names of the calls
    who: Tuple[str, ...] = ("root", "user")


def missing(here, _, names):
    for name in names:
        (here / name).unlink()


def links_outside(here, out, names):
    for name in names:
        (out / f"{name}.link").symlink_to(here / name)


def dangling_links_outside(here, out, names):
    links_outside(here, out, names)
    missing(here, out, names)


def leads_out(here, out, names):
    for name in names:
        (here / name).unlink()
        (out / name).write_text("outside\n")
        (here / name).symlink_to(out / name)


def leads_to_nothing_outside(here, out, names):
    for name in names:
        (here / name).unlink()
        (here / name).symlink_to(out / name)


def specials(make):
    return lambda here, _, names: each_name(make)(here, names)


def outside_files(_, out, names):
    for name in names:
        (out / name).write_text("outside\n")


k_links_out = {"link-out": ("link-there", "{out}/{name}.new"), "link-out-there": ("link-there", "{out}"),
               "link-nowhere": ("link-there", "{out}/none/x")}
k_links_in = {"link-in": ("link-there", "{here}/{name}.new"), "link-in-there": ("link-there", "{here}/link-in"),
              "linkat": ("linkat", 0), "append": ("openat", W | os.O_APPEND)}
k_makes = {n: c for n, c in k_opens.items() if len(c) > 1 and isinstance(c[1], int) and c[1] & k_creat or n == "creat"}
k_makes = {n: c for n, c in k_makes.items() if "excl" not in n}  # they go past
k_makes.update({"create-reading": ("openat", R | k_creat, 0o600), "chmod": ("chmod", 0o600), "append": ("openat", W),
                "truncate": ("truncate", 3), "access": ("access", os.W_OK), "link": ("link",)})

k_cases = [
    Case("files", calls=k_all),
    Case("absolute", path="{here}/{name}"),
    Case("from-elsewhere", path="{here}/{name}", cd="{out}", calls={**k_core, **k_links_out}),
    Case("other-spelling", path="../{case}/./{name}"),
    Case("missing", calls=k_makes, setup=missing),
    Case("missing-absolute", path="{here}/{name}", cd="{out}", calls=k_makes, setup=missing),
    Case("missing-in-closed-folder", calls=k_makes, setup=missing, folder_mode=0o555),
    Case("missing-folder", path="none/{name}", calls=k_makes),
    Case("trailing-slash", path="{name}/", calls=k_makes, setup=missing),
    Case("a-file-as-folder", path="{name}/x", calls=k_makes),
    Case("links-outside", path="{out}/{name}.link", setup=links_outside),
    Case("dangling-links-outside", path="{out}/{name}.link", calls=k_makes, setup=dangling_links_outside),
    Case("leads-out", setup=leads_out, calls={n: c for n, c in k_core.items() if n != "setflags-append"}),
    Case("leads-to-nothing-outside", calls=k_makes, setup=leads_to_nothing_outside),
    Case("into", path="{out}/{name}", cd="{out}", calls=k_links_in, setup=outside_files),
    Case("folders", setup=specials(os.mkdir)),
    Case("fifos", calls={**k_fifo_opens, "chmod": k_core["chmod"], "utime-now": k_core["utime-now"], "access": k_core["access"]},
         setup=specials(os.mkfifo)),
    Case("sockets", calls=k_opens, setup=specials(make_socket)),
    Case("devices", calls=k_opens, setup=specials(make_device), who=("root",)),
    Case("read-only-files", mode=0o444),
    Case("closed-files", mode=0),
    Case("of-root", owner=0, who=("user",)),
    Case("of-root-0666", owner=0, mode=0o666, who=("user",)),
    Case("by-another-user", ("ids 65534 65534",), who=("root",)),
    Case("by-another-user-0666", ("ids 65534 65534",), mode=0o666, who=("root",)),
    Case("without-capabilities", ("drop-all",), mode=0o444, who=("root",)),
    Case("in-a-user-namespace", ("users 0 {uid}",)),
    Case("in-a-chroot", ("chroot {top}",), cd="/{below}", who=("root",)),
    Case("in-own-mounts", ("mounts",), who=("root",)),
    Case("in-a-thread", ("thread",)),
]


class Excuse(NamedTuple):
    case: str  # patterns
    call: str
    guarded: int  # the errno
    plain: Tuple[int, ...]


# Of two reasons to refuse a call another one is told.
k_excuses = [
    Excuse("*", "openat2-*", errno.EROFS, (errno.EXDEV, errno.ELOOP, errno.EAGAIN)),  # RESOLVE_*
    Excuse("*", "noatime", errno.EROFS, (errno.EPERM,)),
    Excuse("*", "*", errno.EROFS, (errno.EINVAL, errno.EFAULT, errno.E2BIG, errno.ERANGE, errno.ENOTTY, errno.EOPNOTSUPP)),
    Excuse("*", "set*", errno.EROFS, (errno.EPERM,)),
    Excuse("*", "fssetxattr", errno.EROFS, (errno.EPERM,)),
]


class Side:
    """Where the calls are made: the source or a copy of it that is mounted read-only, and a folder outside."""

    def __init__(self, source, work):
        self.source, self.work = source, work
        self.out = {}
        self.cannot = {}

    def make(self, cases, uid):
        for case in cases:
            here, out = self.source / "w" / case.name, self.work / case.name
            for folder in (here, out):
                folder.mkdir(parents=True)
                os.chown(folder, uid, uid)
            for name in case.calls:
                (here / name).write_text(matrix.k_text)
                os.chmod(here / name, case.mode)
                owner = uid if case.owner is None else case.owner
                os.chown(here / name, owner, owner)
            if case.setup:
                case.setup(here, out, case.calls)
            here.chmod(case.folder_mode)

    def run(self, cases, command, **options):
        lines = []
        for case in cases:
            here = self.source / "w" / case.name
            words = {"here": here, "out": self.work / case.name, "top": self.source, "below": f"w/{case.name}", "case": case.name,
                     "uid": options.get("user") or os.geteuid()}
            lines += [f"section {case.name}", *(d.format(**words) for d in case.directives), "cd " + case.cd.format(**words)]
            for name, call in case.calls.items():
                arguments = " ".join(str(a).format(name=name, **words) for a in call)
                lines.append(f"call {name} {case.path.format(name=name, **words)} {arguments}")
            lines.append("end")
        script = self.work / "script"
        script.write_text("\n".join(lines) + "\n")
        for line in run([*command, script], cwd="/", timeout=200, **options).out.splitlines():
            case, call, rest = line.split(" ", 2)
            if call in ("cannot", "died"):
                self.cannot[case] = f"{call} {rest}"
            else:
                self.out[case, call] = re.sub(r"name=#\d+|mount=\S+", "", rest)

    def outside(self):
        return {path: state._replace(mtime_ns=0, content=state.content.replace(os.fsencode(self.source), b"@"))
                for path, state in matrix.tree(self.work).items() if path != b"script"}


def excused(case, call, ours, theirs):
    def errno_of(line):
        return int(line.split(" ")[1])
    return any(fnmatch.fnmatch(case, e.case) and fnmatch.fnmatch(call, e.call)
               and errno_of(ours) == e.guarded and errno_of(theirs) in e.plain for e in k_excuses)


def compare(tmp, who, uid):
    program = build("calls")
    cases = [case for case in k_cases if who in case.who]
    identity = {"user": uid} if uid != os.geteuid() else {}
    p = Project(tmp, files={"a": "a\n"})
    guarded, plain = sides = Side(p.source, tmp / "work"), Side(tmp / "plain", tmp / "plain-work")
    for side in sides:
        side.work.mkdir(exist_ok=True)
        side.make(cases, uid)
    (plain.source / "a").write_text("a\n")
    run(["chown", f"{uid}:{uid}", tmp, p.source, p.source / "a", *(side.work for side in sides)])
    run(["chown", "-R", f"{uid}:{uid}", p.source / ".git"])
    p("create", "t", **identity)
    before = [matrix.tree(side.source) for side in sides]
    with harness.mounted(plain.source, plain.source, "--bind"):
        run(["mount", "-o", "remount,bind,ro", plain.source])
        plain.run(cases, [program], **identity)
    helper = harness.public_snapfix() if identity else harness.snapfix_path()
    guarded.run(cases, [helper, "run", "t", "--source", p.source, "--root", p.root, "--guard", "on", "--", program], **identity)
    problems = []
    for side, state in zip(sides, before):
        after = matrix.tree(side.source)
        problems += [f"{side.source.name}: {path!r} is another: {matrix.difference(state.get(path), after.get(path))}"
                     for path in sorted(state.keys() | after.keys()) if state.get(path) != after.get(path)]
    seen = 0
    for case in cases:
        if plain.cannot.get(case.name) or guarded.cannot.get(case.name):
            print(f"not here: {case.name}: {plain.cannot.get(case.name)} {guarded.cannot.get(case.name)}")
            assert plain.cannot.get(case.name) == guarded.cannot.get(case.name)
            continue
        for call in case.calls:
            seen += 1
            ours, theirs = guarded.out.get((case.name, call), "nothing"), plain.out[case.name, call]
            if ours != theirs and not excused(case.name, call, ours, theirs):
                problems.append(f"{case.name} {call}:\n    mounted {explain(theirs)}\n    guarded {explain(ours)}")
    if guarded.outside() != plain.outside():
        problems += [f"outside: {path!r}" for path in guarded.outside().keys() ^ plain.outside().keys()]
        problems += [f"outside: {path!r}: {matrix.difference(state, plain.outside()[path])}" for path, state in guarded.outside().items()
                     if path in plain.outside() and plain.outside()[path] != state]
    denied = sum(line.startswith(f"-1 {errno.EROFS}") for line in guarded.out.values())
    print(f"{who}: {seen} calls, {denied} of them denied")
    assert denied > seen / 4
    assert not problems, f"{len(problems)} differences:\n" + "\n".join(problems[:80])


def test_as_a_read_only_mount_for_root(tmp):
    if os.geteuid() != 0:
        harness.skip("only root can mount")
    compare(tmp, "root", 0)


def test_as_a_read_only_mount_for_an_ordinary_user(tmp):
    if os.geteuid() != 0:
        harness.skip("only root can mount")
    compare(tmp, "user", k_nobody)


# ---- programs, and what is no part of a source -----------------------------------------------------


k_files = {"data/f": matrix.k_text, "x": "x\n", "dir/y": "y\n", ".gitignore": "build/\nignored\n"}


def source_of(tmp, **more):
    p = Project(tmp, files=k_files, **more)
    (p.source / "ignored").write_text("ignored\n")
    return p


def in_run(p, script, *options, name="t", expect=0, **more):
    """Runs a script of bash in a snapshot; the result, and what its record says of the source."""
    report = p.source.parent / "report"
    done = p("run", name, "--guard", "on", "--json-report", report, *options, "--", "bash", "-c", script, expect=expect, **more)
    return done, json.loads(report.read_text())["guard"]["source"]


def state_of(top):
    return matrix.tree(top)


k_writers = {  # each of a program, and of what path the record tells
    'echo a >>"$S/data/f"': ("data/f", "bash"),
    'echo a >"$S/data/f"': ("data/f", "bash"),
    'echo a >"$S/data/new"': ("data/new", "bash"),
    'echo a >"$S/ignored"': ("ignored", "bash"),
    'cp x "$S/data/f"': ("data/f", "cp"),
    'tee "$S/data/f" </dev/null': ("data/f", "tee"),
    'truncate -s 0 "$S/data/f"': ("data/f", "truncate"),
    'dd if=x of="$S/data/f" conv=notrunc': ("data/f", "dd"),
    'touch "$S/data/f"': ("data/f", "touch"),
    'touch "$S/data/new"': ("data/new", "touch"),
    'chmod 600 "$S/data/f"': ("data/f", "chmod"),
    'chmod 700 "$S/data"': ("data", "chmod"),
    'chmod 700 "$S"': (".", "chmod"),
    'ln "$S/data/f" linked': ("data/f", "ln"),
    'ln x "$S/data/new"': ("data/new", "ln"),
    'ln -s "$S/data/f" l; echo a >>l': ("data/f", "bash"),
    'cd "$S/data"; echo a >>f': ("data/f", "bash"),
    'exec 3<"$S/data/f"; echo a >/proc/self/fd/3': ("data/f", "bash"),
    'rsync --inplace x "$S/data/f"': ("data/f", "rsync"),
    'python3 -c "open(\'$S/data/f\', \'a\')"': ("data/f", "python3"),
    'python3 -c "import sqlite3; sqlite3.connect(\'$S/data/db\').execute(\'create table t(a)\')"': ("data/db", "python3"),
}
k_unseen = ['mkdir "$S/data/d"', 'rm "$S/data/f"', 'mv x "$S/data/f"', 'cp x "$S/data/new"', 'ln -s x "$S/data/new"',
            'rm "$S/x"; git -C "$S" checkout -q -- x', 'set -C; echo >"$S/data/new"',
            'python3 -c "import os; os.close(os.open(\'$S/n\', os.O_CREAT | os.O_EXCL | os.O_WRONLY)); os.replace(\'$S/n\', \'$S/x\')"']


def test_programs(tmp):
    p = source_of(tmp)
    before = state_of(p.source)
    for number, (script, (path, program)) in enumerate(k_writers.items()):
        name = f"t{number}"
        if not shutil.which(program):
            print(f"not here: {program}")
            continue
        done, source = in_run(p, f"S=$SNAPSHOT_SOURCE_DIR; {script}", name=name, expect=range(1, 256))
        after = state_of(p.source)
        assert after == before, (script, {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)})
        assert path in [call["path"] for call in source["calls"]], (script, source)
        assert {call["program"][:len(program)] for call in source["calls"]} == {program}, (script, source)
        assert source["writes"] == "deny" and source["more"] == 0, source
        assert_says(done, "kept from writing (EROFS)", str(p.source), f"'{path}'", program, "SNAPSHOT_DIR", "renames are not kept", "SOURCE_WRITES ALLOW")
        own = done.err[done.err.index("snapfix: note: the command"):]
        assert not re.search(r"error|fail|warning|denied|exception", own, re.IGNORECASE), own


def test_what_goes_past(tmp):
    """These make new names, or take them away: no call on a file that is there."""
    for number, script in enumerate(k_unseen):
        p = source_of(tmp / str(number))
        before = state_of(p.source)
        _, source = in_run(p, f"S=$SNAPSHOT_SOURCE_DIR; {script}")
        assert source["calls"] == [] and state_of(p.source) != before, (script, source)


def test_report_and_allow(tmp):
    for options, writes in ((("--source-writes", "report"), "report"), (("--source-writes=allow",), "allow")):
        p = source_of(tmp / writes)
        done, source = in_run(p, 'echo a >>$SNAPSHOT_SOURCE_DIR/x; echo b >$SNAPSHOT_SOURCE_DIR/new; test -w $SNAPSHOT_SOURCE_DIR/dir/y; ln $SNAPSHOT_SOURCE_DIR/x l', *options)
        assert (p.source / "x").read_text() == "x\na\n" and (p.source / "new").read_text() == "b\n"
        told = {(call["path"], call["program"]) for call in source["calls"]}
        verified = p("verify", "t", "--json", expect=3 if writes == "report" else 0)
        finished = p("finish", "t", "--json", expect=3 if writes == "report" else 0)
        assert source["writes"] == writes, source
        if writes == "allow":
            assert told == set() and "source" not in done.err, done
            assert verified.json()["source_writes"] == finished.json()["source_writes"] == [] and not finished.json()["kept"]
            continue
        assert told == {("x", "bash"), ("new", "bash"), ("x", "ln")}, source
        assert_says(done, "the command wrote to its source", "'x'", "'new'")
        for result in (verified, finished):
            assert_says(result, "error: the command wrote to its source: 'new' (openat of 'bash')", "SOURCE_WRITES DENY")
            assert result.json()["source_writes"] == source["calls"], result
        assert finished.json()["kept"], "a finding keeps the snapshot"


def test_where_nothing_is_shared(tmp):
    """The guard has the source to keep; with nothing to keep it is not needed."""
    p = source_of(tmp)
    done, _ = in_run(p, "! echo a >>$SNAPSHOT_SOURCE_DIR/x", "--link-mode", "copy")
    assert (p.source / "x").read_text() == "x\n", done
    p("run", "u", "--link-mode", "copy", "--source-writes", "allow", "--", "true")
    assert p("show", "u", "--json").json()["run"]["guard"] == {"state": "not needed"}


def test_without_the_guard(tmp):
    p = source_of(tmp)
    done = p("run", "t", "--guard", "off", "--", "sh", "-c", "echo a >>$SNAPSHOT_SOURCE_DIR/x")
    assert (p.source / "x").read_text() == "x\na\n" and "source" not in done.err, done


def test_linked_from_the_source(tmp):
    """The snapshot's files are the source's own: in the snapshot they become private, in the source they stay."""
    p = source_of(tmp)
    before = (p.source / "x").read_bytes()
    in_run(p, 'echo a >>x; ! echo a >>"$SNAPSHOT_SOURCE_DIR/x"; ! echo a >>"$SNAPSHOT_SOURCE_DIR/dir/y"; grep -q a x', "--link-from", "source")
    assert (p.source / "x").read_bytes() == before


def test_build_trees_and_roots(tmp):
    p = source_of(tmp, root=tmp / "source" / "build" / "snapshots")
    (p.source / "build/sub").mkdir(parents=True)
    (p.source / "build/CMakeCache.txt").touch()
    (p.source / "build/log").touch()
    _, source = in_run(p, 'set -e; cd "$SNAPSHOT_SOURCE_DIR"; echo a >>build/log; echo a >build/sub/new; chmod 700 build/sub build; touch build/CMakeCache.txt;'
                       ' test -w build; echo a >>build/snapshots/.gitignore; ! echo a >new; echo a >>"$SNAPSHOT_DIR/x"; ln build/log build/l; ln build/log "$SNAPSHOT_DIR/l"')
    assert [call["path"] for call in source["calls"]] == ["new"], source
    assert (p.source / "build/log").read_text() == "a\n" and (p.source / "build/sub/new").exists()
    # Another root in the source, and the snapshot in the source itself.
    other = Project(tmp / "other", files=k_files, root=tmp / "other/source/.snapshots")
    _, source = in_run(other, 'echo a >>x; echo b >new; chmod 600 "$SNAPSHOT_DIR/dir/y"; ! echo a >>../../x; echo a >../new')
    assert [call["path"] for call in source["calls"]] == ["x"], source
    assert (other.root / "new").exists()  # a root is no part of the source


def test_in_source_build(tmp):
    """What the build makes lies beside the source's files: only those are kept."""
    p = source_of(tmp)
    (p.source / "CMakeCache.txt").touch()
    (p.source / "made").touch()
    (p.source / "gone").touch()
    p.git("add", "gone")
    p("create", "t")
    (p.source / "gone").unlink()
    _, source = in_run(p, 'cd "$SNAPSHOT_SOURCE_DIR"; echo a >>made; echo a >new; touch CMakeCache.txt; chmod 700 dir; ! echo a >>x; ! touch dir/y; ! echo a >gone')
    assert sorted({call["path"] for call in source["calls"]}) == ["dir/y", "gone", "x"], source
    assert (p.source / "made").read_text() == "a\n" and (p.source / "new").exists()


def test_below_the_top_of_an_in_source_build(tmp):
    """A subproject that is built in place: its build tree is marked at the project's top alone."""
    p = source_of(tmp)
    (p.source.parent / "CMakeCache.txt").touch()
    _, source = in_run(p, 'cd "$SNAPSHOT_SOURCE_DIR"; echo a >new; ! echo a >>x')
    assert [call["path"] for call in source["calls"]] == ["x"] and (p.source / "new").exists(), source


def test_nested_runs(tmp):
    """Each run keeps its own source, from what it started and as long as it goes on."""
    outer, inner = source_of(tmp / "outer"), source_of(tmp / "inner")
    def inner_run(source, root):
        return f"{harness.snapfix_path()} run i --source {source} --root {root}"

    _, source = in_run(outer, f"""set -e
        echo a >>{inner.source}/x
        {inner_run(inner.source, inner.root)} --json-report {tmp}/inner.json -- bash -c '
          ! echo b >>{inner.source}/x; ! echo b >>{outer.source}/x; touch {tmp}/runs; while [ -e {tmp}/runs ]; do sleep 0.01; done' &
        while [ ! -e {tmp}/runs ]; do sleep 0.01; done
        echo c >>{inner.source}/x
        rm {tmp}/runs
        wait
        echo d >>{inner.source}/x
        {inner_run(inner.source, inner.root)} --source-writes allow -- bash -c 'echo e >>{inner.source}/x'
        ! {inner_run(outer.source, tmp / "root")} --source-writes allow -- bash -c 'echo f >>{outer.source}/x'""")
    assert (inner.source / "x").read_text() == "x\na\nc\nd\ne\n" and (outer.source / "x").read_text() == "x\n"
    assert [(c["path"], c["program"]) for c in source["calls"]] == [("x", "bash")], source
    told = json.loads((tmp / "inner.json").read_text())["guard"]["source"]["calls"]
    assert [(c["path"], c["program"]) for c in told] == [("x", "bash")], told


def test_a_source_in_a_snapshot(tmp):
    """A test of a tool like this one: the source of the inner run lies in the outer one's root."""
    p = source_of(tmp)
    inner = f'{harness.snapfix_path()} run i --files all --root "$PWD/../../inner" --source "$PWD"'
    in_run(p, f"echo a >>x; {inner} -- bash -c '! echo b >>$SNAPSHOT_SOURCE_DIR/x'; echo c >>x; [ $(tr -d '\\n' <x) = xac ]")


def test_many(tmp):
    p = source_of(tmp)
    done, source = in_run(p, 'for n in $(seq 1500); do : >"$SNAPSHOT_SOURCE_DIR/n$n"; done 2>/dev/null; true')
    assert len(source["calls"]) == 1000 and source["more"] == 500, source["more"]
    assert_says(done, "and 1490 more")
    assert len(done.err.splitlines()) < 20, done


def test_another_mount(tmp):
    """In the test's own mounts something else may stand in the source's place; and the source may stand elsewhere, unseen."""
    if harness.run(["unshare", "-m", "true"], expect=None).code != 0:
        harness.skip("cannot make a mount namespace")
    p = source_of(tmp)
    (tmp / "scratch").mkdir()
    _, source = in_run(p, f"""unshare -m bash -ec 'mount --bind {tmp}/scratch {p.source}/data; echo a >{p.source}/data/f; ! echo a >>{p.source}/x'""")
    assert (tmp / "scratch/f").read_text() == "a\n" and [c["path"] for c in source["calls"]] == ["x"], source


if __name__ == "__main__":
    harness.main()
