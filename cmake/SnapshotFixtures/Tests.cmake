# What the commands register.

# Registers a test. Its name and place (DEF_SOURCE_LINE) are escaped, all else is code, since only so
# every word arrives as it was written. The words of a test that serves another end in `--`, as what
# `ctest -- ARGS` puts there is not for them.
function(_snapshot_fixtures_add_test name place configurations_code command_code properties_code)
  if(NOT configurations_code STREQUAL "")
    string(PREPEND configurations_code "CONFIGURATIONS")
  endif()
  cmake_language(EVAL CODE "
    add_test(NAME \"${name}\" ${configurations_code} COMMAND ${command_code})
    set_tests_properties(\"${name}\" PROPERTIES DEF_SOURCE_LINE \"${place}\" ${properties_code})")
endfunction()

# Registers the tests that make and finish a snapshot for others. verdict_code: the cleanup's option that
# says how the test's end is judged.
function(_snapshot_fixtures_add_pair
    where name place plan snapshot_code fixture configurations_code timeout_code verdict_code)
  foreach(part IN ITEMS helper_code tree_code root_code finish_code freeze)
    get_property(${part} GLOBAL PROPERTY "${plan} ${part}")
  endforeach()
  _snapshot_fixtures_check_no_test("${where}" "${name}.snapshot_setup")
  _snapshot_fixtures_check_no_test("${where}" "${name}.snapshot_cleanup")
  set_property(GLOBAL APPEND PROPERTY "_snapshot_fixtures_cleanups ${freeze}" "${name}.snapshot_cleanup")
  _snapshot_fixtures_escape(name "${name}")
  _snapshot_fixtures_add_test("${name}.snapshot_setup" "${place}" "${configurations_code}"
    "${helper_code} \"create\" ${snapshot_code} ${tree_code} \"--fresh\" \"--frozen\" \"--ctest\" \"--\""
    "FIXTURES_SETUP \"${fixture}\" FIXTURES_REQUIRED \"${freeze}\"${timeout_code}")
  _snapshot_fixtures_add_test("${name}.snapshot_cleanup" "${place}" "${configurations_code}"
    "${helper_code} \"finish\" ${snapshot_code} ${root_code} ${finish_code} ${verdict_code} \"--ctest\" \"--\""
    "FIXTURES_CLEANUP \"${fixture}\"")
endfunction()

# ---- where a call stands --------------------------------------------------------------------------

# File and line of the call, escaped, for editors, which would go to this module. CMake tells a function
# by which file it was called, but not the line: that is where the name stands, or else the first such call.
function(_snapshot_fixtures_find_place out call name)
  set(lines "_snapshot_fixtures_lines ${CMAKE_CURRENT_LIST_FILE}")
  string(REGEX REPLACE "[][;\\]" "?" sought "NAME ${name}") # as it is noted
  get_property(found GLOBAL PROPERTY "${lines} ${sought}" SET)
  if(NOT found)
    _snapshot_fixtures_note_lines("${lines}" "${CMAKE_CURRENT_LIST_FILE}")
    get_property(found GLOBAL PROPERTY "${lines} ${sought}" SET)
    if(NOT found)
      set(sought "${call}(")
    endif()
  endif()
  get_property(place GLOBAL PROPERTY "${lines} ${sought}")
  set(${out} "${place}" PARENT_SCOPE)
endfunction()

# Notes where in a file each name and each command of ours stands first, as properties that begin with
# `lines`. Once for all: to look for each name would take quadratic time.
function(_snapshot_fixtures_note_lines lines file)
  get_property(noted GLOBAL PROPERTY "${lines}" SET)
  if(noted)
    return()
  endif()
  set_property(GLOBAL PROPERTY "${lines}" TRUE)
  file(READ "${file}" text)
  string(REGEX REPLACE "[][;\\]" "?" text "${text}") # no list survives them
  set(calls "add_snapshot_test[(]|add_snapshot_fixture[(]|add_uv_lock_check[(]")
  string(APPEND calls "|snapshot_discover_tests[(]|snapshot_fixtures_check_registered[(]")
  string(REGEX MATCHALL "\n|NAME (\"[^\"\n]*\"|[^ \n)\"]+)|${calls}" words "${text}")
  _snapshot_fixtures_escape(escaped "${file}")
  set(line 1)
  foreach(word IN LISTS words)
    if(word STREQUAL "\n")
      math(EXPR line "${line} + 1")
    else()
      string(REPLACE "\"" "" word "${word}")
      get_property(known GLOBAL PROPERTY "${lines} ${word}" SET)
      if(NOT known)
        set_property(GLOBAL PROPERTY "${lines} ${word}" "${escaped}:${line}")
      endif()
    endif()
  endforeach()
  foreach(call IN ITEMS "add_snapshot_test(" "add_snapshot_fixture(" "add_uv_lock_check(" "snapshot_discover_tests("
      "snapshot_fixtures_check_registered(")
    get_property(known GLOBAL PROPERTY "${lines} ${call}" SET)
    if(NOT known) # it is written in another way
      set_property(GLOBAL PROPERTY "${lines} ${call}" "${escaped}:1")
    endif()
  endforeach()
endfunction()

# ---- plans ---------------------------------------------------------------------------------------

# What a call says of its source, tree and guard, worked out once for all calls that say the same. Sets
# out to the plan, with which the names of global properties begin:
#   helper_code                   the program
#   tree_code                     its options for making the tree
#   run_code, finish_code         further ones for running the test, and for its end
#   root_code                     the one for the root alone, which is a part of tree_code
#   source, root, freeze, locked  freeze: the test and fixture that freezes the source; locked: whether
#                                 uv's lock is held
# `given` are the keywords given; freeze_options and tree_options the helper's, as code, that say which
# files are frozen, and how they get into the tree.
function(_snapshot_fixtures_find_plan out call where place given source_dir freeze_options tree_options
    uv_locked keep guard source_writes working_directory)
  set(from "${PROJECT_SOURCE_DIR}") # where the source is, or is looked for
  if("SOURCE_DIR" IN_LIST given)
    set(from "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  string(SHA1 plan "${call}\n${given}\n${source_dir}\n${freeze_options}\n${tree_options}\n${uv_locked}
    ${keep}\n${guard}\n${source_writes}\n${working_directory}\n${from}
    ${SNAPSHOT_FIXTURES_ROOT}\n${SNAPSHOT_FIXTURES_KEEP}\n${SNAPSHOT_FIXTURES_GUARD}
    ${SNAPSHOT_FIXTURES_SOURCE_WRITES}\n${SNAPSHOT_FIXTURES_SPARES}\n${SNAPSHOT_FIXTURES_UV_LOCKED}\n${SNAPSHOT_FIXTURES_UV}
    ${SNAPSHOT_FIXTURES_HELPER}\n${SNAPSHOT_FIXTURES_PACK}")
  set(plan "_snapshot_fixtures_plan ${plan}")
  get_property(made GLOBAL PROPERTY "${plan}" SET)
  if(NOT made)
    set_property(GLOBAL PROPERTY "${plan}" TRUE)
    _snapshot_fixtures_find_places("${where}" "${given}" "${source_dir}" "${freeze_options}")
    _snapshot_fixtures_find_helper(helper_code "${where}")
    set(uv_code "")
    set(run_code "")
    if(call STREQUAL "add_snapshot_test")
      _snapshot_fixtures_lock_uv(uv_code "${where}" "${given}" "${uv_locked}" "${source}")
      _snapshot_fixtures_run_options(run_code
        "${where}" "${given}" "${guard}" "${source_writes}" "${working_directory}")
    endif()
    _snapshot_fixtures_default(keep "${where}" KEEP "${keep}")
    _snapshot_fixtures_spares(spares_code "${where}")
    set(freeze_code "${source_code} ${root_code}${freeze_options}")
    _snapshot_fixtures_report(report_code)
    _snapshot_fixtures_find_freeze(freeze "${source}" "${root}" "${freeze_code}"
      "${root_code}${spares_code}${report_code}" "${helper_code}" "${place}")
    set_property(GLOBAL PROPERTY "${plan} helper_code" "${helper_code}")
    set_property(GLOBAL PROPERTY "${plan} tree_code" "${freeze_code}${tree_options}${uv_code}")
    set_property(GLOBAL PROPERTY "${plan} run_code" "${run_code}")
    _snapshot_fixtures_packs(packs_code "${where}")
    set_property(GLOBAL PROPERTY "${plan} finish_code" "\"--keep\" \"${keep}\"${spares_code}${packs_code}")
    set_property(GLOBAL PROPERTY "${plan} root_code" "${root_code}")
    set_property(GLOBAL PROPERTY "${plan} source" "${source}")
    set_property(GLOBAL PROPERTY "${plan} root" "${root}")
    set_property(GLOBAL PROPERTY "${plan} freeze" "${freeze}")
    set_property(GLOBAL PROPERTY "${plan} locked" "${uv_code}")
  endif()
  set(${out} "${plan}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_spares out where)
  set(code "")
  if(NOT SNAPSHOT_FIXTURES_SPARES STREQUAL "")
    if(NOT SNAPSHOT_FIXTURES_SPARES MATCHES "^[0-9]+$")
      _snapshot_fixtures_misuse("${where}"
        "SNAPSHOT_FIXTURES_SPARES '${SNAPSHOT_FIXTURES_SPARES}' is no number"
        "set it to how many trees may wait for the next snapshots, or to nothing")
    endif()
    set(code " \"--spares\" \"${SNAPSHOT_FIXTURES_SPARES}\"")
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_report out)
  set(code "")
  if(NOT SNAPSHOT_FIXTURES_REPORT STREQUAL "")
    get_filename_component(file "${SNAPSHOT_FIXTURES_REPORT}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
    _snapshot_fixtures_escape_literal(file "${file}")
    set(code " \"--report\" \"${file}\"")
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_packs out where)
  set(code "")
  if(SNAPSHOT_FIXTURES_PACK STREQUAL "ON_FAILURE")
    _snapshot_fixtures_escape_literal(folder "${CMAKE_BINARY_DIR}/Testing/packs")
    set(code " \"--pack\" \"${folder}\"")
  elseif(NOT SNAPSHOT_FIXTURES_PACK STREQUAL "NEVER")
    _snapshot_fixtures_misuse("${where}" "SNAPSHOT_FIXTURES_PACK '${SNAPSHOT_FIXTURES_PACK}' is none of NEVER, ON_FAILURE"
      "set it to one of these")
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# Sets source and root, source_code and root_code: the helper's options for them.
function(_snapshot_fixtures_find_places where given source_dir freeze_options)
  set(source "${PROJECT_SOURCE_DIR}")
  if("SOURCE_DIR" IN_LIST given)
    get_filename_component(source "${source_dir}" ABSOLUTE)
  endif()
  get_filename_component(root "${SNAPSHOT_FIXTURES_ROOT}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
  _snapshot_fixtures_check_places("${where}" "${source}" "${root}" "${freeze_options}")
  foreach(place IN ITEMS source root)
    _snapshot_fixtures_escape_literal(escaped "${${place}}")
    set(${place} "${${place}}" PARENT_SCOPE)
    set(${place}_code "\"--${place}\" \"${escaped}\"" PARENT_SCOPE)
  endforeach()
endfunction()

function(_snapshot_fixtures_check_places where source root freeze_options)
  if(NOT IS_DIRECTORY "${source}")
    _snapshot_fixtures_misuse("${where}" "SOURCE_DIR '${source}' is no folder"
      "name a folder that exists, absolute or relative to ${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  get_filename_component(real_source "${source}" REALPATH)
  get_filename_component(real_root "${root}" REALPATH)
  string(REGEX REPLACE "/$" "" real_root "${real_root}") # of "/" itself
  string(FIND "${real_source}/" "${real_root}/" position)
  if(position EQUAL 0)
    _snapshot_fixtures_misuse("${where}" "the root '${root}' is the source '${source}' or above it"
      "set SNAPSHOT_FIXTURES_ROOT to a folder in the build tree, or any other place of its own")
  endif()

  get_filename_component(real_build "${CMAKE_BINARY_DIR}" REALPATH)
  if(real_build STREQUAL real_source)
    _snapshot_fixtures_takes_all(all "${freeze_options}" "${real_source}")
    if(all)
      _snapshot_fixtures_misuse("${where}"
        "FILES ALL would take the build too: the source is its own build tree"
        "build in a folder of its own (cmake -B build), or in a git work tree write FILES TRACKED")
    endif()
  endif()
endfunction()

# Whether every file will be taken: asked for, or the default outside of git.
function(_snapshot_fixtures_takes_all out freeze_options folder)
  set(all FALSE)
  if(freeze_options MATCHES "\"--files=all\"")
    set(all TRUE)
  elseif(NOT freeze_options MATCHES "\"--files=")
    while(NOT EXISTS "${folder}/.git" AND NOT folder STREQUAL "/")
      get_filename_component(folder "${folder}" DIRECTORY)
    endwhile()
    if(folder STREQUAL "/")
      set(all TRUE)
    endif()
  endif()
  set(${out} "${all}" PARENT_SCOPE)
endfunction()

# The helper's path as code, or a generator expression if this build makes it.
function(_snapshot_fixtures_find_helper out where)
  set(helper "${SNAPSHOT_FIXTURES_HELPER}")
  if(helper)
    get_filename_component(helper "${helper}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
    if(NOT EXISTS "${helper}" OR IS_DIRECTORY "${helper}")
      _snapshot_fixtures_misuse("${where}" "SNAPSHOT_FIXTURES_HELPER '${helper}' does not exist"
        "set it to the path of the program snapfix")
    endif()
    _snapshot_fixtures_escape_literal(escaped "${helper}")
  elseif(CMAKE_CROSSCOMPILING)
    _snapshot_fixtures_misuse("${where}"
      "when cross-compiling, a helper that runs on the host is not known"
      "build SnapshotFixtures for the host and set SNAPSHOT_FIXTURES_HELPER to its snapfix")
  elseif(NOT TARGET SnapshotFixtures::snapfix)
    _snapshot_fixtures_misuse("${where}" "the helper snapfix is not known"
      "use find_package(SnapshotFixtures), add_subdirectory() or FetchContent, or set\
 SNAPSHOT_FIXTURES_HELPER to its path")
  else()
    get_target_property(imported SnapshotFixtures::snapfix IMPORTED)
    if(imported)
      # Its path, as other directories that need it may not see the target.
      get_target_property(helper SnapshotFixtures::snapfix LOCATION)
      _snapshot_fixtures_escape_literal(escaped "${helper}")
    else()
      set(escaped "$<TARGET_FILE:SnapshotFixtures::snapfix>")
      _snapshot_fixtures_build_helper()
    endif()
  endif()
  set(${out} "\"${escaped}\"" PARENT_SCOPE)
endfunction()

# Has the default build make the helper, even where its own folder is EXCLUDE_FROM_ALL.
function(_snapshot_fixtures_build_helper)
  get_property(built GLOBAL PROPERTY _snapshot_fixtures_helper_is_built SET)
  if(NOT built)
    set_property(GLOBAL PROPERTY _snapshot_fixtures_helper_is_built TRUE)
    cmake_language(EVAL CODE "
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        add_custom_target snapshot_fixtures_helper ALL)
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        add_dependencies snapshot_fixtures_helper SnapshotFixtures::snapfix)")
  endif()
endfunction()

# What only `snapfix run` is told.
function(_snapshot_fixtures_run_options out where given guard source_writes working_directory)
  if(guard STREQUAL "OFF" AND source_writes MATCHES "^(DENY|REPORT)$")
    _snapshot_fixtures_misuse("${where}"
      "SOURCE_WRITES ${source_writes} is the guard's work, and GUARD is OFF"
      "leave out one of the two")
  endif()
  set(code "\"--fresh\" \"--frozen\"")
  if(NOT "NO_SOURCE_MAPPING" IN_LIST given)
    string(APPEND code " \"--map-source\"")
  endif()
  _snapshot_fixtures_default(guard "${where}" GUARD "${guard}")
  _snapshot_fixtures_default(source_writes "${where}" SOURCE_WRITES "${source_writes}")
  string(APPEND code " \"--guard\" \"${guard}\" \"--source-writes\" \"${source_writes}\"")
  if(NOT working_directory STREQUAL "")
    _snapshot_fixtures_check_working_directory("${where}" "${working_directory}")
    _snapshot_fixtures_escape(escaped "${working_directory}")
    string(APPEND code " \"--chdir=${escaped}\"")
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# The words of LAUNCHER, or of its variable, and those of TASKS, as options.
function(_snapshot_fixtures_find_launcher out where given launcher launcher_code tasks_code)
  if(NOT "LAUNCHER" IN_LIST given)
    set(launcher_code "")
    foreach(word IN LISTS SNAPSHOT_FIXTURES_LAUNCHER)
      _snapshot_fixtures_escape(word "${word}")
      string(APPEND launcher_code " \"--launcher=${word}\"")
    endforeach()
  elseif(launcher STREQUAL "OFF")
    set(launcher_code "")
  endif()
  if(NOT launcher_code STREQUAL "")
    string(APPEND launcher_code "${tasks_code}")
  elseif("TASKS" IN_LIST given AND NOT "LAUNCHER" IN_LIST given)
    message(WARNING "${where}: TASKS is for a LAUNCHER, and there is none: the command runs once, here")
  endif()
  set(${out} "${launcher_code}" PARENT_SCOPE)
endfunction()

# ---- names and programs --------------------------------------------------------------------------

# Sets snapshot_code, the name that the helper is given, and fixture. With a multi-config generator
# each configuration has a snapshot of its own.
function(_snapshot_fixtures_name_snapshot name)
  string(REPLACE "$<" "$<1:$><" word "${name}") # no generator expression
  if(name MATCHES "^-") # which the helper would take for an option
    string(PREPEND word "--name=")
  endif()
  if(word MATCHES "[\\\"$]")
    _snapshot_fixtures_escape(word "${word}")
  endif()
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    string(APPEND word "@$<CONFIG>")
  endif()
  _snapshot_fixtures_folder(folder "${name}")
  set(snapshot_code "\"${word}\"" PARENT_SCOPE)
  set(fixture "snapshot.${folder}" PARENT_SCOPE)
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

# The folder of a test's snapshot, with a multi-config generator as a generator expression.
function(_snapshot_fixtures_folder_expression out name)
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    set(folder "")
    foreach(config IN LISTS CMAKE_CONFIGURATION_TYPES)
      _snapshot_fixtures_folder(mapped "${name}@${config}")
      string(APPEND folder "$<$<CONFIG:${config}>:${mapped}>")
    endforeach()
  else()
    _snapshot_fixtures_folder(folder "${name}")
  endif()
  set(${out} "${folder}" PARENT_SCOPE)
endfunction()

# The program, and the option of `snapfix run` for what stands in front of it, as code. add_test() puts a
# target's path and launchers in place of its name, but not behind a wrapper, so expressions do it.
# One word for all launchers, as some versions of CMake drop a word that becomes empty; the helper
# splits it at `;`.
function(_snapshot_fixtures_program_code out_wrapper out_program program)
  if(program MATCHES "^[A-Za-z0-9_.:+-]+$") # else it cannot be a target
    set(type "$<$<TARGET_EXISTS:${program}>:$<TARGET_PROPERTY:${program},TYPE>>")
    set(is_target "$<STREQUAL:${type},EXECUTABLE>")
    set(launchers "")
    foreach(property IN ITEMS TEST_LAUNCHER CROSSCOMPILING_EMULATOR)
      set(value "$<TARGET_GENEX_EVAL:${program},$<TARGET_PROPERTY:${program},${property}>>")
      string(APPEND launchers "$<JOIN:$<${is_target}:${value}>,;>;")
    endforeach()
    set(path "$<${is_target}:$<TARGET_FILE:${program}>>$<$<NOT:${is_target}>:${program}>")
    set(${out_wrapper} "\"--wrapper=${launchers}\"" PARENT_SCOPE)
    set(${out_program} "\"${path}\"" PARENT_SCOPE)
  else()
    _snapshot_fixtures_escape(escaped "${program}")
    set(${out_wrapper} "" PARENT_SCOPE)
    set(${out_program} "\"${escaped}\"" PARENT_SCOPE)
  endif()
endfunction()
