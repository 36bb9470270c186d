# What `cmake --install` puts where. Nothing in it depends on the prefix.
include(CMakePackageConfigHelpers)
if(SNAPSHOT_FIXTURES_PREBUILT) # without a compiler no architecture is known
  set(CMAKE_INSTALL_LIBDIR lib CACHE STRING "Where libraries go")
endif()
include(GNUInstallDirs)

set(SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/SnapshotFixtures" CACHE STRING
  "Where the CMake package goes, relative to the prefix")
mark_as_advanced(SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR)

if(SNAPSHOT_FIXTURES_PREBUILT)
  install(PROGRAMS "${SNAPSHOT_FIXTURES_PREBUILT}" DESTINATION "${CMAKE_INSTALL_BINDIR}" RENAME snapfix)
else()
  install(TARGETS snapfix RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
# A program for roots, not for people.
if(TARGET snapfix-static)
  install(TARGETS snapfix-static RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}")
elseif(SNAPSHOT_FIXTURES_PREBUILT)
  get_filename_component(_beside "${SNAPSHOT_FIXTURES_PREBUILT}" DIRECTORY)
  install(PROGRAMS "${_beside}/snapfix-static" DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}" OPTIONAL)
endif()

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/../SnapshotFixturesConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/SnapshotFixturesConfig.cmake"
  INSTALL_DESTINATION "${SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR}"
  PATH_VARS CMAKE_INSTALL_BINDIR NO_SET_AND_CHECK_MACRO)
# The package holds a program to run, nothing to link with: any architecture may ask for it.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/SnapshotFixturesConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  "${PROJECT_BINARY_DIR}/SnapshotFixturesConfig.cmake"
  "${PROJECT_BINARY_DIR}/SnapshotFixturesConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/SnapshotFixtures.cmake"
  DESTINATION "${SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/cmake/SnapshotFixtures"
  DESTINATION "${SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR}" FILES_MATCHING PATTERN "*.cmake" PATTERN "*.py")

install(FILES "${PROJECT_SOURCE_DIR}/docs/snapfix.1"
  DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
# Completion: each shell asks the helper for the rest.
install(FILES "${CMAKE_CURRENT_LIST_DIR}/completion/snapfix.bash"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME snapfix)
install(FILES "${CMAKE_CURRENT_LIST_DIR}/completion/snapfix.fish"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
install(FILES "${CMAKE_CURRENT_LIST_DIR}/completion/_snapfix"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
