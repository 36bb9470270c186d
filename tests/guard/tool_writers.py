"""Writers: editors, archives, version control, compilers and other tools."""

import shlex

from matrix import Writer as W
from matrix import k_text

k_two = {"f": k_text, "g": "g stays\n" * 3}
k_c = "int twice(int x) { return x + x; }\nint main(void) { return twice(0); }\n"
k_patch = "--- f\n+++ f\n@@ -1,2 +1,2 @@\n-line 0 of the file\n+line 0, patched\n line 1 of the file\n"




def vim(name, text, settings, attempts="-c 'silent! wq'"):
    return W(f"vim-{name}", text, f"$PYTHON -B $P/terminal.py -- vim -u NONE -i NONE -N -n {settings} "
             f"-c 'normal Gonew' {attempts} -c cq f >/dev/null", needs=("vim",))


k_editors = [
    W("sed", "`sed -i`", "sed -i s/line/LINE/ f", reaches=False),
    W("sed-backup", "`sed -i.old`", "sed -i.old s/line/LINE/ f", reaches=False),
    W("sed-write", "`sed 'w f'`", "sed -n '1w f' g", files=k_two),
    W("perl", "`perl -i`", "perl -i -pe s/line/LINE/ f", reaches=False, needs=("perl",)),
    W("perl-backup", "`perl -i.old`", "perl -i.old -pe s/line/LINE/ f", reaches=False, needs=("perl",)),
    W("perl-open", "perl: `open +<`", "perl -e 'open F, \"+<\", \"f\"; print F \"new\"'", needs=("perl",)),
    W("perl-metadata", "perl: `utime`, `chmod`, `truncate`", "perl -e 'truncate \"f\", 5; chmod 0600, \"f\"; utime 1500000000, 1500000001, \"f\"'", needs=("perl",)),
    W("awk", "awk: `print > \"f\"`", "awk 'BEGIN { print \"new\" > \"f\"; print \"g\" >> \"g\" }'", files=k_two, needs=("awk",)),
    W("ed", "`ed`", "printf '1c\\nnew\\n.\\nw\\nq\\n' | ed -s f", needs=("ed",)),
    W("ex", "`ex -s`", "ex -u NONE -i NONE -n -s -c '1s/line/LINE/' -c x f", needs=("ex",)),
    vim("default", "vim", ""),
    vim("yes", "vim, `backupcopy=yes`", "-c 'set backupcopy=yes'"),
    vim("no", "vim, `backupcopy=no`", "-c 'set backupcopy=no'"),
    vim("auto", "vim, `backupcopy=auto backup`", "-c 'set backupcopy=auto backup'"),
    vim("break", "vim, `backupcopy=auto,breakhardlink`", "-c 'set backupcopy=auto,breakhardlink'"),
    vim("nowrite", "vim, `nowritebackup nobackup`", "-c 'set nowritebackup nobackup'"),
    vim("again", "vim, told to write twice", "", "-c 'silent! w' -c 'silent! wq'"),
    W("nano", "nano", "$PYTHON -B $P/terminal.py Help 'new\\x0f' 'Name to Write' '\\r' Wrote '\\x18' -- nano --ignorercfiles f >/dev/null",
      needs=("nano",)),
    W("patch", "`patch`", "patch -s -p0 <p", files={"f": k_text, "p": k_patch}, reaches=False, needs=("patch",)),
    W("iconv", "`iconv -o f`", "iconv -f latin1 -t utf8 -o f g", files=k_two, needs=("iconv",)),
    W("xxd", "`xxd -r - f`", "echo '0: 41 42 43' | xxd -r - f", needs=("xxd",)),
    W("script", "`script f`", "script -q -e -c 'echo new' f </dev/null >/dev/null; wc -l <f >/dev/null", needs=("script",), without=("f",)),
]

# The archives are made outside, by the same program.
k_make_tar = "mkdir $SCRATCH/s; echo new >$SCRATCH/s/f; touch -d 2001-02-03 $SCRATCH/s/f; tar cf $SCRATCH/a.tar -C $SCRATCH/s f; "
k_make_zip = ("$PYTHON -B -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], \"w\")"
              ".writestr(zipfile.ZipInfo(\"f\", (2001, 2, 3, 4, 5, 6)), \"new\")' $SCRATCH/a.zip; ")

