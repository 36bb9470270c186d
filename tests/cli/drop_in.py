"""The scripts of docs/nightly.md, in a project that had some like them: what a site that moves finds as it was."""

import os
import pathlib
import re

import harness
from harness import eventually, run
from project import Project, assert_says
from slurm import in_slurm, job_is_gone

k_docs = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "docs"
k_test = """#!/bin/sh
# What a training job leaves behind: logs of its own, metrics, checkpoints; and it writes to a tracked file.
logs=$SLURM_SUBMIT_DIR/$SLURM_JOB_ID-logs
mkdir -p "$logs"
echo "$(cat model.txt) $1" >"$logs/ray.log"
echo '{"loss": 1}' >metrics.json
echo "$SLURM_JOB_ID" >>checkpoints
echo "touched by {name}" >>model.txt
"""


def scripts():
    """By path: the blocks whose second line names one."""
    blocks = re.findall(r"^```bash\n(#!.*?\n# (tools/\S+) .*?)^```$", (k_docs / "nightly.md").read_text(), re.M | re.S)
    return {path: text for text, path in blocks}


class Site(Project):
    def __init__(self, tmp):
        found = scripts()
        assert set(found) == {"tools/code_snapshot.sh", "tools/launch"}, found
        tests = {f"tests/{name}.sh": k_test.replace("{name}", name) for name in ("grpo", "sft", "dpo")}
        super().__init__(tmp, {**found, **tests, "model.txt": "model\n"}, root=tmp / "source/code_snapshots")
        for path in found:
            (self.source / path).chmod(0o755)
        self.git("commit", "-q", "-a", "-m", "executable")
        (tmp / "bin").mkdir()
        program = tmp / "bin/snapfix"  # which no node has
        program.write_text(f'#!/bin/sh\n[ -z "$SLURM_JOB_ID" ] || exit 127\nexec {harness.snapfix_path()} "$@"\n')
        program.chmod(0o755)
        self.env = {"PATH": f"{tmp}/bin:{os.environ['PATH']}", "CODE_SNAPSHOT_DIRNAME": "code_snapshots"}

    def tool(self, *command, env=None, **options):
        return run(command, cwd=self.source, env={**self.env, **(env or {})}, **options)


def jobs_of(done):
    return re.findall(r"Submitted batch job (\d+)", done.out)


def wait_for(jobs):
    for job in jobs:
        eventually(lambda job=job: job_is_gone(job), f"job {job} is gone", 60)


@in_slurm
def test_launch_and_continue(tmp):
    s = Site(tmp)
    before = harness.tree_state(s.source, without=(".git", "code_snapshots"))
    done = s.tool("tools/launch", "tests/grpo.sh", "tests/sft.sh", "tests/dpo.sh")
    jobs = jobs_of(done)
    assert len(jobs) == 3, done
    wait_for(jobs)
    assert s.names() == ["dpo", "grpo", "sft"]
    for name, job in zip(("grpo", "sft", "dpo"), jobs):
        t = s.root / name
        assert (t / f"{job}-logs/ray.log").read_text() == "model \n" and (t / "metrics.json").exists(), name
        assert (t / f"{job}-{name}.out").exists() and (t / "continue.sh").exists()
        assert (t / "model.txt").read_text() == f"model\ntouched by {name}\n"
        assert s("verify", name).code == 0
    after = harness.tree_state(s.source, without=(".git", "code_snapshots"))
    harness.assert_same_state(before, after, ignore_times_of=("folder",))  # the root lies in it
    assert s.git("status", "--porcelain").out == ""
    shared = s("show", "grpo", "--json").json()["now"]
    assert shared["private"] == 1 and shared["bytes_private"] == 22, shared
    # Submitted again: the code of then, and what the first job wrote is there.
    s.write({"model.txt": "another model\n"})
    again = jobs_of(s.tool("bash", s.root / "grpo/continue.sh"))
    wait_for(again)
    assert (s.root / "grpo/checkpoints").read_text() == f"{jobs[0]}\n{again[0]}\n"
    assert (s.root / f"grpo/{again[0]}-logs/ray.log").read_text() == "model\ntouched by grpo \n"


@in_slurm
def test_continue_where_another_root_is_set(tmp):
    """And a name that a shell would split."""
    s = Site(tmp)
    s.write({"tests/two words.sh": "cat model.txt >result\n"})
    s.git("add", "tests")
    wait_for(jobs_of(s.tool("tools/launch", "tests/two words.sh")))
    t = pathlib.Path(s("show", "two words", "--json").json()["path"])
    script = t / "continue.sh"
    assert (t / "result").exists(), [each.read_text() for each in t.glob("*.out")]
    (t / "result").unlink()
    again = jobs_of(s.tool("bash", script, env={"SNAPFIX_ROOT": tmp / "another"}))
    assert len(again) == 1
    wait_for(again)
    assert (t / "result").read_text() == "model\n"


@in_slurm
def test_the_first_script(tmp):
    s = Site(tmp)
    assert s.tool("tools/code_snapshot.sh", "grpo").out == f"{s.root}/grpo\n"
    (s.root / "grpo/log").write_text("x")
    s.write({"model.txt": "another\n"})
    done = s.tool("tools/code_snapshot.sh", "grpo")
    assert done.out == f"{s.root}/grpo\n" and (s.root / "grpo/log").exists() and (s.root / "grpo/model.txt").read_text() == "model\n"
    assert_says(done, "used as it is")
    s("create", "grpo", "--update")
    assert (s.root / "grpo/log").exists() and (s.root / "grpo/model.txt").read_text() == "another\n"


@in_slurm
def test_without_a_snapshot(tmp):
    """The source gets what the test itself writes there, and nothing of the job's."""
    s = Site(tmp)
    s.write({"tests/look.sh": "cat model.txt >$SLURM_SUBMIT_DIR/result; pwd\n"})
    s.git("add", "tests")
    env = {"SKIP_SNAPSHOT_COPY": "1"}
    assert s.tool("tools/code_snapshot.sh", "grpo", env=env).out == f"{s.source}\n" and s.names() == []
    before = harness.tree_state(s.source, without=(".git",))
    jobs = jobs_of(s.tool("tools/launch", "tests/look.sh", env=env))
    beside = s.source.with_name("source-jobs") / "look"
    jobs += jobs_of(s.tool("bash", beside / "continue.sh"))
    wait_for(jobs)
    harness.assert_same_state(before, harness.tree_state(s.source, without=(".git",)))
    assert {path.name for path in beside.iterdir()} == {"continue.sh", "result", *(f"{job}-look.out" for job in jobs)}
    assert (beside / f"{jobs[0]}-look.out").read_text() == f"{s.source}\n" and s.names() == []
    jobs = jobs_of(s.tool("tools/launch", "tests/grpo.sh", env=env))
    wait_for(jobs)
    assert (beside.with_name("grpo") / f"{jobs[0]}-logs/ray.log").exists() and (s.source / "metrics.json").exists() and s.names() == []
    s.write({"tests/new.sh": "true\n"})
    assert_says(s.tool("tools/launch", "tests/new.sh", expect=1), "did not match any file")


if __name__ == "__main__":
    harness.main()
