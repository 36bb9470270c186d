# What can only be decided when a test's properties are what they are going to be: at the end of its
# directory, and of the project, as from CMake 3.28 on a parent directory may set them.

# Notes a call for the end of its directory.
function(_snapshot_fixtures_remember record)
  set(directory "${CMAKE_CURRENT_BINARY_DIR}")
  _snapshot_fixtures_set(${record} directory "${directory}")
  _snapshot_fixtures_get("${directory}" records)
  if(NOT records)
    # By itself, not within a function: there it would tell of this module's policy.
    cmake_language(DEFER CALL cmake_policy GET CMP0110 _snapshot_fixtures_cmp0110)
    cmake_language(DEFER CALL _snapshot_fixtures_end_of_directory
      "${_snapshot_fixtures_cmp0110}") # as it is then
  endif()
  list(APPEND records ${record})
  _snapshot_fixtures_set("${directory}" records "${records}")
endfunction()

function(_snapshot_fixtures_end_of_directory cmp0110)
  _snapshot_fixtures_get("${CMAKE_CURRENT_BINARY_DIR}" records)
  _snapshot_fixtures_set("${CMAKE_CURRENT_BINARY_DIR}" records "")
  foreach(record IN LISTS records)
    _snapshot_fixtures_complete(${record} "${cmp0110}")
  endforeach()

  _snapshot_fixtures_get(project completed)
  if(NOT completed)
    # Twice deferred, so that it comes after the end of the top directory's own tests.
    cmake_language(EVAL CODE "
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        cmake_language DEFER CALL _snapshot_fixtures_end_of_project)")
  endif()
  list(APPEND completed ${records})
  _snapshot_fixtures_set(project completed "${completed}")
endfunction()

function(_snapshot_fixtures_end_of_project)
  _snapshot_fixtures_get(project completed)
  _snapshot_fixtures_set(project completed "")
  set(freezes "")
  set(finishes "")
  foreach(record IN LISTS completed)
    if(NOT CMAKE_VERSION VERSION_LESS 3.28)
      _snapshot_fixtures_settle(${record})
      _snapshot_fixtures_check_verdict(${record})
    endif()
    _snapshot_fixtures_freeze_for(${record})
    _snapshot_fixtures_get(${record} freeze)
    list(APPEND freezes "${freeze}")
  endforeach()
  list(REMOVE_DUPLICATES freezes)
  foreach(freeze IN LISTS freezes)
    _snapshot_fixtures_add_freeze("${freeze}")
    _snapshot_fixtures_get(${freeze} finish)
    _snapshot_fixtures_get(${finish} freezes)
    list(APPEND freezes "${freeze}")
    list(REMOVE_DUPLICATES freezes)
    _snapshot_fixtures_set(${finish} freezes "${freezes}")
    list(APPEND finishes "${finish}")
  endforeach()
  list(REMOVE_DUPLICATES finishes)
  foreach(finish IN LISTS finishes)
    _snapshot_fixtures_add_finish("${finish}")
  endforeach()
endfunction()

# Completes the tests around one test, by the properties that it has now.
function(_snapshot_fixtures_complete record cmp0110)
  _snapshot_fixtures_get(${record} NAME fixture keep helper_code snapshot_code root_code)
  if(NOT cmp0110 STREQUAL "NEW" AND NOT NAME MATCHES "^[A-Za-z0-9_./:+=@-]+$")
    _snapshot_fixtures_misuse(${record}
      "CTest would cut this name in pieces, as policy CMP0110 is not NEW in this directory"
      "write cmake_minimum_required(VERSION 3.20) or cmake_policy(SET CMP0110 NEW) in it,\
 or choose a name of letters, digits and _./:+=@-")
  endif()
  _snapshot_fixtures_verdict(verdict_code ${record})
  _snapshot_fixtures_set(${record} verdict_code "${verdict_code}")
  set(cleanup "${NAME}.snapshot_cleanup")
  _snapshot_fixtures_add_test(${record} "${cleanup}" "${helper_code} \"finish\" ${snapshot_code}\
 ${root_code} \"--keep\" \"${keep}\" ${verdict_code} \"--ctest\" \"--\"")
  set_property(TEST "${cleanup}" PROPERTY FIXTURES_CLEANUP "${fixture}")
  _snapshot_fixtures_settle(${record})
endfunction()

# How the cleanup knows whether the test failed, as options of the helper. What CTest judges by the
# output it judges with regular expressions of its own, after the command's end.
function(_snapshot_fixtures_verdict out record)
  set(code "")
  _snapshot_fixtures_get(${record} call)
  if(call STREQUAL "add_snapshot_test")
    _snapshot_fixtures_get_of_test(${record} WILL_FAIL SKIP_RETURN_CODE
      FAIL_REGULAR_EXPRESSION PASS_REGULAR_EXPRESSION SKIP_REGULAR_EXPRESSION)
    if(WILL_FAIL)
      string(APPEND code " \"--will-fail\"")
    endif()
    if(NOT SKIP_RETURN_CODE STREQUAL "")
      _snapshot_fixtures_quote(quoted "${SKIP_RETURN_CODE}")
      string(APPEND code " \"--skip-return-code\" ${quoted}")
    endif()
    if(NOT "${FAIL_REGULAR_EXPRESSION}${PASS_REGULAR_EXPRESSION}${SKIP_REGULAR_EXPRESSION}"
        STREQUAL "")
      string(APPEND code " \"--judged-by-output\"")
    endif()
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_check_verdict record)
  _snapshot_fixtures_verdict(now_code ${record})
  _snapshot_fixtures_get(${record} verdict_code)
  if(NOT now_code STREQUAL verdict_code)
    _snapshot_fixtures_misuse(${record} "a parent directory has set how its end is judged\
 (WILL_FAIL, SKIP_RETURN_CODE or a regular expression), when its cleanup had been registered"
      "set that in the directory of the test")
  endif()
