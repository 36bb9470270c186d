"""hold and release: a snapshot that stays as it is for a job that waits, or until a time. Slurm is a stand-in here."""

import os
import signal
import stat
import subprocess

import harness
from harness import start
from project import Project, assert_fails, assert_says

k_squeue = """#!/bin/sh
echo "$@" >>"$SLURM_STAND_IN/asked"
[ -e "$SLURM_STAND_IN/instead" ] && exec sh "$SLURM_STAND_IN/instead"
[ -e "$SLURM_STAND_IN/down" ] && { echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1; }
[ -e "$SLURM_STAND_IN/mute" ] && exit 3
while [ $# -gt 1 ]; do case $1 in -j) job=$2 ;; esac; shift; done
[ -e "$SLURM_STAND_IN/jobs/$job" ] || { echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1; }
cat "$SLURM_STAND_IN/jobs/$job"
"""
k_scontrol = """#!/bin/sh
[ -e "$SLURM_STAND_IN/down" ] && exit 1
printf 'Configuration data\\nClusterName             = '; cat "$SLURM_STAND_IN/cluster"
"""


class Slurm:
    """A squeue and a scontrol in PATH that tell what they are told to."""

    def __init__(self, tmp):
        self.top = tmp / "slurm"
        (self.top / "jobs").mkdir(parents=True)
        self.tool("squeue", k_squeue)
        self.tool("scontrol", k_scontrol)
        self.cluster("here")
        self.env = {"PATH": f"{self.top}:{os.environ['PATH']}", "SLURM_STAND_IN": self.top, "SLURM_JOB_ID": None, "SLURM_ARRAY_JOB_ID": None, "SLURM_CLUSTER_NAME": None}

    def tool(self, name, text):
        (self.top / name).write_text(text)
        (self.top / name).chmod(0o755)

    def cluster(self, name):
        (self.top / "cluster").write_text(name + "\n")

    def job(self, job, lines=None):
        (self.top / "jobs" / job).write_text(job + "\n" if lines is None else lines)

    def instead(self, script):
        """What squeue does from now on, whatever it is asked."""
        (self.top / "instead").write_text(script)

    def forget(self, job):
        (self.top / "jobs" / job).unlink()

    def asked(self):
        return (self.top / "asked").read_text().splitlines() if (self.top / "asked").exists() else []


class Held(Project):
    """A project whose commands find the stand-in."""

    def __init__(self, tmp, **options):
        super().__init__(tmp, **options)
        self.slurm = Slurm(tmp)

    def __call__(self, command, *args, env=None, **options):
        return super().__call__(command, *args, env={**self.slurm.env, **(env or {})}, **options)

    def holds(self, name):
        return self("show", name, "--json").json()["holds"]


def assert_left_alone(p, by):
    """Everything that would take or change the snapshot t, in which there is a file `mine`, and the source has moved on."""
    before = harness.tree_state(p.root / "t")
    for command in (["remove", "t"], ["create", "t", "--fresh"], ["create", "t", "--update"], ["run", "t", "--fresh", "--", "true"]):
        done = p(*command, expect=None)
        assert done.code in (1, 125) and done.out == "", done
        assert_says(done, f"'t' is held by {by}", f"snapfix release t --root {p.root}")
    done = p("finish", "t", "--keep", "never")
    assert_says(done, f"kept in {p.root}/t: held by {by}")
    done = p("prune", "--keep", "0", "--older-than", "0s", "--json")
    assert done.json()["held"] == [{"name": "t", "by": by}] and done.json()["snapshots"] == [], done
    assert_says(done, f"'t' is held by {by}: left alone")
    assert p.spares() == []
    harness.assert_same_state(before, harness.tree_state(p.root / "t"))


def used(p):
    p.create("t")
    (p.root / "t/mine").write_text("mine")
    p.write({"a.txt": "later\n"})


