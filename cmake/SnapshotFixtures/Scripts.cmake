#[=======================================================================[.rst:
.. command:: snapshot_fixtures_check_registered

  Registers a test that fails where there are scripts that no test runs, and names them::

    snapshot_fixtures_check_registered(
      [NAME <name>] PATHS <glob>...
      [LABELS <label>...] [CONFIGURATIONS <config>...])

  ``NAME``
    Default: ``scripts.registered``.

  ``PATHS``
    Globs as of :command:`file(GLOB)`, relative to :variable:`CMAKE_CURRENT_SOURCE_DIR`, for instance ``tests/*.sh``. A
    script counts as run if the command of any test, by whatever command it was added, names it: by its path, or by the
    end of that.
#]=======================================================================]

function(snapshot_fixtures_check_registered)
  _snapshot_fixtures_parse(snapshot_fixtures_check_registered ${ARGC} "" "NAME" "PATHS;LABELS;CONFIGURATIONS")
  if(NOT "NAME" IN_LIST given)
    set(NAME "scripts.registered")
  endif()
  _snapshot_fixtures_check_name("${where}" "${NAME}")
  _snapshot_fixtures_check_no_test("${where}" "${NAME}")
  if(NOT "PATHS" IN_LIST given)
    _snapshot_fixtures_misuse("${where}" "there are no PATHS" "write PATHS <glob>...")
  endif()
  set(globs_code "")
  foreach(glob IN LISTS PATHS)
    get_filename_component(glob "${glob}" ABSOLUTE)
    _snapshot_fixtures_escape_literal(glob "${glob}")
    string(APPEND globs_code " \"${glob}\"")
  endforeach()
  _snapshot_fixtures_find_place(place snapshot_fixtures_check_registered "${NAME}")
  _snapshot_fixtures_escape(name "${NAME}")
  foreach(path IN ITEMS CMAKE_COMMAND CMAKE_CTEST_COMMAND CMAKE_BINARY_DIR CMAKE_CURRENT_FUNCTION_LIST_DIR)
    _snapshot_fixtures_escape_literal(${path}_code "${${path}}")
  endforeach()
  _snapshot_fixtures_add_test("${name}" "${place}" "${CONFIGURATIONS_code}"
    "\"${CMAKE_COMMAND_code}\" -P \"${CMAKE_CURRENT_FUNCTION_LIST_DIR_code}/CheckRegistered.cmake\" --\
 \"${CMAKE_CTEST_COMMAND_code}\" \"${CMAKE_BINARY_DIR_code}\" \"config=$<CONFIG>\" ${globs_code}" "")
  if("LABELS" IN_LIST given)
    set_property(TEST "${NAME}" APPEND PROPERTY LABELS "${LABELS}")
  endif()
endfunction()

# ---- scripts that are not in the snapshot ----------------------------------------------------------

# Notes those files of the source that a test's command begins with, to be looked at when the project ends. `freeze_options`
# say which files are frozen. Behind them stand the words of the command.
function(_snapshot_fixtures_note_scripts test source folder freeze_options)
  if(freeze_options MATCHES "--include=|\"--files=all\"") # which hold what git does not track
    return()
  endif()
  set(files "tracked")
  if(freeze_options MATCHES "\"--files=untracked\"")
    set(files "untracked")
  endif()
  _snapshot_fixtures_note_script("${test}" "${source}" "${folder}" "program ${files}" "${ARGV4}")
  foreach(index RANGE 5 8) # what it is given first
    if(index LESS ARGC AND NOT ARGV${index} MATCHES "^-")
      _snapshot_fixtures_note_script("${test}" "${source}" "${folder}" "argument ${files}" "${ARGV${index}}")
      break()
    endif()
  endforeach()
endfunction()

# Once for all tests that have it.
function(_snapshot_fixtures_note_script test source folder kind word)
  set(known "_snapshot_fixtures_script ${source}/${folder} ${kind} ${word}")
  get_property(is_known GLOBAL PROPERTY "${known}" SET)
  if(is_known)
    return()
  endif()
  set_property(GLOBAL PROPERTY "${known}" TRUE)
  if(kind MATCHES "^program" AND NOT word MATCHES "/") # one of PATH
    return()
  endif()
  get_filename_component(path "${word}" ABSOLUTE BASE_DIR "${source}/${folder}")
  file(RELATIVE_PATH path "${source}" "${path}")
  if(NOT path MATCHES "^(\\.\\.(/.*)?|)$|[\"\\;\n$]" AND EXISTS "${source}/${path}" AND NOT IS_DIRECTORY "${source}/${path}")
    set_property(GLOBAL APPEND PROPERTY _snapshot_fixtures_script_sources "${source}")
    set_property(GLOBAL APPEND PROPERTY "_snapshot_fixtures_scripts ${source}" "${kind} ${path}")
    set_property(GLOBAL PROPERTY "_snapshot_fixtures_test_of ${source}/${path}" "${test}")
  endif()
endfunction()

# Warns of those that git does not track: in the snapshot they are missing. A program that git ignores (one of a virtual
# environment) is meant to be the source's own.
function(_snapshot_fixtures_check_scripts)
  get_property(sources GLOBAL PROPERTY _snapshot_fixtures_script_sources)
  set_property(GLOBAL PROPERTY _snapshot_fixtures_script_sources)
  list(REMOVE_DUPLICATES sources)
  foreach(source IN LISTS sources)
    get_property(scripts GLOBAL PROPERTY "_snapshot_fixtures_scripts ${source}")
    set_property(GLOBAL PROPERTY "_snapshot_fixtures_scripts ${source}")
    list(REMOVE_DUPLICATES scripts)
    set(paths "${scripts}")
    list(TRANSFORM paths REPLACE "^[a-z]+ [a-z]+ " "")
    foreach(state IN ITEMS untracked ignored)
      set(option "")
      if(state STREQUAL "ignored")
        set(option "--ignored")
      endif()
      execute_process(
        COMMAND "${CMAKE_COMMAND}" -E env --unset=GIT_DIR --unset=GIT_WORK_TREE --unset=GIT_INDEX_FILE
          git --literal-pathspecs -c core.quotePath=false -c core.fsmonitor=false
          ls-files --others ${option} --exclude-standard -- ${paths}
        WORKING_DIRECTORY "${source}" OUTPUT_VARIABLE found ERROR_QUIET RESULT_VARIABLE result ENCODING NONE)
      if(NOT result EQUAL 0)
        break() # no git work tree
      endif()
      string(REPLACE "\n" ";" found "${found}")
      foreach(script IN LISTS scripts)
        string(REGEX MATCH "^([a-z]+) ([a-z]+) (.*)$" script "${script}")
        set(path "${CMAKE_MATCH_3}")
        if(path IN_LIST found AND NOT "${CMAKE_MATCH_2}" STREQUAL state
            AND NOT (state STREQUAL "ignored" AND CMAKE_MATCH_1 STREQUAL "program"))
          get_property(test GLOBAL PROPERTY "_snapshot_fixtures_test_of ${source}/${path}")
          set(remedy "git add it, or write INCLUDE '${path}'")
          if(state STREQUAL "ignored")
            set(remedy "write INCLUDE '${path}', or take it out of .gitignore")
          endif()
          message(WARNING "add_snapshot_test(NAME ${test}): its COMMAND names '${path}', which git does not track\
 (${state}), so the snapshot does not hold it.\nTo mend it: ${remedy}.")
        endif()
      endforeach()
    endforeach()
  endforeach()
endfunction()
