"""`snapfix uv-lint`: uv commands that do not pin the lock, in every language that holds them, and
nothing that only looks like one."""

import os
import shutil

import locked
from harness import NOBODY, main, make_repo, run, skip, snapfix, tmpfs, write_files


def lint(path, *options, expect=None, **more):
    done = snapfix("uv-lint", path, *options, expect=None, **more)
    if expect is not None:
        assert done.code == expect, done
    return done


def places(tmp, name, text, *options):
    """The lines in which something is found."""
    write_files(tmp, {name: text})
    done = lint(tmp / name, "--json", *options)
    assert done.code in (0, 3) and done.err == "", done
    report = done.json()
    assert (done.code == 3) == bool(report["findings"]), done
    return [finding["line"] for finding in report["findings"]]


def found(tmp, name, *lines):
    """Each line that ends in `#!` or `#?` (which is cut off) must be found, and no other; --fix mends
    those with `#!`."""
    marked = [line.endswith(("#!", "#?")) for line in lines]
    fixable = sum(line.endswith("#!") for line in lines)
    text = "\n".join(line[:-2].rstrip() if mark else line for line, mark in zip(lines, marked)) + "\n"
    wanted = [number for number, mark in enumerate(marked, 1) if mark]
    got = places(tmp, name, text)
    assert got == wanted, f"{name}: expected {wanted}, got {got}\n{text}"
    if wanted:  # and --fix mends them in one go
        code = 0 if fixable == len(wanted) else 3
        assert lint(tmp / name, "--fix").code == code, (tmp / name).read_text()
        fixed = (tmp / name).read_text()
        assert fixed.count("--locked") == text.count("--locked") + fixable, fixed
        assert lint(tmp / name, "--fix").code == code and (tmp / name).read_text() == fixed


def test_shell(tmp):
    found(
        tmp, "a.sh",
        "#!/bin/bash",
        "uv run pytest#!",
        "uv run --locked pytest",
        "uv run pytest --locked#!",
        "uv run -- pytest --frozen#!",
        "uv -q --directory x run pytest#!",
        "UV_FROZEN=1 uv run pytest",
        "UV_FROZEN=0 uv run pytest#!",
        "cd x && uv sync --all-extras || true#!",
        "(cd x; uv export -o r.txt)#!",
        "if ! uv tree; then exit 1; fi#!",
        'x="$(uv run x)"#!',
        "y=`uv run y`#!",
        "time uv run x#!",
        "sudo -u me env A=1 timeout 5 uv run x#!",
        'found="$(command -v uv)"; "$found" run x#!',
        "UV=$(which uv); $UV sync --frozen; $UV sync#!",
        "ls | xargs -n 1 uv run x#!",
        'bash -c "cd y && uv run x"#!',
        'ssh host "uv run x"#!',
        'sbatch --wrap="uv run x"#!',
        "conda run -n e uv sync#!",
        "uv check#!",
        "run_test fast uv run x#!",
        "uv run --with a \\#!",
        "  x",
        "case $x in a) uv sync ;; esac#!",
        "f() { uv sync; }#!",
        "uv run --no-sync x",
        "uv run --locked bash -c 'uv sync'#!",
        'RUN="uv run"#!',
        "$RUN pytest",
        'GOOD="uv run --locked"',
        "$GOOD pytest",
        "ARRAY=(uv run --extra a)#!",
        '"${ARRAY[@]}" pytest',
        "export UV_LOCKED=1",
        "uv run pytest",
        "env -u UV_LOCKED uv run pytest#!",
        "unset UV_LOCKED",
        "uv run x#!",
        "docker run -e UV_FROZEN=1 image uv run x",
        "srun env UV_FROZEN=1 uv run x",
    )


def test_an_export_in_a_condition_or_subshell_does_not_cover(tmp):
    found(
        tmp, "a.sh",
        "(export UV_FROZEN=1; uv sync)",
        "uv sync#!",
        "if test $x; then export UV_FROZEN=1; uv sync; fi",
        "uv sync#!",
    )


