"""UV_LOCKED and add_uv_lock_check() in CMake projects, with a real uv."""

import os
import sys

import harness

sys.path.insert(0, os.path.join(os.environ["SNAPFIX_SOURCE_DIR"], "tests", "cmake"))

import locked  # noqa: E402
import nested  # noqa: E402


def project(tmp, lists, program=None):
    """A project whose top is a uv project with a sound lock; uv notes its checks in <tmp>/checks."""
    program = program or locked.counting_uv(tmp)
    for name, value in locked.environment(tmp).items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    p = nested.Project(tmp, lists, locked.k_files)
    harness.run([locked.uv(), "lock"], cwd=p.source)
    harness.git(p.source, "add", "-A")
    harness.git(p.source, "commit", "-q", "-m", "lock")
    p.configure(f"-DSNAPSHOT_FIXTURES_UV={program}")
    return p


def test_many_tests_one_check(tmp):
    lists = """
        foreach(i RANGE 1 8)
          add_snapshot_test(NAME t${i} UV_LOCKED
            COMMAND sh -c "test $UV_LOCKED = 1 && test -z \\"$UV_FROZEN\\" && echo private >>pyproject.toml")
        endforeach()
    """
    p = project(tmp, lists)
    before = harness.tree_state(p.source)
    p.ctest("-j4", env={"UV_FROZEN": "1"})
    assert len(locked.checks(tmp)) == 1, locked.checks(tmp)
    p.ctest("-j4")
    assert len(locked.checks(tmp)) == 1, "the same state"
    assert p.folders() == set()
    harness.assert_same_state(before, harness.tree_state(p.source))


def test_a_stale_lock_is_found_first(tmp):
    p = project(tmp, "add_snapshot_test(NAME t UV_LOCKED COMMAND touch ${CMAKE_BINARY_DIR}/ran)")
    (p.source / "pyproject.toml").write_text(locked.k_pyproject.replace('name = "p"', 'name = "q"'))
    outcomes = p.results(expect=8)
    said = outcomes[nested.maker("t")].output
    assert outcomes[nested.maker("t")].status == "failed" and "is stale" in said and "run `uv lock` in" in said, said
    assert not (p.build / "ran").exists()
    reported = harness.snapfix("report", "--root", p.root, "--json").json()["tests"][0]
    assert reported["outcome"] == "failed" and "is stale" in reported["reason"], reported
    p.rewrite("foreach(i RANGE 1 12)\nadd_snapshot_test(NAME t${i} UV_LOCKED COMMAND true)\nendforeach()\n")
    (p.source / "pyproject.toml").write_text(locked.k_pyproject.replace('name = "p"', 'name = "r"'))
    p.configure()
    before = len(locked.checks(tmp))
    outcomes = p.results("-j4", expect=8)
    assert all("is stale" in outcomes[nested.maker(f"t{i}")].output for i in range(1, 13)), outcomes
    assert len(locked.checks(tmp)) == before + 1, "asked once, and all are told"


def test_a_changed_lock_fails_the_test(tmp):
    p = project(tmp, """
        add_snapshot_test(NAME good UV_LOCKED . COMMAND true)
        add_snapshot_test(NAME bad UV_LOCKED . COMMAND sh -c "echo '# more' >> uv.lock")
        add_snapshot_test(NAME inverted UV_LOCKED . COMMAND sh -c "echo '# more' >> uv.lock && false" PROPERTIES WILL_FAIL TRUE)
    """)
    outcomes = p.results(expect=8)
    failed = {name for name, outcome in outcomes.items() if outcome.status == "failed"}
    assert failed == {test for name in ("bad", "inverted") for test in (name, nested.finisher(name))}, outcomes
    for name in failed:
        said = outcomes[name].output
        assert "'uv.lock' was changed in '" in said and "+# more" in said, said
    assert p.folders() == {"bad", "inverted"}


