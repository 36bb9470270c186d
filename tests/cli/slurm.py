"""With a Slurm of our own (examples/slurm/cluster): what hold and a queued job promise."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import harness
from harness import eventually, run, start
from project import Project, assert_fails, assert_says

k_cluster = pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "examples/slurm/cluster"


def in_slurm(test):
    """Runs a test in a Slurm of its own: its script anew, which finds SLURM_CONF then."""
    def outer(tmp):
        if "CLUSTER_DIR" in os.environ:
            test(tmp)
            return
        done = run([k_cluster, sys.executable, "-B", test.__globals__["__file__"], test.__name__], env={"SNAPFIX_REQUIRE_ALL": "1"}, expect=None, timeout=200)
        if done.code == 77:
            harness.skip(done.err.strip())
        assert done.code == 0, done
    return outer


def job_is_gone(job):
    return run(["squeue", "-h", "-j", job], expect=None).out == ""


def blocked_node():
    """A job that takes both nodes: what is submitted now waits in the queue."""
    return run(["sbatch", "--parsable", "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 600"]).out.strip()


@in_slurm
def test_a_queued_job_runs_the_code_it_was_submitted_with(tmp):
    p = Project(tmp, {"job.sh": "#!/bin/sh\necho old >>result; cat data >>result; echo in place >>data\n", "data": "old data\n"})
    p.git("branch", "other")
    blocker = blocked_node()
    t = p.create("t")
    base = p("show", "t", "--json").json()["base"]
    done = p("hold", "t", "--", "sbatch", "--parsable", "-o", tmp / "out", "--chdir", p.source,
             "--wrap", f"{p.root}/.snapfix/bin/snapfix run t --root {p.root} --base {base} -- sh job.sh")
    job = done.out.strip()
    assert p("show", "t", "--json").json()["holds"][0]["cluster"] == "example"
    assert run(["squeue", "-h", "-j", job, "-o", "%t"]).out == "PD\n"
    # The source is edited, pulled, switched; the snapshot is pruned, removed, made anew by others.
    p.write({"job.sh": "#!/bin/sh\necho new >>result\n", "data": "new data\n"})
    p.git("commit", "-q", "-a", "-m", "pulled")
    p.git("checkout", "-q", "other")
    assert_says(p("prune", "--keep", "0"), f"'t' is held by Slurm job {job}")
    assert_fails(p("remove", "t", expect=None), 1, f"Slurm job {job}")
    assert p("create", "t", "--fresh", "--base", p("freeze").out.strip(), expect=None).code in (0, 1)
    run(["scancel", blocker])
    eventually(lambda: job_is_gone(job), "the job has run", 60)
    assert (t / "result").read_text() == "old\nold data\n", (tmp / "out").read_text()
    assert (t / "data").read_text() == "old data\nin place\n"
    shown = p("show", "t", "--json").json()
    assert shown["run"]["status"] == 0 and shown["run"]["guard"]["state"] in ("on", "missing") and shown["holds"] == [], shown
    p("remove", "t")


@in_slurm
def test_holds_of_all_kinds_of_jobs(tmp):
    p = Project(tmp)
    blocker = blocked_node()
    sleep = ["--wrap", "sleep 300", "-o", "/dev/null"]
    kinds = {"plain": ["--parsable", *sleep], "words": sleep, "array": ["--parsable", "--array=1-3", *sleep],
             "het": ["--parsable", "-n1", ":", "-n1", *sleep]}
    held = {}
    for name, options in kinds.items():
        p.create(name)
        held[name] = re.findall(r"\d+", p("hold", name, "--", "sbatch", *options).out)[-1]
    for name, job in held.items():
        assert_fails(p("remove", name, expect=None), 1, f"held by Slurm job {job}")
    run(["scancel", f"{held['array']}_1", f"{held['array']}_2"])
    assert_fails(p("remove", "array", expect=None), 1, f"held by Slurm job {held['array']}")
    p("hold", "plain", "--slurm", f"{held['array']}_3", "--slurm", f"{held['het']}+1")
    assert_fails(p("remove", "plain", expect=None), 1, f"{held['array']}_3", f"{held['het']}+1")
    run(["scancel", *held.values()])
    for name, job in held.items():
        eventually(lambda job=job: job_is_gone(job), f"{name} is gone")
        p("remove", name)
    done = p("hold", "plain", "--", "sbatch", "-p", "no-such", "--wrap", "true", expect=None)
    assert_fails(done, 1, "there is no snapshot 'plain'")
    p.create("plain")
    done = p("hold", "plain", "--", "sbatch", "-p", "no-such", "--wrap", "true", expect=None)
    assert done.code == 1 and "invalid partition" in done.err and p("show", "plain", "--json").json()["holds"] == [], done
    assert_fails(p("hold", "plain", "--slurm", "99999", expect=None), 1, "Slurm knows no job 99999")
    run(["scancel", blocker])


@in_slurm
def test_a_controller_that_is_down(tmp):
    p = Project(tmp)
    p.create("t")
    blocked_node()
    job = p("hold", "t", "--", "sbatch", "--parsable", "--wrap", "true").out.strip()
    conf = pathlib.Path(os.environ["SLURM_CONF"]).read_text()
    (tmp / "slurm.conf").write_text(re.sub(r"SlurmctldPort=\d+", "SlurmctldPort=1", conf) + "MessageTimeout=2\n")
    env = {"SLURM_CONF": tmp / "slurm.conf"}
    assert_says(p("prune", "--keep", "0", env=env), "Slurm cannot be asked", f"held by Slurm job {job}")
    assert p.names() == ["t"]


def ours(pid):
    """The processes that have a cluster's mark in their environment."""
    found = []
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"CLUSTER_TEST={pid}".encode() in environ.read_bytes().split(b"\0"):
                found.append(environ.parent.name)
        except OSError:
            pass
    return found


