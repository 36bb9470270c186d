"""Names of any kind, and the one rule that maps a name to a folder, in CMake as in the helper."""

import os
import random
import re
import uuid

import harness
import nested

NAMESPACE = uuid.UUID("7d3c5f0e-2b1a-5c8e-9f64-3a1b0c9d8e7f")

NAMES = [
    "a",
    "with space (x)",
    "a/b",
    "../up",
    "..",
    ".",
    "/abs",
    "a::b<c>",
    "x[1]",
    "[",
    "]",
    "[=[",
    "]==]",
    "#",
    "a#b",
    '"',
    'a"b"',
    "$",
    "${HOME}",
    "$ENV{HOME}",
    "$<CONFIG>",
    "$<1:x>",
    "\\",
    "a\\b",
    "\\n",
    "@x@",
    "@SNAPSHOT_DIR@",
    "'",
    "a'b",
    "%d",
    "&&",
    "|",
    "*",
    "?",
    "~",
    "~root",
    ".hidden",
    "+plus",
    "=eq",
    "@at",
    "a~b",
    "ü",
    "日本語",
    "😀" * 20,
    "é" * 31,
    "a,b",
    "a>b",
    "<",
    ">",
    "tab\there",
    " lead",
    "trail ",
    "CON",
    "a.b-c_d+e=f@g",
    "9",
    "_",
    "x" * 100,
    "x" * 101,
    "x" * 300,
    "y" * 59 + "ü",
    "-x",
    "--help",
    "--",
    ".snapfix",
    ".gitignore",
    "snapshot.a",
    "a@Debug",
    "a.snapshot",
    'test with \\ and " and ${x} and [ ] ( ) # ;'[:-2],
]


def folder_of(name):
    """The rule once more."""
    raw = name.encode()
    if re.fullmatch(rb"[A-Za-z0-9_][A-Za-z0-9._+=@-]{0,99}", raw):
        return name
    readable = re.sub(rb"[^A-Za-z0-9._+=@-]", b"_", raw[:60]).decode()
    readable = re.sub("^[.-]", "_", readable)
    return f"{readable}~{uuid.uuid5(NAMESPACE, name).hex[:16]}"


def random_names(count, seed):
    chance = random.Random(seed)
    alphabet = "abcXYZ019._+=@-~ /\\:[](){}<>$\"'#%&|*?!,^`\tüß€語😀"
    names = {
        "".join(chance.choices(alphabet, k=chance.choice((1, 2, 3, 8, 30, 59, 60, 61, 99, 100, 101, 150))))
        for _ in range(count)
    }
    return sorted(names)


def cmake_folders(tmp, names):
    """What the module makes of the names: its own function, called by a script."""
    calls = "".join(
        f'_snapshot_fixtures_folder(f {nested.quote(name)})\nfile(APPEND "${{out}}" "${{f}}\\n")\n' for name in names
    )
    (tmp / "names.cmake").write_text(f"include([==[{nested.MODULE}]==])\n{calls}")
    harness.run([nested.cmake(), f"-Dout={tmp}/folders", "-P", tmp / "names.cmake"], cwd=tmp)
    return (tmp / "folders").read_text().splitlines()


def test_the_rule_of_cmake(tmp):
    names = NAMES + random_names(400, 1)
    wrong = [(n, f, folder_of(n)) for n, f in zip(names, cmake_folders(tmp, names)) if f != folder_of(n)]
    assert not wrong, wrong


def test_the_rule_of_the_helper(tmp):
    names = sorted({*NAMES, *random_names(60, 2)})
    folders = cmake_folders(tmp, names)
    assert len(set(folders)) == len(names)
    harness.write_files(tmp / "tree", {"a": "a"})
    wrong = []
    for name, folder in zip(names, folders):
        made = harness.snapfix("create", f"--name={name}", "--source", tmp / "tree", "--root", tmp / "root").out.rstrip("\n")
        if made != str(tmp / "root" / folder):
            wrong.append((name, folder, made))
    assert not wrong, wrong
    found = {entry.name for entry in (tmp / "root").iterdir()} - {".snapfix", ".gitignore"}
    assert found == set(folders)


def test_tests_of_such_names_run(tmp):
    names = NAMES
    journal = tmp / "journal"
    lists = "".join(
        f"add_snapshot_test(NAME {nested.quote(name)} KEEP ALWAYS LABELS odd COMMAND python3 note.py {nested.quote(str(journal))} {number})\n"
        for number, name in enumerate(names)
    )
    note = """
        import os, sys
        line = '\\0'.join([sys.argv[2], os.environ['SNAPSHOT_NAME'], os.environ['SNAPSHOT_DIR'], os.getcwd()])
        with open(sys.argv[1], 'a') as out: out.write(line + '\\n')
    """
    files = {"note.py": "\n".join(line.strip() for line in note.splitlines())}
    project = nested.Project(tmp, lists, files).configured()
    tests = project.tests()
    for name in names:
        for test in nested.family(name):
            assert tests[test].labels == ["odd"], test
    if nested.has_pairs():
        fixtures = {tests[f"{name}.snapshot_setup"].fixtures_setup[0] for name in names}
        assert fixtures == {f"snapshot.{folder_of(name)}" for name in names}

    failed = {
        name: outcome for name, outcome in project.results("-j2", expect=(0, 8)).items() if outcome.status != "passed"
    }
    assert not failed, failed
    seen = dict(line.split("\0", 1) for line in journal.read_text().splitlines())
    for number, name in enumerate(names):
        where = str(project.root / folder_of(name))
        assert seen[str(number)] == "\0".join([name, where, where]), (name, seen.get(str(number)))
    assert project.folders() == {folder_of(name) for name in names}
    # Nothing a name holds reaches outside of the root.
    assert {entry.name for entry in tmp.iterdir()} == {"source", "build", "journal"}, os.listdir(tmp)


def test_same_name_in_two_configurations(tmp):
    harness.require("ninja")
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME t COMMAND sh -c "echo $<CONFIG> > made" KEEP ALWAYS)
        add_snapshot_test(NAME "odd name" COMMAND sh -c "echo $<CONFIG> > made" KEEP ALWAYS)
        add_snapshot_fixture(NAME f DIR_VAR dir KEEP ALWAYS)
        file(WRITE ${CMAKE_BINARY_DIR}/dir "${dir}")
        add_test(NAME user COMMAND sh -c "echo $<CONFIG> > made" WORKING_DIRECTORY ${dir})
        set_tests_properties(user PROPERTIES FIXTURES_REQUIRED snapshot.f)
    """,
    ).configured(generator="Ninja Multi-Config")
    assert (project.build / "dir").read_text() == f"{project.root}/f@$<CONFIG>"
    for config in ("Debug", "Release"):
        tests = project.tests("-C", config)
        assert tests["t"].options()[1] == f"t@{config}" and tests["odd name"].options()[1] == f"odd name@{config}"
        assert tests["user"].working_directory == str(project.root / f"f@{config}")
        project.ctest("-C", config)
    assert project.folders() == {
        folder_of(f"{name}@{config}") for name in ("t", "odd name", "f") for config in ("Debug", "Release")
    }
    for config in ("Debug", "Release"):
        for name in ("t", "odd name", "f"):
            assert (project.root / folder_of(f"{name}@{config}") / "made").read_text() == f"{config}\n"


if __name__ == "__main__":
    harness.main()