def test_the_tests_environment_counts(tmp):
    p = project(tmp, """
        add_snapshot_test(NAME a UV_LOCKED COMMAND true)
        add_snapshot_test(NAME b UV_LOCKED COMMAND true)
        set_tests_properties(b PROPERTIES ENVIRONMENT "UV_INDEX_URL=https://example.invalid/simple;B=[x")
    """)
    p.ctest()
    assert len(locked.checks(tmp)) == 2, locked.checks(tmp)
    for entry in ("UV_FROZEN=1", "UV_NO_SYNC=on", "UV_NO_PROJECT=1", "UV_LOCKED=0"):
        p.rewrite(f'add_snapshot_test(NAME a UV_LOCKED COMMAND true)\nset_tests_properties(a PROPERTIES ENVIRONMENT "A=b;{entry}")\n')
        done = p.configure(expect=1)
        assert f"{entry}, against UV_LOCKED" in nested.plain_text(done), done


def test_default(tmp):
    p = project(tmp, """
        set(SNAPSHOT_FIXTURES_UV_LOCKED ON)
        add_snapshot_test(NAME yes COMMAND sh -c "test $UV_LOCKED = 1")
        add_snapshot_test(NAME no UV_LOCKED OFF COMMAND sh -c "test -z \\"$UV_LOCKED\\"")
        add_snapshot_test(NAME none SOURCE_DIR dep COMMAND sh -c "test -z \\"$UV_LOCKED\\"")
    """)
    p.ctest()
    assert len(locked.checks(tmp)) == 1


def test_without_uv(tmp):
    p = project(tmp, "add_snapshot_test(NAME t UV_LOCKED COMMAND true)", program=tmp / "no/uv")
    said = p.results(expect=8)[nested.maker("t")].output
    assert "there is no program" in said and "pip install uv" in said and "SNAPSHOT_FIXTURES_UV" in said, said


def test_a_uv_that_hangs(tmp):
    harness.write_files(tmp, {"hangs": f'#!/bin/sh\n[ "$1" = lock ] && {{ echo $$ >"{tmp}/pid"; exec sleep 1000; }}\necho uv 1\n'})
    (tmp / "hangs").chmod(0o755)
    timeout = "SETUP_TIMEOUT 2" if nested.has_pairs() else "PROPERTIES TIMEOUT 2"
    p = project(tmp, f"add_snapshot_test(NAME t UV_LOCKED COMMAND true {timeout})", program=tmp / "hangs")
    outcomes = p.results(expect=8)
    assert outcomes[nested.maker("t")].status == "failed", outcomes
    assert not nested.has_pairs() or outcomes["t"].status == "notrun", outcomes
    pid = int((tmp / "pid").read_text())
    harness.eventually(lambda: not os.path.exists(f"/proc/{pid}"), "uv is gone")
    p.configure(f"-DSNAPSHOT_FIXTURES_UV={locked.counting_uv(tmp)}")
    p.ctest()
    assert p.folders() == set()


def test_scripts(tmp):
    p = project(tmp, "")
    harness.write_files(p.source, {"tools/x.py": locked.k_script})
    lists = 'add_snapshot_test(NAME t UV_LOCKED . tools/x.py FILES ALL COMMAND sh -c "test $UV_LOCKED = 1 && echo >>tools/x.py.lock")\n'
    p.rewrite(lists)
    done = nested.plain_text(p.configure(expect=1))
    assert "there is no" in done and "x.py.lock" in done and "uv lock --script" in done, done
    harness.run([locked.uv(), "lock", "--script", "tools/x.py"], cwd=p.source)
    p.configure()
    said = p.results(expect=8)["t"]
    assert said.status == "failed" and "'tools/x.py.lock' was changed" in said.output, said
    p.rewrite(lists.replace(" && echo >>tools/x.py.lock", ""))
    p.configure()
    p.ctest()


def test_lint_as_a_test(tmp):
    p = project(tmp, "")
    p.rewrite('add_uv_lock_check(NAME pinned PATHS scripts "odd $<dir" LABELS lint)\n')
    harness.write_files(p.source, {"scripts/a.sh": "uv run --locked x\n", "odd $<dir/b.sh": "uv sync --locked\n"})
    p.configure()
    assert p.tests()["pinned"].labels == ["lint"]
    p.ctest()
    for line in ("uv run x", "uv run --frozen x"):
        harness.write_files(p.source, {"scripts/a.sh": f"{line}\n"})
        said = p.results(expect=8)["pinned"].output
        assert "scripts/a.sh:1:1: " in said, said


if __name__ == "__main__":
    harness.main()
