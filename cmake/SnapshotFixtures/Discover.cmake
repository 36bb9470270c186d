# Run by ctest when it starts: lists the cases of a test program, and registers each; see Discovery.cmake.
#
# No project's variables are here, so these functions use what the description of the call sets:
#   NAME, FRAMEWORK, TEST_PREFIX, DISCOVERY_TIMEOUT, WORKING_DIRECTORY
#   source, freeze, verdict, cmake       cmake: its path, which ctest does not know
#   suffix                               the configuration's part of the snapshots' names
#   <part>_code                          words, each a bracket argument

cmake_policy(PUSH)
cmake_policy(VERSION 3.20...3.31) # ctest has none
include("${CMAKE_CURRENT_LIST_DIR}/DiscoverCases.cmake")

# `base` is what the names of the call's files begin with, but for the configuration.
function(_snapshot_fixtures_discover base configuration)
  string(APPEND base "${configuration}")
  if(NOT EXISTS "${base}.described.cmake")
    return() # no such configuration
  endif()
  include("${base}.described.cmake")
  cmake_language(EVAL CODE "set(configurations ${configurations_code})\nset(program ${program_code})")
  string(TOUPPER "${CTEST_CONFIGURATION_TYPE}" configuration)
  string(TOUPPER "${configurations}" configurations)
  if(configurations AND NOT configuration IN_LIST configurations)
    return()
  endif()
  _snapshot_fixtures_is_listed(listed "${base}" "${program}")
  if(NOT listed)
    _snapshot_fixtures_list_cases("${base}")
  endif()
  include("${base}.tests.cmake")
endfunction()

# Whether the cases that were listed last are those that there are.
function(_snapshot_fixtures_is_listed out base program)
  set(depends "")
  include("${base}.depends.cmake" OPTIONAL)
  set(${out} TRUE PARENT_SCOPE)
  foreach(file IN ITEMS "${base}.described.cmake" "${CMAKE_CURRENT_FUNCTION_LIST_FILE}" "${program}" LISTS depends)
    if(IS_ABSOLUTE "${file}" AND "${file}" IS_NEWER_THAN "${base}.tests.cmake") # or one of them is missing
      set(${out} FALSE PARENT_SCOPE)
      break()
    endif()
  endforeach()
endfunction()

