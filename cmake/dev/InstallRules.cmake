# What `cmake --install` puts where. Nothing in it depends on the prefix.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/SnapshotFixtures" CACHE STRING
  "Where the CMake package goes, relative to the prefix")
mark_as_advanced(SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR)

install(TARGETS snapfix EXPORT SnapshotFixturesTargets
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
if(TARGET snapfix-static) # a program for roots, not for people
  install(TARGETS snapfix-static RUNTIME DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/snapfix")
endif()
install(EXPORT SnapshotFixturesTargets NAMESPACE SnapshotFixtures::
  DESTINATION "${SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR}")

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/../SnapshotFixturesConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/SnapshotFixturesConfig.cmake"
  INSTALL_DESTINATION "${SNAPSHOT_FIXTURES_INSTALL_CMAKEDIR}"
  NO_SET_AND_CHECK_MACRO)
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
  DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" OPTIONAL)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