def test_what_only_looks_like_a_command(tmp):
    found(
        tmp, "a.sh",
        "# uv run x",
        'echo "uv run x"',
        "echo uv run x",
        "printf '%s' 'uv run x'",
        "log_info uv sync failed",
        "cat <<EOF",
        "usage:",
        "  uv run x",
        "EOF",
        "usage() { cat <<-'EOF'",
        "\tuv sync",
        "\tEOF",
        "}",
        'MESSAGE="uv sync failed"',
        'echo "$MESSAGE"',
        "uv pip sync x",
        "uvx run",
        "uv tool run x",
        "uv run --no-project x",
        "uv run --isolated --no-project x",
        "uv run --isolated x",
        "uv run --script x.py",
        "uv --version",
        "uv python install",
        "uv lock",
        "uv add x",
        "uv sync --upgrade",
        "uv build; uv publish; uv venv; uv cache prune; uv init; uv self update; uv help run",
        "brew install uv tree",
        'if [[ $x == "uv run" ]]; then :; fi',
        "command -v uv run",
    )


def test_scripts_in_here_documents(tmp):
    found(
        tmp, "a.sh",
        "cat > run.sh <<EOF",
        "uv run x#!",
        "EOF",
        "cat <<'EOF' > job",
        "#!/bin/bash",
        "uv run x#!",
        "EOF",
        "ssh host bash -s <<EOF",
        "uv sync#!",
        "EOF",
        "cat <<EOF | bash",
        "uv sync#!",
        "EOF",
        "cat > README.md <<EOF",
        "uv sync",
        "EOF",
        "read -r -d '' COMMAND <<EOF",
        "cd x",
        "uv run y#!",
        "EOF",
        "COMMAND=$COMMAND sbatch ray.sub",
    )


def test_makefile(tmp):
    found(
        tmp, "Makefile",
        "PYTEST = uv run pytest#!",
        "UV ?= uv",
        "GOOD := uv run --frozen",
        "# uv run x",
        "test: deps",
        "\t@$(PYTEST) -x",
        "\t-$(UV) sync#!",
        "\t$(GOOD) x",
        '\t@echo "uv run x"',
        "\tcd x && \\",
        "\t  uv run $(if $(P),--python $(P)) y#!",
        "\tfor f in $$(uv run list); do echo $$f; done#!",
        "pinned: export UV_FROZEN = 1",
        "pinned:",
        "\tuv run x",
        "conditions:",
        "ifeq ($(CI), 1)",
        "\tuv run x#!",
        "else",
        "\tuv sync#!",
        "endif",
    )
    found(tmp, "b.mk", "a:", "\tuv sync", "export UV_FROZEN := 1")


def test_dockerfile(tmp):
    found(
        tmp, "Dockerfile",
        "FROM a AS base",
        "# uv sync",
        "RUN uv sync#!",
        "RUN --mount=type=cache,target=/x \\",
        "    # a comment",
        "    uv sync --no-dev#!",
        'CMD ["uv", "run", "x"]#!',
        "FROM base AS pinned",
        "ENV A=1 UV_FROZEN=1",
        "RUN uv sync",
        "FROM pinned",
        "RUN uv sync && uv run x",
        "RUN <<EOF",
        "uv sync",
        "EOF",
        "FROM b",
        "RUN <<EOF",
        "uv sync#!",
        "EOF",
    )


def test_yaml(tmp):
    found(
        tmp, "ci.yml",
        "name: uv run x",
        "jobs:",
        "  a:",
        "    env:",
        "      UV_FROZEN: 1",
        "    steps:",
        "      - run: uv sync",
        "  b:",
        "    steps:",
        "      - name: uv run x",
        "        run: uv sync --group a # uv sync#!",
        "      - run: |",
        "          # uv run x",
        "          echo 'uv run x'",
        "          uv run x#!",
        "      - run: >-",
        "          uv run#!",
        "          x",
        '      - run: "uv run ${{ matrix.flags }} x"#!',
        "      - run: 'uv run \"x\"'#!",
        "      - run: uv run x",
        "        env: {UV_LOCKED: 1}",
        "      - run: echo UV_FROZEN=1 >> $GITHUB_ENV",
        "      - run: uv sync",
        "  c:",
        "    steps:",
        "    - run: uv sync#!",
    )
    found(tmp, ".gitlab-ci.yml", "a:", "  script:", "    - uv sync#!", "    - uv run --locked x", "  variables:", "    A: b")
    found(tmp, "b.yml", "variables:", "  UV_FROZEN: '1'", "a:", "  script:", "    - uv sync")
    found(tmp, ".pre-commit-config.yaml", "repos:", "- hooks:", "  - entry: uv run ruff check#!", "    description: uv run ruff")
    found(tmp, "c.yml", "services:", "  a:", '    command: ["uv", "run", "x"]#!')
    found(tmp, "d.yml", "a:", "  command:", "    - uv#!", "    - run", "    - x")


