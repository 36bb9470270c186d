"""The words of COMMAND, and of the other lists, arrive exactly as they were written."""

import json
import re
import shutil

import harness
import nested
from nested import quote

WORDS = [
    "plain",
    "",
    "a;b",
    ";",
    "[",
    "]",
    "a[b",
    "c]d",
    "]==]",
    "[==[",
    "[=[x]=]",
    "$",
    "$x",
    "${x}",
    "$ENV{HOME}",
    "@x@",
    "\\",
    "\\;",
    "a\\",
    '"',
    'a"b',
    "'",
    " ",
    "  two  ",
    "#",
    "#[[x]]",
    "(",
    ")",
    "()",
    "*",
    "?",
    "~",
    "--",
    "-x",
    "--wrapper=x",
    "line\nbreak",
    "tab\t",
    "\n",
    "<",
    ">",
    ",",
    "a,b>c",
    "%",
    "%5",
    "&",
    "|",
    "ü€😀",
    "",
    "\\n",
    "last",
    "",
]


def _words(words):
    return " ".join(quote(word) for word in words)


def test_as_with_add_test(tmp):
    project = nested.Project(
        tmp,
        f"""
        set(list a b "" c)
        add_test(NAME plain COMMAND python3 {_words(WORDS)} $<1:KEEP> $<CONFIG> unquoted;list ${{list}} [[${{raw}}]])
        add_snapshot_test(NAME t COMMAND python3 {_words(WORDS)} $<1:KEEP> $<CONFIG> unquoted;list ${{list}} [[${{raw}}]])
    """,
    ).configured("-DCMAKE_BUILD_TYPE=Kind")
    tests = project.tests()
    words = tests["t"].words()
    assert words[1:] == tests["plain"].command[1:], words
    assert words[1 : len(WORDS) + 1] == WORDS, words
    assert words[len(WORDS) + 1 :] == ["KEEP", "Kind", "unquoted", "list", "a", "b", "c", "${raw}"], words
    assert words[0] == "python3", words


def test_the_program_receives_them(tmp):
    files = {
        "show.py": "import json, os, sys\njson.dump([sys.argv[1:], os.environ['LIST']], open(sys.argv[1], 'w'))\n"
    }
    out = tmp / "seen.json"
    project = nested.Project(
        tmp,
        f"""
        add_snapshot_test(NAME t COMMAND python3 show.py {quote(str(out))} {_words(WORDS)}
          PROPERTIES ENVIRONMENT "LIST=a\\;b;OTHER=x")
    """,
        files,
    ).configured()
    project.ctest()
    seen, environment = json.loads(out.read_text())
    assert seen[1:] == WORDS, seen
    assert environment in ("a;b", "a\\;b"), environment


