"""`snapfix report`, and the history that it is made of. One shell stands for a ctest."""

import html.parser
import json
import os
import pathlib
import re
import shlex
import signal
import stat
import subprocess
import time

import harness
from harness import run, snapfix, snapfix_path
from project import Project

k_files = {"a": "a\n", "b": "b\n", "dir/c": "c\n"}


def words_of(p, name, command, *options):
    """A test of ctest's, as words of a shell."""
    words = ["run", name, "--ctest", "--finish", "--fresh", "--frozen", "--source", p.source, "--root", p.root, *options, "--", "sh", "-c", command]
    return '"$SNAPFIX" ' + " ".join(shlex.quote(str(word)) for word in words)


def night(p, tests, *options, expect=(0, 3), before="", page=None, cwd=None):
    """Freezes, runs each (name, command, options...), ends the run; the report's JSON."""
    page = page or p.root.parent / "night.html"
    lines = [f'"$SNAPFIX" freeze --ctest --source {p.source} --root {p.root} >&2', before]
    lines += [words_of(p, *test) + " || :" for test in tests]
    lines.append(f'"$SNAPFIX" finish-run --root {p.root} --report {page} {" ".join(options)}')
    run(["sh", "-c", "\n".join(lines)], env={"SNAPFIX": snapfix_path(), "SECRET": "s3cr3t"}, expect=expect, cwd=cwd)
    return json.loads(page.with_suffix(".json").read_text())


def by_name(report):
    return {test["name"]: test for test in report["tests"]}


def history(p, name):
    return json.loads((p.root / ".snapfix/history" / name).read_text())["runs"]


def test_a_night(tmp):
    p = Project(tmp, k_files)
    report = night(p, [
        ("good", "echo x >>a; mkdir new; echo y >new/n"),
        ("bad", "echo x >>b; rm dir/c; echo o >out; exit 3"),
        ("skipped", "exit 77", "--verdict", "skip=77"),
        ("other", "exit 1", "--verdict", "will-fail"),
        ("regex", "exit 1", "--verdict", "by-output"),
        ("kept", "true", "--keep", "always"),
        ("dead", "kill -9 $$"),
        ("none", "exec nowhere/to/be/found"),
    ])
    tests = by_name(report)
    outcomes = {name: test["outcome"] for name, test in tests.items()}
    assert outcomes == {"good": "passed", "bad": "failed", "skipped": "skipped", "other": "passed", "regex": "unknown",
                        "kept": "passed", "dead": "failed", "none": "failed"}, outcomes
    assert [test["name"] for test in report["tests"]][:3] == ["bad", "dead", "none"], "failed ones first, in their order"
    totals = report["totals"]
    assert (totals["passed"], totals["failed"], totals["skipped"], totals["unknown"], totals["kept"]) == (3, 3, 1, 1, 5), totals
    assert tests["bad"]["reason"] == "its command ended with exit code 3" and "signal 9" in tests["dead"]["reason"]
    assert tests["bad"]["stands"] and tests["kept"]["stands"] and not tests["good"]["stands"]
    details = tests["bad"]["details"]
    assert [(f["path"], f["program"]) for f in details["private"]] == [("b", "sh")], details
    assert details["changes"]["added"] == 1 and details["changes"]["missing"] == 1 and details["status"] == 3
    assert tests["bad"]["added"] == {"paths": ["out"], "more": 0}
    assert tests["good"]["details"]["changes"]["added"] == 1  # of one that has gone
    assert all(test["host"] == os.uname().nodename for test in tests.values())
    for test in tests.values():
        times = test["times"]
        assert 0 < times["asked"] <= times["taking"] <= times["taken"] <= times["began"] <= times["ended"] <= test["finished"], test
    assert totals["entries"]["full_copies"] == sum(test["tree"]["entries"] for test in tests.values())
    assert totals["entries"]["taken"] < totals["entries"]["full_copies"], "a tree was handed on"
    assert totals["bytes"]["full_copies"] > totals["bytes"]["taken"] > 0
    assert len(report["freezes"]) == 1 and report["sources"] == [str(p.source)]
    # The commands lead into the snapshot.
    commands = tests["bad"]["commands"]
    assert run(["sh", "-c", commands["enter"]], stdin="cat out; exit 7\n", expect=7).out == "o\n"
    run(["sh", "-c", commands["rerun"]], expect=3)
    assert not tests["good"]["commands"]["enter"] and not tests["good"]["commands"]["rerun"]
    # What a shell's variables hold is nobody's.
    text = (tmp / "night.html").read_text() + json.dumps(report)
    assert "s3cr3t" not in text