def test_a_job_holds_a_snapshot_while_slurm_knows_it(tmp):
    p = Held(tmp)
    used(p)
    p.slurm.job("42")
    assert p("hold", "t", "--slurm", "42").out == ""
    assert_left_alone(p, "Slurm job 42")
    [hold] = p.holds("t")
    assert hold["slurm"] == "42" and hold["until"] == "" and hold["host"] and hold["since"], hold
    [listed] = p("list", "--json").json()["snapshots"]
    assert listed["holds"] == [hold]
    assert "Slurm job 42" in p("list").out and "held       by Slurm job 42" in p("show", "t").out
    # It is used as it stands all the same.
    assert p("run", "t", "--", "cat", "mine", "a.txt").out == "minea\n"
    assert p("create", "t", "--reuse").code == 0 and p("verify", "t").code == 0
    p.slurm.forget("42")
    assert p.holds("t") == [] and "Slurm job" not in p("list").out
    p("create", "t", "--fresh")
    assert not (p.root / "t/mine").exists()
    assert os.listdir(p.root / ".snapfix/holds") == []
    p("remove", "t")


def test_a_job_that_has_ended_is_known_for_some_time(tmp):
    p = Held(tmp)
    p.create("t")
    p.slurm.job("42")
    p("hold", "t", "--slurm", "42")
    p.slurm.job("42", "")
    p("remove", "t")
    assert p.names() == [] and os.listdir(p.root / ".snapfix/holds") == []


def test_where_slurm_cannot_be_asked_the_hold_stands(tmp):
    p = Held(tmp)
    used(p)
    for job in ("1", "2"):
        p.slurm.job(job)
    p("hold", "t", "--slurm", "1", "--slurm", "2")
    (p.slurm.top / "down").touch()
    for _ in range(2):
        done = p("prune", "--keep", "0")
        assert done.err.count("cannot be asked") == 1 and p.names() == ["t"], done
        assert_says(done, "Unable to contact", "held by Slurm job 1, Slurm job 2")
    (p.slurm.top / "squeue").unlink()
    (p.slurm.top / "squeue").mkdir()  # nothing that could be run, and before one that could
    done = p("list", env={"PATH": f"{p.slurm.top}:/nowhere"})
    assert done.err.count("cannot be asked") == 1 and "Slurm job 1, Slurm job 2" in done.out, done
    p("release", "t")
    p("remove", "t")


def test_another_cluster_knows_nothing_of_the_job(tmp):
    p = Held(tmp)
    p.create("t")
    p.slurm.job("42")
    p("hold", "t", "--slurm", "42")
    assert p.holds("t")[0]["cluster"] == "here"
    p.slurm.forget("42")
    p.slurm.cluster("there")
    done = p("remove", "t", expect=None)
    assert_fails(done, 1, "held by Slurm job 42")
    assert_says(done, "cluster 'here'", "stays held")
    assert p.holds("t") != []
    # A job of that cluster is another one, with the same id.
    p("run", "t", "--finish", "--", "true", env={"SLURM_JOB_ID": "42", "SLURM_CLUSTER_NAME": "there"})
    assert p.names() == ["t"]
    p.slurm.cluster("here")
    p("remove", "t")
    # Where the cluster was not known, only the machine of then is believed.
    p.create("t")
    p.slurm.job("42")
    (p.slurm.top / "cluster").unlink()
    p("hold", "t", "--slurm", "42")
    p.slurm.forget("42")
    record = p.root / ".snapfix/holds/t:42"
    text = record.read_text()
    assert os.uname().nodename in text
    record.write_text(text.replace(os.uname().nodename, "another"))
    assert_fails(p("remove", "t", expect=None), 1, "held by Slurm job 42")
    record.write_text(text)
    p("remove", "t")


def test_a_hold_that_was_seen_as_over_does_not_come_back(tmp):
    p = Held(tmp)
    for look in (["list"], ["show", "t"]):
        p.create("t")
        p.slurm.job("42")
        p("hold", "t", "--slurm", "42")
        p.slurm.forget("42")
        p(*look)
        assert os.listdir(p.root / ".snapfix/holds") == []
        (p.slurm.top / "down").touch()
        p("remove", "t")
        (p.slurm.top / "down").unlink()


