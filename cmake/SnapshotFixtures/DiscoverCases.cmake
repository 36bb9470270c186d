# What each framework says of its cases. Each function sets for its caller
#   failure   why they cannot be listed, or nothing
#   output    what the program said
#   depends   files, beside the program, that the cases depend on, where it tells them

# The code with which a skipped case ends goes into `verdict`, for the helper. A code that the call's properties name
# takes its place: then nothing is to be done.
macro(_snapshot_fixtures_skip_by_code code)
  if(NOT verdict MATCHES "skip=")
    _snapshot_fixtures_add_to_verdict("skip=${code}")
    set(skip_code "${code}")
  endif()
endmacro()

macro(_snapshot_fixtures_add_to_verdict word)
  string(REGEX REPLACE "(.)$" "\\1," verdict "${verdict}")
  string(APPEND verdict "${word}")
endmacro()

function(_snapshot_fixtures_list_GTEST)
  _snapshot_fixtures_ask(FALSE --gtest_list_tests)
  # A case that has skipped itself may have failed as well, in a global environment for instance.
  set(skip "\\[  SKIPPED \\] [^\n]*1 test, listed below.*snapfix: the exit code is 0\n")
  set(skip_code "")
  _snapshot_fixtures_add_to_verdict("say-success")
  _snapshot_fixtures_lines(lines "${output}")
  set(suite "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE " +#.*$" "" line "${line}") # what a parameter is
    if(line MATCHES "^[^ ]+\\.$")
      set(suite "${line}")
    elseif(line MATCHES "^  ([^ ]+)$" AND NOT suite STREQUAL "")
      _snapshot_fixtures_plain(name "${suite}${CMAKE_MATCH_1}")
      set(more "")
      if(name MATCHES "(^|[./])DISABLED_")
        set(more " DISABLED TRUE")
      endif()
      _snapshot_fixtures_case("${name}" "--gtest_filter=${name}" "${more}")
    endif()
  endforeach()
  set(output "${output}" PARENT_SCOPE)
  set(failure "${failure}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_list_CATCH2)
  set(skip "")
  set(skip_code "")
  # The second version lists names by an option that the third has no longer, and ends with their number.
  _snapshot_fixtures_ask(FALSE --libidentify)
  set(lines "")
  if(failure STREQUAL "" AND output MATCHES "version: +([0-9.]+)" AND CMAKE_MATCH_1 VERSION_LESS 3)
    _snapshot_fixtures_ask(TRUE --list-test-names-only)
  elseif(failure STREQUAL "")
    if(CMAKE_MATCH_1 VERSION_LESS 3.7.1) # there the exit code is the number of failures
      set(skip "test cases: +1 [|] 1 skipped")
    else()
      _snapshot_fixtures_skip_by_code(4)
    endif()
    _snapshot_fixtures_ask(FALSE --list-tests --verbosity quiet)
  endif()
  if(failure STREQUAL "")
    _snapshot_fixtures_lines(lines "${output}")
  endif()
  foreach(line IN LISTS lines)
    _snapshot_fixtures_plain(name "${line}")
    string(REGEX REPLACE "^\"(#.*)\"$" "\\1" name "${name}") # so it is told
    if(NOT name STREQUAL "")
      set(argument "${name}")
      foreach(special IN ITEMS "\\" "," "\"")
        string(REPLACE "${special}" "\\${special}" argument "${argument}")
      endforeach()
      _snapshot_fixtures_case("${name}" "\"${argument}\"" "")
    endif()
  endforeach()
  set(output "${output}" PARENT_SCOPE)
  set(failure "${failure}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_list_DOCTEST)
  set(skip "")
  set(skip_code "")
  _snapshot_fixtures_ask(FALSE --list-test-cases --no-intro)
  # They stand between two lines of `=`.
  string(REGEX REPLACE "^.*all test case names\n=+\n" "" names "${output}")
  string(REGEX REPLACE "=+\n.doctest. [^\n]*\n$" "" names "${names}")
  _snapshot_fixtures_lines(lines "${names}")
  foreach(line IN LISTS lines)
    _snapshot_fixtures_plain(name "${line}")
    if(NOT name STREQUAL "")
      string(REPLACE "," "\\," argument "${name}")
      _snapshot_fixtures_case("${name}" "--test-case=${argument}" "")
    endif()
  endforeach()
  set(output "${output}" PARENT_SCOPE)
  set(failure "${failure}" PARENT_SCOPE)
endfunction()

function(_snapshot_fixtures_list_PYTEST)
  set(skip "")
  set(skip_code "")
  _snapshot_fixtures_skip_by_code(77) # by our plugin
  _snapshot_fixtures_bracket(no_cache "cache_dir=${cases_file}.cache")
  _snapshot_fixtures_ask(FALSE --collect-only -q -o "${no_cache}")
  if(EXISTS "${cases_file}")
    include("${cases_file}") # calls of _snapshot_fixtures_case(), and depends
  endif()
  set(depends "${depends}" PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
  set(failure "${failure}" PARENT_SCOPE)
endfunction()

# ---- lines -----------------------------------------------------------------------------------------

# A text's lines as a list; what would part or join its elements is written %XX.
function(_snapshot_fixtures_lines out text)
  string(REPLACE "%" "%25" text "${text}")
  string(REPLACE "\\" "%5C" text "${text}")
  string(REPLACE "[" "%5B" text "${text}")
  string(REPLACE "]" "%5D" text "${text}")
  string(REPLACE ";" "%3B" text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# A text as it was.
function(_snapshot_fixtures_plain out line)
  string(REPLACE "%3B" ";" line "${line}")
  string(REPLACE "%5D" "]" line "${line}")
  string(REPLACE "%5B" "[" line "${line}")
  string(REPLACE "%5C" "\\" line "${line}")
  string(REPLACE "%25" "%" line "${line}")
  set(${out} "${line}" PARENT_SCOPE)
endfunction()
