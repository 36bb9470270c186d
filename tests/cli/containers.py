"""A test whose launcher starts a container: the helper that lies in the root does the work there, whatever the image has.

The container's tree is an empty one with a static busybox: no libraries, no shell but /bin/sh.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal

import harness
from harness import run
from project import Project

k_profile = pathlib.Path("/usr/share/containers/seccomp.json")  # of Debian's golang-github-containers-common
# What docker leaves to root in a container.
k_capabilities = {"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE",
                  "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"}


def image(tmp):
    """A root file system that has nothing but /bin/sh and what busybox can."""
    top = tmp / "image"
    for folder in ("bin", "proc", "dev", "tmp", "root"):
        (top / folder).mkdir(parents=True)
    busybox = shutil.which("busybox") or harness.skip("busybox is not installed")
    if run(["ldd", busybox], expect=None).code == 0:
        harness.skip("busybox is linked to libraries: Debian's busybox-static is not")
    shutil.copy(busybox, top / "bin/busybox")
    for name in ("sh", "cat", "grep", "test", "true", "sleep"):
        (top / "bin" / name).symlink_to("busybox")
    return top


def script(tmp, text):
    path = tmp / "container"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


class Seccomp:
    """libseccomp, by ctypes: a profile as docker's engine reads it becomes a program for the kernel."""

    class Comparison(ctypes.Structure):
        _fields_ = [("argument", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

    k_ops = {"SCMP_CMP_NE": 1, "SCMP_CMP_LT": 2, "SCMP_CMP_LE": 3, "SCMP_CMP_EQ": 4, "SCMP_CMP_GE": 5, "SCMP_CMP_GT": 6, "SCMP_CMP_MASKED_EQ": 7}

    def __init__(self):
        try:
            self.library = ctypes.CDLL("libseccomp.so.2")
        except OSError:
            harness.skip("libseccomp.so.2 is not installed")
        self.library.seccomp_init.restype = ctypes.c_void_p

    def action(self, name, errno_returned):
        return 0x7FFF0000 if name == "SCMP_ACT_ALLOW" else 0x00050000 | (errno_returned or 1)

    def applies(self, rule):
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        return (not includes.get("arches") or "amd64" in includes["arches"]) and set(includes.get("caps") or []) <= k_capabilities \
            and not set(excludes.get("caps") or []) & k_capabilities and "amd64" not in (excludes.get("arches") or [])

    def write(self, profile, path):
        context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(self.action(profile["defaultAction"], profile.get("defaultErrnoRet")))))
        for rule in filter(self.applies, profile["syscalls"]):
            comparisons = [self.Comparison(each["index"], self.k_ops[each["op"]], each["value"], each["valueTwo"]) for each in rule.get("args") or []]
            for name in rule["names"]:
                number = self.library.seccomp_syscall_resolve_name(name.encode())
                if number != -1:
                    self.library.seccomp_rule_add_array(context, ctypes.c_uint32(self.action(rule["action"], rule.get("errnoRet"))), number,
                                                        len(comparisons), (self.Comparison * len(comparisons))(*comparisons))
        with open(path, "wb") as out:
            assert self.library.seccomp_export_bpf(context, out.fileno()) == 0
        self.library.seccomp_release(context)


# ---- containers: a script that runs its arguments in one, in which the root is at the path given -----


def by_unshare(tmp, inside):
    """Namespaces of its own and a chroot, by util-linux alone."""
    return script(tmp, f"""exec unshare --mount --pid --ipc --uts --fork --kill-child sh -c '
mount --make-rprivate / && mkdir -p "$0{inside}" && mount --bind "$1" "$0{inside}" && mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" || exit 99
image=$0; shift; exec chroot "$image" "$@"' {image(tmp)} {tmp}/root "$@"
""")


def by_bubblewrap(tmp, inside):
    harness.require("bwrap")
    return script(tmp, f"""exec bwrap --unshare-all --die-with-parent --bind {image(tmp)} / --proc /proc --dev /dev --bind {tmp}/root {inside} "$@"
""")


