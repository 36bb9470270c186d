# A call's arguments, and the record of a call.
#
# No CMake list holds every word (empty ones, `[` without `]`), so lists of words are kept as CMake
# code: quoted arguments in one string, for cmake_language(EVAL CODE). Such variables end in _code.

# ---- records -------------------------------------------------------------------------------------
#
# What a call was given, and what is made of it, has many parts, and a variable of the caller's might
# be one of the project's. So a call is a number, and its parts are fields of that record.

function(_snapshot_fixtures_new_record out call)
  _snapshot_fixtures_get(project calls)
  math(EXPR record "0${calls} + 1")
  _snapshot_fixtures_set(project calls "${record}")
  _snapshot_fixtures_set(${record} call "${call}")
  set(${out} "${record}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_set record field value)
  set_property(GLOBAL PROPERTY "_snapshot_fixtures_${record}_${field}" "${value}")
endfunction()

# Sets a variable of its name for each field that is named, to nothing where it was never set.
function(_snapshot_fixtures_get record)
  foreach(field IN LISTS ARGN)
    # Of what is not set get_property() leaves no variable, and an entry of the cache would be seen.
    get_property(_snapshot_fixtures_value GLOBAL PROPERTY "_snapshot_fixtures_${record}_${field}")
    set(${field} "${_snapshot_fixtures_value}" PARENT_SCOPE)
  endforeach()
endfunction()

# The same for properties of the call's test.
function(_snapshot_fixtures_get_of_test record)
  _snapshot_fixtures_get(${record} NAME directory)
  foreach(property IN LISTS ARGN)
    if(CMAKE_VERSION VERSION_LESS 3.28)
      get_property(_snapshot_fixtures_value TEST "${NAME}" PROPERTY ${property})
    else()
      get_property(_snapshot_fixtures_value
        TEST "${NAME}" DIRECTORY "${directory}" PROPERTY ${property})
    endif()
    set(${property} "${_snapshot_fixtures_value}" PARENT_SCOPE)
  endforeach()
endfunction()

# Sets a property of one of the call's tests.
function(_snapshot_fixtures_set_test_property record test property value)
  _snapshot_fixtures_get(${record} directory)
  if(CMAKE_VERSION VERSION_LESS 3.28)
    set_property(TEST "${test}" PROPERTY ${property} "${value}")
  else()
    set_property(TEST "${test}" DIRECTORY "${directory}" PROPERTY ${property} "${value}")
  endif()
endfunction()

function(_snapshot_fixtures_misuse record what instead)
  _snapshot_fixtures_get(${record} call NAME)
  set(where "${call}()")
  if(NOT NAME STREQUAL "")
    set(where "${call}(NAME ${NAME})")
  endif()
  if(NOT what MATCHES "[?]$")
    string(APPEND what ".")
  endif()
  string(CONCAT text "${where}: ${what}\n" "To mend it: ${instead}.")
  message(FATAL_ERROR "${text}")
endfunction()

# ---- words ---------------------------------------------------------------------------------------

# A word as CMake code.
function(_snapshot_fixtures_quote out word)
  if(word MATCHES "[\\\"$]")
    string(REPLACE "\\" "\\\\" word "${word}")
    string(REPLACE "\"" "\\\"" word "${word}")
    string(REPLACE "$" "\\$" word "${word}")
  endif()
  set(${out} "\"${word}\"" PARENT_SCOPE)
endfunction()

# A text in which add_test() will find no generator expression, as CMake code.
function(_snapshot_fixtures_quote_literal out text)
  string(REPLACE "$<" "$<1:$><" text "${text}")
  _snapshot_fixtures_quote(quoted "${text}")
  set(${out} "${quoted}" PARENT_SCOPE)
endfunction()

# The words of the calling function as code. A macro, since only the caller has its ARGV<n>.
macro(_snapshot_fixtures_words out argc)
  set(${out} "")
  set(index 0)
  while(index LESS ${argc})
    _snapshot_fixtures_quote(quoted "${ARGV${index}}")
    string(APPEND ${out} " ${quoted}")
    math(EXPR index "${index} + 1")
  endwhile()
endmacro()

# ---- parsing -------------------------------------------------------------------------------------

# Reads the words behind the three lists of keywords into fields of the record: `given` are the
# keywords that were there, <keyword> is the value of a single one or the list of a multi one's
# values, and <keyword>_code those values as code. The first word of COMMAND is in COMMAND only.
# cmake_parse_arguments() would lose words, and take LINK_MODE COPY for two keywords.
function(_snapshot_fixtures_parse record flags single multi)
  set(keywords ${flags} ${single} ${multi})
  set(unknown "")
  set(given "")
  set(keyword "") # the one whose values are being read
  set(values 0)   # how many it has
  set(index 4)
  while(index LESS ARGC)
    set(word "${ARGV${index}}")
    math(EXPR index "${index} + 1")
    if(word IN_LIST keywords AND NOT (word STREQUAL "COPY" AND keyword STREQUAL "LINK_MODE"))
      _snapshot_fixtures_check_new_keyword(${record} "${word}" "${given}")
      _snapshot_fixtures_check_value_given(${record} "${keyword}" ${values})
      list(APPEND given "${word}")
      set(keyword "${word}")
      set(values 0)
      set(list "")
      set(code "")
      if(keyword IN_LIST flags)
        set(keyword "")
      endif()
    elseif(keyword IN_LIST single)
      _snapshot_fixtures_set(${record} ${keyword} "${word}")
      set(keyword "")
    elseif(keyword IN_LIST multi)
      _snapshot_fixtures_check_word(${record} ${keyword} "${word}" "${keywords}")
      math(EXPR values "${values} + 1")
      if(keyword STREQUAL "COMMAND" AND values EQUAL 1)
        _snapshot_fixtures_set(${record} COMMAND "${word}")
      else()
        _snapshot_fixtures_quote(quoted "${word}")
        string(APPEND code " ${quoted}")
        _snapshot_fixtures_set(${record} ${keyword}_code "${code}")
        if(NOT keyword STREQUAL "COMMAND")
          list(APPEND list "${word}")
          _snapshot_fixtures_set(${record} ${keyword} "${list}")
        endif()
      endif()
    else()
      if(unknown STREQUAL "")
        set(first_unknown "${word}")
      endif()
      string(APPEND unknown " '${word}'")
    endif()
  endwhile()
  _snapshot_fixtures_check_value_given(${record} "${keyword}" ${values})
  if(NOT unknown STREQUAL "")
    _snapshot_fixtures_find_like(meant "${first_unknown}" "${keywords}")
    if(NOT meant STREQUAL "")
      _snapshot_fixtures_misuse(${record} "unknown arguments:${unknown}: is ${meant} meant?"
        "write ${meant}")
    endif()
    list(JOIN keywords " " known)
    _snapshot_fixtures_misuse(${record} "unknown arguments:${unknown}" "the keywords are: ${known}")
  endif()
  _snapshot_fixtures_set(${record} given "${given}")
  _snapshot_fixtures_check_choices(${record})
endfunction()

function(_snapshot_fixtures_check_value_given record keyword values)
  if(NOT keyword STREQUAL "" AND values EQUAL 0 AND NOT keyword STREQUAL "UV_LOCKED")
    set(instead "write a value behind it")
    if(NOT keyword MATCHES "^(NAME|COMMAND|PATHS)$")
      string(APPEND instead ", or leave it out")
    endif()
    _snapshot_fixtures_misuse(${record} "${keyword} has no value" "${instead}")
  endif()
endfunction()

function(_snapshot_fixtures_check_new_keyword record keyword given)
  if(keyword IN_LIST given)
    _snapshot_fixtures_misuse(${record} "${keyword} is given twice"
      "write it once, with all its values")
  endif()
  if("PROPERTIES" IN_LIST given AND keyword MATCHES "^(LABELS|WORKING_DIRECTORY)$")
    _snapshot_fixtures_misuse(${record} "${keyword} is given after PROPERTIES"
      "write ${keyword} in front of PROPERTIES, as an argument of its own")
  endif()
endfunction()

# `keywords` are those of the call.
function(_snapshot_fixtures_check_word record keyword word keywords)
  # In front of our keywords a property's name is an argument, which nobody would notice.
  if(word MATCHES "^[A-Z][A-Z_]+$" AND NOT keyword STREQUAL "PROPERTIES")
    set(keywords_of_tests
      COMMAND COMMAND_EXPAND_LISTS GUARD NO_SOURCE_MAPPING PROPERTIES UV_LOCKED WORKING_DIRECTORY)
    # In any version of CMake, but for what is a keyword of ours as well.
    set(test_properties
      ATTACHED_FILES ATTACHED_FILES_ON_FAIL COST DEF_SOURCE_LINE DEPENDS DISABLED ENVIRONMENT
      ENVIRONMENT_MODIFICATION FAIL_REGULAR_EXPRESSION FIXTURES_CLEANUP FIXTURES_REQUIRED
      FIXTURES_SETUP GENERATED_RESOURCE_SPEC_FILE MEASUREMENT PASS_REGULAR_EXPRESSION
      PROCESSOR_AFFINITY PROCESSORS REQUIRED_FILES RESOURCE_GROUPS RESOURCE_LOCK RUN_SERIAL
      SKIP_REGULAR_EXPRESSION SKIP_RETURN_CODE TIMEOUT TIMEOUT_AFTER_MATCH
      TIMEOUT_SIGNAL_GRACE_PERIOD TIMEOUT_SIGNAL_NAME WILL_FAIL)
    set(what "${keyword} is given the word ${word}")
    set(otherwise "if it is meant as a word, $<1:${word}>")
    if(word IN_LIST keywords_of_tests) # and not of this call, else it would have been taken for one
      _snapshot_fixtures_misuse(${record} "${what}, which is no keyword here"
        "leave it out; ${otherwise}")
    elseif(word IN_LIST test_properties AND "PROPERTIES" IN_LIST keywords)
      _snapshot_fixtures_misuse(${record} "${what}, a property of tests"
        "write PROPERTIES ${word} <value> at the end; ${otherwise}")
    elseif(word IN_LIST test_properties)
      _snapshot_fixtures_misuse(${record} "${what}, a property of tests"
        "set it by set_tests_properties(); ${otherwise}")
    endif()
    _snapshot_fixtures_find_like(meant "${word}" "${keywords}")
    if(NOT meant STREQUAL "")
      _snapshot_fixtures_misuse(${record} "${what}: is ${meant} meant?" "write ${meant}; ${otherwise}")
    endif()
  endif()
  if(keyword MATCHES "^(INCLUDE|EXCLUDE|COPY)$"
      AND (word STREQUAL "" OR IS_ABSOLUTE "${word}" OR word MATCHES "(^|/)\\.\\.(/|$)"))
    _snapshot_fixtures_misuse(${record} "${keyword} '${word}' is no glob relative to the source"
      "write it as seen from the top of SOURCE_DIR, without '..', for instance 'tests/*.log'")
  endif()
endfunction()

# Sets out to the keyword that a word in capitals is like, or to nothing.
function(_snapshot_fixtures_find_like out word keywords)
  set(${out} "" PARENT_SCOPE)
  if(word MATCHES "^[A-Z][A-Z_]+$")
    foreach(known IN LISTS keywords)
      _snapshot_fixtures_is_like(alike "${word}" "${known}")
      if(alike)
        set(${out} "${known}" PARENT_SCOPE)
        break()
      endif()
    endforeach()
  endif()
endfunction()

# Whether a word is a keyword's plural or singular, or a longer one with one letter changed, missing,
# too much, or exchanged with the next.
function(_snapshot_fixtures_is_like out word keyword)
  string(REGEX REPLACE "(S|IES)$" "" of_word "${word}")
  string(REGEX REPLACE "(S|IES)$" "" of_keyword "${keyword}")
  string(REGEX REPLACE "Y$" "" of_word "${of_word}")
  string(REGEX REPLACE "Y$" "" of_keyword "${of_keyword}")
  set(patterns "${keyword}")
  string(LENGTH "${keyword}" length)
  if(length GREATER 4)
    math(EXPR last "${length} - 1")
    foreach(at RANGE ${last})
      string(SUBSTRING "${keyword}" 0 ${at} head)
      string(SUBSTRING "${keyword}" ${at} -1 tail)
      string(SUBSTRING "${tail}" 1 -1 rest)
      string(REGEX REPLACE "^(.)(.)" "\\2\\1" exchanged "${tail}")
      string(APPEND patterns "|${head}.${tail}|${head}.?${rest}|${head}${exchanged}")
    endforeach()
  endif()
  set(${out} FALSE PARENT_SCOPE)
  if(of_word STREQUAL of_keyword OR word MATCHES "^(${patterns})$")
    set(${out} TRUE PARENT_SCOPE)
  endif()
endfunction()

function(_snapshot_fixtures_check_choices record)
  set(choices_of_FILES TRACKED UNTRACKED ALL)
  set(choices_of_LINK_FROM STORE SOURCE)
  set(choices_of_LINK_MODE HARDLINK REFLINK COPY)
  set(choices_of_GUARD AUTO ON OFF)
  set(choices_of_SOURCE_WRITES DENY REPORT ALLOW)
  set(choices_of_KEEP NEVER ON_FAILURE ALWAYS)
  _snapshot_fixtures_get(${record} given FILES LINK_FROM LINK_MODE GUARD SOURCE_WRITES KEEP
    SETUP_TIMEOUT)
  foreach(keyword IN ITEMS FILES LINK_FROM LINK_MODE GUARD SOURCE_WRITES KEEP)
    if(keyword IN_LIST given AND NOT ${keyword} IN_LIST choices_of_${keyword})
      list(JOIN choices_of_${keyword} ", " choices)
      _snapshot_fixtures_misuse(${record} "${keyword} '${${keyword}}' is not known"
        "write one of ${choices}")
    endif()
  endforeach()
  if("GUARD" IN_LIST given AND GUARD STREQUAL "OFF"
      AND "SOURCE_WRITES" IN_LIST given AND NOT SOURCE_WRITES STREQUAL "ALLOW")
    _snapshot_fixtures_misuse(${record}
      "SOURCE_WRITES ${SOURCE_WRITES} is the guard's work, and GUARD is OFF"
      "leave out one of the two")
  endif()
  if("SETUP_TIMEOUT" IN_LIST given AND NOT SETUP_TIMEOUT MATCHES "^[0-9]*[1-9][0-9]*$")
    _snapshot_fixtures_misuse(${record} "SETUP_TIMEOUT '${SETUP_TIMEOUT}' is no number of seconds"
      "write a whole number above 0")
  endif()
endfunction()

# ---- what the arguments must be ------------------------------------------------------------------

function(_snapshot_fixtures_check_name record)
  _snapshot_fixtures_get(${record} call NAME)
  if(NAME STREQUAL "")
    _snapshot_fixtures_misuse(${record} "there is no name" "write NAME <name>")
  endif()
  if(NAME MATCHES "[;\r\n]")
    _snapshot_fixtures_misuse(${record} "the name contains a semicolon or a newline"
      "choose a name without them")
  endif()
  # In the whole project, as the names of fixtures and of snapshots hold there.
  string(SHA256 id "${NAME}")
  _snapshot_fixtures_get(${id} owner)
  if(NOT owner STREQUAL "")
    _snapshot_fixtures_misuse(${record} "the name is taken already, in ${owner}"
      "choose another name")
  endif()
  foreach(name IN ITEMS "${NAME}" "${NAME}.snapshot_setup" "${NAME}.snapshot_cleanup")
    if(TEST "${name}" AND (NOT call STREQUAL "add_snapshot_fixture" OR NOT name STREQUAL NAME))
      _snapshot_fixtures_misuse(${record} "there is a test '${name}' already"
        "choose another name")
    endif()
  endforeach()
  _snapshot_fixtures_set(${id} owner "${CMAKE_CURRENT_LIST_FILE}")
  _snapshot_fixtures_find_place(${record})
endfunction()

# Sets place: file and line of the call, for editors, which would go to this module. CMake tells a
# function by which file it was called, but not the line: that is where the name stands, or a call.
function(_snapshot_fixtures_find_place record)
  _snapshot_fixtures_get(${record} call NAME)
  set(file "${CMAKE_CURRENT_LIST_FILE}")
  _snapshot_fixtures_get("${file}" text)
  if(text STREQUAL "")
    file(READ "${file}" text)
    _snapshot_fixtures_set("${file}" text "${text}")
  endif()
  foreach(sought IN ITEMS "NAME ${NAME} " "NAME ${NAME})" "NAME ${NAME}\n" "NAME \"${NAME}\"" "${call}(")
    string(FIND "${text}" "${sought}" position)
    if(NOT position LESS 0)
      break()
    endif()
  endforeach()
  set(lines "")
  if(NOT position LESS 0)
    string(SUBSTRING "${text}" 0 ${position} before)
    string(REGEX MATCHALL "\n" lines "${before}")
  endif()
  list(LENGTH lines line)
  math(EXPR line "${line} + 1")
  _snapshot_fixtures_set(${record} place "${file}:${line}")
endfunction()

function(_snapshot_fixtures_check_properties record)
  math(EXPR odd "(${ARGC} - 1) % 2")
  if(odd)
    _snapshot_fixtures_misuse(${record} "PROPERTIES are no pairs of key and value"
      "write a value behind each key, in quotes if it is a list")
  endif()
endfunction()

function(_snapshot_fixtures_check_working_directory record)
  _snapshot_fixtures_get(${record} WORKING_DIRECTORY)
  set(what "WORKING_DIRECTORY '${WORKING_DIRECTORY}'")
  if(IS_ABSOLUTE "${WORKING_DIRECTORY}")
    _snapshot_fixtures_misuse(${record} "${what} is absolute"
      "write it as seen from the top of SOURCE_DIR, for instance 'tests'")
  elseif(WORKING_DIRECTORY MATCHES "(^|/)\\.\\.(/|$)")
    _snapshot_fixtures_misuse(${record} "${what} leads out of the snapshot"
      "write a folder without '..'")
  endif()
endfunction()
