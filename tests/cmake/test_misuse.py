"""Every misuse stops the configuration, says what is wrong, and what to write instead."""

import os

import harness
import nested

T = "add_snapshot_test(NAME t COMMAND true "
F = "add_snapshot_fixture(NAME f "

# What is written, and words of the message.
CASES = [
    ("add_snapshot_test(COMMAND true)", "there is no name", "write NAME"),
    ('add_snapshot_test(NAME "" COMMAND true)', "no name"),
    ("add_snapshot_test(NAME COMMAND true)", "NAME has no value"),
    ("add_snapshot_test()", "there is no name"),
    ('add_snapshot_test(NAME "a;b" COMMAND true)', "semicolon or a newline", "choose a name"),
    ('add_snapshot_test(NAME "a\nb" COMMAND true)', "semicolon or a newline"),
    (
        "add_snapshot_test(NAME t COMMAND true)\nadd_snapshot_test(NAME t COMMAND true)",
        "taken already",
        "another name",
    ),
    ("add_snapshot_fixture(NAME t)\nadd_snapshot_test(NAME t COMMAND true)", "taken already"),
    ("add_snapshot_test(NAME t COMMAND true)\nadd_subdirectory(sub)", "taken already", "CMakeLists.txt"),
    ("add_test(NAME t COMMAND true)\nadd_snapshot_test(NAME t COMMAND true)", "there is a test 't' already"),
    (
        "add_test(NAME t.snapshot_setup COMMAND true)\n" + T + "SETUP FIXTURE)",
        "'t.snapshot_setup' already",
    ),
    ("add_test(NAME f.snapshot_cleanup COMMAND true)\n" + F + ")", "'f.snapshot_cleanup' already"),
    ("add_snapshot_test(NAME t)", "there is no COMMAND", "write COMMAND"),
    ('add_snapshot_test(NAME t COMMAND "")', "there is no COMMAND"),
    ("add_snapshot_test(NAME t COMMAND)", "COMMAND has no value.", "To mend it: write a value behind it."),
    ("add_snapshot_test(NAME t COMMAND true COMMAND false)", "COMMAND is given twice"),
    ("add_snapshot_test(NAME t NAME u COMMAND true)", "NAME is given twice"),
    ("add_snapshot_test(t COMMAND true NAME t)", "unknown arguments: 't'", "WORKING_DIRECTORY"),
    ('add_snapshot_test("" COMMAND true NAME t)', "unknown arguments: ''"),
    ("add_snapshot_test(NAME t u COMMAND true)", "unknown arguments: 'u'"),
    (T + "STRICT yes)", "unknown arguments: 'yes'"),
    ("add_snapshot_test(NAME t LABLES x COMMAND true)", "unknown arguments: 'LABLES' 'x': is LABELS meant? To mend it", "write LABELS."),
    ("add_snapshot_test(t COMMAND true)", "add_snapshot_test(): unknown arguments: 't'."),
    (T + "LABEL nightly)", "COMMAND is given the word LABEL: is LABELS meant? To mend it", "write LABELS", "$<1:LABEL>"),
    (T + "PROPERTY COST 3)", "is PROPERTIES meant?"),
    (T + "TIMEOUT 5)", "COMMAND is given the word TIMEOUT, a property", "PROPERTIES TIMEOUT <value>", "$<1:TIMEOUT>"),
    (T + "LABELS nightly ENVIRONMENT A=b)", "LABELS is given the word ENVIRONMENT"),
    (T + "DEPENDS x)", "PROPERTIES DEPENDS <value>"),
    (T + "WORKING_DIRECTROY x)", "is WORKING_DIRECTORY meant?"),
    (T + "CONFIGURATION Debug)", "is CONFIGURATIONS meant?"),
    (T + "KEEPS NEVER)", "is KEEP meant?"),
    (F + "LABELS a WORKING_DIRECTORY b)", "LABELS is given the word WORKING_DIRECTORY, which is no keyword here"),
    (F + "LABELS a GUARD ON)", "which is no keyword here", "leave it out"),
    (F + "LABELS a TIMEOUT 5)", "a property of tests", "set it by set_tests_properties()"),
    ("add_uv_lock_check(NAME l PATHS . WILL_FAIL TRUE)", "a property of tests"),
    (F + "INCLUDE a EXCLUDES b)", "INCLUDE is given the word EXCLUDES: is EXCLUDE meant?"),
    (T + "LABELS)", "LABELS has no value", "or leave it out"),
    (T + "LINK_MODE)", "LINK_MODE has no value"),
    (T + "LINK_MODE COPY COPY)", "COPY has no value"),
    (T + "LABELS KEEP NEVER)", "LABELS has no value"),
    (T + "FILES some)", "FILES 'some' is not known", "TRACKED, UNTRACKED, ALL"),
    (T + "FILES tracked)", "FILES 'tracked' is not known"),
    (T + "LINK_FROM X)", "LINK_FROM 'X'", "STORE, SOURCE"),
    (T + "LINK_MODE X)", "LINK_MODE 'X'", "HARDLINK, REFLINK, COPY"),
    (T + "GIT YES)", "GIT 'YES'", "AUTO, ON, OFF"),
    ("set(SNAPSHOT_FIXTURES_GIT yes)\n" + T + ")", "SNAPSHOT_FIXTURES_GIT 'yes'", "AUTO, ON, OFF"),
    (T + "GUARD YES)", "GUARD 'YES'", "AUTO, ON, OFF"),
    ("set(SNAPSHOT_FIXTURES_GUARD on)\n" + T + ")", "SNAPSHOT_FIXTURES_GUARD 'on'", "AUTO, ON, OFF"),
    (T + "GUARD OFF SOURCE_WRITES REPORT)", "SOURCE_WRITES REPORT is the guard's work", "leave out one of the two"),
    (T + "KEEP X)", "KEEP 'X'", "NEVER, ON_FAILURE, ALWAYS"),
    (T + "SETUP BEFORE)", "SETUP 'BEFORE' is not known", "TEST, FIXTURE"),
    ("set(SNAPSHOT_FIXTURES_SETUP fixture)\n" + T + ")", "SNAPSHOT_FIXTURES_SETUP 'fixture'", "TEST, FIXTURE"),
    (F + "LABELS a SETUP TEST)", "LABELS is given the word SETUP, which is no keyword here"),
    (T + "PROPERTIES REQUIRED_FILES \"/bin/sh;@SNAPSHOT_DIR@/a\")", "CTest looks for them before the test makes it", "write SETUP FIXTURE"),
    ("set(SNAPSHOT_FIXTURES_SPARES many)\n" + T + ")", "SNAPSHOT_FIXTURES_SPARES 'many'"),
    ("set(SNAPSHOT_FIXTURES_KEEP never)\n" + T + ")", "SNAPSHOT_FIXTURES_KEEP 'never'"),
    (T + "SETUP_TIMEOUT soon)", "no number of seconds"),
    (T + "SETUP_TIMEOUT 0)", "no number of seconds"),
    (T + "SETUP_TIMEOUT -3)", "no number of seconds"),
    (T + "UV_LOCKED)", "there is no", "pyproject.toml"),
    (T + "UV_LOCKED ..)", "'..' lies outside the source"),
    (T + "UV_LOCKED /etc)", "'/etc' lies outside the source"),
    (T + "UV_LOCKED UV_LOCKED)", "UV_LOCKED is given twice"),
    ("file(WRITE project/pyproject.toml)\n" + T + "UV_LOCKED project)", "there is no uv.lock", "run 'uv lock' in"),
    (
        "file(WRITE linked/pyproject.toml)\nfile(CREATE_LINK nowhere ${CMAKE_CURRENT_SOURCE_DIR}/linked/uv.lock SYMBOLIC)\n" + T + "UV_LOCKED linked)",
        "is a symlink",
    ),
    (
        "file(WRITE uv/pyproject.toml)\nfile(WRITE uv/uv.lock)\n" + T + "UV_LOCKED uv PROPERTIES ENVIRONMENT \"A=b;UV_FROZEN=1\")",
        "has UV_FROZEN=1, against UV_LOCKED",
    ),
    (
        "file(WRITE uv/pyproject.toml)\nfile(WRITE uv/uv.lock)\n" + T + "UV_LOCKED uv PROPERTIES ENVIRONMENT \"A=b;UV_NO_SYNC=true\")",
        "has UV_NO_SYNC=true, against UV_LOCKED",
    ),
    (
        "file(WRITE uv/pyproject.toml)\nfile(WRITE uv/uv.lock)\n" + T + "UV_LOCKED uv PROPERTIES ENVIRONMENT \"A=b;UV_LOCKED=0\")",
        "has UV_LOCKED=0, against UV_LOCKED",
    ),
    ("add_uv_lock_check(NAME l)", "there are no PATHS"),
    ("add_uv_lock_check(NAME l PATHS nowhere)", "there is no", "nowhere"),
    ("add_test(NAME l COMMAND true)\nadd_uv_lock_check(NAME l PATHS .)", "there is a test 'l' already"),
    (F + "UV_LOCKED .)", "unknown arguments: 'UV_LOCKED'"),
    (T + "PROPERTIES TIMEOUT)", "no pairs"),
    (T + "PROPERTIES TIMEOUT 3 COST)", "no pairs"),
    (T + "PROPERTIES FIXTURES_SETUP x)", "cannot set FIXTURES_SETUP", "add_snapshot_fixture"),
    (T + "PROPERTIES TIMEOUT 3 FIXTURES_CLEANUP x)", "cannot set FIXTURES_CLEANUP"),
    (T + ")\nset_tests_properties(t PROPERTIES FIXTURES_SETUP x)", "cannot set FIXTURES_SETUP", "add_snapshot_fixture"),
    (T + ")\nset_property(TEST t APPEND PROPERTY FIXTURES_CLEANUP x)", "cannot set FIXTURES_CLEANUP"),
    (
        T + ")\nset_tests_properties(t PROPERTIES WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/sub)",
        "its property WORKING_DIRECTORY is",
        "give WORKING_DIRECTORY sub to add_snapshot_test()",
    ),
    (T + ")\nset_property(TEST t PROPERTY WORKING_DIRECTORY /usr)", "give WORKING_DIRECTORY <folder of the source>"),
    (
        T + "PROPERTIES ENVIRONMENT \"A=b;SNAPSHOT_DIR=/x\")",
        "its ENVIRONMENT sets SNAPSHOT_DIR",
        "COMMAND env SNAPSHOT_DIR=<value>",
    ),
    (T + ")\nset_tests_properties(t PROPERTIES ENVIRONMENT SNAPSHOT_NAME=x)", "its ENVIRONMENT sets SNAPSHOT_NAME"),
    (
        T + ")\nset_tests_properties(t PROPERTIES ENVIRONMENT_MODIFICATION SNAPSHOT_SOURCE_DIR=unset:)",
        "its ENVIRONMENT_MODIFICATION sets SNAPSHOT_SOURCE_DIR",
    ),
    (T + "PROPERTIES WORKING_DIRECTORY x)", "WORKING_DIRECTORY is given after PROPERTIES", "in front of"),
    (T + "PROPERTIES TIMEOUT 3 LABELS x COST 2)", "LABELS is given after PROPERTIES"),
    (T + "WORKING_DIRECTORY /usr)", "is absolute", "from the top of SOURCE_DIR"),
    (T + "WORKING_DIRECTORY ../x)", "out of the snapshot"),
    (T + "WORKING_DIRECTORY a/../..)", "out of the snapshot"),
    (T + "SOURCE_DIR nowhere)", "is no folder", "name a folder"),
    (T + "SOURCE_DIR CMakeLists.txt)", "is no folder"),
    (T + "INCLUDE /etc/*)", "no glob relative to the source", "write it as seen"),
    (T + "EXCLUDE ../x)", "no glob relative"),
    (T + 'COPY "")', "no glob relative"),
    (T + "STRICT SHIELD ON)", "unknown arguments: 'SHIELD' 'ON'"),
    ("set(SNAPSHOT_FIXTURES_ROOT ${CMAKE_SOURCE_DIR})\n" + T + ")", "is the source", "set SNAPSHOT_FIXTURES_ROOT"),
    ("set(SNAPSHOT_FIXTURES_ROOT ${CMAKE_SOURCE_DIR}/..)\n" + T + ")", "or above it"),
    ("set(SNAPSHOT_FIXTURES_ROOT /)\n" + T + ")", "or above it"),
    ("set(SNAPSHOT_FIXTURES_ROOT ${CMAKE_SOURCE_DIR}/link)\n" + T + ")", "or above it"),
    ("set(SNAPSHOT_FIXTURES_HELPER /nowhere/snapfix)\n" + T + ")", "'/nowhere/snapfix' does not exist"),
    ("set(SNAPSHOT_FIXTURES_HELPER /usr)\n" + T + ")", "'/usr' does not exist"),
    (
        "set(SNAPSHOT_FIXTURES_HELPER)\nunset(SNAPSHOT_FIXTURES_HELPER CACHE)\n" + T + ")",
        "helper snapfix is not known",
        "find_package(SnapshotFixtures)",
    ),
    (
        "set(SNAPSHOT_FIXTURES_HELPER)\nunset(SNAPSHOT_FIXTURES_HELPER CACHE)\nset(CMAKE_CROSSCOMPILING TRUE)\n"
        + T
        + ")",
        "cross-compiling",
        "SNAPSHOT_FIXTURES_HELPER",
    ),
    ("add_snapshot_fixture()", "there is no name"),
    (F + "COMMAND true)", "unknown arguments"),
    (F + "DIR_VAR)", "DIR_VAR has no value"),
    (F + "WORKING_DIRECTORY x)", "unknown arguments"),
    ('add_snapshot_fixture(NAME "a b")', "no plain file name", "letters, digits"),
    ("add_snapshot_fixture(NAME .a)", "no plain file name"),
    (F + ")\nadd_snapshot_fixture(NAME f)", "taken already"),
]