def test_yaml_flow_style_anchors_and_merge_keys(tmp):
    found(
        tmp, "ci.yml",
        "x: &pinned {UV_FROZEN: 1}",
        "y: &job",
        "  env: *pinned",
        "  z: 1",
        "jobs:",
        "  a: {steps: [{run: uv sync}]}#!",
        "  b: {env: *pinned, steps: [{run: uv sync}, {run: 'uv  sync', env: {UV_FROZEN: 0}}]}#!",
        "  c: {<<: *job, steps: [{run: uv sync}]}",
        "  d: {<<: [*job], env: {}, steps: [{\"run\": \"uv sync\"}]}#!",
        "  e:",
        "    ? run",
        "    : uv#!",
        "      sync",
        "  f: {run: \"\\u00fc; \\x75v sync \\#!",
        "      -v\"}",
        "  g:",
        "    env:",
        "      <<: *pinned",
        "    run: uv sync",
        "  h:",
        "    - &script uv sync --all-groups#!",
        "    - script: *script",
    )
    # A template, of which not every line is YAML.
    found(tmp, "t.yml", "{% if x %}", "a:", "  run: uv sync#!", "{% endif %}", "b: {{ x }}-y", "c:", "  run: \"uv sync\"#!")
    # And one of which hardly any line is.
    found(tmp, "chart.yml", *("{{- if .Values.x }}", "  a: {{ .x }}-{{ .y }}") * 200, "b:", "  run: uv sync#!")


def test_yaml_that_would_never_end(tmp):
    bomb = "a0: &a0 [x, uv run y]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    for text in (bomb, "a: " + "[" * 100000 + "uv", "- " * 50000 + "uv run x", "a: &a [*a, *a, uv run x]\n",
                 "".join(f"m{i}: &m{i} {{{', '.join(f'k{i}_{n}: uv run x' for n in range(300))}, <<: *m{i - 1}}}\n" if i
                         else "m0: &m0 {}\n" for i in range(300))):
        write_files(tmp, {"a.yml": text})
        done = lint(tmp / "a.yml", expect=3)
        assert "too intricate" in done.out, done.out[:300]


def test_yaml_command_and_arguments_apart(tmp):
    found(tmp, ".pre-commit-config.yaml", "repos:", "- hooks:", "  - id: a", "    entry: uv#!", "    args: [run, pytest]",
          "  - id: b", "    args: [run, --frozen, pytest]", "    entry: uv",
          "  - id: c", "    entry: uv run", "    args: [--frozen, pytest]",
          "  - id: d", "    entry: uv#!", "    args:", "    - run", "    - pytest",
          "  - id: e", "    entry: uvx", "    args: [run, pytest]")
    found(tmp, "k8s.yml", "a:", "  command: [\"uv\"]#!", "  args: [\"run\", \"serve\"]",
          "b:", "  entrypoint: [\"uv\", \"run\"]", "  command: [\"--locked\", \"serve\"]")


def test_yaml_matrix(tmp):
    """The values of a matrix stand for its expression; what would pin one leg is no fix for the others."""
    job = ["jobs:", "  a:", "    strategy:", "      matrix:", "        flags: [{}]", "        dep:", "        - name: x",
           "          flags: {}", "        - name: y", "          flags: --frozen", "    steps:", "    - run: uv sync ${{{{ matrix.{} }}}} -v"]
    text = "\n".join(job) + "\n"
    assert places(tmp, "ci.yml", text.format('"--frozen", "--locked"', "-v", "flags")) == []
    assert places(tmp, "ci.yml", text.format('"--frozen", "-v"', "-v", "flags")) == [12]
    assert places(tmp, "ci.yml", text.format("a", '"--upgrade --resolution lowest-direct"', "dep.flags")) == []
    assert places(tmp, "ci.yml", text.format("a", "-v", "dep.flags")) == [12]
    assert lint(tmp / "ci.yml", "--fix").code == 3 and "--locked" not in (tmp / "ci.yml").read_text()
    assert places(tmp, "ci.yml", text.format('"-q", "-v"', "-v", "flags")) == [12]
    assert lint(tmp / "ci.yml", "--fix").code == 0