def test_what_squeue_says(tmp):
    p = Held(tmp)
    p.create("t")
    p.slurm.job("42", "  42  \n")
    p("hold", "t", "--slurm", "42")
    done = p("remove", "t", expect=None)
    assert_fails(done, 1, "held by Slurm job 42")
    assert "cannot be asked" not in done.err
    p.slurm.instead("echo 'slurm: something is odd' >&2")
    assert_says(p("prune", "--keep", "0"), "cannot be asked", "something is odd", "held by Slurm job 42")
    # One that does not answer ends with what it started; so does one that does not stop.
    p.slurm.instead(f"sleep 1000 & echo $! >{tmp}/pid; wait")
    assert_says(p("prune", "--keep", "0"), "cannot be asked", "'squeue' does not answer", "held by Slurm job 42")
    harness.eventually(lambda: is_gone(tmp / "pid"), "it is gone")
    for output in ("", ">&2"):
        p.slurm.instead(f"sleep 1000 & echo $! >{tmp}/pid; yes 42 {output} | head -c 200000000 {output}; wait")
        assert_says(p("prune", "--keep", "0"), "cannot be asked", "'squeue' answers more than 1 MiB", "held by Slurm job 42")
        harness.eventually(lambda: is_gone(tmp / "pid"), "it is gone")
    assert p.names() == ["t"]


def is_gone(file):
    """The process whose number stands there."""
    pid = file.read_text().strip()
    return not os.path.exists(f"/proc/{pid}") or "\nState:\tZ" in open(f"/proc/{pid}/status").read()


def test_a_dead_jobs_variables_are_not_pasted(tmp):
    p = Held(tmp)
    t = p.create("t")
    dead = {"SLURM_JOB_ID": "41", "SRUN_DEBUG": "3", "SLURM_CONF": "/conf", "MINE": "1"}
    show = 'echo "$SLURM_JOB_ID,$SRUN_DEBUG,$SLURM_CONF,$MINE"'
    assert p("run", "t", "--", "sh", "-c", show, env=dead).out == "41,3,/conf,1\n"
    shown = p("show", "t").out.partition("command ")[2]
    assert "MINE=1" in shown and "SLURM_CONF=/conf" in shown and "SLURM_JOB_ID=" not in shown and "SRUN_DEBUG=" not in shown, shown
    assert p("rerun", "t").out == ",,/conf,1\n" and t.exists()
    # Within a job: what that has.
    p("run", "t", "--", "sh", "-c", show, env=dead)
    assert p("rerun", "t", env={"SLURM_JOB_ID": "43"}).out == "43,,/conf,1\n"


def test_messages(tmp):
    p = Held(tmp)
    p.create("t")
    for job in ("55", "56"):
        p.slurm.job(job)
    for time_given in ("tomorrow", "7x", "0s", "2020-01-01"):
        assert_says(p("hold", "t", "--until", time_given, expect=2), "2026-01-31T18:00", "12h, 7d", "must lie ahead")
    assert_says(p("hold", "t", "--until", "1h", "--", "true", expect=2), "only one of --slurm, --until and a COMMAND")
    assert_says(p("hold", "t", "--", "no-such-program", expect=127), "no-such-program", "is it in PATH?")
    p("hold", "t", "--slurm", "55")
    assert_says(p("release", "t", "--slurm", "56"), "job 56 does not hold 't' (held by Slurm job 55)")
    p("hold", "t", "--slurm", "56")
    assert_says(p("release", "t"), "'t' is no longer held by Slurm job 55, Slurm job 56")
    assert_says(p("release", "t", "--slurm", "56"), "nothing held 't'")
    # Nothing was run in it, but that is not why it stays.
    p("hold", "t", "--slurm", "55")
    assert_says(p("finish", "t"), f"kept in {p.root}/t: held by Slurm job 55")
    (p.slurm.top / "down").touch()
    done = p("hold", "t", "--slurm", "4242", "--slurm", "4243")
    assert_says(done, "not checked, but held for: Slurm job 4242, 4243", f"release t --root {p.root}", "--until")
    assert done.err.count("release t") == 1 and done.err.count("cannot be asked") == 1, done