def test_each_misuse(tmp):
    project = nested.Project(tmp, "", {"sub/CMakeLists.txt": "add_snapshot_test(NAME t COMMAND true)\n"})
    os.symlink("..", project.source / "link")
    wrong = []
    for lists, *words in CASES:
        project.rewrite(lists + "\n")
        if (project.build / "CMakeCache.txt").exists():
            (project.build / "CMakeCache.txt").unlink()
        done = project.configure(expect=None)
        said = nested.plain_text(done)
        missing = [word for word in [*words, "To mend it:"] if word not in said]
        if done.code == 0:
            missing = ["an error"]
        if missing:
            wrong.append(f"{lists}\n    lacks {missing}\n    {said}")
    assert not wrong, "\n".join(wrong)


def test_words_that_are_no_misuse(tmp):
    """Words in capitals that are no keyword of ours, and those that are said to be meant."""
    words = "PATH NAMED label timeout COST_OF $<1:TIMEOUT> $<1:LABEL> Timeout A B"
    project = nested.Project(tmp, T + words + " PROPERTIES ENVIRONMENT OLD_SNAPSHOT_DIR=x)\n").configured()
    assert project.tests()["t"].words() == ["true", *words.replace("$<1:", "").replace(">", "").split()]


def test_included_in_a_sibling_directory(tmp):
    """All that the module knows is known where its functions are."""
    files = {"a/CMakeLists.txt": f"include([==[{nested.MODULE}]==])\n", "b/CMakeLists.txt": T + "SOURCE_DIR ..)\n"}
    project = nested.Project(tmp, "add_subdirectory(a)\nadd_subdirectory(b)\n", files, include=False).configured()
    assert len(project.tests()) == 3
    (project.source / "b/CMakeLists.txt").write_text(T + "TIMEOUT 5)\n")
    assert "a property of tests" in nested.plain_text(project.configure(expect=None))