def test_what_locked_does_not_go_with_is_not_fixed(tmp):
    found(
        tmp, "a.sh",
        "uv sync --resolution lowest-direct#?",
        "uv sync ${LOCK:+--frozen}#?",
        "if a; then F=--frozen; else F=-v; fi",
        "uv sync $F#?",
        "uv sync --no-sources#?",
        "uv sync --exclude-newer 2025-01-01#?",
        "uv run --no-index x#?",
        "uv run --prerelease=allow x#?",
        "UV_RESOLUTION=lowest uv sync#?",
        "UV_NO_SOURCES=1 uv sync#?",
        "UV_NO_SOURCES=0 uv sync#!",
        # These are what uv does anyway.
        "uv sync --resolution highest --fork-strategy=requires-python#!",
        "uv run --prerelease if-necessary-or-explicit x#!",
    )


def test_what_undoes_the_lock(tmp):
    found(
        tmp, "a.sh",
        "uv run --locked --no-locked x#?",
        "uv run --no-locked --locked x",
        "uv sync --no-locked#?",
        "UV_LOCKED=1 uv run --no-locked x#?",
        "UV_LOCKED=1 uv run --no-frozen x",
        "UV_FROZEN=1 uv run --no-frozen x#!",
        "UV_FROZEN=1 uv run --no-locked x",
        "uv run --frozen --no-frozen x#?",
        "uv run --frozen --no-locked x",
        "UV_NO_PROJECT=1 uv run x",
        "UV_NO_PROJECT=1 uv run --locked x#?",
        "UV_NO_PROJECT=1 uv sync --locked x",
        "uv run --frozen --no-project x#?",
        "export UV_LOCKED=1",
        "uv run --no-project x",
        "UV_NO_PROJECT=1 uv run x#?",
        "uv run --no-locked x#?",
    )


def test_the_verdict_is_uvs(tmp):
    """A lock that is out of date: what uv writes is found, what it does not write is not; and no more after --fix."""
    env = locked.environment(tmp)
    write_files(tmp, {f"p/{path}": text for path, text in locked.k_files.items()})
    run([locked.uv(), "lock"], cwd=tmp / "p", env=env)
    lock = (tmp / "p/uv.lock").read_bytes()
    write_files(tmp, {"p/pyproject.toml": locked.k_pyproject.replace('version = "1"', 'version = "2"')})

    def changes(command):
        (tmp / "p/uv.lock").write_bytes(lock)
        run(["sh", "-c", command], cwd=tmp / "p", env={**env, "PATH": f"{tmp}/bin:{os.environ['PATH']}"}, expect=None)
        return (tmp / "p/uv.lock").read_bytes() != lock

    locked.counting_uv(tmp)
    commands = ["uv tree -q"]
    for flags in ("", "--locked", "--frozen", "--no-sync", "--isolated", "--no-project", "--locked --no-locked",
                  "--no-locked --locked", "--no-frozen", "--frozen --no-frozen", "--no-frozen --frozen", "--frozen --no-locked",
                  "--locked --no-frozen", "--resolution highest"):
        commands += [f"{env} uv run {flags} true".strip() for env in ("", "UV_LOCKED=1", "UV_FROZEN=1", "UV_NO_PROJECT=1")]
    for flags in ("", "--check", "--dry-run", "--isolated", "--no-locked", "--inexact"):
        commands += [f"uv sync {flags}"]
    wrong = []
    for command in commands:
        found_here = places(tmp, "a.sh", command + "\n")
        off = "no lock" if "NO_PROJECT" in command or "--no-project" in command else ""
        if changes(command) != bool(found_here) and not off:
            wrong.append(command)
        lint(tmp / "a.sh", "--fix")
        fixed = (tmp / "a.sh").read_text()
        if fixed != command + "\n" and changes(fixed):
            wrong.append(fixed)
    assert not wrong, wrong
    assert not changes("true") and changes("uv sync"), "the check of the check"


