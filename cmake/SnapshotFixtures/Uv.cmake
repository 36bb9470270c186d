# Holding the lock of uv projects.

# Adds what UV_LOCKED means to tree_code, and sets uv_locked to whether it holds.
function(_snapshot_fixtures_lock_uv record)
  _snapshot_fixtures_get(${record} given UV_LOCKED source tree_code)
  set(projects "${UV_LOCKED}")
  if(projects STREQUAL "" AND ("UV_LOCKED" IN_LIST given
      OR (SNAPSHOT_FIXTURES_UV_LOCKED AND EXISTS "${source}/uv.lock")))
    set(projects ".")
  endif()
  if(projects MATCHES "^([Oo][Nn]|[Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|1)$")
    set(projects ".")
  elseif(projects STREQUAL ""
      OR projects MATCHES "^([Oo][Ff][Ff]|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]|0)$")
    return()
  endif()
  foreach(project IN LISTS projects)
    _snapshot_fixtures_uv_project(quoted ${record} "${source}" "${project}")
    string(APPEND tree_code " \"--uv-locked\" ${quoted}")
  endforeach()
  find_program(SNAPSHOT_FIXTURES_UV uv NO_CMAKE_FIND_ROOT_PATH DOC "Path of uv")
  if(SNAPSHOT_FIXTURES_UV)
    _snapshot_fixtures_quote_literal(quoted "--uv=${SNAPSHOT_FIXTURES_UV}")
    string(APPEND tree_code " ${quoted}")
  endif()
  _snapshot_fixtures_set(${record} tree_code "${tree_code}")
  _snapshot_fixtures_set(${record} uv_locked TRUE)
endfunction()

# A folder with a pyproject.toml, and a uv.lock in it or above it, or a script with a lock of its own,
# as the helper's word.
function(_snapshot_fixtures_uv_project out record source project)
  get_filename_component(folder "${project}" ABSOLUTE BASE_DIR "${source}")
  get_filename_component(top "${source}" ABSOLUTE)
  string(FIND "${folder}/" "${top}/" position)
  if(NOT position EQUAL 0)
    _snapshot_fixtures_misuse(${record}
      "UV_LOCKED '${project}' lies outside the source '${source}'"
      "name a folder of the source, relative to its top")
  endif()
  if(EXISTS "${folder}" AND NOT IS_DIRECTORY "${folder}")
    set(lock "${folder}.lock")
    set(missing "there is no ${lock}")
    set(make "run 'uv lock --script ${folder}', and commit that lock")
  else()
    if(NOT EXISTS "${folder}/pyproject.toml")
      _snapshot_fixtures_misuse(${record}
        "UV_LOCKED '${project}': there is no ${folder}/pyproject.toml"
        "name the folders of the source that are uv projects, and scripts with a lock of their own,\
 or leave UV_LOCKED out")
    endif()
    set(holder "${folder}")
    while(NOT EXISTS "${holder}/uv.lock" AND NOT IS_SYMLINK "${holder}/uv.lock"
        AND NOT holder STREQUAL top)
      get_filename_component(holder "${holder}" DIRECTORY)
    endwhile()
    set(lock "${holder}/uv.lock")
    set(missing "there is no uv.lock in ${folder} or above it in the source")
    set(make "run 'uv lock' in ${folder}, and commit uv.lock")
  endif()
  if(IS_SYMLINK "${lock}")
    _snapshot_fixtures_misuse(${record}
      "UV_LOCKED: ${lock} is a symlink, and uv would write to what it leads to"
      "put the lock itself in its place")
  elseif(NOT EXISTS "${lock}")
    _snapshot_fixtures_misuse(${record} "UV_LOCKED '${project}': ${missing}" "${make}")
  endif()
  file(RELATIVE_PATH relative "${top}" "${folder}")
  if(relative STREQUAL "")
    set(relative ".")
  endif()
  _snapshot_fixtures_quote_literal(quoted "${relative}")
  set(${out} "${quoted}" PARENT_SCOPE)
endfunction()

# uv checks the lock in the environment of the test: indexes, proxies and the like bear on it.
function(_snapshot_fixtures_lock_environment record)
  _snapshot_fixtures_get(${record} NAME)
  set(yes "(1|[Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Yy]|[Tt]|[Oo][Nn])")
  _snapshot_fixtures_get_of_test(${record} ENVIRONMENT ENVIRONMENT_MODIFICATION)
  foreach(property IN ITEMS ENVIRONMENT ENVIRONMENT_MODIFICATION)
    set(values "${${property}}")
    foreach(value IN LISTS values)
      if(value MATCHES "^(UV_FROZEN|UV_NO_SYNC|UV_NO_PROJECT)=(set:)?${yes}$"
          OR (value MATCHES "^UV_LOCKED=" AND NOT value MATCHES "^UV_LOCKED=(set:)?${yes}$"))
        _snapshot_fixtures_misuse(${record} "its ${property} has ${value}, against UV_LOCKED"
          "take it out, or write UV_LOCKED OFF in place of UV_LOCKED")
      endif()
    endforeach()
    if(NOT values STREQUAL "")
      _snapshot_fixtures_set_test_property(
        ${record} "${NAME}.snapshot_setup" ${property} "${values}")
    endif()
  endforeach()
endfunction()

# The test of add_uv_lock_check().
function(_snapshot_fixtures_add_uv_lint record)
  _snapshot_fixtures_get(${record} NAME given PATHS LABELS)
  if(NOT "PATHS" IN_LIST given)
    _snapshot_fixtures_misuse(${record} "there are no PATHS" "write PATHS <file or folder>...")
  endif()
  set(paths_code "")
  foreach(path IN LISTS PATHS)
    get_filename_component(path "${path}" ABSOLUTE)
    if(NOT EXISTS "${path}")
      _snapshot_fixtures_misuse(${record} "there is no '${path}'"
        "name files and folders relative to ${CMAKE_CURRENT_SOURCE_DIR}")
    endif()
    _snapshot_fixtures_quote_literal(quoted "${path}")
    string(APPEND paths_code " ${quoted}")
  endforeach()
  _snapshot_fixtures_find_helper(${record})
  _snapshot_fixtures_limit_configurations(${record})
  _snapshot_fixtures_get(${record} helper_code)
  _snapshot_fixtures_add_test(${record} "${NAME}"
    "${helper_code} \"uv-lint\" \"--assume-locked\" ${paths_code} \"--ctest\" \"--\"")
  if("LABELS" IN_LIST given)
    set_property(TEST "${NAME}" APPEND PROPERTY LABELS "${LABELS}")
  endif()
endfunction()
