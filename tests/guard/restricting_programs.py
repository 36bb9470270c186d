"""Real programs that restrict a command: what it may do to files is the same in a guarded snapshot and in a copy."""

import difflib
import os
import shlex
import shutil

import harness
import matrix
from harness import run
from project import Project
from restrictions import changed, k_nobody, k_text

k_tools = {  # {tree}: the snapshot or the copy
    "bwrap --ro-bind": "bwrap --ro-bind / / --dev-bind /dev /dev",
    "bwrap --ro-bind of the tree": "bwrap --dev-bind / / --ro-bind {tree} {tree}",
    "bwrap --ro-bind of a file": "bwrap --dev-bind / / --ro-bind {tree}/w/f {tree}/w/f",
    "bwrap --unshare-user": "bwrap --unshare-user --dev-bind / /",
    "bwrap --unshare-all": "bwrap --unshare-all --dev-bind / / --ro-bind {outside} {outside}",
    "unshare -r": "unshare -r", "unshare -rm": "unshare -rm", "unshare -U": "unshare -U",
    "unshare -m, remounted": "unshare -m sh -c 'mount --bind {tree} {tree} && mount -o remount,ro,bind {tree} && cd {tree} && exec \"$@\"' -",
    "setpriv": "setpriv --reuid 65534 --regid 65534 --clear-groups",
    "setpriv, no capabilities": "setpriv --inh-caps=-all --bounding-set=-all --securebits=+noroot",
    "capsh": "capsh --drop=cap_dac_override,cap_dac_read_search,cap_fowner -- -c 'exec \"$@\"' -",
    "chroot": "chroot / sh -c 'cd {tree}; exec \"$@\"' -",
}
k_of_others = "o"  # a file of another owner, in the snapshot and outside
k_script = r"""
try() { "$@" 2>&1; echo $?; }
for f in w/f w/o "$OUTSIDE/f" "$OUTSIDE/o"; do
  echo "$f"
  try sh -c "echo x >>$f"; try sh -c "echo x >$f"; try sh -c ": <>$f"; try truncate -s 3 $f; try chmod 640 $f; try touch -d 2001-02-03 $f
  try touch $f; try setfattr -n user.a -v b $f; try ln $f $f.link; try chown 65534 $f; try sh -c "exec 3<$f; echo x >>/proc/self/fd/3"
done | sed 's/.*: //'
"""


def with_tools(tmp, user=None):
    identity = {"user": user} if user is not None and user != os.geteuid() else {}
    wrong, missing = [], []
    for number, (name, wrapper) in enumerate(k_tools.items()):
        top = tmp / str(number)
        p = Project(top, plain=True, files={"w/f": k_text, "w/o": k_text})
        if identity:
            run(["chown", "-R", f"{user}:{user}", top])
        for snapshot in ("s", "t"):
            p("create", snapshot, **identity)
        results = []
        run(["cp", "-a", p.root / "t", top / "plain"])
        for tree in (top / "plain", p.root / "t"):
            outside = top / f"outside-{tree.name}"
            shutil.copytree(p.source / "w", outside)
            if os.geteuid() == 0:
                run(["chown", "-R", f"{user or 0}:{user or 0}", outside])
                other = 0 if user else k_nobody
                os.chown(outside / k_of_others, other, other)
                if not user:  # who makes a snapshot owns its files
                    os.chown(tree / "w" / k_of_others, other, other)
            if tree == p.root / "t":
                before = {**matrix.store_state(p.root), **matrix.tree(p.root / "s")}
            command = shlex.split(wrapper.format(tree=tree, outside=outside)) + ["sh", "-c", k_script]
            if tree == p.root / "t":
                helper = harness.public_snapfix() if identity else harness.snapfix_path()
                command = [helper, "run", "t", "--source", p.source, "--root", p.root, "--guard", "on", "--", *command]
            done = run(command, cwd=tree, env={"OUTSIDE": outside}, expect=None, **identity)
            states = {where: {path: state._replace(mtime_ns=0) for path, state in matrix.tree(folder).items()}
                      for where, folder in (("shared", tree / "w"), ("outside", outside))}
            results.append((done.code, done.out, states))
        if not results[0][1]:
            missing.append(name)  # it cannot be made here: for both the same
        after = {**matrix.store_state(p.root), **matrix.tree(p.root / "s")}
        wrong += [f"{name}: {what}" for what in changed("for all", before, after)]
        (code, out, states), (guarded_code, guarded_out, guarded_states) = results
        out, guarded_out = (text.replace(f"outside-{tree}", "outside") for text, tree in ((out, "plain"), (guarded_out, "t")))
        if (code, out) != (guarded_code, guarded_out):
            lines = difflib.unified_diff(out.splitlines(), guarded_out.splitlines(), "plain", "guarded", "", "", 1, "")
            wrong.append(f"{name}: {code} {guarded_code}\n  " + "\n  ".join(lines))
        wrong += [f"{name}: {what}" for where in states for what in changed(where, states[where], guarded_states[where])]
    print(f"{len(k_tools)} programs; not here: {missing}")
    assert not wrong, f"{len(wrong)} differences:\n" + "\n".join(wrong[:50])


def test_as_root(tmp):
    if os.geteuid() != 0:
        harness.skip("only root can")
    harness.require("bwrap", "unshare", "setpriv", "capsh", "setfattr")
    with_tools(tmp)


def test_as_an_ordinary_user(tmp):
    harness.require("bwrap", "unshare", "setpriv", "capsh", "setfattr")
    with_tools(tmp, k_nobody if os.geteuid() == 0 else os.geteuid())


if __name__ == "__main__":
    harness.main()