endfunction()

# Makes the tests that serve a test follow its properties, and refuses what cannot be.
function(_snapshot_fixtures_settle record)
  _snapshot_fixtures_get(${record} call NAME LABELS uv_locked)
  set(DISABLED FALSE)
  if(call STREQUAL "add_snapshot_test")
    _snapshot_fixtures_check_late_properties(${record})
    _snapshot_fixtures_restore_fixtures(${record})
    _snapshot_fixtures_fill_in_paths(${record})
    if(uv_locked)
      _snapshot_fixtures_lock_environment(${record})
    endif()
    _snapshot_fixtures_get_of_test(${record} LABELS DISABLED)
  endif()
  foreach(test IN ITEMS "${NAME}.snapshot_setup" "${NAME}.snapshot_cleanup")
    if(NOT LABELS STREQUAL "")
      _snapshot_fixtures_set_test_property(${record} "${test}" LABELS "${LABELS}")
    endif()
    if(DISABLED)
      _snapshot_fixtures_set_test_property(${record} "${test}" DISABLED TRUE)
    endif()
  endforeach()
  _snapshot_fixtures_set(${record} labels "${LABELS}")
  _snapshot_fixtures_set(${record} disabled "${DISABLED}")
endfunction()

# What CTest would do without a word, and not as it was meant.
function(_snapshot_fixtures_check_late_properties record)
  _snapshot_fixtures_get_of_test(${record} FIXTURES_SETUP FIXTURES_CLEANUP WORKING_DIRECTORY
    ENVIRONMENT ENVIRONMENT_MODIFICATION)
  foreach(property IN ITEMS FIXTURES_SETUP FIXTURES_CLEANUP)
    if(NOT ${property} STREQUAL "")
      _snapshot_fixtures_misuse(${record} "it cannot set ${property}: the test has a fixture of\
 its own, and its cleanup would not wait for '${${property}}'"
        "let a test by add_test() set up for others, or use add_snapshot_fixture()")
    endif()
  endforeach()

  if(NOT WORKING_DIRECTORY STREQUAL "")
    _snapshot_fixtures_get(${record} source)
    set(relative "<folder of the source>")
    string(FIND "${WORKING_DIRECTORY}/" "${source}/" position)
    if(position EQUAL 0)
      file(RELATIVE_PATH relative "${source}/" "${WORKING_DIRECTORY}/.")
    endif()
    _snapshot_fixtures_misuse(${record} "its property WORKING_DIRECTORY is '${WORKING_DIRECTORY}', but the\
 command runs in the snapshot"
      "give WORKING_DIRECTORY ${relative} to add_snapshot_test() in place of the property")
  endif()

  foreach(property IN ITEMS ENVIRONMENT ENVIRONMENT_MODIFICATION)
    if("${${property}}" MATCHES "(^|[^\\\\];)(SNAPSHOT_(DIR|NAME|SOURCE_DIR))=")
      set(variable "${CMAKE_MATCH_2}")
      _snapshot_fixtures_misuse(${record}
        "its ${property} sets ${variable}, which each snapshot test gets from us"
        "take it out; a command that has a variable of that name for itself is written\
 COMMAND env ${variable}=<value> <command>")
    endif()
  endforeach()
endfunction()

function(_snapshot_fixtures_restore_fixtures record)
  _snapshot_fixtures_get(${record} NAME fixture freeze)
  _snapshot_fixtures_get_of_test(${record} FIXTURES_REQUIRED)
  set(required "${FIXTURES_REQUIRED}")
  set(missing "")
  foreach(needed IN ITEMS "${fixture}" "${freeze}")
    if(NOT needed IN_LIST required)
      list(APPEND missing "${needed}")
    endif()
  endforeach()
  if(missing)
    list(JOIN missing " " names)
    string(CONCAT text "FIXTURES_REQUIRED of the snapshot test '${NAME}' was replaced, and "
      "'${names}' with it. It is put back. To add a fixture: "
      "set_property(TEST ... APPEND PROPERTY FIXTURES_REQUIRED ...).")
    message(WARNING "${text}")
    list(APPEND required ${missing})
    _snapshot_fixtures_set_test_property(${record} "${NAME}" FIXTURES_REQUIRED "${required}")
  endif()
endfunction()

# Puts the snapshot's path in place of @SNAPSHOT_DIR@ in properties that CTest reads itself. What
# the command gets the helper sees to.
function(_snapshot_fixtures_fill_in_paths record)
  _snapshot_fixtures_get(${record} NAME root)
  set(properties
    ATTACHED_FILES ATTACHED_FILES_ON_FAIL GENERATED_RESOURCE_SPEC_FILE REQUIRED_FILES)
  _snapshot_fixtures_get_of_test(${record} ${properties})
  foreach(property IN LISTS properties)
    if("${${property}}" MATCHES "@SNAPSHOT_DIR@")
      _snapshot_fixtures_folder_expression(folder "${NAME}")
      string(REPLACE "@SNAPSHOT_DIR@" "${root}/${folder}" value "${${property}}")
      _snapshot_fixtures_set_test_property(${record} "${NAME}" ${property} "${value}")
    endif()
  endforeach()
endfunction()