k_archives = [
    W("tar", "`tar x` over it", k_make_tar + "tar xf $SCRATCH/a.tar", reaches=False, needs=("tar",), without=("a.tar",)),
    W("tar-overwrite", "`tar x --overwrite`", k_make_tar + "tar xf $SCRATCH/a.tar --overwrite", needs=("tar",), without=("a.tar",)),
    W("tar-create", "`tar cf f`", "tar cf f --mtime=2001-02-03 --sort=name g", files=k_two, needs=("tar",)),
    W("tar-append", "`tar rf f`", "tar rf f --mtime=2001-02-03 g", files={"f": bytes(10240), "g": "new\n"}, needs=("tar",)),
    W("unzip", "`unzip -o`", k_make_zip + "unzip -q -o $SCRATCH/a.zip", reaches=False, needs=("unzip",)),
    W("rsync", "`rsync -a d/ e/`", "rsync -a d/ e/", files={"d/f": "new\n", "e/f": k_text}, reaches=False, needs=("rsync",)),
    W("rsync-inplace", "`rsync --inplace`", "rsync -a --inplace d/ e/", files={"d/f": "new\n", "e/f": k_text}, needs=("rsync",)),
    W("rsync-append", "`rsync --append`", "rsync --append d/f e/f", files={"d/f": k_text + "new\n", "e/f": k_text}, needs=("rsync",)),
    W("rsync-modes", "`rsync -p`, only the mode differs", "chmod 700 d/f; rsync -pt d/f e/f", files={"d/f": k_text, "e/f": k_text}, needs=("rsync",)),
    W("gzip", "`gzip -f f` onto f.gz", "gzip -n -f f", files={"f": k_text, "f.gz": "old"}, reaches=False, needs=("gzip",)),
    W("curl", "`curl -o f`", "curl -s -o f file://$PWD/g", files=k_two, needs=("curl",)),
    W("busybox-sh", "busybox: `sh`, `>>`", "busybox sh -c 'echo new >>f'", needs=("busybox",)),
    W("busybox-vi", "busybox: `vi`", "$PYTHON -B $P/terminal.py -- busybox vi -c '1s/line/LINE/' -c wq f >/dev/null", needs=("busybox",)),
    W("busybox-sed", "busybox: `sed -i`", "busybox sed -i s/line/LINE/ f", reaches=False, needs=("busybox",)),
    W("busybox-dd", "busybox: `dd conv=notrunc`", "printf XYZ | busybox dd of=f conv=notrunc 2>/dev/null", needs=("busybox",)),
    W("busybox-metadata", "busybox: `touch -d`, `chmod`, `truncate`", "busybox truncate -s 9 f; busybox chmod 600 f; busybox touch -d '2001-02-03 04:05:06' f", needs=("busybox",)),
]

k_git_init = "git init -q; git add -A; git commit -q -m one; "
k_git = [
    W("git-checkout", "`git checkout f`", k_git_init + "sleep .01; printf 'line 0\\n' >$SCRATCH/g; mv $SCRATCH/g f; git checkout -q f", reaches=False, needs=("git",)),
    W("git-reset", "`git reset --hard HEAD~1`", k_git_init + "cp f g; sed -i s/line/LINE/ f; git add -A; git commit -q -m two; git reset -q --hard HEAD~1",
      reaches=False, needs=("git",)),
    W("git-apply", "`git apply`", "git apply -p0 p", files={"f": k_text, "p": k_patch}, reaches=False, needs=("git",)),
    W("git-stash", "`git stash; git stash pop`", k_git_init + "sed -i s/line/LINE/ f; git stash -q; git stash pop -q", reaches=False, needs=("git",)),
    W("git-commit", "`git init; add; commit` (only reads)", k_git_init + "git status --short; git log --format=%H", reaches=False,
      stays_shared=False, needs=("git",)),
    W("git-config", "`git config -f f`", "git config -f f a.b c", files={"f": "[a]\n\tb = d\n"}, reaches=False, needs=("git",)),
    W("git-clone", "`git clone` of the folder, `>>` in the clone", k_git_init + "git clone -q . $SCRATCH/c; cd $SCRATCH/c; echo new >>f; git commit -q -am two",
      reaches=False, needs=("git",)),
    W("git-output", "`git diff --output=f`", "git diff --no-index --output=f g h; true", files={"f": k_text, "g": "1\n", "h": "2\n"}, needs=("git",)),
]