def test_until_a_time(tmp):
    p = Held(tmp)
    used(p)
    p("hold", "t", "--until", "2999-01-31T12:00Z")
    assert_left_alone(p, "a hold until 2999-01-31T12:00:00Z")
    assert p.slurm.asked() == []
    p("hold", "t", "--until", "1s")
    harness.eventually(lambda: p.holds("t") == [], "the time is over")
    p("remove", "t")
    for time_given in ("2026-02-31", "2000-01-01", "soon", "12", "12x", "2999-01-01T", "Z", "2999-01-01T12:00:00ZZ"):
        done = p("hold", "t", "--until", time_given, expect=2)
        assert_says(done, "--until")
    for time_given in ("2999-01-01", "2999-01-01T10:00", "2999-01-01T10:00:01", "2999-01-01T10:00:01Z", "3d"):
        p.create("t")
        p("hold", "t", "--until", time_given)
        p("release", "t")
    env = {"TZ": "UTC-5"}
    p("hold", "t", "--until", "2999-01-01T12:00", env=env)
    assert p.holds("t")[0]["until"] == "2999-01-01T07:00:00Z"


def test_a_pristine_snapshot_needs_nothing_to_be_made_fresh(tmp):
    p = Held(tmp)
    t = p.create("t")
    p("hold", "t", "--until", "1d")
    inode = t.stat().st_ino
    assert p("run", "t", "--fresh", "--", "true").code == 0
    assert t.stat().st_ino == inode
    assert_fails(p("run", "t", "--fresh", "--", "true", expect=None), 125, "'t' is held by a hold until")


def test_several_holds(tmp):
    p = Held(tmp)
    used(p)
    for job in ("42", "43"):
        p.slurm.job(job)
        p("hold", "t", "--slurm", job)
    p("hold", "t", "--until", "2999-01-01T00:00Z")
    assert_left_alone(p, "Slurm job 42, Slurm job 43, a hold until 2999-01-01T00:00:00Z")
    p("release", "t", "--slurm", "43")
    p.slurm.forget("42")
    assert [hold["slurm"] for hold in p.holds("t")] == [""]
    p("release", "t")
    assert_says(p("release", "t"), "nothing held 't'")
    assert_fails(p("release", "u", expect=None), 1, "there is no snapshot 'u'", "did you mean 't'")
    p("remove", "t")


def test_a_slurm_that_says_nothing(tmp):
    p = Held(tmp)
    used(p)
    p.slurm.job("42")
    p("hold", "t", "--slurm", "42")
    (p.slurm.top / "mute").touch()
    assert_says(p("remove", "t", expect=1), "Slurm cannot be asked", "squeue ended with 3 and said nothing")


def test_ids_of_jobs(tmp):
    p = Held(tmp)
    p.create("t")
    for job in ("42_3", "42+1", "42;far", "42_3;far-a.b"):
        p.slurm.job(job.split(";")[0])
        p("hold", "t", "--slurm", job)
        assert [hold["slurm"] for hold in p.holds("t")] == [job]
        assert_fails(p("remove", "t", expect=None), 1, f"Slurm job {job}")
        cluster = job.partition(";")[2]
        assert p.slurm.asked()[-1].endswith(f"-M {cluster}" if cluster else f"-j {job}"), p.slurm.asked()
        p("release", "t", "--slurm", job)
    for job in ("grpo", "42x", "42_", "42_[1-3]", "-1", "42;", "42;a/b", "", "../42", "42.0"):
        assert_says(p("hold", "t", f"--slurm={job}", expect=2), "--slurm")
    done = p("hold", "t", "--slurm", "77", expect=None)
    assert_fails(done, 1, "Slurm knows no job 77")
    assert p.holds("t") == []
    # An array: held as long as any of its tasks is known.
    p.slurm.job("50", "50_[3-9]\n50_1\n")
    p("hold", "t", "--slurm", "50")
    p.slurm.job("50", "50_7\n")
    assert_fails(p("remove", "t", expect=None), 1, "Slurm job 50")


