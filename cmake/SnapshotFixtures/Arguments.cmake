# A call's arguments.
#
# No CMake list holds every word (empty ones, `[` without `]`), so lists of words are kept as CMake
# code: quoted arguments in one string, for cmake_language(EVAL CODE). Such variables end in _code.

# `where` is the call, as messages name it.
function(_snapshot_fixtures_misuse where what instead)
  if(NOT what MATCHES "[?]$")
    string(APPEND what ".")
  endif()
  string(CONCAT text "${where}: ${what}\n" "To mend it: ${instead}.")
  message(FATAL_ERROR "${text}")
endfunction()

# ---- words ---------------------------------------------------------------------------------------

# A word as it stands between quotes in CMake code.
function(_snapshot_fixtures_escape out word)
  string(REPLACE "\\" "\\\\" word "${word}")
  string(REPLACE "\"" "\\\"" word "${word}")
  string(REPLACE "$" "\\$" word "${word}")
  set(${out} "${word}" PARENT_SCOPE)
endfunction()

# The same of a text in which add_test() shall find no generator expression.
function(_snapshot_fixtures_escape_literal out text)
  string(REPLACE "$<" "$<1:$><" text "${text}")
  _snapshot_fixtures_escape(escaped "${text}")
  set(${out} "${escaped}" PARENT_SCOPE)
endfunction()

# ---- parsing -------------------------------------------------------------------------------------

# Reads the words of the calling function, given its name and three lists of keywords. A macro, since
# only the caller has its ARGV<n>. Sets, whether a keyword is given or not:
#   where           the call, as messages name it
#   given           the keywords that are there
#   <keyword>       the value of a single one, the list of a multi one's values, COMMAND's first word
#   <keyword>_code  the values of a multi one, without COMMAND's first word; of what says how a tree is
#                   made the helper's options; of SETUP_TIMEOUT the property
# cmake_parse_arguments() would lose words, and take LINK_MODE COPY for two keywords.
macro(_snapshot_fixtures_parse call argc flags single multi)
  set(flags ${flags}) # IN_LIST wants variables
  set(single ${single})
  set(multi ${multi})
  set(keywords ${flags} ${single} ${multi})
  # Each becomes an empty element: one command is faster than a loop.
  list(TRANSFORM keywords APPEND _code OUTPUT_VARIABLE codes)
  string(REPEAT ";" 99 nothing)
  list(POP_FRONT nothing ${keywords} ${codes} given unknown first_unknown keyword option)
  set(where "${call}()")
  set(has_value TRUE)
  math(EXPR last "${argc} - 1")
  if(NOT last LESS 0)
    foreach(index RANGE ${last})
      set(word "${ARGV${index}}")
      if(word IN_LIST keywords AND NOT (word STREQUAL "COPY" AND keyword STREQUAL "LINK_MODE"))
        if(NOT has_value OR word IN_LIST given OR "PROPERTIES" IN_LIST given)
          _snapshot_fixtures_check_new_keyword("${where}" "${word}" "${given}" "${keyword}" ${has_value})
        endif()
        list(APPEND given "${word}")
        set(keyword "${word}") # the one whose values are being read
        set(option "")         # of the helper, in front of each of them
        set(has_value FALSE)
        if(keyword IN_LIST flags)
          string(TOLOWER " \"--${keyword}\"" ${keyword}_code) # of STRICT
          set(keyword "")
          set(has_value TRUE)
        elseif(keyword MATCHES "^(INCLUDE|EXCLUDE|COPY|LAUNCHER)$")
          string(TOLOWER "--${keyword}=" option)
        elseif(keyword STREQUAL "UV_LOCKED")
          set(has_value TRUE) # it may do without
        endif()
      elseif(keyword IN_LIST multi)
        if(word MATCHES "^[A-Z][A-Z_]+$" OR NOT option STREQUAL "")
          _snapshot_fixtures_check_word("${where}" ${keyword} "${word}" "${keywords}")
        endif()
        if(NOT keyword STREQUAL "COMMAND")
          list(APPEND ${keyword} "${word}")
        elseif(NOT has_value)
          set(COMMAND "${word}")
          set(has_value TRUE)
          continue()
        endif()
        set(has_value TRUE)
        if(word MATCHES "[\\\"$]")
          _snapshot_fixtures_escape(word "${word}")
        endif()
        string(APPEND ${keyword}_code " \"${option}${word}\"")
      elseif(keyword STREQUAL "NAME")
        set(NAME "${word}")
        set(where "${call}(NAME ${word})")
        set(keyword "")
        set(has_value TRUE)
      elseif(keyword IN_LIST single)
        if(keyword STREQUAL "FRAMEWORK")
          string(TOUPPER "${word}" word)
        endif()
        set(${keyword} "${word}")
        _snapshot_fixtures_check_value(${keyword}_code "${where}" ${keyword} "${word}")
        set(keyword "")
        set(has_value TRUE)
      else()
        if(unknown STREQUAL "")
          set(first_unknown "${word}")
        endif()
        string(APPEND unknown " '${word}'")
      endif()
    endforeach()
  endif()
  if(NOT has_value)
    _snapshot_fixtures_refuse_missing_value("${where}" "${keyword}")
  endif()
  if(NOT unknown STREQUAL "")
    set(index 0) # a macro's own ARGV0 is another
    if("NAME" IN_LIST keywords AND NOT "NAME" IN_LIST given AND first_unknown STREQUAL "${ARGV${index}}")
      _snapshot_fixtures_misuse("${where}" "unknown arguments:${unknown}" "write NAME ${first_unknown}")
    endif()
    _snapshot_fixtures_refuse_unknown("${where}" "${unknown}" "${first_unknown}" "${keywords}")
  endif()