k_build = "printf %s {} >$SCRATCH/t.c; gcc -c -o $SCRATCH/t.o $SCRATCH/t.c; ".format(shlex.quote(k_c))
k_compilers = [
    W("gcc", "`gcc -o f`", k_build + "gcc -o f $SCRATCH/t.o", reaches=False, needs=("gcc",)),
    W("gcc-object", "`gcc -c -o f`", "echo 'int x;' >$SCRATCH/t.c; gcc -c -o f $SCRATCH/t.c", reaches=False, needs=("gcc",)),
    W("gcc-preprocess", "`gcc -E -o f`", "gcc -E -P -x c -o f g", files=k_two, needs=("gcc",)),
    W("ld", "`ld -o f`", k_build + "ld -e main -o f $SCRATCH/t.o", reaches=False, needs=("ld", "gcc")),
    W("ar", "`ar rc f.a` onto an empty archive", k_build + "ar rcD f.a $SCRATCH/t.o", files={"f.a": "!<arch>\n"}, needs=("ar", "gcc")),
    W("strip", "`strip f`", "strip f", needs=("strip", "program:glibc"), files={"f": "@program:glibc"}),
    W("objcopy", "`objcopy --add-section`", "echo x >$SCRATCH/x; objcopy --add-section .new=$SCRATCH/x f", needs=("objcopy", "program:glibc"), files={"f": "@program:glibc"}),
    W("make", "`make`, a rule that appends", "make -s", files={"Makefile": "all:\n\techo new >>f\n", "f": k_text}, needs=("make",)),
    W("ninja", "`ninja`, .ninja_log", "ninja >/dev/null", files={"build.ninja": "rule r\n command = echo new >> f\nbuild o: r\n", "f": k_text, ".ninja_log": "# ninja log v5\n"},
      needs=("ninja",), without=(".ninja_log",)),
    W("cmake-touch", "`cmake -E touch f`", "cmake -E touch f", needs=("cmake",)),
    W("cmake-copy", "`cmake -E copy g f`", "cmake -E copy g f", files=k_two, reaches=False, needs=("cmake",)),
    W("cmake-write", "`file(WRITE)`, `file(APPEND)`", "cmake -P t.cmake", files={"f": k_text, "g": k_text, "t.cmake": 'file(WRITE f "new")\nfile(APPEND g "new")\n'}, needs=("cmake",)),
    W("cmake-configure", "`configure_file`", "cmake -P t.cmake", files={"f": k_text, "g": "@X@\n", "t.cmake": "configure_file(g f)\n"}, reaches=False, needs=("cmake",)),
]

k_metadata = [
    W("setfacl", "`setfacl -m`", "setfacl -m u:1:rw f; getfacl -c f", needs=("setfacl",)),
    W("setfacl-remove", "`setfacl -b` of one that was set", "setfacl -m u:1:rw f; setfacl -b f", reaches=False, needs=("setfacl",)),
    W("setfattr", "`setfattr -n user.x`", "setfattr -n user.x -v y f; getfattr -d f", needs=("setfattr",)),
    W("setfattr-remove", "`setfattr -x`", "setfattr -n user.x -v y f; setfattr -n user.z -v y f; setfattr -x user.x f", needs=("setfattr",)),
    W("setfattr-trusted", "`setfattr -n trusted.x`", "setfattr -n trusted.x -v y f; echo new >>f", needs=("setfattr",), root=True),
    W("setcap", "`setcap`", "setcap cap_net_raw+ep f; getcap f", needs=("setcap",), root=True),
    W("chattr", "`chattr +A f`", "chattr +A f; lsattr f | grep -c A", needs=("chattr",), root=True, not_on=("tmpfs",)),
    W("chattr-immutable", "`chattr +i f; >> f` (refused); `chattr -i f`", "chattr +i f; echo new >>f; echo $?; chattr -i f", needs=("chattr",), root=True, reaches=False, not_on=("tmpfs",)),
    W("chattr-append", "`chattr +a f; >> f; chattr -a f`", "chattr +a f; echo new >>f; chattr -a f", needs=("chattr",), root=True, not_on=("tmpfs",)),
    W("fallocate", "`fallocate -p`", "fallocate -p -o 0 -l 8 f", needs=("fallocate",)),
    W("fallocate-grow", "`fallocate -l`", "fallocate -l 9000 f", needs=("fallocate",)),
    W("mkfs", "`mkfs.ext4 f`", "mkfs.ext4 -q -F -E hash_seed=1b4e28ba-2fa1-11d2-883f-0016d3cca427 -U 1b4e28ba-2fa1-11d2-883f-0016d3cca427 f", files={"f": bytes(1 << 20)}, needs=("mkfs.ext4",), without=("f",)),
]