def test_the_job_itself_is_not_bound(tmp):
    p = Held(tmp)
    p.slurm.job("42")
    p.create("t")
    p("hold", "t", "--slurm", "42")
    job = {"SLURM_JOB_ID": "42"}
    p("run", "t", "--finish", "--", "true", env={"SLURM_JOB_ID": "43"})
    assert p.names() == ["t"]
    p("run", "t", "--finish", "--", "true", env=job)
    assert p.names() == [] and os.listdir(p.root / ".snapfix/holds") == []
    # One task of an array, the last of which has the array's own id, speaks for itself alone.
    p.create("t")
    p("hold", "t", "--slurm", "42")
    task = {**job, "SLURM_ARRAY_JOB_ID": "42", "SLURM_ARRAY_TASK_ID": "3"}
    p("run", "t", "--finish", "--", "true", env=task)
    assert p.names() == ["t"]
    p("release", "t")
    p.slurm.job("42_3")
    p("hold", "t", "--slurm", "42_3")
    p("run", "t", "--finish", "--", "true", env=task)
    assert p.names() == []


def test_what_is_held_is_the_snapshot_that_stood(tmp):
    """A hold goes with its snapshot, also where somebody removed the tree by hand."""
    p = Held(tmp)
    p.slurm.job("42")
    t = p.create("t")
    p.create("t.2")
    p("hold", "t", "--slurm", "42")
    harness.remove_tree(t)
    p("prune")
    assert os.listdir(p.root / ".snapfix/holds") == []
    p.create("t")
    p("hold", "t.2", "--slurm", "42")
    p("remove", "t")
    assert [hold["slurm"] for hold in p.holds("t.2")] == ["42"]


def test_names(tmp):
    p = Held(tmp)
    p.slurm.job("42")
    for name in ("a/b", "-x", "ü", "x" * 150):
        p("create", f"--name={name}")
        p("hold", f"--name={name}", "--slurm", "42")
        assert_fails(p("remove", "--", name, expect=None), 1, "held by Slurm job 42")
        p("release", f"--name={name}")
        p("remove", "--", name)


def test_a_failed_test_of_ctest_is_no_worse_for_a_hold(tmp):
    """finish: what is kept because it is held counts as no failure, and its reason is recorded."""
    p = Held(tmp)
    p.slurm.job("42")
    p.create("t")
    p("hold", "t", "--slurm", "42")
    packs = tmp / "packs"
    assert p("run", "t", "--finish", "--pack", packs, "--", "true").code == 0
    assert p("show", "t", "--json").json()["run"]["why_kept"] == "held by Slurm job 42"
    assert list(packs.glob("*")) == []
    assert p("run", "t", "--finish", "--", "false", expect=1).code == 1
    # Of a failure both reasons are told: it would stay when the hold is over.
    why = "its command ended with exit code 1; held by Slurm job 42"
    assert p("show", "t", "--json").json()["run"]["why_kept"] == why
    assert_says(p("finish", "t"), f"kept in {p.root}/t: {why}")
    p.slurm.forget("42")
    assert_says(p("finish", "t"), f"kept in {p.root}/t: its command ended with exit code 1 (")


def test_a_damaged_record_holds(tmp):
    p = Held(tmp)
    p.create("t")
    for text in ("", "{", '{"version": 99}', "[]"):
        for job in ("42", "until"):
            p.slurm.job(job)
            (p.root / f".snapfix/holds/t:{job}").write_text(text)
            by = "Slurm job 42" if job == "42" else "a hold that this version cannot read"
            assert_fails(p("remove", "t", expect=None), 1, by)
            p("release", "t")
    p("remove", "t")