def test_by_hand(tmp):
    p = Project(tmp, k_files)
    first = night(p, [("t", "exit 1"), ("u", "true")])
    done = p("report", "-o", tmp / "by/hand.html")
    assert done.out == f"{tmp}/by/hand.html\n" and (tmp / "by/hand.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp / "by/hand.json").read_text())["tests"] == first["tests"]
    assert p("report", "--json").json()["tests"] == first["tests"]
    assert snapfix("report", "--root", p.root, cwd=tmp).out == f"{tmp}/snapshots.html\n" and (tmp / "snapshots.json").exists()


def test_nights_are_told_apart(tmp):
    p = Project(tmp, k_files)
    night(p, [("t", "true"), ("u", "exit 1")])
    second = by_name(night(p, [("t", "exit 2")]))
    assert set(second) == {"t"} and [run["outcome"] for run in second["t"]["past"]] == ["passed"], second
    assert second["t"]["tries"] == []
    # What is run by hand afterwards is no night's, and takes none of its tests away.
    p("run", "v", "--finish", "--", "true")
    assert set(by_name(p("report", "--json").json())) == {"t"}
    p("run", "t", "--finish", "--fresh", "--", "true")
    again = by_name(p("report", "--json").json())
    assert set(again) == {"t"} and again["t"]["outcome"] == "failed", again
    assert again["t"]["commands"]["enter"] == "", "what stands there is another run's"


def test_attempts(tmp):
    p = Project(tmp, k_files)
    test = by_name(night(p, [("t", "exit 1"), ("t", "exit 2"), ("t", "true")]))["t"]
    assert test["outcome"] == "passed" and [run["outcome"] for run in test["tries"]] == ["failed", "failed"], test
    assert "attempt 3" in (tmp / "night.html").read_text()


def test_jobs_of_a_launcher(tmp):
    """They are of the night, and of the folder, of the ctest that submitted them, wherever they ran."""
    p = Project(tmp, k_files)
    (tmp / "build").mkdir()
    elsewhere = "--launcher=env;-C;/;setsid;--fork;--wait"
    report = night(p, [("here", "true"), ("there", "exit 3", elsewhere), ("other", "exit 1", elsewhere, "--verdict", "will-fail")], cwd=tmp / "build")
    tests = by_name(report)
    assert {name: test["outcome"] for name, test in tests.items()} == {"here": "passed", "there": "failed", "other": "passed"}, tests
    assert tests["there"]["reason"] == "its command ended with exit code 3"
    assert {test["ctest"] for test in tests.values()} == {str(tmp / "build")}, tests
    assert len({json.dumps(test["parent"]) for test in tests.values()}) == 1, tests
    # All that a job did is known, as of one that ran here.
    guarded = ("guarded", "echo x >>a; exit 1", elsewhere, "--pack", tmp / "packs")
    there = by_name(night(p, [guarded]))["guarded"]["details"]
    assert there["guard"] == "on" and [f["path"] for f in there["private"]] == ["a"] and there["changes"]["private"] == 1, there
    assert pathlib.Path(there["pack"]).parent == tmp / "packs" and pathlib.Path(there["pack"]).exists(), there
    night(p, [("here", "true"), ("there", "exit 3", elsewhere), ("other", "exit 1", elsewhere, "--verdict", "will-fail")], cwd=tmp / "build")
    on_another_host = history(p, "there")
    on_another_host[0]["host"] = "node-7"
    (p.root / ".snapfix/history/there").write_text(json.dumps({"version": 1, "runs": on_another_host}))
    report = p("report", "--json").json()
    assert "node-7" in report["nodes"] and len(report["tests"]) == 3, report


def test_jobs_that_go_wrong(tmp):
    """Never passed, and each with its reason, which its submitter may know alone."""
    p = Project(tmp, k_files)
    def by(script):
        return [f"--launcher={word}" for word in ("sh", "-c", script, "sh")]
    both = '"$@" & "$@" & wait'
    report = night(p, [
        ("nowhere", "true", "--launcher=no-such-launcher"),
        ("refused", "true", *by("exit 7")),
        ("cancelled", "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat) $PPID", *by('"$@"; exit 1')),
        ("few", "touch began", *by(f'"$@" & while ! [ -e {p.root}/few/began ]; do sleep 0.05; done; kill -9 $!'), "--tasks", "3"),
        ("late", "true", *by('"$@"; "$@"; true')),
        ("one", "mkdir one || exit 4", *by(both), "--tasks", "2"),
        ("both", "mkdir one || mkdir two", *by(both), "--tasks", "2"),
    ])
    tests = by_name(report)
    ends = {name: (test["outcome"], test["reason"]) for name, test in tests.items()}
    assert ends["nowhere"] == ("failed", "cannot start the job by the launcher 'no-such-launcher': No such file or directory"), ends
    assert ends["refused"] == ("failed", "the job did not begin: the launcher, 'sh', ended with exit code 7"), ends
    here = os.uname().nodename
    assert ends["cancelled"] == ("killed", f"the job began on {here} and left no end: the launcher, 'sh', ended with exit code 1"), ends
    assert ends["few"][0] == "killed" and "left no end" in ends["few"][1], ends
    assert ends["late"] == ("failed", "a task of the job could not run its command"), ends
    assert ends["one"] == ("failed", "its command ended with exit code 4") and ends["both"] == ("passed", ""), ends
    assert tests["both"]["details"]["notes"] == [f"2 tasks worked in it, the first on {here}"], tests["both"]
    assert report["totals"]["failed"] == 6 and tests["nowhere"]["details"]["command"] == ["sh", "-c", "true"], report
    assert "TIMEOUT" not in (tmp / "night.html").read_text()


def test_one_that_somebody_holds(tmp):
    p = Project(tmp, k_files)
    p.create("t")
    p("hold", "t", "--until", "1d")
    p("run", "t", "--finish", "--", "true")
    p("report", "-o", tmp / "r.html")
    test = by_name(json.loads((tmp / "r.json").read_text()))["t"]
    assert test["outcome"] == "passed" and test["reason"] == "" and test["why_kept"].startswith("held by") and test["stands"], test
    assert "snapshot kept: held by" in (tmp / "r.html").read_text()


def test_a_killed_run(tmp):
    p = Project(tmp, k_files)
    kill = f'{words_of(p, "t", "echo x >here; sleep 99")} & while ! [ -e {p.root}/t/here ]; do sleep 0.05; done; kill -9 $!; wait'
    report = night(p, [("u", "true")], before=kill)
    assert by_name(report)["t"]["outcome"] == "killed" and report["totals"]["failed"] == 1, report
    assert by_name(report)["t"]["details"]["changes"]["added"] == 1


def test_while_it_runs_and_before_it_is_finished(tmp):
    p = Project(tmp, k_files)
    at_work = harness.start(["sh", "-c", words_of(p, "t", "echo >here; sleep 99") + "; :"], env={"SNAPFIX": snapfix_path()}, start_new_session=True)
    try:
        harness.eventually(lambda: (p.root / "t/here").exists(), "the command runs")
        test = by_name(p("report", "--json").json())["t"]
        assert test["outcome"] == "running" and test["commands"]["enter"] == "", test
    finally:
        os.killpg(at_work.pid, signal.SIGKILL)
        at_work.wait()
    harness.eventually(lambda: by_name(p("report", "--json").json())["t"]["outcome"] == "killed", "its lock goes")


def test_one_that_never_got_to_its_command(tmp):
    p = Project(tmp, k_files)
    report = night(p, [("t", "true")], before=f"mkdir {p.root}/t")
    test = by_name(report)["t"]
    assert test["outcome"] == "failed" and "is no snapshot" in test["reason"], test
    assert report["totals"]["failed"] == 1


def test_findings(tmp):
    p = Project(tmp, k_files)
    test = by_name(night(p, [("t", "echo x >>a", "--guard", "off")]))["t"]
    assert test["outcome"] == "failed" and test["why_kept"] == test["reason"] == "shared files were changed", test
    assert test["details"]["findings"] == ["'a' was changed through a link (size, mtime); it is shared by t; it ran without the guard"], test
    assert "was changed through a link" in (tmp / "night.html").read_text()


def test_the_source_changed(tmp):
    p = Project(tmp, k_files)
    report = night(p, [("t", f"rm {p.source}/b")], expect=3)
    assert len(report["warnings"]) == 1 and "'b' (gone)" in report["warnings"][0], report


def test_it_is_bounded(tmp):
    p = Project(tmp, k_files)
    for number in range(22):
        p("run", "t", "--finish", "--fresh", "--", "sh", "-c", f"exit {number % 2}", expect=(0, 1))
    runs = history(p, "t")
    assert len(runs) == 20 and ["details" in run for run in runs] == [True] + [False] * 19
    assert runs == sorted(runs, key=lambda run: -run["times"]["asked"])
    assert stat.S_IMODE((p.root / ".snapfix/history/t").stat().st_mode) == 0o600
    # By hand, where no ctest has run: what one shell has started.
    assert p("report", "--json").json()["tests"][0]["past"] or p("report", "--json").json()["tests"][0]["tries"]


def test_prune(tmp):
    p = Project(tmp, k_files)
    night(p, [("gone", "true"), ("kept", "exit 1"), ("young", "true")])
    folder = p.root / ".snapfix/history"

    def age(name, days):
        then = time.time() - days * 86400
        os.utime(folder / name, (then, then))

    age("gone", 170)
    age("kept", 200)
    p("prune")
    assert {"gone", "kept", "young"} <= set(os.listdir(folder)), "not so old, or its snapshot stands"
    p("prune", "--older-than", "160d", "--dry-run")
    assert (folder / "gone").exists()
    p("prune", "--older-than", "160d")
    assert not (folder / "gone").exists() and (folder / "young").exists()
    (folder / ".gone.4711").write_text("cut")  # of who was killed
    (folder / (".freeze:" + "0" * 32 + ".4711")).write_text("cut")
    p("prune")
    assert not [name for name in os.listdir(folder) if name.startswith(".")]
    age("young", 200)
    night(p, [])
    assert not (folder / "young").exists() and (folder / "kept").exists(), "the end of a run does it, too"


def test_damaged_and_unwritable(tmp):
    p = Project(tmp, k_files)
    night(p, [("t", "true"), ("u", "true")])
    folder = p.root / ".snapfix/history"
    (folder / "t").write_text("{}")
    assert set(by_name(p("report", "--json").json())) == {"u"}
    assert by_name(night(p, [("t", "true")]))["t"]["past"] == []
    harness.remove_tree(folder)
    folder.write_text("no folder")
    done = p("run", "t", "--finish", "--fresh", "--", "true")
    assert "note: the run is not in the history" in done.err, done
    failed = p("report", expect=1)
    assert "history' is no folder" in failed.err, failed


def test_histories_that_cannot_be_read(tmp):
    """Each is named in a warning, and the others are told."""
    p = Project(tmp, k_files)
    night(p, [("t", "true"), ("u", "true")])
    place = p.root / ".snapfix/history/t"
    good = place.read_text()

    def random_bytes():
        place.write_bytes(os.urandom(100_000))

    def folder():
        place.unlink()
        place.mkdir()

    def pipe():
        place.rmdir()
        os.mkfifo(place)

    def too_large():
        place.unlink()
        with place.open("w") as file:
            file.truncate(3 << 30)

    for damage in (lambda: place.write_text(""), lambda: place.write_text(good[:200]), random_bytes, lambda: place.write_text("[" * 200_000),
                   lambda: place.write_text('{"version":1,"runs":[{}]}'), folder, pipe, too_large):
        damage()
        done = p("report", "--json", timeout=60)
        report = done.json()
        assert by_name(report).keys() == {"u"} and len(report["warnings"]) == 1 and str(place) in report["warnings"][0], report
        assert f"warning: the history '{place}' cannot be read" in done.err, done
        report = night(p, [("u", "true")])
        assert by_name(report).keys() == {"u"} and str(place) in report["warnings"][0], report
    # What a newer helper wrote is left to it.
    place.write_text('{"version":99,"runs":[]}')
    assert "a newer snapfix wrote" in p("run", "t", "--finish", "--fresh", "--", "true").err and place.read_text() == '{"version":99,"runs":[]}'
    place.with_name("u").write_text(json.dumps({"version": 1, "runs": history(p, "u")[:1] * 2000}))
    test = by_name(p("report", "--json", timeout=60).json())["u"]
    assert len(test["tries"]) == 19, len(test["tries"])


def test_a_clock_that_jumps_back(tmp):
    p = Project(tmp, k_files)
    night(p, [("t", "exit 1"), ("u", "true")])
    for name in ("t", "u"):
        ahead = history(p, name)[0]
        for times in (ahead["times"], ahead):
            times.update({key: value + 86400 for key, value in times.items() if isinstance(value, float) and value})
        runs = [{**ahead, "pid": 100_000 + i, "times": {**ahead["times"], "asked": ahead["times"]["asked"] - i}} for i in range(20)]
        (p.root / ".snapfix/history" / name).write_text(json.dumps({"version": 1, "runs": runs}))
    report = night(p, [("t", "true")])
    assert [(test["name"], test["outcome"], len(test["past"])) for test in report["tests"]] == [("t", "passed", 19)], report["tests"]
    assert [run["outcome"] for run in history(p, "t")] == ["passed"] + ["failed"] * 19
    by_hand = p("report", "--json").json()
    assert [(test["name"], test["outcome"]) for test in by_hand["tests"]] == [("t", "passed")], by_hand["tests"]


def test_where_it_is_written(tmp):
    p = Project(tmp, k_files)
    night(p, [("t", "true")])
    (tmp / "real.html").write_text("old")
    (tmp / "link.html").symlink_to("real.html")
    p("report", "-o", tmp / "link.html")
    assert (tmp / "link.html").is_symlink() and "<!doctype" in (tmp / "real.html").read_text()
    before = os.lstat("/dev/stdout")
    done = run(["sh", "-c", f"'{snapfix_path()}' report --root '{p.root}' -o /dev/stdout | cat"], cwd=tmp)
    assert done.out.startswith("<!doctype html>") and os.path.samestat(before, os.lstat("/dev/stdout"))
    failed = p("report", "-o", tmp / "real.html/x.html", expect=1)
    assert "real.html" in failed.err, failed
    assert not [name for name in os.listdir(tmp) if name.startswith(".")]
    # A run whose page cannot be written says so, and fails.
    done = run(["sh", "-c", f"'{snapfix_path()}' finish-run --root '{p.root}' --report '{tmp}/real.html/x.html'; exit $?"], expect=1)
    assert "real.html" in done.err, done


def test_where_it_cannot_be_written(tmp):
    p = Project(tmp, k_files)
    night(p, [("t", "exit 1")])
    (tmp / "folder").mkdir()
    failed = p("report", "-o", tmp / "folder", expect=1)
    assert f"'{tmp}/folder'" in failed.err and "Is a directory" in failed.err, failed
    # One reads a pipe, or what comes to a - of its own.
    os.mkfifo(tmp / "pipe")
    reader = harness.start(["cat", tmp / "pipe"], stdout=subprocess.PIPE)
    p("report", "-o", tmp / "pipe", timeout=60)
    assert reader.communicate(timeout=60)[0].startswith(b"<!doctype html>") and not (tmp / "pipe.json").exists()
    assert stat.S_ISFIFO((tmp / "pipe").stat().st_mode)
    done = snapfix("report", "--root", p.root, "-o", "-", cwd=tmp)
    assert done.out.startswith("<!doctype html>") and done.out.endswith("</html>\n") and not (tmp / "-").exists(), done.out[-100:]
    # Neither the page nor its JSON is written where the other cannot be.
    (tmp / "y.json").mkdir()
    failed = p("report", "-o", tmp / "y.html", expect=1)
    assert "Is a directory" in failed.err and not (tmp / "y.html").exists(), failed
    failed = p("report", "-o", tmp / "x.json", expect=1)
    assert "FILE.json for FILE.html" in failed.err and not list(tmp.glob("x.json*")), failed
    with harness.tmpfs(1, tmp / "small"):
        page = tmp / "small/r.html"
        p("report", "-o", page)
        old = page.read_text()
        (tmp / "small/ballast").write_bytes(b"x" * (os.statvfs(page.parent).f_bavail * os.statvfs(page.parent).f_frsize))
        failed = p("report", "-o", page, expect=1)
        assert "No space left" in failed.err and page.read_text() == old and sorted(os.listdir(tmp / "small")) == ["ballast", "r.html", "r.json"], failed


def test_as_others(tmp):
    """Whose root it is makes the page; to others what is missing is said."""
    if not harness.can_run_as():
        harness.skip("cannot run as another user")
    p = Project(tmp, k_files)
    run(["chown", "-R", f"{harness.NOBODY}:{harness.NOBODY}", tmp])
    nobody = {"user": harness.NOBODY, "cwd": tmp}
    snapfix("run", "t", "--finish", "--source", p.source, "--root", p.root, "--", "false", expect=1, **nobody)
    assert snapfix("report", "--root", p.root, **nobody).out == f"{tmp}/snapshots.html\n"
    (tmp / "closed").mkdir(mode=0o755)
    failed = snapfix("report", "--root", p.root, "-o", tmp / "closed/r.html", expect=1, **nobody)
    assert f"{tmp}/closed" in failed.err and "Permission denied" in failed.err, failed
    (tmp / "open").mkdir()
    (tmp / "open").chmod(0o777)
    failed = snapfix("report", "--root", p.root, "-o", tmp / "open/r.html", expect=1, user=12345)
    assert str(p.root) in failed.err and not (tmp / "open/r.html").exists(), failed


def test_a_day(tmp):
    p = Project(tmp, k_files)
    night(p, [("t", "exit 1"), ("u", "true")])
    runs = history(p, "t")
    for name in ("t", "u"):  # the day before
        old = history(p, name)
        for times in (old[0]["times"], old[0]):
            times.update({key: value - 86400 for key, value in times.items() if isinstance(value, float)})
        (p.root / ".snapfix/history" / name).write_text(json.dumps({"version": 1, "runs": old}))
    night(p, [("t", "true")])
    assert [run["outcome"] for run in history(p, "t")] == ["passed", "failed"], runs

    def of(day):
        return by_name(p("report", "--json", "--night", day).json())

    today, yesterday = (time.strftime("%Y-%m-%d", time.localtime(runs[0]["times"]["asked"] - age)) for age in (0, 86400))
    assert of(today).keys() == {"t"} and of(today)["t"]["outcome"] == "passed"
    earlier = of(yesterday)
    assert earlier.keys() == {"t", "u"} and earlier["t"]["outcome"] == "failed" and earlier["t"]["past"] == [], earlier
    assert earlier["t"]["commands"]["enter"] == "", "what stood there has gone"
    failed = p("report", "--night", "2001-02-03", expect=1)
    assert "nothing is recorded of 2001-02-03" in failed.err and f"{yesterday}, {today}" in failed.err, failed
    for day in ("yesterday", "2026-13-01", "2026-11", "2026-11-25T10:00"):
        assert "is no day" in p("report", "--night", day, expect=2).err


def test_an_empty_root_and_none(tmp):
    p = Project(tmp, k_files)
    assert "there are no snapshots in" in p("report", expect=1).err
    p.freeze()
    report = p("report", "--json").json()
    assert report["tests"] == [] and report["totals"]["failed"] == 0
    p("report", "-o", tmp / "r.html")
    assert "No test ran in a snapshot" in (tmp / "r.html").read_text()


k_hostile = ["<script>alert(1)</script>", "\"quoted\" 'so'", "]]>&amp;&<!--", "a\nb\tc", b"odd \xff\xfe name", "x" * 200,
             "\u202eright to left\u2066", "--><style>*{display:none}</style>", "@TESTS@", "{{x}} ${y} %s"]


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        bad = [name for name, value in attrs if name.startswith("on") or name == "style" or (value or "").startswith("javascript")]
        assert not bad, (tag, attrs)


def test_hostile_names_and_output(tmp):
    p = Project(tmp, k_files)
    for name in k_hostile:
        text = name if isinstance(name, bytes) else name.encode()
        (tmp / "text").write_bytes(text)
        p("run", os.fsdecode(text) if not text.startswith(b"-") else f"--name={name}", "--finish", "--", "sh", "-c",
          'cp "$1" "new $(printf %.60s "$(tr "/\\n" "__" <"$1")")"; exit 1', "sh", tmp / "text", expect=1)
    p("report", "-o", tmp / "r.html")
    page = (tmp / "r.html").read_bytes()
    page.decode()  # it is UTF-8
    assert page.count(b"<script") == 1 and page.count(b"</script") == 1 and page.count(b"<style") == 1
    assert b"\xe2\x80\xae" not in page and b"\xe2\x81\xa6" not in page, "nothing turns the text around it"
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", page)
    tags = Tags(page.decode())
    assert tags.tags["tbody"] == len(k_hostile) and tags.tags["script"] == 1 and tags.tags["style"] == 1, tags.tags
    report = json.loads((tmp / "r.json").read_text())
    names = {test["name"] for test in report["tests"]}
    assert "<script>alert(1)</script>" in names and "a\nb\tc" in names and "odd \ufffd\ufffd name" in names, names
    assert "http:" not in page.decode().replace("http-equiv", "") and "https:" not in page.decode()


def test_logs_that_are_cut_or_lie(tmp):
    """What ctest's log holds is anybody's: the page is made of whatever can be read."""
    p = Project(tmp, k_files)
    build = tmp / "build"
    (build / "Testing/Temporary").mkdir(parents=True)
    night(p, [("t", "exit 1"), ("u", "true")], cwd=build)
    start = time.strftime("%b %d %H:%M UTC", time.localtime(history(p, "t")[0]["times"]["asked"]))
    line = "-" * 58

    def section(name, command, folder, output, verdict):
        return (f'1/9 Testing: {name}\n1/9 Test: {name}\nCommand: {command}\nDirectory: {folder}\n"{name}" start time: {start}\nOutput:\n{line}\n{output}\n'
                f"<end of output>\nTest time =   1.25 sec\n{line}\n{verdict}\n\n")

    ours = f'"x" "run" "--root" "{p.root}" "--ctest"'
    log = (section("t", ours, build, "said\n<end of output>\n2/9 Testing: u\nTest Passed.", "Test Failed.")
           + section("of a fixture", '"sh"', f"{p.root}/tools/dir", "in it", "Test Failed.")
           + "Failed test dependencies: snapshots.freeze.x\n" + section("waits", '""', "", "", "Test Passed.")
           + section("lost", ours, build, "snapfix: error: <b>why</b>\nhint: x", "Test Failed.")
           + section("root", f'"--root" "{"x" * 5000}"', f"{p.root}/", "1/1 Testing: ", "Test time = x"))
    place = build / "Testing/Temporary/LastTest.log"
    place.write_text(log)
    tests = by_name(p("report", "--json").json())
    assert tests["of a fixture"]["fixture"] == "tools" and tests["of a fixture"]["seconds"] == 1.25, tests
    assert tests["waits"]["reason"] == "it was not run: its source could not be frozen" and tests["lost"]["reason"] == "<b>why</b>", tests
    assert tests["u"]["outcome"] == "passed" and "root" not in tests, tests
    whole = log.encode()
    for size in range(0, len(whole), 61):
        for text in (whole[:size], whole[size:], whole[:size] + b"\0\xff\n" + whole[size:]):
            place.write_bytes(text)
            assert {"t", "u"} <= by_name(p("report", "--json").json()).keys()
    p("report", "-o", tmp / "r.html")


def test_it_costs_one_small_write(tmp):
    harness.require("strace")
    p = Project(tmp, k_files)
    p("run", "t", "--finish", "--fresh", "--", "true")
    trace = tmp / "trace"
    run(["strace", "-f", "-qq", "-y", "-e", "trace=openat,write,rename,renameat,renameat2,read", "-o", trace, snapfix_path(), "run", "t",
         "--finish", "--fresh", "--source", p.source, "--root", p.root, "--", "true"])
    calls = [line.split(" ", 1)[1].strip().split("(")[0] for line in trace.read_text().splitlines() if "/history" in line or '"history"' in line]
    # The folder; the file that was there, read with one call or two; the new one, written, renamed.
    assert calls.count("openat") <= 3 and calls.count("write") == 1 and len(calls) <= 8, calls
    assert (p.root / ".snapfix/history/t").stat().st_size < 20_000


if __name__ == "__main__":
    harness.main()
