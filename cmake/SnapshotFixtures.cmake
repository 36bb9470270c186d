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
      NAME <name> COMMAND <command> [<arg>...]
      [SOURCE_DIR <dir>] [WORKING_DIRECTORY <relative dir>]
      [FILES TRACKED|UNTRACKED|ALL]
      [INCLUDE <glob>...] [EXCLUDE <glob>...] [COPY <glob>...]
      [LINK_FROM STORE|SOURCE] [LINK_MODE HARDLINK|REFLINK|COPY] [STRICT]
      [NO_SOURCE_MAPPING] [GUARD AUTO|ON|OFF] [UV_LOCKED [<project>...]]
      [KEEP NEVER|ON_FAILURE|ALWAYS]
      [LABELS <label>...] [CONFIGURATIONS <config>...] [SETUP_TIMEOUT <seconds>]
      [PROPERTIES <key> <value>...])

  ``NAME``
    Any name that CTest allows, once in the whole project, without ``;`` and newlines. A name with other characters than letters, digits and ``_./:+=@-`` needs policy
    :policy:`CMP0110` set to ``NEW`` where the directory ends.

  ``COMMAND``
    As in :command:`add_test`: the first word may be an executable target, defined before or later
    (its ``TEST_LAUNCHER`` and ``CROSSCOMPILING_EMULATOR`` are honoured, the latter whether or not
    one is cross-compiling); generator expressions work in every word, but one that stands for a
    target must be ``$<TARGET_FILE:...>``; a list stays one word. A word that is also a keyword of
    this command is written ``$<1:KEEP>``. ``@SNAPSHOT_DIR@`` in a word, or in the test's
    ``ENVIRONMENT``, becomes the path of the snapshot.

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

  ``NO_SOURCE_MAPPING``
    Leaves words of ``COMMAND`` and values of ``ENVIRONMENT`` alone. Without it, a path within
    ``SOURCE_DIR`` (``${CMAKE_CURRENT_SOURCE_DIR}/t.sh``, ``--cfg=<source>/x``) becomes the one in
    the snapshot, since a test that runs the source's own copy is not isolated.

  ``GUARD``
    Whether the first change in place of a shared file makes it private to the snapshot, by whatever
    program; default :variable:`SNAPSHOT_FIXTURES_GUARD`. ``AUTO``: where the kernel can do it; where
    it cannot, the test's output says so and the cleanup finds what was written through a link.
    ``ON``: the test fails where the kernel cannot. ``OFF``: no guard.

  ``UV_LOCKED``
    Holds the lock of the uv projects in these folders of the source, by default its top. The setup
    fails where ``uv lock --check`` says that ``uv.lock`` is stale; it is asked once for all tests on
    one state of the source. The test runs with ``UV_LOCKED=1`` and without ``UV_FROZEN``, and the
    cleanup fails if ``uv.lock`` is not what it was. ``UV_LOCKED OFF`` takes a test out of
    :variable:`SNAPSHOT_FIXTURES_UV_LOCKED`. The test's ``ENVIRONMENT`` is that of its setup as well.

  ``KEEP``
    When the snapshot outlives the test; default :variable:`SNAPSHOT_FIXTURES_KEEP`. A kept one is
    made pristine by the next run of the test.

  ``LABELS``, ``CONFIGURATIONS``
    Of the test, and of the tests that serve it. Labels that are set later are copied as well.

  ``SETUP_TIMEOUT``
    ``TIMEOUT`` of the tests that make the snapshot.

  ``PROPERTIES``
    Further properties of the test, as for :command:`set_tests_properties`. Stands last.

  Three more tests serve it. ``snapshots.freeze.<source>.<hash>`` freezes the state of the source,
  once for all tests with the same ``SOURCE_DIR``, ``FILES``, ``INCLUDE`` and ``LINK_FROM``, so that
  all see one state even while somebody edits; it is a test of the top directory, so ``ctest``
  wants to be run there. ``<name>.snapshot_setup`` makes the snapshot. ``<name>.snapshot_cleanup``
  compares it with what it was, fails if the test wrote through a link, and keeps or removes it; it
  exists only from the end of the directory on. The fixtures are called ``snapshots.freeze.*`` and
  ``snapshot.*``: ``ctest -FS snapshot`` runs tests without these setups, and each then makes its
  snapshot itself.

  ``LABELS``, ``DISABLED``, ``WILL_FAIL``, ``SKIP_RETURN_CODE`` and ``FIXTURES_REQUIRED`` of the
  test are read at the end of the directory, so they may be set by :command:`set_tests_properties`.

.. command:: add_snapshot_fixture

  Provides a snapshot to tests that others register::

    add_snapshot_fixture(
      NAME <fixture> [DIR_VAR <variable>]
      [SOURCE_DIR <dir>] [FILES TRACKED|UNTRACKED|ALL]
      [INCLUDE <glob>...] [EXCLUDE <glob>...] [COPY <glob>...]
      [LINK_FROM STORE|SOURCE] [LINK_MODE HARDLINK|REFLINK|COPY] [STRICT]
      [KEEP NEVER|ON_FAILURE|ALWAYS]
      [LABELS <label>...] [CONFIGURATIONS <config>...] [SETUP_TIMEOUT <seconds>])

  A test takes part by the fixture's exact name, ``snapshot.<fixture>``::

    add_snapshot_fixture(NAME tools DIR_VAR tools LABELS nightly)
    add_test(NAME a COMMAND ${tools}/a.sh)
    set_tests_properties(a PROPERTIES FIXTURES_REQUIRED snapshot.tools LABELS nightly)

  The arguments mean what they mean for :command:`add_snapshot_test`, and the names of the tests
  that serve it are the same. ``NAME`` is a plain file name: letters, digits and ``._+=@-``.
  ``DIR_VAR`` receives the snapshot's path, with a multi-config generator one that contains
  ``$<CONFIG>``. Nobody records how these tests ended, so ``ON_FAILURE`` keeps the snapshot.
  ``LABELS`` should name those of all its tests, or ``ctest -LE`` runs setup and cleanup alone.