def test_a_command_that_submits(tmp):
    """The job's id is known only when it may have begun: nobody gets at the snapshot until the hold stands."""
    p = Held(tmp)
    p.create("t")
    for said, jobs in (("42\n", ["42"]), ("42;far\n", ["42;far"]), ("Submitted batch job 42\n", ["42"]),
                       ("Submitted batch job 42 on cluster far\n", ["42;far"]), ("using 8 nodes\n42\n43\n", ["42", "43"])):
        for job in jobs:
            p.slurm.job(job.split(";")[0])
        done = p("hold", "t", "--", "printf", "%s", said)
        assert done.out == said and [hold["slurm"] for hold in p.holds("t")] == jobs, done
        p("release", "t")
    # stdin is the command's, from where it stands.
    assert p("hold", "t", "--", "sh", "-c", "cat; echo 42", stdin="a script\n").out == "a script\n42\n"
    p("release", "t")
    done = p("hold", "t", "--", "sh", "-c", "echo no such partition >&2; exit 7", expect=None)
    assert done.code == 7 and done.err == "no such partition\n" and p.holds("t") == [], done
    done = p("hold", "t", "--", "sh", "-c", "echo Submitted batch job 42; exit 3", expect=3)  # it may run all the same
    assert_says(done, "'sh' ended with exit code 3, but has named Slurm job 42: 't' is held for it", "snapfix release t")
    assert [hold["slurm"] for hold in p.holds("t")] == ["42"]
    p("release", "t")
    done = p("hold", "t", "--", "echo", "done", expect=None)
    assert done.code == 1 and p.holds("t") == [], done
    assert_says(done, "has named no job", f"snapfix hold t --root {p.root} --slurm JOB")
    assert_fails(p("hold", "t", "--", "/no/such", expect=None), 127, "/no/such")
    assert_fails(p("hold", "u", "--", "touch", tmp / "ran", expect=None), 1, "there is no snapshot 'u'")
    assert not (tmp / "ran").exists()
    assert_says(p("hold", "t", expect=2), "one of --slurm, --until and a COMMAND is needed")
    for args in (["--slurm", "1", "--until", "1d"], ["--until", "1d", "--", "true"], ["--slurm", "1", "--", "true"]):
        assert_says(p("hold", "t", *args, expect=2), "only one of --slurm, --until and a COMMAND")


def test_a_loop_over_a_list_of_names(tmp):
    """The command's stdin is the loop's: it stays where it is."""
    p = Held(tmp)
    p.slurm.job("42")
    for name in ("a", "b"):
        p.create(name)
    (tmp / "names").write_text("a\nb\n")
    loop = f"while read name; do {harness.snapfix_path()} hold $name --root {p.root} -- echo 42; done <{tmp}/names"
    assert harness.run(["sh", "-c", f"ulimit -t 5; {loop}"], env=p.slurm.env).out == "42\n42\n"
    assert p.holds("a") and p.holds("b")


def test_nobody_comes_between(tmp):
    p = Held(tmp)
    p.create("t")
    p.slurm.job("42")
    p.slurm.tool("sbatch", f"#!/bin/sh\n: >{tmp}/submitting\nwhile [ ! -e {tmp}/go ]; do sleep 0.05; done\necho 42\n")
    env = {**p.slurm.env, "SNAPFIX_ROOT": p.root}
    submitting = start([harness.snapfix_path(), "hold", "t", "--", "sbatch"], env=env, stdout=subprocess.DEVNULL)
    harness.eventually((tmp / "submitting").exists, "sbatch is at work")
    done = p("prune", "--keep", "0")
    assert_says(done, "'t' is in use")
    assert_fails(p("remove", "t", "--wait", "0", expect=None), 1, "snapfix hold t")
    (tmp / "go").touch()
    assert submitting.wait(60) == 0
    assert_fails(p("remove", "t", expect=None), 1, "held by Slurm job 42")


def test_a_killed_submission_leaves_no_hold(tmp):
    p = Held(tmp)
    p.create("t")
    p.slurm.tool("sbatch", f"#!/bin/sh\n: >{tmp}/submitting\nexec sleep 1000\n")
    submitting = start([harness.snapfix_path(), "hold", "t", "--root", p.root, "--", "sbatch"], env=p.slurm.env, start_new_session=True)
    harness.eventually((tmp / "submitting").exists, "sbatch is at work")
    os.killpg(submitting.pid, signal.SIGKILL)
    submitting.wait()
    assert p.holds("t") == []
    p("remove", "t")


def test_a_newer_root_is_an_older_one(tmp):
    """A root that an older helper made has no folder for holds."""
    p = Held(tmp)
    p.create("t")
    (p.root / ".snapfix/holds").rmdir()
    assert p.holds("t") == []
    (p.root / ".snapfix/holds").rmdir()
    p("hold", "t", "--until", "1d")
    assert stat.S_IMODE(os.stat(p.root / ".snapfix/holds").st_mode) == 0o700


if __name__ == "__main__":
    harness.main()
