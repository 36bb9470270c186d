# What can only be decided when a test's properties are what they are going to be: at the end of its
# directory, and of the project, as from CMake 3.28 on a parent directory may set them.
#
# Until then a call is kept as code, which calls a step of that end, with the directory and
#   is_test              whether it is add_snapshot_test()
#   name, plan, configurations_code
#   fixture              of the pair of tests that make and finish the snapshot; empty: the test does so itself
#   labels               of add_snapshot_fixture()
#   timeout              SETUP_TIMEOUT

# Keeps a call; name is escaped.
function(_snapshot_fixtures_remember is_test name fixture plan configurations_code labels timeout)
  get_property(any DIRECTORY PROPERTY _snapshot_fixtures_calls SET)
  if(NOT any)
    # By itself, not within a function: there it would tell of this module's policy.
    cmake_language(DEFER CALL cmake_policy GET CMP0110 _snapshot_fixtures_cmp0110)
    cmake_language(DEFER CALL _snapshot_fixtures_end_of_directory
      "${_snapshot_fixtures_cmp0110}") # as it is then
  endif()
  if(NOT "${configurations_code}${labels}" STREQUAL "")
    _snapshot_fixtures_escape(configurations_code "${configurations_code}")
    _snapshot_fixtures_escape(labels "${labels}")
  endif()
  set_property(DIRECTORY APPEND_STRING PROPERTY _snapshot_fixtures_calls "
    cmake_language(CALL \${step} \"\${directory}\" ${is_test} \"${name}\" \"${fixture}\" \"${plan}\"
      \"${configurations_code}\" \"${labels}\" \"${timeout}\")")
endfunction()

function(_snapshot_fixtures_end_of_directory cmp0110)
  get_property(calls_code DIRECTORY PROPERTY _snapshot_fixtures_calls)
  set_property(DIRECTORY PROPERTY _snapshot_fixtures_calls) # no longer set
  set(directory "${CMAKE_CURRENT_BINARY_DIR}")
  set(steps "")
  if(NOT cmp0110 STREQUAL "NEW")
    list(APPEND steps _snapshot_fixtures_check_name_without_cmp0110)
  endif()
  if(CMAKE_VERSION VERSION_LESS 3.28)
    list(APPEND steps _snapshot_fixtures_settle)
  endif()
  foreach(step IN LISTS steps)
    cmake_language(EVAL CODE "${calls_code}")
  endforeach()

  get_property(any GLOBAL PROPERTY _snapshot_fixtures_calls SET)
  if(NOT any)
    # Twice deferred, so that it comes after the end of the top directory's own tests.
    cmake_language(EVAL CODE "
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        cmake_language DEFER CALL _snapshot_fixtures_end_of_project)")
  endif()
  _snapshot_fixtures_escape(escaped "${directory}")
  set_property(GLOBAL APPEND_STRING PROPERTY _snapshot_fixtures_calls
    "set(directory \"${escaped}\")${calls_code}\n")
endfunction()

function(_snapshot_fixtures_end_of_project)
  if(NOT CMAKE_VERSION VERSION_LESS 3.28)
    get_property(calls_code GLOBAL PROPERTY _snapshot_fixtures_calls)
    set(step _snapshot_fixtures_settle)
    cmake_language(EVAL CODE "${calls_code}")
  endif()
  set_property(GLOBAL PROPERTY _snapshot_fixtures_calls)
  _snapshot_fixtures_write_names()
  _snapshot_fixtures_add_shared_tests()
  _snapshot_fixtures_check_scripts()
endfunction()

# For what ctest discovers: which tests there are already.
function(_snapshot_fixtures_write_names)
  get_property(wanted GLOBAL PROPERTY _snapshot_fixtures_discovers)
  get_property(names_code GLOBAL PROPERTY _snapshot_fixtures_names)
  if(wanted)
    file(WRITE "${CMAKE_BINARY_DIR}/snapshot_tests/.names.cmake" "include_guard(GLOBAL)\n${names_code}")
  endif()
endfunction()

# ---- the steps -----------------------------------------------------------------------------------

function(_snapshot_fixtures_check_name_without_cmp0110 directory is_test name)
  if(NOT name MATCHES "^[A-Za-z0-9_./:+=@-]+$")
    _snapshot_fixtures_misuse("add_snapshot_test(NAME ${name})"
      "CTest would cut this name in pieces, as policy CMP0110 is not NEW in this directory"
      "write cmake_minimum_required(VERSION 3.20) or cmake_policy(SET CMP0110 NEW) in it,\
 or choose a name of letters, digits and _./:+=@-")
  endif()
endfunction()

# Makes the tests that serve a test follow its properties, and refuses what cannot be.
function(_snapshot_fixtures_settle directory is_test name fixture plan configurations_code labels timeout)
  get_property(freeze GLOBAL PROPERTY "${plan} freeze")
  set(scope "") # of the test, for set_property() and the like
  if(NOT CMAKE_VERSION VERSION_LESS 3.28)
    string(REPLACE ";" "\\;" escaped "${directory}")
    set(scope "DIRECTORY;${escaped}")
  endif()
  set(setup "${name}.snapshot_setup")
  set(cleanup "${name}.snapshot_cleanup")
  set(disabled FALSE)
  if(is_test)
    set(where "add_snapshot_test(NAME ${name})")
    set_property(GLOBAL APPEND_STRING PROPERTY _snapshot_fixtures_names
      "set_property(GLOBAL PROPERTY [=====[_snapshot_fixtures_test ${name}]=====] [=====[${where}]=====])\n")
    _snapshot_fixtures_read_test("${name}" "${scope}" LABELS DISABLED FIXTURES_REQUIRED
      FIXTURES_SETUP FIXTURES_CLEANUP WORKING_DIRECTORY ENVIRONMENT ENVIRONMENT_MODIFICATION)
    _snapshot_fixtures_settle_verdict("${name}" "${scope}")
    _snapshot_fixtures_settle_pack("${name}" "${ENVIRONMENT}")
    _snapshot_fixtures_check_late_properties("${where}" "${plan}" "${FIXTURES_SETUP}"
      "${FIXTURES_CLEANUP}" "${WORKING_DIRECTORY}" "${ENVIRONMENT}" "${ENVIRONMENT_MODIFICATION}")
    _snapshot_fixtures_restore_fixtures(
      "${name}" "${scope}" "${FIXTURES_REQUIRED}" "${fixture}" "${freeze}")
    _snapshot_fixtures_fill_in_paths("${where}" "${name}" "${scope}" "${fixture}" "${plan}")
    get_property(locked GLOBAL PROPERTY "${plan} locked")
    if(NOT locked STREQUAL "")
      _snapshot_fixtures_check_lock_environment("${where}" "${ENVIRONMENT}" "${ENVIRONMENT_MODIFICATION}")
    endif()
    set(labels "${LABELS}")
    if(DISABLED)
      set(disabled TRUE)
    endif()
  endif()
  if(NOT fixture STREQUAL "")
    if(NOT labels STREQUAL "")
      set_property(TEST "${setup}" "${cleanup}" ${scope} PROPERTY LABELS "${labels}")
    endif()
    if(disabled)
      set_property(TEST "${setup}" "${cleanup}" ${scope} PROPERTY DISABLED TRUE)
    endif()
    if(is_test AND NOT locked STREQUAL "") # uv checks it in the environment of the test
      foreach(property IN ITEMS ENVIRONMENT ENVIRONMENT_MODIFICATION)
        if(NOT "${${property}}" STREQUAL "")
          set_property(TEST "${setup}" ${scope} PROPERTY ${property} "${${property}}")
        endif()
      endforeach()
    endif()
  endif()
  _snapshot_fixtures_want_freeze("${freeze}"
    "${directory}" "${labels}" ${disabled} "${configurations_code}" "${timeout}")
endfunction()

# ---- a test's properties -------------------------------------------------------------------------

# Sets a variable of its name for each property that is named, to nothing where it is not set.
function(_snapshot_fixtures_read_test name scope)
  foreach(property IN LISTS ARGN)
    # Of what is not set get_property() leaves no variable, and an entry of the cache would be seen.
    get_property(_snapshot_fixtures_value TEST "${name}" ${scope} PROPERTY ${property})
    set(${property} "${_snapshot_fixtures_value}" PARENT_SCOPE)
  endforeach()
endfunction()

# How the helper knows whether a test failed, its --verdict, comes to the command by a generator expression
# from a property of this target: the command is said at once, the rest at the end.
function(_snapshot_fixtures_find_verdict out name)
  if(NOT TARGET _snapshot_fixtures_verdicts)
    add_library(_snapshot_fixtures_verdicts INTERFACE IMPORTED GLOBAL)
  endif()
  string(MD5 hash "${name}")
  set(${out} "verdict_${hash}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_settle_verdict name scope)
  _snapshot_fixtures_read_test("${name}" "${scope}" WILL_FAIL SKIP_RETURN_CODE
    FAIL_REGULAR_EXPRESSION PASS_REGULAR_EXPRESSION SKIP_REGULAR_EXPRESSION)
  _snapshot_fixtures_note_verdict("${name}" "${WILL_FAIL}" "${SKIP_RETURN_CODE}"
    "${FAIL_REGULAR_EXPRESSION}${PASS_REGULAR_EXPRESSION}${SKIP_REGULAR_EXPRESSION}")
endfunction()

# What CTest judges by the output it judges with regular expressions of its own, after the command's end.
function(_snapshot_fixtures_note_verdict name WILL_FAIL SKIP_RETURN_CODE expressions)
  set(words "")
  set(expression "")
  if(WILL_FAIL MATCHES "[$]<")
    set(expression "$<$<BOOL:${WILL_FAIL}>:will-fail$<COMMA>>")
  elseif(WILL_FAIL)
    list(APPEND words "will-fail")
  endif()
  # Others are none to CTest, either.
  if(SKIP_RETURN_CODE MATCHES "[$]<|^[0-9]+$" AND NOT SKIP_RETURN_CODE GREATER 255)
    list(APPEND words "skip=${SKIP_RETURN_CODE}")
  endif()
  if(NOT expressions STREQUAL "")
    list(APPEND words "by-output")
  endif()
  if(NOT "${expression}${words}" STREQUAL "")
    list(JOIN words "," words)
    _snapshot_fixtures_find_verdict(verdict "${name}")
    set_property(TARGET _snapshot_fixtures_verdicts PROPERTY ${verdict} "${expression}${words}")
  endif()
endfunction()

# The names of the variables that a pack of the test's snapshot has: those that the test sets, and whose
# values so stand in the project's files, and those that are asked for.
function(_snapshot_fixtures_settle_pack name environment)
  set(names "${SNAPSHOT_FIXTURES_PACK_ENV}") # without quotes an empty one would unset it
  foreach(variable IN LISTS environment)
    if(variable MATCHES "^([A-Za-z_][A-Za-z_0-9]*)=")
      list(APPEND names "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  if(NOT names STREQUAL "")
    list(REMOVE_DUPLICATES names)
    list(JOIN names "," names)
    _snapshot_fixtures_find_verdict(verdict "${name}")
    set_property(TARGET _snapshot_fixtures_verdicts PROPERTY ${verdict}_env "${names}")
  endif()
endfunction()

# What CTest would do without a word, and not as it was meant.
function(_snapshot_fixtures_check_late_properties where plan
    FIXTURES_SETUP FIXTURES_CLEANUP WORKING_DIRECTORY ENVIRONMENT ENVIRONMENT_MODIFICATION)
  foreach(property IN ITEMS FIXTURES_SETUP FIXTURES_CLEANUP)
    if(NOT ${property} STREQUAL "")
      _snapshot_fixtures_misuse("${where}" "it cannot set ${property}: the test has a fixture of\
 its own, and its cleanup would not wait for '${${property}}'"
        "let a test by add_test() set up for others, or use add_snapshot_fixture()")
    endif()
  endforeach()

  if(NOT WORKING_DIRECTORY STREQUAL "")
    get_property(source GLOBAL PROPERTY "${plan} source")
    set(relative "<folder of the source>")
    string(FIND "${WORKING_DIRECTORY}/" "${source}/" position)
    if(position EQUAL 0)
      file(RELATIVE_PATH relative "${source}/" "${WORKING_DIRECTORY}/.")
    endif()
    _snapshot_fixtures_misuse("${where}" "its property WORKING_DIRECTORY is '${WORKING_DIRECTORY}', but the\
 command runs in the snapshot"
      "give WORKING_DIRECTORY ${relative} to add_snapshot_test() in place of the property")
  endif()

  foreach(property IN ITEMS ENVIRONMENT ENVIRONMENT_MODIFICATION)
    if("${${property}}" MATCHES "(^|[^\\\\];)(SNAPSHOT_(DIR|NAME|SOURCE_DIR))=")
      set(variable "${CMAKE_MATCH_2}")
      _snapshot_fixtures_misuse("${where}"
        "its ${property} sets ${variable}, which each snapshot test gets from us"
        "take it out; a command that has a variable of that name for itself is written\
 COMMAND env ${variable}=<value> <command>")
    endif()
  endforeach()
endfunction()

function(_snapshot_fixtures_restore_fixtures name scope required fixture freeze)
  set(missing "")
  foreach(needed IN ITEMS ${fixture} "${freeze}")
    if(NOT needed IN_LIST required)
      list(APPEND missing "${needed}")
    endif()
  endforeach()
  if(missing)
    list(JOIN missing " " names)
    string(CONCAT text "FIXTURES_REQUIRED of the snapshot test '${name}' was replaced, and "
      "'${names}' with it. It is put back. To add a fixture: "
      "set_property(TEST ... APPEND PROPERTY FIXTURES_REQUIRED ...).")
    message(WARNING "${text}")
    set_property(TEST "${name}" ${scope} APPEND PROPERTY FIXTURES_REQUIRED ${missing})
  endif()
endfunction()

# Puts the snapshot's path in place of @SNAPSHOT_DIR@ in properties that CTest reads itself. What
# the command gets the helper sees to.
function(_snapshot_fixtures_fill_in_paths where name scope fixture plan)
  set(properties
    ATTACHED_FILES ATTACHED_FILES_ON_FAIL GENERATED_RESOURCE_SPEC_FILE REQUIRED_FILES)
  _snapshot_fixtures_read_test("${name}" "${scope}" ${properties})
  foreach(property IN LISTS properties)
    if("${${property}}" MATCHES "@SNAPSHOT_DIR@")
      if(fixture STREQUAL "" AND property STREQUAL "REQUIRED_FILES")
        _snapshot_fixtures_misuse("${where}" "its REQUIRED_FILES name files of the snapshot, and CTest looks\
 for them before the test makes it" "write SETUP FIXTURE, or let the command look for them")
      endif()
      get_property(root GLOBAL PROPERTY "${plan} root")
      _snapshot_fixtures_folder_expression(folder "${name}")
      string(REPLACE "@SNAPSHOT_DIR@" "${root}/${folder}" value "${${property}}")
      set_property(TEST "${name}" ${scope} PROPERTY ${property} "${value}")
    endif()
  endforeach()
endfunction()
