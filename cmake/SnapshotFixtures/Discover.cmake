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
    _snapshot_fixtures_list_cases("${base}" "${program}")
  endif()
  if(FRAMEWORK STREQUAL "PYTEST")
    _snapshot_fixtures_pytest_environment(environment modification)
  endif()
  include("${base}.tests.cmake")
  get_property(clash GLOBAL PROPERTY "_snapshot_fixtures_clash ${NAME}")
  if(clash)
    _snapshot_fixtures_not_discovered("${base}" "Not all cases of '${NAME}' are tests: ${clash}.
To mend it: write another TEST_PREFIX, 'TEST_PREFIX ${NAME}.' for instance.")
  endif()
endfunction()

# Whether a case may be a test of that name: else there is one already.
function(_snapshot_fixtures_claim out test)
  get_property(is_taken GLOBAL PROPERTY "_snapshot_fixtures_test ${test}" SET)
  get_property(owner GLOBAL PROPERTY "_snapshot_fixtures_test ${test}")
  if(is_taken)
    set(${out} FALSE PARENT_SCOPE)
    set_property(GLOBAL PROPERTY "_snapshot_fixtures_clash ${NAME}" "there is a test '${test}' of ${owner}")
  else()
    set(${out} TRUE PARENT_SCOPE)
    set_property(GLOBAL PROPERTY "_snapshot_fixtures_test ${test}" "snapshot_discover_tests(NAME ${NAME})")
  endif()
endfunction()

# Adds a test that fails, and says why.
function(_snapshot_fixtures_not_discovered base text)
  cmake_language(EVAL CODE "set(labels ${labels_code})")
  file(WRITE "${base}.failed.txt" "${text}\n")
  add_test("${NAME}.NOT_DISCOVERED" /bin/sh -c "cat \"$1\"; exit 1" sh "${base}.failed.txt")
  set_tests_properties("${NAME}.NOT_DISCOVERED" PROPERTIES LABELS "${labels}")
endfunction()

# Whether the cases that were listed last are those that there are: nothing of what they came from is newer, or
# has another time, as a program of before that was put back.
function(_snapshot_fixtures_is_listed out base program)
  set(depends "")
  set(stamps "")
  include("${base}.depends.cmake" OPTIONAL)
  _snapshot_fixtures_stamps(now "${program}" ${depends})
  if(now STREQUAL stamps)
    set(${out} TRUE PARENT_SCOPE)
  else()
    set(${out} FALSE PARENT_SCOPE)
    return()
  endif()
  foreach(file IN ITEMS "${base}.described.cmake" "${CMAKE_CURRENT_FUNCTION_LIST_FILE}" "${program}" LISTS depends)
    if(IS_ABSOLUTE "${file}" AND "${file}" IS_NEWER_THAN "${base}.tests.cmake") # or one of them is missing
      set(${out} FALSE PARENT_SCOPE)
      break()
    endif()
  endforeach()
endfunction()

# When files and folders were changed last. Not their sizes: for CMake it is an error to ask for that of what may not
# be read.
function(_snapshot_fixtures_stamps out)
  set(stamps "")
  foreach(file IN LISTS ARGN)
    if(IS_ABSOLUTE "${file}" AND EXISTS "${file}")
      file(TIMESTAMP "${file}" time "%s" UTC)
      string(APPEND stamps " ${time}")
    endif()
  endforeach()
  set(${out} "${stamps}" PARENT_SCOPE)
endfunction()

# Asks the program, and writes the tests.
function(_snapshot_fixtures_list_cases base program)
  string(RANDOM LENGTH 12 random)
  set(cases_file "${base}.cases.${random}")
  set_property(GLOBAL PROPERTY _snapshot_fixtures_tests "")
  set(depends "")
  if(IS_ABSOLUTE "${program}" AND NOT EXISTS "${program}")
    set(failure "${program} is not there.\nTo mend it: build it.")
  else()
    cmake_language(CALL _snapshot_fixtures_list_${FRAMEWORK})
  endif()
  file(REMOVE "${cases_file}")
  file(REMOVE_RECURSE "${cases_file}.cache")
  get_property(tests GLOBAL PROPERTY _snapshot_fixtures_tests)
  if("${failure}${tests}" STREQUAL "")
    set(failure "there are none.\nIs it a program of ${FRAMEWORK}, and do the DISCOVERY_ARGS leave any? It said:\n${output}")
  endif()
  if(NOT failure STREQUAL "")
    set(tests "")
    set(text "The tests of '${NAME}' cannot be listed: ${failure}")
    if(FRAMEWORK STREQUAL "PYTEST") # it names no files then
      set(tests "file(REMOVE \"\${CMAKE_CURRENT_LIST_FILE}\")\n")
    elseif(EXISTS "${program}") # it may have run all its tests, in the source
      string(APPEND text "\nIt is asked again when it is built anew, or when this list is removed:\n${base}.tests.cmake")
    endif()
    _snapshot_fixtures_bracket(text "${text}")
    string(APPEND tests "_snapshot_fixtures_not_discovered(\"\${base}\" ${text})\n")
  endif()
  _snapshot_fixtures_stamps(stamps "${program}" ${depends})
  # By renames: another ctest may be reading them.
  foreach(part IN ITEMS depends tests)
    set(text "${${part}}")
    if(part STREQUAL "depends")
      _snapshot_fixtures_bracket(text "${depends}")
      set(text "set(depends ${text})\nset(stamps \"${stamps}\")\n")
    endif()
    file(WRITE "${base}.${part}.${random}" "${text}")
    file(RENAME "${base}.${part}.${random}" "${base}.${part}.cmake")
  endforeach()
endfunction()

# Calls the program with further words, each without spaces. Sets output, failure and result, the exit code, for the
# caller; that does not count if any_code. What it says goes into files: what it has started, and left, may have them
# open still.
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
  file(TOUCH "${cases_file}.out" "${cases_file}.err") # also where it cannot be started
  set(command_code "${wrapper_words} ${program_code} ${arguments_code} ${words} ${discovery_code}")
  cmake_language(EVAL CODE "
    execute_process(COMMAND \"\${cmake}\" -E env ${environment_code} ${command_code}
      WORKING_DIRECTORY \"\${folder}\" TIMEOUT \"\${DISCOVERY_TIMEOUT}\" ENCODING NONE
      RESULT_VARIABLE result OUTPUT_FILE \"\${cases_file}.out\" ERROR_FILE \"\${cases_file}.err\")
    set(command ${command_code})")
  file(READ "${cases_file}.out" output)
  file(READ "${cases_file}.err" errors)
  file(REMOVE "${cases_file}.out" "${cases_file}.err")
  set(failure "")
  if(NOT (result EQUAL 0 OR (any_code AND result MATCHES "^[0-9]+$")))
    string(REPLACE ";" " " command "${command}")
    set(failure "in ${folder}, '${command}' ended with: ${result}\nIs it a program of ${FRAMEWORK}? It said:\n${output}${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
  set(failure "${failure}" PARENT_SCOPE)
  set(result "${result}" PARENT_SCOPE)
endfunction()

# The variables that hold for the listing, as words NAME=VALUE.
function(_snapshot_fixtures_listing_environment out)
  set(code "")
  if(FRAMEWORK STREQUAL "PYTEST") # our plugin; and the source is not to be written to
    _snapshot_fixtures_pytest_environment(environment modification)
    list(APPEND environment "PYTHONDONTWRITEBYTECODE=1" "SNAPSHOT_FIXTURES_CASES=${cases_file}")
  else()
    cmake_language(EVAL CODE "_snapshot_fixtures_find_property(environment ENVIRONMENT ${properties_code})")
  endif()
  foreach(variable IN LISTS environment)
    string(REPLACE "@SNAPSHOT_DIR@" "${source}" variable "${variable}")
    _snapshot_fixtures_bracket(word "${variable}")
    string(APPEND code " ${word}")
  endforeach()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# ENVIRONMENT and ENVIRONMENT_MODIFICATION of the call, with what has pytest load our plugin: variables, as they
# do not stand in the command, which may be run where there is none.
function(_snapshot_fixtures_pytest_environment environment_out modification_out)
  cmake_language(EVAL CODE "
    _snapshot_fixtures_find_property(environment ENVIRONMENT ${properties_code})
    _snapshot_fixtures_find_property(modification ENVIRONMENT_MODIFICATION ${properties_code})")
  set(python_path "$ENV{PYTHONPATH}")
  set(plugins "$ENV{PYTEST_PLUGINS}")
  foreach(variable IN LISTS environment)
    if(variable MATCHES "^PYTHONPATH=(.*)$")
      set(python_path "${CMAKE_MATCH_1}")
    elseif(variable MATCHES "^PYTEST_PLUGINS=(.*)$")
      set(plugins "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  string(REGEX REPLACE "(.)$" "\\1:" python_path "${python_path}")
  string(REGEX REPLACE "(.)$" "\\1," plugins "${plugins}")
  list(APPEND environment "PYTHONPATH=${python_path}${CMAKE_CURRENT_FUNCTION_LIST_DIR}"
    "PYTEST_PLUGINS=${plugins}snapshot_fixtures_pytest")
  if(NOT modification STREQUAL "") # it comes after those
    list(APPEND modification "PYTHONPATH=path_list_append:${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  endif()
  set(${environment_out} "${environment}" PARENT_SCOPE)
  set(${modification_out} "${modification}" PARENT_SCOPE)
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
# properties, as code. Of the caller: `skip`, an expression that finds in the output that it was skipped, `skip_code`, the
# exit code that says so, and `fail`, an expression that finds that nothing was run; or empty.
function(_snapshot_fixtures_case name argument more)
  get_property(is_known GLOBAL PROPERTY "_snapshot_fixtures_case ${NAME} ${name}" SET)
  if(is_known)
    return()
  endif()
  set_property(GLOBAL PROPERTY "_snapshot_fixtures_case ${NAME} ${name}" TRUE)
  _snapshot_fixtures_bracket(test "${TEST_PREFIX}${name}")
  _snapshot_fixtures_bracket(option "--name=${TEST_PREFIX}${name}${suffix}")
  _snapshot_fixtures_bracket(verdict_option "--verdict=${verdict}")
  _snapshot_fixtures_bracket(verbatim "--verbatim=${argument}")
  string(FIND "${argument}" "${source}" at)
  if(FRAMEWORK STREQUAL "PYTEST" AND at GREATER -1)
    set(verbatim "") # such an id is made of __file__, or of a variable: it is the snapshot's there
  endif()
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
  if(NOT skip_code STREQUAL "")
    string(APPEND properties " SKIP_RETURN_CODE ${skip_code}")
  endif()
  if(NOT fail STREQUAL "")
    _snapshot_fixtures_bracket(expression "${fail}")
    string(APPEND properties " FAIL_REGULAR_EXPRESSION ${expression}")
  endif()
  string(APPEND properties "${properties_code} FIXTURES_REQUIRED ${fixtures}")
  if(FRAMEWORK STREQUAL "PYTEST" AND NOT skip_code STREQUAL "") # it is our plugin that says it
    string(APPEND properties " ENVIRONMENT \"\${environment}\" ENVIRONMENT_MODIFICATION \"\${modification}\"")
  endif()
  if(NOT labels STREQUAL "")
    _snapshot_fixtures_bracket(labels "${labels}")
    string(APPEND properties " LABELS ${labels}")
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY _snapshot_fixtures_tests
    "_snapshot_fixtures_claim(is_free ${test})
if(is_free)
  add_test(${test} ${run_code} ${option} ${verdict_option} ${verbatim} -- ${program_code} ${arguments_code} ${argument})
  set_tests_properties(${test} PROPERTIES${properties}${more})
endif()\n")
endfunction()

cmake_policy(POP)
