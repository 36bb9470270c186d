#[=======================================================================[.rst:
.. command:: snapshot_discover_tests

  Registers each case of a test program, or of pytest, as a test that runs in a snapshot of its own::

    snapshot_discover_tests(
      NAME <name> FRAMEWORK GTEST|CATCH2|DOCTEST|PYTEST
      COMMAND <command> [<arg>...]
      [TEST_PREFIX <prefix>] [DISCOVERY_ARGS <arg>...] [DISCOVERY_TIMEOUT <seconds>]
      [<what add_snapshot_test() takes>...]
      [PROPERTIES <key> <value>...])

  ``NAME``
    Of the call, as that of a snapshot test. The tests have the names that the framework gives their
    cases, with ``TEST_PREFIX`` in front; their snapshots have the names of the tests.

  ``COMMAND``
    As of :command:`add_snapshot_test`, without ``COMMAND_EXPAND_LISTS``: the program with the arguments
    that each case is to get. Of pytest for instance ``${Python3_EXECUTABLE} -m pytest -q``.

  ``DISCOVERY_ARGS``
    Further arguments where the cases are listed: which there are (``--gtest_filter=Fast*``, ``[fast]``,
    ``--test-suite=fast``, ``tests/unit -k fast``).

  ``DISCOVERY_TIMEOUT``
    How long the listing may take; default 60.

  The other keywords are those of :command:`add_snapshot_test`, and hold for each case; ``SETUP`` is always
  ``TEST``. ``ENVIRONMENT`` in ``PROPERTIES`` holds for the listing as well, with the source's path in place of
  ``@SNAPSHOT_DIR@``.

  ``ctest`` itself lists the cases when it starts, by running the program in the source's folder, unguarded, if it is
  not the one that was listed last; those of pytest if a file that it has imported or looked for tests in is another.
  Where that fails, or the name of a test is taken already, a test ``<name>.NOT_DISCOVERED`` fails, and says why. A case that the framework skips is skipped for CTest.
#]=======================================================================]