# Asks the program, and writes the tests.
function(_snapshot_fixtures_list_cases base)
  string(RANDOM LENGTH 12 random)
  set(cases_file "${base}.cases.${random}")
  set_property(GLOBAL PROPERTY _snapshot_fixtures_tests "")
  set(depends "")
  cmake_language(CALL _snapshot_fixtures_list_${FRAMEWORK})
  file(REMOVE "${cases_file}")
  get_property(tests GLOBAL PROPERTY _snapshot_fixtures_tests)
  if("${failure}${tests}" STREQUAL "")
    set(failure "there are none. It said:\n${output}")
  endif()
  if(NOT failure STREQUAL "")
    _snapshot_fixtures_bracket(text "The tests of '${NAME}' cannot be listed: ${failure}")
    file(WRITE "${base}.failed.cmake" "message(FATAL_ERROR ${text})\n")
    _snapshot_fixtures_bracket(name "${NAME}.NOT_DISCOVERED")
    _snapshot_fixtures_bracket(file "${base}.failed.cmake")
    _snapshot_fixtures_bracket(program "${cmake}")
    cmake_language(EVAL CODE "set(labels ${labels_code})")
    _snapshot_fixtures_bracket(labels "${labels}")
    # Asked again by the next ctest, which finds no list.
    set(tests "file(REMOVE \"\${CMAKE_CURRENT_LIST_FILE}\")
add_test(${name} ${program} -P ${file})\nset_tests_properties(${name} PROPERTIES LABELS ${labels})\n")
  endif()
  # By renames: another ctest may be reading them.
  foreach(part IN ITEMS depends tests)
    set(text "${${part}}")
    if(part STREQUAL "depends")
      _snapshot_fixtures_bracket(text "${depends}")
      set(text "set(depends ${text})\n")
    endif()
    file(WRITE "${base}.${part}.${random}" "${text}")
    file(RENAME "${base}.${part}.${random}" "${base}.${part}.cmake")
  endforeach()
endfunction()

# Calls the program with further words, each without spaces. Sets output and failure for the caller; the exit code does
# not count if any_code.
function(_snapshot_fixtures_ask any_code)
  set(folder "${source}")
  if(NOT WORKING_DIRECTORY STREQUAL "")
    string(APPEND folder "/${WORKING_DIRECTORY}")
  endif()
  _snapshot_fixtures_listing_environment(environment_code)
  list(JOIN ARGN " " words)
  # "--wrapper=", and what stands in front of the program, parted by `;`.
  cmake_language(EVAL CODE "set(wrapper ${wrapper_code})")
  string(REGEX REPLACE "^--wrapper=" "" wrapper "${wrapper}")
  set(wrapper_words "")
  foreach(word IN LISTS wrapper)
    if(NOT word STREQUAL "")
      _snapshot_fixtures_bracket(word "${word}")
      string(APPEND wrapper_words " ${word}")
    endif()
  endforeach()
  if(words STREQUAL "--libidentify") # asks for the program alone
    set(discovery_code "")
  endif()
  set(command_code "${wrapper_words} ${program_code} ${arguments_code} ${words} ${discovery_code}")
  cmake_language(EVAL CODE "
    execute_process(COMMAND \"\${cmake}\" -E env ${environment_code} ${command_code}
      WORKING_DIRECTORY \"\${folder}\" TIMEOUT \"\${DISCOVERY_TIMEOUT}\" ENCODING NONE
      RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
    set(command ${command_code})")
  set(failure "")
  if(NOT (result EQUAL 0 OR (any_code AND result MATCHES "^[0-9]+$")))
    string(REPLACE ";" " " command "${command}")
    set(failure "in ${folder}, '${command}' ended with: ${result}\n${output}${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
  set(failure "${failure}" PARENT_SCOPE)
endfunction()

# The variables that hold for the listing, as words NAME=VALUE.
function(_snapshot_fixtures_listing_environment out)
  set(code "")
  set(python_path "$ENV{PYTHONPATH}")
  cmake_language(EVAL CODE "_snapshot_fixtures_find_property(environment ENVIRONMENT ${properties_code})")
  foreach(variable IN LISTS environment)
    string(REPLACE "@SNAPSHOT_DIR@" "${source}" variable "${variable}")
    _snapshot_fixtures_bracket(word "${variable}")
    string(APPEND code " ${word}")
    if(variable MATCHES "^PYTHONPATH=(.*)$")
      set(python_path "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  if(FRAMEWORK STREQUAL "PYTEST") # our plugin; and the source is not to be written to
    string(REGEX REPLACE "(.)$" "\\1:" python_path "${python_path}")
    foreach(variable IN ITEMS "PYTHONPATH=${python_path}${CMAKE_CURRENT_FUNCTION_LIST_DIR}"
        "PYTHONDONTWRITEBYTECODE=1" "SNAPSHOT_FIXTURES_CASES=${cases_file}")
      _snapshot_fixtures_bracket(word "${variable}")
      string(APPEND code " ${word}")
    endforeach()
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# The value of a property in a list of words KEY VALUE...
function(_snapshot_fixtures_find_property out property)
  set(${out} "" PARENT_SCOPE)
  set(index 2)
  while(index LESS ARGC)
    math(EXPR value "${index} + 1")
    if(ARGV${index} STREQUAL property)
      set(${out} "${ARGV${value}}" PARENT_SCOPE)
    endif()
    math(EXPR index "${index} + 2")
  endwhile()
endfunction()

# A text as a bracket argument that nothing in it can end.
function(_snapshot_fixtures_bracket out text)
  set(fill "=")
  while(text MATCHES "\\]${fill}(\\]|$)")
    string(APPEND fill "=")
  endwhile()
  set(${out} "[${fill}[${text}]${fill}]" PARENT_SCOPE)
endfunction()

# Notes a case as a test, once for all of one name, which run together. `argument` selects it; `more`: further
# properties, as code. `skip`, of the caller, is an expression that finds in the output that it was skipped, or empty.
function(_snapshot_fixtures_case name argument more)
  get_property(is_known GLOBAL PROPERTY "_snapshot_fixtures_case ${NAME} ${name}" SET)
  if(is_known)
    return()
  endif()
  set_property(GLOBAL PROPERTY "_snapshot_fixtures_case ${NAME} ${name}" TRUE)
  _snapshot_fixtures_bracket(test "${TEST_PREFIX}${name}")
  _snapshot_fixtures_bracket(option "--name=${TEST_PREFIX}${name}${suffix}")
  _snapshot_fixtures_bracket(verdict_option "--verdict=${verdict}")
  _snapshot_fixtures_bracket(argument "${argument}")
  cmake_language(EVAL CODE "
    _snapshot_fixtures_find_property(fixtures FIXTURES_REQUIRED ${properties_code})
    set(labels ${labels_code})")
  _snapshot_fixtures_bracket(fixtures "${fixtures};${freeze}")
  # Properties of the call take the place of ours.
  set(properties "")
  if(NOT skip STREQUAL "")
    _snapshot_fixtures_bracket(expression "${skip}")
    string(APPEND properties " SKIP_REGULAR_EXPRESSION ${expression}")
  endif()
  string(APPEND properties "${properties_code} FIXTURES_REQUIRED ${fixtures}")
  if(NOT labels STREQUAL "")
    _snapshot_fixtures_bracket(labels "${labels}")
    string(APPEND properties " LABELS ${labels}")
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY _snapshot_fixtures_tests
    "add_test(${test} ${run_code} ${option} ${verdict_option} -- ${program_code} ${arguments_code} ${argument})
set_tests_properties(${test} PROPERTIES${properties}${more})\n")
endfunction()

cmake_policy(POP)