endmacro()

function(_snapshot_fixtures_refuse_missing_value where keyword)
  set(instead "write a value behind it")
  if(NOT keyword MATCHES "^(NAME|COMMAND|PATHS|FRAMEWORK)$")
    string(APPEND instead ", or leave it out")
  endif()
  _snapshot_fixtures_misuse("${where}" "${keyword} has no value" "${instead}")
endfunction()

function(_snapshot_fixtures_refuse_unknown where unknown first_unknown keywords)
  _snapshot_fixtures_find_like(meant "${first_unknown}" "${keywords}")
  if(NOT meant STREQUAL "")
    _snapshot_fixtures_misuse("${where}" "unknown arguments:${unknown}: is ${meant} meant?"
      "write ${meant}")
  endif()
  list(JOIN keywords " " known)
  _snapshot_fixtures_misuse("${where}" "unknown arguments:${unknown}" "the keywords are: ${known}")
endfunction()

# `previous` is the keyword in front of it.
function(_snapshot_fixtures_check_new_keyword where keyword given previous previous_has_value)
  if(keyword IN_LIST given)
    _snapshot_fixtures_misuse("${where}" "${keyword} is given twice"
      "write it once, with all its values")
  endif()
  if("PROPERTIES" IN_LIST given AND keyword MATCHES "^(LABELS|WORKING_DIRECTORY)$")
    _snapshot_fixtures_misuse("${where}" "${keyword} is given after PROPERTIES"
      "write ${keyword} in front of PROPERTIES, as an argument of its own")
  endif()
  if(NOT previous_has_value)
    _snapshot_fixtures_refuse_missing_value("${where}" "${previous}")
  endif()
endfunction()