function(snapshot_discover_tests)
  _snapshot_fixtures_parse(snapshot_discover_tests ${ARGC}
    "STRICT;NO_SOURCE_MAPPING"
    "NAME;FRAMEWORK;TEST_PREFIX;DISCOVERY_TIMEOUT;SOURCE_DIR;WORKING_DIRECTORY;FILES;GIT;LINK_FROM;LINK_MODE;GUARD;SOURCE_WRITES;KEEP;SETUP;SETUP_TIMEOUT;TASKS"
    "COMMAND;DISCOVERY_ARGS;INCLUDE;EXCLUDE;COPY;LAUNCHER;UV_LOCKED;LABELS;CONFIGURATIONS;PROPERTIES")
  _snapshot_fixtures_check_name("${where}" "${NAME}")
  if("${COMMAND}" STREQUAL "")
    _snapshot_fixtures_misuse("${where}" "there is no COMMAND" "write COMMAND <program> [<arg>...]")
  elseif(FRAMEWORK STREQUAL "")
    _snapshot_fixtures_misuse("${where}" "there is no FRAMEWORK" "write one of GTEST, CATCH2, DOCTEST, PYTEST")
  endif()
  if(DISCOVERY_TIMEOUT STREQUAL "")
    set(DISCOVERY_TIMEOUT 60)
  elseif(NOT DISCOVERY_TIMEOUT MATCHES "^[0-9]*[1-9][0-9]*$")
    _snapshot_fixtures_misuse("${where}" "DISCOVERY_TIMEOUT '${DISCOVERY_TIMEOUT}' is no number of seconds"
      "write a whole number above 0")
  endif()
  if("PROPERTIES" IN_LIST given)
    cmake_language(EVAL CODE "_snapshot_fixtures_check_properties(\"\${where}\" ${PROPERTIES_code})")
  endif()
  if(SETUP STREQUAL "FIXTURE")
    _snapshot_fixtures_misuse("${where}" "cases always have SETUP TEST: each makes its snapshot itself" "leave SETUP out")
  endif()
  _snapshot_fixtures_find_place(place snapshot_discover_tests "${NAME}")
  _snapshot_fixtures_default(git "${where}" GIT "${GIT}")
  _snapshot_fixtures_find_plan(plan add_snapshot_test "${where}" "${place}" "${given}" "${SOURCE_DIR}"
    "${FILES_code} \"--git=${git}\"${LINK_FROM_code}${INCLUDE_code}"
    "${LINK_MODE_code}${EXCLUDE_code}${COPY_code}${STRICT_code}"
    "${UV_LOCKED}" "${KEEP}" "${GUARD}" "${SOURCE_WRITES}" "${WORKING_DIRECTORY}")
  foreach(part IN ITEMS helper_code tree_code run_code finish_code freeze source root)
    get_property(${part} GLOBAL PROPERTY "${plan} ${part}")
  endforeach()
  # All cases are judged alike, by the properties of the call.
  cmake_language(EVAL CODE "_snapshot_fixtures_settle_cases(\"\${where}\" \"\${plan}\" \"\${NAME}\" ${PROPERTIES_code})")
  _snapshot_fixtures_find_verdict(verdict "${NAME}")
  set(pack_env "$<TARGET_PROPERTY:_snapshot_fixtures_verdicts,${verdict}_env>")
  set(verdict "$<GENEX_EVAL:$<TARGET_PROPERTY:_snapshot_fixtures_verdicts,${verdict}>>")
  _snapshot_fixtures_find_launcher(launcher_code "${where}" "${given}" "${LAUNCHER}" "${LAUNCHER_code}" "${TASKS_code}")
  _snapshot_fixtures_program_code(wrapper_code program_code "${COMMAND}")

  # What the cases are made of, for Discover.cmake: the words of a list, each as a bracket argument, in which nothing
  # is evaluated but the generator expressions, once.
  set(cmake "${CMAKE_COMMAND}")
  set(described "")
  foreach(part IN ITEMS NAME FRAMEWORK TEST_PREFIX DISCOVERY_TIMEOUT WORKING_DIRECTORY cmake source root freeze verdict)
    set(escaped "${${part}}")
    if(NOT part STREQUAL "verdict")
      string(REPLACE "$<" "$<1:$><" escaped "${escaped}")
    endif()
    string(APPEND described "set(${part} [======[${escaped}]======])\n")
  endforeach()
  string(APPEND run_code " \"--finish\" ${finish_code} \"--pack-env=${pack_env}\" \"--ctest\"")
  foreach(pair IN ITEMS
      "run|${helper_code} \"run\" ${tree_code} ${run_code}${launcher_code} ${wrapper_code}" "wrapper|${wrapper_code}"
      "program|${program_code}" "arguments|${COMMAND_code}" "discovery|${DISCOVERY_ARGS_code}"
      "labels|${LABELS_code}" "configurations|${CONFIGURATIONS_code}"
      "properties|\"DEF_SOURCE_LINE\" \"${place}\" ${PROPERTIES_code}")
    string(REGEX MATCH "^[a-z]+" part "${pair}")
    string(REGEX REPLACE "^[a-z]+[|]" "" code "${pair}")
    cmake_language(EVAL CODE "_snapshot_fixtures_bracket_words(words ${code})")
    string(APPEND described "set(${part}_code [======[${words}]======])\n")
  endforeach()

  _snapshot_fixtures_folder(base "${NAME}")
  set(base "${CMAKE_CURRENT_BINARY_DIR}/snapshot_tests/${base}")
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  set(suffix "")
  if(multi_config)
    set(suffix "@$<CONFIG>")
  endif()
  string(APPEND described "set(suffix \"${suffix}\")\n")
  file(GENERATE OUTPUT "${base}${suffix}.described.cmake" CONTENT "${described}")
  set(suffix "")
  if(multi_config)
    set(suffix "@\${CTEST_CONFIGURATION_TYPE}")
  endif()
  set_property(GLOBAL PROPERTY _snapshot_fixtures_discovers TRUE)
  file(WRITE "${base}.cmake" "include([==[${CMAKE_CURRENT_FUNCTION_LIST_DIR}/Discover.cmake]==])
include([==[${CMAKE_BINARY_DIR}/snapshot_tests/.names.cmake]==])
_snapshot_fixtures_discover([==[${base}]==] \"${suffix}\")\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${base}.cmake")
  _snapshot_fixtures_escape(name "${NAME}")
  _snapshot_fixtures_remember(FALSE "${name}" "" "${plan}" "${CONFIGURATIONS_code}" "${LABELS}" "${SETUP_TIMEOUT}")
endfunction()

# Words as code, each a bracket argument.
function(_snapshot_fixtures_bracket_words out)
  set(code "")
  if(ARGC GREATER 1)
    math(EXPR last "${ARGC} - 1")
    foreach(index RANGE 1 ${last})
      string(APPEND code " [=====[${ARGV${index}}]=====]")
    endforeach()
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# What the end of a directory does for a test whose properties may be set until then.
function(_snapshot_fixtures_settle_cases where plan name)
  set(properties WILL_FAIL SKIP_RETURN_CODE FAIL_REGULAR_EXPRESSION PASS_REGULAR_EXPRESSION SKIP_REGULAR_EXPRESSION
    ENVIRONMENT ENVIRONMENT_MODIFICATION FIXTURES_SETUP FIXTURES_CLEANUP WORKING_DIRECTORY FIXTURES_REQUIRED)
  foreach(property IN LISTS properties)
    set(${property} "")
  endforeach()
  set(index 3)
  while(index LESS ARGC)
    math(EXPR value "${index} + 1")
    if("${ARGV${index}}" IN_LIST properties)
      set(${ARGV${index}} "${ARGV${value}}")
    endif()
    math(EXPR index "${index} + 2")
  endwhile()
  _snapshot_fixtures_note_verdict("${name}" "${WILL_FAIL}" "${SKIP_RETURN_CODE}"
    "${FAIL_REGULAR_EXPRESSION}${PASS_REGULAR_EXPRESSION}${SKIP_REGULAR_EXPRESSION}")
  _snapshot_fixtures_settle_pack("${name}" "${ENVIRONMENT}")
  _snapshot_fixtures_check_late_properties("${where}" "${plan}" "${FIXTURES_SETUP}"
    "${FIXTURES_CLEANUP}" "${WORKING_DIRECTORY}" "${ENVIRONMENT}" "${ENVIRONMENT_MODIFICATION}")
endfunction()