def test_a_command_without_a_tracked_lock(tmp):
    """No finding where --locked would fail for want of a lock."""
    project = '[project]\nname = "{}"\nversion = "1"\n'
    lock = '[manifest]\nmembers = [\n    "member",\n    "top",\n]\n\n[[package]]\nname = "member"\nversion = "1"\n' \
           'source = { editable = "member" }\n\n[[package]]\nname = "dep"\nsource = { editable = "dep" }\n'
    repo = make_repo(tmp / "repo", {
        "pyproject.toml": project.format("top"), "uv.lock": lock, ".gitignore": "/ignored/uv.lock\n",
        **{f"{name}/{file}": text for name in ("sub", "own", "member", "dep", "ignored")
           for file, text in (("pyproject.toml", project.format(name)), ("src/x.py", ""))},
        "own/uv.lock": "", "scripts/old.sh": "",
    })
    write_files(repo, {"ignored/uv.lock": ""})
    found(
        repo, "scripts/a.sh",
        "uv run x#!",
        "(cd sub && uv run x)",
        "(cd own && uv run x)#!",
        "(cd own/src && uv run x)#!",
        "(cd member/src && uv run x)#!",
        "(cd dep && uv run x)",
        "(cd ignored; uv sync)",
        "(cd ../sub; uv sync)",
        "(git clone x; cd x; uv sync)",
        "uv --directory sub run x",
        "uv run --project sub x",
        "uv run --project=own x#!",
        "UV_PROJECT=sub uv run x",
        "env -C sub uv run x",
        "uv run sub/src/x.py",
        "uv run own/src/x.py#!",
        "pushd sub; uv run x; popd; uv run x#!",
        "f() { cd sub; uv run x; }",
        "uv run x#!",
        'for d in a b; do cd "$d"; uv run x; done#!',
        '(cd "$(mktemp -d)"; uv sync)',
        "(T=$(mktemp -d); cd $T; uv sync)",
        "(cd /tmp/x && uv sync)",
        '(cd "$(dirname "$0")/../sub"; uv sync)',
        '(cd "$(dirname "$0")/.." && uv sync)#!',
        '(ROOT=$(git rev-parse --show-toplevel); cd "$ROOT/sub"; uv sync; cd "$ROOT/own"; uv sync)#!',
    )
    found(repo, "sub/run.sh", "uv run x", "cd ..; uv run x#!")
    found(repo, "sub/Makefile", "a:", "\tuv run x", "\tcd .. && uv run x#!")
    found(
        repo, ".github/workflows/ci.yml",
        "jobs:",
        "  a:",
        "    steps:",
        "    - run: uv sync#!",
        "    - run: uv sync",
        "      working-directory: sub",
        "    - {run: uv sync, working-directory: own}#!",
        "    - run: cd sub",
        "    - run: uv sync#!",
        "  b:",
        "    defaults: {run: {working-directory: sub}}",
        "    steps:",
        "    - run: uv sync",
        "    - run: uv sync#!",
        "      working-directory: own",
    )
    found(repo, ".gitlab-ci.yml", "a:", "  script:", "  - uv sync#!", "  - cd sub", "  - uv sync")
    found(repo, "tests/a.py", 'subprocess.run(["uv", "run", "x"])#!', 'subprocess.run(["uv", "run", "x"], cwd=tmp_path)',
          'subprocess.run(["uv", "run", "x"], cwd="sub")', 'subprocess.run(["uv", "run", "x"], cwd=ROOT)#!')
    run(["git", "rm", "-q", "--cached", "uv.lock", "own/uv.lock"], cwd=repo)
    write_files(repo, {".gitignore": "uv.lock\n", "scripts/a.sh": "uv run x\n"})
    done = lint(repo / "scripts", expect=0)
    assert "has no uv.lock that git does not ignore" in done.err and str(repo) in done.err, done


def test_justfile(tmp):
    found(
        tmp, "justfile",
        'run := "uv run"#!',
        "# uv run x",
        "test *args:",
        "    @{{run}} pytest {{args}}",
        "    uv run x {{args}}#!",
        "script:",
        "    #!/usr/bin/env bash",
        "    export UV_FROZEN=1",
        "    uv sync",
    )
    found(tmp, "b.just", 'export UV_FROZEN := "1"', "a:", "    uv sync")


