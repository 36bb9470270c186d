"""Runs the writers in a tree, two at a time, each in its folder: driver.py JOB. Called by matrix.py."""

import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import threading

k_patience = 40  # seconds; none takes more than two


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        job = json.load(text)
    os.umask(0o022)

    def write(item):
        name, script = item
        scratch = f"{job['scratch']}/{name}"
        os.mkdir(scratch)
        os.chmod(scratch, 0o777)
        env = dict(os.environ, SCRATCH=scratch, LATE=job["late"], P=job["programs"], PYTHON=job["python"],
                   PATH=os.environ["PATH"] + ":/usr/sbin:/sbin", TERM="xterm",
                   GIT_AUTHOR_DATE="1600000000 +0000", GIT_COMMITTER_DATE="1600000000 +0000")
        # Not pipes: a process that outlives the script would keep them open.
        with open(scratch + ".out", "w+b") as out, open(scratch + ".err", "w+b") as err:
            process = subprocess.Popen(["bash", "-c", script], cwd=f"w/{name}", env=env, stdout=out, stderr=err,
                                       stdin=subprocess.DEVNULL, start_new_session=True)
            # Not wait(timeout), which polls: most scripts take less than its pauses.
            hung = []
            alarm = threading.Timer(k_patience, lambda: (hung.append(True), os.killpg(process.pid, signal.SIGKILL)))
            alarm.start()
            code = process.wait()
            alarm.cancel()
            if hung:
                code = "hangs"
            for file in (out, err):
                file.seek(0)
            return name, (code, out.read().decode("latin-1"), err.read().decode("latin-1"))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = dict(pool.map(write, job["scripts"].items()))
    with open(job["results"], "w", encoding="utf-8") as text:
        json.dump(results, text)


main()
