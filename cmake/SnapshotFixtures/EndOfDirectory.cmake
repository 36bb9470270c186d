# What can only be decided at the end of a directory, when a test's properties are what they are
# going to be.

# Notes a call for the end of its directory.
function(_snapshot_fixtures_remember record)
  set(directory "${CMAKE_CURRENT_BINARY_DIR}")
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
  foreach(record IN LISTS records)
    _snapshot_fixtures_complete(${record} "${cmp0110}")
  endforeach()
endfunction()

# Completes the tests around one test, by the properties that it has now.
function(_snapshot_fixtures_complete record cmp0110)
  _snapshot_fixtures_get(${record}
    call NAME LABELS fixture keep uv_locked helper_code snapshot_code root_code)
  if(NOT cmp0110 STREQUAL "NEW" AND NOT NAME MATCHES "^[A-Za-z0-9_./:+=@-]+$")
    _snapshot_fixtures_misuse(${record}
      "CTest would cut this name in pieces, as policy CMP0110 is not NEW in this directory"
      "write cmake_minimum_required(VERSION 3.20) or cmake_policy(SET CMP0110 NEW) in it,\
 or choose a name of letters, digits and _./:+=@-")
  endif()

  set(labels "${LABELS}")
  set(disabled FALSE)
  set(cleanup_code "${helper_code} \"finish\" ${snapshot_code} ${root_code} \"--keep\" \"${keep}\"\
 \"--ctest\"")
  if(call STREQUAL "add_snapshot_test")
    _snapshot_fixtures_restore_fixtures(${record})
    _snapshot_fixtures_test_property(labels ${record} LABELS)
    _snapshot_fixtures_test_property(disabled ${record} DISABLED)
    _snapshot_fixtures_test_property(will_fail ${record} WILL_FAIL)
    _snapshot_fixtures_test_property(skip_code ${record} SKIP_RETURN_CODE)
    if(uv_locked)
      _snapshot_fixtures_lock_environment(${record})
    endif()
    if(will_fail)
      string(APPEND cleanup_code " \"--will-fail\"")
    endif()
    if(NOT skip_code STREQUAL "")
      _snapshot_fixtures_quote(quoted "${skip_code}")
      string(APPEND cleanup_code " \"--skip-return-code\" ${quoted}")
    endif()
  endif()

  set(setup "${NAME}.snapshot_setup")
  set(cleanup "${NAME}.snapshot_cleanup")
  _snapshot_fixtures_add_test(${record} "${cleanup}" "${cleanup_code}")
  set_property(TEST "${cleanup}" PROPERTY FIXTURES_CLEANUP "${fixture}")
  foreach(test IN ITEMS "${setup}" "${cleanup}")
    if(NOT labels STREQUAL "")
      set_property(TEST "${test}" APPEND PROPERTY LABELS "${labels}")
    endif()
    if(disabled)
      set_property(TEST "${test}" PROPERTY DISABLED TRUE)
    endif()
  endforeach()

  # Labels of the directory count for tests in it, and the freezing one is not in it.
  set(directory_labels "")
  get_property(known DIRECTORY PROPERTY LABELS SET)
  if(known)
    get_property(directory_labels DIRECTORY PROPERTY LABELS)
  endif()
  _snapshot_fixtures_freeze_for(${record} "${disabled}" "${labels};${directory_labels}")
endfunction()

function(_snapshot_fixtures_restore_fixtures record)
  _snapshot_fixtures_get(${record} NAME fixture freeze)
  _snapshot_fixtures_test_property(required ${record} FIXTURES_REQUIRED)
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
    set_property(TEST "${NAME}" APPEND PROPERTY FIXTURES_REQUIRED "${missing}")
  endif()
endfunction()
