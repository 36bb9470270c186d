# A helper that was built elsewhere, in place of the target: packages of one build need not compile it once more each.
get_filename_component(_helper "${SNAPSHOT_FIXTURES_PREBUILT}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
execute_process(COMMAND "${_helper}" --version OUTPUT_VARIABLE _version ERROR_VARIABLE _version RESULT_VARIABLE _result)
if(NOT CMAKE_CROSSCOMPILING AND NOT _version STREQUAL "snapfix ${PROJECT_VERSION}\n")
  string(STRIP "${_version}" _version)
  message(FATAL_ERROR "SNAPSHOT_FIXTURES_PREBUILT '${_helper}' is no snapfix ${PROJECT_VERSION}: it says '${_version}' (${_result})\n"
    "To mend it: build that version, or leave the variable out.")
endif()
add_executable(SnapshotFixtures::snapfix IMPORTED GLOBAL)
set_target_properties(SnapshotFixtures::snapfix PROPERTIES IMPORTED_LOCATION "${_helper}")