def by_bubblewrap_as_docker(tmp, inside):
    """Under the profile of container engines, with the capabilities that docker leaves."""
    harness.require("bwrap")
    if not k_profile.exists():
        harness.skip(f"no {k_profile} (Debian: golang-github-containers-common)")
    if os.uname().machine != "x86_64":
        harness.skip("the profile is read for x86-64")
    Seccomp().write(json.loads(k_profile.read_text()), tmp / "profile.bpf")
    capabilities = " ".join(f"--cap-add {name}" for name in sorted(k_capabilities))
    return script(tmp, f"""exec bwrap --unshare-all --die-with-parent --bind {image(tmp)} / --proc /proc --dev /dev --bind {tmp}/root {inside} \
--cap-drop ALL {capabilities if os.geteuid() == 0 else ''} --seccomp 9 "$@" 9<{tmp}/profile.bpf
""")


def podman(tmp, inside, head=""):
    harness.require("podman")
    (tmp / "podman").mkdir()
    return script(tmp, f"""{head}
exec podman --root {tmp}/podman --runroot /run/podman --cgroup-manager=cgroupfs run --rm --network=none --cgroups=disabled \
--ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000 -v {tmp}/root:{inside} --rootfs {image(tmp)} "$@"
""")


def by_podman(tmp, inside):
    made = podman(tmp, inside)
    skip_without_podman(run([made, "/bin/true"], expect=None))
    return made


def skip_without_podman(done):
    if done.code != 0:
        harness.skip(f"podman cannot run here: {(done.err.strip().splitlines() or ['?'])[-1]}")


@contextlib.contextmanager
def run_and_cgroups(mode=0o755):
    """What podman wants: a /run of its own, as the path of its folder there may have 50 characters at most, and cgroups of
    one kind. In the namespace of this process alone."""
    with harness.tmpfs(16, where="/run"), harness.mounted("cgroup2", "/sys/fs/cgroup", "-t", "cgroup2"):
        os.chmod("/run", mode)
        yield


class OfUser(Project):
    """All commands are those of an ordinary user, to whom the folder is given."""

    def __call__(self, *args, **options):
        return super().__call__(*args, user=harness.NOBODY, cwd=self.source, **options)


def by_rootless_podman(tmp, inside):
    (tmp / "home").mkdir()
    made = podman(tmp, inside, f"export HOME={tmp}/home XDG_RUNTIME_DIR=/run/user; mkdir -p /run/user && cd /")
    give(tmp)
    skip_without_podman(harness.as_user([made, "/bin/true"], expect=None))
    return made


def give(tmp):
    for path in [tmp, *tmp.rglob("*")]:
        os.lchown(path, harness.NOBODY, harness.NOBODY)


def walk(tmp, container, inside, project=Project):
    """One test in that container: guarded, its exit code and its record as without one."""
    p = project(tmp, {"a.txt": "a\n", "dir/b.py": "b\n"})
    if project is OfUser:
        give(tmp)
    there = inside or p.root
    p.create("other")
    made = container(tmp, there)
    launcher = [made] if inside is None else [made, f"{there}/.snapfix/bin/snapfix", "job", "@SNAPSHOT_TICKET@"]
    words = [f"--launcher={word}" for word in launcher]
    done = p("run", "t", *words, "--", "/bin/sh", "-c",
             'echo in place >>a.txt; : >new; test ! -e /usr; pwd; grep Seccomp: /proc/self/status; exit 7', expect=None)
    assert done.code == 7, done
    assert done.out.splitlines()[0] == f"{there}/t", done
    assert done.out.split()[-1] == "2", done  # it is under a filter
    assert (p.root / "t/a.txt").read_text() == "a\nin place\n" and (p.root / "other/a.txt").read_text() == "a\n"
    shown = p("show", "t", "--json").json()
    assert shown["run"]["status"] == 7 and shown["run"]["guard"]["state"] == "on", shown["run"]
    assert [file["path"] for file in shown["run"]["guard"]["private"]] == ["a.txt"], shown["run"]["guard"]
    assert p("verify", "t", "--content").code == 0 and p("verify", "other", "--content").code == 0
    # And one that ends well and is finished there.
    assert p("run", "u", "--finish", *words, "--", "/bin/sh", "-c", "echo x >>a.txt").code == 0
    assert p.names() == ["other", "t"], p.names()