def test_order_of_keywords_does_not_matter(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(STRICT COMMAND sh -c "" KEEP NEVER COPY *.log "a[" "b]" NAME t
          INCLUDE gen/** EXCLUDE docs "with space" -x FILES UNTRACKED LINK_FROM SOURCE LINK_MODE COPY
          WORKING_DIRECTORY "deep/er x" CONFIGURATIONS Debug Release SETUP_TIMEOUT 77 SOURCE_DIR sub
          GUARD ON SOURCE_WRITES REPORT LABELS one two PROPERTIES TIMEOUT 5 SKIP_RETURN_CODE 7 ENVIRONMENT "A=1;B=x y" COST 3)
    """,
        {"sub/a": "a"},
    ).configured("-DCMAKE_BUILD_TYPE=Debug")
    assert not project.tests("-C", "Other")
    tests = project.tests("-C", "Debug")
    freeze = nested.freezes(tests)
    assert len(tests) == len(nested.family("t")) + 2 and len(freeze) == 1, tests
    tree = [
        "--source",
        str(project.source / "sub"),
        "--root",
        str(project.root),
        "--files=untracked",
        "--git=auto",
        "--link-from=source",
        "--include=gen/**",
    ]
    created = [
        *tree,
        "--link-mode=copy",
        "--exclude=docs",
        "--exclude=with space",
        "--exclude=-x",
        "--copy=*.log",
        "--copy=a[",
        "--copy=b]",
        "--strict",
    ]
    assert tests[freeze[0]].options() == ["freeze", *tree, "--ctest"], tests[freeze[0]].command
    ran = ["--fresh", "--frozen", "--map-source", "--guard", "on", "--source-writes", "report", "--chdir=deep/er x"]
    finished = ["--keep", "never", "--verdict=skip=7", "--pack-env=A,B"]
    if nested.has_pairs():
        assert tests["t.snapshot_setup"].options() == ["create", "t", *created, "--fresh", "--frozen", "--ctest"]
        assert tests["t"].options() == ["run", "t", *created, *ran, "--ctest", "--wrapper=;;"], tests["t"].command
        assert tests["t.snapshot_cleanup"].options() == ["finish", "t", "--root", str(project.root), *finished, "--ctest"]
        assert tests["t.snapshot_setup"].timeout == 77
    else:
        assert tests["t"].options() == ["run", "t", *created, *ran, "--finish", *finished, "--ctest", "--wrapper=;;"], tests["t"].options()
    assert tests["t"].words() == ["sh", "-c", ""]
    assert tests[freeze[0]].timeout == 77
    assert tests["t"].timeout == 5 and tests["t"].cost == 3 and tests["t"].environment == ["A=1", "B=x y"]
    assert all(test.labels == ["one", "two"] for test in tests.values())


def test_command_expand_lists(tmp):
    """As with add_test(), and only in the test's own words."""
    source = tmp / "source" / "a;b"
    harness.write_files(source, {"f": "x\n"})
    project = nested.Project(
        tmp,
        f"""
        add_executable(show show.c)
        set_target_properties(show PROPERTIES CROSSCOMPILING_EMULATOR "env;-u;X")
        set(words "$<1:a;b>" "" "c\;d" "$<$<BOOL:>:no>" last)
        add_test(NAME plain COMMAND echo ${{words}} "$<1:a;b>" "" "c;d" "$<$<BOOL:>:no>" COMMAND_EXPAND_LISTS)
        add_snapshot_test(NAME t COMMAND echo ${{words}} "$<1:a;b>" "" "c;d" "$<$<BOOL:>:no>" COMMAND_EXPAND_LISTS)
        add_snapshot_test(NAME target COMMAND_EXPAND_LISTS COMMAND show "x;y" EXCLUDE "p;q" LABELS one)
        add_snapshot_test(NAME odd COMMAND cat f "SOURCE_DIR" COMMAND_EXPAND_LISTS)
    """.replace('"SOURCE_DIR"', f"SOURCE_DIR {quote(str(source))} FILES ALL"),
        {"show.c": "#include <stdio.h>\nint main(int n, char **v) { while (n--) puts(*v++); return 0; }\n"},
        languages="C",
    ).configured()
    project.make()
    tests = project.tests()
    assert tests["t"].words()[1:] == tests["plain"].command[1:], (tests["t"].words(), tests["plain"].command)
    assert {"--wrapper=;env;-u;X;", "--exclude=p;q"} <= set(tests["target"].options()), tests["target"].command
    assert tests["target"].words() == [f"{project.build}/show", "x", "y"]
    assert tests["odd"].option("--source") == str(source)
    project.ctest()


def test_build_depends(tmp):
    """A keyword of add_test() since CMake 4.4, and of add_snapshot_test() with every version."""
    project = nested.Project(
        tmp,
        """
        set(CMAKE_TEST_BUILD_DEPENDS ON)
        add_custom_target(data COMMAND touch ${CMAKE_BINARY_DIR}/made)
        add_snapshot_test(NAME t COMMAND echo word BUILD_DEPENDS data LABELS one)
    """,
    ).configured()
    assert project.tests()["t"].words() == ["echo", "word"] and project.tests()["t"].labels == ["one"]
    if nested.version() >= (4, 4):
        project.make("--target", "test_prep/t")
        assert (project.build / "made").exists()


def test_no_source_mapping(tmp):
    project = nested.Project(tmp, "add_snapshot_test(NAME t COMMAND sh NO_SOURCE_MAPPING)\n").configured()
    assert "--map-source" not in project.tests()["t"].options()


def test_keep(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME default COMMAND sh)
        add_snapshot_test(NAME mine COMMAND sh KEEP NEVER)
    """,
    )
    for options, expected in (((), "on-failure"), (("-DSNAPSHOT_FIXTURES_KEEP=ALWAYS",), "always")):
        tests = project.configured(*options).tests()
        assert tests[nested.finisher("default")].option("--keep") == expected
        assert tests[nested.finisher("mine")].option("--keep") == "never"


def test_spares(tmp):
    """Of each end, and of the run's."""
    project = nested.Project(tmp, "add_snapshot_test(NAME t COMMAND sh)\nadd_snapshot_fixture(NAME f)\n")
    for options, expected in (((), None), (("-DSNAPSHOT_FIXTURES_SPARES=3",), "3")):
        tests = project.configured(*options).tests()
        for name in (nested.finisher("t"), "f.snapshot_cleanup", *nested.finishes(tests)):
            assert tests[name].option("--spares") == expected, (name, tests[name].command)


def test_guard(tmp):
    project = nested.Project(
        tmp,
        """
        add_snapshot_test(NAME default COMMAND sh)
        add_snapshot_test(NAME mine COMMAND sh GUARD OFF)
    """,
    )
    for options, expected in (((), "auto"), (("-DSNAPSHOT_FIXTURES_GUARD=ON",), "on")):
        tests = project.configured(*options).tests()
        assert tests["default"].option("--guard") == expected
        assert tests["mine"].option("--guard") == "off"


def test_root(tmp):
    project = nested.Project(tmp, "add_snapshot_test(NAME t COMMAND sh)\n")
    for given, expected in (("", project.build / ".snapshots"), (tmp / "else where", tmp / "else where")):
        tests = project.configured(*([f"-DSNAPSHOT_FIXTURES_ROOT={given}"] if given else [])).tests()
        assert {test.option("--root") for test in tests.values()} == {str(expected)}


def test_sources_of_odd_names(tmp):
    for name in ("a b", "$<CONFIG>", "a,b>", "(x)", "ü#"):
        harness.write_files(tmp / "source" / name, {"f": "x\n"})
    project = nested.Project(
        tmp,
        """
        foreach(name IN ITEMS "a b" "$<CONFIG>" "a,b>" "(x)" "ü#")
          math(EXPR n "${n}0 + 1")
          add_snapshot_test(NAME t${n} COMMAND cat f SOURCE_DIR "${name}" FILES ALL)
        endforeach()
    """,
    ).configured()
    tests = project.tests()
    sources = {test.option("--source") for test in tests.values()} - {None}
    assert sources == {str(project.source / n) for n in ("a b", "$<CONFIG>", "a,b>", "(x)", "ü#")}, sources
    assert len(nested.freezes(tests)) == 5
    project.ctest()


def test_how_many_commands_a_call_takes(tmp):
    """CMake's commands from the call to the end of the project: few, and each call as many as the last."""

    def commands(calls):
        project.rewrite(
            "".join(f"add_snapshot_test(NAME t{n} COMMAND sh t{n}.sh --out=x LABELS nightly)\n" for n in range(100, 100 + calls))
        )
        trace = tmp / "trace"
        project.configure("--trace", "--trace-format=json-v1", f"--trace-redirect={trace}")
        return len(trace.read_text().splitlines())

    project = nested.Project(tmp, "").configured()
    few, more, many = (commands(calls) for calls in (10, 20, 40))
    assert many - more == 2 * (more - few), (few, more, many)
    assert more - few <= 10 * 465, (few, more, many)


def words_of_the_module():
    """Every word that might be a variable in it, but for those that it is meant to read."""
    files = [nested.MODULE, *nested.MODULE.with_suffix("").glob("*.cmake")]
    words = set(re.findall(r"\b[A-Za-z_]\w*", "".join(path.read_text() for path in files)))
    words |= {f"{word}_code" for word in words if word.isupper()}
    return sorted(word for word in words if not re.match("_?(CMAKE|PROJECT|SNAPSHOT_FIXTURES)_|ARG[CVN]|CACHE$|PARENT_SCOPE$", word, re.IGNORECASE))


def generated(build):
    """What ctest reads."""
    return {path.relative_to(build): path.read_text() for path in build.rglob("CTestTestfile.cmake")}


def test_variables_of_the_project_are_its_own(tmp):
    """Whatever a project sets, and whatever is in its cache: the tests are the same, byte by byte, and so is what it set."""
    harness.require("ninja")
    calls = (
        f"include([==[{nested.MODULE}]==])",
        "add_snapshot_test(NAME plain COMMAND sh)",
        """add_snapshot_test(NAME full COMMAND sh -c "exit 3" WORD FILES UNTRACKED INCLUDE a COPY b EXCLUDE c SOURCE_DIR sub
          UV_LOCKED SETUP_TIMEOUT 9 LABELS x CONFIGURATIONS Debug WORKING_DIRECTORY w COMMAND_EXPAND_LISTS STRICT
          SETUP FIXTURE KEEP NEVER LINK_MODE COPY PROPERTIES SKIP_RETURN_CODE 3 ENVIRONMENT A=b REQUIRED_FILES @SNAPSHOT_DIR@/a)""",
        "add_snapshot_fixture(NAME fixture DIR_VAR folder_of_fixture)",
        "add_snapshot_fixture(NAME labelled LABELS y CONFIGURATIONS Release)",
        "add_test(NAME user COMMAND ls ${folder_of_fixture})",
        "add_uv_lock_check(NAME lint PATHS sub)",
        "add_subdirectory(deep)",
    )
    lists = "".join(f"include(declared.cmake)\n{call}\ninclude(kept.cmake)\n" for call in calls)
    deep = "include(../declared.cmake)\nadd_snapshot_test(NAME deep COMMAND $<1:sh> BUILD_DEPENDS x)\ninclude(../kept.cmake)\n"
    files = {"sub/uv.lock": "", "sub/pyproject.toml": "", "deep/CMakeLists.txt": deep}
    project = nested.Project(tmp, lists, files, include=False)
    words = words_of_the_module()
    assert {"missing", "labels", "given", "NAME", "text", "NAME_code"} <= set(words)
    for generator in ("Ninja", "Ninja Multi-Config"):
        expected = None
        for value, where in (("", ""), ("docs", ""), ("docs", ' CACHE STRING ""'), ("OFF", ""), ("NAME;LABELS", "")):
            declared = "".join(f'set({word} "{value}"{where})\n' for word in words if value)
            kept = "".join(
                f'if(NOT "${{{word}}}" STREQUAL "{value}")\nmessage(FATAL_ERROR "{word} is changed")\nendif()\n'
                for word in words
                if value
            )
            harness.write_files(project.source, {"declared.cmake": declared, "kept.cmake": kept})
            said = nested.plain_text(project.configure(generator=generator))
            assert "Warning" not in said, said
            tests = generated(project.build)
            expected = expected or tests
            assert tests.keys() == expected.keys() and len(tests) == 2, tests.keys()
            for path, text in tests.items():
                changed = set(text.split("\n")) ^ set(expected[path].split("\n"))
                assert text == expected[path], (value, where, path, changed)
            shutil.rmtree(project.build)


if __name__ == "__main__":
    harness.main()
