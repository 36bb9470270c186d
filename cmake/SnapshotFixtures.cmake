#[=======================================================================[.rst:
SnapshotFixtures
----------------

Gives each test a tree of its own: a snapshot of the source made of hard links.

.. code-block:: cmake

  find_package(SnapshotFixtures CONFIG REQUIRED)
  enable_testing()
  add_snapshot_test(NAME grpo COMMAND bash tests/grpo.sh LABELS nightly)

.. command:: add_snapshot_test

  Registers a test that runs in its own snapshot of the source::

    add_snapshot_test(
      NAME <name> COMMAND <command> [<arg>...] [COMMAND_EXPAND_LISTS]
      [BUILD_DEPENDS <dependency>...]
      [SOURCE_DIR <dir>] [WORKING_DIRECTORY <relative dir>]
      [FILES TRACKED|UNTRACKED|ALL] [GIT AUTO|ON|OFF]
      [INCLUDE <glob>...] [EXCLUDE <glob>...] [COPY <glob>...]
      [LINK_FROM STORE|SOURCE] [LINK_MODE HARDLINK|REFLINK|COPY] [STRICT]
      [LAUNCHER <word>...|OFF] [TASKS <number>]
      [NO_SOURCE_MAPPING] [GUARD AUTO|ON|OFF] [SOURCE_WRITES DENY|REPORT|ALLOW]
      [UV_LOCKED [<project>...]]
      [KEEP NEVER|ON_FAILURE|ALWAYS] [SETUP TEST|FIXTURE]
      [LABELS <label>...] [CONFIGURATIONS <config>...] [SETUP_TIMEOUT <seconds>]
      [PROPERTIES <key> <value>...])

  ``NAME``
    Any name that CTest allows, once in the whole project, without ``;`` and newlines. A name with other characters than letters, digits and ``_./:+=@-`` needs policy
    :policy:`CMP0110` set to ``NEW`` where the directory ends.

  ``COMMAND``
    As in :command:`add_test`: the first word may be an executable target, defined before or later
    (its ``TEST_LAUNCHER`` and ``CROSSCOMPILING_EMULATOR`` are honoured, the latter whether or not
    one is cross-compiling); generator expressions work in every word, but one that stands for a
    target must be ``$<TARGET_FILE:...>``; a list stays one word, without ``COMMAND_EXPAND_LISTS``.
    A word that is also a keyword of this command, is one but for a letter, or is the name of a
    property of tests is written ``$<1:KEEP>``. ``@SNAPSHOT_DIR@`` in a word, or in the test's
    ``ENVIRONMENT``, becomes the path of the snapshot.

  ``BUILD_DEPENDS``
    As in :command:`add_test`, which knows it from CMake 4.4 on; without effect before.

  ``SOURCE_DIR``
    The source: a git work tree, a folder in one, or any folder. Relative to
    :variable:`CMAKE_CURRENT_SOURCE_DIR`; default :variable:`PROJECT_SOURCE_DIR`.

  ``WORKING_DIRECTORY``
    Where the command runs, relative to the top of the snapshot; default: there.

  ``FILES``
    What the snapshot holds. ``TRACKED``: what git tracks, submodules included, with the content in
    the work tree. ``UNTRACKED``: also what git does not ignore. ``ALL``: every file but ``.git``.
    Default: ``TRACKED`` in a git work tree, else ``ALL``. The root, and a build tree within the
    source, are never part of it.

  ``GIT``
    Whether the snapshot has a ``.git`` of its own, in which git and what reads a ``.git`` find what they find in the
    source, and in which a commit stays; default :variable:`SNAPSHOT_FIXTURES_GIT`. ``AUTO``: where the source is the
    top of a git work tree. ``ON``: it is an error where it is not. ``OFF``: none.

  ``INCLUDE``, ``EXCLUDE``, ``COPY``
    Globs relative to the source, of files to have as well (ignored, generated), of files to leave
    out, and of files that are the snapshot's own from the start instead of linked. ``*`` and ``?``
    do not match ``/``, ``**`` does; a glob without ``/`` matches at any depth; one that matches a
    folder means all below it.

  ``LINK_FROM``
    ``STORE`` (default): link from a private copy of each file under the root. ``SOURCE``: link from
    the source itself, which needs no copy at all and promises less: an edit of the source reaches
    the snapshots, and what a test writes through a link reaches the source.

  ``LINK_MODE``, ``STRICT``
    How a file gets into the snapshot; default ``HARDLINK``. A link that the system refuses becomes
    a copy, or with ``STRICT`` an error.

  ``LAUNCHER``
    A command that starts the test's work elsewhere, on a node of a cluster or in a container, and waits for its end:
    ``LAUNCHER srun -N1``; default :variable:`SNAPSHOT_FIXTURES_LAUNCHER`. The source is frozen where CTest runs. What
    the launcher is to start, ``<root>/.snapfix/bin/snapfix job <ticket>``, is appended to its words: it takes a tree
    there, guards and runs the command, verifies and finishes. Where a word has ``@SNAPSHOT_TICKET@``, nothing is
    appended, and the launcher says itself what the job runs, under the root's path there; ``@SNAPSHOT_ROOT@`` and
    ``@SNAPSHOT_NAME@`` are filled in as well. A single word may be a list. ``OFF``: none.

  ``TASKS``
    How many times the launcher starts the job, where that is not once, nor what Slurm says of its step: these tasks
    share the snapshot, and the last one finishes it.

  ``NO_SOURCE_MAPPING``
    Leaves words of ``COMMAND`` and values of ``ENVIRONMENT`` alone. Without it, a path within
    ``SOURCE_DIR`` (``${CMAKE_CURRENT_SOURCE_DIR}/t.sh``, ``--cfg=<source>/x``, ``-I<source>/x``,
    ``file://<source>/x``) becomes the one in the snapshot, since a test that runs the source's own
    copy is not isolated. What exists in the source alone (a program in an ignored folder) stays.

  ``GUARD``
    Whether the first change in place of a shared file makes it private to the snapshot, by whatever
    program; default :variable:`SNAPSHOT_FIXTURES_GUARD`. ``AUTO``: where the kernel can do it; where
    it cannot, the test's output says so, and what was written through a link is found at its end.
    ``ON``: the test fails where the kernel cannot. ``OFF``: no guard.

  ``SOURCE_WRITES``
    What the guard does where the test changes a file of the source in place, or makes one there;
    default :variable:`SNAPSHOT_FIXTURES_SOURCE_WRITES`. ``DENY``: the call fails with ``EROFS``, and
    the test's output names path and program. ``REPORT``: it is let through, and the test fails and
    names them. ``ALLOW``: it is let through. Build trees and roots are no part of the source.

  ``UV_LOCKED``
    Holds the lock of the uv projects in these folders of the source, by default its top, and of
    these scripts (PEP 723), whose lock is ``<script>.lock``. The test fails, and its command does
    not run, where ``uv lock --check`` says that it is stale; it is asked once for all tests on one
    state of the source. The command runs with ``UV_LOCKED=1`` and without ``UV_FROZEN``,
    ``UV_NO_SYNC`` and ``UV_NO_PROJECT``. The test fails if the lock is not what it was afterwards.
    ``UV_LOCKED OFF`` takes a test out of :variable:`SNAPSHOT_FIXTURES_UV_LOCKED`.

  ``KEEP``
    When the snapshot outlives the test; default :variable:`SNAPSHOT_FIXTURES_KEEP`. A kept one is
    made pristine by the next run of the test. ``ON_FAILURE`` keeps always where the test has a
    ``FAIL_``, ``PASS_`` or ``SKIP_REGULAR_EXPRESSION``, as only CTest knows what these found.

  ``SETUP``
    Where the snapshot is made and finished; default :variable:`SNAPSHOT_FIXTURES_SETUP`. ``TEST``: in
    the test itself, so its ``TIMEOUT`` and its time include that. ``FIXTURE``: in two tests more,
    ``<name>.snapshot_setup`` and ``<name>.snapshot_cleanup``, with a fixture ``snapshot.<name>``. What
    is found at the end fails the cleanup then, not the test.

  ``LABELS``, ``CONFIGURATIONS``
    Of the test, and of the tests that serve it. Labels that are set later are copied as well.

  ``SETUP_TIMEOUT``
    ``TIMEOUT`` of the test that freezes the source, if it is the longest of its tests', and with
    ``SETUP FIXTURE`` of the one that makes the snapshot. The longest of a root is that of its
    ``snapshots.finish.<hash>``, too.

  ``PROPERTIES``
    Further properties of the test, as for :command:`set_tests_properties`. Stands last.
    ``@SNAPSHOT_DIR@`` in ``ENVIRONMENT``, ``REQUIRED_FILES``, ``ATTACHED_FILES``,
    ``ATTACHED_FILES_ON_FAIL`` and ``GENERATED_RESOURCE_SPEC_FILE`` becomes the path of the snapshot.
    Refused, set here or later: ``FIXTURES_SETUP``, ``FIXTURES_CLEANUP``, ``WORKING_DIRECTORY``, an
    environment with ``SNAPSHOT_DIR``, ``SNAPSHOT_NAME`` or ``SNAPSHOT_SOURCE_DIR``, and without
    ``SETUP FIXTURE`` files of the snapshot in ``REQUIRED_FILES``.

  The test makes its snapshot, runs the command there, compares the snapshot with what it was, fails
  if the command wrote through a link, whatever ``WILL_FAIL`` and the like say, and keeps or removes
  it. Two tests serve it and others. ``snapshots.freeze.<source>.<hash>`` freezes the state of the
  source, once for all tests with the same ``SOURCE_DIR``, ``FILES``, ``GIT``, ``INCLUDE`` and ``LINK_FROM``, so
  that all see one state even while somebody edits; it is a test of the top directory, so ``ctest``
  wants to be run there. It is a fixture of the same name: with ``ctest -FS snapshot`` each test makes
  its snapshot of the present state. ``snapshots.finish.<hash>``, one for all tests of a root, ends the
  run: it finishes the snapshots of tests that were killed; and where the source is not what it was when
  it was frozen, it counts as skipped, and its output names the files.

  The test's properties are read at the end of the directory, so they may be set by
  :command:`set_tests_properties`; with CMake 3.28 and newer a parent directory may set them, too.

  The freeze has the labels that all its tests have.

.. command:: add_snapshot_fixture

  Provides a snapshot to tests that others register::

    add_snapshot_fixture(
      NAME <fixture> [DIR_VAR <variable>]
      [SOURCE_DIR <dir>] [FILES TRACKED|UNTRACKED|ALL] [GIT AUTO|ON|OFF]
      [INCLUDE <glob>...] [EXCLUDE <glob>...] [COPY <glob>...]
      [LINK_FROM STORE|SOURCE] [LINK_MODE HARDLINK|REFLINK|COPY] [STRICT]
      [KEEP NEVER|ON_FAILURE|ALWAYS]
      [LABELS <label>...] [CONFIGURATIONS <config>...] [SETUP_TIMEOUT <seconds>])

  A test takes part by the fixture's exact name, ``snapshot.<fixture>``::

    add_snapshot_fixture(NAME tools DIR_VAR tools LABELS nightly)
    add_test(NAME a COMMAND ${tools}/a.sh)
    set_tests_properties(a PROPERTIES FIXTURES_REQUIRED snapshot.tools LABELS nightly)

  ``<fixture>.snapshot_setup`` makes the snapshot, ``<fixture>.snapshot_cleanup`` finishes it. The
  arguments mean what they mean for :command:`add_snapshot_test` with ``SETUP FIXTURE``. ``NAME`` is a plain file name: letters, digits and ``._+=@-``.
  ``DIR_VAR`` receives the snapshot's path, with a multi-config generator one that contains
  ``$<CONFIG>``. Nobody records how these tests ended, so ``ON_FAILURE`` keeps the snapshot.
  ``LABELS`` should name those of all its tests, or ``ctest -LE`` runs setup and cleanup alone.

.. variable:: SNAPSHOT_FIXTURES_ROOT

  Cache variable: the folder that holds the snapshots and all that belongs to them; default
  ``${CMAKE_BINARY_DIR}/.snapshots``. It may lie on another file system than the source, but not
  with ``LINK_FROM SOURCE``, as links do not reach further.

.. variable:: SNAPSHOT_FIXTURES_KEEP

  Cache variable: the default of ``KEEP``; ``ON_FAILURE`` at first.

.. variable:: SNAPSHOT_FIXTURES_GIT

  Cache variable: the default of ``GIT``; ``AUTO`` at first.

.. variable:: SNAPSHOT_FIXTURES_GUARD

  Cache variable: the default of ``GUARD``; ``AUTO`` at first.

.. variable:: SNAPSHOT_FIXTURES_SOURCE_WRITES

  Cache variable: the default of ``SOURCE_WRITES``; ``DENY`` at first.

.. variable:: SNAPSHOT_FIXTURES_LAUNCHER

  Cache or normal variable: the default of ``LAUNCHER``, a list; empty at first.

.. variable:: SNAPSHOT_FIXTURES_SETUP

  Cache variable: the default of ``SETUP``; ``TEST`` at first.

.. variable:: SNAPSHOT_FIXTURES_SPARES

  Cache variable: how many trees of snapshots that go may wait for the next ones; empty: as many as
  processors; ``0``: none.

.. variable:: SNAPSHOT_FIXTURES_PACK

  Cache variable: ``ON_FAILURE`` has each test whose snapshot is kept because it failed pack it, into
  ``${CMAKE_BINARY_DIR}/Testing/packs/<snapshot>.pack.tar.zst``: what ``snapfix repro`` makes the same layout of
  elsewhere. The file is attached to the test in ``Test.xml``, and named in its output as GitLab's JUnit
  reports want it. Not of tests that are judged by their output. ``NEVER`` at first.

.. variable:: SNAPSHOT_FIXTURES_PACK_ENV

  Cache variable: names of variables whose values go into packs, beside those of the test's ``ENVIRONMENT``;
  but no value that looks like a secret.

.. variable:: SNAPSHOT_FIXTURES_REPORT

  Cache variable: an HTML file, relative to ``${CMAKE_BINARY_DIR}``, which each run of ctest writes at its end: what
  failed and why, what each test took, changed and left; its JSON lies beside it. Empty at first: none is written.

.. variable:: SNAPSHOT_FIXTURES_UV_LOCKED

  Cache variable: whether ``UV_LOCKED`` is the default of snapshot tests whose source has a
  ``uv.lock``; ``OFF`` at first.

.. variable:: SNAPSHOT_FIXTURES_UV

  Cache variable: path of uv; found in ``PATH`` where it is not set. A project configures without
  uv; the tests that want it then fail, and say how to get it.

.. variable:: SNAPSHOT_FIXTURES_HELPER

  Cache variable: path of the helper ``snapfix``; default: the one that this package brings. When
  cross-compiling it must be set to a program of the host.
#]=======================================================================]

include_guard(GLOBAL)
cmake_policy(PUSH)
cmake_policy(VERSION 3.20...3.31)

set(SNAPSHOT_FIXTURES_ROOT "${CMAKE_BINARY_DIR}/.snapshots" CACHE PATH
  "The folder that holds the snapshots of tests")
set(SNAPSHOT_FIXTURES_KEEP "ON_FAILURE" CACHE STRING
  "When snapshots outlive their tests: NEVER, ON_FAILURE, ALWAYS")
set_property(CACHE SNAPSHOT_FIXTURES_KEEP PROPERTY STRINGS NEVER ON_FAILURE ALWAYS)
set(SNAPSHOT_FIXTURES_GIT "AUTO" CACHE STRING
  "Whether snapshots have a .git of their own: AUTO, ON, OFF")
set_property(CACHE SNAPSHOT_FIXTURES_GIT PROPERTY STRINGS AUTO ON OFF)
set(SNAPSHOT_FIXTURES_GUARD "AUTO" CACHE STRING
  "Whether tests run under the guard that breaks links on write: AUTO, ON, OFF")
set_property(CACHE SNAPSHOT_FIXTURES_GUARD PROPERTY STRINGS AUTO ON OFF)
set(SNAPSHOT_FIXTURES_SOURCE_WRITES "DENY" CACHE STRING
  "What becomes of a test's writes to the source: DENY, REPORT, ALLOW")
set_property(CACHE SNAPSHOT_FIXTURES_SOURCE_WRITES PROPERTY STRINGS DENY REPORT ALLOW)
set(SNAPSHOT_FIXTURES_SETUP "TEST" CACHE STRING
  "Where snapshots are made: TEST, in the test itself; FIXTURE, in a test before it")
set_property(CACHE SNAPSHOT_FIXTURES_SETUP PROPERTY STRINGS TEST FIXTURE)
set(SNAPSHOT_FIXTURES_SPARES "" CACHE STRING
  "How many trees of snapshots that go may wait for the next ones; empty: as many as processors")
set(SNAPSHOT_FIXTURES_PACK "NEVER" CACHE STRING
  "Whether snapshots of tests that fail are packed, to be made elsewhere: NEVER, ON_FAILURE")
set_property(CACHE SNAPSHOT_FIXTURES_PACK PROPERTY STRINGS NEVER ON_FAILURE)
set(SNAPSHOT_FIXTURES_PACK_ENV "" CACHE STRING
  "Names of environment variables whose values go into packs, beside those of the test")
set(SNAPSHOT_FIXTURES_LAUNCHER "" CACHE STRING
  "The command, a list, that starts the work of tests elsewhere; empty: none")
set(SNAPSHOT_FIXTURES_REPORT "" CACHE STRING
  "An HTML file, relative to the build tree, that each run of ctest writes at its end; empty: none")
option(SNAPSHOT_FIXTURES_UV_LOCKED
  "Whether UV_LOCKED is the default of tests whose source has a uv.lock" OFF)
set(SNAPSHOT_FIXTURES_HELPER "" CACHE FILEPATH
  "Path of the helper snapfix; empty: the one that SnapshotFixtures brings")

# What stands in SnapshotFixtures/: each function there takes what it needs as arguments, since a variable
# that it does not set itself might be one of the project's.
foreach(_snapshot_fixtures_part IN ITEMS Arguments Tests Uv Freeze EndOfDirectory Discovery Scripts)
  include("${CMAKE_CURRENT_LIST_DIR}/SnapshotFixtures/${_snapshot_fixtures_part}.cmake")
endforeach()

function(add_snapshot_test)
  _snapshot_fixtures_parse(add_snapshot_test ${ARGC}
    "STRICT;NO_SOURCE_MAPPING;COMMAND_EXPAND_LISTS"
    "NAME;SOURCE_DIR;WORKING_DIRECTORY;FILES;GIT;LINK_FROM;LINK_MODE;GUARD;SOURCE_WRITES;KEEP;SETUP;SETUP_TIMEOUT;TASKS"
    "COMMAND;INCLUDE;EXCLUDE;COPY;LAUNCHER;UV_LOCKED;LABELS;CONFIGURATIONS;BUILD_DEPENDS;PROPERTIES")
  _snapshot_fixtures_check_name("${where}" "${NAME}")
  _snapshot_fixtures_check_no_test("${where}" "${NAME}")
  if("${COMMAND}" STREQUAL "") # bare, if() takes it for its own word
    _snapshot_fixtures_misuse("${where}" "there is no COMMAND" "write COMMAND <command> [<arg>...]")
  endif()
  if("PROPERTIES" IN_LIST given)
    cmake_language(EVAL CODE "_snapshot_fixtures_check_properties(\"\${where}\" ${PROPERTIES_code})")
  endif()
  _snapshot_fixtures_default(setup "${where}" SETUP "${SETUP}")
  _snapshot_fixtures_find_place(place add_snapshot_test "${NAME}")
  _snapshot_fixtures_default(git "${where}" GIT "${GIT}")
  _snapshot_fixtures_find_plan(plan add_snapshot_test "${where}" "${place}" "${given}" "${SOURCE_DIR}"
    "${FILES_code} \"--git=${git}\"${LINK_FROM_code}${INCLUDE_code}"
    "${LINK_MODE_code}${EXCLUDE_code}${COPY_code}${STRICT_code}"
    "${UV_LOCKED}" "${KEEP}" "${GUARD}" "${SOURCE_WRITES}" "${WORKING_DIRECTORY}")
  foreach(part IN ITEMS helper_code tree_code run_code finish_code freeze)
    get_property(${part} GLOBAL PROPERTY "${plan} ${part}")
  endforeach()
  get_property(source GLOBAL PROPERTY "${plan} source")
  cmake_language(EVAL CODE "_snapshot_fixtures_note_scripts(\"\${NAME}\" \"\${source}\" \"\${WORKING_DIRECTORY}\"
    \"\${FILES_code}\${INCLUDE_code}\" \"\${COMMAND}\" ${COMMAND_code})")
  _snapshot_fixtures_name_snapshot("${NAME}")
  _snapshot_fixtures_find_verdict(verdict "${NAME}")
  set(verdict_code "\"--verdict=$<GENEX_EVAL:$<TARGET_PROPERTY:_snapshot_fixtures_verdicts,${verdict}>>\"")
  set(env_code " \"--pack-env=$<TARGET_PROPERTY:_snapshot_fixtures_verdicts,${verdict}_env>\"")
  string(APPEND verdict_code "${env_code}")
  _snapshot_fixtures_find_launcher(launcher_code "${where}" "${given}" "${LAUNCHER}" "${LAUNCHER_code}" "${TASKS_code}")
  if(setup STREQUAL "fixture")
    _snapshot_fixtures_add_pair("${where}" "${NAME}" "${place}" "${plan}" "${snapshot_code}" "${fixture}"
      "${CONFIGURATIONS_code}" "${SETUP_TIMEOUT_code}" "${verdict_code}")
  else()
    set(fixture "")
    string(APPEND run_code " \"--finish\" ${finish_code} ${verdict_code}")
  endif()
  if(setup STREQUAL "fixture" AND NOT launcher_code STREQUAL "")
    string(APPEND launcher_code "${env_code}") # what the launcher may not carry
  endif()

  _snapshot_fixtures_program_code(wrapper_code program_code "${COMMAND}")
  set(command_code
    "${helper_code} \"run\" ${snapshot_code} ${tree_code} ${run_code} \"--ctest\"${launcher_code} ${wrapper_code} \"--\"")
  set(more_code "")
  if("COMMAND_EXPAND_LISTS" IN_LIST given)
    string(REPLACE ";" "\\\\;" command_code "${command_code}") # no list of ours is one for CMake
    set(more_code " COMMAND_EXPAND_LISTS")
  endif()
  # A keyword of add_test() from CMake 4.4 on.
  if("BUILD_DEPENDS" IN_LIST given AND NOT CMAKE_VERSION VERSION_LESS 4.4)
    string(APPEND more_code " BUILD_DEPENDS ${BUILD_DEPENDS_code}")
  endif()
  # WORKING_DIRECTORY stays what it is, and `run` changes into the snapshot: ctest would refuse to start
  # a test in a folder that is not there yet.
  _snapshot_fixtures_escape(name "${NAME}")
  _snapshot_fixtures_add_test("${name}" "${place}" "${CONFIGURATIONS_code}"
    "${command_code} ${program_code} ${COMMAND_code}${more_code}" "${PROPERTIES_code}")
  set_property(TEST "${NAME}" APPEND PROPERTY FIXTURES_REQUIRED ${fixture} "${freeze}")
  if("LABELS" IN_LIST given)
    set_property(TEST "${NAME}" APPEND PROPERTY LABELS "${LABELS}")
  endif()
  _snapshot_fixtures_remember(TRUE "${name}" "${fixture}" "${plan}"
    "${CONFIGURATIONS_code}" "" "${SETUP_TIMEOUT}")
endfunction()

function(add_snapshot_fixture)
  _snapshot_fixtures_parse(add_snapshot_fixture ${ARGC}
    "STRICT"
    "NAME;DIR_VAR;SOURCE_DIR;FILES;GIT;LINK_FROM;LINK_MODE;KEEP;SETUP_TIMEOUT"
    "INCLUDE;EXCLUDE;COPY;LABELS;CONFIGURATIONS")
  _snapshot_fixtures_check_name("${where}" "${NAME}")
  _snapshot_fixtures_check_plain_name("${where}" "${NAME}")
  _snapshot_fixtures_find_place(place add_snapshot_fixture "${NAME}")
  _snapshot_fixtures_default(git "${where}" GIT "${GIT}")
  _snapshot_fixtures_find_plan(plan add_snapshot_fixture "${where}" "${place}" "${given}" "${SOURCE_DIR}"
    "${FILES_code} \"--git=${git}\"${LINK_FROM_code}${INCLUDE_code}"
    "${LINK_MODE_code}${EXCLUDE_code}${COPY_code}${STRICT_code}" "" "${KEEP}" "" "" "")
  _snapshot_fixtures_name_snapshot("${NAME}")
  if("DIR_VAR" IN_LIST given)
    set(folder "${NAME}")
    get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
    if(multi_config)
      string(APPEND folder "@$<CONFIG>")
    endif()
    get_property(root GLOBAL PROPERTY "${plan} root")
    set("${DIR_VAR}" "${root}/${folder}" PARENT_SCOPE)
  endif()
  _snapshot_fixtures_add_pair("${where}" "${NAME}" "${place}" "${plan}" "${snapshot_code}" "${fixture}"
    "${CONFIGURATIONS_code}" "${SETUP_TIMEOUT_code}" "")
  _snapshot_fixtures_remember(FALSE "${NAME}" "${fixture}" "${plan}"
    "${CONFIGURATIONS_code}" "${LABELS}" "${SETUP_TIMEOUT}")
endfunction()

cmake_policy(POP)