def test_the_cluster_ends_with_all_it_started(tmp):
    """However it ends; jobs that daemonize included."""
    long = tmp / ("long" * 20)
    long.mkdir()
    for number in (None, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        mark = f"{os.getpid()}.{number}"
        (tmp / "up").unlink(missing_ok=True)
        command = f"srun -N1 sh -c 'setsid sleep 900 & sleep 900' & sbatch -o /dev/null --wrap 'sleep 900'; sleep 1; echo $CLUSTER_DIR >{tmp}/up; " \
            + ("exit 7" if number is None else "wait")
        cluster = start([k_cluster, "sh", "-c", command], env={"CLUSTER_TEST": mark, "TMPDIR": long}, stdout=subprocess.DEVNULL, start_new_session=True)
        eventually(lambda: (tmp / "up").exists() or cluster.poll() is not None, "a job runs", 70)
        if cluster.poll() == 77:
            harness.skip("no Slurm: examples/slurm/cluster says what is missing")
        if number is not None:
            os.kill(cluster.pid, number)
        assert cluster.wait(60) == (7 if number is None else 128 + number)
        assert ours(mark) == [], [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in ours(mark)]
        # Paths of sockets would be too long in that TMPDIR.
        folder = pathlib.Path((tmp / "up").read_text().strip())
        assert folder.parent == pathlib.Path("/tmp") and not folder.exists() and list(long.iterdir()) == []


def test_a_machine_without_cgroups(tmp):
    """As many a container is one."""
    with harness.mounted("tmpfs", "/sys/fs/cgroup", "-t", "tmpfs"):
        done = run([k_cluster, "srun", "-N2", "echo", "here"], expect=(0, 1, 77), cwd=tmp)
    if done.code == 77:
        harness.skip("no Slurm: examples/slurm/cluster says what is missing")
    assert done.out == "here\nhere\n", done


def test_where_there_is_no_slurm_it_says_what_is_missing(tmp):
    for program in ("python3", "sh"):
        (tmp / program).symlink_to(os.path.realpath(run(["which", program]).out.strip()))
    # /usr/sbin is looked into as well: a file system of its own hides what is there.
    with harness.mounted("tmpfs", "/usr/sbin", "-t", "tmpfs"):
        done = run([k_cluster, "true"], env={"PATH": tmp}, expect=77)
    assert_says(done, "there is no Slurm to start", "munged", "slurmctld", "slurm-wlm")


if __name__ == "__main__":
    harness.main()