# `keywords` are those of the call.
function(_snapshot_fixtures_check_word where keyword word keywords)
  # In front of our keywords a property's name is an argument, which nobody would notice.
  if(word MATCHES "^[A-Z][A-Z_]+$" AND NOT keyword STREQUAL "PROPERTIES")
    set(keywords_of_tests
      COMMAND COMMAND_EXPAND_LISTS GUARD LAUNCHER NO_SOURCE_MAPPING PROPERTIES SETUP TASKS UV_LOCKED WORKING_DIRECTORY)
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
      _snapshot_fixtures_misuse("${where}" "${what}, which is no keyword here"
        "leave it out; ${otherwise}")
    elseif(word IN_LIST test_properties AND "PROPERTIES" IN_LIST keywords)
      _snapshot_fixtures_misuse("${where}" "${what}, a property of tests"
        "write PROPERTIES ${word} <value> at the end; ${otherwise}")
    elseif(word IN_LIST test_properties)
      _snapshot_fixtures_misuse("${where}" "${what}, a property of tests"
        "set it by set_tests_properties(); ${otherwise}")
    endif()
    _snapshot_fixtures_find_like(meant "${word}" "${keywords}")
    if(NOT meant STREQUAL "")
      _snapshot_fixtures_misuse("${where}" "${what}: is ${meant} meant?" "write ${meant}; ${otherwise}")
    endif()
  endif()
  if(keyword MATCHES "^(INCLUDE|EXCLUDE|COPY)$"
      AND (word STREQUAL "" OR IS_ABSOLUTE "${word}" OR word MATCHES "(^|/)\\.\\.(/|$)"))
    _snapshot_fixtures_misuse("${where}" "${keyword} '${word}' is no glob relative to the source"
      "write it as seen from the top of SOURCE_DIR, without '..', for instance 'tests/*.log'")
  endif()
endfunction()

# Sets out to the keyword that a word in capitals is like, or to nothing.
function(_snapshot_fixtures_find_like out word keywords)
  set(meant "")
  set(known "_snapshot_fixtures_unlike ${word} ${keywords}") # a label, say, comes with every test
  get_property(unlike GLOBAL PROPERTY "${known}" SET)
  if(word MATCHES "^[A-Z][A-Z_]+$" AND NOT unlike)
    foreach(keyword IN LISTS keywords)
      _snapshot_fixtures_is_like(alike "${word}" "${keyword}")
      if(alike)
        set(meant "${keyword}")
        break()
      endif()
    endforeach()
    if(meant STREQUAL "")
      set_property(GLOBAL PROPERTY "${known}" TRUE)
    endif()
  endif()
  set(${out} "${meant}" PARENT_SCOPE)
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

# The one value of a keyword. Sets out to what it is as code: an option of the helper, or a property.
function(_snapshot_fixtures_check_value out where keyword value)
  set(code "")
  _snapshot_fixtures_choices(choices ${keyword})
  if(NOT choices STREQUAL "")
    _snapshot_fixtures_check_choice("${where}" "${keyword}" "${value}" "${choices}" "write")
    string(TOLOWER "--${keyword}=${value}" option)
    string(REPLACE "_" "-" option "${option}")
    set(code " \"${option}\"")
  elseif(keyword STREQUAL "TASKS")
    if(NOT value MATCHES "^[1-9][0-9]*$")
      _snapshot_fixtures_misuse("${where}" "TASKS '${value}' is no number of tasks"
        "write how many times the launcher starts the job")
    endif()
    set(code " \"--tasks=${value}\"")
  elseif(keyword STREQUAL "SETUP_TIMEOUT")
    if(NOT value MATCHES "^[0-9]*[1-9][0-9]*$")
      _snapshot_fixtures_misuse("${where}" "SETUP_TIMEOUT '${value}' is no number of seconds"
        "write a whole number above 0")
    endif()
    set(code " TIMEOUT ${value}")
  endif()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

