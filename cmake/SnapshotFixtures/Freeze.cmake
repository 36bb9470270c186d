# The test that freezes a source: one for all directories, so it belongs to the top one, and is
# registered at its end. Its record is known by its name.

# Sets freeze: the name of the test and fixture with these options.
function(_snapshot_fixtures_use_freeze record freeze_code)
  _snapshot_fixtures_get(${record} source helper_code)
  string(SHA256 hash "${freeze_code}")
  string(SUBSTRING "${hash}" 0 8 hash)
  get_filename_component(readable "${source}" NAME)
  string(SUBSTRING "${readable}" 0 40 readable)
  string(REGEX REPLACE "[^A-Za-z0-9_+-]" "_" readable "${readable}")
  set(freeze "snapshots.freeze.${readable}.${hash}")
  _snapshot_fixtures_set(${record} freeze "${freeze}")

  _snapshot_fixtures_get(${freeze} command_code)
  if(command_code STREQUAL "")
    _snapshot_fixtures_set(${freeze} command_code
      "${helper_code} \"freeze\" ${freeze_code} \"--ctest\"")
    # Twice deferred, so that it comes after the end of the top directory's own tests.
    cmake_language(EVAL CODE "
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        cmake_language DEFER CALL _snapshot_fixtures_add_freeze [==[${freeze}]==])")
  endif()
endfunction()

# Notes who needs a freezing test. It is disabled only with all of them, and exists only in their
# configurations.
function(_snapshot_fixtures_freeze_for record disabled labels)
  _snapshot_fixtures_get(${record} freeze CONFIGURATIONS SETUP_TIMEOUT)
  set(of_freeze _snapshot_fixtures_${freeze})
  set_property(GLOBAL APPEND PROPERTY ${of_freeze}_labels "${labels}")
  if(NOT disabled)
    _snapshot_fixtures_set(${freeze} enabled TRUE)
  endif()
  if(CONFIGURATIONS STREQUAL "")
    _snapshot_fixtures_set(${freeze} any_configuration TRUE)
  else()
    set_property(GLOBAL APPEND PROPERTY ${of_freeze}_configurations "${CONFIGURATIONS}")
  endif()
  if(SETUP_TIMEOUT STREQUAL "")
    _snapshot_fixtures_set(${freeze} default_timeout TRUE)
  else()
    set_property(GLOBAL APPEND PROPERTY ${of_freeze}_timeouts "${SETUP_TIMEOUT}")
  endif()
endfunction()

function(_snapshot_fixtures_add_freeze freeze)
  _snapshot_fixtures_get(${freeze} command_code labels enabled configurations any_configuration
    timeouts default_timeout)
  if(NOT any_configuration)
    list(REMOVE_DUPLICATES configurations)
    list(JOIN configurations " " names)
    _snapshot_fixtures_set(${freeze} configurations_code "CONFIGURATIONS ${names}")
  endif()
  _snapshot_fixtures_add_test(${freeze} "${freeze}" "${command_code}")
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
