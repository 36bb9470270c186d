"""Verify tells what was changed through a link, finish acts on it, and the store heals."""

import json
import os
import shutil

import harness
from harness import snapfix
from project import Project, assert_fails, assert_says, inode, sleep_past_racy


def through_the_link(path, text="through the link\n"):
    with open(path, "a", encoding="ascii") as shared:
        shared.write(text)


def finding(report, path):
    found = [f for f in report["findings"] if f["path"] == path]
    assert len(found) == 1, report
    return found[0]


def test_clean(tmp):
    p = Project(tmp, git="off")
    p.create("t")
    report = p("verify", "t", "--json").json()
    del report["notes"]
    assert report == {"schema_version": 1, "name": "t", "shared": 2, "private": 0, "bytes_private": 0, "missing": 0, "added": 0, "findings": [], "unguarded": [],
                      "never_run": [], "healed": 0, "source_writes": []}, report


def test_private_missing_and_added_are_no_findings(tmp):
    p = Project(tmp, {"a": "1", "b": "2", "c": "3", "d/e": "4"}, git="off")
    t = p.create("t", "--copy", "c")
    (t / "a").unlink()
    (t / "a").write_text("private now")
    (t / "b").unlink()
    (t / "new").write_text("x")
    (t / "c").write_text("was private from the start")
    report = p("verify", "t", "--json").json()
    assert (report["shared"], report["private"], report["missing"], report["added"]) == (1, 2, 1, 1), report
    assert report["findings"] == [], report


def test_each_kind_of_write_through(tmp):
    p = Project(tmp, {"grown": "1\n", "touched": "2", "modes": "3", "same": "4444", "fine": "5"})
    t = p.create("t")
    other = p.create("u")
    through_the_link(t / "grown")
    os.utime(t / "touched", (1, 1))
    (t / "modes").chmod(0o777)
    done = p("verify", "t", "--json", expect=3)
    report = done.json()
    assert len(report["findings"]) == 3, report
    assert "size" in finding(report, "grown")["what"]
    assert finding(report, "touched")["what"] == ["mtime"]
    assert finding(report, "modes")["what"] == ["mode"]
    for path in ("grown", "touched", "modes"):
        assert set(finding(report, path)["suspects"]) == {"t", "u"}, report
    assert other.is_dir()


def test_a_write_before_the_file_was_replaced_or_moved_is_found(tmp):
    p = Project(tmp, {"replaced": "1\n", "moved": "2\n", "removed": "3\n"})
    t = p.create("t")
    for name in ("replaced", "moved", "removed"):
        through_the_link(t / name)
    (t / "replaced").unlink()
    (t / "replaced").write_text("private now")
    (t / "moved").rename(t / "elsewhere")
    (t / "removed").unlink()
    report = p("verify", "t", "--json", expect=3).json()
    assert {found["path"] for found in report["findings"]} == {"replaced", "moved", "removed"}, report
    p.expect_snapshot(p.create("u"))


