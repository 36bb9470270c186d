#[=======================================================================[.rst:
.. command:: add_uv_lock_check

  Registers a test that fails where scripts call uv without pinning the lock::

    add_uv_lock_check(
      NAME <name> PATHS <path>...
      [LABELS <label>...] [CONFIGURATIONS <config>...])

  ``PATHS`` are files and folders, relative to :variable:`CMAKE_CURRENT_SOURCE_DIR`: shell scripts,
  makefiles, Dockerfiles, YAML, justfiles, Python. It reports ``uv run``, ``uv sync`` and the like
  without ``--locked`` or ``--frozen``, and ``--frozen`` itself, which uv refuses where
  ``UV_LOCKED=1`` is set. ``# snapfix: allow-unlocked`` on its line silences one.
#]=======================================================================]

function(add_uv_lock_check)
  _snapshot_fixtures_parse(add_uv_lock_check ${ARGC} "" "NAME" "PATHS;LABELS;CONFIGURATIONS")
  _snapshot_fixtures_check_name("${where}" "${NAME}")
  _snapshot_fixtures_check_no_test("${where}" "${NAME}")
  if(NOT "PATHS" IN_LIST given)
    _snapshot_fixtures_misuse("${where}" "there are no PATHS" "write PATHS <file or folder>...")
  endif()
  _snapshot_fixtures_find_paths(paths_code "${where}" "${PATHS}")
  _snapshot_fixtures_find_helper(helper_code "${where}")
  _snapshot_fixtures_find_place(place add_uv_lock_check "${NAME}")
  _snapshot_fixtures_escape(name "${NAME}")
  _snapshot_fixtures_add_test("${name}" "${place}" "${CONFIGURATIONS_code}"
    "${helper_code} \"uv-lint\" \"--assume-locked\" ${paths_code} \"--ctest\" \"--\"" "")
  if("LABELS" IN_LIST given)
    set_property(TEST "${NAME}" APPEND PROPERTY LABELS "${LABELS}")
  endif()
endfunction()

# Holding the lock of uv projects.

# What UV_LOCKED means, as options of the helper: none where no lock is held.
function(_snapshot_fixtures_lock_uv out where given projects source)
  set(${out} "" PARENT_SCOPE)
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
  set(code "")
  foreach(project IN LISTS projects)
    _snapshot_fixtures_uv_project(escaped "${where}" "${source}" "${project}")
    string(APPEND code " \"--uv-locked\" \"${escaped}\"")
  endforeach()
  find_program(SNAPSHOT_FIXTURES_UV uv NO_CMAKE_FIND_ROOT_PATH DOC "Path of uv")
  if(SNAPSHOT_FIXTURES_UV)
    _snapshot_fixtures_escape_literal(escaped "--uv=${SNAPSHOT_FIXTURES_UV}")
    string(APPEND code " \"${escaped}\"")
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# A folder with a pyproject.toml, and a uv.lock in it or above it, or a script with a lock of its own,
# as the helper's word, escaped.
function(_snapshot_fixtures_uv_project out where source project)
  get_filename_component(folder "${project}" ABSOLUTE BASE_DIR "${source}")
  get_filename_component(top "${source}" ABSOLUTE)
  string(FIND "${folder}/" "${top}/" position)
  if(NOT position EQUAL 0)
    _snapshot_fixtures_misuse("${where}"
      "UV_LOCKED '${project}' lies outside the source '${source}'"
      "name a folder of the source, relative to its top")
  endif()
  if(EXISTS "${folder}" AND NOT IS_DIRECTORY "${folder}")
    set(lock "${folder}.lock")
    set(missing "there is no ${lock}")
    set(make "run 'uv lock --script ${folder}', and commit that lock")
  else()
    if(NOT EXISTS "${folder}/pyproject.toml")
      _snapshot_fixtures_misuse("${where}"
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
    _snapshot_fixtures_misuse("${where}"
      "UV_LOCKED: ${lock} is a symlink, and uv would write to what it leads to"
      "put the lock itself in its place")
  elseif(NOT EXISTS "${lock}")
    _snapshot_fixtures_misuse("${where}" "UV_LOCKED '${project}': ${missing}" "${make}")
  endif()
  file(RELATIVE_PATH relative "${top}" "${folder}")
  if(relative STREQUAL "")
    set(relative ".")
  endif()
  _snapshot_fixtures_escape_literal(escaped "${relative}")
  set(${out} "${escaped}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_check_lock_environment where ENVIRONMENT ENVIRONMENT_MODIFICATION)
  set(yes "(1|[Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Yy]|[Tt]|[Oo][Nn])")
  foreach(property IN ITEMS ENVIRONMENT ENVIRONMENT_MODIFICATION)
    foreach(value IN LISTS ${property})
      if(value MATCHES "^(UV_FROZEN|UV_NO_SYNC|UV_NO_PROJECT)=(set:)?${yes}$"
          OR (value MATCHES "^UV_LOCKED=" AND NOT value MATCHES "^UV_LOCKED=(set:)?${yes}$"))
        _snapshot_fixtures_misuse("${where}" "its ${property} has ${value}, against UV_LOCKED"
          "take it out, or write UV_LOCKED OFF in place of UV_LOCKED")
      endif()
    endforeach()
  endforeach()
endfunction()

# Files and folders to look for uv commands in, as code.
function(_snapshot_fixtures_find_paths out where paths)
  set(code "")
  foreach(path IN LISTS paths)
    get_filename_component(path "${path}" ABSOLUTE)
    if(NOT EXISTS "${path}")
      _snapshot_fixtures_misuse("${where}" "there is no '${path}'"
        "name files and folders relative to ${CMAKE_CURRENT_SOURCE_DIR}")
    endif()
    _snapshot_fixtures_escape_literal(escaped "${path}")
    string(APPEND code " \"${escaped}\"")
  endforeach()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()