def test_python(tmp):
    found(
        tmp, "a.py",
        '"""Run it with',
        "uv run a.py",
        '"""',
        "# uv run x",
        'subprocess.run(["uv", "run", "x"], check=True)#!',
        "subprocess.run(['uv', 'run', '--locked', 'x'])",
        'subprocess.run(["uv", "sync"], env={**os.environ, "UV_FROZEN": "1"})',
        'os.system("uv sync")#!',
        'os.system(f"cd {x} && uv run y")#!',
        'cmd = ["uv", "--directory", x, "run", *args]#?',
        'command = ["uv", "--directory", x, "run", *args]#!',
        'words = ["uv", "run", *args]#!',
        'subprocess.run(words)',
        'Popen(["env", *command])',
        'cmd = "uv run "#?',
        'self.run_in_box(["uv", "sync"])#?',
        'print("uv run x")',
        'parser.add_argument("--x", help="uv run x")',
        'raise RuntimeError("uv sync failed")',
        'assert cmd == ["uv", "run", "x"]',
        'mock.assert_called_with(["uv", "sync"])',
        'session.run("uv", "sync")#!',
        'expected = ["uv", "run", "x"]',
        'cases = [(["uv", "run", "x"], 1)]',
        'assert parse(["uv", "run", "x"]) == 1',
        'assert seen == [call(["uv", "sync"])]',
        'x = {"argv": ["uv", "run"]}',
        "def f():",
        '    """uv run x"""',
        '    "uv pip sync"',
        '    command = ["uv", "run", "x"]#?',
        "def g(command):",
        "    subprocess.run(command)",
    )


def test_python_program_and_arguments_apart(tmp):
    found(
        tmp, "b.py",
        "Parameters(command=\"uv\", args=[\"run\", \"x\"])#?",
        "Parameters(command=\"uv\", args=[\"run\", \"--frozen\", \"x\"])",
        "a = {\"command\": \"uv\", \"args\": [\"run\", \"x\"]}#?",
        "assert a == {\"command\": \"uv\", \"args\": [\"run\", \"x\"]}",
        "cmd = [\"uv\"]#?",
        "cmd.extend([\"run\", \"--with\", \"x\"])",
        "cmd = [\"uv\", \"run\"]",
        "cmd.append(\"--frozen\")",
        "cmd = [\"uv\", \"run\"]",
        "cmd += [\"--locked\", \"x\"]",
        "run([\"uv\"] + [\"run\", \"x\"])#!",
        "run([\"uv\", \"run\"] + [\"--frozen\", \"x\"])",
        "run(shlex.split(\"uv run x\"))#!",
        "names = [\"uv\"]",
        "names.extend([\"pip\", \"x\"])",
    )


def test_scripts_with_requirements_of_their_own(tmp):
    own = "# /// script\n# dependencies = []\n# ///\n"
    write_files(tmp, {"tools/own.py": own, "tools/plain.py": "", "tools/locked.py": own, "tools/locked.py.lock": ""})
    found(tmp, "tests/a.sh", "uv run tools/own.py --x", "uv run $ROOT/tools/own.py", "uv run tools/plain.py#!",
          "uv run tools/locked.py#!", "uv run --script tools/locked.py#!", "uv run -s tools/own.py", "cd tools; uv run own.py",
          "uv export --script locked.py#!", "uv run --locked locked.py")
    found(tmp, "many.sh", *(f"uv run tools/{i}.py#!" for i in range(600)))  # no file costs too much
    found(tmp, "b.py", "#!/usr/bin/env -S uv run --script", "x = 1")
    found(tmp, "c", "#!/usr/bin/env -S uv run#!", "x = 1")


def test_allowed(tmp):
    found(
        tmp, "a.sh",
        "uv sync # snapfix: allow-unlocked",
        "uv sync \\",
        "  --all-extras # snapfix: allow-unlocked",
        "uv sync#!",
    )


