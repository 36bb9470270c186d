"""A compiler launcher for tests that build the helper several times: compile_once.py CACHE COMPILER ARG...

Nothing of the helper changes between these builds, so calls that differ only in the names of what
they write have equal results.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys


def main():
    cache, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    if "-c" not in command or "-o" not in command:
        sys.exit(subprocess.run(command, check=False).returncode)
    out = command[command.index("-o") + 1]
    depends = command[command.index("-MF") + 1] if "-MF" in command else None
    # Nor does it matter in which build folder the precompiled header lies, or a batch of files.
    flags = [os.path.basename(word) if word.startswith(os.getcwd() + "/") else word for word in command if word not in (out, depends)]
    key = hashlib.sha256("\0".join(flags).encode()).hexdigest()
    kept = cache / key
    if kept.exists():
        shutil.copy(kept / "object", out)
        if depends:
            pathlib.Path(depends).write_text(f"{out}:" + (kept / "depends").read_text())
        return
    done = subprocess.run(command, check=False).returncode
    if done == 0:
        work = cache / f"{key}.{os.getpid()}"
        work.mkdir(parents=True)
        shutil.copy(out, work / "object")
        if depends:
            (work / "depends").write_text(pathlib.Path(depends).read_text().split(":", 1)[1])
        work.rename(kept)
    sys.exit(done)


if __name__ == "__main__":
    main()
