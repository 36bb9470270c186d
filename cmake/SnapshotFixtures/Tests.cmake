# What the commands register.

# Sets what the tests are made of as fields: source, root, snapshot (the name that the helper is
# given), fixture, freeze (test and fixture that freezes the source), keep, and as code: helper,
# snapshot, root, tree, configurations.
function(_snapshot_fixtures_prepare record)
  _snapshot_fixtures_get(${record} given NAME SOURCE_DIR)
  set(source "${PROJECT_SOURCE_DIR}")
  if("SOURCE_DIR" IN_LIST given)
    get_filename_component(source "${SOURCE_DIR}" ABSOLUTE)
  endif()
  if(NOT IS_DIRECTORY "${source}")
    _snapshot_fixtures_misuse(${record} "SOURCE_DIR '${source}' is no folder"
      "name a folder that exists, absolute or relative to ${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  get_filename_component(root "${SNAPSHOT_FIXTURES_ROOT}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
  _snapshot_fixtures_check_places(${record} "${source}" "${root}")
  _snapshot_fixtures_set(${record} source "${source}")
  _snapshot_fixtures_set(${record} root "${root}")
  _snapshot_fixtures_default(keep ${record} KEEP NEVER ON_FAILURE ALWAYS)
  _snapshot_fixtures_set(${record} keep "${keep}")

  _snapshot_fixtures_find_helper(${record})
  _snapshot_fixtures_limit_configurations(${record})
  _snapshot_fixtures_folder(folder "${NAME}")
  _snapshot_fixtures_set(${record} fixture "snapshot.${folder}")
  string(REPLACE "$<" "$<1:$><" snapshot "${NAME}") # no generator expression
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    string(APPEND snapshot "@$<CONFIG>")
  endif()
  _snapshot_fixtures_set(${record} snapshot "${snapshot}")
  set(word "${snapshot}")
  if(NAME MATCHES "^-") # which the helper would take for an option
    string(PREPEND word "--name=")
  endif()
  _snapshot_fixtures_quote(quoted "${word}")
  _snapshot_fixtures_set(${record} snapshot_code "${quoted}")

  _snapshot_fixtures_quote_literal(quoted "${root}")
  set(root_code "\"--root\" ${quoted}")
  _snapshot_fixtures_set(${record} root_code "${root_code}")
  _snapshot_fixtures_quote_literal(quoted "${source}")
  set(freeze_code "\"--source\" ${quoted} ${root_code}")
  _snapshot_fixtures_option(files_code ${record} FILES)
  _snapshot_fixtures_option(link_from_code ${record} LINK_FROM)
  _snapshot_fixtures_options(include_code ${record} INCLUDE)
  string(APPEND freeze_code "${files_code}${link_from_code}${include_code}")
  _snapshot_fixtures_option(link_mode_code ${record} LINK_MODE)
  _snapshot_fixtures_options(exclude_code ${record} EXCLUDE)
  _snapshot_fixtures_options(copy_code ${record} COPY)
  set(tree_code "${freeze_code}${link_mode_code}${exclude_code}${copy_code}")
  if("STRICT" IN_LIST given)
    string(APPEND tree_code " \"--strict\"")
  endif()
  _snapshot_fixtures_set(${record} tree_code "${tree_code}")
  _snapshot_fixtures_use_freeze(${record} "${freeze_code}")
endfunction()

# Sets configurations_code: the keyword of add_test() with its values, or nothing.
function(_snapshot_fixtures_limit_configurations record)
  _snapshot_fixtures_get(${record} given CONFIGURATIONS_code)
  if("CONFIGURATIONS" IN_LIST given)
    _snapshot_fixtures_set(${record} configurations_code "CONFIGURATIONS ${CONFIGURATIONS_code}")
  endif()
endfunction()

# Every test is registered here: its words are code. Those of a test that serves another end in `--`,
# as what `ctest -- ARGS` puts there is not for them.
function(_snapshot_fixtures_add_test record name command_code)
  _snapshot_fixtures_get(${record} configurations_code place)
  _snapshot_fixtures_quote(name_code "${name}")
  cmake_language(EVAL CODE
    "add_test(NAME ${name_code} ${configurations_code} COMMAND ${command_code})")
  if(NOT place STREQUAL "")
    set_property(TEST "${name}" PROPERTY DEF_SOURCE_LINE "${place}")
  endif()
endfunction()

function(_snapshot_fixtures_add_setup record)
  _snapshot_fixtures_get(${record}
    NAME given SETUP_TIMEOUT fixture freeze helper_code snapshot_code tree_code)
  set(setup "${NAME}.snapshot_setup")
  _snapshot_fixtures_add_test(${record} "${setup}"
    "${helper_code} \"create\" ${snapshot_code} ${tree_code} \"--fresh\" \"--frozen\" \"--ctest\" \"--\"")
  set_property(TEST "${setup}" PROPERTY FIXTURES_SETUP "${fixture}")
  set_property(TEST "${setup}" PROPERTY FIXTURES_REQUIRED "${freeze}")
  if("SETUP_TIMEOUT" IN_LIST given)
    set_property(TEST "${setup}" PROPERTY TIMEOUT "${SETUP_TIMEOUT}")
  endif()
endfunction()

# ---- places --------------------------------------------------------------------------------------

function(_snapshot_fixtures_check_places record source root)
  get_filename_component(real_source "${source}" REALPATH)
  get_filename_component(real_root "${root}" REALPATH)
  string(REGEX REPLACE "/$" "" real_root "${real_root}") # of "/" itself
  string(FIND "${real_source}/" "${real_root}/" position)
  if(position EQUAL 0)
    _snapshot_fixtures_misuse(${record} "the root '${root}' is the source '${source}' or above it"
      "set SNAPSHOT_FIXTURES_ROOT to a folder in the build tree, or any other place of its own")
  endif()

  get_filename_component(real_build "${CMAKE_BINARY_DIR}" REALPATH)
  if(real_build STREQUAL real_source)
    _snapshot_fixtures_takes_all(all ${record} "${real_source}")
    if(all)
      _snapshot_fixtures_misuse(${record}
        "FILES ALL would take the build too: the source is its own build tree"
        "build in a folder of its own (cmake -B build), or in a git work tree write FILES TRACKED")
    endif()
  endif()
endfunction()

# Whether every file will be taken: asked for, or the default outside of git.
function(_snapshot_fixtures_takes_all out record folder)
  _snapshot_fixtures_get(${record} given FILES)
  set(all FALSE)
  if("FILES" IN_LIST given)
    if(FILES STREQUAL "ALL")
      set(all TRUE)
    endif()
  else()
    while(NOT EXISTS "${folder}/.git" AND NOT folder STREQUAL "/")
      get_filename_component(folder "${folder}" DIRECTORY)
    endwhile()
    if(folder STREQUAL "/")
      set(all TRUE)
    endif()
  endif()
  set(${out} "${all}" PARENT_SCOPE)
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

# ---- the helper and the program ------------------------------------------------------------------

# Sets helper_code: a path, or a generator expression if this build makes the helper.
function(_snapshot_fixtures_find_helper record)
  set(helper "${SNAPSHOT_FIXTURES_HELPER}")
  if(helper)
    get_filename_component(helper "${helper}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
    if(NOT EXISTS "${helper}" OR IS_DIRECTORY "${helper}")
      _snapshot_fixtures_misuse(${record} "SNAPSHOT_FIXTURES_HELPER '${helper}' does not exist"
        "set it to the path of the program snapfix")
    endif()
    _snapshot_fixtures_quote_literal(quoted "${helper}")
  elseif(CMAKE_CROSSCOMPILING)
    _snapshot_fixtures_misuse(${record}
      "when cross-compiling, a helper that runs on the host is not known"
      "build SnapshotFixtures for the host and set SNAPSHOT_FIXTURES_HELPER to its snapfix")
  elseif(NOT TARGET SnapshotFixtures::snapfix)
    _snapshot_fixtures_misuse(${record} "the helper snapfix is not known"
      "use find_package(SnapshotFixtures), add_subdirectory() or FetchContent, or set\
 SNAPSHOT_FIXTURES_HELPER to its path")
  else()
    get_target_property(imported SnapshotFixtures::snapfix IMPORTED)
    if(imported)
      # Its path, as other directories that need it may not see the target.
      get_target_property(helper SnapshotFixtures::snapfix LOCATION)
      _snapshot_fixtures_quote_literal(quoted "${helper}")
    else()
      _snapshot_fixtures_quote(quoted "$<TARGET_FILE:SnapshotFixtures::snapfix>")
      _snapshot_fixtures_build_helper()
    endif()
  endif()
  _snapshot_fixtures_set(${record} helper_code "${quoted}")
endfunction()

# Has the default build make the helper, even where its own folder is EXCLUDE_FROM_ALL.
function(_snapshot_fixtures_build_helper)
  _snapshot_fixtures_get(project helper_is_built)
  if(NOT helper_is_built)
    _snapshot_fixtures_set(project helper_is_built TRUE)
    cmake_language(EVAL CODE "
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        add_custom_target snapshot_fixtures_helper ALL)
      cmake_language(DEFER DIRECTORY [==[${CMAKE_SOURCE_DIR}]==] CALL
        add_dependencies snapshot_fixtures_helper SnapshotFixtures::snapfix)")
  endif()
endfunction()

# What a snapshot test runs, and what else add_test() is told of it.
function(_snapshot_fixtures_run_code out record)
  _snapshot_fixtures_get(${record} given COMMAND COMMAND_code WORKING_DIRECTORY BUILD_DEPENDS_code
    helper_code snapshot_code tree_code)
  set(code "${helper_code} \"run\" ${snapshot_code} ${tree_code} \"--fresh\" \"--frozen\"")
  if(NOT "NO_SOURCE_MAPPING" IN_LIST given)
    string(APPEND code " \"--map-source\"")
  endif()
  _snapshot_fixtures_default(guard ${record} GUARD AUTO ON OFF)
  _snapshot_fixtures_default(source_writes ${record} SOURCE_WRITES DENY REPORT ALLOW)
  string(APPEND code " \"--guard\" \"${guard}\" \"--source-writes\" \"${source_writes}\"")
  if(NOT WORKING_DIRECTORY STREQUAL "")
    _snapshot_fixtures_quote(quoted "--chdir=${WORKING_DIRECTORY}")
    string(APPEND code " ${quoted}")
  endif()
  _snapshot_fixtures_program_code(launcher_code program_code "${COMMAND}")
  string(APPEND code " \"--ctest\" ${launcher_code} \"--\"")
  set(more "")
  if("COMMAND_EXPAND_LISTS" IN_LIST given)
    string(REPLACE ";" "\\\\;" code "${code}") # no list of ours is one for CMake
    set(more " COMMAND_EXPAND_LISTS")
  endif()
  # A keyword of add_test() from CMake 4.4 on.
  if("BUILD_DEPENDS" IN_LIST given AND NOT CMAKE_VERSION VERSION_LESS 4.4)
    string(APPEND more " BUILD_DEPENDS ${BUILD_DEPENDS_code}")
  endif()
  set(${out} "${code} ${program_code} ${COMMAND_code}${more}" PARENT_SCOPE)
endfunction()

# The program, and the option of `snapfix run` for what stands in front of it. add_test() puts a
# target's path and launchers in place of its name, but not behind a wrapper, so expressions do it.
# One word for all launchers, as some versions of CMake drop a word that becomes empty; the helper
# splits it at `;`.
function(_snapshot_fixtures_program_code out_launcher out_program program)
  set(launcher_code "")
  _snapshot_fixtures_quote(program_code "${program}")
  if(program MATCHES "^[A-Za-z0-9_.:+-]+$") # else it cannot be a target
    set(type "$<$<TARGET_EXISTS:${program}>:$<TARGET_PROPERTY:${program},TYPE>>")
    set(is_target "$<STREQUAL:${type},EXECUTABLE>")
    set(launcher "--launcher=")
    foreach(property IN ITEMS TEST_LAUNCHER CROSSCOMPILING_EMULATOR)
      set(value "$<TARGET_GENEX_EVAL:${program},$<TARGET_PROPERTY:${program},${property}>>")
      string(APPEND launcher "$<JOIN:$<${is_target}:${value}>,;>;")
    endforeach()
    _snapshot_fixtures_quote(launcher_code "${launcher}")
    set(path "$<${is_target}:$<TARGET_FILE:${program}>>$<$<NOT:${is_target}>:${program}>")
    _snapshot_fixtures_quote(program_code "${path}")
  endif()
  set(${out_launcher} "${launcher_code}" PARENT_SCOPE)
  set(${out_program} "${program_code}" PARENT_SCOPE)
endfunction()

# ---- options of the helper -----------------------------------------------------------------------

# The helper's word for an argument with these choices, or where it is not given for its cache
# variable.
function(_snapshot_fixtures_default out record keyword)
  _snapshot_fixtures_get(${record} given ${keyword})
  set(value "${${keyword}}")
  if(NOT keyword IN_LIST given)
    set(value "${SNAPSHOT_FIXTURES_${keyword}}")
    if(NOT value IN_LIST ARGN)
      list(JOIN ARGN ", " choices)
      _snapshot_fixtures_misuse(${record} "SNAPSHOT_FIXTURES_${keyword} '${value}' is not known"
        "set it to one of ${choices}")
    endif()
  endif()
  string(TOLOWER "${value}" value)
  string(REPLACE "_" "-" value "${value}")
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# An option of the helper for an argument, if it was given, as code.
function(_snapshot_fixtures_option out record keyword)
  _snapshot_fixtures_get(${record} given ${keyword})
  set(code "")
  if(keyword IN_LIST given)
    string(TOLOWER "--${keyword}=${${keyword}}" option)
    string(REPLACE "_" "-" option "${option}")
    set(code " \"${option}\"")
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# An option of the helper for each word of an argument, as code.
function(_snapshot_fixtures_options out record keyword)
  string(TOLOWER "--${keyword}=" option)
  _snapshot_fixtures_get(${record} ${keyword}_code)
  cmake_language(EVAL CODE
    "_snapshot_fixtures_before_each(code \"${option}\" ${${keyword}_code})")
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_before_each out option)
  set(code "")
  set(index 2)
  while(index LESS ARGC)
    _snapshot_fixtures_quote(quoted "${option}${ARGV${index}}")
    string(APPEND code " ${quoted}")
    math(EXPR index "${index} + 1")
  endwhile()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()