def test_unshare(tmp):
    walk(tmp, by_unshare, None)


def test_unshare_root_elsewhere(tmp):
    walk(tmp, by_unshare, "/snapshots")


def test_bubblewrap(tmp):
    walk(tmp, by_bubblewrap, None)


def test_bubblewrap_root_elsewhere(tmp):
    walk(tmp, by_bubblewrap, "/snapshots")


def test_the_documented_line_of_bubblewrap(tmp):
    """docs/containers.md: the line, with `;` between its words, and what the image must have."""
    harness.require("bwrap")
    docs = (pathlib.Path(os.environ["SNAPFIX_SOURCE_DIR"]) / "docs/containers.md").read_text()
    line, = re.findall(r"`(bwrap [^`]*IMAGE[^`]*)`", docs)
    folders, = re.findall(r"`(mkdir -p IMAGE[^`]*)`", docs)
    p = Project(tmp, {"a.txt": "a\n"})
    top = image(tmp)
    for name in ("proc", "dev"):
        (top / name).rmdir()
    run(folders.replace("ROOT", str(p.root)).replace("IMAGE", str(top)).split())
    launcher = line.replace("IMAGE", str(top)).replace(" ", ";")
    done = p("run", "t", f"--launcher={launcher}", "--", "/bin/sh", "-c", "echo in place >>a.txt; exit 7", expect=None)
    assert done.code == 7 and (p.root / "t/a.txt").read_text() == "a\nin place\n", done


def test_under_the_profile_of_container_engines(tmp):
    walk(tmp, by_bubblewrap_as_docker, None)


def test_under_the_profile_root_elsewhere(tmp):
    walk(tmp, by_bubblewrap_as_docker, "/snapshots")


def test_podman(tmp):
    with run_and_cgroups():
        walk(tmp, by_podman, None)


def test_podman_root_elsewhere(tmp):
    with run_and_cgroups():
        walk(tmp, by_podman, "/snapshots")


def test_podman_of_an_ordinary_user(tmp):
    with run_and_cgroups(0o1777):
        try:
            walk(tmp, by_rootless_podman, None, OfUser)
        finally:
            for pause in pathlib.Path("/run/user").rglob("pause.pid"):  # which keeps its namespaces
                os.kill(int(pause.read_text()), signal.SIGKILL)


def test_a_container_that_outlives_its_engine(tmp):
    """An engine's client is killed with the submitter; its container goes on, but not what runs in it."""
    with run_and_cgroups():
        p = Project(tmp)
        p.create("other")
        made = by_podman(tmp, p.root)
        seconds = f"{os.getpid()}.25"  # by which the processes are found

        def sleeping():
            return run(["pgrep", "-f", f"^sleep {seconds}$"], expect=(0, 1)).out

        submitter = harness.start([harness.snapfix_path(), "run", "t", "--source", p.source, "--root", p.root, f"--launcher={made}", "--", "/bin/sh", "-c",
                                   f"sleep {seconds}"], start_new_session=True)
        try:
            harness.eventually(sleeping, "the command runs in the container", 60)
        finally:
            os.killpg(submitter.pid, signal.SIGKILL)
            submitter.wait()
        harness.eventually(lambda: not sleeping(), "the command has ended", 60)
        p("remove", "t", "--wait", "60")
        harness.eventually(lambda: not run(["pgrep", "-f", tmp / "podman"], expect=(0, 1)).out, "the engine has cleared up", 60)


if __name__ == "__main__":
    harness.main()