def test_first_call_without_misuse_passes(tmp):
    nested.Project(tmp, T + ")\n" + F + ")\n").configured()


def test_source_as_its_own_build_tree(tmp):
    def configure_in_source(name, files, git):
        project = nested.Project(tmp / name, T + files + ")\n", git=git)
        project.build = project.source
        return project.configure(expect=None)

    for name, files, git, refused in (
        ("all", "FILES ALL", True, True),
        ("plain", "", False, True),
        ("tracked", "", True, False),
        ("untracked", "FILES UNTRACKED", True, False),
    ):
        done = configure_in_source(name, files, git)
        assert (done.code != 0) == refused, f"{name}\n{done}"
        if refused:
            assert "its own build tree" in nested.plain_text(done) and "cmake -B build" in nested.plain_text(
                done
            ), done


def test_odd_name_without_cmp0110(tmp):
    project = nested.Project(tmp, 'cmake_policy(SET CMP0110 OLD)\nadd_snapshot_test(NAME "a b" COMMAND true)\n')
    done = project.configure(expect=None)
    assert done.code != 0 and "CMP0110" in nested.plain_text(done), done
    project.rewrite("cmake_policy(SET CMP0110 OLD)\nadd_snapshot_test(NAME a/b::c=1 COMMAND true)\n")
    project.configure()
    assert "a/b::c=1" in project.tests()
    # What counts is how the policy stands at the end of the directory.
    project.rewrite('add_snapshot_test(NAME "a b" COMMAND true)\ncmake_policy(SET CMP0110 NEW)\n')
    project.configure()
    assert "a b" in project.tests()


if __name__ == "__main__":
    harness.main()