# What the value of a keyword must be one of, or nothing.
function(_snapshot_fixtures_choices out keyword)
  set(choices "")
  if(keyword STREQUAL "FILES")
    set(choices TRACKED UNTRACKED ALL)
  elseif(keyword STREQUAL "LINK_FROM")
    set(choices STORE SOURCE)
  elseif(keyword STREQUAL "LINK_MODE")
    set(choices HARDLINK REFLINK COPY)
  elseif(keyword MATCHES "^(GIT|GUARD)$")
    set(choices AUTO ON OFF)
  elseif(keyword STREQUAL "SOURCE_WRITES")
    set(choices DENY REPORT ALLOW)
  elseif(keyword STREQUAL "KEEP")
    set(choices NEVER ON_FAILURE ALWAYS)
  elseif(keyword STREQUAL "SETUP")
    set(choices TEST FIXTURE)
  elseif(keyword STREQUAL "FRAMEWORK")
    set(choices GTEST CATCH2 DOCTEST PYTEST)
  endif()
  set(${out} "${choices}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_check_choice where what value choices mend)
  if(NOT value IN_LIST choices)
    list(JOIN choices ", " choices)
    _snapshot_fixtures_misuse("${where}" "${what} '${value}' is not known" "${mend} one of ${choices}")
  endif()
endfunction()

# The helper's word for the value of a keyword, or where that is not given of its cache variable.
function(_snapshot_fixtures_default out where keyword value)
  if(value STREQUAL "")
    set(value "${SNAPSHOT_FIXTURES_${keyword}}")
    _snapshot_fixtures_choices(choices ${keyword})
    _snapshot_fixtures_check_choice(
      "${where}" "SNAPSHOT_FIXTURES_${keyword}" "${value}" "${choices}" "set it to")
  endif()
  string(TOLOWER "${value}" value)
  string(REPLACE "_" "-" value "${value}")
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# ---- what the arguments must be ------------------------------------------------------------------

# In the whole project, as the names of fixtures and of snapshots hold there.
function(_snapshot_fixtures_check_name where name)
  if(name STREQUAL "")
    _snapshot_fixtures_misuse("${where}" "there is no name" "write NAME <name>")
  elseif(name MATCHES "[;\r\n]")
    _snapshot_fixtures_misuse("${where}" "the name contains a semicolon or a newline"
      "choose a name without them")
  endif()
  set(owner "_snapshot_fixtures_owner ${name}")
  get_property(taken GLOBAL PROPERTY "${owner}" SET)
  if(taken)
    get_property(file GLOBAL PROPERTY "${owner}")
    _snapshot_fixtures_misuse("${where}" "the name is taken already, in ${file}"
      "choose another name")
  endif()
  set_property(GLOBAL PROPERTY "${owner}" "${CMAKE_CURRENT_LIST_FILE}")
endfunction()

function(_snapshot_fixtures_check_no_test where test)
  if(TEST "${test}")
    _snapshot_fixtures_misuse("${where}" "there is a test '${test}' already" "choose another name")
  endif()
endfunction()

# Of a fixture: others write it into FIXTURES_REQUIRED, and its path into their commands.
function(_snapshot_fixtures_check_plain_name where name)
  set(folders "${name}")
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(multi_config)
    set(folders "${CMAKE_CONFIGURATION_TYPES}")
    list(TRANSFORM folders PREPEND "${name}@")
  endif()
  foreach(folder IN LISTS folders)
    _snapshot_fixtures_folder(mapped "${folder}")
    if(NOT mapped STREQUAL folder)
      _snapshot_fixtures_misuse("${where}" "the name is no plain file name"
        "use up to 100 letters, digits and ._+=@-, with a letter, a digit or _ in front")
    endif()
  endforeach()
endfunction()

function(_snapshot_fixtures_check_properties where)
  math(EXPR odd "(${ARGC} - 1) % 2")
  if(odd)
    _snapshot_fixtures_misuse("${where}" "PROPERTIES are no pairs of key and value"
      "write a value behind each key, in quotes if it is a list")
  endif()
endfunction()

function(_snapshot_fixtures_check_working_directory where folder)
  set(what "WORKING_DIRECTORY '${folder}'")
  if(IS_ABSOLUTE "${folder}")
    _snapshot_fixtures_misuse("${where}" "${what} is absolute"
      "write it as seen from the top of SOURCE_DIR, for instance 'tests'")
  elseif(folder MATCHES "(^|/)\\.\\.(/|$)")
    _snapshot_fixtures_misuse("${where}" "${what} leads out of the snapshot"
      "write a folder without '..'")
  endif()
endfunction()