def test_content_finds_what_stat_does_not(tmp):
    p = Project(tmp, {"a": "1111", "b": "2"})
    t = p.create("t")
    before = os.lstat(t / "a")
    with open(t / "a", "r+", encoding="ascii") as shared:
        shared.write("9")
    os.utime(t / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert p("verify", "t").code == 0
    report = p("verify", "t", "--content", "--json", expect=3).json()
    assert finding(report, "a")["what"] == ["content"], report


def test_words_for_people(tmp):
    p = Project(tmp, git="off")
    through_the_link(p.create("t") / "a.txt")
    done = p("verify", "t", expect=3)
    assert_says(done, "'a.txt' was changed through a link (size, mtime)", "--copy")
    assert "shared 2" in done.out, done


def test_missing_snapshot(tmp):
    p = Project(tmp)
    p.create("u")
    assert_fails(p("verify", "t", expect=None), 1, "t")
    assert p("finish", "t").code == 0, "a missing one is fine"
    assert snapfix("finish", "--root", tmp / "no-root", "t").code == 0
    assert not (tmp / "no-root").exists()


def test_every_sharer_fails_and_names_all(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    for name in ("one", "two", "three"):
        p("run", name, "--", "true")
    through_the_link(p.root / "two/a")
    for name in ("one", "two", "three"):
        done = p("finish", name, "--json", expect=3)
        assert set(finding(done.json(), "a")["suspects"]) == {"one", "two", "three"}, done
        assert_says(done, "a")
    p.expect_snapshot(p.create("one", "--fresh"))


def test_who_ran_without_the_guard_is_named(tmp):
    """Only runs that did: not one that is at work under it, nor a snapshot in which nothing ran."""
    p = Project(tmp, {"a": "1\n"})
    p.create("never")
    guarded = p("run", "on", "--guard", "on", "--", "true", expect=(0, 125)).code == 0
    at_work = [harness.start([harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, f"--guard={guard}", f"now-{guard}", "--",
                              "sh", "-c", "touch here; while [ ! -e go ]; do sleep 0.05; done"]) for guard in ("auto", "off")]
    try:
        for guard in ("auto", "off"):
            harness.eventually(lambda path=p.root / f"now-{guard}/here": path.exists(), "the command runs")
        p("run", "off", "--guard", "off", "--", "sh", "-c", "echo >>a")
        done = p("verify", "on", "--json", expect=3)
    finally:
        for guard in ("auto", "off"):
            (p.root / f"now-{guard}/go").touch()
        for process in at_work:
            process.wait(timeout=20)
    unguarded = ["now-off", "off"] if guarded else ["now-auto", "now-off", "off", "on"]
    assert f"ran without the guard: {', '.join(sorted(unguarded))}\n" in done.err, done.err
    assert done.json()["unguarded"] == unguarded and done.json()["never_run"] == ["never"], done


def test_written_to_from_outside(tmp):
    """Those in which snapfix ran nothing are told from those that ran: under the guard, and without."""
    p = Project(tmp, {"a": "1\n"})
    for name in ("t", "third", "u"):
        p.create(name)
    through_the_link(p.root / "t/a")
    done = p("verify", "t", expect=3)
    assert_says(done, "  snapfix has run nothing in: t, third, u\n", "written to from outside", "snapfix run NAME -- COMMAND")
    assert "without the guard" not in done.err and "ran under the guard" not in done.err, done


def test_written_to_from_outside_beside_those_that_ran(tmp):
    p = Project(tmp, {"a": "1\n"})
    t = p.create("t")
    if p("run", "guarded", "--guard", "on", "--", "true", expect=(0, 125)).code != 0:
        harness.skip("no guard here")
    through_the_link(t / "a")
    done = p("verify", "guarded", expect=3)
    assert_says(done, "  snapfix has run nothing in: t\n", "written to from outside")
    assert "without the guard" not in done.err and "ran under the guard" not in done.err, done
    p("run", "bare", "--guard", "off", "--", "true")
    p("create", "u")
    through_the_link(p.root / "bare/a")
    done = p("verify", "bare", expect=3)
    assert_says(done, "  ran without the guard: bare\n", "  snapfix has run nothing in: u\n", "hint: one that ran without the guard", "hint: one in which snapfix has run nothing", "by you, by hand")


def test_a_snapshot_without_the_file_is_no_suspect(tmp):
    """One that has a private copy now may have written before: a suspect, but its own finish is fine."""
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    p.create("shares")
    p.create("copy", "--copy", "a")
    p.create("without", "--exclude", "a")
    broke = p.create("broke")
    (broke / "a").unlink()
    through_the_link(p.root / "shares/a")
    assert set(finding(p("verify", "shares", "--json", expect=3).json(), "a")["suspects"]) == {"shares", "broke"}
    for name in ("copy", "without", "broke"):
        assert p("finish", name).code == 0, name


def test_finish_heals(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    p.create("t")
    old = inode(p.root / "t/a")
    through_the_link(p.root / "t/a")
    report = p("finish", "t", "--json", expect=3).json()
    assert report["healed"] == 1, report
    t = p.create("u")
    p.expect_snapshot(t)
    assert inode(t / "a") != old
    assert p("verify", "u").code == 0


def test_create_never_serves_a_spoilt_object(tmp):
    """Even where nobody verified: a base found standing is checked against its objects before use."""
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    sleep_past_racy()
    through_the_link(p.create("t") / "a")
    p.expect_snapshot(p.create("u"))


def test_the_next_setup_of_a_spoilt_name_is_right(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    sleep_past_racy()
    for name in ("one", "two"):
        p.create(name)
    through_the_link(p.root / "one/a")
    (p.root / "two/b").chmod(0o777)
    for name in ("one", "two"):
        p("finish", name, expect=3)
        p.expect_snapshot(p.create(name, "--fresh"))
    for name in ("one", "two"):
        assert p("finish", name).code == 0


def test_heals_in_every_base_that_holds_it(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    sleep_past_racy()
    p.create("old")
    first = p("freeze").out.strip()
    p.write({"b": "another state\n"})
    p.create("new")
    through_the_link(p.root / "new/a")
    p("finish", "new", expect=3)
    for args in ([], ["--base", first]):
        assert (p.create("u", "--fresh", *args) / "a").read_text() == "1\n", args


def test_heals_although_the_source_moved_on(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    p.create("t")
    p.write({"a": "moved on\n"})
    through_the_link(p.root / "t/a")
    p("finish", "t", expect=3)
    p.expect_snapshot(p.create("u"))


def keeps(p, name, keep, script, *more, expect=0):
    p("run", name, "--fresh", "--guard=off", "--", "sh", "-c", script, expect=None)
    report = p("finish", name, "--keep", keep, "--json", *more, expect=expect).json()
    assert report["kept"] == (p.root / name).exists(), report
    return report["kept"]


def test_keep(tmp):
    p = Project(tmp)
    assert not keeps(p, "t", "never", "exit 1")
    assert keeps(p, "t", "always", "exit 0")
    assert not keeps(p, "t", "on-failure", "exit 0")
    assert keeps(p, "t", "on-failure", "exit 1")
    assert keeps(p, "t", "on-failure", "kill -9 $$")
    assert not keeps(p, "t", "on-failure", "exit 1", "--verdict=will-fail")
    assert keeps(p, "t", "on-failure", "exit 0", "--verdict=will-fail")
    assert not keeps(p, "t", "on-failure", "exit 77", "--verdict", "skip=77")
    assert keeps(p, "t", "on-failure", "exit 76", "--verdict", "skip=77")
    for script in ("exit 0", "exit 1"):
        assert keeps(p, "t", "on-failure", script, "--verdict=by-output")
        assert not keeps(p, "t", "never", script, "--verdict=by-output")
    assert keeps(p, "t", "on-failure", "echo x >>a.txt", expect=3)


def test_on_failure_keeps_what_has_no_recorded_end(tmp):
    p = Project(tmp)
    p.create("never-ran")
    assert p("finish", "never-ran", "--keep", "on-failure", "--json").json()["kept"] is True
    process = harness.start([harness.snapfix_path(), "run", "--source", p.source, "--root", p.root, "killed", "--",
                             "sh", "-c", "touch here; exec sleep 100"])
    harness.eventually(lambda: (p.root / "killed/here").exists(), "the command runs")
    process.kill()
    process.wait()
    assert p("finish", "killed", "--keep", "on-failure", "--json").json()["kept"] is True


def test_what_was_kept_is_made_fresh(tmp):
    p = Project(tmp)
    p("run", "t", "--", "sh", "-c", "echo x >log; exit 1", expect=1)
    p("finish", "t", "--keep", "on-failure")
    assert (p.root / "t/log").exists()
    p.expect_snapshot(p.create("t", "--fresh"))


def test_finish_twice(tmp):
    p = Project(tmp)
    p.create("t")
    for keep in ("never", "never"):
        assert p("finish", "t", "--keep", keep).code == 0


def test_link_from_source_is_verified_too(tmp):
    p = Project(tmp, {"a": "1\n", "b": "2\n"})
    for name in ("t", "u"):
        p.create(name, "--link-from", "source")
    through_the_link(p.root / "t/a")
    assert p("finish", "u", expect=None).code == 3


def test_a_whole_folder_gone(tmp):
    p = Project(tmp, {"d/a": "1", "d/e/b": "2", "c": "3"}, git="off")
    shutil.rmtree(p.create("t") / "d")
    report = p("verify", "t", "--json").json()
    assert (report["shared"], report["missing"]) == (1, 2), report


def test_a_write_through_where_the_source_now_has_something_else(tmp):
    for number, make in enumerate((os.mkdir, os.mkfifo)):
        p = Project(tmp / str(number))
        through_the_link(p.create("t") / "a.txt")
        (p.source / "a.txt").unlink()
        make(p.source / "a.txt")
        assert finding(p("verify", "t", "--json", expect=3).json(), "a.txt")
        assert p("finish", "t", expect=None).code == 3


def test_a_run_whose_record_is_damaged_has_no_known_end(tmp):
    p = Project(tmp)
    damages = ({"version": 2}, {"command": "true"}, {"status": True}, {"ended": None}, {"guard": {"state": "perhaps"}})
    for number, damage in enumerate(damages):
        name = f"t{number}"
        p("run", name, "--", "true")
        record = p.root / ".snapfix/runs" / name
        record.write_text(json.dumps(json.loads(record.read_text()) | damage))
        run = p("show", name, "--json").json()["run"]
        assert (run["ended"], run["status"], run["signal"]) == (None, None, None), (damage, run)
        assert ": killed" in p("show", name).out
        assert_says(p("finish", name), "its run has no recorded end")


if __name__ == "__main__":
    harness.main()