def test_locked_is_assumed(tmp):
    text = "uv sync\nuv sync --frozen\nenv -u UV_LOCKED uv sync --frozen\nenv -u UV_LOCKED uv sync\nUV_FROZEN=1 uv sync\n"
    assert places(tmp, "a.sh", text, "--assume-locked") == [1, 2, 4, 5]
    done = lint(tmp / "a.sh", "--assume-locked")
    assert "uv refuses --frozen together with UV_LOCKED=1" in done.out and "env -u UV_LOCKED" in done.out, done
    lint(tmp / "a.sh", "--assume-locked", "--fix", expect=3)
    assert (tmp / "a.sh").read_text() == "".join(
        line + (" --locked" if line.endswith("uv sync") else "") + "\n"
        for line in text.splitlines()).replace("UV_FROZEN=1 uv sync --locked", "UV_FROZEN=1 uv sync")


def test_workflows_have_an_environment_of_their_own(tmp):
    assert places(tmp, "ci.yml", "run: uv sync --frozen\n", "--assume-locked") == []
    assert places(tmp, "Dockerfile", "RUN uv sync --frozen\n", "--assume-locked") == []
    assert places(tmp, "ci.yml", "run: uv sync\n", "--assume-locked") == [1]


def test_output(tmp):
    write_files(tmp, {"a.sh": "x; uv run y\n"})
    done = snapfix("uv-lint", "a.sh", cwd=tmp, expect=3)
    assert done.out.startswith("a.sh:1:4: `uv run` without --locked") and done.out.count("\n") == 1, done
    report = snapfix("uv-lint", "a.sh", "--json", cwd=tmp, expect=3).json()
    assert report["files"] == 1 and report["fixed"] == 0, report
    finding = report["findings"][0]
    assert (finding["path"], finding["line"], finding["column"], finding["command"], finding["fixable"]) == (
        "a.sh", 1, 4, "uv run y", True), finding
    report = snapfix("uv-lint", "a.sh", "--json", "--fix", cwd=tmp).json()
    assert report["fixed"] == 1 and report["findings"] == [], report


def test_fix_changes_nothing_else(tmp):
    for name, before, after in [
        ("a.sh", b"uv run x\r\nuv sync\r\n", b"uv run --locked x\r\nuv sync --locked\r\n"),
        ("b.sh", b"#!/bin/sh\n\tuv  run   x", b"#!/bin/sh\n\tuv  run --locked   x"),
        ("c.sh", b"# \xe9\nuv sync # \xff\n", b"# \xe9\nuv sync --locked # \xff\n"),
        ("d.py", b'run(["uv",\n  "run", x])\n', b'run(["uv",\n  "run", "--locked", x])\n'),
        ("e.yml", b'run: "uv run \\"x\\""\n', b'run: "uv run --locked \\"x\\""\n'),
    ]:
        write_files(tmp, {name: before})
        os.chmod(tmp / name, 0o755)
        assert lint(tmp / name, "--fix").code == 0
        assert (tmp / name).read_bytes() == after, (name, (tmp / name).read_bytes())
        assert os.stat(tmp / name).st_mode & 0o7777 == 0o755
        assert sorted(os.listdir(tmp)).count("." + name) == 0
    state = os.stat(tmp / "a.sh")
    lint(tmp / "a.sh", "--fix", expect=0)
    assert os.stat(tmp / "a.sh").st_ino == state.st_ino, "a file without findings is not written"


def test_fix_keeps_what_the_file_has(tmp):
    path = tmp / "a.sh"
    text = "uv run x\n" * 1000
    write_files(tmp, {"a.sh": text})
    path.chmod(0o4751)
    os.setxattr(path, "user.note", b"kept\0as it is")
    acl = shutil.which("setfacl") and run(["setfacl", "-m", "u:12345:r", path], expect=None).code == 0
    if os.geteuid() == 0:
        os.chown(path, 4321, 8765)
        path.chmod(0o4751)
    before = os.stat(path)
    lint(path, "--fix", expect=0)
    after = os.stat(path)
    assert path.read_text().count("--locked") == 1000
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(path, "user.note") == b"kept\0as it is"
    assert not acl or "user:12345:r" in run(["getfacl", "-n", path]).out
    assert os.listdir(tmp) == ["a.sh"]