.. command:: add_uv_lock_check

  Registers a test that fails where scripts call uv without pinning the lock::

    add_uv_lock_check(
      NAME <name> PATHS <path>...
      [LABELS <label>...] [CONFIGURATIONS <config>...])

  ``PATHS`` are files and folders, relative to :variable:`CMAKE_CURRENT_SOURCE_DIR`: shell scripts,
  makefiles, Dockerfiles, YAML, justfiles, Python. It reports ``uv run``, ``uv sync`` and the like
  without ``--locked`` or ``--frozen``, and ``--frozen`` itself, which uv refuses where
  ``UV_LOCKED=1`` is set. ``# snapfix: allow-unlocked`` on its line silences one.

.. variable:: SNAPSHOT_FIXTURES_ROOT

  Cache variable: the folder that holds the snapshots and all that belongs to them; default
  ``${CMAKE_BINARY_DIR}/snapshots``. It may lie on another file system than the source, but not
  with ``LINK_FROM SOURCE``, as links do not reach further.

.. variable:: SNAPSHOT_FIXTURES_KEEP

  Cache variable: the default of ``KEEP``; ``ON_FAILURE`` at first.

.. variable:: SNAPSHOT_FIXTURES_GUARD

  Cache variable: the default of ``GUARD``; ``AUTO`` at first.

.. variable:: SNAPSHOT_FIXTURES_UV_LOCKED

  Cache variable: whether ``UV_LOCKED`` is the default of snapshot tests whose source has a
  ``uv.lock``; ``OFF`` at first.

.. variable:: SNAPSHOT_FIXTURES_UV

  Cache variable: path of uv; found in ``PATH`` where it is not set. A project configures without
  uv; the tests that want it then fail in their setup, and say how to get it.

.. variable:: SNAPSHOT_FIXTURES_HELPER

  Cache variable: path of the helper ``snapfix``; default: the one that this package brings. When
  cross-compiling it must be set to a program of the host.
#]=======================================================================]

include_guard(GLOBAL)
cmake_policy(PUSH)
cmake_policy(VERSION 3.20...3.31)

set(SNAPSHOT_FIXTURES_ROOT "${CMAKE_BINARY_DIR}/snapshots" CACHE PATH
  "The folder that holds the snapshots of tests")
set(SNAPSHOT_FIXTURES_KEEP "ON_FAILURE" CACHE STRING
  "When snapshots outlive their tests: NEVER, ON_FAILURE, ALWAYS")
set_property(CACHE SNAPSHOT_FIXTURES_KEEP PROPERTY STRINGS NEVER ON_FAILURE ALWAYS)
set(SNAPSHOT_FIXTURES_GUARD "AUTO" CACHE STRING
  "Whether tests run under the guard that breaks links on write: AUTO, ON, OFF")
set_property(CACHE SNAPSHOT_FIXTURES_GUARD PROPERTY STRINGS AUTO ON OFF)
option(SNAPSHOT_FIXTURES_UV_LOCKED
  "Whether UV_LOCKED is the default of tests whose source has a uv.lock" OFF)
set(SNAPSHOT_FIXTURES_HELPER "" CACHE FILEPATH
  "Path of the helper snapfix; empty: the one that SnapshotFixtures brings")

# ---- the two commands ----------------------------------------------------------------------------
#
# No CMake list holds every word (empty ones, `[` without `]`), so lists of words are kept as CMake
# code: quoted arguments in one string, for cmake_language(EVAL CODE). Such variables end in _code.

