"""Targets as COMMAND, with what add_test() would put in front of them."""

import harness
import nested

PROGRAM = {
    "show.c": "#include <stdio.h>\nint main(int n, char **v) { while (n--) puts(*v++); return 0; }\n",
    "emulator.sh": '#!/bin/sh\necho "emulated by: $*"\n',
}


def test_targets_defined_before_and_later(tmp):
    project = nested.Project(
        tmp,
        """
        add_executable(before show.c)
        add_executable(an::alias ALIAS before)
        add_executable(imported IMPORTED)
        set_target_properties(imported PROPERTIES IMPORTED_LOCATION /bin/echo)
        add_library(library STATIC show.c)
        foreach(program IN ITEMS before later elsewhere an::alias imported library $<TARGET_FILE:before> /bin/echo echo)
          string(MAKE_C_IDENTIFIER "${program}" id)
          add_test(NAME plain.${id} COMMAND ${program} x)
          add_snapshot_test(NAME ${id} COMMAND ${program} x)
        endforeach()
        add_executable(later show.c)
        add_subdirectory(sub)
    """,
        {**PROGRAM, "sub/CMakeLists.txt": "add_executable(elsewhere ../show.c)\n"},
        languages="C",
    ).configured()
    project.make()
    tests = project.tests()
    compared = 0
    for name, test in tests.items():
        if name.startswith("plain."):
            words = tests[name[len("plain.") :]].words()
            # ctest resolves a plain program itself, and shows none that does not exist.
            expected = test.command or ["library", "x"]
            assert words == expected or (words == ["echo", "x"] and expected[0].endswith("/echo")), (words, expected)
            compared += 1
    assert compared == 9
    failed = {name for name, o in project.results(expect=8).items() if o.status != "passed"}
    assert {n for n in failed if not n.endswith(".snapshot_cleanup")} == {"library", "plain.library"}, failed


def test_launchers(tmp):
    """The emulator of a target, and its test launcher, run in front of it; in vain for other programs."""
    project = nested.Project(
        tmp,
        """
        add_executable(one show.c)
        add_executable(two show.c)
        add_executable(three show.c)
        set_target_properties(one PROPERTIES CROSSCOMPILING_EMULATOR "sh;${CMAKE_SOURCE_DIR}/emulator.sh;-e;$<1:a b>")
        set_target_properties(two PROPERTIES TEST_LAUNCHER "env;-u;X" CROSSCOMPILING_EMULATOR "nice;-n;1")
        set_target_properties(three PROPERTIES TEST_LAUNCHER env)
        foreach(program IN ITEMS one two three echo)
          add_snapshot_test(NAME ${program} COMMAND ${program} "" x NO_SOURCE_MAPPING)
        endforeach()
    """,
        PROGRAM,
        languages="C",
    ).configured()
    project.make()
    tests = project.tests()

    def wrapper(name):
        (option,) = [word for word in tests[name].options() if word.startswith("--wrapper=")]
        return [word for word in option[len("--wrapper=") :].split(";") if word]

    assert wrapper("one") == ["sh", f"{project.source}/emulator.sh", "-e", "a b"]
    assert wrapper("two") == ["env", "-u", "X", "nice", "-n", "1"]
    assert wrapper("three") == ["env"]
    assert wrapper("echo") == []
    outcomes = project.results()
    assert f"emulated by: -e a b {project.build}/one  x" in outcomes["one"].output, outcomes
    assert f"{project.build}/two\n\nx" in outcomes["two"].output, outcomes
    assert f"{project.build}/three\n\nx" in outcomes["three"].output, outcomes


def test_multi_config(tmp):
    project = nested.Project(
        tmp,
        """
        add_executable(show show.c)
        set_target_properties(show PROPERTIES CROSSCOMPILING_EMULATOR "env;$<$<CONFIG:Debug>:nice>")
        add_snapshot_test(NAME t COMMAND show $<CONFIG>)
    """,
        PROGRAM,
        languages="C",
    ).configured(generator="Ninja Multi-Config")
    for config, launcher in (("Debug", "env;nice"), ("Release", "env")):
        project.make("--config", config)
        test = project.tests("-C", config)["t"]
        assert test.words() == [f"{project.build}/{config}/show", config], test.command
        assert f"--wrapper=;{launcher};" in test.options(), test.command
        assert f"show\n{config}" in project.results("-C", config)["t"].output
    assert len(nested.freezes(project.tests("-C", "Debug"))) == 1
    # Neither runs anything without a configuration.
    project.ctest(expect=8)


def test_build_tree_within_the_source(tmp):
    """No part of it is in a snapshot, and its programs are not looked for there; in one folder with it as well."""
    for where, files in (("build", "FILES ALL"), ("build", ""), (".", ""), (".", "FILES UNTRACKED")):
        with harness.temp_dir("within") as folder:
            project = nested.Project(
                folder,
                f"""
                add_executable(show show.c)
                add_snapshot_test(NAME target COMMAND show ${{CMAKE_CURRENT_SOURCE_DIR}}/show.c {files})
                add_snapshot_test(NAME tree COMMAND sh -c "! test -e build && test -e show.c" {files})
            """,
                {**PROGRAM, ".gitignore": "show\n*.ninja*\nCMakeFiles\n.snapshots\nTesting\n"},
                languages="C",
            )
            project.build = project.source / where
            project.root = project.build / ".snapshots"
            project.configured()
            project.make()
            outcomes = project.results()
            assert f"show\n{project.root}/target/show.c" in outcomes["target"].output, outcomes


def test_cross_compiling(tmp):
    """With a toolchain for another system, whose programs the emulator runs: the helper is the host's."""
    project = nested.Project(
        tmp,
        """
        add_executable(show show.c)
        add_snapshot_test(NAME t COMMAND show x)
    """,
        {**PROGRAM, "cross.cmake": "set(CMAKE_SYSTEM_NAME Generic)\nset(CMAKE_CROSSCOMPILING_EMULATOR env)\n"},
        languages="C",
    )
    project.configure("-DCMAKE_TOOLCHAIN_FILE=" + str(project.source / "cross.cmake"))
    tests = project.tests()
    for name, test in tests.items():
        assert test.command is None or test.command[0] == harness.snapfix_path(), (name, test.command)
    assert "--wrapper=;env;" in tests["t"].options()


if __name__ == "__main__":
    harness.main()