def test_fix_refuses_what_it_cannot_keep(tmp):
    """The file stays as it is, is reported, and the others are fixed."""
    text = "uv run x\n"
    write_files(tmp, {"a.sh": text, "linked.sh": text, "z.sh": text})
    os.link(tmp / "linked.sh", tmp / "other")
    done = lint(tmp, "--fix", expect=3)
    assert "2 names (hard links)" in done.err and "linked.sh:1:1" in done.out, done
    assert (tmp / "linked.sh").read_text() == text and os.stat(tmp / "linked.sh").st_nlink == 2
    assert (tmp / "a.sh").read_text() == (tmp / "z.sh").read_text() == "uv run --locked x\n"


def test_fix_of_a_file_of_another_owner(tmp):
    """As an ordinary user: in a folder of one's own, a file that is root's."""
    if os.geteuid() != 0:
        skip("only root can make a file of another owner")
    write_files(tmp, {"a.sh": "uv run x\n"})
    os.chown(tmp, NOBODY, NOBODY)
    done = snapfix("uv-lint", "--fix", tmp / "a.sh", user=NOBODY, expect=3)
    assert "owner" in done.err and (tmp / "a.sh").read_text() == "uv run x\n", done
    assert os.stat(tmp / "a.sh").st_uid == 0 and os.listdir(tmp) == ["a.sh"]


def test_fix_that_fails_loses_nothing(tmp):
    with tmpfs(1, tmp / "full") as full:
        text = "uv run x # " + "x" * 400 + "\n"
        write_files(full, {"a.sh": text * 1500})
        done = lint(full / "a.sh", "--fix", expect=3)
        assert "No space left" in done.err, done
        assert (full / "a.sh").read_text() == text * 1500 and os.listdir(full) == ["a.sh"]


def test_folder(tmp):
    files = {
        "a.sh": "uv sync\n", "sub/b.sh": "uv sync\n", "ignored/c.sh": "uv sync\n", ".github/w.yml": "run: uv sync\n",
        "node_modules/d.sh": "uv sync\n", "build/CMakeCache.txt": "", "build/e.sh": "uv sync\n",
        "README.md": "uv sync\n", "binary.sh": b"uv sync\n\0", ".hidden/f.sh": "uv sync\n", "job": "#!/bin/sh\nuv sync\n",
    }
    write_files(tmp, {f"plain/{path}": text for path, text in files.items()})
    os.symlink("/etc", tmp / "plain" / "out")
    os.symlink("a.sh", tmp / "plain" / "link.sh")

    def paths(where):
        return [f["path"] for f in snapfix("uv-lint", ".", "--json", cwd=where, expect=3).json()["findings"]]

    assert paths(tmp / "plain") == [".github/w.yml", "a.sh", "ignored/c.sh", "job", "sub/b.sh"]
    files.update({"pyproject.toml": "", "uv.lock": ""})
    repo = make_repo(tmp / "repo", dict(files, **{".gitignore": "ignored/\n"}))
    write_files(repo, {"new.sh": "uv sync\n"})
    assert paths(repo) == [".github/w.yml", ".hidden/f.sh", "a.sh", "job", "new.sh", "sub/b.sh"]


def test_bad_paths(tmp):
    (tmp / "empty").mkdir()
    done = lint(tmp / "empty", expect=0)
    assert done.out == "" and done.err == "", done
    done = lint(tmp / "missing", expect=1)
    assert "missing" in done.err and "No such file" in done.err and done.out == "", done
    assert snapfix("uv-lint", expect=None).code == 2
    assert lint(tmp, "--fixx").code == 2


def test_a_symlink_that_is_named_stays_one(tmp):
    write_files(tmp, {"a.sh": "uv sync\n"})
    os.symlink("a.sh", tmp / "link.sh")
    lint(tmp / "link.sh", "--fix", expect=0)
    assert os.path.islink(tmp / "link.sh") and (tmp / "a.sh").read_text() == "uv sync --locked\n"


def test_texts_that_end_anywhere_do_no_harm(tmp):
    texts = ["uv run '", 'uv run "$(', "x=$(cat <<EOF", "case x in", "((", "`", "${", "x=(", "[[", "uv run \\", "<<", "{{"]
    for name in ("a.sh", "Makefile", "Dockerfile", "a.yml", "justfile", "a.py"):
        for text in texts:
            for prefix in ("", "a:\n\t", "run: ", "RUN ", "x = \"", "- "):
                write_files(tmp, {name: prefix + text})
                assert lint(tmp / name).code in (0, 3), (name, prefix + text)


if __name__ == "__main__":
    main()