function(add_snapshot_test)
  set(call "add_snapshot_test")
  set(flags STRICT NO_SOURCE_MAPPING)
  set(single
    NAME SOURCE_DIR WORKING_DIRECTORY FILES LINK_FROM LINK_MODE GUARD KEEP SETUP_TIMEOUT)
  set(multi COMMAND INCLUDE EXCLUDE COPY UV_LOCKED LABELS CONFIGURATIONS PROPERTIES)
  set(argc "${ARGC}")
  _snapshot_fixtures_parse()
  _snapshot_fixtures_check_name()
  if("${arg_COMMAND}" STREQUAL "")
    _snapshot_fixtures_misuse("there is no COMMAND" "write COMMAND <command> [<arg>...]")
  endif()
  cmake_language(EVAL CODE "_snapshot_fixtures_check_properties(${PROPERTIES_code})")
  _snapshot_fixtures_check_working_directory()
  _snapshot_fixtures_prepare()
  _snapshot_fixtures_lock_uv()

  set(run_code "${tree_code} \"--fresh\" \"--frozen\"")
  if(NOT arg_NO_SOURCE_MAPPING)
    string(APPEND run_code " \"--map-source\"")
  endif()
  _snapshot_fixtures_default(guard GUARD AUTO ON OFF)
  string(APPEND run_code " \"--guard\" \"${guard}\"")
  if(NOT "${arg_WORKING_DIRECTORY}" STREQUAL "")
    _snapshot_fixtures_quote(quoted "--chdir=${arg_WORKING_DIRECTORY}")
    string(APPEND run_code " ${quoted}")
  endif()
  _snapshot_fixtures_program_code(program_code "${arg_COMMAND}")

  _snapshot_fixtures_add_setup()
  # WORKING_DIRECTORY stays what it is, and `run` changes into the snapshot. Were it the snapshot,
  # ctest would refuse to start a test whose setup was left out (-FS, -E), although `run` makes a
  # missing snapshot itself; and `run` may replace a used snapshot by a new one.
  cmake_language(EVAL CODE "
    add_test(NAME ${name_code} ${configurations_code} COMMAND ${helper_code}
      \"run\" ${snapshot_code} ${run_code} \"--ctest\" ${program_code} ${COMMAND_code})")
  if(NOT PROPERTIES_code STREQUAL "")
    cmake_language(EVAL CODE "set_tests_properties(${name_code} PROPERTIES ${PROPERTIES_code})")
  endif()
  set_property(TEST "${arg_NAME}" APPEND PROPERTY FIXTURES_REQUIRED "${fixture}" "${freeze}")
  if(DEFINED arg_LABELS)
    set_property(TEST "${arg_NAME}" APPEND PROPERTY LABELS "${arg_LABELS}")
  endif()
  _snapshot_fixtures_remember()
endfunction()

function(add_snapshot_fixture)
  set(call "add_snapshot_fixture")
  set(flags STRICT)
  set(single NAME DIR_VAR SOURCE_DIR FILES LINK_FROM LINK_MODE KEEP SETUP_TIMEOUT)
  set(multi INCLUDE EXCLUDE COPY LABELS CONFIGURATIONS)
  set(argc "${ARGC}")
  _snapshot_fixtures_parse()
  _snapshot_fixtures_check_name()
  _snapshot_fixtures_prepare()

  # Others write this name into FIXTURES_REQUIRED, and the path into their commands.
  set(folders "${arg_NAME}")
  if(multi_config)
    set(folders "${CMAKE_CONFIGURATION_TYPES}")
    list(TRANSFORM folders PREPEND "${arg_NAME}@")
  endif()
  foreach(folder IN LISTS folders)
    _snapshot_fixtures_folder(mapped "${folder}")
    if(NOT mapped STREQUAL folder)
      _snapshot_fixtures_misuse("the name is no plain file name"
        "use up to 100 letters, digits and ._+=@-, with a letter, a digit or _ in front")
    endif()
  endforeach()
  if(DEFINED arg_DIR_VAR)
    set("${arg_DIR_VAR}" "${root}/${snapshot}" PARENT_SCOPE)
  endif()

  _snapshot_fixtures_add_setup()
  _snapshot_fixtures_remember()
endfunction()

function(add_uv_lock_check)
  set(call "add_uv_lock_check")
  set(flags "")
  set(single NAME)
  set(multi PATHS LABELS CONFIGURATIONS)
  set(argc "${ARGC}")
  _snapshot_fixtures_parse()
  _snapshot_fixtures_check_name()
  if(NOT DEFINED arg_PATHS)
    _snapshot_fixtures_misuse("there are no PATHS" "write PATHS <file or folder>...")
  endif()
  set(paths_code "")
  foreach(path IN LISTS arg_PATHS)
    get_filename_component(path "${path}" ABSOLUTE)
    if(NOT EXISTS "${path}")
      _snapshot_fixtures_misuse("there is no '${path}'"
        "name files and folders relative to ${CMAKE_CURRENT_SOURCE_DIR}")
    endif()
    _snapshot_fixtures_literal(path "${path}")
    _snapshot_fixtures_quote(quoted "${path}")
    string(APPEND paths_code " ${quoted}")
  endforeach()
  _snapshot_fixtures_helper(helper)
  _snapshot_fixtures_quote(helper_code "${helper}")
  _snapshot_fixtures_quote(name_code "${arg_NAME}")
  set(configurations_code "")
  if(DEFINED arg_CONFIGURATIONS)
    set(configurations_code "CONFIGURATIONS ${CONFIGURATIONS_code}")
  endif()
  cmake_language(EVAL CODE "
    add_test(NAME ${name_code} ${configurations_code} COMMAND ${helper_code}
      \"uv-lint\" \"--assume-locked\" ${paths_code})")
  if(DEFINED arg_LABELS)
    set_property(TEST "${arg_NAME}" APPEND PROPERTY LABELS "${arg_LABELS}")
  endif()
endfunction()

# ---- arguments -----------------------------------------------------------------------------------

function(_snapshot_fixtures_misuse what instead)
  string(CONCAT text "${call}(NAME ${arg_NAME}): ${what}.\n" "To mend it: ${instead}.")
  message(FATAL_ERROR "${text}")
endfunction()

# A word as CMake code.
function(_snapshot_fixtures_quote out word)
  string(REPLACE "\\" "\\\\" word "${word}")
  string(REPLACE "\"" "\\\"" word "${word}")
  string(REPLACE "$" "\\$" word "${word}")
  set(${out} "\"${word}\"" PARENT_SCOPE)
endfunction()

# A text in which add_test() will find no generator expression.
function(_snapshot_fixtures_literal out text)
  string(REPLACE "$<" "$<1:$><" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Reads the caller's arguments: arg_<keyword> is the value of a single keyword, TRUE for a flag, the
# list of a multi one's values, and <keyword>_code those values as code. The first word of COMMAND
# is in arg_COMMAND only. cmake_parse_arguments() would lose words, and take LINK_MODE COPY for two
# keywords. A macro, since only the caller has its ARGV<n>.
macro(_snapshot_fixtures_parse)
  set(keywords ${flags} ${single} ${multi})
  foreach(keyword IN LISTS keywords)
    unset(arg_${keyword})
    set(${keyword}_code "")
  endforeach()
  set(unknown "")
  set(seen "")
  set(keyword "") # the one whose values are being read
  set(index 0)
  while(index LESS argc)
    set(word "${ARGV${index}}")
    math(EXPR index "${index} + 1")
    if(word IN_LIST keywords AND NOT (word STREQUAL "COPY" AND keyword STREQUAL "LINK_MODE"))
      _snapshot_fixtures_check_new_keyword()
      _snapshot_fixtures_check_value_given()
      list(APPEND seen "${word}")
      set(keyword "${word}")
      if(keyword IN_LIST flags)
        set(arg_${keyword} TRUE)
        set(keyword "")
      endif()
    elseif(keyword IN_LIST single)
      set(arg_${keyword} "${word}")
      set(keyword "")
    elseif(keyword IN_LIST multi)
      _snapshot_fixtures_check_word()
      if(NOT (keyword STREQUAL "COMMAND" AND NOT DEFINED arg_COMMAND))
        _snapshot_fixtures_quote(quoted "${word}")
        string(APPEND ${keyword}_code " ${quoted}")
      endif()
      if(NOT (keyword STREQUAL "COMMAND" AND DEFINED arg_COMMAND))
        list(APPEND arg_${keyword} "${word}")
      endif()
    else()
      string(APPEND unknown " '${word}'")
    endif()
  endwhile()
  _snapshot_fixtures_check_value_given()
  _snapshot_fixtures_check_arguments()
endmacro()

function(_snapshot_fixtures_check_value_given)
  if(keyword AND NOT DEFINED arg_${keyword} AND NOT keyword STREQUAL "UV_LOCKED")
    _snapshot_fixtures_misuse("${keyword} has no value" "write a value behind it, or leave it out")
  endif()
endfunction()

function(_snapshot_fixtures_check_new_keyword)
  if(word IN_LIST seen)
    _snapshot_fixtures_misuse("${word} is given twice" "write it once, with all its values")
  endif()
  if("PROPERTIES" IN_LIST seen AND word MATCHES "^(LABELS|WORKING_DIRECTORY)$")
    _snapshot_fixtures_misuse("${word} is given after PROPERTIES"
      "write ${word} in front of PROPERTIES, as an argument of its own")
  endif()
endfunction()

function(_snapshot_fixtures_check_word)
  if(keyword STREQUAL "COMMAND" AND word STREQUAL "COMMAND_EXPAND_LISTS")
    _snapshot_fixtures_misuse("COMMAND_EXPAND_LISTS is not supported"
      "write each argument as a word of its own, or build the list before")
  endif()
  if(keyword MATCHES "^(INCLUDE|EXCLUDE|COPY)$"
      AND (word STREQUAL "" OR IS_ABSOLUTE "${word}" OR word MATCHES "(^|/)\\.\\.(/|$)"))
    _snapshot_fixtures_misuse("${keyword} '${word}' is no glob relative to the source"
      "write it as seen from the top of SOURCE_DIR, without '..', for instance 'tests/*.log'")
  endif()
endfunction()

function(_snapshot_fixtures_check_arguments)
  if(unknown)
    list(JOIN keywords " " known)
    _snapshot_fixtures_misuse("unknown arguments:${unknown}" "the keywords are: ${known}")
  endif()
  _snapshot_fixtures_check_choice(FILES TRACKED UNTRACKED ALL)
  _snapshot_fixtures_check_choice(LINK_FROM STORE SOURCE)
  _snapshot_fixtures_check_choice(LINK_MODE HARDLINK REFLINK COPY)
  _snapshot_fixtures_check_choice(GUARD AUTO ON OFF)
  _snapshot_fixtures_check_choice(KEEP NEVER ON_FAILURE ALWAYS)
  if("SETUP_TIMEOUT" IN_LIST seen AND NOT arg_SETUP_TIMEOUT MATCHES "^[0-9]*[1-9][0-9]*$")
    _snapshot_fixtures_misuse("SETUP_TIMEOUT '${arg_SETUP_TIMEOUT}' is no number of seconds"
      "write a whole number above 0")
  endif()
endfunction()

function(_snapshot_fixtures_check_choice keyword)
  if(keyword IN_LIST seen AND NOT arg_${keyword} IN_LIST ARGN)
    list(JOIN ARGN ", " choices)
    _snapshot_fixtures_misuse("${keyword} '${arg_${keyword}}' is not known"
      "write one of ${choices}")
  endif()
endfunction()

function(_snapshot_fixtures_check_name)
  if("${arg_NAME}" STREQUAL "")
    _snapshot_fixtures_misuse("there is no name" "write NAME <name>")
  endif()
  if(arg_NAME MATCHES "[;\r\n]")
    _snapshot_fixtures_misuse("the name contains a semicolon or a newline"
      "choose a name without them")
  endif()
  # In the whole project, as the names of fixtures and of snapshots hold there.
  string(SHA256 id "${arg_NAME}")
  get_property(owner GLOBAL PROPERTY _snapshot_fixtures_owner_${id})
  if(owner)
    _snapshot_fixtures_misuse("the name is taken already, in ${owner}" "choose another name")
  endif()
  foreach(name IN ITEMS "${arg_NAME}" "${arg_NAME}.snapshot_setup" "${arg_NAME}.snapshot_cleanup")
    if(TEST "${name}" AND (NOT call STREQUAL "add_snapshot_fixture" OR NOT name STREQUAL arg_NAME))
      _snapshot_fixtures_misuse("there is a test '${name}' already" "choose another name")
    endif()
  endforeach()
  set_property(GLOBAL PROPERTY _snapshot_fixtures_owner_${id} "${CMAKE_CURRENT_LIST_FILE}")
endfunction()

function(_snapshot_fixtures_check_properties)
  math(EXPR odd "${ARGC} % 2")
  if(odd)
    _snapshot_fixtures_misuse("PROPERTIES are no pairs of key and value"
      "write a value behind each key, in quotes if it is a list")
  endif()
  set(index 0)
  while(index LESS ARGC)
    set(key "${ARGV${index}}")
    if(key MATCHES "^FIXTURES_(SETUP|CLEANUP)$")
      _snapshot_fixtures_misuse("PROPERTIES cannot set ${key}: the test has a fixture of its own"
        "let a test by add_test() set up for others, or use add_snapshot_fixture()")
    endif()
    math(EXPR index "${index} + 2")
  endwhile()
endfunction()

function(_snapshot_fixtures_check_working_directory)
  if(NOT DEFINED arg_WORKING_DIRECTORY)
    return()
  endif()
  set(given "WORKING_DIRECTORY '${arg_WORKING_DIRECTORY}'")
  if(IS_ABSOLUTE "${arg_WORKING_DIRECTORY}")
    _snapshot_fixtures_misuse("${given} is absolute"
      "write it as seen from the top of SOURCE_DIR, for instance 'tests'")
  elseif(arg_WORKING_DIRECTORY MATCHES "(^|/)\\.\\.(/|$)")
    _snapshot_fixtures_misuse("${given} leads out of the snapshot" "write a folder without '..'")
  endif()
endfunction()

# ---- what both commands register -----------------------------------------------------------------

# Sets for the caller what the tests are made of: source, root, multi_config, snapshot (the name
# that the helper is given), fixture, freeze (test and fixture that freezes the source), helper,
# keep, and as code: name, snapshot, helper, root, tree, configurations.
function(_snapshot_fixtures_prepare)
  set(source "${PROJECT_SOURCE_DIR}")
  if(DEFINED arg_SOURCE_DIR)
    get_filename_component(source "${arg_SOURCE_DIR}" ABSOLUTE)
  endif()
  if(NOT IS_DIRECTORY "${source}")
    _snapshot_fixtures_misuse("SOURCE_DIR '${source}' is no folder"
      "name a folder that exists, absolute or relative to ${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  get_filename_component(root "${SNAPSHOT_FIXTURES_ROOT}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
  _snapshot_fixtures_check_places()

  _snapshot_fixtures_default(keep KEEP NEVER ON_FAILURE ALWAYS)

  _snapshot_fixtures_helper(helper)
  _snapshot_fixtures_quote(helper_code "${helper}")

  _snapshot_fixtures_quote(name_code "${arg_NAME}")
  _snapshot_fixtures_folder(folder "${arg_NAME}")
  set(fixture "snapshot.${folder}")
  _snapshot_fixtures_literal(snapshot "${arg_NAME}")
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    string(APPEND snapshot "@$<CONFIG>")
  endif()
  set(word "${snapshot}")
  if(arg_NAME MATCHES "^-") # which the helper would take for an option
    string(PREPEND word "--name=")
  endif()
  _snapshot_fixtures_quote(snapshot_code "${word}")
  set(configurations_code "")
  if(DEFINED arg_CONFIGURATIONS)
    set(configurations_code "CONFIGURATIONS ${CONFIGURATIONS_code}")
  endif()

  _snapshot_fixtures_literal(literal "${root}")
  _snapshot_fixtures_quote(quoted "${literal}")
  set(root_code "\"--root\" ${quoted}")
  _snapshot_fixtures_literal(literal "${source}")
  _snapshot_fixtures_quote(quoted "${literal}")
  set(freeze_code "\"--source\" ${quoted} ${root_code}")
  _snapshot_fixtures_option(freeze_code FILES)
  _snapshot_fixtures_option(freeze_code LINK_FROM)
  _snapshot_fixtures_options(freeze_code INCLUDE)
  set(tree_code "${freeze_code}")
  _snapshot_fixtures_option(tree_code LINK_MODE)
  _snapshot_fixtures_options(tree_code EXCLUDE)
  _snapshot_fixtures_options(tree_code COPY)
  if(arg_STRICT)
    string(APPEND tree_code " \"--strict\"")
  endif()
  _snapshot_fixtures_use_freeze()

  foreach(variable IN ITEMS source root multi_config snapshot fixture freeze keep
      name_code snapshot_code helper_code root_code tree_code configurations_code)
    set(${variable} "${${variable}}" PARENT_SCOPE)
  endforeach()
endfunction()

# Adds what UV_LOCKED means to tree_code, and sets uv_locked to whether it holds.
macro(_snapshot_fixtures_lock_uv)
  set(uv_locked FALSE)
  if("UV_LOCKED" IN_LIST seen AND NOT DEFINED arg_UV_LOCKED)
    set(arg_UV_LOCKED ".")
  elseif(NOT DEFINED arg_UV_LOCKED AND SNAPSHOT_FIXTURES_UV_LOCKED AND EXISTS "${source}/uv.lock")
    set(arg_UV_LOCKED ".")
  endif()
  if(arg_UV_LOCKED MATCHES "^([Oo][Nn]|[Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|1)$")
    set(arg_UV_LOCKED ".")
  endif()
  if(DEFINED arg_UV_LOCKED
      AND NOT arg_UV_LOCKED MATCHES "^([Oo][Ff][Ff]|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]|0)$")
    set(uv_locked TRUE)
    foreach(project IN LISTS arg_UV_LOCKED)
      _snapshot_fixtures_uv_project(quoted "${project}")
      string(APPEND tree_code " \"--uv-locked\" ${quoted}")
    endforeach()
    find_program(SNAPSHOT_FIXTURES_UV uv NO_CMAKE_FIND_ROOT_PATH DOC "Path of uv")
    if(SNAPSHOT_FIXTURES_UV)
      _snapshot_fixtures_literal(literal "${SNAPSHOT_FIXTURES_UV}")
      _snapshot_fixtures_quote(quoted "--uv=${literal}")
      string(APPEND tree_code " ${quoted}")
    endif()
  endif()
endmacro()

# A folder with a pyproject.toml, and a uv.lock in it or above it, as the helper's word.
function(_snapshot_fixtures_uv_project out project)
  get_filename_component(folder "${project}" ABSOLUTE BASE_DIR "${source}")
  get_filename_component(top "${source}" ABSOLUTE)
  string(FIND "${folder}/" "${top}/" position)
  if(NOT position EQUAL 0)
    _snapshot_fixtures_misuse("UV_LOCKED '${project}' lies outside the source '${source}'"
      "name a folder of the source, relative to its top")
  endif()
  if(NOT EXISTS "${folder}/pyproject.toml")
    _snapshot_fixtures_misuse("UV_LOCKED '${project}': there is no ${folder}/pyproject.toml"
      "name the folders of the source that are uv projects, or leave UV_LOCKED out")
  endif()
  set(holder "${folder}")
  while(NOT EXISTS "${holder}/uv.lock" AND NOT IS_SYMLINK "${holder}/uv.lock"
      AND NOT holder STREQUAL top)
    get_filename_component(holder "${holder}" DIRECTORY)
  endwhile()
  if(IS_SYMLINK "${holder}/uv.lock")
    _snapshot_fixtures_misuse("UV_LOCKED: ${holder}/uv.lock is a symlink, and uv would write\
 to what it leads to"
      "put the lock itself in its place")
  elseif(NOT EXISTS "${holder}/uv.lock")
    _snapshot_fixtures_misuse("UV_LOCKED '${project}': there is no uv.lock in ${folder}\
 or above it in the source"
      "run 'uv lock' in ${folder}, and commit uv.lock")
  endif()
  file(RELATIVE_PATH relative "${top}" "${folder}")
  if(relative STREQUAL "")
    set(relative ".")
  endif()
  _snapshot_fixtures_literal(relative "${relative}")
  _snapshot_fixtures_quote(quoted "${relative}")
  set(${out} "${quoted}" PARENT_SCOPE)
endfunction()

# The helper's word for an argument with these choices, or where it is not given for its cache
# variable.
function(_snapshot_fixtures_default out keyword)
  set(value "${SNAPSHOT_FIXTURES_${keyword}}")
  if(DEFINED arg_${keyword})
    set(value "${arg_${keyword}}")
  elseif(NOT value IN_LIST ARGN)
    list(JOIN ARGN ", " choices)
    _snapshot_fixtures_misuse("SNAPSHOT_FIXTURES_${keyword} '${value}' is not known"
      "set it to one of ${choices}")
  endif()
  string(TOLOWER "${value}" value)
  string(REPLACE "_" "-" value "${value}")
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# An option of the helper for an argument that was given.
macro(_snapshot_fixtures_option code keyword)
  if(DEFINED arg_${keyword})
    string(TOLOWER "--${keyword}=${arg_${keyword}}" option)
    string(REPLACE "_" "-" option "${option}")
    string(APPEND ${code} " \"${option}\"")
  endif()
endmacro()

# An option of the helper for each word of an argument.
macro(_snapshot_fixtures_options code keyword)
  string(TOLOWER "--${keyword}=" option)
  cmake_language(EVAL CODE "_snapshot_fixtures_before_each(text \"${option}\" ${${keyword}_code})")
  string(APPEND ${code} "${text}")
endmacro()

function(_snapshot_fixtures_before_each out option)
  set(text "")
  set(index 2)
  while(index LESS ARGC)
    _snapshot_fixtures_quote(quoted "${option}${ARGV${index}}")
    string(APPEND text " ${quoted}")
    math(EXPR index "${index} + 1")
  endwhile()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_check_places)
  get_filename_component(real_source "${source}" REALPATH)
  get_filename_component(real_root "${root}" REALPATH)
  string(REGEX REPLACE "/$" "" real_root "${real_root}") # of "/" itself
  string(FIND "${real_source}/" "${real_root}/" position)
  if(position EQUAL 0)
    _snapshot_fixtures_misuse("the root '${root}' is the source '${source}' or above it"
      "set SNAPSHOT_FIXTURES_ROOT to a folder in the build tree, or any other place of its own")
  endif()

  get_filename_component(real_build "${CMAKE_BINARY_DIR}" REALPATH)
  if(real_build STREQUAL real_source)
    _snapshot_fixtures_takes_all(all)
    if(all)
      _snapshot_fixtures_misuse(
        "FILES ALL would take the build too: the source is its own build tree"
        "build in a folder of its own (cmake -B build), or in a git work tree write FILES TRACKED")
    endif()
  endif()
endfunction()

# Whether every file will be taken: asked for, or the default outside of git.
function(_snapshot_fixtures_takes_all out)
  set(all FALSE)
  if(DEFINED arg_FILES)
    if(arg_FILES STREQUAL "ALL")
      set(all TRUE)
    endif()
  else()
    set(folder "${real_source}")
    while(NOT EXISTS "${folder}/.git" AND NOT folder STREQUAL "/")
      get_filename_component(folder "${folder}" DIRECTORY)
    endwhile()
    if(folder STREQUAL "/")
      set(all TRUE)
    endif()
  endif()
  set(${out} "${all}" PARENT_SCOPE)
endfunction()

# The helper as a word of COMMAND: a path, or a generator expression if this build makes it.
function(_snapshot_fixtures_helper out)
  set(helper "${SNAPSHOT_FIXTURES_HELPER}")
  if(helper)
    get_filename_component(helper "${helper}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
    if(NOT EXISTS "${helper}" OR IS_DIRECTORY "${helper}")
      _snapshot_fixtures_misuse("SNAPSHOT_FIXTURES_HELPER '${helper}' does not exist"
        "set it to the path of the program snapfix")
    endif()
    _snapshot_fixtures_literal(helper "${helper}")
  elseif(CMAKE_CROSSCOMPILING)
    _snapshot_fixtures_misuse("when cross-compiling, a helper that runs on the host is not known"
      "build SnapshotFixtures for the host and set SNAPSHOT_FIXTURES_HELPER to its snapfix")
  elseif(NOT TARGET SnapshotFixtures::snapfix)
    _snapshot_fixtures_misuse("the helper snapfix is not known" "use find_package(SnapshotFixtures),\
 add_subdirectory() or FetchContent, or set SNAPSHOT_FIXTURES_HELPER to its path")
  else()
    get_target_property(imported SnapshotFixtures::snapfix IMPORTED)
    if(imported)
      # Its path, as other directories that need it may not see the target.
      get_target_property(helper SnapshotFixtures::snapfix LOCATION)
      _snapshot_fixtures_literal(helper "${helper}")
    else()
      set(helper "$<TARGET_FILE:SnapshotFixtures::snapfix>")
      _snapshot_fixtures_build_helper()
    endif()
  endif()
  set(${out} "${helper}" PARENT_SCOPE)
endfunction()

# Has the default build make the helper, even where its own folder is EXCLUDE_FROM_ALL.
function(_snapshot_fixtures_build_helper)
  get_property(done GLOBAL PROPERTY _snapshot_fixtures_helper_is_built)
  if(NOT done)
    set_property(GLOBAL PROPERTY _snapshot_fixtures_helper_is_built TRUE)
    cmake_language(EVAL CODE "
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        add_custom_target snapshot_fixtures_helper ALL)
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        add_dependencies snapshot_fixtures_helper SnapshotFixtures::snapfix)")
  endif()
endfunction()

# The folder of a snapshot's name. The helper has the same rule.
function(_snapshot_fixtures_folder out name)
  string(LENGTH "${name}" length)
  if(name MATCHES "^[A-Za-z0-9_][A-Za-z0-9._+=@-]*$" AND length LESS_EQUAL 100)
    set(${out} "${name}" PARENT_SCOPE)
    return()
  endif()
  string(UUID hash NAMESPACE 7d3c5f0e-2b1a-5c8e-9f64-3a1b0c9d8e7f NAME "${name}" TYPE SHA1)
  string(REPLACE "-" "" hash "${hash}")
  string(SUBSTRING "${hash}" 0 16 hash)
  string(SUBSTRING "${name}" 0 60 readable)
  string(REGEX REPLACE "[^A-Za-z0-9._+=@-]" "_" readable "${readable}")
  if(readable MATCHES "^[.-](.*)$") # REGEX REPLACE would go on behind the first
    set(readable "_${CMAKE_MATCH_1}")
  endif()
  set(${out} "${readable}~${hash}" PARENT_SCOPE)
endfunction()

# The words of `snapfix run` from --launcher to the program. add_test() puts a target's path and
# launchers in place of its name, but not behind a wrapper, so expressions do it. One word for all
# launchers, as some versions of CMake drop a word that becomes empty; the helper splits it at `;`.
function(_snapshot_fixtures_program_code out program)
  _snapshot_fixtures_quote(quoted "${program}")
  set(code "\"--\" ${quoted}")
  if(program MATCHES "^[A-Za-z0-9_.:+-]+$") # else it cannot be a target
    set(type "$<$<TARGET_EXISTS:${program}>:$<TARGET_PROPERTY:${program},TYPE>>")
    set(is_target "$<STREQUAL:${type},EXECUTABLE>")
    set(launcher "--launcher=")
    foreach(property IN ITEMS TEST_LAUNCHER CROSSCOMPILING_EMULATOR)
      set(value "$<TARGET_GENEX_EVAL:${program},$<TARGET_PROPERTY:${program},${property}>>")
      string(APPEND launcher "$<${is_target}:${value}>;")
    endforeach()
    _snapshot_fixtures_quote(launcher "${launcher}")
    set(path "$<${is_target}:$<TARGET_FILE:${program}>>$<$<NOT:${is_target}>:${program}>")
    _snapshot_fixtures_quote(quoted "${path}")
    set(code "${launcher} \"--\" ${quoted}")
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

macro(_snapshot_fixtures_add_setup)
  set(setup "${arg_NAME}.snapshot_setup")
  _snapshot_fixtures_quote(quoted "${setup}")
  cmake_language(EVAL CODE "
    add_test(NAME ${quoted} ${configurations_code} COMMAND ${helper_code}
      \"create\" ${snapshot_code} ${tree_code} \"--fresh\" \"--frozen\" \"--ctest\")")
  set_property(TEST "${setup}" PROPERTY FIXTURES_SETUP "${fixture}")
  set_property(TEST "${setup}" PROPERTY FIXTURES_REQUIRED "${freeze}")
  if(DEFINED arg_SETUP_TIMEOUT)
    set_property(TEST "${setup}" PROPERTY TIMEOUT "${arg_SETUP_TIMEOUT}")
  endif()
endmacro()

# ---- at the end of a directory -------------------------------------------------------------------

# Notes a test for the end of the directory, when its properties are what they are going to be.
# Names may be such that no list holds them, so each test has a number.
function(_snapshot_fixtures_remember)
  get_property(number DIRECTORY PROPERTY _snapshot_fixtures_count)
  if(NOT number)
    set(number 0)
    # By itself, not within a function: there it would tell of this module's policy.
    cmake_language(DEFER CALL cmake_policy GET CMP0110 _snapshot_fixtures_cmp0110)
    cmake_language(DEFER CALL _snapshot_fixtures_end_of_directory)
  endif()
  set(cleanup_code "${configurations_code} COMMAND ${helper_code} \"finish\" ${snapshot_code} \
${root_code} \"--keep\" \"${keep}\" \"--ctest\"")
  foreach(variable IN ITEMS call arg_NAME arg_LABELS arg_CONFIGURATIONS arg_SETUP_TIMEOUT
      fixture freeze cleanup_code uv_locked)
    if(DEFINED ${variable})
      set_property(DIRECTORY PROPERTY _snapshot_fixtures_${number}_${variable} "${${variable}}")
    endif()
  endforeach()
  math(EXPR number "${number} + 1")
  set_property(DIRECTORY PROPERTY _snapshot_fixtures_count "${number}")
endfunction()

function(_snapshot_fixtures_end_of_directory)
  get_property(count DIRECTORY PROPERTY _snapshot_fixtures_count)
  set(number 0)
  while(number LESS count)
    foreach(variable IN ITEMS call arg_NAME arg_LABELS arg_CONFIGURATIONS arg_SETUP_TIMEOUT
        fixture freeze cleanup_code uv_locked)
      get_property(${variable} DIRECTORY PROPERTY _snapshot_fixtures_${number}_${variable})
    endforeach()
    _snapshot_fixtures_complete()
    math(EXPR number "${number} + 1")
  endwhile()
endfunction()

# Completes the tests around one test, by the properties that it has now.
function(_snapshot_fixtures_complete)
  if(NOT _snapshot_fixtures_cmp0110 STREQUAL "NEW"
      AND NOT arg_NAME MATCHES "^[A-Za-z0-9_./:+=@-]+$")
    _snapshot_fixtures_misuse(
      "CTest would cut this name in pieces, as policy CMP0110 is not NEW in this directory"
      "write cmake_minimum_required(VERSION 3.20) or cmake_policy(SET CMP0110 NEW) in it,\
 or choose a name of letters, digits and _./:+=@-")
  endif()

  set(labels "${arg_LABELS}")
  set(disabled FALSE)
  if(call STREQUAL "add_snapshot_test")
    _snapshot_fixtures_restore_fixtures()
    get_property(labels TEST "${arg_NAME}" PROPERTY LABELS)
    get_property(disabled TEST "${arg_NAME}" PROPERTY DISABLED)
    get_property(will_fail TEST "${arg_NAME}" PROPERTY WILL_FAIL)
    get_property(skip_code TEST "${arg_NAME}" PROPERTY SKIP_RETURN_CODE)
    if(uv_locked)
      _snapshot_fixtures_lock_environment()
    endif()
    if(will_fail)
      string(APPEND cleanup_code " \"--will-fail\"")
    endif()
    if(NOT "${skip_code}" STREQUAL "")
      _snapshot_fixtures_quote(quoted "${skip_code}")
      string(APPEND cleanup_code " \"--skip-return-code\" ${quoted}")
    endif()
  endif()

  set(setup "${arg_NAME}.snapshot_setup")
  set(cleanup "${arg_NAME}.snapshot_cleanup")
  _snapshot_fixtures_quote(quoted "${cleanup}")
  cmake_language(EVAL CODE "add_test(NAME ${quoted} ${cleanup_code})")
  set_property(TEST "${cleanup}" PROPERTY FIXTURES_CLEANUP "${fixture}")
  foreach(test IN ITEMS "${setup}" "${cleanup}")
    if(NOT "${labels}" STREQUAL "")
      set_property(TEST "${test}" APPEND PROPERTY LABELS "${labels}")
    endif()
    if(disabled)
      set_property(TEST "${test}" PROPERTY DISABLED TRUE)
    endif()
  endforeach()

  # Labels of the directory count for tests in it, and the freezing one is not in it.
  get_property(directory_labels DIRECTORY PROPERTY LABELS)
  _snapshot_fixtures_freeze_for("${disabled}" "${labels};${directory_labels}")
endfunction()

# uv checks the lock in the environment of the test: indexes, proxies and the like bear on it.
function(_snapshot_fixtures_lock_environment)
  set(yes "(1|[Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Yy]|[Tt]|[Oo][Nn])")
  foreach(property IN ITEMS ENVIRONMENT ENVIRONMENT_MODIFICATION)
    get_property(values TEST "${arg_NAME}" PROPERTY ${property})
    foreach(value IN LISTS values)
      if(value MATCHES "^(UV_FROZEN|UV_NO_SYNC)=(set:)?${yes}$"
          OR (value MATCHES "^UV_LOCKED=" AND NOT value MATCHES "^UV_LOCKED=(set:)?${yes}$"))
        _snapshot_fixtures_misuse("its ${property} has ${value}, against UV_LOCKED"
          "take it out, or write UV_LOCKED OFF in place of UV_LOCKED")
      endif()
    endforeach()
    if(NOT "${values}" STREQUAL "")
      set_property(TEST "${arg_NAME}.snapshot_setup" PROPERTY ${property} "${values}")
    endif()
  endforeach()
endfunction()

function(_snapshot_fixtures_restore_fixtures)
  get_property(required TEST "${arg_NAME}" PROPERTY FIXTURES_REQUIRED)
  foreach(needed IN ITEMS "${fixture}" "${freeze}")
    if(NOT needed IN_LIST required)
      list(APPEND missing "${needed}")
    endif()
  endforeach()
  if(missing)
    list(JOIN missing " " names)
    string(CONCAT text "FIXTURES_REQUIRED of the snapshot test '${arg_NAME}' was replaced, and "
      "'${names}' with it. It is put back. To add a fixture: "
      "set_property(TEST ... APPEND PROPERTY FIXTURES_REQUIRED ...).")
    message(WARNING "${text}")
    set_property(TEST "${arg_NAME}" APPEND PROPERTY FIXTURES_REQUIRED "${missing}")
  endif()
endfunction()

# ---- the test that freezes a source --------------------------------------------------------------
#
# One for all directories, so it belongs to the top one, and at its end.

function(_snapshot_fixtures_use_freeze)
  string(SHA256 hash "${freeze_code}")
  string(SUBSTRING "${hash}" 0 8 hash)
  get_filename_component(readable "${source}" NAME)
  string(SUBSTRING "${readable}" 0 40 readable)
  string(REGEX REPLACE "[^A-Za-z0-9_+-]" "_" readable "${readable}")
  set(freeze "snapshots.freeze.${readable}.${hash}")
  set(freeze "${freeze}" PARENT_SCOPE)

  get_property(known GLOBAL PROPERTY _snapshot_fixtures_${freeze} SET)
  if(NOT known)
    set_property(GLOBAL PROPERTY _snapshot_fixtures_${freeze}
      "${helper_code} \"freeze\" ${freeze_code} \"--ctest\"")
    # Twice deferred, so that it comes after the end of the top directory's own tests.
    cmake_language(EVAL CODE "
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        cmake_language DEFER CALL _snapshot_fixtures_add_freeze [==[${freeze}]==])")
  endif()
endfunction()

# Notes who needs a freezing test. It is disabled only with all of them, and exists only in their
# configurations; an empty element stands for a test that has no such limit.
function(_snapshot_fixtures_freeze_for disabled labels)
  set(property _snapshot_fixtures_${freeze})
  set_property(GLOBAL APPEND PROPERTY ${property}_labels "${labels}")
  if(NOT disabled)
    set_property(GLOBAL PROPERTY ${property}_enabled TRUE)
  endif()
  if(arg_CONFIGURATIONS)
    set_property(GLOBAL APPEND PROPERTY ${property}_configurations "${arg_CONFIGURATIONS}")
  else()
    set_property(GLOBAL PROPERTY ${property}_any_configuration TRUE)
  endif()
  if(arg_SETUP_TIMEOUT)
    set_property(GLOBAL APPEND PROPERTY ${property}_timeouts "${arg_SETUP_TIMEOUT}")
  else()
    set_property(GLOBAL PROPERTY ${property}_default_timeout TRUE)
  endif()
endfunction()

function(_snapshot_fixtures_add_freeze freeze)
  set(property _snapshot_fixtures_${freeze})
  foreach(what IN ITEMS labels enabled configurations any_configuration timeouts default_timeout)
    get_property(${what} GLOBAL PROPERTY ${property}_${what})
  endforeach()
  get_property(command_code GLOBAL PROPERTY ${property})
  set(configurations_code "")
  if(NOT any_configuration)
    list(REMOVE_DUPLICATES configurations)
    set(configurations_code "CONFIGURATIONS ${configurations}")
    string(REPLACE ";" " " configurations_code "${configurations_code}")
  endif()
  cmake_language(EVAL CODE
    "add_test(NAME ${freeze} ${configurations_code} COMMAND ${command_code})")
  set_property(TEST "${freeze}" PROPERTY FIXTURES_SETUP "${freeze}")
  list(REMOVE_ITEM labels "")
  list(REMOVE_DUPLICATES labels)
  if(labels)
    set_property(TEST "${freeze}" PROPERTY LABELS "${labels}")
  endif()
  if(NOT enabled)
    set_property(TEST "${freeze}" PROPERTY DISABLED TRUE)
  endif()
  # The longest that was asked for, but not less than those get who asked for nothing.
  if(default_timeout)
    list(APPEND timeouts 1500)
  endif()
  list(SORT timeouts COMPARE NATURAL ORDER DESCENDING)
  list(GET timeouts 0 timeout)
  if(NOT default_timeout OR timeout GREATER 1500)
    set_property(TEST "${freeze}" PROPERTY TIMEOUT "${timeout}")
  endif()
endfunction()

cmake_policy(POP)
